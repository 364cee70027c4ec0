package validation

// Policy is what the operator configured. It must not change while it is in
// use; then any number of goroutines may use it.
type Policy struct {
	Keys Keys
	// Users are the only users who may call, in lower case (see LowerUser).
	// Nil means everyone.
	Users map[string]struct{}
	// AllowGet is MOR's own setting "Allow GET API".
	AllowGet bool
	// MaxBody is the largest body, in bytes.
	MaxBody int64
}

// Judge decides about a request for the action, in the contract's order: method
// (405), declared length (413), type of the body (415), target, query and
// header lines (400), the body (400, 408, 413), and then, on a whole request,
// the table of errors. It reads the body only if all before it is right, and
// waits for a first byte where the type is wrong and the length unknown.
// Judge is called once for a Request.
func (p *Policy) Judge(r *Request) Verdict {
	for r.passed = 0; int(r.passed) < len(readings); r.passed++ {
		if v := readings[r.passed].read(p, r); v != Accepted {
			return v
		}
	}
	for i := range rules {
		if !rules[i].holds(p, r) {
			return rules[i].Verdict
		}
		r.passed++
	}
	return Accepted
}

// readings are the steps of reading a request, in order. The check says what
// holds for a request that passes.
var readings = [...]struct {
	check string
	read  func(*Policy, *Request) Verdict
}{
	{"method is POST or GET", (*Policy).readMethod},
	{"declared length is at most max_body", (*Policy).readLength},
	{"content type and encoding are supported", readType},
	{"target, query and header lines can be read in only one way", readHead},
	{"body is complete, within max_body, and can be read in only one way", (*Policy).readBody},
}

func (p *Policy) readMethod(r *Request) Verdict {
	if r.Method != "POST" && r.Method != "GET" {
		return MethodNotAllowed
	}
	return Accepted
}

func (p *Policy) readLength(r *Request) Verdict {
	if r.Length > p.MaxBody {
		return TooLarge
	}
	return Accepted
}

// readType reads the type of the body. Without a body it does not matter.
func readType(_ *Policy, r *Request) Verdict {
	if r.Length == 0 || r.mediaType() {
		return Accepted
	}
	if r.Length < 0 && r.Body.Empty() {
		r.Length, r.odd = 0, Oddity{}
		return Accepted
	}
	return r.odd.Reason.verdict()
}

func readHead(_ *Policy, r *Request) Verdict {
	if !r.target() || !readForm(r, r.Query, InQuery) || !r.headers() {
		return r.odd.Reason.verdict()
	}
	return Accepted
}

func (p *Policy) readBody(r *Request) Verdict {
	if r.Length != 0 {
		body, v := r.Body.Read(p.MaxBody)
		if v != Accepted {
			return v
		}
		if !r.body(body) {
			return r.odd.Reason.verdict()
		}
	}
	if !r.texts() {
		return r.odd.Reason.verdict()
	}
	return Accepted
}

// Check is a step of judging a request, and whether it was passed.
type Check struct {
	Text   string // what holds for a request that passes
	Result string // "pass", "fail" or "not reached"
}

// Checks returns the steps by which Judge judged the request, in their order.
func (r *Request) Checks() []Check {
	texts := make([]string, 0, len(readings)+len(rules))
	for i := range readings {
		texts = append(texts, readings[i].check)
	}
	for i := range rules {
		texts = append(texts, rules[i].Check)
	}
	checks := make([]Check, len(texts))
	for i, text := range texts {
		result := "pass"
		switch {
		case i == int(r.passed):
			result = "fail"
		case i > int(r.passed):
			result = "not reached"
		}
		checks[i] = Check{text, result}
	}
	return checks
}

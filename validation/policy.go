package validation

// Limits of the values, from the contract.
const (
	// MaxCallLimit is the largest call_limit: "MySQL's INT, which MOR is
	// taken to use".
	MaxCallLimit = 2147483647
	// MaxTimestamp is the largest active_from and active_till, in seconds:
	// "the end of the year 9999; so a timestamp in milliseconds is caught".
	MaxTimestamp = 253402300799
)

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

// Head judges what can be judged before the body has arrived, in the
// contract's order: method (405), declared length (413), type of the body
// (415), target, query and header lines (400). Accepted means: go on.
func (p *Policy) Head(r *Request) Verdict {
	switch {
	case r.Method != "POST" && r.Method != "GET":
		return MethodNotAllowed
	case r.Length > p.MaxBody:
		return TooLarge
	case r.Length != 0 && !r.mediaType(),
		!r.target(),
		!readForm(r, r.Query, InQuery),
		!r.headers():
		return r.odd.Reason.verdict()
	}
	return Accepted
}

// target reports false if the request is refused for its target.
func (r *Request) target() bool {
	if r.Opaque {
		return !r.refuse(OddTarget, InTarget, NoName)
	}
	return isPlainPath(r.Path) || !r.refuse(OddPath, InTarget, NoName)
}

// Body reads the whole body, which may be empty, and judges what can be read
// in more than one way. Accepted means: go on.
func (p *Policy) Body(r *Request, body []byte) Verdict {
	if !r.readBody(body) || !r.texts() {
		return r.odd.Reason.verdict()
	}
	return Accepted
}

func (r *Request) readBody(body []byte) bool {
	switch {
	case len(body) == 0:
		return true
	case r.Method == "GET" && r.refuse(OddBodyOfGet, InForm, NoName):
		return false
	case r.format == formatJSON:
		return readJSON(r, body)
	case r.format == formatMultipart:
		return readMultipart(r, body)
	case r.ascii && !isASCIIForm(body) && r.refuse(OddCharset, InForm, NoName):
		return false
	}
	r.braced = body[0] == '{'
	return readForm(r, body, InForm)
}

// texts refuses what releases read differently in the values that no rule of
// the table looks at: control characters, and quotes around a value, which
// Rack 1.1.0 takes off.
func (r *Request) texts() bool {
	for _, n := range [...]Name{User, DidUserID, GraceTime} {
		text, _ := r.Value(n)
		if hasControl(text) && r.refuse(OddControl, r.Source(n), n) ||
			isQuoted(text) && r.Source(n) != InJSON && r.refuse(OddQuoted, r.Source(n), n) {
			return false
		}
	}
	return true
}

// Rules judges a whole request by the contract's table of errors: "The first
// that applies, in the order of this table, is the answer".
func (p *Policy) Rules(r *Request) Verdict {
	switch {
	case !p.allows(r):
		return AccessDenied
	case r.Method == "GET" && !p.AllowGet:
		return GetDisabled
	case !p.hashIsRight(r):
		return IncorrectHash
	}
	if didID, _ := r.Value(DidID); !isPositive(didID) {
		return DidNotFound
	}
	if limit, ok := r.given(CallLimit); ok {
		if _, ok := decimal(limit, MaxCallLimit); !ok {
			return CallLimitFormat
		}
	}
	from, till := int64(-1), int64(MaxTimestamp+1) // what is not given excludes nothing
	if s, ok := r.given(ActiveFrom); ok {
		if from, ok = decimal(s, MaxTimestamp); !ok {
			return ActiveFromInvalid
		}
	}
	if s, ok := r.given(ActiveTill); ok {
		if till, ok = decimal(s, MaxTimestamp); !ok {
			return ActiveTillInvalid
		}
	}
	if till <= from {
		return ActiveTillNotGreater
	}
	return Accepted
}

// allows reports whether there is a user, and one who may call.
func (p *Policy) allows(r *Request) bool {
	user, _ := r.Value(User)
	if isBlankUser(user) {
		return false
	}
	if p.Users == nil {
		return true
	}
	mark := r.hold()
	defer r.drop(mark)
	r.buf = appendLower(r.buf, user)
	_, ok := p.Users[string(r.buf[mark:])]
	return ok
}

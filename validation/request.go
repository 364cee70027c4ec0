package validation

import (
	"bytes"
	"slices"
)

// Request is one request for the action: what the caller knows of it, and
// what the readers found in it. Set the exported fields, then call
// Policy.Judge. A Request serves one request and must not be copied.
type Request struct {
	Method  string              // as it came
	Path    string              // decoded
	Query   string              // raw, without the "?"
	Opaque  bool                // the target is neither a path nor an address
	Trailer bool                // trailers are declared; what isn't declared isn't forwarded
	Header  map[string][]string // with canonical names, as net/http makes them
	Length  int64               // declared length of the body in bytes, -1 if unknown
	Body    Body                // read unless Length is 0

	passed   uint8 // steps of judging
	format   format
	ascii    bool // the charset has only ASCII in common with UTF-8
	braced   bool // a form that begins as JSON does
	marked   bool // JSON after a byte order mark
	sendsKey bool // has the parameter API_Secret_Key
	odd      Oddity
	boundary string
	values   [numNames]value
	buf      []byte   // all guarded values, decoded, one after the other
	arr      [64]byte // for buf, which is mostly shorter
}

// Body is the body of a request, which is read only when it must be.
type Body interface {
	// Empty reports whether the body ends without a byte. It waits for the
	// first one.
	Empty() bool
	// Read returns the whole body if it has at most limit bytes. The verdict
	// is Accepted then; else TooLarge, Incomplete or TimedOut.
	Read(limit int64) ([]byte, Verdict)
}

// Bytes is a body that is there already, whole.
type Bytes []byte

// Empty reports whether there is no byte.
func (b Bytes) Empty() bool { return len(b) == 0 }

// Read returns the body, unless it is longer than limit.
func (b Bytes) Read(limit int64) ([]byte, Verdict) {
	if int64(len(b)) > limit {
		return nil, TooLarge
	}
	return b, Accepted
}

// value is a guarded parameter as Rails will see it: a piece of Request.buf.
type value struct {
	start, end uint32 // a request has less than 4 GiB
	state      valueState
	source     Source
}

type valueState uint8

const (
	absent  valueState = iota
	null               // JSON's null: "not given"
	present            // a text, perhaps empty
	number             // a text that is a number in JSON
)

// Value returns the text of a guarded parameter as MOR would read it, and
// whether the request gives it a text at all. The text is valid as long as the
// Request is.
func (r *Request) Value(n Name) (text []byte, ok bool) {
	v := r.values[n]
	return r.buf[v.start:v.end], v.state >= present
}

// Source returns the part of the request that a parameter was read from, the
// query before the body, as in Rails.
func (r *Request) Source(n Name) Source { return r.values[n].source }

// Oddity returns what is odd about a request whose verdict is Ambiguous or
// UnsupportedMediaType.
func (r *Request) Oddity() Oddity { return r.odd }

// InOrder returns the parameters of the contract's table that the request
// gives, in the order in which they were read.
func (r *Request) InOrder() []Name {
	var names []Name
	for _, n := range Names() {
		if r.values[n].state >= present {
			names = append(names, n)
		}
	}
	slices.SortFunc(names, func(a, b Name) int { return int(r.values[a].start) - int(r.values[b].start) })
	return names
}

// fail records why the request is refused. It returns false, for the readers
// to return.
func (r *Request) fail(why Reason, where Source, n Name) bool {
	r.odd = Oddity{why, where, n}
	return false
}

// hold starts a value. Until keep or drop, everything appended to r.buf is
// part of it.
func (r *Request) hold() (mark int) {
	if r.buf == nil {
		r.buf = r.arr[:0]
	}
	return len(r.buf)
}

// drop forgets a value that hold started.
func (r *Request) drop(mark int) { r.buf = r.buf[:mark] }

// keep gives the text since mark, or null, to a guarded parameter. It reports
// false if the request is to be refused: for a parameter that changes the
// method, and for one that was read before with another value. Which of the
// two MOR takes depends on its release and on where they are.
func (r *Request) keep(n Name, where Source, mark int, state valueState) bool {
	v := value{uint32(mark), uint32(len(r.buf)), state, where}
	if n == MethodOverride {
		return r.fail(OddMethodParam, v.source, n)
	}
	old := r.values[n]
	if old.state == absent {
		r.values[n] = v
		return true
	}
	same := (old.state == null) == (v.state == null) && bytes.Equal(r.buf[old.start:old.end], r.buf[v.start:v.end])
	r.drop(int(v.start))
	if !same {
		return r.fail(OddRepeated, v.source, n)
	}
	return true
}

// target reports false if the request is refused for its target.
func (r *Request) target() bool {
	if r.Opaque {
		return r.fail(OddTarget, InTarget, NoName)
	}
	if !isPlainPath(r.Path) {
		return r.fail(OddPath, InTarget, NoName)
	}
	return true
}

// body reads a body, which may be empty.
func (r *Request) body(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	if r.Method == "GET" {
		return r.fail(OddBodyOfGet, InForm, NoName)
	}
	switch r.format {
	case formatJSON:
		return readJSON(r, b)
	case formatMultipart:
		return readMultipart(r, b)
	}
	if r.ascii && !isASCIIForm(b) {
		return r.fail(OddCharset, InForm, NoName)
	}
	if bytes.HasPrefix(b, byteOrderMark) {
		return r.fail(OddByteOrderMark, InForm, NoName)
	}
	r.braced = beginsAsJSON(b)
	return readForm(r, b, InForm)
}

// texts refuses what releases read differently in the values that no rule of
// the table looks at: control characters, and quotes around a value, which
// Rack 1.1.0 takes off.
func (r *Request) texts() bool {
	for _, n := range [...]Name{User, DidUserID, GraceTime} {
		text, _ := r.Value(n)
		if hasControl(text) {
			return r.fail(OddControl, r.Source(n), n)
		}
		if isQuoted(text) && r.Source(n) != InJSON {
			return r.fail(OddQuoted, r.Source(n), n)
		}
	}
	return true
}

// given reports whether an optional parameter is "present and not blank";
// white space is ASCII's.
func (r *Request) given(n Name) (text []byte, ok bool) {
	text, ok = r.Value(n)
	return text, ok && !isBlank(text)
}

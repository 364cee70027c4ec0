package validation

import "bytes"

// Request is one request for the action: what the caller knows of it, and
// what the readers found in it. Set the exported fields, then call
// Policy.Head, Policy.Body and Policy.Rules in this order, as long as the
// verdict is Accepted. A Request serves one request and must not be copied.
type Request struct {
	Method  string              // as it came
	Path    string              // decoded
	Opaque  bool                // the target is neither a path nor an address
	Query   string              // raw, without the "?"
	Header  map[string][]string // with canonical names, as net/http makes them
	Length  int64               // declared length of the body in bytes, -1 if unknown
	Trailer bool                // trailers are declared; what isn't declared isn't forwarded

	format   format
	boundary string
	ascii    bool // the charset has only ASCII in common with UTF-8
	braced   bool // a form that begins as JSON does
	odd      Oddity
	values   [numNames]value
	buf      []byte    // all guarded values, decoded, one behind the other
	arr      [128]byte // for buf, which is mostly shorter
}

// value is a guarded parameter as Rails will see it: a piece of Request.buf.
type value struct {
	start, end int
	state      valueState
	source     Source
}

type valueState uint8

const (
	absent  valueState = iota
	null               // JSON's null: "not given"
	present            // a text, perhaps empty
)

// Value returns the text of a guarded parameter as MOR would read it, and
// whether it stands in the request with a text at all. It is valid as long as
// the Request is.
func (r *Request) Value(n Name) (text []byte, ok bool) {
	v := r.values[n]
	return r.buf[v.start:v.end], v.state == present
}

// Source returns the part of the request that a parameter was read from, the
// query before the body, as in Rails.
func (r *Request) Source(n Name) Source { return r.values[n].source }

// Oddity returns what is odd about a request whose verdict is Ambiguous or
// UnsupportedMediaType.
func (r *Request) Oddity() Oddity { return r.odd }

// refuse records an oddity and reports whether the request is refused for it.
// Where it returns false (never, outside of the tests that switch a rule
// off), the reader goes on as leniently as its code allows.
func (r *Request) refuse(why Reason, where Source, n Name) bool {
	if !why.enforced() {
		return false
	}
	r.odd = Oddity{why, where, n}
	return true
}

// hold starts a value: what is appended to r.buf until keep or drop belongs
// to it.
func (r *Request) hold() (mark int) {
	if r.buf == nil {
		r.buf = r.arr[:0]
	}
	return len(r.buf)
}

// drop forgets a value that hold started.
func (r *Request) drop(mark int) { r.buf = r.buf[:mark] }

// keep gives the text since mark to a guarded parameter. It reports false if
// the request is to be refused: for a parameter that changes the method, and
// for one that was read before with another value. Which of the two MOR takes
// depends on its release and on where they stand.
func (r *Request) keep(n Name, where Source, mark int) bool {
	return r.set(n, value{mark, len(r.buf), present, where})
}

// keepNull gives JSON's null to a guarded parameter, like keep.
func (r *Request) keepNull(n Name, where Source) bool {
	mark := r.hold()
	return r.set(n, value{mark, mark, null, where})
}

func (r *Request) set(n Name, v value) bool {
	if n == MethodOverride && r.refuse(OddMethodParam, v.source, n) {
		return false
	}
	old := r.values[n]
	if old.state == absent {
		r.values[n] = v
		return true
	}
	same := old.state == v.state && bytes.Equal(r.buf[old.start:old.end], r.buf[v.start:v.end])
	r.drop(v.start)
	return same || !r.refuse(OddRepeated, v.source, n)
}

// given reports whether an optional parameter is "present and not blank";
// white space is ASCII's.
func (r *Request) given(n Name) (text []byte, ok bool) {
	text, ok = r.Value(n)
	return text, ok && !isBlank(text)
}

package validation

// Name is a guarded parameter: one that a rule of the contract speaks of, or
// one by which Rails changes the meaning of the request.
type Name uint8

// The guarded parameters, in the order of the contract's table.
const (
	NoName Name = iota // any other parameter: data, passed untouched
	DidID
	Hash
	User
	CallLimit
	DidUserID
	ActiveFrom
	ActiveTill
	GraceTime
	MethodOverride // Rack::MethodOverride's form field
	numNames
)

var nameTexts = [numNames]string{
	DidID:          "did_id",
	Hash:           "hash",
	User:           "u",
	CallLimit:      "call_limit",
	DidUserID:      "did_user_id",
	ActiveFrom:     "active_from",
	ActiveTill:     "active_till",
	GraceTime:      "grace_time",
	MethodOverride: "_method",
}

// String returns the parameter's name as it is written in a request.
func (n Name) String() string { return nameTexts[n] }

// Names returns the parameters that the contract's table lists, in its order.
func Names() []Name {
	return []Name{DidID, Hash, User, CallLimit, DidUserID, ActiveFrom, ActiveTill, GraceTime}
}

// maxNameLen is the length of the longest guarded name.
const maxNameLen = len("active_from")

// nameOf returns the guarded name that is written exactly so.
func nameOf[T text](s T) Name {
	for n, text := range &nameTexts { // not of a copy
		if string(s) == text {
			return Name(n)
		}
	}
	return NoName
}

// word collects, byte by byte, the first word of a parameter's name: what is
// left of it when Rack has dropped the brackets around it and some servers
// the white space or control characters. Rack's pattern is
// \A[\[\]]*([^\[\]]+)\]*, so `[call_limit]`, `call_limit]` and
// `call_limit[x]` all name call_limit. An encoded "=" ends it too: Rack before
// 1.3 looks for the "=" after decoding.
type word struct {
	text  [maxNameLen]byte
	n     int  // bytes of the word so far; more than fit means no guarded name
	gap   int  // spaces after them, part of the word if it goes on
	extra bool // the name has bytes that aren't part of the word
	ended bool
}

func (w *word) add(c byte) {
	switch {
	case w.ended || w.n > len(w.text):
	case c == '[' || c == ']' || c == '=' || isControl(c):
		w.extra = true
		w.ended = w.n > 0
	case c == ' ':
		w.extra = true
		if w.n > 0 {
			w.gap++
		}
	default:
		if w.gap > 0 { // a space inside: no guarded name has one
			w.n = len(w.text) + 1
			w.gap = 0
		}
		if w.n < len(w.text) {
			w.text[w.n] = c
		}
		w.n++
	}
}

// name returns the guarded name that the word is, if any, and whether it is
// written exactly so.
func (w *word) name() (n Name, exact bool) {
	if w.n == 0 || w.n > len(w.text) {
		return NoName, false
	}
	return nameOf(w.text[:w.n]), !w.extra
}

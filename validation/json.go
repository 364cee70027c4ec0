package validation

import (
	"unicode/utf16"
	"unicode/utf8"
)

// maxJSONDepth is Ruby's limit on nested arrays and objects.
const maxJSONDepth = 100

// readJSON reads a JSON text as in RFC 8259 whose root is an object. Only the
// root's own members can be guarded; all others must be well-formed, no more.
// It reports false if the request is refused.
func readJSON(r *Request, b []byte) bool {
	if r.ascii && !isASCII(b) {
		return r.fail(OddCharset, InJSON, NoName)
	}
	j := jsonReader{r: r, b: b}
	j.space()
	if j.peek() != '{' {
		return r.fail(OddJSONRoot, InJSON, NoName)
	}
	j.object()
	if j.space(); j.i < len(b) {
		j.fail(OddJSONSyntax)
	}
	return r.odd.Reason == NoReason
}

// jsonReader walks through the text once. The first thing that it can't read
// stops it.
type jsonReader struct {
	r    *Request
	b    []byte
	i    int
	name Name // the guarded parameter that is being read
	done bool // nothing more is read
}

// fail stops the reading. The first reason counts.
func (j *jsonReader) fail(why Reason) {
	if j.ok() {
		j.r.fail(why, InJSON, j.name)
	}
	j.stop()
}

func (j *jsonReader) stop() { j.i, j.done = len(j.b), true }

// ok reports whether nothing has stopped the reading.
func (j *jsonReader) ok() bool { return !j.done }

// peek returns the next byte, 0 at the end. A NUL in the text is no token
// anyway.
func (j *jsonReader) peek() byte {
	if j.i < len(j.b) {
		return j.b[j.i]
	}
	return 0
}

func (j *jsonReader) space() {
	for j.i < len(j.b) {
		switch j.b[j.i] {
		case ' ', '\t', '\n', '\r':
			j.i++
		default:
			return
		}
	}
}

// token skips white space, the byte c, and white space after it.
func (j *jsonReader) token(c byte) {
	j.space()
	if j.peek() != c {
		j.fail(OddJSONSyntax)
		return
	}
	j.i++
	j.space()
}

// object reads the root.
func (j *jsonReader) object() {
	j.token('{')
	if j.peek() == '}' {
		j.i++
		return
	}
	for j.ok() {
		mark := j.r.hold()
		j.str(&j.r.buf)
		n := nameOf(j.r.buf[mark:])
		j.r.drop(mark)
		j.token(':')
		if n == NoName {
			j.skip()
		} else {
			j.guarded(n)
		}
		if j.space(); j.peek() == '}' {
			j.i++
			return
		}
		j.token(',')
	}
}

// guarded reads the value of a guarded parameter: a string, an integer, whose
// text is taken as it stands, or null.
func (j *jsonReader) guarded(n Name) {
	j.name = n
	mark, start := j.r.hold(), j.i
	switch c := j.peek(); c {
	case '"':
		j.str(&j.r.buf)
	case 'n':
		j.literal("null")
	default:
		j.skip()
		if j.ok() && !isJSONInteger(j.b[start:j.i]) {
			j.fail(OddJSONType)
		}
		if j.ok() {
			j.r.buf = append(j.r.buf, j.b[start:j.i]...)
		}
	}
	if !j.ok() {
		return
	}
	state := present
	if j.b[start] == 'n' {
		state = null
	}
	if !j.r.keep(n, InJSON, mark, state) {
		j.stop()
	}
	j.name = NoName
}

// isJSONInteger reports whether a well-formed JSON value is an integer that
// every parser reads alike: no fraction, no exponent, not -0.
func isJSONInteger(v []byte) bool {
	if v[0] == '-' {
		v = v[1:]
		if v[0] == '0' {
			return false
		}
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// skip reads any value, without recursion: it remembers of each array or
// object that it is inside of which of the two it is.
func (j *jsonReader) skip() {
	var inObject [maxJSONDepth]bool
	depth := 0 // below the root
	for j.ok() {
		switch c := j.peek(); {
		case c == '{' || c == '[':
			if depth++; depth >= maxJSONDepth { // the root counts too
				j.fail(OddJSONDepth)
				return
			}
			inObject[depth] = c == '{'
			j.i++
			j.space()
			if j.peek() == c+2 { // "]" is "["+2, "}" is "{"+2
				break
			}
			if c == '{' {
				j.key()
			}
			continue
		case c == '"':
			j.str(nil)
		case c == 't':
			j.literal("true")
		case c == 'f':
			j.literal("false")
		case c == 'n':
			j.literal("null")
		default:
			j.number()
		}
		// A value ended, or a container that is empty is about to.
		for depth > 0 && j.ok() {
			if j.space(); j.peek() == ',' {
				j.i++
				j.space()
				if inObject[depth] {
					j.key()
				}
				break
			}
			end := byte(']')
			if inObject[depth] {
				end = '}'
			}
			if j.peek() != end {
				j.fail(OddJSONSyntax)
				return
			}
			j.i++
			depth--
		}
		if depth == 0 {
			return
		}
	}
}

// key reads a member's name and the colon.
func (j *jsonReader) key() {
	j.str(nil)
	j.token(':')
}

func (j *jsonReader) literal(s string) {
	if len(j.b)-j.i < len(s) || string(j.b[j.i:j.i+len(s)]) != s {
		j.fail(OddJSONSyntax)
		return
	}
	j.i += len(s)
}

func (j *jsonReader) number() {
	if j.peek() == '-' {
		j.i++
	}
	if j.peek() == '0' {
		j.i++
	} else {
		j.digits()
	}
	if j.peek() == '.' {
		j.i++
		j.digits()
	}
	if c := j.peek(); c == 'e' || c == 'E' {
		j.i++
		if c := j.peek(); c == '+' || c == '-' {
			j.i++
		}
		j.digits()
	}
}

// digits reads one digit or more.
func (j *jsonReader) digits() {
	start := j.i
	for c := j.peek(); '0' <= c && c <= '9'; c = j.peek() {
		j.i++
	}
	if j.i == start {
		j.fail(OddJSONSyntax)
	}
}

// str reads a string and appends it, decoded, to dst if there is one.
func (j *jsonReader) str(dst *[]byte) {
	if j.peek() != '"' {
		j.fail(OddJSONSyntax)
		return
	}
	j.i++
	for j.i < len(j.b) {
		start := j.i
		for j.i < len(j.b) && j.b[j.i] != '"' && j.b[j.i] != '\\' && j.b[j.i] >= ' ' {
			j.i++
		}
		run := j.b[start:j.i]
		if !utf8.Valid(run) {
			j.fail(OddUTF8)
		}
		if dst != nil {
			*dst = append(*dst, run...)
		}
		switch j.peek() {
		case '"':
			j.i++
			return
		case '\\':
			j.i++
			c := j.escape()
			if j.r.ascii && c >= utf8.RuneSelf {
				j.fail(OddCharset)
			}
			if j.ok() && dst != nil {
				*dst = utf8.AppendRune(*dst, c)
			}
		default: // a raw control character, or the end
			j.fail(OddJSONSyntax)
		}
	}
	j.fail(OddJSONSyntax)
}

// escape reads what follows a backslash.
func (j *jsonReader) escape() rune {
	c := j.peek()
	j.i++
	switch c {
	case '"', '\\', '/':
		return rune(c)
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'u':
		c := j.hex4()
		if !utf16.IsSurrogate(c) {
			return c
		}
		low := rune(-1)
		if j.i+1 < len(j.b) && j.b[j.i] == '\\' && j.b[j.i+1] == 'u' {
			j.i += 2
			low = j.hex4()
		}
		if c = utf16.DecodeRune(c, low); c == utf8.RuneError && j.ok() {
			j.fail(OddUTF8) // half of a surrogate pair
		}
		return c
	}
	j.fail(OddJSONSyntax)
	return 0
}

func (j *jsonReader) hex4() rune {
	if len(j.b)-j.i < 4 {
		j.fail(OddJSONSyntax)
		return 0
	}
	var c rune
	for _, d := range j.b[j.i : j.i+4] {
		h := unhex(d)
		if h < 0 {
			j.fail(OddJSONSyntax)
			return 0
		}
		c = c<<4 | rune(h)
	}
	j.i += 4
	return c
}

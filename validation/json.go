package validation

import (
	"bytes"
	"encoding/json"
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
	if !utf8.Valid(b) {
		return r.fail(OddUTF8, InJSON, NoName)
	}
	if !json.Valid(b) {
		r.marked = bytes.HasPrefix(b, byteOrderMark)
		return r.fail(OddJSONSyntax, InJSON, NoName)
	}
	if b = bytes.TrimLeft(b, jsonSpace); b[0] != '{' {
		return r.fail(OddJSONRoot, InJSON, NoName)
	}
	j := jsonReader{r, b}
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			if depth++; depth > maxJSONDepth {
				return r.fail(OddJSONDepth, InJSON, NoName)
			}
		case '}', ']':
			depth--
		case '"':
			end, ok := j.member(i, depth == 1)
			if !ok {
				return false
			}
			i = end - 1
		}
	}
	return true
}

const jsonSpace = " \t\r\n"

// jsonReader reads a well-formed text.
type jsonReader struct {
	r *Request
	b []byte
}

// member reads the string at i and, if it is the name of a guarded parameter in
// the root, the value after it. It returns where they end, and false if the
// request is refused.
func (j jsonReader) member(i int, inRoot bool) (end int, ok bool) {
	mark := j.r.hold()
	end, ok = j.str(i, NoName)
	name := j.r.buf[mark:]
	j.r.drop(mark)
	rest := bytes.TrimLeft(j.b[end:], jsonSpace)
	if !ok || !inRoot || rest[0] != ':' {
		return end, ok
	}
	n := nameOf(name)
	if n == NoName {
		noteName(j.r, name)
		return end, true
	}
	i = len(j.b) - len(bytes.TrimLeft(rest[1:], jsonSpace))
	return j.guarded(i, n)
}

// guarded reads the value of a guarded parameter: a string, an integer, whose
// text is taken as it stands, or null.
func (j jsonReader) guarded(i int, n Name) (end int, ok bool) {
	mark, state := j.r.hold(), present
	if j.b[i] == '"' {
		if end, ok = j.str(i, n); !ok {
			return end, false
		}
		return end, j.r.keep(n, InJSON, mark, state)
	}
	for end = i; isWordByte(j.b[end]) || j.b[end] == '.' || j.b[end] == '+'; {
		end++ // the text does not end with a value
	}
	switch text := j.b[i:end]; {
	case string(text) == "null":
		state = null
	case isJSONInteger(text):
		state = number
		j.r.buf = append(j.r.buf, text...)
	default:
		return end, j.r.fail(OddJSONType, InJSON, n)
	}
	return end, j.r.keep(n, InJSON, mark, state)
}

// isJSONInteger reports whether a JSON value is an integer that every parser
// reads alike: no fraction, no exponent, not -0.
func isJSONInteger(v []byte) bool {
	digits := bytes.TrimPrefix(v, []byte("-"))
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(digits) > 0 && string(v) != "-0"
}

// str appends the string at i, decoded, to the buffer, and returns where it
// ends. It reports false if the request is refused.
func (j jsonReader) str(i int, n Name) (end int, ok bool) {
	for i++; ; {
		run := bytes.IndexAny(j.b[i:], `"\`)
		j.r.buf = append(j.r.buf, j.b[i:i+run]...)
		if i += run; j.b[i] == '"' {
			return i + 1, true
		}
		c, size := unescapeJSON(j.b[i:])
		if c == utf8.RuneError && j.b[i+1] == 'u' && !bytes.EqualFold(j.b[i+2:i+6], []byte("fffd")) {
			return i, j.r.fail(OddUTF8, InJSON, n) // half of a surrogate pair
		}
		if j.r.ascii && c >= utf8.RuneSelf {
			return i, j.r.fail(OddCharset, InJSON, n)
		}
		j.r.buf = utf8.AppendRune(j.r.buf, c)
		i += size
	}
}

// unescapeJSON returns the character that the escape at the beginning of s
// means, and the escape's length. Half of a surrogate pair gives
// utf8.RuneError.
func unescapeJSON(s []byte) (c rune, size int) {
	switch s[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		c = hex4(s[2:])
		if !utf16.IsSurrogate(c) {
			return c, 6
		}
		if s[6] == '\\' && s[7] == 'u' {
			return utf16.DecodeRune(c, hex4(s[8:])), 12
		}
		return utf8.RuneError, 6
	}
	return rune(s[1]), 2
}

func hex4(s []byte) (c rune) {
	for _, d := range s[:4] {
		c = c<<4 | rune(unhex(d))
	}
	return c
}

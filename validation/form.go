package validation

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// readForm reads a query or an urlencoded body: pairs between "&", each a
// name and a value around the first "=", both with %XX and "+" for a space.
// It reports false if the request is refused.
func readForm[T text](r *Request, s T, where Source) bool {
	p := pair[T]{r: r, where: where, eq: -1}
	start := 0
	for i := range len(s) {
		c := s[i]
		if isFormText[c] {
			continue
		}
		switch {
		case c == '&':
			if p.s = s[start:i]; !p.read() {
				return false
			}
			start = i + 1
			p.eq, p.coded, p.semicolon = -1, false, false
		case c == '=':
			if p.eq < 0 {
				p.eq = i - start
			}
		case c == ';':
			p.semicolon = true
		case c == '%' || c == '+' || c >= 0x80 || isControl(c):
			p.coded = true
			fallthrough
		case c == ' ' || c == '#':
			// Servers end the request line at a space, puma the query at "#".
			if where == InQuery && (c == ' ' || c == '#' || isControl(c)) {
				return r.fail(OddQueryByte, where, NoName)
			}
		}
	}
	p.s = s[start:]
	return p.read()
}

// isFormText has the bytes that mean nothing but themselves in a form: nearly
// all that a request has.
var isFormText = func() (t [256]bool) {
	for c := byte(' '); c < 0x7f; c++ {
		t[c] = strings.IndexByte(" #%&+;=", c) < 0
	}
	return t
}()

// isASCIIForm reports whether an urlencoded body is ASCII, both as it is and
// decoded.
func isASCIIForm(s []byte) bool {
	for i, c := range s {
		if c >= 0x80 || c == '%' && i+1 < len(s) && unhex(s[i+1]) >= 8 {
			return false
		}
	}
	return true
}

// pair is the text between two "&".
type pair[T text] struct {
	r         *Request
	where     Source
	s         T
	eq        int  // index of the first "=", or -1
	coded     bool // has an escape, a "+", or a byte that isn't printable ASCII
	semicolon bool // has a raw ";"
}

func (p *pair[T]) read() bool {
	name, val := p.s, p.s[len(p.s):]
	if p.eq >= 0 {
		name, val = p.s[:p.eq], p.s[p.eq+1:]
	}
	n, exact, ok := p.name(name)
	if !ok {
		return false
	}
	if p.semicolon && !p.splitAlike(n) {
		return false
	}
	mark := p.r.hold()
	if n == NoName {
		noteName(p.r, name)
		ok = !p.coded || p.decode(val)
		p.r.drop(mark)
		return ok
	}
	if !exact {
		return p.r.fail(OddName, p.where, n)
	}
	if p.eq < 0 {
		return p.r.fail(OddNoValue, p.where, n)
	}
	if !p.coded {
		p.r.buf = append(p.r.buf, val...)
	} else if !p.decode(val) {
		return false
	}
	return p.r.keep(n, p.where, mark, present)
}

// splitAlike refuses a pair with a raw ";" unless those who split there as
// well (Rack before 3 in the query, Rack 1 in bodies) find no guarded
// parameter in it either. n is the name that the whole pair has.
func (p *pair[T]) splitAlike(n Name) bool {
	start, eq := 0, -1
	for i := 0; n == NoName && i <= len(p.s); i++ {
		switch {
		case i == len(p.s) || p.s[i] == ';':
			end := i
			if eq >= 0 {
				end = eq
			}
			var ok bool
			if n, _, ok = p.name(p.s[start:end]); !ok {
				return false
			}
			start, eq = i+1, -1
		case p.s[i] == '=' && eq < 0:
			eq = i
		}
	}
	if n != NoName {
		return p.r.fail(OddSemicolon, p.where, n)
	}
	return true
}

// name returns the guarded parameter that a name, still encoded, may be taken
// for, and whether it is written exactly so once decoded. It reports ok false
// if the request is refused.
func (p *pair[T]) name(s T) (n Name, exact, ok bool) {
	if n = nameOf(s); n != NoName {
		return n, true, true
	}
	var w, clean word
	if p.coded {
		mark := p.r.hold()
		defer p.r.drop(mark)
		if !p.decode(s) {
			return NoName, false, false
		}
		for _, c := range p.r.buf[mark:] {
			w.add(c)
			if c != 0 { // Rack::UTF8Sanitizer can take it out
				clean.add(c)
			}
		}
		if n, exact = w.name(); n == NoName {
			n, _ = clean.name()
			exact = false
		}
		return n, exact, true
	}
	for i := range len(s) {
		w.add(s[i])
	}
	n, exact = w.name()
	return n, exact, true
}

// decode undoes the encoding of forms, %XX and "+" for a space, and appends
// what comes out to the buffer. It reports false if the request is refused.
func (p *pair[T]) decode(s T) bool {
	mark := len(p.r.buf)
	p.r.buf = slices.Grow(p.r.buf, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			if i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
				return p.r.fail(OddEscape, p.where, NoName)
			}
			c = byte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
		}
		p.r.buf = append(p.r.buf, c)
	}
	if !utf8.Valid(p.r.buf[mark:]) {
		return p.r.fail(OddUTF8, p.where, NoName)
	}
	return true
}

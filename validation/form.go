package validation

import "strings"

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

// isASCIIForm reports whether an urlencoded body has nothing but ASCII, decoded
// or not.
func isASCIIForm(s []byte) bool {
	for i, c := range s {
		if c >= 0x80 || c == '%' && i+1 < len(s) && unhex(s[i+1]) >= 8 {
			return false
		}
	}
	return true
}

// pair is what stands between two "&".
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
	if n == NoName {
		return !p.coded || p.decode(val, nil)
	}
	if !exact {
		return p.r.fail(OddName, p.where, n)
	}
	if p.eq < 0 {
		return p.r.fail(OddNoValue, p.where, n)
	}
	mark := p.r.hold()
	if !p.coded {
		p.r.buf = append(p.r.buf, val...)
	} else if !p.decode(val, &p.r.buf) {
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
	var w word
	if !p.coded {
		for i := range len(s) {
			w.add(s[i])
		}
		n, exact = w.name()
		return n, exact, true
	}
	var clean word // what Rack::UTF8Sanitizer can make of it: it takes NULs out
	d := decoder[T]{s: s}
	for c, more := d.next(); more; c, more = d.next() {
		w.add(c)
		if c != 0 {
			clean.add(c)
		}
	}
	if n, exact = w.name(); n == NoName {
		n, _ = clean.name()
		exact = false
	}
	return n, exact, p.sound(&d)
}

// decode checks a value's encoding and appends it, decoded, to dst if there
// is one. It reports false if the request is refused.
func (p *pair[T]) decode(s T, dst *[]byte) bool {
	d := decoder[T]{s: s}
	for c, more := d.next(); more; c, more = d.next() {
		if dst != nil {
			*dst = append(*dst, c)
		}
	}
	return p.sound(&d)
}

func (p *pair[T]) sound(d *decoder[T]) bool {
	if d.badEscape {
		return p.r.fail(OddEscape, p.where, NoName)
	}
	if !d.utf8.ok() {
		return p.r.fail(OddUTF8, p.where, NoName)
	}
	return true
}

// decoder undoes the encoding of forms byte by byte.
type decoder[T text] struct {
	s         T
	i         int
	badEscape bool
	utf8      utf8Check
}

func (d *decoder[T]) next() (c byte, ok bool) {
	if d.i >= len(d.s) {
		return 0, false
	}
	c = d.s[d.i]
	d.i++
	switch c {
	case '+':
		c = ' '
	case '%':
		if d.i+1 < len(d.s) && unhex(d.s[d.i]) >= 0 && unhex(d.s[d.i+1]) >= 0 {
			c = byte(unhex(d.s[d.i])<<4 | unhex(d.s[d.i+1]))
			d.i += 2
		} else {
			d.badEscape = true
		}
	}
	if c >= 0x80 || d.utf8.need > 0 {
		d.utf8.add(c)
	}
	return c, true
}

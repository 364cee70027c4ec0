package validation

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// maxBoundary is the longest boundary that RFC 2046 allows.
const maxBoundary = 70

// isBoundary reports whether every release of Rack, which looks for
// boundary="?([^";,]+)"?, takes s for the boundary and nothing else. If
// "boundary=" is there twice, 2.2.23, 3.1.21, 3.2.6 and their successors take
// the text after the first one, and all others the text after the last.
func isBoundary(s string) bool {
	const name = "boundary"
	for i := range len(s) {
		if !isBoundaryByte(s[i]) || s[i] == '=' && i >= len(name) && equalFold(s[i-len(name):i], name) {
			return false
		}
	}
	return 0 < len(s) && len(s) <= maxBoundary
}

// isBoundaryByte reports whether a boundary may have the byte: RFC 2046's
// characters without the comma and the space, and "*". Qt's libraries use "/",
// Symfony's and Python's use "=", and snippets for Android use "*".
func isBoundaryByte(c byte) bool { return isTokenByte(c) || strings.IndexByte("'()/:=?*", c) >= 0 }

// readMultipart reads a multipart/form-data body in the one shape that HTTP
// libraries write. It reports false if the request is refused.
//
//	body = [CRLF] +("--" boundary CRLF part CRLF) "--" boundary "--" [CRLF [CRLF]]
//	part = head CRLF value
//
// "--" boundary is nowhere else, because Rack would cut a value there. The two
// line ends at the end come from form-data-encoder, which many libraries for
// Node use.
func readMultipart(r *Request, b []byte) bool {
	if r.ascii && !isASCII(b) {
		return r.fail(OddCharset, InMultipart, NoName)
	}
	delimiter := append(append(make([]byte, 0, len("--")+maxBoundary), "--"...), r.boundary...)
	b = bytes.TrimPrefix(b, []byte("\r\n"))
	if !bytes.HasPrefix(b, delimiter) {
		return r.fail(OddPartFrame, InMultipart, NoName)
	}
	b = b[len(delimiter):]
	for first := true; ; first = false {
		switch string(b) {
		case "--", "--\r\n", "--\r\n\r\n":
			if !first {
				return true
			}
		}
		if !bytes.HasPrefix(b, []byte("\r\n")) {
			return r.fail(OddPartFrame, InMultipart, NoName)
		}
		b = b[len("\r\n"):]
		end := bytes.Index(b, delimiter)
		if end < 0 || !bytes.HasSuffix(b[:end], []byte("\r\n")) {
			return r.fail(OddPartFrame, InMultipart, NoName)
		}
		if !r.readPart(b[:end-len("\r\n")]) {
			return false
		}
		b = b[end+len(delimiter):]
	}
}

// part is what the head of a part says.
type part struct {
	r        *Request
	name     Name
	exact    bool
	named    bool
	bare     bool // the name is not in quotes
	file     bool
	typed    bool // has a Content-Type
	encoded  bool // has a Content-Transfer-Encoding
	sized    bool // has a Content-Length
	ascii    bool // the charset is one that has only ASCII in common with UTF-8
	anyTyped bool // the type is one that only a file may have
}

func (p *part) fail(why Reason) bool { return p.r.fail(why, InMultipart, p.name) }

// readPart reads one part. It reports false if the request is refused.
func (r *Request) readPart(b []byte) bool {
	p := part{r: r}
	for {
		end := bytes.Index(b, []byte("\r\n"))
		if end < 0 {
			return p.fail(OddPartHeader)
		}
		line := b[:end]
		b = b[end+len("\r\n"):]
		if len(line) == 0 {
			break
		}
		if !p.line(line) {
			return false
		}
	}
	if !p.named {
		return p.fail(OddPartHeader)
	}
	if p.anyTyped && !p.file {
		return p.fail(OddPartType)
	}
	if p.file {
		if p.name != NoName {
			return p.fail(OddPartFile)
		}
		return true
	}
	if !utf8.Valid(b) {
		return p.fail(OddUTF8)
	}
	if p.ascii && !isASCII(b) {
		return p.fail(OddPartType)
	}
	if p.name == NoName {
		return true
	}
	if !p.exact {
		return p.fail(OddName)
	}
	mark := r.hold()
	r.buf = append(r.buf, b...)
	return r.keep(p.name, InMultipart, mark, present)
}

// line reads one line of a part's head: one of the four header fields that
// HTTP libraries write, once each. It reports false if the request is refused.
func (p *part) line(line []byte) bool {
	i := bytes.IndexByte(line, ':')
	if i < 0 || p.bare { // a bare name goes on in the next line for Rack 1
		return p.fail(OddPartHeader)
	}
	// No more space: Rack 3 knows no name in a line that is too long.
	val := bytes.TrimPrefix(line[i+1:], []byte(" "))
	switch field := line[:i]; {
	case isField(field, "content-disposition"):
		return p.once(&p.named) && p.disposition(val)
	case isField(field, "content-type"):
		return p.once(&p.typed) && p.mediaType(val)
	case isField(field, "content-transfer-encoding"):
		return p.once(&p.encoded) && p.encoding(val)
	case isField(field, "content-length"): // OkHttp
		return p.once(&p.sized) && p.length(val)
	}
	return p.fail(OddPartHeader)
}

func (p *part) once(seen *bool) bool {
	if *seen {
		return p.fail(OddPartHeader)
	}
	*seen = true
	return true
}

// disposition reads `form-data; name=...[; filename=...]`. The name must
// follow exactly that: Rack 1 needs the space, Rack 3.1 the lower case.
func (p *part) disposition(v []byte) bool {
	v, ok := cutField(v, "form-data")
	if !ok {
		return p.fail(OddPartHeader)
	}
	v, ok = bytes.CutPrefix(v, []byte("; name="))
	if !ok {
		return p.fail(OddPartHeader)
	}
	p.bare = len(v) > 0 && v[0] != '"'
	name, v, ok := cutQuoted(v, isPartNameByte)
	if !ok || len(name) == 0 {
		return p.fail(OddPartName)
	}
	var w word
	for _, c := range name {
		w.add(c)
	}
	if p.name, p.exact = w.name(); p.name == NoName {
		noteName(p.r, name)
	}
	if v, p.file = cutParameter(v, "filename"); p.file {
		if _, v, ok = cutQuoted(v, isFileNameByte); !ok {
			return p.fail(OddPartName)
		}
	}
	if len(v) > 0 {
		return p.fail(OddPartHeader)
	}
	return true
}

// mediaType reads the type of a part: text/plain with a charset, or for a
// file any plain type.
func (p *part) mediaType(v []byte) bool {
	rest, ok := cutField(v, "text/plain")
	if !ok {
		for len(v) > 0 && (isTokenByte(v[0]) || v[0] == '/') {
			v = v[1:]
		}
		p.anyTyped, rest = true, v
	}
	if len(rest) == 0 {
		return true
	}
	rest, ok = cutParameter(rest, "charset")
	charset, rest, quoted := cutQuoted(rest, isWordByte)
	utf8 := isField(charset, "utf-8")
	p.ascii = isField(charset, "us-ascii") || isField(charset, "iso-8859-1")
	if !ok || !quoted || len(rest) > 0 || !utf8 && !p.ascii {
		return p.fail(OddPartType)
	}
	return true
}

func (p *part) encoding(v []byte) bool {
	if !isField(v, "7bit") && !isField(v, "8bit") && !isField(v, "binary") {
		return p.fail(OddPartType)
	}
	return true
}

func (p *part) length(v []byte) bool {
	if _, ok := decimal(v, 1<<40); !ok {
		return p.fail(OddPartHeader)
	}
	return true
}

// isTokenByte reports whether a value without quotes may have the byte.
func isTokenByte(c byte) bool { return isWordByte(c) || c == '.' || c == '+' }

func isPartNameByte(c byte) bool {
	return isWordByte(c) || c == '.' || c == '[' || c == ']' || c == ' '
}

func isFileNameByte(c byte) bool { return isPartNameByte(c) || c == '(' || c == ')' }

// isField reports whether s is the name, which is in lower case, in any
// letter case.
func isField(s []byte, name string) bool {
	if len(s) != len(name) {
		return false
	}
	for i, c := range s {
		if lower(c) != name[i] {
			return false
		}
	}
	return true
}

// cutField takes a token off the front of s.
func cutField(s []byte, token string) (rest []byte, ok bool) {
	if len(s) < len(token) || !isField(s[:len(token)], token) {
		return s, false
	}
	return s[len(token):], true
}

// cutParameter takes `; name=` off the front of s.
func cutParameter(s []byte, name string) (rest []byte, ok bool) {
	rest = bytes.TrimLeft(s, " ")
	if rest, ok = cutField(rest, ";"); !ok {
		return s, false
	}
	if rest, ok = cutField(bytes.TrimLeft(rest, " "), name); !ok {
		return s, false
	}
	if rest, ok = cutField(rest, "="); !ok {
		return s, false
	}
	return rest, true
}

// cutQuoted takes a value off the front of s, in quotes or not, of nothing
// but the given characters. Without quotes there is no space in it.
func cutQuoted(s []byte, is func(byte) bool) (val, rest []byte, ok bool) {
	quoted := len(s) > 0 && s[0] == '"'
	if quoted {
		s = s[1:]
	}
	n := 0
	for n < len(s) && is(s[n]) && (quoted || isTokenByte(s[n])) {
		n++
	}
	val, rest = s[:n], s[n:]
	if !quoted {
		return val, rest, n > 0
	}
	rest, ok = cutField(rest, `"`)
	return val, rest, ok
}

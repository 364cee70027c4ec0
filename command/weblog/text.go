package weblog

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
)

// parseText reads a line of Apache or nginx: the Common Log Format, with
// anything in front and behind, or any other that has the request in quotes.
func parseText(line []byte) (Entry, bool) {
	if isErrorLog(line) {
		return Entry{}, true
	}
	t, start, end := bracketed(line)
	var open int
	if end > 0 && bytes.HasPrefix(line[end:], []byte(` "`)) {
		open = end + 1
	} else {
		open = firstRequest(line)
	}
	if open < 0 {
		return Entry{}, false
	}
	request, behind, ok := quoted(line[open+1:])
	if !ok {
		return Entry{}, false
	}
	head := line[:open]
	if end > 0 && end <= open {
		head = line[:start]
	}
	if t.IsZero() {
		if t = bare(line[:open]); t.IsZero() {
			t = bare(behind)
		}
	}
	e := Entry{Kind: Access, Time: t, Client: client(head), Status: status(behind)}
	e.Method, e.Target, ok = splitRequest(request)
	if !ok {
		// "-" or noise in place of a request. If the line names the method, another
		// field may have the request.
		return Entry{}, string(request) == "-" || !bytes.Contains(line, []byte("did_details_update"))
	}
	return e, true
}

// isErrorLog reports whether the line is of nginx's error log, which quotes
// requests that the access log has too.
func isErrorLog(line []byte) bool {
	const stamp = "2006/01/02 15:04:05 ["
	if len(line) < len(stamp) || line[4] != '/' || line[len(stamp)-1] != '[' {
		return false
	}
	_, ok := ParseTime(string(line[:len(stamp)-2]))
	return ok
}

// firstRequest finds the quotes before a request.
func firstRequest(line []byte) int {
	for from := 0; ; {
		open := quote(line[from:])
		if open < 0 {
			return -1
		}
		open += from
		if isRequest(line[open+1:]) {
			return open
		}
		from = open + 1
	}
}

// isRequest reports whether a method and a target stand there.
func isRequest(s []byte) bool {
	i := bytes.IndexByte(s, ' ')
	if i < 1 || i > 32 || len(s) < i+2 {
		return false
	}
	for _, c := range s[:i] {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	rest := s[i+1:]
	return rest[0] == '/' || bytes.HasPrefix(rest, []byte("http"))
}

// quote finds a quote that is not escaped.
func quote(s []byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(s[from:], '"')
		if i < 0 {
			return -1
		}
		i += from
		slashes := 0
		for slashes < i && s[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i
		}
		from = i + 1
	}
}

// quoted returns the text before the closing quotes, and the text after them. Where
// a format of nginx escapes nothing, quotes in the request are not the end.
func quoted(s []byte) (text, behind []byte, ok bool) {
	n := quote(s)
	if n < 0 {
		return nil, nil, false
	}
	end := n
	for !hasProtocol(s[:end]) {
		i := quote(s[end+1:])
		if i < 0 {
			end = n
			break
		}
		end += 1 + i
	}
	text = s[:end]
	// A line that was cut, and the next one behind it.
	if _, _, joined := bracketed(text); joined > 0 {
		return nil, nil, false
	}
	return text, s[end+1:], true
}

func hasProtocol(s []byte) bool {
	i := bytes.LastIndexByte(s, ' ')
	return bytes.HasPrefix(s[i+1:], []byte("HTTP/")) && len(s)-i <= len(" HTTP/1.1")
}

// splitRequest reads the first line of a request.
func splitRequest(request []byte) (method, target string, ok bool) {
	before, after, ok := bytes.Cut(request, []byte{' '})
	if !ok {
		return "", "", false
	}
	if hasProtocol(after) {
		after = after[:max(0, bytes.LastIndexByte(after, ' '))]
	}
	return string(unescape(before)), string(unescape(after)), len(before) > 0 && len(after) > 0
}

// unescape undoes what Apache and nginx do to quotes, backslashes and bytes
// that are not printable ASCII.
func unescape(s []byte) []byte {
	i := bytes.IndexByte(s, '\\')
	if i < 0 {
		return s
	}
	out := append(make([]byte, 0, len(s)), s[:i]...)
	for ; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out = append(out, s[i])
			continue
		}
		i++
		if at := strings.IndexByte("abfnrtv", s[i]); at >= 0 {
			out = append(out, "\a\b\f\n\r\t\v"[at])
			continue
		}
		if s[i] == 'x' && i+2 < len(s) {
			if c, err := strconv.ParseUint(string(s[i+1:i+3]), 16, 8); err == nil {
				out = append(out, byte(c))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return out
}

// isSeparator reports whether a format may have the character between fields.
func isSeparator(c rune) bool { return strings.ContainsRune(" \t|;,=", c) }

// status returns the first number of three digits.
func status(behind []byte) int {
	for field := range bytes.FieldsFuncSeq(behind[:min(len(behind), 64)], isSeparator) {
		if n, err := strconv.Atoi(string(field)); err == nil && len(field) == 3 && n >= 100 {
			return n
		}
	}
	return 0
}

// client returns the address of the client from the text before the time: the
// text before the "-" of a name that nobody asks for, or the first of several
// addresses in a list.
func client(head []byte) string {
	fields := strings.FieldsFunc(string(head[:min(len(head), 512)]), func(c rune) bool { return isSeparator(c) && c != ',' })
	for i := 0; i+1 < len(fields); i++ {
		if fields[i+1] != "-" {
			continue
		}
		first := i
		for first > 0 && strings.HasSuffix(fields[first-1], ",") {
			first--
		}
		if a, ok := address(fields[first]); ok {
			return a
		}
		if isHost(fields[first]) {
			return fields[first]
		}
	}
	for _, field := range fields {
		if a, ok := address(field); ok {
			return a
		}
	}
	return ""
}

// address reads an IP address, perhaps with a port.
func address(s string) (string, bool) {
	s = strings.Trim(s, `",`)
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.WithZone("").Unmap().String(), true
	}
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr().WithZone("").Unmap().String(), true
	}
	return "", false
}

func isHost(s string) bool {
	return len(s) > 1 && len(s) <= 253 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-") == ""
}

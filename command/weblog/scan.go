package weblog

import (
	"bytes"
	"io"
)

// MaxLine is the length from which on a line is skipped, in bytes. No server
// takes a request as long.
const MaxLine = 1 << 20

// Lines are numbers of lines.
type Lines struct {
	All     int64
	Unknown int64 // neither JSON nor with anything in quotes
	Long    int64 // longer than MaxLine
}

// Scan calls found with each line that may speak of the API, without its end.
// The line is valid during the call only. What other lines there are is only
// counted, as fast as bytes can be searched. It takes little more memory than
// MaxLine.
func Scan(r io.Reader, found func(line []byte)) (n Lines, err error) {
	buf := make([]byte, 0, MaxLine)
	inLong := false
	for err == nil {
		var m int
		m, err = r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+m]
		end := bytes.LastIndexByte(buf[len(buf)-m:], '\n') + len(buf) - m + 1
		switch {
		case m == 0 || end == len(buf)-m && len(buf) < cap(buf):
			continue // no line has ended
		case end == len(buf)-m && inLong:
			buf = buf[:0]
			continue
		case end == len(buf)-m:
			n.All++
			n.Long++
			inLong = true
			buf = buf[:0]
			continue
		}
		lines := buf[:end]
		if inLong {
			lines = lines[bytes.IndexByte(lines, '\n')+1:]
			inLong = false
		}
		n.scan(lines, found)
		buf = buf[:copy(buf, buf[end:])]
	}
	if len(buf) > 0 && !inLong {
		n.scan(append(buf, '\n'), found)
	}
	if err == io.EOF {
		err = nil
	}
	return n, err
}

// scan looks through whole lines.
func (n *Lines) scan(lines []byte, found func(line []byte)) {
	finders := [...]finder{{find: indexName, at: -1}, {find: indexAPI, at: -1}, {find: indexEscape, at: -1}}
	for start := 0; start < len(lines); {
		end := start + bytes.IndexByte(lines[start:], '\n')
		line := bytes.TrimSuffix(lines[start:end], []byte{'\r'})
		n.All++
		hit := false
		for i := range finders {
			hit = finders[i].isIn(lines, start, end) || hit
		}
		switch {
		case len(line) == 0:
		case hit:
			found(line)
		case line[0] != '{' && bytes.IndexByte(line, '"') < 0:
			n.Unknown++
		}
		start = end + 1
	}
}

// finder searches lines for something, and remembers where it stands next.
type finder struct {
	find func([]byte) int
	at   int
}

// isIn reports whether it is between start and end. Start never goes back.
func (f *finder) isIn(lines []byte, start, end int) bool {
	if f.at < start {
		i := f.find(lines[start:])
		if i < 0 {
			i = len(lines)
		}
		f.at = start + i
	}
	return f.at < end
}

// indexName finds did_details_update, and what the gateway writes into logs:
// mor_gateway and mor_verdict. It looks for the byte that is the rarest in them.
func indexName(s []byte) int {
	for i := 0; ; i++ {
		p := bytes.IndexByte(s[i:], '_')
		if p < 0 {
			return -1
		}
		i += p
		if i < 3 {
			continue
		}
		switch from := s[i-3:]; string(from[:3]) {
		case "did":
			if bytes.HasPrefix(from, []byte("did_details_update")) {
				return i - 3
			}
		case "mor":
			return i - 3
		}
	}
}

// indexAPI finds "/api/" in the same way, in half the time of bytes.Index.
func indexAPI(s []byte) int {
	const text, rare = "/api/", 2
	for i := rare; i < len(s); i++ {
		p := bytes.IndexByte(s[i:], text[rare])
		if p < 0 {
			break
		}
		i += p
		if from := i - rare; len(s)-from >= len(text) && string(s[from:from+len(text)]) == text {
			return from
		}
	}
	return -1
}

// indexEscape finds an escape that may mean a character of
// did_details_update, or for a further escape. Clients escape other characters.
func indexEscape(s []byte) int {
	for i := 0; ; i++ {
		p := bytes.IndexByte(s[i:], '%')
		if p < 0 || i+p+2 >= len(s) {
			return -1
		}
		i += p
		switch s[i+1] {
		case '2':
			if s[i+2] == '5' {
				return i
			}
		case '5':
			if s[i+2]|0x20 == 'f' {
				return i
			}
		case '6', '7':
			return i
		}
	}
}

package proof

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// draft is a generated request in parts, so that a mutation can work on what it means to change. Names and
// values are in it as they will be on the wire.
type draft struct {
	site         string
	method, path string
	query        []pair
	headers      []string
	types        []string // Content-Type lines
	kind         kind
	boundary     string
	body         []pair
	raw          string // the body, if the kind is rawBody
	framing      func(body []byte) (lines []string, framed []byte)

	plain bool // a request as any client may send it, with nothing wrong: it must be accepted
	odd   bool // its framing may be off
	want  []param
}

// kind is how a body is written.
type kind int

const (
	noBody kind = iota
	formBody
	jsonBody
	multipartBody
	rawBody
)

// pair is a parameter. In JSON name and value are literals, in multipart head is the whole head of
// the part.
type pair struct {
	name, value string
	head        string
	separator   string // after the pair; none means the usual one
	bare        bool   // a name without "="
}

// length frames a body as most clients do.
func length(body []byte) ([]string, []byte) {
	if len(body) == 0 {
		return nil, body
	}
	return []string{fmt.Sprintf("Content-Length: %d", len(body))}, body
}

// bytes writes the request out.
func (d *draft) bytes() []byte {
	lines, body := d.framing(d.bodyBytes())
	var out bytes.Buffer
	out.WriteString(d.method + " " + d.path)
	if len(d.query) > 0 {
		out.WriteString("?" + joined(d.query))
	}
	out.WriteString(" HTTP/1.1\r\n")
	for _, line := range slices.Concat(d.headers, d.typeLines(), lines) {
		out.WriteString(line + "\r\n")
	}
	out.WriteString("\r\n")
	out.Write(body)
	return out.Bytes()
}

func (d *draft) typeLines() []string {
	var lines []string
	for _, t := range d.types {
		lines = append(lines, "Content-Type: "+t)
	}
	return lines
}

func (d *draft) bodyBytes() []byte {
	switch d.kind {
	case formBody:
		return []byte(joined(d.body))
	case jsonBody:
		return []byte(members(d.body))
	case multipartBody:
		return []byte(parts(d.body, d.boundary))
	case rawBody:
		return []byte(d.raw)
	}
	return nil
}

// joined writes pairs as a query or a form.
func joined(pairs []pair) string {
	var out strings.Builder
	for i, p := range pairs {
		out.WriteString(p.name)
		if !p.bare {
			out.WriteString("=" + p.value)
		}
		switch {
		case p.separator != "":
			out.WriteString(p.separator)
		case i < len(pairs)-1:
			out.WriteString("&")
		}
	}
	return out.String()
}

// members writes pairs as a JSON object.
func members(pairs []pair) string {
	var out strings.Builder
	out.WriteString("{")
	for i, p := range pairs {
		out.WriteString(p.name + ":" + p.value)
		switch {
		case p.separator != "":
			out.WriteString(p.separator)
		case i < len(pairs)-1:
			out.WriteString(",")
		}
	}
	out.WriteString("}")
	return out.String()
}

// parts writes pairs as multipart.
func parts(pairs []pair, boundary string) string {
	var out strings.Builder
	for _, p := range pairs {
		head := p.head
		if head == "" {
			head = fmt.Sprintf("Content-Disposition: form-data; name=%q", p.name)
		}
		separator := p.separator
		if separator == "" {
			separator = "\r\n"
		}
		out.WriteString("--" + boundary + "\r\n" + head + "\r\n\r\n" + p.value + separator)
	}
	out.WriteString("--" + boundary + "--\r\n")
	return out.String()
}

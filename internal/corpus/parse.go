package corpus

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

const headerMark = "-- "

// types are the options that make a case's text the body of an update, and its type.
var types = map[string]string{
	"form":      "application/x-www-form-urlencoded",
	"json":      "application/json",
	"multipart": "multipart/form-data; boundary=b",
}

// parse reads a case's header and its request.
func (c *Case) parse(header string, lines []string) error {
	fields := strings.Split(strings.TrimPrefix(header, headerMark), " | ")
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	c.Name = fields[0]
	if len(fields) < 2 || len(fields) > 3 || c.Name == "" {
		return errors.New("a header is: -- name | expectation | options")
	}

	word, answer, _ := strings.Cut(fields[1], ": ")
	expect, known := expectations[word]
	if !known {
		return fmt.Errorf("unknown expectation %q", word)
	}
	c.Expect, c.Answer = expect, answer
	if answer != "" && expect != Refused {
		return errors.New("only a refused request has an answer of its own")
	}

	var raw, chunked bool
	if len(fields) == 3 {
		for _, option := range strings.Fields(fields[2]) {
			site, isSite := strings.CutPrefix(option, "site=")
			bodyType, isBody := types[option]
			switch {
			case isSite && site != "":
				c.Site = site
			case isBody:
				lines = append([]string{"POST $(action)", "Content-Type: " + bodyType, ""}, lines...)
			case option == "raw":
				raw = true
			case option == "chunked":
				chunked = true
			case option == "open":
				c.Open = true
			default:
				return fmt.Errorf("unknown option %q", option)
			}
		}
	}
	if raw && chunked {
		return errors.New("a raw request is not chunked for you")
	}
	if raw {
		return c.layRaw(lines)
	}
	return c.lay(lines, chunked)
}

// layRaw takes the request as it stands, but for the placeholders.
func (c *Case) layRaw(lines []string) error {
	head, rest, found := strings.Cut(strings.Join(lines, "\r\n"), "$(headers)")
	switch {
	case !found:
		head, rest, c.fixed = "", head, true
	case rest == "":
		rest = "\r\n" // the empty line that ends the head was taken for one that ends the case
	default:
		rest = strings.TrimPrefix(rest, "\r\n")
	}
	var err error
	if c.before, err = expand(head); err != nil {
		return err
	}
	c.after, err = expand(rest)
	return err
}

// lay completes the head, so that a file shows only what a case is about.
func (c *Case) lay(lines []string, chunked bool) error {
	if len(lines) == 0 {
		return errors.New("no request")
	}
	head, bodyLines := lines, []string(nil)
	if end := slices.Index(lines, ""); end >= 0 {
		head, bodyLines = slices.Clone(lines[:end]), lines[end+1:]
	}
	body, err := expand(strings.Join(bodyLines, "\r\n"))
	if err != nil {
		return err
	}

	first := head[0]
	if !strings.Contains(first, " HTTP/") {
		first += " HTTP/1.1"
	}
	out := []string{first}
	if !hasField(head, "host") {
		out = append(out, "Host: mor.example")
	}
	out = append(out, head[1:]...)
	framed := hasField(head, "content-length") || hasField(head, "transfer-encoding")
	switch {
	case chunked:
		out = append(out, "Transfer-Encoding: chunked")
		body = inChunks(body)
	case len(body) > 0 && !framed:
		out = append(out, fmt.Sprintf("Content-Length: %d", len(body)))
	}

	if c.before, err = expand(strings.Join(out, "\r\n") + "\r\n"); err != nil {
		return err
	}
	c.after = append([]byte("\r\n"), body...)
	return nil
}

func hasField(head []string, name string) bool {
	return slices.ContainsFunc(head[1:], func(line string) bool {
		field, _, _ := strings.Cut(line, ":")
		return strings.EqualFold(strings.TrimSpace(field), name)
	})
}

func inChunks(body []byte) []byte {
	const size = 16
	var out []byte
	for part := range slices.Chunk(body, size) {
		out = fmt.Appendf(out, "%x\r\n%s\r\n", len(part), part)
	}
	return append(out, "0\r\n\r\n"...)
}

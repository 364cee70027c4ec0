package corpus

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
)

// Expect is what must happen to a request.
type Expect int

// The expectations, as the package comment explains them.
const (
	Accepted Expect = iota
	Forwarded
	Refused
	Either
)

var expectations = map[string]Expect{
	"accepted": Accepted, "forwarded": Forwarded, "refused": Refused, "either": Either,
}

// String gives the word that a file uses.
func (e Expect) String() string {
	for word, value := range expectations {
		if value == e {
			return word
		}
	}
	return fmt.Sprintf("Expect(%d)", int(e))
}

// DefaultSite is the configuration of a case that names none.
const DefaultSite = "main"

// Case is one request and what must happen to it.
type Case struct {
	File   string
	Line   int
	Name   string
	Expect Expect
	Answer string // of a refused request, if the case says it: a status, or MOR's message
	Site   string
	Open   bool // the client stops sending after the request

	before, after []byte
	fixed         bool // no place for further lines
}

// Request returns the bytes of the request, with further header lines in their place. The lines come
// without line ends.
func (c *Case) Request(lines ...string) []byte {
	out := bytes.Clone(c.before)
	if c.fixed {
		lines = nil
	}
	for _, line := range lines {
		out = append(out, line...)
		out = append(out, "\r\n"...)
	}
	return append(out, c.after...)
}

// Where says where the case stands, for messages.
func (c *Case) Where() string {
	if c.Line == 0 {
		return c.File + ": " + c.Name
	}
	return fmt.Sprintf("%s:%d: %s", c.File, c.Line, c.Name)
}

// Load returns the cases of the contract's table and of every .txt file at the root of fsys, in the order of
// their names. Names of cases are unique over all of them.
func Load(fsys fs.FS) ([]Case, error) {
	names, err := fs.Glob(fsys, "*.txt")
	if err != nil {
		return nil, err
	}
	all := fromContract()
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		cases, err := Parse(name, data)
		if err != nil {
			return nil, err
		}
		all = append(all, cases...)
	}
	where := map[string]string{}
	for i := range all {
		c := &all[i]
		if other, taken := where[c.Name]; taken {
			return nil, fmt.Errorf("%s: the name is taken by %s", c.Where(), other)
		}
		where[c.Name] = c.Where()
	}
	return all, nil
}

// Parse reads one file.
func Parse(file string, data []byte) ([]Case, error) {
	var cases []Case
	lines := strings.Split(string(data), "\n")
	for i := 0; i < len(lines); {
		if !strings.HasPrefix(lines[i], headerMark) {
			i++ // a comment, or an empty line, before the first case
			continue
		}
		end := i + 1
		for end < len(lines) && !strings.HasPrefix(lines[end], headerMark) {
			end++
		}
		c := Case{File: file, Line: i + 1, Site: DefaultSite}
		if err := c.parse(lines[i], trimEnd(lines[i+1:end])); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Where(), err)
		}
		cases = append(cases, c)
		i = end
	}
	return cases, nil
}

// trimEnd drops the empty lines and comments between a case and the next one's header.
func trimEnd(lines []string) []string {
	for len(lines) > 0 {
		last := lines[len(lines)-1]
		if last != "" && !strings.HasPrefix(last, "# ") {
			break
		}
		lines = lines[:len(lines)-1]
	}
	return lines
}

// Package weblog reads what web servers and the gateway have logged of requests
// to MOR's API. It finds the lines that matter in a stream of any size, and
// reads each by itself: logs of several programs may be mixed, in any order.
package weblog

import (
	"bytes"
	"strings"
	"time"
)

// Entry is what a line says of a request.
type Entry struct {
	Kind   Kind
	Time   time.Time // zero if the line has none
	Client string    // the client's address or host name, perhaps empty
	Status int       // HTTP's, 0 if the line has none

	// The request, as the client sent it. A line of the gateway has no target.
	Method, Target string
	// Redacted reports whether a filter has taken out of the target what counts.
	Redacted bool

	// What a gateway decided. An access log of Caddy has the verdict alone.
	Verdict, User, Hint string
	// MOR is its answer, where it contradicts the verdict.
	MOR string
	// Edge is why the edge would refuse the request, whatever the gateway
	// decides, as monitor.Caddyfile writes it into the access log.
	Edge string
}

// Kind is what kind of line an entry is from.
type Kind uint8

// The kinds of lines.
const (
	Other   Kind = iota // says nothing of a request to the API
	Access              // of a server's access log
	Gateway             // of the gateway's own log
)

// Parse reads a line that Scan has found. It reports false if the line is of no
// known form, or broken. All that it returns is a client's input, byte for
// byte.
func Parse(line []byte) (Entry, bool) {
	e, ok := parse(line)
	e.Redacted = e.Redacted || e.Kind == Access && isRedacted(e.Target)
	return e, ok
}

func parse(line []byte) (Entry, bool) {
	if i := bytes.IndexByte(line, '{'); i >= 0 && line[len(line)-1] == '}' {
		if e, ok := parseJSON(line[:i], line[i:]); ok {
			return e, true
		}
	}
	return parseText(line)
}

// isRedacted reports whether a word or signs were put in the place of a hash,
// or of more.
func isRedacted(target string) bool {
	if target == "" || strings.Contains(strings.ToUpper(target), "REDACTED") {
		return true
	}
	hash := hashIn(target)
	return len(hash) > 2 && strings.Trim(hash, "*xX-.[]") == ""
}

// hashIn returns the value of the parameter as it is written.
func hashIn(target string) string {
	_, query, _ := strings.Cut(target, "?")
	for pair := range strings.SplitSeq(query, "&") {
		if value, ok := strings.CutPrefix(pair, "hash="); ok {
			return value
		}
	}
	return ""
}

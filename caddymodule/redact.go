package caddymodule

import (
	"regexp"
	"strings"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// Limits, in bytes, of the text that is repeated from a request.
const (
	maxLogged      = 64
	maxLoggedError = 256
	maxLoggedDidID = 20
)

const redacted = "REDACTED"

// shown returns a text from the request for log lines and placeholders.
func (x *exchange) shown(text string, limit int) string {
	return Redact(&x.handler.policy, text, limit)
}

// Redact cuts a client's text to limit bytes and removes digests from it. If
// anybody's key is in the text, it shows nothing of it. Every text that is
// repeated goes through here.
func Redact(p *validation.Policy, text string, limit int) string {
	head := text[:min(len(text), 4*limit)]
	if len(head) < len(text) {
		head = strings.TrimRight(head, hexDigits+":- ") // a digest may go on
	}
	if p.Keys.Reveals(text, len(head)) {
		return redacted
	}
	if hexDigitsIn(head) >= minDigest {
		head = digests.ReplaceAllString(head, redacted)
	}
	if len(head) > limit {
		head = strings.ToValidUTF8(head[:limit], "")
	}
	return head
}

const hexDigits = "0123456789abcdefABCDEF"

// minDigest is the length of the shortest digest, MD5's, in hex digits.
const minDigest = 32

// digests are hex digits in a row, or two by two.
var digests = regexp.MustCompile(`[0-9A-Fa-f]{32,}|([0-9A-Fa-f]{2}[^0-9A-Za-z]){15,}[0-9A-Fa-f]{2}`)

// hexDigitsIn spares most texts the regular expression.
func hexDigitsIn(s string) (n int) {
	for _, c := range []byte(s) {
		if '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' {
			n++
		}
	}
	return n
}

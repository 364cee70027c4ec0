package traffic

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
)

// Limits of what a report repeats of a log, in bytes.
const (
	maxShown = 64
	maxHint  = 240
)

// shown returns a text of a log without keys and digests, and harmless.
func (j *judge) shown(s string, limit int) string {
	return cut(plain(caddymodule.Redact(j.policy, s, limit)), limit)
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// plain returns a text of a log as every reader of a report can bear it: what
// cannot be printed is escaped, so that a terminal or a page shows it and does
// nothing else, and a spreadsheet takes no text for a formula.
func plain(s string) string {
	var b strings.Builder
	if s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0 {
		b.WriteByte('\'')
	}
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			const hex = "0123456789abcdef"
			b.WriteString(`\x` + string(hex[s[i]>>4]) + string(hex[s[i]&15]))
		case strconv.IsPrint(r) && r != '\\':
			b.WriteRune(r)
		default:
			q := strconv.QuoteRune(r)
			b.WriteString(q[1 : len(q)-1])
		}
		i += size
	}
	return b.String()
}

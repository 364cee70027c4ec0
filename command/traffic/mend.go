package traffic

import (
	"regexp"
	"strings"
	"sync"

	"github.com/mor-gateway/caddy-mor-gateway/docs"
	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// mends has what to do by verdict or oddity, in the words of the document that
// explains them all.
var mends = sync.OnceValue(func() map[string]string {
	byName := make(map[string]string)
	for line := range strings.Lines(docs.Troubleshooting) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) < 2 || line[0] != '|' {
			continue
		}
		name := strings.TrimSpace(cells[0])
		if m := verdictIn.FindStringSubmatch(name); m != nil {
			name = m[1]
		}
		name, _, _ = strings.Cut(strings.Trim(name, "`"), ": ")
		if byName[name] == "" { // TimedOut shares a name with Incomplete
			byName[name] = firstSentence(cells[len(cells)-1])
		}
	}
	return byName
})

var (
	verdictIn = regexp.MustCompile("\\(`?([a-zA-Z_ ]+)`?\\)$")
	mdLink    = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)
	named     = regexp.MustCompile(`^[a-z0-9_]+: `)
)

func firstSentence(md string) string {
	md = strings.ReplaceAll(mdLink.ReplaceAllString(md, "$1"), "`", "")
	first, _, _ := strings.Cut(md, ". ")
	return strings.TrimSuffix(strings.TrimSpace(first), ".")
}

// mend says in one line what to do about a refusal.
func mend(verdict, hint string) string {
	if name := named.FindString(hint); name != "" && !isSource(name) {
		return strings.TrimPrefix(hint, name)
	}
	if hint != "" {
		// An oddity: where, perhaps which parameter, and what.
		odd := hint[strings.LastIndex(hint, ": ")+1:]
		if m := mends()[strings.TrimSpace(odd)]; m != "" {
			return m
		}
		return hint
	}
	return mends()[verdict]
}

// isSource reports whether a hint begins with the part of a request that is odd.
func isSource(name string) bool {
	for s := validation.InTarget; s <= validation.InMultipart; s++ {
		if name == s.String()+": " {
			return true
		}
	}
	return false
}

// mendAnswer says what to do where MOR is of another opinion.
func mendAnswer(a answer) string {
	switch {
	case a.verdict != validation.Accepted.String():
		return mend(a.verdict, a.hint)
	case a.mor == "incorrect_hash":
		return mends()["MOR refuses a hash that is right here"]
	}
	return mends()["MOR refuses what the gateway accepted"]
}

// message is what a client gets with the verdict.
func message(label string) string {
	if v, ok := verdictOf(label); ok {
		return v.Message()
	}
	return "Bad Request, before the gateway sees it"
}

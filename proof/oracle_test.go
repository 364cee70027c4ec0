package proof

import (
	"crypto/sha1"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// The oracle knows the contract, and nothing of the gateway: it looks at what Rails, or another reading,
// saw when the action ran.

// site is a configuration of the gateway, as the Caddyfile has it.
type site struct {
	keys      []string
	resellers map[string][]string // by lower-case name
	users     []string            // lower case; none: everybody
	allowGET  bool
}

var sites = map[string]site{
	"main": {
		keys: []string{"secret", "next secret"},
		resellers: map[string][]string{
			"reseller1": {"reseller key"},
			"bob":       {"bob1", "bob2"},
		},
	},
	"get": {keys: []string{"secret"}, allowGET: true},
	"users": {
		keys:      []string{"secret"},
		resellers: map[string][]string{"reseller1": {"reseller key"}},
		users:     []string{"admin", "alice", "reseller1"},
	},
	"small":       {keys: []string{"secret"}},
	"underscores": {keys: []string{"secret"}},
}

// breaches returns how a request that reached MOR breaks the contract; nothing if the action did not run
// and no tunnel can open.
func (s site) breaches(r record) []string {
	var all []string
	if u, asked := r.Headers["HTTP_UPGRADE"]; asked && !strings.EqualFold(string(u), "websocket") {
		all = append(all, fmt.Sprintf("tunnel: Upgrade: %q arrived", u))
	}
	if len(r.Runs) == 0 {
		return all
	}
	if e := r.Headers["HTTP_CONTENT_ENCODING"]; e != "" && !strings.EqualFold(string(e), "identity") && r.Body != "" {
		all = append(all, fmt.Sprintf("the body is encoded: %q", e))
	}
	if v, given := r.Headers["HTTP_X_HTTP_METHOD_OVERRIDE"]; given {
		all = append(all, fmt.Sprintf("X-HTTP-Method-Override: %q arrived", v))
	}
	for _, run := range r.Runs {
		if breach := s.breach(run); breach != "" {
			all = append(all, run.Reading+": "+breach)
		}
	}
	return all
}

// breach returns the first rule of the contract that a run of the action breaks.
func (s site) breach(r run) string {
	if r.Method != "POST" && (r.Method != "GET" || !s.allowGET) {
		return "the method is " + r.Method
	}
	if p, given := r.get("_method"); given {
		return "there is a method override: " + p.String()
	}
	for _, name := range []string{"u", "did_id", "hash", "call_limit", "did_user_id", "active_from", "active_till", "grace_time"} {
		p, given := r.get(name)
		switch {
		case !given || p.Class == "NilClass" || p.Class == "Integer":
		case p.Class != "String":
			return "not a plain value: " + p.String()
		case slices.Contains([]string{"u", "did_user_id", "grace_time"}, name) && strings.ContainsFunc(p.Text, isControl):
			return "a control character: " + p.String()
		}
	}
	for _, rule := range []func(run) string{s.user, s.hash, didID, callLimit, times} {
		if breach := rule(r); breach != "" {
			return breach
		}
	}
	return ""
}

func isControl(c rune) bool { return c < ' ' || c == 0x7f }

func (s site) user(r run) string {
	u, _ := r.get("u")
	if strings.TrimFunc(u.Text, unicode.IsSpace) == "" {
		return "no user"
	}
	if len(s.users) > 0 && !slices.Contains(s.users, lower(u.Text)) {
		return "not on the list: " + u.String()
	}
	return ""
}

func (s site) hash(r run) string {
	u, _ := r.get("u")
	did, _ := r.get("did_id")
	hash, _ := r.get("hash")
	for _, key := range slices.Concat(s.keys, s.resellers[lower(u.Text)]) {
		if hash.Text == sha1Of(did.Text+key) {
			return ""
		}
	}
	return fmt.Sprintf("wrong hash: %v, %v, %v", u, did, hash)
}

func didID(r run) string {
	if did, _ := r.get("did_id"); !isDecimal(did.Text) || strings.Trim(did.Text, "0") == "" {
		return "not a DID: " + did.String()
	}
	return ""
}

func callLimit(r run) string {
	if p, given := givenIn(r, "call_limit"); given && !atMost(p.Text, "2147483647") {
		return "not a call limit: " + p.String()
	}
	return ""
}

func times(r run) string {
	from, hasFrom := givenIn(r, "active_from")
	till, hasTill := givenIn(r, "active_till")
	const last = "253402300799"
	switch {
	case hasFrom && !atMost(from.Text, last):
		return "not a time: " + from.String()
	case hasTill && !atMost(till.Text, last):
		return "not a time: " + till.String()
	case hasFrom && hasTill && atMost(till.Text, from.Text):
		return fmt.Sprintf("the end is not after the beginning: %v, %v", from, till)
	}
	return ""
}

// givenIn: present and not blank; blank is ASCII's white space.
func givenIn(r run, name string) (param, bool) {
	p, _ := r.get(name)
	return p, strings.Trim(p.Text, " \t\n\v\f\r") != ""
}

func isDecimal(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// atMost compares decimal integers of any length.
func atMost(s, max string) bool {
	if !isDecimal(s) || !isDecimal(max) {
		return false
	}
	s, max = strings.TrimLeft(s, "0"), strings.TrimLeft(max, "0")
	if len(s) != len(max) {
		return len(s) < len(max)
	}
	return s <= max
}

// lower folds ASCII letters only, as MySQL's comparison of user names does at least.
func lower(s string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		return c
	}, s)
}

func sha1Of(s string) string { return fmt.Sprintf("%x", sha1.Sum([]byte(s))) }

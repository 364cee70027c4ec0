package traffic

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// How many users a suggestion names.
const (
	maxSuggested = 100
	maxNamed     = 10 // in a comment
)

var (
	// A name that a Caddyfile can have as it is, or in quotes.
	username = regexp.MustCompile(`^[\pL\pN_.@-]([\pL\pN_.@ -]*[\pL\pN_.@-])?$`)
	keyFile  = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)
	keptAway = regexp.MustCompile(`^\{(env|file)\.[^{}]+\}$`)
	inFolder = regexp.MustCompile(`^\{file\.` + keyFolder + `([A-Za-z0-9_.-]+)\}$`)
)

// keyFolder is where the packages have keys. The service cannot read it: it has
// copies, and MOR_KEYS says where.
const keyFolder = "/etc/caddy-mor-gateway/keys/"

// suggestion is a block for the Caddyfile while it is written.
type suggestion struct{ strings.Builder }

func (b *suggestion) line(format string, args ...any) { fmt.Fprintf(b, "\t"+format+"\n", args...) }

// suggest returns the directive with which the gateway would accept what MOR
// may have accepted: with the users who may call, those whose keys are missing,
// and GET if it was used. It has placeholders for keys, never a key.
// Of so many requests the user is not known.
func suggest(h *caddymodule.Handler, users *table[string, userTally], unknown int64) string {
	b := new(suggestion)
	fmt.Fprint(b, "mor_gateway {\n")
	secrets := h.Secrets
	if len(secrets) == 0 {
		secrets = []string{"{env.MOR_API_SECRET_KEY}"}
	}
	b.line("secret %s", placeholders("admin", secrets))
	resellers := b.resellers(h, users)
	b.users(h, users, resellers, unknown)
	gets := int64(0)
	for _, u := range users.rows {
		gets += u.val.gets
	}
	if gets > 0 {
		b.line("# %s used GET. Keep allow_get only if \"Allow GET API\" is on in MOR.", plural(gets, "request"))
	}
	if h.AllowGet || gets > 0 {
		b.line("allow_get")
	}
	if h.Mode == caddymodule.ModeMonitor {
		b.line("mode %s", h.Mode)
	}
	if h.MaxBody > 0 {
		b.line("max_body %d", h.MaxBody)
	}
	fmt.Fprint(b, "}\n")
	return b.String()
}

// resellers writes the resellers of the config, and the users whose hashes are
// right by no key. It returns their names in lower case.
func (b *suggestion) resellers(h *caddymodule.Handler, users *table[string, userTally]) map[string]bool {
	keys := make(map[string][]string)
	for _, name := range slices.Sorted(maps.Keys(h.Resellers)) {
		keys[validation.LowerUser(name)] = h.Resellers[name]
		if u := users.rows[validation.LowerUser(name)]; u == nil || !u.val.lacksKey() {
			b.line("reseller %s %s", quoteName(name), placeholders("reseller."+name, h.Resellers[name]))
		}
	}
	named := make(map[string]bool)
	for name := range keys {
		named[name] = true
	}
	missing := 0
	for _, u := range users.sorted() {
		if !u.val.lacksKey() || !username.MatchString(u.val.name) {
			continue
		}
		if missing++; missing > maxSuggested {
			continue
		}
		named[u.key] = true
		of := placeholder("", "reseller."+u.key)
		if old := keys[u.key]; len(old) > 0 {
			of = placeholders("reseller."+u.key, old) + " " + placeholder("", "reseller."+u.key+".new")
		}
		b.line("# %s: %s matched no key given here. If MOR accepts them, this user has a key of its own: add it.", u.val.name, plural(u.val.hashes, "hash"))
		b.line("reseller %s %s", quoteName(u.val.name), of)
	}
	if missing > maxSuggested {
		b.line("# %d more users have hashes that match no key given here.", missing-maxSuggested)
	}
	return named
}

// users writes the users of the config and those who may call.
func (b *suggestion) users(h *caddymodule.Handler, users *table[string, userTally], resellers map[string]bool, unknown int64) {
	names := slices.Clone(h.Users)
	known := make(map[string]bool)
	for _, name := range names {
		known[validation.LowerUser(name)] = true
	}
	unusual := 0
	var wrong, open []string
	for _, u := range users.sorted() {
		switch {
		case known[u.key] || resellers[u.key]:
		case !username.MatchString(u.val.name):
			unusual++
		case u.val.right > 0 || u.val.success > 0:
			names = append(names, u.val.name)
		case u.val.open > 0:
			names, open = append(names, u.val.name), append(open, u.val.name)
		default:
			wrong = append(wrong, u.val.name)
		}
	}
	if len(wrong) > 0 {
		b.line("# Left out, because none of their hashes is right: %s.", firstOf(wrong))
	}
	if len(open) > 0 {
		b.line("# Not left out, although their hashes were never checked: %s.", firstOf(open))
	}
	if unusual > 0 {
		b.line("# Left out, because of unusual characters in the name: %s.", plural(int64(unusual), "user"))
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quoteName(name)
	}
	switch {
	case len(names) == 0:
	case len(names) > maxSuggested:
		b.line("# No users line, so everyone may call: %d users are too many to list.", len(names))
	case unknown > 0 && len(h.Users) == 0:
		b.line("# Uncomment once you know every user; for %s the user is unknown.", plural(unknown, "request"))
		b.line("# users %s", strings.Join(quoted, " "))
	default:
		b.line("# Nobody else may call.")
		b.line("users %s", strings.Join(quoted, " "))
	}
}

// firstOf returns the first names of many.
func firstOf(names []string) string {
	text := strings.Join(names[:min(len(names), maxNamed)], ", ")
	if n := len(names); n > maxNamed {
		text += fmt.Sprintf(" and %d more", n-maxNamed)
	}
	return text
}

// lacksKey reports whether the user may have a key that is not known here.
func (u *userTally) lacksKey() bool { return u.right == 0 && u.hashes > 0 }

// placeholder returns what the config has for a key, or a place for one: in the
// folder where the packages have keys. Of that folder the adapted config has no
// longer that it may be another.
func placeholder(val, name string) string {
	if m := inFolder.FindStringSubmatch(val); m != nil {
		return inKeys(m[1])
	}
	if keptAway.MatchString(val) {
		return val
	}
	if name = strings.ToLower(name); !keyFile.MatchString(name) {
		name = "reseller"
	}
	return inKeys(name)
}

// inKeys returns the placeholder of a file with a key as the examples have it.
func inKeys(file string) string { return "{file.{$MOR_KEYS:" + keyFolder + "}" + file + "}" }

// placeholders returns what the config has for keys, and a place for each that
// it has in plain text.
func placeholders(name string, values []string) string {
	all := make([]string, len(values))
	for i, val := range values {
		of := name
		if i > 0 {
			of = fmt.Sprintf("%s.%d", name, i+1)
		}
		all[i] = placeholder(val, of)
	}
	return strings.Join(all, " ")
}

func quoteName(name string) string {
	if strings.Contains(name, " ") {
		return `"` + name + `"`
	}
	return name
}

package caddymodule

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// resolveKeys replaces the placeholders of all keys. Its errors name the
// place in the JSON config and at most a placeholder, never a key.
func (h *Handler) resolveKeys() (validation.Keys, error) {
	var none validation.Keys
	h.loaded = loadedKeys{files: make(map[string]string), places: make(map[string]string)}
	defer func() { h.loaded.places = nil }()
	if len(h.Secrets) == 0 {
		return none, fmt.Errorf("secrets: no key; give the admin's API Secret Key, for example {env.MOR_API_SECRET_KEY}")
	}
	found := h.lookUp()
	admin, err := h.resolve(found, "secrets", h.Secrets)
	if err != nil {
		return none, err
	}
	names := slices.Sorted(maps.Keys(h.Resellers)) // the same mistake gives the same message each time
	resellers := make(map[string][]string, len(names))
	for i, name := range names {
		place := fmt.Sprintf("resellers[%q]", name)
		if !found.showsName(name) {
			place = fmt.Sprintf("resellers[number %d by username]", i+1)
		}
		lower := validation.LowerUser(name)
		switch _, again := resellers[lower]; {
		case checkUsername(name) != nil:
			return none, fmt.Errorf("%s: the username %w", place, checkUsername(name))
		case again:
			return none, fmt.Errorf("%s: the username is repeated (letter case is ignored); give all its keys in one place", place)
		case len(h.Resellers[name]) == 0:
			return none, fmt.Errorf("%s: no key; give the reseller's API Secret Key or remove the username", place)
		}
		if resellers[lower], err = h.resolve(found, place, h.Resellers[name]); err != nil {
			return none, err
		}
	}
	h.loaded.admin, h.loaded.resellers = len(admin), len(resellers)
	return validation.NewKeys(admin, resellers), nil
}

var (
	plainName   = regexp.MustCompile(`^[\pL\pN][\pL\pN _.@+-]*$`)
	mailAddress = regexp.MustCompile(`^[\w.+-]+@[\w-]+(\.[\w-]+)+$`) // no key looks like one
)

// lookups has, for each configured value of a key, the resolved text or an
// error.
type lookups map[string]struct {
	text string
	err  error
}

// lookUp replaces the placeholders of all values, each once.
func (h *Handler) lookUp() lookups {
	found := make(lookups)
	repl := caddy.NewReplacer()
	for _, val := range append(slices.Concat(slices.Collect(maps.Values(h.Resellers))...), h.Secrets...) {
		if _, ok := found[val]; !ok {
			f := found[val]
			f.text, f.err = repl.ReplaceOrErr(val, true, true)
			found[val] = f
		}
	}
	return found
}

// showsName reports whether a message may show a reseller's username, which
// may be a key in the wrong place. A name as long as a key is shown only if it
// is a mail address, and a name that is a key of the config is never shown.
func (l lookups) showsName(name string) bool {
	if !plainName.MatchString(name) || len(name) >= shortKey && !mailAddress.MatchString(name) {
		return false
	}
	for _, f := range l {
		if strings.EqualFold(strings.TrimSpace(f.text), strings.TrimSpace(name)) {
			return false
		}
	}
	return true
}

// checkUsername returns an error for what can't be one.
func checkUsername(name string) error {
	if strings.TrimSpace(name) == "" {
		return errors.New("is empty; write a username or remove it")
	}
	if strings.ContainsAny(name, "{}") {
		return errors.New("looks like a placeholder, but placeholders are not resolved in usernames; write the username itself")
	}
	return nil
}

// resolve returns the keys of the values at a place of the config.
func (h *Handler) resolve(found lookups, place string, values []string) ([]string, error) {
	keys := make([]string, len(values))
	for i, val := range values {
		wrong := func(problem string) error { return fmt.Errorf("%s[%d]: %s", place, i, problem) }
		if err := checkKey(val); err != nil {
			return nil, wrong(err.Error())
		}
		if _, ok := os.LookupEnv(strings.TrimSpace(val)); ok {
			return nil, wrong("is the name of a variable; write {env.NAME}, or keep a key that really looks like this in a variable or a file")
		}
		if found[val].err != nil {
			return nil, wrong(whyEmpty(val))
		}
		key, err := ParseKey(found[val].text)
		if err != nil {
			return nil, wrong(placeholderIn(val) + " " + err.Error())
		}
		keys[i] = key
		h.loaded.add(fmt.Sprintf("%s[%d]", place, i), val, key)
	}
	return keys, nil
}

// checkKey returns an error for a value that cannot be meant as a key: a
// placeholder with a typo, or the path of a file. As keys in plain text these
// would be easy to guess, and no hash would be right. A key that really looks
// like this can be kept in a variable or a file. The error says what to write,
// and does not quote the value.
func checkKey(val string) error {
	val = strings.TrimSpace(val)
	switch {
	case placeholder.MatchString(val):
		return nil
	case strings.ContainsAny(val, "{}"), strings.HasPrefix(val, "$"), strings.HasPrefix(val, "env."), strings.HasPrefix(val, "file."):
		return errors.New("looks like a placeholder, but is not exactly {env.NAME} or {file./path}; fix it, or keep a key that really looks like this in a variable or a file")
	case strings.HasPrefix(val, "/"):
		return errors.New("looks like the path of a file; write {file./path}, or keep a key that really looks like this in a variable or a file")
	}
	return nil
}

// whyEmpty says why a placeholder has no value.
func whyEmpty(val string) string {
	in := placeholderIn(val)
	kind, name, _ := strings.Cut(strings.Trim(val, " {}"), ".")
	if kind == "file" {
		var why *fs.PathError
		if _, err := os.ReadFile(name); errors.As(err, &why) { //nolint:gosec // the operator's own, as Caddy reads it
			return fmt.Sprintf("%s: the file cannot be read: %v; check the path, and that Caddy's user may read the file", in, why.Err)
		}
		return in + " " + errEmpty.Error()
	}
	if _, ok := os.LookupEnv(name); ok {
		return in + " is empty; set the variable to the key in Caddy's environment before Caddy starts"
	}
	return in + ": the variable is not set; set it in Caddy's environment before Caddy starts"
}

// placeholder is a whole value that refers to a key kept elsewhere.
var placeholder = regexp.MustCompile(`^\{(env|file)\.[^{}]+\}$`)

// placeholderIn returns the value if it is only a placeholder. Text next to a
// placeholder may be a part of a key.
func placeholderIn(val string) string {
	if val = strings.TrimSpace(val); placeholder.MatchString(val) {
		return val
	}
	return "the key, or a placeholder in it,"
}

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
	"go.uber.org/zap"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// resolveKeys replaces the placeholders of all keys. Its errors name the
// place in the JSON config and at most a placeholder, never a key.
func (h *Handler) resolveKeys() (validation.Keys, error) {
	var none validation.Keys
	if len(h.Secrets) == 0 {
		return none, fmt.Errorf("secrets: no key; give the admin's API Secret Key, for example {env.MOR_API_SECRET_KEY}")
	}
	repl := caddy.NewReplacer()
	admin, err := resolve(repl, "secrets", h.Secrets)
	if err != nil {
		return none, err
	}
	names := slices.Sorted(maps.Keys(h.Resellers)) // the same mistake gives the same message each time
	resellers := make(map[string][]string, len(names))
	for i, name := range names {
		// A username may be a key in the wrong place, so it is not quoted.
		place := fmt.Sprintf("resellers[number %d by username]", i+1)
		lower := validation.LowerUser(name)
		switch _, again := resellers[lower]; {
		case checkUsername(name) != nil:
			return none, fmt.Errorf("%s: the username %w", place, checkUsername(name))
		case again:
			return none, fmt.Errorf("%s: the username is repeated (letter case does not count); give all its keys in one place", place)
		case len(h.Resellers[name]) == 0:
			return none, fmt.Errorf("%s: no key; give the reseller's API Secret Key or remove the username", place)
		}
		if resellers[lower], err = resolve(repl, place, h.Resellers[name]); err != nil {
			return none, err
		}
	}
	return validation.NewKeys(admin, resellers), nil
}

// checkUsername returns an error for what can't be one.
func checkUsername(name string) error {
	if strings.TrimSpace(name) == "" {
		return errors.New("is empty; write a username or remove it")
	}
	if strings.ContainsAny(name, "{}") {
		return errors.New("looks like a placeholder, and they are not resolved there; write the username")
	}
	return nil
}

// resolve returns the keys behind values, which stand at a place of the config.
func resolve(repl *caddy.Replacer, place string, values []string) ([]string, error) {
	keys := make([]string, len(values))
	for i, val := range values {
		wrong := func(problem string) error { return fmt.Errorf("%s[%d]: %s", place, i, problem) }
		if err := checkKey(val); err != nil {
			return nil, wrong(err.Error())
		}
		if _, ok := os.LookupEnv(strings.TrimSpace(val)); ok {
			return nil, wrong("is the name of a variable; write {env.NAME}, or keep a key that looks so in a variable or a file")
		}
		key, err := repl.ReplaceOrErr(val, true, true)
		if err != nil {
			return nil, wrong(whyEmpty(val))
		}
		if key, err = ParseKey(key); err != nil {
			return nil, wrong(placeholderIn(val) + " " + err.Error())
		}
		keys[i] = key
	}
	return keys, nil
}

// checkKey returns an error for a value that is given for a key and cannot be
// meant as it is: a placeholder with a slip in it, or the path of a file. As
// keys in plain text these would be easy to guess, and no hash would be right.
// A key that really looks so belongs in a variable or a file. The error says
// what to write, and does not quote the value.
func checkKey(val string) error {
	val = strings.TrimSpace(val)
	switch {
	case placeholder.MatchString(val):
		return nil
	case strings.ContainsAny(val, "{}"), strings.HasPrefix(val, "$"), strings.HasPrefix(val, "env."), strings.HasPrefix(val, "file."):
		return errors.New("looks like a placeholder, but is not one whole {env.NAME} or {file./path}; mend it, or keep a key that looks so in a variable or a file")
	case strings.HasPrefix(val, "/"):
		return errors.New("looks like the path of a file; write {file./path}, or keep a key that looks so in a variable or a file")
	}
	return nil
}

// whyEmpty says why a placeholder has no value.
func whyEmpty(val string) string {
	in := placeholderIn(val) + " is empty"
	kind, name, _ := strings.Cut(strings.Trim(val, " {}"), ".")
	if kind == "file" {
		var why *fs.PathError
		if _, err := os.ReadFile(name); errors.As(err, &why) { //nolint:gosec // the operator's own, as Caddy reads it
			return fmt.Sprintf("%s: the file cannot be read: %v; let Caddy's user read it", in, why.Err)
		}
		return in + "; write the key into the file"
	}
	if _, ok := os.LookupEnv(name); ok {
		return in + "; give the variable the key where Caddy runs, before it starts"
	}
	return in + ": the variable is not set; set it where Caddy runs, before it starts"
}

// warnOfPlainText warns once, however many keys there are.
func (h *Handler) warnOfPlainText() {
	n := 0
	for _, values := range append(slices.Collect(maps.Values(h.Resellers)), h.Secrets) {
		for _, val := range values {
			if !placeholder.MatchString(strings.TrimSpace(val)) {
				n++
			}
		}
	}
	if n > 0 {
		h.logger.Warn("API Secret Keys stand in the config in plain text, where Caddy's admin API shows them; use placeholders such as {env.MOR_API_SECRET_KEY} or {file./run/secrets/mor}",
			zap.Int("keys", n))
	}
}

// ParseKey returns the API Secret Key in the text of a file or a variable,
// without the white space around it, as MOR stores it. The error continues a
// sentence that begins with the text's name.
func ParseKey(text string) (string, error) {
	key := strings.Trim(text, " \t\n\v\f\r\x00") // what Ruby's String#strip drops
	switch {
	case key == "":
		return "", errors.New("is empty; MOR does not work with an empty API Secret Key")
	case strings.ContainsAny(key, "\r\n"):
		return "", errors.New("has more than one line; give each key a file of its own")
	case strings.HasPrefix(key, "\ufeff"):
		return "", errors.New("begins with a byte order mark; save the key without one")
	}
	return key, nil
}

// placeholder is a whole value that refers to a key kept elsewhere.
var placeholder = regexp.MustCompile(`^\{(env|file)\.[^{}]+\}$`)

// placeholderIn returns the value if it is nothing but a placeholder. What
// stands beside one may be a part of a key.
func placeholderIn(val string) string {
	if val = strings.TrimSpace(val); placeholder.MatchString(val) {
		return val
	}
	return "the key, or a placeholder in it,"
}

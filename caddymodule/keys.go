package caddymodule

import (
	"fmt"
	"maps"
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
		case strings.TrimSpace(name) == "":
			return none, fmt.Errorf("%s: the username is empty", place)
		case again:
			return none, fmt.Errorf("%s: the username stands twice (letter case does not count); give all its keys in one place", place)
		case len(h.Resellers[name]) == 0:
			return none, fmt.Errorf("%s: no key; give the reseller's API Secret Key or remove the username", place)
		}
		if resellers[lower], err = resolve(repl, place, h.Resellers[name]); err != nil {
			return none, err
		}
	}
	h.warnOfPlainText()
	return validation.NewKeys(admin, resellers), nil
}

// resolve returns the keys behind values, which stand at a place of the config.
func resolve(repl *caddy.Replacer, place string, values []string) ([]string, error) {
	keys := make([]string, len(values))
	for i, val := range values {
		if looksLikePlaceholder(val) {
			return nil, fmt.Errorf("%s[%d]: looks like a placeholder, but is not one whole {env.NAME} or {file./path}; mend it, or keep a key that looks so in a variable or a file", place, i)
		}
		key, err := repl.ReplaceOrErr(val, true, true)
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: %s is empty, unknown or cannot be read; set it before Caddy starts", place, i, placeholderIn(val))
		}
		switch key = trimKey(key); {
		case key == "":
			return nil, fmt.Errorf("%s[%d]: %s is empty; MOR does not work with an empty API Secret Key", place, i, placeholderIn(val))
		case strings.ContainsAny(key, "\r\n"):
			return nil, fmt.Errorf("%s[%d]: %s has more than one line; give each key a file of its own", place, i, placeholderIn(val))
		}
		keys[i] = key
	}
	return keys, nil
}

// looksLikePlaceholder reports whether a value is a placeholder with a slip in
// it. As a key in plain text it would be easy to guess.
func looksLikePlaceholder(val string) bool {
	val = strings.TrimSpace(val)
	if placeholder.MatchString(val) {
		return false
	}
	return strings.ContainsAny(val, "{}") ||
		strings.HasPrefix(val, "$") || strings.HasPrefix(val, "env.") || strings.HasPrefix(val, "file.")
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

// trimKey drops what Ruby's String#strip drops.
func trimKey(key string) string { return strings.Trim(key, " \t\n\v\f\r\x00") }

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

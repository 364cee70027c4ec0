package caddymodule

import (
	"fmt"
	"regexp"
	"sort"
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
	admin, err := h.resolve(repl, "secrets", h.Secrets)
	if err != nil {
		return none, err
	}
	names := make([]string, 0, len(h.Resellers))
	for name := range h.Resellers {
		names = append(names, name)
	}
	sort.Strings(names) // the same mistake gives the same message each time
	resellers := make(map[string][]string, len(names))
	for _, name := range names {
		lower := validation.LowerUser(name)
		switch _, again := resellers[lower]; {
		case strings.TrimSpace(name) == "":
			return none, fmt.Errorf("resellers: a username is empty")
		case again:
			return none, fmt.Errorf("resellers: a username stands twice (letter case does not count); give all its keys in one place")
		case len(h.Resellers[name]) == 0:
			return none, fmt.Errorf("resellers: a username has no key; give its API Secret Key or remove it")
		}
		if resellers[lower], err = h.resolve(repl, "resellers", h.Resellers[name]); err != nil {
			return none, err
		}
	}
	return validation.NewKeys(admin, resellers), nil
}

func (h *Handler) resolve(repl *caddy.Replacer, place string, values []string) ([]string, error) {
	keys := make([]string, len(values))
	for i, val := range values {
		key, err := repl.ReplaceOrErr(val, true, true)
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: %s is empty, unknown or cannot be read; set it before Caddy starts", place, i, placeholderIn(val))
		}
		if key = trimKey(key); key == "" {
			return nil, fmt.Errorf("%s[%d]: %s is empty; MOR does not work with an empty API Secret Key", place, i, placeholderIn(val))
		}
		if key == trimKey(val) {
			h.logger.Warn("an API Secret Key stands in the config in plain text, where Caddy's admin API shows it; use a placeholder such as {env.MOR_API_SECRET_KEY} or {file./run/secrets/mor}",
				zap.String("place", fmt.Sprintf("%s[%d]", place, i)))
		}
		keys[i] = key
	}
	return keys, nil
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

package caddymodule

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

// shortKey is the length in bytes below which a key is too short: anyone who
// sees a hash made with it can guess it.
const shortKey = 16

// loadedKeys is what the log says about the keys of a config.
type loadedKeys struct {
	admin, resellers int               // how many
	files            map[string]string // each with its time of change
	plain            int               // keys in plain text
	short            []string          // places of short keys
	doubts, repeated []string

	places map[string]string // of each key, while they are read
}

// add records a key, its value in the config, and its place there.
func (l *loadedKeys) add(place, val, key string) {
	val = strings.TrimSpace(val)
	if !placeholder.MatchString(val) {
		l.plain++
	}
	if path, ok := strings.CutPrefix(strings.Trim(val, "{}"), "file."); ok {
		if info, err := os.Stat(path); err == nil { //nolint:gosec // the operator's own
			l.files[path] = info.ModTime().UTC().Format(time.RFC3339)
		}
	}
	if doubt := KeyDoubt(key); doubt != "" {
		l.doubts = append(l.doubts, place+": "+placeholderIn(val)+" "+doubt)
	}
	if len(key) < shortKey {
		l.short = append(l.short, place)
	}
	if first, ok := l.places[key]; ok {
		l.repeated = append(l.repeated, fmt.Sprintf("%s is the same key as %s; give each its own key", place, first))
	} else {
		l.places[key] = place
	}
}

// KeyDoubts returns a clause, with the place, for each key that Policy has
// resolved and that looks strange but may be meant.
func (h *Handler) KeyDoubts() []string { return h.loaded.doubts }

// tellOfKeys logs which keys were loaded, so that an operator sees which copy
// of a file it was, and warns of keys that look wrong.
func (h *Handler) tellOfKeys() {
	l := &h.loaded
	h.logger.Info("API Secret Keys loaded",
		zap.Int("admin_keys", l.admin), zap.Int("resellers", l.resellers), zap.Any("files_changed", l.files))
	for _, warning := range slices.Concat(l.doubts, l.repeated) {
		h.logger.Warn(warning)
	}
	if len(l.short) > 0 {
		h.logger.Warn(fmt.Sprintf("API Secret Keys are shorter than %d bytes: anyone who sees a hash can guess such a key; set longer keys in MOR and here", shortKey),
			zap.Strings("places", l.short))
	}
	if l.plain > 0 {
		h.logger.Warn("API Secret Keys are in the config in plain text, where Caddy's admin API shows them; use placeholders such as {env.MOR_API_SECRET_KEY} or {file./run/secrets/mor}",
			zap.Int("keys", l.plain))
	}
}

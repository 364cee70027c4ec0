package reference

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"unicode/utf8"
)

var (
	jsonEscape  = regexp.MustCompile(`\\(?:u([0-9a-fA-F]{4})|.)`)
	jsonInteger = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)
)

// maxDepth is how deep Ruby's parser goes.
const maxDepth = 100

func readJSON(body []byte) (Values, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("not UTF-8")
	}
	if !json.Valid(body) {
		return nil, errors.New("not JSON")
	}
	if err := checkSurrogates(body); err != nil {
		return nil, err
	}
	vals := make(Values)
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if root, err := d.Token(); err != nil || root != json.Delim('{') {
		return nil, errors.New("the root is not an object")
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		var val any
		if isGuarded(key.(string)) {
			if err := d.Decode(&val); err != nil {
				return nil, err
			}
			if err := addJSON(vals, key.(string), val); err != nil {
				return nil, err
			}
			continue
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, err
		}
		if depth(raw) >= maxDepth {
			return nil, errors.New("nested too deep")
		}
	}
	return vals, nil
}

func addJSON(vals Values, name string, val any) error {
	switch val := val.(type) {
	case nil:
		return vals.add(name, nil)
	case string:
		return vals.add(name, &val)
	case json.Number:
		if jsonInteger.MatchString(val.String()) {
			return vals.add(name, text(val.String()))
		}
	}
	return fmt.Errorf("%s is %T", name, val)
}

// checkSurrogates refuses escapes that are half of a pair, which the
// standard library replaces.
func checkSurrogates(body []byte) error {
	high := -1 // where a high one ended that waits for its low one
	for _, m := range jsonEscape.FindAllSubmatchIndex(body, -1) {
		var c uint64
		if m[2] >= 0 {
			c, _ = strconv.ParseUint(string(body[m[2]:m[3]]), 16, 16)
		}
		isHigh, isLow := 0xD800 <= c && c < 0xDC00, 0xDC00 <= c && c < 0xE000
		if isLow != (high == m[0]) || high >= 0 && !isLow {
			return errors.New("half of a surrogate pair")
		}
		if high = -1; isHigh {
			high = m[1]
		}
	}
	if high >= 0 {
		return errors.New("half of a surrogate pair")
	}
	return nil
}

// escapesBeyondASCII reports whether a text has an escape of a character that
// is not ASCII.
func escapesBeyondASCII(body []byte) bool {
	for _, m := range jsonEscape.FindAllSubmatch(body, -1) {
		if c, _ := strconv.ParseUint(string(m[1]), 16, 16); c > 0x7f {
			return true
		}
	}
	return false
}

// depth counts how many arrays and objects are open at once.
func depth(raw []byte) (most int) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	for now := 0; ; {
		switch t, err := d.Token(); {
		case err == io.EOF:
			return most
		case err != nil:
			return maxDepth
		case t == json.Delim('{') || t == json.Delim('['):
			now++
			most = max(most, now)
		case t == json.Delim('}') || t == json.Delim(']'):
			now--
		}
	}
}

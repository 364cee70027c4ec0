package caddymodule

import (
	"errors"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mor-gateway/caddy-mor-gateway/validation/hint"
)

var errEmpty = errors.New("is empty; put the API Secret Key there (MOR does not work with an empty one)")

// ParseKey returns the API Secret Key in the text of a file or a variable,
// without the white space around it, as MOR stores it. The error continues a
// sentence that begins with the text's name.
func ParseKey(text string) (string, error) {
	key := strings.Trim(text, " \t\n\v\f\r\x00") // what Ruby's String#strip drops
	switch {
	case key == "":
		return "", errEmpty
	case strings.HasPrefix(text, "\xff\xfe"), strings.HasPrefix(text, "\xfe\xff"), strings.Contains(key, "\x00"):
		return "", errors.New("is UTF-16 text, as > writes it in older Windows shells; save the key as UTF-8 without a byte order mark")
	case strings.HasPrefix(key, "\ufeff"):
		return "", errors.New("begins with a byte order mark; save the key as UTF-8 without one")
	case strings.ContainsAny(key, "\r\n"):
		return "", errors.New("has more than one line; put each key in its own file")
	}
	return key, nil
}

// KeyDoubt says why a key that ParseKey returned looks strange, though it may be
// meant. The text continues a sentence, as an error of ParseKey does. It is
// empty if nothing looks strange.
func KeyDoubt(key string) string {
	switch {
	case hint.Unquoted(key) != key:
		return "is in quotes, which count as part of the key (an --env-file keeps them); remove them, unless the key in MOR has them too"
	case assignment.MatchString(key):
		return "begins with NAME=, like a line of an environment file; keep only the key there, unless the key in MOR begins that way too"
	case !utf8.ValidString(key):
		return "is not UTF-8; save it as UTF-8, unless the key in MOR is not UTF-8 either"
	case strings.ContainsFunc(key, isInvisible):
		return "has an invisible character, such as a no-break space; retype the key, unless the key in MOR has it too"
	}
	return ""
}

// assignment is the beginning of a line of an environment file.
var assignment = regexp.MustCompile(`^(export +)?[A-Z][A-Z0-9_]*=.`)

func isInvisible(c rune) bool {
	return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) || c != ' ' && unicode.IsSpace(c)
}

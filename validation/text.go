package validation

import (
	"unicode"
	"unicode/utf8"
)

// text is what the readers read: the query is a string, a body is bytes.
type text interface{ string | []byte }

// unhex returns the value of a hex digit, or -1.
func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// isSpace reports whether the byte is white space to the contract: space,
// tab, LF, VT, FF, CR.
func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// isControl reports whether the byte is one of ASCII's control characters.
func isControl(c byte) bool { return c < ' ' || c == 0x7f }

// isBlank reports whether there is nothing but ASCII's white space.
func isBlank(s []byte) bool {
	for _, c := range s {
		if !isSpace(c) {
			return false
		}
	}
	return true
}

// isBlankUser is isBlank with Unicode's white space, which the contract wants
// for the username.
func isBlankUser(s []byte) bool {
	for len(s) > 0 {
		c, n := utf8.DecodeRune(s)
		if !unicode.IsSpace(c) {
			return false
		}
		s = s[n:]
	}
	return true
}

// hasControl reports whether one of ASCII's control characters is in s.
func hasControl[T text](s T) bool {
	for i := range len(s) {
		if isControl(s[i]) {
			return true
		}
	}
	return false
}

// isQuoted reports whether s is in quotes.
func isQuoted(s []byte) bool {
	n := len(s)
	return n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0]
}

// isASCII reports whether all bytes of s are below 0x80.
func isASCII(s []byte) bool {
	for _, c := range s {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// decimal returns the number that s is in decimal digits, "ASCII digits only,
// no sign, no spaces, no exponent; leading zeros are fine", and whether it is
// one of at most limit. The limit is below 1<<63 / 10.
func decimal(s []byte, limit int64) (n int64, ok bool) {
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n = n*10 + int64(c-'0'); n > limit {
			return 0, false
		}
	}
	return n, len(s) > 0
}

// isPositive reports whether s is a positive number in decimal digits, of any
// size.
func isPositive(s []byte) bool {
	positive := false
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
		positive = positive || c != '0'
	}
	return positive
}

// equalFold reports whether a and b are the same but for the case of ASCII's
// letters. (strings.EqualFold folds Unicode, which no server does here: the
// Kelvin sign is not a k.)
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

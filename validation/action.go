package validation

import "strings"

// Action is the name of the guarded API method, as Rails routes it.
const Action = "did_details_update"

// maxDecodings bounds how often a path is unescaped. Rails unescapes once;
// Apache in front of Passenger may have done so before. One more is for a
// proxy between the two.
const maxDecodings = 3

// IsAction reports whether Rails, or a server in front of it, may route the
// path to the action. The path is the decoded one (url.URL.Path).
//
// The contract: "A request that Rails would route to the action must not slip
// past the gateway because it is spelled differently." So the name counts
// anywhere as a whole word: with a format suffix, with further segments after
// it, between repeated slashes, next to dot segments, next to a separator of
// old routers (";", ","), and also if it appears only when the path is
// unescaped again. Letter case counts, as in Rails.
//
// The raw query counts only if the path has a control character, perhaps after
// it is unescaped again. Old Rails looks for an address at the beginning of
// every line of a target that Apache has decoded, and so takes the query of
// "/x%0Aa://b?/api/did_details_update" for the path.
func IsAction(path, query string) bool {
	control := false
	for n := 0; ; n++ {
		if hasWord(path, Action) || strings.IndexByte(path, 0) >= 0 && hasWord(strings.ReplaceAll(path, "\x00", ""), Action) {
			return true
		}
		control = control || hasControl(path)
		u := unescape(path)
		if n == maxDecodings || len(u) == len(path) { // or there was nothing to unescape
			return control && namesAction(query)
		}
		path = u
	}
}

// IsOpaqueAction is IsAction for a target that is neither a path nor an
// address, such as "x:http://b?/api/did_details_update". It looks at the text
// after the first colon, and at the raw query, which old Rails takes for the
// path here.
func IsOpaqueAction(opaque, query string) bool {
	return namesAction(opaque) || namesAction(query)
}

// namesAction reports whether the name is in s, or appears when s is unescaped.
func namesAction(s string) bool { return IsAction(s, "") }

// hasWord reports whether word is in s, between bytes that can't be part of a
// longer name. Any byte from 0x80 on ends a name, because releases differ in
// what they cut off where the rest isn't UTF-8.
func hasWord(s, word string) bool {
	for {
		i := strings.Index(s, word)
		if i < 0 {
			return false
		}
		end := i + len(word)
		if (i == 0 || !isWordByte(s[i-1])) && (end == len(s) || !isWordByte(s[end])) {
			return true
		}
		s = s[end:]
	}
}

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

// unescape unescapes what can be unescaped and keeps the rest.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	var b strings.Builder
	start := 0
	for i := 0; i+2 < len(s); i++ {
		if s[i] != '%' || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
			continue
		}
		b.WriteString(s[start:i])
		b.WriteByte(byte(unhex(s[i+1])<<4 | unhex(s[i+2])))
		i += 2
		start = i + 1
	}
	if start == 0 {
		return s
	}
	b.WriteString(s[start:])
	return b.String()
}

// isPlainPath reports whether every server reads the decoded path of the
// action alike: letters, digits and the marks that are in a MOR's address.
// A "?", "#", ";", "%" or control character that was escaped once means
// something else to whoever decodes the path before Rails does.
func isPlainPath(path string) bool {
	for i := range len(path) {
		if c := path[i]; !isWordByte(c) && c != '/' && c != '.' && c != '~' {
			return false
		}
	}
	return true
}

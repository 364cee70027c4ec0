package reference

import (
	"crypto/sha1" //nolint:gosec // the API's digest
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// Keys are API Secret Keys: of the admin, and by lower-case username those
// of resellers.
type Keys struct {
	Admin     []string
	Resellers map[string][]string
}

var (
	digits = regexp.MustCompile(`^[0-9]+$`)
	blank  = regexp.MustCompile(`^[ \t\n\v\f\r]*$`)
)

// Judge returns MOR's message for a request with the values, or nothing if
// the request is valid, by the contract's table.
func Judge(method string, v Values, k Keys, allowGet bool) string {
	user, _ := v.Get("u")
	didID, _ := v.Get("did_id")
	hash, _ := v.Get("hash")
	from, till := number(v, "active_from", 253402300799), number(v, "active_till", 253402300799)
	switch {
	case strings.TrimSpace(user) == "":
		return "Access Denied"
	case method == http.MethodGet && !allowGet:
		return "GET Requests are disabled"
	case !isRight(hash, didID, append(k.Resellers[asciiLower(user)], k.Admin...)):
		return "Incorrect hash"
	case !digits.MatchString(didID) || strings.Trim(didID, "0") == "":
		return "DID was not found"
	case number(v, "call_limit", 2147483647).wrong:
		return "Call limit is incorrect format"
	case from.wrong:
		return "Active from must be a valid timestamp"
	case till.wrong:
		return "Active till must be a valid timestamp"
	case from.n != nil && till.n != nil && till.n.Cmp(from.n) <= 0:
		return "Active till must be greater than Active from"
	}
	return ""
}

func isRight(hash, didID string, keys []string) bool {
	for _, key := range keys {
		if hash == fmt.Sprintf("%x", sha1.Sum([]byte(didID+key))) { //nolint:gosec // see above
			return true
		}
	}
	return false
}

func asciiLower(s string) string {
	return regexp.MustCompile(`[A-Z]`).ReplaceAllStringFunc(s, strings.ToLower)
}

type optional struct {
	n     *big.Int // nil if not given
	wrong bool
}

func number(v Values, name string, limit int64) optional {
	s, _ := v.Get(name)
	if blank.MatchString(s) {
		return optional{}
	}
	n, ok := new(big.Int).SetString(s, 10)
	return optional{n, !ok || !digits.MatchString(s) || n.Cmp(big.NewInt(limit)) > 0}
}

var actionSegment = regexp.MustCompile(`^did_details_update(\..*)?$`)

// Routed reports whether some server can route a raw path to the action:
// Rails, which unescapes it, or one behind another that has done so before or
// has resolved dot segments.
func Routed(raw string) bool {
	for range 3 {
		for _, p := range []string{raw, path.Clean("/" + raw)} {
			for _, segment := range strings.Split(p, "/") {
				if s, err := url.PathUnescape(segment); err == nil {
					for _, s := range strings.Split(s, "/") {
						if actionSegment.MatchString(s) {
							return true
						}
					}
				}
			}
		}
		again, err := url.PathUnescape(raw)
		if err != nil || again == raw {
			return false
		}
		raw = again
	}
	return false
}

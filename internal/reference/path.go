package reference

import (
	"net/url"
	"path"
	"regexp"
	"strings"
)

var actionSegment = regexp.MustCompile(`^did_details_update(\..*)?$`)

// Routed reports whether some server can route a raw path to the action:
// Rails, which unescapes it, or Rails after a server that has unescaped it or
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

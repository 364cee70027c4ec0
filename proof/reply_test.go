package proof

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
)

var errorElement = regexp.MustCompile(`<error>([^<]*)</error>`)

// answer says what a corpus file says of an answer: MOR's message, or the status where that is not 200.
func (r reply) answer() string {
	if r.status != 200 {
		return strconv.Itoa(r.status)
	}
	if m := errorElement.FindSubmatch(r.body); m != nil {
		return string(m[1])
	}
	return "200"
}

func (r reply) String() string {
	if r.status == 0 {
		return "no answer"
	}
	message := ""
	if m := errorElement.FindSubmatch(r.body); m != nil {
		message = fmt.Sprintf(" %q", m[1])
	}
	return fmt.Sprintf("%d%s", r.status, message)
}

// reproduce shows a request, and the command that sends it again.
func (w *world) reproduce(request []byte, site string) string {
	return fmt.Sprintf("  %q\n  go test ./proof -run 'TestReplay$' -v -proof.world='%s' -proof.site=%s -proof.replay=%s",
		request, w.server.name, site, base64.StdEncoding.EncodeToString(request))
}

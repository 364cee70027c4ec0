package proof

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
)

// The oracle knows the contract, and nothing of the gateway: it looks at what Rails, or another reading,
// saw when the action ran.

// site is a configuration of the gateway, as the Caddyfile has it.
type site struct{ contract.Site }

var sites = func() map[string]site {
	all := map[string]site{
		"small":       {contract.Site{Keys: []string{"secret"}}},
		"underscores": {contract.Site{Keys: []string{"secret"}}},
	}
	for name, s := range contract.Sites {
		all[name] = site{s}
	}
	return all
}()

// breaches returns how a request that reached MOR breaks the contract; nothing if the action did not run
// and no tunnel can open.
func (s site) breaches(r record) []string {
	var all []string
	if u, asked := r.Headers["HTTP_UPGRADE"]; asked && !strings.EqualFold(string(u), "websocket") {
		all = append(all, fmt.Sprintf("tunnel: Upgrade: %q arrived", u))
	}
	if len(r.Runs) == 0 {
		return all
	}
	if e := r.Headers["HTTP_CONTENT_ENCODING"]; !notEncoded.MatchString(string(e)) && r.Body != "" {
		all = append(all, fmt.Sprintf("the body is encoded: %q", e))
	}
	if v, given := r.Headers["HTTP_X_HTTP_METHOD_OVERRIDE"]; given {
		all = append(all, fmt.Sprintf("X-HTTP-Method-Override: %q arrived", v))
	}
	for _, run := range r.Runs {
		if breach := s.breach(run); breach != "" {
			all = append(all, run.Reading+": "+breach)
		}
	}
	return all
}

// notEncoded has what may be in Content-Encoding: nothing, or the name of a charset.
var notEncoded = regexp.MustCompile(`^(?i:identity|utf-?8|us-ascii|iso-8859-[0-9]+|windows-125[0-9])?$`)

// breach returns the first rule of the contract that a run of the action breaks.
func (s site) breach(r run) string {
	if r.Method != "POST" && r.Method != "GET" {
		return "the method is " + r.Method
	}
	if p, given := r.get("_method"); given {
		return "there is a method override: " + p.String()
	}
	for _, name := range contract.Guarded {
		p, given := r.get(name)
		switch {
		case !given || p.Class == "NilClass" || p.Class == "Integer":
		case p.Class != "String":
			return "not a plain value: " + p.String()
		case slices.Contains(contract.Texts, name) && strings.ContainsFunc(p.Text, isControl):
			return "a control character: " + p.String()
		}
	}
	message := s.Judge(r.Method, func(name string) string {
		p, _ := r.get(name)
		return p.Text
	})
	if message == "" {
		return ""
	}
	return fmt.Sprintf("%s: %s %v", message, r.Method, r.Params)
}

func isControl(c rune) bool { return c < ' ' || c == 0x7f }

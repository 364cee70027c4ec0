package caddyfile_test

import (
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// TestNamedRoutes makes sure that the gate stays in a named route, and that
// what comes after it does: of such a block without a matcher Caddy 2.11.9
// keeps the first handler alone.
func TestNamedRoutes(t *testing.T) {
	mor := testkit.StartMOR(t, nil)
	for name, tt := range map[string]struct{ routes, site string }{
		"gate last":    {"&(guard) {\nrequest_header X-Edge yes\nmor_gateway secret\n}", "route {\ninvoke guard\nreverse_proxy {$MOR}\n}"},
		"gate first":   {"&(mor) {\nmor_gateway secret\nreverse_proxy {$MOR}\n}", "invoke mor"},
		"gate alone":   {"&(guard) {\nmor_gateway secret\n}", "route {\ninvoke guard\nreverse_proxy {$MOR}\n}"},
		"all matched":  {"&(mor) {\nmor_gateway * secret\nreverse_proxy {$MOR}\n}", "invoke mor"},
		"in a block":   {"&(mor) {\nroute {\nmor_gateway secret\nreverse_proxy {$MOR}\n}\n}", "invoke mor"},
		"with a block": {"&(mor) {\nheader X-Edge yes\nmor_gateway {\nsecret secret\n}\nreverse_proxy {$MOR}\n}", "invoke mor"},
		"again": {"&(mor) {\nmor_gateway secret\nreverse_proxy {$MOR}\n}\n&(guard) {\nheader X-Edge yes\nmor_gateway secret\n}",
			"route {\ninvoke guard\nuri replace old new\ninvoke guard\ninvoke mor\n}"},
		"rewritten between": {"&(guard) {\nheader X-Edge yes\nmor_gateway secret\n}",
			"route {\ninvoke guard\nuri replace /new /billing/api/did_details_update\ninvoke guard\nreverse_proxy {$MOR}\n}"},
	} {
		t.Run(name, func(t *testing.T) {
			s := testkit.Serve(t, tt.routes+"\nhttp://:{$SITE} {\n"+tt.site+"\n}", "MOR", mor.Addr)
			targets := []string{update}
			if name == "rewritten between" {
				targets = append(targets, "/new")
			}
			for _, target := range targets {
				if got := testkit.Ask(t, "POST", "http://"+s.Addr("SITE")+target+"?"+wrong, ""); got.Body != testkit.Failure("Incorrect hash") {
					t.Errorf("%s: a wrong hash is answered %q", target, got.Body)
				}
				if seen := mor.Lines(); len(seen) > 0 {
					t.Errorf("%s: a wrong hash reached MOR: %q", target, seen)
				}
				if got := testkit.Ask(t, "POST", "http://"+s.Addr("SITE")+target+"?"+right, ""); got.Body != testkit.Success || len(mor.Requests()) != 1 {
					t.Errorf("%s: a right update is answered %q", target, got.Body)
				}
			}
		})
	}
}

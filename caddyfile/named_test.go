package caddyfile

import "testing"

// TestNamedRoutes makes sure that the gate stays in a named route, and that
// what comes after it does: of such a block without a matcher Caddy 2.11.9
// keeps the first handler alone.
func TestNamedRoutes(t *testing.T) {
	const right, wrong = action + "?u=admin&did_id=6511&hash=", action + "?u=admin&did_id=6512&hash="
	for name, tc := range map[string]struct{ routes, site string }{
		"gate last":   {"&(guard) {\nrequest_header X-Edge yes\nmor_gateway secret\n}", "route {\ninvoke guard\nreverse_proxy 127.0.0.1:9082\n}"},
		"gate first":  {"&(mor) {\nmor_gateway secret\nreverse_proxy 127.0.0.1:9082\n}", "invoke mor"},
		"gate alone":  {"&(guard) {\nmor_gateway secret\n}", "route {\ninvoke guard\nreverse_proxy 127.0.0.1:9082\n}"},
		"all matched": {"&(mor) {\nmor_gateway * secret\nreverse_proxy 127.0.0.1:9082\n}", "invoke mor"},
		"in a block":  {"&(mor) {\nroute {\nmor_gateway secret\nreverse_proxy 127.0.0.1:9082\n}\n}", "invoke mor"},
		"with a block": {"&(mor) {\nheader X-Edge yes\nmor_gateway {\nsecret secret\n}\nreverse_proxy 127.0.0.1:9082\n}",
			"invoke mor"},
		"again": {"&(mor) {\nmor_gateway secret\nreverse_proxy 127.0.0.1:9082\n}\n&(guard) {\nheader X-Edge yes\nmor_gateway secret\n}",
			"route {\ninvoke guard\nuri replace old new\ninvoke guard\ninvoke mor\n}"},
	} {
		t.Run(name, func(t *testing.T) {
			tester := newTester(t)
			load(t, tester, globals+tc.routes+"\nhttp://127.0.0.1:9080 {\n"+tc.site+"\n}\n"+mor)
			hash := hash("6511", "secret")
			tester.AssertResponse(request(t, "POST", right+hash, "", ""), 200, "POST /billing/api/did_details_update?u=admin&did_id=6511&hash="+hash+"  ")
			tester.AssertResponse(request(t, "POST", wrong+hash, "", ""), 200, xml("Incorrect hash"))
		})
	}
}

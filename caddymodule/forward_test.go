package caddymodule_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// TestNoAnswer: that MOR does not answer is told in both modes, once for each
// request, with what it takes to find the request.
func TestNoAnswer(t *testing.T) {
	hangs := testkit.StartMOR(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	web := testkit.StartMOR(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "<html>Bad Gateway</html>")
	})
	busy := testkit.StartMOR(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, testkit.Failure("Access Denied"))
	})
	const snippet = `
	(gateway) {
		mor_gateway {
			secret secret
			mode {$MODE}
		}
	}
	(down) {
		import gateway
		reverse_proxy {$GONE}
	}`
	for _, tt := range []struct {
		name, site, status string
		says               string // in the field error
		xml                string // in enforce mode
	}{
		{"down", "import down", "502", "refused", "MOR cannot be reached"},
		{"slow", `import gateway
			reverse_proxy {$HANGS} {
				transport http {
					response_header_timeout 50ms
				}
			}`, "504", "timeout", "MOR did not answer in time"},
		{"none available", `import gateway
			reverse_proxy {$GONE} {
				fail_duration 1m
				max_fails 1
			}`, "503", "no upstreams", "MOR is not available"},
		{"its web server", "import gateway\nreverse_proxy {$WEB}", "502", "web server", ""},
		{"its web server, with MOR's words", "import gateway\nreverse_proxy {$BUSY}", "", "", ""},
		{"two gateways", `route {
				import gateway
				import down
			}`, "502", "refused", "MOR cannot be reached"},
		{"again in the error route", `import down
			handle_errors {
				import down
			}`, "502", "refused", "MOR cannot be reached"},
		{"another handler's error", "import gateway\nerror \"not today\" 503", "", "", ""},
	} {
		for _, mode := range []string{"enforce", "monitor"} {
			t.Run(tt.name+"/"+mode, func(t *testing.T) {
				s := testkit.Serve(t, snippet+"\nhttp://:{$SITE} {\nlog\n"+tt.site+"\n}",
					"MODE", mode, "GONE", testkit.FreeAddr(t), "HANGS", hangs.Addr, "WEB", web.Addr, "BUSY", busy.Addr)
				update := func() string {
					return post(t, s.Addr("SITE"), "u=admin&did_id=6511&hash="+contract.Hash("6511", "secret"))
				}
				done := 1
				if tt.name == "none available" { // after the first failure
					update()
					s.Settle(1)
					done = 2
				}
				before, lines := s.Counters(), len(s.Logged("no answer from MOR"))
				answer := update()
				s.Settle(done)
				if mode == "enforce" && tt.xml != "" && !strings.Contains(answer, "<error>"+tt.xml+"</error>") {
					t.Errorf("answered %q", answer)
				}
				counted := s.Since(before)
				for _, status := range []string{"502", "503", "504"} {
					want := map[bool]float64{true: 1}[status == tt.status]
					if n := counted[`no_answer_total{status="`+status+`"}`]; n != want {
						t.Errorf("%s is counted %v times", status, n)
					}
				}
				for series := range counted {
					if strings.HasPrefix(series, "unread_answers") || strings.HasPrefix(series, "disagreements") {
						t.Errorf("counted %s", series)
					}
				}
				told := s.Logged("no answer from MOR")[lines:]
				if len(told) != len(tt.status)/3 {
					t.Fatalf("%d lines", len(told))
				}
				if len(told) == 0 {
					return
				}
				for field, want := range map[string]string{
					"level": "error", "status": tt.status, "user": "admin", "did_id": "6511", "client_ip": "127.0.0.1", "verdict": "accepted",
				} {
					if got := fmt.Sprint(told[0][field]); got != want {
						t.Errorf("%s is %q, want %q", field, got, want)
					}
				}
				if why := fmt.Sprint(told[0]["error"]); !strings.Contains(why, tt.says) {
					t.Errorf("error is %q, without %q", why, tt.says)
				}
			})
		}
	}
}

// An update through a site that answers nothing after the gateway is noticed.
func TestNothingAfterGateway(t *testing.T) {
	s := testkit.Serve(t, `http://:{$SITE} {
		mor_gateway secret
	}`)
	before := s.Counters()
	post(t, s.Addr("SITE"), "u=admin&did_id=6511&hash="+contract.Hash("6511", "secret"))
	testkit.Eventually(t, "counted", func() bool { return s.Since(before)[unreadNothing] == 1 })
}

// HEAD has an answer without a body, which says nothing of MOR.
func TestHeadIsNotCompared(t *testing.T) {
	s := testkit.Serve(t, `http://:{$SITE} {
		log
		mor_gateway {
			secret secret
			mode monitor
		}
		reverse_proxy {$MOR}
	}`, "MOR", testkit.StartMOR(t, nil).Addr)
	before := s.Counters()
	testkit.Ask(t, "HEAD", "http://"+s.Addr("SITE")+action+"?u=admin", "")
	s.Settle(1)
	if counted := s.Since(before); len(counted) != 1 || counted[`requests_total{mode="monitor",verdict="method_not_allowed"}`] != 1 {
		t.Errorf("counted %v", counted)
	}
}

// TestPreflight: a browser's preflight is answered by the site, before the
// gateway, and never reaches MOR. The same by an order, or by a route.
func TestPreflight(t *testing.T) {
	const cors = `
	(cors) {
		@preflight {
			method OPTIONS
			header Origin https://app.example
			header Access-Control-Request-Method *
		}
		header @preflight {
			Access-Control-Allow-Methods POST
			Access-Control-Allow-Headers Content-Type
			Access-Control-Max-Age 600
		}
		header Access-Control-Allow-Origin https://app.example
	}`
	for name, caddyfile := range map[string]string{
		"order": `{
			order respond before mor_gateway
		}` + cors + `
		http://:{$SITE} {
			log
			import cors
			respond @preflight 204
			mor_gateway secret
			reverse_proxy {$MOR}
		}`,
		"route": cors + `
		http://:{$SITE} {
			log
			import cors
			route {
				respond @preflight 204
				mor_gateway secret
				reverse_proxy {$MOR}
			}
		}`,
	} {
		t.Run(name, func(t *testing.T) {
			upstream := testkit.StartMOR(t, nil)
			s := testkit.Serve(t, caddyfile, "MOR", upstream.Addr)
			url := "http://" + s.Addr("SITE") + action + "?u=admin&did_id=6511&hash=" + contract.Hash("6511", "secret")
			for _, ask := range []struct {
				method, origin, asks string
				status, reaches      int
			}{
				{"OPTIONS", "https://app.example", "POST", 204, 0},
				{"OPTIONS", "https://evil.example", "POST", 405, 0},
				{"OPTIONS", "https://app.example", "", 405, 0},
				{"POST", "https://app.example", "", 200, 1},
			} {
				header := []string{"Origin", ask.origin}
				if ask.asks != "" {
					header = append(header, "Access-Control-Request-Method", ask.asks)
				}
				got := testkit.Ask(t, ask.method, url, "", header...)
				if got.Status != ask.status {
					t.Errorf("%v: status %d: %s", ask, got.Status, got.Body)
				}
				if origin := got.Header.Get("Access-Control-Allow-Origin"); origin != "https://app.example" {
					t.Errorf("%v: allows the origin %q", ask, origin)
				}
				if methods := got.Header.Get("Access-Control-Allow-Methods"); (methods == "POST") != (ask.status == 204) {
					t.Errorf("%v: allows %q", ask, methods)
				}
				if n := len(upstream.Requests()); n != ask.reaches {
					t.Errorf("%v: reaches MOR %d times", ask, n)
				}
			}
		})
	}
}

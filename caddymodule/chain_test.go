package caddymodule_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// Two gateways in one chain judge alike: the request is counted once, and the
// last word is the same in the log, the placeholder and the access log.
func TestTwoGateways(t *testing.T) {
	upstream := testkit.StartMOR(t, nil)
	right := "u=admin&did_id=6511&hash=" + contract.Hash("6511", "secret")
	messages := []string{"request accepted", "request refused", "request would be refused"}
	for _, modes := range [][2]string{{"enforce", "enforce"}, {"enforce", "monitor"}, {"monitor", "enforce"}, {"monitor", "monitor"}} {
		t.Run(modes[0]+" "+modes[1], func(t *testing.T) {
			s := testkit.Serve(t, `http://:{$SITE} {
				log
				header mor-verdict {http.mor_gateway.verdict}
				route {
					mor_gateway {
						secret secret
						allow_get
						mode {$FIRST}
					}
					mor_gateway {
						secret secret
						allow_get
						mode {$SECOND}
					}
					header >mor-verdict {http.mor_gateway.verdict}
					reverse_proxy {$MOR}
				}
			}`, "FIRST", modes[0], "SECOND", modes[1], "MOR", upstream.Addr)
			addr := s.Addr("SITE")
			for _, tt := range []struct{ request, verdict string }{
				{"POST " + action + "?" + right + " HTTP/1.1\r\nContent-Length: 0\r\n", "accepted"},
				{"POST " + action + "?" + right + " HTTP/1.1\r\nIdempotency-Key: 1\r\nContent-Type: application/xml\r\nContent-Length: 0\r\n", "accepted"},
				{"GET " + action + "?" + right + " HTTP/1.1\r\nContent-Type: application/xml\r\n", "accepted"},
				{"POST " + action + "?" + right + " HTTP/1.1\r\nContent-Type: application/xml\r\nTransfer-Encoding: chunked\r\n", "accepted"},
				{"POST " + action + "?" + strings.Replace(right, "6511", "6512", 1) + " HTTP/1.1\r\nContent-Length: 0\r\n", "incorrect_hash"},
			} {
				t.Run(tt.request, func(t *testing.T) {
					s := s.For(t)
					spoken := 0
					for _, message := range messages {
						spoken += len(s.Logged(message))
					}
					before, handled := s.Counters(), s.Handled()
					body := ""
					if strings.Contains(tt.request, "chunked") {
						body = "0\r\n\r\n"
					}
					c := testkit.Dial(t, addr)
					c.Send(tt.request + "Host: " + addr + "\r\nConnection: close\r\n\r\n" + body)
					c.Rest()
					s.Settle(handled + 1)
					mode := modes[1]
					if tt.verdict != "accepted" && modes[0] == "enforce" {
						mode = "enforce"
					}
					want := fmt.Sprintf(`requests_total{mode="%s",verdict="%s"}`, mode, tt.verdict)
					counted := 0.0
					for series, n := range s.Since(before) {
						if strings.HasPrefix(series, "requests_total") {
							counted += n
							if series != want {
								t.Errorf("counted as %s, want %s", series, want)
							}
						}
					}
					if counted != 1 {
						t.Errorf("counted %v times", counted)
					}
					lines := s.Logged("handled request")
					if got := lines[len(lines)-1]["mor_verdict"]; got != tt.verdict {
						t.Errorf("the access log says %v, want %s", got, tt.verdict)
					}
					said := -spoken
					for _, message := range messages {
						said += len(s.Logged(message))
					}
					if said != 1 {
						t.Errorf("%d log lines", said)
					}
				})
			}
		})
	}
}

// An error of another handler is not MOR's: the site's error routes have it,
// and no log line blames MOR.
func TestErrorOfAnotherHandler(t *testing.T) {
	s := testkit.Serve(t, `http://:{$SITE} {
		log
		mor_gateway secret
		@mine query mine=1
		error @mine "not today" 503
		reverse_proxy {$MOR}
		handle_errors {
			respond "error {err.status_code}"
		}
	}`, "MOR", testkit.FreeAddr(t))
	addr := s.Addr("SITE")
	right := "u=admin&did_id=6511&hash=" + contract.Hash("6511", "secret")
	if got := post(t, addr, right+"&mine=1"); got != "error 503" {
		t.Errorf("error 503 beside the gateway is answered %q", got)
	}
	if got := post(t, addr, right); !strings.Contains(got, "<error>MOR cannot be reached</error>") {
		t.Errorf("MOR down is answered %q", got)
	}
	s.Settle(2)
	if n := len(s.Logged("no answer from MOR")); n != 1 {
		t.Errorf("%d lines say that MOR is down, want 1", n)
	}
}

// A refusal does not wait for a body that nobody wants, and the connection
// stays open where the body was read.
func TestRefusedAtOnce(t *testing.T) {
	s := testkit.Serve(t, `http://:{$SITE} {
		mor_gateway secret
	}`)
	addr := s.Addr("SITE")
	for name, tt := range map[string]struct {
		request string
		closed  bool
	}{
		"declared and not sent":     {"PUT " + action + " HTTP/1.1\r\nContent-Length: 7000000\r\n\r\n", true},
		"chunked and not sent":      {"PUT " + action + " HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", true},
		"expected and not sent":     {"PUT " + action + " HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n", true},
		"too large and not sent":    {"POST " + action + " HTTP/1.1\r\nContent-Length: 7000000\r\n\r\n", true},
		"of a wrong type, not sent": {"POST " + action + " HTTP/1.1\r\nContent-Type: text/x\r\nContent-Length: 7\r\n\r\n", true},
		"without a body":            {"PUT " + action + " HTTP/1.1\r\n\r\n", false},
		"with a body that was read": {"POST " + action + " HTTP/1.1\r\nContent-Length: 7\r\n\r\nu=admin", false},
	} {
		t.Run(name, func(t *testing.T) {
			c := testkit.Dial(t, addr)
			c.Send(strings.Replace(tt.request, "\r\n", "\r\nHost: "+addr+"\r\n", 1))
			got := c.Answer("POST")
			if got.Close != tt.closed {
				t.Errorf("status %d: connection closed %v, want %v", got.Status, got.Close, tt.closed)
			}
		})
	}
}

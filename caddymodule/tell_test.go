package caddymodule_test

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// TestLogLines: the fields and levels are the design's, and what a line
// repeats of a request is cut.
func TestLogLines(t *testing.T) {
	s := testkit.Serve(t, `
	(site) {
		log
		mor_gateway {
			secret secret
			mode {args[0]}
		}
		respond ok
	}
	http://:{$ENFORCE} {
		import site enforce
	}
	http://:{$MONITOR} {
		import site monitor
	}`)
	enforce, monitor := s.Addr("ENFORCE"), s.Addr("MONITOR")
	right := contract.Hash("6511", "secret")
	long := strings.Repeat("ä", 40) // cut in the middle of a letter: 64 bytes are 32 of them
	for _, tt := range []struct {
		method, query, kind, body string
		level, verdict, user, did string
	}{
		{"POST", "u=admin&did_id=6511&hash=" + right, "", "", "debug", "accepted", "admin", "6511"},
		{"POST", "u=admin&did_id=6511&hash=no", "", "", "info", "incorrect_hash", "admin", "6511"},
		{"POST", "u=+&did_id=6511&hash=" + right, "", "", "info", "access_denied", " ", "6511"},
		{"POST", "u=x" + long + "&did_id=6511&hash=no", "", "", "info", "incorrect_hash", "x" + long[:62], "6511"},
		{"POST", "u=a&did_id=" + strings.Repeat("1", 20) + "&hash=no", "", "", "info", "incorrect_hash", "a", strings.Repeat("1", 20)},
		{"POST", "u=a&did_id=" + strings.Repeat("1", 21) + "&hash=no", "", "", "info", "incorrect_hash", "a", ""},
		{"POST", "u=a&did_id=" + right[:10] + "&hash=no", "", "", "info", "incorrect_hash", "a", ""},
		{"POST", "u=" + right + "&did_id=6511&hash=admin", "", "", "info", "incorrect_hash", "REDACTED", "6511"},
		{"POST", "u=admin%26hash=" + right + "&did_id=6511&hash=no", "", "", "info", "incorrect_hash", "admin&hash=REDACTED", "6511"},
		{"POST", "u=sha1:" + right + "+&did_id=6511&hash=no", "", "", "info", "incorrect_hash", "sha1:REDACTED ", "6511"},
		{"POST", "u=" + strings.Repeat("F7:", 19) + "De&did_id=6511&hash=no", "", "", "info", "incorrect_hash", "REDACTED", "6511"},
		{"POST", "u=6511secret&did_id=6511&hash=no", "", "", "info", "incorrect_hash", "REDACTED", "6511"},
		{"POST", "u=" + right[:31] + "&did_id=6511&hash=no", "", "", "info", "incorrect_hash", right[:31], "6511"},
		{"GET", "u=a", "", "", "info", "get_disabled", "a", ""},
		{"PUT", "u=a", "", "", "info", "method_not_allowed", "", ""},
		{"POST", "u=a", "text/" + strings.Repeat("x", 100), "x", "info", "unsupported_media_type", "", ""},
		{"POST", "u=a&u=b", "", "", "info", "ambiguous", "a", ""},
	} {
		for _, mode := range []string{"enforce", "monitor"} {
			t.Run(mode+" "+tt.method+" "+tt.query, func(t *testing.T) {
				s := s.For(t)
				addr, message := enforce, "request refused"
				if mode == "monitor" {
					addr, message = monitor, "request would be refused"
				}
				if tt.verdict == "accepted" {
					message = "request accepted"
				}
				before, handled := len(s.Logged(message)), s.Handled()
				var header []string
				if tt.kind != "" {
					header = []string{"Content-Type", tt.kind}
				}
				testkit.Ask(t, tt.method, "http://"+addr+action+"?"+tt.query, tt.body, header...)
				s.Settle(handled + 1)
				lines := s.Logged(message)
				if len(lines) != before+1 {
					t.Fatalf("%d lines %q", len(lines)-before, message)
				}
				line := lines[before]
				for field, want := range map[string]any{
					"logger": "http.handlers.mor_gateway", "level": tt.level, "verdict": tt.verdict, "user": tt.user, "did_id": tt.did,
					"method": tt.method, "content_type": tt.kind[:min(64, len(tt.kind))], "client_ip": "127.0.0.1",
				} {
					if line[field] != want {
						t.Errorf("%s is %q, want %q", field, line[field], want)
					}
				}
				fields := slices.Sorted(maps.Keys(line))
				if want := []string{"client_ip", "content_type", "did_id", "hint", "level", "logger", "method", "msg", "ts", "user", "verdict"}; !slices.Equal(fields, want) {
					t.Errorf("fields %v, want %v", fields, want)
				}
				if tt.verdict == "ambiguous" && line["hint"] != "query: u: given more than once with different values" {
					t.Errorf("hint %q", line["hint"])
				}
				access := s.Logged("handled request")
				if got := access[len(access)-1]["mor_verdict"]; got != tt.verdict {
					t.Errorf("mor_verdict is %v in the access log", got)
				}
			})
		}
	}
}

// TestChanges: the placeholder says what an accepted request sets, and nothing
// of any other.
func TestChanges(t *testing.T) {
	s := testkit.Serve(t, `http://:{$SITE} {
		log
		log_append mor_changes {http.mor_gateway.changes}
		mor_gateway {
			secret secret
			mode monitor
		}
		respond ok
	}`)
	right := "u=admin&did_id=6511&hash=" + contract.Hash("6511", "secret")
	for _, tt := range []struct{ query, want string }{
		{right, ""},
		{right + "&active_till=1800000000&call_limit=10", "call_limit=10 active_till=1800000000"},
		{right + "&did_user_id=-1&active_from=1&active_till=2&grace_time=0&call_limit=0", "call_limit=0 did_user_id=-1 active_from=1 active_till=2 grace_time=0"},
		{right + "&call_limit=&active_from=+%09&grace_time=5", "grace_time=5"},
		{right + "&comment=x&language=en", ""},
		{right + "&did_user_id=1+call_limit%3D9", `did_user_id="1 call_limit=9"`},
		{right + "&did_user_id=a%22b%5C", `did_user_id="a\"b\\"`},
		{right + "&did_user_id=a%C2%A0b", `did_user_id="a\u00a0b"`},
		{right + "&did_user_id=%C3%BC", "did_user_id=ü"},
		{right + "&did_user_id=" + strings.Repeat("x", 100), "did_user_id=" + strings.Repeat("x", 64)},
		{right + "&did_user_id=12secret34", "did_user_id=REDACTED"},
		{right + "&did_user_id=" + contract.Hash("1", ""), "did_user_id=REDACTED"},
		{"u=admin&did_id=6511&call_limit=10&hash=no", ""},
		{right + "&call_limit=-1", ""},
	} {
		t.Run(tt.query, func(t *testing.T) {
			s := s.For(t)
			handled := s.Handled()
			post(t, s.Addr("SITE"), tt.query)
			s.Settle(handled + 1)
			lines := s.Logged("handled request")
			if got := lines[len(lines)-1]["mor_changes"]; got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestUnfinishedIsQuiet: clients that break off are everyday life, and stay
// out of the log unless it is a debug log.
func TestUnfinishedIsQuiet(t *testing.T) {
	s := testkit.Serve(t, `http://:{$SITE} {
		log
		mor_gateway secret
		respond ok
	}`)
	if !send(t, s.Addr("SITE"), []byte("POST "+action+" HTTP/1.1\r\nHost: mor.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nu=a&d\r\nno chunk\r\n")) {
		t.Error("not refused")
	}
	s.Settle(1)
	lines := s.Logged("request refused")
	if len(lines) != 1 || lines[0]["verdict"] != "incomplete" || lines[0]["level"] != "debug" {
		t.Errorf("%v", lines)
	}
}

// TestKeysDriftedWarning: an operator must see from one line that the keys
// differ, and whose. Nobody but the user of the request is named.
func TestKeysDriftedWarning(t *testing.T) {
	upstream := testkit.StartMOR(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, testkit.Failure("Incorrect hash"))
	})
	for _, mode := range []string{"enforce", "monitor"} {
		t.Run(mode, func(t *testing.T) {
			s := testkit.Serve(t, `http://:{$SITE} {
				log
				mor_gateway {
					secret secret
					reseller One own
					mode {$MODE}
				}
				reverse_proxy {$MOR}
			}`, "MODE", mode, "MOR", upstream.Addr)
			for _, user := range []string{"One", "admin"} {
				post(t, s.Addr("SITE"), "u="+user+"&did_id=6511&hash="+contract.Hash("6511", "secret"))
			}
			s.Settle(2)
			var warned []string
			for line := range strings.Lines(s.Log()) {
				if strings.Contains(line, "the keys have drifted apart") {
					warned = append(warned, line)
				}
			}
			if len(warned) != 2 {
				t.Fatalf("%d warnings", len(warned))
			}
			for i, user := range []string{"One", "admin"} {
				for _, want := range []string{`"level":"warn"`, `"user":"` + user + `"`, `"verdict":"accepted"`, `"mor":"incorrect_hash"`, `"did_id":"6511"`} {
					if !strings.Contains(warned[i], want) {
						t.Errorf("no %s in %s", want, warned[i])
					}
				}
			}
		})
	}
}

// TestModeIsAnnounced: monitor mode says loudly, once for each load, that
// nothing is stopped.
func TestModeIsAnnounced(t *testing.T) {
	for mode, want := range map[string]struct{ level, says string }{
		"monitor": {"warn", "NOT stopped"},
		"enforce": {"info", "never reach MOR"},
	} {
		t.Run(mode, func(t *testing.T) {
			const site = `http://:{$SITE} {
				mor_gateway {
					secret secret
					mode {$MODE}
				}
				respond ok
			}`
			s := testkit.Serve(t, site, "MODE", mode)
			for loads := 1; loads <= 2; loads++ {
				n := 0
				for line := range strings.Lines(s.Log()) {
					if strings.Contains(line, mode+" mode: ") && strings.Contains(line, want.says) && strings.Contains(line, `"level":"`+want.level+`"`) {
						n++
					}
				}
				if n != loads {
					t.Errorf("announced %d times in %d loads", n, loads)
				}
				if err := s.Load(site, "MODE", mode); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

package caddymodule_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// TestLogLines: the fields and levels are the design's, and what a line
// repeats of a request is cut.
func TestLogLines(t *testing.T) {
	enforce, monitor := testkit.FreeAddr(t), testkit.FreeAddr(t)
	site := "http://%s {\nlog\nmor_gateway {\nsecret secret\nmode %s\n}\nrespond ok\n}\n"
	s := serve(t, fmt.Sprintf(site, enforce, "enforce")+fmt.Sprintf(site, monitor, "monitor"))
	right := hash("6511", "secret")
	long := strings.Repeat("ä", 40) // cut in the middle of a letter: 64 bytes are 32 of them
	for i, tt := range []struct {
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
			addr, message := enforce, "request refused"
			if mode == "monitor" {
				addr, message = monitor, "request would be refused"
			}
			if tt.verdict == "accepted" {
				message = "request accepted"
			}
			r, err := http.NewRequestWithContext(t.Context(), tt.method, "http://"+addr+action+"?"+tt.query, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if tt.kind != "" {
				r.Header.Set("Content-Type", tt.kind)
			}
			before := len(s.lines(message))
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			done := 2*i + 1
			if mode == "monitor" {
				done++
			}
			s.settle(done)
			lines := s.lines(message)
			if len(lines) != before+1 {
				t.Fatalf("%s %s: %d lines %q", mode, tt.query, len(lines)-before, message)
			}
			line := lines[before]
			for field, want := range map[string]any{
				"logger": "http.handlers.mor_gateway", "level": tt.level, "verdict": tt.verdict, "user": tt.user, "did_id": tt.did,
				"method": tt.method, "content_type": tt.kind[:min(64, len(tt.kind))], "client_ip": "127.0.0.1",
			} {
				if line[field] != want {
					t.Errorf("%s %s: %s is %q, want %q", mode, tt.query, field, line[field], want)
				}
			}
			fields := slices.Sorted(maps.Keys(line))
			if want := []string{"client_ip", "content_type", "did_id", "hint", "level", "logger", "method", "msg", "ts", "user", "verdict"}; !slices.Equal(fields, want) {
				t.Errorf("fields %v, want %v", fields, want)
			}
			if tt.verdict == "ambiguous" && line["hint"] != "query: u: given more than once with different values" {
				t.Errorf("hint %q", line["hint"])
			}
			access := s.lines("handled request")
			if got := access[len(access)-1]["mor_verdict"]; got != tt.verdict {
				t.Errorf("%s %s: mor_verdict is %v in the access log", mode, tt.query, got)
			}
		}
	}
}

// TestUnfinishedIsQuiet: clients that break off are everyday life, and stay
// out of the log unless it is a debug log.
func TestUnfinishedIsQuiet(t *testing.T) {
	addr := testkit.FreeAddr(t)
	_, port, _ := strings.Cut(addr, ":")
	s := serve(t, "http://:"+port+" {\nbind 127.0.0.1\nlog\nmor_gateway secret\nrespond ok\n}")
	if !send(t, addr, []byte("POST "+action+" HTTP/1.1\r\nHost: mor.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nu=a&d\r\nno chunk\r\n")) {
		t.Error("not refused")
	}
	s.settle(1)
	lines := s.lines("request refused")
	if len(lines) != 1 || lines[0]["verdict"] != "incomplete" || lines[0]["level"] != "debug" {
		t.Errorf("%v", lines)
	}
}

// TestKeysDriftedWarning: an operator must see from one line that the keys
// differ, and whose. Nobody but the user of the request is named.
func TestKeysDriftedWarning(t *testing.T) {
	upstream := mor(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, envelope("error", "Incorrect hash"))
	})
	for _, mode := range []string{"enforce", "monitor"} {
		addr := testkit.FreeAddr(t)
		s := serve(t, "http://"+addr+" {\nlog\nmor_gateway {\nsecret secret\nreseller One own\nmode "+mode+"\n}\nreverse_proxy "+upstream+"\n}")
		for _, user := range []string{"One", "admin"} {
			post(t, addr, "u="+user+"&did_id=6511&hash="+hash("6511", "secret"))
		}
		s.settle(2)
		var warned []string
		for line := range strings.Lines(s.log()) {
			if strings.Contains(line, "the keys have drifted apart") {
				warned = append(warned, line)
			}
		}
		if len(warned) != 2 {
			t.Fatalf("%s: %d warnings", mode, len(warned))
		}
		for i, user := range []string{"One", "admin"} {
			for _, want := range []string{`"level":"warn"`, `"user":"` + user + `"`, `"verdict":"accepted"`, `"mor":"incorrect_hash"`, `"did_id":"6511"`} {
				if !strings.Contains(warned[i], want) {
					t.Errorf("%s: no %s in %s", mode, want, warned[i])
				}
			}
		}
	}
}

// TestModeIsAnnounced: monitor mode says loudly, once for each load, that
// nothing is stopped.
func TestModeIsAnnounced(t *testing.T) {
	for mode, want := range map[string]struct{ level, says string }{
		"monitor": {"warn", "NOT stopped"},
		"enforce": {"info", "never reach MOR"},
	} {
		site := "http://" + testkit.FreeAddr(t) + " {\nmor_gateway {\nsecret secret\nmode " + mode + "\n}\nrespond ok\n}"
		s := serve(t, site)
		for loads := 1; loads <= 2; loads++ {
			n := 0
			for line := range strings.Lines(s.log()) {
				if strings.Contains(line, mode+" mode: ") && strings.Contains(line, want.says) && strings.Contains(line, `"level":"`+want.level+`"`) {
					n++
				}
			}
			if n != loads {
				t.Errorf("%s: announced %d times in %d loads", mode, n, loads)
			}
			if err := s.load(site); err != nil {
				t.Fatal(err)
			}
		}
	}
}

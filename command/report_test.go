package command_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// accessLine is a line of an access log.
func accessLine(at, request string) string {
	return `192.0.2.7 - - [` + at + `] "` + request + ` HTTP/1.1" 200 148` + "\n"
}

const reportAt = "27/Nov/2026:12:00:00 +0000"

// mor-report prints a report, or says in one line what is wrong and ends with 2.
func TestReportCommand(t *testing.T) {
	right := accessLine(reportAt, "POST "+action+"?u=admin&did_id=6511&hash="+exampleHash)
	get := accessLine("20/Nov/2026:12:00:00 +0000", "GET "+action+"?u=admin&did_id=6511&hash="+exampleHash)
	log := writeFile(t, right+get)
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write([]byte(right))
	w.Close()
	packed := writeFile(t, z.String())
	config := writeFile(t, "http://x {\n\tmor_gateway {\n\t\tsecret secret\n\t\treseller shop shop-key\n\t\tallow_get\n\t}\n}")
	two := writeFile(t, "http://a.example {\n\tmor_gateway secret\n}\nhttp://b.example {\n\tmor_gateway {\n\t\tsecret secret\n\t\tallow_get\n\t}\n}")
	key := writeFile(t, "secret")
	for _, tt := range []struct {
		name, stdin, key string
		args             []string
		status           int
		want             []string
	}{
		{"one log", "", "secret", []string{log}, 0, []string{"1 log with 2 lines, 2 requests for did_details_update", "accepted            1", "refused             1", "get_disabled", "\tallow_get\n"}},
		{"two logs, one packed", "", "secret", []string{log, packed}, 0, []string{"2 logs with 3 lines, 3 requests"}},
		{"standard input", right, "secret", []string{"-"}, 0, []string{"1 log with 1 line, 1 request"}},
		{"standard input, packed, and a file", z.String(), "secret", []string{"-", log}, 0, []string{"2 logs with 3 lines"}},
		{"key from standard input", "secret\n", "", []string{"--secret-file", "-", log}, 0, []string{"2 requests"}},
		{"nothing in it", "", "secret", []string{"-"}, 0, []string{"1 log with 0 lines, 0 requests"}},
		{"no log of a server", "a\nb\n", "secret", []string{"-"}, 0, []string{"left out: 2 in an unknown format", "standard input has no line in a known format"}},
		{"config", "", "", []string{"--config", config, log}, 0, []string{"accepted            2", "\treseller shop {file.{$MOR_KEYS:/etc/caddy-mor-gateway/keys/}reseller.shop}\n"}},
		{"site", "", "", []string{"--config", two, "--site", "b.example", log}, 0, []string{"accepted            2"}},
		{"since a day", "", "secret", []string{"--since", "2026-11-27", log}, 0, []string{"1 request for", "left out: 1 outside the period"}},
		{"until a day, which counts", "", "secret", []string{"--until", "2026-11-20", log}, 0, []string{"1 request for", "get_disabled"}},
		{"a period of times", "", "secret", []string{"--since", "2026-11-20T11:59:59Z", "--until", "2026-11-20T12:00:01+00:00", log}, 0, []string{"1 request for"}},
		{"an empty period", "", "secret", []string{"--since", "2026-11-21 00:00", "--until", "2026-11-22 00:00", log}, 0, []string{"0 requests for"}},

		{"no log", "", "secret", nil, 2, []string{"mor-report: give a log, or - for standard input"}},
		{"no such log", "", "secret", []string{log, "/nonexistent"}, 2, []string{"a log cannot be read: open /nonexistent"}},
		{"a directory", "", "secret", []string{filepath.Dir(log)}, 2, []string{"is a directory"}},
		{"another compression", "\xfd7zXZ\x00", "secret", []string{"-"}, 2, []string{"standard input: it is compressed with xz; unpack it: xz -dc FILE | caddy mor-report -"}},
		{"no key", "", "", []string{log}, 2, []string{"no key: give --secret-file, or set MOR_API_SECRET_KEY"}},
		{"config and key", "", "", []string{"--config", config, "--secret-file", key, log}, 2, []string{"give --config or --secret-file, not both"}},
		{"several sites", "", "", []string{"--config", two, log}, 2, []string{"pick one with --site"}},
		{"site without config", "", "secret", []string{"--site", "x", log}, 2, []string{"--site needs --config"}},
		{"two inputs", "", "", []string{"--secret-file", "-", "-"}, 2, []string{"only one of the logs and --secret-file can come from standard input"}},
		{"no time", "", "secret", []string{"--since", "yesterday", log}, 2, []string{"--since: write a day such as 2026-11-30"}},
		{"no time", "", "secret", []string{"--until", "27/11/2026", log}, 2, []string{"--until: write a day"}},
		{"a log for a page", "", "secret", []string{"--html", log, log}, 2, []string{"--html: " + log + " exists and is not an HTML page; give another name, or remove it"}},
		{"no place for the page", "", "secret", []string{"--html", "/nonexistent/x", log}, 2, []string{"/nonexistent/x"}},
		{"unknown flag", "", "secret", []string{"--verbose", log}, 2, []string{"mor-report: unknown flag: --verbose; see caddy help mor-report\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withKey(t, tt.key)
			got := runCommand(tt.stdin, "mor-report", tt.args...)
			text := got.out
			if tt.status == 2 {
				text = got.errOut
				if got.out != "" || strings.Count(got.errOut, "\n") != 1 {
					t.Errorf("not one line of error: %+v", got)
				}
			}
			if got.status != tt.status {
				t.Errorf("status %d, want %d: %+v", got.status, tt.status, got)
			}
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in %q", want, text)
				}
			}
			if secret := testkit.FindAny(got.out+got.errOut, []string{"shop-key", exampleHash, action + "?"}); secret != "" {
				t.Errorf("%q is in %+v", secret, got)
			}
		})
	}
	if text, err := os.ReadFile(log); err != nil || string(text) != right+get {
		t.Errorf("the log has changed: %v", err)
	}
}

// The page and the data have what the text has, and an older, longer page is
// replaced.
func TestReportForms(t *testing.T) {
	withKey(t, "secret")
	log := writeFile(t, accessLine(reportAt, "GET "+action+"?u=acme&did_id=6511&hash="+exampleHash))
	page := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(page, []byte("<!DOCTYPE html>"+strings.Repeat("old", 100_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	got := runCommand("", "mor-report", "--html", page, "--json", log)
	if got.status != 0 || got.errOut != "" {
		t.Fatalf("%+v", got)
	}
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"acme", "get_disabled", "send a POST, or configure allow_get", "version of the gateway: " + caddymodule.Version(), "</html>"} {
		if !bytes.Contains(html, []byte(want)) {
			t.Errorf("no %q in the page", want)
		}
	}
	if bytes.Contains(html, []byte("oldold")) || !bytes.HasSuffix(bytes.TrimSpace(html), []byte("</html>")) {
		t.Error("the older page is not gone")
	}
	var data struct {
		Version string
		Refused int
		Stopped []struct{ User, Verdict string }
	}
	if err := json.Unmarshal([]byte(got.out), &data); err != nil {
		t.Fatal(err)
	}
	if data.Version != caddymodule.Version() || data.Refused != 1 || len(data.Stopped) != 1 || data.Stopped[0].User != "acme" || data.Stopped[0].Verdict != "get_disabled" {
		t.Errorf("%+v", data)
	}

	// All members are in the help.
	var members map[string]any
	_ = json.Unmarshal([]byte(got.out), &members)
	help := runCaddy(t, "", nil, "help", "mor-report").out
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, child := range v {
				if !strings.Contains(help, name) {
					t.Errorf("the help does not have %s", name)
				}
				walk(child)
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	walk(members)
}

// The bar is for a terminal, and goes away.
func TestReportProgress(t *testing.T) {
	script := testkit.Tool(t, "script") // of util-linux: gives a program a terminal
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	log := writeFile(t, strings.Repeat(accessLine(reportAt, "POST "+action+"?u=admin&did_id=6511&hash="+exampleHash), 20_000))
	env := []string{asCaddy + "=1", envKey, "HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "TERM=xterm"}
	for _, tt := range []struct {
		redirect string
		bar      bool
	}{{"", true}, {"2>/dev/null", false}} {
		cmd := exec.Command(script, "-qec", "'"+self+"' mor-report "+log+" "+tt.redirect, "/dev/null")
		cmd.Env = env
		out, err := cmd.Output()
		if err != nil || !strings.Contains(string(out), "20,000 requests") {
			t.Fatalf("error %v, output %q", err, out)
		}
		if got := strings.Contains(string(out), "B/s"); got != tt.bar {
			t.Errorf("with %q the bar is %v: %q", tt.redirect, got, out)
		}
	}
	if got := runCaddy(t, "", []string{envKey}, "mor-report", log); got.errOut != "" {
		t.Errorf("without a terminal: %q", got.errOut)
	}
}

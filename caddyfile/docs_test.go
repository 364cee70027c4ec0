package caddyfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// docs returns the texts of the project's documents by path.
func docs(t *testing.T) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	for _, pattern := range []string{"../*.md", "../docs/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no documents in %s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts[file] = string(text)
		}
	}
	return texts
}

var fence = regexp.MustCompile("(?ms)^```caddyfile\n(.*?)^```$")

// TestDocsAdapt adapts each Caddyfile, or piece of one, in the documents.
func TestDocsAdapt(t *testing.T) {
	n := 0
	for file, text := range docs(t) {
		for _, m := range fence.FindAllStringSubmatch(text, -1) {
			n++
			caddyfile := m[1]
			if strings.HasPrefix(caddyfile, "mor_gateway") || strings.HasPrefix(caddyfile, "log {") {
				caddyfile = "import log.caddy\n\nhttp://example.com {\n" + indented(caddyfile) + "}\n"
			}
			// Imports are looked for here, beside the examples.
			_, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": filepath.Base(file)})
			if err != nil {
				t.Errorf("%s: %v\n%s", file, err, caddyfile)
			}
			for _, w := range warnings {
				t.Errorf("%s: %s\n%s", file, w, caddyfile)
			}
		}
	}
	if n == 0 {
		t.Error("no Caddyfile found")
	}
}

// indented returns lines for the inside of a block.
func indented(lines string) string {
	return "\t" + strings.TrimSuffix(strings.ReplaceAll(lines, "\n", "\n\t"), "\t")
}

// TestDocsKeepNoSecrets runs edge.Caddyfile with the log that docs/operating.md
// keeps for a year, and sends what must not be in it.
func TestDocsKeepNoSecrets(t *testing.T) {
	const documented, beside = "/var/lib/caddy-mor-gateway/access.log", "\timport mor_access\n"
	var block string
	for _, m := range fence.FindAllStringSubmatch(docs(t)["../docs/operating.md"], -1) {
		if strings.HasPrefix(m[1], "log {") {
			block = m[1]
		}
	}
	if !strings.Contains(block, documented) {
		t.Fatalf("docs/operating.md keeps no log in %s", documented)
	}
	dir, m := t.TempDir(), newMOR(t)
	file := filepath.Join(dir, "kept.log")
	s := start(t, "edge.Caddyfile", dir, "10.0.0.5:80", m.Addr, "203.0.113.0/24", "127.0.0.1",
		beside, beside+indented(strings.ReplaceAll(block, documented, file)))

	hash := contract.Hash("6511", key)
	header := []string{"Authorization", "Basic cGFzczp3b3Jk", "Cookie", "session=c00kie", "Referer", "https://mor.example.com/?p=pa55word"}
	s.expect("POST", action+query("admin", hash)+"&p=pa55word", 200, success, header...)
	s.expect("POST", action+query("admin", wrongHash)+"&p=pa55word", 200, "Incorrect hash", header...)
	s.expect("POST", "https://mor.example.com/billing/api/user_details_get?u=admin&p=pa55word&hash="+hash, 200, "MOR's GUI", header...)
	s.expect("POST", strings.Replace(action, "https", "http", 1)+query("admin", hash)+"&p=pa55word", 403, "HTTPS is required", header...)
	s.stopQuiet()

	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(kept), `"handled request"`); got != 4 {
		t.Errorf("%d requests are in the file, want 4", got)
	}
	for _, want := range []string{`"mor_did_id":"6511"`, `"mor_changes":"call_limit=999"`, `"client_ip":"127.0.0.1"`} {
		if !strings.Contains(string(kept), want) {
			t.Errorf("the file does not say who changed what: no %s", want)
		}
	}
	for _, secret := range []string{hash, wrongHash, "hash=", "p=", "pa55word", "cGFzczp3b3Jk", "c00kie", key} {
		if strings.Contains(string(kept), secret) {
			t.Errorf("the file has %q:\n%s", secret, kept)
		}
	}
}

// TestDocsHaveTheRules holds the rows of README's table that are the contract's
// rules, and looks for each rule in the list of what to do about a message. With
// MOR_GATEWAY_UPDATE_DOCS=1 it writes them.
func TestDocsHaveTheRules(t *testing.T) {
	t.Run("table", func(t *testing.T) {
		const file, above = "../README.md", "| `Request body did not arrive in time` | 408 | `incomplete` |\n"
		var want strings.Builder
		for _, rule := range validation.Rules() {
			fmt.Fprintf(&want, "| %s | `%s` | %d | `%s` |\n", rule.Check, rule.Message, rule.Verdict.Status(), rule.Label)
		}
		before, after, ok := strings.Cut(docs(t)[file], above)
		if !ok {
			t.Fatalf("%s has no row %q", file, above)
		}
		_, rest, _ := strings.Cut(after, "\n\n")
		hold(t, file, before+above+want.String()+"\n"+rest, want.String())
	})
	t.Run("what to do", func(t *testing.T) {
		const file = "../docs/troubleshooting.md"
		above := "| `Request body did not arrive in time` (`incomplete`) | 408 |"
		text, missing := docs(t)[file], ""
		for _, rule := range validation.Rules() {
			row := fmt.Sprintf("| `%s` (`%s`) | %d |", rule.Message, rule.Label, rule.Verdict.Status())
			if !strings.Contains(text, row) {
				before, after, ok := strings.Cut(text, above)
				if !ok {
					t.Fatalf("%s has no row %q", file, above)
				}
				line, rest, _ := strings.Cut(after, "\n")
				added := row + " make sure that " + rule.Check + " |\n"
				text, missing = before+above+line+"\n"+added+rest, missing+added
			}
			above = row
		}
		hold(t, file, text, missing)
	})
}

// hold compares a document with what it must be, or writes it with
// MOR_GATEWAY_UPDATE_DOCS=1.
func hold(t *testing.T, file, want, rows string) {
	t.Helper()
	switch {
	case docs(t)[file] == want:
	case os.Getenv("MOR_GATEWAY_UPDATE_DOCS") == "1":
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the rules in %s are not the gateway's. Run this test with MOR_GATEWAY_UPDATE_DOCS=1, or write them yourself:\n%s", file, rows)
	}
}

// TestDocsNameEveryMessage looks for each verdict and each rule of the grammar
// where a reader will look for it.
func TestDocsNameEveryMessage(t *testing.T) {
	texts := docs(t)
	for v := validation.Accepted + 1; v < validation.AccessDenied; v++ {
		if want := fmt.Sprintf("| `%s` | %d | `%s` |", v.Message(), v.Status(), v); !strings.Contains(texts["../README.md"], want) {
			t.Errorf("README.md: no row with %s", want)
		}
	}
	for r := validation.OddPath; r <= validation.OddPartType; r++ {
		if !strings.Contains(texts["../docs/troubleshooting.md"], "| "+r.String()+" |") {
			t.Errorf("docs/troubleshooting.md: no %q", r)
		}
	}
	if want := "query: call_limit: " + validation.OddName.String(); !strings.Contains(texts["../docs/operating.md"], want) {
		t.Errorf("docs/operating.md: no log line with the hint %q", want)
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)#:]*)(#[^)]*)?\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// TestDocsLink follows the links between the documents.
func TestDocsLink(t *testing.T) {
	texts := docs(t)
	for file, text := range texts {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target := file
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(file), m[1])
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			if m[2] != "" && !hasAnchor(texts[target], m[2][1:]) {
				t.Errorf("%s: %s has no #%s", file, target, m[2][1:])
			}
		}
	}
}

// hasAnchor reports whether a heading of the text has the anchor that GitHub
// gives it.
func hasAnchor(text, anchor string) bool {
	drop := regexp.MustCompile(`[^a-z0-9 _-]`)
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		if strings.ReplaceAll(drop.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-") == anchor {
			return true
		}
	}
	return false
}

// TestReadmeOpensWhatItNames runs the first Caddyfile of the README, which
// opens to strangers what edge.Caddyfile does: see proof/doors.
func TestReadmeOpensWhatItNames(t *testing.T) {
	text := fence.FindStringSubmatch(docs(t)["../README.md"])[1]
	open := regexp.MustCompile(`(?m)^\t@open .*$`)
	edge, err := os.ReadFile("edge.Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := open.FindString(text), open.FindString(string(edge)); got != want || got == "" {
		t.Errorf("README.md opens %q, edge.Caddyfile %q", got, want)
	}
	t.Setenv("MOR_API_SECRET_KEY", "secret")
	mor := testkit.StartMOR(t, nil)
	s := testkit.Serve(t, strings.NewReplacer("mor.example.com", "http://:{$SITE}", "10.0.0.5:80", mor.Addr).Replace(text))
	for target, status := range map[string]int{
		update: 200, "/billing//api/did_details_update": 200, update + ".xml": 403, "/billing/api/did_close": 403, "/": 403,
		"/billing/api/did_close/%2e%2e%2fdid_details_update": 403, "/billing/api/did_close?/../did_details_update&": 403,
	} {
		got := testkit.Ask(t, "POST", "http://"+s.Addr("SITE")+target, right, "Content-Type", "application/x-www-form-urlencoded")
		if got.Status != status || len(mor.Requests()) != map[int]int{200: 1}[status] {
			t.Errorf("%s: answered %d %q, want %d", target, got.Status, got.Body, status)
		}
	}
}

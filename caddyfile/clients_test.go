package caddyfile_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// TestClientsSamples runs the code for integrators.
func TestClientsSamples(t *testing.T) {
	text := docs(t)["../docs/clients.md"]
	for lang, run := range map[string][]string{
		"sh": {"sh"}, "python": {"python3"}, "php": {"php"}, "js": {"node"}, "java": {"java"},
	} {
		t.Run(lang, func(t *testing.T) {
			m := regexp.MustCompile("(?ms)^```" + lang + "\n(.*?)^```$").FindStringSubmatch(text)
			if m == nil {
				t.Fatal("there is no sample")
			}
			tool := testkit.Tool(t, run[0])
			file := filepath.Join(t.TempDir(), "Hash."+lang)
			if err := os.WriteFile(file, []byte(m[1]), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), tool, file).CombinedOutput()
			if err != nil || strings.TrimSpace(string(out)) != contract.Hash("6511", "secret") {
				t.Errorf("%v: printed %q", err, out)
			}
		})
	}
}

// TestClientsMistakes makes each mistake of the table.
func TestClientsMistakes(t *testing.T) {
	for _, tool := range []string{"sh", "sha1sum", "openssl", "iconv"} {
		testkit.Tool(t, tool)
	}
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| .* \\| `(printf|echo)( [^`]+)` \\|$").FindAllStringSubmatch(docs(t)["../docs/clients.md"], -1)
	if len(rows) < 15 {
		t.Fatalf("found %d rows", len(rows))
	}
	seen := make(map[string]bool)
	for _, row := range rows {
		command := row[2] + strings.ReplaceAll(row[3], `\|`, "|")
		out, err := exec.CommandContext(t.Context(), "sh", "-c", command).Output()
		got, _, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
		if err != nil || got != row[1] || seen[got] {
			t.Errorf("%s: %v: printed %q, want %q, once", command, err, got, row[1])
		}
		seen[got] = true
	}
}

package caddyfile_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"

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
			if strings.HasPrefix(caddyfile, "mor_gateway") {
				caddyfile = "http://example.com {\n\t" + strings.TrimSuffix(strings.ReplaceAll(caddyfile, "\n", "\n\t"), "\t") + "}\n"
			}
			_, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": file})
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

// TestDocsNameEveryMessage looks for each verdict and each rule where a reader
// will look for it.
func TestDocsNameEveryMessage(t *testing.T) {
	texts := docs(t)
	for v := validation.Accepted + 1; v < validation.NumVerdicts; v++ {
		for _, file := range []string{"../README.md", "../docs/troubleshooting.md"} {
			if !strings.Contains(texts[file], "`"+v.Message()+"`") {
				t.Errorf("%s: no %q", file, v.Message())
			}
		}
		if want := "`" + v.Message() + "` (`" + v.String() + "`)"; !strings.Contains(texts["../docs/troubleshooting.md"], want) {
			t.Errorf("docs/troubleshooting.md: no %s", want)
		}
	}
	for r := validation.OddPath; r <= validation.OddPartType; r++ {
		if !strings.Contains(texts["../docs/troubleshooting.md"], "| "+r.String()+" |") {
			t.Errorf("docs/troubleshooting.md: no %q", r)
		}
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

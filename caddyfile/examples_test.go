package caddyfile_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/mor-gateway/caddy-mor-gateway"
)

var updateExamples = flag.Bool("update-examples", false, "write testdata/*.json from the examples")

// exampleFiles returns the names of all example Caddyfiles.
func exampleFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.Caddyfile")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	return files
}

// adapt returns the JSON config of a Caddyfile, and Caddy's warnings.
func adapt(t *testing.T, file string) ([]byte, []caddyconfig.Warning) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	config, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": file})
	if err != nil {
		t.Fatal(err)
	}
	return config, warnings
}

// TestExamplesAdapt compares each example with the JSON that it adapts to.
func TestExamplesAdapt(t *testing.T) {
	for _, file := range exampleFiles(t) {
		t.Run(file, func(t *testing.T) {
			config, warnings := adapt(t, file)
			for _, w := range warnings {
				t.Errorf("warning: %s", w)
			}
			var got bytes.Buffer
			if err := json.Indent(&got, config, "", "\t"); err != nil {
				t.Fatal(err)
			}
			got.WriteByte('\n')
			golden := filepath.Join("testdata", strings.TrimSuffix(file, ".Caddyfile")+".json")
			if *updateExamples {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("not as in %s; if that is right: go test ./caddyfile -update-examples\n%s", golden, got.Bytes())
			}
		})
	}
}

// TestExamplesAreFormatted looks at the imported files as well, which Adapt
// doesn't warn of, and at the proof's.
func TestExamplesAreFormatted(t *testing.T) {
	imported, err := filepath.Glob("*.caddy")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(append(imported, "../proof/Caddyfile"), exampleFiles(t)...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(caddyfile.Format(text), text) {
			t.Errorf("%s: run caddy fmt --overwrite", file)
		}
	}
}

// TestExamplesFilterTheirLogs looks for the filter in Caddy's own log and in the
// log of each site that passes requests on.
func TestExamplesFilterTheirLogs(t *testing.T) {
	for _, file := range append(exampleFiles(t), "log.caddy") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		logs, filters := 0, 0
		for line := range strings.Lines(string(text)) {
			switch strings.TrimSpace(line) {
			case "log {", "log default {", "log proxy {":
				logs++
			case "import mor_log", "request delete":
				filters++
			}
		}
		own := "\timport mor_runtime_log\n"
		if file == "log.caddy" {
			own = "\n(mor_runtime_log) {\n\tlog default {\n\t\timport mor_log\n"
		}
		if !bytes.Contains(text, []byte(own)) || logs != filters {
			t.Errorf("%s: a log without the filter (%d logs, %d filters)", file, logs, filters)
		}
	}
}

// TestEveryExampleIsRun keeps an example from being added without a test that
// sends requests to it.
func TestEveryExampleIsRun(t *testing.T) {
	var run []string
	for file := range examples {
		run = append(run, file)
	}
	slices.Sort(run)
	if files := exampleFiles(t); !slices.Equal(run, files) {
		t.Errorf("run: %q, there are: %q", run, files)
	}
}

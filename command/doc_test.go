package command_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// The commands in docs/hash.md, run one after the other in one shell, print
// what is there. With MOR_GATEWAY_UPDATE_DOCS=1 the file is written anew.
func TestHashDocument(t *testing.T) {
	const document, fence, mark = "../docs/hash.md", "```console\n", "=== end of block ==="
	for _, name := range []string{"openssl", "sha1sum", "sha256sum", "md5sum", "base64", "iconv"} {
		testkit.Tool(t, name)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "caddy"), []byte("#!/bin/sh\n"+asCaddy+"=1 exec '"+self+"' \"$@\"\n"), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}

	var script strings.Builder
	parts := strings.Split(string(text), fence)
	for _, part := range parts[1:] {
		block, _, _ := strings.Cut(part, "```")
		for line := range strings.Lines(block) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				script.WriteString("printf '%s\\n' '" + strings.ReplaceAll(strings.TrimSpace(line), "'", `'\''`) + "'\n" + command)
			}
		}
		script.WriteString("echo '" + mark + "'\n")
	}
	cmd := exec.Command(testkit.Tool(t, "sh"))
	cmd.Stdin = strings.NewReader(script.String())
	cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + bin, "LC_ALL=C"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	blocks := strings.Split(string(out), mark+"\n")
	if len(blocks) != len(parts) || len(parts) < 5 {
		t.Fatalf("%d blocks, output %s", len(parts)-1, out)
	}
	want := parts[0]
	for i, part := range parts[1:] {
		_, rest, _ := strings.Cut(part, "```")
		want += fence + blocks[i] + "```" + rest
	}
	if want == string(text) {
		return
	}
	if os.Getenv("MOR_GATEWAY_UPDATE_DOCS") == "1" {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil { //nolint:gosec // a document
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s does not show what the commands print; run the test with MOR_GATEWAY_UPDATE_DOCS=1. They print:\n%s", document, out)
}

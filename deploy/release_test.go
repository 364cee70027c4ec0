package deploy

import (
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// files has what a release consists of.
var files = []string{
	"caddy-mor-gateway-" + version + "-1.aarch64.rpm",
	"caddy-mor-gateway-" + version + "-1.x86_64.rpm",
	"caddy-mor-gateway-linux-amd64",
	"caddy-mor-gateway-linux-amd64.cdx.json",
	"caddy-mor-gateway-linux-arm64",
	"caddy-mor-gateway-linux-arm64.cdx.json",
	"caddy-mor-gateway_" + version + "-1_amd64.deb",
	"caddy-mor-gateway_" + version + "-1_arm64.deb",
}

func TestRelease(t *testing.T) {
	dist := release(t)
	var sums strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(dist, file))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(text), file)
	}
	got, err := os.ReadFile(filepath.Join(dist, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != sums.String() {
		t.Errorf("SHA256SUMS is\n%swant\n%s", got, sums.String())
	}
	if all, err := os.ReadDir(dist); err != nil || len(all) != len(files)+1 {
		t.Errorf("%v, %v: want %d files", all, err, len(files)+1)
	}

	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		t.Run(arch, func(t *testing.T) {
			file := filepath.Join(dist, "caddy-mor-gateway-linux-"+arch)
			program, err := elf.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer program.Close()
			if libraries, err := program.ImportedLibraries(); program.Machine != machine || err != nil || len(libraries) != 0 {
				t.Errorf("for %v, with %q, %v", program.Machine, libraries, err)
			}
			sbom, err := os.ReadFile(file + ".cdx.json")
			if err != nil || !strings.Contains(string(sbom), `"version": "v`+version+`"`) || !strings.Contains(string(sbom), "pkg:golang/github.com/caddyserver/caddy/v2@v2.") {
				t.Errorf("the list of contents lacks versions: %v", err)
			}
		})
	}
	if runtime.GOOS == "linux" {
		told := output(t, filepath.Join(dist, "caddy-mor-gateway-linux-"+runtime.GOARCH), "version")
		if !strings.HasPrefix(told, "caddy-mor-gateway v"+version+", Caddy v2.") {
			t.Errorf("version: %s", told)
		}
	}
}

// Another folder, and another umask.
func TestReleaseIsReproducible(t *testing.T) {
	first := release(t)
	second, err := makeRelease("clone, once more", "077")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			a, errA := os.ReadFile(filepath.Join(first, file))
			b, errB := os.ReadFile(filepath.Join(second, file))
			if errA != nil || errB != nil {
				t.Fatal(errA, errB)
			}
			if sha256.Sum256(a) != sha256.Sum256(b) {
				t.Error("differs")
			}
		})
	}
}

func TestLintian(t *testing.T) {
	dist := release(t)
	for _, arch := range []string{"amd64", "arm64"} {
		t.Run(arch, func(t *testing.T) {
			lintian := testkit.Tool(t, "lintian")
			said := output(t, lintian, "--allow-root", "--fail-on", "error,warning", filepath.Join(dist, "caddy-mor-gateway_"+version+"-1_"+arch+".deb"))
			if said != "" {
				t.Error(said)
			}
		})
	}
}

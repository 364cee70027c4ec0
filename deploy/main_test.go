package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// work has what is built once for all tests.
var work string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if work, err = os.MkdirTemp("", "mor-gateway-deploy"); err != nil {
			panic(err)
		}
		defer os.RemoveAll(work)
		return m.Run()
	}())
}

var build = sync.OnceValues(func() (string, error) { return testkit.Build(work) })

// gateway returns the path of a gateway's binary.
func gateway(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// version is that of the release which the tests make.
const version = "1.2.3"

var clone = sync.OnceValues(func() (string, error) { return makeRelease("clone", "022") })

// release returns the folder with the files of a release.
func release(t testing.TB) string {
	t.Helper()
	testkit.Tool(t, "git")
	dist, err := clone()
	if err != nil {
		t.Fatal(err)
	}
	return dist
}

// makeRelease makes a release in a clone of this repository, with what is new in it, and returns the folder of its files.
func makeRelease(name, umask string) (dist string, err error) {
	dir := filepath.Join(work, name)
	cmd := exec.Command("sh", "-euc", `
		umask "$2"
		git -c safe.directory='*' ls-files --cached --others --exclude-standard |
			while read -r file; do [ ! -e "$file" ] || echo "$file"; done >"$1.files"
		mkdir "$1"
		tar -c -T "$1.files" | tar -x --no-same-permissions -C "$1"
		cd "$1"
		git init -q
		git add -A
		git -c user.name=test -c user.email=test@localhost commit -q -m test
		git tag "v$3"
		./xcaddy.sh release`, "sh", dir, umask, version)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_DATE=2026-11-27T12:00:00Z", "GIT_COMMITTER_DATE=2026-11-27T12:00:00Z")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return filepath.Join(dir, "dist"), nil
}

// output runs a program that must end well.
func output(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

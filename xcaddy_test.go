//go:build unix

package morgateway_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// clone copies what git has of this folder, and what is new in it, into a repository of its own.
func clone(t *testing.T) (dir string) {
	t.Helper()
	git := testkit.Tool(t, "git")
	dir = filepath.Join(t.TempDir(), "clone")
	files := output(t, exec.Command(git, "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"))
	for name := range strings.SplitSeq(strings.TrimSuffix(files, "\x00"), "\x00") {
		text, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			continue // taken out, and not yet committed
		}
		info, statErr := os.Stat(name)
		to := filepath.Join(dir, name)
		if err != nil || statErr != nil || os.MkdirAll(filepath.Dir(to), 0o755) != nil {
			t.Fatal(err, statErr)
		}
		if err := os.WriteFile(to, text, info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	output(t, exec.Command(git, "init", "-q", dir))
	return dir
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}

// A clone of another user, about which git says nothing, below a folder with a workspace of other modules, with a Go that
// has no settings: the script builds, without xcaddy too, and tests, and so do the tests that build.
func TestStrangeClone(t *testing.T) {
	dir := clone(t)
	if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "go.work"), []byte("go 1.26.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	// The module cache of this machine has xcaddy or not: here it never has.
	shim := fmt.Sprintf("#!/bin/sh\ncase $* in *xcaddy@*) exit 1 ;; esac\nexec %q \"$@\"\n", goTool)
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(shim), 0o755); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"), "GIT_TEST_ASSUME_DIFFERENT_OWNER=1",
		"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull, "GOENV=off", "GOFLAGS=", "GOWORK=")
	for _, name := range []string{"GOMODCACHE", "GOCACHE", "GOPROXY"} {
		env = append(env, name+"="+strings.TrimSpace(output(t, exec.Command("go", "env", name))))
	}
	in := func(extra []string, name string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir, cmd.Env = dir, append(env, extra...)
		return cmd
	}

	// What the clone is like, for Go alone.
	if out, err := in(nil, "go", "list", ".").CombinedOutput(); err == nil || !strings.Contains(string(out), "workspace") {
		t.Fatalf("the workspace above is no trouble: %s", out)
	}
	if out, err := in([]string{"GOWORK=off"}, "go", "build", "-o", os.DevNull, "./cmd/caddy").CombinedOutput(); err == nil || !strings.Contains(string(out), "VCS status") {
		t.Fatalf("the owner is no trouble: %s", out)
	}

	t.Run("build", func(t *testing.T) {
		out := output(t, in(nil, "./xcaddy.sh", "build"))
		if modules := output(t, in(nil, "./caddy", "list-modules")); !strings.Contains(out, "Go alone") || !strings.Contains(modules, "http.handlers.mor_gateway") {
			t.Errorf("%s%s", out, modules)
		}
	})
	t.Run("test", func(t *testing.T) {
		out := output(t, in(nil, "./xcaddy.sh", "test", "-run", "^TestBuild$", "./internal/testkit"))
		if !strings.HasSuffix(out, "\n1 passed, 0 failed, 0 skipped\n") {
			t.Error(out)
		}
	})
}

// A clone that cannot be written to is named before anything is built.
func TestClonesThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"xcaddy.sh", "go.mod"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// All on the way may be entered, by the user that root becomes below too.
	for up := dir; up != os.TempDir() && up != "/"; up = filepath.Dir(up) {
		_ = os.Chmod(up, 0o755)
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, fs.FileMode(0o755)) })
	for _, command := range []string{"build", "release", "evidence"} {
		t.Run(command, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "sh", filepath.Join(dir, "xcaddy.sh"), command)
			if os.Getuid() == 0 { // who may write everywhere
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			}
			cmd.Dir = "/"
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.HasPrefix(string(out), "xcaddy.sh: cannot write to ") || strings.Count(string(out), "\n") != 1 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

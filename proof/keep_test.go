package proof

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// keeper runs a command until its own standard input ends: so it ends with the test, however the test ends. Apache,
// when it ends, signals its whole process group.
const keeper = `exec 3<&0; "$@" </dev/null & it=$!; trap '' TERM; { cat <&3; kill $it; } >/dev/null 2>&1 & wait $it`

// keep runs a command until the test ends, and calls ended if the command ends before.
func keep(t *testing.T, command []string, dir string, output *os.File, ended func()) {
	t.Helper()
	cmd := exec.Command("sh", append([]string{"-c", keeper, "sh"}, command...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "RUBYOPT=-W0")
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		cmd.Wait()
		ended()
		close(done)
	}()
	t.Cleanup(func() { stdin.Close(); <-done })
}

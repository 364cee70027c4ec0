package deploy

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// machine is this machine's system once more, in a container: with an init of its own, no network but the loopback, and
// all that it writes in memory.
type machine struct {
	t    testing.TB
	init string // its process
}

// boot starts a machine, which sees the folder under /mnt.
func boot(t *testing.T, dir string) *machine {
	t.Helper()
	testkit.Need(t, os.Geteuid() == 0, "root")
	unshare, nspawn := testkit.Tool(t, "unshare"), testkit.Tool(t, "systemd-nspawn")
	testkit.Tool(t, "nsenter")
	testkit.Tool(t, "python3")
	// The mounts end with the process. Nothing is started but what every system has, or the machine would be slow.
	cmd := exec.Command(unshare, "--mount", "sh", "-euc", `
		mount -t tmpfs tmpfs "$2"
		mkdir "$2/up" "$2/work" "$2/root"
		mount -t overlay overlay -o "lowerdir=/,upperdir=$2/up,workdir=$2/work" "$2/root"
		exec "$1" --quiet --register=no --keep-unit --private-network --link-journal=no --timezone=off \
			--console=pipe --bind-ro="$3:/mnt" -D "$2/root" -b systemd.unit=basic.target`,
		"sh", nspawn, t.TempDir(), dir)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	m := &machine{t: t}
	t.Cleanup(func() {
		// With the init the whole machine ends; without it, its container would live on.
		if pid, err := strconv.Atoi(m.init); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		} else {
			_ = cmd.Process.Kill()
		}
		<-ended
	})
	testkit.Eventually(t, "the machine is up", func() bool {
		select {
		case <-ended:
			t.Fatalf("the machine is down: %s", said.String())
		default:
		}
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", cmd.Process.Pid))
		if m.init = strings.TrimSpace(string(children)); m.init == "" {
			return false
		}
		out, _ := m.command("systemctl", "is-system-running").Output()
		return bytes.HasPrefix(out, []byte("running")) || bytes.HasPrefix(out, []byte("degraded"))
	})
	return m
}

// command returns a command that runs on the machine.
func (m *machine) command(args ...string) *exec.Cmd {
	return exec.CommandContext(m.t.Context(), "nsenter", append([]string{"--target", m.init, "--all", "--"}, args...)...)
}

// run runs a script of testdata, which must end well.
func (m *machine) run(script string, args ...string) {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", script))
	if err != nil {
		m.t.Fatal(err)
	}
	cmd := m.command(append([]string{"bash", "-s", "--"}, args...)...)
	cmd.Stdin = bytes.NewReader(text)
	out, err := cmd.CombinedOutput()
	m.t.Logf("%s", out)
	if err != nil {
		m.t.Error(err)
	}
}

func TestDebian(t *testing.T) {
	testkit.Tool(t, "dpkg-deb")
	dist := release(t)
	deb := filepath.Join(dist, "caddy-mor-gateway_"+version+"-1_amd64.deb")
	dir := t.TempDir()
	// The same once more as a newer version.
	output(t, "sh", "-euc", `
		cp "$1" "$2/old.deb"
		cp -r fail2ban/filter.d "$2"
		dpkg-deb -R "$1" "$2/new"
		sed -i 's/^Version: .*/Version: 1.2.4-1/' "$2/new/DEBIAN/control"
		dpkg-deb -Znone -b "$2/new" "$2/new.deb"`, "sh", deb, dir)
	boot(t, dir).run("debian.bash")
}

func TestRPM(t *testing.T) {
	testkit.Tool(t, "rpm")
	testkit.Tool(t, "rpmlint")
	dir := t.TempDir()
	output(t, "sh", "-euc", `cp "$1"/*.rpm package/rpmlint.toml "$2"`, "sh", release(t), dir)
	boot(t, dir).run("rpm.bash", "/mnt/caddy-mor-gateway-"+version+"-1.x86_64.rpm")
}

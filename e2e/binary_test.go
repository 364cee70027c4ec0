package e2e

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// binary builds the binary once for all tests.
var binary = sync.OnceValues(func() (path string, err error) {
	if binaryDir, err = os.MkdirTemp("", "mor-gateway-e2e"); err != nil {
		return "", err
	}
	return testkit.Build(binaryDir)
})

var binaryDir string

func TestMain(m *testing.M) {
	code := m.Run()
	if binaryDir != "" {
		_ = os.RemoveAll(binaryDir)
	}
	os.Exit(code)
}

// process is a gateway in a process of its own.
type process struct {
	*gateway
	cmd *exec.Cmd
}

func startProcess(t testing.TB, c config) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(t)
	caddyfile := filepath.Join(g.dir, "Caddyfile")
	if err := os.WriteFile(caddyfile, []byte(g.caddyfile(c)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "run", "--config", caddyfile)
	cmd.Env = append(os.Environ(), "HOME="+g.dir, "XDG_CONFIG_HOME="+g.dir, "XDG_DATA_HOME="+g.dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	testkit.Eventually(t, "the process listens", func() bool {
		c, err := net.Dial("tcp", g.addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return &process{g, cmd}
}

// memory returns a value of the process's memory, in bytes: VmRSS, or VmHWM
// for the largest so far.
func (p *process) memory(name string) int {
	p.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	_, val, _ := strings.Cut(string(b), name+":")
	var kb int
	if _, err := fmt.Sscan(val, &kb); err != nil {
		p.t.Fatal(err)
	}
	return kb << 10
}

// SIGTERM: what is in flight is answered, nothing new is taken, and the
// process ends well.
func TestSIGTERMDrains(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no SIGTERM")
	}
	const inFlight = 100
	var working sync.WaitGroup
	working.Add(inFlight)
	release := make(chan struct{})
	up := startUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
		working.Done()
		<-release
		_, _ = io.WriteString(w, envelope("success", success))
	})
	p := startProcess(t, config{Site: guarded(up.addr)})
	clients := make([]*rawClient, inFlight)
	for i := range clients {
		clients[i] = dial(t, p.addr)
		clients[i].send(post(action, okQuery, form))
	}
	working.Wait()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "new connections are refused", func() bool {
		c, err := net.Dial("tcp", p.addr)
		if err == nil {
			c.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	close(release)
	for i, c := range clients {
		if resp, body := c.answer("POST"); resp.StatusCode != 200 || body != envelope("success", success) {
			t.Fatalf("client %d: answer %d %q", i, resp.StatusCode, body)
		}
		c.Close()
	}
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(testkit.Patience):
		t.Error("the process does not end")
	}
	if n := len(up.requests()); n != inFlight {
		t.Errorf("MOR saw %d requests, want %d", n, inFlight)
	}
}

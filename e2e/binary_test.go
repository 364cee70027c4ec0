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

	"github.com/mor-gateway/caddy-mor-gateway/deploy"
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
	*testkit.Caddy
	t   testing.TB
	cmd *exec.Cmd
}

// startProcess runs a Caddyfile with a site at {$SITE}.
func startProcess(t testing.TB, caddyfile string, vars ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	g := testkit.New(t)
	file := filepath.Join(g.Dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(g.Caddyfile(caddyfile, vars...)), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &process{g, t, exec.Command(path, "run", "--config", file)}
	p.cmd.Env = append(append(os.Environ(), "HOME="+g.Dir), deploy.GoSettings()...)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
	})
	testkit.Eventually(t, "the process listens", func() bool {
		c, err := net.Dial("tcp", g.Addr("SITE"))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return p
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
	up := testkit.StartMOR(t, func(w http.ResponseWriter, _ *http.Request) {
		working.Done()
		<-release
		_, _ = io.WriteString(w, testkit.Success)
	})
	p := startProcess(t, "http://:{$SITE} {\n"+guarded+"\n}", "MOR", up.Addr)
	clients := make([]*testkit.Conn, inFlight)
	for i := range clients {
		clients[i] = testkit.Dial(t, p.Addr("SITE"))
		clients[i].Send(post(action, okQuery, form))
	}
	working.Wait()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "new connections are refused", func() bool {
		c, err := net.Dial("tcp", p.Addr("SITE"))
		if err == nil {
			c.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	close(release)
	for i, c := range clients {
		if got := c.Answer("POST"); got.Status != 200 || got.Body != testkit.Success {
			t.Fatalf("client %d: answer %d %q", i, got.Status, got.Body)
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
	if n := len(up.Requests()); n != inFlight {
		t.Errorf("MOR saw %d requests, want %d", n, inFlight)
	}
}

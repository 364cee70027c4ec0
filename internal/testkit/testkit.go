// Package testkit has what the tests of several packages need: free ports, a server in MOR's place, clients, a Caddy
// that runs in the test's process, and the tools that are not Go packages.
package testkit

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// Patience is how long a test waits for what must happen. It measures nothing:
// only a failing test waits that long.
const Patience = 60 * time.Second

// Tool returns the path of a program that is not a Go package. Without it the
// test is skipped, or fails if MOR_GATEWAY_REQUIRE_TOOLS is 1.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	Need(t, err == nil, name+", which is not installed")
	return path
}

// Need skips the test unless it has what it needs, or fails it if
// MOR_GATEWAY_REQUIRE_TOOLS is 1.
func Need(t testing.TB, has bool, what string) {
	t.Helper()
	switch {
	case has:
	case os.Getenv("MOR_GATEWAY_REQUIRE_TOOLS") == "1":
		t.Fatalf("needs %s; MOR_GATEWAY_REQUIRE_TOOLS=1 does not let it be skipped", what)
	default:
		t.Skipf("needs %s", what)
	}
}

// Listen listens on a free port of the loopback until the test ends.
func Listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// FreeAddr returns an address on the loopback that nobody listens on.
func FreeAddr(t testing.TB) string {
	t.Helper()
	return "127.0.0.1:" + FreePort(t)
}

// FreePort returns a port on the loopback that nobody listens on, and that no
// other call has returned.
func FreePort(t testing.TB) string {
	t.Helper()
	for {
		l := Listen(t)
		_, port, err := net.SplitHostPort(l.Addr().String())
		_ = l.Close()
		if err != nil {
			t.Fatal(err)
		}
		if _, again := freePorts.LoadOrStore(port, true); !again {
			return port
		}
	}
}

// freePorts are those that FreePort has returned.
var freePorts sync.Map

// Eventually waits until what must happen has happened.
func Eventually(t testing.TB, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// FindAny returns the first of the words that is in the text, or nothing.
func FindAny(text string, words []string) string {
	for _, word := range words {
		if strings.Contains(text, word) {
			return word
		}
	}
	return ""
}

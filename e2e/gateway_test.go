// Package e2e tests a running gateway from the outside: Caddy, started from a
// Caddyfile, between real clients and a stand-in for MOR.
package e2e

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/mor-gateway/caddy-mor-gateway"
)

// The documentation's example.
const (
	action    = "/billing/api/did_details_update"
	key       = "secret"
	rightHash = "f7de355c9b4421ce6c705b4b32c89dbcaca51e46" // SHA-1 of 6511secret
	okQuery   = "u=admin&did_id=6511&hash=" + rightHash
	okTarget  = action + "?" + okQuery
	success   = "DID details successfully updated"
)

func hashOf(didID, key string) string {
	return fmt.Sprintf("%x", sha1.Sum([]byte(didID+key)))
}

// envelope returns MOR's XML with one element, as MOR and the gateway write it.
func envelope(element, text string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<page>
  <status>
    <` + element + `>` + text + `</` + element + `>
  </status>
</page>
`
}

// config is what differs between the tests' Caddyfiles.
type config struct {
	Site   string // directives of the site
	Global string // global options
	TLS    bool   // serve the site with TLS, HTTP/2 and HTTP/3 as well
}

// guarded returns the directives of the usual site; options go into the
// directive's block.
func guarded(upstream string, options ...string) string {
	return fmt.Sprintf("mor_gateway {\nsecret %s\n%s\n}\nreverse_proxy %s", key, strings.Join(options, "\n"), upstream)
}

// gateway is a Caddy that runs in this process. There is one at a time, so
// tests that have one are not parallel.
type gateway struct {
	t       testing.TB
	addr    string // of the plain HTTP site
	tlsAddr string // of the site with TLS; its name is localhost
	metrics string // host:port
	dir     string // log and storage
	ports   [2]string
}

// newGateway finds the addresses and the directory for one.
func newGateway(t testing.TB) *gateway {
	t.Helper()
	g := &gateway{t: t, addr: testkit.FreeAddr(t), tlsAddr: testkit.FreeAddr(t), metrics: testkit.FreeAddr(t), dir: t.TempDir()}
	for i := range g.ports {
		_, g.ports[i], _ = net.SplitHostPort(testkit.FreeAddr(t))
	}
	return g
}

func start(t testing.TB, c config) *gateway {
	t.Helper()
	g := newGateway(t)
	g.load(c)
	t.Cleanup(g.stop)
	if c.TLS {
		testkit.Eventually(t, "Caddy has made itself a certificate", func() bool {
			c, err := tls.Dial("tcp", g.tlsAddr, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}) //nolint:gosec // loopback
			if err == nil {
				c.Close()
			}
			return err == nil
		})
	}
	return g
}

// stop stops the gateway. It may be called again.
func (g *gateway) stop() {
	if err := caddy.Stop(); err != nil {
		g.t.Error(err)
	}
}

// load gives the gateway another configuration.
func (g *gateway) load(c config) {
	g.t.Helper()
	adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(g.caddyfile(c)), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		g.t.Fatal(err)
	}
	for _, w := range warnings {
		if !strings.Contains(w.Message, "not formatted") {
			g.t.Log(w)
		}
	}
	if err := caddy.Load(adapted, true); err != nil {
		g.t.Fatal(err)
	}
}

// caddyfile returns the whole Caddyfile.
func (g *gateway) caddyfile(c config) string {
	_, port, _ := net.SplitHostPort(g.addr)
	site := "http://:" + port + " {\nbind 127.0.0.1\n" + c.Site + "\n}\n"
	if c.TLS {
		_, port, _ = net.SplitHostPort(g.tlsAddr)
		site += "https://localhost:" + port + " {\nbind 127.0.0.1\ntls internal\n" + c.Site + "\n}\n"
	}
	return fmt.Sprintf(`{
	admin off
	persist_config off
	skip_install_trust
	auto_https disable_redirects
	http_port %s
	https_port %s
	grace_period 5s
	storage file_system %q
	log default {
		output file %q
		format json
		level DEBUG
	}
	%s
}
%s
http://%s {
	metrics
}
`, g.ports[0], g.ports[1], g.dir, g.logFile(), c.Global, site, g.metrics)
}

func (g *gateway) logFile() string { return filepath.Join(g.dir, "caddy.log") }

// logLines returns the log lines with the message.
func (g *gateway) logLines(message string) (lines []map[string]any) {
	g.t.Helper()
	b, err := os.ReadFile(g.logFile())
	if err != nil {
		g.t.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		var fields map[string]any
		if json.Unmarshal(line, &fields) == nil && fields["msg"] == message {
			lines = append(lines, fields)
		}
	}
	return lines
}

// counters returns the value of each series whose name starts with prefix.
// They are the process's: tests look at differences.
func (g *gateway) counters(prefix string) map[string]float64 {
	g.t.Helper()
	return readCounters(g.t, g.metrics, prefix)
}

func readCounters(t testing.TB, addr, prefix string) map[string]float64 {
	t.Helper()
	resp, err := http.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	counters := make(map[string]float64)
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if series, val, ok := strings.Cut(lines.Text(), "} "); ok && strings.HasPrefix(series, prefix) {
			var n float64
			fmt.Sscan(val, &n)
			counters[series+"}"] = n
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return counters
}

// nothingStays returns a function that waits, with the gateway and the
// stand-in for MOR stopped, until no more goroutines are there than before,
// and no more memory is in use than before and some: what Caddy keeps for the
// next time.
func nothingStays(t testing.TB, c config) func(stop ...func()) {
	t.Helper()
	settle := func() (goroutines int, heap uint64) {
		http.DefaultClient.CloseIdleConnections()
		runtime.GC()
		runtime.GC() // what a sync.Pool has goes with the second one
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return runtime.NumGoroutine(), m.HeapAlloc
	}
	start(t, c).stop() // what Caddy starts once and for all
	testkit.Eventually(t, "Caddy has stopped", func() bool {
		last, _ := settle()
		time.Sleep(200 * time.Millisecond)
		now, _ := settle()
		return now == last
	})
	goroutines, heap := settle()
	return func(stop ...func()) {
		t.Helper()
		for _, f := range stop {
			f()
		}
		end := time.Now().Add(30 * time.Second)
		now, after := settle()
		for ; now > goroutines+10 && time.Now().Before(end); now, after = settle() {
			time.Sleep(100 * time.Millisecond)
		}
		if now > goroutines+10 {
			_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
			t.Errorf("%d goroutines stay, before %d", now, goroutines)
		}
		if after > heap+8<<20 {
			t.Errorf("%d bytes stay on the heap, before %d", after, heap)
		}
		t.Logf("goroutines %d before, %d after; heap %d KiB before, %d KiB after", goroutines, now, heap>>10, after>>10)
	}
}

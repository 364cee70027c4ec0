// Package e2e tests a running gateway from the outside: Caddy, started from a
// Caddyfile, between real clients and a server in MOR's place.
package e2e

import (
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"

	_ "github.com/mor-gateway/caddy-mor-gateway"
)

// The documentation's example.
const (
	action    = "/billing/api/did_details_update"
	key       = "secret"
	rightHash = "f7de355c9b4421ce6c705b4b32c89dbcaca51e46" // SHA-1 of 6511secret
	okQuery   = "u=admin&did_id=6511&hash=" + rightHash
	okTarget  = action + "?" + okQuery
)

// The usual sites.
const (
	guarded = `
		mor_gateway secret
		reverse_proxy {$MOR}`

	guardedWithGet = `
		mor_gateway {
			secret secret
			allow_get
		}
		reverse_proxy {$MOR}`
)

// start serves a site, at {$SITE}, in front of a MOR at an address.
func start(t testing.TB, mor, site string, vars ...string) *testkit.Caddy {
	t.Helper()
	return testkit.Serve(t, "http://:{$SITE} {\n"+site+"\n}", append(vars, "MOR", mor)...)
}

// startTLS serves it with TLS too, as localhost at {$TLS}, and so over HTTP/2 and HTTP/3.
func startTLS(t testing.TB, mor, site string) *testkit.Caddy {
	t.Helper()
	g := start(t, mor, site+"\n}\nhttps://localhost:{$TLS} {\ntls internal\n"+site)
	g.AwaitTLS("TLS")
	return g
}

// nothingStays stops a Caddy and returns a function that waits, with the
// gateway and MOR stopped, until no more goroutines are there than before,
// and no more memory is in use than before and some: what Caddy keeps for the
// next time.
func nothingStays(t testing.TB, g *testkit.Caddy) func(stop ...func()) {
	t.Helper()
	settle := func() (goroutines int, heap uint64) {
		http.DefaultClient.CloseIdleConnections()
		runtime.GC()
		runtime.GC() // what a sync.Pool has goes with the second one
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return runtime.NumGoroutine(), m.HeapAlloc
	}
	g.Stop() // what Caddy starts once and for all stays
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

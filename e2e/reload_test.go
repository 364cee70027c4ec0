package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

const (
	reloads   = 100
	perReload = 50 // requests answered from one to the next
)

// traffic is what clients saw while the configuration was reloaded.
type traffic struct {
	answered, unanswered atomic.Int64
}

// run sends requests over connections that stay open, until stop. next makes
// a request and says what its answer must be.
func (tr *traffic) run(t *testing.T, addr string, stop <-chan struct{}, next func(i int) (send, want string)) {
	var c net.Conn
	var r *bufio.Reader
	defer func() {
		if c != nil {
			c.Close()
		}
	}()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		if c == nil {
			var err error
			c, err = net.Dial("tcp", addr)
			if errors.Is(err, syscall.ECONNRESET) { // waited at the socket of a configuration that went
				tr.unanswered.Add(1)
				c = nil
				continue
			}
			if err != nil {
				t.Errorf("no connection: %v", err)
				return
			}
			r = bufio.NewReader(c)
		}
		send, want := next(i)
		_, err := io.WriteString(c, send)
		if err == nil {
			_, err = r.Peek(1)
		}
		if err != nil { // closed before the first byte of an answer
			tr.unanswered.Add(1)
			c.Close()
			c = nil
			continue
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Errorf("answer breaks off: %v", err)
			return
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 || string(body) != want {
			t.Errorf("answer %d %q, %v; want %q", resp.StatusCode, body, err, want)
			return
		}
		tr.answered.Add(1)
		if resp.Close {
			c.Close()
			c = nil
		}
	}
}

// A hundred reloads, each with a new key beside the last one, while clients
// send requests. No answer is wrong: the key that is in both configurations
// is always right, a wrong one never. What Caddy closes without an answer, as
// every HTTP/1.1 server may, it closes without the gateway too.
func TestReloadUnderLoad(t *testing.T) {
	const workers = 8
	incorrect := testkit.Failure("Incorrect hash")
	keyOf := func(n int64) string { return fmt.Sprintf("key-%d", n) }
	sites := map[string]string{
		"plain": `
			http://:{$SITE} {
				header X-Reload {$RELOAD}
				@wrong query hash=*
				respond @wrong {$WRONG}
				reverse_proxy {$MOR}
			}`,
		"gateway": `
			http://:{$SITE} {
				header X-Reload {$RELOAD}
				mor_gateway {$KEYS}
				reverse_proxy {$MOR}
			}`,
	}
	vars := func(mor string, n int64) []string { // keys n and n+1, after n-1 and n
		return []string{"MOR", mor, "RELOAD", fmt.Sprint(n), "WRONG", "`" + incorrect + "`", "KEYS", keyOf(n) + " " + keyOf(n+1)}
	}
	lost, answered := make(map[string]int64), make(map[string]int64)
	for _, name := range []string{"plain", "gateway"} {
		if t.Failed() {
			return
		}
		check := nothingStays(t, testkit.Serve(t, sites[name], vars(testkit.FreeAddr(t), 0)...))
		up := testkit.StartMOR(t, nil)
		g := testkit.Serve(t, sites[name], vars(up.Addr, 0)...)
		var current atomic.Int64 // the key that is right now and after the next reload
		current.Store(1)
		var tr traffic
		stop := make(chan struct{})
		var running sync.WaitGroup
		for w := range workers {
			running.Go(func() {
				tr.run(t, g.Addr("SITE"), stop, func(i int) (string, string) {
					id := fmt.Sprint(w*1_000_000 + i + 1)
					if i%4 == 3 { // signed with a key that never was
						return post(action+"?u=admin&did_id="+id+"&hash="+contract.Hash(id, "wrong"), ""), incorrect
					}
					return post(action, "u=admin&did_id="+id+"&hash="+contract.Hash(id, keyOf(current.Load())), form), testkit.Success
				})
			})
		}
		for n := int64(1); n <= reloads && !t.Failed(); n++ {
			if err := g.Load(sites[name], vars(up.Addr, n)...); err != nil {
				t.Fatal(err)
			}
			current.Store(n + 1)
			for enough := n * perReload; tr.answered.Load() < enough && !t.Failed(); {
				time.Sleep(time.Millisecond)
			}
		}
		close(stop)
		running.Wait()
		lost[name], answered[name] = tr.unanswered.Load(), tr.answered.Load()
		for _, seen := range up.Requests() {
			if strings.Contains(seen.Line, "hash=") {
				t.Errorf("MOR saw a request with a wrong hash: %+v", seen)
			}
		}
		check(g.Stop, up.Stop)
		t.Logf("%s: %d reloads, %d requests answered rightly, %d connections closed unanswered", name, reloads, answered[name], lost[name])
	}
	// Two counts of the same chance, with up to all workers in each event.
	if lost["gateway"] > 2*lost["plain"]+2*workers {
		t.Errorf("the gateway's clients lost %d connections, plain Caddy's %d", lost["gateway"], lost["plain"])
	}
}

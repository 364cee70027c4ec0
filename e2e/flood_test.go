package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

const (
	floodClients = 1000
	// floodConstant is what a client may cost besides max_body, in bytes:
	// its goroutine, Go's buffers, Caddy's request, and what the garbage
	// collector has not got round to.
	floodConstant = 128 << 10
)

// A thousand clients that send almost all and then nothing: the memory of the
// gateway stays within max_body and a constant for each, and a good client is
// served as ever.
func TestFlood(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	const maxBody = 64 << 10
	declared := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Length: %d\r\n\r\n", action, form, maxBody)
	body := padded(maxBody)
	tests := []struct {
		name string
		send string
	}{
		{"body, all but the last byte", declared + body[:maxBody-1]},
		{"body, nothing of it", declared},
		{"chunked body, all but the end", chunked(chunk(body), form)},
		{"chunked body, chunks of 16 bytes", chunked(strings.Repeat(chunk(body[:16]), maxBody/16), form)},
		{"head, 15 KiB and no end", "POST " + okTarget + " HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 15<<10)},
		{"waits for leave", "POST " + action + " HTTP/1.1\r\nHost: x\r\n" + form + "\r\nExpect: 100-continue\r\nContent-Length: 65536\r\n\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			up := testkit.StartMOR(t, nil)
			p := startProcess(t, "http://:{$SITE} {\n"+guarded+"\n}", "MOR", up.Addr)
			good := func() {
				c := testkit.Dial(t, p.Addr("SITE"))
				c.Send(post(action, okQuery, form))
				if got := c.Answer("POST"); got.Status != 200 || got.Body != testkit.Success {
					t.Fatalf("a good client is answered %d %q", got.Status, got.Body)
				}
				c.Close()
			}
			for range 20 {
				good()
			}
			before := p.memory("VmRSS")
			var sending sync.WaitGroup
			for range floodClients {
				c, err := net.Dial("tcp", p.Addr("SITE"))
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				sending.Go(func() { _, _ = io.WriteString(c, tt.send) })
			}
			sending.Wait()
			settled(p)
			for range 20 {
				good()
			}
			grown := p.memory("VmHWM") - before
			t.Logf("resident set grew by %d KiB for each of %d clients", grown/floodClients>>10, floodClients)
			if limit := floodClients * (maxBody + floodConstant); grown > limit {
				t.Errorf("resident set grew by %d bytes, more than %d", grown, limit)
			}
			if n := len(up.Requests()); n != 40 {
				t.Errorf("MOR saw %d requests, want only those of good clients", n)
			}
		})
	}
}

// A flood, while good clients send as fast as they can: the memory stays
// within the unit's GOMEMLIMIT. Without it, the garbage collector would let
// the memory grow to a multiple of what the flood holds.
func TestFloodUnderLoad(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	const (
		clients = 2 * floodClients
		maxBody = 64 << 10
		limit   = 512 << 20 // in the unit
		besides = 100 << 20 // the program itself, and what Go does not count
	)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, testkit.Success)
	}))
	defer up.Close()
	p := startProcess(t, "http://:{$SITE} {\n"+guarded+"\n}", "MOR", up.Listener.Addr().String())
	slow := post(action, padded(maxBody), form)
	for range clients {
		c, err := net.Dial("tcp", p.Addr("SITE"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, slow[:len(slow)-1]); err != nil {
			t.Fatal(err)
		}
	}
	settled(p)
	held := p.memory("VmRSS")
	var good sync.WaitGroup
	for range 16 {
		good.Go(func() {
			for range 400 {
				resp, err := http.Post("http://"+p.Addr("SITE")+action, "application/x-www-form-urlencoded", strings.NewReader(padded(maxBody)))
				if err != nil {
					t.Error(err)
					return
				}
				if got, _ := io.ReadAll(resp.Body); string(got) != testkit.Success {
					t.Errorf("a good client is answered %d %q", resp.StatusCode, got)
				}
				resp.Body.Close()
			}
		})
	}
	good.Wait()
	most := p.memory("VmHWM")
	t.Logf("%d MiB with %d clients that wait, at most %d MiB under load", held>>20, clients, most>>20)
	if most > limit+besides {
		t.Errorf("%d MiB, more than %d", most>>20, (limit+besides)>>20)
	}
}

// settled waits until the process has read what was sent to it: its resident
// set does not grow any more.
func settled(p *process) {
	for last, same := 0, 0; same < 5; time.Sleep(100 * time.Millisecond) {
		if now := p.memory("VmRSS"); now > last {
			last, same = now, 0
		} else {
			same++
		}
	}
}

// The slowhttptest tool, with its slow heads, slow bodies, and slow reading.
func TestSlowhttptest(t *testing.T) {
	tool := testkit.Tool(t, "slowhttptest")
	const seconds = 5
	modes := map[string][]string{
		"slow head":  {"-H", "-i", "1", "-x", "24", "-t", "POST"},
		"slow body":  {"-B", "-i", "1", "-x", "24", "-s", "60000", "-t", "POST", "-f", "application/x-www-form-urlencoded"},
		"slow read":  {"-X", "-w", "512", "-y", "1024", "-n", "1", "-z", "32", "-k", "3"},
		"range head": {"-R", "-a", "10", "-b", "3000", "-t", "POST"},
	}
	for name, args := range modes {
		t.Run(name, func(t *testing.T) {
			up := testkit.StartMOR(t, nil)
			p := startProcess(t, `{
				servers {
					timeouts {
						read_header 10s
						read_body 10s
					}
				}
			}
			http://:{$SITE} {
				mor_gateway secret
				reverse_proxy {$MOR}
			}`, "MOR", up.Addr)
			dir := t.TempDir()
			args = append(args, "-c", fmt.Sprint(floodClients), "-r", "500", "-l", fmt.Sprint(seconds), "-p", "3",
				"-u", "http://"+p.Addr("SITE")+action+"?u=admin&did_id=6511&hash=forged")
			cmd := exec.Command(tool, args...)
			cmd.Dir = dir
			before := p.memory("VmRSS")
			var out strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			served := 0
			for running := true; running; {
				select {
				case err := <-ended:
					if err != nil {
						t.Fatalf("%v: %s", err, out.String())
					}
					running = false
				case <-time.After(50 * time.Millisecond):
					c := testkit.Dial(t, p.Addr("SITE"))
					c.Send(post(action, okQuery, form))
					if got := c.Answer("POST"); got.Status != 200 || got.Body != testkit.Success {
						t.Fatalf("a good client is answered %d %q", got.Status, got.Body)
					}
					c.Close()
					served++
				}
			}
			grown := p.memory("VmHWM") - before
			t.Logf("%d good requests served meanwhile; resident set grew by %d KiB for each of %d connections", served, grown/floodClients>>10, floodClients)
			if limit := floodClients * (64<<10 + floodConstant); grown > limit {
				t.Errorf("resident set grew by %d bytes, more than %d", grown, limit)
			}
			if n := len(up.Requests()); n != served {
				t.Errorf("MOR saw %d requests, want %d", n, served)
			}
			if !strings.Contains(out.String(), "service available") {
				t.Errorf("the tool says %s", out.String())
			}
		})
	}
}

package e2e

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

var soakFor = flag.Duration("e2e.soak", 20*time.Second, "how long the soak test runs")

// sort is one kind of request of the soak.
type sort struct {
	verdict string // label; empty: not for the action
	method  string
	target  string
	body    string
	header  []string
	status  int
	cut     bool // the client stops in the middle of the body
	gone    bool // and does not wait for an answer
}

var sorts = []sort{
	{verdict: "accepted", method: "POST", target: okTarget, status: 200},
	{verdict: "accepted", method: "POST", target: action, body: okQuery, header: []string{form}, status: 200},
	{verdict: "accepted", method: "POST", target: action, body: padded(60_000), header: []string{form}, status: 200},
	{verdict: "accepted", method: "POST", target: action, body: `{"u":"admin","did_id":6511,"hash":"` + rightHash + `"}`, header: []string{"Content-Type: application/json"}, status: 200},
	{verdict: "accepted", method: "POST", target: "/billing//api/did_details_update.xml?" + okQuery, status: 200},
	{method: "GET", target: "/billing/images/logo.png", status: 200},
	{method: "POST", target: "/billing/api/user_details_update", body: "u=x;y&%zz", header: []string{form}, status: 200},
	{verdict: "access_denied", method: "POST", target: action + "?did_id=6511", status: 200},
	{verdict: "get_disabled", method: "GET", target: okTarget, status: 200},
	{verdict: "incorrect_hash", method: "POST", target: action + "?u=admin&did_id=6511&hash=" + strings.Repeat("0", 40), status: 200},
	{verdict: "did_not_found", method: "POST", target: action + "?u=admin&did_id=0&hash=" + contract.Hash("0", key), status: 200},
	{verdict: "call_limit_format", method: "POST", target: okTarget + "&call_limit=-5", status: 200},
	{verdict: "active_from_invalid", method: "POST", target: okTarget + "&active_from=x", status: 200},
	{verdict: "active_till_invalid", method: "POST", target: okTarget + "&active_till=x", status: 200},
	{verdict: "active_till_not_greater", method: "POST", target: okTarget + "&active_from=2&active_till=1", status: 200},
	{verdict: "ambiguous", method: "POST", target: okTarget + "&did_id=6512", status: 400},
	{verdict: "unsupported_media_type", method: "POST", target: okTarget, body: "x", header: []string{"Content-Type: text/plain"}, status: 415},
	{verdict: "too_large", method: "POST", target: action, body: padded(70_000), header: []string{form}, status: 413},
	{verdict: "method_not_allowed", method: "PUT", target: okTarget, status: 405},
	{verdict: "incomplete", method: "POST", target: action, body: okQuery, header: []string{form}, status: 400, cut: true},
	{verdict: "incomplete", method: "POST", target: action, body: okQuery, header: []string{form}, cut: true, gone: true},
}

// All kinds of requests at once, over every protocol, in both modes: each
// gets its answer, and in the end the counters say exactly what was sent and
// MOR saw exactly what was forwarded.
func TestSoak(t *testing.T) {
	const workers = 12
	var forwarded, wrong atomic.Int64
	check := nothingStays(t, startTLS(t, "", "respond OK"))
	up := testkit.StartMOR(t, func(w http.ResponseWriter, r *http.Request) {
		forwarded.Add(1)
		if r.Header.Get("X-Expect") == "refused" {
			wrong.Add(1)
		}
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, testkit.Success)
	})
	g := startTLS(t, up.Addr, `
		@monitor header X-Mode monitor
		handle @monitor {
			mor_gateway {
				secret secret
				mode monitor
			}
			reverse_proxy {$MOR}
		}
		handle {
			mor_gateway secret
			reverse_proxy {$MOR}
		}`)
	clients := transports(t, g)
	names := make([]string, 0, len(clients))
	for name := range clients {
		names = append(names, name)
	}
	before := g.Counters()

	var sent, arrive atomic.Int64
	var mu sync.Mutex
	counted := make(map[string]float64)
	stop := time.Now().Add(*soakFor)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			own := make(map[string]float64)
			for time.Now().Before(stop) && !t.Failed() {
				s := sorts[rand.N(len(sorts))]
				monitor := rand.N(4) == 0 && !s.cut
				header := append([]string{"X-Expect: refused"}, s.header...)
				if s.verdict == "" || s.verdict == "accepted" || monitor {
					header[0] = "X-Expect: forwarded"
					arrive.Add(1)
				}
				if monitor {
					header = append(header, "X-Mode: monitor")
				}
				sent.Add(1)
				if s.verdict != "" {
					own[s.verdict]++
				}
				if s.cut {
					c := testkit.Connect(t, g.Addr("SITE"))
					c.Send(post(s.target, s.body, header...)[:len(post(s.target, s.body, header...))-1])
					if s.gone {
						testkit.Reset(c)
						continue
					}
					c.EndWrite()
					if got := c.Answer("POST"); got.Status != s.status || got.Body != testkit.Failure("Request body is incomplete") {
						t.Errorf("%+v: answer %d %q", s, got.Status, got.Body)
					}
					c.Close()
					continue
				}
				client := clients[names[rand.N(len(names))]]
				var body io.Reader = http.NoBody
				if s.body != "" {
					body = strings.NewReader(s.body)
				}
				req, err := http.NewRequest(s.method, client.base+s.target, body)
				if err != nil {
					t.Error(err)
					return
				}
				for _, line := range header {
					name, val, _ := strings.Cut(line, ": ")
					req.Header.Set(name, val)
				}
				resp, err := client.RoundTrip(req)
				if err != nil {
					t.Errorf("%s %s: %v", s.method, s.target, err)
					return
				}
				answer, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				status := s.status
				if monitor {
					status = 200
				}
				through := string(answer) == testkit.Success
				if err != nil || resp.StatusCode != status || through != strings.HasSuffix(header[0], "forwarded") {
					t.Errorf("%s %s, monitor %v: answer %d %q, %v", s.method, s.target, monitor, resp.StatusCode, answer, err)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			for verdict, n := range own {
				counted[verdict] += n
			}
		})
	}
	done := make(chan struct{})
	go func() {
		running.Wait()
		close(done)
	}()
	for waiting := true; waiting; { // a long soak must not keep what MOR saw
		select {
		case <-done:
			waiting = false
		case <-time.After(time.Second):
			up.Requests()
		}
	}
	up.Requests()

	total := func() (n float64) {
		for series, val := range g.Since(before) {
			if strings.HasPrefix(series, "requests_total{") {
				n += val
			}
		}
		return n
	}
	var want float64
	for _, n := range counted {
		want += n
	}
	testkit.Eventually(t, "all requests are counted, also those whose clients are gone", func() bool { return total() >= want })
	wantCounted(t, g, before, counted)
	if forwarded.Load() != arrive.Load() || wrong.Load() > 0 {
		t.Errorf("MOR saw %d requests, want %d; %d should have been refused", forwarded.Load(), arrive.Load(), wrong.Load())
	}
	for _, lines := range [][]map[string]any{g.Logged("panic while judging a request"), g.Logged("no answer from MOR")} {
		if len(lines) > 0 {
			t.Errorf("logged %v", lines[0])
		}
	}
	for _, client := range clients {
		if c, ok := client.RoundTripper.(io.Closer); ok {
			_ = c.Close()
		}
		if c, ok := client.RoundTripper.(interface{ CloseIdleConnections() }); ok {
			c.CloseIdleConnections()
		}
	}
	check(g.Stop, up.Stop)
	t.Logf("%v: sent %d; for the action %v, counted %s; forwarded %d, answered by MOR %d", *soakFor, sent.Load(), want, fmt.Sprint(counted), arrive.Load(), forwarded.Load())
}

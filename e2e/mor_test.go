package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// A MOR that gives no answer: the client gets the envelope, with the status
// that Caddy has for it, and the operator a log line at ERROR. An error
// route of the site, which would answer in HTML, has no say in it.
func TestNoAnswerFromMOR(t *testing.T) {
	reads := func(answer string) func(net.Conn, int) {
		return func(c net.Conn, _ int) {
			readHead(c)
			_, _ = io.WriteString(c, answer)
		}
	}
	tests := []struct {
		name   string
		serve  func(net.Conn, int) // nil: nobody listens
		proxy  string
		status int
		text   string
	}{
		{"refused", nil, "", 502, "MOR cannot be reached"},
		{"closed unanswered", reads(""), "", 502, "MOR cannot be reached"},
		{"reset", func(c net.Conn, _ int) { readHead(c); reset(c) }, "", 502, "MOR cannot be reached"},
		{"garbage", reads("no HTTP at all\r\n\r\n"), "", 502, "MOR cannot be reached"},
		{"half a head", reads("HTTP/1.1 200 OK\r\nContent-Ty"), "", 502, "MOR cannot be reached"},
		{"endless head", func(c net.Conn, _ int) {
			readHead(c)
			line := "X-Filler: " + strings.Repeat("x", 1000) + "\r\n"
			_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for err == nil {
				_, err = io.WriteString(c, line)
			}
		}, "transport http {\nmax_response_header 64KiB\n}", 502, "MOR cannot be reached"},
		{"silent", func(c net.Conn, _ int) { _, _ = io.Copy(io.Discard, c) }, "transport http {\nresponse_header_timeout 300ms\n}", 504, "MOR did not answer in time"},
		{"no upstream left", nil, "lb_try_duration 100ms\nfail_duration 1m\n", 503, "MOR is not available"},
	}
	for _, tt := range tests {
		for _, errors := range []string{"", "handle_errors {\nrespond \"<html>sorry\" 418\n}"} {
			t.Run(tt.name+map[bool]string{true: ", with handle_errors"}[errors != ""], func(t *testing.T) {
				addr := testkit.FreeAddr(t)
				if tt.serve != nil {
					addr = startTCP(t, tt.serve)
				}
				g := start(t, config{Site: guarded(addr) + " {\n" + tt.proxy + "\n}\n" + errors})
				c := dial(t, g.addr)
				status := tt.status
				if status == http.StatusServiceUnavailable { // the first attempt finds it out
					c.send(post(okTarget, ""))
					c.answer("POST")
				}
				c.send(post(okTarget, ""))
				resp, body := c.answer("POST")
				if resp.StatusCode != status || body != envelope("error", tt.text) {
					t.Errorf("answer %d %q", resp.StatusCode, body)
				}
				if ct := resp.Header.Get("Content-Type"); ct != "text/xml; charset=utf-8" {
					t.Errorf("Content-Type %q", ct)
				}
				lines := g.logLines("no answer from MOR")
				if len(lines) == 0 || lines[len(lines)-1]["level"] != "error" || lines[len(lines)-1]["status"] != float64(status) {
					t.Errorf("log %v", lines)
				}
				// What is not for the action keeps the site's own answer.
				c.send("GET /other HTTP/1.1\r\nHost: mor.example\r\n\r\n")
				if resp, body := c.answer("GET"); errors != "" && resp.StatusCode != 418 || strings.Contains(body, "<page>") {
					t.Errorf("another request is answered %d %q", resp.StatusCode, body)
				}
			})
		}
	}
}

// Other errors are the site's affair, for the action as for anything else.
func TestOtherErrorsAreReturned(t *testing.T) {
	for _, status := range []int{403, 418, 429, 500} {
		g := start(t, config{Site: fmt.Sprintf("route {\nmor_gateway secret\nerror \"no\" %d\n}\nhandle_errors {\nrespond \"the site says {err.status_code}\"\n}", status)})
		c := dial(t, g.addr)
		c.send(post(okTarget, ""))
		if resp, body := c.answer("POST"); resp.StatusCode != status || body != fmt.Sprintf("the site says %d", status) {
			t.Errorf("answer %d %q", resp.StatusCode, body)
		}
		if lines := g.logLines("no answer from MOR"); len(lines) > 0 {
			t.Errorf("logged %v", lines)
		}
		g.stop()
	}
}

// What MOR did answer is its own affair, whatever it is.
func TestAnswersOfMORAreNotTouched(t *testing.T) {
	type reply struct {
		status int
		ct     string
		body   string
	}
	replies := map[string]reply{
		"success":       {200, "text/html", envelope("success", success)},
		"error":         {200, "text/xml", envelope("error", "DID is already assigned")},
		"500":           {500, "text/html", "<h1>We're sorry, but something went wrong (500)</h1>"},
		"502 of Apache": {502, "text/html", "<h1>Proxy Error</h1>"},
		"503":           {503, "text/html", "maintenance"},
		"504":           {504, "", ""},
		"404":           {404, "text/plain", "no route"},
		"redirect":      {302, "text/html", "login"},
		"garbage":       {200, "application/octet-stream", "\x00\xff\x00<error>Incorr"},
		"large":         {200, "text/xml", strings.Repeat("<a>0123456789</a>", 40000)},
	}
	up := startUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		re := replies[r.URL.Query().Get("case")]
		w.Header().Set("Content-Type", re.ct)
		w.Header().Set("X-Powered-By", "MOR")
		w.WriteHeader(re.status)
		_, _ = io.WriteString(w, re.body)
	})
	g := start(t, config{Site: guarded(up.addr) + "\nhandle_errors {\nrespond \"<html>sorry\" 418\n}"})
	for name, re := range replies {
		t.Run(name, func(t *testing.T) {
			c := dial(t, g.addr)
			c.send(post(okTarget+"&case="+strings.ReplaceAll(name, " ", "+"), ""))
			resp, body := c.answer("POST")
			if resp.StatusCode != re.status || body != re.body || resp.Header.Get("Content-Type") != re.ct || resp.Header.Get("X-Powered-By") != "MOR" {
				t.Errorf("answer %d %v, %d bytes", resp.StatusCode, resp.Header, len(body))
			}
		})
	}
}

// An answer that breaks off is passed on as far as it came and then breaks
// off for the client too: reverse_proxy panics with http.ErrAbortHandler for
// that, which is none of our panics. The server lives on.
func TestAnswerBreaksOff(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n<?xml"
	ends := map[string]func(net.Conn){
		"closed": func(net.Conn) {},
		"reset":  reset,
	}
	for _, mode := range []string{"enforce", "monitor"} {
		for name, end := range ends {
			t.Run(mode+", "+name, func(t *testing.T) {
				addr := startTCP(t, func(c net.Conn, _ int) {
					readHead(c)
					_, _ = io.WriteString(c, head)
					time.Sleep(50 * time.Millisecond) // else a reset overtakes the answer
					end(c)
				})
				g := start(t, config{Site: guarded(addr, "mode "+mode)})
				before := g.counters("caddy_mor_gateway_requests_total")
				const times = 5
				for range times {
					c := dial(t, g.addr)
					c.send(post(okTarget, ""))
					resp, err := http.ReadResponse(c.r, nil)
					if err != nil {
						t.Fatal(err)
					}
					body, err := io.ReadAll(resp.Body)
					if resp.StatusCode != 200 || string(body) != "<?xml" || err == nil {
						t.Errorf("answer %d %q, %v", resp.StatusCode, body, err)
					}
				}
				wantCounted(t, before, g.counters("caddy_mor_gateway_requests_total"), map[string]float64{"accepted": times})
				if lines := g.logLines("panic while judging a request"); len(lines) > 0 {
					t.Errorf("logged %v", lines)
				}
			})
		}
	}
}

// An answer without an end is passed on as it comes and takes no memory here;
// it ends when the client has had enough, and MOR is told.
func TestEndlessAnswer(t *testing.T) {
	const part = 64 << 10
	ended := make(chan struct{})
	up := startUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
		defer close(ended)
		for {
			if _, err := w.Write(make([]byte, part)); err != nil {
				return
			}
		}
	})
	g := start(t, config{Site: guarded(up.addr)})
	c := dial(t, g.addr)
	c.send(post(okTarget, ""))
	if n, err := io.CopyN(io.Discard, c.r, 50<<20); err != nil {
		t.Fatalf("%d bytes: %v", n, err)
	}
	c.Close()
	select {
	case <-ended:
	case <-time.After(testkit.Patience):
		t.Fatal("MOR still answers a client that is gone")
	}
}

// readHead reads up to the empty line that ends a head.
func readHead(c net.Conn) (head string) {
	b := make([]byte, 1)
	for !strings.HasSuffix(head, "\r\n\r\n") {
		if _, err := c.Read(b); err != nil {
			return head
		}
		head += string(b)
	}
	return head
}

// reset closes the connection with a reset.
func reset(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// wantCounted compares how much was counted, by verdict, over all modes.
func wantCounted(t testing.TB, before, after map[string]float64, want map[string]float64) {
	t.Helper()
	got := make(map[string]float64)
	for series, n := range after {
		_, verdict, _ := strings.Cut(series, `verdict="`)
		verdict, _, _ = strings.Cut(verdict, `"`)
		if n -= before[series]; n != 0 {
			got[verdict] += n
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}

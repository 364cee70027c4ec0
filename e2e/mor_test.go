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
		{"reset", func(c net.Conn, _ int) { readHead(c); testkit.Reset(c) }, "", 502, "MOR cannot be reached"},
		{"garbage", reads("no HTTP at all\r\n\r\n"), "", 502, "MOR cannot be reached"},
		{"half a head", reads("HTTP/1.1 200 OK\r\nContent-Ty"), "", 502, "MOR cannot be reached"},
		{"endless head", func(c net.Conn, _ int) {
			readHead(c)
			line := "X-Filler: " + strings.Repeat("x", 1000) + "\r\n"
			_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for err == nil {
				_, err = io.WriteString(c, line)
			}
		}, `transport http {
			max_response_header 64KiB
		}`, 502, "MOR cannot be reached"},
		{"silent", func(c net.Conn, _ int) { _, _ = io.Copy(io.Discard, c) }, `transport http {
			response_header_timeout 300ms
		}`, 504, "MOR did not answer in time"},
		{"no upstream left", nil, `lb_try_duration 100ms
			fail_duration 1m`, 503, "MOR is not available"},
	}
	for _, tt := range tests {
		for name, errors := range map[string]string{"": "", ", with handle_errors": `handle_errors {
			respond <html>sorry 418
		}`} {
			t.Run(tt.name+name, func(t *testing.T) {
				addr := testkit.FreeAddr(t)
				if tt.serve != nil {
					addr = testkit.StartTCP(t, tt.serve)
				}
				g := start(t, addr, `
					mor_gateway secret
					reverse_proxy {$MOR} {
						{$PROXY}
					}
					{$ERRORS}`, "PROXY", tt.proxy, "ERRORS", errors)
				c := testkit.Dial(t, g.Addr("SITE"))
				status := tt.status
				if status == http.StatusServiceUnavailable { // the first attempt finds it out
					c.Send(post(okTarget, ""))
					c.Answer("POST")
				}
				c.Send(post(okTarget, ""))
				got := c.Answer("POST")
				if got.Status != status || got.Body != testkit.Failure(tt.text) {
					t.Errorf("answer %d %q", got.Status, got.Body)
				}
				if ct := got.Header.Get("Content-Type"); ct != "text/xml; charset=utf-8" {
					t.Errorf("Content-Type %q", ct)
				}
				lines := g.Logged("no answer from MOR")
				if len(lines) == 0 || lines[len(lines)-1]["level"] != "error" || lines[len(lines)-1]["status"] != float64(status) {
					t.Errorf("log %v", lines)
				}
				// What is not for the action keeps the site's own answer.
				c.Send("GET /other HTTP/1.1\r\nHost: mor.example\r\n\r\n")
				if got := c.Answer("GET"); errors != "" && got.Status != 418 || strings.Contains(got.Body, "<page>") {
					t.Errorf("another request is answered %d %q", got.Status, got.Body)
				}
			})
		}
	}
}

// Other errors are the site's affair, for the action as for anything else.
func TestOtherErrorsAreReturned(t *testing.T) {
	for _, status := range []string{"403", "418", "429", "500"} {
		t.Run(status, func(t *testing.T) {
			g := start(t, "", `
				route {
					mor_gateway secret
					error no {$STATUS}
				}
				handle_errors {
					respond "the site says {err.status_code}"
				}`, "STATUS", status)
			c := testkit.Dial(t, g.Addr("SITE"))
			c.Send(post(okTarget, ""))
			if got := c.Answer("POST"); fmt.Sprint(got.Status) != status || got.Body != "the site says "+status {
				t.Errorf("answer %d %q", got.Status, got.Body)
			}
			if lines := g.Logged("no answer from MOR"); len(lines) > 0 {
				t.Errorf("logged %v", lines)
			}
		})
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
		"success":       {200, "text/html", testkit.Success},
		"error":         {200, "text/xml", testkit.Failure("DID is already assigned")},
		"500":           {500, "text/html", "<h1>We're sorry, but something went wrong (500)</h1>"},
		"502 of Apache": {502, "text/html", "<h1>Proxy Error</h1>"},
		"503":           {503, "text/html", "maintenance"},
		"504":           {504, "", ""},
		"404":           {404, "text/plain", "no route"},
		"redirect":      {302, "text/html", "login"},
		"garbage":       {200, "application/octet-stream", "\x00\xff\x00<error>Incorr"},
		"large":         {200, "text/xml", strings.Repeat("<a>0123456789</a>", 40000)},
	}
	up := testkit.StartMOR(t, func(w http.ResponseWriter, r *http.Request) {
		re := replies[r.URL.Query().Get("case")]
		w.Header().Set("Content-Type", re.ct)
		w.Header().Set("X-Powered-By", "MOR")
		w.WriteHeader(re.status)
		_, _ = io.WriteString(w, re.body)
	})
	g := start(t, up.Addr, guarded+`
		handle_errors {
			respond <html>sorry 418
		}`)
	for name, re := range replies {
		t.Run(name, func(t *testing.T) {
			c := testkit.Dial(t, g.Addr("SITE"))
			c.Send(post(okTarget+"&case="+strings.ReplaceAll(name, " ", "+"), ""))
			got := c.Answer("POST")
			if got.Status != re.status || got.Body != re.body || got.Header.Get("Content-Type") != re.ct || got.Header.Get("X-Powered-By") != "MOR" {
				t.Errorf("answer %d %v, %d bytes", got.Status, got.Header, len(got.Body))
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
		"reset":  testkit.Reset,
	}
	for _, mode := range []string{"enforce", "monitor"} {
		for name, end := range ends {
			t.Run(mode+", "+name, func(t *testing.T) {
				addr := testkit.StartTCP(t, func(c net.Conn, _ int) {
					readHead(c)
					_, _ = io.WriteString(c, head)
					time.Sleep(50 * time.Millisecond) // else a reset overtakes the answer
					end(c)
				})
				g := start(t, addr, `
					mor_gateway {
						secret secret
						mode {$MODE}
					}
					reverse_proxy {$MOR}`, "MODE", mode)
				before := g.Counters()
				const times = 5
				for range times {
					c := testkit.Dial(t, g.Addr("SITE"))
					c.Send(post(okTarget, ""))
					resp, err := http.ReadResponse(c.In, nil)
					if err != nil {
						t.Fatal(err)
					}
					body, err := io.ReadAll(resp.Body)
					if resp.StatusCode != 200 || string(body) != "<?xml" || err == nil {
						t.Errorf("answer %d %q, %v", resp.StatusCode, body, err)
					}
				}
				wantCounted(t, g, before, map[string]float64{"accepted": times})
				if lines := g.Logged("panic while judging a request"); len(lines) > 0 {
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
	up := testkit.StartMOR(t, func(w http.ResponseWriter, _ *http.Request) {
		defer close(ended)
		for {
			if _, err := w.Write(make([]byte, part)); err != nil {
				return
			}
		}
	})
	g := start(t, up.Addr, guarded)
	c := testkit.Dial(t, g.Addr("SITE"))
	c.Send(post(okTarget, ""))
	if n, err := io.CopyN(io.Discard, c.In, 50<<20); err != nil {
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

// wantCounted compares how many requests were counted since before, by verdict, over all modes.
func wantCounted(t testing.TB, g *testkit.Caddy, before, want map[string]float64) {
	t.Helper()
	var got map[string]float64
	total := func(counts map[string]float64) (sum float64) {
		for _, n := range counts {
			sum += n
		}
		return sum
	}
	// A client that has gone away does not wait for its request to be counted.
	testkit.Eventually(t, fmt.Sprintf("requests are counted as %v", want), func() bool {
		got = make(map[string]float64)
		for series, n := range g.Since(before) {
			if _, verdict, ok := strings.Cut(series, `verdict="`); ok && strings.HasPrefix(series, "requests_total{") {
				verdict, _, _ = strings.Cut(verdict, `"`)
				got[verdict] += n
			}
		}
		return total(got) >= total(want)
	})
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

const form = "Content-Type: application/x-www-form-urlencoded"

// post returns a POST as bytes; lines are further header lines.
func post(target, body string, lines ...string) string {
	s := "POST " + target + " HTTP/1.1\r\nHost: mor.example\r\n"
	for _, line := range lines {
		s += line + "\r\n"
	}
	return s + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

// chunked returns a POST to the action as bytes; body is what follows
// the head, as it is.
func chunked(body string, lines ...string) string {
	s := "POST " + action + " HTTP/1.1\r\nHost: mor.example\r\nTransfer-Encoding: chunked\r\n"
	for _, line := range lines {
		s += line + "\r\n"
	}
	return s + "\r\n" + body
}

func chunk(data string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(data), data) }

// padded returns a valid body of n bytes.
func padded(n int) string {
	return okQuery + "&comment=" + strings.Repeat("x", n-len(okQuery)-len("&comment="))
}

// What clients do wrong, and what they may do though it is unusual: the
// status, the message if the gateway refuses, and whether MOR sees it.
func TestClientsMisbehave(t *testing.T) {
	const maxBody = 64 << 10
	const ambiguous, tooLarge, incomplete = "Ambiguous request", "Request body is too large", "Request body is incomplete"
	manyParams := func(n int) string { return okQuery + strings.Repeat("&x=1", n) }
	tests := []struct {
		name    string
		send    string
		hangUp  bool // stop sending after it
		status  int
		message string // empty: forwarded
		body    string // what MOR gets
	}{
		{name: "exactly max_body", send: post(action, padded(maxBody), form), status: 200, body: padded(maxBody)},
		{name: "one byte more", send: post(action, padded(maxBody+1), form), status: 413, message: tooLarge},
		{name: "exactly max_body, chunked", send: chunked(chunk(padded(maxBody))+"0\r\n\r\n", form), status: 200, body: padded(maxBody)},
		{name: "one byte more, chunked", send: chunked(chunk(padded(maxBody+1))+"0\r\n\r\n", form), status: 413, message: tooLarge},
		{name: "endless, chunked", send: chunked(strings.Repeat(chunk(strings.Repeat("x", 1000)), 400), form), status: 413, message: tooLarge},
		{name: "chunks of one byte", send: chunked(oneByteChunks(okQuery)+"0\r\n\r\n", form), status: 200, body: okQuery},
		{name: "chunk extensions", send: chunked(strings.Replace(chunk(okQuery), "\r\n", ";a=b;c=\"d\"\r\n", 1)+"0;e\r\n\r\n", form), status: 200, body: okQuery},
		{name: "trailer, announced", send: chunked(chunk(okQuery)+"0\r\nX-T: 1\r\n\r\n", form, "Trailer: X-T"), status: 400, message: ambiguous},
		// Go drops these: MOR sees a request without trailers.
		{name: "trailer, not announced", send: chunked(chunk(okQuery)+"0\r\nX-T: 1\r\n\r\n", form), status: 200, body: okQuery},
		{name: "trailer, announced and missing", send: chunked(chunk(okQuery)+"0\r\n\r\n", form, "Trailer: X-T"), status: 400, message: ambiguous},
		{name: "body cut short", send: "POST " + action + " HTTP/1.1\r\nHost: x\r\n" + form + "\r\nContent-Length: 1000\r\n\r\n" + okQuery, hangUp: true, status: 400, message: incomplete},
		{name: "chunked body cut short", send: chunked(chunk(okQuery), form), hangUp: true, status: 400, message: incomplete},
		{name: "chunk cut short", send: chunked("40\r\n"+okQuery[:20], form), hangUp: true, status: 400, message: incomplete},
		{name: "no chunk at all", send: chunked("zz\r\n", form), status: 400, message: incomplete},
		{name: "absurd chunk length", send: chunked("ffffffffffffffffff\r\n", form), status: 400, message: incomplete},
		{name: "Content-Length below zero", send: "POST " + okTarget + " HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", status: 400, message: "not ours"},
		{name: "two Content-Lengths", send: "POST " + okTarget + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n", status: 400, message: "not ours"},
		{name: "absurd Content-Length", send: "POST " + okTarget + " HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", status: 400, message: "not ours"},
		{name: "largest Content-Length", send: "POST " + okTarget + " HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775807\r\n\r\n" + strings.Repeat("x", 400_000), status: 413, message: tooLarge},
		{name: "header that is too long", send: "POST " + okTarget + " HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 2<<20) + "\r\n\r\n", status: 431, message: "not ours"},
		{name: "4,095 parameters", send: post(action, manyParams(4095-3), form), status: 200, body: manyParams(4095 - 3)},
		{name: "15,000 parameters", send: post(action, manyParams(15000), form), status: 200, body: manyParams(15000)},
		{name: "15,000 parameters, the last one wrong", send: post(action, manyParams(15000)+"&call_limit=-5", form), status: 200, message: "Call limit is incorrect format"},
		{name: "15,000 parameters, a forgery at the end", send: post(action, manyParams(15000)+"&did_id=6512", form), status: 400, message: ambiguous},
	}
	up := testkit.StartMOR(t, nil)
	g := start(t, up.Addr, guarded)
	const times = 5
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range times {
				c := testkit.Dial(t, g.Addr("SITE"))
				_, _ = io.WriteString(c, tt.send) // may be refused before its end
				if tt.hangUp {
					c.EndWrite()
				}
				got, seen := c.Answer("POST"), up.Requests()
				switch {
				case got.Status != tt.status:
					t.Fatalf("status %d %q", got.Status, got.Body)
				case tt.message == "":
					if len(seen) != 1 || seen[0].Body != tt.body || got.Body != testkit.Success {
						t.Fatalf("MOR saw %d requests; answer %q", len(seen), got.Body)
					}
				case len(seen) > 0:
					t.Fatalf("MOR saw %+v", seen)
				case tt.message != "not ours" && got.Body != testkit.Failure(tt.message):
					t.Fatalf("answer %q", got.Body)
				}
			}
		})
	}
}

func oneByteChunks(s string) (chunks string) {
	for i := range len(s) {
		chunks += chunk(s[i : i+1])
	}
	return chunks
}

// A client that waits for leave to send its body: what can be refused without
// the body is refused without asking for it. The order of the reading tells:
// the first thing the client gets is the refusal, and no 100. If it is accepted,
// the client gets one 100, and MOR does not see Expect.
func TestExpectContinue(t *testing.T) {
	head := func(target, method string, lines ...string) string {
		return method + " " + target + " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
	}
	length := fmt.Sprintf("Content-Length: %d", len(okQuery))
	tests := []struct {
		name, head string
		status     int
		message    string
	}{
		{"method", head(action, "PUT", form, length), 405, "Method is not allowed"},
		{"declared length", head(action, "POST", form, "Content-Length: 65537"), 413, "Request body is too large"},
		{"type", head(action, "POST", "Content-Type: text/plain", length), 415, "Content type is not supported"},
		{"query", head(action+"?x=%zz", "POST", form, length), 400, "Ambiguous request"},
		{"header", head(action, "POST", form, length, "X-HTTP-Method-Override: PUT"), 400, "Ambiguous request"},
		{"type, chunked", head(action, "POST", "Content-Type: text/plain", "Transfer-Encoding: chunked"), 415, "Content type is not supported"},
	}
	up := testkit.StartMOR(t, nil)
	g := start(t, up.Addr, guarded)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := testkit.Dial(t, g.Addr("SITE"))
			c.Send(tt.head)
			if got := c.Answer("POST"); got.Status != tt.status || got.Body != testkit.Failure(tt.message) {
				t.Errorf("answer %d %q", got.Status, got.Body)
			}
			c.EndWrite()
			if rest := c.Rest(); rest != "" {
				t.Errorf("after the answer came %q", rest)
			}
		})
	}
	t.Run("accepted", func(t *testing.T) {
		c := testkit.Dial(t, g.Addr("SITE"))
		c.Send(head(action, "POST", form, length))
		if got := c.Answer("POST"); got.Status != http.StatusContinue {
			t.Fatalf("status %d before the body", got.Status)
		}
		c.Send(okQuery)
		// No second 100: MOR was not asked for one.
		if got := c.Answer("POST"); got.Status != 200 || got.Body != testkit.Success {
			t.Errorf("answer %d %q", got.Status, got.Body)
		}
		if seen := up.Requests(); len(seen) != 1 || seen[0].Body != okQuery || seen[0].Header["Expect"] != nil {
			t.Errorf("MOR saw %+v", seen)
		}
	})
}

// Requests on one connection without waiting for answers: each is judged for
// itself, and the answers come in order.
func TestPipelining(t *testing.T) {
	up := testkit.StartMOR(t, nil)
	g := start(t, up.Addr, guarded)
	const rounds = 50
	wrong := post(action+"?u=admin&did_id=6511", "hash="+strings.Repeat("0", 40), form)
	pieces := []struct{ send, want string }{
		{post(okTarget, ""), testkit.Success},
		{wrong, testkit.Failure("Incorrect hash")},
		{post(action, okQuery, form), testkit.Success},
		{chunked(chunk(okQuery+"&call_limit=-1")+"0\r\n\r\n", form), testkit.Failure("Call limit is incorrect format")},
		{chunked(chunk(okQuery)+"0\r\n\r\n", form), testkit.Success},
		{"GET " + okTarget + " HTTP/1.1\r\nHost: x\r\n\r\n", testkit.Failure("GET Requests are disabled")},
	}
	before := g.Counters()
	c := testkit.Dial(t, g.Addr("SITE"))
	go func() {
		for range rounds {
			for _, p := range pieces {
				_, _ = io.WriteString(c, p.send)
			}
		}
	}()
	for round := range rounds {
		for i, p := range pieces {
			if got := c.Answer("POST"); got.Status != 200 || got.Body != p.want {
				t.Fatalf("round %d, request %d: answer %d %q", round, i, got.Status, got.Body)
			}
		}
	}
	if seen := up.Requests(); len(seen) != 3*rounds {
		t.Errorf("MOR saw %d requests, want %d", len(seen), 3*rounds)
	}
	wantCounted(t, g, before,
		map[string]float64{"accepted": 3 * rounds, "incorrect_hash": rounds, "call_limit_format": rounds, "get_disabled": rounds})
}

// A body that would take hours: with the timeouts of the example Caddyfiles
// the client is answered 408 in between, and MOR sees nothing of it. A head
// that never ends is cut off by Caddy itself.
func TestSlowClients(t *testing.T) {
	up := testkit.StartMOR(t, nil)
	g := testkit.Serve(t, `{
		servers {
			timeouts {
				read_body 500ms
				read_header 500ms
			}
		}
	}
	http://:{$SITE} {
		mor_gateway secret
		reverse_proxy {$MOR}
	}`, "MOR", up.Addr)
	trickle := func(c *testkit.Conn, stop chan struct{}) {
		for {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
				if _, err := io.WriteString(c, "x"); err != nil {
					return
				}
			}
		}
	}
	before := g.Counters()
	bodies := []string{
		"POST " + action + " HTTP/1.1\r\nHost: x\r\n" + form + "\r\nContent-Length: 60000\r\n\r\n",
		chunked("ea60\r\n", form),
	}
	for _, head := range bodies {
		c, stop := testkit.Dial(t, g.Addr("SITE")), make(chan struct{})
		c.Send(head)
		go trickle(c, stop)
		got := c.Answer("POST")
		close(stop)
		if got.Status != http.StatusRequestTimeout || got.Body != testkit.Failure("Request body did not arrive in time") {
			t.Errorf("answer %d %q", got.Status, got.Body)
		}
	}
	wantCounted(t, g, before, map[string]float64{"incomplete": float64(len(bodies))})
	c, stop := testkit.Dial(t, g.Addr("SITE")), make(chan struct{})
	c.Send("POST " + okTarget + " HTTP/1.1\r\nHost: x\r\nX-Endless: ")
	go trickle(c, stop)
	if b, _ := io.ReadAll(c.In); strings.Contains(string(b), " 200 ") {
		t.Errorf("answer %q", b)
	}
	close(stop)
	if seen := up.Requests(); len(seen) > 0 {
		t.Errorf("MOR saw %+v", seen)
	}
}

// A client that is gone while MOR works: MOR is told, the request is counted
// as what it was, and nothing is logged as an error of ours.
func TestClientGoneWhileMORWorks(t *testing.T) {
	const times = 20
	working, told := make(chan struct{}, times), make(chan struct{}, times)
	up := testkit.StartMOR(t, func(_ http.ResponseWriter, r *http.Request) {
		working <- struct{}{}
		<-r.Context().Done()
		told <- struct{}{}
	})
	g := start(t, up.Addr, guarded)
	before := g.Counters()
	for range times {
		c := testkit.Dial(t, g.Addr("SITE"))
		c.Send(post(action, okQuery, form))
		<-working
		testkit.Reset(c)
	}
	for range times {
		select {
		case <-told:
		case <-time.After(testkit.Patience):
			t.Fatal("MOR still works for clients that are gone")
		}
	}
	wantCounted(t, g, before, map[string]float64{"accepted": times})
	if lines := g.Logged("no answer from MOR"); len(lines) > 0 {
		t.Errorf("logged %v", lines[0])
	}
}

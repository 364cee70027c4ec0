package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// request is what a stand-in for MOR saw.
type request struct {
	Line     string // method and target
	Host     string
	Header   http.Header
	Length   int64
	Encoding []string // Transfer-Encoding
	Body     string
	BodyErr  error
}

// upstream is a stand-in for MOR that records what it sees.
type upstream struct {
	addr string
	stop func()

	mu   sync.Mutex
	seen []request
}

// startUpstream starts a stand-in that believes every update; answer, if not
// nil, answers instead.
func startUpstream(t testing.TB, answer http.HandlerFunc) *upstream {
	t.Helper()
	l := listen(t)
	u := &upstream{addr: l.Addr().String()}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		u.mu.Lock()
		u.seen = append(u.seen, request{r.Method + " " + r.RequestURI, r.Host, r.Header, r.ContentLength, r.TransferEncoding, string(body), err})
		u.mu.Unlock()
		if answer != nil {
			answer(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, envelope("success", success))
	})}
	go func() { _ = srv.Serve(l) }()
	u.stop = func() { _ = srv.Close() }
	t.Cleanup(u.stop)
	return u
}

// requests returns what was seen since the last call.
func (u *upstream) requests() []request {
	u.mu.Lock()
	defer u.mu.Unlock()
	seen := u.seen
	u.seen = nil
	return seen
}

// startTCP starts a stand-in below HTTP: each connection is given to serve,
// with its number, and closed afterwards.
func startTCP(t testing.TB, serve func(c net.Conn, n int)) (addr string) {
	t.Helper()
	l := listen(t)
	t.Cleanup(func() { l.Close() })
	go func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c, n)
			}()
		}
	}()
	return l.Addr().String()
}

// rawClient is a client below HTTP.
type rawClient struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

// dial connects to the gateway until the end of the test.
func dial(t testing.TB, addr string) *rawClient {
	t.Helper()
	c := connect(t, addr)
	t.Cleanup(func() { c.Close() })
	return c
}

// connect connects to the gateway; the caller closes.
func connect(t testing.TB, addr string) *rawClient {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(testkit.Patience))
	return &rawClient{t, c, bufio.NewReader(c)}
}

func (c *rawClient) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads the next answer to a request with the method.
func (c *rawClient) answer(method string) (*http.Response, string) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("status %d, body %q: %v", resp.StatusCode, body, err)
	}
	return resp, string(body)
}

// closeWrite says that nothing more is sent.
func (c *rawClient) closeWrite() {
	c.t.Helper()
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		c.t.Fatal(err)
	}
}

// rest reads until the gateway closes the connection.
func (c *rawClient) rest() string {
	c.t.Helper()
	b, err := io.ReadAll(c.r)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

// post returns a POST as bytes; lines are further header lines.
func post(target, body string, lines ...string) string {
	s := "POST " + target + " HTTP/1.1\r\nHost: mor.example\r\n"
	for _, line := range lines {
		s += line + "\r\n"
	}
	return s + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

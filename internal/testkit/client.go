package testkit

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Answer is what a client gets.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	Close  bool // the connection ends with it
}

// client has no connection that a reload could close under it, and follows no redirect.
var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Ask sends a request and returns the answer; header has names and values. It asks until there is a connection: a
// reload closes the old listener when the new one is there, and with it what nobody has accepted yet.
func Ask(t testing.TB, method, url, body string, header ...string) (got Answer) {
	t.Helper()
	Eventually(t, "connected", func() bool {
		r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		resp, err := client.Do(r)
		if op := new(net.OpError); errors.As(err, &op) && op.Op == "dial" {
			return false
		}
		if err != nil {
			t.Fatal(err)
		}
		got = answer(t, resp)
		return true
	})
	return got
}

func answer(t testing.TB, resp *http.Response) Answer {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("status %d, body %q: %v", resp.StatusCode, body, err)
	}
	return Answer{resp.StatusCode, resp.Header, string(body), resp.Close}
}

// Conn is a client below HTTP.
type Conn struct {
	*net.TCPConn
	In *bufio.Reader
	t  testing.TB
}

// Dial connects until the end of the test.
func Dial(t testing.TB, addr string) *Conn {
	t.Helper()
	c := Connect(t, addr)
	t.Cleanup(func() { c.Close() })
	return c
}

// Connect connects; the caller closes.
func Connect(t testing.TB, addr string) *Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(Patience))
	return &Conn{c.(*net.TCPConn), bufio.NewReader(c), t}
}

// Send sends bytes.
func (c *Conn) Send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// Answer reads the next answer to a request with the method.
func (c *Conn) Answer(method string) Answer {
	c.t.Helper()
	resp, err := http.ReadResponse(c.In, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	return answer(c.t, resp)
}

// EndWrite says that nothing more is sent.
func (c *Conn) EndWrite() {
	c.t.Helper()
	if err := c.CloseWrite(); err != nil {
		c.t.Fatal(err)
	}
}

// Rest reads until the other side closes the connection.
func (c *Conn) Rest() string {
	c.t.Helper()
	b, err := io.ReadAll(c.In)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

// Reset closes a connection with a reset.
func Reset(c net.Conn) {
	if c, ok := c.(interface{ SetLinger(int) error }); ok {
		_ = c.SetLinger(0)
	}
	c.Close()
}

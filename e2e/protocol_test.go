package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/quic-go/quic-go/http3"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// transports returns a client for each protocol, with the address that it
// calls.
func transports(t *testing.T, g *testkit.Caddy) map[string]struct {
	http.RoundTripper
	base string
} {
	insecure := &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"} //nolint:gosec // Caddy's own certificate, on loopback
	_, port, _ := net.SplitHostPort(g.Addr("TLS"))
	plain, secure := "http://"+g.Addr("SITE"), "https://localhost:"+port
	dialTLS := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, g.Addr("TLS"))
	}
	protocols := func(set func(*http.Protocols)) *http.Protocols { p := new(http.Protocols); set(p); return p }
	h3 := &http3.Transport{TLSClientConfig: insecure.Clone()}
	h2 := &http.Transport{TLSClientConfig: insecure.Clone(), DialContext: dialTLS, Protocols: protocols(func(p *http.Protocols) { p.SetHTTP2(true) })}
	h2c := &http.Transport{Protocols: protocols(func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) })}
	h11 := &http.Transport{}
	h11tls := &http.Transport{TLSClientConfig: insecure.Clone(), DialContext: dialTLS, Protocols: protocols(func(p *http.Protocols) { p.SetHTTP1(true) })}
	t.Cleanup(func() {
		_ = h3.Close()
		for _, tr := range []*http.Transport{h2, h2c, h11, h11tls} {
			tr.CloseIdleConnections()
		}
	})
	type client = struct {
		http.RoundTripper
		base string
	}
	return map[string]client{
		"HTTP/1.0":     {http10{}, plain},
		"HTTP/1.1":     {h11, plain},
		"HTTP/1.1 TLS": {h11tls, secure},
		"HTTP/2 h2c":   {h2c, plain},
		"HTTP/2 TLS":   {h2, secure},
		"HTTP/3":       {h3, secure},
	}
}

// http10 is a client of HTTP/1.0.
type http10 struct{}

func (http10) RoundTrip(r *http.Request) (*http.Response, error) {
	c, err := net.Dial("tcp", r.URL.Host)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	fmt.Fprintf(c, "%s %s HTTP/1.0\r\nHost: %s\r\n", r.Method, r.URL.RequestURI(), r.URL.Host)
	_ = r.Header.Write(c)
	if r.Body != nil {
		fmt.Fprintf(c, "Content-Length: %d\r\n", len(body))
	}
	fmt.Fprintf(c, "\r\n%s", body)
	resp, err := http.ReadResponse(bufio.NewReader(c), r)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(strings.NewReader(string(b)))
	return resp, err
}

// The same request gets the same answer over every protocol, and MOR the same
// request.
func TestProtocols(t *testing.T) {
	const none = "\x00" // no body, which is not the same as an empty one
	tests := []struct {
		name, method, target, body string
		header                     []string // "Name: value"
		unknown                    bool     // the length is not declared
		status                     int
		message                    string // empty: forwarded
	}{
		{name: "query, no body", method: "POST", target: okTarget, body: none, status: 200},
		{name: "query, empty body", method: "POST", target: okTarget, status: 200},
		{name: "query, empty body of an odd type", method: "POST", target: okTarget, header: []string{"Content-Type: text/plain"}, status: 200},
		{name: "form", method: "POST", target: action, body: okQuery, header: []string{form}, status: 200},
		{name: "form, unknown length", method: "POST", target: action, body: okQuery, header: []string{form}, unknown: true, status: 200},
		{name: "form without type", method: "POST", target: action, body: okQuery, status: 200},
		{name: "JSON", method: "POST", target: action, body: `{"u":"admin","did_id":6511,"call_limit":999,"hash":"` + rightHash + `"}`, header: []string{"Content-Type: application/json"}, status: 200},
		{name: "multipart", method: "POST", target: action, header: []string{"Content-Type: multipart/form-data; boundary=b"}, status: 200,
			body: part("u", "admin") + part("did_id", "6511") + part("hash", rightHash) + "--b--\r\n"},
		{name: "max_body", method: "POST", target: action, body: padded(64 << 10), header: []string{form}, status: 200},
		{name: "other method, other path", method: "GET", target: "/billing/callc/main?x=%zz;", body: none, status: 200},
		{name: "other path, body", method: "POST", target: "/billing/api/user_details_update", body: "u=1&hash=x", header: []string{form}, status: 200},
		{name: "no user", method: "POST", target: action, body: none, status: 200, message: "Access Denied"},
		{name: "GET", method: "GET", target: okTarget, body: none, status: 200, message: "GET Requests are disabled"},
		{name: "GET of an odd type", method: "GET", target: okTarget, body: none, header: []string{"Content-Type: text/plain"}, status: 200, message: "GET Requests are disabled"},
		{name: "HEAD", method: "HEAD", target: okTarget, body: none, status: 405, message: "Method is not allowed"},
		{name: "PUT", method: "PUT", target: okTarget, body: "x", status: 405, message: "Method is not allowed"},
		{name: "hash", method: "POST", target: strings.ToUpper(okQuery), body: none, status: 200, message: "Incorrect hash"},
		{name: "one byte over max_body", method: "POST", target: action, body: padded(64<<10 + 1), header: []string{form}, status: 413, message: "Request body is too large"},
		{name: "one byte over max_body, unknown length", method: "POST", target: action, body: padded(64<<10 + 1), header: []string{form}, unknown: true, status: 413, message: "Request body is too large"},
		{name: "type", method: "POST", target: okTarget, body: "x", header: []string{"Content-Type: text/plain"}, status: 415, message: "Content type is not supported"},
		{name: "query twice", method: "POST", target: okTarget + "&did_id=6512", body: none, status: 400, message: "Ambiguous request"},
		{name: "path", method: "POST", target: "/billing//api/did%5Fdetails_update.xml?u=admin", body: none, status: 200, message: "Incorrect hash"},
		{name: "override", method: "POST", target: okTarget, body: none, header: []string{"X-HTTP-Method-Override: PUT"}, status: 400, message: "Ambiguous request"},
	}
	up := testkit.StartMOR(t, nil)
	g := startTLS(t, up.Addr, guarded)
	clients := transports(t, g)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := tt.target
			if tt.name == "hash" {
				target = action + "?u=admin&did_id=6511&hash=" + strings.ToUpper(rightHash)
			}
			var first *testkit.Request
			for name, client := range clients {
				var body io.Reader
				if tt.body != none {
					body = strings.NewReader(tt.body)
				}
				if tt.unknown {
					if name == "HTTP/1.0" {
						continue // has no chunks
					}
					body = io.MultiReader(body)
				}
				req, err := http.NewRequest(tt.method, client.base+target, body)
				if err != nil {
					t.Fatal(err)
				}
				for _, line := range tt.header {
					k, v, _ := strings.Cut(line, ": ")
					req.Header.Set(k, v)
				}
				resp, err := client.RoundTrip(req)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				answer, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				want := testkit.Success
				if tt.message != "" {
					want = testkit.Failure(tt.message)
				}
				if tt.method == "HEAD" {
					want = ""
				}
				if resp.StatusCode != tt.status || string(answer) != want || err != nil {
					t.Errorf("%s: answer %d %q, %v", name, resp.StatusCode, answer, err)
				}
				seen := up.Requests()
				if (tt.message == "") != (len(seen) == 1) {
					t.Fatalf("%s: MOR saw %+v", name, seen)
				}
				if len(seen) == 0 {
					continue
				}
				got := stripped(seen[0])
				if got.Body != strings.Trim(tt.body, none) {
					t.Errorf("%s: MOR got a body of %d bytes, want %d", name, len(got.Body), len(tt.body))
				}
				if first == nil {
					first = &got
				} else if fmt.Sprint(got) != fmt.Sprint(*first) {
					t.Errorf("%s: MOR saw\n%+v, over another protocol\n%+v", name, got, *first)
				}
			}
		})
	}
}

// stripped takes out of a request what may differ between protocols: the
// site's name, what the proxy says of the connection, and what the clients of
// this test say of themselves.
func stripped(r testkit.Request) testkit.Request {
	r.Host = ""
	h := r.Header.Clone()
	for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-For", "Via", "User-Agent", "Accept-Encoding"} {
		h.Del(name)
	}
	r.Header = h
	return r
}

func part(name, val string) string {
	return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + val + "\r\n"
}

package caddymodule

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxHeaderBytes is Caddy's default for the size of a request's head.
const maxHeaderBytes = 16 << 10

// writeRequest returns a request as a plain client sends it: the target as it
// stands in the address.
func writeRequest(address, method, contentType string, body []byte) ([]byte, error) {
	if strings.ContainsFunc(address, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return nil, errors.New("the address has a space or a control character, which no client sends; write %20, or give the whole request with --request")
	}
	if strings.ContainsFunc(contentType, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
		return nil, errors.New("--content-type has a control character")
	}
	if method == "" || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_") != "" {
		return nil, errors.New("--method is no HTTP method")
	}
	address, _, _ = strings.Cut(address, "#") // clients keep the fragment
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok || scheme != "http" && scheme != "https" {
		return nil, errors.New("the address must begin with http:// or https://")
	}
	host, target := rest, "/"
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, target = rest[:i], rest[i:]
	}
	if target[0] == '?' {
		target = "/" + target
	}
	u, err := url.Parse(scheme + "://" + host)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, errors.New("the address has no plain host")
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, u.Host)
	if contentType != "" {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", contentType)
	}
	if len(body) > 0 || method != http.MethodGet && method != http.MethodHead {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes(), nil
}

// serve gives the bytes of a request to Go's HTTP server, which Caddy's is,
// and what the two make of them to the handler. Where they refuse them
// themselves, the handler is not called and the status is theirs.
func serve(request []byte, handle func(w http.ResponseWriter, r *http.Request)) (status int) {
	conn := &memoryConn{in: bytes.NewReader(request), answer: make(chan []byte, 1)}
	srv := &http.Server{
		MaxHeaderBytes:    maxHeaderBytes,
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// Caddy refuses these itself ...
			if r.Host == "" && r.ProtoAtLeast(1, 1) {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			if len(r.Method) > 32 {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			// ... drops these header lines before it asks its handlers ...
			for name := range r.Header {
				if strings.ContainsAny(name, "_.") {
					delete(r.Header, name)
				}
			}
			// ... and gives them a copy of the request, to which net/http adds
			// no trailers that were not announced.
			handle(w, r.WithContext(r.Context()))
		}),
	}
	srv.SetKeepAlivesEnabled(false) // the first request only
	_ = srv.Serve(&oneConn{conn: conn})
	if fields := bytes.Fields(<-conn.answer); len(fields) > 1 {
		status, _ = strconv.Atoi(string(fields[1]))
	}
	return status
}

// strayBody reports whether something stands behind the head of a request
// that declares no body.
func strayBody(request []byte) bool {
	for _, end := range []string{"\r\n\r\n", "\n\n"} {
		if _, rest, ok := bytes.Cut(request, []byte(end)); ok {
			return len(bytes.TrimSpace(rest)) > 0
		}
	}
	return false
}

// oneConn is a listener to which one client comes.
type oneConn struct{ conn *memoryConn }

func (l *oneConn) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	return nil, net.ErrClosed
}

func (*oneConn) Close() error   { return nil }
func (*oneConn) Addr() net.Addr { return new(net.TCPAddr) }

// memoryConn is the connection of a client that sends a request and nothing
// more.
type memoryConn struct {
	in     *bytes.Reader
	answer chan []byte // the first bytes of the answer, nil if there is none
}

func (c *memoryConn) Read(p []byte) (int, error) { return c.in.Read(p) }

func (c *memoryConn) Write(p []byte) (int, error) {
	if !bytes.HasPrefix(p, []byte("HTTP/1.1 100 ")) {
		c.end(bytes.Clone(p))
	}
	return len(p), nil
}

func (c *memoryConn) Close() error {
	c.end(nil)
	return nil
}

func (c *memoryConn) end(answer []byte) {
	select {
	case c.answer <- answer:
	default:
	}
}

func (*memoryConn) LocalAddr() net.Addr              { return new(net.TCPAddr) }
func (*memoryConn) RemoteAddr() net.Addr             { return new(net.TCPAddr) }
func (*memoryConn) SetDeadline(time.Time) error      { return nil }
func (*memoryConn) SetReadDeadline(time.Time) error  { return nil }
func (*memoryConn) SetWriteDeadline(time.Time) error { return nil }

package caddymodule

import (
	"bufio"
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// Outcome is the result of a request at a gateway.
type Outcome struct {
	// Request is what the gateway read. It is nil if the request is not for the
	// action: then it goes on unchecked, or the HTTP server refuses it.
	Request *validation.Request
	Verdict validation.Verdict
	// Status is the HTTP status of a refusal, by the gateway or by the server,
	// and 0 if the request goes on.
	Status int
	Allow  string // the header line, with status 405
}

// maxHeaderBytes is Caddy's default for the size of a request's head.
const maxHeaderBytes = 16 << 10

// Judge judges the bytes of an HTTP/1 request as a Caddy with a gateway would.
func Judge(p *validation.Policy, raw []byte) (o Outcome) {
	h := &Handler{policy: *p, logger: zap.NewNop()}
	o.Status = serve(raw, func(w http.ResponseWriter, r *http.Request) {
		closeTunnel(r)
		if !isAction(r) {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		x := h.judge(r)
		o.Request, o.Verdict = &x.req, x.verdict
		if !x.refuses() {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if x.verdict == validation.MethodNotAllowed {
			o.Allow = allowed(p)
		}
		_ = x.answer(w, r)
	})
	if o.Status == http.StatusNoContent {
		o.Status = 0
	}
	return o
}

// serve runs a request through net/http's server, with Caddy's own checks, and
// calls handle with the parsed request. It returns the status of the answer,
// which is the server's own if handle is not called.
func serve(raw []byte, handle http.HandlerFunc) (status int) {
	client, server := net.Pipe()
	defer client.Close()
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
	go func() { _ = srv.Serve(&listener{conn: &rawConn{server, bytes.NewReader(raw)}}) }()
	answers := bufio.NewReader(client)
	for {
		answer, err := http.ReadResponse(answers, nil) //nolint:bodyclose // the connection is closed
		if err != nil {
			return http.StatusBadRequest
		}
		if answer.StatusCode != http.StatusContinue {
			return answer.StatusCode
		}
	}
}

// rawConn is the connection of a client that sends a request and nothing more.
type rawConn struct {
	net.Conn
	request *bytes.Reader
}

func (c *rawConn) Read(p []byte) (int, error) { return c.request.Read(p) }

// listener accepts one connection.
type listener struct{ conn net.Conn }

func (l *listener) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	return nil, net.ErrClosed
}

func (*listener) Close() error   { return nil }
func (*listener) Addr() net.Addr { return new(net.TCPAddr) }

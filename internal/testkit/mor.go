package testkit

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
)

// Envelope returns MOR's XML with one element, as MOR and the gateway write it.
func Envelope(element, text string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<page>
  <status>
    <` + element + `>` + text + `</` + element + `>
  </status>
</page>
`
}

// Failure returns the XML of an error.
func Failure(message string) string { return Envelope("error", message) }

// Success is MOR's answer to an update.
var Success = Envelope("success", "DID details successfully updated")

// Request is what MOR saw.
type Request struct {
	Line     string // method and target
	Host     string
	Header   http.Header
	Length   int64
	Encoding []string // Transfer-Encoding
	Body     string
	BodyErr  error
}

// MOR is a server in MOR's place that remembers what it sees.
type MOR struct {
	Addr string
	Stop func() // earlier than the test's end

	mu   sync.Mutex
	seen []Request
}

// StartMOR starts a MOR that believes every update; answer, if not nil, answers instead.
func StartMOR(t testing.TB, answer http.HandlerFunc) *MOR {
	t.Helper()
	l := Listen(t)
	m := &MOR{Addr: l.Addr().String()}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		m.mu.Lock()
		m.seen = append(m.seen, Request{r.Method + " " + r.RequestURI, r.Host, r.Header, r.ContentLength, r.TransferEncoding, string(body), err})
		m.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		if answer != nil {
			answer(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, Success)
	})}
	go func() { _ = srv.Serve(l) }()
	m.Stop = func() { _ = srv.Close() }
	t.Cleanup(m.Stop)
	return m
}

// Requests returns what MOR has seen since the last call.
func (m *MOR) Requests() []Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	seen := m.seen
	m.seen = nil
	return seen
}

// Lines returns methods and targets of what MOR has seen since the last call.
func (m *MOR) Lines() (lines []string) {
	for _, r := range m.Requests() {
		lines = append(lines, r.Line)
	}
	return lines
}

// StartTCP starts a server below HTTP: each connection is given to serve, with its number, and closed afterwards.
func StartTCP(t testing.TB, serve func(c net.Conn, n int)) (addr string) {
	t.Helper()
	l := Listen(t)
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

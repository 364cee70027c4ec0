package caddymodule

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"reflect"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/reference"
	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// fuzzHandler returns a handler without a Caddy around it.
func fuzzHandler(f *testing.F, mode string) *Handler {
	f.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	f.Cleanup(cancel)
	h := &Handler{
		Secrets:   []string{"secret"},
		Resellers: map[string][]string{"Resel": {"reseller secret"}},
		AllowGet:  true,
		Mode:      mode,
		MaxBody:   4096,
	}
	if err := h.Provision(ctx); err != nil {
		f.Fatal(err)
	}
	h.logger = benchLogger()
	return h
}

// FuzzHandler sends the bytes of any request through the whole handler: what
// is accepted the reference must be able to read and find valid, and the next
// handler gets it as it came; what is refused doesn't reach it. In monitor
// mode everything does.
func FuzzHandler(f *testing.F) {
	const (
		action = "/billing/api/" + validation.Action
		hash   = "f7de355c9b4421ce6c705b4b32c89dbcaca51e46"
		query  = "u=admin&did_id=6511&hash=" + hash
	)
	for _, s := range []string{
		"POST " + action + "?" + query + "&call_limit=999 HTTP/1.1\nHost: mor\nContent-Length: 0\n\n",
		"POST /billing//api/did%5Fdetails_update.xml?" + query + " HTTP/1.1\nHost: mor\nConnection: keep-alive, Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AA\n\n",
		"GET " + action + "?" + query + "&comment=a;b%26 HTTP/1.1\nHost: mor\nUpgrade: websocket\n\n",
		"HEAD " + action + " HTTP/1.1\nHost: mor\n\n",
		"POST " + action + " HTTP/1.1\nHost: mor\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 69\n\n" + query + "&x=1",
		"POST " + action + " HTTP/1.1\nHost: mor\nTransfer-Encoding: chunked\n\n41\r\n" + query + "\r\n0\r\n\r\n",
		"POST " + action + " HTTP/1.1\nHost: mor\nTransfer-Encoding: chunked\nTrailer: X-A\n\n41\r\n" + query + "\r\n0\r\nX-A: b\r\n\r\n",
		"POST " + action + "?u=admin HTTP/1.1\nHost: mor\nContent-Type: application/json; charset=utf-8\nContent-Length: 68\n\n" + `{"did_id":6511,"hash":"` + hash + `","a":1}`,
		"POST " + action + "?" + query + " HTTP/1.1\nHost: mor\nContent-Type: multipart/form-data; boundary=b\nContent-Length: 68\n\n" +
			"--b\r\nContent-Disposition: form-data; name=\"call_limit\"\r\n\r\n5\r\n--b--\r\n",
		"POST " + action + "?" + query + " HTTP/1.1\nHost: mor\nX-HTTP-Method-Override: PUT\nContent-Length: 9\n\nshort",
		"POST x:/did_details_update HTTP/1.1\nHost: mor\n\n",
		"POST http://mor/other?x HTTP/1.1\nHost: mor\nUpgrade: h2c\nContent-Length: 3\n\nabc",
	} {
		head, body, _ := strings.Cut(s, "\n\n")
		f.Add([]byte(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body))
	}
	enforce, monitor := fuzzHandler(f, ModeEnforce), fuzzHandler(f, ModeMonitor)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !serverReads(raw) {
			return
		}
		want := read(t, raw)
		if forwarded(t, enforce, raw) && reference.Routed(want.URL.EscapedPath()) {
			body, err := io.ReadAll(want.Body)
			if err != nil {
				t.Fatalf("accepted, but the body ends with %v", err)
			}
			dropUpgrade(want.Header)
			vals, err := reference.Read(reference.Request{Method: want.Method, Query: want.URL.RawQuery, Header: want.Header, Body: body})
			if err != nil {
				t.Fatalf("accepted, but: %v", err)
			}
			site := contract.Site{Keys: enforce.Secrets, Resellers: map[string][]string{"resel": {"reseller secret"}}, AllowGet: true}
			if message := site.Judge(want.Method, vals.Text); message != "" {
				t.Fatalf("accepted, but: %s", message)
			}
		}
		if !forwarded(t, monitor, raw) {
			t.Fatal("stopped in monitor mode")
		}
	})
}

// serverReads reports whether net/http's server would give the request to a
// handler: it is stricter than http.ReadRequest.
func serverReads(raw []byte) bool {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil || r.ProtoMajor != 1 || r.Host == "" || strings.ContainsAny(r.Host, " /") {
		return false
	}
	for name, lines := range r.Header {
		if textproto.CanonicalMIMEHeaderKey(name) != name || name == "" {
			return false
		}
		for _, c := range []byte(name) {
			if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
				return false
			}
		}
		for _, c := range []byte(strings.Join(lines, "")) {
			if c < ' ' && c != '\t' || c == 0x7f {
				return false
			}
		}
	}
	return true
}

func read(t *testing.T, raw []byte) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// forwarded serves the request and reports whether the next handler was
// called; if so, with the request as it came, and if not, with one of the
// gateway's answers.
func forwarded(t *testing.T, h *Handler, raw []byte) (called bool) {
	t.Helper()
	want := read(t, raw)
	next := caddyhttp.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error {
		if called {
			t.Fatal("forwarded twice")
		}
		called = true
		asItCame(t, r, want)
		return nil
	})
	w := httptest.NewRecorder()
	if err := h.ServeHTTP(w, read(t, raw), next); err != nil {
		t.Fatal(err)
	}
	if !called {
		isAnswer(t, w, want.Method)
	}
	return called
}

// dropUpgrade takes out the one thing that is not forwarded.
func dropUpgrade(h http.Header) {
	if u := h["Upgrade"]; len(u) > 1 || len(u) == 1 && !strings.EqualFold(u[0], "websocket") {
		delete(h, "Upgrade")
		delete(h, "Http2-Settings")
	}
}

func asItCame(t *testing.T, got, want *http.Request) {
	t.Helper()
	if got.Method != want.Method || got.RequestURI != want.RequestURI || got.URL.String() != want.URL.String() || got.Host != want.Host {
		t.Fatalf("forwarded %s %s, came as %s %s", got.Method, got.URL, want.Method, want.URL)
	}
	dropUpgrade(want.Header)
	gotBody, gotErr := io.ReadAll(got.Body)
	wantBody, wantErr := io.ReadAll(want.Body)
	// A body that ends early says so once only. Whoever sends it on has
	// fewer bytes than declared then, and breaks off too.
	short := got.ContentLength > int64(len(gotBody))
	if !bytes.Equal(gotBody, wantBody) || (gotErr != nil || short) != (wantErr != nil) {
		t.Fatalf("forwarded the body %q, %v; came as %q, %v", gotBody, gotErr, wantBody, wantErr)
	}
	if got.ContentLength >= 0 && got.ContentLength < int64(len(gotBody)) {
		t.Fatalf("declared length %d of %d", got.ContentLength, len(gotBody))
	}
	// A body in chunks is forwarded whole, with its length.
	if want.ContentLength < 0 {
		delete(got.Header, "Content-Length")
		delete(want.Header, "Content-Length")
	}
	if !reflect.DeepEqual(got.Header, want.Header) {
		t.Fatalf("forwarded the header %q, came as %q", got.Header, want.Header)
	}
}

// isAnswer fails unless the answer is one of those that there are.
func isAnswer(t *testing.T, w *httptest.ResponseRecorder, method string) {
	t.Helper()
	for v := range validation.NumVerdicts {
		body := XML(v)
		if method == http.MethodHead {
			body = ""
		}
		if w.Body.String() == body && w.Code == v.Status() {
			if v == validation.Undecided {
				t.Fatal("a panic")
			}
			return
		}
	}
	t.Fatalf("answer %d %q", w.Code, w.Body)
}

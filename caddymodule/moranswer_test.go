package caddymodule_test

import (
	"compress/gzip"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// morAnswer is an answer of MOR to an accepted request.
type morAnswer struct {
	name    string // the request's header line Answer asks for it
	query   string // further parameters
	answer  func(w http.ResponseWriter, send func(string))
	counted string // a label of disagreements_total, if it is one
}

var morAnswers = []morAnswer{
	{"success", "", writes(success), ""},
	{"the keys have drifted", "", writes(envelope("error", "Incorrect hash")), "incorrect_hash"},
	{"under status", "", writes("<status>\n<error>\n Incorrect hash </error></status>"), "incorrect_hash"},
	{"a value that the gateway should refuse", "", writes(envelope("error", "Call limit is incorrect format")), "other_error"},
	{"GET is off in MOR only", "", writes(envelope("error", "GET Requests are disabled")), "other_error"},
	{"MOR's to say: user", "", writes(envelope("error", "Access Denied")), ""},
	{"MOR's to say: DID", "", writes(envelope("error", "DID was not found")), ""},
	{"MOR's to say: assigned", "", writes(envelope("error", "DID is already assigned")), ""},
	{"till with from", "&active_from=1&active_till=2", writes(envelope("error", "Active till must be greater than Active from")), "other_error"},
	{"till alone", "&active_till=2", writes(envelope("error", "Active till must be greater than Active from")), ""},
	{"till with a blank from", "&active_from=+&active_till=2", writes(envelope("error", "Active till must be greater than Active from")), ""},
	{"success before error", "", writes("<a><success>yes</success><error>Incorrect hash</error></a>"), ""},
	{"not XML", "", writes("<html>Incorrect hash</html>"), ""},
	{"no end", "", writes("<error>Incorrect hash"), ""},
	{"with status 500", "", func(w http.ResponseWriter, send func(string)) {
		w.WriteHeader(http.StatusInternalServerError)
		send(envelope("error", "Incorrect hash"))
	}, "incorrect_hash"},
	{"after 103", "", func(w http.ResponseWriter, send func(string)) {
		w.Header().Set("Link", "</x>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		send(envelope("error", "Incorrect hash"))
	}, "incorrect_hash"},
	{"piece by piece", "", func(_ http.ResponseWriter, send func(string)) {
		for _, c := range envelope("error", "Incorrect hash") {
			send(string(c))
		}
	}, "incorrect_hash"},
	{"with trailers", "", func(w http.ResponseWriter, send func(string)) {
		w.Header().Set("Trailer", "X-Announced")
		send(envelope("error", "Incorrect hash"))
		w.Header().Set("X-Announced", "1")
		w.Header().Set(http.TrailerPrefix+"X-Late", "2")
	}, "incorrect_hash"},
	{"at the beginning of much", "", writes(envelope("error", "Incorrect hash") + strings.Repeat("x", 1<<20)), "incorrect_hash"},
	{"at the end of 4 KiB", "", writes(pad(4096, envelope("error", "Incorrect hash"))), "incorrect_hash"},
	{"past 4 KiB", "", writes(pad(4096+len("</error>\n  </status>\n</page>\n"), envelope("error", "Incorrect hash"))), ""},
	{"compressed", "", func(w http.ResponseWriter, _ func(string)) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, envelope("error", "Incorrect hash"))
		_ = z.Close()
	}, ""},
	{"called compressed", "", func(w http.ResponseWriter, send func(string)) {
		w.Header().Set("Content-Encoding", "br")
		send(envelope("error", "Incorrect hash"))
	}, ""},
	{"no content", "", func(w http.ResponseWriter, _ func(string)) { w.WriteHeader(http.StatusNoContent) }, ""},
	{"broken off", "", func(_ http.ResponseWriter, send func(string)) {
		send(envelope("error", "Incorrect hash") + "<more>")
		panic(http.ErrAbortHandler)
	}, "incorrect_hash"},
}

func writes(s string) func(http.ResponseWriter, func(string)) {
	return func(w http.ResponseWriter, _ func(string)) { _, _ = io.WriteString(w, s) }
}

func pad(n int, s string) string { return strings.Repeat(" ", n-len(s)) + s }

// view is what a client sees of an answer.
func view(t *testing.T, client *http.Client, url, scenario string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Answer", scenario)
	r.Header.Set("Accept-Encoding", "identity")
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	for _, name := range []string{"Date", "Alt-Svc"} { // time and port
		resp.Header.Del(name)
	}
	return fmt.Sprintf("%s %d %v %v %v %q %v", resp.Proto, resp.StatusCode, resp.Header, resp.ContentLength, resp.Trailer, body, err)
}

// TestMORAnswers: MOR's answer is read on its way, and reaches the client as
// it does without the directive, whatever the protocol.
func TestMORAnswers(t *testing.T) {
	upstream := mor(t, func(w http.ResponseWriter, r *http.Request) {
		i := slices.IndexFunc(morAnswers, func(a morAnswer) bool { return a.name == r.Header.Get("Answer") })
		morAnswers[i].answer(w, func(s string) {
			_, _ = io.WriteString(w, s)
			_ = http.NewResponseController(w).Flush()
		})
	})
	// Each protocol has a site with the directive, and one without. The
	// client for HTTP/3 is Caddy too.
	sites := ""
	site := func(directive, front string) (addr string) {
		_, port, _ := net.SplitHostPort(testkit.FreeAddr(t))
		switch front {
		case "http":
			addr = "http://127.0.0.1:" + port
		case "https", "h3":
			addr = "https://localhost:" + port
		}
		sites += addr + " {\nlog\nbind 127.0.0.1\n"
		if front != "http" {
			sites += "tls internal\n"
		}
		sites += directive + "\nreverse_proxy " + upstream + "\n}\n"
		if front == "h3" {
			h3 := "http://" + testkit.FreeAddr(t)
			sites += h3 + " {\nreverse_proxy " + addr + " {\ntransport http {\nversions 3\ntls_insecure_skip_verify\n}\n}\n}\n"
			addr = h3
		}
		return addr
	}
	fronts := []string{"http", "https", "h3"}
	guarded, plain := map[string]string{}, map[string]string{}
	for _, front := range fronts {
		guarded[front] = site("mor_gateway secret", front)
		plain[front] = site("", front)
	}
	s := serve(t, sites)
	h2 := &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // a test's own certificate
	}}
	t.Cleanup(h2.CloseIdleConnections)
	done := 0
	for _, front := range fronts {
		c := client
		if front == "https" {
			c = h2
		}
		for _, tt := range morAnswers {
			t.Run(front+"/"+tt.name, func(t *testing.T) {
				s.t = t
				target := action + "?u=admin&did_id=6511&hash=" + hash("6511", "secret") + tt.query
				before := s.metrics()
				want := view(t, c, plain[front]+target, tt.name)
				got := view(t, c, guarded[front]+target, tt.name)
				// A reset of a QUIC stream may overtake what was sent before.
				if overtaken := front == "h3" && tt.name == "broken off"; got != want && !overtaken {
					t.Errorf("the client sees\n%.500s\nand without the directive\n%.500s", got, want)
				}
				done += 2
				s.settle(done)
				counted := s.since(before)
				if n := counted[`requests_total{mode="enforce",verdict="accepted"}`]; n != 1 {
					t.Fatalf("%v accepted", n)
				}
				delete(counted, `requests_total{mode="enforce",verdict="accepted"}`)
				expect := map[string]float64{}
				if tt.counted != "" {
					expect[`disagreements_total{mor="`+tt.counted+`",verdict="accepted"}`] = 1
				}
				if fmt.Sprint(counted) != fmt.Sprint(expect) {
					t.Errorf("counted %v, want %v", counted, expect)
				}
			})
		}
	}
	s.t = t
	if !strings.Contains(s.log(), `"proto":"HTTP/3.0"`) || !strings.Contains(s.log(), `"proto":"HTTP/2.0"`) {
		t.Error("not all protocols were used")
	}
}

// TestMORAnswerReadFrom: a handler that copies its answer by the writer's
// ReadFrom, as file_server does, does not get past the look.
func TestMORAnswerReadFrom(t *testing.T) {
	dir := t.TempDir()
	answer := envelope("error", "Incorrect hash") + strings.Repeat("x", 1<<20)
	if err := os.WriteFile(filepath.Join(dir, "answer.xml"), []byte(answer), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := testkit.FreeAddr(t)
	s := serve(t, "http://"+addr+` {
		log
		mor_gateway {
			secret secret
			allow_get
		}
		handle {
			root `+dir+`
			rewrite /answer.xml
			file_server
		}
	}`)
	before := s.metrics()
	if got := get(t, "http://"+addr+action+"?u=a&did_id=1&hash="+hash("1", "secret")); got != answer {
		t.Errorf("%d bytes, want %d", len(got), len(answer))
	}
	s.settle(1)
	if n := s.since(before)[`disagreements_total{mor="incorrect_hash",verdict="accepted"}`]; n != 1 {
		t.Errorf("%v disagreements", n)
	}
}

// TestFlushBeforeAnswer: once a handler has flushed, the status is out, and
// an error of the handler can't become the gateway's own answer.
func TestFlushBeforeAnswer(t *testing.T) {
	h := &caddymodule.Handler{Secrets: []string{"secret"}}
	if err := provision(t, h); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, action+"?u=a&did_id=1&hash="+hash("1", "secret"), nil)
	down := caddyhttp.Error(http.StatusBadGateway, errors.New("down"))
	err := h.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		return down
	}))
	if !w.Flushed || w.Code != http.StatusOK || w.Body.Len() > 0 || !errors.Is(err, down) {
		t.Errorf("flushed %v, status %d, body %q, error %v", w.Flushed, w.Code, w.Body, err)
	}
}

// TestFalseRefusal: in monitor mode MOR's success for a request that would be
// refused counts, and its refusal does not.
func TestFalseRefusal(t *testing.T) {
	answer := success
	upstream := mor(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
	addr := testkit.FreeAddr(t)
	s := serve(t, "http://"+addr+" {\nlog\nmor_gateway {\nsecret secret\nmode monitor\n}\nreverse_proxy "+upstream+"\n}")
	right := "u=a&did_id=1&hash=" + hash("1", "secret")
	for i, tt := range []struct{ query, answer, verdict string }{
		{"u=a&did_id=1&hash=no", success, "incorrect_hash"},
		{right + "&call_limit=-1", success, "call_limit_format"},
		{right + "&u=b", success, "ambiguous"},
		{right, success, ""},
		{"u=a&did_id=1&hash=no", envelope("error", "Incorrect hash"), ""},
		{right + "&call_limit=-1", envelope("error", "Access Denied"), ""},
	} {
		answer = tt.answer
		before := s.metrics()
		if got := post(t, addr, tt.query); got != answer {
			t.Errorf("%s: %s", tt.query, got)
		}
		s.settle(i + 1)
		got := s.since(before)[`disagreements_total{mor="success",verdict="`+tt.verdict+`"}`]
		if want := map[bool]float64{true: 1}[tt.verdict != ""]; got != want {
			t.Errorf("%s: counted %v: %v", tt.query, got, s.since(before))
		}
	}
	if n := len(s.lines("MOR accepts what the gateway would refuse")); n != 3 {
		t.Errorf("%d warnings", n)
	}
}

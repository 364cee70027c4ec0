package caddymodule_test

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// morAnswer is an answer of MOR to an accepted request.
type morAnswer struct {
	name    string // the request's header line Answer asks for it
	query   string // further parameters
	answer  func(w http.ResponseWriter, send func(string))
	counted string // the series that counts it, if one does
}

const (
	drifted        = `disagreements_total{mor="incorrect_hash",verdict="accepted"}`
	otherError     = `disagreements_total{mor="other_error",verdict="accepted"}`
	unreadCoding   = `unread_answers_total{reason="coding"}`
	unreadDamaged  = `unread_answers_total{reason="damaged"}`
	unreadTooLong  = `unread_answers_total{reason="too_long"}`
	unreadNothing  = `unread_answers_total{reason="no_message"}`
	notAnswered503 = `no_answer_total{status="503"}`
)

var morAnswers = []morAnswer{
	{"success", "", writes(testkit.Success), ""},
	{"the keys have drifted", "", writes(testkit.Failure("Incorrect hash")), drifted},
	{"under status", "", writes("<status>\n<error>\n Incorrect hash </error></status>"), drifted},
	{"a value that the gateway should refuse", "", writes(testkit.Failure("Call limit is incorrect format")), otherError},
	{"GET is off in MOR only", "", writes(testkit.Failure("GET Requests are disabled")), otherError},
	{"MOR's to say: user", "", writes(testkit.Failure("Access Denied")), ""},
	{"MOR's to say: DID", "", writes(testkit.Failure("DID was not found")), ""},
	{"MOR's to say: assigned", "", writes(testkit.Failure("DID is already assigned")), ""},
	{"till with from", "&active_from=1&active_till=2", writes(testkit.Failure("Active till must be greater than Active from")), otherError},
	{"till alone", "&active_till=2", writes(testkit.Failure("Active till must be greater than Active from")), ""},
	{"till with a blank from", "&active_from=+&active_till=2", writes(testkit.Failure("Active till must be greater than Active from")), ""},
	{"success before error", "", writes("<a><success>yes</success><error>Incorrect hash</error></a>"), ""},
	{"not XML", "", writes("<html>Incorrect hash</html>"), unreadNothing},
	{"no end", "", writes("<error>Incorrect hash"), unreadNothing},
	{"with status 500", "", func(w http.ResponseWriter, send func(string)) {
		w.WriteHeader(http.StatusInternalServerError)
		send(testkit.Failure("Incorrect hash"))
	}, drifted},
	{"after 103", "", func(w http.ResponseWriter, send func(string)) {
		w.Header().Set("Link", "</x>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		send(testkit.Failure("Incorrect hash"))
	}, drifted},
	{"piece by piece", "", func(_ http.ResponseWriter, send func(string)) {
		for _, c := range testkit.Failure("Incorrect hash") {
			send(string(c))
		}
	}, drifted},
	{"with trailers", "", func(w http.ResponseWriter, send func(string)) {
		w.Header().Set("Trailer", "X-Announced")
		send(testkit.Failure("Incorrect hash"))
		w.Header().Set("X-Announced", "1")
		w.Header().Set(http.TrailerPrefix+"X-Late", "2")
	}, drifted},
	{"at the beginning of much", "", writes(testkit.Failure("Incorrect hash") + strings.Repeat("x", 1<<20)), drifted},
	{"at the end of 4 KiB", "", writes(pad(4096, testkit.Failure("Incorrect hash"))), drifted},
	{"past 4 KiB", "", writes(pad(4096+len("</error>\n  </status>\n</page>\n"), testkit.Failure("Incorrect hash"))), unreadTooLong},
	{"no content", "", func(w http.ResponseWriter, _ func(string)) { w.WriteHeader(http.StatusNoContent) }, unreadNothing},
	{"from MOR's web server", "", func(w http.ResponseWriter, send func(string)) {
		w.WriteHeader(http.StatusServiceUnavailable)
		send("<html>Service Unavailable</html>")
	}, notAnswered503},
	{"broken off", "", func(_ http.ResponseWriter, send func(string)) {
		send(testkit.Failure("Incorrect hash") + "<more>")
		panic(http.ErrAbortHandler)
	}, drifted},
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
	upstream := testkit.StartMOR(t, func(w http.ResponseWriter, r *http.Request) {
		i := slices.IndexFunc(morAnswers, func(a morAnswer) bool { return a.name == r.Header.Get("Answer") })
		morAnswers[i].answer(w, func(s string) {
			_, _ = io.WriteString(w, s)
			_ = http.NewResponseController(w).Flush()
		})
	})
	// Each protocol has a site with the directive, and one without. The
	// client for HTTP/3 is Caddy too.
	s := testkit.Serve(t, `
	(site) {
		log
		{args[:]}
		reverse_proxy {$MOR}
	}
	(h3) {
		reverse_proxy {args[0]} {
			transport http {
				versions 3
				tls_insecure_skip_verify
			}
		}
	}
	http://127.0.0.1:{$GUARDED_HTTP} {
		import site mor_gateway secret
	}
	http://127.0.0.1:{$PLAIN_HTTP} {
		import site
	}
	https://localhost:{$GUARDED_HTTPS} {
		tls internal
		import site mor_gateway secret
	}
	https://localhost:{$PLAIN_HTTPS} {
		tls internal
		import site
	}
	http://127.0.0.1:{$GUARDED_H3} {
		import h3 https://localhost:{$GUARDED_HTTPS}
	}
	http://127.0.0.1:{$PLAIN_H3} {
		import h3 https://localhost:{$PLAIN_HTTPS}
	}`, "MOR", upstream.Addr)
	s.AwaitTLS("GUARDED_HTTPS")
	s.AwaitTLS("PLAIN_HTTPS")
	address := func(kind, front string) string {
		addr := s.Addr(kind + "_" + strings.ToUpper(front))
		if front == "https" {
			return strings.Replace(addr, "127.0.0.1", "https://localhost", 1)
		}
		return "http://" + addr
	}
	h2 := &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // a test's own certificate
	}}
	t.Cleanup(h2.CloseIdleConnections)
	protocols := map[string]string{"http": "HTTP/1.1", "https": "HTTP/2.0", "h3": "HTTP/3.0"}
	for front := range protocols {
		c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		if front == "https" {
			c = h2
		}
		for _, tt := range morAnswers {
			t.Run(front+"/"+tt.name, func(t *testing.T) {
				s := s.For(t)
				target := action + "?u=admin&did_id=6511&hash=" + contract.Hash("6511", "secret") + tt.query
				before, handled := s.Counters(), s.Handled()
				want := view(t, c, address("PLAIN", front)+target, tt.name)
				got := view(t, c, address("GUARDED", front)+target, tt.name)
				// A reset of a QUIC stream may overtake what was sent before.
				if overtaken := front == "h3" && tt.name == "broken off"; got != want && !overtaken {
					t.Errorf("the client sees\n%.500s\nand without the directive\n%.500s", got, want)
				}
				s.Settle(handled + 2)
				lines := s.Logged("handled request")
				if seen, _ := lines[len(lines)-1]["request"].(map[string]any); seen["proto"] != protocols[front] {
					t.Errorf("served over %v", seen["proto"])
				}
				counted := s.Since(before)
				if n := counted[`requests_total{mode="enforce",verdict="accepted"}`]; n != 1 {
					t.Fatalf("%v accepted", n)
				}
				delete(counted, `requests_total{mode="enforce",verdict="accepted"}`)
				expect := map[string]float64{}
				if tt.counted != "" {
					expect[tt.counted] = 1
				}
				if fmt.Sprint(counted) != fmt.Sprint(expect) {
					t.Errorf("counted %v, want %v", counted, expect)
				}
			})
		}
	}
}

// TestMORAnswerReadFrom: a handler that copies its answer by the writer's
// ReadFrom, as file_server does, does not get past the look.
func TestMORAnswerReadFrom(t *testing.T) {
	dir := t.TempDir()
	answer := testkit.Failure("Incorrect hash") + strings.Repeat("x", 1<<20)
	if err := os.WriteFile(filepath.Join(dir, "answer.xml"), []byte(answer), 0o600); err != nil {
		t.Fatal(err)
	}
	s := testkit.Serve(t, `http://:{$SITE} {
		log
		mor_gateway {
			secret secret
			allow_get
		}
		handle {
			root {$FILES}
			rewrite /answer.xml
			file_server
		}
	}`, "FILES", dir)
	before := s.Counters()
	if got := testkit.Ask(t, "GET", "http://"+s.Addr("SITE")+action+"?u=a&did_id=1&hash="+contract.Hash("1", "secret"), "").Body; got != answer {
		t.Errorf("%d bytes, want %d", len(got), len(answer))
	}
	s.Settle(1)
	if n := s.Since(before)[`disagreements_total{mor="incorrect_hash",verdict="accepted"}`]; n != 1 {
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
	r := httptest.NewRequest(http.MethodPost, action+"?u=a&did_id=1&hash="+contract.Hash("1", "secret"), nil)
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

// TestDisagreementsSayWhy: the line about a disagreement has MOR's error, if
// there is one, and the hint that MOR's answer makes possible.
func TestDisagreementsSayWhy(t *testing.T) {
	answer := ""
	upstream := testkit.StartMOR(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
	s := testkit.Serve(t, `http://:{$SITE} {
		log
		mor_gateway {
			secret secret
			reseller One own
			mode monitor
		}
		reverse_proxy {$MOR}
	}`, "MOR", upstream.Addr)
	const (
		number   = "call_limit_number: "
		missing  = "MOR has a key for this user that the gateway lacks: add `reseller <name> <key>`"
		reseller = "MOR has a key for this reseller that the gateway lacks"
		form     = "application/x-www-form-urlencoded"
		json     = "application/json"
		limit    = "Call limit is incorrect format"
	)
	right, another := contract.Hash("6511", "secret"), contract.Hash("6511", "unknown")
	for i, tt := range []struct {
		kind, body, answer string
		error              any // none in the line
		hint               string
	}{
		{json, `{"u":"admin","did_id":6511,"call_limit":10,"hash":"` + right + `"}`, limit, limit, number},
		{json, `{"u":"admin","did_id":6511,"call\u005flimit": 10,"hash":"` + right + `"}`, limit, limit, number},
		{json, `{"u":"admin","did_id":6511,"call_limit":"10","hash":"` + right + `"}`, limit, limit, ""},
		{json, `{"u":"admin","did_id":6511,"call_limit":10,"hash":"` + right + `"}`, "GET Requests are disabled", "GET Requests are disabled", ""},
		{form, "u=admin&did_id=6511&call_limit=10&hash=" + right, limit, limit, ""},
		{form, "u=admin&did_id=6511&hash=" + right, "Incorrect hash", "Incorrect hash", ""},
		{form, "u=two&did_id=6511&hash=" + another, "", nil, missing},
		{form, "u=one&did_id=6511&hash=" + another, "", nil, reseller},
		{form, "u=two&did_id=6511&hash=" + contract.Hash("secret", "6511"), "", nil, "key_first"},
		{form, "u=two&did_id=6511&hash=" + another[1:], "", nil, "zeros_lost"},
	} {
		answer = testkit.Success
		if tt.answer != "" {
			answer = testkit.Failure(tt.answer)
		}
		testkit.Ask(t, "POST", "http://"+s.Addr("SITE")+action, tt.body, "Content-Type", tt.kind)
		s.Settle(i + 1)
		var warned []map[string]any
		for _, message := range []string{
			"MOR accepts what the gateway would refuse", "MOR refuses what the gateway accepted",
			"MOR refuses a hash that is right here: the keys have drifted apart; this user's key was changed in MOR or here, but not in both",
		} {
			warned = append(warned, s.Logged(message)...)
		}
		slices.SortStableFunc(warned, func(a, b map[string]any) int { return cmp.Compare(a["ts"].(float64), b["ts"].(float64)) })
		if len(warned) != i+1 {
			t.Fatalf("%s: %d warnings after %d requests", tt.body, len(warned), i+1)
		}
		if got := warned[i]["error"]; got != tt.error {
			t.Errorf("%s: error is %v, want %v", tt.body, got, tt.error)
		}
		if got := fmt.Sprint(warned[i]["hint"]); !strings.Contains(got, tt.hint) || tt.hint == "" && got != "" && got != "<nil>" {
			t.Errorf("%s: hint is %q, want %q", tt.body, got, tt.hint)
		}
	}
}

// TestFalseRefusal: in monitor mode MOR's success for a request that would be
// refused counts, and its refusal does not.
func TestFalseRefusal(t *testing.T) {
	answer := testkit.Success
	upstream := testkit.StartMOR(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
	s := testkit.Serve(t, `http://:{$SITE} {
		log
		mor_gateway {
			secret secret
			mode monitor
		}
		reverse_proxy {$MOR}
	}`, "MOR", upstream.Addr)
	right := "u=a&did_id=1&hash=" + contract.Hash("1", "secret")
	for _, tt := range []struct{ query, answer, verdict string }{
		{"u=a&did_id=1&hash=no", testkit.Success, "incorrect_hash"},
		{right + "&call_limit=-1", testkit.Success, "call_limit_format"},
		{right + "&u=b", testkit.Success, "ambiguous"},
		{right, testkit.Success, ""},
		{"u=a&did_id=1&hash=no", testkit.Failure("Incorrect hash"), ""},
		{right + "&call_limit=-1", testkit.Failure("Access Denied"), ""},
	} {
		t.Run(tt.query+" "+tt.verdict, func(t *testing.T) {
			s := s.For(t)
			answer = tt.answer
			warnings := len(s.Logged("MOR accepts what the gateway would refuse"))
			before, handled := s.Counters(), s.Handled()
			if got := post(t, s.Addr("SITE"), tt.query); got != answer {
				t.Error(got)
			}
			s.Settle(handled + 1)
			got := s.Since(before)[`disagreements_total{mor="success",verdict="`+tt.verdict+`"}`]
			if want := map[bool]float64{true: 1}[tt.verdict != ""]; got != want {
				t.Errorf("counted %v: %v", got, s.Since(before))
			}
			if warned := len(s.Logged("MOR accepts what the gateway would refuse")) > warnings; warned != (tt.verdict != "") {
				t.Errorf("warned: %v", warned)
			}
		})
	}
}

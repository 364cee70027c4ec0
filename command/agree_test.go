package command_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/internal/corpus"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// writeConfig writes a Caddyfile.
func writeConfig(t *testing.T, sites string) (name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(name, []byte(sites), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// serveForCommands runs a gateway with the key "secret" in front of a MOR that
// believes everything.
func serveForCommands(t *testing.T) (s *server, addr string, seen chan url.Values) {
	t.Helper()
	seen = make(chan url.Values, 1)
	upstream := mor(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		seen <- r.Form
		_, _ = io.WriteString(w, success)
	})
	addr = testkit.FreeAddr(t)
	s = serve(t, "http://"+addr+" {\n\tlog\n\tmor_gateway secret\n\treverse_proxy "+upstream+"\n}")
	return s, addr, seen
}

// checkReport is what mor-check --json prints.
type checkReport struct {
	Accepted bool
	Verdict  string
	Status   int
	Answer   string
	Checks   []struct{ Check, Result string }
}

// mustCheck runs mor-check in this process. It returns the report and whether
// the exit status was 0.
func mustCheck(t *testing.T, request []byte, args ...string) (rep checkReport, ok bool) {
	t.Helper()
	got := runCommand(string(request), "mor-check", append(args, "--json", "--request", "-")...)
	if got.status != 0 && got.status != 3 || got.errOut != "" {
		t.Fatalf("mor-check %v of %q: %+v", args, request, got)
	}
	if err := json.Unmarshal([]byte(got.out), &rep); err != nil {
		t.Fatal(err)
	}
	return rep, got.status == 0
}

// mor-check and the running gateway, given the same Caddyfile, agree on every
// case of the corpus: on whether it goes on to MOR, and on the answer if not.
func TestCheckAgreesWithTheGateway(t *testing.T) {
	cases, err := corpus.Load(os.DirFS("../proof/corpus"))
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 100 {
		t.Fatalf("%d cases", len(cases))
	}
	const fromMOR = "the request arrived"
	upstream := mor(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("X-From-MOR", "yes")
		_, _ = io.WriteString(w, fromMOR)
	})
	addrs := make(map[string]string)
	var sites strings.Builder
	for name, block := range map[string]string{
		"main":  "secret secret \"next secret\"\nreseller Reseller1 \"reseller key\"\nreseller bob bob1 bob2",
		"get":   "secret secret\nallow_get",
		"users": "secret secret\nreseller Reseller1 \"reseller key\"\nusers admin alice",
		"small": "secret secret\nmax_body 1KiB",
	} {
		addrs[name] = testkit.FreeAddr(t)
		_, port, _ := net.SplitHostPort(addrs[name])
		sites.WriteString("http://:" + port + " {\nbind 127.0.0.1\nmor_gateway {\n" + block + "\n}\nreverse_proxy " + upstream + "\n}\n")
	}
	config := writeConfig(t, sites.String())
	serve(t, sites.String())

	forwarded, refused := 0, 0
	for i := range cases {
		c := &cases[i]
		if c.Site == "underscores" { // mor-check drops such header lines, as Caddy does by default
			continue
		}
		addr, ok := addrs[c.Site]
		if !ok {
			t.Errorf("%s: no site %s", c.Where(), c.Site)
			continue
		}
		_, port, _ := net.SplitHostPort(addr)
		request := c.Request()
		rep, ok := mustCheck(t, request, "--config", config, "--site", ":"+port)
		resp, body := sendRaw(t, addr, request, c.Open)
		reached := resp.Header.Get("X-From-MOR") != ""
		if ok != reached || rep.Accepted != (rep.Verdict == "accepted") {
			t.Errorf("%s: mor-check says accepted %v (%s, status 0: %v), the gateway answers %d %q", c.Where(), rep.Accepted, rep.Verdict, ok, resp.StatusCode, body)
			continue
		}
		failed := 0
		for _, check := range rep.Checks {
			if check.Result == "fail" {
				failed++
			}
		}
		if want := rep.Verdict != "" && !reached; failed > 1 || (failed == 1) != want {
			t.Errorf("%s: %d checks failed by %s: %v", c.Where(), failed, rep.Verdict, rep.Checks)
		}
		if reached {
			forwarded++
			continue
		}
		refused++
		if resp.StatusCode != rep.Status {
			t.Errorf("%s: mor-check says status %d (%s), the gateway answers %d %q", c.Where(), rep.Status, rep.Verdict, resp.StatusCode, body)
		}
		if rep.Verdict != "" && !bytes.HasPrefix(request, []byte("HEAD ")) && body != rep.Answer {
			t.Errorf("%s: mor-check says %q, the gateway answers %q", c.Where(), rep.Answer, body)
		}
	}
	t.Logf("%d cases: %d forwarded, %d refused by both", len(cases), forwarded, refused)
	if forwarded < 50 || refused < 50 {
		t.Errorf("%d forwarded, %d refused: that is no corpus", forwarded, refused)
	}
}

// sendRaw sends the bytes of a request and returns the first answer. If there
// is none for a while the request is incomplete, as an open one may be: then
// the client stops.
func sendRaw(t *testing.T, addr string, request []byte, open bool) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() { _, _ = conn.Write(request) }() // the server may answer before it has read all
	in := bufio.NewReader(conn)
	wait := 5 * time.Second
	if open {
		wait = 500 * time.Millisecond
	}
	_ = conn.SetReadDeadline(time.Now().Add(wait))
	if _, err := in.Peek(1); err != nil {
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	_ = conn.SetReadDeadline(time.Now().Add(testkit.Patience))
	method, _, _ := strings.Cut(string(request), " ")
	for {
		resp, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("no answer to %.100q: %v", request, err)
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			body, _ := io.ReadAll(resp.Body)
			return resp, string(body)
		}
	}
}

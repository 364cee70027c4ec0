package command_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/internal/corpus"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

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
	upstream := testkit.StartMOR(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-From-MOR", "yes")
		_, _ = io.WriteString(w, "the request arrived")
	})
	sites, err := os.ReadFile("../proof/Caddyfile") // those that the corpus names
	if err != nil {
		t.Fatal(err)
	}
	caddyfile := strings.ReplaceAll(string(sites), "read_body 3s", "read_body 60s") // mor-check does not wait
	s := testkit.Serve(t, caddyfile, "MOR", upstream.Addr)
	config := writeFile(t, s.Fill(caddyfile, "MOR", upstream.Addr))

	forwarded, refused := 0, 0
	for i := range cases {
		c := &cases[i]
		if c.Site == "underscores" { // mor-check drops such header lines, as Caddy does by default
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			addr := s.Addr(strings.ToUpper(c.Site))
			_, port, _ := strings.Cut(addr, ":")
			request := c.Request()
			rep, ok := mustCheck(t, request, "--config", config, "--site", ":"+port)
			got := sendRaw(t, addr, request, c.Open)
			reached := got.Header.Get("X-From-MOR") != ""
			if ok != reached || rep.Accepted != (rep.Verdict == "accepted") {
				t.Errorf("mor-check says accepted %v (%s, status 0: %v), the gateway answers %d %q", rep.Accepted, rep.Verdict, ok, got.Status, got.Body)
				return
			}
			failed := 0
			for _, check := range rep.Checks {
				if check.Result == "fail" {
					failed++
				}
			}
			if want := rep.Verdict != "" && !reached; failed > 1 || (failed == 1) != want {
				t.Errorf("%d checks failed by %s: %v", failed, rep.Verdict, rep.Checks)
			}
			if reached {
				forwarded++
				return
			}
			refused++
			if got.Status != rep.Status {
				t.Errorf("mor-check says status %d (%s), the gateway answers %d %q", rep.Status, rep.Verdict, got.Status, got.Body)
			}
			if rep.Verdict != "" && !bytes.HasPrefix(request, []byte("HEAD ")) && got.Body != rep.Answer {
				t.Errorf("mor-check says %q, the gateway answers %q", rep.Answer, got.Body)
			}
		})
	}
	t.Logf("%d cases: %d forwarded, %d refused by both", len(cases), forwarded, refused)
	if forwarded+refused > 100 && (forwarded < 50 || refused < 50) { // not one case alone
		t.Errorf("%d forwarded, %d refused: that is no corpus", forwarded, refused)
	}
}

// sendRaw sends the bytes of a request and returns the first answer. If there
// is none for a while the request is incomplete, as an open one may be: then
// the client stops.
func sendRaw(t *testing.T, addr string, request []byte, open bool) testkit.Answer {
	t.Helper()
	conn := testkit.Connect(t, addr)
	defer conn.Close()
	go func() { _, _ = conn.Write(request) }() // the server may answer before it has read all
	wait := 5 * time.Second
	if open {
		wait = 500 * time.Millisecond
	}
	_ = conn.SetReadDeadline(time.Now().Add(wait))
	if _, err := conn.In.Peek(1); err != nil {
		_ = conn.CloseWrite()
	}
	_ = conn.SetReadDeadline(time.Now().Add(testkit.Patience))
	method, _, _ := strings.Cut(string(request), " ")
	for {
		if got := conn.Answer(method); got.Status >= 200 || got.Status == http.StatusSwitchingProtocols {
			return got
		}
	}
}

package caddyfile_test

import (
	"crypto/sha1" //nolint:gosec // not for security
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
	"github.com/mor-gateway/caddy-mor-gateway/command/traffic"
	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// call is a request as a client of the API makes it, or somebody at the GUI.
type call struct {
	client, method, path string
	contentType, body    string
	verdict              string // "" if the gateway has no business with it
}

// calls are those of six clients with right and wrong habits, and others.
func calls() []call {
	const update, form = "/billing/api/did_details_update", "application/x-www-form-urlencoded"
	right := query("admin", contract.Hash("6511", key))
	json := `{"call_limit":999,"u":"admin","did_id":6511,"hash":"` + contract.Hash("6511", key) + `","p":"x"}`
	multipart := "--b\r\nContent-Disposition: form-data; name=\"u\"\r\n\r\nadmin\r\n--b\r\nContent-Disposition: form-data; name=\"did_id\"\r\n\r\n6511\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"hash\"\r\n\r\n" + contract.Hash("6511", key) + "\r\n--b--\r\n"
	return []call{
		{"the documentation", "POST", update + right, "", "", "accepted"},
		{"PHP", "POST", update, "application/json", json, "accepted"},
		{"curl", "POST", update, "multipart/form-data; boundary=b", multipart, "accepted"},
		{"JavaScript", "GET", update + right, "", "", "get_disabled"},
		{"old manual", "POST", "/billing//api/did_details_update.xml" + strings.ToUpper(right[:1]) + right[1:], "", "", "accepted"},
		{"shell", "POST", update, form, strings.TrimPrefix(query("admin", contract.Hash("6511", key+"\n")), "?"), "incorrect_hash"},
		{"shell", "POST", update, "text/plain", "u=admin", "unsupported_media_type"},
		{"shell", "HEAD", update + right, "", "", "method_not_allowed"},
		{"shell", "POST", update + right + "&hash=x", form, "call_limit=5&&;", "ambiguous"},
		{"another method", "POST", "/billing/api/user_details_get?u=admin&hash=x", form, "a=b", ""},
		{"GUI", "GET", "/billing/callc/login?x=%zz;y", "", "", ""},
		{"GUI", "DELETE", "/", "", "", ""},
	}
}

// runMonitor makes sure that nothing changes for anybody, over http or https,
// and that the log tells what enforcing and the edge would stop.
func runMonitor(t *testing.T, file string) {
	mor := newEcho(t)
	s := start(t, file, t.TempDir(), "10.0.0.5:80", mor.Addr)
	for _, c := range calls() {
		direct := mor.ask(t, c, func(r *http.Request) (*http.Response, error) {
			r.URL.Host = mor.Addr
			return new(http.Transport).RoundTrip(r)
		})
		for _, scheme := range []string{"http", "https"} {
			got := mor.ask(t, c, func(r *http.Request) (*http.Response, error) {
				r.URL.Scheme = scheme
				return s.roundTrip(r)
			})
			if got != direct {
				t.Errorf("%s over %s: %s %s\ngot:\n%s\nwithout the gateway:\n%s", c.client, scheme, c.method, c.path, got, direct)
			}
		}
	}
	for _, host := range []string{"127.0.0.1", "localhost"} {
		s.expect("GET", "http://"+host+":9180/metrics", 200, `caddy_mor_gateway_requests_total{mode="monitor",verdict="incorrect_hash"}`)
	}
	logged := s.stopQuiet()

	// Each call is in the access log, with what would have become of it.
	edge := map[string]int{}
	verdicts := map[string]int{}
	for line := range strings.Lines(logged) {
		var fields struct {
			Msg, Logger string
			Edge        string `json:"mor_edge"`
			Verdict     string `json:"mor_verdict"`
			User        string `json:"mor_user"`
			DID         string `json:"mor_did_id"`
		}
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		if fields.Msg != "handled request" {
			continue
		}
		edge[fields.Edge]++
		verdicts[fields.Verdict]++
		if fields.Verdict == "accepted" && (fields.User != "admin" || fields.DID != "6511") {
			t.Errorf("the access log does not say who changed what: %s", line)
		}
	}
	wantVerdicts := map[string]int{}
	for _, c := range calls() {
		wantVerdicts[c.verdict] += 2 // over http and https
	}
	if !maps.Equal(verdicts, wantVerdicts) {
		t.Errorf("verdicts in the access log: %v, want %v", verdicts, wantVerdicts)
	}
	// The list has one method, and the old manual's call has a suffix.
	if want := map[string]int{"over http": len(calls()), "not open to strangers": 4, "": len(calls()) - 4}; !maps.Equal(edge, want) {
		t.Errorf("mor_edge in the access log: %v, want %v", edge, want)
	}
	for _, want := range []string{"request would be refused", "MOR accepts what the gateway would refuse"} {
		if !strings.Contains(logged, want) {
			t.Errorf("not logged: %s", want)
		}
	}
}

// shell gives a log to the command of docs/operating.md that says who has
// changed a DID, in the place of the journal.
func shell(t *testing.T, log string) string {
	t.Helper()
	testkit.Tool(t, "jq")
	for line := range strings.Lines(docs(t)["../docs/operating.md"]) {
		journal, command, _ := strings.Cut(line, " | ")
		if !strings.HasPrefix(journal, "sudo journalctl ") || !strings.Contains(command, "mor_changes") {
			continue
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
		cmd.Stdin = strings.NewReader("a line that is not JSON\n" + log)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		return string(out)
	}
	t.Fatal("docs/operating.md has no command with mor_changes")
	return ""
}

// TestAccessLog asks the access log whom the edge would stop, and who has
// changed a DID.
func TestAccessLog(t *testing.T) {
	m := newMOR(t)
	s := start(t, "monitor.Caddyfile", t.TempDir(), "10.0.0.5:80", m.Addr)
	for _, c := range calls() {
		for _, scheme := range []string{"http", "https"} {
			_, err := s.send(c.method, scheme+"://mor.example.com"+c.path, strings.NewReader(c.body), "Content-Type", c.contentType)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	logged := s.stop()
	c := traffic.New(&validation.Policy{Keys: validation.NewKeys([]string{key}, nil)})
	if err := c.Read("access log", strings.NewReader(logged)); err != nil {
		t.Fatal(err)
	}
	strays := map[string]int64{}
	for _, s := range c.Report(new(caddymodule.Handler)).Edge {
		if s.Client != "127.0.0.1" {
			t.Errorf("a client %q", s.Client)
		}
		strays[s.Why+" "+s.Method] += s.Requests
	}
	want := map[string]int64{
		"over http did_details_update": 9, "over http user_details_get": 1, "over http ": 2,
		"not open to strangers did_details_update": 1, "not open to strangers user_details_get": 1, "not open to strangers ": 2,
	}
	if !maps.Equal(strays, want) {
		t.Errorf("what the edge would refuse: %v, want %v", strays, want)
	}
	who := shell(t, logged)
	if strings.Count(who, "\t127.0.0.1\tadmin\t") != 8 || strings.Count(who, "\tcall_limit=999\t200\n") != 6 {
		t.Errorf("who changed DID 6511:\n%s", who)
	}
}

// TestPreflight runs the Caddyfile that docs/operating.md has for browsers.
func TestPreflight(t *testing.T) {
	t.Setenv("MOR_API_SECRET_KEY", "secret")
	_, text, _ := strings.Cut(docs(t)["../docs/operating.md"], "## Browsers")
	caddyfile := fence.FindStringSubmatch(text)
	if caddyfile == nil {
		t.Fatal("there is no Caddyfile")
	}
	mor := testkit.StartMOR(t, nil)
	s := testkit.Serve(t, strings.NewReplacer("mor.example.com", "http://:{$SITE}", "10.0.0.5:80", mor.Addr).Replace(caddyfile[1]))
	url := "http://" + s.Addr("SITE") + update
	preflight := testkit.Ask(t, "OPTIONS", url, "", "Access-Control-Request-Method", "POST", "Origin", "https://crm.example.com")
	if preflight.Status != http.StatusNoContent || len(mor.Requests()) > 0 {
		t.Errorf("a preflight is answered %d", preflight.Status)
	}
	if got := testkit.Ask(t, "OPTIONS", url, ""); got.Status != http.StatusMethodNotAllowed || len(mor.Requests()) > 0 {
		t.Errorf("another OPTIONS is answered %d", got.Status)
	}
	for query, body := range map[string]string{right: testkit.Success, wrong: testkit.Failure("Incorrect hash")} {
		got := testkit.Ask(t, "POST", url+"?"+query, "", "Origin", "https://crm.example.com")
		if got.Body != body || got.Header.Get("Access-Control-Allow-Origin") != "https://crm.example.com" {
			t.Errorf("%s: answered %v %q", query, got.Header, got.Body)
		}
	}
}

// echo is a MOR whose answer depends on all that it was sent.
type echo struct{ *testkit.MOR }

func newEcho(t *testing.T) echo {
	t.Helper()
	return echo{testkit.StartMOR(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Server", "Apache/2.4.6 (CentOS) Phusion_Passenger/5.3.7")
		w.Header().Set("Set-Cookie", "_session=x; path=/")
		seen := sha1.Sum(fmt.Append(nil, r.Method, r.RequestURI, r.Host, headers(r.Header), string(body))) //nolint:gosec // not for security
		fmt.Fprintf(w, "%s<!-- %x -->", testkit.Success, seen)
	})}
}

// ask sends a call and returns all that MOR saw of it, and all that came back.
func (e echo) ask(t *testing.T, c call, send func(*http.Request) (*http.Response, error)) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), c.method, "http://mor.example.com"+c.path, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	if c.contentType != "" {
		r.Header.Set("Content-Type", c.contentType)
	}
	r.Header.Set("User-Agent", c.client)
	r.Host = "mor.example.com"
	resp, err := send(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	seen := e.Requests()
	if len(seen) != 1 {
		t.Fatalf("%d requests reached MOR", len(seen))
	}
	mor := seen[0]
	return fmt.Sprintln("MOR saw", mor.Line, mor.Host, headers(mor.Header), mor.Length, mor.Encoding, mor.Body, mor.BodyErr,
		"\nthe client", resp.StatusCode, headers(resp.Header), string(body))
}

// headers returns header lines in order, less those that name a proxy, or the
// time.
func headers(h http.Header) (lines []string) {
	for name, values := range h {
		if name != "Via" && name != "Date" && !strings.HasPrefix(name, "X-Forwarded-") {
			lines = append(lines, name+": "+strings.Join(values, ", "))
		}
	}
	slices.Sort(lines)
	return lines
}

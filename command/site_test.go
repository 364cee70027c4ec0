package command_test

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the API's digest
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/mor-gateway/caddy-mor-gateway/caddyfile"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

const action = "/billing/api/did_details_update"

func hash(didID, key string) string {
	return fmt.Sprintf("%x", sha1.Sum([]byte(didID+key))) //nolint:gosec // the API's digest
}

func envelope(element, text string) string {
	return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<page>\n  <status>\n    <" +
		element + ">" + text + "</" + element + ">\n  </status>\n</page>\n"
}

var success = envelope("success", "DID details successfully updated")

// mor is a stand-in for MOR.
func mor(t testing.TB, answer http.HandlerFunc) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: answer}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return l.Addr().String()
}

// server is a Caddy in this process. There is one at a time, so tests that
// have one are not parallel.
type server struct {
	t     testing.TB
	dir   string
	admin string // URL
	ports [2]string
}

// serve runs Caddy with the sites of a Caddyfile. Global options may be added.
func serve(t testing.TB, sites string, globals ...string) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir(), admin: "http://" + testkit.FreeAddr(t)}
	for i := range s.ports {
		_, s.ports[i], _ = net.SplitHostPort(testkit.FreeAddr(t))
	}
	autosave := caddy.ConfigAutosavePath
	caddy.ConfigAutosavePath = s.autosave()
	t.Cleanup(func() {
		_ = caddy.Stop()
		caddy.ConfigAutosavePath = autosave
	})
	if err := s.load(sites, globals...); err != nil {
		t.Fatal(err)
	}
	return s
}

// load gives the server another config.
func (s *server) load(sites string, globals ...string) error {
	s.t.Helper()
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(fmt.Sprintf(`{
	admin %s
	skip_install_trust
	auto_https disable_redirects
	http_port %s
	https_port %s
	grace_period 5s
	storage file_system %q
	log default {
		output file %q
		format json
		level DEBUG
	}
	%s
}
%s`, strings.TrimPrefix(s.admin, "http://"), s.ports[0], s.ports[1], s.dir, s.logFile(), strings.Join(globals, "\n"), sites)), nil)
	if err != nil {
		return err
	}
	return caddy.Load(config, true)
}

func (s *server) logFile() string { return filepath.Join(s.dir, "caddy.log") }

func (s *server) autosave() string { return filepath.Join(s.dir, "autosave.json") }

func (s *server) log() string {
	s.t.Helper()
	b, err := os.ReadFile(s.logFile())
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// lines returns the log lines with a message.
func (s *server) lines(message string) (lines []map[string]any) {
	s.t.Helper()
	for line := range strings.Lines(s.log()) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil && fields["msg"] == message {
			lines = append(lines, fields)
		}
	}
	return lines
}

// settle waits until n requests are in the access log, and so done with: the
// answer reaches the client before the gateway has compared it.
func (s *server) settle(n int) {
	s.t.Helper()
	testkit.Eventually(s.t, fmt.Sprintf("%d requests done with", n), func() bool {
		return strings.Count(s.log(), `"handled request"`) >= n
	})
}

// metrics returns the value of each series of the gateway's counters, without
// the common prefix. They are the process's: tests look at differences.
func (s *server) metrics() map[string]float64 {
	s.t.Helper()
	values := make(map[string]float64)
	for line := range strings.Lines(get(s.t, s.admin+"/metrics")) {
		series, val, _ := strings.Cut(strings.TrimSpace(line), "} ")
		if name, ok := strings.CutPrefix(series, "caddy_mor_gateway_"); ok && strings.Contains(name, "_total{") {
			var n float64
			if _, err := fmt.Sscan(val, &n); err != nil {
				s.t.Fatal(err)
			}
			values[name+"}"] = n
		}
	}
	if len(values) == 0 {
		s.t.Fatal("no metrics")
	}
	return values
}

// since returns what has been counted since before.
func (s *server) since(before map[string]float64) map[string]float64 {
	s.t.Helper()
	diff := make(map[string]float64)
	for series, n := range s.metrics() {
		if n != before[series] {
			diff[series] = n - before[series]
		}
	}
	return diff
}

// client has no connection that a reload could close under it.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func get(t testing.TB, url string) string {
	t.Helper()
	return body(t, func() (*http.Response, error) { return client.Get(url) })
}

// post sends an update with everything in the query.
func post(t testing.TB, addr, query string) string {
	t.Helper()
	return body(t, func() (*http.Response, error) {
		return client.Post("http://"+addr+action+"?"+query, "", nil)
	})
}

// body asks until there is a connection: a reload closes the old listener when
// the new one is there, and with it what nobody has accepted yet.
func body(t testing.TB, ask func() (*http.Response, error)) string {
	t.Helper()
	var resp *http.Response
	testkit.Eventually(t, "connected", func() bool {
		var err error
		resp, err = ask() //nolint:bodyclose // closed below
		if op := new(net.OpError); errors.As(err, &op) && op.Op == "dial" {
			return false
		}
		if err != nil {
			t.Fatal(err)
		}
		return true
	})
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// contains reports which of the secrets stands in the text.
func contains(text []byte, secrets []string) (found string, ok bool) {
	for _, secret := range secrets {
		if bytes.Contains(text, []byte(secret)) {
			return secret, true
		}
	}
	return "", false
}

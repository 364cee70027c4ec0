package caddyfile_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// key is the API Secret Key of the admin in all examples.
const key = "the-admins-key"

// site is an example while Caddy runs it.
type site struct {
	t     *testing.T
	caddy *testkit.Caddy
	dir   string            // its logs, certificates and keys
	ports map[string]string // the real ports, by those of the URLs
	hello string            // sent on each connection before anything else
}

// start runs an example in this process, changed no more than an operator
// would change it: other addresses (the pairs in edits), other ports and
// folders, a certificate authority of its own.
func start(t *testing.T, file, dir string, edits ...string) *site {
	t.Helper()
	t.Setenv("MOR_API_SECRET_KEY", key)
	t.Setenv("MOR_KEYS", dir+"/")
	if err := os.WriteFile(filepath.Join(dir, "admin"), []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, dir: dir, ports: map[string]string{}}
	for _, port := range []string{"80", "443", "8080", "8081", "9180"} {
		s.ports[port] = testkit.FreePort(t)
	}
	options := `
{
	local_certs
	skip_install_trust
	default_bind 127.0.0.1
	http_port ` + s.ports["80"] + `
	https_port ` + s.ports["443"] + `
	grace_period 1ns
`
	// Some have these themselves.
	if file != "demo.Caddyfile" {
		options += `	admin off
	persist_config off
`
	}
	if file != "cluster.Caddyfile" {
		options += "	storage file_system " + dir + `/storage
`
	}
	edits = append(edits,
		"\n{\n", options,
		"log {\n", `log {
		output file `+dir+`/access.log
`,
		"log default {\n", `log default {
		level DEBUG
		output file `+dir+`/default.log
`,
		":8080", ":"+s.ports["8080"], ":8081", ":"+s.ports["8081"], ":9180", ":"+s.ports["9180"],
		"/mnt/caddy", dir+"/storage")
	edit := strings.NewReplacer(edits...)
	for _, name := range []string{file, "log.caddy", "resellers.caddy"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(edit.Replace(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config, _ := adapt(t, filepath.Join(dir, file))
	s.caddy = testkit.New(t)
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.caddy.Stop)
	return s
}

// send sends one request on a connection of its own; whatever the host in the
// URL, this machine is asked.
func (s *site) send(method, url string, body io.Reader, header ...string) (testkit.Answer, error) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, url, body)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := s.roundTrip(r)
	if err != nil {
		return testkit.Answer{}, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return testkit.Answer{Status: resp.StatusCode, Header: resp.Header, Body: string(got)}, err
}

// roundTrip sends a request on a connection of its own to this machine.
func (s *site) roundTrip(r *http.Request) (*http.Response, error) {
	transport := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: s.roots()},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, _ := net.SplitHostPort(address)
			conn, err := new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+s.ports[port])
			if err == nil && s.hello != "" {
				_, err = io.WriteString(conn, s.hello)
			}
			return conn, err
		},
	}
	resp, err := transport.RoundTrip(r) // a Client would follow redirects
	for wait := time.Now().Add(testkit.Patience); err != nil && strings.Contains(err.Error(), "tls: internal error") && time.Now().Before(wait); {
		time.Sleep(10 * time.Millisecond) // Caddy has no certificate yet
		resp, err = transport.RoundTrip(r)
	}
	return resp, err
}

// expect sends a request without a body and compares the answer's status and
// whether the body has a text.
func (s *site) expect(method, url string, status int, text string, header ...string) testkit.Answer {
	s.t.Helper()
	got, err := s.send(method, url, http.NoBody, header...)
	if err != nil {
		s.t.Errorf("%s %s: %v", method, url, err)
	} else if got.Status != status || !strings.Contains(got.Body, text) {
		s.t.Errorf("%s %s: got %d %q, want %d %q", method, url, got.Status, got.Body, status, text)
	}
	return got
}

// roots returns the certificate authority that Caddy made for this site.
func (s *site) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	if pem, err := os.ReadFile(filepath.Join(s.dir, "storage/pki/authorities/local/root.crt")); err == nil {
		pool.AppendCertsFromPEM(pem)
	}
	return pool
}

// stop ends Caddy and returns all that was logged, the site's log before the
// default one.
func (s *site) stop() string {
	s.t.Helper()
	s.caddy.Stop()
	access, _ := os.ReadFile(filepath.Join(s.dir, "access.log"))
	other, err := os.ReadFile(filepath.Join(s.dir, "default.log"))
	if err != nil {
		s.t.Error(err)
	}
	return string(access) + string(other)
}

// stopQuiet is stop, and makes sure that no log has a key or a hash, or warns
// of a way round the gateway.
func (s *site) stopQuiet() string {
	s.t.Helper()
	logged := s.stop()
	if !strings.Contains(logged, "mor_verdict") && !strings.Contains(logged, `"verdict":`) {
		s.t.Error("nothing was logged")
	}
	for _, secret := range []string{key, contract.Hash("6511", key), wrongHash, strings.ToUpper(wrongHash), "hash="} {
		if strings.Contains(logged, secret) {
			s.t.Errorf("the log has %q:\n%s", secret, logged)
		}
	}
	for _, warning := range []string{"has a matcher", "before mor_gateway", "without mor_gateway"} {
		if strings.Contains(logged, warning) {
			s.t.Errorf("the load warns of a way round the gateway: %q", warning)
		}
	}
	return logged
}

// mor is a server in MOR's place: what is no update gets its GUI.
type mor struct {
	*testkit.MOR
	breaks bool // breaks the connection off once it has seen an update
}

func newMOR(t *testing.T) *mor {
	t.Helper()
	m := new(mor)
	m.MOR = testkit.StartMOR(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.Contains(r.URL.Path, "did_details_update"):
			_, _ = io.WriteString(w, "MOR's GUI")
		case m.breaks:
			panic(http.ErrAbortHandler)
		default:
			_, _ = io.WriteString(w, testkit.Success)
		}
	})
	return m
}

// reached returns the updates that have reached MOR since it was last asked.
func (m *mor) reached() (updates []string) {
	for _, r := range m.Requests() {
		if strings.Contains(r.Line, "did_details_update") {
			updates = append(updates, r.Line)
		}
	}
	return updates
}

const (
	success   = "<success>DID details successfully updated</success>"
	wrongHash = "0123456789abcdef0123456789abcdef01234567"
)

// query returns the query of an update.
func query(user, hash string) string {
	return "?u=" + user + "&did_id=6511&call_limit=999&hash=" + hash
}

package deploy

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// process is the program with the packages' Caddyfile, changed as an operator would change it; besides, it has other
// ports and folders, and a certificate of its own.
type process struct {
	t         testing.TB
	dir       string
	ports     map[string]string // by the scheme
	metrics   string            // address
	cmd       *exec.Cmd
	accessLog string
	log       string
}

// The documentation's example.
const (
	path      = "/billing/api/did_details_update"
	rightHash = "f7de355c9b4421ce6c705b4b32c89dbcaca51e46" // SHA-1 of 6511secret
	wrongHash = "0123456789abcdef0123456789abcdef01234567"
	right     = path + "?u=admin&did_id=6511&hash=" + rightHash
	wrong     = path + "?u=admin&did_id=6511&hash=" + wrongHash
)

// office is the address that the Caddyfile knows as the office's.
const office = "127.0.0.9"

// start starts it in a phase, "monitor" or "edge", in front of a MOR.
func start(t testing.TB, phase, mor string) *process {
	t.Helper()
	dir := t.TempDir()
	p := &process{
		t: t, dir: dir,
		ports:     map[string]string{"http": testkit.FreePort(t), "https": testkit.FreePort(t)},
		metrics:   "127.0.0.1:" + testkit.FreePort(t),
		accessLog: filepath.Join(dir, "access.log"),
		log:       filepath.Join(dir, "default.log"),
	}
	text, err := os.ReadFile("Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	options := "\n{\n\tadmin off\n\tpersist_config off\n\tlocal_certs\n\tdefault_bind 127.0.0.1" +
		"\n\thttp_port " + p.ports["http"] + "\n\thttps_port " + p.ports["https"] + "\n\tstorage file_system " + dir + "\n"
	config := strings.NewReplacer(
		"\n{\n", options,
		"log default {\n", "log default {\n\t\toutput file "+p.log+"\n",
		"log {\n", "log {\n\t\toutput file "+p.accessLog+"\n",
		":9180", strings.TrimPrefix(p.metrics, "127.0.0.1"),
		"10.0.0.5:80", mor,
		"203.0.113.0/24", office,
		"import monitor", "import "+phase,
	).Replace(string(text))
	for name, text := range map[string]string{
		"Caddyfile":  config,
		"keys.caddy": "secret {file.{$MOR_KEYS:/etc/caddy-mor-gateway/keys/}admin}\n", // as caddy-mor-gateway-key makes it
		"admin":      "secret\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.cmd = exec.Command(gateway(t), "run", "--config", filepath.Join(dir, "Caddyfile"))
	p.cmd.Env = append(os.Environ(), "MOR_KEYS="+dir+"/", "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	testkit.Eventually(t, "the gateway has a certificate", func() bool {
		_, err := p.send("127.0.0.1", "GET", "https", "/", "")
		return err == nil
	})
	return p
}

// stop ends the process and waits. It may be called again.
func (p *process) stop() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// send sends a request from an address of the loopback.
func (p *process) send(from, method, scheme, target, body string, header ...string) (testkit.Answer, error) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, scheme+"://mor.example.com"+target, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	transport := &http.Transport{
		DisableKeepAlives:  true,
		DisableCompression: true,
		TLSClientConfig:    &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // loopback
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, "127.0.0.1:"+p.ports[scheme])
		},
	}
	resp, err := transport.RoundTrip(r) // a Client would follow redirects
	if err != nil {
		return testkit.Answer{}, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return testkit.Answer{Status: resp.StatusCode, Header: resp.Header, Body: string(got)}, err
}

// ask is send, from a stranger, and must come through.
func (p *process) ask(method, scheme, target string) testkit.Answer {
	p.t.Helper()
	got, err := p.send("127.0.0.1", method, scheme, target, "")
	if err != nil {
		p.t.Errorf("%s %s %s: %v", method, scheme, target, err)
	}
	return got
}

// values returns a field of all lines of a log, where it is.
func (p *process) values(log, field string) (values []string) {
	p.t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			p.t.Fatal(err)
		}
		if s, ok := fields[field].(string); ok {
			values = append(values, s)
		}
	}
	return values
}

package caddyfile_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// examples has, for each example, the test that sends requests to it.
var examples = map[string]func(t *testing.T, file string){
	"cluster.Caddyfile":         runCluster,
	"demo.Caddyfile":            runDemo,
	"edge.Caddyfile":            runEdge,
	"minimal.Caddyfile":         runMinimal,
	"monitor.Caddyfile":         runMonitor,
	"path.Caddyfile":            runPath,
	"resellers.Caddyfile":       runResellers,
	"several.Caddyfile":         runSeveral,
	"trusted-proxies.Caddyfile": runTrustedProxies,
}

// TestExamplesRun runs each example in a real Caddy and sends it requests.
func TestExamplesRun(t *testing.T) {
	for file, run := range examples {
		t.Run(file, func(t *testing.T) { run(t, file) })
	}
}

const action = "https://mor.example.com/billing/api/did_details_update"

// guards sends an accepted request, which must reach MOR as it is, and refused
// ones, which must not.
func guards(t *testing.T, s *site, m *mor, url string, header ...string) {
	t.Helper()
	uri := url[strings.Index(url, "/billing"):]
	s.expect("POST", url+query("admin", contract.Hash("6511", key)), 200, success, header...)
	if got, want := m.reached(), []string{"POST " + uri + query("admin", contract.Hash("6511", key))}; !slices.Equal(got, want) {
		t.Errorf("MOR saw %q, want %q", got, want)
	}
	s.expect("POST", url+query("admin", wrongHash), 200, "<error>Incorrect hash</error>", header...)
	s.expect("POST", url+query("", contract.Hash("6511", key)), 200, "<error>Access Denied</error>", header...)
	s.expect("GET", url+query("admin", contract.Hash("6511", key)), 200, "<error>GET Requests are disabled</error>", header...)
	s.expect("POST", strings.Replace(url, "did_d", "did%5Fd", 1)+".xml"+query("admin", wrongHash), 200, "<error>Incorrect hash</error>", header...)
	s.expect("POST", url+query("admin", wrongHash)+"&hash="+contract.Hash("6511", key), 400, "<error>Ambiguous request</error>", header...)
	if got := m.reached(); got != nil {
		t.Errorf("reached MOR: %q", got)
	}
}

func runMinimal(t *testing.T, file string) {
	m := newMOR(t)
	s := start(t, file, t.TempDir(), "10.0.0.5:80", m.Addr)
	guards(t, s, m, action)
	s.expect("GET", "https://mor.example.com/billing/callc/login", 200, "MOR's GUI")
	if got, err := s.send("POST", "http://mor.example.com/billing/api/did_details_update"+query("admin", wrongHash), nil); err == nil {
		t.Errorf("something answers on port 80: %v", got)
	}
	s.stopQuiet()
}

func runDemo(t *testing.T, file string) {
	s := start(t, file, t.TempDir())
	const url = "http://localhost:8080/billing/api/did_details_update"
	s.expect("POST", url+query("admin", contract.Hash("6511", key)), 200, success)
	s.expect("POST", url+query("admin", wrongHash), 200, "<error>Incorrect hash</error>")
	s.expect("GET", "http://localhost:8080/", 200, "the stand-in for MOR")
	s.stopQuiet()
}

func runEdge(t *testing.T, file string) {
	const gui = "https://mor.example.com/billing/callc/login"
	m := newMOR(t)
	s := start(t, file, t.TempDir(), "10.0.0.5:80", m.Addr)
	guards(t, s, m, action)

	got := s.expect("POST", action+query("admin", wrongHash), 200, "Incorrect hash")
	for _, name := range []string{"Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy"} {
		if got.Header.Get(name) == "" {
			t.Errorf("no %s", name)
		}
	}
	if server := got.Header.Get("Server"); server != "" {
		t.Errorf("Server: %s", server)
	}

	// In the clear: the API is refused, and a browser is sent to HTTPS.
	for _, path := range []string{"/billing/api/did_details_update", "/billing//api/did_details_update.xml", "/mor/api/did%5Fdetails_update", "/billing/api/user_details_get"} {
		for _, method := range []string{"POST", "GET"} {
			got := s.expect(method, "http://mor.example.com"+path+query("admin", contract.Hash("6511", key)), 403, "<error>HTTPS is required</error>")
			if to := got.Header.Get("Location"); to != "" {
				t.Errorf("%s %s: redirected to %s", method, path, to)
			}
		}
	}
	got = s.expect("GET", "http://mor.example.com/billing/callc/login", 308, "")
	if to := got.Header.Get("Location"); to != gui {
		t.Errorf("redirected to %q", to)
	}

	// What is not on the list is for the office: see proof/doors for the many
	// ways to spell it.
	const other = "https://mor.example.com/billing/api/user_details_get"
	s.expect("GET", gui, 403, "")
	s.expect("POST", other, 403, "")
	s.expect("POST", action+".xml"+query("admin", contract.Hash("6511", key)), 403, "")
	s.expect("POST", "https://mor.example.com/billing//api/did_details_update"+query("admin", contract.Hash("6511", key)), 200, success)
	if got := m.reached(); len(got) != 1 {
		t.Errorf("reached MOR: %q", got)
	}
	s.stopQuiet()

	s = start(t, file, t.TempDir(), "10.0.0.5:80", m.Addr, "203.0.113.0/24", "127.0.0.1")
	s.expect("GET", gui, 200, "MOR's GUI")
	s.expect("POST", other, 200, "MOR's GUI")
	s.stop()

	s = start(t, file, t.TempDir(), "10.0.0.5:80", m.Addr, "(did_details_update)", "(did_details_update|user_details_get)")
	guards(t, s, m, action)
	s.expect("POST", other+"?u=admin", 200, "MOR's GUI")
	s.expect("GET", gui, 403, "")
	s.stop()

	// A body that never comes. On a busy machine so short a time is over before
	// the head is there, and the connection just ends: then once more.
	s = start(t, file, t.TempDir(), "10.0.0.5:80", m.Addr, "read_body 30s", "read_body 200ms")
	testkit.Eventually(t, "a body that never comes is refused", func() bool {
		stalled, stall := io.Pipe()
		defer stall.Close()
		got, err := s.send("POST", action, stalled, "Content-Type", "application/x-www-form-urlencoded")
		return err == nil && got.Status == http.StatusRequestTimeout && strings.Contains(got.Body, "did not arrive in time")
	})
	if got := m.reached(); got != nil {
		t.Errorf("reached MOR: %q", got)
	}
}

func runSeveral(t *testing.T, file string) {
	const getToo = `{
		secret {env.MOR_API_SECRET_KEY}
		allow_get
	}`
	updates := map[string]string{"POST": "{env.MOR_API_SECRET_KEY}", "GET": getToo}

	first, second := newMOR(t), newMOR(t)
	s := start(t, file, t.TempDir(), "10.0.0.5:80", first.Addr, "10.0.0.6:80", second.Addr)
	guards(t, s, first, action)
	if got := second.reached(); got != nil {
		t.Errorf("reached the second MOR: %q", got)
	}
	s.stopQuiet()

	for method, handler := range updates {
		// The first breaks off after it has seen the update: the second must
		// not get it as well.
		first, second := newMOR(t), newMOR(t)
		first.breaks = true
		s := start(t, file, t.TempDir(), "10.0.0.5:80", first.Addr, "10.0.0.6:80", second.Addr, "mor_gateway {env.MOR_API_SECRET_KEY}", "mor_gateway "+handler)
		s.expect(method, action+query("admin", contract.Hash("6511", key)), 502, "<error>MOR cannot be reached</error>")
		if a, b := first.reached(), second.reached(); len(a) != 1 || len(b) != 0 {
			t.Errorf("%s: sent %d times to the first and %d times to the second", method, len(a), len(b))
		}
		s.stopQuiet()

		// The first is down, and no health check has noticed yet: the second
		// gets it.
		s = start(t, file, t.TempDir(), "10.0.0.5:80", testkit.FreeAddr(t), "10.0.0.6:80", second.Addr, "mor_gateway {env.MOR_API_SECRET_KEY}", "mor_gateway "+handler, "health_uri /billing/callc/login", "")
		s.expect(method, action+query("admin", contract.Hash("6511", key)), 200, success)
		if got := second.reached(); len(got) != 1 {
			t.Errorf("%s: sent %d times", method, len(got))
		}
		s.stopQuiet()
	}

	// The health check notices, without any retry.
	s = start(t, file, t.TempDir(), "10.0.0.5:80", testkit.FreeAddr(t), "10.0.0.6:80", second.Addr, "lb_retries 1", "", "fail_duration 10s", "", "health_interval 10s", "health_interval 10ms")
	testkit.Eventually(t, "the second MOR gets a request", func() bool {
		_, _ = s.send("POST", action+query("admin", contract.Hash("6511", key)), nil)
		return second.reached() != nil
	})
}

func runCluster(t *testing.T, file string) {
	m, dir := newMOR(t), t.TempDir()
	var serials []string
	nodes := 2 // one after the other, with the same storage
	if raceDetector {
		nodes = 1 // Caddy 2.11 has a race when it finds its certificate in the storage
	}
	for range nodes {
		s := start(t, file, dir, "10.0.0.5:80", m.Addr, "10.0.1.0/24", "127.0.0.1/32")
		s.hello = "PROXY TCP4 198.51.100.7 127.0.0.1 40000 443\r\n"
		guards(t, s, m, action)
		serials = append(serials, s.serial())
		if logged := s.stopQuiet(); !strings.Contains(logged, `"client_ip":"198.51.100.7"`) {
			t.Errorf("the client's address isn't logged:\n%s", logged)
		}
	}
	if serials[0] != serials[nodes-1] {
		t.Errorf("certificates %q: each node has its own", serials)
	}

	s := start(t, file, t.TempDir(), "10.0.0.5:80", m.Addr) // this machine is no balancer
	s.hello = "PROXY TCP4 198.51.100.7 127.0.0.1 40000 443\r\n"
	guards(t, s, m, action)
	if logged := s.stopQuiet(); strings.Contains(logged, "198.51.100.7") {
		t.Error("a stranger's word about its address is believed")
	}
}

// serial returns the serial number of the site's certificate.
func (s *site) serial() string {
	s.t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+s.ports["443"])
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, s.hello); err != nil {
		s.t.Fatal(err)
	}
	client := tls.Client(conn, &tls.Config{ServerName: "mor.example.com", RootCAs: s.roots()})
	if err := client.HandshakeContext(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	return client.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func runResellers(t *testing.T, file string) {
	m, dir := newMOR(t), t.TempDir()
	for name, text := range map[string]string{"reseller.acme": "acmes-key\n", "reseller.globex.new": "new-key\n", "reseller.globex": "old-key\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, file, dir, "10.0.0.5:80", m.Addr)
	guards(t, s, m, action)
	for _, tc := range []struct{ user, key, want string }{
		{"acme", "acmes-key", success},
		{"ACME", "acmes-key", success},
		{"acme", key, success},
		{"acme", "new-key", "Incorrect hash"},
		{"globex", "new-key", success},
		{"globex", "old-key", success},
		{"admin", "acmes-key", "Incorrect hash"},
		{"accountant1", key, success},
		{"initech", key, "Access Denied"},
	} {
		s.expect("POST", action+query(tc.user, contract.Hash("6511", tc.key)), 200, tc.want)
		if got := m.reached(); (len(got) == 1) != (tc.want == success) {
			t.Errorf("%s with %s: reached MOR: %q", tc.user, tc.key, got)
		}
	}
	s.stopQuiet()
}

func runPath(t *testing.T, file string) {
	const url = "https://voip.example.com/mor/api/did_details_update"
	m := newMOR(t)
	s := start(t, file, t.TempDir(), "10.0.0.5:80", m.Addr)
	s.expect("POST", url+query("admin", contract.Hash("6511", key)), 200, success)
	if got, want := m.reached(), []string{"POST /billing/api/did_details_update" + query("admin", contract.Hash("6511", key))}; !slices.Equal(got, want) {
		t.Errorf("MOR saw %q, want %q", got, want)
	}
	for _, path := range []string{"/mor/api/did_details_update", "/mor//api/did%5Fdetails_update", "/mor/api/did_details_update.xml/5"} {
		s.expect("POST", "https://voip.example.com"+path+query("admin", wrongHash), 200, "<error>Incorrect hash</error>")
	}
	s.expect("GET", "https://voip.example.com/mor/callc/login", 200, "MOR's GUI")
	s.expect("GET", "https://voip.example.com/billing/callc/login", 404, "Nothing else")
	if got := m.reached(); got != nil {
		t.Errorf("reached MOR: %q", got)
	}
	s.stopQuiet()
}

func runTrustedProxies(t *testing.T, file string) {
	const url = "http://mor.example.com:8080/billing/api/did_details_update"
	m := newMOR(t)
	s := start(t, file, t.TempDir(), "10.0.0.5:80", m.Addr, "10.0.1.0/24", "127.0.0.1")
	guards(t, s, m, url, "X-Forwarded-For", "192.0.2.66, 198.51.100.7")
	for _, line := range []string{
		"POST http://admin:" + key + "@mor.example.com/billing/api/did_details_update/" + contract.Hash("6511", key),
		"GET /login/" + strings.ToUpper(wrongHash) + ";admin:" + key + "@x",
	} {
		c := testkit.Dial(t, "127.0.0.1:"+s.ports["8080"])
		c.Send(line + " HTTP/1.1\r\nHost: mor.example.com\r\nX-Forwarded-For: 198.51.100.7\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		c.Rest()
	}
	logged := s.stopQuiet()
	for _, want := range []string{`"client_ip":"198.51.100.7"`, `"request refused"`, `"uri":"http://?REDACTEDmor.example.com/billing/api/did_details_update/?REDACTED"`} {
		if !strings.Contains(logged, want) {
			t.Errorf("not logged: %s", want)
		}
	}
	if strings.Contains(logged, `"client_ip":"192.0.2.66"`) || strings.Contains(logged, `"client_ip":"127.0.0.1"`) {
		t.Error("the log names another client")
	}
}

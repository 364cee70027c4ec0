// Package doors proves that edge.Caddyfile opens to strangers what it names, and nothing else.
package doors

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // the API's digest
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/mor-gateway/caddy-mor-gateway"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

var (
	flagN    = flag.Int("doors.n", 10_000, "how many spellings to send")
	flagSeed = flag.Uint64("doors.seed", 0, "seed of the spellings; 0 takes one from the clock")
)

const key = "the-admins-key"

// servers are what runs Rails.
var servers = []struct {
	name, command string
	tools         []string
}{
	{"puma", "puma -t 4:4 -b tcp://${ADDR} -e production config.ru", nil},
	{"apache", "apache2 -f ${DIR}/app/apache.conf -D FOREGROUND", []string{"passenger-config"}},
}

// TestDoors sends thousands of spellings of MOR's methods, each with all that a right update has, through the edge.
func TestDoors(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			for _, tool := range append(server.tools, strings.Fields(server.command)[0], "ruby") {
				testkit.Tool(t, tool)
			}
			gems := exec.Command("ruby", "-e", `require "action_controller/railtie"`).Run() == nil
			testkit.Need(t, gems, "actionpack and railties, which are not installed")
			seed := *flagSeed
			if seed == 0 {
				seed = uint64(time.Now().UnixNano()) //nolint:gosec // any number will do
			}
			t.Logf("-doors.seed %d", seed)
			targets := make([]string, *flagN)
			random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // repeatable
			for i := range targets {
				targets[i] = spelling(random, methods())
			}
			mor := startMOR(t, server.command)

			// Without the edge the spellings do run other methods, or the test would prove nothing.
			mor.send(t, targets[:len(targets)/10], dial(mor.addr, nil))
			ran := mor.ran(t)
			others := 0
			for _, action := range ran {
				if strings.HasPrefix(action, "api#") && action != "api#did_details_update" {
					others++
				}
			}
			t.Logf("without the edge: %d of %d spellings run another method", others, len(targets)/10)
			if others < len(targets)/10/50 {
				t.Error("hardly a spelling runs another method")
			}

			address, trust := startEdge(t, mor.addr)
			mor.send(t, targets, dial(address, &tls.Config{ServerName: "mor.example.com", RootCAs: trust, NextProtos: []string{"http/1.1"}}))
			mor.check(t, targets)
			mor.sendHTTP2(t, targets, address, trust)
			mor.check(t, targets)
		})
	}
}

// check makes sure that of the targets those on the list ran, and no other.
func (m *mor) check(t *testing.T, targets []string) {
	t.Helper()
	ran := m.ran(t)
	wanted := 0
	for i, target := range targets {
		path, query, _ := strings.Cut(target, "?")
		onList := slices.Contains(open, path)
		action, did := ran[i]
		switch {
		case did && action != "api#did_details_update":
			t.Errorf("%q runs %s for a stranger", target, action)
		case onList && !did && (query == "" || strings.HasPrefix(query, "action=") || strings.HasPrefix(query, "id=")) && !strings.Contains(query, "%") && !strings.Contains(target, "#"):
			t.Errorf("%q does not run", target)
		case did:
			wanted++
		}
	}
	if wanted == 0 {
		t.Error("nothing ran")
	}
	t.Logf("through the edge: %d of %d run the method on the list, and nothing runs another", wanted, len(targets))
}

// mor is a running MOR.
type mor struct {
	addr string
	file *os.File
}

func startMOR(t *testing.T, command string) *mor {
	t.Helper()
	dir, err := os.MkdirTemp("", "doors")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	app := filepath.Join(dir, "app")
	for _, folder := range []string{filepath.Join(app, "public"), filepath.Join(dir, "html")} {
		if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // another user reads it
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(app, "public"), filepath.Join(dir, "html/billing")); err != nil {
		t.Fatal(err)
	}
	m := &mor{addr: testkit.FreeAddr(t)}
	owner, err := user.Current()
	if err == nil && owner.Uid == "0" {
		owner, err = user.Lookup("www-data") // Apache does not serve as root
	}
	if err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("${DIR}", dir, "${ADDR}", m.addr, "${USER}", owner.Username, "${GROUP}", "#"+owner.Gid).Replace
	for _, name := range []string{"config.ru", "methods.txt", "apache.conf"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(app, name), []byte(fill(string(text))), 0o644); err != nil { //nolint:gosec // another user reads it
			t.Fatal(err)
		}
	}
	if m.file, err = os.OpenFile(filepath.Join(app, "ran"), os.O_RDWR|os.O_CREATE, 0o666); err != nil { //nolint:gosec // another user writes it
		t.Fatal(err)
	}
	t.Cleanup(func() { m.file.Close() })
	for _, path := range []string{dir, app, m.file.Name()} {
		if err := os.Chmod(path, 0o777); err != nil { //nolint:gosec // another user writes there
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	args := strings.Fields(fill(command))
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = app
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM} // Apache ends its whole group
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	testkit.Eventually(t, "MOR answers", func() bool {
		resp, err := http.Post("http://"+m.addr+open[0], "application/x-www-form-urlencoded", nil) //nolint:noctx // the test's end ends it
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	m.ran(t)
	return m
}

// ran returns which action each request has run since it was last asked, by the request's number.
func (m *mor) ran(t *testing.T) map[int]string {
	t.Helper()
	text, err := io.ReadAll(m.file)
	if err != nil {
		t.Fatal(err)
	}
	ran := make(map[int]string)
	for line := range strings.Lines(string(text)) {
		number, action, _ := strings.Cut(strings.TrimSpace(line), " ")
		i, err := strconv.Atoi(number)
		if err != nil {
			i = -1 - len(ran) // one that hid in another
		}
		ran[i] = action
	}
	return ran
}

// params are those of a right update, and of the other methods that take its hash.
func params() string {
	return fmt.Sprintf("u=admin&did_id=6511&dids_id=6511&hash=%x", sha1.Sum([]byte("6511"+key))) //nolint:gosec // the API's digest
}

func dial(address string, config *tls.Config) func() (net.Conn, error) {
	return func() (net.Conn, error) {
		if config == nil {
			return net.Dial("tcp", address)
		}
		return tls.Dial("tcp", address, config)
	}
}

// workers share the targets: most of them wait.
const workers = 8

// each calls f for the number of each target, from several goroutines: f has one part of them, in order.
func each(targets []string, f func(part []int)) {
	var wg sync.WaitGroup
	for w := range workers {
		var part []int
		for i := w; i < len(targets); i += workers {
			part = append(part, i)
		}
		wg.Go(func() { f(part) })
	}
	wg.Wait()
}

// send sends each target as it stands, over HTTP/1.1.
func (m *mor) send(t *testing.T, targets []string, dial func() (net.Conn, error)) {
	t.Helper()
	each(targets, func(part []int) {
		var conn net.Conn
		var in *bufio.Reader
		for _, i := range part {
			if conn == nil {
				var err error
				if conn, err = dial(); err != nil {
					t.Error(err)
					return
				}
				in = bufio.NewReader(conn)
			}
			_ = conn.SetDeadline(time.Now().Add(testkit.Patience))
			body := params()
			_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: mor.example.com\r\nX-Number: %d\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", targets[i], i, len(body), body)
			var resp *http.Response
			if err == nil {
				resp, err = http.ReadResponse(in, nil)
			}
			if err == nil {
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			if err != nil || resp.Close {
				conn.Close()
				conn = nil
			}
		}
		if conn != nil {
			conn.Close()
		}
	})
}

// sendHTTP2 sends the targets that HTTP/2 can carry.
func (m *mor) sendHTTP2(t *testing.T, targets []string, address string, trust *x509.CertPool) {
	t.Helper()
	var sent atomic.Int64
	each(targets, func(part []int) {
		// A connection for each part: some targets end the connection, and all that is under way on it.
		client := &http.Transport{
			ForceAttemptHTTP2: true,
			TLSClientConfig:   &tls.Config{ServerName: "mor.example.com", RootCAs: trust},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, address)
			},
		}
		defer client.CloseIdleConnections()
		for _, i := range part {
			if target := targets[i]; target[0] != '/' && target != "*" || strings.HasPrefix(target, "//") {
				continue // net/http does not send it
			}
			resp, err := postHTTP2(client, targets[i], i)
			if err != nil { // perhaps the target before ended the connection
				resp, err = postHTTP2(client, targets[i], i)
			}
			if err != nil {
				continue
			}
			if resp.ProtoMajor != 2 {
				t.Error("this is not HTTP/2")
			}
			sent.Add(1)
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
	t.Logf("HTTP/2: %d were sent", sent.Load())
	if int(sent.Load()) < len(targets)/2 {
		t.Error("hardly any was sent")
	}
}

func postHTTP2(client *http.Transport, target string, number int) (*http.Response, error) {
	return client.RoundTrip(&http.Request{
		Method: http.MethodPost, URL: &url.URL{Scheme: "https", Host: "mor.example.com", Opaque: target},
		Header: http.Header{"X-Number": {strconv.Itoa(number)}, "Content-Type": {"application/x-www-form-urlencoded"}},
		Body:   io.NopCloser(strings.NewReader(params())),
	})
}

// read returns the text of a file beside the examples.
func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile("../../caddyfile/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// startEdge starts edge.Caddyfile in front of MOR, with another port and a certificate authority of its own.
func startEdge(t *testing.T, mor string) (address string, trust *x509.CertPool) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("MOR_KEYS", dir+"/")
	t.Setenv("XDG_DATA_HOME", dir) // Caddy writes its instance's number there
	if err := os.WriteFile(filepath.Join(dir, "admin"), []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	text := read(t, "edge.Caddyfile")
	text = strings.Replace(text, "import log.caddy\n", read(t, "log.caddy"), 1)
	_, clear, _ := net.SplitHostPort(testkit.FreeAddr(t))
	address = testkit.FreeAddr(t)
	_, port, _ := net.SplitHostPort(address)
	edge := strings.NewReplacer("10.0.0.5:80", mor, "\n{\n", fmt.Sprintf("\n{\nadmin off\npersist_config off\nlocal_certs\nskip_install_trust\ndefault_bind 127.0.0.1\ngrace_period 1ns\nhttp_port %s\nhttps_port %s\nstorage file_system %s\n", clear, port, dir),
		"log default {\n", "log default {\noutput discard\n", "log {\n", "log {\noutput discard\n").Replace(text)
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(edge), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = caddy.Stop() })
	testkit.Eventually(t, "the edge has a certificate", func() bool {
		pem, _ := os.ReadFile(filepath.Join(dir, "pki/authorities/local/root.crt"))
		trust = x509.NewCertPool()
		trust.AppendCertsFromPEM(pem)
		conn, err := tls.Dial("tcp", address, &tls.Config{ServerName: "mor.example.com", RootCAs: trust})
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return address, trust
}

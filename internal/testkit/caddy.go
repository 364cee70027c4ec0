package testkit

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard" // with the Caddyfile
)

// Caddy is a Caddy that runs in this process, with a folder for all that it writes. There is one at a time, so tests
// that have one are not parallel.
type Caddy struct {
	Dir   string
	Admin string // URL

	t     testing.TB
	ports map[string]string
}

// New finds a folder and the ports for a Caddy, and does not start it. Nothing is written to the folders of whoever
// runs the test.
func New(t testing.TB) *Caddy {
	t.Helper()
	dir, err := os.MkdirTemp("", "caddy")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // what works in the background may still write
		Eventually(t, "the folder is gone", func() bool { return os.RemoveAll(dir) == nil })
	})
	c := &Caddy{t: t, Dir: dir, ports: map[string]string{}}
	c.Admin = "http://" + c.Addr("ADMIN")
	t.Setenv("XDG_CONFIG_HOME", c.Dir)
	t.Setenv("XDG_DATA_HOME", c.Dir)
	autosave := caddy.ConfigAutosavePath
	caddy.ConfigAutosavePath = filepath.Join(c.Dir, "autosave.json")
	t.Cleanup(func() { caddy.ConfigAutosavePath = autosave })
	return c
}

// Serve runs a Caddyfile until the test ends. For {$NAME} in it, see Fill.
func Serve(t testing.TB, caddyfile string, vars ...string) *Caddy {
	t.Helper()
	c := New(t)
	t.Cleanup(func() { _ = caddy.Stop() })
	if err := c.Load(caddyfile, vars...); err != nil {
		t.Fatal(err)
	}
	return c
}

// For returns the same Caddy for a subtest: that is what fails then.
func (c *Caddy) For(t testing.TB) *Caddy {
	sub := *c
	sub.t = t
	return &sub
}

// Load gives Caddy another configuration.
func (c *Caddy) Load(caddyfile string, vars ...string) error {
	c.t.Helper()
	config, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(c.Caddyfile(caddyfile, vars...)), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return err
	}
	for _, w := range warnings {
		if !strings.Contains(w.Message, "not formatted") { // indented like the test
			return errors.New(w.String())
		}
	}
	err = caddy.Load(config, true) // one that fails may have replaced the admin endpoint
	Eventually(c.t, "the old listeners are closed", func() bool { return !c.listensTwice() })
	return err
}

// listensTwice reports whether two sockets listen on the same port. On Linux a reload opens new ones before it closes the
// old ones in the background, and what the old server then accepts may get no answer. Elsewhere both servers share one.
func (c *Caddy) listensTwice() bool {
	seen := make(map[string]bool)
	for _, file := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		text, _ := os.ReadFile(file)
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) < 4 || fields[3] != "0A" { // listening
				continue
			}
			for _, port := range c.ports {
				n, _ := strconv.Atoi(port)
				if !strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", n)) {
					continue
				}
				if seen[fields[1]] {
					return true
				}
				seen[fields[1]] = true
			}
		}
	}
	return false
}

// Stop stops Caddy. It may be called again.
func (c *Caddy) Stop() {
	c.t.Helper()
	if err := caddy.Stop(); err != nil {
		c.t.Error(err)
	}
}

// Addr returns the address on the loopback of a port by its name in Caddyfiles.
func (c *Caddy) Addr(name string) string {
	c.t.Helper()
	if c.ports[name] == "" {
		c.ports[name] = FreePort(c.t)
	}
	return "127.0.0.1:" + c.ports[name]
}

// AwaitTLS waits until Caddy has made itself a certificate for localhost at a port.
func (c *Caddy) AwaitTLS(name string) {
	c.t.Helper()
	Eventually(c.t, "Caddy has made itself a certificate", func() bool {
		conn, err := tls.Dial("tcp", c.Addr(name), &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}) //nolint:gosec // loopback
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

var variable = regexp.MustCompile(`\{\$([A-Z0-9_]+)\}`)

// options are those of every Caddyfile. A test runs where nothing but the loopback is to be had.
const options = `{
	admin 127.0.0.1:{$ADMIN}
	skip_install_trust
	auto_https disable_redirects
	default_bind 127.0.0.1
	http_port {$HTTP_PORT}
	https_port {$HTTPS_PORT}
	grace_period 5s
	storage file_system "{$DIR}"
`

// logging is added where a Caddyfile says nothing of the default log.
const logging = `	log default {
		output file "{$DIR}/caddy.log"
		format json
		level DEBUG
	}
`

// Caddyfile completes a Caddyfile, which may begin with a block of global options of its own: it adds the folder, the
// log, the admin endpoint and so on, and fills in what Fill does.
func (c *Caddy) Caddyfile(text string, vars ...string) string {
	c.t.Helper()
	own, has := strings.CutPrefix(strings.TrimSpace(text), "{\n")
	if !has {
		own = "}\n" + text
	}
	added := options
	if !strings.Contains(own, "log default {") {
		added += logging
	}
	return c.Fill(added+own, vars...)
}

// Fill puts the value of NAME in vars, which has names and values, in the place of {$NAME}. A name without a value is
// that of a port: it is free at first, and the same for as long as this Caddy lives.
func (c *Caddy) Fill(text string, vars ...string) string {
	c.t.Helper()
	values := map[string]string{"DIR": c.Dir}
	for i := 0; i < len(vars); i += 2 {
		values[vars[i]] = vars[i+1]
	}
	return variable.ReplaceAllStringFunc(text, func(found string) string {
		name := variable.FindStringSubmatch(found)[1]
		if value, given := values[name]; given {
			return value
		}
		_, port, _ := strings.Cut(c.Addr(name), ":")
		return port
	})
}

// Log returns what has been logged.
func (c *Caddy) Log() string {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.Dir, "caddy.log"))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

// Logged returns the log lines with a message.
func (c *Caddy) Logged(message string) (lines []map[string]any) {
	c.t.Helper()
	for line := range strings.Lines(c.Log()) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil && fields["msg"] == message {
			lines = append(lines, fields)
		}
	}
	return lines
}

// Handled returns how many requests are in the access log.
func (c *Caddy) Handled() int {
	c.t.Helper()
	return strings.Count(c.Log(), `"handled request"`)
}

// Settle waits until n requests are in the access log, and so done with: the answer reaches the client before the
// gateway has compared it.
func (c *Caddy) Settle(n int) {
	c.t.Helper()
	Eventually(c.t, fmt.Sprintf("%d requests done with", n), func() bool { return c.Handled() >= n })
}

// Counters returns the value of each series of the gateway's counters, without the common prefix. They are the
// process's: tests look at differences.
func (c *Caddy) Counters() map[string]float64 {
	c.t.Helper()
	values := map[string]float64{}
	for line := range strings.Lines(Ask(c.t, "GET", c.Admin+"/metrics", "").Body) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		if name, ours := strings.CutPrefix(series, "caddy_mor_gateway_"); ours && strings.Contains(name, "_total{") {
			var n float64
			if _, err := fmt.Sscan(value, &n); err != nil {
				c.t.Fatal(err)
			}
			values[name+"}"] = n
		}
	}
	return values
}

// Since returns what has been counted since before.
func (c *Caddy) Since(before map[string]float64) map[string]float64 {
	c.t.Helper()
	diff := map[string]float64{}
	for series, n := range c.Counters() {
		if n != before[series] {
			diff[series] = n - before[series]
		}
	}
	return diff
}

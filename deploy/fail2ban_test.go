package deploy

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

const filter = "fail2ban/filter.d/mor-gateway.conf"

// The addresses that a client chooses.
const chosen = "203.0.113.66"

// hostile are usernames and content types that imitate the fields beside them.
var hostile = []string{
	`","client_ip":"` + chosen + `","hint":"`,
	`","did_id":"","method":"","content_type":"","client_ip":"` + chosen,
	`\","client_ip":"` + chosen + `","hint":"`,
	`\`, `\\`, `\\\`, `"`, `\"`, `\u0022,"client_ip":"` + chosen,
	`{"level":"info","ts":1,"logger":"http.handlers.mor_gateway"`,
	"\u2028" + `{"level":"info"`, "\u0085{", "\u00a0", "\ufeff", "客户", "\U0001f4de", `'","client_ip":"`,
	chosen, `client_ip ` + chosen, strings.Repeat(`"`, 63), strings.Repeat(`\`, 64), strings.Repeat("é", 40), strings.Repeat("a", 63) + `"`,
	`1795823000 ` + chosen, "2026-11-27 12:00:00 " + chosen, `<HOST>`, `.*`,
}

// banned returns the addresses of the lines that the filter matches.
func banned(t *testing.T, lines string, options string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return strings.Fields(output(t, testkit.Tool(t, "fail2ban-regex"), "--out", "ip", file, filter+options))
}

func TestFail2ban(t *testing.T) {
	testkit.Tool(t, "fail2ban-regex")
	const guesser, honest = "127.0.0.2", "127.0.0.3"
	mor := testkit.StartMOR(t, nil)
	log := func(phase string) string {
		p := start(t, phase, mor.Addr)
		send := func(from, method, target, body string, header ...string) {
			t.Helper()
			if _, err := p.send(from, method, "https", target, body, append(header, "X-Forwarded-For", chosen, "Forwarded", "for="+chosen)...); err != nil {
				t.Error(err)
			}
		}
		send(guesser, "POST", wrong, "")
		for _, text := range hostile {
			send(guesser, "POST", path+"?did_id=6511&hash="+wrongHash+"&u="+url.QueryEscape(text), "")
			send(guesser, "POST", wrong, "", "Content-Type", text)
		}
		// What an honest client may do.
		send(honest, "POST", right, "")
		send(honest, "GET", right, "")
		send(honest, "PUT", right, "")
		send(honest, "POST", path+"?did_id=6511&hash="+rightHash, "")
		send(honest, "POST", right+"&u=other", "")
		send(honest, "POST", right+"&call_limit=x", "")
		send(honest, "POST", path, "<xml/>", "Content-Type", "text/xml")
		send(honest, "POST", path+"?u="+url.QueryEscape("a\nb\",\"client_ip\":\""+chosen), "")
		p.stop()
		text, err := os.ReadFile(p.log)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}

	enforced := log("edge")
	var want []string
	for line := range strings.Lines(enforced) {
		if strings.Contains(line, `"msg":"request refused","verdict":"incorrect_hash"`) {
			want = append(want, guesser)
		}
	}
	if len(want) <= len(hostile) {
		t.Fatalf("%d wrong hashes:\n%s", len(want), enforced)
	}
	t.Run("file", func(t *testing.T) {
		if got := banned(t, enforced, ""); !slices.Equal(got, want) {
			t.Errorf("matches %d lines, of %q; want %d\n%s", len(got), slices.Compact(got), len(want), enforced)
		}
	})
	t.Run("journal", func(t *testing.T) {
		journal := "host caddy-mor-gateway[12]: " + strings.ReplaceAll(strings.TrimSpace(enforced), "\n", "\nhost caddy-mor-gateway[12]: ") + "\n"
		if got := banned(t, journal, ""); !slices.Equal(got, want) {
			t.Errorf("matches %d lines, of %q; want %d", len(got), slices.Compact(got), len(want))
		}
	})
	t.Run("another verdict", func(t *testing.T) {
		if got := banned(t, enforced, "[verdicts=method_not_allowed]"); !slices.Equal(got, []string{honest}) {
			t.Errorf("matches %q", got)
		}
	})
	t.Run("monitor", func(t *testing.T) {
		watched := log("monitor")
		if !strings.Contains(watched, "request would be refused") {
			t.Fatal(watched)
		}
		if got := banned(t, watched, ""); len(got) != 0 {
			t.Errorf("matches %q", got)
		}
	})
	// Lines that no gateway writes, but another program in the same file.
	for _, line := range []string{
		`x {"level":"info","ts":1,"logger":"http.handlers.mor_gateway","msg":"request refused","verdict":"incorrect_hash","user":"","did_id":"","method":"","content_type":"","client_ip":"203.0.113.66","hint":""}`,
		`{"level":"info","ts":1,"logger":"http.log.access","msg":"request refused","verdict":"incorrect_hash","user":"","did_id":"","method":"","content_type":"","client_ip":"203.0.113.66","hint":""}`,
		`{"level":"info","ts":1,"logger":"http.handlers.mor_gateway","msg":"request refused","verdict":"incorrect_hash","user":"","did_id":"","method":"","content_type":"","client_ip":"mor.example.com","hint":""}`,
	} {
		if got := banned(t, line+"\n", ""); len(got) != 0 {
			t.Errorf("matches %q in %s", got, line)
		}
	}
}

// The jail is one that fail2ban takes.
func TestFail2banJail(t *testing.T) {
	client := testkit.Tool(t, "fail2ban-client")
	dir := t.TempDir()
	output(t, "sh", "-euc", `cp -r /etc/fail2ban "$1"; rm -f "$1"/fail2ban/jail.d/*; cp -r fail2ban "$1"`, "sh", dir)
	dump := output(t, client, "-c", filepath.Join(dir, "fail2ban"), "--dp")
	for _, want := range []string{"'start', 'mor-gateway'", "'maxretry', 200", "_SYSTEMD_UNIT=caddy-mor-gateway.service"} {
		if !strings.Contains(dump, want) {
			t.Errorf("no %s in\n%s", want, dump)
		}
	}
}

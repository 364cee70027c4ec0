package traffic_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	_ "github.com/mor-gateway/caddy-mor-gateway/caddyfile"
	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
	"github.com/mor-gateway/caddy-mor-gateway/command/traffic"
)

// injections are what somebody sends who wants more than an answer.
var injections = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</style><script>`, `</pre></code><b>`, `<!--`, `]]>`, `{{.CSS}}`, `&lt;b&gt;`, `javascript:alert(1)`, `' onmouseover='x`,
	"\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x1bP+q\x1b\\", "\u009b31m", "\x9b31m", "\r\nforged: line", "\x00", "\x7f", "\u202egnp.exe", "\u2066x\u2069", "\u200b", "\ufeff", "\u2028", "\xff\xfe", "\xc3\x28",
	`=cmd|' /C calc'!A0`, "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", `=HYPERLINK("http://x","y")`,
	"x\n}\nimport /etc/passwd\n{", "x {\n", "{env.MOR_API_SECRET_KEY}", "{$HOME}", "x # y", "`x`", `x\`, `"`, "x, y", "import", "*", "\u00a0",
	strings.Repeat("A", 5000), strings.Repeat("\x1b", 500), strings.Repeat("é", 500),
	"secret", "6511secret", "xshop-key", hash("6511", "secret"), strings.ToUpper(hash("6511", "secret")), "0x" + hash("1", "?"), "f7:de:35:5c:9b:44:21:ce:6c:70:5b:4b:32:c8:9d:bc:ac:a5:1e:46",
}

// hostileLog has each injection in every place that a client can fill, as each
// server would write it.
func hostileLog() string {
	var b strings.Builder
	nginx := func(s string) string {
		var e strings.Builder
		for _, c := range []byte(s) {
			if c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
				fmt.Fprintf(&e, `\x%02X`, c)
			} else {
				e.WriteByte(c)
			}
		}
		return e.String()
	}
	quote := func(s string) string {
		q, _ := json.Marshal(s)
		return string(q)
	}
	for _, s := range injections {
		q := url.QueryEscape(s)
		targets := []string{
			"POST " + path + "?u=" + q + "&did_id=6511&hash=" + hash("6511", "secret") + "&p=password1",
			"POST " + path + "?u=" + q + "&did_id=6511&hash=" + hash("6511", "?"),
			"GET " + path + "?u=" + q + "&did_id=" + q + "&hash=" + q,
			"GET " + path + "?u=" + s,
			"POST " + path + "?" + q + "=" + q,
			"GET /billing/api/" + q + "?hash=" + hash("6511", "secret"),
			"GET /billing/api/" + s,
			s + " " + path,
		}
		for _, target := range targets {
			// As client, name, request and agent.
			fmt.Fprintf(&b, "%s - %s [27/Nov/2026:09:30:15 +0000] \"%s HTTP/1.1\" 200 1 \"%s\" \"%s\"\n", nginx(s), nginx(s), nginx(target), nginx(s), nginx(s))
			method, uri, _ := strings.Cut(target, " ")
			fmt.Fprintf(&b, `{"ts":1795771815,"logger":"http.log.access","msg":"handled request","request":{"client_ip":%s,"method":%s,"uri":%s},"status":200,"user_id":%s,"mor_user":%s,"mor_edge":%s}`+"\n", quote(s), quote(method), quote(uri), quote(s), quote(s), quote(s))
		}
		for _, mor := range []string{"", `,"mor":` + quote(s)} {
			fmt.Fprintf(&b, `{"ts":1795771815,"logger":"http.handlers.mor_gateway","msg":"request refused","verdict":"ambiguous","user":%s,"method":%s,"client_ip":%s,"hint":%s%s}`+"\n", quote(s), quote(s), quote(s), quote(s), mor)
		}
		fmt.Fprintf(&b, `{"ts":1795771815,"logger":"http.handlers.mor_gateway","msg":"request refused","verdict":%s,"user":"x"}`+"\n", quote(s))
		b.WriteString(s + "\n" + s + " /api/\n")
	}
	return b.String()
}

// Nothing of a log does anything to a terminal, a page, a spreadsheet or a
// Caddyfile, and nothing secret is shown.
func TestHostile(t *testing.T) {
	c := traffic.New(policy())
	if err := c.Read("<b>\x1b[31mname", strings.NewReader(hostileLog())); err != nil {
		t.Fatal(err)
	}
	r := c.Report(new(caddymodule.Handler))
	var text, page, data bytes.Buffer
	for _, err := range []error{r.WriteText(&text, false), r.WriteHTML(&page), r.WriteJSON(&data)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if r.Requests < int64(len(injections)) || len(r.Methods) < len(injections)/2 {
		t.Fatalf("only %d requests and %d methods were read", r.Requests, len(r.Methods))
	}
	for name, out := range map[string]string{"text": text.String(), "page": page.String(), "data": data.String()} {
		t.Run(name, func(t *testing.T) {
			if !utf8.ValidString(out) {
				t.Error("not UTF-8")
			}
			for _, c := range out {
				if c != '\n' && c != '\t' && !unicode.IsPrint(c) {
					t.Errorf("%U", c)
				}
			}
			for _, secret := range []string{hash("6511", "secret"), strings.ToUpper(hash("6511", "secret")), hash("6511", "?"), "f7:de:35", "6511secret", "shop-key", "password1", "did_id=", "hash="} {
				if strings.Contains(out, secret) {
					t.Errorf("shows %q", secret)
				}
			}
		})
	}

	t.Run("page", func(t *testing.T) {
		var plain bytes.Buffer
		harmless, _ := report(t, traffic.New(policy()), sampleLog(), `{"ts":1795771815,"logger":"http.handlers.mor_gateway","msg":"x","verdict":"ambiguous","user":"x","mor":"success"}`, stray("POST "+whole("admin", "1", "secret"), "over http"))
		if err := harmless.WriteHTML(&plain); err != nil {
			t.Fatal(err)
		}
		known := tags(plain.String())
		for tag := range tags(page.String()) {
			if !known[tag] {
				t.Errorf("the page has %s", tag)
			}
		}
	})

	t.Run("spreadsheet", func(t *testing.T) {
		var cells []string
		for _, s := range r.Stopped {
			cells = append(append(cells, s.User, s.Verdict, s.Hint, s.ToDo), s.From...)
		}
		for _, u := range r.Users {
			cells = append(cells, u.Name)
		}
		for _, m := range r.Methods {
			cells = append(cells, m.Name)
		}
		for _, a := range r.Answers {
			cells = append(cells, a.User, a.MOR, a.Hint)
		}
		if len(r.Edge) < len(injections) {
			t.Errorf("only %d rows for the edge", len(r.Edge))
		}
		for _, s := range r.Edge {
			cells = append(cells, s.Client, s.User, s.Why, s.Method)
		}
		for _, cell := range cells {
			if cell != "" && strings.Contains("=+-@\t\r", cell[:1]) {
				t.Errorf("%q is a formula", cell)
			}
			if len(cell) > 300 {
				t.Errorf("%d bytes: %q", len(cell), cell)
			}
		}
	})

	t.Run("Caddyfile", func(t *testing.T) {
		tokens, err := caddyfile.Tokenize([]byte(r.Suggestion), "Caddyfile")
		if err != nil {
			t.Fatal(err)
		}
		line := ""
		for _, token := range tokens {
			switch token.Text {
			case "mor_gateway", "{", "}", "secret", "reseller", "users", "allow_get":
				line = token.Text
				continue
			}
			if line == "secret" && token.Text != "{env.MOR_API_SECRET_KEY}" || strings.ContainsAny(token.Text, "\n`\"'\\") {
				t.Errorf("token %q in %s", token.Text, line)
			}
		}
		if _, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte("http://x {\n"+r.Suggestion+"}\n"), nil); err != nil {
			t.Error(err)
		}
	})
}

var (
	tag       = regexp.MustCompile(`<[^ ].*?>`)
	attribute = regexp.MustCompile(`="[^"]*"`)
)

// tags returns the tags of a page, with the names of their attributes.
func tags(page string) map[string]bool {
	set := make(map[string]bool)
	_, body, _ := strings.Cut(page, "</style>")
	for _, t := range tag.FindAllString(body, -1) {
		set[attribute.ReplaceAllString(t, "")] = true
	}
	return set
}

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// param is a parameter that a client sends.
type param struct{ name, value string }

// An update with all that may be odd in what isn't guarded.
var update = []param{
	{"u", "admin"},
	{"did_id", "6511"},
	{"call_limit", "999"},
	{"hash", rightHash},
	{"active_from", ""},
	{"comment", `a;b&c=d e+f 100% "q" \ 'z' <ü> Grüße Приве́т 日本語 😀 &call_limit=-5&`},
	{"custom_sip_header", `X-Caller: "Eve" <sip:eve@example.com;transport=udp>;tag=1&a=b`},
	{"reseller_comment", ""},
	{"x[]", "1"},
	{"p", "admin1"},
}

// client sends parameters to a URL and returns the answer.
type client func(t *testing.T, target string, ps []param) string

// Every real client passes: what its own writer makes of an update reaches
// MOR with every value unharmed.
func TestClients(t *testing.T) {
	clients := map[string]client{
		"Go, query": goClient(func(ps []param) (string, io.Reader) { return "", nil }),
		"Go, form": goClient(func(ps []param) (string, io.Reader) {
			return "application/x-www-form-urlencoded", strings.NewReader(encode(ps))
		}),
		"Go, form in chunks": goClient(func(ps []param) (string, io.Reader) {
			return "application/x-www-form-urlencoded", io.MultiReader(strings.NewReader(encode(ps)))
		}),
		"Go, form, no type":     goClient(func(ps []param) (string, io.Reader) { return "", strings.NewReader(encode(ps)) }),
		"Go, JSON":              goClient(goJSON),
		"Go, multipart":         goClient(goMultipart),
		".NET, multipart":       goClient(dotNet("b8a0cd9f-3a4e-4d5e-8f3b-7d6a5c4b3a21", false)),
		".NET, quoted names":    goClient(dotNet("---------------------------8dc0b3c1a2b3c4d", true)),
		"curl -d":               curl(func(ps []param) []string { return []string{"-d", encode(ps)} }),
		"curl --data-urlencode": curl(func(ps []param) []string { return each("--data-urlencode", ps) }),
		"curl -F": curl(func(ps []param) (args []string) {
			for _, p := range ps {
				option := "-F"
				if strings.ContainsAny(p.value, ";<@") { // which mean something to -F
					option = "--form-string"
				}
				args = append(args, option, p.name+"="+p.value)
			}
			return args
		}),
		"curl --json": curl(func(ps []param) []string { return []string{"--json", object(ps)} }),
		"curl -G":     curl(func(ps []param) []string { return append([]string{"-G"}, each("--data-urlencode", ps)...) }),
		"curl -G -X POST": curl(func(ps []param) []string {
			return append([]string{"-G", "-X", "POST"}, each("--data-urlencode", ps)...)
		}),
		"curl, empty body": curl(func(ps []param) []string {
			return append([]string{"-G", "-X", "POST", "-H", "Content-Length: 0"}, each("--data-urlencode", ps)...)
		}),
	}
	for tool, styles := range map[string][]string{
		"python3 client.py": {"query", "form", "json", "multipart"},
		"node client.mjs":   {"query", "get", "form", "json", "multipart"},
		"php client.php":    {"form", "json", "curl query", "curl form", "curl multipart", "curl json"},
		"java Client.java":  {"query", "form", "json", "okhttp", "apache", "spring"},
	} {
		program, script, _ := strings.Cut(tool, " ")
		for _, style := range styles {
			clients[program+", "+style] = scripted(program, script, style)
		}
	}
	up := testkit.StartMOR(t, nil)
	g := start(t, up.Addr, guardedWithGet)
	target := "http://" + g.Addr("SITE") + action
	before, sent := g.Counters(), 0.0
	for name, send := range clients {
		t.Run(name, func(t *testing.T) {
			if answer := strings.TrimSpace(send(t, target, update)); answer != strings.TrimSpace(testkit.Success) {
				t.Fatalf("answer %q\nlog: %v", answer, g.Logged("request refused"))
			}
			seen := up.Requests()
			if len(seen) != 1 {
				t.Fatalf("%d requests reached MOR", len(seen))
			}
			sent++
			want := make(map[string]string)
			for _, p := range update {
				want[p.name] = p.value
			}
			if got := params(t, seen[0]); !maps.Equal(got, want) {
				t.Errorf("MOR gets %q, want %q", got, want)
			}
		})
	}
	wantCounted(t, g, before, map[string]float64{"accepted": sent})
}

// params reads all parameters of a request.
func params(t *testing.T, r testkit.Request) map[string]string {
	t.Helper()
	all := make(map[string]string)
	_, target, _ := strings.Cut(r.Line, " ")
	_, query, _ := strings.Cut(target, "?")
	addForm(t, all, query)
	mediaType, options, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Body == "":
	case mediaType == "application/json":
		d := json.NewDecoder(strings.NewReader(r.Body))
		d.UseNumber()
		var whole map[string]any
		if err := d.Decode(&whole); err != nil {
			t.Fatal(err)
		}
		for name, val := range whole {
			all[name] = fmt.Sprint(val)
		}
	case mediaType == "multipart/form-data":
		form, err := multipart.NewReader(strings.NewReader(r.Body), options["boundary"]).ReadForm(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		for name, vals := range form.Value {
			all[name] = strings.Join(vals, ", ")
		}
	default:
		addForm(t, all, r.Body)
	}
	return all
}

func addForm(t *testing.T, all map[string]string, form string) {
	t.Helper()
	vals, err := url.ParseQuery(form)
	if err != nil {
		t.Fatal(err)
	}
	for name := range vals {
		all[name] = strings.Join(vals[name], ", ")
	}
}

// goClient sends with Go: everything in the query if write gives no body.
func goClient(write func([]param) (contentType string, body io.Reader)) client {
	return func(t *testing.T, target string, ps []param) string {
		t.Helper()
		contentType, body := write(ps)
		if body == nil {
			target += "?" + encode(ps)
		}
		r, err := http.NewRequest(http.MethodPost, target, body)
		if err != nil {
			t.Fatal(err)
		}
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
}

func encode(ps []param) string {
	vals := make(url.Values)
	for _, p := range ps {
		vals.Set(p.name, p.value)
	}
	return vals.Encode()
}

func object(ps []param) string {
	whole := make(map[string]any)
	for _, p := range ps {
		whole[p.name] = p.value
		if strings.Trim(p.value, "0123456789") == "" && p.value != "" {
			whole[p.name] = json.Number(p.value)
		}
	}
	b, err := json.Marshal(whole)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func goJSON(ps []param) (string, io.Reader) {
	return "application/json", strings.NewReader(object(ps))
}

func goMultipart(ps []param) (string, io.Reader) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range ps {
		_ = w.WriteField(p.name, p.value)
	}
	_ = w.Close()
	return w.FormDataContentType(), &b
}

// dotNet writes as MultipartFormDataContent does, which quotes the boundary
// but of the names only those that need it (or that the caller has quoted),
// and puts the type first.
func dotNet(boundary string, quoted bool) func([]param) (string, io.Reader) {
	return func(ps []param) (string, io.Reader) {
		var b bytes.Buffer
		for _, p := range ps {
			name := p.name
			if quoted || strings.ContainsAny(name, "[]") {
				name = `"` + name + `"`
			}
			fmt.Fprintf(&b, "--%s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=%s\r\n\r\n%s\r\n", boundary, name, p.value)
		}
		fmt.Fprintf(&b, "--%s--\r\n", boundary)
		return `multipart/form-data; boundary="` + boundary + `"`, &b
	}
}

func curl(args func([]param) []string) client {
	return func(t *testing.T, target string, ps []param) string {
		t.Helper()
		return run(t, "curl", append([]string{"-sS", "--max-time", "60", target}, args(ps)...)...)
	}
}

func each(option string, ps []param) (args []string) {
	for _, p := range ps {
		args = append(args, option, p.name+"="+p.value)
	}
	return args
}

func scripted(program, script, style string) client {
	return func(t *testing.T, target string, ps []param) string {
		t.Helper()
		args := []string{"testdata/clients/" + script, target, style}
		for _, p := range ps {
			args = append(args, p.name, p.value)
		}
		return run(t, program, args...)
	}
}

func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testkit.Tool(t, program), args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, &stderr)
	}
	return string(out)
}

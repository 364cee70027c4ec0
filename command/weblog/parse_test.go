package weblog

import (
	"strings"
	"testing"
	"time"
)

const target = "/billing/api/did_details_update?u=admin&did_id=6511&hash=f7de"

// Each line is of a form that a server writes, by itself or with a format that
// is in use.
func TestParse(t *testing.T) {
	at := time.Date(2026, 11, 27, 9, 30, 15, 0, time.UTC)
	request := Entry{Kind: Access, Time: at, Client: "192.0.2.7", Status: 200, Method: "POST", Target: target}
	with := func(change func(*Entry)) Entry {
		e := request
		change(&e)
		return e
	}
	v6 := with(func(e *Entry) { e.Client = "2001:db8::7" })
	timeless := with(func(e *Entry) { e.Time = time.Time{} })
	refused := Entry{Kind: Gateway, Time: at, Client: "192.0.2.7", Method: "POST", Verdict: "incorrect_hash", User: "acme", Hint: "newline: x"}
	for _, tt := range []struct {
		name, line string
		want       Entry
	}{
		{"common", `192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "POST ` + target + ` HTTP/1.1" 200 148`, request},
		{"combined", `192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "POST ` + target + ` HTTP/1.1" 200 148 "https://x/" "curl/8 \"x\""`, request},
		{"zone", `192.0.2.7 - - [27/Nov/2026:15:00:15 +0530] "POST ` + target + ` HTTP/1.1" 200 148`, request},
		{"HTTP/2", `192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "POST ` + target + ` HTTP/2.0" 200 148`, request},
		{"virtual host", `mor.example.com:443 192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "POST ` + target + ` HTTP/1.1" 200 148 "-" "-"`, request},
		{"virtual host as an address", `10.0.0.5:80 192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "POST ` + target + ` HTTP/1.1" 200 148`, request},
		{"list of proxies", `192.0.2.7, 10.0.0.9 - - [27/Nov/2026:09:30:15 +0000] "POST ` + target + ` HTTP/1.1" 200 148`, request},
		{"quoted address in front", `"192.0.2.7" - - [27/Nov/2026:09:30:15 +0000] "POST ` + target + ` HTTP/1.1" 200 148`, request},
		{"fields behind", `192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "POST ` + target + ` HTTP/1.1" 200 148 "-" "x" rt=0.003 uct="0.000" "GET / HTTP/1.0"`, request},
		{"time before status", `192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "POST ` + target + ` HTTP/1.1" 0.003 200 148`, request},
		{"commas", `192.0.2.7,[27/Nov/2026:09:30:15 +0000],"POST ` + target + ` HTTP/1.1",200,148`, request},
		{"user", `192.0.2.7 - john [27/Nov/2026:09:30:15 +0000] "POST ` + target + ` HTTP/1.1" 200 148`, request},
		{"user with spaces", `192.0.2.7 - John R. Smith [27/Nov/2026:09:30:15 +0000] "POST ` + target + ` HTTP/1.1" 200 148`, request},
		{"user that looks like a time", `192.0.2.7 - x [01/Jan/2020:00:00:00 +0000] [27/Nov/2026:09:30:15 +0000] "POST ` + target + ` HTTP/1.1" 200 148`, request},
		{"user that looks like a request", `192.0.2.7 - x [01/Jan/2020:00:00:00 +0000] \"GET / HTTP/1.1\" 200 [27/Nov/2026:09:30:15 +0000] "POST ` + target + ` HTTP/1.1" 200 148`, request},
		{"IPv6", `2001:db8::7 - - [27/Nov/2026:09:30:15 +0000] "POST ` + target + ` HTTP/1.1" 200 148`, v6},
		{"IPv6 in brackets with a port", `[2001:db8::7]:4711 - - [27/Nov/2026:09:30:15 +0000] "POST ` + target + ` HTTP/1.1" 200 148`, v6},
		{"IPv4 in IPv6", `::ffff:192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "POST ` + target + ` HTTP/1.1" 200 148`, request},
		{"host name", `client.example.com - - [27/Nov/2026:09:30:15 +0000] "POST ` + target + ` HTTP/1.1" 200 148`, with(func(e *Entry) { e.Client = "client.example.com" })},
		{"ISO time in brackets", `192.0.2.7 - - [2026-11-27T09:30:15+00:00] "POST ` + target + ` HTTP/1.1" 200 148`, request},
		{"ISO time alone", `2026-11-27T09:30:15+00:00 192.0.2.7 "POST ` + target + ` HTTP/1.1" 200 148`, request},
		{"two fields of time", `2026-11-27 09:30:15 192.0.2.7 "POST ` + target + ` HTTP/1.1" 200 148`, request},
		{"seconds", `1795771815.000 192.0.2.7 "POST ` + target + ` HTTP/1.1" 200 148`, request},
		{"bars", `192.0.2.7|2026-11-27T09:30:15Z|"POST ` + target + ` HTTP/1.1"|200`, request},
		{"names before values", `time=2026-11-27T09:30:15Z client=192.0.2.7 request="POST ` + target + ` HTTP/1.1" status=200`, request},
		{"no time", `192.0.2.7 - - "POST ` + target + ` HTTP/1.1" 200 148`, timeless},
		{"request in front", `"POST ` + target + ` HTTP/1.1" 200 192.0.2.7 [27/Nov/2026:09:30:15 +0000]`, with(func(e *Entry) { e.Client = "" })},
		{"no protocol", `192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "POST ` + target + `" 200 148`, request},
		{"no status", `192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "POST ` + target + ` HTTP/1.1"`, with(func(e *Entry) { e.Status = 0 })},
		{"nginx's escapes", `192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "GET /api/x?a=\x22\x5C\xE4 HTTP/1.1" 200 1`, with(func(e *Entry) { e.Method, e.Target = "GET", "/api/x?a=\"\\\xe4" })},
		{"Apache's escapes", `192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "GET /api/x?a=\"\\\xe4\t HTTP/1.1" 200 1`, with(func(e *Entry) { e.Method, e.Target = "GET", "/api/x?a=\"\\\xe4\t" })},
		{"nginx without escapes", `192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "GET /api/x?a="b" HTTP/1.1" 200 1`, with(func(e *Entry) { e.Method, e.Target = "GET", `/api/x?a="b"` })},
		{"space in the target", `192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "GET /api/x y HTTP/1.1" 400 1`, with(func(e *Entry) { e.Method, e.Target, e.Status = "GET", "/api/x y", 400 })},
		{"no request", `192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "-" 408 - "/api/"`, Entry{}},
		{"no request, and a referer", `192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "-" 408 - "https://mor` + target + `"`, Entry{}},
		{"noise for a request", `192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "\x16\x03\x01" 400 - "/api/"`, Entry{}},
		{"nginx's error log", `2026/11/27 09:30:15 [error] 7#7: *1 upstream timed out, client: 192.0.2.7, request: "POST ` + target + ` HTTP/1.1"`, Entry{}},

		{"Caddy", `{"level":"info","ts":1795771815,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"10.0.0.9","client_ip":"192.0.2.7","method":"POST","uri":"` + target + `","headers":{"X":["{}"]}},"status":200}`, request},
		{"Caddy, nothing but the request", `{"ts":"2026-11-27T09:30:15.000Z","request":{"remote_ip":"192.0.2.7","method":"POST","uri":"` + target + `"},"status":200}`, request},
		{"Caddy behind journald's words", `Nov 27 09:30:15 host caddy[7]: {"ts":1795771815,"msg":"handled request","request":{"client_ip":"192.0.2.7","method":"POST","uri":"` + target + `"},"status":200}`, request},
		{"Caddy's console", "2026/11/27 09:30:15.000\tINFO\thttp.log.access\thandled request\t" + `{"request":{"client_ip":"192.0.2.7","method":"POST","uri":"` + target + `"},"status":200}`, request},
		{"Caddy with the gateway", `{"ts":1795771815.0,"logger":"http.log.access","msg":"handled request","request":{"client_ip":"192.0.2.7","method":"POST","uri":"` + target + `"},"status":200,"mor_verdict":"accepted"}`, with(func(e *Entry) { e.Verdict = "accepted" })},
		{"Caddy with what the edge would refuse", `{"ts":1795771815.0,"logger":"http.log.access","msg":"handled request","request":{"client_ip":"192.0.2.7","method":"POST","uri":"` + target + `"},"status":200,"mor_edge":"over http"}`, with(func(e *Entry) { e.Edge = "over http" })},
		{"Caddy's byte that is not UTF-8", `{"ts":1795771815,"msg":"handled request","request":{"client_ip":"192.0.2.7","method":"POST","uri":"/api/x?a=` + "\ufffd" + `"},"status":200}`, with(func(e *Entry) { e.Target = "/api/x?a=\xff" })},
		{"Caddy's other lines", `{"level":"error","ts":1,"logger":"http.log.error","msg":"dial","request":{"method":"POST","uri":"` + target + `"},"status":502}`, Entry{Time: time.Time{}}},
		{"Caddy's filter regexp", `{"ts":1795771815,"msg":"handled request","request":{"client_ip":"192.0.2.7","method":"POST","uri":"/billing/api/did_details_update?REDACTED"},"status":200}`, with(func(e *Entry) { e.Target, e.Redacted = "/billing/api/did_details_update?REDACTED", true })},
		{"Caddy's filter query hash", `{"ts":1795771815,"msg":"handled request","request":{"client_ip":"192.0.2.7","method":"POST","uri":"/api/x?hash=0011aabb&u=a"},"status":200}`, with(func(e *Entry) { e.Target, e.Redacted = "/api/x?hash=0011aabb&u=a", true })},
		{"Caddy's filter delete", `{"ts":1795771815,"msg":"handled request","request":{"client_ip":"192.0.2.7","method":"POST"},"status":200,"mor_verdict":"ambiguous"}`, with(func(e *Entry) { e.Target, e.Redacted, e.Verdict = "", true, "ambiguous" })},
		{"stars for a hash", `192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "POST /api/x?u=a&hash=**** HTTP/1.1" 200 1`, with(func(e *Entry) { e.Target, e.Redacted = "/api/x?u=a&hash=****", true })},
		{"nginx's variables as JSON", `{"time_iso8601":"2026-11-27T09:30:15+00:00","remote_addr":"192.0.2.7","request":"POST ` + target + ` HTTP/1.1","status":"200"}`, request},
		{"the same in parts", `{"time":"27/Nov/2026:09:30:15 +0000","remote_addr":"192.0.2.7","request_method":"POST","request_uri":"` + target + `","status":200}`, request},
		{"other JSON", `{"a":"/api/"}`, Entry{}},

		{"gateway", `{"level":"info","ts":1795771815,"logger":"http.handlers.mor_gateway","msg":"request refused","verdict":"incorrect_hash","user":"acme","did_id":"1","method":"POST","client_ip":"192.0.2.7","hint":"newline: x"}`, refused},
		{"gateway in monitor mode", `{"level":"info","ts":1795771815,"logger":"http.handlers.mor_gateway","msg":"request would be refused","verdict":"incorrect_hash","user":"acme","method":"POST","client_ip":"192.0.2.7","hint":"newline: x"}`, refused},
		{"gateway's console", "2026/11/27 09:30:15.000\t\x1b[34mINFO\x1b[0m\thttp.handlers.mor_gateway\trequest refused\t" + `{"verdict":"incorrect_hash","user":"acme","method":"POST","client_ip":"192.0.2.7","hint":"newline: x"}`, refused},
		{"disagreement", `{"level":"warn","ts":1795771815,"logger":"http.handlers.mor_gateway","msg":"MOR accepts what the gateway would refuse","verdict":"incorrect_hash","user":"acme","method":"POST","client_ip":"192.0.2.7","hint":"newline: x","mor":"success"}`, func() Entry { e := refused; e.MOR = "success"; return e }()},
		{"gateway's start", `{"level":"info","ts":1795771815,"logger":"http.handlers.mor_gateway","msg":"enforce mode: requests that MOR refuses"}`, Entry{Time: at}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := Parse([]byte(tt.line))
			if !ok {
				t.Fatal("not read")
			}
			if !got.Time.Equal(tt.want.Time) {
				t.Errorf("time %v", got.Time)
			}
			got.Time, tt.want.Time = time.Time{}, time.Time{}
			if got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// What is broken is not read, and does no harm.
func TestParseBroken(t *testing.T) {
	whole := `192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "POST ` + target + ` HTTP/1.1" 200 148`
	for _, line := range []string{
		whole[:60], whole[:100],
		// Cut, with the next line behind it.
		whole[:90] + whole,
		// Quotes around each word.
		`192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "POST" "` + target + `" "HTTP/1.1" 200`,
		`did_details_update`, `"/api/"`, `{"uri":"/api/`, `{"request":{"uri":"/api/"`, "\x00\x00\x00/api/\x00", `[27/Nov/2026:09:30:15 +0000] "`, `"`, `\`, `}`, `{}`, `{"logger":1,"request":[],"ts":{}}`,
	} {
		e, ok := Parse([]byte(line))
		if ok && e.Kind != Other {
			t.Errorf("%q is read as %+v", line, e)
		}
		if ok && strings.Contains(line, "did_details_update") {
			t.Errorf("%q names the method, and is not left out", line)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range []string{
		`192.0.2.7 - - [27/Nov/2026:09:30:15 +0000] "POST /billing/api/did_details_update?u=\x22\" HTTP/1.1" 200 148 "-" "x"`,
		`{"ts":1.5,"logger":"http.log.access","msg":"handled request","request":{"method":"POST","uri":"/api/x"},"status":200}`,
		`{"logger":"http.handlers.mor_gateway","msg":"request refused","verdict":"ambiguous"}`,
		`x|2026-11-27T09:30:15Z|"GET /api/ HTTP/1.1"|200`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if len(line) == 0 {
			return
		}
		e, ok := Parse(line)
		if !ok && e != (Entry{}) {
			t.Errorf("%q is not read, but %+v", line, e)
		}
		if e.Kind == Access && e.Target == "" && e.Verdict == "" && !e.Redacted {
			t.Errorf("%q has a request without a target: %+v", line, e)
		}
	})
}

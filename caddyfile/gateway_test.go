package caddyfile

import (
	"crypto/sha1" //nolint:gosec // the API's digest
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2/caddytest"
)

// ports puts ports that nobody listens on in the place of those in this
// file: on a port with a fixed number another Caddy may answer, even one that
// takes these tests' configurations for its own.
var ports = sync.OnceValue(func() *strings.Replacer {
	var pairs []string
	for _, port := range []string{"2999", "9080", "9081", "9082", "9443"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		defer l.Close()
		_, free, _ := net.SplitHostPort(l.Addr().String())
		pairs = append(pairs, ":"+port, ":"+free, "_port "+port, "_port "+free) // and no digits of a hash
	}
	return strings.NewReplacer(pairs...)
})

func newTester(t *testing.T) *caddytest.Tester {
	t.Helper()
	admin, err := strconv.Atoi(ports().Replace(":2999")[1:])
	if err != nil {
		t.Fatal(err)
	}
	return caddytest.NewTester(t).WithDefaultOverrides(caddytest.Config{AdminPort: admin})
}

func load(t *testing.T, tester *caddytest.Tester, config string) {
	t.Helper()
	tester.InitServer(ports().Replace(config), "caddyfile")
}

// globals let a test run where nothing but the loopback is to be had.
const globals = `{
	skip_install_trust
	admin localhost:2999
	http_port 9080
	https_port 9443
	grace_period 1ns
}
`

// mor is a stand-in for MOR that says what reached it.
const mor = `
http://127.0.0.1:9082 {
	@update expression path_regexp('did_details_update')
	respond @update "{method} {uri} {header.Content-Type} {http.request.body}"
	respond "other {method} {uri}"
}
`

const (
	action  = "http://127.0.0.1:9080/billing/api/did_details_update"
	badHash = "0000000000000000000000000000000000000000"
)

func hash(didID, key string) string {
	return fmt.Sprintf("%x", sha1.Sum([]byte(didID+key))) //nolint:gosec // the API's digest
}

func xml(message string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<page>
  <status>
    <error>` + message + `</error>
  </status>
</page>
`
}

func request(t *testing.T, method, url, contentType, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, ports().Replace(url), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

// TestClientStyles runs the documented client styles, accepted and refused,
// through a real Caddy.
func TestClientStyles(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	params := "u=admin&did_id=6511&call_limit=999&hash=" + hash("6511", "secret")
	wrong := "u=admin&did_id=6511&call_limit=999&hash=" + badHash
	json := `{"call_limit":999,"u":"admin","did_id":6511,"hash":"` + hash("6511", "secret") + `","p":"admin1"}`
	tester := newTester(t)
	load(t, tester, globals+`
	http://127.0.0.1:9080 {
		mor_gateway {
			secret secret
			allow_get
		}
		reverse_proxy 127.0.0.1:9082
	}
	http://127.0.0.1:9081 {
		mor_gateway secret
		reverse_proxy 127.0.0.1:9082
	}
	`+mor)
	const closed = "http://127.0.0.1:9081/billing/api/did_details_update"
	uri := "/billing/api/did_details_update"
	for _, tc := range []struct {
		r      *http.Request
		status int
		want   string
	}{
		{request(t, "POST", action+"?"+params, "", ""), 200, "POST " + uri + "?" + params + "  "},
		{request(t, "POST", action+"?"+wrong, "", ""), 200, xml("Incorrect hash")},
		{request(t, "POST", action, form, params), 200, "POST " + uri + " " + form + " " + params},
		{request(t, "POST", action, form, wrong), 200, xml("Incorrect hash")},
		{request(t, "POST", action, "application/json", json), 200, "POST " + uri + " application/json " + json},
		{request(t, "POST", action, "text/plain", params), 415, xml("Content type is not supported")},
		{request(t, "POST", action+"?"+params, form, "call_limit=5"), 400, xml("Ambiguous request")},
		{request(t, "POST", action, form, params+strings.Repeat("&x=y", 16<<10)), 413, xml("Request body is too large")},
		{request(t, "GET", action+"?"+params, "", ""), 200, "GET " + uri + "?" + params + "  "},
		{request(t, "GET", closed+"?"+params, "", ""), 200, xml("GET Requests are disabled")},
		{request(t, "GET", action+"?"+wrong, "", ""), 200, xml("Incorrect hash")},
		{request(t, "GET", closed+"?did_id=6511", "", ""), 200, xml("Access Denied")},
		{request(t, "HEAD", action+"?"+params, "", ""), 405, ""},
		{request(t, "PUT", action+"?"+params, "", ""), 405, xml("Method is not allowed")},
		{request(t, "GET", "http://127.0.0.1:9080/billing/callc/main", "", ""), 200, "other GET /billing/callc/main"},
		{request(t, "PUT", "http://127.0.0.1:9080/x;y?%zz", "text/plain", "body"), 200, "other PUT /x;y?%zz"},
	} {
		resp, _ := tester.AssertResponse(tc.r, tc.status, tc.want)
		if !strings.HasPrefix(tc.want, "<?xml") && tc.status == 200 {
			continue
		}
		for name, want := range map[string]string{
			"Content-Type": "text/xml; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s %s: %s: got %q, want %q", tc.r.Method, tc.r.URL.Path, name, got, want)
			}
		}
		if tc.status == http.StatusMethodNotAllowed && resp.Header.Get("Allow") != "GET, POST" {
			t.Errorf("Allow: %q", resp.Header.Get("Allow"))
		}
		if tc.r.Method == "HEAD" && resp.ContentLength != int64(len(xml("Method is not allowed"))) {
			t.Errorf("HEAD: Content-Length %d", resp.ContentLength)
		}
	}
}

// TestOrder makes sure that no block that dispatches requests, wherever it
// stands in the site, gets past the gateway.
func TestOrder(t *testing.T) {
	for name, site := range map[string]string{
		"handle":              "handle /billing/* {\nreverse_proxy 127.0.0.1:9082\n}\nmor_gateway secret",
		"handle all":          "handle {\nreverse_proxy 127.0.0.1:9082\n}\nmor_gateway secret",
		"handle_path":         "handle_path /billing/* {\nreverse_proxy 127.0.0.1:9082\n}\nmor_gateway secret",
		"route":               "route {\nreverse_proxy 127.0.0.1:9082\n}\nmor_gateway secret",
		"reverse_proxy":       "reverse_proxy 127.0.0.1:9082\nmor_gateway secret",
		"named route":         "invoke billing\nmor_gateway secret",
		"respond":             "respond hello\nmor_gateway secret",
		"rewrite before":      "rewrite /old /billing/api/did_details_update?{query}\nreverse_proxy 127.0.0.1:9082\nmor_gateway secret",
		"strip prefix before": "uri strip_prefix /x\nreverse_proxy 127.0.0.1:9082\nmor_gateway secret",
	} {
		t.Run(name, func(t *testing.T) {
			tester := newTester(t)
			load(t, tester, globals+"&(billing) {\nreverse_proxy 127.0.0.1:9082\n}\nhttp://127.0.0.1:9080 {\n"+site+"\n}\n"+mor)
			paths := []string{
				"/billing/api/did_details_update", "/billing//api/did_details_update.xml", "/billing/api/did%5Fdetails_update/",
				"/x/billing/api/did_details_update",
			}
			if name == "rewrite before" {
				paths = append(paths, "/old")
			}
			for _, path := range paths {
				tester.AssertResponse(request(t, "POST", "http://127.0.0.1:9080"+path+"?u=admin&did_id=6511&hash="+badHash, "", ""), 200, xml("Incorrect hash"))
			}
		})
	}
}

// TestSitesAndReload has two sites with keys of their own, and changes one of
// them.
func TestSitesAndReload(t *testing.T) {
	config := func(first, second string) string {
		return globals + `
		http://127.0.0.1:9080 {
			mor_gateway ` + first + `
			respond first
		}
		http://127.0.0.1:9081 {
			mor_gateway ` + second + `
			respond second
		}`
	}
	tester := newTester(t)
	try := func(port, key, want string) {
		t.Helper()
		url := "http://127.0.0.1:" + port + "/billing/api/did_details_update?u=admin&did_id=1&hash=" + hash("1", key)
		tester.AssertResponse(request(t, "POST", url, "", ""), 200, want)
	}
	load(t, tester, config("one", "two"))
	try("9080", "one", "first")
	try("9080", "two", xml("Incorrect hash"))
	try("9081", "two", "second")
	try("9081", "one", xml("Incorrect hash"))
	load(t, tester, config("one three", "two"))
	try("9080", "one", "first")
	try("9080", "three", "first")
	try("9081", "two", "second")
	load(t, tester, config("three", "two"))
	try("9080", "one", xml("Incorrect hash"))
	try("9080", "three", "first")
}

// TestPlaceholders makes sure that later directives and the access log can
// tell what was decided.
func TestPlaceholders(t *testing.T) {
	tester := newTester(t)
	load(t, tester, globals+`
	http://127.0.0.1:9080 {
		header >X-Verdict "{http.mor_gateway.verdict}|{http.mor_gateway.user}|{http.mor_gateway.did_id}|{http.mor_gateway.error}"
		mor_gateway secret
		respond ok
	}`)
	for query, want := range map[string]string{
		"u=Admin&did_id=1&hash=" + hash("1", "secret"): "accepted|Admin|1|",
		"u=admin&did_id=1&hash=" + badHash:             "incorrect_hash|admin|1|Incorrect hash",
	} {
		r := request(t, "POST", action+"?"+query, "", "")
		resp := tester.AssertResponseCode(r, 200)
		resp.Body.Close()
		if got := resp.Header.Get("X-Verdict"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

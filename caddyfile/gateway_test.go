package caddyfile_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

const (
	update = "/billing/api/did_details_update"
	right  = "u=admin&did_id=6511&call_limit=999&hash=f7de355c9b4421ce6c705b4b32c89dbcaca51e46" // with the key "secret"
	wrong  = "u=admin&did_id=6511&call_limit=999&hash=0000000000000000000000000000000000000000"
)

// TestClientStyles runs the documented client styles, accepted and refused,
// through a real Caddy.
func TestClientStyles(t *testing.T) {
	const form, json = "application/x-www-form-urlencoded", "application/json"
	const body = `{"call_limit":999,"u":"admin","did_id":6511,"hash":"f7de355c9b4421ce6c705b4b32c89dbcaca51e46","p":"admin1"}`
	mor := testkit.StartMOR(t, nil)
	s := testkit.Serve(t, `
	http://:{$OPEN} {
		mor_gateway {
			secret secret
			allow_get
			max_body 1KiB
		}
		reverse_proxy {$MOR}
	}
	http://:{$CLOSED} {
		mor_gateway secret
		reverse_proxy {$MOR}
	}`, "MOR", mor.Addr)
	for _, tt := range []struct {
		name, site, method, target, contentType, body string
		status                                        int
		message                                       string // empty: it reaches MOR
	}{
		{"query", "OPEN", "POST", update + "?" + right, "", "", 200, ""},
		{"query, wrong hash", "OPEN", "POST", update + "?" + wrong, "", "", 200, "Incorrect hash"},
		{"form", "OPEN", "POST", update, form, right, 200, ""},
		{"form, wrong hash", "OPEN", "POST", update, form, wrong, 200, "Incorrect hash"},
		{"JSON", "OPEN", "POST", update, json, body, 200, ""},
		{"text", "OPEN", "POST", update, "text/plain", right, 415, "Content type is not supported"},
		{"twice", "OPEN", "POST", update + "?" + right, form, "call_limit=5", 400, "Ambiguous request"},
		{"large", "OPEN", "POST", update, form, right + strings.Repeat("&x=y", 512), 413, "Request body is too large"},
		{"GET", "OPEN", "GET", update + "?" + right, "", "", 200, ""},
		{"GET, not allowed", "CLOSED", "GET", update + "?" + right, "", "", 200, "GET Requests are disabled"},
		{"GET, wrong hash", "OPEN", "GET", update + "?" + wrong, "", "", 200, "Incorrect hash"},
		{"GET, no user", "CLOSED", "GET", update + "?did_id=6511", "", "", 200, "Access Denied"},
		{"HEAD", "OPEN", "HEAD", update + "?" + right, "", "", 405, "Method is not allowed"},
		{"PUT", "OPEN", "PUT", update + "?" + right, "", "", 405, "Method is not allowed"},
		{"another page", "OPEN", "GET", "/billing/callc/main", "", "", 200, ""},
		{"another page, odd", "OPEN", "PUT", "/x;y?%zz", "text/plain", "body", 200, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var header []string
			if tt.contentType != "" {
				header = []string{"Content-Type", tt.contentType}
			}
			got, seen := testkit.Ask(t, tt.method, "http://"+s.Addr(tt.site)+tt.target, tt.body, header...), mor.Requests()
			if tt.message == "" {
				if len(seen) != 1 || seen[0].Line != tt.method+" "+tt.target || seen[0].Body != tt.body || seen[0].Header.Get("Content-Type") != tt.contentType {
					t.Errorf("MOR saw %+v", seen)
				}
				if got.Status != tt.status || got.Body != testkit.Success {
					t.Errorf("answer %d %q", got.Status, got.Body)
				}
				return
			}
			want := map[string]string{"Content-Type": "text/xml; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
			if tt.status == http.StatusMethodNotAllowed {
				want["Allow"] = "GET, POST"
			}
			xml := testkit.Failure(tt.message)
			if tt.method == "HEAD" {
				want["Content-Length"], xml = strconv.Itoa(len(xml)), ""
			}
			for name, value := range want {
				if got.Header.Get(name) != value {
					t.Errorf("%s: got %q, want %q", name, got.Header.Get(name), value)
				}
			}
			if got.Status != tt.status || got.Body != xml || len(seen) > 0 {
				t.Errorf("answer %d %q; MOR saw %+v", got.Status, got.Body, seen)
			}
		})
	}
}

// TestOrder makes sure that no block that dispatches requests, wherever it
// is in the site, gets past the gateway.
func TestOrder(t *testing.T) {
	for name, site := range map[string]string{
		"handle": `
			handle /billing/* {
				reverse_proxy {$MOR}
			}`,
		"handle all": `
			handle {
				reverse_proxy {$MOR}
			}`,
		"handle_path": `
			handle_path /billing/* {
				reverse_proxy {$MOR}
			}`,
		"route": `
			route {
				reverse_proxy {$MOR}
			}`,
		"reverse_proxy": `reverse_proxy {$MOR}`,
		"named route":   `invoke billing`,
		"respond":       `respond hello`,
		"rewrite before": `
			rewrite /old /billing/api/did_details_update?{query}
			reverse_proxy {$MOR}`,
		"strip prefix before": `
			uri strip_prefix /x
			reverse_proxy {$MOR}`,
	} {
		t.Run(name, func(t *testing.T) {
			mor := testkit.StartMOR(t, nil)
			s := testkit.Serve(t, `
			&(billing) {
				reverse_proxy {$MOR}
			}
			http://:{$SITE} {
				{$DIRECTIVES}
				mor_gateway secret
			}`, "DIRECTIVES", strings.ReplaceAll(site, "{$MOR}", mor.Addr), "MOR", mor.Addr)
			paths := []string{update, "/billing//api/did_details_update.xml", "/billing/api/did%5Fdetails_update/", "/x" + update}
			if name == "rewrite before" {
				paths = append(paths, "/old")
			}
			for _, path := range paths {
				got := testkit.Ask(t, "POST", "http://"+s.Addr("SITE")+path+"?"+wrong, "")
				if seen := mor.Requests(); got.Status != 200 || got.Body != testkit.Failure("Incorrect hash") || len(seen) > 0 {
					t.Errorf("%s: answer %d %q; MOR saw %+v", path, got.Status, got.Body, seen)
				}
			}
		})
	}
}

// TestSitesAndReload has two sites with keys of their own, and changes one of
// them.
func TestSitesAndReload(t *testing.T) {
	const config = `
	http://:{$FIRST} {
		mor_gateway {$KEYS}
		respond ok
	}
	http://:{$SECOND} {
		mor_gateway two
		respond ok
	}`
	s := testkit.Serve(t, config, "KEYS", "one")
	for _, step := range []struct {
		keys         string
		right, wrong []string // for the first site
	}{
		{"one", []string{"one"}, []string{"two", "three"}},
		{"one three", []string{"one", "three"}, []string{"two"}},
		{"three", []string{"three"}, []string{"one", "two"}},
	} {
		t.Run(step.keys, func(t *testing.T) {
			if err := s.Load(config, "KEYS", step.keys); err != nil {
				t.Fatal(err)
			}
			try := func(site, key, want string) {
				t.Helper()
				if got := testkit.Ask(t, "POST", "http://"+s.Addr(site)+update+"?u=admin&did_id=1&hash="+contract.Hash("1", key), ""); got.Body != want {
					t.Errorf("%s with %s: %q", site, key, got.Body)
				}
			}
			for _, key := range step.right {
				try("FIRST", key, "ok")
			}
			for _, key := range step.wrong {
				try("FIRST", key, testkit.Failure("Incorrect hash"))
			}
			try("SECOND", "two", "ok")
			try("SECOND", "one", testkit.Failure("Incorrect hash"))
		})
	}
}

// TestPlaceholders makes sure that later directives and the access log can
// tell what was decided.
func TestPlaceholders(t *testing.T) {
	s := testkit.Serve(t, `http://:{$SITE} {
		header >X-Verdict "{http.mor_gateway.verdict}|{http.mor_gateway.user}|{http.mor_gateway.did_id}|{http.mor_gateway.error}"
		mor_gateway secret
		respond ok
	}`)
	for query, want := range map[string]string{
		"u=Admin&did_id=1&hash=" + contract.Hash("1", "secret"): "accepted|Admin|1|",
		"u=admin&did_id=1&hash=" + contract.Hash("1", "wrong"):  "incorrect_hash|admin|1|Incorrect hash",
	} {
		t.Run(want, func(t *testing.T) {
			got := testkit.Ask(t, "POST", "http://"+s.Addr("SITE")+update+"?"+query, "")
			if got.Status != 200 || got.Header.Get("X-Verdict") != want {
				t.Errorf("answer %d, %q", got.Status, got.Header.Get("X-Verdict"))
			}
		})
	}
}

package deploy

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

func TestCaddyfileIsFormatted(t *testing.T) {
	text, err := os.ReadFile("Caddyfile")
	if err != nil || !bytes.Equal(caddyfile.Format(text), text) {
		t.Errorf("run caddy fmt --overwrite (%v)", err)
	}
}

// others are requests for what the gateway does not check.
var others = []string{
	"/billing/callc/login", "/billing/api/user_details_get?hash=" + wrongHash, "/billing/api/v2/dids", "/", "/phpmyadmin/",
	"/billing/API/did_terminate", "/billing/api/did_details_update_2", "/billing//api/did_make_free", "/billing/api/did%5Fterminate",
}

// The first configuration changes nothing for anybody.
func TestMonitorRefusesNothing(t *testing.T) {
	mor := testkit.StartMOR(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "this is "+r.RequestURI)
	})
	p := start(t, "monitor", mor.Addr)
	waited := len(mor.Lines())
	sent := 0
	for _, scheme := range []string{"http", "https"} {
		for _, target := range append(others, right, wrong, path, path+"?u=admin&u=root", "/billing//api/did%5Fdetails_update.xml") {
			for _, method := range []string{"GET", "POST", "HEAD", "PUT"} {
				sent++
				got := p.ask(method, scheme, target)
				if seen := mor.Lines(); !slices.Equal(seen, []string{method + " " + target}) {
					t.Errorf("%s %s: MOR saw %q", method, target, seen)
				}
				if want := "this is " + target; got.Status != 200 || got.Body != want && method != "HEAD" {
					t.Errorf("%s %s %s: got %d %q", method, scheme, target, got.Status, got.Body)
				}
				for _, name := range []string{"Location", "Strict-Transport-Security", "X-Frame-Options"} {
					if got.Header.Get(name) != "" {
						t.Errorf("%s %s %s: %s is added", method, scheme, target, name)
					}
				}
			}
		}
	}
	p.stop()
	count := func(log, field, value string) (n int) {
		for _, v := range p.values(log, field) {
			if v == value {
				n++
			}
		}
		return n
	}
	if n := count(p.accessLog, "mor_edge", "over http"); n != sent/2 {
		t.Errorf("%d of %d requests over http are told of", n, sent/2)
	}
	// All but the method as it is listed.
	if n, want := count(p.accessLog, "mor_edge", "not open to strangers"), waited+4*(len(others)+1); n != want {
		t.Errorf("%d requests for what is not open are told of, want %d", n, want)
	}
	if count(p.log, "msg", "request would be refused") == 0 {
		t.Error("no request would be refused")
	}
}

// The last one is closed but for what it names.
func TestEdgeIsClosed(t *testing.T) {
	mor := testkit.StartMOR(t, nil)
	p := start(t, "edge", mor.Addr)
	if got := p.ask("POST", "https", right); got.Status != 200 || got.Body != testkit.Success {
		t.Errorf("a right request: %d %q", got.Status, got.Body)
	}
	if seen := mor.Lines(); !slices.Equal(seen, []string{"POST " + right}) {
		t.Errorf("MOR saw %q", seen)
	}
	if got := p.ask("POST", "https", wrong); got.Status != 200 || got.Body != testkit.Failure("Incorrect hash") {
		t.Errorf("a wrong hash: %d %q", got.Status, got.Body)
	}
	for _, target := range append(others, right, wrong) {
		got := p.ask("POST", "http", target)
		if strings.Contains(strings.ToLower(target), "api/") {
			if got.Status != 403 || got.Body != testkit.Failure("HTTPS is required") {
				t.Errorf("http %s: %d %q", target, got.Status, got.Body)
			}
		} else if to := got.Header.Get("Location"); got.Status != 308 || to != "https://mor.example.com"+target {
			t.Errorf("http %s: %d %q", target, got.Status, to)
		}
	}
	for _, target := range others {
		for _, method := range []string{"GET", "POST"} {
			if got := p.ask(method, "https", target); got.Status != 403 {
				t.Errorf("%s %s: %d %q", method, target, got.Status, got.Body)
			}
		}
	}
	if seen := mor.Lines(); seen != nil {
		t.Errorf("MOR saw %q", seen)
	}
	for _, target := range others {
		if got, err := p.send(office, "GET", "https", target, ""); err != nil || got.Status != 200 {
			t.Errorf("the office, %s: %d, %v", target, got.Status, err)
		}
	}
	if got := testkit.Ask(t, "GET", "http://"+p.metrics+"/metrics", ""); !strings.Contains(got.Body, "caddy_mor_gateway_build_info{") || !strings.Contains(got.Body, "caddy_http_requests_total{") {
		t.Errorf("the metrics: %d %q", got.Status, got.Body)
	}
}

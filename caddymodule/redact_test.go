package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// TestNoKeyIsRepeated puts keys of all kinds into all that the gateway repeats
// of a request, and looks at all that comes out.
func TestNoKeyIsRepeated(t *testing.T) {
	long := strings.Repeat("long-key.", 30)
	keys := map[string]string{
		"admin's": "k3y-of-the-admin", "admin's second": "next&k+y %41", "admin's, of digits": "8097531", "a reseller's": "k3y-of-one",
		"a reseller's, of digits": "90817263", "a reseller's, long": long, "in another script": "ключ-ключ",
	}
	s := testkit.Serve(t, `{
		metrics
	}
	(site) {
		log
		mor_gateway {
			secret k3y-of-the-admin "next&k+y %41" 8097531
			reseller one k3y-of-one "ключ-ключ"
			reseller two 90817263 {$LONG}
			mode {args[0]}
		}
		import shows verdict
		import shows user
		import shows did_id
		import shows error
		import shows changes
		@down query say=*
		reverse_proxy @down unix//nowhere/{query.say}
		reverse_proxy {$MOR}
	}
	(shows) {
		header >gateway-{args[0]} {http.mor_gateway.{args[0]}}
		log_append gateway_{args[0]} {http.mor_gateway.{args[0]}}
	}
	http://:{$ENFORCE} {
		import site enforce
	}
	http://:{$MONITOR} {
		import site monitor
	}`, "LONG", long, "MOR", testkit.StartMOR(t, nil).Addr)
	isDigits := func(s string) bool { return strings.Trim(s, "0123456789") == "" }
	isToken := func(s string) bool { return !strings.ContainsAny(s, "&+ %ю") && len(s) < 30 }

	// For each place what the request is, with a key in it, and the fields in
	// which it would be.
	right := func(didID string) url.Values {
		return url.Values{"u": {"admin"}, "did_id": {didID}, "hash": {contract.Hash(didID, "k3y-of-the-admin")}}
	}
	places := []struct {
		name    string
		can     func(text string) bool
		request func(text string) (method string, query url.Values, contentType string)
		fields  []string
	}{
		{"u, accepted", nil, func(text string) (string, url.Values, string) {
			q := right("6511")
			q.Set("u", text)
			return "POST", q, ""
		}, []string{"user"}},
		{"u, refused", nil, func(text string) (string, url.Values, string) {
			return "POST", url.Values{"u": {text}, "did_id": {"6511"}}, ""
		}, []string{"user"}},
		{"did_id, accepted", isDigits, func(text string) (string, url.Values, string) { return "POST", right(text), "" }, []string{"did_id"}},
		{"did_id, refused", isDigits, func(text string) (string, url.Values, string) {
			return "POST", url.Values{"u": {"admin"}, "did_id": {text}}, ""
		}, []string{"did_id"}},
		{"content_type", isToken, func(text string) (string, url.Values, string) { return "POST", right("6511"), "text/x-" + text }, []string{"content_type"}},
		{"method", isToken, func(text string) (string, url.Values, string) { return text, right("6511"), "" }, []string{"method"}},
		{"changes", nil, func(text string) (string, url.Values, string) {
			q := right("6511")
			q.Set("did_user_id", text)
			return "POST", q, ""
		}, []string{"gateway_changes"}},
		{"error", func(text string) bool { return len(text) < 100 }, func(text string) (string, url.Values, string) {
			q := right("6511")
			q.Set("say", text)
			return "POST", q, ""
		}, []string{"error"}},
	}
	done := 0
	for _, place := range places {
		for kind, key := range keys {
			for _, text := range []string{key, key + "11", "11" + key + "11", "11" + key} {
				if place.can != nil && !place.can(text) {
					continue
				}
				for _, mode := range []string{"enforce", "monitor"} {
					method, query, contentType := place.request(text)
					body := ""
					if contentType != "" {
						body = "x"
					}
					logged := len(s.Log())
					c := testkit.Connect(t, s.Addr(strings.ToUpper(mode)))
					c.Send(fmt.Sprintf("%s %s?%s HTTP/1.1\r\nHost: mor.example\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
						method, action, query.Encode(), contentType, len(body), body))
					head, _, _ := strings.Cut(c.Rest(), "\r\n\r\n")
					c.Close()
					done++
					s.Settle(done)
					at := fmt.Sprintf("%s: %s key in %q, %s", place.name, kind, text, mode)
					shown := map[string]bool{}
					for _, line := range strings.Split(head, "\r\n") {
						if strings.HasPrefix(strings.ToLower(line), "gateway-") && strings.Contains(line, key) {
							t.Errorf("%s: %s", at, line)
						}
					}
					for line := range strings.Lines(s.Log()[logged:]) {
						for name, val := range gatewayFields(t, line) {
							if strings.Contains(val, key) {
								t.Errorf("%s: the field %s is %q", at, name, val)
							}
							shown[name] = shown[name] || strings.Contains(val, "REDACTED")
						}
					}
					for _, field := range place.fields {
						if !shown[field] {
							t.Errorf("%s: %s is not REDACTED:\n%s", at, field, s.Log()[logged:])
						}
					}
					if t.Failed() {
						return
					}
				}
			}
		}
	}
	text := testkit.Ask(t, "GET", s.Admin+"/metrics", "").Body
	for kind, key := range keys {
		if strings.Contains(text, key) {
			t.Errorf("the metrics show the %s key", kind)
		}
	}
	if done < 200 {
		t.Errorf("%d requests", done)
	}
}

// gatewayFields returns what the gateway wrote into a line of the log: all
// fields of its own lines, and its own in the access log.
func gatewayFields(t *testing.T, line string) map[string]string {
	t.Helper()
	all, own := map[string]any{}, map[string]string{}
	if err := json.Unmarshal([]byte(line), &all); err != nil {
		t.Fatal(err)
	}
	for name, val := range all {
		if all["logger"] == "http.handlers.mor_gateway" || strings.HasPrefix(name, "gateway_") || name == "mor_verdict" {
			own[name] = fmt.Sprint(val)
		}
	}
	return own
}

// A digest is left out wherever it is, also where a text is cut.
func TestNoDigestIsRepeated(t *testing.T) {
	s := testkit.Serve(t, `http://:{$SITE} {
		log
		mor_gateway secret
	}`)
	digest := contract.Hash("6511", "secret")
	done := 0
	for n := range 300 {
		for _, user := range []string{
			strings.Repeat("x", n) + digest,
			strings.Repeat(digest, 5) + strings.Repeat("y", n) + digest,
			strings.Repeat("z", n%70) + strings.ToUpper(digest) + strings.Repeat("y", n) + digest,
		} {
			post(t, s.Addr("SITE"), "u="+user+"&did_id=6511")
			done++
		}
	}
	s.Settle(done)
	lines := s.Logged("request refused")
	if len(lines) != done {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines {
		user := line["user"].(string)
		for part := range strings.SplitSeq(strings.ReplaceAll(strings.ToLower(user), "redacted", " "), " ") {
			if digits := strings.Trim(part, "xyz"); len(digits) >= 32 {
				t.Errorf("user is %q", user)
			}
		}
	}
}

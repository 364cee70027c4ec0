package traffic_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
	"github.com/mor-gateway/caddy-mor-gateway/command/traffic"
)

// ownLine is a line of the gateway's log in monitor mode, with MOR's answer if
// it is not empty.
func ownLine(user, method, verdict, hint, mor string) string {
	message := "request would be refused"
	if mor != "" {
		message, mor = "MOR accepts what the gateway would refuse", `,"mor":"`+mor+`"`
	}
	return fmt.Sprintf(`{"ts":1795771815,"logger":"http.handlers.mor_gateway","msg":%q,"verdict":%q,"user":%q,"method":%q,"client_ip":"192.0.2.7","hint":%q%s}`+"\n", message, verdict, user, method, hint, mor)
}

// The block from the gateway's own log stops nobody whom MOR accepts, or may
// accept.
func TestSuggestionFromOwnLog(t *testing.T) {
	const newline = "newline: a newline after the key was hashed too"
	refusedGet := ownLine("globex", "GET", "get_disabled", "", "")
	for _, tt := range []struct {
		name, log string
		want, not []string
	}{
		{"GET that MOR accepts", refusedGet + ownLine("globex", "GET", "get_disabled", "", "success"),
			[]string{"\tusers globex\n", "\tallow_get\n", "# 1 request used GET."}, []string{"eft out"}},
		{"GET without MOR's answer", refusedGet,
			[]string{"\t# Not left out, although their hashes were never checked: globex.\n", "\tusers globex\n", "\tallow_get\n"}, []string{"# Left out"}},
		{"GET, and MOR refuses it", refusedGet + ownLine("globex", "GET", "get_disabled", "", "incorrect_hash"),
			[]string{"\t# Not left out, although their hashes were never checked: globex.\n"}, []string{"# Left out"}},
		{"user who is not in the list", ownLine("globex", "POST", "access_denied", "", ""),
			[]string{"\tusers globex\n"}, []string{"# Left out", "allow_get"}},
		{"wrong hash", ownLine("globex", "POST", "incorrect_hash", newline, ""),
			[]string{"# Left out, because none of their hashes is right: globex.\n"}, []string{"users", "allow_get"}},
		{"wrong hash that MOR accepts", ownLine("globex", "POST", "incorrect_hash", newline, "") + ownLine("globex", "POST", "incorrect_hash", newline, "success"),
			[]string{"\tusers globex\n"}, []string{"eft out"}},
		{"MOR's answer in another log", ownLine("globex", "POST", "incorrect_hash", newline, "success") + access("POST "+path+"?u=Globex&did_id=1&hash="+hash("1", "secret\n")),
			[]string{"\tusers Globex\n"}, []string{"eft out"}},
		{"hash in the body", access("POST " + path + "?u=globex"),
			[]string{"# users globex\n"}, []string{"# Left out"}},
		{"Caddy's access log", `{"ts":1795771815,"logger":"http.log.access","msg":"handled request","request":{"method":"GET","uri":"` + path + `?REDACTED"},"status":200,"mor_verdict":"get_disabled","mor_user":"globex"}` + "\n",
			[]string{"\tusers globex\n", "\tallow_get\n"}, []string{"# Left out"}},
		{"wrong hash in a GET of an access log", access("GET " + path + "?u=globex&did_id=1&hash=" + hash("1", "secret\n")),
			[]string{"# Left out, because none of their hashes is right: globex.\n"}, []string{"users", "allow_get"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checkBlock(t, new(caddymodule.Handler), tt.log, tt.want, tt.not)
		})
	}
}

// checkBlock compares the block for a log with what it shall have.
func checkBlock(t *testing.T, h *caddymodule.Handler, log string, want, not []string) {
	t.Helper()
	c := traffic.New(policy())
	if err := c.Read("log", strings.NewReader(log)); err != nil {
		t.Fatal(err)
	}
	block := c.Report(h).Suggestion
	for _, s := range want {
		if !strings.Contains(block, s) {
			t.Errorf("no %q in\n%s", s, block)
		}
	}
	for _, s := range not {
		if strings.Contains(block, s) {
			t.Errorf("%q in\n%s", s, block)
		}
	}
}

// Of a user of whom only MOR's answer is known there are no requests.
func TestUserOfAnAnswer(t *testing.T) {
	r, _ := report(t, traffic.New(policy()), ownLine("globex", "GET", "get_disabled", "", "success"))
	if len(r.Users) != 0 || r.Requests != 0 {
		t.Errorf("%d requests, users %+v", r.Requests, r.Users)
	}
}

// The block has the keys where the service can read them, and refuses nothing
// if the config did not.
func TestSuggestionKeepsTheConfig(t *testing.T) {
	log := access("POST " + whole("admin", "1", "secret"))
	for _, tt := range []struct {
		name      string
		h         caddymodule.Handler
		want, not []string
	}{
		{"the packages' folder", caddymodule.Handler{
			Secrets:   []string{"{file./etc/caddy-mor-gateway/keys/admin.new}", "{file./etc/caddy-mor-gateway/keys/admin}"},
			Resellers: map[string][]string{"shop": {"{file./etc/caddy-mor-gateway/keys/reseller.shop}"}},
		}, []string{
			"\tsecret {file.{$MOR_KEYS:/etc/caddy-mor-gateway/keys/}admin.new} {file.{$MOR_KEYS:/etc/caddy-mor-gateway/keys/}admin}\n",
			"\treseller shop {file.{$MOR_KEYS:/etc/caddy-mor-gateway/keys/}reseller.shop}\n",
		}, []string{"mode"}},
		{"other places", caddymodule.Handler{Secrets: []string{"{file./run/secrets/key}", "{env.KEY}", "{file./etc/caddy-mor-gateway/keys/old/admin}"}},
			[]string{"\tsecret {file./run/secrets/key} {env.KEY} {file./etc/caddy-mor-gateway/keys/old/admin}\n"}, nil},
		{"monitor mode", caddymodule.Handler{Mode: caddymodule.ModeMonitor}, []string{"\tmode monitor\n"}, nil},
		{"enforce mode", caddymodule.Handler{Mode: caddymodule.ModeEnforce}, nil, []string{"mode"}},
	} {
		t.Run(tt.name, func(t *testing.T) { checkBlock(t, &tt.h, log, tt.want, tt.not) })
	}
}

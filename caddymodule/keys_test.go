package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// morOf is a stand-in that checks the hash as the contract says MOR does. It
// is written without the gateway's code.
func morOf(admin string, resellers map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		didID, given := q.Get("did_id"), q.Get("hash")
		own, isReseller := resellers[strings.ToLower(q.Get("u"))]
		if given == contract.Hash(didID, admin) || isReseller && given == contract.Hash(didID, own) {
			_, _ = io.WriteString(w, testkit.Success)
			return
		}
		_, _ = io.WriteString(w, testkit.Failure("Incorrect hash"))
	}
}

// TestKeysOfUsers: "For a u that is a reseller MOR accepts a hash made with
// the reseller's key or with the admin's. For everyone else only the admin's
// key counts." In both modes the outcome is MOR's own.
func TestKeysOfUsers(t *testing.T) {
	t.Setenv("ADMIN_KEY", "admin's key")
	t.Setenv("ONE_KEY", "one's key")
	t.Setenv("TWO_KEY", "two's key")
	upstream := testkit.StartMOR(t, morOf("admin's key", map[string]string{"one": "one's key", "two": "two's key"}))
	s := testkit.Serve(t, `
	(site) {
		log
		mor_gateway {
			secret {env.ADMIN_KEY}
			reseller One {env.ONE_KEY}
			reseller two {env.TWO_KEY}
			mode {args[0]}
		}
		reverse_proxy {$MOR}
	}
	http://:{$ENFORCE} {
		import site enforce
	}
	http://:{$MONITOR} {
		import site monitor
	}`, "MOR", upstream.Addr)
	enforce, monitor := s.Addr("ENFORCE"), s.Addr("MONITOR")
	before := s.Counters()
	users := []string{"admin", "accountant", "one", "ONE", "two", "Two", "stranger"}
	keys := []string{"admin's key", "one's key", "two's key", "nobody's key", ""}
	right, wrong := 0, 0
	for _, user := range users {
		for _, key := range keys {
			name := strings.ToLower(user)
			want := testkit.Failure("Incorrect hash")
			if key == "admin's key" || key == name+"'s key" {
				want = testkit.Success
				right++
			} else {
				wrong++
			}
			query := "u=" + user + "&did_id=6511&hash=" + contract.Hash("6511", key)
			upstream.Requests()
			if got := post(t, enforce, query); got != want {
				t.Errorf("enforce: %s with %q: %s", user, key, got)
			}
			if asked := len(upstream.Requests()); (asked == 1) != (want == testkit.Success) {
				t.Errorf("enforce: %s with %q: MOR was asked %d times", user, key, asked)
			}
			if got := post(t, monitor, query); got != want {
				t.Errorf("monitor: %s with %q: %s", user, key, got)
			}
		}
	}
	s.Settle(2 * (right + wrong))
	want := map[string]float64{}
	for _, mode := range []string{"enforce", "monitor"} {
		want[`requests_total{mode="`+mode+`",verdict="accepted"}`] = float64(right)
		want[`requests_total{mode="`+mode+`",verdict="incorrect_hash"}`] = float64(wrong)
	}
	if got := s.Since(before); fmt.Sprint(got) != fmt.Sprint(want) { // no disagreement either
		t.Errorf("counted %v, want %v", got, want)
	}
}

// TestUsers: "the operator configured a list of users and u is not on it";
// resellers are included.
func TestUsers(t *testing.T) {
	s := testkit.Serve(t, `http://:{$SITE} {
		mor_gateway {
			secret secret
			reseller One own
			users Admin two
		}
		respond ok
	}`)
	addr := s.Addr("SITE")
	denied := testkit.Failure("Access Denied")
	for user, want := range map[string]string{
		"admin": "ok", "ADMIN": "ok", "two": "ok", "one": "ok", "oNE": "ok",
		"three": denied, "admin2": denied, "": denied, "+": denied, "admin+": denied,
	} {
		t.Run(user, func(t *testing.T) {
			if got := post(t, addr, "u="+user+"&did_id=1&hash="+contract.Hash("1", "secret")); got != want {
				t.Error(got)
			}
		})
	}
	// An unlisted user learns nothing about the hash.
	if got := post(t, addr, "u=three&did_id=1&hash=no"); got != denied {
		t.Error(got)
	}
}

// provision loads a handler's JSON as Caddy does.
func provision(t testing.TB, h *caddymodule.Handler) error {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(cancel)
	if err := h.Provision(ctx); err != nil {
		return err
	}
	return h.Validate()
}

// TestKeyMistakes: "an empty key is a configuration error", and so is what
// the operator can't have meant. The message says where, and quotes no key.
func TestKeyMistakes(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "{file." + path + "}"
	}
	t.Setenv("EMPTY_KEY", "")
	t.Setenv("BLANK_KEY", " \t\n")
	t.Setenv("GOOD_KEY", "sesame")
	t.Setenv("NAME_KEY", "GOOD_KEY")
	blank, two, missing := file("blank", "\n \n"), file("two", "sesame\nopen\n"), "{file."+dir+"/missing}"
	for _, tt := range []struct {
		secrets   []string
		resellers map[string][]string
		want      []string // "": it loads
	}{
		{[]string{"{env.GOOD_KEY}"}, nil, nil},
		{[]string{" sesame \n", file("good", "\tsesame\r\n")}, nil, nil},
		{nil, nil, []string{"secrets: no key"}},
		{[]string{""}, nil, []string{"secrets[0]", "is empty"}},
		{[]string{"sesame", " \t"}, nil, []string{"secrets[1]", "is empty"}},
		{[]string{"{env.EMPTY_KEY}"}, nil, []string{"secrets[0]: {env.EMPTY_KEY} is empty"}},
		{[]string{"{env.UNSET_KEY}"}, nil, []string{"secrets[0]: {env.UNSET_KEY}: the variable is not set"}},
		{[]string{"{env.BLANK_KEY}"}, nil, []string{"secrets[0]: {env.BLANK_KEY} is empty"}},
		{[]string{missing}, nil, []string{"secrets[0]: " + missing, "cannot be read: no such file or directory"}},
		{[]string{file("empty", "")}, nil, []string{"secrets[0]: {file." + dir + "/empty} is empty"}},
		{[]string{file("marked", "\ufeffsesame")}, nil, []string{"secrets[0]: {file." + dir + "/marked} begins with a byte order mark"}},
		{[]string{file("utf16le", "\xff\xfes\x00e\x00s\x00\r\x00\n\x00")}, nil, []string{"secrets[0]: {file." + dir + "/utf16le} is UTF-16 text"}},
		{[]string{file("utf16be", "\xfe\xff\x00s\x00e\x00s\x00\r\x00\n")}, nil, []string{"is UTF-16 text"}},
		{[]string{file("utf16", "s\x00e\x00s\x00a\x00m\x00e\x00\n\x00")}, nil, []string{"is UTF-16 text"}},
		{[]string{"/run/sesame"}, nil, []string{"secrets[0]", "looks like the path of a file"}},
		{[]string{"GOOD_KEY"}, nil, []string{"secrets[0]", "is the name of a variable"}},
		{[]string{file("path", "/sesame"), "{env.NAME_KEY}"}, nil, nil}, // what really looks so
		{[]string{blank}, nil, []string{"secrets[0]: " + blank + " is empty"}},
		{[]string{two}, nil, []string{"secrets[0]: " + two + " has more than one line"}},
		{[]string{"{sesame}"}, nil, []string{"secrets[0]", "looks like a placeholder"}},
		{[]string{"sesame{env.UNSET_KEY}"}, nil, []string{"secrets[0]", "looks like a placeholder"}},
		{[]string{"{env.GOOD_KEY}"}, map[string][]string{"a": {"x"}, "b": {"{env.UNSET_KEY}"}}, []string{"resellers[\"b\"][0]: {env.UNSET_KEY}: the variable is not set"}},
		{[]string{"{env.GOOD_KEY}"}, map[string][]string{"a": {"x", ""}}, []string{`resellers["a"][1]`, "is empty"}},
		{[]string{"{env.GOOD_KEY}"}, map[string][]string{"sesame": {}}, []string{"resellers[number 1 by username]", "no key"}},
		{[]string{"{env.GOOD_KEY}"}, map[string][]string{"Sesame": {"x"}, "sesame": {"y"}}, []string{"resellers[number 2 by username]", "is repeated"}},
		{[]string{"{env.GOOD_KEY}"}, map[string][]string{"shop": {}}, []string{`resellers["shop"]: no key`}},
		{[]string{"{env.GOOD_KEY}"}, map[string][]string{"shop@reseller.example": {""}}, []string{`resellers["shop@reseller.example"][0]`}},
		{[]string{"{env.GOOD_KEY}"}, map[string][]string{"SESAME": {""}}, []string{"resellers[number 1 by username][0]"}},
		{[]string{"{env.GOOD_KEY}"}, map[string][]string{"open-sesame-which-is-long": {""}}, []string{"resellers[number 1 by username][0]"}},
		{[]string{"{env.GOOD_KEY}"}, map[string][]string{" ": {"x"}}, []string{"resellers[number 1 by username]", "empty"}},
	} {
		t.Run(fmt.Sprintf("%q %q", tt.secrets, tt.resellers), func(t *testing.T) {
			err := provision(t, &caddymodule.Handler{Secrets: tt.secrets, Resellers: tt.resellers})
			if (err == nil) != (tt.want == nil) {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %q", err, want)
				}
			}
			if err != nil && strings.Contains(strings.ToLower(err.Error()), "sesame") {
				t.Errorf("quotes a key: %v", err)
			}
		})
	}
}

// TestLoadedKeys: at each load one line says which keys there are, from which
// copy of each file; warnings name the places of what can hardly be meant.
func TestLoadedKeys(t *testing.T) {
	const long = "sesame-that-is-long-enough"
	keyFile := filepath.Join(t.TempDir(), "key")
	write := func(key string, changed time.Time) {
		t.Helper()
		if err := os.WriteFile(keyFile, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(keyFile, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("ADMIN_KEY", long)
	for _, tt := range []struct {
		name, block, key string
		warnings         []string // with their fields
	}{
		{"all is well", "secret {env.ADMIN_KEY} {file." + keyFile + "}\nreseller Shop {file." + keyFile + "2}", long + "1\n", nil},
		{"in quotes", "secret {file." + keyFile + "}\nreseller Shop {file." + keyFile + "2}", `"` + long + `"`, []string{"secrets[0]: {file." + keyFile + "} is in quotes, which count"}},
		{"a line of an environment file", "secret {file." + keyFile + "}\nreseller Shop {file." + keyFile + "2}", "MOR_API_SECRET_KEY=" + long, []string{"secrets[0]: {file." + keyFile + "} begins with NAME="}},
		{"invisible", "secret {file." + keyFile + "}\nreseller Shop {file." + keyFile + "2}", long + "\u200b\n", []string{"has an invisible character"}},
		{"Latin-1", "secret {file." + keyFile + "}\nreseller Shop {file." + keyFile + "2}", long + "\xe4", []string{"is not UTF-8"}},
		{"of the admin and a reseller", "secret {env.ADMIN_KEY} {file." + keyFile + "}\nreseller Shop {env.ADMIN_KEY}", long + "1", []string{`resellers["Shop"][0] is the same key as secrets[0]`}},
		{"of two resellers", "secret {env.ADMIN_KEY} {file." + keyFile + "}\nreseller b {file." + keyFile + "2}\nreseller a {file." + keyFile + "2}", long + "1", []string{`resellers["b"][0] is the same key as resellers["a"][0]`}},
		{"twice", "secret {env.ADMIN_KEY} {file." + keyFile + "}\nreseller b {file." + keyFile + "2}", long, []string{"secrets[1] is the same key as secrets[0]"}},
		{"short", "secret {env.ADMIN_KEY} {file." + keyFile + "}\nreseller b {file." + keyFile + "2}", "sesame78901234x", []string{"shorter than 16 bytes"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(keyFile+"2", []byte(long+"2"), 0o600); err != nil {
				t.Fatal(err)
			}
			write(tt.key, time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)))
			site := "http://:{$SITE} {\nmor_gateway {\n" + tt.block + "\n}\nrespond ok\n}"
			s := testkit.Serve(t, site)
			var warnings []string
			for line := range strings.Lines(s.Log()) {
				if strings.Contains(line, `"level":"warn","ts"`) && strings.Contains(line, "http.handlers.mor_gateway") {
					warnings = append(warnings, line)
				}
				if strings.Contains(line, long[:6]) {
					t.Errorf("a key is in %s", line)
				}
			}
			if len(warnings) != len(tt.warnings) {
				t.Fatalf("warnings %q", warnings)
			}
			for i, want := range tt.warnings {
				var fields map[string]any
				if err := json.Unmarshal([]byte(warnings[i]), &fields); err != nil || !strings.Contains(fmt.Sprint(fields["msg"]), want) {
					t.Errorf("warning %s, want %q", warnings[i], want)
				}
				if tt.name == "short" && fmt.Sprint(fields["places"]) != "[secrets[1]]" {
					t.Errorf("places %v", fields["places"])
				}
			}
			write(long+"3", time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC))
			if err := s.Load(site); err != nil {
				t.Fatal(err)
			}
			lines := s.Logged("API Secret Keys loaded")
			if len(lines) != 2 {
				t.Fatalf("%d lines in two loads", len(lines))
			}
			for i, want := range []string{"2026-01-02T02:04:05Z", "2027-01-02T03:04:05Z"} {
				files, _ := lines[i]["files_changed"].(map[string]any)
				if lines[i]["level"] != "info" || files[keyFile] != want {
					t.Errorf("load %d: %v", i, lines[i])
				}
				if lines[i]["admin_keys"] != float64(strings.Count(tt.block[:strings.Index(tt.block, "\n")], "{")) || lines[i]["resellers"] != float64(strings.Count(tt.block, "reseller ")) {
					t.Errorf("load %d of %q: %v", i, tt.block, lines[i])
				}
			}
		})
	}
}

// TestPlainTextWarning: one line says how many keys anyone can read who can
// read the config.
func TestPlainTextWarning(t *testing.T) {
	t.Setenv("GOOD_KEY", "sesame")
	s := testkit.Serve(t, `
	http://:{$ONE} {
		mor_gateway {
			secret {env.GOOD_KEY} plain1
			reseller one plain2 {env.GOOD_KEY}
			reseller two plain3
		}
	}
	http://:{$TWO} {
		mor_gateway {env.GOOD_KEY}
	}`)
	var got []any
	for line := range strings.Lines(s.Log()) {
		if strings.Contains(line, "plain text") {
			got = append(got, line)
		}
	}
	if len(got) != 1 || !strings.Contains(fmt.Sprint(got), `"keys":3`) {
		t.Errorf("warnings: %v", got)
	}
}

// TestKeysAreNowhere looks for resolved keys in all that Caddy shows of its
// config: the admin API, what it saves and adapts, the trace of a request,
// logs, and the errors of a load.
func TestKeysAreNowhere(t *testing.T) {
	keys := []string{"key-from-the-environment", "key-from-a-file", "key-of-a-reseller"}
	keyFile := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(keyFile, []byte(keys[1]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ADMIN_KEY", keys[0])
	t.Setenv("RESELLER_KEY", keys[2])
	const config = `{
		debug
		servers {
			trace
		}
	}
	http://:{$SITE} {
		log
		mor_gateway {
			secret {env.ADMIN_KEY} {file.{$FILE}}
			reseller one {env.RESELLER_KEY}
			{$MORE}
		}
		respond ok
	}`
	s := testkit.Serve(t, config, "FILE", keyFile, "MORE", "")
	addr := s.Addr("SITE")
	for _, key := range keys {
		for _, user := range []string{"one", "admin"} {
			post(t, addr, "u="+user+"&did_id=1&hash="+contract.Hash("1", key))
			post(t, addr, "u="+user+"&did_id=1&hash="+contract.Hash("1", key+"x"))
		}
	}
	s.Settle(12)
	loadErr := s.Load(config, "FILE", keyFile, "MORE", "reseller two {env.UNSET_KEY}")
	if loadErr == nil {
		t.Fatal("a config with an unset key loads")
	}
	autosaved, err := os.ReadFile(filepath.Join(s.Dir, "autosave.json"))
	if err != nil {
		t.Fatal(err)
	}
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(s.Caddyfile(config, "FILE", keyFile, "MORE", "")), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.Log(), `"http.log.trace"`) {
		t.Error("no trace in the log")
	}
	places := map[string]string{
		"log":      s.Log(),
		"/config/": testkit.Ask(t, "GET", s.Admin+"/config/", "").Body,
		"/metrics": testkit.Ask(t, "GET", s.Admin+"/metrics", "").Body,
		"autosave": string(autosaved),
		"adapt":    string(adapted),
		"error":    loadErr.Error(),
	}
	for place, text := range places {
		if key := testkit.FindAny(text, keys); key != "" {
			t.Errorf("%s shows %q", place, key)
		}
		if place != "/metrics" && place != "error" && !strings.Contains(text, "{env.ADMIN_KEY}") {
			t.Errorf("%s does not show the config", place)
		}
	}
}

// TestKeyFileChanged: the keys are read when a config is loaded. Caddy takes
// an unchanged config for loaded, unless it is forced.
func TestKeyFileChanged(t *testing.T) {
	keyFile := filepath.Join(t.TempDir(), "key")
	write := func(key string) {
		if err := os.WriteFile(keyFile, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old")
	s := testkit.New(t)
	addr := s.Addr("SITE")
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(s.Caddyfile(`http://:{$SITE} {
		mor_gateway {file.{$FILE}}
		respond ok
	}`, "FILE", keyFile)), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	try := func(step, right, wrong string) {
		t.Helper()
		if got := post(t, addr, "u=a&did_id=1&hash="+contract.Hash("1", right)); got != "ok" {
			t.Errorf("%s: %s: %s", step, right, got)
		}
		if got := post(t, addr, "u=a&did_id=1&hash="+contract.Hash("1", wrong)); got == "ok" {
			t.Errorf("%s: %s is still right", step, wrong)
		}
	}
	load := func(force bool) {
		if err := caddy.Load(config, force); err != nil {
			t.Fatal(err)
		}
	}
	load(false)
	try("start", "old", "new")
	write("new")
	try("file changed", "old", "new")
	load(false)
	try("reload", "old", "new")
	load(true)
	try("reload --force", "new", "old")
	write("")
	if err := caddy.Load(config, true); err == nil {
		t.Error("an empty key file loads")
	}
	try("a failed reload", "new", "old")
}

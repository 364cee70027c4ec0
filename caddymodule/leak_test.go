package caddymodule_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// filters returns the log filters of the examples and of the packages, with the
// names of the files that have them.
func filters(t *testing.T) map[string][]string {
	t.Helper()
	found := make(map[string][]string)
	for _, file := range []string{"../caddyfile/log.caddy", "../deploy/Caddyfile"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		both := regexp.MustCompile(`(?s)\n\(mor_log\) {\n.*\n\(mor_runtime_log\) {\n.*?\n}\n`).FindString(string(text))
		if both == "" {
			t.Fatalf("%s has no snippets mor_log and mor_runtime_log", file)
		}
		found[both] = append(found[both], filepath.Base(file))
	}
	return found
}

// TestNothingLeaks runs the binary with the examples' log filters, everything
// logged that Caddy can log, and a MOR that fails in all ways, and looks for
// hashes, passwords and keys in all that comes out.
func TestNothingLeaks(t *testing.T) {
	caddy, err := testkit.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for snippets, files := range filters(t) {
		t.Run(strings.Join(files, ","), func(t *testing.T) { leaks(t, caddy, snippets) })
	}
}

func leaks(t *testing.T, caddy, snippets string) {
	secrets := []string{"the-key-of-the-admin", "the-key-of-one", "sesame"}
	upstream := testkit.StartMOR(t, func(w http.ResponseWriter, r *http.Request) {
		how := r.Header.Get("Answer")
		switch how {
		case "breaks off":
			_, _ = io.WriteString(w, "<page>")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "closes":
			panic(http.ErrAbortHandler)
		case "redirects":
			w.Header().Set("Location", "https://mor.example"+r.RequestURI)
			w.Header().Set("Refresh", "1; url="+r.RequestURI)
			w.WriteHeader(http.StatusFound)
		case "another key":
			_, _ = io.WriteString(w, testkit.Failure("Incorrect hash"))
		case "fails":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			_, _ = io.WriteString(w, testkit.Success)
		}
	})
	s := testkit.New(t)
	dir := s.Dir
	// The default log goes to standard error. The last site's requests are in no access log, but its errors are in
	// the default one. Nobody is at the third one's MOR.
	config := s.Fill(`
	{$SNIPPETS}
	(site) {
		rewrite /old/* {uri}&again=1
		mor_gateway {
			secret {env.ADMIN_KEY}
			reseller one {env.ONE_KEY}
			mode {args[0]}
		}
		reverse_proxy {args[1]}
	}
	{
		admin 127.0.0.1:{$ADMIN}
		default_bind 127.0.0.1
		debug
		metrics
		servers {
			trace
		}
		import mor_runtime_log
	}
	http://:{$ONE} {
		log {
			import mor_log
			output stdout
		}
		import site enforce {$MOR}
	}
	http://:{$TWO} {
		log {
			import mor_log
			output file {$DIR}/access.log
		}
		import site monitor {$MOR}
	}
	http://:{$THREE} {
		log {
			import mor_log
			output stdout
		}
		import site enforce {$NOBODY}
	}
	http://:{$FOUR} {
		import site monitor {$MOR}
	}`, "SNIPPETS", snippets, "MOR", upstream.Addr, "NOBODY", testkit.FreeAddr(t))
	sites := []string{s.Addr("ONE"), s.Addr("TWO"), s.Addr("THREE"), s.Addr("FOUR")}
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), caddy, "run", "--config", file)
	cmd.Env = append(os.Environ(), "ADMIN_KEY="+secrets[0], "ONE_KEY="+secrets[1], "HOME="+dir)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}
	defer stop()
	testkit.Ask(t, "GET", s.Admin+"/config/", "") // once it has started

	hashes := []string{contract.Hash("6511", secrets[0]), contract.Hash("6511", secrets[1]), contract.Hash("6511", "another key")}
	for _, addr := range sites {
		for _, h := range hashes {
			query := "u=one&did_id=6511&p=sesame&hash=" + h
			for _, target := range []string{
				action + "?" + query, action + ".xml?" + query + "&call_limit=-1", "/other?" + query, "/old/api?" + query,
				// What the filter that goes by names would miss.
				action + "?u=one&%5Bhash%5D=" + h, action + "?u=one&hash%00=" + h, action + "?HASH=" + h, action + "?x=;hash=" + h + "&p=%zz",
				// What clients get wrong.
				action + "&" + query, action + "%3F" + query, action + ";hash=" + h, action + "/hash=" + h,
				"http://mor.example" + action + "?" + query, "mor:" + action + "?" + query, action + "?" + query + "#" + h,
			} {
				for _, answer := range []string{"", "breaks off", "closes", "redirects", "another key", "fails"} {
					for _, body := range []string{"", query, `{"u":"one","did_id":6511,"p":"sesame","hash":"` + h + `"}`} {
						kind := "application/x-www-form-urlencoded"
						if strings.HasPrefix(body, "{") {
							kind = "application/json"
						}
						if body != "" && !strings.HasPrefix(target, action) {
							continue
						}
						send(t, addr, fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: mor.example\r\nAnswer: %s\r\nReferer: https://mor.example/?%s\r\n"+
							"X-Original-Url: /?%s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", target, answer, query, query, kind, len(body), body))
					}
				}
			}
		}
	}
	out := map[string]string{}
	for _, path := range []string{"/config/", "/metrics", "/reverse_proxy/upstreams", "/debug/vars"} {
		out["admin "+path] = testkit.Ask(t, "GET", s.Admin+path, "").Body
	}
	stop()
	out["stdout"], out["stderr"] = stdout.String(), stderr.String()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			text, readErr := os.ReadFile(path)
			out[path], err = string(text), readErr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, hashes...)
	for place, text := range out {
		for line := range strings.Lines(text) {
			if secret := testkit.FindAny(line, secrets); secret != "" {
				t.Errorf("%s shows %q: %.600s", place, secret, line)
				break
			}
		}
	}
	// All of these had a chance to.
	for place, lines := range map[string][]string{
		"stdout": {`"msg":"handled request"`},
		"stderr": {
			`"msg":"aborting with incomplete response"`, `"logger":"http.log.error`, `"logger":"http.log.trace"`, `"msg":"upstream roundtrip"`,
			`"msg":"rewrote request"`, `"msg":"request refused"`, `"msg":"request would be refused"`, `"msg":"request accepted"`,
			`"msg":"no answer from MOR"`, "the keys have drifted",
		},
		filepath.Join(dir, "access.log"):          {`"msg":"handled request"`, `"mor_verdict":"incorrect_hash"`},
		filepath.Join(dir, "caddy/autosave.json"): {"{env.ADMIN_KEY}"},
	} {
		for _, line := range lines {
			if !strings.Contains(out[place], line) {
				t.Errorf("%s does not have %s", place, line)
			}
		}
	}
}

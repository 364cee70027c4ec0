package caddymodule_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// filters returns the log filters of the example Caddyfiles, with the names of
// those that have them.
func filters(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("../caddyfile/*.Caddyfile")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	found := make(map[string][]string)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, ok := strings.Cut(string(text), "\n(mor_log) {\n")
		snippet, _, ends := strings.Cut(rest, "\n}\n")
		if !ok || !ends {
			t.Fatalf("%s has no snippet mor_log", file)
		}
		found[snippet] = append(found[snippet], filepath.Base(file))
	}
	return found
}

// TestNothingLeaks runs the binary with the examples' log filters, everything
// logged that Caddy can log, and a MOR that fails in all ways, and looks for
// hashes, passwords and keys in all that comes out.
func TestNothingLeaks(t *testing.T) {
	caddy := filepath.Join(t.TempDir(), "caddy")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "nobadger,nomysql,nopgx", "-o", caddy, "../cmd/caddy")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for snippet, files := range filters(t) {
		t.Run(strings.Join(files, ","), func(t *testing.T) { leaks(t, caddy, snippet) })
	}
}

func leaks(t *testing.T, caddy, snippet string) {
	secrets := []string{"the-key-of-the-admin", "the-key-of-one", "sesame"}
	upstream := mor(t, func(w http.ResponseWriter, r *http.Request) {
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
			_, _ = io.WriteString(w, envelope("error", "Incorrect hash"))
		case "fails":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			_, _ = io.WriteString(w, success)
		}
	})
	dir, admin := t.TempDir(), testkit.FreeAddr(t)
	sites := []string{testkit.FreeAddr(t), testkit.FreeAddr(t), testkit.FreeAddr(t), testkit.FreeAddr(t)}
	config := fmt.Sprintf("(mor_log) {\n%s\n}\n{\nadmin %s\ndebug\nmetrics\nservers {\ntrace\n}\nlog default {\nimport mor_log\n}\n}\n", snippet, admin)
	for i, addr := range sites {
		_, port, _ := net.SplitHostPort(addr)
		log := "log {\nimport mor_log\noutput " + []string{"stdout", "file " + filepath.Join(dir, "access.log")}[i%2] + "\n}"
		if i == 3 {
			log = "" // then the site's requests are in no access log, but its errors are in the default one
		}
		to, mode := upstream, "enforce"
		if i%2 == 1 {
			mode = "monitor"
		}
		if i == 2 {
			to = testkit.FreeAddr(t) // nobody is there
		}
		config += "http://:" + port + " {\nbind 127.0.0.1\n" + log + `
			rewrite /old/* {uri}&again=1
			mor_gateway {
				secret {env.ADMIN_KEY}
				reseller one {env.ONE_KEY}
				mode ` + mode + `
			}
			reverse_proxy ` + to + "\n}\n"
	}
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), caddy, "run", "--config", file)
	cmd.Env = append(os.Environ(), "ADMIN_KEY="+secrets[0], "ONE_KEY="+secrets[1], "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir, "HOME="+dir)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}
	defer stop()
	testkit.Eventually(t, "Caddy has started", func() bool {
		resp, err := client.Get("http://" + admin + "/config/")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})

	hashes := []string{hash("6511", secrets[0]), hash("6511", secrets[1]), hash("6511", "another key")}
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
	out := map[string][]byte{}
	for _, path := range []string{"/config/", "/metrics", "/reverse_proxy/upstreams", "/debug/vars"} {
		out["admin "+path] = []byte(get(t, "http://"+admin+path))
	}
	stop()
	out["stdout"], out["stderr"] = stdout.Bytes(), stderr.Bytes()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out[path], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, hashes...)
	for place, text := range out {
		for line := range bytes.Lines(text) {
			if secret, ok := contains(line, secrets); ok {
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
			if !bytes.Contains(out[place], []byte(line)) {
				t.Errorf("%s does not have %s", place, line)
			}
		}
	}
}

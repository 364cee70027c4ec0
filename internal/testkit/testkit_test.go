package testkit

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

func TestBuild(t *testing.T) {
	path, err := Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode()&0o111 == 0 {
		t.Error(info, err)
	}
}

func TestCaddy(t *testing.T) {
	mor := StartMOR(t, nil)
	const caddyfile = `{
		debug
	}
	http://:{$SITE} {
		log
		header X-Which {$WHICH}
		reverse_proxy {$MOR}
	}`
	c := Serve(t, caddyfile, "WHICH", "first", "MOR", mor.Addr)
	for _, which := range []string{"first", "second"} {
		if err := c.Load(caddyfile, "WHICH", which, "MOR", mor.Addr); err != nil {
			t.Fatal(err)
		}
		if got := Ask(t, "POST", "http://"+c.Addr("SITE")+"/x", "body"); got.Header.Get("X-Which") != which || got.Body != Success {
			t.Errorf("%+v", got)
		}
		if seen := mor.Requests(); len(seen) != 1 || seen[0].Line != "POST /x" || seen[0].Body != "body" {
			t.Errorf("%+v", seen)
		}
	}
	c.Settle(2)
	if lines := c.Logged("handled request"); len(lines) != 2 {
		t.Errorf("%d lines in the access log", len(lines))
	}
	if err := c.Load("http://:{$SITE} {\n\tno_such_directive\n}"); err == nil {
		t.Error("a wrong Caddyfile is taken")
	}
}

// Whoever runs the tests may have a Caddy running already.
func TestCaddyWritesOnlyToItsFolder(t *testing.T) {
	files := func() map[string]time.Time {
		found := map[string]time.Time{}
		for _, dir := range []string{caddy.AppConfigDir(), caddy.AppDataDir()} {
			_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					info, _ := d.Info()
					found[path] = info.ModTime()
				}
				return nil
			})
		}
		return found
	}
	before := files()
	t.Run("Caddy", func(t *testing.T) {
		c := Serve(t, `
		https://localhost:{$SITE} {
			tls internal
			respond ok
		}`)
		Eventually(t, "the configuration is saved", func() bool {
			text, err := os.ReadFile(filepath.Join(c.Dir, "autosave.json"))
			return err == nil && strings.Contains(string(text), "localhost")
		})
	})
	if after := files(); !maps.Equal(before, after) {
		t.Errorf("there were %v, and are %v", before, after)
	}
}

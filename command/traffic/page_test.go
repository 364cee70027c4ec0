package traffic_test

import (
	"bytes"
	"context"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/command/traffic"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// browse opens a page in Chromium, and returns what the page's errors are, what
// was asked for, and the folder where Chromium leaves what the flags say.
func browse(t *testing.T, page string, flags ...string) (errors string, asked []string, dir string) {
	t.Helper()
	var mu sync.Mutex
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Path)
		mu.Unlock()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(page))
	}))
	defer srv.Close()
	dir = t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, testkit.Tool(t, "chromium"), slices.Concat([]string{
		"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--hide-scrollbars", "--user-data-dir=" + filepath.Join(dir, "profile"),
		"--enable-logging=stderr", "--proxy-server=127.0.0.1:1", "--proxy-bypass-list=127.0.0.1",
	}, flags, []string{srv.URL + "/report.html"})...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "CONSOLE") {
			errors += line
		}
	}
	mu.Lock()
	defer mu.Unlock()
	return errors, slices.Clone(asked), dir
}

// sampleReport is the report of the sample log, and of lines with a disagreement
// and with injections.
func samplePage(t *testing.T) string {
	t.Helper()
	c := traffic.New(policy())
	r, _ := report(t, c, sampleLog(), hostileLog())
	var b bytes.Buffer
	if err := r.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A browser shows the page in the colours that it is to have, without an error,
// and asks for nothing else. The page's policy allows its own style, and no
// other, no script and no picture.
func TestPageInChromium(t *testing.T) {
	page := samplePage(t)
	for _, tt := range []struct {
		name     string
		flags    []string
		accepted color.NRGBA // a bar's
	}{
		{"light", []string{"--window-size=1000,1500"}, color.NRGBA{0x1f, 0x7a, 0x4d, 0xff}},
		{"dark", []string{"--window-size=1000,1500", "--force-dark-mode"}, color.NRGBA{0x4c, 0xc3, 0x8a, 0xff}},
		{"phone", []string{"--window-size=390,1500"}, color.NRGBA{0x1f, 0x7a, 0x4d, 0xff}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			errors, asked, dir := browse(t, page, append(tt.flags, "--screenshot=page.png")...)
			if errors != "" || !slices.Equal(asked, []string{"/report.html"}) {
				t.Errorf("errors %q, asked for %q", errors, asked)
			}
			f, err := os.Open(filepath.Join(dir, "page.png"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			picture, err := png.Decode(f)
			if err != nil {
				t.Fatal(err)
			}
			green := 0
			for x := range picture.Bounds().Dx() {
				for y := range picture.Bounds().Dy() {
					if color.NRGBAModel.Convert(picture.At(x, y)) == tt.accepted {
						green++
					}
				}
			}
			if green < 1000 {
				t.Errorf("only %d pixels are green", green)
			}
		})
	}
	t.Run("print", func(t *testing.T) {
		errors, _, dir := browse(t, page, "--print-to-pdf=page.pdf")
		if info, err := os.Stat(filepath.Join(dir, "page.pdf")); errors != "" || err != nil || info.Size() < 10_000 {
			t.Errorf("errors %q, %v", errors, err)
		}
	})
	// What the browser says if there is something to say.
	t.Run("changed", func(t *testing.T) {
		more := strings.NewReplacer("<style>", "<style>x", "</main>", `<script>1</script><img src="/x.png"></main>`).Replace(page)
		errors, asked, _ := browse(t, more, "--screenshot=page.png")
		for _, what := range []string{"inline style", "inline script", "/x.png"} {
			if !strings.Contains(errors, what) {
				t.Errorf("%q is not among the errors %q", what, errors)
			}
		}
		if !slices.Equal(asked, []string{"/report.html"}) {
			t.Errorf("asked for %q", asked)
		}
	})
}

// The page has no script that could be off.
func TestPageHasNoScript(t *testing.T) {
	for tag := range tags(samplePage(t)) {
		if strings.HasPrefix(tag, "<script") || regexp.MustCompile(`\s(on\w+|href|src|style)\b`).MatchString(tag) {
			t.Errorf("the page has %s", tag)
		}
	}
}

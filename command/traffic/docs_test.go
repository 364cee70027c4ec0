package traffic_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
	"github.com/mor-gateway/caddy-mor-gateway/command/traffic"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC // reports have local times
	os.Exit(m.Run())
}

// The document for operators shows what mor-report says of the sample log. With
// MOR_GATEWAY_UPDATE_DOCS=1 it is written anew, and the picture of the page.
func TestDocument(t *testing.T) {
	const document, command, picture = "../../docs/operating.md", "./caddy mor-report --html report.html /var/log/apache2/access.log\n```\n\n```\n", "../../docs/report.png"
	c := traffic.New(policy())
	if err := c.Read("access.log", strings.NewReader(sampleLog())); err != nil {
		t.Fatal(err)
	}
	r := c.Report(new(caddymodule.Handler))
	var text, page bytes.Buffer
	for _, err := range []error{r.WriteText(&text, false), r.WriteHTML(&page)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	shown, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(shown), command)
	_, after, end := strings.Cut(rest, "```\n")
	if !ok || !end {
		t.Fatalf("%s does not show the command", document)
	}
	want := before + command + text.String() + "```\n" + after
	if os.Getenv("MOR_GATEWAY_UPDATE_DOCS") == "1" {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil { //nolint:gosec // a document
			t.Fatal(err)
		}
		_, _, dir := browse(t, page.String(), "--window-size=900,1150", "--screenshot=page.png")
		image, err := os.ReadFile(filepath.Join(dir, "page.png"))
		if err == nil {
			err = os.WriteFile(picture, image, 0o644) //nolint:gosec // a document
		}
		if err != nil {
			t.Fatal(err)
		}
	} else if want != string(shown) {
		t.Errorf("%s does not show what mor-report prints; run the test with MOR_GATEWAY_UPDATE_DOCS=1. It prints:\n%s", document, &text)
	}
}

package caddymodule_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// compressed returns a text in a coding.
func compressed(coding, text string) string {
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zlib":
		w = zlib.NewWriter(&b)
	case "deflate":
		w, _ = flate.NewWriter(&b, flate.BestCompression)
	case "stored":
		w, _ = flate.NewWriter(&b, flate.NoCompression)
	case "zstd":
		w, _ = zstd.NewWriter(&b)
	case "zstd large window":
		w, _ = zstd.NewWriter(&b, zstd.WithWindowSize(8<<20))
	case "zstd beyond the web's":
		w, _ = zstd.NewWriter(&b, zstd.WithWindowSize(16<<20))
	}
	_, _ = io.WriteString(w, text)
	if z, ok := w.(*zstd.Encoder); ok {
		_ = z.Flush() // then the frame declares a window, not its size
	}
	_ = w.Close()
	return b.String()
}

// plainAndGuarded is a site without the directive, and one with it.
const plainAndGuarded = `
	http://:{$PLAIN} {
		log
		reverse_proxy {$MOR}
	}
	http://:{$GUARDED} {
		log
		mor_gateway secret
		reverse_proxy {$MOR}
	}`

// An answer that is compressed is compared like any other, within the same
// bounds, and reaches the client as MOR sent it.
func TestCompressedMORAnswers(t *testing.T) {
	refused := testkit.Failure("Incorrect hash")
	bomb := strings.Repeat(" ", 8<<20)
	noise := func() string { // does not compress
		var b strings.Builder
		for i := range 1 << 10 {
			b.WriteString(contract.Hash(fmt.Sprint(i), ""))
		}
		return b.String()
	}()
	for _, tt := range []struct {
		name, encoding, body string
		counted              string
	}{
		{"gzip", "gzip", compressed("gzip", refused), drifted},
		{"gzip in capitals", "GZIP", compressed("gzip", refused), drifted},
		{"x-gzip", "x-gzip", compressed("gzip", refused), drifted},
		{"two members of gzip", "gzip", compressed("gzip", refused[:60]) + compressed("gzip", refused[60:]), drifted},
		{"deflate", "deflate", compressed("zlib", refused), drifted},
		{"deflate without zlib's frame", "deflate", compressed("deflate", refused), drifted},
		{"deflate, stored", "deflate", compressed("stored", refused), drifted},
		{"zstd", "zstd", compressed("zstd", refused), drifted},
		{"zstd with a large window", "zstd", compressed("zstd large window", refused), drifted},
		{"zstd with a window that is too large", "zstd", compressed("zstd beyond the web's", refused), unreadDamaged},
		{"identity", "identity", refused, drifted},
		{"success", "gzip", compressed("gzip", testkit.Success), ""},
		{"success, stored, after an error", "deflate", compressed("stored", refused+testkit.Success), drifted},
		{"MOR's to say", "zstd", compressed("zstd", testkit.Failure("Access Denied")), ""},
		{"another coding", "br", refused, unreadCoding},
		{"two codings", "gzip, gzip", compressed("gzip", compressed("gzip", refused)), unreadCoding},
		{"not gzip", "gzip", refused, unreadDamaged},
		{"not deflate", "deflate", refused, unreadDamaged},
		{"not zstd", "zstd", refused, unreadDamaged},
		{"nothing", "gzip", "", unreadDamaged},
		{"broken off early", "gzip", compressed("gzip", refused)[:20], unreadDamaged},
		{"broken off after the message", "gzip", compressed("gzip", refused+noise)[:2048], drifted},
		{"broken inside", "zstd", compressed("zstd", refused)[:50], unreadDamaged},
		{"neither", "gzip", compressed("gzip", "<html></html>"), unreadNothing},
		{"at the beginning of much", "gzip", compressed("gzip", refused+bomb), drifted},
		{"at the end of 4 KiB", "gzip", compressed("gzip", pad(4096, refused)), drifted},
		{"past 4 KiB", "gzip", compressed("gzip", pad(8192, refused)), unreadTooLong},
		{"past 4 KiB, zstd", "zstd", compressed("zstd", pad(8192, refused)), unreadTooLong},
		{"past 4 KiB of gzip", "gzip", compressed("gzip", noise+refused), unreadTooLong},
		{"a bomb of gzip", "gzip", compressed("gzip", bomb+refused), unreadTooLong},
		{"a bomb of deflate", "deflate", compressed("zlib", bomb+refused), unreadTooLong},
		{"a bomb of zstd", "zstd", compressed("zstd", bomb+refused), unreadTooLong},
	} {
		t.Run(tt.name, func(t *testing.T) {
			upstream := testkit.StartMOR(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", tt.encoding)
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				_, _ = io.WriteString(w, tt.body)
			})
			s := testkit.Serve(t, plainAndGuarded, "MOR", upstream.Addr)
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			target := action + "?u=admin&did_id=6511&hash=" + contract.Hash("6511", "secret")
			before := s.Counters()
			want := view(t, client, "http://"+s.Addr("PLAIN")+target, "")
			if got := view(t, client, "http://"+s.Addr("GUARDED")+target, ""); got != want {
				t.Errorf("the client sees\n%.500s\nand without the directive\n%.500s", got, want)
			}
			s.Settle(2)
			counted := s.Since(before)
			delete(counted, `requests_total{mode="enforce",verdict="accepted"}`)
			expect := map[string]float64{}
			if tt.counted != "" {
				expect[tt.counted] = 1
			}
			if fmt.Sprint(counted) != fmt.Sprint(expect) {
				t.Errorf("counted %v, want %v", counted, expect)
			}
			lines := s.Logged("MOR's answer cannot be read")
			if unread := strings.HasPrefix(tt.counted, "unread"); unread != (len(lines) == 1) {
				t.Fatalf("%d lines say that it cannot be read", len(lines))
			}
			if len(lines) == 1 && (!strings.Contains(tt.counted, fmt.Sprintf(`"%v"`, lines[0]["reason"])) || lines[0]["level"] != "debug") {
				t.Errorf("%v", lines[0])
			}
		})
	}
}

// Whatever the client accepts, what a real web server makes of it is read.
func TestMORBehindEncode(t *testing.T) {
	s := testkit.Serve(t, strings.ReplaceAll(plainAndGuarded, "{$MOR}", "127.0.0.1:{$ENCODES}")+`
	http://:{$ENCODES} {
		encode zstd gzip {
			minimum_length 1
		}
		header Content-Type text/html
		respond "<page><status><error>Incorrect hash</error></status></page>"
	}`)
	for i, tt := range []struct{ accepts, coding string }{
		{"gzip", "gzip"}, {"zstd", "zstd"}, {"gzip, deflate, br, zstd", "zstd"}, {"gzip, deflate", "gzip"}, {"identity", ""}, {"*", ""}, {"", ""},
	} {
		before := s.Counters()
		var bodies [2]string
		for j, addr := range []string{s.Addr("PLAIN"), s.Addr("GUARDED")} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+action+"?u=admin&did_id=6511&hash="+contract.Hash("6511", "secret"), nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header["Accept-Encoding"] = []string{tt.accepts} // "" sends none
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			if got := resp.Header.Get("Content-Encoding"); got != tt.coding {
				t.Errorf("%q is answered in %q", tt.accepts, got)
			}
			bodies[j] = string(b)
		}
		if bodies[0] != bodies[1] {
			t.Errorf("%q: the client gets %q, and without the directive %q", tt.accepts, bodies[1], bodies[0])
		}
		s.Settle(2 * (i + 1))
		if n := s.Since(before)[drifted]; n != 1 {
			t.Errorf("%q: %v", tt.accepts, s.Since(before))
		}
	}
}

package weblog

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// Scan finds the lines that matter, however they are spelled and cut into
// pieces, and counts the others.
func TestScan(t *testing.T) {
	lines := []string{
		`"GET /billing/api/did_details_update HTTP/1.1"`,
		`"GET / HTTP/1.1"`,
		`"GET /billing/api/did_terminate HTTP/1.1"` + "\r",
		"",
		"\r",
		"garbage",
		`"GET /billing/did%5Fdetails_update HTTP/1.1"`,
		`"GET /billing/did%5fdetails_update HTTP/1.1"`,
		`"GET /billing/%64id_details_update HTTP/1.1"`,
		`"GET /billing/did%255Fdetails_update HTTP/1.1"`,
		`"GET /a%20b%2Fc%C3%A4 HTTP/1.1"`,
		`{"logger":"http.handlers.mor_gateway"}`,
		`{"mor_verdict":"accepted"}`,
		`{"other":1}`,
		`"x86_64 did_details_updat api/ /api _ mo_r %4"`,
		`/api/`,
		`did_details_update`,
	}
	hits := []int{0, 2, 6, 7, 8, 9, 11, 12, 15, 16}
	for _, end := range []string{"\n", ""} {
		text := strings.Join(lines, "\n") + end
		for name, r := range map[string]io.Reader{
			"whole":                    strings.NewReader(text),
			"by bytes":                 iotest.OneByteReader(strings.NewReader(text)),
			"by half":                  iotest.HalfReader(strings.NewReader(text)),
			"data and the end at once": iotest.DataErrReader(strings.NewReader(text)),
		} {
			t.Run(fmt.Sprintf("%s %q", name, end), func(t *testing.T) {
				var found []string
				n, err := Scan(r, func(line []byte) { found = append(found, string(line)) })
				var want []string
				for _, i := range hits {
					want = append(want, strings.TrimSuffix(lines[i], "\r"))
				}
				if err != nil || !slices.Equal(found, want) {
					t.Errorf("error %v, found %q", err, found)
				}
				if n != (Lines{All: int64(len(lines)), Unknown: 1}) {
					t.Errorf("%+v", n)
				}
			})
		}
	}
}

// zeros is a line that is longer than any memory should be.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left <= 0 {
		return 0, io.EOF
	}
	n := int(min(z.left, int64(len(p))))
	z.left -= int64(n)
	clear(p[:n])
	return n, nil
}

// A long line is counted and left out, anywhere, in the memory of a
// short one.
func TestScanLongLines(t *testing.T) {
	const hit = `"GET /api/x HTTP/1.1"`
	for _, tt := range []struct {
		name       string
		r          io.Reader
		all, found int
		long       int64
	}{
		{"alone", &zeros{1 << 30}, 1, 0, 1},
		{"between", io.MultiReader(strings.NewReader(hit+"\n"), &zeros{5 << 20}, strings.NewReader("\n"+hit)), 3, 2, 1},
		{"first and last", io.MultiReader(&zeros{5 << 20}, strings.NewReader("\n"+hit+"\n"), &zeros{5 << 20}), 3, 1, 2},
		{"just short enough", strings.NewReader(strings.Repeat("x", MaxLine-len(hit)-1) + hit + "\n" + hit), 2, 2, 0},
		{"just too long", strings.NewReader(strings.Repeat("x", MaxLine-len(hit)) + hit + "\n" + hit), 2, 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := 0
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			n, err := Scan(tt.r, func([]byte) { found++ })
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > 4*MaxLine {
				t.Errorf("took %d bytes", took)
			}
			if err != nil || found != tt.found || n != (Lines{All: int64(tt.all), Long: tt.long}) {
				t.Errorf("error %v, found %d, %+v", err, found, n)
			}
		})
	}
}

// What came before an error counts.
func TestScanError(t *testing.T) {
	broken := errors.New("broken")
	found := 0
	n, err := Scan(io.MultiReader(strings.NewReader("/api/\n/api/"), iotest.ErrReader(broken)), func([]byte) { found++ })
	if !errors.Is(err, broken) || found != 2 || n.All != 2 {
		t.Errorf("error %v, found %d, %+v", err, found, n)
	}
}

func TestOpen(t *testing.T) {
	var z bytes.Buffer
	for range 2 { // two members, as logs are joined
		w := gzip.NewWriter(&z)
		_, _ = w.Write([]byte(strings.Repeat("line\n", 10_000)))
		w.Close()
	}
	for _, tt := range []struct {
		name, in string
		size     int
		err      string
	}{
		{"plain", "line\n", 5, ""},
		{"empty", "", 0, ""},
		{"gzip", z.String(), 100_000, ""},
		{"gzip without its end", z.String()[:z.Len()-20], 100_000, "unexpected EOF"},
		{"gzip without its head", z.String()[:5], 0, "unexpected EOF"},
		{"gzip that is none", "\x1f\x8b" + strings.Repeat("x", 50), 0, "invalid header"},
		{"xz", "\xfd7zXZ\x00x", 0, "xz -dc"},
		{"zstd", "\x28\xb5\x2f\xfdx", 0, "zstd -dc"},
		{"bzip2", "BZh9x", 0, "bzip2 -dc"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Open(strings.NewReader(tt.in))
			var text []byte
			if err == nil {
				text, err = io.ReadAll(r)
			}
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			if len(text) > tt.size || tt.err == "" && len(text) != tt.size {
				t.Errorf("%d bytes, want %d", len(text), tt.size)
			}
		})
	}
}

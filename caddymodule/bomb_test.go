package caddymodule

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// A bomb costs a small amount of memory, however large it is.
func TestBombIsBounded(t *testing.T) {
	make10MiB := func(open func(io.Writer) io.WriteCloser) []byte {
		var b bytes.Buffer
		w := open(&b)
		_, _ = w.Write(make([]byte, 10<<20))
		_ = w.Close()
		return b.Bytes()
	}
	for name, tt := range map[string]struct {
		coding coding
		open   func(io.Writer) io.WriteCloser
	}{
		"gzip": {gzipped, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }},
		"zlib": {deflated, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }},
		"flate": {deflated, func(w io.Writer) io.WriteCloser {
			z, _ := flate.NewWriter(w, flate.BestCompression)
			return z
		}},
		"zstd": {zstandard, func(w io.Writer) io.WriteCloser {
			z, _ := zstd.NewWriter(w, zstd.WithWindowSize(8<<20))
			return z
		}},
	} {
		t.Run(name, func(t *testing.T) {
			a := morAnswer{coding: tt.coding}
			a.see(make10MiB(tt.open))
			_, _, _ = a.message() // what is made once for all answers
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, why := a.message()
			runtime.ReadMemStats(&after)
			if why != unreadTooLong {
				t.Errorf("%s", why)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 512<<10 {
				t.Errorf("takes %d bytes", n)
			}
		})
	}
}

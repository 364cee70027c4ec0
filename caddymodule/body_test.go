package caddymodule

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// TestReadBody reads bodies that hold what they declare, and others. What was
// taken from the body is returned in any case: monitor mode forwards it.
func TestReadBody(t *testing.T) {
	const limit = 1000
	full := strings.Repeat("x", limit)
	broken := iotest.ErrReader(errors.New("connection reset"))
	late := iotest.ErrReader(os.ErrDeadlineExceeded)
	for name, tc := range map[string]struct {
		length int64
		body   io.Reader
		taken  string
		want   validation.Verdict
	}{
		"as declared":               {3, strings.NewReader("abc"), "abc", validation.Accepted},
		"as declared, bit by bit":   {3, iotest.OneByteReader(strings.NewReader("abc")), "abc", validation.Accepted},
		"as declared, at the limit": {limit, strings.NewReader(full), full, validation.Accepted},
		"cut short":                 {4, strings.NewReader("abc"), "abc", validation.Incomplete},
		"nothing of it":             {3, strings.NewReader(""), "", validation.Incomplete},
		"longer than declared":      {3, strings.NewReader("abcd"), "abcd", validation.Incomplete},
		"broken":                    {4, io.MultiReader(strings.NewReader("abc"), broken), "abc", validation.Incomplete},
		"broken at the end":         {3, io.MultiReader(strings.NewReader("abc"), broken), "abc", validation.Incomplete},
		"late":                      {4, io.MultiReader(strings.NewReader("abc"), late), "abc", validation.TimedOut},
		"never":                     {4, late, "", validation.TimedOut},

		"unknown, empty":           {-1, strings.NewReader(""), "", validation.Accepted},
		"unknown":                  {-1, strings.NewReader("abc"), "abc", validation.Accepted},
		"unknown, with the end":    {-1, iotest.DataErrReader(strings.NewReader(full)), full, validation.Accepted},
		"unknown, at the limit":    {-1, iotest.HalfReader(strings.NewReader(full)), full, validation.Accepted},
		"unknown, over the limit":  {-1, strings.NewReader(full + "y"), full + "y", validation.TooLarge},
		"unknown, far over":        {-1, strings.NewReader(full + full), full + "x", validation.TooLarge},
		"unknown, over and broken": {-1, io.MultiReader(strings.NewReader(full+"y"), broken), full + "y", validation.TooLarge},
		"unknown, broken":          {-1, io.MultiReader(strings.NewReader("abc"), broken), "abc", validation.Incomplete},
		"unknown, late":            {-1, io.MultiReader(strings.NewReader("abc"), late), "abc", validation.TimedOut},
		"too large for Caddy":      {-1, iotest.ErrReader(&http.MaxBytesError{Limit: 1}), "", validation.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			r := &http.Request{ContentLength: tc.length, Body: io.NopCloser(tc.body)}
			b := bodyOf(r)
			taken, got := b.Read(limit)
			if string(taken) != tc.taken || got != tc.want {
				t.Errorf("got %d bytes, %v (%v); want %d bytes, %v", len(taken), got, b.err, len(tc.taken), tc.want)
			}
			if cap(taken) > limit+1 {
				t.Errorf("took %d bytes of memory", cap(taken))
			}
		})
	}
}

// TestGiveBack makes sure that what monitor mode forwards ends as the
// client's body does, the rest of it included.
func TestGiveBack(t *testing.T) {
	const limit = 10
	// net/http gives the error of a body that breaks off once, then its end.
	broken := func(s string) io.Reader {
		return io.MultiReader(strings.NewReader(s), io.LimitReader(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("xx"))), 2))
	}
	for name, tc := range map[string]struct {
		length int64
		body   io.Reader
		want   string
		err    error
	}{
		"whole":                  {3, strings.NewReader("abc"), "abc", nil},
		"unknown":                {-1, strings.NewReader("abc"), "abc", nil},
		"too large":              {-1, strings.NewReader("abcdefghijklmno"), "abcdefghijklmno", nil},
		"longer than declared":   {3, strings.NewReader("abcdef"), "abcdef", nil},
		"broken":                 {9, broken("abc"), "abcx", iotest.ErrTimeout},
		"unknown and broken":     {-1, broken("abc"), "abcx", iotest.ErrTimeout},
		"broken before anything": {3, iotest.ErrReader(io.ErrUnexpectedEOF), "", io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			r := &http.Request{ContentLength: tc.length, Body: io.NopCloser(tc.body)}
			b := bodyOf(r)
			b.Read(limit)
			b.giveBack(r, false, true)
			got, err := io.ReadAll(r.Body)
			if string(got) != tc.want || err != tc.err {
				t.Errorf("got %q, %v; want %q, %v", got, err, tc.want, tc.err)
			}
		})
	}
}

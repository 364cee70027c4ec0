package caddymodule

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

const (
	benchPath  = "/billing/api/did_details_update"
	benchQuery = "u=admin&did_id=6511&call_limit=999&hash=f7de355c9b4421ce6c705b4b32c89dbcaca51e46"
	benchJSON  = `{"call_limit":999,"u":"admin","did_id":6511,"hash":"f7de355c9b4421ce6c705b4b32c89dbcaca51e46","p":"admin1"}`
)

// benchWriter is a response writer that costs nothing.
type benchWriter struct{ header http.Header }

func (w *benchWriter) Header() http.Header         { return w.header }
func (w *benchWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *benchWriter) WriteHeader(int)             {}

// benchExchange is a request as Caddy hands it to a handler, again and again: what the server makes anew for each
// request is set back, so that what is counted is what the handler does.
type benchExchange struct {
	w     benchWriter
	r     *http.Request
	body  *strings.Reader
	repl  *caddy.Replacer
	fresh caddy.Replacer
	extra *caddyhttp.ExtraLogFields
	vars  map[string]any
	text  string
}

func newBenchExchange(method, target, contentType, body string) *benchExchange {
	x := &benchExchange{
		w:     benchWriter{make(http.Header)},
		r:     httptest.NewRequest(method, target, nil),
		body:  strings.NewReader(body),
		repl:  caddy.NewReplacer(),
		extra: new(caddyhttp.ExtraLogFields),
		vars:  make(map[string]any),
		text:  body,
	}
	x.repl.Map(func(string) (any, bool) { return nil, false }) // as Caddy's server does
	x.fresh = *x.repl
	x.r.Header.Set("User-Agent", "curl/8.5.0")
	x.r.Header.Set("Accept", "*/*")
	if contentType != "" {
		x.r.Header.Set("Content-Type", contentType)
	}
	ctx := context.WithValue(x.r.Context(), caddy.ReplacerCtxKey, x.repl)
	ctx = context.WithValue(ctx, caddyhttp.VarsCtxKey, x.vars)
	ctx = context.WithValue(ctx, caddyhttp.ExtraLogFieldsCtxKey, x.extra)
	x.r = x.r.WithContext(ctx)
	return x
}

func (x *benchExchange) reset() {
	clear(x.w.header)
	*x.repl = x.fresh
	*x.extra = caddyhttp.ExtraLogFields{}
	clear(x.vars)
	x.vars[caddyhttp.ClientIPVarKey] = "192.0.2.1"
	x.body.Reset(x.text)
	x.r.Body = x
	x.r.ContentLength = int64(len(x.text))
}

func (x *benchExchange) Read(p []byte) (int, error) { return x.body.Read(p) }
func (x *benchExchange) Close() error               { return nil }

// benchHandler is a handler as Provision leaves it, which would talk about it.
func benchHandler(logger *zap.Logger) *Handler {
	keys := validation.NewKeys([]string{"secret"}, nil)
	return &Handler{logger: logger, policy: validation.Policy{Keys: keys, MaxBody: DefaultMaxBody}}
}

// benchLogger is Caddy's JSON logger at its default level, into nothing.
func benchLogger() *zap.Logger {
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(io.Discard), zap.InfoLevel))
}

// BenchmarkServeHTTP is the whole handler with a next one that does nothing, or answers as MOR does.
func BenchmarkServeHTTP(b *testing.B) {
	answer := []byte("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<page>\n  <status>\n    <success>DID details successfully updated</success>\n  </status>\n</page>\n")
	noop := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })
	mor := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		_, err := w.Write(answer)
		return err
	})
	const hash, wrongHash = "f7de355c9b4421ce6c705b4b32c89dbcaca51e46", "0123456789abcdef0123456789abcdef01234567"
	wrong := strings.Replace(benchQuery, hash, wrongHash, 1)
	wrongJSON := strings.Replace(benchJSON, hash, wrongHash, 1)
	large := strings.Replace(benchJSON, "admin1", strings.Repeat("x", DefaultMaxBody-len(benchJSON)), 1)
	const form, json = "application/x-www-form-urlencoded", "application/json"

	for _, bm := range []struct {
		name     string
		exchange *benchExchange
		next     caddyhttp.Handler
		logger   *zap.Logger
		want     validation.Verdict
	}{
		{"miss", newBenchExchange("GET", "/billing/callc/main", "", ""), noop, benchLogger(), validation.Accepted},
		{"accepted-query", newBenchExchange("POST", benchPath+"?"+benchQuery, "", ""), noop, benchLogger(), validation.Accepted},
		{"accepted-form", newBenchExchange("POST", benchPath, form, benchQuery), noop, benchLogger(), validation.Accepted},
		{"accepted-json", newBenchExchange("POST", benchPath, json, benchJSON), noop, benchLogger(), validation.Accepted},
		{"accepted-json-64KiB", newBenchExchange("POST", benchPath, json, large), noop, benchLogger(), validation.Accepted},
		{"accepted-query-answered", newBenchExchange("POST", benchPath+"?"+benchQuery, "", ""), mor, benchLogger(), validation.Accepted},
		{"refused-query", newBenchExchange("POST", benchPath+"?"+wrong, "", ""), noop, benchLogger(), validation.IncorrectHash},
		{"refused-json", newBenchExchange("POST", benchPath, json, wrongJSON), noop, benchLogger(), validation.IncorrectHash},
		{"refused-query-unlogged", newBenchExchange("POST", benchPath+"?"+wrong, "", ""), noop, zap.NewNop(), validation.IncorrectHash},
	} {
		b.Run(bm.name, func(b *testing.B) {
			h, x := benchHandler(bm.logger), bm.exchange
			b.ReportAllocs()
			for b.Loop() {
				x.reset()
				if err := h.ServeHTTP(&x.w, x.r, bm.next); err != nil {
					b.Fatal(err)
				}
			}
			if got := x.w.header["Content-Length"] != nil; got != (bm.want != validation.Accepted) {
				b.Fatalf("refused: %v", got)
			}
		})
	}
	// What plain Caddy needs to answer a refused request.
	b.Run("respond", func(b *testing.B) {
		plain, x := caddyhttp.StaticResponse{Body: XML(validation.IncorrectHash)}, newBenchExchange("POST", benchPath+"?"+wrong, "", "")
		b.ReportAllocs()
		for b.Loop() {
			x.reset()
			if err := plain.ServeHTTP(&x.w, x.r, noop); err != nil {
				b.Fatal(err)
			}
		}
	})
	// What of all this is the benchmark's own.
	b.Run("floor", func(b *testing.B) {
		x := newBenchExchange("POST", benchPath+"?"+benchQuery, "", "")
		b.ReportAllocs()
		for b.Loop() {
			x.reset()
			_ = noop.ServeHTTP(&x.w, x.r)
		}
	})
}

// BenchmarkReadBody is how a body is read, beside the least that it takes: one allocation and one copy.
func BenchmarkReadBody(b *testing.B) {
	for _, bm := range []struct{ name, body string }{
		{"json", benchJSON},
		{"64KiB", strings.Repeat("x", DefaultMaxBody)},
	} {
		x := newBenchExchange("POST", benchPath, "application/json", bm.body)
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x.reset()
				body := bodyOf(x.r)
				if got, v := body.Read(DefaultMaxBody); v != validation.Accepted || len(got) != len(bm.body) {
					b.Fatal(v)
				}
			}
		})
		b.Run(bm.name+"-floor", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x.reset()
				got := make([]byte, len(bm.body))
				if _, err := io.ReadFull(x.r.Body, got); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAnswer is the answer to a refused request, beside the bare writing of the same bytes.
func BenchmarkAnswer(b *testing.B) {
	w, r := benchWriter{make(http.Header)}, httptest.NewRequest("POST", benchPath, nil)
	b.Run("refused", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			x := exchange{verdict: validation.IncorrectHash}
			_ = x.answer(&w, r)
		}
	})
	b.Run("refused-floor", func(b *testing.B) {
		b.ReportAllocs()
		body := []byte(XML(validation.IncorrectHash))
		for b.Loop() {
			w.WriteHeader(http.StatusOK)
			_, _ = w.Write(body)
		}
	})
}

// BenchmarkMORAnswer is the look at MOR's answer on its way back.
func BenchmarkMORAnswer(b *testing.B) {
	success := []byte(strings.Replace(XML(validation.IncorrectHash), "error>Incorrect hash</error", "success>DID details successfully updated</success", 1))
	large := bytes.Repeat([]byte("<x>"), maxMORAnswer)
	var gzipBytes, zstdBytes bytes.Buffer
	z := gzip.NewWriter(&gzipBytes)
	_, _ = z.Write(success)
	_ = z.Close()
	zs, _ := zstd.NewWriter(&zstdBytes)
	_, _ = zs.Write(success)
	_ = zs.Close()
	for _, bm := range []struct {
		name   string
		coding coding
		answer []byte
		want   unread
	}{
		{"success", identity, success, readable},
		{"12KiB", identity, large, unreadTooLong},
		{"gzip", gzipped, gzipBytes.Bytes(), readable},
		{"zstd", zstandard, zstdBytes.Bytes(), readable},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				a := morAnswer{coding: bm.coding}
				a.see(bm.answer)
				if _, _, why := a.message(); why != bm.want {
					b.Fatal(why)
				}
			}
		})
	}
}

package e2e

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

func init() {
	caddy.RegisterModule(saboteur{})
	httpcaddyfile.RegisterHandlerDirective("sabotage", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		h.Next()
		var s saboteur
		h.Args(&s.Place)
		return s, nil
	})
}

// saboteur comes before the gateway and gives it requests on which its code
// panics, once for each request.
type saboteur struct {
	Place string `json:"place"`
}

func (saboteur) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.e2e_sabotage", New: func() caddy.Module { return new(saboteur) }}
}

func (s saboteur) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	switch s.Place {
	case "body":
		r.Body = &badBody{ReadCloser: r.Body}
	case "context":
		r = r.WithContext(&badContext{Context: r.Context()})
	}
	return next.ServeHTTP(w, r)
}

type badBody struct {
	io.ReadCloser
	used bool
}

func (b *badBody) Read(p []byte) (int, error) {
	if !b.used {
		b.used = true
		panic("sabotage")
	}
	return b.ReadCloser.Read(p)
}

// badContext panics on the first look for the placeholders.
type badContext struct {
	context.Context
	used atomic.Bool
}

func (c *badContext) Value(key any) any {
	if key == caddy.ReplacerCtxKey && !c.used.Swap(true) {
		panic("sabotage")
	}
	return c.Context.Value(key)
}

// A panic in our own code: a refusal, or in monitor mode a plain forward;
// logged once with its stack, counted once.
func TestFailClosed(t *testing.T) {
	const times = 20
	places := map[string]string{"body": "panic while judging a request", "context": "panic while judging a request"}
	for place, message := range places {
		for _, mode := range []string{"enforce", "monitor"} {
			t.Run(place+", "+mode, func(t *testing.T) {
				up := testkit.StartMOR(t, nil)
				g := start(t, up.Addr, `
					route {
						sabotage {$PLACE}
						mor_gateway {
							secret secret
							mode {$MODE}
						}
						reverse_proxy {$MOR}
					}`, "PLACE", place, "MODE", mode)
				before := g.Counters()
				for range times {
					c := testkit.Dial(t, g.Addr("SITE"))
					c.Send(post(action, okQuery, form))
					got, seen := c.Answer("POST"), up.Requests()
					switch mode {
					case "enforce":
						if got.Status != 500 || got.Body != testkit.Failure("Internal error") || len(seen) > 0 {
							t.Fatalf("answer %d %q; MOR saw %+v", got.Status, got.Body, seen)
						}
					default:
						if got.Status != 200 || got.Body != testkit.Success || len(seen) != 1 || seen[0].Body != okQuery {
							t.Fatalf("answer %d %q; MOR saw %+v", got.Status, got.Body, seen)
						}
					}
				}
				wantCounted(t, g, before, map[string]float64{"internal_error": times})
				lines := g.Logged(message)
				if len(lines) != times {
					t.Fatalf("logged %d times, want %d", len(lines), times)
				}
				if stack, _ := lines[0]["stack"].(string); lines[0]["level"] != "error" || !strings.Contains(stack, "caddymodule.(*exchange)") {
					t.Errorf("logged %v", lines[0])
				}
			})
		}
	}
}

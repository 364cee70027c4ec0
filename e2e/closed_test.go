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

// saboteur stands before the gateway and gives it requests on which its code
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
				up := startUpstream(t, nil)
				g := start(t, config{Site: "route {\nsabotage " + place + "\n" + guarded(up.addr, "mode "+mode) + "\n}"})
				before := g.counters("caddy_mor_gateway_requests_total")
				for range times {
					c := dial(t, g.addr)
					c.send(post(action, okQuery, form))
					resp, body := c.answer("POST")
					seen := up.requests()
					switch mode {
					case "enforce":
						if resp.StatusCode != 500 || body != envelope("error", "Internal error") || len(seen) > 0 {
							t.Fatalf("answer %d %q; MOR saw %+v", resp.StatusCode, body, seen)
						}
					default:
						if resp.StatusCode != 200 || body != envelope("success", success) || len(seen) != 1 || seen[0].Body != okQuery {
							t.Fatalf("answer %d %q; MOR saw %+v", resp.StatusCode, body, seen)
						}
					}
				}
				wantCounted(t, before, g.counters("caddy_mor_gateway_requests_total"), map[string]float64{"internal_error": times})
				lines := g.logLines(message)
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

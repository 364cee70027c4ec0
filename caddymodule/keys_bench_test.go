package caddymodule

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// BenchmarkResellers measures a whole request with few and many resellers.
func BenchmarkResellers(b *testing.B) {
	b.Setenv("SOME_KEY", "some key")
	for _, n := range []int{1, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h := &Handler{Secrets: []string{"{env.SOME_KEY}"}, Resellers: map[string][]string{}, logger: benchLogger()}
			for i := range n {
				h.Resellers[fmt.Sprintf("Reseller%05d", i)] = []string{"{env.SOME_KEY}"}
			}
			var err error
			if h.policy, err = h.Policy(); err != nil {
				b.Fatal(err)
			}
			hash := validation.AppendHash(nil, []byte("6511"), "some key")
			r := httptest.NewRequest(http.MethodPost, fmt.Sprintf("/billing/api/did_details_update?u=reseller%05d&did_id=6511&hash=%s", n-1, hash), nil)
			w := httptest.NewRecorder()
			passed := 0
			next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { passed++; return nil })
			b.ReportAllocs()
			for b.Loop() {
				if err := h.ServeHTTP(w, r, next); err != nil {
					b.Fatal(err)
				}
			}
			if passed == 0 || w.Body.Len() > 0 {
				b.Fatal("refused")
			}
		})
	}
}

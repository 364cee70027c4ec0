package caddymodule_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
)

// BenchmarkResellers measures a whole request with few and many resellers.
func BenchmarkResellers(b *testing.B) {
	b.Setenv("SOME_KEY", "some key")
	for _, n := range []int{1, 10000} {
		h := &caddymodule.Handler{Secrets: []string{"{env.SOME_KEY}"}, Resellers: map[string][]string{}}
		for i := range n {
			h.Resellers[fmt.Sprintf("Reseller%05d", i)] = []string{"{env.SOME_KEY}"}
		}
		if err := provision(b, h); err != nil { // logs, so not between the benchmark's name and its result
			b.Fatal(err)
		}
		target := action + fmt.Sprintf("?u=reseller%05d&did_id=6511&hash=%s", n-1, hash("6511", "some key"))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := httptest.NewRequest(http.MethodPost, target, nil)
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

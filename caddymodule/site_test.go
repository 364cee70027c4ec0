package caddymodule_test

import (
	"testing"

	_ "github.com/mor-gateway/caddy-mor-gateway/caddyfile"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

const action = "/billing/api/did_details_update"

// post sends an update with everything in the query.
func post(t testing.TB, addr, query string) string {
	t.Helper()
	return testkit.Ask(t, "POST", "http://"+addr+action+"?"+query, "").Body
}

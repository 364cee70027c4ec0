// Package caddyfile provides the Caddyfile directive mor_gateway.
package caddyfile

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
)

func init() {
	httpcaddyfile.RegisterDirective("mor_gateway", parse)
	// Before all that dispatches: ordered next to reverse_proxy, a site with
	// handle blocks would pass it by.
	httpcaddyfile.RegisterDirectiveOrder("mor_gateway", httpcaddyfile.Before, "invoke")
}

// parse sets up the handler: see caddymodule.Handler.UnmarshalCaddyfile.
func parse(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next() // consume directive name
	matcher, err := h.ExtractMatcherSet()
	if err != nil {
		return nil, err
	}
	if matcher == nil && h.IsNamedRoute() {
		// Of a named route without a matcher Caddy 2.11.9 keeps the first handler
		// alone. This matcher matches every request, and keeps them all.
		matcher = caddy.ModuleMap{}
	}
	m := new(caddymodule.Handler)
	if err := m.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return h.NewRoute(matcher, m), nil
}

// Package caddyfile provides the Caddyfile directive mor_gateway.
package caddyfile

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
)

func init() {
	httpcaddyfile.RegisterDirective("mor_gateway", parse)
	// Before every directive that dispatches: next to reverse_proxy, the handle
	// blocks of a site would bypass it.
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
		// Without a matcher Caddy 2.11.9 keeps only the first handler of a named
		// route. This matcher matches every request, and keeps them all.
		matcher = caddy.ModuleMap{}
	}
	m := new(caddymodule.Handler)
	if err := m.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return h.NewRoute(matcher, m), nil
}

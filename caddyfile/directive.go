// Package caddyfile provides the Caddyfile directive mor_gateway.
package caddyfile

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("mor_gateway", parse)
	// Before all that dispatches: ordered next to reverse_proxy, a site with
	// handle blocks would pass it by.
	httpcaddyfile.RegisterDirectiveOrder("mor_gateway", httpcaddyfile.Before, "invoke")
}

// parse sets up the handler: see caddymodule.Handler.UnmarshalCaddyfile.
func parse(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	m := new(caddymodule.Handler)
	return m, m.UnmarshalCaddyfile(h.Dispenser)
}

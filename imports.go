// Package morgateway is a validation gateway for MOR, Kolmisoft's VoIP billing
// system, as a Caddy module. It guards the API method did_details_update: it
// verifies the hash, enforces the rules that MOR documents, refuses what is
// ambiguous, and answers refused requests in MOR's own XML.
//
// This package only imports the others, so that
//
//	xcaddy build --with github.com/mor-gateway/caddy-mor-gateway
//
// finds them: [validation] has the rules, [caddymodule] the Caddy module
// http.handlers.mor_gateway, [caddyfile] the directive mor_gateway, [command]
// the subcommands.
//
// [validation]: https://pkg.go.dev/github.com/mor-gateway/caddy-mor-gateway/validation
// [caddymodule]: https://pkg.go.dev/github.com/mor-gateway/caddy-mor-gateway/caddymodule
// [caddyfile]: https://pkg.go.dev/github.com/mor-gateway/caddy-mor-gateway/caddyfile
// [command]: https://pkg.go.dev/github.com/mor-gateway/caddy-mor-gateway/command
package morgateway

import (
	_ "github.com/mor-gateway/caddy-mor-gateway/caddyfile"
	_ "github.com/mor-gateway/caddy-mor-gateway/caddymodule"
	_ "github.com/mor-gateway/caddy-mor-gateway/command"
)

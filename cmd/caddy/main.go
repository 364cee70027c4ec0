// Command caddy is Caddy with the MOR gateway and the standard modules, as
// xcaddy builds it.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/mor-gateway/caddy-mor-gateway"
)

func main() {
	caddycmd.Main()
}

package proof

import (
	"os"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"

	_ "github.com/mor-gateway/caddy-mor-gateway"
)

// startGateway starts Caddy, in this process, with the Caddyfile of the proof in front of MOR.
func startGateway(t *testing.T, mor string) target {
	t.Helper()
	text, err := os.ReadFile("Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	c := testkit.Serve(t, string(text), "MOR", mor)
	gateway := target{name: "gateway", addr: map[string]string{}}
	for name := range sites {
		gateway.addr[name] = c.Addr(strings.ToUpper(name))
	}
	return gateway
}

package proof

import (
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/mor-gateway/caddy-mor-gateway"
)

// startGateway starts Caddy, in this process, with the Caddyfile of the proof in front of MOR.
func startGateway(mor string) (target, error) {
	text, err := os.ReadFile("Caddyfile")
	if err != nil {
		return target{}, err
	}
	gateway := target{name: "gateway", addr: map[string]string{}}
	values := []string{"{$MOR}", mor}
	for name := range sites {
		port, err := freePort()
		if err != nil {
			return target{}, err
		}
		gateway.addr[name] = net.JoinHostPort("127.0.0.1", port)
		values = append(values, "{$"+strings.ToUpper(name)+"}", port)
	}
	return gateway, load(strings.NewReplacer(values...).Replace(string(text)))
}

// load starts Caddy, or starts it anew, with a Caddyfile.
func load(caddyfile string) error {
	config, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return err
	}
	if len(warnings) > 0 {
		return fmt.Errorf("Caddyfile: %v", warnings)
	}
	return caddy.Load(config, true)
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/spf13/cobra"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// gatewayOptions say by which gateway a command judges.
type gatewayOptions struct{ config, site, secretFile string }

func (o *gatewayOptions) addTo(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", "Caddyfile (or Caddy's JSON, as .json) with the mor_gateway")
	f.StringVar(&o.site, "site", "", "Address of the site in the config, if several have a mor_gateway")
	f.StringVar(&o.secretFile, "secret-file", "", "File with the admin's API Secret Key, or - for standard input (default: the variable "+keyVariable+")")
}

// gateway returns the gateway of the config, or one with the defaults, and what
// it judges by.
func (o *gatewayOptions) gateway(cmd *cobra.Command) (*caddymodule.Handler, *validation.Policy, error) {
	if o.config != "" {
		if o.secretFile != "" {
			return nil, nil, errors.New("give --config or --secret-file, not both: the config has the keys")
		}
		h, err := configuredGateway(o.config, o.site)
		if err != nil {
			return nil, nil, err
		}
		p, err := h.Policy()
		for _, doubt := range h.KeyDoubts() {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", cmd.Name(), doubt)
		}
		return h, &p, err
	}
	if o.site != "" {
		return nil, nil, errors.New("--site needs --config")
	}
	key, err := readKey(cmd, o.secretFile)
	p := validation.Policy{Keys: validation.NewKeys([]string{key}, nil), MaxBody: caddymodule.DefaultMaxBody}
	return new(caddymodule.Handler), &p, err
}

// gateway is a mor_gateway of a config, and the addresses of its site.
type gateway struct {
	config        json.RawMessage
	hosts, listen []string
}

func (g gateway) String() string {
	if len(g.hosts) > 0 {
		return strings.Join(g.hosts, ", ")
	}
	return strings.Join(g.listen, ", ")
}

// isAt reports whether the gateway's site has the address.
func (g gateway) isAt(address string) bool {
	a, err := httpcaddyfile.ParseAddress(address)
	if err != nil {
		return false
	}
	a = a.Normalize()
	onPort := func(listen string) bool {
		_, port, _ := net.SplitHostPort(listen)
		return port == a.Port
	}
	return (a.Host == "" || slices.Contains(g.hosts, a.Host)) && (a.Port == "" || slices.ContainsFunc(g.listen, onPort))
}

// configuredGateway returns the gateway of the site with the address, which may
// be empty if all gateways of the config are alike.
func configuredGateway(file, address string) (*caddymodule.Handler, error) {
	config, err := adapt(file)
	if err != nil {
		return nil, err
	}
	var root any
	if err := json.Unmarshal(config, &root); err != nil {
		return nil, fmt.Errorf("%s is not valid JSON", file)
	}
	var all []gateway
	collect(root, gateway{}, &all)
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no mor_gateway", file)
	}
	found := slices.DeleteFunc(slices.Clone(all), func(g gateway) bool { return address != "" && !g.isAt(address) })
	if len(found) == 0 {
		return nil, fmt.Errorf("no site with a mor_gateway has the address of --site; the sites are %v", all)
	}
	for _, g := range found {
		if string(g.config) != string(found[0].config) {
			return nil, fmt.Errorf("several sites have a mor_gateway; pick one with --site: %v", found)
		}
	}
	h := new(caddymodule.Handler)
	if err := caddy.StrictUnmarshalJSON(found[0].config, h); err != nil {
		return nil, fmt.Errorf("%s: the config of its mor_gateway is invalid", found[0])
	}
	return h, h.Validate()
}

// collect appends the gateways in any part of a config. The addresses are those
// of the nearest server and route around it that have some.
func collect(node any, around gateway, all *[]gateway) {
	switch node := node.(type) {
	case []any:
		for _, child := range node {
			collect(child, around, all)
		}
	case map[string]any:
		if node["handler"] == "mor_gateway" {
			delete(node, "handler")
			around.config, _ = json.Marshal(node)
			*all = append(*all, around)
			return
		}
		if listen := texts(node["listen"]); len(listen) > 0 {
			around.listen = listen
		}
		sets, _ := node["match"].([]any)
		for _, set := range sets {
			if set, ok := set.(map[string]any); ok && set["host"] != nil {
				around.hosts = texts(set["host"])
			}
		}
		for _, child := range node {
			collect(child, around, all)
		}
	}
}

func texts(list any) (ss []string) {
	items, _ := list.([]any)
	for _, item := range items {
		if s, ok := item.(string); ok {
			ss = append(ss, s)
		}
	}
	return ss
}

// adapt reads a Caddyfile, as Caddy does, or Caddy's JSON.
func adapt(file string) ([]byte, error) {
	config, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the config cannot be read: %w", err)
	}
	if filepath.Ext(file) == ".json" {
		return config, nil
	}
	adapter := caddyconfig.GetAdapter("caddyfile")
	if adapter == nil {
		return nil, errors.New("this Caddy has no Caddyfile adapter; give the config as .json")
	}
	config, _, err = adapter.Adapt(config, map[string]any{"filename": file})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return config, nil
}

package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"go.uber.org/zap"
)

// site is a gateway of a config and where it stands.
type site struct {
	hosts, listen []string
	place         string // in the JSON config
	config        []byte
}

// String returns the site's addresses, as a Caddyfile has them, and its place.
func (s *site) String() string {
	name := strings.Join(s.hosts, ", ")
	if name == "" {
		name = strings.Join(s.listen, ", ")
	}
	return fmt.Sprintf("%s (%s)", name, s.place)
}

// isAt reports whether the site is the one with the address, or in the place.
func (s *site) isAt(address string) bool {
	if address == s.place {
		return true
	}
	a, err := httpcaddyfile.ParseAddress(address)
	if err != nil {
		return false
	}
	a = a.Normalize()
	switch {
	case a.Port != "":
	case a.Scheme == "http":
		a.Port = "80"
	case a.Scheme == "https":
		a.Port = "443"
	}
	if a.Port != "" && !slices.ContainsFunc(s.listen, func(l string) bool {
		_, port, _ := net.SplitHostPort(l)
		return port == a.Port
	}) {
		return false
	}
	if a.Host == "" {
		return a.Port != "" && len(s.hosts) == 0
	}
	return slices.Contains(s.hosts, a.Host)
}

// configuredHandler returns the gateway that the config has at the address,
// which may be empty if there is but one.
func configuredHandler(file, address string) (*Handler, error) {
	config, err := adapt(file)
	if err != nil {
		return nil, err
	}
	sites, err := findSites(config)
	if err != nil {
		return nil, err
	}
	if len(sites) == 0 {
		return nil, fmt.Errorf("%s has no mor_gateway", file)
	}
	found := sites
	if address != "" {
		found = slices.DeleteFunc(slices.Clone(sites), func(s *site) bool { return !s.isAt(address) })
	}
	switch {
	case len(found) == 0:
		return nil, fmt.Errorf("no site with a mor_gateway has the address of --site; there are %s", list(sites))
	case len(found) > 1:
		return nil, fmt.Errorf("there are several sites with a mor_gateway; pick one with --site, by its address or the place in parentheses: %s", list(found))
	}
	h := new(Handler)
	if err := caddy.StrictUnmarshalJSON(found[0].config, h); err != nil {
		return nil, fmt.Errorf("%s: the config of the mor_gateway is wrong", found[0])
	}
	h.logger = zap.NewNop()
	keys, err := h.resolveKeys()
	if err == nil {
		h.setPolicy(keys)
		err = h.Validate()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", found[0], err)
	}
	return h, nil
}

func list(sites []*site) string {
	names := make([]string, len(sites))
	for i, s := range sites {
		names[i] = s.String()
	}
	return strings.Join(names, "; ")
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

// findSites returns the gateways of a config, in the order of their places.
// One that stands twice in a site, as it should where there are error routes
// that lead to MOR, counts once.
func findSites(config []byte) ([]*site, error) {
	var root struct {
		Apps struct {
			HTTP struct {
				Servers map[string]map[string]any `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(config, &root); err != nil {
		return nil, errors.New("the config is not Caddy's JSON")
	}
	var sites []*site
	servers := root.Apps.HTTP.Servers
	for _, name := range sortedKeys(servers) {
		listen := texts(servers[name]["listen"])
		walk(servers[name], "apps/http/servers/"+name, nil, func(s *site) {
			s.listen = listen
			same := func(o *site) bool {
				return slices.Equal(o.hosts, s.hosts) && slices.Equal(o.listen, s.listen) && string(o.config) == string(s.config)
			}
			if !slices.ContainsFunc(sites, same) {
				sites = append(sites, s)
			}
		})
	}
	return sites, nil
}

// walk looks for gateways in any part of the config. The hosts are those of
// the nearest route around it that has some.
func walk(node any, place string, hosts []string, found func(*site)) {
	switch node := node.(type) {
	case []any:
		for i, child := range node {
			walk(child, fmt.Sprintf("%s/%d", place, i), hosts, found)
		}
	case map[string]any:
		if node["handler"] == "mor_gateway" {
			delete(node, "handler")
			config, _ := json.Marshal(node)
			found(&site{hosts: hosts, place: place, config: config})
			return
		}
		if sets, ok := node["match"].([]any); ok {
			var own []string
			for _, set := range sets {
				if set, ok := set.(map[string]any); ok {
					own = append(own, texts(set["host"])...)
				}
			}
			if len(own) > 0 {
				hosts = own
			}
		}
		for _, name := range sortedKeys(node) {
			walk(node[name], place+"/"+name, hosts, found)
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

func sortedKeys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

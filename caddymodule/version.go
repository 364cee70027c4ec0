package caddymodule

import (
	"runtime/debug"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// version is set by the linker in a release.
var version string

// Version returns the version of the gateway: a release's own, in a build by
// xcaddy the module's, and "unknown" where the build has neither.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return moduleVersion(info)
	}
	return unknownVersion
}

const (
	modulePath     = "github.com/mor-gateway/caddy-mor-gateway"
	devel          = "(devel)" // what Go writes for a folder
	unknownVersion = "unknown"
)

func moduleVersion(info *debug.BuildInfo) string {
	module := &info.Main
	for _, dep := range info.Deps {
		if dep.Path == modulePath {
			module = dep
		}
	}
	if by := module.Replace; by != nil && by.Version != "" && by.Version != devel { // a fork, not a folder
		module = by
	}
	switch module.Version {
	case "", devel, "v0.0.0": // what xcaddy gets for a folder without a version
		return unknownVersion
	}
	return module.Version
}

// buildInfo tells which gateways run which version.
var buildInfo = func() prometheus.Gauge {
	caddyVersion, _ := caddy.Version()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace:   "caddy",
		Subsystem:   "mor_gateway",
		Name:        "build_info",
		Help:        "Always 1, with the versions of the gateway and of Caddy.",
		ConstLabels: prometheus.Labels{"version": Version(), "caddy": caddyVersion},
	})
	info.Set(1)
	return info
}()

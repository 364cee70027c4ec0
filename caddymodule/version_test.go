package caddymodule

import (
	"runtime/debug"
	"testing"
)

func TestModuleVersion(t *testing.T) {
	const other = "example.com/caddy"
	for _, tc := range []struct {
		name string
		info debug.BuildInfo
		want string
	}{
		{"by xcaddy", debug.BuildInfo{
			Main: debug.Module{Path: "caddy", Version: "(devel)"},
			Deps: []*debug.Module{{Path: other, Version: "v2.0.0"}, {Path: modulePath, Version: "v1.2.3"}},
		}, "v1.2.3"},
		{"by xcaddy from a folder with a version", debug.BuildInfo{
			Deps: []*debug.Module{{Path: modulePath, Version: "v1.2.3", Replace: &debug.Module{Path: "/src", Version: "(devel)"}}},
		}, "v1.2.3"},
		{"by xcaddy from a folder without one", debug.BuildInfo{
			Deps: []*debug.Module{{Path: modulePath, Version: "v0.0.0", Replace: &debug.Module{Path: "/src"}}},
		}, "unknown"},
		{"from a fork", debug.BuildInfo{
			Deps: []*debug.Module{{Path: modulePath, Version: "v1.2.3", Replace: &debug.Module{Path: other, Version: "v1.2.4"}}},
		}, "v1.2.4"},
		{"by go install", debug.BuildInfo{Main: debug.Module{Path: modulePath, Version: "v1.2.3"}}, "v1.2.3"},
		{"by go build", debug.BuildInfo{Main: debug.Module{Path: modulePath, Version: "(devel)"}}, "unknown"},
		{"a test", debug.BuildInfo{Main: debug.Module{Path: modulePath}}, "unknown"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := moduleVersion(&tc.info); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

package testkit

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// Build builds the binary that is released, without the race detector, and returns its path in dir. The clone may
// belong to another user, and git tells no version then.
func Build(dir string) (path string, err error) {
	path = filepath.Join(dir, "caddy")
	build := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-ldflags", "-w -s", "-tags", "nobadger,nomysql,nopgx",
		"-o", path, "github.com/mor-gateway/caddy-mor-gateway/cmd/caddy")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
}

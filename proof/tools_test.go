package proof

import (
	"os/exec"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// needTools skips the test where the tools of the proof are not installed. Where they must be, as in CI,
// MOR_GATEWAY_REQUIRE_TOOLS=1 makes their absence a failure.
func needTools(t *testing.T) {
	t.Helper()
	for what, command := range map[string][]string{
		"ruby":                    {"ruby", "-v"},
		"puma":                    {"puma", "--version"},
		"actionpack and railties": {"ruby", "-e", `require "action_controller/railtie"`},
	} {
		runs := exec.Command(command[0], command[1:]...).Run() == nil
		testkit.Need(t, runs, what+" (on Debian: apt-get install ruby ruby-actionpack ruby-railties puma)")
	}
}

package proof

import (
	"os"
	"os/exec"
	"testing"
)

// needTools skips the test where the tools of the proof are not installed. Where they must be, as in CI,
// MOR_GATEWAY_REQUIRE_TOOLS=1 makes their absence a failure.
func needTools(t *testing.T) {
	t.Helper()
	missing := ""
	switch {
	case !runs("ruby", "-v"):
		missing = "ruby"
	case !runs("puma", "--version"):
		missing = "puma"
	case !runs("ruby", "-e", `require "action_controller/railtie"`):
		missing = "actionpack and railties"
	default:
		return
	}
	const hint = "on Debian: apt-get install ruby ruby-actionpack ruby-railties puma"
	if os.Getenv("MOR_GATEWAY_REQUIRE_TOOLS") == "1" {
		t.Fatalf("no %s here, and MOR_GATEWAY_REQUIRE_TOOLS=1 wants the proof to run (%s)", missing, hint)
	}
	t.Skipf("no %s here: the proof against real Rails does not run (%s)", missing, hint)
}

func runs(command string, args ...string) bool {
	return exec.Command(command, args...).Run() == nil
}

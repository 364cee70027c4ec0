package morgateway_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// step is a line of CONTRIBUTING's worked example: a file, a line of it, and
// what is to be put after that.
var step = regexp.MustCompile("(?s)In `([^`]+)`, after `([^`]+)`.*?```go\n(.*?)```")

// update is the command that writes the documents anew.
var update = regexp.MustCompile("\nMOR_GATEWAY_UPDATE_DOCS=1 \\./xcaddy\\.sh test (.*) -run '(.*)'\n")

// The worked example of CONTRIBUTING.md, done word for word on a copy of the
// tree: before its last step the tests fail as it says, and after it they
// pass.
func TestWorkedExample(t *testing.T) {
	text, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	tree := t.TempDir()
	if err := os.CopyFS(tree, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (out string, ok bool) {
		t.Helper()
		cmd := exec.Command("go", append([]string{"test", "-tags", "nobadger,nomysql,nopgx"}, args...)...)
		cmd.Dir = tree
		cmd.Env = append(os.Environ(), "MOR_GATEWAY_UPDATE_DOCS=", "GOFLAGS=-buildvcs=false")
		if args[0] == "update" {
			cmd.Args = append(cmd.Args[:4], args[1:]...)
			cmd.Env = append(cmd.Env, "MOR_GATEWAY_UPDATE_DOCS=1")
		}
		b, err := cmd.CombinedOutput()
		return string(b), err == nil
	}
	steps := step.FindAllStringSubmatch(string(text), -1)
	if len(steps) != 3 {
		t.Fatalf("%d steps, want 3", len(steps))
	}
	for i, s := range steps {
		file := tree + "/" + s[1]
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, line, ok := strings.Cut(string(source), s[2])
		if !ok {
			t.Fatalf("step %d: %s has no %s", i+1, s[1], s[2])
		}
		at := len(source) - len(line) + strings.Index(line, "\n") + 1
		if err := os.WriteFile(file, []byte(string(source[:at])+s[3]+string(source[at:])), 0o600); err != nil {
			t.Fatal(err)
		}
		if i != 1 {
			continue
		}
		for place, row := range map[string]string{"./internal/contract": strings.TrimSpace(steps[2][3]), "./caddyfile": "`grace_time_format`"} {
			// The range is printed with its numbers.
			row = strings.Replace(row, "Max: maxInt", "Min: 0, Max: 2147483647", 1)
			if out, ok := run("-run", "TestGatewayHasTheTable|TestDocsHaveTheRules", place); ok || !strings.Contains(out, row) {
				t.Errorf("%s does not ask for %s: %s", place, row, out)
			}
		}
	}
	last := update.FindStringSubmatch(string(text))
	if last == nil {
		t.Fatal("no command that writes the documents")
	}
	if out, ok := run(append([]string{"update", "-run", last[2]}, strings.Fields(last[1])...)...); !ok {
		t.Fatal(out)
	}
	// Of the slow packages only the tests that go through the table or show it.
	for tests, places := range map[string]string{
		"Test[^E]": "./validation/... ./internal/... ./caddyfile",
		"^(TestMetricLabels|TestNoKeyIsRepeated|TestChanges|TestCheckAgreesWithTheGateway|TestHashDocument|TestMend|TestDocument)$": "./caddymodule ./command/...",
	} {
		if out, ok := run(append([]string{"-run", tests}, strings.Fields(places)...)...); !ok {
			t.Errorf("after the last step: %s", out)
		}
	}
}

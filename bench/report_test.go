package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The ratio is the mean of each start's own, not that of the means.
func TestReport(t *testing.T) {
	of := func(control float64) []*result {
		return []*result{{
			comparison: comparison{inPlace, "accepted", "", "", []side{plain, gateway, again}},
			cpu:        [][]float64{{100, 200}, {110, 200}, {100 * control, 200 * control}},
			memory:     [][]float64{{40, 40}, {40, 42}, {40, 40}},
		}}
	}
	got, err := report(of(1.005))
	for _, want := range []string{
		"| in place | accepted | plain Caddy | 150.0 | 1 | 40 |\n",
		"| in place | accepted | gateway | 155.0 | 1.050 ± 0.100 | 41 |\n",
	} {
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("%v: report has no %q:\n%s", err, want, got)
		}
	}
	if _, err := report(of(1.02)); err == nil || !strings.Contains(err.Error(), "too noisy") {
		t.Errorf("a control of 1.02: %v", err)
	}
}

func TestMeanAndError(t *testing.T) {
	if mean, err := meanAndError([]float64{1, 2, 3}); mean != 2 || math.Abs(err-1/math.Sqrt(3)) > 1e-9 {
		t.Errorf("got %v, %v", mean, err)
	}
}

func TestReplaceTable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(file, []byte("before\n"+tableStart+"old\n"+tableEnd+"after\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // again and again
		if err := replaceTable(file, "new\n"); err != nil {
			t.Fatal(err)
		}
	}
	got, _ := os.ReadFile(file)
	if want := "before\n" + tableStart + "\nnew\n\n" + tableEnd + "after\n"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := os.WriteFile(file, []byte("a page without a table\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := replaceTable(file, "new\n"); err == nil {
		t.Error("a page without a table is no error")
	}
}

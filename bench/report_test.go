package main

import (
	"math"
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

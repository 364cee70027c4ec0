package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	for _, test := range []struct {
		xs      []float64
		q, want float64
	}{
		{[]float64{3}, 0.5, 3},
		{[]float64{9, 1, 5}, 0.5, 5},
		{[]float64{4, 1, 2, 9}, 0.5, 3},
		{[]float64{9, 1, 5}, 0.25, 3},
		{[]float64{9, 1, 5}, 1, 9},
	} {
		if got := quantile(test.xs, test.q); got != test.want {
			t.Errorf("quantile(%v, %v) = %v, want %v", test.xs, test.q, got, test.want)
		}
	}
}

// The ratio is the median of each turn's own, not that of the medians.
func TestReport(t *testing.T) {
	s := scenario{name: "accepted", servers: []target{{name: "plain", process: "plain"}, {name: "gateway", process: "gateway"}}}
	r := result{s, [][]sample{
		{{cpu: 100, rate: 9000}, {cpu: 200, rate: 4500}, {cpu: 110, rate: 8000}},
		{{cpu: 102, rate: 8900}, {cpu: 198, rate: 4600}, {cpu: 121, rate: 7000}},
	}}
	got := report(options{turns: 3, load: time.Second}, 2, []result{r}, nil)
	for _, want := range []string{
		"| accepted | plain | 110.0 | 8000 | 1 | |\n",
		"| accepted | gateway | 121.0 | 7000 | 1.020 | 1.005 to 1.060 |\n",
		"3 turns of 1s",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("report has no %q:\n%s", want, got)
		}
	}
}

func TestReplaceTable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("before\n" + tableStart + "old\n" + tableEnd + "after\n")
	for range 2 { // again and again
		if err := replaceTable(file, "new\n"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := "before\n" + tableStart + "\nnew\n\n" + tableEnd + "after\n"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	write("a page without a table\n")
	if err := replaceTable(file, "new\n"); err == nil {
		t.Error("a page without a table is no error")
	}
}

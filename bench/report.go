package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"time"
)

// maxControl is how far the control may be off 1.
const maxControl = 0.01

// report returns the results as a table in Markdown. It is an error if the control says that the machine is too noisy.
func report(results []*result) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, %d cores, %s; %d starts, %d slices of %v for each site after each, %d connections. The interval is twice the standard error.\n\n",
		time.Now().Format(time.DateOnly), cpuModel(), runtime.NumCPU(), runtime.Version(), *starts, *rounds, slice, connections)
	b.WriteString("| | request | server | CPU us/request | ratio | resident MiB |\n|---|---|---|--:|--:|--:|\n")
	noise := 0.0
	for _, r := range results {
		for i, side := range r.sides {
			ratio := "1"
			if i > 0 {
				ratios := make([]float64, len(r.cpu[i]))
				for n := range ratios {
					ratios[n] = r.cpu[i][n] / r.cpu[0][n]
				}
				mean, err := meanAndError(ratios)
				ratio = fmt.Sprintf("%.3f ± %.3f", mean, 2*err)
				if side == again {
					noise = max(noise, math.Abs(mean-1))
				}
			}
			cpu, _ := meanAndError(r.cpu[i])
			memory, _ := meanAndError(r.memory[i])
			fmt.Fprintf(&b, "| %s | %s | %s | %.1f | %s | %.0f |\n", r.kind, r.name, side.name, cpu, ratio, memory)
		}
	}
	if noise > maxControl {
		return "", fmt.Errorf("the machine is too noisy: the control is off by %.3f, more than %.2f. Raise -starts, or wait until nothing else is running.\n%s", noise, maxControl, b.String())
	}
	return b.String(), nil
}

// meanAndError returns the mean and its standard error.
func meanAndError(xs []float64) (mean, stdErr float64) {
	for _, x := range xs {
		mean += x / float64(len(xs))
	}
	for _, x := range xs {
		stdErr += (x - mean) * (x - mean)
	}
	n := float64(len(xs))
	return mean, math.Sqrt(stdErr / (n - 1) / n)
}

func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	_, after, _ := strings.Cut(string(text), "model name")
	line, _, _ := strings.Cut(after, "\n")
	return strings.Trim(line, " \t:")
}

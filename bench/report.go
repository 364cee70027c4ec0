package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// report returns the results as a table in Markdown.
func report(o options, cores int, results []result, memory map[string]int64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d cores, %s; %d turns of %v with %d connections each.\n\n", cpuModel(), cores, runtime.Version(), o.turns, o.load, connections)
	b.WriteString("| request | server | CPU us/request | requests/s | CPU ratio | middle half |\n")
	b.WriteString("|---|---|--:|--:|--:|--:|\n")
	for _, r := range results {
		for i, t := range r.servers {
			var cpu, rate, ratio []float64
			for turn, s := range r.samples[i] {
				cpu, rate = append(cpu, s.cpu), append(rate, s.rate)
				ratio = append(ratio, s.cpu/r.samples[0][turn].cpu)
			}
			fmt.Fprintf(&b, "| %s | %s | %.1f | %.0f |", r.name, t.name, median(cpu), median(rate))
			if i == 0 {
				b.WriteString(" 1 | |\n")
			} else {
				digits := 3
				if median(ratio) < 0.1 {
					digits = 4
				}
				fmt.Fprintf(&b, " %.*f | %.*f to %.*f |\n", digits, median(ratio), digits, quantile(ratio, 0.25), digits, quantile(ratio, 0.75))
			}
		}
	}
	if memory == nil {
		return b.String()
	}
	fmt.Fprintf(&b, "\nResident memory after %v of \"%s\":", o.memory, memoryScenario.name)
	for i, t := range memoryScenario.servers {
		if i > 0 {
			b.WriteString(";")
		}
		fmt.Fprintf(&b, " %s %.1f MiB", t.name, float64(memory[t.name])/(1<<20))
	}
	b.WriteString(".\n")
	return b.String()
}

func median(xs []float64) float64 { return quantile(xs, 0.5) }

// quantile returns what a share q of the values is not above, between two of them in proportion.
func quantile(xs []float64, q float64) float64 {
	xs = slices.Sorted(slices.Values(xs))
	at := q * float64(len(xs)-1)
	i := int(at)
	if i+1 == len(xs) {
		return xs[i]
	}
	return xs[i] + (at-float64(i))*(xs[i+1]-xs[i])
}

func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	_, after, _ := strings.Cut(string(text), "model name")
	line, _, _ := strings.Cut(after, "\n")
	if name := strings.Trim(line, " \t:"); name != "" {
		return name
	}
	out, _ := exec.Command("uname", "-m").Output()
	return strings.TrimSpace(string(out))
}

// The table in the documentation stands between these lines.
const (
	tableStart = "<!-- ./xcaddy.sh bench writes from here -->\n"
	tableEnd   = "<!-- to here -->\n"
)

// replaceTable puts the table into the documentation.
func replaceTable(file, table string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), tableStart)
	_, after, ended := strings.Cut(rest, tableEnd)
	if !ok || !ended {
		return errors.New(file + ": the lines that stand around the table are not there")
	}
	return os.WriteFile(file, []byte(before+tableStart+"\n"+table+"\n"+tableEnd+after), 0o644) //nolint:gosec // a page
}

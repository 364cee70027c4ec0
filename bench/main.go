package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// options are the command's flags.
type options struct {
	caddy   string
	turns   int
	load    time.Duration
	memory  time.Duration
	docs    string
	workDir string
}

func main() {
	var o options
	flag.StringVar(&o.caddy, "caddy", "", "`file` of a Caddy with the gateway, which bench/run builds")
	flag.IntVar(&o.turns, "turns", 20, "how often each request is sent to each server, there and back")
	flag.DurationVar(&o.load, "load", time.Second, "for how long each time")
	flag.DurationVar(&o.memory, "memory", time.Minute, "for how long a server is under load before its memory is read; 0 leaves it out")
	flag.StringVar(&o.docs, "docs", "docs/performance.md", "`page` whose table is replaced with the results; empty for none")
	flag.Parse()
	if o.caddy == "" || flag.NArg() > 0 || o.turns < 1 || o.load < time.Second {
		fmt.Fprintln(os.Stderr, "bench: give at least one turn of at least a second, no further arguments, and start it as ./xcaddy.sh bench")
		os.Exit(2)
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o options) (err error) {
	if _, err := exec.LookPath("wrk"); err != nil {
		return fmt.Errorf("wrk, the load generator, is not installed (Debian: apt-get install wrk)")
	}
	if o.workDir, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	defer os.RemoveAll(o.workDir)

	m := &machine{options: o, cores: runtime.NumCPU()}
	defer m.stopAll("")
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		m.stopAll("")
		os.RemoveAll(o.workDir)
		os.Exit(130)
	}()

	if err := m.startUpstream(); err != nil {
		return err
	}
	results, err := m.compare(scenarios, "")
	if err != nil {
		return err
	}
	if err := m.startRails(); err != nil {
		fmt.Fprintln(os.Stderr, "not measured: what a refused request costs MOR:", err)
	} else {
		rails, err := m.compare(railsScenarios, "rails")
		if err != nil {
			return err
		}
		results = append(results, rails...)
	}
	memory, err := m.compareMemory()
	if err != nil {
		fmt.Fprintln(os.Stderr, "not measured:", err)
	}
	table := report(o, m.cores, results, memory)
	fmt.Print(table)
	if o.docs == "" {
		return nil
	}
	return replaceTable(filepath.Clean(o.docs), table)
}

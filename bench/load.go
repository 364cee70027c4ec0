package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// sample is what one server did in one turn.
type sample struct {
	cpu  float64 // of the server's process, microseconds for each request
	rate float64 // requests per second
}

// result is a scenario with the samples of each server, turn by turn.
type result struct {
	scenario
	samples [][]sample // by server
}

// compare sends each scenario's request to each of its servers, in turns. All servers are started anew for each turn
// but the one that keep names.
func (m *machine) compare(scenarios []scenario, keep string) ([]result, error) {
	results := make([]result, len(scenarios))
	for i, s := range scenarios {
		results[i] = result{s, make([][]sample, len(s.servers))}
	}
	for turn := range m.turns {
		fmt.Fprintf(os.Stderr, "Turn %d of %d\n", turn+1, m.turns)
		for i, s := range scenarios {
			samples, err := m.turn(s)
			if err != nil {
				return nil, err
			}
			for j := range samples {
				results[i].samples[j] = append(results[i].samples[j], samples[j])
			}
		}
		m.stopAll(keep)
	}
	return results, nil
}

// turn sends a scenario's request to each of its servers, and then to each again in the opposite order, so that what
// changes steadily meanwhile is the same for all. The samples are the means.
func (m *machine) turn(s scenario) ([]sample, error) {
	samples := make([]sample, len(s.servers))
	for pass := range 2 * len(s.servers) {
		i := min(pass, 2*len(s.servers)-1-pass)
		got, err := m.measure(s, s.servers[i], m.load)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", s.name, s.servers[i].name, err)
		}
		samples[i].cpu += got.cpu / 2
		samples[i].rate += got.rate / 2
	}
	return samples, nil
}

// compareMemory returns the memory of each server, in bytes, after load.
func (m *machine) compareMemory() (map[string]int64, error) {
	if m.options.memory == 0 {
		return nil, nil
	}
	fmt.Fprintln(os.Stderr, "Memory")
	sizes := make(map[string]int64)
	for _, t := range memoryScenario.servers {
		if _, err := m.measure(memoryScenario, t, m.options.memory); err != nil {
			return nil, fmt.Errorf("memory, %s: %w", t.name, err)
		}
		size, err := m.processes[t.process].memory()
		if err != nil {
			return nil, err
		}
		sizes[t.name] = size
		m.stopAll("")
	}
	return sizes, nil
}

// warmUp is for how long a site of a server that has just started is under load before it counts.
const warmUp = time.Second

// measure puts a server under load.
func (m *machine) measure(s scenario, t target, load time.Duration) (sample, error) {
	if m.processes[t.process] == nil {
		if err := m.startCaddy(t.process); err != nil {
			return sample{}, err
		}
	}
	p := m.processes[t.process]
	if !p.warm[t.site] {
		if _, err := m.wrk(s, p.sites[t.site], warmUp); err != nil {
			return sample{}, err
		}
		p.warm[t.site] = true
	}
	if err := s.check(p.sites[t.site]); err != nil {
		return sample{}, err
	}
	before, err := p.cpu()
	if err != nil {
		return sample{}, err
	}
	start := time.Now()
	requests, err := m.wrk(s, p.sites[t.site], load)
	if err != nil {
		return sample{}, err
	}
	took := time.Since(start)
	after, err := p.cpu()
	if err != nil {
		return sample{}, err
	}
	_ = os.Truncate(p.log, 0) // it is opened to append
	n := float64(requests)
	return sample{cpu: float64((after - before).Nanoseconds()) / 1e3 / n, rate: n / took.Seconds()}, nil
}

// check sends the request once and looks at the answer.
func (s *scenario) check(addr string) error {
	r, err := http.NewRequest(s.request.method, "http://"+addr+s.request.target, strings.NewReader(s.request.body))
	if err != nil {
		return err
	}
	if s.request.contentType != "" {
		r.Header.Set("Content-Type", s.request.contentType)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK || !strings.Contains(string(body), s.answer) {
		return fmt.Errorf("another answer than %s: %s\n%s", s.answer, answer.Status, body)
	}
	return nil
}

var (
	wrkRequests = regexp.MustCompile(`(\d+) requests in`)
	wrkTrouble  = regexp.MustCompile(`(?m)^ *(Socket errors: |Non-2xx).*`)
)

// connections is how many requests are under way at the same time.
const connections = 16

// wrk sends the request for a time and returns how many answers came.
func (m *machine) wrk(s scenario, addr string, load time.Duration) (int, error) {
	script := filepath.Join(m.workDir, "request.lua")
	text := fmt.Sprintf("wrk.method = %q\n", s.request.method)
	if s.request.body != "" {
		text += fmt.Sprintf("wrk.body = %q\nwrk.headers[\"Content-Type\"] = %q\n", s.request.body, s.request.contentType)
	}
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		return 0, err
	}
	out, err := exec.Command("wrk", "-t", "1", "-c", strconv.Itoa(connections), //nolint:gosec // its own arguments
		"-d", fmt.Sprintf("%.0fs", load.Seconds()), "--timeout", "60s", "-s", script, "http://"+addr+s.request.target).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	if trouble := wrkTrouble.Find(out); trouble != nil {
		return 0, fmt.Errorf("wrk: %s", trouble)
	}
	found := wrkRequests.FindSubmatch(out)
	if found == nil {
		return 0, fmt.Errorf("wrk said:\n%s", out)
	}
	return strconv.Atoi(string(found[1]))
}

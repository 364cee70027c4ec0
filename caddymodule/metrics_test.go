package caddymodule_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// TestMetricsSurviveReload: Caddy has a new registry for each config, and an
// operator's counters must not start again with it. Nor do two sites get in
// each other's way.
func TestMetricsSurviveReload(t *testing.T) {
	const config = `
	http://:{$FIRST} {
		mor_gateway {$KEYS}
		respond ok
	}
	http://:{$SECOND} {
		mor_gateway secret
		respond ok
	}`
	s := testkit.Serve(t, config, "KEYS", "secret")
	first, second := s.Addr("FIRST"), s.Addr("SECOND")
	before := s.Counters()
	const refused = `requests_total{mode="enforce",verdict="access_denied"}`
	for i := range 3 {
		post(t, first, "u=")
		post(t, second, "u=")
		if err := s.Load(config, "KEYS", strings.Repeat("secret ", i+2)); err != nil {
			t.Fatal(err)
		}
		if n := s.Since(before)[refused]; n != float64(2*i+2) {
			t.Errorf("after %d reloads: %v refusals, want %d", i+1, n, 2*i+2)
		}
	}
	if err := s.Load(config, "KEYS", "{env.UNSET_KEY}"); err == nil {
		t.Error("a config with an unset key loads")
	}
	// Caddy's admin endpoint now shows the registry of the config that failed.
	if n := s.Since(before)[refused]; n != 6 {
		t.Errorf("after a reload that failed: %v refusals, want 6", n)
	}
}

// The gauge says what is in the config, whatever was loaded before.
func TestLoadedModes(t *testing.T) {
	const site = `
	http://:{$%[1]s} {
		mor_gateway {
			secret %[3]s
			mode %[2]s
		}
		respond ok
	}`
	one, two, three := fmt.Sprintf(site, "ONE", "monitor", "k"), fmt.Sprintf(site, "TWO", "enforce", "k"), fmt.Sprintf(site, "THREE", "enforce", "k")
	s := testkit.Serve(t, one)
	loaded := func(mode string) (n int) {
		t.Helper()
		series := fmt.Sprintf("caddy_mor_gateway_loaded{mode=%q} ", mode)
		_, val, _ := strings.Cut(testkit.Ask(t, "GET", s.Admin+"/metrics", "").Body, "\n"+series)
		if _, err := fmt.Sscan(val, &n); err != nil {
			t.Fatalf("%s: %v", series, err)
		}
		return n
	}
	// Other tests of this process have gateways that belong to no config.
	others := [2]int{loaded("enforce"), loaded("monitor") - 1}
	says := func(enforce, monitor int) {
		t.Helper()
		if got, want := [2]int{loaded("enforce") - others[0], loaded("monitor") - others[1]}, [2]int{enforce, monitor}; got != want {
			t.Errorf("%d gateways, want %d", got, want)
		}
	}
	for _, more := range []string{"", "respond /x 404\n"} { // Caddy leaves an unchanged config alone
		if err := s.Load(strings.Replace(one+two+three, "respond ok", more+"respond ok", 1)); err != nil {
			t.Fatal(err)
		}
		says(2, 1)
	}
	for name, wrong := range map[string]string{
		"Provision": one + fmt.Sprintf(site, "TWO", "enforce", "{env.UNSET_KEY}"),
		"Validate":  one + strings.Replace(two, "secret", "users \" \"\nsecret", 1),
	} {
		if err := s.Load(wrong); err == nil {
			t.Errorf("a config that %s refuses loads", name)
		}
		says(2, 1)
	}
	if err := s.Load(two); err != nil {
		t.Fatal(err)
	}
	says(1, 0)
}

// TestMetricLabels: whatever a request says, the labels are the design's.
func TestMetricLabels(t *testing.T) {
	closed := map[string][]string{
		"verdict": {
			"accepted", "ambiguous", "unsupported_media_type", "too_large", "incomplete", "method_not_allowed", "internal_error",
		},
		"mode":   {"enforce", "monitor"},
		"mor":    {"success", "incorrect_hash", "other_error"},
		"status": {"502", "503", "504"},
		"reason": {"coding", "damaged", "too_long", "no_message"},
	}
	for _, rule := range validation.Rules() {
		closed["verdict"] = append(closed["verdict"], rule.Label)
	}
	upstream := testkit.StartMOR(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, testkit.Failure(r.URL.RawQuery))
	})
	s := testkit.Serve(t, `http://:{$SITE} {
		mor_gateway {
			secret secret
			mode monitor
		}
		reverse_proxy {$MOR}
	}`, "MOR", upstream.Addr)
	before := s.Counters()
	for _, request := range mixed(7, 200) {
		send(t, s.Addr("SITE"), request)
	}
	counted := s.Since(before)
	if len(counted) < 5 {
		t.Errorf("counted only %v", counted)
	}
	for _, value := range closed["verdict"] {
		if _, ok := s.Counters()[`requests_total{mode="monitor",verdict="`+value+`"}`]; !ok {
			t.Errorf("no series for the verdict %s", value)
		}
	}
	if got, want := len(s.Counters()), len(before); got != want {
		t.Errorf("%d series after the requests, %d before", got, want)
	}
	label := regexp.MustCompile(`(\w+)="([^"]*)"`)
	for series := range s.Counters() {
		for _, m := range label.FindAllStringSubmatch(series, -1) {
			if !slices.Contains(closed[m[1]], m[2]) {
				t.Errorf("%s: %s is not in the closed set", series, m[0])
			}
		}
	}
	// From 1 us to 10 ms.
	text := testkit.Ask(t, "GET", s.Admin+"/metrics", "").Body
	for _, le := range []string{"1e-06", "0.01", "+Inf"} {
		if !strings.Contains(text, `caddy_mor_gateway_validation_seconds_bucket{le="`+le+`"}`) {
			t.Errorf("no bucket %s", le)
		}
	}
	check := exec.CommandContext(t.Context(), testkit.Tool(t, "promtool"), "check", "metrics")
	check.Stdin = strings.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

const rules = "../deploy/prometheus/mor-gateway.rules"

func TestAlertRules(t *testing.T) {
	promtool := testkit.Tool(t, "promtool")
	for _, args := range [][]string{{"check", "rules", rules + ".yml"}, {"test", "rules", rules + ".test.yml"}} {
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestAlertFires has a real Prometheus scrape a running gateway, with the
// rules as they are delivered, and changes the key in MOR.
func TestAlertFires(t *testing.T) {
	prometheus := testkit.Tool(t, "prometheus")
	var drifted atomic.Bool
	upstream := testkit.StartMOR(t, func(w http.ResponseWriter, _ *http.Request) {
		if drifted.Load() {
			_, _ = io.WriteString(w, testkit.Failure("Incorrect hash"))
			return
		}
		_, _ = io.WriteString(w, testkit.Success)
	})
	s := testkit.Serve(t, `{
		metrics
	}
	http://:{$SITE} {
		mor_gateway secret
		reverse_proxy {$MOR}
	}`, "MOR", upstream.Addr)
	addr := s.Addr("SITE")
	right := "u=admin&did_id=1&hash=" + contract.Hash("1", "secret")
	post(t, addr, right)

	dir := t.TempDir()
	file, err := filepath.Abs(rules + ".yml")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, `
global: {scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}
rule_files: [%q]
scrape_configs:
  - job_name: mor
    static_configs: [{targets: [%q]}]
`, file, strings.TrimPrefix(s.Admin, "http://")), 0o600); err != nil {
		t.Fatal(err)
	}
	listen := testkit.FreeAddr(t)
	var output bytes.Buffer
	cmd := exec.CommandContext(t.Context(), prometheus, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+listen)
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s", output.Bytes())
		}
	})
	// ask returns the results of a query, as far as there is an answer.
	ask := func(query string) (results []json.RawMessage) {
		resp, err := http.Get("http://" + listen + "/api/v1/query?query=" + url.QueryEscape(query))
		if err != nil {
			return nil
		}
		defer resp.Body.Close()
		var answer struct {
			Data struct{ Result []json.RawMessage }
		}
		_ = json.NewDecoder(resp.Body).Decode(&answer)
		return answer.Data.Result
	}
	const firing = `ALERTS{alertname="MORKeysDrifted",alertstate="firing",job="mor"}`
	testkit.Eventually(t, "Prometheus has seen the gateway twice", func() bool {
		return len(ask(`count_over_time(caddy_mor_gateway_disagreements_total{mor="incorrect_hash"}[1m]) >= 2`)) == 1
	})
	if alerts := ask(`ALERTS`); len(alerts) > 0 {
		t.Errorf("alerts while all is well: %s", alerts)
	}
	drifted.Store(true)
	post(t, addr, right)
	testkit.Eventually(t, firing, func() bool { return len(ask(firing)) == 1 })
}

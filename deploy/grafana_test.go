package deploy

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// dashboard has what the tests look at; deploy/grafana/check reads the whole, with Grafana's own types.
type dashboard struct {
	Panels []struct {
		ID                       int
		Title, Description, Type string
		Datasource               struct{ UID string }
		GridPos                  struct{ X, Y, W, H int }
		Targets                  []struct{ RefID, Expr string }
	}
	Templating struct {
		List []struct{ Name, Type, Query any }
	}
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	text, err := os.ReadFile("grafana/mor-gateway.json")
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil || len(d.Panels) == 0 {
		t.Fatalf("no panels: %v", err)
	}
	return d
}

func TestDashboard(t *testing.T) {
	d := readDashboard(t)
	var names []string
	for _, v := range d.Templating.List {
		names = append(names, fmt.Sprint(v.Name))
	}
	if got := strings.Join(names, " "); got != "datasource job instance" {
		t.Errorf("variables: %s", got)
	}
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		t.Run(p.Title, func(t *testing.T) {
			if ids[p.ID] {
				t.Errorf("a second panel %d", p.ID)
			}
			ids[p.ID] = true
			if !strings.HasSuffix(p.Description, ".") {
				t.Errorf("description %q", p.Description)
			}
			if p.Datasource.UID != "${datasource}" {
				t.Errorf("data source %q", p.Datasource.UID)
			}
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
						t.Fatalf("is over %q, or outside", other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
			for _, target := range p.Targets {
				if !strings.Contains(target.Expr, `{job=~"$job", instance=~"$instance"`) {
					t.Errorf("does not choose the gateways: %s", target.Expr)
				}
			}
		})
	}
}

// Each query gives data when a Prometheus looks at two gateways that have something of everything to tell.
func TestDashboardQueries(t *testing.T) {
	prometheus := testkit.Tool(t, "prometheus")
	mor := testkit.StartMOR(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("did_user_id") {
		case "1":
			_, _ = io.WriteString(w, testkit.Failure("Incorrect hash"))
		case "2":
			w.WriteHeader(http.StatusInternalServerError)
		case "3":
			panic(http.ErrAbortHandler)
		case "4":
			_, _ = io.WriteString(w, "no XML")
		default:
			_, _ = io.WriteString(w, testkit.Success)
		}
	})
	gateways := []*process{start(t, "monitor", mor.Addr), start(t, "edge", mor.Addr)}

	dir, addr := t.TempDir(), testkit.FreeAddr(t)
	config := fmt.Sprintf("global: {scrape_interval: 500ms}\nscrape_configs:\n- job_name: mor\n  static_configs: [{targets: [%q, %q]}]\n",
		gateways[0].metrics, gateways[1].metrics)
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(prometheus, "--config.file", filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path", dir, "--web.listen-address", addr)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	testkit.Eventually(t, "Prometheus is ready", func() bool {
		return testkit.Ask(t, "GET", "http://"+addr+"/-/ready", "").Status == 200
	})

	traffic := func() {
		for _, p := range gateways {
			for _, target := range []string{right, wrong, path, right + "&u=other", right + "&call_limit=x"} {
				p.ask("POST", "https", target)
			}
			for did := range 5 {
				p.ask("POST", "https", right+"&did_user_id="+strconv.Itoa(did))
			}
		}
	}
	variables := strings.NewReplacer("$__rate_interval", "10s", "$__range", "5m", "$job", ".*", "$instance", ".*")
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			t.Run(p.Title+" "+target.RefID, func(t *testing.T) {
				query := variables.Replace(target.Expr)
				testkit.Eventually(t, query, func() bool {
					traffic()
					got := testkit.Ask(t, "GET", "http://"+addr+"/api/v1/query?query="+url.QueryEscape(query), "")
					var answer struct {
						Data struct{ Result []struct{ Value [2]any } }
					}
					if err := json.Unmarshal([]byte(got.Body), &answer); err != nil || got.Status != 200 {
						t.Fatalf("%d %s", got.Status, got.Body)
					}
					for _, series := range answer.Data.Result {
						if n, _ := strconv.ParseFloat(fmt.Sprint(series.Value[1]), 64); n > 0 {
							return true
						}
					}
					return false
				})
			})
		}
	}
}

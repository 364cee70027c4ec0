package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	_ "github.com/mor-gateway/caddy-mor-gateway/caddyfile"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// TestSurvey loads configs, as operators write them, and looks for warnings of
// ways round the gateway, each with its upstream. MOR is at :1.
func TestSurvey(t *testing.T) {
	const matcher, before, without, twice = "has a matcher", "before mor_gateway", "without mor_gateway", "twice"
	for name, tc := range map[string]struct {
		config string
		want   []string
	}{
		"plain":            {"http://:9 {\nmor_gateway k\nreverse_proxy :1\n}", nil},
		"named host":       {"http://a:9 {\nmor_gateway k\nreverse_proxy :1\n}", nil},
		"handle blocks":    {"http://:9 {\nmor_gateway k\nhandle /a/* {\nreverse_proxy :1\n}\nhandle {\nreverse_proxy :1\n}\n}", nil},
		"other servers":    {"http://:9 {\nmor_gateway k\nhandle /a/* {\nreverse_proxy :2\n}\nhandle {\nreverse_proxy :1\n}\n}\nhttp://:10 {\nreverse_proxy :3\n}", nil},
		"own block":        {"http://:9 {\nhandle /static/* {\nreverse_proxy :2\n}\nhandle {\nmor_gateway k\nreverse_proxy :1\n}\n}", nil},
		"named route":      {"&(mor) {\nmor_gateway k\nreverse_proxy :1\n}\nhttp://:9 {\ninvoke mor\n}", nil},
		"strangers":        {"http://:9 {\nmor_gateway k\n@s not path /a/*\nrespond @s 403\nreverse_proxy :1\n}", nil},
		"api in a block":   {"http://:9 {\nhandle /a/* {\nmor_gateway k\nreverse_proxy :1\n}\nhandle {\nrespond 404\n}\n}", nil},
		"matched response": {"http://:9 {\nroute {\nmor_gateway k\nroute /b/* {\nmor_gateway k\nrespond x\n}\nreverse_proxy :1\n}\n}", nil},

		"matcher":          {"http://:9 {\nmor_gateway /billing/* k\nreverse_proxy :1\n}", []string{matcher + " :1"}},
		"named matcher":    {"http://a:9 {\n@p path /billing/*\nmor_gateway @p k\nhandle {\nreverse_proxy :1\n}\n}", []string{matcher + " :1"}},
		"all":              {"http://:9 {\nmor_gateway * k\nreverse_proxy :1\n}", nil},
		"matcher in route": {"http://:9 {\nroute /billing/* {\nmor_gateway k\n}\nreverse_proxy :1\n}", []string{matcher + " :1"}},
		"both":             {"http://:9 {\nroute {\nmor_gateway /x/* k\nmor_gateway k\nreverse_proxy :1\n}\n}", nil},

		"order":              {"{\norder reverse_proxy before mor_gateway\n}\nhttp://:9 {\nmor_gateway k\nreverse_proxy :1\n}", []string{before + " :1"}},
		"order of the gate":  {"{\norder mor_gateway last\n}\nhttp://a:9 {\nmor_gateway k\nhandle {\nreverse_proxy :1\n}\n}", []string{before + " :1"}},
		"proxy first":        {"http://:9 {\nroute {\nreverse_proxy :1\nmor_gateway k\n}\n}", []string{before + " :1"}},
		"forward_auth":       {"http://:9 {\nforward_auth :2 {\nuri /a\n}\nmor_gateway k\nreverse_proxy :1\n}", []string{before + " :2"}},
		"php_fastcgi":        {"http://:9 {\nroute {\nphp_fastcgi :2\nmor_gateway k\nreverse_proxy :1\n}\n}", []string{before + " :2"}},
		"invoked before":     {"&(mor) {\nreverse_proxy :1\n}\nhttp://:9 {\nroute {\ninvoke mor\nmor_gateway k\n}\n}", []string{before + " :1"}},
		"after forward_auth": {"http://:9 {\nroute {\nmor_gateway k\nforward_auth :2 {\nuri /a\n}\nreverse_proxy :1\n}\n}", nil},

		"other site":        {"http://:9 {\nmor_gateway k\nreverse_proxy :1\n}\nhttp://:10 {\nreverse_proxy :1\n}", []string{without + " :1"}},
		"other host":        {"http://a:9 {\nmor_gateway k\nreverse_proxy :1\n}\nhttp://b:9 {\nreverse_proxy :1\n}", []string{without + " :1"}},
		"second upstream":   {"http://a:9 {\nmor_gateway k\nreverse_proxy :1\n}\nhttp://b:9 {\nreverse_proxy :2 :1\n}", []string{without + " :2 :1"}},
		"other block":       {"http://:9 {\nhandle /a/* {\nreverse_proxy :1\n}\nhandle {\nmor_gateway k\nreverse_proxy :1\n}\n}", []string{without + " :1"}},
		"handle_errors":     {"http://:9 {\nmor_gateway k\nreverse_proxy :1\nhandle_errors {\nreverse_proxy :1\n}\n}", []string{without + " :1"}},
		"guarded errors":    {"http://:9 {\nmor_gateway k\nreverse_proxy :1\nhandle_errors {\nmor_gateway k\nreverse_proxy :1\n}\n}", nil},
		"intercept":         {"http://:9 {\nintercept {\nhandle_response {\nreverse_proxy :1\n}\n}\nmor_gateway k\nreverse_proxy :1\n}", []string{without + " :1"}},
		"handle_response":   {"http://:9 {\nmor_gateway k\nreverse_proxy :1 {\nhandle_response {\nreverse_proxy :1\n}\n}\n}", nil},
		"GET, buffered":     {"http://:9 {\nmor_gateway {\nsecret k\nallow_get\n}\nreverse_proxy :1 {\nrequest_buffers 1KiB\n}\n}", []string{twice + " :1"}},
		"POST, buffered":    {"http://:9 {\nmor_gateway k\nreverse_proxy :1 {\nrequest_buffers 1KiB\n}\n}", nil},
		"dynamic upstreams": {"http://:9 {\nmor_gateway /b/* k\nreverse_proxy {\ndynamic a mor 80\n}\n}", []string{matcher + " "}},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "log")
			log := fmt.Sprintf("log default {\noutput file %q\n}\nadmin off\n", file)
			config := strings.Replace("{\n"+log+"}\n"+tc.config, "}\n{\n", "", 1)
			adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(config), nil)
			if err != nil {
				t.Fatal(err)
			}
			var loaded caddy.Config
			if err := json.Unmarshal(adapted, &loaded); err != nil {
				t.Fatal(err)
			}
			if err := caddy.Validate(&loaded); err != nil {
				t.Fatal(err)
			}
			logged, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got := surveyed(t, string(logged), matcher, before, without, twice); !slices.Equal(got, tc.want) {
				t.Errorf("warned of %q, want %q", got, tc.want)
			}
		})
	}
}

// surveyed returns which of the warnings are in the log, and their upstreams.
func surveyed(t *testing.T, log string, warnings ...string) (found []string) {
	t.Helper()
	for line := range strings.Lines(log) {
		var fields struct {
			Level, Logger, Msg string
			Upstreams, Listen  []string
		}
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		for _, warning := range warnings {
			if fields.Level == "warn" && fields.Logger == "http.handlers.mor_gateway" && strings.Contains(fields.Msg, warning) {
				found = append(found, warning+" "+strings.Join(fields.Upstreams, " "))
				if len(fields.Listen) == 0 {
					t.Errorf("%s: nothing says where", fields.Msg)
				}
			}
		}
	}
	return found
}

// TestSurveyAtLoad makes sure that each load is surveyed, once.
func TestSurveyAtLoad(t *testing.T) {
	const config = "http://:{$SITE} {\nmor_gateway /x k\nreverse_proxy :1\n}"
	s := testkit.Serve(t, config)
	for i := range 3 {
		if got := surveyed(t, s.Log(), "has a matcher"); len(got) != i+1 {
			t.Fatalf("after %d loads: warned %d times", i+1, len(got))
		}
		if err := s.Load(config); err != nil {
			t.Fatal(err)
		}
	}
}

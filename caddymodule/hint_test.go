package caddymodule

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/time/rate"

	"github.com/mor-gateway/caddy-mor-gateway/validation/hint"
)

// limitHints gives the test a rate of its own.
func limitHints(t testing.TB, limit rate.Limit, burst int) {
	t.Helper()
	old := hintLimit
	hintLimit = rate.NewLimiter(limit, burst)
	t.Cleanup(func() { hintLimit = old })
}

// A hint is in the log of a refusal and not in the answer; beyond the rate
// none is looked for, but what costs no digest is still said.
func TestHintsInTheLog(t *testing.T) {
	limitHints(t, 0, 2)
	core, logs := observer.New(zapcore.InfoLevel)
	h := benchHandler(zap.New(core))
	next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })

	const newline = "1752ded4a2071e5963edd0f038a9c378ed5dd230" // echo 6511secret | sha1sum
	const newlineHint = "newline: a newline after the key was hashed too; use printf or echo -n, and trim what you read from a file"
	const upperHint = "upper_case: the hash has upper-case digits; MOR wants lower case"
	for i, tt := range []struct{ query, want string }{
		{"u=admin&did_id=6511&hash=" + newline, newlineHint},
		{"u=admin&did_id=6511&hash=F7DE355C9B4421CE6C705B4B32C89DBCACA51E46", upperHint},
		{"u=admin&did_id=6511&hash=" + newline, newlineHint},
		{"u=admin&did_id=6511&hash=" + newline, hint.OverLimit.Text},
		{"u=admin&did_id=6511&hash=F7DE355C9B4421CE6C705B4B32C89DBCACA51E46", upperHint},
		{"u=admin&did_id=6511&hash=f7de355c9b4421ce6c705b4b32c89dbcaca51e46&call_limit=x", "not_digits: the value has characters other than the digits 0 to 9; send digits only"},
		{"did_id=6511&hash=" + newline, "u_missing: u is missing or blank; send it in the query, or at the top level of the body"},
		{"u=admin&u=x", "query: u: given more than once with different values"},
	} {
		x := newBenchExchange("POST", benchPath+"?"+tt.query, "", "")
		x.reset()
		w := httptest.NewRecorder()
		if err := h.ServeHTTP(w, x.r, next); err != nil {
			t.Fatal(err)
		}
		entries := logs.TakeAll()
		if len(entries) != 1 {
			t.Fatalf("%d: %d log lines", i, len(entries))
		}
		if got := entries[0].ContextMap()["hint"]; got != tt.want {
			t.Errorf("%d: hint %q, want %q", i, got, tt.want)
		}
		if answer := fmt.Sprint(w.Header(), w.Body); tt.want != "" && strings.Contains(answer, tt.want) {
			t.Errorf("%d: the hint is in the answer", i)
		}
	}
}

// In monitor mode the warning that MOR accepts what would be refused has the
// hint too, which is looked for once, whether or not the refusal is logged.
func TestHintsInTheWarning(t *testing.T) {
	const wrong = "u=admin&did_id=6511&hash=1752ded4a2071e5963edd0f038a9c378ed5dd230" // echo 6511secret | sha1sum
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		_, err := io.WriteString(w, `<page><status><success>DID details updated</success></status></page>`)
		return err
	})
	for level, lines := range map[zapcore.Level]int{zapcore.InfoLevel: 2, zapcore.WarnLevel: 1} {
		limitHints(t, 0, 2)
		core, logs := observer.New(level)
		h := benchHandler(zap.New(core))
		h.monitor = true
		for i, tt := range []struct{ query, want string }{
			{wrong, "newline: "}, {wrong, "newline: "}, {wrong, hint.OverLimit.Text},
			{"u=admin&u=x", "query: u: given more than once with different values"},
			{"did_id=6511", "u_missing: "},
			{wrong[:25] + "f7de355c9b4421ce6c705b4b32c89dbcaca51e46&call_limit=x", "not_digits: "},
		} {
			x := newBenchExchange("POST", benchPath+"?"+tt.query, "", "")
			x.reset()
			if err := h.ServeHTTP(httptest.NewRecorder(), x.r, next); err != nil {
				t.Fatal(err)
			}
			entries := logs.TakeAll()
			if len(entries) != lines || entries[lines-1].Message != "MOR accepts what the gateway would refuse" {
				t.Fatalf("%v, %d: log lines %v", level, i, entries)
			}
			for _, e := range entries {
				got, ok := e.ContextMap()["hint"].(string)
				if !ok || !strings.HasPrefix(got, tt.want) || (got == "") != (tt.want == "") {
					t.Errorf("%v, %d: %q has the hint %q, want %q", level, i, e.Message, got, tt.want)
				}
			}
		}
	}
}

// What MOR answers may say more of a request than the request does.
func TestHintsAfterMORsAnswer(t *testing.T) {
	const success = `<page><status><success>DID details updated</success></status></page>`
	const callLimit = `<page><status><error>Call limit is incorrect format</error></status></page>`
	const right = "f7de355c9b4421ce6c705b4b32c89dbcaca51e46" // echo -n 6511secret | sha1sum
	for name, tt := range map[string]struct {
		monitor     bool
		json        string
		mor         string
		want, wants string
	}{
		"a number":             {false, `{"u":"admin","did_id":6511,"call_limit":10,"hash":"` + right + `"}`, callLimit, "call_limit_number: ", "send it as a string"},
		"a string":             {false, `{"u":"admin","did_id":6511,"call_limit":"10","hash":"` + right + `"}`, callLimit, "", ""},
		"a key that we lack":   {true, `{"u":"shop","did_id":6511,"hash":"1752ded4a2071e5963edd0f038a9c378ed5dd231"}`, success, "key_lacking: ", "add `reseller <name> <key>`"},
		"no check of the hash": {true, `{"u":"shop","did_id":6511,"hash":"a1B2c3D4e5"}`, success, "uniquehash: ", `"Disable hash checking" is on in MOR`},
	} {
		t.Run(name, func(t *testing.T) {
			limitHints(t, 0, 2)
			core, logs := observer.New(zapcore.WarnLevel)
			h := benchHandler(zap.New(core))
			h.monitor = tt.monitor
			next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
				_, err := io.WriteString(w, tt.mor)
				return err
			})
			x := newBenchExchange("POST", benchPath, "application/json", tt.json)
			x.reset()
			if err := h.ServeHTTP(httptest.NewRecorder(), x.r, next); err != nil {
				t.Fatal(err)
			}
			entries := logs.TakeAll()
			if len(entries) != 1 {
				t.Fatalf("log lines %v", entries)
			}
			got := fmt.Sprint(entries[0].ContextMap()["hint"])
			if !strings.HasPrefix(got, tt.want) || !strings.Contains(got, tt.wants) || (got == "") != (tt.want == "") {
				t.Errorf("hint %q", got)
			}
		})
	}
}

// BenchmarkRefusal shows what a refusal of a wrong hash costs with a hint for
// each, at the rate that is in force, and with none.
func BenchmarkRefusal(b *testing.B) {
	for _, bm := range []struct {
		name  string
		limit rate.Limit
		burst int
	}{
		{"every-hint", rate.Inf, 0},
		{"limited", HintsPerSecond, HintBurst},
		{"no-hint", 0, 0},
	} {
		b.Run(bm.name, func(b *testing.B) {
			limitHints(b, bm.limit, bm.burst)
			h := benchHandler(benchLogger())
			x := newBenchExchange("POST", benchPath+"?u=admin&did_id=6512&call_limit=999&hash=f7de355c9b4421ce6c705b4b32c89dbcaca51e47", "", "")
			next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })
			b.ReportAllocs()
			for b.Loop() {
				x.reset()
				if err := h.ServeHTTP(&x.w, x.r, next); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

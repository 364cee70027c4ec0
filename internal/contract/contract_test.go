package contract

import (
	"fmt"
	"slices"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// The judge answers each case as the case says. Ambiguous is no matter of the table.
func TestJudge(t *testing.T) {
	names := map[string]bool{}
	for _, c := range Cases() {
		if names[c.Name] {
			t.Errorf("%s stands twice", c.Name)
		}
		names[c.Name] = true
		t.Run(c.Name, func(t *testing.T) {
			site, known := Sites[c.Site]
			if got := site.Judge("POST", c.value); !known || got != c.Want && c.Want != Ambiguous {
				t.Errorf("%v: got %q, want %q", c.Params, got, c.Want)
			}
		})
	}
}

// value returns a parameter of the case.
func (c Case) value(name string) string {
	at := slices.IndexFunc(c.Params, func(p Param) bool { return p.Name == name })
	if at < 0 {
		return ""
	}
	return c.Params[at].Value
}

func TestJudgeGet(t *testing.T) {
	for _, tt := range []struct{ site, user, want string }{
		{"main", "admin", "GET Requests are disabled"},
		{"main", "", "Access Denied"},
		{"get", "admin", ""},
		{"users", "mallory", "Access Denied"},
	} {
		t.Run(tt.site+" "+tt.user, func(t *testing.T) {
			c := row("", "", "u", tt.user)
			if got := Sites[tt.site].Judge("GET", c.value); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// The table and the gateway have the same errors in the same order. Who adds one to the one adds it to the other.
func TestGatewayHasTheTable(t *testing.T) {
	var theirs, ours []string
	for v := validation.AccessDenied; v < validation.InternalError; v++ {
		theirs = append(theirs, v.Message())
	}
	for _, c := range Checks {
		ours = append(ours, c.Message)
	}
	for _, message := range theirs {
		if !slices.Contains(ours, message) {
			t.Errorf("validation answers %q, which the contract's table lacks. Add its row to Checks in internal/contract/contract.go, where MOR would check it:\n"+
				"\t{Message: %q, Param: \"the parameter\", Max: 2147483647},", message, message)
		}
	}
	for _, c := range Checks {
		if !slices.Contains(theirs, c.Message) {
			t.Errorf("the contract's table has an error for %s that validation lacks. Add its verdict to validation/verdict.go, and its rule:\n"+
				"\t{\"a_label\", %q, 200},", c.Param, c.Message)
		}
	}
	if !t.Failed() && fmt.Sprint(theirs) != fmt.Sprint(ours) {
		t.Errorf("validation checks in the order\n%q, the contract's table has\n%q", theirs, ours)
	}
}

package contract

import (
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// The judge answers each case as the case says. Ambiguous is no matter of the table.
func TestJudge(t *testing.T) {
	names := map[string]bool{}
	for _, c := range Cases() {
		if names[c.Name] {
			t.Errorf("%s is there twice", c.Name)
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

// aRange is how validation says what a range is.
var aRange = regexp.MustCompile(`^(\w+), if given, is an integer from (\d+) to (\d+)$`)

// The table and the gateway have the same errors in the same order. Who adds one to the one adds it to the other.
func TestGatewayHasTheTable(t *testing.T) {
	var theirs, ours []string
	for _, c := range Checks {
		ours = append(ours, c.Message)
	}
	for _, rule := range validation.Rules() {
		theirs = append(theirs, rule.Message)
		if m := aRange.FindStringSubmatch(rule.Check); !slices.Contains(ours, rule.Message) {
			row := fmt.Sprintf("{Message: %q, Param: \"...\", holds: ..., wrong: ...},", rule.Message)
			if m != nil {
				row = fmt.Sprintf("{Message: %q, Param: %q, Min: %s, Max: %s},", rule.Message, m[1], m[2], m[3])
			}
			t.Errorf("the contract's table lacks the rule on %q. Add it to Checks in internal/contract/contract.go, where MOR checks it:\n\t%s", rule.Check, row)
		}
	}
	for _, c := range Checks {
		if !slices.Contains(theirs, c.Message) {
			t.Errorf("validation lacks a check of the contract's table. Add its verdict, and a row to the rules in validation/rules.go:\n"+
				"\t{..., %q, %q, \"%s, if given, is an integer from %d to %d\", always, optional(..., %d)},", c.Param+"_format", c.Message, c.Param, c.Min, c.Max, c.Max)
		}
	}
	if !t.Failed() && !slices.Equal(theirs, ours) {
		t.Errorf("validation checks in the order\n%q, the contract's table has\n%q", theirs, ours)
	}
}

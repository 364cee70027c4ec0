//go:build mutant

package proof

import (
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/corpus"
	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// TestMutants switches each rule of the grammar off, one at a time, and sends the part of the corpus that is to be
// refused. A rule is caught if a request then reaches MOR that must not. Where the action also runs against
// the contract, for Rails or for another reading, that is a bypass; where it does not, the rule keeps out what
// this Rails refuses itself, or what only other releases and servers read in another way.
func TestMutants(t *testing.T) {
	w := begin(t)
	var cases []corpus.Case
	for _, c := range loadCorpus(t) {
		if c.Expect == corpus.Refused {
			cases = append(cases, c)
		}
	}
	defer validation.DisableReason(validation.NoReason)
	reasons, caught, bypassed := validation.Reasons(), 0, 0
	for _, reason := range reasons {
		validation.DisableReason(reason)
		var bypasses, ran, reached int
		var first string
		for i, got := range w.fireCorpus(t, w.gateway, cases) {
			if len(got.records) == 0 {
				continue
			}
			reached++
			if got.ran() {
				ran++
			}
			if len(got.breaches(cases[i].Site)) == 0 {
				if first == "" {
					first = cases[i].Where()
				}
				continue
			}
			if bypasses++; bypasses == 1 {
				first = cases[i].Where()
			}
		}
		t.Logf("%3d reached MOR, %3d ran the action, %3d bypasses without the rule %q, such as %s", reached, ran, bypasses, reason, first)
		if bypasses > 0 {
			bypassed++
		}
		if reached > 0 {
			caught++
		} else {
			t.Errorf("%q: no case notices that the rule is off", reason)
		}
	}
	t.Logf("mutants: %d rules switched off, %d caught, %d of them by a bypass", len(reasons), caught, bypassed)
}

//go:build mutant

package proof

import (
	"slices"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/corpus"
	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// unproved are the rules without which nothing that is known to read a request breaks the contract, and why
// they are there all the same. Without them a request still reaches MOR that must not.
var unproved = map[validation.Reason]string{
	validation.OddUpgrade:   "a tunnel opens only if MOR's server has a websocket at the action",
	validation.OddTrailer:   "puma drops trailers; a server that adds them to the header would take a method override from there",
	validation.OddNoValue:   "nil and blank are both not given; a reader that takes the name for its value is not known",
	validation.OddEscape:    "Rails answers 400; who keeps a bad escape as it stands finds no other name or number in it",
	validation.OddJSONRoot:  "Rails finds no parameter in another root; a reader that looks into an array's objects is not known",
	validation.OddJSONDepth: "Rails answers 400; other parsers end with an error, or with the process",
}

// TestMutants switches each rule of the grammar off, one at a time, and sends the part of the corpus that is to be
// refused. A rule is caught if a request then reaches MOR that must not. Where the action also runs against
// the contract, for Rails or for another reading, the rule is proved to be needed.
func TestMutants(t *testing.T) {
	w := begin(t)
	var cases []corpus.Case
	for _, c := range loadCorpus(t) {
		if c.Expect == corpus.Refused {
			cases = append(cases, c)
		}
	}
	defer validation.DisableReason(validation.NoReason)
	reasons, caught, proved := validation.Reasons(), 0, 0
	t.Logf("cases that notice: by what Rails sees | by what another reading sees | by their arrival | the rule that is off")
	for _, reason := range reasons {
		validation.DisableReason(reason)
		var byRails, byOthers, byArrival int
		var example string
		for i, got := range w.fireCorpus(t, w.gateway, cases) {
			breaches := got.breaches(cases[i].Site)
			switch {
			case len(got.records) == 0:
				continue
			case len(breaches) == 0:
				byArrival++
				continue
			case slices.ContainsFunc(breaches, func(b string) bool { return strings.HasPrefix(b, today+":") }):
				byRails++
			default:
				byOthers++
			}
			if example == "" {
				example = ", such as " + cases[i].Where()
			}
		}
		t.Logf("%3d | %3d | %3d | %s%s", byRails, byOthers, byArrival, reason, example)
		why, known := unproved[reason]
		switch {
		case byRails+byOthers > 0:
			proved++
			if known {
				t.Errorf("%q is proved now: take it off the list", reason)
			}
		case known:
			t.Logf("                  %s", why)
		default:
			t.Errorf("%q: no reading breaks the contract when the rule is off", reason)
		}
		if byRails+byOthers+byArrival > 0 {
			caught++
		} else {
			t.Errorf("%q: no case notices that the rule is off", reason)
		}
	}
	t.Logf("mutants: %d rules switched off, %d caught, %d of them by a bypass", len(reasons), caught, proved)
}

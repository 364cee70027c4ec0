//go:build mutant

package proof

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/corpus"
	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// unproved are the rules without which nothing that is known to read a request breaks the contract, and why
// they are there all the same. Without them a request still reaches MOR that must not.
var unproved = map[fmt.Stringer]string{
	validation.OddUpgrade:   "a tunnel opens only if MOR's server has a websocket at the action",
	validation.OddTrailer:   "puma drops trailers; a server that adds them to the header would take a method override from there",
	validation.OddJSONRoot:  "Rails finds no parameter in another root; a reader that looks into an array's objects is not known",
	validation.OddJSONDepth: "Rails answers 400; other parsers end with an error, or with the process",
}

// TestEachMutant switches each rule off, of the grammar and of the contract's table, one at a time, and sends the part
// of the corpus that is to be refused. A rule is caught if a request then reaches MOR that must not. Where the action also runs against
// the contract, for Rails or for another reading, the rule is proved to be needed.
func TestEachMutant(t *testing.T) {
	w := begin(t)
	var cases []corpus.Case
	for _, c := range loadCorpus(t) {
		if c.Expect == corpus.Refused {
			cases = append(cases, c)
		}
	}
	defer validation.SwitchOff(nil, false)
	caught, proved := 0, 0
	unnoticed := t.Errorf
	if w.server.name != puma.name {
		unnoticed = t.Logf // another server may refuse by itself what the rule is against
	}
	t.Logf("cases that notice: by what Rails sees | by what another reading sees | by their arrival | the rule that is off")
	mutants := validation.Mutants()
	for _, mutant := range mutants {
		validation.SwitchOff(mutant, true)
		seen := w.notice(t, cases)
		if seen.byRails+seen.byOthers == 0 {
			validation.SwitchOff(mutant, false)
			if again := w.notice(t, cases); again.byRails+again.byOthers > 0 || seen.byArrival == 0 {
				seen = again
			}
		}
		t.Logf("%3d | %3d | %3d | %s%s", seen.byRails, seen.byOthers, seen.byArrival, mutant, seen.example)
		why, known := unproved[mutant]
		switch {
		case seen.byRails+seen.byOthers > 0:
			proved++
			if known {
				t.Errorf("%q is proved now: take it off the list", mutant)
			}
		case known:
			t.Logf("                  %s", why)
		default:
			unnoticed("%q: no reading breaks the contract when the rule is off", mutant)
		}
		if seen.byRails+seen.byOthers+seen.byArrival > 0 {
			caught++
		} else {
			unnoticed("%q: no case notices that the rule is off", mutant)
		}
	}
	t.Logf("mutants: %d rules switched off under %s, %d caught, %d of them by a bypass", len(mutants), w.server.name, caught, proved)
}

// noticed is how many cases that are to be refused reached MOR, and how.
type noticed struct {
	byRails, byOthers, byArrival int
	example                      string
}

func (w *world) notice(t *testing.T, cases []corpus.Case) (n noticed) {
	t.Helper()
	for i, got := range w.fireCorpus(t, w.gateway, cases) {
		breaches := got.breaches(cases[i].Site)
		switch {
		case len(got.records) == 0:
			continue
		case len(breaches) == 0:
			n.byArrival++
			continue
		case slices.ContainsFunc(breaches, func(b string) bool { return strings.HasPrefix(b, today+":") }):
			n.byRails++
		default:
			n.byOthers++
		}
		if n.example == "" {
			n.example = ", such as " + cases[i].Where()
		}
	}
	return n
}

package proof

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/corpus"
)

// workers are many for the two cores of a small machine: most of them wait for Rails.
const workers = 6

func loadCorpus(t *testing.T) []corpus.Case {
	t.Helper()
	cases, err := corpus.Load(os.DirFS("corpus"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if _, known := sites[c.Site]; !known {
			t.Fatalf("%s: no site %q", c.Where(), c.Site)
		}
	}
	return cases
}

// result is what became of a case: the answer, and the records of what reached MOR.
type result struct {
	reply   reply
	records []record
}

func (r result) ran() bool {
	return slices.ContainsFunc(r.records, func(r record) bool { return len(r.Runs) > 0 })
}

func (r result) breaches(siteName string) []string {
	var all []string
	for _, rec := range r.records {
		all = append(all, sites[siteName].breaches(rec)...)
	}
	return all
}

// rounds counts how often the corpus was sent. It is in the ids of the requests: one that reaches MOR late is not
// taken for one of the next round.
var (
	rounds  atomic.Int64
	earlier = regexp.MustCompile(`^\d+-\d+$`)
)

// fireCorpus sends every case, each in a connection of its own, and matches the records with the cases. A
// record that names no case belongs to a request that hid in another one: only those are sent alone,
// so that it is plain whose it was.
func (w *world) fireCorpus(t *testing.T, to target, cases []corpus.Case) []result {
	t.Helper()
	round := strconv.FormatInt(rounds.Add(1), 10) + "-"
	shots := make([]shot, len(cases))
	for i := range cases {
		shots[i] = caseShot(&cases[i], round+strconv.Itoa(i))
	}
	results := make([]result, len(cases))
	for i, reply := range to.fire(shots, workers) {
		results[i].reply = reply
	}
	records, err := w.mor.settled()
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range records {
		number, ofRound := strings.CutPrefix(string(rec.ID), round)
		i, err := strconv.Atoi(number)
		if !ofRound && earlier.MatchString(string(rec.ID)) {
			continue // late
		}
		if err == nil && i >= 0 && i < len(results) {
			results[i].records = append(results[i].records, rec)
		} else if rec.Target != "/proof/last" {
			t.Logf("%s: a request without a known id reached MOR: %s %q", to.name, rec.Method, rec.Target)
			if breaches := sites["main"].breaches(rec); len(breaches) > 0 {
				results[hider(cases, rec)].records = append(results[hider(cases, rec)].records, rec)
			}
		}
	}
	return results
}

// hider returns the case in whose body the record's request stands.
func hider(cases []corpus.Case, rec record) int {
	return max(0, slices.IndexFunc(cases, func(c corpus.Case) bool {
		_, rest, _ := bytes.Cut(c.Request(), []byte("\r\n"))
		return bytes.Contains(rest, []byte(rec.Target))
	}))
}

func caseShot(c *corpus.Case, id string) shot {
	odd := c.Expect == corpus.Refused || c.Expect == corpus.Either
	return shot{id: id, site: c.Site, bytes: c.Request("X-Proof-Id: " + id), alone: true, odd: odd, open: c.Open}
}

// borders returns how many cases, the first ones, are about what a value may be. No server changes that.
func borders(cases []corpus.Case) int {
	return slices.IndexFunc(cases, func(c corpus.Case) bool { return c.File != "internal/contract" })
}

// TestCorpus sends the corpus through the gateway to each of the servers, to the variants without the borders. What a
// plain request must become is what puma hands to Rails without a gateway.
func TestCorpus(t *testing.T) {
	needTools(t)
	cases := loadCorpus(t)
	if len(cases) < 2000 {
		t.Errorf("the corpus has shrunk to %d cases", len(cases))
	}
	w := &world{server: puma, mor: puma.start(t)}
	plain := w.fireCorpus(t, direct(w.mor.addr), cases)
	for i, s := range chosen(t, slices.Concat(servers, variants)) {
		t.Run(s.name, func(t *testing.T) {
			w := beginWith(t, s)
			if i < len(servers) {
				w.proveCorpus(t, cases, plain, w.direct, w.naive)
			} else {
				from := borders(cases)
				w.proveCorpus(t, cases[from:], plain[from:], w.direct)
			}
		})
	}
}

func (w *world) proveCorpus(t *testing.T, cases []corpus.Case, plain []result, controls ...target) {
	count := map[string]int{}
	arrive := make([]bool, len(cases)) // with a control
	var bite strings.Builder
	for _, control := range controls {
		for i, got := range w.fireCorpus(t, control, cases) {
			if len(got.breaches(cases[i].Site)) > 0 {
				count[control.name]++
			}
			arrive[i] = arrive[i] || len(got.records) > 0
		}
		fmt.Fprintf(&bite, ", %d with %s", count[control.name], control.name)
	}
	for i, got := range w.fireCorpus(t, w.gateway, cases) {
		c := &cases[i]
		if breaches := got.breaches(c.Site); len(breaches) > 0 {
			count["bypasses"]++
			t.Errorf("%s: BYPASS: %s\n%s", c.Where(), strings.Join(breaches, "; "), w.reproduce(c.Request(), c.Site))
		}
		if problem := judge(c, got, plain[i], arrive[i]); problem != "" {
			if c.Expect == corpus.Accepted || c.Expect == corpus.Forwarded {
				count["false refusals"]++
			}
			t.Errorf("%s: %s\n%s", c.Where(), problem, w.reproduce(c.Request(), c.Site))
		}
		if got.ran() {
			count["accepted"]++
		}
	}
	t.Logf("corpus: %d cases under %s, %d accepted, %d bypasses, %d false refusals; bypasses of the control: %s",
		len(cases), w.server.name, count["accepted"], count["bypasses"], count["false refusals"], bite.String()[2:])
	naive, none := count[w.naive.name], count[w.direct.name]
	if none < 100 || len(controls) > 1 && (naive < 100 || none < 2*naive) {
		t.Errorf("the corpus does not bite: %d cases pass a naive gateway, %d arrive without one", naive, none)
	}
}

// judge returns what is wrong with what became of a case, other than a bypass. Some servers answer some requests
// themselves; so whether a case arrives without a gateway counts.
func judge(c *corpus.Case, got, plain result, arrives bool) string {
	switch c.Expect {
	case corpus.Accepted:
		want, ran := plain.today()
		if !ran {
			return "the case is wrong: without the gateway the action does not run"
		}
		if seen, ran := got.today(); !ran {
			return fmt.Sprintf("FALSE REFUSAL: %s", got.reply)
		} else if !seen.same(want) {
			return fmt.Sprintf("Rails saw other values: %v, without the gateway %v", seen, want)
		}
	case corpus.Forwarded:
		if arrives && len(got.records) != 1 || got.ran() {
			return fmt.Sprintf("FALSE REFUSAL: it did not reach MOR: %s", got.reply)
		}
	case corpus.Refused:
		if len(got.records) > 0 {
			return fmt.Sprintf("it reached MOR: %s", got.reply)
		}
		if c.Answer != "" && got.reply.answer() != c.Answer {
			return fmt.Sprintf("answered %s, want %s", got.reply, c.Answer)
		}
	}
	return ""
}

func (r result) today() (run, bool) {
	for _, rec := range r.records {
		if run, ran := rec.today(); ran {
			return run, true
		}
	}
	return run{}, false
}

// same reports whether Rails saw the same.
func (r run) same(other run) bool {
	return r.Method == other.Method && slices.Equal(r.Params, other.Params)
}

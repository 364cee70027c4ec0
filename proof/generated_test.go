package proof

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// round is one run of the generator: the drafts, and their shots.
type round struct {
	seed   uint64
	drafts []*draft
	shots  []shot
}

func newRound(seed uint64, n int) *round {
	r := &round{seed: seed}
	for i := range n {
		d := newGenerator(seed, i).request()
		request := d.bytes()
		id := "g" + strconv.Itoa(i)
		r.drafts = append(r.drafts, d)
		r.shots = append(r.shots, shot{
			id: id, site: d.site, bytes: withID(request, id),
			odd: d.odd, alone: d.odd || !endsItself(request),
		})
	}
	return r
}

// withID adds the header line by which a record is matched with its request.
func withID(request []byte, id string) []byte {
	first, rest, found := bytes.Cut(request, []byte("\r\n"))
	if !found {
		return request
	}
	return fmt.Appendf(nil, "%s\r\nX-Proof-Id: %s\r\n%s", first, id, rest)
}

// endsItself reports whether the head is so plain that a server which refuses the request still knows
// where the next one begins.
func endsItself(request []byte) bool {
	head, _, _ := bytes.Cut(request, []byte("\r\n\r\n"))
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		for _, c := range line {
			if c < ' ' || c == 0x7f {
				return false
			}
		}
	}
	target, _, _ := bytes.Cut(head, []byte("\r\n"))
	return bytes.Count(target, []byte(" ")) == 2
}

// outcome is what became of a round.
type outcome struct {
	accepted, refused      int
	plain                  int
	bypasses, falseRefusal []finding
	stray                  []finding // bypasses of requests whose id did not arrive
}

type finding struct {
	number  int // of the draft; -1 if it is not known
	problem string
}

// fire sends the round and judges it.
func (w *world) fireRound(t *testing.T, to target, r *round) outcome {
	t.Helper()
	replies := to.fire(r.shots, workers)
	records, err := w.mor.settled()
	if err != nil {
		t.Fatal(err)
	}
	var o outcome
	ran := make([]*record, len(r.shots))
	broken := make([]bool, len(r.shots))
	for i := range records {
		rec := &records[i]
		number, err := strconv.Atoi(strings.TrimPrefix(string(rec.ID), "g"))
		known := err == nil && number >= 0 && number < len(ran)
		site := string(rec.Site)
		if known && site == "" {
			site = r.drafts[number].site
		}
		breaches := sites[site].breaches(*rec)
		switch {
		case len(breaches) > 0 && known:
			if !broken[number] {
				o.bypasses = append(o.bypasses, finding{number, strings.Join(breaches, "; ")})
			}
			broken[number] = true
		case len(breaches) > 0:
			o.stray = append(o.stray, finding{-1, fmt.Sprintf("%s: %s %q", strings.Join(breaches, "; "), rec.Method, rec.Target)})
		case known && len(rec.Runs) > 0:
			ran[number] = rec
		}
	}
	for i, d := range r.drafts {
		switch {
		case ran[i] != nil && !broken[i]:
			o.accepted++
		default:
			o.refused++
		}
		if d.plain {
			o.plain++
			if problem := d.refusedFalsely(ran[i], replies[i]); problem != "" {
				o.falseRefusal = append(o.falseRefusal, finding{i, problem})
			}
		}
	}
	return o
}

// refusedFalsely says what is wrong with what became of a plain request.
func (d *draft) refusedFalsely(rec *record, answer reply) string {
	if rec == nil {
		return "FALSE REFUSAL: " + answer.String()
	}
	seen, ran := rec.today()
	if !ran {
		return "Rails did not run the action"
	}
	for _, want := range d.want {
		if got, _ := seen.get(want.Name); got != want {
			return fmt.Sprintf("Rails saw %s, sent was %s", got, want)
		}
	}
	if len(seen.Params) != len(d.want) {
		return fmt.Sprintf("Rails saw %v, sent was %v", seen.Params, d.want)
	}
	return ""
}

const maxReports = 5 // of a kind: who breaks the reader breaks it often

// TestGenerated generates requests for each of the servers: a quarter as many for those after the first.
func TestGenerated(t *testing.T) {
	for i, s := range chosen(t, servers) {
		n := *flagN
		if i > 0 {
			n /= 4
		}
		t.Run(s.name, func(t *testing.T) { beginWith(t, s).generated(t, n) })
	}
}

func (w *world) generated(t *testing.T, size int) {
	seed := *flagSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d: repeat with -proof.world='%s' -proof.seed=%d -proof.n=%d", seed, w.server.name, seed, size)
	if deadline, limited := t.Deadline(); limited && *flagFor > time.Until(deadline) {
		t.Fatalf("-proof.for=%s is longer than the test may run: add -timeout 0", *flagFor)
	}

	var total outcome
	requests, end := 0, time.Now().Add(*flagFor)
	for n := seed; ; n++ {
		r := newRound(n, size)
		o := w.fireRound(t, w.gateway, r)
		requests += len(r.shots)
		total.accepted += o.accepted
		total.refused += o.refused
		total.plain += o.plain
		total.bypasses = append(total.bypasses, o.bypasses...)
		total.falseRefusal = append(total.falseRefusal, o.falseRefusal...)
		w.report(t, r, o)
		if n == seed {
			w.control(t, r)
		}
		if *flagFor > 0 {
			t.Logf("%d requests, %d accepted, %d bypasses, %d false refusals", requests, total.accepted, len(total.bypasses), len(total.falseRefusal))
		}
		if t.Failed() || time.Now().After(end) {
			break
		}
	}
	t.Logf("generated: %d requests under %s, %d of them plain and right, %d accepted, %d refused, %d bypasses, %d false refusals",
		requests, w.server.name, total.plain, total.accepted, total.refused, len(total.bypasses), len(total.falseRefusal))
	if total.accepted < requests/4 {
		t.Errorf("only %d of %d requests were accepted: a gateway that refuses everything proves nothing", total.accepted, requests)
	}
}

// control fires half of the round at a naive gateway, and at none: there must be bypasses.
func (w *world) control(t *testing.T, r *round) {
	t.Helper()
	half := len(r.shots) / 2
	r = &round{r.seed, r.drafts[:half], r.shots[:half]}
	naive := w.fireRound(t, w.naive, r)
	none := w.fireRound(t, w.direct, r)
	t.Logf("control: of %d requests under %s, %d bypass a naive gateway, %d break the contract without a gateway", half, w.server.name, len(naive.bypasses), len(none.bypasses))
	if len(naive.bypasses) < half/100 || len(none.bypasses) < 2*len(naive.bypasses) {
		t.Error("the generator does not bite")
	}
}

// report prints the first failures of a round, each reduced, with the command that repeats it.
func (w *world) report(t *testing.T, r *round, o outcome) {
	t.Helper()
	for _, f := range first(o.bypasses, maxReports) {
		small := w.reduce(t, r.shots[f.number])
		t.Errorf("BYPASS by request %d of seed %d: %s\n%s", f.number, r.seed, f.problem, w.reproduce(small, r.shots[f.number].site))
	}
	for _, f := range first(o.falseRefusal, maxReports) {
		t.Errorf("request %d of seed %d: %s\n%s", f.number, r.seed, f.problem, w.reproduce(r.drafts[f.number].bytes(), r.shots[f.number].site))
	}
	for _, f := range first(o.stray, maxReports) {
		t.Errorf("BYPASS by one of the requests of seed %d: %s\n%s", r.seed, f.problem, w.hiders(t, r))
	}
}

func first(all []finding, n int) []finding { return all[:min(n, len(all))] }

// hiders looks for the requests that carry another one past the gateway, by sending the odd ones again,
// one after the other.
func (w *world) hiders(t *testing.T, r *round) string {
	t.Helper()
	for _, s := range r.shots {
		if s.alone && w.bypasses(t, s) {
			return w.reproduce(w.reduce(t, s), s.site)
		}
	}
	return "  none of them does it again alone"
}

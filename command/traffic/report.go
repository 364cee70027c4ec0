package traffic

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// maxListed is how many rows of a table a report has.
const maxListed = 1000

// Report is what logs say, for people and for programs. All text in it that
// comes from a log is harmless: without control characters, hashes and keys.
type Report struct {
	Version string `json:"version"` // the gateway's

	Logs  []Log     `json:"logs"`
	Lines Lines     `json:"lines"`
	From  time.Time `json:"from,omitzero"` // the first request for the method
	To    time.Time `json:"to,omitzero"`   // and the last

	Requests int64 `json:"requests"` // for the method
	counts
	Verdicts  []Count    `json:"verdicts"` // of what was or would be refused
	Unjudged  []Unjudged `json:"unjudged"`
	Stopped   []Stopped  `json:"stopped"`    // by user, verdict and hint
	Others    int64      `json:"others"`     // refused requests of which Stopped does not tell
	Users     []User     `json:"users"`      // by number of requests
	Methods   []Method   `json:"methods"`    // others of the API
	Answers   []Answer   `json:"answers"`    // of MOR's that contradict a verdict
	Edge      []Stray    `json:"edge"`       // what the edge would also refuse
	Statuses  []Count    `json:"statuses"`   // of answers, but 200
	SeenTwice int64      `json:"seen_twice"` // lines of an access log of which the gateway's log has told

	Step     int64  `json:"step_seconds"` // of the timeline
	Timeline []Span `json:"timeline"`

	// Suggestion is a block for the Caddyfile that accepts what MOR accepts.
	Suggestion string   `json:"suggestion"`
	Notes      []string `json:"notes"`
}

// Log is a log that was read.
type Log struct {
	Name    string `json:"name"`
	Lines   int64  `json:"lines"`
	Broken  string `json:"broken,omitempty"`  // why reading stopped before its end
	Strange bool   `json:"strange,omitempty"` // no line of it is of a known form
}

// Lines are numbers of lines.
type Lines struct {
	All        int64 `json:"all"`
	Unknown    int64 `json:"unknown"`    // of no known form
	Unreadable int64 `json:"unreadable"` // the same, and they speak of the API
	Long       int64 `json:"too_long"`
	Outside    int64 `json:"outside"`      // of the period that was asked for
	Timeless   int64 `json:"without_time"` // and a period was asked for
}

// Count is a number of something.
type Count struct {
	Name     string `json:"name"`
	Requests int64  `json:"requests"`
}

// Unjudged is how many requests were not judged.
type Unjudged struct {
	Reason   string `json:"reason"`
	Text     string `json:"text"`
	Requests int64  `json:"requests"`
	ToDo     string `json:"to_do"`
}

// Stopped is what would stop a user, or has stopped one.
type Stopped struct {
	User     string    `json:"user"` // empty if none was read
	Verdict  string    `json:"verdict"`
	Hint     string    `json:"hint,omitempty"`
	Requests int64     `json:"requests"`
	First    time.Time `json:"first,omitzero"`
	Last     time.Time `json:"last,omitzero"`
	From     []string  `json:"from"`           // up to three addresses of clients
	More     bool      `json:"more,omitempty"` // there are more
	ToDo     string    `json:"to_do"`
	// Accepted is how many of them MOR is known to have accepted.
	Accepted int64 `json:"mor_accepted"`
}

// User is who called.
type User struct {
	Name string `json:"user"`
	counts
}

// Method is another method of the API.
type Method struct {
	Name     string `json:"method"`
	Requests int64  `json:"requests"`
	Fits     int64  `json:"right_hash"` // that carried a hash that is right for a DID
}

// Answer is an answer of MOR that contradicts a verdict.
type Answer struct {
	User     string    `json:"user"`
	Verdict  string    `json:"verdict"`
	Hint     string    `json:"hint,omitempty"`
	MOR      string    `json:"mor"`
	Requests int64     `json:"requests"`
	First    time.Time `json:"first,omitzero"`
	Last     time.Time `json:"last,omitzero"`
	ToDo     string    `json:"to_do"`
}

// Report returns what was read so far. The gateway is what the suggestion
// begins with. Collect nothing after it.
func (c *Collector) Report(h *caddymodule.Handler) *Report {
	t, twice := c.together()
	r := &Report{
		Version: caddymodule.Version(),
		Logs:    append([]Log{}, c.logs...), Lines: c.lines, From: c.from, To: c.to,
		Requests: t.sum(), counts: t.counts, SeenTwice: twice,
		// In JSON an empty list, not null.
		Verdicts: []Count{}, Unjudged: []Unjudged{}, Stopped: []Stopped{}, Users: []User{}, Methods: []Method{}, Answers: []Answer{},
		Edge: []Stray{}, Statuses: []Count{}, Timeline: []Span{}, Notes: []string{},
	}
	for name, n := range t.verdicts {
		switch {
		case name == validation.Accepted.String():
		case name == inBody || name == redacted:
			r.Unjudged = append(r.Unjudged, Unjudged{name, unjudged[name].text, n, unjudged[name].toDo})
		default:
			r.Verdicts = append(r.Verdicts, Count{name, n})
		}
	}
	sortCounts(r.Verdicts)
	slices.SortFunc(r.Unjudged, func(a, b Unjudged) int { return cmp.Compare(a.Reason, b.Reason) })
	for status, n := range c.statuses {
		r.Statuses = append(r.Statuses, Count{strconv.Itoa(status), n})
	}
	sortCounts(r.Statuses)

	accepted := make(map[stop]int64)
	for _, a := range c.answers.sorted() {
		r.Answers = append(r.Answers, Answer{
			User: a.key.user, Verdict: a.key.verdict, Hint: a.key.hint, MOR: a.key.mor, Requests: a.count,
			First: a.val.first, Last: a.val.last, ToDo: mendAnswer(a.key),
		})
		if a.key.mor == success {
			accepted[a.key.named()] += a.count
		}
	}
	r.Answers = r.Answers[:min(len(r.Answers), maxListed)]

	r.Others = t.stopped.forgotten
	for i, s := range t.stopped.sorted() {
		if i >= maxListed {
			r.Others += s.count
			continue
		}
		r.Stopped = append(r.Stopped, Stopped{
			User: s.key.user, Verdict: s.key.verdict, Hint: s.key.hint, Requests: s.count,
			First: s.val.first, Last: s.val.last, From: append([]string{}, s.val.from...), More: s.val.more,
			ToDo: mend(s.key.verdict, s.key.hint), Accepted: min(s.count, accepted[s.key.named()]),
		})
	}
	for i, u := range t.users.sorted() {
		if i == maxListed || u.count == 0 { // of the last only MOR's answer is known
			break
		}
		r.Users = append(r.Users, User{u.val.name, u.val.counts})
	}
	for i, m := range c.methods.sorted() {
		if i == maxListed {
			break
		}
		r.Methods = append(r.Methods, Method{m.key, m.count, m.val.fits})
	}
	for i, s := range c.strays.sorted() {
		if i == maxListed {
			break
		}
		r.Edge = append(r.Edge, Stray{s.key.client, s.key.user, s.key.why, s.key.method, s.count, s.val.first, s.val.last})
	}
	bars, step := t.line.bars()
	r.Timeline = append(r.Timeline, bars...)
	r.Step = int64(step.Seconds())
	r.Suggestion = suggest(h, &t.users, t.verdicts[inBody]+t.verdicts[redacted])
	r.Notes = append(r.Notes, c.notes(r, t)...)
	return r
}

// named returns what has stopped a user with the hint's name alone. Its text,
// and the name where no mistake explains a hash, are others when MOR's answer
// is known.
func (s stop) named() stop {
	s.hint, _, _ = strings.Cut(s.hint, ": ")
	if s.hint == "key_lacking" {
		s.hint = noMatch
	}
	return s
}

// together adds the tallies up, each request once: where the gateway's own log
// tells of requests, the access log's lines of them are left out.
func (c *Collector) together() (t *tallies, twice int64) {
	t = &c.tallies[judged]
	c.judged = t.sum()
	t.merge(&c.tallies[own])
	mine := &c.tallies[own]
	for from, told := range map[source]bool{quiet: mine.Accepted > 0, loud: mine.Refused > 0} {
		if told {
			twice += c.tallies[from].sum()
			c.tallies[from] = tallies{}
		}
	}
	t.merge(&c.tallies[quiet])
	t.merge(&c.tallies[loud])
	return t, twice
}

func (t *tallies) merge(o *tallies) {
	t.counts.add(o.counts)
	for name, n := range o.verdicts {
		if t.verdicts == nil {
			t.verdicts = make(map[string]int64)
		}
		t.verdicts[name] += n
	}
	t.line.merge(&o.line)
	t.users.merge(&o.users, func(to, from *userTally) {
		if to.name == "" {
			to.name = from.name
		}
		to.counts.add(from.counts)
		to.right += from.right
		to.hashes += from.hashes
		to.open += from.open
		to.success += from.success
		to.gets += from.gets
	})
	t.stopped.merge(&o.stopped, func(to, from *sightings) {
		to.add(from.first, from.last, from.more, from.from...)
	})
}

func sortCounts(counts []Count) {
	slices.SortFunc(counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Name, b.Name))
	})
}

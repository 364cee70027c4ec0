// Package traffic says what the gateway would have done with the requests in
// logs that exist already, and what it did: it judges each request that a log
// holds, counts, and writes a report for a terminal, as a page or as data.
package traffic

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/command/weblog"
	"github.com/mor-gateway/caddy-mor-gateway/validation"
	"github.com/mor-gateway/caddy-mor-gateway/validation/hint"
)

// Collector reads logs, one after the other, and keeps what a report needs.
// However much it reads, it keeps no more than some thousand rows.
type Collector struct {
	// Since and Until are the period: other lines are left out. Zero is no
	// bound.
	Since, Until time.Time

	judge *judge
	logs  []Log
	lines Lines

	tallies  [numSources]tallies
	judged   int64 // from access logs alone
	from, to time.Time
	methods  table[string, method]
	answers  table[answer, sightings]
	strays   table[stray, sightings]
	statuses map[int]int64
}

// New returns a collector that judges by a policy.
func New(p *validation.Policy) *Collector {
	c := &Collector{statuses: make(map[int]int64)}
	c.judge = newJudge(p, func(user string) *strange {
		if u := c.tallies[judged].users.rows[validation.LowerUser(user)]; u != nil {
			return &u.val.strange
		}
		return nil
	})
	return c
}

// source is where a tally is from. One request may have a line in an access
// log and one in the gateway's own.
type source int

const (
	judged source = iota // a request that was judged here
	quiet                // of an access log with the gateway's verdict: what the gateway logs at DEBUG only
	loud                 // the same: what the gateway logs at INFO
	own                  // the gateway's own line
	numSources
)

// tallies is what is counted of the requests for the method.
type tallies struct {
	counts
	verdicts map[string]int64 // and the reasons not to judge
	line     timeline
	users    table[string, userTally]
	stopped  table[stop, sightings]
}

// stop is what would stop a user.
type stop struct{ user, verdict, hint string }

// success is MOR's answer to what it accepts.
const success = "success"

// answer is a known answer of MOR that contradicts the verdict.
type answer struct {
	stop
	mor string
}

// method is another method of the API.
type method struct{ fits int64 }

// userTally is what is known of a user.
type userTally struct {
	counts
	name    string // as it was spelled first
	right   int64  // requests with a right hash
	strange        // and with one that no key explains
	open    int64  // and with one that nobody has looked at
	success int64  // requests that were or would be refused, and MOR accepts
	gets    int64  // GETs with one of these hashes, or in the gateway's own log
}

// sightings are when and from where a request came.
type sightings struct {
	first, last time.Time
	from        []string
	more        bool // addresses
}

// maxFrom is how many addresses of clients are kept.
const maxFrom = 3

func (s *sightings) add(first, last time.Time, more bool, from ...string) {
	s.first, s.last = earlier(s.first, first), later(s.last, last)
	s.more = s.more || more
	for _, client := range from {
		switch {
		case client == "" || slices.Contains(s.from, client):
		case len(s.from) < maxFrom:
			s.from = append(s.from, client)
		default:
			s.more = true
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Read reads a log, which may be compressed with gzip. Where it breaks off,
// what came before counts, and the report says so.
func (c *Collector) Read(name string, r io.Reader) error {
	r, err := weblog.Open(r)
	if err != nil {
		return err
	}
	n, err := c.scan(r)
	log := Log{Name: plain(name), Lines: n.All}
	if err != nil {
		log.Broken = plain(err.Error())
	}
	if n.Unknown == n.All && n.All > 0 {
		log.Strange = true
	}
	c.logs = append(c.logs, log)
	c.lines.All += n.All
	c.lines.Unknown += n.Unknown
	c.lines.Long += n.Long
	return nil
}

// batch is how many bytes of lines are judged at once.
const batch = 64 << 10

// scan searches the log for lines that matter while others are judged.
func (c *Collector) scan(r io.Reader) (n weblog.Lines, err error) {
	batches := make(chan []byte, 8)
	go func() {
		defer close(batches)
		var lines []byte
		n, err = weblog.Scan(r, func(line []byte) {
			lines = append(append(lines, line...), '\n')
			if len(lines) >= batch {
				batches <- lines
				lines = make([]byte, 0, 2*batch)
			}
		})
		batches <- lines
	}()
	for lines := range batches {
		for line := range bytes.Lines(lines) {
			c.line(line[:len(line)-1])
		}
	}
	return n, err
}

// line reads a line that may matter.
func (c *Collector) line(line []byte) {
	e, ok := weblog.Parse(line)
	switch {
	case !ok:
		c.lines.Unreadable++
	case e.Kind == weblog.Gateway && c.inPeriod(e.Time):
		c.gateway(&e)
	case e.Kind == weblog.Access:
		c.access(&e)
	}
}

// inPeriod reports whether the line counts, and counts those that do not.
func (c *Collector) inPeriod(t time.Time) bool {
	switch {
	case c.Since.IsZero() && c.Until.IsZero():
		return true
	case t.IsZero():
		c.lines.Timeless++
		return false
	case t.Before(c.Since) || !c.Until.IsZero() && !t.Before(c.Until):
		c.lines.Outside++
		return false
	}
	return true
}

// access takes a line of an access log.
func (c *Collector) access(e *weblog.Entry) {
	r, err := parse(e.Method, e.Target)
	path, query, _ := strings.Cut(e.Target, "?")
	u := &url.URL{Path: path, RawQuery: query}
	if err == nil {
		u = r.URL
	}
	decided, isDecided := verdictOf(e.Verdict)
	guarded, method := isDecided || isAction(u), methodIn(u.Path)
	if guarded {
		method = validation.Action
	}
	if method == "" && e.Edge == "" || !c.inPeriod(e.Time) {
		return
	}
	if e.Edge != "" {
		c.stray(e, method)
	}
	if !guarded {
		c.method(method, u.RawQuery)
		return
	}
	if e.Status >= 100 && e.Status <= 599 && e.Status != http.StatusOK {
		c.statuses[e.Status]++
	}
	var o judgement
	switch {
	case e.Redacted:
		o.notJudged = redacted
	case err != nil:
		o.verdict = byServer
	default:
		o = c.judge.judge(e.Method, u)
	}
	from := judged
	if isDecided {
		// The gateway had the whole request.
		if e.User != "" {
			o.user = c.judge.shown(e.User, maxShown)
		}
		if o.verdict != e.Verdict {
			o = judgement{verdict: e.Verdict, user: o.user, right: afterHash(decided), open: beforeHash(decided)}
		}
		from = loud
		if decided == validation.Accepted || decided == validation.Incomplete {
			from = quiet
		}
	}
	c.count(from, e, &o)
}

// gateway takes a line of the gateway's log.
func (c *Collector) gateway(e *weblog.Entry) {
	v, ok := verdictOf(e.Verdict)
	if !ok {
		c.lines.Unreadable++
		return
	}
	o := judgement{verdict: e.Verdict, user: c.judge.shown(e.User, maxShown), hint: c.judge.shown(e.Hint, maxHint)}
	if e.MOR != "" {
		c.answers.add(answer{stop{o.user, o.verdict, o.hint}, c.judge.shown(e.MOR, maxShown)}, 1).add(e.Time, e.Time, false, c.judge.shown(e.Client, maxShown))
		if e.MOR == success && v != validation.Accepted && o.user != "" {
			c.tallies[own].user(o.user, 0).success++
		}
		return
	}
	o.right, o.open = afterHash(v), beforeHash(v)
	if strings.HasPrefix(e.Hint, noMatch) {
		o.strange = hint.Hint{Name: noMatch, Text: o.hint}
	}
	c.count(own, e, &o)
}

func (c *Collector) count(from source, e *weblog.Entry, o *judgement) {
	t := &c.tallies[from]
	n := o.counts()
	t.counts.add(n)
	if t.verdicts == nil {
		t.verdicts = make(map[string]int64)
	}
	t.verdicts[o.verdict+o.notJudged]++
	t.line.add(e.Time, n)
	c.from, c.to = earlier(c.from, e.Time), later(c.to, e.Time)

	if o.user != "" {
		u := t.user(o.user, 1)
		u.counts.add(n)
		switch {
		case o.right:
			u.right++
		case o.strange.Name != "":
			u.strange = strange{u.hashes + 1, o.strange}
		case o.open:
			u.open++
		}
		if e.Method == http.MethodGet && (from == own || o.right || o.open || o.strange.Name != "") {
			u.gets++
		}
	}
	if n.Refused > 0 {
		t.stopped.add(stop{o.user, o.verdict, o.hint}, 1).add(e.Time, e.Time, false, c.judge.shown(e.Client, maxShown))
	}
}

// user returns what is known of a user, with n more requests.
func (t *tallies) user(name string, n int64) *userTally {
	u := t.users.add(validation.LowerUser(name), n)
	if u.name == "" {
		u.name = name
	}
	return u
}

// methodIn returns the method of the API that a path names, if it names one.
func methodIn(path string) string {
	_, rest, _ := strings.Cut(path, "/api/")
	name, _, _ := strings.Cut(strings.TrimLeft(rest, "/"), "/")
	name, _, _ = strings.Cut(name, ".")
	return name
}

// method counts a request for another method of the API.
func (c *Collector) method(name, query string) {
	if name == "" {
		return
	}
	m := c.methods.add(c.judge.shown(name, maxShown), 1)
	if c.judge.fits(query) {
		m.fits++
	}
}

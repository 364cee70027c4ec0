package traffic

import (
	"slices"
	"time"
)

// widths are the lengths of time that a timeline counts in, in seconds: from a
// minute to a day, a week, and what is left of the calendar then.
var widths = []int64{60, 600, 3600, 6 * 3600, 86400, 7 * 86400, 28 * 86400, 364 * 86400, 3640 * 86400}

const (
	maxSpans = 2000 // that a timeline keeps
	maxBars  = 60   // that a chart has
)

// counts are numbers of requests by what became, or would become, of them.
type counts struct {
	Accepted  int64 `json:"accepted"`
	Refused   int64 `json:"refused"`
	NotJudged int64 `json:"not_judged"`
}

func (c *counts) add(o counts) {
	c.Accepted += o.Accepted
	c.Refused += o.Refused
	c.NotJudged += o.NotJudged
}

func (c counts) sum() int64 { return c.Accepted + c.Refused + c.NotJudged }

// timeline counts by time. Its spans grow where there are too many.
type timeline struct {
	width int // index of widths
	spans map[int64]*counts
}

func (l *timeline) add(t time.Time, c counts) {
	if t.IsZero() {
		return
	}
	l.put(t.Unix(), c)
	for len(l.spans) > maxSpans {
		l.widen()
	}
}

// put counts at a second. Days begin where the time zone has them now.
func (l *timeline) put(sec int64, c counts) {
	if l.spans == nil {
		l.spans = make(map[int64]*counts)
	}
	_, offset := time.Now().Zone()
	w := widths[l.width]
	start := sec - (sec+int64(offset))%w
	if l.spans[start] == nil {
		l.spans[start] = new(counts)
	}
	l.spans[start].add(c)
}

func (l *timeline) widen() {
	old := l.spans
	l.width, l.spans = l.width+1, nil
	for sec, c := range old {
		l.put(sec, *c)
	}
}

func (l *timeline) merge(o *timeline) {
	for l.width < o.width {
		l.widen()
	}
	for sec, c := range o.spans {
		l.add(time.Unix(sec, 0), *c)
	}
}

// Span is a piece of the timeline.
type Span struct {
	From time.Time `json:"from"`
	counts
}

// bars returns at most maxBars spans of equal length without a gap, and that
// length.
func (l *timeline) bars() (bars []Span, width time.Duration) {
	if len(l.spans) == 0 {
		return nil, 0
	}
	var from, to int64
	for {
		from, to = 1<<62, -1<<62
		for sec := range l.spans {
			from, to = min(from, sec), max(to, sec)
		}
		if (to-from)/widths[l.width] < maxBars || l.width == len(widths)-1 {
			break
		}
		l.widen()
	}
	w := widths[l.width]
	for sec := from; sec <= to; sec += w {
		bars = append(bars, Span{From: time.Unix(sec, 0)})
	}
	for sec, c := range l.spans {
		bars[(sec-from)/w].add(*c)
	}
	return slices.Clip(bars), time.Duration(w) * time.Second
}

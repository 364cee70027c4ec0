package traffic

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"strings"
	"time"
)

// maxTopUsers is how many users the page has a bar for.
const maxTopUsers = 20

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// pageCSP allows the page its own style and nothing else, not even a script of
// its own.
var pageCSP = func() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}()

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"number":   number,
	"percent":  percent,
	"message":  message,
	"edgeToDo": func() string { return strings.ToUpper(edgeToDo[:1]) + edgeToDo[1:] },
	"bar":      func(class string, n, of int64) []rect { return stack(of, piece{class, n}) },
	"time": func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Local().Format("2006-01-02 15:04")
	},
}).Parse(pageHTML))

// page is a report with what is drawn of it.
type page struct {
	*Report
	CSS  template.CSS
	CSP  string
	Read []string
	Rest int64

	Bars                  []chartBar
	ChartWidth            int
	Highest               int64
	StepText              string
	FirstLabel, LastLabel string
	TopUsers              []userBar
}

// chartBar is a bar of the chart over time.
type chartBar struct {
	Span
	Label string
	Rects []rect
}

// userBar is a user's bar.
type userBar struct {
	User
	Bar []rect
}

// rect is a piece of a bar, in an SVG's own units.
type rect struct {
	Class      string
	X, Y, W, H int64
}

type piece struct {
	class string
	n     int64
}

func (c counts) pieces() []piece {
	return []piece{{"accepted", c.Accepted}, {"refused", c.Refused}, {"unjudged", c.NotJudged}}
}

// stack returns a bar from left to right, of 1000 units for all there is.
func stack(of int64, pieces ...piece) (rects []rect) {
	x := int64(0)
	for _, p := range pieces {
		if p.n == 0 {
			continue
		}
		w := max(1000*p.n/max(of, 1), 8) // what is there can be seen
		rects = append(rects, rect{p.class, x, 0, w, 10})
		x += w
	}
	return rects
}

// The units of the chart over time.
const (
	barWidth, barGap = 20, 4
	chartHeight      = 1000
)

// WriteHTML writes the report as a page that needs nothing else.
func (r *Report) WriteHTML(w io.Writer) error {
	p := &page{Report: r, CSS: template.CSS(pageCSS), CSP: pageCSP, Read: r.read(), Rest: r.rest(len(r.Stopped))} //nolint:gosec // our own
	layout := "2006-01-02"
	step := time.Duration(r.Step) * time.Second
	if step < 24*time.Hour {
		layout += " 15:04"
	}
	p.StepText = stepText(step)
	for _, s := range r.Timeline {
		p.Highest = max(p.Highest, s.sum())
	}
	for i, s := range r.Timeline {
		b := chartBar{Span: s, Label: s.From.Local().Format(layout)}
		y := int64(chartHeight)
		for _, piece := range s.pieces() {
			if piece.n == 0 {
				continue
			}
			h := max(chartHeight*95/100*piece.n/p.Highest, 8)
			y -= h
			b.Rects = append(b.Rects, rect{piece.class, int64(i * (barWidth + barGap)), y, barWidth, h})
		}
		p.Bars = append(p.Bars, b)
	}
	p.ChartWidth = max(len(p.Bars), 8) * (barWidth + barGap)
	if n := len(p.Bars); n > 0 {
		p.FirstLabel, p.LastLabel = p.Bars[0].Label, p.Bars[n-1].Label
	}
	if len(r.Users) > 0 {
		most := r.Users[0].sum()
		for _, u := range r.Users[:min(len(r.Users), maxTopUsers)] {
			p.TopUsers = append(p.TopUsers, userBar{u, stack(most, u.pieces()...)})
		}
	}
	return pageTemplate.Execute(w, p)
}

func stepText(step time.Duration) string {
	switch hours := int64(step / time.Hour); {
	case step < time.Hour:
		return plural(int64(step/time.Minute), "minute")
	case hours < 24:
		return plural(hours, "hour")
	default:
		return plural(hours/24, "day")
	}
}

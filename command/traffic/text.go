package traffic

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
)

// maxLines is how many rows of each table a terminal gets.
const maxLines = 8

// WriteJSON writes the report as data.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// WriteText writes the report for a terminal, with colours or without.
func (r *Report) WriteText(w io.Writer, colours bool) error {
	t := &textWriter{colours: colours}
	t.summary(r)
	t.stopped(r)
	t.answers(r)
	t.edge(r)
	t.methods(r)
	if r.Requests > 0 {
		t.head("a Caddyfile block that accepts every request MOR may have accepted")
		fmt.Fprint(t, r.Suggestion)
	}
	if len(r.Notes) > 0 {
		t.head("notes")
		for _, note := range r.Notes {
			fmt.Fprint(t, "- "+note+"\n")
		}
	}
	_, err := io.WriteString(w, t.String())
	return err
}

type textWriter struct {
	strings.Builder
	colours bool
}

// The colours of a terminal.
const (
	bold   = "\x1b[1m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
)

func (t *textWriter) paint(colour, s string) string {
	if !t.colours {
		return s
	}
	return colour + s + "\x1b[0m"
}

func (t *textWriter) head(s string) { fmt.Fprint(t, "\n"+t.paint(bold, s)+"\n") }

func (t *textWriter) summary(r *Report) {
	for _, line := range r.read() {
		fmt.Fprint(t, line+"\n")
	}
	if r.Requests == 0 {
		return
	}
	fmt.Fprint(t, "\n")
	row := func(colour, name string, n int64) {
		fmt.Fprintf(t, "%s %9s  %6s  %s\n", t.paint(colour, fmt.Sprintf("%-11s", name)), number(n), percent(n, r.Requests), bar(n, r.Requests))
	}
	row(green, "accepted", r.Accepted)
	row(red, "refused", r.Refused)
	for _, v := range r.Verdicts {
		fmt.Fprintf(t, "  %-25s %9s\n", v.Name, number(v.Requests))
	}
	row(yellow, "not judged", r.NotJudged)
	for _, u := range r.Unjudged {
		fmt.Fprintf(t, "  %-25s %9s\n", u.Reason, number(u.Requests))
	}
}

// read says what was read, in a line or two.
func (r *Report) read() []string {
	lines := []string{fmt.Sprintf("%s with %s, %s for did_details_update", plural(int64(len(r.Logs)), "log"), plural(r.Lines.All, "line"), plural(r.Requests, "request"))}
	if !r.From.IsZero() {
		lines = append(lines, r.From.Local().Format("2006-01-02 15:04")+" to "+r.To.Local().Format("2006-01-02 15:04 MST"))
	}
	var odd []string
	for _, o := range []struct {
		n    int64
		text string
	}{
		{r.Lines.Unreadable, "broken or in an unknown format, although they mention the API"},
		{r.Lines.Unknown, "in an unknown format"},
		{r.Lines.Long, "too long"},
		{r.Lines.Outside, "outside the period"},
		{r.Lines.Timeless, "without a timestamp"},
	} {
		if o.n > 0 {
			odd = append(odd, number(o.n)+" "+o.text)
		}
	}
	if len(odd) > 0 {
		lines = append(lines, "left out: "+strings.Join(odd, "; "))
	}
	if len(r.Statuses) > 0 {
		var all []string
		for i, s := range r.Statuses {
			if i == maxLines {
				all = append(all, "...")
				break
			}
			all = append(all, s.Name+" ("+number(s.Requests)+")")
		}
		lines = append(lines, "answered with a status other than 200, so probably not by MOR's API: "+strings.Join(all, ", "))
	}
	return lines
}

func (t *textWriter) stopped(r *Report) {
	rows := r.Stopped[:min(len(r.Stopped), maxLines)]
	if len(rows) > 0 {
		t.head("who would be stopped")
		tw := tabwriter.NewWriter(t, 0, 0, 2, ' ', 0)
		fmt.Fprintln(tw, "user\ttimes\tverdict\thint\tfirst\tlast\tfrom")
		layout := r.layout()
		for _, s := range rows {
			from := strings.Join(s.From, " ")
			if s.More {
				from += " ..."
			}
			fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.ShownUser(), number(s.Requests), s.Verdict, s.HintName(), shownTime(s.First, layout), shownTime(s.Last, layout), from)
		}
		_ = tw.Flush()
		if rest := r.rest(maxLines); rest > 0 {
			fmt.Fprintf(t, "%s more in rows not shown here; use --html or --json\n", number(rest))
		}
	}
	if len(rows) > 0 || len(r.Unjudged) > 0 {
		t.head("what to do")
	}
	told := make(map[string]bool)
	for _, s := range rows {
		name := s.Verdict
		if s.Hint != "" {
			name += ", " + s.HintName()
		}
		if !told[name] {
			told[name] = true
			fmt.Fprintf(t, "%s: %s\n", name, s.ToDo)
		}
	}
	for _, u := range r.Unjudged {
		fmt.Fprintf(t, "%s: %s; %s\n", u.Reason, u.Text, u.ToDo)
	}
}

func shownTime(t time.Time, layout string) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(layout)
}

// rest is how many refused requests there are beyond so many rows.
func (r *Report) rest(rows int) int64 {
	n := r.Others
	for _, s := range r.Stopped[min(rows, len(r.Stopped)):] {
		n += s.Requests
	}
	return n
}

// layout is that of times in a table: the day, or the second where there are few.
func (r *Report) layout() string {
	if r.To.Sub(r.From) < 48*time.Hour {
		return "01-02 15:04:05"
	}
	return "2006-01-02"
}

// ShownUser is the user, or that there was none.
func (s Stopped) ShownUser() string {
	if s.User == "" {
		return "(none)"
	}
	return s.User
}

// HintName is the hint's name, or what is odd where it has none.
func (s Stopped) HintName() string {
	if name := named.FindString(s.Hint); name != "" && !isSource(name) {
		return strings.TrimSuffix(name, ": ")
	}
	return s.Hint
}

func (t *textWriter) answers(r *Report) {
	if len(r.Answers) == 0 {
		return
	}
	t.head("where MOR's answer contradicts the verdict")
	tw := tabwriter.NewWriter(t, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "user\ttimes\tverdict\tMOR's answer\twhat to do")
	for i, a := range r.Answers {
		if i == maxLines {
			break
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", a.User, number(a.Requests), a.Verdict, a.MOR, a.ToDo)
	}
	_ = tw.Flush()
}

func (t *textWriter) methods(r *Report) {
	if len(r.Methods) == 0 {
		return
	}
	t.head("other API methods, which the gateway does not check")
	tw := tabwriter.NewWriter(t, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "method\ttimes\twith a right hash for a DID")
	for i, m := range r.Methods {
		if i == maxLines {
			fmt.Fprintf(tw, "and %d more\n", len(r.Methods)-i)
			break
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\n", m.Name, number(m.Requests), number(m.Fits))
	}
	_ = tw.Flush()
}

func number(n int64) string { return humanize.Comma(n) }

func plural(n int64, what string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(what, "h"):
		what += "es"
	default:
		what += "s"
	}
	return number(n) + " " + what
}

func percent(n, of int64) string {
	return strconv.FormatFloat(100*float64(n)/float64(max(of, 1)), 'f', 1, 64) + "%"
}

// bar is a bar of a chart, of up to 30 characters; what is there has one.
func bar(n, of int64) string {
	length := int(30 * n / max(of, 1))
	if n > 0 && length == 0 {
		length = 1
	}
	return strings.Repeat("#", length)
}

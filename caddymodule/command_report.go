package caddymodule

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// report is what mor-check says of one request.
type report struct {
	Accepted   bool        `json:"accepted"` // all checks were made and passed
	Action     bool        `json:"action"`   // it is for did_details_update
	Verdict    string      `json:"verdict,omitempty"`
	Mode       string      `json:"mode"`
	Checks     []checked   `json:"checks,omitempty"`
	Parameters []parameter `json:"parameters,omitempty"`
	Hint       string      `json:"hint,omitempty"`
	Notes      []string    `json:"notes,omitempty"`
	Status     int         `json:"status,omitempty"` // HTTP's, of a refusal
	Allow      string      `json:"allow,omitempty"`  // the header line
	Answer     string      `json:"answer,omitempty"` // the XML
	Expected   []string    `json:"expected,omitempty"`

	x              *exchange // nil if the request is not for the action
	reached, stray bool
}

// checked is one check and what came of it.
type checked struct {
	Check  string `json:"check"`
	Result string `json:"result"`
}

// The results of a check.
const (
	pass       = "pass"
	fail       = "fail"
	notReached = "not reached"
)

// notChecked is the verdict on what is not for the action.
const notChecked = "not checked"

// parameter is one that a rule speaks of, as MOR would read it.
type parameter struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

// steps are the checks in their order, with the verdicts by which each of
// them fails.
var steps = []struct {
	name  string
	fails func(x *exchange) bool
}{
	{"method is POST or GET", failsBy(validation.MethodNotAllowed)},
	{"declared length is at most max_body", func(x *exchange) bool {
		return x.verdict == validation.TooLarge && x.req.Length > x.handler.policy.MaxBody
	}},
	{"content type carries parameters", failsBy(validation.UnsupportedMediaType)},
	{"target, query and header lines can be read in one way", func(x *exchange) bool {
		return x.verdict == validation.Ambiguous && !inBody(x.req.Oddity())
	}},
	{"body is whole, small enough and can be read in one way", failsBy(validation.Ambiguous, validation.TooLarge, validation.Incomplete, validation.TimedOut)},
	{"u is given and may call", failsBy(validation.AccessDenied)},
	{"method is allowed", failsBy(validation.GetDisabled)},
	{"hash is right", failsBy(validation.IncorrectHash)},
	{"did_id is a positive integer", failsBy(validation.DidNotFound)},
	{"call_limit is an integer, if given", failsBy(validation.CallLimitFormat)},
	{"active_from is a timestamp, if given", failsBy(validation.ActiveFromInvalid)},
	{"active_till is a timestamp, if given", failsBy(validation.ActiveTillInvalid)},
	{"active_till is after active_from, if both are given", failsBy(validation.ActiveTillNotGreater)},
}

func failsBy(verdicts ...validation.Verdict) func(*exchange) bool {
	return func(x *exchange) bool {
		for _, v := range verdicts {
			if x.verdict == v {
				return true
			}
		}
		return false
	}
}

// inBody reports whether an oddity is found only when the body is there.
func inBody(o validation.Oddity) bool {
	switch o.Reason {
	case validation.OddControl, validation.OddQuoted, validation.OddTrailer, validation.OddBodyOfGet:
		return true
	}
	return o.Source == validation.InForm || o.Source == validation.InJSON || o.Source == validation.InMultipart
}

// fill completes the report from what was found.
func (rep *report) fill() {
	x := rep.x
	if rep.stray {
		rep.Notes = append(rep.Notes, "what stands behind the head is no part of the request, since there is no Content-Length")
	}
	switch {
	case !rep.reached:
		rep.Notes = append(rep.Notes, "Caddy's HTTP server refuses the request itself, before the gateway sees it")
		return
	case x == nil:
		rep.Verdict, rep.Status = notChecked, 0
		rep.Notes = append(rep.Notes, "the path is not that of "+validation.Action+", letter for letter: the request is forwarded unchecked")
		return
	}
	rep.Action = true
	rep.Accepted = x.verdict == validation.Accepted
	rep.Verdict = x.verdict.String()
	failed := x.verdict == validation.InternalError // by none of them
	for _, s := range steps {
		c := checked{s.name, pass}
		switch {
		case failed:
			c.Result = notReached
		case s.fails(x):
			failed = true
			c.Result = fail
		}
		rep.Checks = append(rep.Checks, c)
	}
	for _, n := range validation.Names() {
		if val, ok := x.req.Value(n); ok {
			rep.Parameters = append(rep.Parameters, parameter{n.String(), string(val), x.req.Source(n).String()})
		}
	}
	if rep.Accepted {
		rep.Status = 0 // MOR's to answer
		return
	}
	rep.Hint = x.fullHint()
	rep.Answer = XML(x.verdict)
	if x.handler.monitor {
		rep.Notes = append(rep.Notes, "the mode is monitor: the request is forwarded all the same, and the verdict only logged and counted")
	}
}

// fullHint is hint without the limits that the way of a request needs.
func (x *exchange) fullHint() string {
	if x.verdict != validation.IncorrectHash {
		return x.plainHint()
	}
	p := &x.handler.policy
	if h := x.req.HashForm(); h.Name != "" {
		return h.String()
	}
	if h := p.OtherKey(&x.req); h.Name != "" {
		return h.String()
	}
	return p.Hint(&x.req).String()
}

// lacksHash reports whether a request for the action gives no hash.
func (rep *report) lacksHash() bool {
	if rep.x == nil {
		return false
	}
	hash, _ := rep.x.req.Value(validation.Hash)
	return len(hash) == 0
}

// expected returns the hashes that are right for the request, if it has what
// they are made of.
func (rep *report) expected() []string {
	if rep.x == nil {
		return nil
	}
	if didID, _ := rep.x.req.Value(validation.DidID); len(didID) == 0 {
		return nil
	}
	return rep.x.handler.policy.Expected(&rep.x.req)
}

func (rep *report) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(rep)
}

// The colours of a terminal.
const (
	red   = "\x1b[31m"
	green = "\x1b[32m"
	grey  = "\x1b[90m"
)

// writeText writes the report for people. Values of the request are quoted,
// so that they can't do anything to a terminal.
func (rep *report) writeText(w io.Writer, colours bool) error {
	paint := func(colour, s string) string {
		if !colours {
			return s
		}
		return colour + s + "\x1b[0m"
	}
	var b strings.Builder
	for _, c := range rep.Checks {
		mark := map[string]string{pass: green, fail: red, notReached: grey}[c.Result]
		fmt.Fprintf(&b, "%s  %s\n", paint(mark, fmt.Sprintf("%-11s", c.Result)), c.Check)
	}
	if rep.Action {
		b.WriteString("\nparameters, as MOR would read them:\n")
		for _, p := range rep.Parameters {
			fmt.Fprintf(&b, "  %-12s %s  (%s)\n", p.Name, strconv.QuoteToASCII(p.Value), p.Source)
		}
		if len(rep.Parameters) == 0 {
			b.WriteString("  none was read\n")
		}
		b.WriteString("\n")
	}
	switch {
	case rep.Accepted:
		line(&b, "verdict", paint(green, rep.Verdict))
	case rep.Verdict == notChecked:
		line(&b, "verdict", paint(grey, rep.Verdict))
	case rep.reached:
		line(&b, "verdict", paint(red, rep.Verdict))
	default:
		line(&b, "verdict", paint(red, "refused by the HTTP server"))
	}
	if rep.Hint != "" {
		line(&b, "hint", rep.Hint)
	}
	for _, note := range rep.Notes {
		line(&b, "note", note)
	}
	for _, hash := range rep.Expected {
		line(&b, "expected", hash)
	}
	if rep.Status != 0 {
		line(&b, "status", strconv.Itoa(rep.Status))
	}
	if rep.Allow != "" {
		line(&b, "allow", rep.Allow)
	}
	if rep.Answer != "" {
		b.WriteString("\n" + rep.Answer)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// line writes a line of the summary.
func line(b *strings.Builder, name, text string) {
	fmt.Fprintf(b, "%-9s %s\n", name+":", text)
}

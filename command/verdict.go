package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
	"github.com/mor-gateway/caddy-mor-gateway/validation"
	"github.com/mor-gateway/caddy-mor-gateway/validation/hint"
)

// report is what mor-check says about one request.
type report struct {
	Accepted   bool        `json:"accepted"` // all checks were made and passed
	Action     bool        `json:"action"`   // it is for did_details_update
	Verdict    string      `json:"verdict,omitempty"`
	Mode       string      `json:"mode"`
	Version    string      `json:"version"` // the gateway's
	Checks     []checked   `json:"checks,omitempty"`
	Parameters []parameter `json:"parameters,omitempty"`
	Hint       string      `json:"hint,omitempty"`
	Notes      []string    `json:"notes,omitempty"`
	Status     int         `json:"status,omitempty"` // HTTP's, of a refusal
	Allow      string      `json:"allow,omitempty"`  // the header line
	Answer     string      `json:"answer,omitempty"` // the XML
	Expected   []string    `json:"expected,omitempty"`

	outcome caddymodule.Outcome
}

// checked is one check and what came of it.
type checked struct {
	Check  string `json:"check"`
	Result string `json:"result"`
}

// notChecked is the verdict on a request that is not for the action.
const notChecked = "not checked"

// parameter is one that a rule speaks of, as MOR would read it.
type parameter struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

// check judges a request as the server would.
func check(p *validation.Policy, raw []byte) *report {
	rep := &report{outcome: caddymodule.Judge(p, raw)}
	rep.Status, rep.Allow = rep.outcome.Status, rep.outcome.Allow
	r := rep.outcome.Request
	if r == nil {
		return rep
	}
	v := rep.outcome.Verdict
	rep.Action, rep.Verdict, rep.Accepted = true, v.String(), v == validation.Accepted
	for _, c := range r.Checks() {
		rep.Checks = append(rep.Checks, checked{c.Text, c.Result})
	}
	for _, n := range validation.Names() {
		if val, ok := r.Value(n); ok {
			text := string(val)
			if p.Keys.Reveals(text, len(text)) {
				text = "REDACTED: it contains a key"
			}
			rep.Parameters = append(rep.Parameters, parameter{n.String(), text, r.Source(n).String()})
		}
	}
	rep.Hint = hint.Thorough(p, r, v).String()
	if r.SendsKey() {
		rep.Notes = append(rep.Notes, "the request has the parameter API_Secret_Key: MOR does not need it, and anyone who reads a log along the way gets the key; change the key in MOR and here, and fix the client")
	}
	if !rep.Accepted {
		rep.Answer = caddymodule.XML(v)
	}
	return rep
}

// note adds what else the reader should know about the request.
func (rep *report) note(raw []byte) {
	switch {
	case !rep.Action && rep.Status != 0:
		rep.Notes = append(rep.Notes, "Caddy's HTTP server refuses the request itself, before the gateway sees it")
	case !rep.Action:
		rep.Verdict = notChecked
		rep.Notes = append(rep.Notes, "the path does not name "+validation.Action+": the request is forwarded unchecked")
	case rep.Mode == caddymodule.ModeMonitor && !rep.Accepted:
		rep.Notes = append(rep.Notes, "the mode is monitor: the request is forwarded anyway, and the verdict is only logged and counted")
	}
	if r := rep.outcome.Request; r != nil && r.Length == 0 && strayBody(raw) {
		rep.Notes = append(rep.Notes, "the text after the head is not part of the request, because there is no Content-Length")
	}
}

// lacksHash reports whether a request for the action gives no hash.
func (rep *report) lacksHash() bool { return rep.Action && !rep.gives(validation.Hash) }

// gives reports whether a request for the action gives a parameter.
func (rep *report) gives(n validation.Name) bool {
	if !rep.Action {
		return false
	}
	text, _ := rep.outcome.Request.Value(n)
	return len(text) > 0
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
		mark := map[string]string{"pass": green, "fail": red, "not reached": grey}[c.Result]
		fmt.Fprintf(&b, "%s  %s\n", paint(mark, fmt.Sprintf("%-11s", c.Result)), c.Check)
	}
	if rep.Action {
		b.WriteString("\nparameters, as MOR would read them:\n")
		for _, p := range rep.Parameters {
			fmt.Fprintf(&b, "  %-12s %s  (%s)\n", p.Name, strconv.QuoteToASCII(p.Value), p.Source)
		}
		if len(rep.Parameters) == 0 {
			b.WriteString("  none\n")
		}
		b.WriteString("\n")
	}
	switch {
	case rep.Accepted:
		line(&b, "verdict", paint(green, rep.Verdict))
	case rep.Verdict == notChecked:
		line(&b, "verdict", paint(grey, rep.Verdict))
	case rep.Action:
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

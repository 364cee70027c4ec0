package caddymodule

import (
	"golang.org/x/time/rate"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// Limits of the hints for which digests are made, in the whole process: a
// flood of wrong hashes must not turn into work.
const (
	// HintsPerSecond is how many there are in the long run.
	HintsPerSecond = 10
	// HintBurst is how many there may be at once.
	HintBurst = 20
)

var hintLimit = rate.NewLimiter(HintsPerSecond, HintBurst)

// hintOverLimit is the hint where none was looked for.
const hintOverLimit = "not looked for: too many wrong hashes at once; ask caddy mor-check"

// hint says what is odd about the request, or why its hash is wrong. What it
// has found it keeps, since two log lines may want it.
func (x *exchange) hint() string {
	if x.hinted == "" {
		x.hinted = x.findHint()
	}
	return x.hinted
}

func (x *exchange) findHint() string {
	if x.verdict != validation.IncorrectHash {
		return x.plainHint()
	}
	if h := x.req.HashForm(); h.Name != "" {
		return h.String()
	}
	if !hintLimit.Allow() {
		return hintOverLimit
	}
	return x.handler.policy.Hint(&x.req).String()
}

// plainHint is the hint for all but a wrong hash, for which no digest is made.
func (x *exchange) plainHint() string {
	if odd := x.req.Oddity().String(); odd != "" {
		return odd
	}
	return x.handler.policy.ValueHint(&x.req, x.verdict).String()
}

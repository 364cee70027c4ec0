package caddymodule

import (
	"net/http"
	"runtime/debug"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// exchange is one request for the action and a gateway's judgement on it.
type exchange struct {
	handler *Handler
	r       *http.Request
	req     validation.Request
	body    requestBody
	verdict validation.Verdict
	hinted  string // what hint has found

	passage *passage
	own     passage // of the first gateway that the request meets
}

// passage is what the gateways that a request meets have in common: the
// request is counted once, and the last of them has the last word.
type passage struct {
	last     *exchange
	relaying bool               // a gateway looks at MOR's answer already
	counted  bool               // and logged
	told     validation.Verdict // when it was logged
}

// String returns the last verdict.
func (p *passage) String() string { return p.last.verdict.String() }

// passageVar is the request's variable with its passage.
const passageVar = "mor_gateway"

// judge decides about a request for the action, which keeps its body.
func (h *Handler) judge(r *http.Request) (x *exchange) {
	x = &exchange{handler: h, r: r}
	x.join()
	x.req = validation.Request{
		Method:  r.Method,
		Path:    r.URL.Path,
		Opaque:  r.URL.Opaque != "",
		Query:   r.URL.RawQuery,
		Header:  r.Header,
		Length:  x.body.take(r),
		Trailer: len(r.Trailer) > 0,
		Body:    &x.body,
	}
	defer func() { x.body.giveBack(r, x.verdict == validation.Accepted, h.monitor) }()
	defer x.failClosed("judging")
	start := time.Now()
	x.verdict = h.policy.Judge(&x.req)
	validationSeconds.Observe((time.Since(start) - x.body.waited).Seconds())
	return x
}

// join finds what an earlier gateway has said of the request, and takes the
// word.
func (x *exchange) join() {
	ctx := x.r.Context()
	if p, ok := caddyhttp.GetVar(ctx, passageVar).(*passage); ok {
		x.passage = p
	} else {
		x.passage = &x.own
		caddyhttp.SetVar(ctx, passageVar, x.passage)
		x.passage.mark(ctx)
	}
	x.passage.last = x
}

// refuses reports whether the gateway answers the request itself.
func (x *exchange) refuses() bool {
	return x.verdict != validation.Accepted && !x.handler.monitor
}

// failClosed, deferred, makes a panic in our own code a refusal.
func (x *exchange) failClosed(doing string) {
	if p := recover(); p != nil {
		x.verdict = validation.Undecided
		x.handler.logger.Error("panic while "+doing+" a request", zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
	}
}

package caddymodule

import (
	"net/http"
	"runtime/debug"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
	"github.com/mor-gateway/caddy-mor-gateway/validation/hint"
)

// exchange is one request for the action, and a gateway's verdict on it.
type exchange struct {
	handler *Handler
	r       *http.Request
	req     validation.Request
	body    *requestBody // nil if there is none
	verdict validation.Verdict
	hinted  *hint.Hint // what hint has found

	passage *passage
	own     passage // of the first gateway that the request meets
	relay   relay   // if this gateway looks at MOR's answer
}

// passage is shared by all gateways that a request meets: the request is
// counted once, and the last gateway decides.
type passage struct {
	last       *exchange
	relaying   bool               // a gateway looks at MOR's answer already
	counted    bool               // and logged
	told       validation.Verdict // when it was logged
	unanswered bool               // by MOR, which was logged
}

// String returns the last verdict.
func (p *passage) String() string { return p.last.verdict.String() }

// passageVar is the request's variable with its passage.
const passageVar = "mor_gateway"

// judge decides about a request for the action. The request keeps its body.
func (h *Handler) judge(r *http.Request) *exchange {
	x := &exchange{handler: h, r: r, body: bodyOf(r), req: validation.Request{
		Method:  r.Method,
		Path:    r.URL.Path,
		Opaque:  r.URL.Opaque != "",
		Query:   r.URL.RawQuery,
		Header:  r.Header,
		Trailer: len(r.Trailer) > 0,
	}}
	if x.body != nil {
		x.req.Length, x.req.Body = x.body.length, x.body
	}
	x.passage = &x.own
	x.own.last = x
	x.decide()
	x.body.giveBack(r, x.verdict == validation.Accepted, h.monitor)
	return x
}

func (x *exchange) decide() {
	defer x.failClosed("judging")
	x.join()
	start := time.Now()
	x.verdict = x.handler.policy.Judge(&x.req)
	took := time.Since(start)
	if x.body != nil {
		took -= x.body.waited
	}
	validationSeconds.Observe(took.Seconds())
}

// join takes over from an earlier gateway that has judged the request, or
// starts the passage if this gateway is the first.
func (x *exchange) join() {
	ctx := x.r.Context()
	vars, _ := ctx.Value(caddyhttp.VarsCtxKey).(map[string]any)
	if p, ok := vars[passageVar].(*passage); ok {
		x.passage = p
		p.last = x
		return
	}
	if vars != nil { // Caddy's server makes it
		vars[passageVar] = x.passage
	}
	x.mark(ctx)
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

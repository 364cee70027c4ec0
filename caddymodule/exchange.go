package caddymodule

import (
	"net/http"
	"runtime/debug"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// exchange is one request for the action, the verdict on it, and the writer
// through which MOR's answer passes.
type exchange struct {
	caddyhttp.ResponseWriterWrapper
	handler *Handler
	req     validation.Request
	body    readBackBody
	verdict validation.Verdict
	hinted  string // what hint has found

	wroteHeader bool
	answer      morAnswer
}

func newExchange(h *Handler, w http.ResponseWriter, r *http.Request) *exchange {
	x := &exchange{handler: h}
	x.ResponseWriter = w
	x.req.Method = r.Method
	x.req.Path = r.URL.Path
	x.req.Opaque = r.URL.Opaque != ""
	x.req.Query = r.URL.RawQuery
	x.req.Header = r.Header
	x.req.Trailer = len(r.Trailer) > 0
	return x
}

// examine judges a request for the action. It returns nil for any other.
func (h *Handler) examine(w http.ResponseWriter, r *http.Request) *exchange {
	closeTunnel(r)
	if !isAction(r) {
		return nil
	}
	x := newExchange(h, w, r)
	x.judge(r)
	return x
}

// judge decides on the request, which keeps its body.
func (x *exchange) judge(r *http.Request) {
	defer x.failClosed("judging")
	settleLength(r)
	x.req.Length = r.ContentLength
	p := &x.handler.policy
	start := time.Now()
	if x.verdict = p.Head(&x.req); x.verdict == validation.Accepted {
		var body []byte
		var err error
		if r.ContentLength != 0 {
			judged := time.Since(start)
			body, err = readBody(r, p.MaxBody)
			start = time.Now().Add(-judged) // the client's time is not ours
		}
		if x.handler.monitor {
			putBackPrefix(r, body, err)
		}
		if x.verdict = bodyVerdict(err); x.verdict == validation.Accepted {
			x.verdict = p.Body(&x.req, body)
		}
		if x.verdict == validation.Accepted {
			x.verdict = p.Rules(&x.req)
		}
		if x.verdict == validation.Accepted && !x.handler.monitor && r.ContentLength != 0 {
			x.putBack(r, body)
		}
	}
	validationSeconds.Observe(time.Since(start).Seconds())
}

// failClosed, deferred, makes a panic in our own code a refusal.
func (x *exchange) failClosed(doing string) {
	if p := recover(); p != nil {
		x.verdict = validation.InternalError
		x.handler.logger.Error("panic while "+doing+" a request", zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
	}
}

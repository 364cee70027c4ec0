package caddymodule

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/time/rate"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
	"github.com/mor-gateway/caddy-mor-gateway/validation/hint"
)

// mark adds the verdict to the placeholders and the access log.
func (x *exchange) mark(ctx context.Context) {
	p := x.passage
	if repl, ok := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Map(func(key string) (any, bool) { return p.last.placeholder(key) })
	}
	if !x.handler.accessLog {
		return
	}
	if extra, ok := ctx.Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
		extra.Set(zap.Stringer("mor_verdict", p))
	}
}

// tell logs the verdict, and counts it once for each request. An error route
// may lead to another gateway after that; a different verdict there is logged
// too.
func (x *exchange) tell() {
	defer x.failClosed("logging")
	p := x.passage
	if p.counted && p.told == x.verdict {
		return
	}
	if !p.counted {
		requestsTotal[x.verdict][x.handler.modeIndex()].Inc()
	}
	p.counted, p.told = true, x.verdict
	x.alarm()
	if c := x.handler.logger.Check(x.level(), x.logMessage()); c != nil {
		c.Write(append(x.fields(), zap.String("hint", x.hint().String()))...)
	}
}

func (x *exchange) level() zapcore.Level {
	switch x.verdict {
	case validation.Accepted, validation.Incomplete, validation.TimedOut:
		return zapcore.DebugLevel
	}
	return zapcore.InfoLevel
}

func (x *exchange) logMessage() string {
	switch {
	case x.verdict == validation.Accepted:
		return "request accepted"
	case x.handler.monitor:
		return "request would be refused"
	}
	return "request refused"
}

// fields returns the fields of a log line about the request: never a hash, a
// key or the URI.
func (x *exchange) fields() []zap.Field {
	return []zap.Field{
		zap.String("verdict", x.verdict.String()),
		zap.String("user", x.user()),
		zap.String("did_id", x.didID()),
		zap.String("method", x.shown(x.r.Method, maxLogged)),
		zap.String("content_type", x.shown(x.r.Header.Get("Content-Type"), maxLogged)),
		zap.String("client_ip", clientIP(x.r)),
	}
}

func (x *exchange) user() string {
	user, _ := x.req.Value(validation.User)
	return x.shown(string(user), maxLogged)
}

// didID returns the DID's id if it looks like one.
func (x *exchange) didID() string {
	didID, _ := x.req.Value(validation.DidID)
	if len(didID) > maxLoggedDidID || len(bytes.Trim(didID, "0123456789")) > 0 {
		return ""
	}
	return x.shown(string(didID), maxLogged)
}

// changes returns the changes that an accepted request makes. It quotes a value
// that could be taken for more than one.
func (x *exchange) changes() string {
	if x.verdict != validation.Accepted {
		return ""
	}
	var all []string
	for name, text := range x.req.Changes() {
		val := x.shown(string(text), maxLogged)
		if quoted := strconv.Quote(val); len(quoted) > len(val)+2 || strings.ContainsAny(val, " =") {
			val = quoted
		}
		all = append(all, name.String()+"="+val)
	}
	return strings.Join(all, " ")
}

// clientIP returns the client's address as Caddy determined it: an address,
// whatever the request says.
func clientIP(r *http.Request) string {
	ip, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	return ip
}

// placeholder provides {http.mor_gateway.*}.
func (x *exchange) placeholder(key string) (any, bool) {
	name, ok := strings.CutPrefix(key, "http.mor_gateway.")
	if !ok {
		return nil, false
	}
	switch name {
	case "verdict":
		return x.verdict.String(), true
	case "user":
		return x.user(), true
	case "did_id":
		return x.didID(), true
	case "error":
		return x.verdict.Message(), true
	case "changes":
		return x.changes(), true
	}
	return nil, false
}

// hint says what is odd about the request, or why its hash is wrong. It keeps
// the hint, because two log lines may need it.
func (x *exchange) hint() hint.Hint {
	if x.hinted == nil {
		h := hint.Of(&x.handler.policy, &x.req, x.verdict, hintLimit.Allow)
		x.hinted = &h
	}
	return *x.hinted
}

// Limits of the hints that need digests, for the whole process: a flood of
// wrong hashes must not become work.
const (
	// HintsPerSecond is the long-term rate.
	HintsPerSecond = 10
	// HintBurst is the most at once.
	HintBurst = 20
)

var hintLimit = rate.NewLimiter(HintsPerSecond, HintBurst)

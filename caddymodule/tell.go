package caddymodule

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// Limits of what a log line repeats of a request, in bytes.
const (
	maxLogged      = 64
	maxLoggedDidID = 20
)

// tell counts the verdict and gives it to the logs and the placeholders.
func (x *exchange) tell(r *http.Request) {
	defer func() { requestsTotal[x.verdict][x.handler.modeIndex()].Inc() }()
	defer x.failClosed("telling of")
	ctx := r.Context()
	if repl, ok := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Map(x.placeholder)
	}
	if extra, ok := ctx.Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
		extra.Set(zap.Stringer("mor_verdict", x.verdict))
	}
	if c := x.handler.logger.Check(x.level(), x.logMessage()); c != nil {
		c.Write(append(x.fields(r), zap.String("hint", x.hint()))...)
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

// fields returns what a log line says of the request. Never a hash, a key or
// the URI.
func (x *exchange) fields(r *http.Request) []zap.Field {
	return []zap.Field{
		zap.String("verdict", x.verdict.String()),
		zap.String("user", x.user()),
		zap.String("did_id", x.didID()),
		zap.String("method", shown(r.Method)),
		zap.String("content_type", shown(r.Header.Get("Content-Type"))),
		zap.String("client_ip", clientIP(r)),
	}
}

// user returns the username, unless there is a key in it.
func (x *exchange) user() string {
	text, _ := x.req.Value(validation.User)
	user := string(text)
	if x.handler.policy.Keys.Reveals(user) {
		return redacted
	}
	return shown(user)
}

const redacted = "REDACTED"

// shown returns a text of the request as a log line may have it: cut, and
// without what may be a hash, which stands in the wrong place then.
func shown(s string) string {
	s = s[:min(len(s), 4*maxLogged)]
	if hexDigitsIn(s) >= minDigest {
		s = digests.ReplaceAllString(s, redacted)
	}
	return cut(s)
}

func hexDigitsIn(s string) (n int) {
	for _, c := range []byte(s) {
		if '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' {
			n++
		}
	}
	return n
}

// minDigest is the length of the shortest digest, MD5's, in hex digits.
const minDigest = 32

// digests are hex digits in a row, or two by two.
var digests = regexp.MustCompile(`[0-9A-Fa-f]{32,}|([0-9A-Fa-f]{2}[^0-9A-Za-z]){15,}[0-9A-Fa-f]{2}`)

// didID returns the DID's id if it looks like one.
func (x *exchange) didID() string {
	didID, _ := x.req.Value(validation.DidID)
	if len(didID) > maxLoggedDidID {
		return ""
	}
	for _, c := range didID {
		if c < '0' || c > '9' {
			return ""
		}
	}
	return string(didID)
}

func cut(s string) string {
	if len(s) > maxLogged {
		s = strings.ToValidUTF8(s[:maxLogged], "")
	}
	return s
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
	}
	return nil, false
}

// compare compares MOR's answer with the verdict. It is a disagreement if MOR
// refuses what was accepted with an error that is the gateway's to find, or
// accepts what would have been refused.
func (x *exchange) compare(r *http.Request) {
	defer x.failClosed("comparing MOR's answer to")
	message, success, ok := x.answer.message()
	if !ok {
		if c := x.handler.logger.Check(zapcore.DebugLevel, "MOR's answer cannot be read"); c != nil {
			c.Write(x.fields(r)...)
		}
		return
	}
	var mor morOutcome
	var what string
	switch accepted := x.verdict == validation.Accepted; {
	case accepted && !success && x.gatewayAlone(message):
		mor, what = morOtherError, "MOR refuses what the gateway accepted"
		if string(message) == validation.IncorrectHash.Message() {
			mor, what = morIncorrectHash, "MOR refuses a hash that is right here: the keys have drifted apart, this user's key was changed in MOR or here"
		}
	case !accepted && success:
		mor, what = morSuccess, "MOR accepts what the gateway would refuse"
	default:
		return
	}
	disagreementsTotal[x.verdict][mor].Inc()
	if c := x.handler.logger.Check(zapcore.WarnLevel, what); c != nil {
		fields := append(x.fields(r), zap.String("mor", mor.String()))
		if mor == morSuccess {
			fields = append(fields, zap.String("hint", x.hint()))
		}
		c.Write(fields...)
	}
}

package caddymodule

import (
	"errors"
	"net/http"

	"go.uber.org/zap"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
	"github.com/mor-gateway/caddy-mor-gateway/validation/hint"
)

// compare compares MOR's answer with the verdict. They disagree if MOR refuses
// an accepted request with an error that the gateway should have found, or
// accepts a request that the gateway would have refused.
func (x *exchange) compare(rel *relay) {
	defer x.failClosed("comparing MOR's answer to")
	message, success, why := rel.answer.message()
	if why != readable {
		x.missed(rel.status, why)
		return
	}
	switch accepted := x.verdict == validation.Accepted; {
	case accepted && !success:
		if v, ok := x.contradicts(string(message)); ok {
			x.refused(v)
		}
	case !accepted && success:
		disagreementsTotal[x.verdict][morSuccess].Inc()
		if c := x.handler.logger.Check(zap.WarnLevel, "MOR accepts what the gateway would refuse"); c != nil {
			h := hint.AfterSuccess(&x.handler.policy, &x.req, x.verdict, x.hint())
			c.Write(append(x.fields(), zap.String("mor", morSuccess.String()), zap.String("hint", h.String()))...)
		}
	}
}

// contradicts finds the rule that MOR's error belongs to. It reports whether
// the gateway should have found that error in the accepted request.
func (x *exchange) contradicts(message string) (validation.Verdict, bool) {
	for _, rule := range validation.Rules() {
		if rule.Message == message {
			return rule.Verdict, rule.Alone != nil && rule.Alone(&x.req)
		}
	}
	return validation.Accepted, false
}

// refused logs and counts an accepted request that MOR refuses.
func (x *exchange) refused(v validation.Verdict) {
	mor, what := morOtherError, "MOR refuses what the gateway accepted"
	if v == validation.IncorrectHash {
		mor, what = morIncorrectHash, "MOR refuses a hash that is right here: the keys have drifted apart; this user's key was changed in MOR or here, but not in both"
	}
	disagreementsTotal[x.verdict][mor].Inc()
	if c := x.handler.logger.Check(zap.WarnLevel, what); c != nil {
		fields := append(x.fields(), zap.String("mor", mor.String()), zap.String("error", v.Message()))
		if v == validation.CallLimitFormat {
			fields = append(fields, zap.String("hint", x.hint().String()))
		}
		c.Write(fields...)
	}
}

// missed logs and counts an answer without a message to compare. With some
// statuses the answer is not MOR's but from a web server in front of it.
func (x *exchange) missed(status int, why unread) {
	if _, down := morPages[status]; down {
		x.unanswered(status, errors.New("MOR's web server answered in its place"))
		return
	}
	if x.r.Method == http.MethodHead {
		return // it has no body
	}
	unreadTotal[why].Inc()
	if c := x.handler.logger.Check(zap.DebugLevel, "MOR's answer cannot be read"); c != nil {
		c.Write(append(x.fields(), zap.String("reason", why.String()), zap.Int("status", status))...)
	}
}

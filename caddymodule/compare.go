package caddymodule

import (
	"go.uber.org/zap"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
	"github.com/mor-gateway/caddy-mor-gateway/validation/hint"
)

// compare compares MOR's answer with the verdict. It is a disagreement if MOR
// refuses what was accepted with an error that is the gateway's to find, or
// accepts what would have been refused.
func (x *exchange) compare(answer *morAnswer) {
	defer x.failClosed("comparing MOR's answer to")
	message, success, ok := answer.message()
	if !ok {
		if c := x.handler.logger.Check(zap.DebugLevel, "MOR's answer cannot be read"); c != nil {
			c.Write(x.fields()...)
		}
		return
	}
	var mor morOutcome
	var what string
	switch accepted := x.verdict == validation.Accepted; {
	case accepted && !success && x.contradicts(message):
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
	if c := x.handler.logger.Check(zap.WarnLevel, what); c != nil {
		fields := append(x.fields(), zap.String("mor", mor.String()))
		switch {
		case mor == morSuccess:
			fields = append(fields, zap.String("hint", hint.AfterSuccess(&x.handler.policy, &x.req, x.verdict, x.hint()).String()))
		case string(message) == validation.CallLimitFormat.Message():
			fields = append(fields, zap.String("hint", x.hint().String()))
		}
		c.Write(fields...)
	}
}

// contradicts reports whether MOR's error is one that the gateway should have
// found in the request, which it accepted.
func (x *exchange) contradicts(message []byte) bool {
	for _, rule := range validation.Rules() {
		if rule.Message == string(message) && rule.Alone != nil && rule.Alone(&x.req) {
			return true
		}
	}
	return false
}

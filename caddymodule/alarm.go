package caddymodule

import (
	"strings"
	"sync"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
	"github.com/mor-gateway/caddy-mor-gateway/validation/hint"
)

// alarm warns of a client that sends the API Secret Key itself, once in a while
// for each user. Proxies and MOR write the key into their logs.
func (x *exchange) alarm() {
	level := zapcore.WarnLevel
	var what string
	switch {
	case x.verdict != validation.Accepted && hint.KeyInHash(&x.handler.policy, &x.req):
		level, what = zapcore.ErrorLevel, "a client sends the API Secret Key itself as the hash: change the key in MOR and here, and fix the client"
	case x.req.SendsKey():
		what = "a client sends the parameter API_Secret_Key: MOR does not need it, and anyone who reads a log along the way gets the key; change the key in MOR and here, and fix the client"
	default:
		return
	}
	if !x.handler.alarms.due(level.String()+" "+strings.ToLower(x.user()), time.Now()) {
		return
	}
	if c := x.handler.logger.Check(level, what); c != nil {
		c.Write(x.fields()...)
	}
}

const (
	// alarmPause is the time between two alarms about a user.
	alarmPause = 10 * time.Minute
	// maxAlarms is how many users are remembered.
	maxAlarms = 1000
)

// alarms remembers when there was an alarm. Nil remembers nothing.
type alarms struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// due reports whether an alarm is due, and records it. Clients choose the
// usernames, so if there are too many, all are forgotten.
func (a *alarms) due(about string, now time.Time) bool {
	if a == nil {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if last, ok := a.last[about]; ok && now.Sub(last) < alarmPause {
		return false
	}
	if a.last == nil || len(a.last) >= maxAlarms {
		a.last = make(map[string]time.Time)
	}
	a.last[about] = now
	return true
}

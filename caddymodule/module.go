// Package caddymodule provides the Caddy module http.handlers.mor_gateway.
package caddymodule

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

func init() {
	caddy.RegisterModule(Handler{})
}

// DefaultMaxBody is the largest body, in bytes, unless max_body says otherwise.
const DefaultMaxBody = 64 << 10

// MaxMaxBody is the largest max_body, in bytes: each request for the method
// may take as much memory.
const MaxMaxBody = 1 << 30

// The values of Handler.Mode.
const (
	ModeEnforce = "enforce"
	ModeMonitor = "monitor"
)

// Handler guards the API method did_details_update of MOR, Kolmisoft's VoIP
// billing system. Put it in front of a reverse_proxy to an existing MOR. It
// verifies the hash of each request for that method and the rules that MOR
// documents for the parameters, and answers invalid requests in MOR's own XML.
// It also refuses requests that two parsers could read differently. Valid
// requests, and all other requests, go on unchanged to the next handler, with
// two exceptions: an Upgrade to anything but websocket and the body of a
// CONNECT are removed, because further requests could follow them unseen.
//
// It must run before any handler that sends requests to MOR, so the Caddyfile
// directive is ordered before `handle`, `route` and `reverse_proxy`. Routes
// that rewrite requests later need their own handler.
//
// These placeholders are set once a request for the method has been judged:
//
// Placeholder | Description
// ------------|------------
// `{http.mor_gateway.verdict}` | The decision: `accepted`, `incorrect_hash`, ...
// `{http.mor_gateway.user}` | The username that the request gives, up to 64 bytes
// `{http.mor_gateway.did_id}` | The id of the DID that the request gives, if it is at most 20 digits
// `{http.mor_gateway.error}` | The message of a refusal, as in the XML
// `{http.mor_gateway.changes}` | What an accepted request sets, as `call_limit=10 active_till=1800000000`
//
// The access log has the verdict as `mor_verdict`. No log line, placeholder or
// metric of this module contains a key or a hash.
//
// An example, with all fields:
//
//	{
//		"handler": "mor_gateway",
//		"secrets": ["{env.MOR_API_SECRET_KEY}"],
//		"resellers": {"reseller1": ["{file./run/secrets/reseller1}"]},
//		"users": ["admin"],
//		"allow_get": false,
//		"mode": "enforce",
//		"max_body": 65536
//	}
type Handler struct {
	// The admin's API Secret Key (in MOR: SETTINGS - Setup - Settings - API).
	// Several keys are for a rotation: a hash made with any of them is right.
	// Placeholders such as `{env.MOR_API_SECRET_KEY}` and
	// `{file./run/secrets/mor}` are resolved when the config is loaded. White
	// space around a key is dropped, as MOR does when it saves one. A key in
	// plain text works, but Caddy's config shows it. `caddy run --environ`,
	// which some units use, prints variables. Required.
	Secrets []string `json:"secrets,omitempty"`

	// The keys of resellers, by username. A reseller may use its own keys or
	// the admin's; everyone else may use only the admin's. ASCII letter case
	// in usernames is ignored. Placeholders are resolved as in `secrets`.
	Resellers map[string][]string `json:"resellers,omitempty"`

	// The only usernames that may call, besides those in `resellers`; all
	// others are answered `Access Denied`. Default: everyone may.
	Users []string `json:"users,omitempty"`

	// Whether GET is allowed, as in MOR's own setting "Allow GET API".
	// Default: false, a GET is answered `GET Requests are disabled`.
	AllowGet bool `json:"allow_get,omitempty"`

	// What happens to an invalid request. With `enforce` it is answered here
	// and never reaches MOR. With `monitor` every request goes to MOR as it
	// came, and the verdict is only logged and counted. Default: `enforce`.
	Mode string `json:"mode,omitempty"`

	// The largest body, in bytes, from 1 to 1073741824 (1 GiB); a larger one
	// is refused with status 413. Default: 65536.
	MaxBody int64 `json:"max_body,omitempty"`

	// Resolved keys are only here: exported fields show up in the admin API
	// and in traces.
	policy  validation.Policy
	loaded  loadedKeys
	monitor bool
	alarms  *alarms
	logger  *zap.Logger
	gauge   prometheus.Gauge // that counts this gateway; nil if none does
	// Whether the server has an access log, or is not known.
	accessLog bool
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.mor_gateway",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision resolves the keys and sets the defaults.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.logger = ctx.Logger()
	h.alarms = new(alarms)
	// First, because after a failed load Caddy's admin endpoint shows this
	// registry, while the old config and its counters live on.
	if err := registerMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	if h.Mode == "" {
		h.Mode = ModeEnforce
	}
	if h.MaxBody == 0 {
		h.MaxBody = DefaultMaxBody
	}
	h.monitor = h.Mode == ModeMonitor
	server, _ := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	h.accessLog = server == nil || server.Logs != nil
	var err error
	if h.policy, err = h.Policy(); err != nil {
		return err
	}
	h.tellOfKeys()
	h.surveyConfig(ctx)
	if h.monitor {
		h.logger.Warn("monitor mode: requests that MOR refuses, or that can be read in two ways, are NOT stopped, only logged and counted; remove the mode or set it to enforce to stop them", zap.String("version", Version()))
	} else {
		h.logger.Info("enforce mode: requests that MOR refuses, or that can be read in two ways, are answered here and never reach MOR", zap.String("version", Version()))
	}
	h.gauge = loadedGauges[h.modeIndex()]
	h.gauge.Inc()
	return nil
}

// Cleanup removes a gateway that is no longer in the config from the count.
// Caddy also calls it if Provision or Validate fails.
func (h *Handler) Cleanup() error {
	if h.gauge != nil {
		h.gauge.Dec()
	}
	return nil
}

// Policy returns the options, with their defaults, and the resolved keys, by
// which requests are judged. Its errors name the place in the JSON config and
// at most a placeholder, never a key.
func (h *Handler) Policy() (validation.Policy, error) {
	keys, err := h.resolveKeys()
	if err != nil {
		return validation.Policy{}, err
	}
	p := validation.Policy{Keys: keys, AllowGet: h.AllowGet, MaxBody: h.MaxBody}
	if p.MaxBody == 0 {
		p.MaxBody = DefaultMaxBody
	}
	if len(h.Users) > 0 {
		p.Users = make(map[string]struct{}, len(h.Users)+len(h.Resellers))
		for _, name := range slices.AppendSeq(slices.Clone(h.Users), maps.Keys(h.Resellers)) {
			p.Users[validation.LowerUser(name)] = struct{}{}
		}
	}
	return p, nil
}

// Validate checks what Provision doesn't need.
func (h *Handler) Validate() error {
	if h.Mode != "" && h.Mode != ModeEnforce && h.Mode != ModeMonitor {
		return fmt.Errorf("mode: must be %s or %s", ModeEnforce, ModeMonitor)
	}
	if h.MaxBody < 0 || h.MaxBody > MaxMaxBody {
		return fmt.Errorf("max_body: must be a number of bytes from 1 to %d", MaxMaxBody)
	}
	for i, name := range h.Users {
		if err := checkUsername(name); err != nil {
			return fmt.Errorf("users[%d]: %w", i, err)
		}
	}
	return nil
}

// ServeHTTP judges requests for the guarded API method; all others go on.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	closeTunnel(r)
	if !isAction(r) {
		return next.ServeHTTP(w, r)
	}
	x := h.judge(r)
	if x.refuses() {
		x.tell()
		return x.answer(w, r)
	}
	return x.forward(w, r, next)
}

// isAction reports whether MOR could route the request to the guarded method.
func isAction(r *http.Request) bool {
	// To net/http a target such as x:http://mor/path has no path. It sends the
	// text after the first colon on as the target.
	return validation.IsAction(r.URL.Path, r.URL.RawQuery) ||
		r.URL.Opaque != "" && validation.IsOpaqueAction(r.URL.Opaque, r.URL.RawQuery)
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddy.Validator             = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)

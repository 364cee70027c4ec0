package caddymodule

import (
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/intercept"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"go.uber.org/zap"
)

func init() {
	caddy.RegisterModule(survey{})
}

// survey looks for ways to MOR that bypass the gateway once the whole config is
// loaded, and warns of each. It needs no configuration: the handlers load it,
// because a handler is provisioned before the routes around it.
type survey struct {
	logger *zap.Logger
	app    *caddyhttp.App
	done   bool
}

// CaddyModule returns the Caddy module information.
func (survey) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "mor_gateway",
		New: func() caddy.Module { return new(survey) },
	}
}

// surveyConfig makes sure that survey looks at the config once it is complete.
func (h *Handler) surveyConfig(ctx caddy.Context) {
	lineage := ctx.Modules()
	if len(lineage) == 0 {
		return // the handler is not in a config
	}
	app, ok := lineage[0].(*caddyhttp.App)
	if !ok {
		return
	}
	if s, err := ctx.App("mor_gateway"); err == nil {
		s := s.(*survey)
		s.logger, s.app = h.logger, app
	}
}

// Start looks at a config that is about to run.
func (s *survey) Start() error { return s.Cleanup() }

// Stop does nothing.
func (s *survey) Stop() error { return nil }

// Cleanup looks at a config that never ran, as `caddy validate` leaves it.
func (s *survey) Cleanup() error {
	if s.done || s.app == nil {
		return nil
	}
	s.done = true
	defer func() {
		if p := recover(); p != nil { // the config matters, not this check
			s.logger.Error("panic while looking for ways around the gateway", zap.Any("panic", p))
		}
	}()
	var w walk
	for _, server := range s.app.Servers {
		w.routes(server.Routes, place{server: server})
		if server.Errors != nil {
			w.routes(server.Errors.Routes, place{server: server})
		}
	}
	w.warn(s.logger)
	return nil
}

// gate says which gateway a request has passed on its way to a place in the
// config.
type gate int

const (
	noGate      gate = iota
	matchedGate      // a gateway that judges only what its matcher matches
	wholeGate
)

// place is a place in the config, and how a request gets there.
type place struct {
	server *caddyhttp.Server
	hosts  []string
	gate   gate
	gets   bool      // the gateway lets GET through
	passed []*sender // those before it, with no gateway before them
	depth  int       // of named routes
}

// sender is a handler that sends requests on.
type sender struct {
	place
	upstreams []string
	early     bool // a gateway comes after it
	buffers   bool // request_buffers
}

// walk collects all senders of a config.
type walk []*sender

// routes walks through routes, one after the other. It returns the place after
// them, and whether no request gets there.
func (w *walk) routes(routes caddyhttp.RouteList, at place) (_ place, ended bool) {
	for _, route := range routes {
		in, matched := at, route.Group != ""
		for _, set := range route.MatcherSets {
			for _, m := range set {
				matched = true
				if hosts, ok := m.(*caddyhttp.MatchHost); ok {
					in.hosts = *hosts
				}
			}
		}
		after, over := w.handlers(route.Handlers, in)
		over = over || route.Terminal
		switch {
		case !matched && over:
			ended = true
		case !matched:
			at.gate = after.gate
		case !over && after.gate != at.gate:
			at.gate = matchedGate
		}
		// What comes after a site or a handle block is for other requests.
		if !route.Terminal && route.Group == "" {
			at.passed = after.passed
		}
	}
	return at, ended
}

func (w *walk) handlers(handlers []caddyhttp.MiddlewareHandler, at place) (_ place, ended bool) {
	for _, handler := range handlers {
		over := false
		switch h := handler.(type) {
		case *Handler:
			for _, s := range at.passed {
				s.early = true
			}
			at.gate, at.gets, at.passed = wholeGate, h.AllowGet && !h.monitor, nil
		case *reverseproxy.Handler:
			at = w.sender(h, at)
			over = len(h.HandleResponse) == 0 // else it may be forward_auth
			w.responses(h.HandleResponse, at)
		case *intercept.Intercept:
			w.responses(h.HandleResponse, at)
		case *caddyhttp.Subroute:
			at, over = w.routes(h.Routes, at)
			if h.Errors != nil {
				w.routes(h.Errors.Routes, place{server: at.server, hosts: at.hosts, depth: at.depth})
			}
		case *caddyhttp.Invoke:
			const tooDeep = 16 // a named route may invoke itself
			if route := at.server.NamedRoutes[h.Name]; route != nil && at.depth < tooDeep {
				at.depth++
				at, over = w.routes(caddyhttp.RouteList{*route}, at)
				at.depth--
			}
		case *caddyhttp.StaticResponse, *caddyhttp.StaticError:
			over = true
		}
		ended = ended || over
	}
	return at, ended
}

func (w *walk) responses(handlers []caddyhttp.ResponseHandler, at place) {
	for _, h := range handlers {
		w.routes(h.Routes, at)
	}
}

// sender records a handler that sends requests on, and returns the place after
// it.
func (w *walk) sender(h *reverseproxy.Handler, at place) place {
	s := &sender{place: at, buffers: h.RequestBuffers != 0}
	for _, u := range h.Upstreams {
		s.upstreams = append(s.upstreams, u.Dial)
	}
	*w = append(*w, s)
	if at.gate == noGate {
		at.passed = append(slices.Clip(at.passed), s)
	}
	return at
}

// warn warns of each sender that bypasses a gateway.
func (w walk) warn(logger *zap.Logger) {
	mor := make(map[string]bool)
	for _, s := range w {
		for _, u := range s.upstreams {
			mor[u] = mor[u] || s.gate != noGate
		}
	}
	for _, s := range w {
		var what string
		switch {
		case s.gate == matchedGate:
			what = "mor_gateway has a matcher: requests that do not match bypass the gateway on their way to this upstream, including absolute-form targets that no path matcher sees; remove the matcher"
		case s.early:
			what = "requests reach this upstream before mor_gateway has judged them; put mor_gateway first, or remove the order option"
		case s.gate == noGate && slices.ContainsFunc(s.upstreams, func(u string) bool { return mor[u] }):
			what = "requests reach this upstream without mor_gateway, although another route to it is guarded; add mor_gateway to this route too"
		case s.gets && s.buffers:
			what = "a GET that allow_get lets through is sent to MOR twice if the connection breaks, because of request_buffers; remove request_buffers or allow_get"
		default:
			continue
		}
		logger.Warn(what, zap.Strings("upstreams", s.upstreams), zap.Strings("hosts", s.hosts), zap.Strings("listen", s.server.Listen))
	}
}

// Interface guards
var (
	_ caddy.App          = (*survey)(nil)
	_ caddy.CleanerUpper = (*survey)(nil)
)

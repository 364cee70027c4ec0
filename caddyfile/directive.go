// Package caddyfile provides the Caddyfile directive mor_gateway.
package caddyfile

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/dustin/go-humanize"
	"go.uber.org/zap"

	"github.com/mor-gateway/caddy-mor-gateway/caddymodule"
	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

const directive = "mor_gateway"

func init() {
	httpcaddyfile.RegisterDirective(directive, parseRoute)
	// Before all that dispatches: ordered next to reverse_proxy, a site with
	// handle blocks would pass it by.
	httpcaddyfile.RegisterDirectiveOrder(directive, httpcaddyfile.Before, "invoke")
}

// parseRoute is what httpcaddyfile.RegisterHandlerDirective makes of parse,
// with a warning where there is a matcher.
func parseRoute(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next()
	matcher, err := h.ExtractMatcherSet()
	if err != nil {
		return nil, err
	}
	handler, err := parse(h)
	if err != nil {
		return nil, err
	}
	if matcher != nil {
		caddy.Log().Named("caddyfile").Warn(directive+" has a matcher: what it does not match is not guarded, and no path matcher matches a target that is not a path, which MOR may run all the same; better take the matcher out",
			zap.String("file", h.File()), zap.Int("line", h.Line()))
	}
	return h.NewRoute(matcher, handler), nil
}

// parse sets up the handler from Caddyfile tokens. Syntax:
//
//	mor_gateway [<matcher>] {
//	    secret    <key>...
//	    reseller  <username> <key>...
//	    users     <username>...
//	    allow_get
//	    mode      enforce|monitor
//	    max_body  <size>
//	}
//
// or, for the admin's key alone:
//
//	mor_gateway [<matcher>] <key>...
//
// Each subdirective but reseller stands at most once. No message quotes a
// token: a key may stand in the wrong place.
func parse(h httpcaddyfile.Helper) (*caddymodule.Handler, error) {
	h.Next() // consume directive name
	p := parser{Helper: h, seen: make(map[string]bool)}
	keys, err := p.values()
	if err != nil {
		return nil, err
	}
	if err := p.keys(keys); err != nil {
		return nil, err
	}
	p.handler.Secrets = keys
	short := len(keys) > 0
	for h.NextBlock(0) {
		if short {
			return nil, h.Err(directive + ": the short form takes no block; write the key as a secret inside the block")
		}
		if err := p.subdirective(); err != nil {
			return nil, err
		}
	}
	if len(p.handler.Secrets) == 0 {
		return nil, h.Err(directive + ": no key; write: secret {env.MOR_API_SECRET_KEY}")
	}
	return &p.handler, nil
}

type parser struct {
	httpcaddyfile.Helper
	handler caddymodule.Handler
	seen    map[string]bool // subdirectives, and resellers in lower case
}

func (p *parser) subdirective() error {
	name := p.Val()
	if name != "reseller" {
		if p.seen[name] {
			return p.Err(directive + ": a subdirective stands twice; give all its values on one line")
		}
		p.seen[name] = true
	}
	args, err := p.values()
	if err != nil {
		return err
	}
	switch name {
	case "secret":
		if len(args) == 0 {
			return p.wrong(name, "<key>...")
		}
		if err := p.keys(args); err != nil {
			return err
		}
		p.handler.Secrets = args
	case "reseller":
		if len(args) < 2 {
			return p.wrong(name, "<username> <key>...")
		}
		if err := p.usernames(args[:1]); err != nil {
			return err
		}
		if err := p.keys(args[1:]); err != nil {
			return err
		}
		user := name + " " + validation.LowerUser(args[0])
		if p.seen[user] {
			return p.Err(directive + ": this reseller stands twice (letter case does not count); give all its keys on one line")
		}
		p.seen[user] = true
		if p.handler.Resellers == nil {
			p.handler.Resellers = make(map[string][]string)
		}
		p.handler.Resellers[args[0]] = args[1:]
	case "users":
		if len(args) == 0 {
			return p.wrong(name, "<username>...")
		}
		if err := p.usernames(args); err != nil {
			return err
		}
		p.handler.Users = args
	case "allow_get":
		if len(args) != 0 {
			return p.wrong(name, "")
		}
		p.handler.AllowGet = true
	case "mode":
		if len(args) != 1 {
			return p.wrong(name, "enforce|monitor")
		}
		if args[0] != caddymodule.ModeEnforce && args[0] != caddymodule.ModeMonitor {
			return p.Err(directive + ": there is no such mode; write: mode enforce|monitor")
		}
		p.handler.Mode = args[0]
	case "max_body":
		if len(args) != 1 {
			return p.wrong(name, "<size>, for example 64KiB, without a space")
		}
		size, err := humanize.ParseBytes(args[0])
		if err != nil || size == 0 || size > caddymodule.MaxMaxBody {
			return p.Err(directive + ": max_body is no size from 1B to 1GiB; write, for example: max_body 64KiB")
		}
		p.handler.MaxBody = int64(size)
	default:
		return p.Errf("%s: unknown subdirective; there are secret, reseller, users, allow_get, mode and max_body", directive)
	}
	if p.NextBlock(1) {
		return p.Errf("%s: %s takes no block", directive, name)
	}
	return nil
}

// values returns the rest of the line, of which nothing may be empty.
func (p *parser) values() ([]string, error) {
	args := p.RemainingArgs()
	if slices.Contains(args, "") {
		return nil, p.Err(directive + ": a value is empty; write the value, or a placeholder such as {env.MOR_API_SECRET_KEY} for a key")
	}
	return args, nil
}

// keys checks what can be checked of keys before they are resolved.
func (p *parser) keys(values []string) error {
	for i, val := range values {
		if err := caddymodule.CheckKey(val); err != nil {
			return p.Errf("%s: key %d of the line %v", directive, i+1, err)
		}
	}
	return nil
}

// usernames refuses what can't be meant as one.
func (p *parser) usernames(names []string) error {
	for _, name := range names {
		if strings.ContainsAny(name, "{},") {
			return p.Err(directive + ": a username has a comma or a brace in it; separate usernames by spaces, and write them as they are: placeholders are for keys")
		}
	}
	return nil
}

// wrong returns the error for a subdirective with wrong values.
func (p *parser) wrong(name, syntax string) error {
	if syntax != "" {
		syntax = " " + syntax
	}
	return p.Errf("%s: wrong number or kind of values; write: %s%s", directive, name, syntax)
}

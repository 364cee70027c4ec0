package caddymodule

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// UnmarshalCaddyfile sets up the handler from Caddyfile tokens. Syntax:
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
// Only reseller may be repeated. No message quotes a token: a key may be in
// the wrong place.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume directive name
	p := parser{Dispenser: d, handler: h, seen: make(map[string]bool)}
	keys, err := p.keys(d.RemainingArgs())
	if err != nil {
		return err
	}
	h.Secrets = keys
	for d.NextBlock(0) {
		if len(keys) > 0 {
			return d.Err("mor_gateway: the short form takes no block; write the key as a secret inside the block")
		}
		if err := p.subdirective(); err != nil {
			return err
		}
	}
	if len(h.Secrets) == 0 {
		return d.Err("mor_gateway: no key; write: secret {env.MOR_API_SECRET_KEY}")
	}
	return nil
}

type parser struct {
	*caddyfile.Dispenser
	handler *Handler
	seen    map[string]bool // subdirectives, and resellers in lower case
}

func (p *parser) subdirective() (err error) {
	name, args := p.Val(), p.RemainingArgs()
	if p.seen[name] && name != "reseller" {
		return p.Err("mor_gateway: a subdirective is repeated; write it once, with all its values on one line")
	}
	p.seen[name] = true
	h := p.handler
	switch name {
	case "secret":
		if len(args) == 0 {
			return p.wrong(name, " <key>...")
		}
		h.Secrets, err = p.keys(args)
	case "reseller":
		if len(args) < 2 {
			return p.wrong(name, " <username> <key>...")
		}
		err = p.reseller(args[0], args[1:])
	case "users":
		if len(args) == 0 {
			return p.wrong(name, " <username>...")
		}
		h.Users, err = p.usernames(args)
	case "allow_get":
		if len(args) != 0 {
			return p.wrong(name, "")
		}
		h.AllowGet = true
	case "mode":
		if len(args) != 1 {
			return p.wrong(name, " enforce|monitor")
		}
		if args[0] != ModeEnforce && args[0] != ModeMonitor {
			return p.Err("mor_gateway: unknown mode; write: mode enforce|monitor")
		}
		h.Mode = args[0]
	case "max_body":
		if len(args) != 1 {
			return p.wrong(name, " <size>, for example 64KiB, without a space")
		}
		size, err := humanize.ParseBytes(args[0])
		if err != nil || size == 0 || size > MaxMaxBody {
			return p.Err("mor_gateway: max_body is not a size from 1B to 1GiB; write, for example: max_body 64KiB")
		}
		h.MaxBody = int64(size)
	default:
		return p.Err("mor_gateway: unknown subdirective; use secret, reseller, users, allow_get, mode or max_body")
	}
	if err == nil && p.NextBlock(1) {
		return p.Errf("mor_gateway: %s takes no block", name)
	}
	return err
}

func (p *parser) reseller(name string, values []string) error {
	if _, err := p.usernames([]string{name}); err != nil {
		return err
	}
	keys, err := p.keys(values)
	if err != nil {
		return err
	}
	user := "reseller " + validation.LowerUser(name)
	if p.seen[user] {
		return p.Err("mor_gateway: this reseller is repeated (letter case is ignored); give all its keys on one line")
	}
	p.seen[user] = true
	if p.handler.Resellers == nil {
		p.handler.Resellers = make(map[string][]string)
	}
	p.handler.Resellers[name] = keys
	return nil
}

// keys checks keys as far as possible before they are resolved.
func (p *parser) keys(values []string) ([]string, error) {
	for i, val := range values {
		if val == "" {
			return nil, p.empty()
		}
		if err := checkKey(val); err != nil {
			return nil, p.Errf("mor_gateway: key %d on this line %v", i+1, err)
		}
	}
	return values, nil
}

// usernames refuses values that cannot be usernames.
func (p *parser) usernames(names []string) ([]string, error) {
	if slices.Contains(names, "") {
		return nil, p.empty()
	}
	if strings.ContainsAny(strings.Join(names, ""), "{},") {
		return nil, p.Err("mor_gateway: a username has a comma or a brace in it; separate usernames with spaces, and use placeholders only for keys")
	}
	return names, nil
}

func (p *parser) empty() error {
	return p.Err("mor_gateway: a value is empty; write the value, or a placeholder such as {env.MOR_API_SECRET_KEY} for a key")
}

// wrong returns the error for a subdirective with wrong values.
func (p *parser) wrong(name, values string) error {
	return p.Errf("mor_gateway: wrong number or kind of values; write: %s%s", name, values)
}

var _ caddyfile.Unmarshaler = (*Handler)(nil)

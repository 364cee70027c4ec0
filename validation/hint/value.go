package hint

import (
	"bytes"
	"strings"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// Hints about values other than the hash.
var (
	userMissing  = Hint{"u_missing", "u is not given, or blank; it belongs into the query, or to the top level of the body"}
	jsonUntyped  = Hint{"json_as_form", "no u was read: the body looks like JSON and is declared as a form; send Content-Type: application/json"}
	userSpaces   = Hint{"u_white_space", "there is white space around u; strip it"}
	userUnlisted = Hint{"u_not_listed", "u is neither among the users nor among the resellers of the gateway's configuration"}
	milliseconds = Hint{"milliseconds", "the timestamp has the length of milliseconds; MOR wants seconds"}
)

func ofUser(p *validation.Policy, r *validation.Request) Hint {
	user, _ := r.Value(validation.User)
	name := bytes.TrimSpace(user)
	if len(name) == 0 {
		if r.LooksLikeJSON() {
			return jsonUntyped
		}
		return userMissing
	}
	if _, ok := p.Users[validation.LowerUser(string(name))]; ok {
		return userSpaces
	}
	return userUnlisted
}

// ofTimestamp knows milliseconds, and what is finer, from 2001 on.
func ofTimestamp(r *validation.Request, n validation.Name) Hint {
	text, _ := r.Value(n)
	if len(text) >= 13 && strings.Trim(string(text), "0123456789") == "" {
		return milliseconds
	}
	return Hint{}
}

package validation

import "bytes"

// Hints about values other than the hash.
var (
	userMissing  = Hint{"u_missing", "u is not given, or blank; it belongs into the query, or to the top level of the body"}
	jsonUntyped  = Hint{"json_as_form", "no u was read: the body looks like JSON and is declared as a form; send Content-Type: application/json"}
	userSpaces   = Hint{"u_white_space", "there is white space around u; strip it"}
	userUnlisted = Hint{"u_not_listed", "u is neither among the users nor among the resellers of the gateway's configuration"}
	milliseconds = Hint{"milliseconds", "the timestamp has the length of milliseconds; MOR wants seconds"}
)

// ValueHint says why a request got a verdict that names a parameter only. It
// says nothing where the verdict says it all.
func (p *Policy) ValueHint(r *Request, v Verdict) Hint {
	switch v {
	case AccessDenied:
		return p.userHint(r)
	case ActiveFromInvalid:
		return timestampHint(r, ActiveFrom)
	case ActiveTillInvalid:
		return timestampHint(r, ActiveTill)
	}
	return Hint{}
}

func (p *Policy) userHint(r *Request) Hint {
	user, _ := r.Value(User)
	if isBlankUser(user) {
		if r.braced {
			return jsonUntyped
		}
		return userMissing
	}
	if _, ok := p.Users[LowerUser(string(bytes.TrimSpace(user)))]; ok {
		return userSpaces
	}
	return userUnlisted
}

// timestampHint knows milliseconds, and what is finer, from 2001 on.
func timestampHint(r *Request, n Name) Hint {
	text, _ := r.Value(n)
	if isPositive(text) && len(text) >= 13 {
		return milliseconds
	}
	return Hint{}
}

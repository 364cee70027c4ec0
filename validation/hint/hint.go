// Package hint says why a request got its verdict: it names the usual mistake
// of an integrator that explains it. It decides nothing.
package hint

import "github.com/mor-gateway/caddy-mor-gateway/validation"

// Hint says what is wrong with a request. It never quotes a key, a hash or
// another value of the request. The zero Hint says nothing.
type Hint struct {
	Name string // of the mistake, from a closed set; none for an oddity
	Text string // what is wrong, and what to do instead
}

// String returns the hint for logs and the CLI: "name: text".
func (h Hint) String() string {
	if h.Name == "" {
		return h.Text
	}
	return h.Name + ": " + h.Text
}

// OverLimit is the hint where none was looked for.
var OverLimit = Hint{Text: "not looked for: too many wrong hashes at once; ask caddy mor-check"}

// Of says why a request got the verdict. Digests are made only for a wrong
// hash of the right form, and only if mayDigest allows it.
func Of(p *validation.Policy, r *validation.Request, v validation.Verdict, mayDigest func() bool) Hint {
	switch v {
	case validation.Ambiguous, validation.UnsupportedMediaType:
		return Hint{Text: r.Oddity().String()}
	case validation.AccessDenied:
		return ofUser(p, r)
	case validation.IncorrectHash:
		if h := ofForm(r); h.Name != "" {
			return h
		}
		if !mayDigest() {
			return OverLimit
		}
		h, _ := ofDigests(p, r)
		return h
	case validation.ActiveFromInvalid:
		return ofTimestamp(r, validation.ActiveFrom)
	case validation.ActiveTillInvalid:
		return ofTimestamp(r, validation.ActiveTill)
	}
	return Hint{}
}

// Thorough is Of without limits: it tries the keys of all resellers too.
func Thorough(p *validation.Policy, r *validation.Request, v validation.Verdict) Hint {
	if v == validation.IncorrectHash && ofForm(r).Name == "" {
		if h := ofOtherKey(p, r); h.Name != "" {
			return h
		}
	}
	return Of(p, r, v, func() bool { return true })
}

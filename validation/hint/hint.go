// Package hint says why a request got its verdict: it names the usual mistake
// of an integrator that explains it. It decides nothing.
package hint

import (
	"cmp"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

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

// OverLimit is the hint if there were too many wrong hashes to look for one.
var OverLimit = Hint{Text: "no hint: too many wrong hashes at once; run caddy mor-check"}

// Of says why a request got the verdict, or why MOR may refuse one that is
// accepted. It makes digests only for a wrong hash that looks like a digest,
// and only if mayDigest allows it.
func Of(p *validation.Policy, r *validation.Request, v validation.Verdict, mayDigest func() bool) Hint {
	switch v {
	case validation.Accepted:
		if r.IsNumber(validation.CallLimit) {
			return callLimitNumber
		}
	case validation.Ambiguous, validation.UnsupportedMediaType:
		if r.IsMarkedJSON() {
			return jsonMarked
		}
		return Hint{Text: r.Oddity().String()}
	case validation.AccessDenied:
		return ofUser(p, r)
	case validation.IncorrectHash:
		return ofHash(p, r, mayDigest)
	case validation.DidNotFound:
		return ofNumber(r, validation.DidID)
	case validation.CallLimitFormat:
		return ofNumber(r, validation.CallLimit)
	case validation.ActiveFromInvalid:
		return ofNumber(r, validation.ActiveFrom)
	case validation.ActiveTillInvalid:
		return ofNumber(r, validation.ActiveTill)
	}
	return Hint{}
}

// ofHash says why a hash is wrong.
func ofHash(p *validation.Policy, r *validation.Request, mayDigest func() bool) Hint {
	if KeyInHash(p, r) {
		return keyAsHash
	}
	h := ofForm(r)
	if h.Name != "" && !mayBeCut(r) {
		return h
	}
	if !mayDigest() {
		return cmp.Or(h, OverLimit)
	}
	if h.Name != "" {
		return cmp.Or(ofCut(p, r), h)
	}
	h, _ = ofDigests(p, r)
	return h
}

// Thorough is Of without limits: it tries the keys of all resellers too.
func Thorough(p *validation.Policy, r *validation.Request, v validation.Verdict) Hint {
	if v == validation.IncorrectHash && !KeyInHash(p, r) && ofForm(r).Name == "" {
		if h := ofOtherKey(p, r); h.Name != "" {
			return h
		}
	}
	return Of(p, r, v, func() bool { return true })
}

// AfterSuccess returns the hint for a request that MOR has accepted in spite of
// the verdict. It extends h if the hash is wrong here.
func AfterSuccess(p *validation.Policy, r *validation.Request, v validation.Verdict, h Hint) Hint {
	switch {
	case v != validation.IncorrectHash || h.Name == "":
		return h
	case h.Name != noMatch.Name:
		return Hint{h.Name, h.Text + `; MOR accepts it anyway, so "Disable hash checking" is on in MOR`}
	case isReseller(p, r):
		return resellersKeyLacking
	}
	return keyLacking
}

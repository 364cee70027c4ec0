package traffic

import (
	"bufio"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
	"github.com/mor-gateway/caddy-mor-gateway/validation/hint"
)

// byServer is the verdict on what does not get as far as the gateway.
const byServer = "refused by the HTTP server"

// The reasons for which a request is not judged.
const (
	inBody   = "in_body"
	redacted = "redacted"
)

// Limits of the search for the mistakes behind wrong hashes, so that a log full
// of them is read in time.
const (
	// maxStrange is how many hashes of one user are searched without success.
	// The other hashes of that user are taken to be like them.
	maxStrange = 50
	// maxSearches is how many hashes are searched at all.
	maxSearches = 20_000
	// maxForeignKeys is how often one is compared with another reseller's key.
	maxForeignKeys = 5_000_000
)

// judge judges requests of which a log has the method and the target. It is
// the gateway's own judgement of a request without header lines or a body.
type judge struct {
	policy  *validation.Policy
	relaxed *validation.Policy // everyone may call, and with GET
	strange func(user string) *strange
	// What was searched so far, see the limits.
	searches, foreign int
}

// newJudge returns a judge. The function returns what is strange about a user so
// far, or nil.
func newJudge(p *validation.Policy, strange func(user string) *strange) *judge {
	relaxed := *p
	relaxed.AllowGet, relaxed.Users = true, nil
	return &judge{policy: p, relaxed: &relaxed, strange: strange}
}

// judgement is what is found of a request.
type judgement struct {
	verdict   string // empty if it is not judged
	notJudged string // why, else
	hint      string
	user      string
	right     bool      // the hash is right
	open      bool      // nobody has looked at the hash
	strange   hint.Hint // if no key makes the hash, and no usual mistake
}

// afterHash reports whether the gateway gives the verdict to a request only
// after it has found the hash to be right.
func afterHash(v validation.Verdict) bool {
	return v == validation.Accepted || v > validation.IncorrectHash
}

// beforeHash reports whether the gateway gives the verdict by a rule that comes
// before the hash's, so that it has not looked at the hash.
func beforeHash(v validation.Verdict) bool {
	return v >= validation.AccessDenied && v < validation.IncorrectHash
}

// verdictOf returns the verdict with the label, if there is one.
func verdictOf(label string) (validation.Verdict, bool) {
	for v := validation.Undecided; v < validation.NumVerdicts; v++ {
		if v.String() == label {
			return v, true
		}
	}
	return validation.Undecided, false
}

func (j *judgement) counts() counts {
	switch {
	case j.notJudged != "":
		return counts{NotJudged: 1}
	case j.verdict == validation.Accepted.String():
		return counts{Accepted: 1}
	}
	return counts{Refused: 1}
}

// parse reads a request line as net/http does, on which Caddy stands.
func parse(method, target string) (*http.Request, error) {
	head := method + " " + target + " HTTP/1.1\r\nHost: mor\r\n\r\n"
	return http.ReadRequest(bufio.NewReaderSize(strings.NewReader(head), len(head)))
}

// isAction reports whether the request is for the guarded method.
func isAction(u *url.URL) bool {
	return validation.IsAction(u.Path, u.RawQuery) || u.Opaque != "" && validation.IsOpaqueAction(u.Opaque, u.RawQuery)
}

// request returns a request for the action as the gateway reads it.
func request(method string, u *url.URL) *validation.Request {
	return &validation.Request{Method: method, Path: u.Path, Opaque: u.Opaque != "", Query: u.RawQuery, Header: map[string][]string{}}
}

// judge judges a request for the action.
func (j *judge) judge(method string, u *url.URL) (o judgement) {
	r := request(method, u)
	v := j.policy.Judge(r)
	o.user = j.user(r)
	missing := func(n validation.Name) bool { _, ok := r.Value(n); return !ok }
	whole := method != http.MethodPost || !missing(validation.User) && !missing(validation.DidID) && !missing(validation.Hash)
	if !whole && v >= validation.AccessDenied {
		o.notJudged, o.open = inBody, true
		return o
	}
	o.verdict = v.String()
	if v == validation.Accepted {
		o.right = true
		return o
	}
	hinted := j.hint(j.policy, r, v, o.user)
	o.hint = hinted.String()
	if v == validation.AccessDenied || v == validation.GetDisabled {
		// What else would be wrong, if the configuration let it through?
		r = request(method, u)
		if v = j.relaxed.Judge(r); v == validation.IncorrectHash {
			hinted = j.hint(j.relaxed, r, v, o.user)
		}
	}
	o.right = afterHash(v)
	if v == validation.IncorrectHash && hinted.Name == noMatch {
		o.strange = hinted
	}
	return o
}

// noMatch is the name of the hints where no key and no usual mistake explains a
// hash.
const noMatch = "no_match"

// strange is how many such hashes a user has sent, and the hint of the last.
type strange struct {
	hashes int64
	hint   hint.Hint
}

// hint says why a request is refused. A hash is compared with the keys of all
// resellers, as in mor-check, until there were too many.
func (j *judge) hint(p *validation.Policy, r *validation.Request, v validation.Verdict, user string) hint.Hint {
	if s := j.strange(user); v == validation.IncorrectHash && s != nil && s.hashes >= maxStrange {
		if h := hint.Of(p, r, v, func() bool { return false }); h != hint.OverLimit {
			return h
		}
		return s.hint
	}
	if v == validation.IncorrectHash && j.foreign < maxForeignKeys && j.searches < maxSearches {
		j.searches++
		j.foreign += len(p.Keys.Resellers())
		return hint.Thorough(p, r, v)
	}
	return hint.Of(p, r, v, func() bool { j.searches++; return j.searches <= maxSearches })
}

// user returns the name that a request gives.
func (j *judge) user(r *validation.Request) string {
	name, _ := r.Value(validation.User)
	return j.shown(string(name), maxShown)
}

// maxNumbers is how many numbers of a request are tried as the id of a DID.
const maxNumbers = 20

// fits reports whether a query has a hash that is right for a number in it. MOR
// would take it with that number as did_id, whatever method it was made for.
func (j *judge) fits(query string) bool {
	values, _ := url.ParseQuery(query) // without the pairs that cannot be read
	hash := values.Get("hash")
	if len(hash) != validation.HashLen {
		return false
	}
	admin, own := j.policy.Keys.Of([]byte(validation.LowerUser(values.Get("u"))))
	keys := slices.Concat(admin, own)
	tried := 0
	for _, texts := range values {
		for _, text := range texts {
			if len(text) == 0 || len(text) > 20 || strings.Trim(text, "0123456789") != "" {
				continue
			}
			if tried++; tried > maxNumbers {
				return false
			}
			for _, key := range keys {
				if string(validation.AppendHash(nil, []byte(text), key)) == hash {
					return true
				}
			}
		}
	}
	return false
}

package validation

import (
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
)

const seedHash = "f7de355c9b4421ce6c705b4b32c89dbcaca51e46"

// policyOf returns what the module makes of a site's configuration.
func policyOf(s contract.Site) *Policy {
	resellers := map[string][]string{}
	for name, keys := range s.Resellers {
		resellers[strings.ToUpper(name)] = keys // letter case does not count
	}
	p := &Policy{Keys: NewKeys(s.Keys, resellers), AllowGet: s.AllowGet, MaxBody: 64 << 10}
	for _, name := range s.Users {
		if p.Users == nil {
			p.Users = map[string]struct{}{}
		}
		p.Users[name] = struct{}{}
	}
	return p
}

func testPolicy() *Policy { return policyOf(contract.Sites["main"]) }

func newRequest(method, query, contentType, body string) *Request {
	r := &Request{Method: method, Path: "/billing/api/did_details_update", Query: query, Length: int64(len(body)), Header: map[string][]string{}}
	if contentType != "" {
		r.Header["Content-Type"] = []string{contentType}
	}
	return r
}

// check runs a request through the policy as the module does.
func check(p *Policy, r *Request, body string) Verdict {
	r.Body = Bytes(body)
	return p.Judge(r)
}

// Every case of the contract's table, as every style of client writes it. The rows are in internal/contract.
func TestContract(t *testing.T) {
	policies := map[string]*Policy{}
	for name, site := range contract.Sites {
		policies[name] = policyOf(site)
	}
	for _, c := range contract.Cases() {
		for _, style := range contract.Styles {
			t.Run(c.Name+"/"+style, func(t *testing.T) {
				w := contract.Write(style, c.Params)
				r := newRequest("POST", w.Query, w.ContentType, w.Body)
				if got := check(policies[c.Site], r, w.Body); got.Message() != c.Want || (got == Accepted) != (c.Want == "") {
					t.Errorf("%v: got %v (%v), want %q", c.Params, got, r.Oddity(), c.Want)
				}
			})
		}
	}
}

// TestOrder breaks every rule at once, then mends the request rule by rule:
// "The first that applies, in the order of this table, is the answer".
func TestOrder(t *testing.T) {
	method, contentType := "HEAD", "text/plain"
	body := strings.Repeat("x", 70<<10)
	query := "u=&did_id=x&hash=y&call_limit=x&active_from=x&active_till=x&%zz"
	p := testPolicy()
	for _, step := range []struct {
		want Verdict
		mend func()
	}{
		{MethodNotAllowed, func() { method = "GET" }},
		{TooLarge, func() { body = "&" }},
		{UnsupportedMediaType, func() { contentType = "" }},
		{Ambiguous, func() { query = strings.TrimSuffix(query, "&%zz") }},
		{Ambiguous, func() { body = "" }}, // a GET with a body
		{AccessDenied, func() { query = strings.Replace(query, "u=", "u=admin", 1) }},
		{GetDisabled, func() { method = "POST" }},
		{IncorrectHash, func() { query = strings.Replace(query, "hash=y", "hash="+contract.Hash("x", "secret"), 1) }},
		{DidNotFound, func() {
			query = strings.Replace(query, "did_id=x&hash="+contract.Hash("x", "secret"), "did_id=6511&hash="+seedHash, 1)
		}},
		{CallLimitFormat, func() { query = strings.Replace(query, "call_limit=x", "call_limit=1", 1) }},
		{ActiveFromInvalid, func() { query = strings.Replace(query, "active_from=x", "active_from=7", 1) }},
		{ActiveTillInvalid, func() { query = strings.Replace(query, "active_till=x", "active_till=7", 1) }},
		{ActiveTillNotGreater, func() { query = strings.Replace(query, "active_till=7", "active_till=8", 1) }},
		{Accepted, func() {}},
	} {
		if got := check(p, newRequest(method, query, contentType, body), body); got != step.want {
			t.Fatalf("got %v, want %v", got, step.want)
		}
		step.mend()
	}
}

func TestMethods(t *testing.T) {
	for site, get := range map[string]Verdict{"main": GetDisabled, "get": Accepted} {
		p := policyOf(contract.Sites[site])
		for method, want := range map[string]Verdict{
			"POST": Accepted, "GET": get,
			"HEAD": MethodNotAllowed, "PUT": MethodNotAllowed, "PATCH": MethodNotAllowed, "DELETE": MethodNotAllowed,
			"OPTIONS": MethodNotAllowed, "CONNECT": MethodNotAllowed, "post": MethodNotAllowed, "": MethodNotAllowed,
		} {
			t.Run(site+"/"+method, func(t *testing.T) {
				if got := check(p, newRequest(method, valid, "", ""), ""); got != want {
					t.Errorf("got %v, want %v", got, want)
				}
			})
		}
	}
}

func TestVerdicts(t *testing.T) {
	seen := map[string]bool{}
	for v := Accepted; v < NumVerdicts; v++ {
		if v.String() == "" || (v.Message() == "") != (v == Accepted) || v.Status() == 0 {
			t.Errorf("verdict %d is not whole: %q %q %d", v, v, v.Message(), v.Status())
		}
		if seen[v.Message()] {
			t.Errorf("%v: its message stands twice", v)
		}
		seen[v.Message()] = true
		if mors := v >= AccessDenied; mors && v.Status() != 200 {
			t.Errorf("%v: status %d, MOR answers 200", v, v.Status())
		}
	}
}

func TestReveals(t *testing.T) {
	k := NewKeys([]string{"admin's", "next"}, map[string][]string{"shop": {"shop-key", "old"}, "x": {strings.Repeat("k", maxRevealing)}})
	for text, want := range map[string]bool{
		"": false, "admin": false, "shop": false, "shop-ke": false, "a shop-key b": false,
		"admin's": true, "6511admin's": true, "admin's6511": true, "a next b": true,
		"shop-key": true, "6511shop-key": true, "shop-key6511": true, "old": true,
		strings.Repeat("k", maxRevealing) + "x": true, strings.Repeat("k", maxRevealing-1): false,
		strings.Repeat("x", 1<<16) + "next": true,
	} {
		if got := k.Reveals(text); got != want {
			t.Errorf("%.40q: %v", text, got)
		}
	}
	none := NewKeys(nil, nil)
	if none.Reveals("admin") {
		t.Error("without keys")
	}
}

package validation

import (
	"math/rand/v2"
	"slices"
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
			t.Errorf("%v: its message is there twice", v)
		}
		seen[v.Message()] = true
		if mors := v >= AccessDenied; mors && v.Status() != 200 {
			t.Errorf("%v: status %d, MOR answers 200", v, v.Status())
		}
	}
}

func TestReveals(t *testing.T) {
	long := strings.Repeat("k", 300)
	k := NewKeys([]string{"admin's", "next"}, map[string][]string{"shop": {"shop-key", "old"}, "x": {long, "5"}, "y": {"shop-key-2", "shop", "sho"}})
	for text, want := range map[string]bool{
		"": false, "admin": false, "sh": false, "old": true, "ol d": false,
		"admin's": true, "6511admin's": true, "admin's6511": true, "a next b": true,
		"shop-key": true, "6511shop-key": true, "shop-key6511": true, "a shop-key b": true, "a shoa sho b": true,
		"11511": true, "116": false, "zzz": false, "\xffold\xff": true,
		long + "x": true, long[1:]: false, "x" + long: true,
		strings.Repeat("x", 99) + "next":  true, // begins within the bound and ends after it
		strings.Repeat("x", 100) + "next": false,
	} {
		if got := k.Reveals(text, 100); got != want {
			t.Errorf("%.40q: %v", text, got)
		}
	}
	none := NewKeys(nil, nil)
	if none.Reveals("admin", 100) {
		t.Error("without keys")
	}
}

// Reveals looks for keys as a plain search does, however they overlap.
func TestRevealsAsPlainSearch(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	word := func(n int) string {
		b := make([]byte, 1+rnd.IntN(n))
		for i := range b {
			b[i] = "ab"[rnd.IntN(2)]
		}
		return string(b)
	}
	found := 0
	for range 20000 {
		keys := map[string][]string{"one": {word(8), word(8)}, "two": {word(8)}}
		admin := []string{word(8)}
		k, text := NewKeys(admin, keys), word(12)
		want := slices.ContainsFunc(slices.Concat(admin, keys["one"], keys["two"]), func(key string) bool { return strings.Contains(text, key) })
		if got := k.Reveals(text, len(text)); got != want {
			t.Fatalf("keys %q and %q, text %q: %v", admin, keys, text, got)
		}
		if want {
			found++
		}
	}
	if found < 1000 || found > 19000 {
		t.Errorf("%d of 20000 texts have a key", found)
	}
}

package validation

import (
	"crypto/sha1" //nolint:gosec // the API's digest
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

const (
	adminKey    = "secret"
	resellerKey = "reseller secret"
	seedHash    = "f7de355c9b4421ce6c705b4b32c89dbcaca51e46"
)

// sum makes a hash independently of the code under test.
func sum(s string) string {
	h := sha1.Sum([]byte(s)) //nolint:gosec // the API's digest
	return hex.EncodeToString(h[:])
}

func testPolicy() *Policy {
	return &Policy{
		Keys:    NewKeys([]string{adminKey}, map[string][]string{"Reseller1": {"old " + resellerKey, resellerKey}}),
		MaxBody: 64 << 10,
	}
}

// sent is one parameter of a request.
type sent struct{ name, value string }

// styles are the client styles of the contract: how the same parameters reach
// MOR.
var styles = []struct {
	name  string
	build func([]sent) (method, query, contentType, body string)
}{
	{"query", func(ps []sent) (string, string, string, string) {
		return "POST", encodeForm(ps), "", ""
	}},
	{"urlencoded", func(ps []sent) (string, string, string, string) {
		return "POST", "", "application/x-www-form-urlencoded", encodeForm(ps)
	}},
	{"JSON", func(ps []sent) (string, string, string, string) {
		var members []string
		for _, p := range ps {
			value, err := json.Marshal(p.value)
			if err != nil {
				panic(err)
			}
			members = append(members, `"`+p.name+`":`+string(value))
		}
		return "POST", "", "application/json", "{" + strings.Join(members, ",") + "}"
	}},
	{"multipart", func(ps []sent) (string, string, string, string) {
		var b strings.Builder
		for _, p := range ps {
			b.WriteString("--XyZ\r\nContent-Disposition: form-data; name=\"" + p.name + "\"\r\n\r\n" + p.value + "\r\n")
		}
		b.WriteString("--XyZ--\r\n")
		return "POST", "", "multipart/form-data; boundary=XyZ", b.String()
	}},
}

func encodeForm(ps []sent) string {
	var pairs []string
	for _, p := range ps {
		pairs = append(pairs, p.name+"="+url.QueryEscape(p.value))
	}
	return strings.Join(pairs, "&")
}

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

// contractRows is the contract's table of errors with its borders. Each row
// is the seed's example with one parameter set to another value; "-" leaves
// it out.
var contractRows = []struct {
	rule        string
	name, value string
	want        Verdict
}{
	{"the seed's example", "call_limit", "999", Accepted},

	{"u is missing", "u", "-", AccessDenied},
	{"u is blank", "u", "", AccessDenied},
	{"u is white space", "u", "   ", AccessDenied},
	{"u is Unicode's white space", "u", "\u00a0\u2003\u3000", AccessDenied},
	{"u is for MOR to know", "u", "nobody", Accepted},
	{"u in any script", "u", "Никто", Accepted},
	{"control character in u", "u", "admin\x00", Ambiguous},
	{"control character in u", "u", "ad\r\nmin", Ambiguous},
	{"control character in u", "u", "\t", Ambiguous},

	{"hash missing", "hash", "-", IncorrectHash},
	{"hash blank", "hash", "", IncorrectHash},
	{"hash wrong", "hash", strings.Repeat("0", 40), IncorrectHash},
	{"hash of upper-case digits", "hash", strings.ToUpper(seedHash), IncorrectHash},
	{"hash of 39 digits", "hash", seedHash[:39], IncorrectHash},
	{"hash of 41 digits", "hash", seedHash + "0", IncorrectHash},
	{"hash that is not hex", "hash", strings.Repeat("g", 40), IncorrectHash},
	{"hash with a line end", "hash", seedHash + "\n", IncorrectHash},
	{"hash with a space", "hash", " " + seedHash, IncorrectHash},
	{"hash of another did_id", "did_id", "6512", IncorrectHash},
	{"hash of no did_id", "did_id", "-", IncorrectHash},

	{"call_limit is optional", "call_limit", "-", Accepted},
	{"call_limit is empty", "call_limit", "", Accepted},
	{"call_limit is white space", "call_limit", " \t\n\v\f\r", Accepted},
	{"call_limit is other white space", "call_limit", "\u00a0", CallLimitFormat},
	{"call_limit from", "call_limit", "0", Accepted},
	{"call_limit to", "call_limit", "2147483647", Accepted},
	{"call_limit over", "call_limit", "2147483648", CallLimitFormat},
	{"call_limit with leading zeros", "call_limit", "0005", Accepted},
	{"call_limit with many leading zeros", "call_limit", strings.Repeat("0", 400) + "5", Accepted},
	{"call_limit of 400 digits", "call_limit", strings.Repeat("9", 400), CallLimitFormat},
	{"call_limit that wraps around 64 bits", "call_limit", "18446744073709551616", CallLimitFormat},
	{"no sign", "call_limit", "-1", CallLimitFormat},
	{"no sign", "call_limit", "+5", CallLimitFormat},
	{"no sign", "call_limit", "-0", CallLimitFormat},
	{"no fraction", "call_limit", "5.0", CallLimitFormat},
	{"no exponent", "call_limit", "5e0", CallLimitFormat},
	{"no spaces", "call_limit", " 5", CallLimitFormat},
	{"no spaces", "call_limit", "5 ", CallLimitFormat},
	{"anchored to the text, not to lines", "call_limit", "5\n", CallLimitFormat},
	{"anchored to the text, not to lines", "call_limit", "5\nx", CallLimitFormat},
	{"anchored to the text, not to lines", "call_limit", "x\n5", CallLimitFormat},
	{"ASCII digits only", "call_limit", "５", CallLimitFormat},
	{"ASCII digits only", "call_limit", "٥", CallLimitFormat},
	{"no other base", "call_limit", "0x5", CallLimitFormat},
	{"no separators", "call_limit", "1_000", CallLimitFormat},
	{"no NUL", "call_limit", "5\x00", CallLimitFormat},

	{"active_from is optional", "active_from", "", Accepted},
	{"active_from from", "active_from", "0", Accepted},
	{"active_from to", "active_from", "253402300799", Accepted},
	{"active_from over", "active_from", "253402300800", ActiveFromInvalid},
	{"active_from in milliseconds", "active_from", "1700000000000", ActiveFromInvalid},
	{"active_from is a date", "active_from", "2026-01-01", ActiveFromInvalid},
	{"active_from is negative", "active_from", "-1", ActiveFromInvalid},
	{"only active_from: MOR compares", "active_from", "1700000000", Accepted},

	{"active_till is optional", "active_till", "\t", Accepted},
	{"active_till from", "active_till", "0", Accepted},
	{"active_till to", "active_till", "253402300799", Accepted},
	{"active_till over", "active_till", "253402300800", ActiveTillInvalid},
	{"active_till in milliseconds", "active_till", "1700000000000", ActiveTillInvalid},
	{"active_till with a line", "active_till", "5\n6", ActiveTillInvalid},
	{"only active_till: MOR compares", "active_till", "1", Accepted},

	{"did_user_id is MOR's", "did_user_id", "-1", Accepted},
	{"did_user_id is MOR's", "did_user_id", "none", Accepted},
	{"control character in did_user_id", "did_user_id", "1\n2", Ambiguous},
	{"grace_time is MOR's", "grace_time", "3", Accepted},
	{"grace_time is MOR's", "grace_time", "-3", Accepted},
	{"control character in grace_time", "grace_time", "3\x00", Ambiguous},

	{"any other parameter passes", "p", "admin1", Accepted},
	{"any other parameter passes", "comment", "a;b & c=d + 100% \n<é日本語>\"", Accepted},
	{"any other parameter passes emptied", "custom_sip_header", "", Accepted},
	{"any other parameter passes", "Call_Limit", "-5", Accepted},
}

func TestContract(t *testing.T) {
	for _, style := range styles {
		t.Run(style.name, func(t *testing.T) {
			for _, row := range contractRows {
				ps := []sent{{"u", "admin"}, {"did_id", "6511"}, {"hash", seedHash}}
				ps = with(ps, row.name, row.value)
				method, query, contentType, body := style.build(ps)
				r := newRequest(method, query, contentType, body)
				if got := check(testPolicy(), r, body); got != row.want {
					t.Errorf("%s: %s=%.40q: got %v (%v), want %v", row.rule, row.name, row.value, got, r.Oddity(), row.want)
				}
			}
		})
	}
}

// with sets a parameter, or removes it if the value is "-".
func with(ps []sent, name, value string) []sent {
	out := []sent{}
	for _, p := range ps {
		if p.name != name {
			out = append(out, p)
		}
	}
	if value != "-" {
		out = append(out, sent{name, value})
	}
	return out
}

// TestDidID has a right hash for each did_id: only then does MOR look at it.
func TestDidID(t *testing.T) {
	for _, tc := range []struct {
		didID string
		want  Verdict
	}{
		{"6511", Accepted},
		{"006511", Accepted},
		{strings.Repeat("9", 400), Accepted}, // a positive decimal integer
		{"-", DidNotFound},
		{"", DidNotFound},
		{" ", DidNotFound},
		{"0", DidNotFound},
		{"000", DidNotFound},
		{"-1", DidNotFound},
		{"+1", DidNotFound},
		{" 6511", DidNotFound},
		{"6511\n", DidNotFound},
		{"6511\x00", DidNotFound},
		{"6511.0", DidNotFound},
		{"6511x", DidNotFound},
		{"６５１１", DidNotFound},
	} {
		for _, style := range styles {
			text := tc.didID
			if text == "-" {
				text = ""
			}
			ps := with([]sent{{"u", "admin"}, {"hash", sum(text + adminKey)}}, "did_id", tc.didID)
			if tc.didID == "" {
				ps = append(ps, sent{"did_id", ""})
			}
			method, query, contentType, body := style.build(ps)
			if got := check(testPolicy(), newRequest(method, query, contentType, body), body); got != tc.want {
				t.Errorf("%s: did_id %.20q: got %v, want %v", style.name, tc.didID, got, tc.want)
			}
		}
	}
}

func TestActiveTillGreater(t *testing.T) {
	for _, tc := range []struct {
		from, till string
		want       Verdict
	}{
		{"1", "2", Accepted},
		{"2", "2", ActiveTillNotGreater},
		{"3", "2", ActiveTillNotGreater},
		{"0", "0", ActiveTillNotGreater},
		{"00", "1", Accepted},
		{"", "0", Accepted},
		{"5", " ", Accepted},
		{"253402300798", "253402300799", Accepted},
		{"253402300799", "253402300799", ActiveTillNotGreater},
		{"x", "x", ActiveFromInvalid},
		{"9", "x", ActiveTillInvalid},
	} {
		q := "u=admin&did_id=6511&hash=" + seedHash + "&active_from=" + url.QueryEscape(tc.from) + "&active_till=" + url.QueryEscape(tc.till)
		if got := check(testPolicy(), newRequest("POST", q, "", ""), ""); got != tc.want {
			t.Errorf("from %q till %q: got %v, want %v", tc.from, tc.till, got, tc.want)
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
		{IncorrectHash, func() { query = strings.Replace(query, "hash=y", "hash="+sum("x"+adminKey), 1) }},
		{DidNotFound, func() {
			query = strings.Replace(query, "did_id=x&hash="+sum("x"+adminKey), "did_id=6511&hash="+seedHash, 1)
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

func TestKeys(t *testing.T) {
	for _, tc := range []struct {
		user, key string
		want      Verdict
	}{
		{"admin", adminKey, Accepted},
		{"accountant", adminKey, Accepted},
		{"Reseller1", adminKey, Accepted}, // clients do use the admin's key with a reseller's name
		{"Reseller1", resellerKey, Accepted},
		{"RESELLER1", "old " + resellerKey, Accepted}, // letter case doesn't count, any key of a rotation does
		{"admin", resellerKey, IncorrectHash},
		{"reseller2", resellerKey, IncorrectHash},
		{"reseller1 ", resellerKey, IncorrectHash},
		{"reseller1", "other", IncorrectHash},
		{"reseller1", "", IncorrectHash},
		{"\u212aeseller", resellerKey, IncorrectHash}, // Unicode's folding doesn't count
	} {
		q := encodeForm([]sent{{"u", tc.user}, {"did_id", "7"}, {"hash", sum("7" + tc.key)}})
		if got := check(testPolicy(), newRequest("POST", q, "", ""), ""); got != tc.want {
			t.Errorf("user %q: got %v, want %v", tc.user, got, tc.want)
		}
	}
}

func TestUsers(t *testing.T) {
	p := testPolicy()
	p.Users = map[string]struct{}{"admin": {}, "reseller1": {}}
	for user, want := range map[string]Verdict{
		"admin": Accepted, "ADMIN": Accepted, "Reseller1": Accepted,
		"other": AccessDenied, "admin ": AccessDenied, "adm\u0131n": AccessDenied,
	} {
		q := encodeForm([]sent{{"u", user}, {"did_id", "6511"}, {"hash", seedHash}})
		if got := check(p, newRequest("POST", q, "", ""), ""); got != want {
			t.Errorf("user %q: got %v, want %v", user, got, want)
		}
	}
}

func TestMethods(t *testing.T) {
	q := "u=admin&did_id=6511&hash=" + seedHash
	for _, allow := range []bool{false, true} {
		p := testPolicy()
		p.AllowGet = allow
		get := GetDisabled
		if allow {
			get = Accepted
		}
		for method, want := range map[string]Verdict{
			"POST": Accepted, "GET": get,
			"HEAD": MethodNotAllowed, "PUT": MethodNotAllowed, "PATCH": MethodNotAllowed, "DELETE": MethodNotAllowed,
			"OPTIONS": MethodNotAllowed, "CONNECT": MethodNotAllowed, "post": MethodNotAllowed, "": MethodNotAllowed,
		} {
			if got := check(p, newRequest(method, q, "", ""), ""); got != want {
				t.Errorf("allow_get %v, %s: got %v, want %v", allow, method, got, want)
			}
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

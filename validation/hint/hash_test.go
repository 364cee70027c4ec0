package hint

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// The keys of these tests. None is the documentation's.
const (
	hintKey      = "Wq7!k s$9"
	hintSecond   = "next"
	hintReseller = "shop-key"
	hintQuoted   = `"bare-key"`
)

func hintPolicy() *validation.Policy {
	return &validation.Policy{
		Keys:    validation.NewKeys([]string{hintKey, hintSecond, hintQuoted}, map[string][]string{"Shop": {hintReseller}, "other": {"other-key"}}),
		MaxBody: 1 << 10,
	}
}

// judgeQuery judges a request with everything in the query.
func judgeQuery(t *testing.T, p *validation.Policy, query string) (*validation.Request, validation.Verdict) {
	t.Helper()
	r := &validation.Request{Method: "POST", Path: "/billing/api/did_details_update", Query: query}
	return r, p.Judge(r)
}

// hintOf says why the hash of a request is wrong, and after how many digests.
func hintOf(p *validation.Policy, r *validation.Request) (h Hint, digests int) {
	if hash, _ := r.Value(validation.Hash); slices.Contains(p.Expected(r), string(hash)) {
		return Hint{}, 0
	}
	asked := false
	h = Of(p, r, validation.IncorrectHash, func() bool { asked = true; return true })
	if !asked {
		return h, 0
	}
	again, digests := ofDigests(p, r)
	if ofForm(r).Name == "" && again != h {
		panic("Of says something else than ofDigests")
	}
	return h, digests
}

// tool runs what an integrator has at hand and returns what it prints. The
// program finds the did_id, the key and more parameters in its environment.
func tool(t *testing.T, env []string, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(testkit.Tool(t, program), args...)
	cmd.Env = append(env, "PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", program, err)
	}
	return string(out)
}

const pythonDigest = `import hashlib, os, sys
DID, KEY = os.environ["DID"], os.environ["KEY"]
def sha1(data): return hashlib.sha1(data).hexdigest()
sys.stdout.write(`

const nodeDigest = `const {createHash, createHmac} = require('crypto'), {DID, KEY, U, LIMIT} = process.env
const sha1 = text => createHash('sha1').update(text).digest('hex')
process.stdout.write(`

// TestMistakes makes each mistake with the tools with which it is made: sh
// scripts with sha1sum and openssl, JavaScript and Python. The line end is taken
// off what a script prints, as $() does, unless the row keeps it.
func TestMistakes(t *testing.T) {
	const didID, user, limit = "6512", "admin", "999"
	digits := func(script string) string { return script + " | cut -c1-40" }
	tests := []struct {
		want   string // the mistake's name; "" if the hash is right
		sh, js string
		py     string
		params string // instead of call_limit=999
		keep   bool   // the line end
	}{
		{want: "", sh: digits(`printf %s "$DID$KEY" | sha1sum`)},
		{want: "", sh: digits(`printf %s "$DID$KEY" | openssl sha1 -r`)},
		{want: "", js: `sha1(DID + KEY)`},
		{want: "", sh: digits(`printf %s "${DID}next" | sha1sum`)},

		{want: "newline", sh: digits(`echo "$DID$KEY" | sha1sum`)},
		{want: "newline", sh: digits(`echo "${DID}next" | openssl sha1 -r`)},
		{want: "newline", sh: digits(`printf '%s\r\n' "$DID$KEY" | openssl sha1 -r`)},
		{want: "newline_between", sh: digits(`{ echo "$DID"; printf %s "$KEY"; } | sha1sum`)},
		{want: "newline_between", sh: digits(`{ echo "$DID"; echo "$KEY"; } | sha1sum`)},
		{want: "newline_between", sh: digits(`printf '%s\r\n%s' "$DID" "$KEY" | openssl sha1 -r`)},
		{want: "newline", js: `sha1(DID + Buffer.from(KEY + '\n'))`},
		{want: "key_first", sh: digits(`printf %s "$KEY$DID" | openssl sha1 -r`)},
		{want: "key_first", sh: digits(`echo "$KEY$DID" | sha1sum`)},
		{want: "key_first", js: `sha1(KEY + DID)`},
		{want: "space", sh: digits(`printf '%s %s' "$DID" "$KEY" | sha1sum`)},
		{want: "space", js: "sha1(`${DID}${KEY} `)"},
		{want: "space", js: "sha1(`${DID}${KEY} \\r\\n`)"},
		{want: "separator", sh: digits(`printf '%s,%s' "$DID" "$KEY" | sha1sum`)},
		{want: "separator", sh: digits(`printf '%s-%s' "$DID" "$KEY" | openssl sha1 -r`)},
		{want: "separator", js: `sha1([DID, KEY].join(':'))`},
		{want: "key_quoted", sh: digits(`printf "%s'%s'" "$DID" "$KEY" | sha1sum`)},
		{want: "key_quoted", js: `sha1(DID + JSON.stringify(KEY))`},
		{want: "separator", js: `sha1(DID + '|' + KEY)`},
		{want: "separator", js: `sha1(DID + ';' + KEY)`},
		{want: "key_quoted", js: `sha1(JSON.stringify(DID + KEY))`},
		{want: "key_unset", js: `sha1(DID + process.env.NO_SUCH_VARIABLE)`},
		{want: "key_unset", js: `sha1(DID + JSON.stringify(null))`},
		{want: "key_unset", js: `sha1(DID + 'None')`}, // Python's str(os.environ.get("NO_SUCH_VARIABLE"))
		{want: "key_left_out", sh: digits(`printf %s "$DID$NO_SUCH_VARIABLE" | sha1sum`)},
		{want: "key_left_out", sh: digits(`echo "$DID" | openssl sha1 -r`)},
		{want: "did_id_left_out", sh: digits(`printf %s "$NO_SUCH_VARIABLE$KEY" | sha1sum`)},
		{want: "did_id_left_out", sh: digits(`echo "$KEY" | openssl sha1 -r`)},
		{want: "hmac", sh: digits(`printf %s "$DID" | openssl sha1 -r -hmac "$KEY"`)},
		{want: "hmac", js: `createHmac('sha1', DID).update(KEY).digest('hex')`},
		{want: "hmac", js: `createHmac('sha1', KEY).update(DID + KEY).digest('hex')`},
		{want: "example_key", sh: digits(`printf %s "${DID}secret" | sha1sum`)},
		{want: "example_hash", sh: `echo f7de355c9b4421ce6c705b4b32c89dbcaca51e46`},
		{want: "u_included", sh: digits(`printf %s "$U$DID$KEY" | sha1sum`)},
		{want: "u_included", sh: digits(`printf %s "$DID$U$KEY" | sha1sum`)},
		{want: "u_included", js: `sha1([DID, KEY, U].join(''))`},
		{want: "call_limit_included", sh: digits(`printf %s "$DID$LIMIT$KEY" | sha1sum`)},
		{want: "call_limit_included", sh: digits(`printf %s "$LIMIT$DID$KEY" | sha1sum`)},
		{want: "call_limit_included", js: `sha1(DID + KEY + LIMIT)`},
		{want: "did_user_id_included", js: `sha1(DID + '-1' + KEY)`, params: "did_user_id=-1"},
		{want: "active_from_included", js: `sha1(DID + 1700000000 + KEY)`, params: "active_from=1700000000"},
		{want: "active_till_included", js: `sha1(DID + 1800000000 + KEY)`, params: "active_till=1800000000"},
		{want: "grace_time_included", js: `sha1(DID + 60 + KEY)`, params: "grace_time=60"},
		{want: "values_included", js: `sha1(Object.values({u: U, did_id: DID, call_limit: LIMIT}).join('') + KEY)`},
		{want: "values_included", js: `sha1(DID + '60' + LIMIT + KEY)`, params: "grace_time=60&call_limit=999"},
		{want: "values_included", js: `sha1(DID + U + LIMIT + '60' + KEY)`, params: "grace_time=60&call_limit=999"},
		{want: "values_included", js: `sha1(DID + LIMIT + '60' + KEY)`, params: "grace_time=60&call_limit=999"},

		{want: "did_id_spelling", sh: digits(`printf %s "0$DID$KEY" | sha1sum`)},
		{want: "did_id_decimals", sh: digits(`printf %.1f%s "$DID" "$KEY" | sha1sum`)},
		{want: "did_id_decimals", js: `sha1(Number(DID).toFixed(1) + KEY)`},
		{want: "name_included", sh: digits(`printf %s "did_id=$DID$KEY" | sha1sum`)},
		{want: "name_included", js: `sha1(new URLSearchParams({did_id: DID}) + KEY)`},
		{want: "name_included", js: `sha1('did_id=' + DID + '&' + KEY)`},
		{want: "name_included", js: `sha1('did_id' + DID + KEY)`},
		{want: "name_included", js: `sha1('did_id=' + DID + '&API_Secret_Key=' + KEY)`},
		{want: "key_twice", sh: digits(`printf %s "$DID$KEY$KEY" | sha1sum`)},
		{want: "key_twice", js: `sha1(KEY + DID + KEY)`},
		{want: "digest_twice", sh: digits(`printf %s "$(printf %s "$DID$KEY" | sha1sum | cut -c1-40)" | sha1sum`)},
		{want: "digest_twice", sh: digits(`printf %s "$DID$KEY" | openssl sha1 -binary | openssl sha1 -r`)},
		{want: "digest_twice", js: `sha1(sha1(DID + KEY))`},
		{want: "utf16", sh: digits(`printf %s "$DID$KEY" | iconv -t UTF-16LE | sha1sum`)},
		{want: "utf16", sh: digits(`printf %s "$DID$KEY" | iconv -t UTF-16BE | sha1sum`)},
		{want: "utf16", sh: digits(`{ printf '\377\376'; printf '%s\r\n' "$DID$KEY" | iconv -t UTF-16LE; } | sha1sum`)},
		{want: "utf16", js: `sha1(Buffer.from(DID + KEY, 'utf16le'))`},
		{want: "utf16", js: `sha1(Buffer.from('\ufeff' + DID + KEY, 'utf16le'))`},
		{want: "bytes_literal", py: `sha1((DID + str(KEY.encode())).encode())`},
		{want: "bytes_literal", py: `sha1(f"{DID.encode()}{KEY.encode()}".encode())`},
		{want: "bytes_literal", py: `sha1(f"{(DID + KEY).encode()}".encode())`},
		{want: "bytes_literal", py: `sha1(f"{DID.encode()}{KEY}".encode())`},
		{want: "invisible", py: `sha1((DID + KEY).encode("utf-8-sig"))`},
		{want: "invisible", py: `sha1(DID.encode() + KEY.encode("utf-8-sig"))`},
		{want: "invisible", js: `sha1(DID + KEY + '\u200b')`},
		{want: "invisible", js: `sha1(DID + '\u00a0' + KEY + '\u00a0')`},
		{want: "invisible", sh: digits(`printf '%s%s\t' "$DID" "$KEY" | sha1sum`)},
		{want: "key_configured_in_quotes", js: `sha1(DID + 'bare-key')`},
		{want: "key_as_hash", sh: `printf %s "$KEY"`},
		{want: "key_as_hash", js: `JSON.stringify(KEY)`},
		{want: "key_as_hash", js: `DID + KEY`},
		{want: "key_as_hash", js: `'shop-key'`},
		{want: "key_as_hash", js: `'key=' + KEY`},
		{want: "cut_short", sh: `printf %s "$DID$KEY" | sha1sum | cut -c1-32`},
		{want: "cut_short", js: `sha1(DID + KEY).toUpperCase().slice(0, 32)`},
		{want: "cut_short", js: `sha1(DID + KEY).slice(0, 36)`},
		{want: "uniquehash", js: `'a1B2c3D4e5'`},
		{want: "uniquehash", js: `'abcdef0123'`},
		{want: "base64", js: `createHash('sha1').update(DID + KEY).digest('base64')`},

		{want: "upper_case", sh: digits(`printf %s "$DID$KEY" | sha1sum | tr a-f A-F`)},
		{want: "upper_case", js: `sha1(DID + KEY).toUpperCase()`},
		{want: "md5", sh: `printf %s "$DID$KEY" | md5sum | cut -c1-32`},
		{want: "md5", js: `createHash('md5').update(DID + KEY).digest('hex').toUpperCase()`},
		{want: "sha256", sh: `printf %s "$DID$KEY" | openssl sha256 -r | cut -c1-64`},
		{want: "other_digest", sh: `printf %s "$DID$KEY" | sha512sum | cut -c1-128`},
		{want: "other_digest", sh: `printf %s "$DID$KEY" | openssl sha224 -r | cut -c1-56`},
		{want: "other_digest", js: `createHash('sha384').update(DID + KEY).digest('hex')`},
		{want: "base64", sh: `printf %s "$DID$KEY" | openssl sha1 -binary | openssl base64`},
		{want: "base64", js: `createHash('sha1').update(DID + KEY).digest('base64url')`},
		{want: "base64", js: `createHash('md5').update(DID + KEY).digest('base64')`},
		{want: "base64", js: `createHash('sha256').update(DID + KEY).digest('base64')`},
		{want: "base64", js: `btoa(sha1(DID + KEY))`},
		{want: "white_space", sh: digits(`printf %s "$DID$KEY" | sha1sum`), keep: true},
		{want: "white_space", js: `' ' + sha1(DID + KEY)`},
		{want: "extra_text", sh: `printf %s "$DID$KEY" | sha1sum`},
		{want: "extra_text", sh: `printf %s "$DID$KEY" | openssl sha1 -hex | sed 's/^(/SHA1(/'`},
		{want: "extra_text", js: `JSON.stringify(sha1(DID + KEY))`},
		{want: "extra_text", js: `'0x' + sha1(DID + KEY)`},
		{want: "separators", sh: `printf %s "$DID$KEY" | openssl sha1 -c | sed 's/.*= *//'`},
		{want: "separators", js: `sha1(DID + KEY).toUpperCase().match(/../g).join('-')`},
		{want: "zeros_lost", js: `[...createHash('sha1').update(DID + KEY).digest()].map(b => b.toString(16)).join('')`},
		{want: "malformed", js: `undefined + ''`},
		{want: "malformed", js: `sha1(DID + KEY).slice(0, 20)`},
		{want: "hash_missing", js: `''`},
		{want: "no_match", js: `sha1(DID + 'of another MOR')`},
		{want: "no_match", js: `sha1('6513' + KEY)`},
		{want: "no_match", js: `sha1(DID + 'other-key')`},
	}
	p := hintPolicy()
	named := make(map[string]bool)
	for i, tt := range tests {
		t.Run(fmt.Sprintf("%d-%s", i, tt.want), func(t *testing.T) {
			env := []string{"DID=" + didID, "KEY=" + hintKey, "U=" + user, "LIMIT=" + limit}
			var hash string
			switch {
			case tt.sh != "":
				hash = tool(t, env, "sh", "-c", tt.sh)
			case tt.py != "":
				hash = tool(t, env, "python3", "-c", pythonDigest+tt.py+")")
			default:
				hash = tool(t, env, "node", "-e", nodeDigest+tt.js+")")
			}
			if !tt.keep {
				hash = strings.TrimRight(hash, "\n")
			}
			if tt.params == "" {
				tt.params = "call_limit=" + limit
			}
			r, v := judgeQuery(t, p, "u="+user+"&did_id="+didID+"&"+tt.params+"&hash="+url.QueryEscape(hash))
			if (v == validation.IncorrectHash) != (tt.want != "") {
				t.Fatalf("verdict %v for %q", v, hash)
			}
			h, digests := hintOf(p, r)
			if h.Name != tt.want {
				t.Errorf("hint %q for %q, want %q", h.Name, hash, tt.want)
			}
			if tt.want != "" && formHint([]byte(hash)).Name == tt.want && tt.want != "md5" && tt.want != "zeros_lost" && digests != 0 {
				t.Errorf("%d digests for the form of a hash", digests)
			}
			if (h.Name == "") != (h.Text == "") || h.Name != "" && h.String() != h.Name+": "+h.Text {
				t.Errorf("hint reads %q", h)
			}
			for _, secret := range []string{hintKey, hintSecond, strings.TrimSpace(hash)} {
				if len(secret) > 4 && strings.Contains(h.String(), secret) {
					t.Errorf("the hint quotes %q", secret)
				}
			}
			named[h.Name] = true
		})
	}
	if t.Failed() || t.Skipped() {
		return
	}
	for _, m := range mistakes {
		if !named[m.Name] {
			t.Errorf("no test makes %s", m.Name)
		}
	}
}

// A did_id that is sent in another spelling than it was hashed in.
func TestMistakesOfTheDIDsSpelling(t *testing.T) {
	p := hintPolicy()
	hash := strings.TrimRight(tool(t, []string{"KEY=" + hintKey}, "sh", "-c", `printf %s "6512$KEY" | sha1sum | cut -c1-40`), "\n")
	for didID, want := range map[string]string{
		"06512": "did_id_spelling", "6512.0": "did_id_decimals", "+6512": "did_id_spelling", "6512%0A": "did_id_spelling", "6512": "", "": "did_id_missing", "65120": "no_match",
	} {
		r, _ := judgeQuery(t, p, "u=admin&did_id="+didID+"&hash="+hash)
		if h, _ := hintOf(p, r); h.Name != want {
			t.Errorf("did_id %q: hint %q, want %q", didID, h.Name, want)
		}
	}
}

// The documentation's example: its hash sent for another DID is not blamed on
// the key, which may be the example's, as in a trial.
func TestTheExamplesKeyAndHash(t *testing.T) {
	const example = "f7de355c9b4421ce6c705b4b32c89dbcaca51e46"
	for _, tt := range []struct {
		keys              []string
		didID, hash, want string
	}{
		{[]string{"secret"}, "6511", example, ""},
		{[]string{"secret"}, "6512", example, "example_hash"},
		{[]string{hintKey, "secret"}, "6512", example, "example_hash"},
		{[]string{"secret"}, "06511", example, "did_id_spelling"},
		{[]string{"secret"}, "6512", sha1Hex("6513secret"), "no_match"},
		{[]string{hintKey}, "6512", example, "example_hash"},
		{[]string{hintKey}, "6511", example, "example_key"},
		{[]string{hintKey}, "6512", sha1Hex("6512secret"), "example_key"},
	} {
		p := &validation.Policy{Keys: validation.NewKeys(tt.keys, nil), MaxBody: 1 << 10}
		r, _ := judgeQuery(t, p, "u=admin&did_id="+tt.didID+"&hash="+tt.hash)
		if h, _ := hintOf(p, r); h.Name != tt.want {
			t.Errorf("keys %q, did_id %s: hint %q, want %q", tt.keys, tt.didID, h.Name, tt.want)
		}
	}
}

// Contract, "Keys": a reseller's key counts for that reseller, the admin's for
// everyone. The hint follows, and only ofOtherKey looks at the rest.
func TestHintsKnowWhoseKeysCount(t *testing.T) {
	p := hintPolicy()
	for _, tt := range []struct{ user, key, want, other string }{
		{"shop", hintReseller, "newline", ""},
		{"SHOP", hintKey, "newline", ""},
		{"admin", hintReseller, "no_match", ""},
		{"admin", hintSecond, "newline", ""},
	} {
		r, _ := judgeQuery(t, p, "u="+tt.user+"&did_id=1&hash="+sha1Hex("1"+tt.key+"\n"))
		if h, _ := hintOf(p, r); h.Name != tt.want {
			t.Errorf("%s: hint %q, want %q", tt.user, h.Name, tt.want)
		}
	}
	for user, want := range map[string]string{"admin": "other_key", "OTHER": "other_key", "shop": ""} {
		r, _ := judgeQuery(t, p, "u="+user+"&did_id=1&hash="+sha1Hex("1"+hintReseller))
		if h := ofOtherKey(p, r); h.Name != want {
			t.Errorf("%s: other key %q, want %q", user, h.Name, want)
		}
	}
	r, _ := judgeQuery(t, p, "u=Shop&did_id=1")
	want := []string{sha1Hex("1" + hintKey), sha1Hex("1" + hintSecond), sha1Hex("1" + hintQuoted), sha1Hex("1" + hintReseller)}
	if got := p.Expected(r); !slices.Equal(got, want) {
		t.Errorf("expected %q, want %q", got, want)
	}
}

func sha1Hex(s string) string { return string(validation.AppendHash(nil, []byte(s), "")) }

// However wrong a hash is, the number of digests is bounded, and so is what
// goes into each of them.
func TestHintsAreBounded(t *testing.T) {
	p := hintPolicy()
	wrong := sha1Hex("neither of them")
	for _, params := range []string{
		"did_id=006512&call_limit=1&did_user_id=2&active_from=3&active_till=4&grace_time=5",
		"did_id=6512",
	} {
		for user, keys := range map[string]int{"admin": 3, "shop": 4} {
			r, _ := judgeQuery(t, p, "u="+user+"&"+params+"&hash="+wrong)
			h, digests := hintOf(p, r)
			if h.Name != "no_match" || digests > keys*MaxDigests {
				t.Errorf("%s: %s after %d digests, at most %d wanted", user, h.Name, digests, keys*MaxDigests)
			}
		}
	}
	one := &validation.Policy{Keys: validation.NewKeys([]string{hintQuoted}, nil), MaxBody: 1 << 10}
	r, _ := judgeQuery(t, one, "u=admin&did_id=006512&call_limit=1&did_user_id=2&active_from=3&active_till=4&grace_time=5&hash="+wrong)
	if _, digests := hintOf(one, r); digests != MaxDigests {
		t.Errorf("%d digests for a key were made, MaxDigests is %d", digests, MaxDigests)
	}
	long := strings.Repeat("7", 1<<16)
	for params, want := range map[string]int{
		"u=admin&did_id=" + long:                                0,
		"u=admin&did_id=1&call_limit=" + long + "&grace_time=5": 1,
		"u=" + long + "&did_id=1":                               1,
	} {
		r, _ := judgeQuery(t, p, params+"&hash="+wrong)
		if _, digests := hintOf(p, r); min(digests, 1) != want {
			t.Errorf("%.30s...: %d digests", params, digests)
		}
		r, _ = judgeQuery(t, p, params+"&hash="+sha1Hex("1"+long+hintKey))
		if h, _ := hintOf(p, r); h.Name != "no_match" {
			t.Errorf("%.30s...: a long value was hashed", params)
		}
	}
}

// No right request ever gets a hint, whatever its key looks like.
func TestNoHintForARightHash(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	keys := []string{"secret", "1", "6511", "\"", "admin", "  ", "é", "ab", "999", "undefined"}
	for range 2000 {
		k := keys[rnd.IntN(len(keys))]
		user := []string{"admin", "shop"}[rnd.IntN(2)]
		p := &validation.Policy{Keys: validation.NewKeys([]string{"first", k}, map[string][]string{"shop": {"s", k}})}
		didID := fmt.Sprint(rnd.IntN(3000))
		r, v := judgeQuery(t, p, "u="+user+"&did_id="+didID+"&call_limit=999&hash="+sha1Hex(didID+k))
		if h, _ := hintOf(p, r); h != (Hint{}) || v == validation.IncorrectHash {
			t.Fatalf("did_id %s, key %q: %v, hint %q", didID, k, v, h)
		}
	}
}

// Names are stable: programs may look at them.
func TestHintNames(t *testing.T) {
	names := make(map[string]string)
	all := []Hint{noMatch, hashMissing, didIDMissing, upperCase, whiteSpace, separators, extraText, zerosLost, likeMD5, likeSHA256, likeOther, likeBase64, malformedHash, uniqueHash, keyAsHash, cutShort, keyLacking,
		userMissing, jsonUntyped, jsonMarked, userSpaces, userUnlisted, callLimitNumber,
		milliseconds, tooLarge, zero, spaces, decimals, telephone, date, sign, notDigits}
	for _, m := range mistakes {
		all = append(all, m.Hint)
	}
	for _, h := range all {
		if names[h.Name] != "" || strings.Trim(h.Name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || h.Text == "" {
			t.Errorf("hint %q twice, or badly named", h.Name)
		}
		names[h.Name] = h.Text
	}
}

func BenchmarkHint(b *testing.B) {
	p := hintPolicy()
	for _, bm := range []struct{ name, hash string }{
		{"form", "F7DE355C9B4421CE6C705B4B32C89DBCACA51E46"},
		{"newline", sha1Hex("6512" + hintKey + "\n")},
		{"no_match", sha1Hex("neither")},
	} {
		b.Run(bm.name, func(b *testing.B) {
			r := &validation.Request{Method: "POST", Path: "/api/did_details_update", Query: "u=admin&did_id=6512&call_limit=1&did_user_id=2&active_from=3&active_till=4&grace_time=5&hash=" + bm.hash}
			if p.Judge(r) != validation.IncorrectHash {
				b.Fatal("not a wrong hash")
			}
			b.ReportAllocs()
			for b.Loop() {
				Of(p, r, validation.IncorrectHash, func() bool { return true })
			}
		})
	}
}

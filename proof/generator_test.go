package proof

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
)

// generator makes requests. The same seed and number give the same request.
type generator struct {
	*rand.Rand
}

func newGenerator(seed uint64, number int) generator {
	return generator{rand.New(rand.NewPCG(seed, uint64(number)))}
}

func (g generator) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

// request makes one: a quarter plain and right, some plain with one thing wrong, the rest right or wrong and
// then mutated, mostly once: what is odd twice is refused for either.
func (g generator) request() *draft {
	values := g.values()
	wrong := g.chance(25)
	if wrong {
		g.breakRule(values)
	}
	d := g.draft(values)
	switch {
	case !wrong && g.chance(35):
		d.plain = d.site != "underscores" || len(d.types) == 0 // there Caddy drops the Content-Type line
	case wrong && g.chance(20):
	default:
		for range pick(g, 1, 1, 1, 1, 1, 2, 2, 2, 3, 4) {
			g.mutate(d)
		}
	}
	return d
}

// values are the parameters of a request, before they are written.
type values struct {
	site   string
	params []param
}

func (v *values) set(name, text string) {
	for i := range v.params {
		if v.params[i].Name == name {
			v.params[i].Text = text
			return
		}
	}
	v.params = append(v.params, param{name, "String", text})
}

func (v *values) get(name string) string {
	p, _ := run{Params: v.params}.get(name)
	return p.Text
}

// values makes parameters that keep every rule.
func (g generator) values() *values {
	v := &values{site: pick(g, "main", "main", "main", "main", "main", "get", "get", "users", "underscores")}
	s := sites[v.site]
	u := pick(g, "admin", "Admin", "accountant", "José", "a b", "bob", "BOB", "reseller1", "Reseller1", "user;1", "u=1&x=2", "[u]", "\"u", "u's")
	if len(s.Users) > 0 {
		u = pick(g, "admin", "ALICE", "alice", "Reseller1")
	}
	key := pick(g, slices.Concat(s.Keys, s.Resellers[contract.Lower(u)])...)
	did := pick(g, "6511", "1", "007", strconv.Itoa(1+g.IntN(99999)), "98765432109876543210")
	v.set("u", u)
	v.set("did_id", did)
	v.set("hash", contract.Hash(did, key))
	for _, name := range []string{"call_limit", "did_user_id", "active_from", "active_till", "grace_time", "comment", "p", "custom_sip_header", "language"} {
		if g.chance(30) {
			v.set(name, g.good(name))
		}
	}
	g.Shuffle(len(v.params), func(i, k int) { v.params[i], v.params[k] = v.params[k], v.params[i] })
	return v
}

func (g generator) good(name string) string {
	switch name {
	case "call_limit":
		return pick(g, "0", "5", "999", "2147483647", "", " ", "0000005")
	case "did_user_id":
		return pick(g, "-1", "5", "", "12")
	case "active_from":
		return pick(g, "0", "1600000000", "1700000000", "")
	case "active_till":
		return pick(g, "1700000001", "253402300799", "", "1800000000")
	case "grace_time":
		return pick(g, "3", "0", "")
	}
	return pick(g, "", "x", "a;b", "a&b=c", "100% + 5", "ąžuolas ☎ 😀", "<sip:+370@example.com;user=phone>", "call_limit=-5", "&call_limit=-5",
		"[call_limit]=-5", `{"call_limit":-5}`, `"quoted" \ back`, "two\r\nlines", "/path?x#y", "--b", strings.Repeat("long ", 30))
}

// bad gives a value by which the action must not run.
func (g generator) bad(name string) string {
	switch name {
	case "u":
		return pick(g, "", " ", "root\n", "\u00a0", "ad\x00min", "mallory\x7f")
	case "did_id":
		return pick(g, "0", "-6511", "6511x", "", "6511\n", " 6511", "1e3", "+1")
	case "hash":
		return pick(g, "", "0", strings.Repeat("0", 40), strings.ToUpper(contract.Hash("6511", "secret")), contract.Hash("6511", ""), contract.Hash("6511", "secret")+"\n")
	case "call_limit":
		return pick(g, "-5", "2147483648", "1.5", "abc", "5\nx", " 5", "+5", "1e3", "5\x00")
	case "did_user_id", "grace_time":
		return pick(g, "5\n", "5\x00", "\x015")
	case "active_from", "active_till":
		return pick(g, "x", "-1", "1700000000000", "253402300800", "1.5", "5\n6")
	case "_method":
		return pick(g, "put", "get", "HEAD", "delete", "PATCH")
	}
	return "x"
}

// breakRule makes one thing wrong.
func (g generator) breakRule(v *values) {
	switch name := pick(g, contract.Guarded...); {
	case name == "did_id":
		v.set(name, g.bad(name))
		v.set("hash", contract.Hash(v.get("did_id"), sites[v.site].Keys[0])) // only the DID itself is wrong
	case name == "active_till" && g.chance(50):
		v.set("active_from", "1700000000")
		v.set(name, pick(g, "1700000000", "1600000000", "9"))
	case g.chance(20):
		v.params = slices.DeleteFunc(v.params, func(p param) bool { return p.Name == "hash" || p.Name == "u" && g.chance(50) })
	default:
		v.set(name, g.bad(name))
	}
}

// draft writes the values down in one of the ways of real clients.
func (g generator) draft(v *values) *draft {
	d := &draft{
		site: v.site, method: "POST", framing: length,
		path:    pick(g, "/billing/api/did_details_update", "/billing/api/did_details_update", "/billing//api/did_details_update", "/billing/api/did_details_update.xml", "/billing/api/did_details_update/"),
		headers: []string{"Host: mor.example"},
		boundary: pick(g, "b", "------------------------d74496d66958873e", "----WebKitFormBoundary7MA4YWxk", "5f8b6e0c2a7d4f1e9c3b",
			"boundary_.oOo._SDKY3AU6/g5fNhIxl/XpFEqt++", "_=_symfony_1579722514_=_", "===1616056691487===", "*****", "Part_0_(-1234'+_-./:=?)"),
	}
	d.kind = pick(g, noBody, noBody, formBody, formBody, jsonBody, jsonBody, multipartBody)
	if d.kind == noBody && sites[d.site].AllowGet && g.chance(60) {
		d.method = "GET"
	}
	switch d.kind {
	case formBody:
		d.types = pick(g, nil, []string{"application/x-www-form-urlencoded"}, []string{"application/x-www-form-urlencoded;"}, []string{"application/x-www-form-urlencoded; charset=utf-8"}, []string{"application/x-www-form-urlencoded;charset=UTF-8"})
	case jsonBody:
		d.types = pick(g, []string{"application/json"}, []string{"application/json; charset=utf-8"}, []string{"application/json;"}, []string{"application/json;charset=utf8"})
	case multipartBody:
		d.types = []string{"multipart/form-data; boundary=" + pick(g, d.boundary, d.boundary, `"`+d.boundary+`"`, d.boundary+";")}
	}
	for _, line := range []string{"User-Agent: GuzzleHttp/7", "Accept: */*", "Accept-Encoding: gzip, deflate", "Connection: keep-alive", "X-Requested-With: XMLHttpRequest"} {
		if g.chance(15) {
			d.headers = append(d.headers, line)
		}
	}
	for _, p := range v.params {
		if d.kind == noBody || g.chance(10) {
			d.query = append(d.query, g.encoded(p))
			d.want = append(d.want, p)
			continue
		}
		written, seen := g.written(d, p)
		d.body = append(d.body, written)
		d.want = append(d.want, seen)
	}
	if len(d.body) == 0 {
		d.kind, d.types = noBody, nil
	}
	if len(d.types) == 1 && !strings.Contains(d.types[0], "charset") && !beyondASCII.Match(d.bodyBytes()) && g.chance(15) {
		d.types[0] = strings.TrimSuffix(d.types[0], ";") + pick(g, "; charset=ISO-8859-1", "; charset=us-ascii;", ";charset=Windows-1252")
	}
	if d.kind != noBody && g.chance(10) {
		d.headers = append(d.headers, "Content-Encoding: "+pick(g, "UTF-8", "utf8", "identity"))
	}
	if d.kind != noBody && g.chance(10) {
		d.framing = g.chunked
	}
	return d
}

// beyondASCII finds what is no ASCII, or once a form is decoded.
var beyondASCII = regexp.MustCompile(`[^\x00-\x7f]|%[89A-F]`)

// written writes a parameter into the body, and says what Rails must see.
func (g generator) written(d *draft, p param) (pair, param) {
	switch d.kind {
	case jsonBody:
		if n, err := strconv.ParseUint(p.Text, 10, 64); err == nil && strconv.FormatUint(n, 10) == p.Text && g.chance(70) {
			return pair{name: literal(p.Name), value: p.Text}, param{p.Name, "Integer", p.Text}
		}
		return pair{name: literal(p.Name), value: literal(p.Text)}, p
	case multipartBody:
		if strings.Contains(p.Text, "--"+d.boundary) {
			p.Text = "x" // a client would have chosen another boundary
		}
		return pair{name: p.Name, value: p.Text}, p
	}
	return g.encoded(p), p
}

func (g generator) encoded(p param) pair {
	value := url.QueryEscape(p.Text)
	if g.chance(50) {
		value = strings.ReplaceAll(value, "+", "%20")
	}
	return pair{name: p.Name, value: value}
}

// literal writes a JSON string, with escapes for what is not ASCII now and then.
func literal(s string) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.Encode(s)
	return strings.TrimSuffix(out.String(), "\n")
}

// chunked frames a body in chunks of any size.
func (g generator) chunked(body []byte) ([]string, []byte) {
	var out []byte
	for len(body) > 0 {
		n := 1 + g.IntN(len(body))
		out = fmt.Appendf(out, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return []string{"Transfer-Encoding: chunked"}, append(out, "0\r\n\r\n"...)
}

package validation_test

import (
	"crypto/sha1" //nolint:gosec // the floor of what is measured
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// The documentation's own example, and what a client that sets all that there is to set adds to it.
const (
	benchKey     = "secret"
	benchHash    = "f7de355c9b4421ce6c705b4b32c89dbcaca51e46" // SHA-1 of 6511secret
	benchPath    = "/billing/api/did_details_update"
	benchQuery   = "u=admin&did_id=6511&call_limit=999&hash=" + benchHash
	benchForm    = benchQuery + "&did_user_id=12&active_from=1700000000&active_till=1800000000&grace_time=3600&comment=Main+line%2C+2nd+floor"
	benchJSON    = `{"call_limit":999,"u":"admin","did_id":6511,"hash":"` + benchHash + `","p":"admin1"}`
	benchMaxBody = 64 << 10
)

// benchMultipart is what curl -F sends, with a last part of the given size.
func benchMultipart(comment int) (contentType, body string) {
	const boundary = "------------------------JW8MLnVXcMKzqsxY1Ob7Ua"
	var b strings.Builder
	for _, p := range [][2]string{
		{"u", "admin"}, {"did_id", "6511"}, {"call_limit", "999"}, {"hash", benchHash},
		{"comment", strings.Repeat("Main line, 2nd floor ", comment/21+1)[:comment]},
	} {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", boundary, p[0], p[1])
	}
	fmt.Fprintf(&b, "--%s--\r\n", boundary)
	return "multipart/form-data; boundary=" + boundary, b.String()
}

// benchCall is a request as the module hands it to the package.
type benchCall struct {
	method, query string
	header        map[string][]string
	length        int64
	body          validation.Body
}

func benchPost(query, contentType, body string) benchCall {
	c := benchCall{method: "POST", query: query, length: int64(len(body)), body: validation.Bytes(body), header: map[string][]string{
		"User-Agent":     {"curl/8.5.0"},
		"Accept":         {"*/*"},
		"Content-Length": {fmt.Sprint(len(body))},
	}}
	if contentType != "" {
		c.header["Content-Type"] = []string{contentType}
	}
	return c
}

// judge reads the call into r, which the module has inside of what it allocates for a request anyway.
func (c *benchCall) judge(p *validation.Policy, r *validation.Request) validation.Verdict {
	*r = validation.Request{
		Method: c.method,
		Path:   benchPath,
		Query:  c.query,
		Header: c.header,
		Length: c.length,
		Body:   c.body,
	}
	return p.Judge(r)
}

func benchPolicy(resellers int) *validation.Policy {
	own := make(map[string][]string, resellers)
	for i := range resellers {
		own[fmt.Sprintf("reseller%d", i)] = []string{fmt.Sprintf("key of reseller %d", i)}
	}
	return &validation.Policy{Keys: validation.NewKeys([]string{benchKey}, own), MaxBody: benchMaxBody}
}

func benchJudge(b *testing.B, p *validation.Policy, c benchCall, want validation.Verdict) {
	b.Helper()
	b.ReportAllocs()
	if n := len(c.query) + int(c.length); n > 1<<10 {
		b.SetBytes(int64(n))
	}
	r := new(validation.Request)
	for b.Loop() {
		if v := c.judge(p, r); v != want {
			b.Fatalf("verdict %v, want %v", v, want)
		}
	}
}

// BenchmarkVerdict is all that the package does with a request: of realistic size, of the size that max_body
// allows, accepted, and refused by the first and the last rule of the contract's table.
func BenchmarkVerdict(b *testing.B) {
	const form = "application/x-www-form-urlencoded"
	const json = "application/json"
	pad := func(n int) string { return strings.Repeat("Main line, 2nd floor ", n/21+1)[:n] }
	multipartType, multipart := benchMultipart(21)
	_, multipartMax := benchMultipart(benchMaxBody - 1<<10)

	for _, bm := range []struct {
		name string
		call benchCall
		want validation.Verdict
	}{
		{"query", benchPost(benchQuery, "", ""), validation.Accepted},
		{"form", benchPost("", form, benchForm), validation.Accepted},
		{"json", benchPost("", json, benchJSON), validation.Accepted},
		{"multipart", benchPost("", multipartType, multipart), validation.Accepted},
		{"query-64KiB", benchPost(benchQuery+"&comment="+strings.ReplaceAll(pad(benchMaxBody-1<<10), " ", "+"), "", ""), validation.Accepted},
		{"form-64KiB", benchPost("", form, benchForm+"&comment="+strings.ReplaceAll(pad(benchMaxBody-1<<10), " ", "+")), validation.Accepted},
		{"json-64KiB", benchPost("", json, strings.Replace(benchJSON, "admin1", pad(benchMaxBody-1<<10), 1)), validation.Accepted},
		{"multipart-64KiB", benchPost("", multipartType, multipartMax), validation.Accepted},
		{"refused-user", benchPost(strings.Replace(benchQuery, "admin", "", 1), "", ""), validation.AccessDenied},
		{"refused-hash-query", benchPost(strings.Replace(benchQuery, "6511", "6512", 1), "", ""), validation.IncorrectHash},
		{"refused-hash-form", benchPost("", form, strings.Replace(benchForm, "6511", "6512", 1)), validation.IncorrectHash},
		{"refused-hash-json", benchPost("", json, strings.Replace(benchJSON, "6511", "6512", 1)), validation.IncorrectHash},
		{"refused-call_limit", benchPost(strings.Replace(benchQuery, "999", "-5", 1), "", ""), validation.CallLimitFormat},
		{"refused-ambiguous", benchPost(benchQuery+"&call_limit=-5", "", ""), validation.Ambiguous},
	} {
		b.Run(bm.name, func(b *testing.B) { benchJudge(b, benchPolicy(1), bm.call, bm.want) })
	}
}

// BenchmarkResellers is the same request with more and more resellers configured, of whom one calls with the
// admin's key, which makes two hashes to compare.
func BenchmarkResellers(b *testing.B) {
	for _, n := range []int{1, 10, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			query := strings.Replace(benchQuery, "admin", fmt.Sprintf("Reseller%d", n-1), 1)
			benchJudge(b, benchPolicy(n), benchPost(query, "", ""), validation.Accepted)
		})
	}
}

// BenchmarkFloor is what a request costs at least: one SHA-1, written in hex.
func BenchmarkFloor(b *testing.B) {
	b.Run("sha1", func(b *testing.B) {
		b.ReportAllocs()
		input, digits := []byte("6511"+benchKey), make([]byte, validation.HashLen)
		for b.Loop() {
			sum := sha1.Sum(input) //nolint:gosec // see above
			hex.Encode(digits, sum[:])
		}
	})
	b.Run("hash", func(b *testing.B) {
		b.ReportAllocs()
		didID, dst := []byte("6511"), make([]byte, 0, 64)
		for b.Loop() {
			dst = validation.AppendHash(dst[:0], didID, benchKey)
		}
	})
}

// BenchmarkPath is the one question that every other request to MOR is asked.
func BenchmarkPath(b *testing.B) {
	for _, bm := range []struct {
		name, path string
		want       bool
	}{
		{"miss", "/billing/callc/main", false},
		{"miss-api", "/billing/api/did_details_get", false},
		{"miss-escaped", "/billing/reports/50%25 off", false},
		{"hit", benchPath, true},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if validation.IsAction(bm.path, "") != bm.want {
					b.Fatal(bm.path)
				}
			}
		})
	}
}

// BenchmarkHostile is what was thought of to make the readers slow. Each input is read in two sizes, in turns: the
// time per operation is that of 64 KiB, and 64KiB/16KiB the ratio of the two, which is 4 where the cost is linear.
func BenchmarkHostile(b *testing.B) {
	const form = "application/x-www-form-urlencoded"
	const json = "application/json"
	boundary := strings.Repeat("a", 70)
	multipart := "multipart/form-data; boundary=" + boundary
	fill := func(s string) func(int) string {
		return func(n int) string { return strings.Repeat(s, n/len(s)) }
	}
	around := func(before, s, after string) func(int) string {
		return func(n int) string {
			return before + strings.Repeat(s, (n-len(before)-len(after))/len(s)) + after
		}
	}
	names := func(format, separator string) func(int) string {
		return func(n int) string {
			var b strings.Builder
			for i := 0; b.Len() < n-20; i++ {
				fmt.Fprintf(&b, format+separator, i)
			}
			return strings.TrimSuffix(b.String(), separator)
		}
	}
	parts := func(part string) func(int) string {
		return around("--"+boundary+"\r\n", part+"\r\n--"+boundary+"\r\n", part+"\r\n--"+boundary+"--\r\n")
	}

	for _, bm := range []struct {
		name, contentType string
		body              func(size int) string
	}{
		{"form-ampersands", form, fill("&")},
		{"form-semicolons", form, fill(";")},
		{"form-equals", form, fill("=")},
		{"form-escapes", form, fill("%41")},
		{"form-bad-escapes", form, fill("%4")},
		{"form-one-name", form, fill("a")},
		{"form-brackets", form, fill("[")},
		{"form-spaces", form, fill(" ")},
		{"form-names", form, names("n%d=", "&")},
		{"form-same-guarded", form, fill("u=x&")},
		{"form-long-guarded", form, around("u=", "x", "")},
		{"form-long-did_id", form, around("u=x&hash="+benchHash+"&did_id=", "1", "")},
		{"form-long-guarded-twice", form, func(n int) string { u := "u=" + strings.Repeat("x", n/2-3); return u + "&" + u }},
		{"json-names", json, func(n int) string { return "{" + names(`"n%d":0`, ",")(n) + "}" }},
		{"json-one-name", json, around(`{"`, "a", `":0}`)},
		{"json-escapes", json, around(`{"a":"`, `\u0041`, `"}`)},
		{"json-open-arrays", json, around(`{"a":`, "[", "")},
		{"json-deep-arrays", json, around(`{"a":[`, strings.Repeat("[", 97)+strings.Repeat("]", 97)+",", `0]}`)},
		{"json-spaces", json, around("{", " ", "}")},
		{"json-digits", json, around(`{"did_id":`, "1", "}")},
		{"json-long-guarded", json, around(`{"u":"`, "x", `"}`)},
		{"multipart-parts", multipart, parts("Content-Disposition: form-data; name=x\r\n\r\n")},
		{"multipart-almost-boundary", multipart, around("--"+boundary+"\r\nContent-Disposition: form-data; name=x\r\n\r\n", "--"+boundary[1:]+"b", "\r\n--"+boundary+"--")},
		{"multipart-dashes", multipart, around("--"+boundary+"\r\nContent-Disposition: form-data; name=x\r\n\r\n", "-", "\r\n--"+boundary+"--")},
		{"multipart-lines", multipart, around("--"+boundary+"\r\nContent-Disposition: form-data; name=x\r\n\r\n", "\r\n", "\r\n--"+boundary+"--")},
		{"multipart-head-lines", multipart, around("--"+boundary+"\r\n", "a:b\r\n", "\r\n--"+boundary+"--")},
		{"multipart-head-line", multipart, around("--"+boundary+"\r\nContent-Disposition: form-data; name=\"", "x", "\"\r\n\r\n\r\n--"+boundary+"--")},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			p := benchPolicy(1)
			small, large := benchPost("", bm.contentType, bm.body(16<<10)), benchPost("", bm.contentType, bm.body(64<<10))
			if n := large.length; n > 64<<10 || n < 63<<10 {
				b.Fatalf("%d bytes", n)
			}
			r := new(validation.Request)
			read := func(c *benchCall) time.Duration {
				start := time.Now()
				c.judge(p, r)
				return time.Since(start)
			}
			// The ratio is that of the quickest reads, which nothing else on the machine has disturbed.
			quickest := [2]time.Duration{math.MaxInt64, math.MaxInt64}
			var sum time.Duration
			n := 0
			for b.Loop() {
				for range 4 {
					quickest[0] = min(quickest[0], read(&small))
				}
				took := read(&large)
				quickest[1] = min(quickest[1], took)
				sum += took
				n++
			}
			b.ReportMetric(float64(sum)/float64(n), "ns/op")
			b.ReportMetric(float64(quickest[1])/float64(quickest[0]), "64KiB/16KiB")
		})
	}
}

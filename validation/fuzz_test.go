package validation_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/reference"
	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// The fuzz targets compare the readers with those of package reference. Each
// runs for hours with
//
//	go test -run '^$' -fuzz '^FuzzForm$' -fuzztime 8h ./validation

const (
	adminKey    = "secret"
	resellerKey = "reseller secret"
	rightHash   = "f7de355c9b4421ce6c705b4b32c89dbcaca51e46" // SHA-1 of 6511secret
)

var (
	fuzzSite   = contract.Site{Keys: []string{adminKey}, Resellers: map[string][]string{"resel": {resellerKey}}, AllowGet: true}
	fuzzPolicy = validation.Policy{
		Keys:     validation.NewKeys(fuzzSite.Keys, fuzzSite.Resellers),
		AllowGet: true,
		MaxBody:  1 << 20,
	}
)

// judge asks the gateway's rules. read is the verdict before the contract's
// table, all the one after it.
func judge(q reference.Request) (r *validation.Request, read, all validation.Verdict) {
	r = &validation.Request{
		Method: q.Method,
		Path:   "/billing/api/" + validation.Action,
		Query:  q.Query,
		Header: q.Header,
		Length: int64(len(q.Body)),
		Body:   validation.Bytes(q.Body),
	}
	all = fuzzPolicy.Judge(r)
	if read = all; all >= validation.AccessDenied {
		read = validation.Accepted
	}
	return r, read, all
}

// compare fails if the gateway accepts what the reference can't read, reads
// something else, or judges it otherwise.
func compare(t *testing.T, q reference.Request) (read validation.Verdict) {
	t.Helper()
	body := bytes.Clone(q.Body)
	r, read, all := judge(q)
	if !bytes.Equal(q.Body, body) {
		t.Fatal("the body has been changed")
	}
	if (read == validation.Ambiguous || read == validation.UnsupportedMediaType) != (r.Oddity().Reason != validation.NoReason) {
		t.Fatalf("verdict %s with the oddity %q", read, r.Oddity())
	}
	if read != validation.Accepted {
		return read
	}
	want, err := reference.Read(q)
	if err != nil {
		t.Fatalf("accepted, but: %v", err)
	}
	for _, name := range validation.Names() {
		text, ok := r.Value(name)
		wantText, wantOK := want.Get(name.String())
		if ok != wantOK || string(text) != wantText {
			t.Fatalf("%s is read as %q, %t; the reference reads %q, %t", name, text, ok, wantText, wantOK)
		}
	}
	if message := fuzzSite.Judge(q.Method, want.Text); message != all.Message() {
		t.Fatalf("judged %q; by the contract %q", all.Message(), message)
	}
	return read
}

func post(contentType string, body []byte) reference.Request {
	h := http.Header{}
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	return reference.Request{Method: http.MethodPost, Header: h, Body: body}
}

// forms are seeds for the query and the form, bodies for JSON.
var forms = []string{
	"u=admin&did_id=6511&call_limit=999&hash=" + rightHash,
	"u=admin&did_id=6511&hash=" + rightHash + "&active_from=1700000000&active_till=1800000000&grace_time=3&did_user_id=-1",
	"u=Resel&did_id=1&call_limit=&comment=a%3Bb%26c%3Dd+%C3%A9&x%5B%5D=1&hash=da39a3ee5e6b4b0d3255bfef95601890afd80709",
	"%75=admin;u=x&u&=&call%5Flimit=5&[u]=1&u]=2& u=3&+u=4&%00u=5",
	"comment=a;b=c;d&;&u=%zz&u=%4&u=%ff&u=%ED%A0%80&u=\xc3\xa9&#",
}

func FuzzQuery(f *testing.F) {
	for _, s := range forms {
		f.Add(s, "")
		f.Add("u=admin", s)
	}
	f.Fuzz(func(t *testing.T, query, form string) {
		q := post("application/x-www-form-urlencoded", []byte(form))
		q.Query = query
		compare(t, q)
		compare(t, reference.Request{Method: http.MethodGet, Query: query})
	})
}

func FuzzForm(f *testing.F) {
	for _, s := range forms {
		f.Add("application/x-www-form-urlencoded", []byte(s))
		f.Add("application/x-www-form-urlencoded; charset=utf-8", []byte(s))
		f.Add("application/x-www-form-urlencoded; charset=windows-1250;", []byte(s))
		f.Add("", []byte(s))
		f.Add("multipart/form-data", []byte(s))
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		compare(t, post(contentType, body))
	})
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"call_limit":999,"u":"admin","did_id":6511,"hash":"` + rightHash + `","p":"admin1"}`,
		` {"u":"\u0061dmin","did_id":"6511","hash":null,"active_till":0,"x":[1.5e3,{"u":"x"},true,false,"\ud83d\ude00\/"]} `,
		`{"u":1e2,"u":-0,"u":"\ud800","u":[],"\u0075":"x",}`,
		`{"x":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `,"y":{"a":{"b":[]}}}`,
		`[{"u":"admin"}]`, `"&call_limit=-5&"`, "{\"u\":\"\\u00\xff\"}",
	} {
		f.Add([]byte(s), "")
		f.Add([]byte(s), "u=admin&did_id=6511")
	}
	f.Fuzz(func(t *testing.T, body []byte, query string) {
		for _, contentType := range []string{"application/json", "application/json; charset=iso-8859-1"} {
			q := post(contentType, body)
			q.Query = query
			compare(t, q)
		}
	})
}

func FuzzMultipart(f *testing.F) {
	const (
		plain = "--b\r\nContent-Disposition: form-data; name=\"u\"\r\n\r\nadmin\r\n"
		net   = "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=did_id\r\n\r\n6511\r\n"
		java  = "--b\r\nContent-Disposition: form-data; name=\"hash\"\r\nContent-Type: text/plain; charset=ISO-8859-1\r\nContent-Transfer-Encoding: 8bit\r\nContent-Length: 40\r\n\r\n" + rightHash + "\r\n"
		file  = "--b\r\nContent-Disposition: form-data; name=\"f[]\"; filename=\"a (1).txt\"\r\nContent-Type: application/octet-stream\r\n\r\n\xff\x00\r\n"
		odd   = "--b\r\nContent-Disposition: form-data;name=call_limit\r\nContent-ID: u\r\n\r\n5\r\n--b\r\ncontent-disposition:form-data; NAME=\"u\"\r\n folded: x\r\n\r\nx--b\r\n"
	)
	for _, boundary := range []string{"b", `"b"`, "b; charset=utf-8", "b;", "b; charset=iso-8859-1", "boundary=b", "-", ""} {
		for _, body := range []string{plain + net + java + file, "\r\n" + plain, odd, plain + odd} {
			f.Add("multipart/form-data; boundary="+boundary, []byte(body+"--b--\r\n"))
		}
	}
	f.Add("Multipart/Form-Data; Boundary=b", []byte(plain+"--b--"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		compare(t, post(contentType, body))
	})
}

func FuzzHeader(f *testing.F) {
	for _, h := range [][2]string{
		{"Connection", "keep-alive, Upgrade"}, {"Connection", "content-type"}, {"Content_Type", "application/json"},
		{"X-HTTP-Method-Override", "PUT"}, {"X_Http.Method-Override", ""}, {"Content-Encoding", "gzip"}, {"Content-Encoding", "utf8"}, {"Upgrade", "h2c"},
		{"Content-Type", "text/plain"}, {"X-Real-Ip", "127.0.0.1"}, {"Content-Length", "1"},
	} {
		f.Add(h[0], h[1], false)
		f.Add(h[0], h[1], true)
	}
	f.Fuzz(func(t *testing.T, name, value string, typed bool) {
		if name == "" {
			return
		}
		q := post("", []byte("u=admin"))
		if typed {
			q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		q.Header[name] = append(q.Header[name], value)
		compare(t, q)
	})
}

func FuzzPath(f *testing.F) {
	for _, p := range []string{
		"/billing/api/did_details_update", "/billing//api/did_details_update.xml/5/", "/API/did%5Fdetails_update",
		"/a/%2e%2e/did%255Fdetails_update", "/did_details_update%0a", "/x%2Fdid_details_update%00", "/did_details_updates", "//did_details_update;x",
	} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u := &url.URL{}
		if p, err := url.PathUnescape(raw); err != nil {
			return // net/http answers 400
		} else {
			u.Path = p
		}
		if reference.Routed(raw) && !validation.IsAction(u.Path, "") {
			t.Fatal("slips past")
		}
	})
}

// FuzzWriters goes the other way: what Go's own writers make of any values
// is never odd, and judged as the values are.
func FuzzWriters(f *testing.F) {
	f.Add("admin", "6511", "999", "comment", "a;b&c=d", "b")
	f.Add("Resel", "0", "", "x[]", "\u00a0\u3000 \u00fc\U0001f600", "----WebKitFormBoundary7MA4YWxkTrZu0gW")
	f.Add("", "06511", " \t", "sip.header", "X-A: \"b\"\\\r\n--b", "+._-")
	f.Add("admin", "6511", "5", "comment", "\\u00e9 %e9", "boundary_.oOo._SDKY3AU6/g5fNhIxl/XpFEqtyLTwOoXB")
	f.Add("admin", "6511", "5", "comment", "--=", "===1616056691487===")
	f.Add("admin", "6511", "5", "comment", "x", "'()+_-./:=?")
	f.Fuzz(func(t *testing.T, user, didID, limit, name, value, boundary string) {
		// The contract and the grammar exclude this much:
		for _, s := range []string{user, didID, limit, name, value} {
			if !utf8.ValidString(s) {
				return
			}
		}
		word := strings.Map(func(c rune) rune {
			if c <= ' ' || c == '[' || c == ']' || c == 0x7f {
				return -1
			}
			return c
		}, name)
		for _, guarded := range contract.Guarded {
			if strings.HasPrefix(word, guarded) {
				return
			}
		}
		for _, c := range user {
			if c < ' ' || c == 0x7f {
				return
			}
		}
		if n := len(user); n > 1 && strings.ContainsAny(user[:1], `"'`) && user[:1] == user[n-1:] {
			return
		}
		params := [][2]string{{"u", user}, {"did_id", didID}, {"hash", rightHash}, {"call_limit", limit}, {name, value}}
		want := reference.Values{}
		for _, p := range params[:4] {
			want[p[0]] = &p[1]
		}
		message := fuzzSite.Judge(http.MethodPost, want.Text)
		for style, q := range writeAll(params, boundary) {
			if r, _, all := judge(q); all.Message() != message {
				t.Errorf("%s: judged %q (%s), want %q\n%q %q", style, all.Message(), r.Oddity(), message, q.Query, q.Body)
			}
			compare(t, q)
		}
	})
}

// writeAll writes parameters in all the ways that a client can.
func writeAll(params [][2]string, boundary string) map[string]reference.Request {
	vals, object := url.Values{}, map[string]string{}
	var parts bytes.Buffer
	w := multipart.NewWriter(&parts)
	asParts := w.SetBoundary(boundary) == nil && !strings.ContainsAny(boundary, ", ") && !strings.Contains(strings.ToLower(boundary), "boundary=")
	ascii := true
	for _, p := range params {
		vals.Set(p[0], p[1])
		object[p[0]] = p[1]
		asParts = asParts && !strings.Contains(p[0]+"\r\n"+p[1], "--"+boundary) && p[0] != "" &&
			strings.Trim(p[0], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.[] -") == "" &&
			strings.Trim(p[0], "[] ") != ""
		ascii = ascii && strings.IndexFunc(p[0]+p[1], func(c rune) bool { return c > 0x7f }) < 0
		_ = w.WriteField(p[0], p[1])
	}
	_ = w.Close()
	asJSON, _ := json.Marshal(object)
	qs := map[string]reference.Request{
		"query":   {Method: http.MethodPost, Query: vals.Encode()},
		"form":    post("application/x-www-form-urlencoded", []byte(vals.Encode())),
		"no type": post("", []byte(vals.Encode())),
		"JSON":    post("application/json", asJSON),
	}
	if asParts {
		qs["multipart"] = post(w.FormDataContentType(), parts.Bytes())
	}
	if ascii {
		qs["form in US-ASCII"] = post("application/x-www-form-urlencoded; charset=US-ASCII", []byte(vals.Encode()))
		qs["JSON in windows-1252"] = post("application/json; charset=windows-1252;", asJSON)
	}
	if ascii && asParts {
		qs["multipart in ISO-8859-1"] = post(w.FormDataContentType()+"; charset=ISO-8859-1", parts.Bytes())
	}
	return qs
}

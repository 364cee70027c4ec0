package hint

import (
	"net/url"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

func TestOf(t *testing.T) {
	const form, json = "application/x-www-form-urlencoded", "application/json"
	p := hintPolicy()
	p.Users = map[string]struct{}{"admin": {}, "shop": {}}
	hash := "&did_id=6511&hash=" + string(validation.AppendHash(nil, []byte("6511"), hintKey))
	for _, tt := range []struct {
		query, contentType, body string
		verdict                  validation.Verdict
		want                     string
	}{
		{hash, "", "", validation.AccessDenied, "u_missing"},
		{"u=+&x=y", "", "", validation.AccessDenied, "u_missing"},
		{"", json, `{"did":{"u":"admin"}}`, validation.AccessDenied, "u_missing"},
		{"", form, `{"u":"admin","did_id":6511}`, validation.AccessDenied, "json_as_form"},
		{"", "", `{"u":"admin","did_id":6511}`, validation.AccessDenied, "json_as_form"},
		{"", form, "x={", validation.AccessDenied, "u_missing"},
		{"u=+Admin", "", "", validation.AccessDenied, "u_white_space"},
		{"u=admin%0A", "", "", validation.Ambiguous, ""},
		{"u=stranger", form, "{", validation.AccessDenied, "u_not_listed"},
		{"u=admin&active_from=1700000000000" + hash, "", "", validation.ActiveFromInvalid, "milliseconds"},
		{"u=admin&active_till=1700000000000" + hash, "", "", validation.ActiveTillInvalid, "milliseconds"},
		{"u=admin&active_till=2023-11-14T22:13" + hash, "", "", validation.ActiveTillInvalid, "date"},
		{"u=admin&active_till=999999999999" + hash, "", "", validation.ActiveTillInvalid, "too_large"},
		{"u=admin" + hash, "", "", validation.Accepted, ""},
		{"u=admin", "", "", validation.IncorrectHash, "hash_missing"},

		{"", json, "\ufeff{}", validation.Ambiguous, "json_bom"},
		{"", json, "[]", validation.Ambiguous, ""},
		{"", form, " \r\n\t{\"u\":\"admin\"}", validation.AccessDenied, "json_as_form"},
		{"u=admin", form, ` {"did_id":6511}`, validation.IncorrectHash, "json_as_form"},
		{"u=admin" + hash, json, `{"call_limit":10}`, validation.Accepted, "call_limit_number"},
		{"u=admin" + hash, json, `{"call_limit":"10"}`, validation.Accepted, ""},
		{"u=admin" + hash, json, `{"call_limit":null}`, validation.Accepted, ""},
	} {
		r := &validation.Request{Method: "POST", Path: "/billing/api/did_details_update", Query: tt.query, Header: map[string][]string{}, Length: int64(len(tt.body))}
		if tt.contentType != "" {
			r.Header["Content-Type"] = []string{tt.contentType}
		}
		r.Body = validation.Bytes(tt.body)
		v := p.Judge(r)
		if got := Of(p, r, v, func() bool { return true }).Name; v != tt.verdict || got != tt.want {
			t.Errorf("%q %q: %v with hint %q, want %v with %q", tt.query, tt.body, v, got, tt.verdict, tt.want)
		}
	}
}

// Each value that the contract refuses gets a hint from a closed set.
func TestHintsAboutValues(t *testing.T) {
	p := hintPolicy()
	for name, values := range map[string][]string{
		"call_limit": {
			"-1 sign", "%2B5 sign", "5.0 decimals", "5,5 decimals", "1e3 decimals", "-1.5 decimals", "2023-11-14 date", "12:30 date",
			"5%20 spaces", "5%0Ax spaces", "1%20000 spaces", "%C2%A05 spaces", "2147483648 too_large", "unlimited not_digits", "0x10 not_digits", "%E2%80%8B5 not_digits",
		},
		"active_from": {
			"-5 sign", "1700000000.25 decimals", "1.7E%2B09 decimals", "2023-11-14 date", "14.11.2023 date", "11/14/2023%2010:00 date", "Tue%20Nov%2014%202023 date",
			"1700000000000 milliseconds", "253402300800 too_large", "17%0000000000 not_digits", "now not_digits", "+1700000000 spaces",
		},
		"did_id": {
			"-6511 sign", "%2B6511 sign", "6511.0 decimals", "65%2011 spaces", "6511%0A spaces", "0 zero", "000 zero", "abc not_digits",
			"%2B37060000000 telephone_number", "370-600-00000 telephone_number", "(0370)%20600000 telephone_number", "00370%20600000 telephone_number", " did_id_missing",
		},
	} {
		for _, row := range values {
			val, want, _ := strings.Cut(row, " ")
			didID := "6511"
			query := "u=admin&" + name + "=" + val
			if name == "did_id" {
				didID, _ = url.QueryUnescape(val)
			} else {
				query += "&did_id=6511"
			}
			r, v := judgeQuery(t, p, query+"&hash="+sha1Hex(didID+hintKey))
			if v == validation.Ambiguous || v == validation.Accepted {
				t.Errorf("%s=%s: %v", name, val, v)
			}
			// An empty did_id has a right hash too.
			if h := Of(p, r, v, func() bool { return true }); h.Name != want {
				t.Errorf("%s=%s: %v with hint %q, want %q", name, val, v, h.Name, want)
			}
		}
	}
}

// What MOR's success means for a hash that is wrong here.
func TestAfterSuccess(t *testing.T) {
	p := hintPolicy()
	for _, tt := range []struct{ query, name, text string }{
		{"u=New&did_id=1&hash=" + sha1Hex("1its key"), "key_lacking", "add `reseller <name> <key>`"},
		{"u=shop&did_id=1&hash=" + sha1Hex("1its new key"), "key_lacking", "add it to the reseller's line"},
		{"u=shop&did_id=1&hash=a1b2c3d4e5", "uniquehash", `"Disable hash checking" is on in MOR`},
		{"u=shop&did_id=1", "hash_missing", `"Disable hash checking" is on in MOR`},
		{"did_id=1", "u_missing", userMissing.Text},
	} {
		r, v := judgeQuery(t, p, tt.query)
		h := AfterSuccess(p, r, v, Of(p, r, v, func() bool { return true }))
		if h.Name != tt.name || !strings.Contains(h.Text, tt.text) {
			t.Errorf("%s: %q", tt.query, h)
		}
	}
	r, v := judgeQuery(t, p, "u=New&did_id=1&hash="+sha1Hex("1its key"))
	if h := Of(p, r, v, func() bool { return true }); h.Name != "no_match" || !strings.Contains(h.Text, "only the admin's key counts") {
		t.Errorf("before MOR's answer: %q", h)
	}
	r, v = judgeQuery(t, p, "u=shop&did_id=1&hash="+sha1Hex("1its key"))
	if h := Of(p, r, v, func() bool { return true }); h != noMatch {
		t.Errorf("a reseller: %q", h)
	}
}

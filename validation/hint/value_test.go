package hint

import (
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
		{"u=admin&active_till=2023-11-14T22:13" + hash, "", "", validation.ActiveTillInvalid, ""},
		{"u=admin&active_till=999999999999" + hash, "", "", validation.ActiveTillInvalid, ""},
		{"u=admin" + hash, "", "", validation.Accepted, ""},
		{"u=admin", "", "", validation.IncorrectHash, "hash_missing"},
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

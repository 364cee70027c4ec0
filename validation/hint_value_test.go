package validation

import "testing"

func TestValueHint(t *testing.T) {
	const form, json = "application/x-www-form-urlencoded", "application/json"
	p := hintPolicy()
	p.Users = map[string]struct{}{"admin": {}, "shop": {}}
	hash := "&did_id=6511&hash=" + string(AppendHash(nil, []byte("6511"), hintKey))
	for _, tt := range []struct {
		query, contentType, body string
		verdict                  Verdict
		want                     string
	}{
		{hash, "", "", AccessDenied, "u_missing"},
		{"u=+&x=y", "", "", AccessDenied, "u_missing"},
		{"", json, `{"did":{"u":"admin"}}`, AccessDenied, "u_missing"},
		{"", form, `{"u":"admin","did_id":6511}`, AccessDenied, "json_as_form"},
		{"", "", `{"u":"admin","did_id":6511}`, AccessDenied, "json_as_form"},
		{"", form, "x={", AccessDenied, "u_missing"},
		{"u=+Admin", "", "", AccessDenied, "u_white_space"},
		{"u=admin%0A", "", "", Ambiguous, ""},
		{"u=stranger", form, "{", AccessDenied, "u_not_listed"},
		{"u=admin&active_from=1700000000000" + hash, "", "", ActiveFromInvalid, "milliseconds"},
		{"u=admin&active_till=1700000000000" + hash, "", "", ActiveTillInvalid, "milliseconds"},
		{"u=admin&active_till=2023-11-14T22:13" + hash, "", "", ActiveTillInvalid, ""},
		{"u=admin&active_till=999999999999" + hash, "", "", ActiveTillInvalid, ""},
		{"u=admin" + hash, "", "", Accepted, ""},
		{"u=admin", "", "", IncorrectHash, ""},
	} {
		r := &Request{Method: "POST", Path: "/billing/api/did_details_update", Query: tt.query, Header: map[string][]string{}, Length: int64(len(tt.body))}
		if tt.contentType != "" {
			r.Header["Content-Type"] = []string{tt.contentType}
		}
		v := p.Head(r)
		if v == Accepted {
			v = p.Body(r, []byte(tt.body))
		}
		if v == Accepted {
			v = p.Rules(r)
		}
		if got := p.ValueHint(r, v).Name; v != tt.verdict || got != tt.want {
			t.Errorf("%q %q: %v with hint %q, want %v with %q", tt.query, tt.body, v, got, tt.verdict, tt.want)
		}
	}
}

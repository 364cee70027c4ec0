package validation

import "testing"

func TestIsAction(t *testing.T) {
	for _, tc := range []struct {
		path, query string
		want        bool
	}{
		{"/billing/api/did_details_update", "", true},
		{"/did_details_update", "", true},
		{"did_details_update", "", true},
		{"/billing//api/did_details_update", "", true},
		{"/billing/api/did_details_update/", "", true},
		{"//billing///api//did_details_update//", "", true},
		{"/billing/api/did_details_update.xml", "", true},
		{"/billing/api/did_details_update.", "", true},
		{"/billing/api/did_details_update/5", "", true},
		{"/billing/API/did_details_update/5.json", "", true},
		{"/billing/x/../api/did_details_update", "", true},
		{"/billing/api/did_details_update/..", "", true},
		{"/billing/api/did_details_update;x", "", true},
		{"/billing/api;did_details_update", "", true},
		{"/billing/api/did_details_update?x", "", true},
		{"/billing/api/did_details_update\x00", "", true},
		{"/billing/api/did_details_update\n", "", true},
		{"/billing/api/did_details_update ", "", true},
		{"/billing/api/did_details_update\xff", "", true},
		{"/billing\\api\\did_details_update", "", true},
		{"/did_details_update_all/did_details_update", "", true},
		{"/billing/api/did%5Fdetails_update", "", true},         // escaped twice
		{"/billing/api/%64id%255Fdetails%zz_update", "", false}, // another name under every reading
		{"/billing/api/did%255Fdetails_update", "", true},
		{"/billing/api%2Fdid_details_update", "", true},
		{"/%zz/did%5Fdetails_update", "", true},
		{"/x\na://b", "c/billing/api/did_details_update", true},
		{"/x%0Aa://b", "/billing/api/did_details_update", true},
		{"/x%250Aa://b", "/billing/api/did%5Fdetails_update", true},

		{"/", "", false},
		{"", "", false},
		{"*", "", false},
		{"/billing/api/did_details_update_all", "", false},
		{"/billing/api/my_did_details_update", "", false},
		{"/billing/api/did_details_update-old", "", false},
		{"/billing/api/did_details_updates", "", false},
		{"/billing/api/did_details", "", false},
		{"/billing/api/DID_details_update", "", false},
		{"/billing/api/user_details", "action=did_details_update", false},
	} {
		if got := IsAction(tc.path, tc.query); got != tc.want {
			t.Errorf("%q ? %q: got %v", tc.path, tc.query, got)
		}
	}
}

func TestIsOpaqueAction(t *testing.T) {
	for _, tc := range []struct {
		opaque, query string
		want          bool
	}{
		{"http://mor/billing/api/did_details_update", "", true},
		{"http://mor/billing/api/did%5Fdetails_update", "", true},
		{"http://b", "/billing/api/did_details_update", true}, // Rails 2.3 takes the path from there
		{"http://b", "/billing/api/did%255Fdetails_update", true},
		{"http://mor/billing/api/user_details", "u=admin", false},
	} {
		if got := IsOpaqueAction(tc.opaque, tc.query); got != tc.want {
			t.Errorf("%q ? %q: got %v", tc.opaque, tc.query, got)
		}
	}
}

func TestPath(t *testing.T) {
	for path, want := range map[string]Verdict{
		"/billing/api/did_details_update":               Accepted,
		"/billing//api/did_details_update/":             Accepted,
		"/billing/api/did_details_update.xml":           Accepted,
		"/~mor/billing-2/api/x/../did_details_update/5": Accepted,
		"/billing/api/did_details_update?call_limit=-5": Ambiguous,
		"/billing/api/did_details_update;x":             Ambiguous,
		"/billing/api/did_details_update#x":             Ambiguous,
		"/billing/api/did%5Fdetails_update":             Ambiguous,
		"/billing/api/did_details_update\x00":           Ambiguous,
		"/x\na://b":                                     Ambiguous,
	} {
		r := newRequest("POST", "u=admin&did_id=6511&hash="+seedHash, "", "")
		r.Path = path
		if got := check(testPolicy(), r, ""); got != want {
			t.Errorf("%q: got %v, want %v", path, got, want)
		}
	}
}

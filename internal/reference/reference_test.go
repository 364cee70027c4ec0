package reference

import (
	"net/http"
	"strings"
	"testing"
)

// The oracle has a test of its own: a row for each way to be odd.
func TestRead(t *testing.T) {
	const form, json, parts = "application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=b"
	part := func(head, val string) string { return "--b\r\n" + head + "\r\n\r\n" + val + "\r\n--b--\r\n" }
	const named = "Content-Disposition: form-data; name="
	tests := []struct {
		query, contentType, body string
		u                        string // with odd: nothing
		odd                      bool
	}{
		{"u=a+b%21&x=u;v", "", "", "a b!", false},
		{"u=a", form, "u=a", "a", false},
		{"", json, `{"u":12}`, "12", false},
		{"", json, `{"x":{"u":1},"\u0075":"\ud83d\ude00"}`, "\U0001f600", false},
		{"", parts, part(named+`"u"`, "a"), "a", false},
		{"", parts, part("Content-Type: text/plain; charset=utf-8\r\n"+named+"u", "a"), "a", false},
		{"", form + ";charset=utf8;", "u=%C3%A9", "\u00e9", false},
		{"", form + "; charset=windows-1251", "u=a%41", "aA", false},
		{"", json + ";", `{"u":1}`, "1", false},
		{"", json + "; charset=iso-8859-16", `{"u":"\u0041\\u00e9"}`, `A\u00e9`, false},
		{"", "multipart/form-data; boundary=\"(b:/=?'*\"; charset=us-ascii", strings.ReplaceAll(part(named+`"u"`, "a"), "--b", "--(b:/=?'*") + "\r\n", "a", false},

		{"u=a&u=b", "", "", "", true},
		{"", form + "; charset=windows-1251", "u=%C3%A9", "", true},
		{"", json + "; charset=iso-8859-16", `{"x":"\u00e9"}`, "", true},
		{"", json + "; charset=iso-8859-12", `{"u":1}`, "", true},
		{"", parts + "; charset=us-ascii", part(named+`"u"`, "\u00e9"), "", true},
		{"", "multipart/form-data; boundary=x_Boundary=b", strings.ReplaceAll(part(named+`"u"`, "a"), "--b", "--x_Boundary=b"), "", true},
		{"u=a", form, "u=b", "", true},
		{"u", "", "", "", true},
		{"[u]=a", "", "", "", true},
		{"x=1;u=a", "", "", "", true},
		{"x=%zz", "", "", "", true},
		{"x=%ff", "", "", "", true},
		{"u=a%0a", "", "", "", true},
		{"_method=put", "", "", "", true},
		{"x=#", "", "", "", true},
		{"", "text/plain", "u=a", "", true},
		{"", "Multipart/Form-Data; boundary=b", part(named+`"u"`, "a"), "", true},
		{"", json, `{"u":1.0}`, "", true},
		{"", json, `{"u":"\ud83d"}`, "", true},
		{"", json, `["u"]`, "", true},
		{"", json, `{"u":"a","u":null}`, "", true},
		{"", parts, part("Content-Disposition: form-data;name=u", "a"), "", true},
		{"", parts, part(named+`"u"; filename=""`, "a"), "", true},
		{"", parts, part(named+`"x"`, "a--bc"), "", true},
		{"", parts, part(named+"u\r\nContent-Type: text/plain", "a"), "", true},
	}
	for _, tt := range tests {
		t.Run(tt.query+" "+tt.contentType+" "+tt.body, func(t *testing.T) {
			q := Request{Method: http.MethodPost, Query: tt.query, Header: http.Header{}, Body: []byte(tt.body)}
			if tt.contentType != "" {
				q.Header.Set("Content-Type", tt.contentType)
			}
			vals, err := Read(q)
			if u, _ := vals.Get("u"); (err != nil) != tt.odd || u != tt.u {
				t.Errorf("u is %q, %v", u, err)
			}
		})
	}
}

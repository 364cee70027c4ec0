package corpus

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestParse(t *testing.T) {
	const file = `Comments come first.

-- plain | accepted
POST $(action)?u=admin

# between the cases
-- body | refused: Call limit is incorrect format | site=get
POST /x
X-Own: 1

hash=$(hash)
b

-- chunked | either | chunked open
POST /x

0123456789abcdefgh

-- only a body | accepted | json chunked
{"u":1}

-- raw | refused | raw
GET / HTTP/1.0
$(headers)

$(hex 00ff)$(repeat 3 ab)

-- raw without a body | refused | raw
GET / HTTP/1.0
$(headers)

-- raw as it stands | refused | raw
GET /$(crlf)
`
	const hash = "f7de355c9b4421ce6c705b4b32c89dbcaca51e46"
	cases, err := Parse("f.txt", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"POST /billing/api/did_details_update?u=admin HTTP/1.1\r\nHost: mor.example\r\nA: 1\r\n\r\n",
		"POST /x HTTP/1.1\r\nHost: mor.example\r\nX-Own: 1\r\nContent-Length: 48\r\nA: 1\r\n\r\nhash=" + hash + "\r\nb",
		"POST /x HTTP/1.1\r\nHost: mor.example\r\nTransfer-Encoding: chunked\r\nA: 1\r\n\r\n10\r\n0123456789abcdef\r\n2\r\ngh\r\n0\r\n\r\n",
		"POST /billing/api/did_details_update HTTP/1.1\r\nHost: mor.example\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nA: 1\r\n\r\n7\r\n{\"u\":1}\r\n0\r\n\r\n",
		"GET / HTTP/1.0\r\nA: 1\r\n\r\n\x00\xffababab",
		"GET / HTTP/1.0\r\nA: 1\r\n\r\n",
		"GET /\r\n",
	}
	if len(cases) != len(want) {
		t.Fatalf("%d cases, want %d", len(cases), len(want))
	}
	for i := range cases {
		t.Run(cases[i].Name, func(t *testing.T) {
			if got := string(cases[i].Request("A: 1")); got != want[i] {
				t.Errorf("request %q, want %q", got, want[i])
			}
		})
	}
	c := cases[1]
	if c.Expect != Refused || c.Answer != "Call limit is incorrect format" || c.Site != "get" || c.Line != 7 {
		t.Errorf("header read as %+v", c)
	}
	if !cases[2].Open || cases[2].Expect != Either || cases[0].Site != DefaultSite {
		t.Errorf("options read as %+v and %+v", cases[2], cases[0])
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct{ file, want string }{
		{"-- only a name\nGET /", "a header is"},
		{"-- n | perhaps\nGET /", "unknown expectation"},
		{"-- n | either: 400\nGET /", "only a refused request"},
		{"-- n | either | colour=red\nGET /", "unknown option"},
		{"-- n | either\n", "no request"},
		{"-- n | either\nGET /$(nothing)", "unknown placeholder"},
		{"-- n | either\nGET /$(hex zz)", "invalid byte"},
		{"-- n | either\nGET /$(hash", "without an end"},
		{"-- n | either\nGET /$(repeat x y)", "a count"},
	}
	for _, tt := range tests {
		t.Run(tt.want+" "+tt.file, func(t *testing.T) {
			if _, err := Parse("f.txt", []byte(tt.file)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestLoadWantsUniqueNames(t *testing.T) {
	fsys := fstest.MapFS{
		"a.txt": {Data: []byte("-- one | either\nGET /\n")},
		"b.txt": {Data: []byte("-- one | either\nGET /\n")},
	}
	if _, err := Load(fsys); err == nil || !strings.Contains(err.Error(), "b.txt:1: one: the name is taken by a.txt:1") {
		t.Errorf("error %v", err)
	}
}

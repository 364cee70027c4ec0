package validation

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
)

const valid = "u=admin&did_id=6511&hash=" + seedHash

// validJSON is valid without the last brace.
const validJSON = `{"u":"admin","did_id":6511,"hash":"` + seedHash + `"`

// reading is a request of which only some part matters.
type reading struct {
	query, contentType, body string
	want                     Reason // NoReason: the request is accepted
}

func testReadings(t *testing.T, readings []reading) {
	t.Helper()
	for _, tc := range readings {
		r := newRequest("POST", tc.query, tc.contentType, tc.body)
		got := check(testPolicy(), r, tc.body)
		if r.Oddity().Reason != tc.want || (tc.want == NoReason) != (got == Accepted) {
			t.Errorf("query %.90q type %q body %.200q:\n got %v %q, want %q", tc.query, tc.contentType, tc.body, got, r.Oddity(), tc.want)
		}
	}
}

// pairs are parameters in the encoding of forms, added to a valid request.
var pairs = []struct {
	s    string
	want Reason
}{
	// Plain, and data of any kind.
	{"call_limit=5", NoReason},
	{"call%5Flimit=5", NoReason}, // names are compared after decoding
	{"call_limit=%35", NoReason},
	{"comment=", NoReason},
	{"comment", NoReason},
	{"=", NoReason},
	{"&&", NoReason},
	{"x[]=1&x[a]=2&x[][b]=3", NoReason},
	{"x[call_limit]=-5", NoReason},
	{"comment=a%3Bb%26c%3Dd=e", NoReason},
	{"comment=a;b", NoReason},
	{"comment=a;b=c;;", NoReason},
	{"comment=%D0%9F%D1%80%D0%B8%D0%B2%D0%B5%D1%82+%F0%9F%98%80", NoReason},
	{"comment=Привет😀", NoReason},
	{"comment=%00%0D%0A", NoReason},
	{"comment=call_limit", NoReason},
	{"Call_limit=-5&call.limit=-5&call-limit=-5&ca\u206cll_limit=-5&\ufeffcall_limit=-5&call_limit\uff3d=-5", NoReason},
	{"call_limi=-5&call_limitt=-5&xcall_limit=-5&call%20limit=-5", NoReason},
	{"_method_=put&utf8=%E2%9C%93&format=xml&action=x&controller=y", NoReason},

	// Twice.
	{"call_limit=5&call_limit=5", NoReason},
	{"call_limit=5&call_limit=%35", NoReason},
	{"call_limit=5&call_limit=6", OddRepeated},
	{"call_limit=5&call_limit=", OddRepeated},
	{"call_limit=5&call%5flimit=-5", OddRepeated},
	{"u=Admin", OddRepeated},

	// Names that aren't written as they are read.
	{"[call_limit]=-5", OddName},
	{"call_limit]=-5", OddName},
	{"[call_limit=-5", OddName},
	{"%5Bcall_limit%5D=-5", OddName},
	{"[[]call_limit]]=-5", OddName},
	{"call_limit[]=-5", OddName},
	{"call_limit[x]=-5", OddName},
	{"call_limit[", OddName},
	{"+call_limit=-5", OddName},
	{"call_limit%3D-5", OddName}, // Rack before 1.3 splits after decoding
	{"call_limit%3d=-5", OddName},
	{"%3Dcall_limit=-5", OddName},
	{"x%3Dcall_limit=-5", NoReason},
	{"comment=call_limit%3D-5", NoReason},
	{"call_limit+=-5", OddName},
	{"%20%5Bcall_limit%5D=-5", OddName},
	{"call_limit%00=-5", OddName},
	{"call_limit%00x=-5", OddName},
	{"%0Acall_limit=-5", OddName},
	{"call_limit%09=-5", OddName},
	{"call_limit", OddNoValue},
	{"hash", OddNoValue},
	{"_method=put", OddMethodParam},
	{"_method=", OddMethodParam},
	{"[_method]=put", OddName},

	// ";" separates for some.
	{"comment=a;call_limit=-5", OddSemicolon},
	{"comment=a;%5Bcall_limit%5D=-5", OddSemicolon},
	{"comment=a;+call_limit", OddSemicolon},
	{";call_limit=5", OddSemicolon},
	{"call_limit=5;", OddSemicolon},
	{"call_limit=5;x=y", OddSemicolon},
	{"x;y;_method=put", OddSemicolon},

	// Quotes, which Rack 1.1.0 takes off.
	{"did_user_id=%225%22", OddQuoted},
	{"grace_time=''", OddQuoted},
	{"grace_time=%27+\"%27", OddQuoted},

	// Encoding.
	{"comment=%zz", OddEscape},
	{"comment=100%", OddEscape},
	{"comment=%4", OddEscape},
	{"%=", OddEscape},
	{"call_limit=%u0035", OddEscape},
	{"comment=%ff", OddUTF8},
	{"comment=%c0%af", OddUTF8},
	{"comment=%ed%a0%80", OddUTF8},
	{"comment=%f4%90%80%80", OddUTF8},
	{"comment=%e2%82", OddUTF8},
	{"comment=\xff", OddUTF8},
	{"%ff=x", OddUTF8},
	{"comment=%e2&x=%82%ac", OddUTF8},
	{"comment=\xe2%82\xac", NoReason},
	{"comment=%ef%bf%bf%f0%90%80%80", NoReason},
}

func TestForm(t *testing.T) {
	var readings []reading
	for _, p := range pairs {
		for _, s := range []string{valid + "&" + p.s, p.s + "&" + valid} {
			readings = append(readings,
				reading{query: s, want: p.want},
				reading{contentType: "application/x-www-form-urlencoded", body: s, want: p.want},
				reading{body: s, want: p.want},
			)
		}
		readings = append(readings,
			reading{query: valid, body: p.s, want: p.want},
			reading{query: p.s, contentType: "application/x-www-form-urlencoded; charset=UTF-8", body: valid, want: p.want},
		)
	}
	testReadings(t, readings)
}

func TestQueryAndBody(t *testing.T) {
	testReadings(t, []reading{
		// The query is cut at these by a server; a body is not.
		{query: valid + "&comment=a b", want: OddQueryByte},
		{query: valid + "#&call_limit=-5", want: OddQueryByte},
		{query: valid + "&comment=a\tb", want: OddQueryByte},
		{query: valid + "&comment=a\x7fb", want: OddQueryByte},
		{body: valid + "&comment=a b#c\td"},
		{body: valid + "& call_limit=-5", want: OddName},
		{body: valid + "&\r\ncall_limit=-5", want: OddName},
		{body: valid + "&comment=x\r\n"},
		{body: valid + "&comment=x\x00"}, // Rack 1 drops the NUL: the value is no guarded one
		{body: valid + "&call_limit\x00", want: OddName},

		// The same name in both: "refused unless the values are byte for byte the same".
		{query: valid, body: valid},
		{query: valid + "&call_limit=5", body: "call_limit=6", want: OddRepeated},
		{query: valid + "&call_limit=", body: "call_limit=-5", want: OddRepeated},
		{query: valid, contentType: "application/json", body: `{"did_id":6511,"u":"admin"}`},
		{query: valid, contentType: "application/json", body: `{"did_id":6512}`, want: OddRepeated},
		{query: valid + "&call_limit=5", contentType: "application/json", body: `{"call_limit":null}`, want: OddRepeated},
		{query: valid + "&call_limit=", contentType: "application/json", body: `{"call_limit":null}`, want: OddRepeated},
		{query: valid, contentType: "application/json", body: `{"_method":"put"}`, want: OddMethodParam},
	})
}

func TestJSON(t *testing.T) {
	deep := func(n int) string { // with the root, n levels
		return `,"x":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + "}"
	}
	var readings []reading
	for _, tc := range []struct {
		rest string // after validJSON
		want Reason
	}{
		{"}", NoReason},
		{" \t\r\n} \t\r\n", NoReason},
		{`,"call_limit":999,"p":"admin1"}`, NoReason},
		{`,"call_limit":null,"active_from":null}`, NoReason},
		{`,"call_limit":""}`, NoReason},
		{`,"call_limit":"\u0035"}`, NoReason},
		{`,"call\u005flimit":5}`, NoReason},
		{`,"call_limit":5 , "call_limit" : 5}`, NoReason},
		{`,"call_limit":5,"call_limit":"5"}`, NoReason},
		{`,"x":{"call_limit":-5,"y":[{}],"z":[[],{}]},"a":[1,"2",null,true,false,-0.5e+10,1E400]}`, NoReason},
		{`,"[call_limit]":-5," call_limit":-5,"Call_limit":-5,"call_limit[]":[-5]}`, NoReason}, // keys are exact
		{`,"comment":"a&call_limit=-5&\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\u0000 \u007f é😀"}`, NoReason},
		{`,"":0}`, NoReason},
		{deep(100), NoReason},
		{deep(101), OddJSONDepth},
		{`,"x":` + strings.Repeat(`{"":`, 99) + "1" + strings.Repeat("}", 99) + "}", NoReason},
		{`,"x":` + strings.Repeat(`{"":`, 100) + "1" + strings.Repeat("}", 100) + "}", OddJSONDepth},

		{`,"call_limit":5,"call_limit":6}`, OddRepeated},
		{`,"call_limit":5,"call_limit":null}`, OddRepeated},
		{`,"call_limit":null,"call_limit":""}`, OddRepeated},
		{`,"call_limit":5,"call\u005flimit":-5}`, OddRepeated},
		{`,"_method":null}`, OddMethodParam},

		{`,"call_limit":5.0}`, OddJSONType},
		{`,"call_limit":5e0}`, OddJSONType},
		{`,"call_limit":1e400}`, OddJSONType},
		{`,"call_limit":-0}`, OddJSONType},
		{`,"call_limit":true}`, OddJSONType},
		{`,"call_limit":false}`, OddJSONType},
		{`,"call_limit":[5]}`, OddJSONType},
		{`,"call_limit":[]}`, OddJSONType},
		{`,"call_limit":{}}`, OddJSONType},
		{`,"grace_time":{"a":1}}`, OddJSONType},

		{``, OddJSONSyntax},
		{`,}`, OddJSONSyntax},
		{`,"x"}`, OddJSONSyntax},
		{`,"x":}`, OddJSONSyntax},
		{`,"x":1,}`, OddJSONSyntax},
		{`,x:1}`, OddJSONSyntax},
		{`,'x':1}`, OddJSONSyntax},
		{`,"x":01}`, OddJSONSyntax},
		{`,"x":+1}`, OddJSONSyntax},
		{`,"x":.5}`, OddJSONSyntax},
		{`,"x":5.}`, OddJSONSyntax},
		{`,"x":5e}`, OddJSONSyntax},
		{`,"x":-}`, OddJSONSyntax},
		{`,"x":0x5}`, OddJSONSyntax},
		{`,"x":NaN}`, OddJSONSyntax},
		{`,"x":Infinity}`, OddJSONSyntax},
		{`,"x":nul}`, OddJSONSyntax},
		{`,"x":nullx}`, OddJSONSyntax},
		{`,"x":[1,]}`, OddJSONSyntax},
		{`,"x":[,1]}`, OddJSONSyntax},
		{`,"x":[1 2]}`, OddJSONSyntax},
		{`,"x":[1}}`, OddJSONSyntax},
		{`,"x":{"y":1]}`, OddJSONSyntax},
		{`,"x":{"y"}}`, OddJSONSyntax},
		{`,"x":{,}}`, OddJSONSyntax},
		{`,"x":"\_"}`, OddJSONSyntax},
		{`,"x":"\u12"}`, OddJSONSyntax},
		{`,"x":"\u12g4"}`, OddJSONSyntax},
		{`,"x":"\`, OddJSONSyntax},
		{`,"x":"` + "\n" + `"}`, OddJSONSyntax},
		{`,"x":"` + "\x00" + `"}`, OddJSONSyntax},
		{`/**/}`, OddJSONSyntax},
		{"//\n}", OddJSONSyntax},
		{`}x`, OddJSONSyntax},
		{`}{}`, OddJSONSyntax},
		{"}\x00", OddJSONSyntax},
		{`,"x":"` + "\xff" + `"}`, OddUTF8},
		{`,"` + "\xff" + `":1}`, OddUTF8},
		{`,"x":"` + "\xed\xa0\x80" + `"}`, OddUTF8},
		{`,"x":"\ud800"}`, OddUTF8},
		{`,"x":"\udc00\ud800"}`, OddUTF8},
		{`,"x":"\ud800\u0041"}`, OddUTF8},
		{`,"x":"\ud800\n"}`, OddUTF8},
		{`,"u":"a\u0000"}`, OddRepeated},
	} {
		readings = append(readings, reading{contentType: "application/json", body: validJSON + tc.rest, want: tc.want})
	}
	for _, root := range []string{`[]`, `"a&call_limit=-5&"`, `1`, `null`} {
		readings = append(readings, reading{query: valid, contentType: "application/json", body: root, want: OddJSONRoot})
	}
	for _, text := range []string{"\ufeff{}", `// {}`, " ", "\x00"} {
		readings = append(readings, reading{query: valid, contentType: "application/json", body: text, want: OddJSONSyntax})
	}
	testReadings(t, readings)
}

func TestMultipart(t *testing.T) {
	const cd = "Content-Disposition: form-data; name="
	field := func(head, value string) string { return "--XyZ\r\n" + head + "\r\n\r\n" + value + "\r\n" }
	rest := field(cd+`"u"`, "admin") + field(cd+`"did_id"`, "6511") + field(cd+`"hash"`, seedHash)
	var readings []reading
	for _, tc := range []struct {
		body string // %s: the valid fields
		want Reason
	}{
		{"%s--XyZ--", NoReason},
		{"%s--XyZ--\r\n", NoReason},
		{"%s--XyZ--\r\n\r\n", NoReason}, // form-data-encoder
		{"\r\n%s--XyZ--\r\n", NoReason},
		{"%s" + field(cd+"call_limit", "5") + "--XyZ--", NoReason}, // .NET
		{"%s" + field("Content-Type: text/plain; charset=utf-8\r\n"+cd+"comment", "é") + "--XyZ--", NoReason},                                          // .NET
		{"%s" + field(cd+"\"call_limit\"\r\nContent-Length: 1", "5") + "--XyZ--", NoReason},                                                            // OkHttp
		{"%s" + field(cd+"\"comment\"\r\nContent-Type: text/plain; charset=ISO-8859-1\r\nContent-Transfer-Encoding: 8bit", "e") + "--XyZ--", NoReason}, // Apache
		{"%s" + field(cd+`"x[a b].c-d"`, "\x00;&=\r\n\r\n--XyY") + "--XyZ--", NoReason},
		{"%s" + field(cd+"\"f\"; filename=\"a (1).png\"\r\nContent-Type: image/svg+xml", "\xff") + "--XyZ--", NoReason},
		{"%s" + field(cd+"\"f\"; filename=\"\"\r\nContent-Type: application/octet-stream", "") + "--XyZ--", NoReason},
		{"%s" + field("content-disposition:form-data; name=call_limit", "5") + "--XyZ--", NoReason},

		{"%s" + field(cd+`"call_limit"`, "5") + field(cd+`"call_limit"`, "6") + "--XyZ--", OddRepeated},
		{"%s" + field(cd+`"_method"`, "put") + "--XyZ--", OddMethodParam},
		{"%s" + field(cd+`"[call_limit]"`, "-5") + "--XyZ--", OddName},
		{"%s" + field(cd+`" call_limit"`, "-5") + "--XyZ--", OddName},
		{"%s" + field(cd+`"call_limit[]"`, "-5") + "--XyZ--", OddName},

		{"%s--XyZ", OddPartFrame},
		{"%s--XyZ-", OddPartFrame},
		{"%s--XyZ--x", OddPartFrame},
		{"%s--XyZ--\r\n\r\n\r\n", OddPartFrame},
		{"%s--XyZ--\n", OddPartFrame},
		{"%s--XyZ--\r\n\n", OddPartFrame},
		{"%s--XyZ--\r\n" + field(cd+`"call_limit"`, "-5"), OddPartFrame},
		{"x\r\n%s--XyZ--", OddPartFrame},
		{"\n%s--XyZ--", OddPartFrame},
		{"--XyZ--\r\n%s--XyZ--", OddPartFrame},
		{"%s" + field(cd+`"comment"`, "a--XyZb") + "--XyZ--", OddPartFrame},
		{"%s" + field(cd+`"comment"`, "a\n--XyZ\r\n"+cd+"\"call_limit\"\r\n\r\n-5") + "--XyZ--", OddPartFrame},
		{"%s--XyZ \r\n" + cd + "\"a\"\r\n\r\nb\r\n--XyZ--", OddPartFrame},
		{"%s--XyZ\n" + cd + "\"a\"\n\nb\n--XyZ--", OddPartFrame},
		{"%s--XyZ\r\n\r\n--XyZ--", OddPartHeader},
		{"%s--XyZ\r\n\r\n\r\n--XyZ--", OddPartHeader},
		{"%s--XyZ\r\n" + cd + "\"a\"\r\nb\r\n--XyZ--", OddPartHeader},

		{"%s" + field("X-Name: name=\"call_limit\"\r\n"+cd+`"comment"`, "-5") + "--XyZ--", OddPartHeader},
		{"%s" + field(cd+"\"comment\"\r\n name=\"call_limit\"", "-5") + "--XyZ--", OddPartHeader},
		{"%s" + field(cd+"\"comment\"\r\n"+cd+`"call_limit"`, "-5") + "--XyZ--", OddPartHeader},
		{"%s" + field(cd+`"comment"; name="call_limit"`, "-5") + "--XyZ--", OddPartHeader},
		{"%s" + field(cd+`"comment"; x=y`, "-5") + "--XyZ--", OddPartHeader},
		{"%s" + field(cd+`"f"; filename="x"; filename*=UTF-8''y`, "") + "--XyZ--", OddPartHeader},
		{"%s" + field("Content-Disposition: attachment; name=\"x\"", "") + "--XyZ--", OddPartHeader},
		{"%s" + field("Content-Disposition: form-data", "") + "--XyZ--", OddPartHeader},
		{"%s" + field("Content-Type: text/plain", "") + "--XyZ--", OddPartHeader},
		{"%s" + field(cd+"\"x\"\r\nContent-Length: 1x", "") + "--XyZ--", OddPartHeader},
		{"%s" + field(cd+"\"x\"\r\nContent-ID: <x>", "") + "--XyZ--", OddPartHeader},

		{"%s" + field(cd+`"com;name=call_limit"`, "-5") + "--XyZ--", OddPartName},
		{"%s" + field(cd+`"a\"b"`, "") + "--XyZ--", OddPartName},
		{"%s" + field(cd+`"a`, "") + "--XyZ--", OddPartName},
		{"%s" + field(cd+`""`, "") + "--XyZ--", OddPartName},
		{"%s" + field(cd+`é`, "") + "--XyZ--", OddPartName},
		{"%s" + field(cd+"\"a\nb\"", "") + "--XyZ--", OddPartName},
		{"%s" + field(cd+`"f"; filename="a;b"`, "") + "--XyZ--", OddPartName},
		{"%s" + field(cd+`"call_limit"; filename="x"`, "-5") + "--XyZ--", OddPartFile},
		{"%s" + field(cd+`"[call_limit]"; filename=""`, "-5") + "--XyZ--", OddPartFile},

		{"%s" + field(cd+"\"x\"\r\nContent-Type: application/json", "{}") + "--XyZ--", OddPartType},
		{"%s" + field(cd+"\"x\"\r\nContent-Type: text/plain; charset=utf-16", "") + "--XyZ--", OddPartType},
		{"%s" + field(cd+"\"x\"\r\nContent-Type: text/plain; format=flowed", "") + "--XyZ--", OddPartType},
		{"%s" + field(cd+"\"x\"\r\nContent-Type: text/plain; charset=iso-8859-1", "é") + "--XyZ--", OddPartType},
		{"%s" + field(cd+"\"x\"\r\nContent-Transfer-Encoding: base64", "NQ==") + "--XyZ--", OddPartType},
		{"%s" + field(cd+`"x"`, "\xff") + "--XyZ--", OddUTF8},
	} {
		body := strings.Replace(tc.body, "%s", rest, 1)
		readings = append(readings, reading{contentType: "multipart/form-data; boundary=XyZ", body: body, want: tc.want})
	}
	testReadings(t, readings)
}

func TestContentType(t *testing.T) {
	const boundary = "multipart/form-data; boundary="
	multipart := func(b string) string {
		return "--" + b + "\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\r\n--" + b + "--"
	}
	testReadings(t, []reading{
		{query: valid, contentType: "text/plain"}, // without a body the type doesn't matter
		{query: valid, contentType: "Application/X-WWW-Form-URLEncoded;charset=utf-8", body: "x=y"},
		{query: valid, contentType: "application/x-www-form-urlencoded ; charset=\"UTF-8\"", body: "x=y"},
		{query: valid, contentType: "application/JSON; charset=utf-8", body: "{}"},
		{query: valid, contentType: boundary + "a", body: multipart("a")},
		{query: valid, contentType: boundary + "a; charset=UTF-8", body: multipart("a")},
		{query: valid, contentType: boundary + "a;", body: multipart("a")},
		{query: valid, contentType: boundary + strings.Repeat("a", 70), body: multipart(strings.Repeat("a", 70))},

		{query: valid, contentType: "text/plain", body: "x=y", want: OddMediaType},
		{query: valid, contentType: "application/xml", body: "x=y", want: OddMediaType},
		{query: valid, contentType: "text/x-json", body: "{}", want: OddMediaType},
		{query: valid, contentType: "application/jsonrequest", body: "{}", want: OddMediaType},
		{query: valid, contentType: "application/vnd.api+json", body: "{}", want: OddMediaType},
		{query: valid, contentType: "multipart/mixed; boundary=a", body: multipart("a"), want: OddMediaType},
		{query: valid, contentType: "application/json, text/plain", body: "{}", want: OddMediaType},
		{query: valid, contentType: "*/*", body: "x", want: OddMediaType},
		{query: valid, contentType: ";", body: "x", want: OddMediaType},
		{query: valid, contentType: " application/json", body: "{}", want: OddMediaType},
		{query: valid, contentType: "\tmultipart/form-data; boundary=a", body: multipart("a"), want: OddMediaType},
		{query: valid, contentType: "; charset=utf-8", body: "x", want: OddMediaType},
		{query: valid, contentType: "application/\u212asn", body: "x", want: OddMediaType},
		{query: valid, contentType: "application/json; charset=utf-8, text/plain", body: "{}", want: OddCharset},
		{query: valid, contentType: "application/json; boundary=a", body: "{}", want: OddCharset},
		{query: valid, contentType: "application/x-www-form-urlencoded; charset", body: "x=y", want: OddCharset},
		{query: valid, contentType: "multipart/form-data", body: multipart("a"), want: OddBoundary},
		{query: valid, contentType: boundary, body: multipart(""), want: OddBoundary},
		{query: valid, contentType: boundary + "a; boundary=b", body: multipart("a"), want: OddBoundary},
		{query: valid, contentType: boundary + "a; boundary=a", body: multipart("a"), want: OddBoundary},
		{query: valid, contentType: boundary + `"a`, body: multipart("a"), want: OddBoundary},
		{query: valid, contentType: boundary + strings.Repeat("a", 71), body: multipart(strings.Repeat("a", 71)), want: OddBoundary},
	})
}

// TestBoundary has each boundary as the type declares it and as the body has
// it, quoted and not.
func TestBoundary(t *testing.T) {
	for _, tc := range []struct {
		boundary, body string // the body's, if it is another
		want           Reason
	}{
		{"boundary_.oOo._SDKY3AU6/g5fNhIxl/XpFEqtyLTwOoXB", "", NoReason}, // Qt
		{"_=_symfony_1579722514_dac69a39_=_", "", NoReason},
		{"===1616056691487===", "", NoReason},                           // a snippet in Java
		{"===============7330845974216740156==", "", NoReason},          // Python's email
		{"*****", "", NoReason},                                         // a snippet for Android
		{"----=_Part_0_COMPLEX_BOUNDARY(-1234'+_-./:=?)", "", NoReason}, // SoapUI
		{"0123456789'()+_-./:=?*abcXYZ", "", NoReason},
		{"'quoted'", "", NoReason},
		{"a=", "", NoReason},
		{"boundary", "", NoReason},
		{"boundary_", "", NoReason},

		{"a b", "", OddBoundary},
		{"a,b", "", OddBoundary},
		{"a,b", "a", OddBoundary},
		{"a;b", "", OddCharset}, // two parameters, or a quote that isn't closed
		{`a"b`, "", OddBoundary},
		{`a\b`, "", OddBoundary},
		{"a@b", "", OddBoundary},
		{"a#b", "", OddBoundary},
		{"a%20b", "", OddBoundary},
		{"a\x00b", "", OddBoundary},
		{"a\u00e9b", "", OddBoundary},
		{"", "", OddBoundary},

		// To most releases what is after the last "boundary=", to some what
		// is after the first.
		{"boundary=a", "", OddBoundary},
		{"boundary=a", "a", OddBoundary},
		{"x_BOUNDARY=a", "a", OddBoundary},
		{"x-boundary=", "", OddBoundary},

		// The bytes in the body are exactly those: nothing is a pattern.
		{"a.b", "aXb", OddPartFrame},
		{"a+", "aa", OddPartFrame},
		{"a*", "aa", OddPartFrame},
		{"a?", "a", OddPartFrame},
		{"(a)", "a", OddPartFrame},
		{"'a'", "a", OddPartFrame},
		{"a=b", "a", OddPartFrame},
		{"=a", "a", OddPartFrame},
		{"a/b", "A/B", OddPartFrame},
	} {
		body := cmp.Or(tc.body, tc.boundary)
		body = "--" + body + "\r\nContent-Disposition: form-data; name=\"call_limit\"\r\n\r\n5\r\n--" + body + "--\r\n"
		for _, declared := range []string{tc.boundary, `"` + tc.boundary + `"`} {
			want := tc.want
			if want == OddCharset && declared[0] == '"' {
				want = OddBoundary
			}
			t.Run(declared, func(t *testing.T) {
				testReadings(t, []reading{{query: valid, contentType: "multipart/form-data; boundary=" + declared, body: body, want: want}})
			})
		}
	}
}

// TestCharset has each charset with bodies in ASCII and beyond it.
func TestCharset(t *testing.T) {
	const head = "--b\r\nContent-Disposition: form-data; name=\"comment\"\r\n\r\n"
	types := []struct {
		name   string
		bodies []string // in ASCII; beyond it; beyond it once decoded
	}{
		{"application/x-www-form-urlencoded", []string{"x=%7f~y", "x=\u00e9", "x=%c3%a9"}},
		{"application/json", []string{`{"x":"\u007f\\u00e9\u0000"}`, `{"x":"` + "\u00e9" + `"}`, `{"x":"\u0080"}`, `{"\ud83d\ude00":1}`}},
		{"multipart/form-data; boundary=b", []string{head + "e%e9\r\n--b--", head + "\u00e9\r\n--b--"}},
	}
	charsets := []struct {
		param string
		want  [2]Reason // in ASCII, beyond it
	}{
		{";", [2]Reason{NoReason, NoReason}},
		{";;", [2]Reason{NoReason, NoReason}},
		{"; charset=utf-8;", [2]Reason{NoReason, NoReason}},
		{"; charset=utf8", [2]Reason{NoReason, NoReason}},
		{`;Charset="UTF8"`, [2]Reason{NoReason, NoReason}},
		{";charset=ISO-8859-1", [2]Reason{NoReason, OddCharset}}, // Spring's RestTemplate
		{"; charset=iso-8859-16", [2]Reason{NoReason, OddCharset}},
		{`; charset="us-ascii"`, [2]Reason{NoReason, OddCharset}},
		{"; charset=Windows-1252", [2]Reason{NoReason, OddCharset}}, // .NET's Encoding.Default
		{"; charset=windows-1258;", [2]Reason{NoReason, OddCharset}},

		{"; charset=iso-8859-12", [2]Reason{OddCharset, OddCharset}},
		{"; charset=iso-8859-17", [2]Reason{OddCharset, OddCharset}},
		{"; charset=iso-8859-01", [2]Reason{OddCharset, OddCharset}},
		{"; charset=windows-1259", [2]Reason{OddCharset, OddCharset}},
		{"; charset=windows-949", [2]Reason{OddCharset, OddCharset}},
		{"; charset=shift_jis", [2]Reason{OddCharset, OddCharset}},
		{"; charset=utf-7", [2]Reason{OddCharset, OddCharset}},
		{"; charset=utf-16", [2]Reason{OddCharset, OddCharset}},
		{"; charset=ibm037", [2]Reason{OddCharset, OddCharset}},
		{"; charset=", [2]Reason{OddCharset, OddCharset}},
		{"; charset", [2]Reason{OddCharset, OddCharset}},
		{"; charset='utf-8'", [2]Reason{OddCharset, OddCharset}},
		{"; charset = utf-8", [2]Reason{OddCharset, OddCharset}},
		{"; charset=utf-8; charset=utf-8", [2]Reason{OddCharset, OddCharset}},
		{"; charset=iso-8859-1; charset=utf-8", [2]Reason{OddCharset, OddCharset}},
		{"; charset=utf-8; charset=iso-8859-1", [2]Reason{OddCharset, OddCharset}},
		{";; charset=utf-8", [2]Reason{OddCharset, OddCharset}}, // an error in every release
		{"; ; charset=utf-8", [2]Reason{OddCharset, OddCharset}},
		{"; charset=utf-8,", [2]Reason{OddCharset, OddCharset}},
		{"; version=1", [2]Reason{OddCharset, OddCharset}},
	}
	for _, mt := range types {
		for _, cs := range charsets {
			t.Run(mt.name+cs.param, func(t *testing.T) {
				for i, body := range mt.bodies {
					testReadings(t, []reading{{query: valid, contentType: mt.name + cs.param, body: body, want: cs.want[min(i, 1)]}})
				}
			})
		}
	}
}

func TestHeaders(t *testing.T) {
	for _, tc := range []struct {
		name  string
		lines []string
		want  Reason
	}{
		{"Accept", []string{"text/html", "*/*"}, NoReason},
		{"X-Forwarded-For", []string{"1.2.3.4"}, NoReason},
		{"X_custom", []string{"x"}, NoReason},
		{"Content-Encoding", []string{"identity"}, NoReason},
		{"Content-Encoding", []string{""}, NoReason},
		{"Content-Encoding", []string{"UTF-8"}, NoReason},
		{"Content-Encoding", []string{"utf8"}, NoReason},
		{"Content-Encoding", []string{"ISO-8859-1"}, NoReason},
		{"Content-Encoding", []string{"utf-8, gzip"}, OddContentEncoding},
		{"Content-Encoding", []string{"utf-8", "gzip"}, OddContentEncoding},
		{"Content-Encoding", []string{"utf-16"}, OddContentEncoding},
		{"Content-Encoding", []string{"br"}, OddContentEncoding},
		{"Content-Encoding", []string{"none"}, OddContentEncoding},
		{"Content-Encoding", []string{"gzip"}, OddContentEncoding},
		{"Content-Encoding", []string{"identity", "gzip"}, OddContentEncoding},
		{"Content-Type", []string{"application/x-www-form-urlencoded", "application/json"}, OddHeaderRepeated},
		{"Content-Length", []string{"3", "3"}, OddHeaderRepeated},
		{"Connection", []string{"keep-alive, Upgrade, HTTP2-Settings", "close", "TE,"}, NoReason},
		{"Connection", []string{"Content-Type"}, OddConnection},
		{"Connection", []string{"close", "keep-alive , content-length"}, OddConnection},
		{"Connection", []string{"close; Content-Type"}, OddConnection},
		{"Connection", []string{"X-Not-There"}, OddConnection}, // the site may add it
		{"Upgrade", []string{"websocket"}, OddUpgrade},
		{"X-Http-Method-Override", []string{""}, OddHeaderOverride},
		{"X-Post-Data-Format", []string{"xml"}, OddHeaderOverride},
		{"X-Method-Override", []string{"PUT"}, OddHeaderOverride},
		{"X-Http-Method", []string{"PUT"}, OddHeaderOverride},
		{"X-Original-Url", []string{"/"}, NoReason},
		{"X_http_method_override", []string{"PUT"}, OddHeaderName},
		{"X-Http_method-Override", []string{"PUT"}, OddHeaderName},
		{"Content_type", []string{"text/plain"}, OddHeaderName},
		{"Content_length", []string{"0"}, OddHeaderName},
		{"Transfer_encoding", []string{"chunked"}, OddHeaderName},
		{"Content.type", []string{"text/plain"}, OddHeaderName},
		{"!~passenger", []string{""}, OddHeaderName},
	} {
		r := newRequest("POST", valid, "", "x=y")
		r.Header[tc.name] = tc.lines
		got := check(testPolicy(), r, "x=y")
		if r.Oddity().Reason != tc.want || (tc.want == NoReason) != (got == Accepted) {
			t.Errorf("%s: %q: got %v %q, want %q", tc.name, tc.lines, got, r.Oddity(), tc.want)
		}
	}
}

// TestRestOfTheSurface has what is told to the reader beside the header.
func TestRestOfTheSurface(t *testing.T) {
	for _, tc := range []struct {
		edit func(*Request)
		body string
		want Reason
	}{
		{func(r *Request) {}, "", NoReason},
		{func(r *Request) { r.Trailer = true }, "", OddTrailer},
		{func(r *Request) { r.Opaque = true }, "", OddTarget},
		{func(r *Request) { r.Method = "GET" }, "", NoReason},
		{func(r *Request) { r.Method = "GET" }, "x", OddBodyOfGet},
		{func(r *Request) { r.Length = -1 }, "x=y", NoReason},
	} {
		p := testPolicy()
		p.AllowGet = true
		r := newRequest("POST", valid, "", tc.body)
		tc.edit(r)
		got := check(p, r, tc.body)
		if r.Oddity().Reason != tc.want || (tc.want == NoReason) != (got == Accepted) {
			t.Errorf("got %v %q, want %q", got, r.Oddity(), tc.want)
		}
	}
}

// TestReasons makes sure that each rule has a text, and that the tests above
// and this one know all of them.
func TestReasons(t *testing.T) {
	for r := NoReason + 1; r < numReasons; r++ {
		if r.String() == "" {
			t.Errorf("rule %d has no text", r)
		}
		if s := fmt.Sprint(Oddity{r, InForm, CallLimit}); s != "form: call_limit: "+r.String() {
			t.Errorf("oddity reads %q", s)
		}
	}
}

// TestValues makes sure that values don't run into each other, however long.
func TestValues(t *testing.T) {
	long := strings.Repeat("%41b", 5000)
	r := newRequest("POST", "u="+long+"&did_id=1&grace_time="+long+"x", "", "hash=h&call_limit=2")
	check(testPolicy(), r, "hash=h&call_limit=2")
	plain := strings.Repeat("Ab", 5000)
	for n, want := range map[Name]string{User: plain, DidID: "1", GraceTime: plain + "x", Hash: "h", CallLimit: "2", ActiveFrom: ""} {
		if got, _ := r.Value(n); string(got) != want {
			t.Errorf("%v: got %.20q, want %.20q", n, got, want)
		}
	}
	if r.Source(User) != InQuery || r.Source(Hash) != InForm {
		t.Errorf("sources: %v, %v", r.Source(User), r.Source(Hash))
	}
}

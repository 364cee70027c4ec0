package validation

import (
	"fmt"
	"strings"
	"testing"
)

// shape is how a client writes a body.
type shape struct {
	client      string
	contentType string
	write       func(params [][2]string) string
	header      [2]string // one more line
}

// form writes a form.
func form(params [][2]string) string {
	var pairs []string
	for _, p := range params {
		pairs = append(pairs, p[0]+"="+p[1])
	}
	return strings.Join(pairs, "&")
}

// object writes JSON. Values that are numbers are numbers in it.
func object(params [][2]string) string {
	var members []string
	for _, p := range params {
		val := p[1]
		if strings.Trim(val, "0123456789-") != "" || len(val) == 40 {
			val = `"` + val + `"`
		}
		members = append(members, `"`+p[0]+`": `+val)
	}
	return "{" + strings.Join(members, ", ") + "}"
}

// parts writes multipart. In the lines of a head NAME is the name, LENGTH the
// value's length.
func parts(boundary, end string, head ...string) func([][2]string) string {
	return func(params [][2]string) string {
		var b strings.Builder
		for _, p := range params {
			fmt.Fprintf(&b, "--%s\r\n", boundary)
			for _, line := range head {
				line = strings.ReplaceAll(line, "LENGTH", fmt.Sprint(len(p[1])))
				b.WriteString(strings.ReplaceAll(line, "NAME", p[0]) + "\r\n")
			}
			fmt.Fprintf(&b, "\r\n%s\r\n", p[1])
		}
		return b.String() + "--" + boundary + "--" + end
	}
}

const (
	quotedName = `Content-Disposition: form-data; name="NAME"`
	bareName   = `Content-Disposition: form-data; name=NAME`
	crlf       = "\r\n"
)

// multipart is the shape of a client that declares the boundary as it is.
func multipart(client, boundary, end string, head ...string) shape {
	return shape{client: client, contentType: "multipart/form-data; boundary=" + boundary, write: parts(strings.Trim(boundary, `"`), end, head...)}
}

var shapes = []shape{
	// Multipart, by the boundary and the heads of the parts.
	multipart("curl", "------------------------d74496d66958873e", crlf, quotedName),
	multipart("Chrome", "----WebKitFormBoundary7MA4YWxkTrZu0gW", crlf, quotedName),
	multipart("Firefox", "---------------------------9051914041544843365972754266", crlf, quotedName),
	multipart("Qt", `"boundary_.oOo._SDKY3AU6/g5fNhIxl/XpFEqtyLTwOoXB"`, crlf, quotedName),
	multipart("Qt, no slash this time", `"boundary_.oOo._SDKY3AU6g5fNhIxlXpFEqtyLTwOoXB++"`, crlf, quotedName),
	multipart("Symfony HttpClient", `"_=_symfony_1579722514_dac69a39_=_"`, crlf,
		"Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", quotedName),
	multipart("Swift Mailer's boundary", `"_=_swift_v4_1579722514_dac69a39_=_"`, crlf, quotedName),
	multipart("Java, MultipartUtility", "===1616056691487===", crlf, quotedName, "Content-Type: text/plain; charset=UTF-8"),
	multipart("Java, JavaMail", `"----=_Part_0_1330608.1616056691487"`, crlf, quotedName),
	multipart("Java, Apache HttpClient 4", "k3J8sPq2Zt_7-LxAnXv0", crlf, quotedName, "Content-Type: text/plain; charset=ISO-8859-1", "Content-Transfer-Encoding: 8bit"),
	{
		client: "Java, Apache HttpClient 5", contentType: "multipart/form-data; charset=ISO-8859-1; boundary=httpclient_boundary_3b2d0f57-1c6b-4a8e",
		write: parts("httpclient_boundary_3b2d0f57-1c6b-4a8e", crlf, quotedName, "Content-Type: text/plain; charset=ISO-8859-1"),
	},
	{
		client: "Java, Spring's RestTemplate", contentType: "multipart/form-data;charset=UTF-8;boundary=oEnU2xw_9kzPz-Yq1R",
		write: parts("oEnU2xw_9kzPz-Yq1R", crlf, quotedName, "Content-Type: text/plain;charset=UTF-8", "Content-Length: LENGTH"),
	},
	multipart("Java, OkHttp", "3b2d0f57-1c6b-4a8e-9d2f-0f4b3f0e5a10", crlf, quotedName, "Content-Length: LENGTH"),
	multipart("Java, AsyncHttpClient", "0Zt_7-LxAnXv0k3J8sPq2", crlf, quotedName, "Content-Type: text/plain; charset=UTF-8"),
	multipart("Android, Volley", "apiclient-1616056691487", crlf, quotedName),
	{client: "Android, HttpURLConnection", contentType: "multipart/form-data;boundary=*****", write: parts("*****", crlf, quotedName)},
	multipart("Android, Retrofit 1", "3b2d0f57-1c6b-4a8e-9d2f-0f4b3f0e5a10", crlf, quotedName,
		"Content-Type: text/plain; charset=UTF-8", "Content-Length: LENGTH", "Content-Transfer-Encoding: binary"),
	multipart(".NET, HttpClient", `"9f1c2f4e-7a54-4d0e-8a43-4d4c6f0f7c11"`, crlf, "Content-Type: text/plain; charset=utf-8", bareName),
	multipart(".NET, HttpClient, names quoted", `"9f1c2f4e-7a54-4d0e-8a43-4d4c6f0f7c11"`, crlf, "Content-Type: text/plain; charset=utf-8", quotedName),
	multipart(".NET, RestSharp", "-----------------------------28947758029299", crlf, quotedName),
	multipart(".NET, WebClient", "---------------------8d7f2a3b4c5d6e7", crlf, quotedName),
	multipart("JavaScript, form-data (axios, Postman)", "--------------------------502839127046283412350912", crlf, quotedName),
	multipart("JavaScript, undici (Node's fetch)", "----formdata-undici-043286452721", crlf, quotedName),
	multipart("JavaScript, axios with FormData", "axios-1.7.2-boundary-Zt_7LxAnXv0k3J8sPq2-abcde", crlf+crlf, quotedName),
	multipart("JavaScript, form-data-encoder (got)", "form-data-boundary-7y2h1k0q9s8d7f6g", crlf+crlf, quotedName),
	multipart("Insomnia", "X-INSOMNIA-BOUNDARY", crlf, quotedName),
	multipart("Python, requests", "5f8b6e0c2a7d4f1e9c3b5f8b6e0c2a7d", crlf, quotedName),
	multipart("Python, aiohttp", "5f8b6e0c2a7d4f1e9c3b5f8b6e0c2a7d", crlf, "Content-Type: text/plain; charset=utf-8", quotedName),
	multipart("Python, email", `"===============7330845974216740156=="`, crlf, quotedName),
	multipart("Go", "0f8a2c1d4b6e9f7a3c5d8e1b2a4f6c7d9e0b1a2c3d4e5f60718293a4b5c6", crlf, quotedName),
	multipart("PHP, Guzzle", "6d1b3c6c5f0a9e5f1d7f4e2a8b9c0d1e2f3a4b5c", crlf, quotedName, "Content-Length: LENGTH"),
	multipart("PHP, WordPress plugins", "Xy3kQ9vLm2Rb7Tz1", crlf, quotedName),
	{
		client: "Delphi, Indy", contentType: "multipart/form-data;boundary=--------061924103740983",
		write: parts("--------061924103740983", crlf, quotedName, `Content-Type: text/plain; charset="utf-8"`, "Content-Transfer-Encoding: 8bit"),
	},
	multipart("VBScript, WinHttp", "---------------------------0123456789012", crlf, quotedName),
	multipart("Perl, LWP", "xYzZY", crlf, quotedName),
	multipart("Ruby, HTTParty", "------------------------a1B2c3D4e5F6g7H8", crlf, quotedName),
	multipart("Ruby, Faraday", "-----------RubyMultipartPost-7c1b2a3d4e5f", crlf, quotedName, "Content-Type: text/plain; charset=UTF-8"),
	multipart("Ruby, rest-client", "----RubyFormBoundaryAbCdEfGhIjKlMnOp", crlf, quotedName),
	multipart("Dart, http", "dart-http-boundary-Kz+_.0aB-cD1eF2gH3iJ4kL5mN6oP7qR8sT9uV", crlf, `content-disposition: form-data; name="NAME"`),
	multipart("Dart, dio", "--dio-boundary-0123456789", crlf, `content-disposition: form-data; name="NAME"`),
	multipart("Swift, Alamofire", "alamofire.boundary.4d5e6f7a8b9c0d1e", crlf, quotedName),
	multipart("Swift, by hand", "Boundary-3B2D0F57-1C6B-4A8E-9D2F-0F4B3F0E5A10", crlf, quotedName),
	multipart("R, httr", "------------------------0a1b2c3d4e5f6a7b", crlf, quotedName),
	multipart("Lua, by hand", "----=_1616056691487", crlf, quotedName),
	multipart("SoapUI", `"----=_Part_3_12704072.1616056691487"`, crlf, quotedName),
	multipart("no line end at the end", "b", "", quotedName),

	// Forms and JSON, by the type.
	{client: "no type", write: form},
	{client: "jQuery", contentType: "application/x-www-form-urlencoded; charset=UTF-8", write: form},
	{client: "MSXML2.XMLHTTP", contentType: "application/x-www-form-urlencoded; Charset=UTF-8", write: form},
	{client: "Apache HttpClient 4, form", contentType: "application/x-www-form-urlencoded; charset=ISO-8859-1", write: form},
	{client: "UrlEncodedFormEntity in windows-1251", contentType: "application/x-www-form-urlencoded; charset=windows-1251", write: form},
	{client: "PHP by hand, form", contentType: "application/x-www-form-urlencoded;charset=utf8", write: form},
	{client: "an empty parameter, form", contentType: "application/x-www-form-urlencoded;", write: form},
	{client: "an empty parameter", contentType: "application/json;", write: object},
	{client: "an empty parameter after another", contentType: "application/json; charset=utf-8;", write: object},
	{client: "utf8", contentType: "application/json; charset=utf8", write: object},
	{client: "Spring's RestTemplate, a string", contentType: "application/json;charset=ISO-8859-1", write: object},
	{client: ".NET, StringContent with Encoding.Default", contentType: "application/json; charset=Windows-1252", write: object},
	{client: ".NET, StringContent with Encoding.ASCII", contentType: "application/json; charset=us-ascii", write: object},
	{client: "Content-Encoding names the charset", contentType: "application/json", write: object, header: [2]string{"Content-Encoding", "UTF-8"}},
	{client: "Content-Encoding names the charset, form", contentType: "application/x-www-form-urlencoded", write: form, header: [2]string{"Content-Encoding", "utf-8"}},
	{client: "Perl, LWP, connection", contentType: "application/json", write: object, header: [2]string{"Connection", "TE, close"}},
	{client: "Ruby, HTTPClient, connection", contentType: "application/json", write: object, header: [2]string{"Connection", "Keep-Alive"}},
}

// TestClients sends the seed's example as each client does, which is accepted
// with these values, and what is forged in the same shape, which is refused.
func TestClients(t *testing.T) {
	update := func(name, val string) [][2]string {
		ps := [][2]string{{"u", "admin"}, {"did_id", "6511"}, {"call_limit", "999"}, {"hash", seedHash}}
		for i := range ps {
			if ps[i][0] == name {
				ps[i][1] = val
			}
		}
		return ps
	}
	for _, tc := range []struct {
		name   string
		params [][2]string
		want   Verdict
	}{
		{"right", update("", ""), Accepted},
		{"forged limit", update("call_limit", "-5"), CallLimitFormat},
		{"forged DID", update("did_id", "6512"), IncorrectHash},
		{"forged hash", update("hash", strings.Repeat("0", 40)), IncorrectHash},
		{"second limit", append(update("", ""), [2]string{"call_limit", "1000"}), Ambiguous},
		{"method", append(update("", ""), [2]string{"_method", "put"}), Ambiguous},
	} {
		for _, s := range shapes {
			t.Run(s.client+"/"+tc.name, func(t *testing.T) {
				body := s.write(tc.params)
				r := newRequest("POST", "", s.contentType, body)
				if s.header[0] != "" {
					r.Header[s.header[0]] = []string{s.header[1]}
				}
				if got := check(testPolicy(), r, body); got != tc.want {
					t.Fatalf("got %v (%s), want %v\n%s", got, r.Oddity(), tc.want, body)
				}
				for _, p := range tc.params {
					if got, _ := r.Value(nameOf([]byte(p[0]))); tc.want == Accepted && string(got) != p[1] {
						t.Errorf("%s is read as %q, want %q", p[0], got, p[1])
					}
				}
			})
		}
	}
}

// TestHidden puts a forged part into the value of another one, framed by what
// a careless reader may take for the boundary.
func TestHidden(t *testing.T) {
	for _, s := range shapes {
		_, boundary, is := strings.Cut(s.contentType, "boundary=")
		if !is {
			continue
		}
		boundary = strings.Trim(boundary, `"`)
		for _, inside := range []string{boundary, boundary + " ", boundary + "x", boundary + "--"} {
			for _, before := range []string{"x\r\n--", "x\n--", "x--", "--"} {
				t.Run(s.client+"/"+before+inside, func(t *testing.T) {
					body := s.write([][2]string{{"comment", before + inside + "\r\n" + strings.Replace(quotedName, "NAME", "call_limit", 1) + "\r\n\r\n-5"}})
					r := newRequest("POST", valid, s.contentType, body)
					if got := check(testPolicy(), r, body); got == Accepted {
						t.Errorf("accepted\n%s", body)
					}
				})
			}
		}
	}
}

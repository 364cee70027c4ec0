package proof

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Mutations of the request line, the header and the framing, and of plain bytes.

func (g generator) remethod(d *draft) {
	d.method = pick(g, "GET", "GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "post", "Post", "get", "TRACE", "FOO", "PROPFIND", "POST")
}

func (g generator) repath(d *draft) {
	const name = "did_details_update"
	switch g.IntN(13) {
	case 0:
		d.path = strings.ReplaceAll(d.path, "/", pick(g, "//", "/./", "/x/../", "/%2e/", "/x/%2e%2e/", "/%2e%2E/", "///"))
	case 1:
		d.path = strings.Replace(d.path, name, g.percent(name, 40), 1)
	case 2:
		d.path = strings.Replace(d.path, "/"+name, pick(g, "%2F", "%2f", "%5C", "\\", "/%2F", ";/", "/;x/", "%00/", "/%20", "%252F")+name, 1)
	case 3:
		d.path += pick(g, "/5", ".json", ".a.b", "%2Exml", "/", "//", "/.", "/x/..", ";x=1", "%00", "%0A", "%20", "%3B", ".", "/5.xml", "%2F", "%23", "%3F", "/5/6", ",x", "%FF", "~", ":x", "(.xml)", "%2e", "%09", "!")
	case 4:
		d.path = strings.Replace(d.path, "/api/", pick(g, "/API/", "/Api/", "/%61pi/", "/api;x/", "/apI/", "/api./", "/ api/", "/api%20/"), 1)
	case 5:
		d.path = strings.Replace(d.path, "/billing", pick(g, "", "/BILLING", "/mor/billing", "/billing/x", "/billing/..", "/billing;x"), 1)
	case 6:
		d.path = pick(g, "http://mor.example", "http://mor.example:80", "http://x:y@mor.example", "https://mor.example", "//mor.example", "http:", "*") + d.path
	case 7:
		d.path = strings.Replace(g.percent(d.path, 30), "%2F", "/", 1)
	case 8:
		d.path = strings.ReplaceAll(g.percent(d.path, 10), "%", "%25")
	case 9:
		d.path = strings.Replace(d.path, name, pick(g, "DID_DETAILS_UPDATE", "Did_details_update", "did_details_update_", "x"+name, name+"x", "other"), 1)
	case 10:
		d.path += pick(g, "#", "#x", "?", "%3F", "?x#")
	case 11:
		d.path = pick(g, "/x%0Aa://b", "/x%0Aa://b?", "/x%250Aa://b?", "/%0A", "/x%0D%0A", "/x%3F", "/\t", "/%00") + d.path
	case 12:
		d.path = pick(g, "x:", "x:http://mor.example", "x:http://b?", "x:http://b%3F", "http:b?", "x:/y?", "x:/%0Aa://b?") + d.path
	}
}

// header adds a line that may change the reading, or what arrives.
func (g generator) header(d *draft) {
	line := pick(g,
		"X-HTTP-Method-Override: PUT", "x-http-method-override: get", "X_HTTP_METHOD_OVERRIDE: PUT", "X-HTTP-Method-Override:", "X-HTTP-Method-Override : PUT", "X-HTTP_Method-Override: HEAD",
		"X-Method-Override: PUT", "X-HTTP-Method: PUT", "X-Post-Data-Format: xml", "X_Post_Data_Format: xml", "X-Post-Data-Format: yaml",
		"Content-Encoding: gzip", "Content-Encoding: identity", "Content-Encoding:", "Content-Encoding: deflate, identity", "Content_Type: application/json", "Content_Length: 1", "Transfer_Encoding: chunked",
		"Connection: close", "Connection: Content-Type", "Connection: close, Content-Type", "Connection: content-length", "Connection: X-HTTP-Method-Override", "Connection: Transfer-Encoding", "Connection: ,", "Connection: Host",
		"Connection: Upgrade\r\nUpgrade: h2c", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk", "Connection: upgrade\r\nUpgrade: websocket", "Connection: upgrade\r\nUpgrade: websocket, h2c",
		"Connection: upgrade\r\nUpgrade: TLS/1.0", "Connection: upgrade\r\nUpgrade: WebSocket\r\nUpgrade: h2c", "Upgrade: h2c", "Connection: Upgrade",
		"Expect: 100-continue", "Expect: x", "TE: trailers", "TE: chunked", "Trailer: Content-Type", "Trailer: X-HTTP-Method-Override",
		"X-Original-URL: /billing/api/did_details_update", "X-Rewrite-URL: /billing/api/did_details_update", "X-Forwarded-Prefix: /x", "X-Forwarded-Host: other", "X-Forwarded-Proto: https", "Forwarded: for=1",
		"Cookie: call_limit=-5", "Query-String: call_limit=-5", "Request-Method: PUT", "Proxy-Connection: Content-Type", "Keep-Alive: Content-Type", "Content-Type : application/json", "X: a\x00b", "X: \xff", "X\tY: z", " X: y", "X: a\r\n Content-Type: application/json", "Content-Location: x", "Content-Disposition: form-data", "Content-Transfer-Encoding: base64", "Range: bytes=0-1", "If-None-Match: *",
	)
	at := g.IntN(len(d.headers) + 1)
	d.headers = append(d.headers[:at:at], append([]string{line}, d.headers[at:]...)...)
	d.odd = true
}

// reframe lets the body begin and end elsewhere for some.
func (g generator) reframe(d *draft) {
	const hidden = "POST /billing/api/did_details_update?u=admin&did_id=6511&hash=x HTTP/1.1\r\nHost: mor.example\r\n\r\n"
	n := func(body []byte, by int) string { return fmt.Sprintf("Content-Length: %d", max(0, len(body)+by)) }
	chunk := func(body []byte) string { return fmt.Sprintf("%x\r\n%s\r\n", len(body), body) }
	by := pick(g, -1, 1, -5, 5, 100, -100)
	way := g.IntN(12)
	lines := pick(g, []string{"Transfer-Encoding: identity"}, []string{"Transfer-Encoding: gzip, chunked"}, []string{"Transfer-Encoding: xchunked"}, []string{"Transfer-Encoding: chunked", "Transfer-Encoding: x"},
		[]string{"Transfer-Encoding:\x0bchunked"}, []string{"Transfer-Encoding : chunked"}, []string{"transfer-encoding: Chunked"}, []string{"Transfer-Encoding: chunked, identity"}, []string{"Transfer-Encoding:chunked;x"})
	size := pick(g, "0x%x", "+%x", "%x;x=y", "%x ", "00%x", "%x\n", " %x", "%x;\n", "-%x", "%X\r")
	trailer := pick(g, "Content-Type: application/json", "X-HTTP-Method-Override: PUT", "X: y", "Content-Length: 5", "x")
	sign := pick(g, "Content-Length: +", "Content-Length: 0x", "Content-Length:\t", "Content-Length: -")
	d.odd = true
	d.framing = func(body []byte) ([]string, []byte) {
		switch way {
		case 0:
			return []string{n(body, by)}, body
		case 1:
			return []string{n(body, 0), n(body, by)}, body
		case 2:
			return []string{n(body, 0), "Transfer-Encoding: chunked"}, []byte(chunk(body) + "0\r\n\r\n")
		case 3:
			return []string{"Content-Length: 4", "Transfer-Encoding: chunked"}, []byte("0\r\n\r\n" + hidden)
		case 4:
			return lines, []byte(chunk(body) + "0\r\n\r\n")
		case 5:
			return append(lines, n(body, 0)), body
		case 6:
			return []string{"Transfer-Encoding: chunked"}, fmt.Appendf(nil, size+"\r\n%s\r\n0\r\n\r\n", len(body), body)
		case 7:
			return []string{"Transfer-Encoding: chunked", "Trailer: X-HTTP-Method-Override"}, []byte(chunk(body) + "0\r\n" + trailer + "\r\n\r\n")
		case 8:
			return []string{"Content-Length: 0"}, append(body, hidden...)
		case 9:
			return []string{n(body, 0)}, append(body, hidden...)
		case 10:
			return []string{sign + strconv.Itoa(len(body))}, body
		}
		return nil, body
	}
}

var fragments = []string{
	"&", ";", "=", "[", "]", "%00", "\x00", "\r\n", "\n", "\r", " ", "\t", `"`, `\`, "%5B", "call_limit", "call_limit=-5", "&call_limit=-5", ";call_limit=-5", "[call_limit]=-5&", "--b", "_method=put",
	",", ":", "{", "}", "null", "\xff", "\xef\xbb\xbf", "#", "?", "/", "..", "%2e", "chunked", "Content-Type: ", "\x0b", "\x7f", "%", "%zz", "+", "'", "<", `"call_limit":-5,`, "u=", "&u=", "\r\n\r\n", "é",
}

// garble changes a few bytes of the body, or of the head.
func (g generator) garble(d *draft) {
	if body := d.bodyBytes(); len(body) > 0 && g.chance(70) {
		for range 1 + g.IntN(3) {
			body = g.garbled(body)
		}
		d.kind, d.raw = rawBody, string(body)
		return
	}
	d.odd = true
	switch g.IntN(3) {
	case 0:
		d.path = string(g.garbled([]byte(d.path)))
	case 1:
		if len(d.query) > 0 {
			d.query = []pair{{name: string(g.garbled([]byte(joined(d.query)))), bare: true}}
		}
	case 2:
		i := g.IntN(len(d.headers))
		d.headers[i] = string(g.garbled([]byte(d.headers[i])))
	}
}

func (g generator) garbled(text []byte) []byte {
	if len(text) == 0 {
		return []byte(pick(g, fragments...))
	}
	at := g.IntN(len(text))
	switch g.IntN(5) {
	case 0:
		text = bytes.Clone(text)
		text[at] = byte(g.IntN(256))
		return text
	case 1:
		return append(bytes.Clone(text[:at]), text[at+1:]...)
	case 2: // a piece twice
		end := min(len(text), at+1+g.IntN(20))
		return bytes.Join([][]byte{text[:end], text[at:]}, nil)
	case 3: // a piece less
		end := min(len(text), at+1+g.IntN(10))
		return append(bytes.Clone(text[:at]), text[end:]...)
	}
	return bytes.Join([][]byte{text[:at], text[at:]}, []byte(pick(g, fragments...)))
}

// splice puts a piece of another request into this one.
func (g generator) splice(d *draft) {
	other := g.draft(g.values())
	switch g.IntN(4) {
	case 0:
		d.kind, d.raw = rawBody, string(other.bodyBytes())
	case 1:
		mine, others := d.bodyBytes(), other.bodyBytes()
		d.kind, d.raw = rawBody, string(mine[:len(mine)/2])+string(others[len(others)/2:])
	case 2:
		d.types = other.types
	case 3:
		d.query = append(d.query, other.query...)
	}
}

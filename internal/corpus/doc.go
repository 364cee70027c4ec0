// Package corpus reads named HTTP requests, with what a MOR gateway must do with each, from text files.
//
// A file is a list of cases. Lines before the first case, and lines that start with "#" before a case's
// header, are comments. A case is a header and a request:
//
//	-- hash/upper-case digits | refused: Incorrect hash
//	POST $(action)?u=admin&did_id=6511
//	Content-Type: application/x-www-form-urlencoded
//
//	hash=$(SHA1 6511secret)
//
// The header is the case's name, what must happen, and options:
//
//	accepted          a plain valid request: the action runs and sees what it would see without the gateway
//	forwarded         not for the action, and none of the gateway's business: it reaches MOR
//	refused           the action does not run
//	refused: X        the same, and the answer is X: a status other than 200, or MOR's message
//	either            odd but valid, or not decidable: whatever happens, the contract must hold
//
//	site=NAME         the gateway's configuration, main unless said
//	form, json        the text is the body of a POST to the action, with that type
//	multipart         and so here, with the boundary b
//	chunked           the body is sent in chunks of 16 bytes
//	open              the client stops sending after the request, which may be incomplete
//	raw               nothing is added to the request
//
// Line ends are CRLF in the request. The head ends at the first empty line; the body is what follows,
// without the empty lines at its end. Unless the case is raw, " HTTP/1.1" is added to a first line that
// does not have it, and so are a Host line and, where there is a body, a Content-Length line if the case
// has none of its own; a runner's own lines come at the end of the head. In a raw case they
// replace $(headers).
//
// Placeholders: $(action) the path of the action; $(hash) the hash of the documentation's example, and
// that example's required parameters as a query, $(ok), as members of a JSON object, $(json), and as
// multipart parts with the boundary b, $(parts); $(part NAME VALUE) one more such part; $(sha1 TEXT),
// $(SHA1 TEXT), $(md5 TEXT), $(sha256 TEXT) digests in hexadecimal, of letters in the case of the name;
// $(hex 0d 0a) bytes; $(crlf), $(cr), $(lf), $(tab), $(nul), $(sp); $(repeat 3 TEXT).
package corpus

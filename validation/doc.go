// Package validation decides whether a request for MOR's API method
// did_details_update may reach MOR. It takes bytes and gives a Verdict; it
// knows nothing of Caddy, logs or clocks.
//
// MOR is a Rails application, so the parameters are what Rails reads. Releases
// of Rack and Rails read differently, so this package accepts only requests
// that all of them read the same way. The grammar below is everything that it
// accepts. A request that breaks a rule is refused with the Reason: status
// 415 for OddMediaType, OddCharset, OddBoundary and OddContentEncoding, 400
// for all others.
//
// # Notation
//
// "x" is that text, 'x' that text in any case of ASCII's letters, *x any
// number of x, +x at least one, [x] perhaps one, a..b a range of bytes, x - y
// an x that is not a y.
//
//	SP     = %x20
//	HT     = %x09
//	ows    = *(SP | HT)
//	CRLF   = %x0D %x0A
//	CTL    = %x00..%x1F | %x7F
//	HEX    = 0..9 | A..F | a..f
//	wordch = A..Z | a..z | 0..9 | "_" | "-"
//
// # Names
//
// The guarded parameters are
//
//	guarded = "u" | "did_id" | "hash" | "call_limit" | "did_user_id" | "active_from"
//	        | "active_till" | "grace_time" | "_method"
//
// All others are data. Rack drops brackets around the first word of a name,
// some servers drop blanks there, and Rack::UTF8Sanitizer can remove NULs
// from it:
//
//	mistaken = *(cut | SP) guarded *SP [cut *any]  - guarded
//	cut      = "[" | "]" | "=" (encoded) | CTL
//
//	a mistaken name in a query, form or multipart body          OddName
//	_method, anywhere                                            OddMethodParam
//	a guarded name twice with different values, null counting
//	  as one, in one place or in query and body                  OddRepeated
//	CTL in the value of u, did_user_id or grace_time             OddControl
//	one of these three in quotes, but not in JSON                OddQuoted
//
// In JSON brackets have no meaning, so there only guarded itself counts.
//
// # Target
//
//	path = *(wordch | "/" | "." | "~")      decoded              OddPath
//	target = path ["?" query] | an address with both             OddTarget
//
// The path is the action's if did_details_update is in it, between bytes that
// are not wordch, however the path is decoded: see IsAction.
//
// # Query, and bodies of formatForm
//
//	a body does not begin with a byte order mark               OddByteOrderMark
//	query   = form - (*any (SP | "#" | CTL) *any)                OddQueryByte
//	form    = pair *("&" pair)
//	pair    = text ["=" *any]       name and value, around the first "="
//	guarded without "="                                          OddNoValue
//	"%" HEX HEX and nothing else after "%"                       OddEscape
//	each name, and each value, is UTF-8 when decoded             OddUTF8
//
// "+" is a space. A raw ";" is a byte like any other unless its pair has a
// guarded or mistaken name: as the pair's own name, or as the name of a piece
// between two ";"                                         OddSemicolon
//
// # Header lines
//
//	Connection: each option 'close', 'keep-alive', 'te', 'upgrade',
//	  'http2-settings' or empty                                  OddConnection
//	Content-Type, Content-Length, Content-Encoding: one line     OddHeaderRepeated
//	Upgrade: none                                                OddUpgrade
//	X-HTTP-Method-Override, X-HTTP-Method, X-Method-Override,
//	  X-Post-Data-Format: none                                   OddHeaderOverride
//	name = +wordch, and with "_" read as "-" none of those above
//	  (or Transfer-Encoding, Host) but as it is spelled there    OddHeaderName
//	no trailers are declared                                     OddTrailer
//
// # Type of the body
//
// It counts if the request has a body. A GET has none           OddBodyOfGet
//
//	Content-Encoding = "" | 'identity' | utf | ascii             OddContentEncoding
//	Content-Type = "" | type *(";" ows parameter) *";"; or no line
//	type      = 'application/x-www-form-urlencoded' ows          formatForm, as is no type
//	          | 'application/json' ows                           formatJSON
//	          | "multipart/form-data" ows                        formatMultipart
//	            any other type                                   OddMediaType
//	parameter = 'charset' "=" (charset | DQUOTE charset DQUOTE)  at most once
//	          | "boundary" "=" (boundary | DQUOTE boundary DQUOTE)
//	            any other parameter                              OddCharset
//	charset   = utf | ascii         after ascii all of the body is ASCII: as it
//	            is, in a form also with %XX decoded, in JSON also with \uXXXX
//	            decoded, whatever it means                       OddCharset
//	utf       = 'utf-8' | 'utf8'
//	ascii     = 'us-ascii' | 'iso-8859-' (1..11 | 13..16) | 'windows-' (1250..1258)
//	boundary  = 1 to 70 of (A..Z | a..z | 0..9 | "'" | "(" | ")" | "+" | "_" | "-"
//	            | "." | "/" | ":" | "=" | "?" | "*") without 'boundary=' in it;
//	            with multipart exactly once, else never          OddBoundary
//
// # Bodies of formatJSON
//
// JSON is RFC 8259's, with nothing added                        OddJSONSyntax
//
//	root is an object                                            OddJSONRoot
//	at most 100 arrays and objects are open at once              OddJSONDepth
//	strings are UTF-8, and \u surrogates come in pairs           OddUTF8
//	a guarded member of the root = string | integer | "null"     OddJSONType
//	integer = "0" | ["-"] (1..9) *(0..9)
//
// # Bodies of formatMultipart
//
//	body      = [CRLF] +("--" boundary CRLF part CRLF) "--" boundary "--" [CRLF [CRLF]]
//	            "--" boundary is nowhere else                    OddPartFrame
//	part      = +(line CRLF) CRLF value
//	line      = disposition | type | encoding | length           OddPartHeader
//	            each at most once, disposition exactly once; if its name is bare,
//	            it is the last one
//	disposition = 'Content-Disposition:' [SP] 'form-data' "; name=" name [file]
//	name      = DQUOTE +(namech | SP) DQUOTE | +tokench  (bare)  OddPartName
//	tokench   = wordch | "."
//	namech    = tokench | "[" | "]"
//	file      = *SP ";" *SP 'filename=' (DQUOTE *(filech | SP) DQUOTE | +tokench)
//	filech    = namech | "(" | ")"                               OddPartName
//	            never on a guarded or mistaken name              OddPartFile
//	type      = 'Content-Type:' [SP] (plain | any) [*SP ";" *SP 'charset=' charset]
//	plain     = 'text/plain'
//	any       = *(wordch | "/" | "." | "+")       with file only
//	            here the charset is 'utf-8', 'us-ascii' or 'iso-8859-1', in
//	            quotes or not; with the last two the value is ASCII
//	encoding  = 'Content-Transfer-Encoding:' [SP] ('7bit' | '8bit' | 'binary')
//	                                                             OddPartType
//	length    = 'Content-Length:' [SP] +(0..9)
//	value     = UTF-8, but with file                             OddUTF8
//
// Everything else in a part is refused. Releases of Rack read it differently:
//
//	a further line with a disposition in its value: Rack before 3.1.16 takes
//	  the name from there if it comes first
//	";name=" without the space: no name to Rack before 2.1
//	a tab before the name: no name to Rack 0.9.1
//	NAME=: no name since Rack 3.1.0
//	a quote or ";" in a name: Rack 1 ends it there; a backslash: Rack 2 drops it
//	a bare name before another line: Rack 1 goes on to the next quote or ";"
//	filename*: a file since Rack 2.0, no file before
//	a value with a type: a file to Rack 1.0 to 1.2, text/plain too, which is
//	  neither a number nor a hash then
//	an empty type: an error since Rack 1.6
//	a charset unknown to Ruby, utf8 among them: an error in Rack 1.6 to 2.2
//
// No release decodes base64 or quoted-printable, but readers of mail do.
//
// # Order
//
// Policy.Judge reads the method, the declared length, the type of the body, the
// target, query and header lines, and the body; then it goes through Rules. A
// parameter in the query wins over one in the body, as in Rails, but the two are
// the same then.
package validation

package validation

// Reason names the rule of the grammar (see the package documentation) that a
// request breaks. Such a request is refused before the contract's table is
// consulted. A Reason never quotes the request.
type Reason uint8

// The rules of the grammar, by the part of the request that they are about.
const (
	NoReason Reason = iota

	// The target.
	OddPath
	OddTarget
	OddQueryByte

	// Header lines.
	OddHeaderName
	OddHeaderOverride
	OddHeaderRepeated
	OddConnection
	OddUpgrade
	OddTrailer

	// The type of the body.
	OddMediaType
	OddCharset
	OddBoundary
	OddContentEncoding
	OddBodyOfGet

	// Names and values, anywhere.
	OddName
	OddSemicolon
	OddNoValue
	OddRepeated
	OddMethodParam
	OddEscape
	OddUTF8
	OddControl
	OddQuoted
	OddByteOrderMark

	// JSON.
	OddJSONRoot
	OddJSONSyntax
	OddJSONDepth
	OddJSONType

	// Multipart.
	OddPartFrame
	OddPartHeader
	OddPartName
	OddPartFile
	OddPartType

	numReasons
)

var reasonTexts = [numReasons]string{
	OddPath:            "the path has a character that servers read differently",
	OddTarget:          "the request target is neither a path nor a URL",
	OddQueryByte:       "the query has a raw space, control character or #, where some servers end it",
	OddHeaderName:      "some servers read this header name as another one",
	OddHeaderOverride:  "a header line changes the method or the body's type in some releases of Rails",
	OddHeaderRepeated:  "the header line is repeated",
	OddConnection:      "Connection names a header line, which Caddy's proxy would remove",
	OddUpgrade:         "the request asks to switch to another protocol",
	OddTrailer:         "the body has trailers",
	OddMediaType:       "not every release of Rails reads parameters from this content type",
	OddCharset:         "the content type has an unsupported parameter or charset, or the body has text outside that charset",
	OddBoundary:        "the boundary is missing, repeated, longer than 70 characters, or has a character that parsers read differently",
	OddContentEncoding: "the body is compressed or encoded, and MOR does not decode it",
	OddBodyOfGet:       "a GET with a body",
	OddName:            "the name has brackets, spaces or control characters around it",
	OddSemicolon:       "next to a semicolon, which some parsers treat as a separator",
	OddNoValue:         "the name has no = after it",
	OddRepeated:        "given more than once with different values",
	OddMethodParam:     "it changes the method of the request",
	OddEscape:          "a % without two hex digits after it",
	OddUTF8:            "not UTF-8",
	OddControl:         "the value has a control character",
	OddQuoted:          "the value is in quotes, which Rack 1.1.0 removes",
	OddByteOrderMark:   "the form begins with a byte order mark, which Rack::UTF8Sanitizer removes",
	OddJSONRoot:        "the root is not an object",
	OddJSONSyntax:      "not valid JSON (RFC 8259)",
	OddJSONDepth:       "nested deeper than 100 levels",
	OddJSONType:        "the value is neither a string nor an integer",
	OddPartFrame:       "the parts are not separated by boundaries on lines of their own",
	OddPartHeader:      "a part's header has more than a plain name, and Rack before 3.1.16 may take the name from any line",
	OddPartName:        "a part's name or file name has a character that Rack 1 and Rack 2 read differently",
	OddPartFile:        "sent as a file",
	OddPartType:        "a part's type or encoding is not that of plain text, and Rack 1.0 to 1.2 and 1.6 to 2.2 treat it differently",
}

// String returns the rule as a clause for logs and the CLI.
func (r Reason) String() string { return reasonTexts[r] }

// verdict returns the verdict on a request with the oddity.
func (r Reason) verdict() Verdict {
	switch r {
	case OddMediaType, OddCharset, OddBoundary, OddContentEncoding:
		return UnsupportedMediaType
	}
	return Ambiguous
}

// Source is the part of a request in which a value or an oddity was found.
type Source uint8

// The parts of a request.
const (
	InTarget Source = iota
	InQuery
	InHeader
	InForm
	InJSON
	InMultipart
)

// String returns the part's name for logs and the CLI.
func (s Source) String() string {
	return [...]string{"target", "query", "header", "form", "JSON", "multipart"}[s]
}

// Oddity is a broken rule of the grammar, with the part of the request and, if
// there is one, the guarded parameter.
type Oddity struct {
	Reason Reason
	Source Source
	Name   Name
}

// String returns the oddity as a clause, such as
// "query: call_limit: given more than once with different values".
func (o Oddity) String() string {
	if o.Reason == NoReason {
		return ""
	}
	s := o.Source.String() + ": "
	if o.Name != NoName {
		s += o.Name.String() + ": "
	}
	return s + o.Reason.String()
}

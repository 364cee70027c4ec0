package validation

// Reason says what is odd about a request that is refused before the
// contract's table is looked at. It names the rule of the grammar (see the
// package documentation) and never quotes the request.
type Reason uint8

// The rules of the grammar, by the part of the request that they speak of.
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

	// Names and values, wherever they stand.
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
	OddTarget:          "the request target is neither a path nor an address",
	OddQueryByte:       "the query has a raw space, control character or #, where servers cut it",
	OddHeaderName:      "a header name is spelled so that servers may take it for another one",
	OddHeaderOverride:  "a header line changes the method or the type of the body in some releases of Rails",
	OddHeaderRepeated:  "the header line stands more than once",
	OddConnection:      "Connection names a header line, which Caddy's proxy would take out",
	OddUpgrade:         "the request asks for another protocol",
	OddTrailer:         "the body has trailers",
	OddMediaType:       "the content type carries no parameters, or not in all releases of Rails",
	OddCharset:         "the content type has a parameter or a charset that is not read, or text outside of that charset",
	OddBoundary:        "the boundary is missing, stands twice, is longer than 70 or has a character that parsers read differently",
	OddContentEncoding: "the body is encoded, which MOR does not undo",
	OddBodyOfGet:       "a GET with a body",
	OddName:            "the name is written with brackets, spaces or control characters around it",
	OddSemicolon:       "a semicolon, which separates parameters for some, touches it",
	OddNoValue:         "the name stands without =",
	OddRepeated:        "given more than once with different values",
	OddMethodParam:     "it changes the method of the request",
	OddEscape:          "a % without two hex digits",
	OddUTF8:            "not UTF-8",
	OddControl:         "the value has a control character",
	OddQuoted:          "the value stands in quotes, which Rack 1.1.0 takes off",
	OddByteOrderMark:   "the form begins with a byte order mark, which Rack::UTF8Sanitizer takes off",
	OddJSONRoot:        "the root is not an object",
	OddJSONSyntax:      "not JSON as in RFC 8259",
	OddJSONDepth:       "nested deeper than 100",
	OddJSONType:        "the value is neither a string nor an integer",
	OddPartFrame:       "the boundaries do not frame the parts line by line",
	OddPartHeader:      "the head of a part has more than a plain name, which Rack before 3.1.16 may take from any line",
	OddPartName:        "the name or file name of a part has a character that Rack 1 and Rack 2 may read differently",
	OddPartFile:        "given as a file",
	OddPartType:        "the type or encoding of a part is not plain text's, which Rack 1.0 to 1.2 and 1.6 to 2.2 treat differently",
}

// String returns the rule as a clause for logs and the CLI.
func (r Reason) String() string { return reasonTexts[r] }

// verdict returns what a request with the oddity is refused as.
func (r Reason) verdict() Verdict {
	switch r {
	case OddMediaType, OddCharset, OddBoundary, OddContentEncoding:
		return UnsupportedMediaType
	}
	return Ambiguous
}

// Source is the part of a request that a value or an oddity stands in.
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

// Oddity is a rule of the grammar, where it was broken, and by which guarded
// parameter, if it was one.
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

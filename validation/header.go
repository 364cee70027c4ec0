package validation

import (
	"slices"
	"strings"
)

// format is what a body is read as.
type format uint8

const (
	formatForm format = iota
	formatJSON
	formatMultipart
)

// mediaType decides by the Content-Type what the body is read as. Rails takes
// the type up to the first "," or ";" and every release knows other types, so
// only the three that carry parameters in all of them count, in plain
// spelling; a body without a type is a form. It reports false if the request
// is refused.
func (r *Request) mediaType() bool {
	for _, v := range r.Header["Content-Encoding"] {
		// Clients take it for the charset's place; nobody decodes that.
		if v != "" && !equalFold(v, "identity") && !isUTF8(v) && !isASCIIBased(v) {
			return r.fail(OddContentEncoding, InHeader, NoName)
		}
	}
	lines := r.Header["Content-Type"]
	if len(lines) > 1 {
		return r.fail(OddHeaderRepeated, InHeader, NoName)
	}
	r.format = formatForm
	if len(lines) == 0 || lines[0] == "" {
		return true
	}
	mediaType, params, _ := strings.Cut(lines[0], ";")
	// Over HTTP/2 and 3 there can be a space before it. Rack keeps that, and
	// finds no type that it knows.
	switch mediaType = strings.TrimRight(mediaType, " \t"); {
	case equalFold(mediaType, "application/x-www-form-urlencoded"):
	case equalFold(mediaType, "application/json"):
		r.format = formatJSON
	case mediaType == "multipart/form-data": // in capitals, a form to Rack 1
		r.format = formatMultipart
	default:
		return r.fail(OddMediaType, InHeader, NoName)
	}
	// An empty parameter at the end is none. Before another one it is an error
	// in every release of Rack.
	if params = strings.TrimRight(params, ";"); params != "" && !r.typeParameters(params) {
		return false
	}
	if r.format == formatMultipart && r.boundary == "" {
		return r.fail(OddBoundary, InHeader, NoName)
	}
	return true
}

// typeParameters reads the charset and, for multipart, the boundary; each at
// most once. With a charset that agrees with UTF-8 only in ASCII the body has
// nothing else, decoded too.
func (r *Request) typeParameters(params string) bool {
	charset := false
	for param := range strings.SplitSeq(params, ";") {
		name, val, _ := strings.Cut(strings.TrimLeft(param, " \t"), "=")
		if n := len(val); n >= 2 && val[0] == '"' && val[n-1] == '"' {
			val = val[1 : n-1]
		}
		switch {
		case equalFold(name, "charset") && !charset && isUTF8(val):
			charset = true
		case equalFold(name, "charset") && !charset && isASCIIBased(val):
			charset, r.ascii = true, true
		case name == "boundary" && r.format == formatMultipart: // see mediaType
			if r.boundary != "" || !isBoundary(val) {
				return r.fail(OddBoundary, InHeader, NoName)
			}
			r.boundary = val
		default:
			return r.fail(OddCharset, InHeader, NoName)
		}
	}
	return true
}

// headers looks for header lines that change what MOR reads, or whether what
// was read arrives. It reports false if the request is refused.
func (r *Request) headers() bool {
	for name, lines := range r.Header {
		switch name {
		case "Connection":
			if !isPlainConnection(lines) {
				return r.fail(OddConnection, InHeader, NoName)
			}
		case "Content-Type", "Content-Length", "Content-Encoding":
			if len(lines) > 1 {
				return r.fail(OddHeaderRepeated, InHeader, NoName)
			}
		case "Upgrade":
			// What asks for another protocol than websocket is taken out
			// before; the action is no place for websocket either.
			return r.fail(OddUpgrade, InHeader, NoName)
		default:
			if slices.Contains(overrides[:], name) {
				return r.fail(OddHeaderOverride, InHeader, NoName)
			}
			if isOddName(name) {
				return r.fail(OddHeaderName, InHeader, NoName)
			}
		}
	}
	if r.Trailer {
		return r.fail(OddTrailer, InHeader, NoName)
	}
	return true
}

// overrides are the header fields by which a release of Rails or Rack since
// 2.3 changes the method or the body's type, and their relatives in other
// frameworks. Their values don't matter. No release lets a header field change
// the path, so X-Original-URL and the like pass.
var overrides = [...]string{
	"X-Http-Method-Override", // Rack::MethodOverride
	"X-Http-Method",
	"X-Method-Override",
	"X-Post-Data-Format", // ActionDispatch::ParamsParser before Rails 4
}

// framing are the other header fields that change what MOR reads.
var framing = [...]string{"Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding", "Connection", "Upgrade", "Host"}

// isOddName reports whether a server that makes CGI variables of header
// names (upper case, "_" for all but letters and digits) could take the field
// for one that matters here, though it isn't spelled so.
func isOddName(name string) bool {
	for i := range len(name) {
		if c := name[i]; !isWordByte(c) {
			return true
		}
	}
	if strings.IndexByte(name, '_') < 0 {
		return false
	}
	name = strings.ReplaceAll(name, "_", "-")
	is := func(field string) bool { return equalFold(name, field) }
	return slices.ContainsFunc(overrides[:], is) || slices.ContainsFunc(framing[:], is)
}

// isPlainConnection reports whether the Connection header lines name no header
// line, which Caddy's proxy would drop and another one keep. Whether there is
// such a line here doesn't matter: the site may add it after the gateway.
func isPlainConnection(lines []string) bool {
	for _, line := range lines {
		for option := range strings.SplitSeq(line, ",") {
			option = strings.Trim(option, " \t")
			switch {
			case option == "", equalFold(option, "close"), equalFold(option, "keep-alive"), equalFold(option, "te"),
				equalFold(option, "upgrade"), equalFold(option, "http2-settings"):
			default:
				return false
			}
		}
	}
	return true
}

// Package reference reads a request for did_details_update the slow and
// obvious way: everything is split, decoded and kept in maps, with the
// standard library's parsers and regular expressions. It shares no code with
// the gateway. Tests use it as an oracle: what the gateway accepts, the
// reference must be able to read, and read alike.
//
// It is more lenient than the gateway where that is harmless: it accepts
// requests on which all readings agree.
package reference

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
)

// Request is what is known of a request.
type Request struct {
	Method string
	Query  string // raw
	Header http.Header
	Body   []byte
}

// Values are the guarded parameters that are in a request, by name. JSON's
// null is nil.
type Values map[string]*string

// Get returns a parameter's text, and whether it has one.
func (v Values) Get(name string) (string, bool) {
	if p := v[name]; p != nil {
		return *p, true
	}
	return "", false
}

// Text returns a parameter's text, which may be empty.
func (v Values) Text(name string) string {
	s, _ := v.Get(name)
	return s
}

func text(s string) *string { return &s }

func isGuarded(name string) bool { return slices.Contains(contract.Guarded, name) }

// errMethod is for requests whose method isn't GET or POST.
var errMethod = errors.New("neither GET nor POST")

// Read returns the guarded parameters of a request that everyone reads
// alike, or what is odd about it.
func Read(q Request) (Values, error) {
	if q.Method != http.MethodGet && q.Method != http.MethodPost {
		return nil, errMethod
	}
	if err := checkHeader(q.Header); err != nil {
		return nil, err
	}
	if regexp.MustCompile(`[\x00-\x20#\x7f]`).MatchString(q.Query) {
		return nil, errors.New("a byte that ends the query for some")
	}
	vals, err := readPairs(q.Query)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	if err := vals.checkQuotes(); err != nil {
		return nil, err
	}
	if len(q.Body) > 0 {
		if q.Method == http.MethodGet {
			return nil, errors.New("a GET with a body")
		}
		inBody, err := readBody(q.Header, q.Body)
		if err != nil {
			return nil, fmt.Errorf("body: %w", err)
		}
		if !strings.Contains(strings.ToLower(q.Header.Get("Content-Type")), "json") {
			if err := inBody.checkQuotes(); err != nil {
				return nil, err
			}
		}
		for name, val := range inBody {
			if err := vals.add(name, val); err != nil {
				return nil, err
			}
		}
	}
	if _, ok := vals["_method"]; ok {
		return nil, errors.New("the method is overridden")
	}
	for _, name := range contract.Texts {
		if s, _ := vals.Get(name); regexp.MustCompile(`[\x00-\x1f\x7f]`).MatchString(s) {
			return nil, fmt.Errorf("%s has a control character", name)
		}
	}
	return vals, nil
}

var quoted = regexp.MustCompile(`(?s)^(".*"|'.*')$`)

// checkQuotes refuses quotes around a value, but for JSON: Rack 1.1.0 takes
// them off.
func (v Values) checkQuotes() error {
	for _, name := range contract.Texts {
		if s, _ := v.Get(name); quoted.MatchString(s) {
			return fmt.Errorf("%s is in quotes", name)
		}
	}
	return nil
}

// add adds a value unless the same parameter has another one.
func (v Values) add(name string, val *string) error {
	old, again := v[name]
	if again && ((old == nil) != (val == nil) || old != nil && *old != *val) {
		return fmt.Errorf("%s is repeated", name)
	}
	v[name] = val
	return nil
}

// checkHeader looks at the header as a server does that makes CGI variables
// of it.
func checkHeader(h http.Header) error {
	count := make(map[string]int)
	for name, lines := range h {
		cgi := regexp.MustCompile(`[^A-Z0-9]`).ReplaceAllString(strings.ToUpper(name), "_")
		count[cgi] += len(lines)
		switch cgi {
		case "X_HTTP_METHOD_OVERRIDE", "X_HTTP_METHOD", "X_METHOD_OVERRIDE", "X_POST_DATA_FORMAT", "UPGRADE":
			return fmt.Errorf("a header line %s", cgi)
		case "CONNECTION":
			for _, option := range strings.Split(strings.Join(lines, ","), ",") {
				if !regexp.MustCompile(`(?i)^[ \t]*(close|keep-alive|te|upgrade|http2-settings)?[ \t]*$`).MatchString(option) {
					return errors.New("a Connection option that takes a header line away")
				}
			}
		}
	}
	for _, cgi := range []string{"CONTENT_TYPE", "CONTENT_LENGTH", "CONTENT_ENCODING"} {
		if count[cgi] > 1 {
			return fmt.Errorf("%s is repeated", cgi)
		}
	}
	return nil
}

const (
	utf        = `utf-?8`
	halfCommon = `us-ascii|iso-8859-(?:[1-9]|1[013456])|windows-125[0-8]` // with UTF-8: what is ASCII
	charset    = `(?i:charset)=(?i:(?:` + utf + `)|"(?:` + utf + `)"|(` + halfCommon + `)|"(` + halfCommon + `)")`
	delimiter  = `[A-Za-z0-9'()+_./:=?*-]{1,70}`
)

var (
	typeForm      = regexp.MustCompile(`^(?:(?i:application/x-www-form-urlencoded)[ \t]*(?:;[ \t]*` + charset + `)?;*)?$`)
	typeJSON      = regexp.MustCompile(`^(?i:application/json)[ \t]*(?:;[ \t]*` + charset + `)?;*$`)
	typeMultipart = regexp.MustCompile(`^multipart/form-data[ \t]*(?:;[ \t]*(` + charset + `))?;[ \t]*boundary=(?:"(` + delimiter + `)"|(` + delimiter + `))(?:;[ \t]*(` + charset + `))?;*$`)
	coding        = regexp.MustCompile(`^(?i:identity|` + utf + `|` + halfCommon + `)?$`)

	beyondASCII = regexp.MustCompile(`[^\x00-\x7f]`)
	twice       = regexp.MustCompile(`(?i)boundary=`)
)

func readBody(h http.Header, body []byte) (Values, error) {
	if !coding.MatchString(h.Get("Content-Encoding")) {
		return nil, errors.New("encoded")
	}
	mediaType := h.Get("Content-Type")
	if bytes.HasPrefix(body, []byte("\xef\xbb\xbf")) && !typeMultipart.MatchString(mediaType) {
		return nil, errors.New("a byte order mark")
	}
	if m := typeForm.FindStringSubmatch(mediaType); m != nil {
		if m[1]+m[2] != "" && (beyondASCII.Match(body) || regexp.MustCompile(`%[89A-Fa-f]`).Match(body)) {
			return nil, errCharset
		}
		return readPairs(string(body))
	}
	if m := typeJSON.FindStringSubmatch(mediaType); m != nil {
		if m[1]+m[2] != "" && (beyondASCII.Match(body) || escapesBeyondASCII(body)) {
			return nil, errCharset
		}
		return readJSON(body)
	}
	m := typeMultipart.FindStringSubmatch(mediaType)
	if m == nil || m[1] != "" && m[6] != "" {
		return nil, errors.New("content type")
	}
	if m[2]+m[3]+m[7]+m[8] != "" && beyondASCII.Match(body) {
		return nil, errCharset
	}
	boundary := m[4] + m[5]
	if twice.MatchString(boundary) {
		return nil, errors.New("a boundary in the boundary")
	}
	return readMultipart(body, boundary)
}

var errCharset = errors.New("the charset matters")

// readPairs reads a query or an urlencoded body with "&" alone between the
// pairs, and with ";" as well. Both must give the same.
func readPairs(s string) (Values, error) {
	vals, err := readSplit(strings.Split(s, "&"))
	if err != nil {
		return nil, err
	}
	more, err := readSplit(regexp.MustCompile(`[&;]`).Split(s, -1))
	if err != nil {
		return nil, err
	}
	if fmt.Sprint(dump(vals)) != fmt.Sprint(dump(more)) {
		return nil, errors.New("a semicolon changes a guarded parameter")
	}
	return vals, nil
}

// dump lists values so that they can be compared.
func dump(v Values) (list []string) {
	for _, name := range contract.Guarded {
		if val, ok := v[name]; !ok {
			list = append(list, "absent")
		} else if val == nil {
			list = append(list, "null")
		} else {
			list = append(list, fmt.Sprintf("%q", *val))
		}
	}
	return list
}

func readSplit(pairs []string) (Values, error) {
	vals := make(Values)
	for _, pair := range pairs {
		rawName, rawVal, eq := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(rawName)
		if err != nil {
			return nil, err
		}
		val, err := url.QueryUnescape(rawVal)
		if err != nil {
			return nil, err
		}
		if !utf8.ValidString(name) || !utf8.ValidString(val) {
			return nil, errors.New("not UTF-8")
		}
		if err := checkName(name); err != nil {
			return nil, err
		}
		if !isGuarded(name) {
			continue
		}
		if !eq {
			return nil, fmt.Errorf("%s without =", name)
		}
		if err := vals.add(name, text(val)); err != nil {
			return nil, err
		}
	}
	return vals, nil
}

// checkName refuses what isn't a guarded name but may be taken for one.
func checkName(name string) error {
	if isGuarded(name) {
		return nil
	}
	if clean := strings.ReplaceAll(name, "\x00", ""); clean != name && (isGuarded(clean) || checkName(clean) != nil) {
		return fmt.Errorf("%q is a guarded name where NULs are taken out", name)
	}
	// Rack drops brackets, some servers white space or control characters;
	// Rack before 1.3 splits at an encoded "=" as well.
	words := strings.FieldsFunc(name, func(c rune) bool {
		return c == '[' || c == ']' || c == '=' || c < ' ' || c == 0x7f
	})
	for _, word := range words {
		if word = strings.Trim(word, " "); word != "" {
			if isGuarded(word) {
				return fmt.Errorf("%q may be taken for %s", name, word)
			}
			break
		}
	}
	return nil
}

package reference

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxDisposition is the longest Content-Disposition that Rack 3.1 reads.
const maxDisposition = 1536

const (
	partName = `[A-Za-z0-9_.\[\] -]`
	fileName = `[A-Za-z0-9_.\[\] ()-]`
)

var (
	partDisposition = regexp.MustCompile(`^(?i:content-disposition): *(?i:form-data); name=(?:"(` + partName + `+)"|([A-Za-z0-9_.-]+))( *; *(?i:filename)=(?:"` + fileName + `*"|[A-Za-z0-9_.-]+))? *$`)
	partPlainType   = regexp.MustCompile(`^(?i:content-type): *(?i:text/plain)( *; *(?i:charset)=(?i:"?utf-8"?|("?(?:us-ascii|iso-8859-1)"?)))? *$`)
	partFileType    = regexp.MustCompile(`^(?i:content-type): *[A-Za-z0-9_./+-]*( *; *(?i:charset)=(?i:"?utf-8"?|"?us-ascii"?|"?iso-8859-1"?))? *$`)
	partEncoding    = regexp.MustCompile(`^(?i:content-transfer-encoding): *(?i:7bit|8bit|binary) *$`)
	partLength      = regexp.MustCompile(`^(?i:content-length): *[0-9]+ *$`)

	// How old and new releases find a name in the head of a part.
	rackOneName = regexp.MustCompile(`(?i)content-disposition:[^\n]*[ \t\r\n]name="?([^";]*)`)
	rackTwoName = regexp.MustCompile(`(?i)content-disposition:[^\n]*;[ \t\r\n]*name=("[^"]*"|[^][ \t\r\n()<>,;:\\"/?=]+)`)
)

// readMultipart cuts the body at every boundary, wherever it is.
func readMultipart(body []byte, boundary string) (Values, error) {
	pieces := bytes.Split(body, []byte("--"+boundary))
	last := len(pieces) - 1
	if last < 2 {
		return nil, errors.New("no parts")
	}
	if first := string(pieces[0]); first != "" && first != "\r\n" {
		return nil, errors.New("something before the first boundary")
	}
	if !regexp.MustCompile(`^--(\r\n){0,2}$`).Match(pieces[last]) {
		return nil, errors.New("no end")
	}
	vals := make(Values)
	for _, piece := range pieces[1:last] {
		part, ok := strings.CutPrefix(string(piece), "\r\n")
		if ok {
			part, ok = strings.CutSuffix(part, "\r\n")
		}
		head, val, hasHead := strings.Cut(part, "\r\n\r\n")
		if !ok || !hasHead {
			return nil, errors.New("a part without its line ends")
		}
		name, err := readHead(head, val)
		if err != nil {
			return nil, err
		}
		if isGuarded(name) {
			if err := vals.add(name, text(val)); err != nil {
				return nil, err
			}
		}
	}
	return vals, nil
}

// readHead returns the name of a part.
func readHead(head, val string) (name string, err error) {
	var file, fileType, ascii, disposition bool
	seen := make(map[string]bool)
	for _, line := range strings.Split(head, "\r\n") {
		field, _, _ := strings.Cut(strings.ToLower(line), ":")
		if seen[field] {
			return "", fmt.Errorf("%s is repeated in a part", field)
		}
		seen[field] = true
		if m := partDisposition.FindStringSubmatch(line); m != nil {
			disposition = true
			name, file = m[1]+m[2], m[3] != ""
			if isGuarded(name) && len(line) > maxDisposition {
				return "", errors.New("a head too long for some releases")
			}
		} else if m := partPlainType.FindStringSubmatch(line); m != nil {
			ascii = m[2] != ""
		} else if partFileType.MatchString(line) {
			fileType = true
		} else if !partEncoding.MatchString(line) && !partLength.MatchString(line) {
			return "", errors.New("a strange line in a part")
		}
	}
	switch {
	case !disposition:
		return "", errors.New("a part without a name")
	case fileType && !file:
		return "", errors.New("the type of a file")
	case file && isGuarded(name):
		return "", errors.New("sent as a file")
	case !file && !utf8.ValidString(val):
		return "", errors.New("not UTF-8")
	case !file && ascii && regexp.MustCompile(`[^\x00-\x7f]`).MatchString(val):
		return "", errors.New("not ASCII, as it says")
	}
	for _, release := range []*regexp.Regexp{rackOneName, rackTwoName} {
		m := release.FindStringSubmatch(head)
		if m == nil || isGuarded(name) && strings.Trim(m[1], `"`) != name {
			return "", errors.New("a head that not every release reads")
		}
	}
	return name, checkName(name)
}

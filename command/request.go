package command

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// writeRequest returns a request as a plain client sends it: the target is
// exactly as in the address.
func writeRequest(address, method, contentType string, body []byte) ([]byte, error) {
	if strings.ContainsFunc(address, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return nil, errors.New("the address has a space or a control character, which no client sends; write %20, or give the whole request with --request")
	}
	if strings.ContainsFunc(contentType, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
		return nil, errors.New("--content-type has a control character")
	}
	if method == "" || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_") != "" {
		return nil, errors.New("--method is not an HTTP method")
	}
	address, _, _ = strings.Cut(address, "#") // clients keep the fragment
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok || scheme != "http" && scheme != "https" {
		return nil, errors.New("the address must begin with http:// or https://")
	}
	host, target := rest, "/"
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, target = rest[:i], rest[i:]
	}
	if target[0] == '?' {
		target = "/" + target
	}
	u, err := url.Parse(scheme + "://" + host)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, errors.New("the address needs a plain host name")
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, u.Host)
	if contentType != "" {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", contentType)
	}
	if len(body) > 0 || method != http.MethodGet && method != http.MethodHead {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes(), nil
}

// strayBody reports whether there is text after the head of a request that
// declares no body.
func strayBody(request []byte) bool {
	for _, end := range []string{"\r\n\r\n", "\n\n"} {
		if _, rest, ok := bytes.Cut(request, []byte(end)); ok {
			return len(bytes.TrimSpace(rest)) > 0
		}
	}
	return false
}

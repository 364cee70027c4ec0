package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// forward gives the request to the next handler and looks at MOR's answer.
func (x *exchange) forward(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) (err error) {
	if !x.handler.monitor {
		sendOnce(r)
	}
	p := x.passage
	if p.relaying {
		return next.ServeHTTP(w, r)
	}
	p.relaying = true
	rel := &relay{ResponseWriterWrapper: caddyhttp.ResponseWriterWrapper{ResponseWriter: w}}
	// Also when MOR's answer breaks off: reverse_proxy panics then.
	defer func() {
		p.relaying = false
		p.last.tell()
		if !p.last.refuses() {
			p.last.compare(&rel.answer)
		}
	}()
	if err = next.ServeHTTP(rel, r); err != nil && !rel.wroteHeader {
		return p.last.answerForMOR(w, r, err)
	}
	return err
}

// sendOnce takes out of a request what could make an update happen twice, or
// not at all. MOR's server would answer an Expect that the gateway has answered.
// And when a connection breaks that Go's transport had used before, it sends
// some requests again. An empty POST with an idempotency key is one; Go knows
// the key by its canonical name, and the same name in lower case is the same
// field to MOR. A GET is one unless it has a body, even one that turns out to
// be empty.
func sendOnce(r *http.Request) {
	delete(r.Header, "Expect")
	if r.ContentLength != 0 {
		return
	}
	if r.Method == http.MethodGet {
		r.ContentLength = -1
		r.Body = &readBack{Closer: http.NoBody}
	}
	for _, name := range [...]string{"Idempotency-Key", "X-Idempotency-Key"} {
		if values, ok := r.Header[name]; ok {
			delete(r.Header, name)
			r.Header[strings.ToLower(name)] = values
		}
	}
}

// morPages are the answers where reverse_proxy has none of MOR's.
var morPages = map[int]page{
	http.StatusBadGateway:         newPage(http.StatusBadGateway, "MOR cannot be reached"),
	http.StatusServiceUnavailable: newPage(http.StatusServiceUnavailable, "MOR is not available"),
	http.StatusGatewayTimeout:     newPage(http.StatusGatewayTimeout, "MOR did not answer in time"),
}

// answerForMOR answers an error of reverse_proxy in MOR's envelope, so that XML
// clients can read it. Any other error is another handler's, and is returned
// as it is.
func (x *exchange) answerForMOR(w http.ResponseWriter, r *http.Request, err error) error {
	var he caddyhttp.HandlerError
	if x.handler.monitor || !errors.As(err, &he) || !strings.HasPrefix(he.Trace, "reverseproxy.") {
		return err
	}
	p, ok := morPages[he.StatusCode]
	if !ok {
		return err
	}
	// What is in quotes came from MOR's port, which may repeat a request.
	why, _, _ := strings.Cut(fmt.Sprint(he.Err), `"`)
	x.handler.logger.Error("no answer from MOR", zap.Int("status", he.StatusCode), zap.String("error", why))
	return p.write(w, r)
}

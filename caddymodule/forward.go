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
	failed := false
	// Also when MOR's answer breaks off: reverse_proxy panics then.
	defer func() {
		p.relaying = false
		p.last.tell()
		if !failed && !p.last.refuses() {
			p.last.compare(rel)
		}
	}()
	if err = next.ServeHTTP(rel, r); err != nil && rel.status == 0 {
		failed = true
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
// clients can read it; in monitor mode the site's error routes have it. Any
// other error is another handler's, and is returned as it is.
func (x *exchange) answerForMOR(w http.ResponseWriter, r *http.Request, err error) error {
	var he caddyhttp.HandlerError
	if !errors.As(err, &he) || !strings.HasPrefix(he.Trace, "reverseproxy.") {
		return err
	}
	p, ok := morPages[he.StatusCode]
	if !ok {
		return err
	}
	x.unanswered(he.StatusCode, he.Err)
	if x.handler.monitor {
		return err
	}
	return p.write(w, r)
}

// unanswered tells, once for each request, that there is no answer from MOR.
// An error route may lead to MOR again.
func (x *exchange) unanswered(status int, err error) {
	if x.passage.unanswered {
		return
	}
	x.passage.unanswered = true
	noAnswerTotal[status].Inc()
	// What is in quotes came from MOR's port, which may repeat a password.
	why, _, _ := strings.Cut(x.shown(fmt.Sprint(err), maxLoggedError), `"`)
	x.handler.logger.Error("no answer from MOR",
		append(x.fields(), zap.Int("status", status), zap.String("error", why))...)
}

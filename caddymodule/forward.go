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
	rel := &x.relay
	rel.ResponseWriter = w
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

// sendOnce makes sure that an update happens exactly once. It removes Expect,
// because the gateway has already answered it and MOR's server would answer it
// again. And it keeps Go's transport from repeating a request when a reused
// connection breaks. The transport repeats an empty POST with an idempotency
// key, but it knows only the canonical name of that field; in lower case it is
// the same field to MOR. The transport also repeats a GET without a body; a
// body that turns out to be empty prevents that.
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

// morPages are the answers if reverse_proxy got none from MOR.
var morPages = map[int]page{
	http.StatusBadGateway:         newPage(http.StatusBadGateway, "MOR cannot be reached"),
	http.StatusServiceUnavailable: newPage(http.StatusServiceUnavailable, "MOR is not available"),
	http.StatusGatewayTimeout:     newPage(http.StatusGatewayTimeout, "MOR did not answer in time"),
}

// answerForMOR answers an error of reverse_proxy in MOR's envelope, so that XML
// clients can read it. In monitor mode it leaves the error to the site's error
// routes. An error of any other handler is returned as it is.
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

// unanswered logs and counts, once for each request, that MOR did not answer.
// Once, because an error route may lead to MOR again.
func (x *exchange) unanswered(status int, err error) {
	if x.passage.unanswered {
		return
	}
	x.passage.unanswered = true
	noAnswerTotal[status].Inc()
	// Quoted text came from MOR's port and may repeat a password.
	why, _, _ := strings.Cut(x.shown(fmt.Sprint(err), maxLoggedError), `"`)
	x.handler.logger.Error("no answer from MOR",
		append(x.fields(), zap.Int("status", status), zap.String("error", why))...)
}

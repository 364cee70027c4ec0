package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// page is an answer in MOR's envelope, made once at start.
type page struct {
	status int
	body   []byte
	length string
}

func newPage(status int, message string) page {
	body := fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>
<page>
  <status>
    <error>%s</error>
  </status>
</page>
`, message)
	return page{status, body, strconv.Itoa(len(body))}
}

var (
	// pages are the answers to refused requests.
	pages = func() (ps [validation.NumVerdicts]page) {
		for v := range ps {
			verdict := validation.Verdict(v)
			ps[v] = newPage(verdict.Status(), verdict.Message())
		}
		return ps
	}()

	// morPages are the answers where Caddy has none of MOR's.
	morPages = map[int]page{
		http.StatusBadGateway:         newPage(http.StatusBadGateway, "MOR cannot be reached"),
		http.StatusServiceUnavailable: newPage(http.StatusServiceUnavailable, "MOR is not available"),
		http.StatusGatewayTimeout:     newPage(http.StatusGatewayTimeout, "MOR did not answer in time"),
	}
)

// XML returns the answer to a request with the verdict, as the client gets it.
func XML(v validation.Verdict) string { return string(pages[v].body) }

// answer answers a refused request.
func answer(w http.ResponseWriter, r *http.Request, v validation.Verdict, allowGet bool) error {
	if v == validation.MethodNotAllowed {
		allow := http.MethodPost
		if allowGet {
			allow = http.MethodGet + ", " + http.MethodPost
		}
		w.Header().Set("Allow", allow)
	}
	if r.ProtoMajor == 1 && r.Header["Expect"] != nil {
		// Else Go asks for the body, and waits for it, before it answers:
		// under Caddy's wrapper it doesn't see that nobody wants it.
		w.Header()["Connection"] = []string{"close"}
	}
	return pages[v].write(w, r)
}

func (p *page) write(w http.ResponseWriter, r *http.Request) error {
	// One array for all values: the header directive may change values in
	// place, so they can't be shared between requests.
	vals := [...]string{"text/xml; charset=utf-8", "no-store", "nosniff", p.length}
	h := w.Header()
	h["Content-Type"] = vals[0:1:1]
	h["Cache-Control"] = vals[1:2:2]
	h["X-Content-Type-Options"] = vals[2:3:3]
	h["Content-Length"] = vals[3:4:4]
	w.WriteHeader(p.status)
	if r.Method == http.MethodHead {
		return nil
	}
	_, _ = w.Write(p.body) // a client that is gone is not an error
	return nil
}

// answerForMOR answers where Caddy has no answer of MOR's (502, 503 or 504),
// in MOR's envelope, so that XML clients can read it. Any other error is
// returned as it is.
func (x *exchange) answerForMOR(w http.ResponseWriter, r *http.Request, err error) error {
	var he caddyhttp.HandlerError
	if !errors.As(err, &he) {
		return err
	}
	p, ok := morPages[he.StatusCode]
	if !ok {
		return err
	}
	// What stands in quotes came from MOR's port, which may repeat a request.
	why, _, _ := strings.Cut(fmt.Sprint(he.Err), `"`)
	x.handler.logger.Error("no answer from MOR", zap.Int("status", he.StatusCode), zap.String("error", why))
	return p.write(w, r)
}

package caddymodule

import (
	"fmt"
	"net/http"
	"strconv"

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

// pages are the answers to refused requests.
var pages = func() (ps [validation.NumVerdicts]page) {
	for v := range ps {
		verdict := validation.Verdict(v)
		ps[v] = newPage(verdict.Status(), verdict.Message())
	}
	return ps
}()

// XML returns the answer to a request with the verdict, as the client gets it.
func XML(v validation.Verdict) string { return string(pages[v].body) }

// answer answers a refused request.
func (x *exchange) answer(w http.ResponseWriter, r *http.Request) error {
	if x.verdict == validation.MethodNotAllowed {
		w.Header().Set("Allow", allowed(&x.handler.policy))
	}
	if r.ProtoMajor == 1 && x.body.unread() {
		// Else Go waits for the rest of the body before it answers.
		w.Header()["Connection"] = []string{"close"}
	}
	return pages[x.verdict].write(w, r)
}

// allowed returns the methods that the policy allows.
func allowed(p *validation.Policy) string {
	if p.AllowGet {
		return http.MethodGet + ", " + http.MethodPost
	}
	return http.MethodPost
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

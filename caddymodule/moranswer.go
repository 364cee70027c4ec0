package caddymodule

import (
	"bytes"
	"io"
	"net/http"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// maxMORAnswer is how much of MOR's answer is looked at, in bytes. MOR's
// answers to the action are some hundred bytes long.
const maxMORAnswer = 4 << 10

// morAnswer is what MOR said, as far as it was seen on its way to the client.
type morAnswer struct {
	seen       []byte
	success    bool // the first piece says so; it isn't kept
	unreadable bool // compressed
}

// see takes a look at a piece of the answer's body.
func (a *morAnswer) see(p []byte) {
	if n := maxMORAnswer - len(a.seen); len(p) > n {
		p = p[:n]
	}
	if len(a.seen) == 0 {
		if _, a.success, _ = firstMessage(p); a.success {
			return
		}
	}
	a.seen = append(a.seen, p...)
}

func (a *morAnswer) full() bool {
	return a.unreadable || a.success || len(a.seen) >= maxMORAnswer
}

// message returns the text of the first <success> or <error> element.
func (a *morAnswer) message() (text []byte, success, ok bool) {
	if a.unreadable || a.success {
		return nil, a.success, a.success
	}
	return firstMessage(a.seen)
}

// firstMessage finds the element wherever it stands: MOR puts some under
// <page><status>, some under <status>.
func firstMessage(xml []byte) (text []byte, success, ok bool) {
	before, _, success := bytes.Cut(xml, []byte("<success>"))
	e := bytes.Index(before, []byte("<error>"))
	if e < 0 {
		return nil, success, success
	}
	text, _, ok = bytes.Cut(xml[e+len("<error>"):], []byte("</error>"))
	return bytes.TrimSpace(text), false, ok
}

// WriteHeader passes the status on.
func (x *exchange) WriteHeader(status int) {
	if status >= http.StatusOK && !x.wroteHeader {
		x.wroteHeader = true
		coding := x.Header().Get("Content-Encoding")
		x.answer.unreadable = coding != "" && coding != "identity"
	}
	x.ResponseWriterWrapper.WriteHeader(status)
}

// Write passes a piece of MOR's answer on and takes a look at it.
func (x *exchange) Write(p []byte) (int, error) {
	if !x.wroteHeader {
		x.WriteHeader(http.StatusOK)
	}
	if !x.answer.full() {
		x.answer.see(p)
	}
	return x.ResponseWriterWrapper.Write(p)
}

// FlushError sends what was written so far, and the header before anything
// was.
func (x *exchange) FlushError() error {
	if !x.wroteHeader {
		x.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(x.ResponseWriter).Flush() //nolint:bodyclose
}

// ReadFrom looks at the beginning of what it passes on; the rest takes the
// underlying writer's own way, which may be faster.
func (x *exchange) ReadFrom(r io.Reader) (n int64, err error) {
	var buf []byte
	for !x.answer.full() {
		if buf == nil {
			buf = make([]byte, maxMORAnswer)
		}
		m, rerr := r.Read(buf)
		if m > 0 {
			w, werr := x.Write(buf[:m])
			n += int64(w)
			if werr != nil {
				return n, werr
			}
		}
		if rerr == io.EOF {
			return n, nil
		}
		if rerr != nil {
			return n, rerr
		}
	}
	rest, err := x.ResponseWriterWrapper.ReadFrom(r)
	return n + rest, err
}

// aloneVerdicts are the errors that the contract leaves to the gateway alone:
// it accepted no request for which MOR has one of these.
var aloneVerdicts = []validation.Verdict{
	validation.GetDisabled, validation.IncorrectHash, validation.CallLimitFormat,
	validation.ActiveFromInvalid, validation.ActiveTillInvalid,
}

// gatewayAlone reports whether MOR's error is one that the gateway should have
// found.
func (x *exchange) gatewayAlone(message []byte) bool {
	for _, v := range aloneVerdicts {
		if string(message) == v.Message() {
			return true
		}
	}
	return string(message) == validation.ActiveTillNotGreater.Message() &&
		x.gives(validation.ActiveFrom) && x.gives(validation.ActiveTill)
}

// gives reports whether an accepted request gives a timestamp. A blank one is
// not given: with only one of the two, MOR compares it with what it has stored.
func (x *exchange) gives(n validation.Name) bool {
	text, _ := x.req.Value(n)
	return len(bytes.TrimSpace(text)) > 0
}

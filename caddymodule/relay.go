package caddymodule

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/klauspost/compress/zstd"
)

// maxMORAnswer is how many bytes of MOR's answer are inspected. MOR's answers
// to the action have some hundred bytes.
const maxMORAnswer = 4 << 10

// relay passes MOR's answer to the client and takes a look at it.
type relay struct {
	caddyhttp.ResponseWriterWrapper
	status int // 0 before there is one
	answer morAnswer
}

// morAnswer is what MOR said, as far as it was seen on its way to the client.
type morAnswer struct {
	seen    []byte // as it came
	coding  coding
	success bool // the first piece says so; it isn't kept
}

// see takes a look at a piece of the answer's body.
func (a *morAnswer) see(p []byte) {
	if n := maxMORAnswer - len(a.seen); len(p) > n {
		p = p[:n]
	}
	if len(a.seen) == 0 && a.coding == identity {
		if _, a.success, _ = firstMessage(p); a.success {
			return
		}
	}
	a.seen = append(a.seen, p...)
}

func (a *morAnswer) full() bool {
	return a.success || len(a.seen) >= maxMORAnswer || a.coding == otherCoding
}

// message returns the text of the first <success> or <error> element, or why
// there is none to read.
func (a *morAnswer) message() (text []byte, success bool, why unread) {
	if a.success {
		return nil, true, readable
	}
	xml, err := a.coding.decode(a.seen)
	text, success, ok := firstMessage(xml)
	switch {
	case ok:
		return text, success, readable
	case a.coding == otherCoding:
		return nil, false, unreadCoding
	case len(a.seen) >= maxMORAnswer, len(xml) >= maxMORAnswer, errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return nil, false, unreadTooLong
	case err != nil:
		return nil, false, unreadDamaged
	}
	return nil, false, unreadNoMessage
}

// firstMessage finds the element wherever it is: MOR puts some under
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
func (rel *relay) WriteHeader(status int) {
	if status >= http.StatusOK && rel.status == 0 {
		rel.status = status
		rel.answer.coding = codingOf(rel.Header())
	}
	rel.ResponseWriterWrapper.WriteHeader(status)
}

// Write passes a piece of MOR's answer on and takes a look at it.
func (rel *relay) Write(p []byte) (int, error) {
	if rel.status == 0 {
		rel.WriteHeader(http.StatusOK)
	}
	if !rel.answer.full() {
		rel.answer.see(p)
	}
	return rel.ResponseWriterWrapper.Write(p)
}

// FlushError sends what was written so far, and the header before anything
// was.
func (rel *relay) FlushError() error {
	if rel.status == 0 {
		rel.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(rel.ResponseWriter).Flush() //nolint:bodyclose
}

// ReadFrom looks at the beginning of what it passes on; the rest takes the
// underlying writer's own way, which may be faster.
func (rel *relay) ReadFrom(r io.Reader) (n int64, err error) {
	var buf []byte
	for !rel.answer.full() {
		if buf == nil {
			buf = make([]byte, maxMORAnswer)
		}
		m, rerr := r.Read(buf)
		if m > 0 {
			w, werr := rel.Write(buf[:m])
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
	rest, err := rel.ResponseWriterWrapper.ReadFrom(r)
	return n + rest, err
}

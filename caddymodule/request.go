package caddymodule

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// isAction reports whether MOR could route the request to the guarded method.
func isAction(r *http.Request) bool {
	// A target such as x:http://mor/path has no path to net/http, which sends
	// what is behind the first colon on as the target.
	return validation.IsAction(r.URL.Path, r.URL.RawQuery) ||
		r.URL.Opaque != "" && validation.IsOpaqueAction(r.URL.Opaque, r.URL.RawQuery)
}

// closeTunnel takes out of the request what lets further requests follow it
// unseen, for the action or not.
//
// An Upgrade to anything but websocket: when MOR's web server agrees to one
// (Apache with mod_http2 does, to h2c), reverse_proxy turns the connection
// into a tunnel.
//
// The body of a CONNECT: Go writes it to MOR bare, without a length and
// without chunks, so that MOR takes it for the next request. A websocket over
// HTTP/2 or 3 is a CONNECT too, which reverse_proxy makes an Upgrade.
func closeTunnel(r *http.Request) {
	if r.Method == http.MethodConnect && !isWebsocketConnect(r) {
		r.Body = http.NoBody
		r.ContentLength = 0
		r.TransferEncoding = nil
	}
	protocols := r.Header["Upgrade"]
	if len(protocols) == 0 || len(protocols) == 1 && strings.EqualFold(protocols[0], "websocket") {
		return
	}
	delete(r.Header, "Upgrade")
	delete(r.Header, "Http2-Settings")
}

// isWebsocketConnect reports whether reverse_proxy takes a CONNECT for a
// websocket.
func isWebsocketConnect(r *http.Request) bool {
	return r.ProtoMajor == 2 && r.Header.Get(":protocol") == "websocket" ||
		r.ProtoMajor == 3 && r.Proto == "websocket"
}

// settleLength finds out whether a request of HTTP/3 has a body, which it may
// leave open: without a body its type does not matter.
func settleLength(r *http.Request) {
	if r.ProtoMajor != 3 || r.ContentLength >= 0 {
		return
	}
	var first [1]byte
	n, err := io.ReadFull(r.Body, first[:])
	if err == io.EOF {
		r.Body = http.NoBody
		r.ContentLength = 0
		return
	}
	putBackPrefix(r, first[:n], err)
}

// What readBody finds about the length of a body. More of it may follow.
var (
	errTooLarge = errors.New("larger than max_body")
	errTooLong  = errors.New("longer than declared")
)

// readBody reads the whole body, up to limit bytes. The bytes that it returns
// are all that it took from the body, also where there is an error.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil || r.ContentLength == 0 {
		return nil, nil
	}
	if r.ContentLength > 0 {
		b := make([]byte, r.ContentLength, r.ContentLength+1)
		n, err := io.ReadFull(r.Body, b)
		switch err {
		case io.EOF:
			err = io.ErrUnexpectedEOF // not a byte of what was declared
		case nil:
			// The end must follow.
			if _, err = io.ReadFull(r.Body, b[n:n+1]); err == nil {
				return b[:n+1], errTooLong
			}
			if err == io.EOF {
				err = nil
			}
		}
		return b[:n], err
	}
	// Of unknown length: a buffer that grows, but never beyond what decides.
	var b []byte
	for int64(len(b)) <= limit {
		if len(b) == cap(b) {
			b = append(make([]byte, 0, min(max(2*int64(cap(b)), 512), limit+1)), b...)
		}
		n, err := r.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if int64(len(b)) > limit {
			break
		}
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
	return b, errTooLarge
}

// bodyVerdict says what the error of readBody means.
func bodyVerdict(err error) validation.Verdict {
	if err == nil {
		return validation.Accepted
	}
	var timeout net.Error
	var tooLarge *http.MaxBytesError
	switch {
	case err == errTooLarge, errors.As(err, &tooLarge): // the latter is from Caddy's request_body
		return validation.TooLarge
	case errors.As(err, &timeout) && timeout.Timeout():
		return validation.TimedOut
	}
	return validation.Incomplete
}

// putBack gives the request the whole body that was read from it.
func (x *exchange) putBack(r *http.Request, body []byte) {
	if r.ContentLength < 0 { // chunked, or HTTP/2 without a length
		r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	r.ContentLength = int64(len(body))
	r.TransferEncoding = nil
	x.body.Reset(body)
	x.body.Closer = r.Body
	r.Body = &x.body
}

// putBackPrefix gives the request the beginning of the body that was read
// from it. The rest still comes from the client, unless the reading ended in
// an error: net/http gives that once, and then the end of the body.
func putBackPrefix(r *http.Request, prefix []byte, err error) {
	if len(prefix) == 0 && err == nil {
		return
	}
	rest := io.Reader(r.Body)
	if err != nil && err != errTooLarge && err != errTooLong {
		rest = failedReader{err}
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(prefix), rest), r.Body}
}

// failedReader gives the error that ended the reading of a body.
type failedReader struct{ err error }

func (f failedReader) Read([]byte) (int, error) { return 0, f.err }

// readBackBody is a body that was read, to be read again.
type readBackBody struct {
	bytes.Reader
	io.Closer
}

// sendOnce keeps Go's transport from sending an update a second time when a
// connection breaks that it had used before. It does so with a GET, and with
// an empty POST that has an idempotency key, unless they have a body, even
// one that turns out to be empty.
func sendOnce(r *http.Request) {
	if r.ContentLength != 0 {
		return
	}
	if r.Method == http.MethodGet || r.Header["Idempotency-Key"] != nil || r.Header["X-Idempotency-Key"] != nil {
		r.ContentLength = -1
		r.Body = io.NopCloser(bytes.NewReader(nil))
	}
}

// clientIP returns the client's address as Caddy determined it.
func clientIP(r *http.Request) string {
	ip, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	return ip
}

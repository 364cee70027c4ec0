package caddymodule

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// firstRead is the most memory, in bytes, that a body gets before it has
// arrived, whatever length is declared.
const firstRead = 64<<10 + 1

// Reasons to stop reading a body early. More of it may follow.
var (
	errTooLarge = errors.New("larger than max_body")
	errTooLong  = errors.New("longer than declared")
)

// requestBody reads the body of a request for the policy, and gives it back to
// the request.
type requestBody struct {
	from   io.ReadCloser
	length int64         // declared, -1 if unknown
	asked  bool          // the client waits for leave to send it (Expect)
	read   []byte        // all that was taken from the body
	err    error         // what ended the reading, io.EOF at the body's end
	waited time.Duration // the client's time, which is not ours
	again  readBack
}

// readBack is a whole body that was read, to be read again.
type readBack struct {
	bytes.Reader
	io.Closer
	whole []byte
}

// bodyOf returns the body of a request, nil if it has none.
func bodyOf(r *http.Request) *requestBody {
	if r.Body == nil || r.ContentLength == 0 {
		return nil
	}
	b := &requestBody{from: r.Body, length: r.ContentLength, asked: r.Header["Expect"] != nil}
	if earlier, ok := r.Body.(*readBack); ok { // another gateway has read it
		b.read, b.err, b.length = earlier.whole, io.EOF, int64(len(earlier.whole))
	}
	return b
}

// Empty reports whether the body has no byte. A client that waits for leave to
// send its body has one.
func (b *requestBody) Empty() bool {
	if b.asked {
		return false
	}
	for len(b.read) == 0 && b.err == nil {
		b.fill(firstRead)
	}
	return len(b.read) == 0 && b.err == io.EOF
}

// Read returns the whole body, of at most limit bytes.
func (b *requestBody) Read(limit int64) ([]byte, validation.Verdict) {
	if b.length >= 0 {
		limit = b.length
	}
	for b.err == nil {
		b.fill(limit)
		if int64(len(b.read)) <= limit {
			continue
		}
		if b.err = errTooLarge; b.length >= 0 {
			b.err = errTooLong
		}
	}
	if b.err == io.EOF && int64(len(b.read)) < b.length {
		b.err = io.ErrUnexpectedEOF
	}
	return b.read, b.verdict()
}

// fill reads once, into a buffer that grows with what has arrived. One byte
// more than limit shows that the body is larger.
func (b *requestBody) fill(limit int64) {
	start := time.Now()
	if n := int64(cap(b.read)); int64(len(b.read)) == n {
		size := max(2*n, 512)
		if n == 0 && b.length > 0 {
			size = min(b.length+1, firstRead)
		}
		b.read = append(make([]byte, 0, min(size, limit+1)), b.read...)
	}
	n, err := b.from.Read(b.read[len(b.read):cap(b.read)])
	b.read, b.err = b.read[:len(b.read)+n], err
	b.waited += time.Since(start)
}

// verdict returns what the end of the reading means.
func (b *requestBody) verdict() validation.Verdict {
	var timeout net.Error
	var tooLarge *http.MaxBytesError
	switch {
	case b.err == io.EOF:
		return validation.Accepted
	case b.err == errTooLarge, errors.As(b.err, &tooLarge): // the latter is from Caddy's request_body
		return validation.TooLarge
	case errors.As(b.err, &timeout) && timeout.Timeout():
		return validation.TimedOut
	}
	return validation.Incomplete
}

// unread reports whether bytes of the body may still come.
func (b *requestBody) unread() bool { return b != nil && b.err != io.EOF }

// giveBack restores the body of a request that may go on. If the whole body was
// read, an accepted request gets its length; in monitor mode the request goes
// on as it came.
func (b *requestBody) giveBack(r *http.Request, accepted, monitor bool) {
	switch {
	case b == nil, b.read == nil && b.err == nil, !accepted && !monitor:
		// nothing was read, or nobody will
	case b.err == io.EOF:
		b.again = readBack{Closer: b.from, whole: b.read}
		b.again.Reset(b.read)
		r.Body = &b.again
		if !monitor {
			b.settleLength(r)
		}
	default:
		rest := io.Reader(b.from)
		if b.err != nil && b.err != errTooLarge && b.err != errTooLong {
			rest = failedReader{b.err} // net/http gives that once, and then the end of the body
		}
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(b.read), rest), b.from}
	}
}

// settleLength declares the length of a body that was chunked, or had none
// over HTTP/2 or 3.
func (b *requestBody) settleLength(r *http.Request) {
	if r.ContentLength < 0 && len(b.read) > 0 {
		r.Header.Set("Content-Length", strconv.Itoa(len(b.read)))
	}
	r.ContentLength = int64(len(b.read))
	r.TransferEncoding = nil
}

// failedReader gives the error that ended the reading of a body.
type failedReader struct{ err error }

func (f failedReader) Read([]byte) (int, error) { return 0, f.err }

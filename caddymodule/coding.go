package caddymodule

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// coding is how an answer of MOR is compressed: its Content-Encoding.
type coding uint8

const (
	identity coding = iota
	gzipped
	deflated
	zstandard
	otherCoding
)

func codingOf(h http.Header) coding {
	switch strings.ToLower(strings.Join(h["Content-Encoding"], ",")) {
	case "", "identity":
		return identity
	case "gzip", "x-gzip":
		return gzipped
	case "deflate":
		return deflated
	case "zstd":
		return zstandard
	}
	return otherCoding
}

var errOtherCoding = errors.New("coding is not known")

// decode returns the beginning of what was compressed, at most maxMORAnswer
// bytes, also where the compressed bytes are not whole. So neither a bomb nor
// a body that is cut off costs more than any other answer.
func (c coding) decode(body []byte) (text []byte, err error) {
	var from io.Reader
	switch c {
	case identity:
		return body, nil
	case zstandard:
		text, err = zstdDecoder().DecodeAll(body, make([]byte, 0, maxZstd))
		return text[:min(len(text), maxMORAnswer)], err
	case gzipped:
		z := gzipReaders.Get().(*gzip.Reader)
		defer gzipReaders.Put(z)
		from, err = z, z.Reset(bytes.NewReader(body))
	case deflated:
		if from, err = zlib.NewReader(bytes.NewReader(body)); err != nil {
			from, err = flate.NewReader(bytes.NewReader(body)), nil // without zlib's frame, as some send it
		}
	default:
		err = errOtherCoding
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(from, maxMORAnswer))
}

// gzipReaders keep their memory, which is ten times an answer's.
var gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}

// maxZstd is the most, in bytes, that an answer in zstd is decoded to: its
// blocks are decoded whole or not at all.
const maxZstd = 4 * maxMORAnswer

// zstdDecoder returns a decoder that never takes memory of its own for what it
// decodes. The window is only checked: it is the largest that the coding
// allows on the web (RFC 9659).
var zstdDecoder = sync.OnceValue(func() *zstd.Decoder {
	d, _ := zstd.NewReader(nil, zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderLowmem(true))
	return d
})

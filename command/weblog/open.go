package weblog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
)

// Open returns what is logged in a stream that may be compressed with gzip,
// whatever its name is. It returns an error for what has to be unpacked before.
func Open(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, _ := b.Peek(6) // an error comes again
	if bytes.HasPrefix(head, []byte("\x1f\x8b")) {
		z, err := gzip.NewReader(b)
		if err != nil {
			return broken{err}, nil //nolint:nilerr // it comes when the log is read
		}
		return z, nil
	}
	for program, magic := range map[string]string{"bzip2": "BZh", "xz": "\xfd7zXZ\x00", "zstd": "\x28\xb5\x2f\xfd"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return nil, fmt.Errorf("it is compressed with %s; unpack it: %s -dc FILE | caddy mor-report -", program, program)
		}
	}
	return b, nil
}

// broken is a stream that ends with an error at once.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

package proof

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// rails is a running Rails application, in MOR's place, and the record that it keeps.
type rails struct {
	addr string

	record *os.File
	rest   []byte // the beginning of a line that is still being written
}

// ready waits until a request has come to the record, as long as the server runs.
func (r *rails) ready(running context.Context) error {
	for end := time.Now().Add(testkit.Patience); time.Now().Before(end) && running.Err() == nil; time.Sleep(50 * time.Millisecond) {
		if res, err := http.Get("http://" + r.addr + "/billing/proof/ready"); err == nil {
			res.Body.Close()
		}
		if records, err := r.records(); err != nil || len(records) > 0 {
			return err
		}
	}
	return errors.New("no request comes to Rails")
}

// records returns what was written since the last call.
func (r *rails) records() ([]record, error) {
	data, err := io.ReadAll(r.record)
	if err != nil {
		return nil, err
	}
	data = append(r.rest, data...)
	end := bytes.LastIndexByte(data, '\n') + 1
	r.rest = bytes.Clone(data[end:])
	var all []record
	for line := range bytes.Lines(data[:end]) {
		rec, err := parseRecord(line)
		if err != nil {
			return nil, err
		}
		all = append(all, rec)
	}
	return all, nil
}

// settled returns what was written since the last call, once nothing is being written any more: a request
// whose sender has given up may still be at work.
func (r *rails) settled() ([]record, error) {
	const quiet = 300 * time.Millisecond
	for size := int64(-1); ; {
		info, err := r.record.Stat()
		if err != nil {
			return nil, err
		}
		if info.Size() == size {
			return r.records()
		}
		size = info.Size()
		time.Sleep(quiet)
	}
}

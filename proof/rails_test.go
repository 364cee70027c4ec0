package proof

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// rails is a running Rails application, in MOR's place, and the record that it keeps.
type rails struct {
	addr string

	cmd    *exec.Cmd
	stdin  io.Closer
	path   string // of the record
	record *os.File
	rest   []byte // the beginning of a line that is still being written
}

// startRails starts the application of the rails directory. It ends with this process: it listens to the
// end of its standard input.
func startRails(dir string) (*rails, error) {
	path := filepath.Join(dir, "record")
	record, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("puma", "-t", "4:4", "-b", "tcp://127.0.0.1:0", "-e", "production", "config.ru")
	cmd.Dir = "rails"
	cmd.Env = append(os.Environ(), "PROOF_RECORD="+path, "RUBYOPT=-W0")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &rails{cmd: cmd, stdin: stdin, path: path, record: record}
	if r.addr, err = listening(output); err != nil {
		r.stop()
		return nil, err
	}
	return r, nil
}

var listeningLine = regexp.MustCompile(`Listening on http://(127\.0\.0\.1:\d+)`)

// listening reads puma's output up to the line that names the address, and goes on reading, so that puma
// is never held up.
func listening(output io.Reader) (string, error) {
	lines := bufio.NewScanner(output)
	var said strings.Builder
	for lines.Scan() {
		fmt.Fprintln(&said, lines.Text())
		if m := listeningLine.FindStringSubmatch(lines.Text()); m != nil {
			go io.Copy(io.Discard, output)
			return m[1], nil
		}
	}
	return "", fmt.Errorf("puma did not start:\n%s", said.String())
}

func (r *rails) stop() {
	r.stdin.Close()
	r.cmd.Process.Kill()
	r.cmd.Wait()
	r.record.Close()
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
		info, err := os.Stat(r.path)
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

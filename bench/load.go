package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// connections is how many requests are under way at the same time.
const connections = 16

func itoa(n int) string { return strconv.Itoa(n) }

// load sends one request to one site, again and again, over connections that stay open.
type load struct {
	server  *server
	request []byte
	answer  []byte
	conns   []*bufio.ReadWriter
	closers []io.Closer
}

func newLoad(s *server, addr, request, answer string) (*load, error) {
	l := &load{server: s, request: []byte(strings.Replace(request, "$host", addr, 1)), answer: []byte(answer)}
	for range connections {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			l.close()
			return nil, err
		}
		l.closers = append(l.closers, c)
		l.conns = append(l.conns, bufio.NewReadWriter(bufio.NewReader(c), bufio.NewWriter(c)))
	}
	return l, nil
}

func (l *load) close() {
	for _, c := range l.closers {
		_ = c.Close()
	}
}

// run sends requests for a time and returns how many were answered.
func (l *load) run(d time.Duration) (n int, err error) {
	end := time.Now().Add(d)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, c := range l.conns {
		wg.Go(func() {
			own, failed := 0, error(nil)
			for failed == nil && time.Now().Before(end) {
				failed = l.once(c)
				own++
			}
			mu.Lock()
			defer mu.Unlock()
			n += own
			if failed != nil {
				err = failed
			}
		})
	}
	wg.Wait()
	return n, err
}

// once sends the request and reads the answer.
func (l *load) once(c *bufio.ReadWriter) error {
	_, _ = c.Write(l.request)
	if err := c.Flush(); err != nil {
		return err
	}
	length := -1
	for first := true; ; first = false {
		line, err := c.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
			return fmt.Errorf("answered %q", line)
		}
		if val, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, _ = strconv.Atoi(string(bytes.TrimSpace(val)))
		}
		if len(line) == 2 {
			break
		}
	}
	body, err := c.Peek(max(length, 0))
	if err != nil {
		return err
	}
	if !bytes.Contains(body, l.answer) {
		return fmt.Errorf("answered %q", body)
	}
	_, err = c.Discard(length)
	return err
}

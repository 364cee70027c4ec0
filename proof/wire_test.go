package proof

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// shot is a request as bytes, ready to be sent.
type shot struct {
	id    string // of its record
	site  string
	bytes []byte
	alone bool // it gets a connection of its own
	odd   bool // its framing may be off: the sender stops if there is no answer
	open  bool // the sender stops after it, although it may be incomplete
}

// reply is the answer to a shot; status 0 if there was none.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// target is where shots go: the gateway, the naive one, or MOR itself.
type target struct {
	name   string
	addr   map[string]string // by site
	single bool              // one request in a connection: puma loses what comes after a body
}

const (
	pipelined = 8 // requests in one connection, sent without waiting
	patience  = 15 * time.Second
	stalled   = 300 * time.Millisecond // no answer for so long: the request is incomplete
)

// lastRequest ends a connection in which more requests may hide than were meant to be there: once it is
// answered, or the connection closed, all of them have been.
const lastRequest = "GET /proof/last HTTP/1.1\r\nHost: mor.example\r\nConnection: close\r\n\r\n"

// fire sends all shots, by several workers, and returns the answers.
func (t target) fire(shots []shot, workers int) []reply {
	replies := make([]reply, len(shots))
	batches := make(chan []int)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for batch := range batches {
				t.fireBatch(shots, replies, batch)
			}
		})
	}
	bySite := map[string][]int{}
	send := func(site string) {
		if len(bySite[site]) > 0 {
			batches <- bySite[site]
			bySite[site] = nil
		}
	}
	for i, s := range shots {
		if s.alone || s.open || t.single {
			batches <- []int{i}
			continue
		}
		bySite[s.site] = append(bySite[s.site], i)
		if len(bySite[s.site]) == pipelined {
			send(s.site)
		}
	}
	for site := range bySite {
		send(site)
	}
	close(batches)
	wg.Wait()
	return replies
}

func (t target) fireOne(s shot) reply {
	s.alone = true
	return t.fire([]shot{s}, 1)[0]
}

func (t target) fireBatch(shots []shot, replies []reply, batch []int) {
	if s := shots[batch[0]]; s.alone || s.open || t.single {
		replies[batch[0]] = t.fireAlone(s)
		return
	}
	for len(batch) > 0 {
		batch = batch[t.firePipelined(shots, replies, batch):]
	}
}

// firePipelined sends the batch in one connection and returns how many of its requests have had their
// chance; those after an answer that closes the connection have not.
func (t target) firePipelined(shots []shot, replies []reply, batch []int) int {
	conn, err := net.Dial("tcp", t.addr[shots[batch[0]].site])
	if err != nil {
		return len(batch)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	var all []byte
	for _, i := range batch {
		all = append(all, shots[i].bytes...)
	}
	go conn.Write(all) // in the background: the other side may answer, or give up, before it has read all
	in := bufio.NewReader(conn)
	for n, i := range batch {
		answer, closing, err := readReply(in, shots[i].bytes)
		if err != nil {
			return n + 1
		}
		replies[i] = answer
		if closing {
			return n + 1
		}
	}
	return len(batch)
}

// fireAlone sends one request and stays until every request that may hide in it has been dealt with.
func (t target) fireAlone(s shot) reply {
	c, err := net.Dial("tcp", t.addr[s.site])
	if err != nil {
		return reply{}
	}
	conn := c.(*net.TCPConn)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	out := bytes.Clone(s.bytes)
	if !s.open && !t.single {
		out = append(out, lastRequest...)
	}
	go func() {
		conn.Write(out)
		if s.open {
			conn.CloseWrite()
		}
	}()

	in := bufio.NewReader(conn)
	if s.odd {
		conn.SetReadDeadline(time.Now().Add(stalled))
		if _, err := in.Peek(1); errors.Is(err, os.ErrDeadlineExceeded) {
			conn.CloseWrite() // to a server whose MOR is slow this looks as if the client had gone
			in.Reset(conn)
		}
	}
	conn.SetReadDeadline(time.Now().Add(patience))
	first, closing, err := readReply(in, s.bytes)
	for err == nil && !closing && !t.single {
		_, closing, err = readReply(in, nil)
	}
	return first
}

// readReply reads one answer; to a HEAD it has no body.
func readReply(in *bufio.Reader, request []byte) (answer reply, closing bool, err error) {
	method := http.MethodGet
	if bytes.HasPrefix(request, []byte("HEAD ")) {
		method = http.MethodHead
	}
	for {
		res, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			return reply{}, true, err
		}
		body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		if err != nil {
			return reply{}, true, err
		}
		if res.StatusCode >= 200 || res.StatusCode == http.StatusSwitchingProtocols {
			return reply{res.StatusCode, res.Header, body}, res.Close, nil
		}
	}
}

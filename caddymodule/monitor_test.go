package caddymodule_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/corpus"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// recorder is a stand-in for MOR that keeps what it gets: of each whole
// request the head as it came, the body and the trailers. Where a chunk ends is
// a matter of time.
type recorder struct {
	addr string
	mu   sync.Mutex
	seen [][]byte
}

func record(t testing.TB) *recorder {
	t.Helper()
	rec := &recorder{}
	rec.addr = testkit.StartTCP(t, func(c net.Conn, _ int) { rec.serve(c) })
	return rec
}

func (rec *recorder) serve(c net.Conn) {
	var seen bytes.Buffer
	r, err := http.ReadRequest(bufio.NewReader(io.TeeReader(c, &seen)))
	if err != nil {
		return
	}
	head, _, _ := bytes.Cut(seen.Bytes(), []byte("\r\n\r\n"))
	head = bytes.Clone(head)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	rec.mu.Lock()
	rec.seen = append(rec.seen, fmt.Appendf(nil, "%s\n\n%s\n%v", head, body, r.Trailer))
	rec.mu.Unlock()
	_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 7\r\n\r\n<page/>")
}

// take returns what was seen since the last call.
func (rec *recorder) take() string {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	seen := bytes.Join(rec.seen, []byte("\n--\n"))
	rec.seen = nil
	return string(seen)
}

// single reports whether the bytes are one request and no more, as far as
// they can be read at all. What an unfinished one, or a second one, makes of
// its connection is a matter of time, with and without the directive.
func single(request []byte) bool {
	rest := bufio.NewReader(bytes.NewReader(request))
	r, err := http.ReadRequest(rest)
	if err == nil {
		_, err = io.Copy(io.Discard, r.Body)
	}
	if err != nil {
		return !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)
	}
	_, err = rest.ReadByte()
	return err == io.EOF
}

var (
	upgrades = regexp.MustCompile(`(?im)^upgrade:[ \t]*(.*?)[ \t]*\r$`)
	tunnel   = regexp.MustCompile(`(?m)^(?:Connection: Upgrade|Upgrade: .*|Http2-Settings: .*)\r\n`)
)

// withoutTunnel takes out of what reached MOR what the gateway always takes
// out: an Upgrade to anything but websocket, with HTTP2-Settings.
func withoutTunnel(request []byte, reached string) string {
	asked := upgrades.FindAllSubmatch(request, -1)
	if len(asked) == 0 || len(asked) == 1 && bytes.EqualFold(asked[0][1], []byte("websocket")) {
		return reached
	}
	return tunnel.ReplaceAllString(reached, "")
}

// TestMonitorReplay: in monitor mode every request reaches MOR byte for byte
// as it does without the directive, and the counters say what enforce mode
// refuses.
func TestMonitorReplay(t *testing.T) {
	cases, err := corpus.Load(os.DirFS("../proof/corpus"))
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 500 {
		t.Fatalf("%d cases in the corpus", len(cases))
	}
	for seed, options := range []string{`reseller Reseller1 "reseller key"`, `
		allow_get
		users admin
		max_body 1KiB`,
	} {
		t.Run(strings.Fields(options)[0], func(t *testing.T) {
			var requests [][]byte
			for _, c := range cases {
				if request := c.Request(); single(request) {
					requests = append(requests, request)
				}
			}
			requests = append(requests, mixed(uint64(seed), 1000)...)
			rec := record(t)
			s := testkit.Serve(t, `
			(guarded) {
				mor_gateway {
					secret secret
					mode {args[0]}
					{$OPTIONS}
				}
				reverse_proxy {$MOR}
			}
			http://:{$PLAIN} {
				reverse_proxy {$MOR}
			}
			http://:{$MONITOR} {
				import guarded monitor
			}
			http://:{$ENFORCE} {
				import guarded enforce
			}`, "MOR", rec.addr, "OPTIONS", options)
			plain, monitor, enforce := s.Addr("PLAIN"), s.Addr("MONITOR"), s.Addr("ENFORCE")
			before := s.Counters()
			reached, refused, differ := 0, 0, 0
			for _, request := range requests {
				send(t, plain, request)
				want := rec.take()
				send(t, monitor, request)
				got := rec.take()
				if got != withoutTunnel(request, want) {
					if differ++; differ <= 10 {
						t.Errorf("request\n%.1000q\nreached MOR as\n%.1000q\nand without the directive as\n%.1000q", request, got, want)
					}
				}
				if send(t, enforce, request) {
					refused++
				}
				if rec.take() != "" {
					reached++
				}
			}
			count := map[string]map[string]float64{"monitor": {}, "enforce": {}}
			refusals, series := 0.0, regexp.MustCompile(`^requests_total\{mode="(\w+)",verdict="(\w+)"\}$`)
			for name, n := range s.Since(before) {
				m := series.FindStringSubmatch(name)
				if m == nil { // the recorder's answers say nothing
					if strings.HasPrefix(name, "disagreements") {
						t.Errorf("counted %s", name)
					}
					continue
				}
				count[m[1]][m[2]] = n
				if m[1] == "monitor" && m[2] != "accepted" {
					refusals += n
				}
			}
			if fmt.Sprint(count["monitor"]) != fmt.Sprint(count["enforce"]) {
				t.Errorf("monitor mode counts %v, enforce mode %v", count["monitor"], count["enforce"])
			}
			if refusals != float64(refused) {
				t.Errorf("monitor mode counts %v refusals, enforce mode refuses %d requests", refusals, refused)
			}
			if refused < 100 || reached < 100 || differ > 0 {
				t.Errorf("of %d requests %d reach MOR and %d are refused; %d differ", len(requests), reached, refused, differ)
			}
			t.Logf("%d requests, %d reach MOR, %d are refused: %v", len(requests), reached, refused, count["enforce"])
		})
	}
}

package proof

import (
	"fmt"
	"strconv"
	"testing"
)

// paths are targets that Apache changes, or refuses, before Rails sees them.
var paths = []string{
	"/billing/", "/billing//", "/billing/a/", "/billing/a//", "/billing//a//b", "//billing/a", "///billing/a", "//b/billing/a",
	"/./billing/a", "/x/../billing/a", "/billing/../billing/a", "/billing/../../billing/a", "/../billing/a", "/billing/a/.", "/billing/a/..", "/billing/a/b/../c",
	"/billing/.../a", "/billing/a/...", "/billing/a./b..", "/billing/..a/.b", "/billing/x/%2e", "/billing/x/%2E%2e/a", "/billing/%62/%252e",
	"/billing/a;b;c", "/billing/a;/../b", `/billing/a\b"<>^` + "`{|}", "/billing/a%zz", "/billing/a#x", "/billing/a%23x",
	"/billing/a?x?y", "/billing/a%3Fb?c", "/billing/a%3fb", `/billing/a?"<>^{|}`, "/billing/a?x=//..//", "/billing/%61?%62=%20+&",
	"http://h/billing/a", "http://h:80//billing/a/../b", "http://[::1]/billing/a", "HTTP://h/billing/a", "http://u@h/billing/a", "http://h?/billing/a", "https://h/billing/a",
	"http:/billing/a", "http:billing/a", "http:///billing/a", "x:/billing/a", "x://h/billing/a", "x:?/billing/a", "x:/y?/billing/a", "x:http://b?/billing/a", "*",
}

// TestApacheEmulation compares the Apache that rails/fronts.rb emulates with the real one, request by request.
func TestApacheEmulation(t *testing.T) {
	needTools(t)
	var requests [][]byte
	for _, path := range paths {
		requests = append(requests, []byte("POST "+path+" HTTP/1.1\r\nHost: mor.example\r\n\r\n"))
	}
	for c := range 256 {
		requests = append(requests, fmt.Appendf(nil, "POST /billing/x%%%02Xy?%%%02X HTTP/1.1\r\nHost: mor.example\r\n\r\n", c, c))
	}
	cases := loadCorpus(t)
	for _, c := range cases[borders(cases):] {
		requests = append(requests, c.Request())
	}
	for _, d := range newRound(*flagSeed, 2000).drafts {
		requests = append(requests, d.bytes())
	}
	underPuma, underApache := arrived(t, puma, requests), arrived(t, apache, requests)
	var both, onlyPuma, onlyApache, differ int
	for i, request := range requests {
		p, a := underPuma[i], underApache[i]
		switch {
		case p != nil && a != nil:
			both++
			if p.Method != a.Method || p.Apache != a.Path || p.Query != a.Query {
				differ++
				t.Errorf("Apache hands on %s %q %q, its emulation %s %q %q: %q", a.Method, a.Path, a.Query, p.Method, p.Apache, p.Query, request)
			}
		case p != nil:
			onlyPuma++
		case a != nil:
			onlyApache++
		}
	}
	t.Logf("emulation: of %d requests %d came to Rails under puma and under Apache, %d of these not as Apache is emulated; %d only under puma, %d only under Apache",
		len(requests), both, differ, onlyPuma, onlyApache)
	if both < len(requests)/2 {
		t.Error("the emulation is hardly compared with anything")
	}
}

// arrived sends the requests without a gateway, and returns for each what came to Rails; nothing if it did not come.
func arrived(t *testing.T, s server, requests [][]byte) []*record {
	t.Helper()
	mor := s.start(t)
	shots := make([]shot, len(requests))
	for i, request := range requests {
		shots[i] = shot{site: "main", bytes: withID(request, strconv.Itoa(i)), alone: true, odd: true}
	}
	direct(mor.addr).fire(shots, workers)
	records, err := mor.settled()
	if err != nil {
		t.Fatal(err)
	}
	came := make([]*record, len(requests))
	for _, rec := range records {
		if i, err := strconv.Atoi(string(rec.ID)); err == nil && i < len(came) {
			came[i] = &rec
		}
	}
	return came
}

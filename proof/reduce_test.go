package proof

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// maxProbes bounds how often a reduction asks.
const maxProbes = 2000

// bypasses sends one request to the gateway and reports whether what reaches MOR breaks the contract.
func (w *world) bypasses(t *testing.T, s shot) bool {
	t.Helper()
	s.odd = !whole(s.bytes)
	read := w.mor.records
	if w.gateway.fireOne(s).status == 0 || bytes.Count(s.bytes, []byte(" HTTP/")) != 1 {
		read = w.mor.settled // there may be more to come
	}
	records, err := read()
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(records, func(rec record) bool { return len(sites[s.site].breaches(rec)) > 0 })
}

// reduce takes from a request what it does not need to get past the gateway: pieces first, then bytes.
func (w *world) reduce(t *testing.T, s shot) []byte {
	t.Helper()
	probes := 0
	gets := func(request []byte) bool {
		probes++
		ends := bytes.Contains(request, []byte("\r\n\r\n")) // or it would reach into what is sent after it
		return ends && probes <= maxProbes && w.bypasses(t, shot{site: s.site, bytes: request, open: s.open})
	}
	request := regexp.MustCompile(`X-Proof-Id: g\d+\r\n`).ReplaceAll(s.bytes, nil)
	if !gets(request) {
		return s.bytes // it takes more than this request alone
	}
	relength := lengthOf(request)
	for _, size := range []*regexp.Regexp{regexp.MustCompile(`(?s)[^\r\n]*\r\n|.+$`), regexp.MustCompile(`(?s)[&;=,?/ ]|[^&;=,?/ ]+`), regexp.MustCompile(`(?s)\r\n|.`)} {
		pieces := size.FindAll(request, -1)
		if !bytes.Equal(bytes.Join(pieces, nil), request) {
			pieces = split(request)
		}
		pieces = minimal(pieces, func(kept [][]byte) bool { return gets(relength(bytes.Join(kept, nil))) })
		request = relength(bytes.Join(pieces, nil))
	}
	return request
}

func split(request []byte) [][]byte {
	var pieces [][]byte
	for i := range request {
		pieces = append(pieces, request[i:i+1])
	}
	return pieces
}

// minimal is delta debugging: it removes ever smaller runs of pieces as long as what is left holds.
func minimal(pieces [][]byte, holds func([][]byte) bool) [][]byte {
	for run := len(pieces) / 2; run > 0; {
		removed := false
		for at := 0; at+run <= len(pieces); {
			less := slices.Concat(pieces[:at], pieces[at+run:])
			if holds(less) {
				pieces, removed = less, true
			} else {
				at += run
			}
		}
		if !removed || run > len(pieces)/2 {
			run /= 2
		}
	}
	return pieces
}

var lengthLine = regexp.MustCompile(`\r\nContent-Length: (\d+)\r\n`)

// lengthOf returns what keeps the declared length of the body right, if it is right in the request.
func lengthOf(request []byte) func([]byte) []byte {
	if !rightLength(request) {
		return func(r []byte) []byte { return r }
	}
	return func(r []byte) []byte {
		_, body, found := bytes.Cut(r, []byte("\r\n\r\n"))
		if !found {
			return r
		}
		return lengthLine.ReplaceAll(r, fmt.Appendf(nil, "\r\nContent-Length: %d\r\n", len(body)))
	}
}

// whole reports whether a server needs nothing more to answer the request.
func whole(request []byte) bool {
	return rightLength(request) || bytes.HasSuffix(request, []byte("\r\n\r\n")) && !bytes.Contains(request, []byte("Length"))
}

func rightLength(request []byte) bool {
	m := lengthLine.FindSubmatch(request)
	_, body, _ := bytes.Cut(request, []byte("\r\n\r\n"))
	return m != nil && string(m[1]) == strconv.Itoa(len(body))
}

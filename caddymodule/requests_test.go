package caddymodule_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// send sends the bytes of a request, waits for the answer, and reports whether
// it is the gateway's refusal.
func send(t testing.TB, addr string, request []byte) (refused bool) {
	t.Helper()
	conn := testkit.Connect(t, addr)
	defer conn.Close()
	_, _ = conn.Write(request) // Caddy may have closed after the head
	method, _, _ := strings.Cut(string(request), " ")
	for {
		resp, err := http.ReadResponse(conn.In, &http.Request{Method: method})
		if err != nil {
			return false
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		if resp.StatusCode >= http.StatusOK {
			return resp.Header.Get("Cache-Control") == "no-store" && resp.StatusCode != http.StatusBadGateway
		}
	}
}

// mixed returns requests made at random from what clients send, and what they
// get wrong.
func mixed(seed uint64, n int) (requests [][]byte) {
	rnd := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a test must repeat itself
	pick := func(choices ...string) string { return choices[rnd.IntN(len(choices))] }
	params := func(sep, format string) string {
		list := []string{
			fmt.Sprintf(format, "u", pick("admin", "admin", "alice", "ADMIN", "", "nobody", "\x01")),
			fmt.Sprintf(format, "did_id", "6511"),
			fmt.Sprintf(format, "hash", pick(contract.Hash("6511", "secret"), contract.Hash("6511", "secret"), strings.ToUpper(contract.Hash("6511", "secret")), "x")),
		}
		for rnd.IntN(2) == 0 {
			list = append(list, fmt.Sprintf(format,
				pick("call_limit", "active_from", "active_till", "did_user_id", "grace_time", "comment", "_method", "call_limit[]", "%63all_limit"),
				pick("", "1", "2", "-1", "5%0A", "%zz", "2147483648", "1e3", "a;b", "+", "0")))
		}
		rnd.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		return strings.Join(list, sep)
	}
	for range n {
		method := pick("POST", "POST", "POST", "GET", "HEAD", "PUT", "DELETE", "OPTIONS")
		target := pick(action, action, action, action+".xml", "/billing//api/did_details_update/", "/billing/api/did_list", "/%64id_details_update")
		query, body, head := "", "", ""
		switch rnd.IntN(4) {
		case 0:
			query = params("&", "%s=%s")
		case 1:
			body = params("&", "%s=%s")
			head = pick("", "Content-Type: application/x-www-form-urlencoded\r\n", "Content-Type: text/plain\r\n")
		case 2:
			body = "{" + params(",", `"%s":"%s"`) + "}"
			head = "Content-Type: application/json\r\n"
		case 3:
			body = params("", "--b\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n") + "--b--\r\n"
			head = "Content-Type: multipart/form-data; boundary=b\r\n"
		}
		if rnd.IntN(4) == 0 {
			query += pick("&p=sesame", "call_limit=7", "&u=bob", "%")
		}
		if query != "" {
			target += "?" + query
		}
		if rnd.IntN(8) == 0 {
			body += strings.Repeat("&filler=x", 1+rnd.IntN(9000)) // above and below max_body
		}
		head += pick("", "", "", "X-HTTP-Method-Override: PUT\r\n", "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: x\r\n",
			"Upgrade: websocket\r\nConnection: Upgrade\r\n", "Content-Encoding: gzip\r\n", "Idempotency-Key: 1\r\n")
		switch {
		case body != "" && rnd.IntN(3) == 0:
			head += "Transfer-Encoding: chunked\r\n"
			body = fmt.Sprintf("%x\r\n%s\r\n0\r\n%s\r\n", len(body), body, pick("", "", "X-Trailer: 1\r\n"))
		case body != "" || rnd.IntN(2) == 0:
			head += fmt.Sprintf("Content-Length: %d\r\n", len(body))
		}
		requests = append(requests, []byte(method+" "+target+" HTTP/1.1\r\nHost: mor.example\r\n"+head+"\r\n"+body))
	}
	return requests
}

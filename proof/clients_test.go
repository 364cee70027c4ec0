package proof

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
	"github.com/mor-gateway/caddy-mor-gateway/internal/testkit"
)

// A client is one of the ways in which public libraries call the API: how they send, and how they decide
// from the answer whether it went well. Both must come out right through the gateway and back from Rails.
type client struct {
	name string
	site string
	tool string // which it needs
	send func(base string, p url.Values) (*http.Response, error)
	read func(*http.Response) (success, failure string, err error)
}

var clients = []client{
	{"Laravel, JSON with integers", "main", "", laravelPost, readStatusElement},
	{"JavaScript, GET", "get", "", javaScriptGet, readErrorByExpression},
	{"the documentation, POST with a query", "main", "", documentationPost, readStatusElement},
	{"curl, form", "main", "", formPost, readStatusElement},
	{"PHP's curl, multipart with Expect", "main", "php", phpMultipart, readStatusElement},
	deno,
}

var deno = client{"Deno, GET", "get", "", denoGet, readErrorByExpression}

func laravelPost(base string, p url.Values) (*http.Response, error) {
	body := fmt.Sprintf(`{"call_limit":%s,"u":%q,"did_id":%s,"hash":%q,"p":%q}`,
		p.Get("call_limit"), p.Get("u"), p.Get("did_id"), p.Get("hash"), p.Get("p"))
	return http.Post(base, "application/json", strings.NewReader(body))
}

func javaScriptGet(base string, p url.Values) (*http.Response, error) {
	return http.Get(base + "?" + p.Encode())
}

func documentationPost(base string, p url.Values) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodPost, base+"?"+p.Encode(), nil) // without a type, as curl -X POST
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(req)
}

func formPost(base string, p url.Values) (*http.Response, error) {
	return http.PostForm(base, p)
}

func phpMultipart(base string, p url.Values) (*http.Response, error) {
	args := []string{"clients/expect.php", base}
	for name := range p {
		args = append(args, name, p.Get(name))
	}
	said, err := exec.Command("php", args...).Output()
	status, answer, _ := strings.Cut(string(said), "\n")
	code, _ := strconv.Atoi(status)
	return &http.Response{StatusCode: code, Body: io.NopCloser(strings.NewReader(answer))}, err
}

// denoGet sends what fetch of Deno 2 sends, byte for byte, with the query as URLSearchParams writes it.
func denoGet(base string, p url.Values) (*http.Response, error) {
	target, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	query := make([]string, 0, len(p))
	for _, name := range []string{"u", "did_id", "call_limit", "did_user_id", "hash", "p"} {
		if p.Has(name) {
			query = append(query, name+"="+strings.NewReplacer("%2A", "*", "~", "%7E").Replace(url.QueryEscape(p.Get(name))))
		}
	}
	conn, err := net.Dial("tcp", target.Host)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	_, err = fmt.Fprintf(conn, "GET %s?%s HTTP/1.1\r\naccept: */*\r\naccept-language: *\r\n"+
		"user-agent: Deno/2.1.4 (variant; SupabaseEdgeRuntime/1.67.4)\r\naccept-encoding: gzip,br\r\nhost: %s\r\n\r\n",
		target.Path, strings.Join(query, "&"), target.Host)
	if err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err
	}
	body := io.Reader(res.Body)
	if res.Header.Get("Content-Encoding") == "gzip" {
		if body, err = gzip.NewReader(body); err != nil {
			return nil, err
		}
	}
	answer, err := io.ReadAll(body)
	res.Body = io.NopCloser(bytes.NewReader(answer))
	return res, err
}

// readStatusElement looks at status/success and status/error under the root, whatever the root is called.
func readStatusElement(res *http.Response) (success, failure string, err error) {
	var root struct {
		Success string `xml:"status>success"`
		Error   string `xml:"status>error"`
	}
	if err := xml.NewDecoder(res.Body).Decode(&root); err != nil {
		return "", "", err
	}
	return root.Success, root.Error, nil
}

var anyError = regexp.MustCompile(`<error>(.*?)</error>`)

// readErrorByExpression throws on a status that is not 2xx, before it looks at the answer.
func readErrorByExpression(res *http.Response) (success, failure string, err error) {
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return "", "", fmt.Errorf("Request failed with status code %d", res.StatusCode)
	}
	body, err := io.ReadAll(res.Body)
	if m := anyError.FindSubmatch(body); m != nil {
		return "", string(m[1]), err
	}
	return string(body), "", err
}

func TestClientLibraries(t *testing.T) {
	for _, s := range chosen(t, servers) {
		t.Run(s.name, func(t *testing.T) { beginWith(t, s).serve(t) })
	}
}

func (w *world) serve(t *testing.T) {
	tests := []struct{ name, param, value, want string }{
		{"accepted", "", "", ""},
		{"wrong hash", "hash", "0", "Incorrect hash"},
		{"no user", "u", "", "Access Denied"},
		{"bad call limit", "call_limit", "-5", "Call limit is incorrect format"},
	}
	for _, c := range clients {
		for _, tt := range tests {
			t.Run(c.name+"/"+tt.name, func(t *testing.T) {
				if c.tool != "" {
					testkit.Tool(t, c.tool)
				}
				p := url.Values{"u": {"admin"}, "did_id": {"6511"}, "call_limit": {"999"}, "hash": {contract.Hash("6511", "secret")}, "p": {password}}
				if tt.param != "" {
					p.Set(tt.param, tt.value)
				}
				w.call(t, c, p, tt.want)
			})
		}
	}
	t.Run("Deno falls back on other hashes", func(t *testing.T) {
		p := url.Values{"u": {"Reseller1"}, "did_id": {"6511"}, "did_user_id": {"12"}, "p": {password}}
		for _, try := range []struct{ hash, want string }{
			{contract.Hash("6511", "reseller key"), "Incorrect hash"}, // of a reseller whose key the gateway has not
			{"aB3dE5fG7h", "Incorrect hash"},                          // MOR's Uniquehash
			{contract.Hash("6511", "secret"), ""},
		} {
			p.Set("hash", try.hash)
			w.call(t, deno, p, try.want)
		}
	})
}

// password has what must be escaped in a query, and what is escaped by some only.
const password = "pa+ss w*rd~1&u=x"

// call lets the client send the parameters, and judges what it reads in the answer and what came to MOR.
func (w *world) call(t *testing.T, c client, p url.Values, want string) {
	t.Helper()
	res, err := c.send("http://"+w.gateway.addr[c.site]+"/billing/api/did_details_update", p)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	good, bad, err := c.read(res)
	records, recordErr := w.mor.records()
	if err != nil || recordErr != nil {
		t.Fatal(err, recordErr)
	}
	const success = "DID details successfully updated"
	ran := len(records) == 1 && len(records[0].Runs) > 0
	if bad != want || ran != (want == "") || want == "" && !strings.Contains(good, success) {
		t.Fatalf("the client reads success %q, error %q; MOR's record: %v", good, bad, records)
	}
	if ran {
		seen, _ := records[0].today()
		for name := range p {
			if got, _ := seen.get(name); got.Text != p.Get(name) {
				t.Errorf("Rails saw %s, sent was %q", got, p.Get(name))
			}
		}
	}
}

package proof

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/mor-gateway/caddy-mor-gateway/internal/contract"
)

// A client is one of the ways in which public libraries call the API: how they send, and how they decide
// from the answer whether it went well. Both must come out right through the gateway and back from Rails.
type client struct {
	name string
	site string
	send func(base string, p url.Values) (*http.Response, error)
	read func(*http.Response) (success, failure string, err error)
}

var clients = []client{
	{"Laravel, JSON with integers", "main", laravelPost, readStatusElement},
	{"JavaScript, GET", "get", javaScriptGet, readErrorByExpression},
	{"the documentation, POST with a query", "main", documentationPost, readStatusElement},
	{"curl, form", "main", formPost, readStatusElement},
}

func laravelPost(base string, p url.Values) (*http.Response, error) {
	body := fmt.Sprintf(`{"call_limit":%s,"u":%q,"did_id":%s,"hash":%q,"p":"admin1"}`,
		p.Get("call_limit"), p.Get("u"), p.Get("did_id"), p.Get("hash"))
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
	w := begin(t)
	const success = "DID details successfully updated"
	tests := []struct{ name, param, value, want string }{
		{"accepted", "", "", ""},
		{"wrong hash", "hash", "0", "Incorrect hash"},
		{"no user", "u", "", "Access Denied"},
		{"bad call limit", "call_limit", "-5", "Call limit is incorrect format"},
	}
	for _, c := range clients {
		for _, tt := range tests {
			t.Run(c.name+"/"+tt.name, func(t *testing.T) {
				p := url.Values{"u": {"admin"}, "did_id": {"6511"}, "call_limit": {"999"}, "hash": {contract.Hash("6511", "secret")}}
				if tt.param != "" {
					p.Set(tt.param, tt.value)
				}
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
				ran := len(records) == 1 && len(records[0].Runs) > 0
				if bad != tt.want || ran != (tt.want == "") || tt.want == "" && !strings.Contains(good, success) {
					t.Errorf("the client reads success %q, error %q; MOR's record: %v", good, bad, records)
				}
			})
		}
	}
}

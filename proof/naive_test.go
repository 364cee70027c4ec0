package proof

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"strings"
	"testing"
)

// startNaive starts the control: a gateway with all the right rules, that reads with Go's own parsers and
// forwards the request as it came. What it lets through shows that the corpus and the generator bite.
func startNaive(t *testing.T, mor string) target {
	to := target{name: "a naive gateway", addr: map[string]string{}}
	for name, s := range sites {
		proxy := &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(&url.URL{Scheme: "http", Host: mor})
				r.Out.URL.RawQuery = r.In.URL.RawQuery
				r.Out.Header.Set("X-Proof-Site", name)
			},
			ErrorLog: log.New(io.Discard, "", 0),
		}
		server := httptest.NewServer(naive(s, proxy))
		t.Cleanup(server.Close)
		to.addr[name] = server.Listener.Addr().String()
	}
	return to
}

func naive(s site, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(strings.TrimSuffix(path.Clean(r.URL.Path), ".xml"), "/did_details_update") {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		read := r.Clone(r.Context())
		read.Body = io.NopCloser(bytes.NewReader(body))
		seen := run{Reading: "naive", Method: r.Method, Params: naiveParams(read, body)}
		if breach := s.breach(seen); breach != "" {
			fmt.Fprintf(w, "<page><status><error>%s</error></status></page>", breach)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// naiveParams reads the parameters as a Go programmer would who has not met Rails.
func naiveParams(r *http.Request, body []byte) []param {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch mediaType {
	case "application/json":
		return naiveJSON(r, body)
	case "multipart/form-data":
		r.ParseMultipartForm(1 << 20)
	default:
		r.ParseForm()
	}
	var params []param
	for name := range r.Form {
		params = append(params, param{name, "String", r.FormValue(name)})
	}
	return params
}

func naiveJSON(r *http.Request, body []byte) []param {
	var fields struct {
		U          string      `json:"u"`
		DidID      json.Number `json:"did_id"`
		Hash       string      `json:"hash"`
		CallLimit  json.Number `json:"call_limit"`
		DidUserID  json.Number `json:"did_user_id"`
		ActiveFrom json.Number `json:"active_from"`
		ActiveTill json.Number `json:"active_till"`
		GraceTime  json.Number `json:"grace_time"`
	}
	json.Unmarshal(body, &fields)
	query := r.URL.Query()
	var params []param
	for name, value := range map[string]string{
		"u": fields.U, "did_id": fields.DidID.String(), "hash": fields.Hash, "call_limit": fields.CallLimit.String(),
		"did_user_id": fields.DidUserID.String(), "active_from": fields.ActiveFrom.String(),
		"active_till": fields.ActiveTill.String(), "grace_time": fields.GraceTime.String(),
	} {
		if value == "" {
			value = query.Get(name)
		}
		params = append(params, param{name, "String", value})
	}
	return params
}

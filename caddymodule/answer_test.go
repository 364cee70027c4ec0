package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// TestNoAnswerFromMOR makes sure that the client gets XML for what Caddy has
// no answer to, and that the log doesn't repeat what MOR's port sent: that may
// be the request.
func TestNoAnswerFromMOR(t *testing.T) {
	malformed := errors.New(`malformed HTTP response "POST /billing?hash=abc"`)
	for status, message := range map[int]string{
		502: "MOR cannot be reached", 503: "MOR is not available", 504: "MOR did not answer in time",
		499: "", 500: "",
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			core, logs := observer.New(zap.DebugLevel)
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			x := &exchange{handler: &Handler{logger: zap.New(core)}, r: r, passage: new(passage)}
			w := httptest.NewRecorder()
			in := caddyhttp.HandlerError{StatusCode: status, Err: malformed, Trace: "reverseproxy.statusError (reverseproxy.go:1776)"}
			err := x.answerForMOR(w, r, in)
			if message == "" {
				if !errors.Is(err, malformed) || w.Body.Len() > 0 || logs.Len() > 0 {
					t.Errorf("not returned as it is: %v %q", err, w.Body)
				}
				return
			}
			if err != nil || w.Code != status || !strings.Contains(w.Body.String(), "<error>"+message+"</error>") {
				t.Errorf("%v, %d %q", err, w.Code, w.Body)
			}
			for _, entry := range logs.FilterLevelExact(zap.ErrorLevel).All() {
				if entry.ContextMap()["error"] != "malformed HTTP response " {
					t.Errorf("logged %v", entry.ContextMap())
				}
			}
			if logs.FilterLevelExact(zap.ErrorLevel).Len() != 1 {
				t.Errorf("%d lines at ERROR", logs.Len())
			}
		})
	}
}

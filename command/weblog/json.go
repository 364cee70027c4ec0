package weblog

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// object is a line of JSON, or a part of one.
type object map[string]json.RawMessage

// text returns the first of the members that is there, if it is a string or a
// number.
func (o object) text(names ...string) string {
	for _, name := range names {
		raw, ok := o[name]
		if !ok {
			continue
		}
		var s string
		if json.Unmarshal(raw, &s) == nil {
			return s
		}
		return strings.Trim(string(raw), "{}[]")
	}
	return ""
}

// parseJSON reads a line of Caddy or of the gateway, and one of Apache or nginx
// whose format is JSON with the names of their variables. In front there may be
// what journald or Caddy's format for a console writes.
func parseJSON(front, line []byte) (Entry, bool) {
	var o object
	if json.Unmarshal(line, &o) != nil {
		return Entry{}, false
	}
	logger, message := o.text("logger"), o.text("msg")
	e := Entry{Time: o.time()}
	if columns := bytes.Split(front, []byte{'\t'}); len(columns) == 5 {
		logger, message = string(columns[2]), string(columns[3])
		e.Time, _ = ParseTime(string(columns[0]))
	}
	if logger == "http.handlers.mor_gateway" {
		e.fromGateway(o, message)
		return e, true
	}
	var request object
	if json.Unmarshal(o["request"], &request) != nil {
		e.fromVariables(o)
		return e, true
	}
	if strings.HasPrefix(logger, "http.log.access") || message == "handled request" || logger == "" && message == "" {
		e.fromCaddy(o, request)
	}
	return e, true
}

// fromGateway reads a line of the gateway's log, if it is about a request.
func (e *Entry) fromGateway(o object, message string) {
	e.MOR = o.text("mor")
	if !strings.HasPrefix(message, "request ") && e.MOR == "" {
		return
	}
	e.Kind = Gateway
	e.Client = o.text("client_ip")
	e.Method = o.text("method")
	e.Verdict, e.User, e.Hint = o.text("verdict"), o.text("user"), o.text("hint")
}

// fromCaddy reads a line of Caddy's access log.
func (e *Entry) fromCaddy(o, request object) {
	e.Kind = Access
	e.Client = request.text("client_ip", "remote_ip", "remote_addr")
	e.Method = request.text("method")
	// Caddy writes this for a byte that is not UTF-8.
	e.Target = strings.ReplaceAll(request.text("uri"), "\ufffd", "\xff")
	e.Status, _ = strconv.Atoi(o.text("status"))
	e.Verdict, e.User, e.Edge = o.text("mor_verdict"), o.text("mor_user"), o.text("mor_edge")
	// Caddy's filter "hash" leaves so many hex digits.
	if hash := hashIn(e.Target); len(hash) == 8 && strings.Trim(hash, "0123456789abcdef") == "" {
		e.Redacted = true
	}
}

// fromVariables reads a line of another server, if it has a request.
func (e *Entry) fromVariables(o object) {
	method, target, ok := splitRequest([]byte(o.text("request")))
	if !ok {
		method, target = o.text("request_method", "method"), o.text("request_uri", "uri")
	}
	if method == "" || target == "" {
		return
	}
	e.Kind, e.Method, e.Target = Access, method, target
	e.Client = o.text("remote_addr", "remote_ip", "client_ip", "client")
	e.Status, _ = strconv.Atoi(o.text("status"))
}

// time returns the line's time, anywhere.
func (o object) time() time.Time {
	for _, name := range []string{"ts", "time", "time_iso8601", "time_local", "@timestamp", "timestamp", "msec"} {
		if t, ok := ParseTime(strings.Trim(o.text(name), "[]")); ok {
			return t
		}
	}
	return time.Time{}
}

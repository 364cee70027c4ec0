package doors

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
)

// open is the method that edge.Caddyfile opens to strangers, as it may be spelled.
var open = []string{"/billing/api/did_details_update", "/billing//api/did_details_update"}

// methods returns the methods that MOR has here; the guarded one is the first.
func methods() []string {
	text, err := os.ReadFile("methods.txt")
	if err != nil {
		panic(err)
	}
	return strings.Fields(string(text))
}

// spelling returns a target by which some server may come to a method.
func spelling(r *rand.Rand, methods []string) string {
	method, guarded := methods[r.IntN(len(methods))], methods[0]
	api := pick(r, "api", "api", "api", "API", "Api", "::api", "_api", "api_", "%61pi", ":api")
	billing := pick(r, "/billing", "/billing", "/billing", "", "/BILLING", "/billing/", "/b%69lling", "/billing/.", "/x/../billing", "//billing", "/billing;x=y", "/mor/billing")
	up := pick(r, "..", "%2e%2e", "..;", ".%2E", "%252e%252e")
	slash := func() string {
		return pick(r, "/", "/", "%2f", "%2F", "//", "%252f", "\\", "%5c", ";/")
	}
	target := billing + "/" + api + "/" + method
	switch r.IntN(15) {
	case 0: // plain
	case 14: // Caddy's path matcher takes it for the guarded method, Rails for the other one with an id
		return "/billing/api/" + method + "/%2e%2e%2f" + guarded
	case 1: // what resolves dots takes it for the guarded method
		target += slash() + up + slash() + guarded
	case 2:
		target += slash() + up + slash() + up + slash() + "api" + slash() + guarded
	case 3: // what a server resolves to the other method
		target = billing + "/" + api + "/" + guarded + slash() + up + slash() + method
	case 4:
		target = billing + "/" + api + "/" + pick(r, ".", "./.", "x/..", "%2e") + "/" + method
	case 5: // the one as a part of the other
		target += pick(r, "/", ".", ";", "?", "%3f", "%00", "%23", "%0a", "%20", "&", "=", ",", ":", "@", "~", "%09", "#", "?/../") + guarded
	case 6:
		target = billing + "/" + api + "/" + guarded + pick(r, "/", ".", ";", "%3f", "%00", "%0a", "%20", "&", "=", ",", ":", "@", "%09", "#", "/?/", "%2f") + method
	case 7:
		target += pick(r, ".xml", ".json", "/", "/5", "/5.xml", ".", ";.xml", "..xml", "%2exml", "/.xml")
	case 8: // a target that is no path
		target = pick(r, "http://mor.example.com", "http://x", "x:", "x:http://mor.example.com", "HTTPS://mor.example.com:443", "//mor.example.com", "mailto:x@y", "x:?", "http://x"+open[0]+"?", "x:"+open[0]+"?x:http://y") + target
	case 9: // the method elsewhere
		target = open[0] + "?" + pick(r, "action=", "controller=api&action=", "id=", "_method=get&action=", "format=", "rest=") + method
	case 10:
		target = billing + "//" + api + "///" + method
	case 11: // another letter case of the method
		target = billing + "/" + api + "/" + strings.ToUpper(method[:1]) + method[1:]
	case 12:
		target = pick(r, open...) + pick(r, "", ".xml", "/", "/5", "%20", ";", "//", "/.", "%3f", "%00x", "%0a")
	case 13:
		target = pick(r, "/", "/billing", "/billing/callc/login", "/billing/api/v2/dids", "/phpmyadmin/", "*", "/billing/api", "/billing/api/", "/billing/api/?action="+method)
	}
	for range r.IntN(4) / 2 { // escapes, once to three times
		target = escape(r, target, 1+r.IntN(3))
	}
	return target
}

// escape escapes one character of the path as often as it is told.
func escape(r *rand.Rand, target string, times int) string {
	path, _, _ := strings.Cut(target, "?")
	if len(path) < 2 || path[0] != '/' {
		return target
	}
	at := 1 + r.IntN(len(path)-1)
	return target[:at] + "%" + strings.Repeat("25", times-1) + fmt.Sprintf("%02x", target[at]) + target[at+1:]
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

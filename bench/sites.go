package main

import (
	"log"
	"os"
	"strings"

	"github.com/mor-gateway/caddy-mor-gateway/deploy"
)

// program is a Caddy with some sites. Sites that are compared with each other are in one process where they can be: two
// processes of the very same program and configuration differ by more than the gateway costs.
type program struct {
	env   []string
	log   string // the global option; without it, as Caddy has it
	sites map[string]string
}

const (
	proxy   = "reverse_proxy $upstream"
	guard   = "mor_gateway {env.MOR_API_SECRET_KEY}\n"
	buffers = " {\nrequest_buffers 64KiB\n}"
	headers = "header Content-Type \"text/xml; charset=utf-8\"\nheader Cache-Control no-store\nheader X-Content-Type-Options nosniff\nrespond \"$page\""
)

func programs() map[string]program {
	return map[string]program{
		"one": {sites: map[string]string{
			"plain": proxy, "again": proxy, "gateway": guard + proxy, "two": guard + guard + proxy, "buffered": guard + proxy + buffers,
			"respond": headers, "logged": "log\n" + headers,
		}},
		"quiet": {log: "log {\nexclude http.handlers.mor_gateway\n}", sites: map[string]string{"respond": headers, "gateway": guard}},
		"stock": {sites: map[string]string{"plain": proxy}},
		// As the unit and the edge example have it.
		"shipped": {env: deploy.GoSettings(), log: "import mor_runtime_log", sites: map[string]string{"gateway": guard + edgeProxy()}},
	}
}

// edgeProxy returns the reverse_proxy of the edge example, with this upstream.
func edgeProxy() string {
	text, err := os.ReadFile("caddyfile/edge.Caddyfile")
	if err != nil {
		log.Fatal(err)
	}
	_, snippet, ok := strings.Cut(string(text), "(mor) {\n")
	snippet, _, ended := strings.Cut(snippet, "\n}\n")
	if !ok || !ended {
		log.Fatal("caddyfile/edge.Caddyfile has no (mor)")
	}
	return strings.Replace(snippet, "10.0.0.5:80", "$upstream", 1)
}

// side is a site of a program.
type side struct{ name, program, site string }

// comparison is one request, and the sites that get it. The first is what the others are compared with.
type comparison struct {
	kind, name string
	request    string
	answer     string // what is in the answer
	sides      []side
}

const (
	action  = "/billing/api/did_details_update"
	hash    = "f7de355c9b4421ce6c705b4b32c89dbcaca51e46" // SHA-1 of 6511 and the key, "secret"
	params  = "u=admin&did_id=6511&call_limit=999&hash=" + hash
	json    = `{"call_limit":999,"u":"admin","did_id":6511,"hash":"` + hash + `","p":"admin1"}`
	success = "<success>"
	refused = "<error>Incorrect hash</error>"
)

var (
	query     = post(action+"?"+params, "", "")
	form      = post(action, "application/x-www-form-urlencoded", params)
	jsonBody  = post(action, "application/json", json)
	unrelated = "GET /billing/callc/main HTTP/1.1\r\nHost: $host\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
	// A hash of the right form that none of the usual mistakes makes.
	wrong = post(action+"?"+strings.Replace(params, hash, "0123456789abcdef0123456789abcdef01234567", 1), "", "")

	plain, again     = side{"plain Caddy", "one", "plain"}, side{"plain Caddy, a second site (control)", "one", "again"}
	gateway          = side{"gateway", "one", "gateway"}
	buffered         = side{"gateway, `request_buffers 64KiB`", "one", "buffered"}
	two              = side{"two gateways, one after the other", "one", "two"}
	stock, shipped   = side{"plain Caddy", "stock", "plain"}, side{"gateway as shipped", "shipped", "gateway"}
	inPlace, asSent  = "in place", "as shipped"
	likeForLike      = "like for like"
	loggedByCaddy    = side{"`respond`, with Caddy's access log line", "one", "logged"}
	mor              = side{"Rails with a session and a database, under Apache with Passenger", "mor", "mor"}
	refusedAndLogged = side{"gateway, with its log line", "one", "gateway"}
)

var comparisons = []comparison{
	{inPlace, "accepted, query", query, success, []side{plain, gateway, two, buffered, again}},
	{inPlace, "accepted, form", form, success, []side{plain, gateway, buffered, again}},
	{inPlace, "accepted, JSON", jsonBody, success, []side{plain, gateway, buffered, again}},
	{inPlace, "unrelated path", unrelated, success, []side{plain, gateway, buffered, again}},
	{asSent, "accepted, query", query, success, []side{stock, shipped}},
	{asSent, "accepted, form", form, success, []side{stock, shipped}},
	{asSent, "accepted, JSON", jsonBody, success, []side{stock, shipped}},
	{asSent, "unrelated path", unrelated, success, []side{stock, shipped}},
	{likeForLike, "refused, no log line", wrong, refused, []side{{"`respond`, same header", "quiet", "respond"}, {"gateway", "quiet", "gateway"}}},
	{likeForLike, "refused, with a log line", wrong, refused, []side{loggedByCaddy, refusedAndLogged}},
	{"what MOR is spared", "refused", wrong, refused, []side{mor, refusedAndLogged}},
}

func post(target, contentType, body string) string {
	head := "POST " + target + " HTTP/1.1\r\nHost: $host\r\nUser-Agent: bench\r\nAccept: */*\r\n"
	if contentType != "" {
		head += "Content-Type: " + contentType + "\r\n"
	}
	return head + "Content-Length: " + itoa(len(body)) + "\r\n\r\n" + body
}

package main

import "strings"

// request is what wrk sends again and again.
type request struct {
	method, target, contentType, body string
}

// scenario is one request, and the servers that it is sent to. The first is what the others are compared with.
type scenario struct {
	name    string
	request request
	answer  string // stands in the answer of each server
	servers []target
}

// target is a site of one of the processes.
type target struct {
	name    string // as the table has it
	process string
	site    string
}

const (
	action = "/billing/api/did_details_update"
	hash   = "f7de355c9b4421ce6c705b4b32c89dbcaca51e46" // SHA-1 of 6511 and the key, "secret"
	params = "u=admin&did_id=6511&call_limit=999&hash=" + hash
	json   = `{"call_limit":999,"u":"admin","did_id":6511,"hash":"` + hash + `","p":"admin1"}`

	success = "<success>"
	refused = "<error>Incorrect hash</error>"
)

var (
	plain    = target{"plain Caddy, `reverse_proxy`", "all", "plain"}
	again    = target{"plain Caddy, a second such site", "all", "again"}
	gateway  = target{"with the gateway", "all", "gateway"}
	buffered = target{"with the gateway, `request_buffers 64KiB`", "all", "buffered"}
	respond  = target{"plain Caddy, `respond`", "all", "respond"}
	logging  = target{"gateway, with one line in a file", "all", "gateway"}
	rails    = target{"Rails under puma", "rails", "rails"}

	// A hash of the right form that none of the usual mistakes makes.
	wrongHash = request{"POST", action + "?" + strings.Replace(params, hash, "0123456789abcdef0123456789abcdef01234567", 1), "", ""}

	scenarios = []scenario{
		{"accepted, query", request{"POST", action + "?" + params, "", ""}, success, []target{plain, gateway, again}},
		{"accepted, form", request{"POST", action, "application/x-www-form-urlencoded", params}, success, []target{plain, gateway, buffered, again}},
		{"accepted, JSON", request{"POST", action, "application/json", json}, success, []target{plain, gateway, buffered, again}},
		{"unrelated path", request{"GET", "/billing/callc/main", "", ""}, success, []target{plain, gateway, again}},
		{"refused, without the log line", wrongHash, refused, []target{
			{respond.name, "quiet", "respond"}, {"gateway", "quiet", "gateway"},
		}},
		{"refused, with the log line", wrongHash, refused, []target{respond, logging}},
	}
	railsScenarios = []scenario{
		{"refused", wrongHash, refused, []target{rails, logging}},
	}
	memoryScenario = scenario{"accepted, JSON", scenarios[2].request, success, []target{
		{plain.name, "plain alone", "plain"}, {gateway.name, "gateway alone", "gateway"},
	}}
)

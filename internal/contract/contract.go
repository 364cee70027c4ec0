// Package contract has MOR's table of errors as data, a judge that reads it, and the cases at its borders. It shares
// no code with the gateway: it is the second opinion of the tests, the fuzz targets and the proof.
package contract

import (
	"crypto/sha1" //nolint:gosec // the API's digest
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// The largest values: of MySQL's INT, and the last second of the year 9999.
const (
	maxInt  = 2147483647
	maxTime = 253402300799
)

// The documentation's hash, of DID 6511 and the key "secret".
const exampleHash = "f7de355c9b4421ce6c705b4b32c89dbcaca51e46"

// Check is a row of the table. The answer is the message of the first check that a request fails.
type Check struct {
	Message string // MOR's, verbatim
	Param   string // the parameter that is looked at

	// Without a function the value must be a decimal integer in this range; Max 0 is no limit. What is not given
	// passes unless the parameter is required.
	Min, Max int64
	Required bool

	holds func(request) bool
	wrong []string // names and values that fail the function
}

// Checks is the table, in the order of MOR. A new range is a new row here: its cases come from it.
var Checks = []Check{
	{Message: "Access Denied", Param: "u", holds: mayCall, wrong: []string{"u", ""}},
	{Message: "GET Requests are disabled", holds: mayGet},
	{Message: "Incorrect hash", Param: "hash", holds: hashIsRight, wrong: []string{"hash", "x"}},
	{Message: "DID was not found", Param: "did_id", Min: 1, Required: true},
	{Message: "Call limit is incorrect format", Param: "call_limit", Max: maxInt},
	{Message: "Active from must be a valid timestamp", Param: "active_from", Max: maxTime},
	{Message: "Active till must be a valid timestamp", Param: "active_till", Max: maxTime},
	{Message: "Active till must be greater than Active from", Param: "active_till", holds: tillIsGreater,
		wrong: []string{"active_from", "9", "active_till", "8"}},
}

// Guarded are the parameters that MOR or a rule uses. No reader may mistake another parameter for one of them.
var Guarded = []string{"u", "did_id", "hash", "call_limit", "did_user_id", "active_from", "active_till", "grace_time", "_method"}

// Texts are the guarded parameters whose text goes to MOR as it is: a control character in one makes the request
// ambiguous.
var Texts = []string{"u", "did_user_id", "grace_time"}

// Site is what an operator configures.
type Site struct {
	Keys      []string
	Resellers map[string][]string // keys by name in lower case
	Users     []string            // who may call, in lower case; none: everybody
	AllowGet  bool
}

// Sites are the configurations that the cases name.
var Sites = map[string]Site{
	"main": {
		Keys:      []string{"secret", "next secret"},
		Resellers: map[string][]string{"reseller1": {"reseller key"}, "bob": {"bob1", "bob2"}},
	},
	"get": {Keys: []string{"secret"}, AllowGet: true},
	"users": {
		Keys:      []string{"secret"},
		Resellers: map[string][]string{"reseller1": {"reseller key"}},
		Users:     []string{"admin", "alice", "reseller1"},
	},
}

// Judge returns MOR's message for a POST or GET with the values, or nothing if no check fails. A value that is absent
// or null is empty.
func (s Site) Judge(method string, value func(name string) string) string {
	r := request{s, method, value}
	for _, c := range Checks {
		if !c.passes(r) {
			return c.Message
		}
	}
	return ""
}

// request is what a check looks at.
type request struct {
	Site
	method string
	value  func(name string) string
}

func (c Check) passes(r request) bool {
	if c.holds != nil {
		return c.holds(r)
	}
	text := r.value(c.Param)
	if !given(text) {
		return !c.Required
	}
	n := decimal(text)
	return n != nil && n.Cmp(big.NewInt(c.Min)) >= 0 && (c.Max == 0 || n.Cmp(big.NewInt(c.Max)) <= 0)
}

func mayCall(r request) bool {
	user := r.value("u")
	return strings.TrimSpace(user) != "" && (len(r.Users) == 0 || slices.Contains(r.Users, Lower(user)))
}

func mayGet(r request) bool { return r.method != "GET" || r.AllowGet }

func hashIsRight(r request) bool {
	for _, key := range slices.Concat(r.Keys, r.Resellers[Lower(r.value("u"))]) {
		if r.value("hash") == Hash(r.value("did_id"), key) {
			return true
		}
	}
	return false
}

// tillIsGreater leaves it to MOR to compare one time with what it has stored.
func tillIsGreater(r request) bool {
	from, till := decimal(r.value("active_from")), decimal(r.value("active_till"))
	return from == nil || till == nil || till.Cmp(from) > 0
}

// given reports whether a text is not blank; blank is ASCII's white space.
func given(text string) bool { return strings.Trim(text, " \t\n\v\f\r") != "" }

// decimal returns the value of a decimal integer of any length, nil for anything else.
func decimal(text string) *big.Int {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return nil
	}
	n, _ := new(big.Int).SetString(text, 10)
	return n
}

// Hash returns the hash of a DID with a key, as the API documents it.
func Hash(didID, key string) string {
	return fmt.Sprintf("%x", sha1.Sum([]byte(didID+key))) //nolint:gosec // the API's digest
}

// Lower folds ASCII letters, as MySQL compares the names of users at least.
func Lower(s string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		return c
	}, s)
}

package hint

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/mor-gateway/caddy-mor-gateway/validation"
)

// Hints about values other than the hash.
var (
	userMissing     = Hint{"u_missing", "u is missing or blank; send it in the query, or at the top level of the body"}
	jsonUntyped     = Hint{"json_as_form", "the body looks like JSON but is declared as a form; send Content-Type: application/json"}
	jsonMarked      = Hint{"json_bom", "the JSON begins with a byte order mark; send it without one"}
	userSpaces      = Hint{"u_white_space", "there is white space around u; strip it"}
	userUnlisted    = Hint{"u_not_listed", "u is not among the users or resellers in the gateway's configuration; add it there if it may call"}
	callLimitNumber = Hint{"call_limit_number", `call_limit is a JSON number, which some releases of MOR refuse; send it as a string, such as "10"`}
)

// Hints about a value that must be a number and is not one, or not one that MOR
// takes.
var (
	milliseconds = Hint{"milliseconds", "the timestamp looks like milliseconds; MOR wants seconds"}
	tooLarge     = Hint{"too_large", "the number is larger than MOR accepts"}
	zero         = Hint{"zero", "did_id is 0; the ids of DIDs start at 1"}
	spaces       = Hint{"spaces", "there is white space in the value; send digits only"}
	decimals     = Hint{"decimals", "the number has decimals or an exponent, such as 6511.0; send digits only"}
	telephone    = Hint{"telephone_number", "did_id looks like a telephone number; send the id that MOR gave the DID"}
	date         = Hint{"date", "the value looks like a date or a time of day; send Unix time, in seconds"}
	sign         = Hint{"sign", "the number has a sign; send digits only"}
	notDigits    = Hint{"not_digits", "the value has characters other than the digits 0 to 9; send digits only"}
)

func ofUser(p *validation.Policy, r *validation.Request) Hint {
	user, _ := r.Value(validation.User)
	name := bytes.TrimSpace(user)
	if len(name) == 0 {
		if r.LooksLikeJSON() {
			return jsonUntyped
		}
		return userMissing
	}
	if _, ok := p.Users[validation.LowerUser(string(name))]; ok {
		return userSpaces
	}
	return userUnlisted
}

var (
	isDecimal = regexp.MustCompile(`^[+-]?[0-9]+([.,][0-9]*)?([eE][+-]?[0-9]+)?$`)
	isSigned  = regexp.MustCompile(`^[+-][0-9]+$`)
	isDate    = regexp.MustCompile(`^[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}|[0-9]:[0-9]{2}|(?i:\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))`)
	// isTelephone wants seven digits, as local numbers have.
	isTelephone = regexp.MustCompile(`^[+(]?([0-9][ ()./-]*){7,}$`)
)

// ofNumber says what is wrong with a value that the contract refuses.
func ofNumber(r *validation.Request, n validation.Name) Hint {
	val, _ := r.Value(n)
	text := string(val[:min(len(val), maxHinted)])
	isTime := n == validation.ActiveFrom || n == validation.ActiveTill
	switch {
	case text == "": // only did_id: other parameters are not given then
		return didIDMissing
	case strings.Trim(text, "0123456789") == "":
		switch {
		case n == validation.DidID:
			return zero
		case isTime && len(text) >= 13: // from 2001 on
			return milliseconds
		}
		return tooLarge
	case strings.TrimSpace(text) != text:
		return spaces
	case n == validation.DidID && isTelephone.MatchString(text) && !isDecimal.MatchString(text[1:]),
		n == validation.DidID && text[0] == '+' && isTelephone.MatchString(text):
		return telephone
	case isSigned.MatchString(text):
		return sign
	case isDecimal.MatchString(text):
		return decimals
	case isDate.MatchString(text):
		return date
	case strings.ContainsAny(text, " \t\n\v\f\r\u00a0"):
		return spaces
	}
	return notDigits
}

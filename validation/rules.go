package validation

// Limits of the values, from the contract.
const (
	// MaxCallLimit is the largest call_limit: "MySQL's INT, which MOR is
	// taken to use".
	MaxCallLimit = 2147483647
	// MaxTimestamp is the largest active_from and active_till, in seconds:
	// "the end of the year 9999; so a timestamp in milliseconds is caught".
	MaxTimestamp = 253402300799
)

// Rule is a row of the contract's table of errors.
type Rule struct {
	Verdict Verdict
	// Label is the verdict's name in logs, metrics and placeholders.
	Label string
	// Message is MOR's own, verbatim.
	Message string
	// Check says what holds for a request that passes.
	Check string
	// Alone reports whether only the gateway can answer the request with the
	// message. If MOR answers with it too, the two disagree. Nil means that MOR
	// may give the same answer for a reason of its own.
	Alone func(*Request) bool

	holds func(*Policy, *Request) bool
}

// rules is the contract's table: "The first that applies, in the order of this
// table, is the answer". Every list of rules comes from this table, or is
// checked against it.
var rules = [...]Rule{
	{AccessDenied, "access_denied", "Access Denied", "u is given and is allowed to call", nil, (*Policy).allowsUser},
	{GetDisabled, "get_disabled", "GET Requests are disabled", "the method is POST, or GET is allowed", always, (*Policy).allowsMethod},
	{IncorrectHash, "incorrect_hash", "Incorrect hash", "hash is the SHA-1 of did_id followed by a key that counts for this u", always, (*Policy).hashIsRight},
	{DidNotFound, "did_not_found", "DID was not found", "did_id is a positive integer", nil, didIDIsPositive},
	{CallLimitFormat, "call_limit_format", "Call limit is incorrect format", "call_limit, if given, is an integer from 0 to 2147483647", always, optional(CallLimit, MaxCallLimit)},
	{ActiveFromInvalid, "active_from_invalid", "Active from must be a valid timestamp", "active_from, if given, is an integer from 0 to 253402300799", always, optional(ActiveFrom, MaxTimestamp)},
	{ActiveTillInvalid, "active_till_invalid", "Active till must be a valid timestamp", "active_till, if given, is an integer from 0 to 253402300799", always, optional(ActiveTill, MaxTimestamp)},
	{ActiveTillNotGreater, "active_till_not_greater", "Active till must be greater than Active from", "active_till is greater than active_from, if both are given", givesBothTimes, tillIsGreater},
}

// Rules returns the contract's table of errors, in its order.
func Rules() []Rule { return rules[:] }

func always(*Request) bool { return true }

// givesBothTimes reports whether both times are given. If one is missing, MOR
// compares the other with the one that it has stored.
func givesBothTimes(r *Request) bool {
	_, from := r.given(ActiveFrom)
	_, till := r.given(ActiveTill)
	return from && till
}

// allowsUser reports whether there is a user, and one who may call.
func (p *Policy) allowsUser(r *Request) bool {
	user, _ := r.Value(User)
	if isBlankUser(user) {
		return false
	}
	if p.Users == nil {
		return true
	}
	var scratch [64]byte
	_, ok := p.Users[string(appendLower(scratch[:0], user))]
	return ok
}

func (p *Policy) allowsMethod(r *Request) bool { return r.Method != "GET" || p.AllowGet }

func didIDIsPositive(_ *Policy, r *Request) bool {
	didID, _ := r.Value(DidID)
	return isPositive(didID)
}

// optional makes the check of a parameter that is a decimal integer from 0 to
// limit, if it is given.
func optional(n Name, limit int64) func(*Policy, *Request) bool {
	return func(_ *Policy, r *Request) bool {
		text, given := r.given(n)
		if !given {
			return true
		}
		_, ok := decimal(text, limit)
		return ok
	}
}

func tillIsGreater(_ *Policy, r *Request) bool {
	from, hasFrom := r.given(ActiveFrom)
	till, hasTill := r.given(ActiveTill)
	if !hasFrom || !hasTill {
		return true
	}
	a, _ := decimal(from, MaxTimestamp)
	b, _ := decimal(till, MaxTimestamp)
	return b > a
}

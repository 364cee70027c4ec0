package validation

// Verdict is what the gateway decides about one request for the action. The
// values from AccessDenied on stand in the order of the contract's table of
// errors, those before it in the order in which they are decided.
type Verdict uint8

// The closed set of verdicts.
const (
	Accepted Verdict = iota

	// What MOR has no message for, decided before the contract's table.
	MethodNotAllowed
	TooLarge
	UnsupportedMediaType
	Ambiguous
	Incomplete
	TimedOut

	// What MOR documents, in its own words.
	AccessDenied
	GetDisabled
	IncorrectHash
	DidNotFound
	CallLimitFormat
	ActiveFromInvalid
	ActiveTillInvalid
	ActiveTillNotGreater

	// The gateway's own fault.
	InternalError

	NumVerdicts // the number of verdicts
)

var verdicts = [NumVerdicts]struct {
	label   string
	message string
	status  int
}{
	Accepted:             {"accepted", "", 200},
	MethodNotAllowed:     {"method_not_allowed", "Method is not allowed", 405},
	TooLarge:             {"too_large", "Request body is too large", 413},
	UnsupportedMediaType: {"unsupported_media_type", "Content type is not supported", 415},
	Ambiguous:            {"ambiguous", "Ambiguous request", 400},
	Incomplete:           {"incomplete", "Request body is incomplete", 400},
	TimedOut:             {"incomplete", "Request body did not arrive in time", 408},
	AccessDenied:         {"access_denied", "Access Denied", 200},
	GetDisabled:          {"get_disabled", "GET Requests are disabled", 200},
	IncorrectHash:        {"incorrect_hash", "Incorrect hash", 200},
	DidNotFound:          {"did_not_found", "DID was not found", 200},
	CallLimitFormat:      {"call_limit_format", "Call limit is incorrect format", 200},
	ActiveFromInvalid:    {"active_from_invalid", "Active from must be a valid timestamp", 200},
	ActiveTillInvalid:    {"active_till_invalid", "Active till must be a valid timestamp", 200},
	ActiveTillNotGreater: {"active_till_not_greater", "Active till must be greater than Active from", 200},
	InternalError:        {"internal_error", "Internal error", 500},
}

// String returns the verdict's label in logs, metrics and placeholders.
// Incomplete and TimedOut share one.
func (v Verdict) String() string { return verdicts[v].label }

// Message returns the text of the XML's error element: MOR's own, verbatim,
// where MOR has one. It is empty for Accepted.
func (v Verdict) Message() string { return verdicts[v].message }

// Status returns the HTTP status of the answer. MOR's own errors have 200, as
// MOR's answers do: "public clients throw on any other status before they
// look at the XML".
func (v Verdict) Status() int { return verdicts[v].status }

package validation

// Verdict is the gateway's decision about one request for the action. The zero
// value refuses: a request that was not judged is not forwarded.
type Verdict uint8

// The verdicts, a closed set. Those from AccessDenied on are in the order of
// the contract's table of errors: see Rules.
const (
	Undecided Verdict = iota // not judged, by a fault of the gateway's own
	Accepted

	// Verdicts without a message of MOR's, reached before the contract's table.
	MethodNotAllowed
	TooLarge
	UnsupportedMediaType
	Ambiguous
	Incomplete
	TimedOut

	// Verdicts that MOR documents, in its own words.
	AccessDenied
	GetDisabled
	IncorrectHash
	DidNotFound
	CallLimitFormat
	ActiveFromInvalid
	ActiveTillInvalid
	ActiveTillNotGreater

	NumVerdicts // the number of verdicts
)

type words struct {
	label   string
	message string
	status  int
}

// verdicts has the words for each verdict: those that are not MOR's, and those
// of the rules.
var verdicts = func() [NumVerdicts]words {
	vs := [NumVerdicts]words{
		Undecided:            {"internal_error", "Internal error", 500},
		Accepted:             {"accepted", "", 200},
		MethodNotAllowed:     {"method_not_allowed", "Method is not allowed", 405},
		TooLarge:             {"too_large", "Request body is too large", 413},
		UnsupportedMediaType: {"unsupported_media_type", "Content type is not supported", 415},
		Ambiguous:            {"ambiguous", "Ambiguous request", 400},
		Incomplete:           {"incomplete", "Request body is incomplete", 400},
		TimedOut:             {"incomplete", "Request body did not arrive in time", 408},
	}
	for _, rule := range rules {
		vs[rule.Verdict] = words{rule.Label, rule.Message, 200}
	}
	return vs
}()

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

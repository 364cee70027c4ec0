package validation

import "iter"

// Changes returns the optional parameters of the contract's table that the
// request gives, with their texts, in the table's order.
func (r *Request) Changes() iter.Seq2[Name, []byte] {
	return func(yield func(Name, []byte) bool) {
		for _, n := range [...]Name{CallLimit, DidUserID, ActiveFrom, ActiveTill, GraceTime} {
			if text, ok := r.given(n); ok && !yield(n, text) {
				return
			}
		}
	}
}

//go:build mutant

package validation

import "sync/atomic"

// disabled is the rule that is switched off, to prove that a test notices.
var disabled atomic.Uint32

// DisableReason switches one rule of the grammar off in the whole process, or
// all on again with NoReason. It exists in test builds only.
func DisableReason(r Reason) { disabled.Store(uint32(r)) }

// Reasons returns every rule of the grammar.
func Reasons() []Reason {
	var rs []Reason
	for r := NoReason + 1; r < numReasons; r++ {
		rs = append(rs, r)
	}
	return rs
}

func (r Reason) enforced() bool { return uint32(r) != disabled.Load() }

//go:build !mutant

package validation

// enforced reports whether the rule is in force: all are. See reason_mutant.go.
func (r Reason) enforced() bool { return true }

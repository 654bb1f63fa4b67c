//go:build !darwin && !windows

package computer

// offMains returns why the computer may not compute for lack of mains power:
// where nobody can tell, it may not.
func offMains() string { return mainsUnknown }

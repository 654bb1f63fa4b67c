//go:build !linux && !darwin && !windows

package computer

// Background does nothing where a thread has no priority of its own.
func Background() {}

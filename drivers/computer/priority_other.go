//go:build !linux && !darwin && !windows

package computer

// lowerPriority does nothing where a thread has no priority of its own.
func lowerPriority() {}

//go:build !amd64 || purego

package kernel

func accelerated(Level) bool { return false }

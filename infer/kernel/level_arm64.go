//go:build !purego

package kernel

import "golang.org/x/sys/cpu"

// accelerated is whether processor and system support the vectors of a level.
func accelerated(l Level) bool { return l == DotProd && cpu.ARM64.HasASIMDDP }

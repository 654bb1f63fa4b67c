//go:build !purego && !evex

package kernel

import "golang.org/x/sys/cpu"

// hasVNNI is whether the processor has VPDPBUSD as AVX-VNNI encodes it.
func hasVNNI() bool { return cpu.X86.HasAVXVNNI }

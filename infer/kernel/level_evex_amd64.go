//go:build !purego && evex

package kernel

import "golang.org/x/sys/cpu"

// hasVNNI is whether the processor has VPDPBUSD as AVX-512 encodes it: built
// with the tag evex, the kernels of AVXVNNI have it so, and can be tested by
// who has no processor with AVX-VNNI.
func hasVNNI() bool { return cpu.X86.HasAVX512VNNI && cpu.X86.HasAVX512VL }

//go:build !purego

package kernel

import "golang.org/x/sys/cpu"

// accelerated is whether processor and system support the vectors of a level.
func accelerated(l Level) bool {
	switch l {
	case AVX2:
		return cpu.X86.HasAVX2
	case AVXVNNI:
		return cpu.X86.HasAVX2 && hasVNNI()
	case AVX512:
		return cpu.X86.HasAVX2 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ &&
			cpu.X86.HasAVX512VL && cpu.X86.HasAVX512VBMI && cpu.X86.HasAVX512VNNI
	}
	return false
}

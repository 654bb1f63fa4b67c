//go:build !amd64 || purego

package kernel

// Without vectors plain Go does it all.

func (l Level) softmax(p []int16, s []int32, n int, c uint32, shift uint) (int32, bool) {
	return 0, false
}

func (l Level) scores(dst []int32, ld int, q, keys []int16, m, channels, tokens int) bool {
	return false
}

func (l Level) mix(dst []int32, p []int16, ld int, values []int16, m, channels, tokens int) bool {
	return false
}

func (l Level) putKeys(keys, rows []int16, stride, channels, tokens int) int     { return 0 }
func (l Level) putValues(values, rows []int16, stride, channels, tokens int) int { return 0 }

//go:build !amd64 || purego

package kernel

func (l Level) softmaxRows(sums []int32, p []int16, s []int32, ld, n int, c uint32, shift uint) bool {
	return false
}

func (l Level) averageRows(dst []int32, ld int, x, sums []int32, n int) bool { return false }

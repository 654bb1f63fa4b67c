//go:build !(amd64 || arm64) || purego

package kernel

// Without vectors plain Go does it all.

func (Level) softmax([]int16, []int32, int, uint32, uint) (int32, bool) { return 0, false }

func (Level) scores(_ []int32, _ int, _, _ []int16, _, _, _ int) bool { return false }
func (Level) mix(_ []int32, _ []int16, _ int, _ []int16, _, _, _ int) bool {
	return false
}

func (Level) putKeys(_, _ []int16, _, _, _ int) int   { return 0 }
func (Level) putValues(_, _ []int16, _, _, _ int) int { return 0 }

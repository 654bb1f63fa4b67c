//go:build !amd64 || purego

package kernel

// Without vectors none of a row is done by them.

func (Level) rescale(_, _, _, _ []int32, _ int32, _ uint) int             { return 0 }
func (Level) rescaleAdd(_, _, _, _ []int32, _ int32, _ uint) int          { return 0 }
func (Level) times(_, _ []int32, _ int32, _ uint) int                     { return 0 }
func (Level) lookUp([]int32, []int8, int32, uint) int                     { return 0 }
func (Level) largest(_, _ []int32) (int, uint32)                          { return 0, 0 }
func (Level) quantise(_ []uint8, _, _ []int32, _ int32, _ uint) int       { return 0 }
func (Level) quantiseRow(_ []uint8, _, _ []int32, _ int32) (uint32, bool) { return 0, false }
func (Level) total([]int32) (int, int64)                                  { return 0, 0 }
func (Level) centre(_, _ []int32, _ int32) int                            { return 0 }
func (Level) squares([]int32, uint) (int, uint64)                         { return 0, 0 }
func (Level) shiftRight(_, _ []int32, _ uint) int                         { return 0 }
func (Level) narrow([]int16, []int32) int                                 { return 0 }
func (Level) rotate(_, _ []int32, _, _ []int16) int                       { return 0 }
func (Level) gelu(_, _ []int32) int                                       { return 0 }
func (Level) gate(_, _, _ []int32) int                                    { return 0 }

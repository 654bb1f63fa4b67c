//go:build !amd64 || purego

package kernel

// Without vectors none of a row is done by them.

func (l Level) rescale(dst, x, c, bias []int32, m int32, shift uint) int    { return 0 }
func (l Level) rescaleAdd(dst, x, c, bias []int32, m int32, shift uint) int { return 0 }
func (l Level) times(dst, x []int32, m int32, shift uint) int               { return 0 }
func (l Level) lookUp(dst []int32, row []int8, scale int32, shift uint) int { return 0 }
func (l Level) largest(x, d []int32) (int, uint32)                          { return 0, 0 }
func (l Level) quantise(dst []uint8, x, d []int32, inv int32, h uint) int   { return 0 }
func (l Level) quantiseRow(dst []uint8, x, d []int32, limit int32) (uint32, bool) {
	return 0, false
}

func (l Level) total(x []int32) (int, int64)                { return 0, 0 }
func (l Level) centre(dst, x []int32, mean int32) int       { return 0 }
func (l Level) squares(x []int32, shift uint) (int, uint64) { return 0, 0 }
func (l Level) shiftRight(dst, x []int32, shift uint) int   { return 0 }
func (l Level) narrow(dst []int16, x []int32) int           { return 0 }
func (l Level) rotate(x, y []int32, cos, sin []int16) int   { return 0 }
func (l Level) gelu(dst, x []int32) int                     { return 0 }
func (l Level) gate(dst, g, u []int32) int                  { return 0 }

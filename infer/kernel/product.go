package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"
)

const (
	width = 16      // columns of a panel
	group = 3       // panels that the fastest kernel computes at a time
	bias  = 128     // what a stored activation is above its value
	align = 64      // bytes of the widest vector and of a cache line
	maxK  = 16384   // the longest row: sums of biased products stay in 32 bits
	maxN  = 1 << 24 // the most columns
)

// Matrix is n×k weights, packed for products with rows of k activations. It
// does not change once made and may be used by several goroutines at a time.
type Matrix struct {
	level  Level
	n, k   int
	panels []int8  // ⌈n/16⌉ of [k/4][16][4], a step apart, 64-byte aligned
	offset []int32 // -128·(sum of the column's weights), of every column of every panel
}

// NewMatrix packs the weights w, n rows of k, for the given level. It keeps no
// reference to w. A weight of -128, a k that is not a multiple of 64 from 64
// to 16384 and a level that cannot run here are errors.
func NewMatrix(level Level, w []int8, n, k int) (*Matrix, error) {
	if err := level.check(); err != nil {
		return nil, err
	}
	switch {
	case k < 64 || k > maxK || k%64 != 0:
		return nil, fmt.Errorf("pack a matrix with rows of %d weights: the length must be a multiple of 64 up to %d", k, maxK)
	case n < 1 || n > maxN:
		return nil, fmt.Errorf("pack a matrix of %d×%d weights: it must have 1 to %d rows", n, k, maxN)
	case int64(len(w)) != int64(n)*int64(k):
		return nil, fmt.Errorf("pack a matrix of %d×%d weights: %d were given", n, k, len(w))
	}
	count := (n + width - 1) / width
	x := &Matrix{
		level: level, n: n, k: k,
		panels: aligned[int8](count * (width*k + align)),
		offset: aligned[int32](count * width),
	}
	for p := range count {
		columns := min(width, n-p*width)
		rows := w[p*width*k:][:columns*k]
		pack(level, x.panel(p), rows, columns, k)
		for j := range columns {
			sum, ok := total(rows[j*k:][:k])
			if !ok {
				return nil, errors.New("pack a matrix: it has a weight of -128: quantise weights to -127…127")
			}
			x.offset[p*width+j] = -bias * sum
		}
	}
	return x, nil
}

// total adds weights up, eight at a time, and tells whether none is -128.
func total(w []int8) (sum int32, ok bool) {
	const low, top, pairs = 0x0101010101010101, 0x8080808080808080, 0x00FF00FF00FF00FF
	bytes := unsafe.Slice((*uint8)(unsafe.Pointer(unsafe.SliceData(w))), len(w))
	met := uint64(0)
	for ; len(bytes) >= 8; bytes = bytes[8:] {
		v := binary.LittleEndian.Uint64(bytes) ^ top // each byte a weight with 128 added: none may be 0
		met |= (v - low) &^ v & top
		s := v&pairs + v>>8&pairs // four sums of two
		s += s >> 32
		sum += int32(s&0xFFFF) + int32(s>>16&0xFFFF)
	}
	return sum - int32(len(w))*bias, met == 0
}

// plainPack writes k weights of each of so many rows, which lie step apart, as
// a panel of 16 columns. What the panel has beyond them stays as it is.
func plainPack(panel, w []int8, columns, k, step int) {
	for j := range columns {
		row := w[j*step:][:k]
		for q := 0; q < k; q += 4 {
			copy(panel[width*q+4*j:][:4], row[q:q+4])
		}
	}
}

// step is how many bytes lie from one panel to the next: like rows of
// activations, panels must not lie a power of two apart.
func (x *Matrix) step() int { return width*x.k + align }

// panel is the weights of 16 columns.
func (x *Matrix) panel(p int) []int8 { return x.panels[p*x.step():][:width*x.k] }

// Level is the level the matrix was packed for.
func (x *Matrix) Level() Level { return x.level }

// N is the number of columns of a product with the matrix.
func (x *Matrix) N() int { return x.n }

// K is the number of weights of a column.
func (x *Matrix) K() int { return x.k }

// Row unpacks the k weights of column j of the products, row j of the weights
// as they were given, into dst.
func (x *Matrix) Row(dst []int8, j int) {
	panel := x.panel(j / width)
	for q := 0; q < x.k; q += 4 {
		copy(dst[q:q+4], panel[width*q+4*(j%width):][:4])
	}
}

// Multiply computes the product of m rows of activations, [Stride](k) bytes
// apart, with the matrix: c[i·n+j] = sum over l of (a[i·stride+l]-128)·w[j·k+l].
// The team divides the columns; with a nil one everything runs on the calling
// goroutine. It allocates nothing.
func (x *Matrix) Multiply(c []int32, a []uint8, m int, team *Team) {
	x.checkOperands(c, a, m)
	panels := len(x.offset) / width
	groups := (panels + group - 1) / group
	parts, blocks := team.divide(groups, m, int64(group*width*x.k))
	if parts == 1 {
		x.columns(c, a, m, 0, panels)
		return
	}
	team.multiply(parts, job{matrix: x, c: c, a: a, m: m, units: groups, blocks: blocks})
}

// Columns computes the columns from ≤ j < to of the product that Multiply
// computes, at their places in c, on the calling goroutine. Both ends are
// multiples of 16, but for an end that is n.
func (x *Matrix) Columns(c []int32, a []uint8, m, from, to int) {
	x.checkOperands(c, a, m)
	if from < 0 || from > to || to > x.n || from%width != 0 || (to%width != 0 && to != x.n) {
		panic(fmt.Sprintf("kernel: columns %d to %d of %d are not whole panels of %d", from, to, x.n, width))
	}
	x.columns(c, a, m, from/width, (to+width-1)/width)
}

// checkOperands stops a caller whose slices are too short for the kernels,
// which do not look.
func (x *Matrix) checkOperands(c []int32, a []uint8, m int) {
	if m < 0 || m > len(c)/x.n || (m > 0 && len(a) < (m-1)*Stride(x.k)+x.k) {
		panic(fmt.Sprintf("kernel: %d rows of %d×%d need more than %d sums and %d activations",
			m, x.n, x.k, len(c), len(a)))
	}
}

// plain computes panels from ≤ p < to of the product in plain Go. It is the
// definition of the product.
func (x *Matrix) plain(c []int32, a []uint8, m, from, to int) {
	for p := from; p < to; p++ {
		panel := x.panel(p)
		offset := (*[width]int32)(x.offset[p*width:])
		columns := min(width, x.n-p*width)
		for i := 0; i < m; i += 2 {
			u := a[i*Stride(x.k):][:x.k]
			if i+1 == m {
				sums := *offset
				accumulate(&sums, u, panel)
				copy(c[i*x.n+p*width:][:columns], sums[:])
				continue
			}
			var sums [width]int64
			accumulateTwo(&sums, u, a[(i+1)*Stride(x.k):][:x.k], panel)
			for j, s := range sums[:columns] {
				low := int32(s)
				c[i*x.n+p*width+j] = low + offset[j]
				c[(i+1)*x.n+p*width+j] = int32((s-int64(low))>>32) + offset[j]
			}
		}
	}
}

// accumulate adds to 16 sums the products of the activations u, biased as they
// are, with as many weights of each column of a panel.
func accumulate(sums *[width]int32, u []uint8, panel []int8) {
	for ; len(u) >= 4 && len(panel) >= 4*width; u, panel = u[4:], panel[4*width:] {
		w := (*[4 * width]int8)(panel)
		u0, u1, u2, u3 := int32(u[0]), int32(u[1]), int32(u[2]), int32(u[3])
		for j := range sums {
			sums[j] += u0*int32(w[4*j]) + u1*int32(w[4*j+1]) + u2*int32(w[4*j+2]) + u3*int32(w[4*j+3])
		}
	}
}

// accumulateTwo does so for two rows with one multiplication: a sum is that of
// u plus 2³² times that of v, of which each fits 32 bits.
func accumulateTwo(sums *[width]int64, u, v []uint8, panel []int8) {
	for ; len(u) >= 4 && len(v) >= 4 && len(panel) >= 4*width; u, v, panel = u[4:], v[4:], panel[4*width:] {
		w := (*[4 * width]int8)(panel)
		x0, x1 := int64(u[0])|int64(v[0])<<32, int64(u[1])|int64(v[1])<<32
		x2, x3 := int64(u[2])|int64(v[2])<<32, int64(u[3])|int64(v[3])<<32
		for j := range sums {
			sums[j] += x0*int64(w[4*j]) + x1*int64(w[4*j+1]) + x2*int64(w[4*j+2]) + x3*int64(w[4*j+3])
		}
	}
}

// Stride is how many bytes lie from the start of one row of k activations to
// the start of the next. It is not k: rows a power of two apart would fight
// for the same few lines of the cache.
func Stride(k int) int { return k + align }

// Rows makes room for m rows of k activations: m·[Stride](k) bytes, aligned
// to 64.
func Rows(m, k int) []uint8 { return aligned[uint8](m * Stride(k)) }

// aligned returns a slice whose first element lies at a multiple of 64 bytes.
func aligned[T int8 | uint8 | int16 | int32 | uint32](n int) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	s := make([]T, n+align/size-1)
	skip := 0
	if at := int(uintptr(unsafe.Pointer(unsafe.SliceData(s))) % align); at != 0 {
		skip = (align - at) / size
	}
	return s[skip : skip+n : skip+n]
}

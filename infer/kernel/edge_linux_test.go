package kernel

import (
	"math/rand/v2"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A number behind a slice that the vectors read with the last ones, and do not
// use, changes no result: no comparison of results finds it. Behind these
// slices lies memory that must not even be read, so that who does so is stopped
// by the processor.

// edges is memory in which slices end where no memory is.
type edges struct{ t *testing.T }

func atEdge[T int8 | uint8 | int16 | int32 | uint32](e edges, n int) []T {
	e.t.Helper()
	var zero T
	page := unix.Getpagesize()
	size := n * int(unsafe.Sizeof(zero))
	room := (size + page - 1) / page * page
	all, err := unix.Mmap(-1, 0, room+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() {
		if err := unix.Munmap(all); err != nil {
			e.t.Error(err)
		}
	})
	if err := unix.Mprotect(all[room:], unix.PROT_NONE); err != nil {
		e.t.Fatal(err)
	}
	if n == 0 {
		return []T{}
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&all[room-size])), n)
}

// drawn fills a slice with numbers up to a magnitude.
func drawn[T int8 | uint8 | int16 | int32 | uint32](rng *rand.Rand, s []T, most int64) []T {
	for i := range s {
		s[i] = T(rng.Int64N(2*most+1) - most)
	}
	return s
}

func TestNothingReadsPastTheEndOfARow(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	for _, l := range Levels() {
		t.Run(l.String(), func(t *testing.T) {
			for n := 1; n < 100; n += 1 + n/34 {
				rowsAtEdge(edges{t}, l, rng, n)
			}
		})
	}
}

func rowsAtEdge(e edges, l Level, rng *rand.Rand, n int) {
	x, y, c := drawn(rng, atEdge[int32](e, n), Limit), atEdge[int32](e, n), drawn(rng, atEdge[int32](e, n), 1<<28)
	a, s := atEdge[uint8](e, n), drawn(rng, atEdge[int16](e, n), Narrowest)
	l.Rescale(y, x, c, c, 1<<30, 40)
	l.Rescale(y, x, c, nil, 1<<30, 20)
	l.RescaleAdd(y, x, c, c, 1<<30, 40)
	l.Times(y, x, 3, 40)
	l.LookUp(y, drawn(rng, atEdge[int8](e, n), 127), 5, 9)
	l.Quantise(a, x, c, 95)
	l.Quantise(a, x, nil, 95)
	l.Centre(y, x)
	l.Squares(x)
	l.ShiftRight(y, x, 3)
	l.GELU(y, x)
	l.Gate(y, x, c)
	l.Rotate(x, s[:n/2], s[n-n/2:])
	l.Narrow(s, x)
	l.Softmax(s, c, n, 1<<31, 40)
	if n == BlockTokens(n) {
		l.SoftmaxRows(atEdge[int32](e, 1), s, c, n, n-n/32, 1<<31, 40)
		l.AverageRows(y, n, x, []int32{1 << 16}, n)
	}
	l.Softmax(s, c, 1+n/2, 1<<31, 40)
}

func TestNothingReadsPastTheEndOfABlock(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 2))
	for _, l := range Levels() {
		t.Run(l.String(), func(t *testing.T) {
			for range 60 {
				blocksAtEdge(edges{t}, l, rng, 1+rng.IntN(9), 16*(1+rng.IntN(8)), 1+rng.IntN(70))
			}
		})
	}
}

func blocksAtEdge(e edges, l Level, rng *rand.Rand, m, channels, tokens int) {
	room := BlockTokens(tokens)
	stride := channels + rng.IntN(40)
	rows := drawn(rng, atEdge[int16](e, (tokens-1)*stride+channels), Narrowest)
	keys, values := atEdge[int16](e, room*channels), atEdge[int16](e, room*channels)
	l.PutKeys(keys, rows, stride, channels, tokens)
	l.PutValues(values, rows, stride, channels, tokens)
	scores := atEdge[int32](e, (m-1)*(room+16)+room)
	l.Scores(scores, room+16, drawn(rng, atEdge[int16](e, m*channels), Narrowest), keys, m, channels, tokens)
	even := (tokens + 1) &^ 1
	weights := drawn(rng, atEdge[int16](e, (m-1)*room+even), 100)
	l.Mix(atEdge[int32](e, m*channels), weights, room, values[:even*channels], m, channels, tokens)
	if tokens%2 == 0 && tokens < room { // values that end with the last pair
		short := atEdge[int16](e, tokens*channels)
		copy(short, values)
		l.Mix(atEdge[int32](e, m*channels), weights, room, short, m, channels, tokens)
	}
}

func TestNothingReadsPastTheEndOfAProduct(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 3))
	for _, l := range Levels() {
		t.Run(l.String(), func(t *testing.T) {
			for _, m := range []int{1, 2, 3, 5, 7, 8, 9, 13} {
				for _, n := range []int{1, 16, 17, 40, 64, 128} {
					productAtEdge(edges{t}, l, rng, m, n, 64*(1+rng.IntN(9)))
				}
			}
			productAtEdge(edges{t}, l, rng, 4, 128, 2112)
		})
	}
}

func productAtEdge(e edges, l Level, rng *rand.Rand, m, n, k int) {
	w := drawn(rng, atEdge[int8](e, n*k), 127)
	x, err := NewMatrix(l, w, n, k)
	if err != nil {
		e.t.Fatal(err)
	}
	a := drawn(rng, atEdge[uint8](e, (m-1)*Stride(k)+k), 127)
	c := atEdge[int32](e, m*n)
	x.Multiply(c, a, m, nil)
	HashRows(l, make([][8]uint32, m), a, k)
	if n%tile != 0 {
		return
	}
	perm := atEdge[uint8](e, k)
	for i := range perm {
		perm[i] = uint8(i % Rank(k))
	}
	noise := drawn(rng, atEdge[int8](e, m*Rank(k)), 32)
	row := atEdge[uint8](e, k)
	Noise(l, row, a[:k], noise[:Rank(k)], perm)
	if err := Tile(l, (*[16]uint32)(atEdge[uint32](e, 16)), row, w); err != nil {
		e.t.Fatal(err)
	}
	ticketed, err := NewTicketed(x, perm)
	if err != nil {
		e.t.Fatal(err)
	}
	states, initial := atEdge[uint32](e, m*n/tile*words), atEdge[uint32](e, m*words)
	ticketed.Multiply(c, states, initial, a, noise, m, nil)
}

func TestNothingReadsPastTheEndOfAMessage(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 4))
	for _, l := range Levels() {
		t.Run(l.String(), func(t *testing.T) {
			for n := range 40 {
				e := edges{t}
				keys, blocks := drawn(rng, atEdge[uint32](e, 8*n), 1<<31), drawn(rng, atEdge[uint32](e, words*n), 1<<31)
				HashBlocks(l, atEdge[uint32](e, words*n), keys, blocks, rng.IntN(65))
				HashShort(l, nil, keys, blocks, 1<<28)
				values := unsafe.Slice((*[8]uint32)(unsafe.Pointer(unsafe.SliceData(blocks))), 2*n)
				HashNodes(l, make([][8]uint32, n), values, n == 1)
				if n > 0 {
					HashChunks(l, make([][8]uint32, n), drawn(rng, atEdge[uint8](e, n*leafSize), 127), 1)
				}
			}
		})
	}
}

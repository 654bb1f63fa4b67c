package gguf

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/bits"
	"slices"
)

// File is an opened file. It is safe for concurrent use.
type File struct {
	metadata map[string]any
	names    []string
	tensors  map[string]Tensor
}

// Open reads the metadata and the list of tensors of a file of size bytes. It
// keeps r, which must stay open as long as tensors are read.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f, err := open(r, size)
	if err != nil {
		return nil, fmt.Errorf("gguf header: %w; the file is damaged or of another kind: fetch it again", err)
	}
	return f, nil
}

func open(r io.ReaderAt, size int64) (*File, error) {
	c := &cursor{r: r, limit: max(0, min(size, MaxHeader))}
	magic, err := c.take(4)
	if err != nil {
		return nil, err
	}
	if string(magic) != "GGUF" {
		return nil, fmt.Errorf("it begins with %q, not with GGUF", magic)
	}
	version, err := c.u32()
	switch {
	case err != nil:
		return nil, err
	case version != 0 && version&0xffff == 0:
		return nil, errors.New("the file is big-endian, and only little-endian files are read")
	case version != 2 && version != 3:
		return nil, fmt.Errorf("version %d, and only 2 and 3 are read", version)
	}
	tensors, err := c.count(24)
	if err != nil {
		return nil, fmt.Errorf("number of tensors: %w", err)
	}
	pairs, err := c.count(13)
	if err != nil {
		return nil, fmt.Errorf("number of metadata: %w", err)
	}
	f := &File{tensors: map[string]Tensor{}}
	if f.metadata, err = c.metadata(pairs); err != nil {
		return nil, err
	}
	align, err := alignment(f.metadata)
	if err != nil {
		return nil, err
	}
	var order []Tensor
	for range tensors {
		t, err := c.tensor()
		if err != nil {
			return nil, err
		}
		if _, ok := f.tensors[t.Name]; ok {
			return nil, fmt.Errorf("tensor %q comes twice", t.Name)
		}
		f.tensors[t.Name] = t
		order = append(order, t)
	}
	start := padded(uint64(c.pos()), align)
	if err := checkLayout(order, start, uint64(size), align); err != nil {
		return nil, err
	}
	for name, t := range f.tensors {
		t.r, t.base = r, int64(start+t.offset)
		f.tensors[name] = t
	}
	f.names = slices.Sorted(maps.Keys(f.tensors))
	return f, nil
}

// padded rounds n up to a multiple of align, a power of two.
func padded(n, align uint64) uint64 { return (n + align - 1) &^ (align - 1) }

// checkLayout reports whether the tensors fill the data, from start on, with
// nothing between them but what alignment needs. The padding after the last
// one may be missing.
func checkLayout(order []Tensor, start, size, align uint64) error {
	slices.SortFunc(order, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(a.size, b.size))
	})
	at := uint64(0)
	for _, t := range order {
		if t.offset != at {
			return fmt.Errorf("tensor %q begins at byte %d of the data, not at %d where the one before it ends", t.Name, t.offset, at)
		}
		end := at + uint64(t.size)
		if start > size || end > size-start {
			return fmt.Errorf("tensor %q goes past the end of the file, which has %d bytes", t.Name, size)
		}
		at = padded(end, align)
	}
	if size > start+at {
		return fmt.Errorf("%d bytes after the last tensor belong to no tensor", size-start-at)
	}
	return nil
}

// tensor reads one entry of the list of tensors.
func (c *cursor) tensor() (Tensor, error) {
	name, err := c.name(maxName)
	if err != nil {
		return Tensor{}, fmt.Errorf("list of tensors: %w", err)
	}
	t, err := c.info()
	if err != nil {
		return Tensor{}, fmt.Errorf("tensor %q: %w", name, err)
	}
	t.Name = name
	return t, nil
}

func (c *cursor) info() (Tensor, error) {
	dims, err := c.u32()
	if err != nil {
		return Tensor{}, err
	}
	if dims > maxDims {
		return Tensor{}, fmt.Errorf("%d dimensions are more than %d", dims, maxDims)
	}
	b, err := c.take(8*int(dims) + 12)
	if err != nil {
		return Tensor{}, err
	}
	var t Tensor
	elements, row := uint64(1), uint64(1)
	for i := range dims {
		d := binary.LittleEndian.Uint64(b[8*i:])
		hi, lo := bits.Mul64(elements, d)
		if hi != 0 || lo > math.MaxInt64/8 || lo > math.MaxInt || d > math.MaxInt {
			return Tensor{}, errors.New("its shape is too large")
		}
		if i == 0 {
			row = d
		}
		elements = lo
		t.Shape = append(t.Shape, int(d))
	}
	slices.Reverse(t.Shape) // the file has the fastest first
	b = b[8*dims:]
	t.Type = Type(binary.LittleEndian.Uint32(b))
	t.offset = binary.LittleEndian.Uint64(b[4:])
	f := t.Type.format()
	if f.name == "" {
		return Tensor{}, fmt.Errorf("%v of elements is not known", t.Type)
	}
	if row%uint64(f.block) != 0 {
		return Tensor{}, fmt.Errorf("rows of %d elements are not whole blocks of %s, which have %d", row, f.name, f.block)
	}
	t.len = int(elements)
	t.size = int64(elements / uint64(f.block) * uint64(f.bytes)) // at most 8 bytes an element
	return t, nil
}

// Metadata returns the metadata: a uint8, int8, uint16, int16, uint32, int32,
// uint64, int64, float32, float64, bool, string, a slice of one of those, or
// []any of slices. The slices are the file's own: change nothing in them.
// Strings may hold any bytes.
func (f *File) Metadata() map[string]any { return maps.Clone(f.metadata) }

// Names returns the names of all tensors, sorted.
func (f *File) Names() []string { return slices.Clone(f.names) }

// Tensor returns the tensor of that name.
func (f *File) Tensor(name string) (Tensor, bool) {
	t, ok := f.tensors[name]
	t.Shape = slices.Clone(t.Shape)
	return t, ok
}

// Tensor is one tensor of a file; its elements stay in the file until read. It
// is safe for concurrent use.
type Tensor struct {
	Name string
	Type Type
	// Shape has the fastest dimension last, as in Go and safetensors; the file
	// and ggml have it first. It is empty for a single number.
	Shape []int

	len    int
	size   int64
	offset uint64
	r      io.ReaderAt
	base   int64
}

// Len returns the number of elements.
func (t Tensor) Len() int { return t.len }

// chunk is about how many bytes are read at once.
const chunk = 64 << 10

// Floats fills dst with elements from, from+1 and so on; from need not be
// where a block begins. Blocks are taken apart in float32 as ggml does it, each
// operation rounded by itself, so the result is the same on every processor.
func (t Tensor) Floats(dst []float32, from int) error {
	f := t.Type.format()
	if f.floats == nil {
		return fmt.Errorf("read tensor %q: %v is not converted; use a file of F32, F16, BF16, Q8_0, Q4_K, Q5_K or Q6_K", t.Name, t.Type)
	}
	if from < 0 || from > t.len || len(dst) > t.len-from {
		return fmt.Errorf("read tensor %q: elements %d and %d on are not within its %d", t.Name, from, len(dst), t.len)
	}
	if len(dst) == 0 {
		return nil
	}
	most := min(chunk/f.bytes, len(dst)/f.block+2) // blocks at once
	src := make([]byte, most*f.bytes)
	part := make([]float32, most*f.block)
	for len(dst) > 0 {
		first, skip := from/f.block, from%f.block
		blocks := min((skip+len(dst)-1)/f.block+1, most)
		b := src[:blocks*f.bytes]
		if err := readFull(t.r, b, t.base+int64(first)*int64(f.bytes)); err != nil {
			return fmt.Errorf("read tensor %q: %w", t.Name, err)
		}
		f.floats(part[:blocks*f.block], b)
		n := copy(dst, part[skip:blocks*f.block])
		dst, from = dst[n:], from+n
	}
	return nil
}

// readFull fills p. A reader that ends early is an error even where
// [io.ReaderAt] gives none of its own.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || err == io.EOF {
		return fmt.Errorf("the file ends at byte %d, sooner than it said", off+int64(n))
	}
	return err
}

package safetensors

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// MaxHeader is the most bytes a header may have. It is the bound of the
// format's own library.
const MaxHeader = 100_000_000

// File is an opened file, or several as one. It is safe for concurrent use.
type File struct {
	names    []string
	tensors  map[string]Tensor
	metadata map[string]string
}

// Open reads the header of a file of size bytes. It keeps r, which must stay
// open as long as tensors are read.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f, err := open(r, size)
	if err != nil {
		return nil, fmt.Errorf("safetensors header: %w; the file is damaged or not a safetensors file: fetch it again", err)
	}
	return f, nil
}

func open(r io.ReaderAt, size int64) (*File, error) {
	var prefix [8]byte
	if size < int64(len(prefix)) {
		return nil, fmt.Errorf("a file of %d bytes is too short for a length", size)
	}
	if err := readFull(r, prefix[:], 0); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	if n > MaxHeader {
		return nil, fmt.Errorf("its length of %d bytes is over the limit of %d", n, MaxHeader)
	}
	start := 8 + int64(n)
	if start > size {
		return nil, fmt.Errorf("its length of %d bytes goes past the end of the file, which has %d", n, size)
	}
	header := make([]byte, n)
	if err := readFull(r, header, 8); err != nil {
		return nil, err
	}
	if n == 0 || header[0] != '{' {
		return nil, errors.New("it does not begin with {")
	}
	infos, metadata, err := parseHeader(header)
	if err != nil {
		return nil, err
	}
	if err := checkLayout(infos, size-start); err != nil {
		return nil, err
	}

	f := &File{tensors: make(map[string]Tensor, len(infos)), metadata: metadata}
	for _, in := range infos {
		f.tensors[in.name] = Tensor{
			Name: in.name, DType: in.dtype, Shape: in.shape,
			len: in.len, size: in.end - in.begin,
			r: r, base: start + in.begin,
		}
	}
	f.names = slices.Sorted(maps.Keys(f.tensors))
	return f, nil
}

// checkLayout reports whether the tensors cover the data bytes once each. It
// sorts infos by where they begin.
func checkLayout(infos []info, data int64) error {
	slices.SortFunc(infos, func(a, b info) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	at := int64(0)
	for _, in := range infos {
		if in.begin < at {
			return fmt.Errorf("tensor %q begins at %d, inside the one before it, which ends at %d", in.name, in.begin, at)
		}
		if in.begin > at {
			return fmt.Errorf("bytes %d to %d before tensor %q belong to no tensor", at, in.begin, in.name)
		}
		if in.end > data {
			return fmt.Errorf("tensor %q ends at %d, past the end of the data at %d", in.name, in.end, data)
		}
		at = in.end
	}
	if at != data {
		return fmt.Errorf("%d bytes after the last tensor belong to no tensor", data-at)
	}
	return nil
}

// Names returns the names of all tensors, sorted.
func (f *File) Names() []string { return slices.Clone(f.names) }

// Tensor returns the tensor of that name.
func (f *File) Tensor(name string) (Tensor, bool) {
	t, ok := f.tensors[name]
	t.Shape = slices.Clone(t.Shape)
	return t, ok
}

// Metadata returns the header's free-form texts. Of a file in several shards
// it is empty.
func (f *File) Metadata() map[string]string { return maps.Clone(f.metadata) }

// Tensor is one tensor of a file; its elements stay in the file until read,
// last dimension fastest. It is safe for concurrent use.
type Tensor struct {
	Name  string
	DType DType
	Shape []int // empty for a single number

	len  int
	size int64
	r    io.ReaderAt
	base int64
}

// Len returns the number of elements.
func (t Tensor) Len() int { return t.len }

// Size returns the number of bytes.
func (t Tensor) Size() int64 { return t.size }

// ReadAt implements [io.ReaderAt] over the tensor's own bytes, which are
// little-endian.
func (t Tensor) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read tensor %q at byte %d, before it begins", t.Name, off)
	}
	if off >= t.size {
		if len(p) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	short := int64(len(p)) > t.size-off
	if short {
		p = p[:t.size-off]
	}
	if err := readFull(t.r, p, t.base+off); err != nil {
		return 0, fmt.Errorf("read tensor %q: %w", t.Name, err)
	}
	if short {
		return len(p), io.EOF
	}
	return len(p), nil
}

// chunk is how many bytes are read at once.
const chunk = 64 << 10

// Floats fills dst with elements from, from+1 and so on of a tensor of F32,
// F16, BF16 or F64. The first three are exact; F64 is rounded to the nearest,
// ties to even. Infinities and NaNs come through as they are.
func (t Tensor) Floats(dst []float32, from int) error {
	if !t.DType.float() {
		return fmt.Errorf("read tensor %q as floats: it holds %s, and only F32, F16, BF16 and F64 are read so", t.Name, t.DType)
	}
	return t.each(len(dst), from, func(i, n int, src []byte) error {
		floats(t.DType, dst[i:i+n], src)
		return nil
	})
}

// Ints fills dst with elements from, from+1 and so on of a tensor of whole
// numbers or truth values (0 and 1).
func (t Tensor) Ints(dst []int64, from int) error {
	if !t.DType.integer() {
		return fmt.Errorf("read tensor %q as integers: it holds %s", t.Name, t.DType)
	}
	return t.each(len(dst), from, func(i, n int, src []byte) error {
		if err := ints(t.DType, dst[i:i+n], src); err != nil {
			return fmt.Errorf("read tensor %q from element %d: %w", t.Name, from+i, err)
		}
		return nil
	})
}

// each reads count elements from the one given on, a chunk at a time; take
// converts n of them, the i-th and on.
func (t Tensor) each(count, from int, take func(i, n int, src []byte) error) error {
	if from < 0 || from > t.len || count > t.len-from {
		return fmt.Errorf("read tensor %q: elements %d and %d on are not within its %d", t.Name, from, count, t.len)
	}
	width := t.DType.bits() / 8
	buf := make([]byte, min(count, chunk/width)*width)
	for i := 0; i < count; {
		n := min(count-i, chunk/width)
		src := buf[:n*width]
		if err := readFull(t.r, src, t.base+int64(from+i)*int64(width)); err != nil {
			return fmt.Errorf("read tensor %q: %w", t.Name, err)
		}
		if err := take(i, n, src); err != nil {
			return err
		}
		i += n
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

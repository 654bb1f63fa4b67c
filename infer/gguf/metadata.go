package gguf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"unicode/utf8"
)

// Bounds of what comes before the tensors.
const (
	// MaxHeader is the most bytes that metadata and the list of tensors may
	// have together. The largest vocabularies in use take under 20 MB.
	MaxHeader = 64 << 20

	maxKey   = 1<<16 - 1 // the specification's
	maxName  = 64        // the specification's
	maxDims  = 4         // ggml's
	maxArray = 4         // levels of arrays in arrays; known files have one
)

// cursor reads the header from front to back.
type cursor struct {
	r     io.ReaderAt
	limit int64 // the header may go no further
	at    int64 // of the byte after the buffer
	buf   []byte
	page  []byte
}

// left returns how many bytes the header may still have: the bound of every
// length in it.
func (c *cursor) left() uint64 { return uint64(c.limit - c.pos()) }

func (c *cursor) pos() int64 { return c.at - int64(len(c.buf)) }

// take returns the next n bytes, valid until the next call.
func (c *cursor) take(n int) ([]byte, error) {
	if uint64(n) > c.left() {
		return nil, fmt.Errorf("at byte %d: %d bytes go past the end of the file or the limit of %d", c.pos(), n, MaxHeader)
	}
	if n > len(c.buf) {
		if n > cap(c.page) {
			c.page = make([]byte, max(n, 64<<10))
		}
		page := c.page[:min(cap(c.page), int(c.left()))]
		start := c.pos()
		if err := readFull(c.r, page, start); err != nil {
			return nil, err
		}
		c.buf, c.at = page, start+int64(len(page))
	}
	b := c.buf[:n]
	c.buf = c.buf[n:]
	return b, nil
}

func (c *cursor) u32() (uint32, error) {
	b, err := c.take(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (c *cursor) u64() (uint64, error) {
	b, err := c.take(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// count reads how many things of at least size bytes follow.
func (c *cursor) count(size uint64) (int, error) {
	n, err := c.u64()
	if err != nil {
		return 0, err
	}
	if n > c.left()/size {
		return 0, fmt.Errorf("at byte %d: %d items of at least %d bytes go past the end of the file or the limit of %d", c.pos(), n, size, MaxHeader)
	}
	return int(n), nil
}

// text reads a string as it is: tokens in vocabularies need not be UTF-8.
func (c *cursor) text() (string, error) {
	n, err := c.count(1)
	if err != nil {
		return "", err
	}
	b, err := c.take(n)
	return string(b), err
}

// name reads a key or a tensor's name.
func (c *cursor) name(most int) (string, error) {
	s, err := c.text()
	switch {
	case err != nil:
		return "", err
	case s == "" || len(s) > most:
		return "", fmt.Errorf("a name of %d bytes, not 1 to %d", len(s), most)
	case !utf8.ValidString(s):
		return "", fmt.Errorf("name %q is not valid UTF-8", s)
	}
	return s, nil
}

// The specification's numbers for types of metadata.
const (
	kindUint8 = iota
	kindInt8
	kindUint16
	kindInt16
	kindUint32
	kindInt32
	kindFloat32
	kindBool
	kindString
	kindArray
	kindUint64
	kindInt64
	kindFloat64
)

// value reads a value of the kind; depth counts the arrays around it.
func (c *cursor) value(kind uint32, depth int) (any, error) {
	switch kind {
	case kindUint8:
		return fixed(c, 1, func(b []byte) uint8 { return b[0] })
	case kindInt8:
		return fixed(c, 1, func(b []byte) int8 { return int8(b[0]) })
	case kindUint16:
		return fixed(c, 2, binary.LittleEndian.Uint16)
	case kindInt16:
		return fixed(c, 2, func(b []byte) int16 { return int16(binary.LittleEndian.Uint16(b)) })
	case kindUint32:
		return c.u32()
	case kindInt32:
		return fixed(c, 4, func(b []byte) int32 { return int32(binary.LittleEndian.Uint32(b)) })
	case kindFloat32:
		return fixed(c, 4, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) })
	case kindBool:
		return c.truth()
	case kindString:
		return c.text()
	case kindArray:
		return c.array(depth + 1)
	case kindUint64:
		return c.u64()
	case kindInt64:
		return fixed(c, 8, func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) })
	case kindFloat64:
		return fixed(c, 8, func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) })
	}
	return nil, fmt.Errorf("type %d of metadata is not known", kind)
}

func (c *cursor) truth() (bool, error) {
	b, err := c.take(1)
	if err != nil {
		return false, err
	}
	if b[0] > 1 {
		return false, fmt.Errorf("a truth value of %d", b[0])
	}
	return b[0] == 1, nil
}

func fixed[T any](c *cursor, size int, read func([]byte) T) (T, error) {
	b, err := c.take(size)
	if err != nil {
		var zero T
		return zero, err
	}
	return read(b), nil
}

func (c *cursor) array(depth int) (any, error) {
	if depth > maxArray {
		return nil, fmt.Errorf("arrays are nested more than %d deep", maxArray)
	}
	kind, err := c.u32()
	if err != nil {
		return nil, err
	}
	switch kind {
	case kindUint8:
		return list[uint8](c, kind, 1, depth)
	case kindInt8:
		return list[int8](c, kind, 1, depth)
	case kindUint16:
		return list[uint16](c, kind, 2, depth)
	case kindInt16:
		return list[int16](c, kind, 2, depth)
	case kindUint32:
		return list[uint32](c, kind, 4, depth)
	case kindInt32:
		return list[int32](c, kind, 4, depth)
	case kindFloat32:
		return list[float32](c, kind, 4, depth)
	case kindBool:
		return list[bool](c, kind, 1, depth)
	case kindString:
		return list[string](c, kind, 8, depth)
	case kindArray:
		return list[any](c, kind, 12, depth)
	case kindUint64:
		return list[uint64](c, kind, 8, depth)
	case kindInt64:
		return list[int64](c, kind, 8, depth)
	case kindFloat64:
		return list[float64](c, kind, 8, depth)
	}
	return nil, fmt.Errorf("type %d of metadata is not known", kind)
}

// list reads an array whose items have at least size bytes in the file, which
// bounds what is allocated to three times those.
func list[T any](c *cursor, kind uint32, size uint64, depth int) ([]T, error) {
	n, err := c.count(size)
	if err != nil {
		return nil, err
	}
	all := make([]T, n)
	for i := range all {
		v, err := c.value(kind, depth)
		if err != nil {
			return nil, err
		}
		all[i] = v.(T)
	}
	return all, nil
}

// metadata reads n keys and values.
func (c *cursor) metadata(n int) (map[string]any, error) {
	m := map[string]any{}
	for range n {
		key, err := c.name(maxKey)
		if err != nil {
			return nil, fmt.Errorf("metadata: %w", err)
		}
		if _, ok := m[key]; ok {
			return nil, fmt.Errorf("metadata %q comes twice", key)
		}
		kind, err := c.u32()
		if err == nil {
			m[key], err = c.value(kind, 0)
		}
		if err != nil {
			return nil, fmt.Errorf("metadata %q: %w", key, err)
		}
	}
	return m, nil
}

// alignment returns what the tensors' offsets are multiples of.
func alignment(m map[string]any) (uint64, error) {
	v, ok := m["general.alignment"]
	if !ok {
		return 32, nil
	}
	a, ok := v.(uint32)
	if !ok || a == 0 || a&(a-1) != 0 {
		return 0, errors.New("general.alignment is not a power of two of type uint32")
	}
	return uint64(a), nil
}

package message

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"hearth/pool/job"
)

// Message is one message of the protocol: a pointer to one of the structs of
// this package.
type Message interface {
	// head is what the header says of the message.
	head() (extension uint16, k Kind)
	// fields names the fields in the order of the wire.
	fields(c *coder)
}

var (
	errShort = errors.New("bytes are missing")
	errLong  = errors.New("a field is longer than its kind allows")
)

// coder goes through the fields of a message and either writes them to b or
// reads them from it: one list of fields serves both.
type coder struct {
	b       []byte
	writing bool
	err     error
}

// Append appends a whole frame to dst: the header, the message, and after it
// the fields of extensions. It fails only if a field of m is longer than the
// protocol allows, and then returns dst as it was.
func Append(dst []byte, m Message, extra ...Field) ([]byte, error) {
	extension, k := m.head()
	b, err := write(append(dst, make([]byte, HeaderSize)...), m)
	for _, f := range extra {
		b, err = f.append(b, err)
	}
	h := Header{Extension: extension, Kind: k, Size: len(b) - len(dst) - HeaderSize}
	if h.Size > MaxPayload {
		err = errLong
	}
	if err != nil {
		return dst, fmt.Errorf("writing a %v: %w", h, err)
	}
	h.Append(b[len(dst):len(dst)])
	return b, nil
}

// Parse reads a payload into m and returns what is left of it, the fields of
// extensions. Byte strings in m share their memory with the payload; text does
// not. After an error m is not to be used.
func Parse(m Message, payload []byte) (rest []byte, err error) {
	if rest, err = read(m, payload); err != nil {
		extension, k := m.head()
		return nil, fmt.Errorf("reading a %v: %w", Header{Extension: extension, Kind: k, Size: len(payload)}, err)
	}
	return rest, nil
}

// write and read call the messages of every share by their types: a coder that
// is handed through an interface has to be allocated.

func write(b []byte, m Message) ([]byte, error) {
	c := coder{b: b, writing: true}
	switch m := m.(type) {
	case *SubmitSharesStandard:
		m.fields(&c)
	case *SubmitSharesExtended:
		m.fields(&c)
	case *SubmitSharesSuccess:
		m.fields(&c)
	case *SubmitSharesError:
		m.fields(&c)
	default:
		c := c
		m.fields(&c)
		return c.b, c.err
	}
	return c.b, c.err
}

func read(m Message, payload []byte) ([]byte, error) {
	c := coder{b: payload}
	switch m := m.(type) {
	case *SubmitSharesStandard:
		m.fields(&c)
	case *SubmitSharesExtended:
		m.fields(&c)
	case *SubmitSharesSuccess:
		m.fields(&c)
	case *SubmitSharesError:
		m.fields(&c)
	default:
		c := c
		m.fields(&c)
		return c.b, c.err
	}
	return c.b, c.err
}

// take returns the next n bytes when reading; nil if they are not there.
func (c *coder) take(n int) []byte {
	if c.err != nil || len(c.b) < n {
		if c.err == nil {
			c.err = errShort
		}
		return nil
	}
	b := c.b[:n:n]
	c.b = c.b[n:]
	return b
}

func (c *coder) u8(v *uint8) {
	if c.writing {
		c.b = append(c.b, *v)
	} else if b := c.take(1); b != nil {
		*v = b[0]
	}
}

func (c *coder) u16(v *uint16) {
	if c.writing {
		c.b = binary.LittleEndian.AppendUint16(c.b, *v)
	} else if b := c.take(2); b != nil {
		*v = binary.LittleEndian.Uint16(b)
	}
}

func (c *coder) u32(v *uint32) {
	if c.writing {
		c.b = binary.LittleEndian.AppendUint32(c.b, *v)
	} else if b := c.take(4); b != nil {
		*v = binary.LittleEndian.Uint32(b)
	}
}

func (c *coder) u64(v *uint64) {
	if c.writing {
		c.b = binary.LittleEndian.AppendUint64(c.b, *v)
	} else if b := c.take(8); b != nil {
		*v = binary.LittleEndian.Uint64(b)
	}
}

func (c *coder) f32(v *float32) {
	u := math.Float32bits(*v)
	c.u32(&u)
	*v = math.Float32frombits(u)
}

// bool is one byte, of which only the least bit has a meaning.
func (c *coder) bool(v *bool) {
	var u uint8
	if *v {
		u = 1
	}
	c.u8(&u)
	*v = u&1 == 1
}

// u256 is 32 bytes, the least significant first.
func (c *coder) u256(v *[32]byte) {
	if c.writing {
		c.b = append(c.b, v[:]...)
	} else if b := c.take(32); b != nil {
		*v = [32]byte(b)
	}
}

// option is a number that may be absent.
func (c *coder) option(there *bool, v *uint32) {
	var n uint8
	if *there {
		n = 1
	}
	c.u8(&n)
	if n > 1 {
		c.fail(errLong)
		return
	}
	if *there = n == 1; *there {
		c.u32(v)
	} else if !c.writing {
		*v = 0
	}
}

// length is the length of a field, in one byte or two, of at most most.
func (c *coder) length(n, wide, most int) int {
	if c.writing && n > most {
		c.fail(errLong)
		return 0
	}
	if wide == 1 {
		u := uint8(n)
		c.u8(&u)
		n = int(u)
	} else {
		u := uint16(n)
		c.u16(&u)
		n = int(u)
	}
	if c.err != nil || n > most {
		c.fail(errLong)
		return 0
	}
	return n
}

func (c *coder) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// text is STR0_255.
func (c *coder) text(v *string) {
	n := c.length(len(*v), 1, 255)
	if c.writing {
		if c.err == nil {
			c.b = append(c.b, *v...)
		}
		return
	}
	*v = string(c.take(n))
}

// bytes is B0_32, B0_255 or B0_64K.
func (c *coder) bytes(v *[]byte, wide, most int) {
	n := c.length(len(*v), wide, most)
	if c.writing {
		if c.err == nil {
			c.b = append(c.b, *v...)
		}
		return
	}
	*v = c.take(n)
}

func (c *coder) b32(v *[]byte)  { c.bytes(v, 1, 32) }
func (c *coder) b255(v *[]byte) { c.bytes(v, 1, 255) }
func (c *coder) b64k(v *[]byte) { c.bytes(v, 2, math.MaxUint16) }

// hashes is SEQ0_255[U256].
func (c *coder) hashes(v *[]job.Hash) {
	n := c.length(len(*v), 1, 255)
	if c.writing {
		for i := range *v {
			c.u256((*[32]byte)(&(*v)[i]))
		}
		return
	}
	b := c.take(32 * n)
	*v = (*v)[:0]
	if b == nil {
		return
	}
	*v = slices.Grow(*v, n)
	for ; len(b) > 0; b = b[32:] {
		*v = append(*v, job.Hash(b[:32]))
	}
}

// u32s is SEQ0_64K[U32].
func (c *coder) u32s(v *[]uint32) {
	n := c.length(len(*v), 2, math.MaxUint16)
	if c.writing {
		for i := range *v {
			c.u32(&(*v)[i])
		}
		return
	}
	b := c.take(4 * n)
	*v = (*v)[:0]
	for ; len(b) > 0; b = b[4:] {
		*v = append(*v, binary.LittleEndian.Uint32(b))
	}
}

// u16s is SEQ0_64K[U16].
func (c *coder) u16s(v *[]uint16) {
	n := c.length(len(*v), 2, math.MaxUint16)
	if c.writing {
		for i := range *v {
			c.u16(&(*v)[i])
		}
		return
	}
	b := c.take(2 * n)
	*v = (*v)[:0]
	for ; len(b) > 0; b = b[2:] {
		*v = append(*v, binary.LittleEndian.Uint16(b))
	}
}

package work

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// reader takes the parts of an encoding off its front. Numbers have fixed
// widths and are little-endian, so that every message has one encoding; the
// first thing that is missing is kept as err.
type reader struct {
	b   []byte
	err error
}

func (r *reader) bytes(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || n > len(r.b) {
		r.err = fmt.Errorf("it ends %d bytes early", n-len(r.b))
		return nil
	}
	part := r.b[:n:n]
	r.b = r.b[n:]
	return part
}

func (r *reader) hash() (h [32]byte) {
	copy(h[:], r.bytes(32))
	return h
}

func (r *reader) uint8() uint8 {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if b := r.bytes(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// label takes the text that says what follows.
func (r *reader) label(text string) {
	if b := r.bytes(len(text)); r.err == nil && string(b) != text {
		r.err = fmt.Errorf("it does not begin with %q", text)
	}
}

// tokens takes n numbers of 4 bytes that are not negative as int32. It takes
// no memory before the bytes are there.
func (r *reader) tokens(n int) []int32 {
	if r.err == nil && (n < 0 || n > len(r.b)/4) {
		r.err = fmt.Errorf("it ends before its %d tokens do", uint32(n))
	}
	b := r.bytes(4 * max(0, min(n, len(r.b)/4)))
	if len(b) == 0 {
		return nil
	}
	t := make([]int32, n)
	for i := range t {
		v := binary.LittleEndian.Uint32(b[4*i:])
		if v > 1<<31-1 {
			r.err = fmt.Errorf("token %d of %d is too large", i+1, n)
			return nil
		}
		t[i] = int32(v)
	}
	return t
}

func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		r.err = errors.New("bytes follow its end")
	}
	return r.err
}

func appendTokens(b []byte, tokens []int32) []byte {
	for _, t := range tokens {
		b = binary.LittleEndian.AppendUint32(b, uint32(t))
	}
	return b
}

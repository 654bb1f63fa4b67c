package job

import (
	"encoding/binary"
	"fmt"
)

// HeaderSize is the size of a block header on the wire, in bytes.
const HeaderSize = 80

// Header is a block's header: what is hashed.
type Header struct {
	Version    uint32
	Prev, Root Hash
	Time       uint32 // seconds since 1970
	Bits       uint32 // the target, in short form: see CompactTarget
	Nonce      uint32
}

// Append appends the 80 bytes of the header to b.
func (h Header) Append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, h.Version)
	b = append(b, h.Prev[:]...)
	b = append(b, h.Root[:]...)
	b = binary.LittleEndian.AppendUint32(b, h.Time)
	b = binary.LittleEndian.AppendUint32(b, h.Bits)
	return binary.LittleEndian.AppendUint32(b, h.Nonce)
}

// Hash is the hash of the header, which is the name of its block.
func (h Header) Hash() Hash {
	var b [HeaderSize]byte
	return Double(h.Append(b[:0]))
}

// ParseHeader reads the 80 bytes of a header.
func ParseHeader(b []byte) (Header, error) {
	if len(b) != HeaderSize {
		return Header{}, fmt.Errorf("a block header has %d bytes, not %d", HeaderSize, len(b))
	}
	h := Header{
		Version: binary.LittleEndian.Uint32(b),
		Time:    binary.LittleEndian.Uint32(b[68:]),
		Bits:    binary.LittleEndian.Uint32(b[72:]),
		Nonce:   binary.LittleEndian.Uint32(b[76:]),
	}
	copy(h.Prev[:], b[4:])
	copy(h.Root[:], b[36:])
	return h, nil
}

package work

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"slices"
)

// Key is the public key of an executor; as text it is hex.
type Key [ed25519.PublicKeySize]byte

// Signature is an ed25519 signature; as text it is hex.
type Signature [ed25519.SignatureSize]byte

// MarshalText implements [encoding.TextMarshaler].
func (k Key) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, k[:]), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (k *Key) UnmarshalText(text []byte) error { return unhex(k[:], text) }

// MarshalText implements [encoding.TextMarshaler].
func (s Signature) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, s[:]), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Signature) UnmarshalText(text []byte) error { return unhex(s[:], text) }

// Check tells why a key cannot be an executor's: it is written in a second way,
// so that it would be another executor with the same signatures, or it is a point
// of small order, for which anybody can sign anything. Whether it is a point at
// all shows when a signature is checked.
func (k Key) Check() error {
	y := k
	y[31] &= 0x7F // the rest is the sign of x
	for i := 31; ; i-- {
		p := byte(0xFF) // 2^255 - 19, from its most significant byte
		switch i {
		case 31:
			p = 0x7F
		case 0:
			p = 0xED
		}
		if y[i] < p {
			break
		}
		if y[i] > p || i == 0 {
			return errors.New("the key is not in its one encoding")
		}
	}
	// The points whose order divides 8 have one of five y: 1, -1, 0 and these two.
	minusOne := Key{0: 0xEC, 31: 0x7F}
	for i := 1; i < 31; i++ {
		minusOne[i] = 0xFF
	}
	small := []Key{
		{0: 1},
		minusOne,
		{},
		{
			0x26, 0xE8, 0x95, 0x8F, 0xC2, 0xB2, 0x27, 0xB0, 0x45, 0xC3, 0xF4, 0x89, 0xF2, 0xEF, 0x98, 0xF0,
			0xD5, 0xDF, 0xAC, 0x05, 0xD3, 0xC6, 0x33, 0x39, 0xB1, 0x38, 0x02, 0x88, 0x6D, 0x53, 0xFC, 0x05,
		},
		{
			0xC7, 0x17, 0x6A, 0x70, 0x3D, 0x4D, 0xD8, 0x4F, 0xBA, 0x3C, 0x0B, 0x76, 0x0D, 0x10, 0x67, 0x0F,
			0x2A, 0x20, 0x53, 0xFA, 0x2C, 0x39, 0xCC, 0xC6, 0x4E, 0xC7, 0xFD, 0x77, 0x92, 0xAC, 0x03, 0x7A,
		},
	}
	if slices.Contains(small, y) {
		return errors.New("the key is a point of small order: anybody can sign for it")
	}
	return nil
}

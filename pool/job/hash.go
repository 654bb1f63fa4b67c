package job

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
)

// Hash is a SHA-256d hash in the order of the wire: the least significant byte
// first.
type Hash [32]byte

// Double is SHA-256 of SHA-256 of b.
func Double(b []byte) Hash {
	h := sha256.Sum256(b)
	return sha256.Sum256(h[:])
}

// String is the hash as explorers and nodes write it: hexadecimal, the most
// significant byte first.
func (h Hash) String() string {
	slices.Reverse(h[:])
	return hex.EncodeToString(h[:])
}

// ParseHash reads what [Hash.String] writes: 64 hexadecimal digits, the most
// significant first.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != 2*len(h) {
		return Hash{}, fmt.Errorf("a hash has 64 hexadecimal digits, not %d", len(s))
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil {
		return Hash{}, fmt.Errorf("reading a hash: %w", err)
	}
	slices.Reverse(h[:])
	return h, nil
}

// MarshalText implements [encoding.TextMarshaler]; the text is that of String.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (h *Hash) UnmarshalText(b []byte) error {
	v, err := ParseHash(string(b))
	if err != nil {
		return err
	}
	*h = v
	return nil
}

// Meets reports whether h is at or below t, as whole numbers of 256 bits.
func (h Hash) Meets(t Target) bool {
	for i := 24; i >= 0; i -= 8 {
		a, b := binary.LittleEndian.Uint64(h[i:]), binary.LittleEndian.Uint64(t[i:])
		if a != b {
			return a < b
		}
	}
	return true
}

// Difficulty is the highest difficulty whose target h meets, to the precision
// of a float64. Credit is never reckoned from it: what counts is the difficulty
// that was asked for.
func (h Hash) Difficulty() Difficulty { return Target(h).Difficulty() }

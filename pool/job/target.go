package job

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// Target is a number of 256 bits, the least significant byte first, as hashes
// are compared with it: see [Hash.Meets].
type Target [32]byte

// String is the target in hexadecimal, the most significant byte first.
func (t Target) String() string { return Hash(t).String() }

// ParseTarget reads 64 hexadecimal digits, the most significant first.
func ParseTarget(s string) (Target, error) {
	var t Target
	if len(s) != 2*len(t) {
		return Target{}, fmt.Errorf("a target has 64 hexadecimal digits, not %d", len(s))
	}
	if _, err := hex.Decode(t[:], []byte(s)); err != nil {
		return Target{}, fmt.Errorf("reading a target: %w", err)
	}
	slices.Reverse(t[:])
	return t, nil
}

// Difficulty is how many times harder a target is than the target of difficulty
// 1, which is 0xFFFF·2^208: "pool difficulty". It must be positive; values
// below 1 are real, small miners and test networks need them.
type Difficulty float64

// one is the part of the target of difficulty 1 above 2^208.
const one = 0xFFFF

// Target is floor(0xFFFF·2^208 / d), exactly. It is the largest number of 256
// bits where that does not fit, and 0, which no miner meets, for a difficulty
// that is not positive or not a number.
func (d Difficulty) Target() Target {
	var t Target
	if !(d > 0) || math.IsInf(float64(d), 1) {
		return t
	}
	// d = m·2^e with a whole m of 53 bits.
	frac, e := math.Frexp(float64(d))
	m := uint64(math.Ldexp(frac, 53))
	e -= 53
	shift := 208 - e // the numerator is 0xFFFF·2^shift
	if shift < 0 {   // above 2^261: nothing is left
		return t
	}
	if shift+16-53 > 256 {
		return largest()
	}
	var n [6]uint64 // the numerator, then the quotient, least word first
	word, bit := shift/64, shift%64
	n[word] = one << bit
	if bit > 48 {
		n[word+1] = one >> (64 - bit)
	}
	var rest uint64
	for i := len(n) - 1; i >= 0; i-- {
		n[i], rest = bits.Div64(rest, n[i], m)
	}
	if n[4] != 0 || n[5] != 0 {
		return largest()
	}
	for i := range 4 {
		binary.LittleEndian.PutUint64(t[8*i:], n[i])
	}
	return t
}

// largest is the target that every hash meets.
func largest() Target {
	var t Target
	for i := range t {
		t[i] = 0xff
	}
	return t
}

// Difficulty is 0xFFFF·2^208 / t to the precision of a float64; infinite for
// the target 0.
func (t Target) Difficulty() Difficulty {
	for i := 31; i >= 0; i-- {
		if t[i] == 0 {
			continue
		}
		// The eight bytes from the first that is not zero are more than a float64 holds.
		var top uint64
		for j := i; j > i-8; j-- {
			top <<= 8
			if j >= 0 {
				top |= uint64(t[j])
			}
		}
		return Difficulty(math.Ldexp(one/float64(top), 208-8*(i-7)))
	}
	return Difficulty(math.Inf(1))
}

// CompactTarget reads the short form that headers carry ("bits"): a byte of
// size and three of value. Forms that are negative, zero or above 256 bits are
// errors, as every node has it.
func CompactTarget(compact uint32) (Target, error) {
	size, value := int(compact>>24), compact&0x7fffff
	var t Target
	switch {
	case compact&0x800000 != 0 && value != 0:
		return t, fmt.Errorf("bits %08x: a target is not negative", compact)
	case size <= 3:
		value >>= 8 * (3 - size)
		binary.LittleEndian.PutUint32(t[:], value)
	default:
		for i := range 3 {
			b := byte(value >> (8 * i))
			if at := size - 3 + i; at < len(t) {
				t[at] = b
			} else if b != 0 {
				return Target{}, fmt.Errorf("bits %08x: the target has more than 256 bits", compact)
			}
		}
	}
	if t == (Target{}) {
		return t, fmt.Errorf("bits %08x: the target is zero", compact)
	}
	return t, nil
}

// Work is work that was credited, in units of 1/1024 of difficulty 1: about
// 2^22 hashes each.
type Work uint64

// units is how many units of Work difficulty 1 has.
const units = 1024

// Work is what a share of difficulty d is worth: rounded, and at least one unit,
// so that below 1/1024 a share counts for more than it took. It is 0 for a
// difficulty that is not positive.
func (d Difficulty) Work() Work {
	w := math.Round(float64(d) * units)
	switch {
	case !(d > 0):
		return 0
	case w < 1:
		return 1
	case w >= math.MaxUint64:
		return math.MaxUint64
	}
	return Work(w)
}

// Hashes is how many hashes the work takes on average: a share of difficulty 1
// takes 2^32·65536/65535.
func (w Work) Hashes() float64 { return float64(w) / units * Difficulty(1).Hashes() }

// Hashes is how many hashes a share of difficulty d takes on average.
func (d Difficulty) Hashes() float64 { return float64(d) * (1 << 32) * 65536 / 65535 }

// Difficulty is the difficulty of a single share worth w.
func (w Work) Difficulty() Difficulty { return Difficulty(w) / units }

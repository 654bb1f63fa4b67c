package market

import (
	"errors"
	"fmt"
	"math/bits"
)

// Difficulty is the rule that holds the rate of tickets, whatever the number
// of miners.
//
// What it keeps is the logarithm of the MACs behind a ticket ([Level]). Every
// block adds to it in proportion to how many tickets came too many, and takes
// away for those that were missing; so the level depends on how many tickets
// there were in how many blocks, and on nothing else: not on their order, nor
// on any clock. Without any ticket the MACs behind one halve in HalfLife
// blocks; with twice the target they begin to double in as many.
type Difficulty struct {
	// Per100 is how many tickets a hundred blocks are to have.
	Per100   uint32
	HalfLife int64 // blocks
	// Easiest is the least MACs behind a ticket, at least 2^21: below that a
	// ticket of the largest tile would win with every try.
	Easiest uint64
}

const (
	// LeastMACs is the least that stands behind a ticket.
	LeastMACs = 1 << 21
	// MostMACs is the most.
	MostMACs = 1 << 62
	// MostHalfLife bounds the rule's memory.
	MostHalfLife = 1 << 24
	// mostTickets is more than a block can hold.
	mostTickets = 1 << 20
)

// Level is the base-2 logarithm of the MACs behind a ticket, in units of 2^-32.
type Level uint64

// Check says what is wrong with the rule.
func (d Difficulty) Check() error {
	switch {
	case d.Per100 < 1 || d.Per100 > 100_000:
		return errors.New("difficulty must aim at 1 to 100,000 tickets in 100 blocks")
	case d.HalfLife < 1 || d.HalfLife > MostHalfLife:
		return fmt.Errorf("the half-life of difficulty must be from 1 to %d blocks", MostHalfLife)
	case d.Easiest < LeastMACs || d.Easiest > MostMACs:
		return fmt.Errorf("the MACs behind a ticket must be from 2^21 to 2^62, not %d", d.Easiest)
	}
	return nil
}

// Next returns the level after a block with so many tickets. Every ticket
// counts, or miners would hand theirs in by the dozen; but no block more than
// doubles the MACs behind one.
func (d Difficulty) Next(l Level, tickets uint32) Level {
	least, most := LevelOf(max(d.Easiest, LeastMACs)), Level(62<<32)
	l = min(max(l, least), most)
	// In hundredths of a ticket; Per100 is the aim of a block in that unit.
	aim := int64(max(d.Per100, 1))
	got := int64(min(tickets, mostTickets)) * 100
	// (got - aim)/aim parts of a doubling in HalfLife blocks, rounded to zero.
	step := min((got-aim)<<32/(aim*max(d.HalfLife, 1)), 1<<32)
	switch {
	case step < 0 && Level(-step) >= l-least:
		return least
	case step > 0 && Level(step) >= most-l:
		return most
	}
	return Level(int64(l) + step)
}

// LevelOf returns the level of so many MACs, rounded down, LeastMACs at least:
// its whole part is the place of the first bit, and each further bit comes from
// a squaring.
func LevelOf(macs uint64) Level {
	macs = min(max(macs, LeastMACs), MostMACs)
	whole := bits.Len64(macs) - 1
	x := macs << (63 - whole) // 1.0 is 2^63
	l := Level(whole)
	for range 32 {
		l <<= 1
		high, low := bits.Mul64(x, x) // 1.0 is 2^126
		if high>>63 == 1 {
			l |= 1
			x = high
		} else {
			x = high<<1 | low>>63
		}
	}
	return l
}

// MACs returns the MACs behind a ticket at a level, rounded down: 2 to the
// level, the product of the roots of 2 whose bits are set.
func (l Level) MACs() uint64 {
	l = min(max(l, 21<<32), 62<<32)
	x := uint64(1) << 63 // 1.0
	for i, root := range roots() {
		if l>>(31-i)&1 == 1 {
			high, low := bits.Mul64(x, root)
			x = high<<1 | low>>63
		}
	}
	return x >> (63 - l>>32)
}

// roots returns 2^(1/2), 2^(1/4), … 2^(2^-32), in units of 2^-63, rounded down.
func roots() [32]uint64 {
	return [32]uint64{
		0xb504f333f9de6484, 0x9837f0518db8a96f, 0x8b95c1e3ea8bd6e6, 0x85aac367cc487b14,
		0x82cd8698ac2ba1d7, 0x8164d1f3bc030773, 0x80b1ed4fd999ab6c, 0x8058d7d2d5e5f6b0,
		0x802c6436d0e04f50, 0x8016302f17467628, 0x800b179c82028fd0, 0x80058baf7fee3b5d,
		0x8002c5d00fdcfcb6, 0x800162e61bed4a48, 0x8000b17292f702a3, 0x800058b92abbae02,
		0x80002c5c8dade4d7, 0x8000162e44eaf636, 0x80000b1721fa7c18, 0x8000058b90de7e4c,
		0x800002c5c8678f36, 0x80000162e431db9f, 0x800000b1721872d0, 0x80000058b90c1aa8,
		0x8000002c5c8605a4, 0x800000162e4300e6, 0x8000000b17217ff8, 0x800000058b90bfdd,
		0x80000002c5c85fe6, 0x8000000162e42ff1, 0x80000000b17217f8, 0x8000000058b90bfc,
	}
}

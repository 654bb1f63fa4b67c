package schedule

import (
	"fmt"
	"math/bits"
)

// Shares says what an epoch's coins are for, in permille, together at most a
// thousand.
type Shares struct {
	Work, Commons, Audits, Validators, Community uint32
	// Sunset is the epoch from which the community's share is nothing. It is not
	// given to the others: less is released to be earned.
	Sunset uint64
}

// Default is what a network of epochs of an hour starts with.
func Default() Shares {
	return Shares{Work: 650, Commons: 150, Audits: 80, Validators: 70, Community: 50, Sunset: HalfLife}
}

// Check says what is wrong with the shares.
func (s Shares) Check() error {
	sum := uint64(s.Work) + uint64(s.Commons) + uint64(s.Audits) + uint64(s.Validators) + uint64(s.Community)
	if sum > 1000 {
		return fmt.Errorf("the shares add up to %d permille, more than there is", sum)
	}
	return nil
}

// Pots is what an epoch holds for each, in uhth. Nobody may be paid more.
type Pots struct {
	Work, Commons, Audits, Validators, Community uint64
}

// Sum is all that may be minted.
func (p Pots) Sum() uint64 { return p.Work + p.Commons + p.Audits + p.Validators + p.Community }

// Split divides an epoch's coins. What rounding leaves is never minted.
func (s Shares) Split(epoch, coins uint64) Pots {
	p := Pots{
		Work:       part(coins, uint64(s.Work), 1000),
		Commons:    part(coins, uint64(s.Commons), 1000),
		Audits:     part(coins, uint64(s.Audits), 1000),
		Validators: part(coins, uint64(s.Validators), 1000),
	}
	if epoch < s.Sunset {
		p.Community = part(coins, uint64(s.Community), 1000)
	}
	return p
}

// Pay returns what one of those who share a pot gets for their part of all
// that was done. Below full a pot is not exhausted: it pays part/full then, so
// that a lone job does not earn an hour's coins. All parts together are paid at
// most the pot.
func Pay(pot, did, all, full uint64) uint64 {
	return part(pot, did, max(all, full))
}

// part returns ⌊v·a/b⌋ for a of at most b, and nothing if there is no b.
func part(v, a, b uint64) uint64 {
	if a >= b {
		if b == 0 {
			return 0
		}
		return v
	}
	high, low := bits.Mul64(v, a)
	q, _ := bits.Div64(high, low, b)
	return q
}

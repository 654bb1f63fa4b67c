package light

import (
	"errors"
	"fmt"
	"math/bits"
	"time"
)

// A Block is what a light client knows of a block: its header, the signatures
// on it and those who signed.
type Block struct {
	Header     Header
	Commit     Commit
	Validators Validators
}

// check says what is wrong with the block by itself; signatures are not
// looked at.
func (b Block) check(chain string) error {
	if err := b.Header.check(); err != nil {
		return fmt.Errorf("the header: %w", err)
	}
	if err := b.Commit.check(); err != nil {
		return fmt.Errorf("the commit: %w", err)
	}
	if err := b.Validators.check(); err != nil {
		return fmt.Errorf("the validators: %w", err)
	}
	if b.Header.Chain != chain {
		return fmt.Errorf("it is of the chain %q, not %q", b.Header.Chain, chain)
	}
	if b.Commit.Height != b.Header.Height {
		return fmt.Errorf("the commit is for height %d, the header for %d", b.Commit.Height, b.Header.Height)
	}
	if hash := b.Header.Hash(); string(hash[:]) != string(b.Commit.Block.Hash) {
		return fmt.Errorf("the commit is for block %X, the header is that of %s", b.Commit.Block.Hash, hash)
	}
	if hash := b.Validators.Hash(); string(hash[:]) != string(b.Header.ValidatorsHash) {
		return fmt.Errorf("the validators hash to %s, the header names %X", hash, b.Header.ValidatorsHash)
	}
	return nil
}

// A Fraction is Num of Den.
type Fraction struct{ Num, Den uint64 }

// of is the whole part of the fraction of n, for fractions up to 1.
func (f Fraction) of(n int64) int64 {
	hi, lo := bits.Mul64(uint64(n), f.Num)
	q, _ := bits.Div64(hi, lo, f.Den)
	return int64(q)
}

// Rules say what is trusted.
type Rules struct {
	// Chain is the chain's name.
	Chain string
	// Period is how long after its time a block is trusted. It has to be shorter
	// than the time in which validators can take their stake away.
	Period time.Duration
	// Drift is how far a block's time may be ahead of the caller's clock.
	Drift time.Duration
	// Trust is the part of a trusted block's power that has to have signed a
	// block further on: from 1/3 to 1. The zero value means 1/3.
	Trust Fraction
	// Sequential allows no step but to the next block. It costs a verification a
	// block, and takes nobody's word for those in between.
	Sequential bool
}

// ErrFar says that too few of the trusted block's validators signed a block
// further on. It may be true all the same: look at one in between.
var ErrFar = errors.New("too few of the trusted validators signed it")

// ErrExpired says that the trusted block is older than the trusting period. A
// new one has to come from somewhere that is trusted for other reasons.
var ErrExpired = errors.New("the trusted block is older than the trusting period")

// Check says what is wrong with the rules.
func (r Rules) Check() error {
	t := r.trust()
	switch {
	case r.Chain == "" || len(r.Chain) > maxChainName:
		return fmt.Errorf("light client: the chain's name %q has to have 1 to %d characters", r.Chain, maxChainName)
	case r.Period <= 0 || r.Drift < 0:
		return fmt.Errorf("light client: a trusting period of %v and a drift of %v", r.Period, r.Drift)
	case t.Den == 0 || t.Den > 1<<32 || t.Num > t.Den || 3*t.Num < t.Den:
		return fmt.Errorf("light client: trust %d/%d has to be from 1/3 to 1", t.Num, t.Den)
	}
	return nil
}

func (r Rules) trust() Fraction {
	if r.Trust == (Fraction{}) {
		return Fraction{1, 3}
	}
	return r.Trust
}

// Expired reports whether a block is too old to be trusted.
func (r Rules) Expired(b Block, now time.Time) bool { return !b.Header.Time.Add(r.Period).After(now) }

// Root checks a block that is trusted for reasons of its own, by its hash: that
// it is whole and that its own validators signed it.
func (r Rules) Root(b Block, hash Digest) error {
	if err := r.root(b, hash); err != nil {
		return fmt.Errorf("trust block %d: %w", b.Header.Height, err)
	}
	return nil
}

func (r Rules) root(b Block, hash Digest) error {
	if err := r.Check(); err != nil {
		return err
	}
	if err := b.check(r.Chain); err != nil {
		return err
	}
	if got := b.Header.Hash(); got != hash {
		return fmt.Errorf("its hash is %s, trusted is %s", got, hash)
	}
	return newTally(r.Chain, b.Commit).byOwn(b.Validators)
}

// Verify says whether a later block can be trusted, given one that is trusted.
// The error wraps [ErrFar] where a block in between may help, and [ErrExpired]
// where the trusted block is too old.
func (r Rules) Verify(trusted, next Block, now time.Time) error {
	if err := r.verify(trusted, next, now); err != nil {
		return fmt.Errorf("verify block %d from block %d: %w", next.Header.Height, trusted.Header.Height, err)
	}
	return nil
}

func (r Rules) verify(trusted, next Block, now time.Time) error {
	if err := r.Check(); err != nil {
		return err
	}
	if r.Expired(trusted, now) {
		return fmt.Errorf("%w (%v): it is of %v, now is %v", ErrExpired, r.Period, trusted.Header.Time.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	if err := next.check(r.Chain); err != nil {
		return err
	}
	old, h := trusted.Header, next.Header
	if h.Height <= old.Height {
		return errors.New("it does not come after")
	}
	if !h.Time.After(old.Time) {
		return fmt.Errorf("its time %v is not after %v", h.Time, old.Time)
	}
	if !h.Time.Before(now.Add(r.Drift)) {
		return fmt.Errorf("its time %v is ahead of now, %v, by more than %v; check this computer's clock", h.Time, now.UTC(), r.Drift)
	}
	t := newTally(r.Chain, next.Commit)
	if h.Height == old.Height+1 {
		if string(h.ValidatorsHash) != string(old.NextValidatorsHash) {
			return fmt.Errorf("its validators are %X, the block before named %X", h.ValidatorsHash, old.NextValidatorsHash)
		}
		return t.byOwn(next.Validators)
	}
	if r.Sequential {
		return fmt.Errorf("%w: the rules allow no step but to the next block", ErrFar)
	}
	if err := t.byTrusted(trusted.Validators, r.trust()); err != nil {
		if errors.Is(err, errPower) {
			return fmt.Errorf("%w: %w", ErrFar, err)
		}
		return err
	}
	return t.byOwn(next.Validators)
}

// VerifyBefore says whether the header is that of the block right before a
// trusted one: their hashes chain them. Blocks may be as old as one likes.
func (r Rules) VerifyBefore(trusted, before Header) error {
	if err := before.check(); err != nil {
		return fmt.Errorf("verify block %d before block %d: %w", before.Height, trusted.Height, err)
	}
	if hash := before.Hash(); string(hash[:]) != string(trusted.Last.Hash) || before.Height != trusted.Height-1 || before.Chain != trusted.Chain {
		return fmt.Errorf("verify block %d before block %d: it is %s, the trusted block follows on %X", before.Height, trusted.Height, hash, trusted.Last.Hash)
	}
	return nil
}

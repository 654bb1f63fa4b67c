package light

import (
	"errors"
	"fmt"
	"time"

	"hearth/chain/wire"
)

// A Vote says what a validator signed.
type Vote byte

// What a validator can have done: nothing that was seen in time, signed the
// block, or signed that there was none it could vote for.
const (
	Absent   Vote = 1
	ForBlock Vote = 2
	ForNil   Vote = 3
)

// A CommitSignature is what one validator did.
type CommitSignature struct {
	Vote Vote
	// Validator, Time and Signature are empty for those who were absent.
	Validator []byte
	Time      time.Time
	Signature []byte
}

// A Commit holds the signatures on a block, one for each validator and in
// their order.
type Commit struct {
	Height     int64
	Round      int32
	Block      BlockID
	Signatures []CommitSignature
}

// maxSignature is the longest signature that CometBFT knows (ML-DSA-65). Those
// of this package have 64 bytes.
const maxSignature = 3309

// check says what is wrong with the commit by itself.
func (c Commit) check() error {
	if c.Height < 1 || c.Round < 0 {
		return fmt.Errorf("height %d, round %d", c.Height, c.Round)
	}
	if c.Block.zero() {
		return errors.New("it is for no block")
	}
	if err := c.Block.check(); err != nil {
		return fmt.Errorf("its block: %w", err)
	}
	if len(c.Signatures) == 0 || len(c.Signatures) > MaxValidators {
		return fmt.Errorf("it has %d signatures", len(c.Signatures))
	}
	for i, s := range c.Signatures {
		if err := s.check(); err != nil {
			return fmt.Errorf("signature %d: %w", i, err)
		}
	}
	return nil
}

func (s CommitSignature) check() error {
	switch s.Vote {
	case Absent:
		if len(s.Validator) != 0 || !s.Time.IsZero() || len(s.Signature) != 0 {
			return errors.New("an absent validator says something")
		}
	case ForBlock, ForNil:
		if len(s.Validator) != addressSize {
			return fmt.Errorf("the validator's address has %d bytes", len(s.Validator))
		}
		if len(s.Signature) == 0 || len(s.Signature) > maxSignature {
			return fmt.Errorf("it has %d bytes", len(s.Signature))
		}
	default:
		return fmt.Errorf("%d is no vote", s.Vote)
	}
	return nil
}

// precommit is the type of the votes that make a commit.
const precommit = 2

// SignBytes is what a validator signs: a CanonicalVote for the commit's height,
// round and block, with its length.
func (c Commit) SignBytes(chain string, s CommitSignature) []byte {
	var m wire.Message
	m.Uint(1, precommit)
	m.Fixed64(2, uint64(c.Height))
	m.Fixed64(3, uint64(c.Round))
	if s.Vote == ForBlock && !c.Block.zero() {
		m.Sub(4, c.Block.message())
	}
	m.Time(5, s.Time)
	m.Text(6, chain)
	return m.Delimited()
}

// A tally verifies the signatures of one commit, each at most once.
type tally struct {
	chain  string
	commit Commit
	// good holds the key under which a signature was found good.
	good map[int][32]byte
}

func newTally(chain string, c Commit) *tally {
	return &tally{chain: chain, commit: c, good: make(map[int][32]byte, len(c.Signatures))}
}

func (t *tally) verify(i int, v Validator) error {
	if key, ok := t.good[i]; ok && key == v.Key {
		return nil
	}
	if !v.Verify(t.commit.SignBytes(t.chain, t.commit.Signatures[i]), t.commit.Signatures[i].Signature) {
		return fmt.Errorf("the signature of validator %s (number %d) is not its own", v.Address(), i)
	}
	t.good[i] = v.Key
	return nil
}

// errPower is wrapped where too little power signed.
var errPower = errors.New("too little power signed")

// byOwn verifies that more than two thirds of the block's own validators
// signed it. What comes after enough is not looked at.
func (t *tally) byOwn(vs Validators) error {
	if len(vs) != len(t.commit.Signatures) {
		return fmt.Errorf("%d signatures of %d validators", len(t.commit.Signatures), len(vs))
	}
	need := vs.Power() * 2 / 3
	var have int64
	for i, s := range t.commit.Signatures {
		if s.Vote != ForBlock {
			continue
		}
		if a := vs[i].Address(); string(a[:]) != string(s.Validator) {
			return fmt.Errorf("signature %d is of %X, the validator there is %s", i, s.Validator, a)
		}
		if err := t.verify(i, vs[i]); err != nil {
			return err
		}
		if have += vs[i].Power; have > need {
			return nil
		}
	}
	return fmt.Errorf("%w: %d of %d, more than %d are needed", errPower, have, vs.Power(), need)
}

// byTrusted verifies that more than a part of other validators, who are
// trusted, signed the block.
func (t *tally) byTrusted(vs Validators, part Fraction) error {
	total := vs.Power()
	need := part.of(total)
	byAddress := make(map[ConsensusAddress]int, len(vs))
	for i, v := range vs {
		byAddress[v.Address()] = i
	}
	voted := make(map[int]bool, len(vs))
	var have int64
	for i, s := range t.commit.Signatures {
		if s.Vote != ForBlock {
			continue
		}
		at, known := byAddress[ConsensusAddress(s.Validator)]
		if !known {
			continue
		}
		if voted[at] {
			return fmt.Errorf("validator %X signed twice", s.Validator)
		}
		voted[at] = true
		if err := t.verify(i, vs[at]); err != nil {
			return err
		}
		if have += vs[at].Power; have > need {
			return nil
		}
	}
	return fmt.Errorf("%w: %d of the trusted block's %d, more than %d are needed", errPower, have, total, need)
}

package light

import (
	"errors"
	"fmt"
)

// A Fork is two blocks of one height that both pass verification from one
// trusted block. Validators with more than a third of the power have broken the
// rules, and nothing that comes after Common can be trusted until people have
// settled which of the two is the chain.
type Fork struct {
	// Common is the last block on which both agree.
	Common Block
	// Ours came from the node that was followed, Theirs from a witness.
	Ours, Theirs Block
}

// An Attack is the way in which a fork was made.
type Attack string

// The ways to make a fork (CometBFT's specification of accountability).
const (
	// Lunatic validators signed a block that no application would make.
	Lunatic Attack = "lunatic"
	// Equivocation is to sign two blocks in one round.
	Equivocation Attack = "equivocation"
	// Amnesia is to forget, in a later round, what one has locked in an earlier.
	Amnesia Attack = "amnesia"
)

// NewFork checks that two blocks contradict each other, and that both can be
// verified. The two walks start from the same trusted block and end at the same
// height.
func NewFork(ours, theirs *Walk) (*Fork, error) {
	if _, more := ours.Next(); more {
		return nil, errors.New("compare two walks: the first has not arrived")
	}
	if _, more := theirs.Next(); more {
		return nil, errors.New("compare two walks: the second has not arrived")
	}
	a, b := ours.trace, theirs.trace
	if a[0].Header.Hash() != b[0].Header.Hash() {
		return nil, errors.New("compare two walks: they start from different blocks")
	}
	if ours.target != theirs.target {
		return nil, errors.New("compare two walks: they end at different heights")
	}
	last, other := a[len(a)-1], b[len(b)-1]
	if last.Header.Hash() == other.Header.Hash() {
		return nil, errors.New("compare two walks: they arrive at the same block")
	}
	return &Fork{Common: a[0], Ours: last, Theirs: other}, nil
}

// Error says what happened and who did it.
func (f *Fork) Error() string {
	return fmt.Sprintf("the chain %s has two blocks at height %d, %s and %s, both signed (%s; %d validators signed both sides or what cannot be): stop, and ask the network's people which one stands",
		f.Ours.Header.Chain, f.Ours.Header.Height, f.Ours.Header.Hash(), f.Theirs.Header.Hash(), f.Attack(), len(f.Culprits()))
}

// Attack says how the second block was made, taking the first for the chain's.
func (f *Fork) Attack() Attack {
	a, b := f.Ours.Header, f.Theirs.Header
	for _, pair := range [][2][]byte{
		{a.ValidatorsHash, b.ValidatorsHash},
		{a.NextValidatorsHash, b.NextValidatorsHash},
		{a.ConsensusHash, b.ConsensusHash},
		{a.AppHash, b.AppHash},
		{a.LastResultsHash, b.LastResultsHash},
	} {
		if string(pair[0]) != string(pair[1]) {
			return Lunatic
		}
	}
	if f.Ours.Commit.Round == f.Theirs.Commit.Round {
		return Equivocation
	}
	return Amnesia
}

// Culprits are the validators whose signatures prove that they broke the rules.
// For amnesia there are none: it takes the votes of all rounds to find them.
func (f *Fork) Culprits() Validators {
	var out Validators
	switch f.Attack() {
	case Lunatic:
		known := make(map[ConsensusAddress]Validator, len(f.Common.Validators))
		for _, v := range f.Common.Validators {
			known[v.Address()] = v
		}
		for _, s := range f.Theirs.Commit.Signatures {
			if s.Vote != ForBlock {
				continue
			}
			if v, ok := known[ConsensusAddress(s.Validator)]; ok {
				out = append(out, v)
			}
		}
	case Equivocation:
		for i, s := range f.Theirs.Commit.Signatures {
			if s.Vote == ForBlock && f.Ours.Commit.Signatures[i].Vote == ForBlock {
				out = append(out, f.Theirs.Validators[i])
			}
		}
	case Amnesia:
	}
	return out
}

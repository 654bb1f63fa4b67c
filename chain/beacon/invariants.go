package beacon

import (
	"bytes"
	"context"
	"fmt"

	"cosmossdk.io/collections"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/beacon/drand"
	"hearth/chain/beacon/rule"
	"hearth/chain/invariant"
)

// Invariants are what holds of the beacon's state after every block.
func (k *Keeper) Invariants() []invariant.Invariant {
	return []invariant.Invariant{
		{Name: "beacon: recorded rounds have no gap", Check: k.gapless},
		{Name: "beacon: each reveal follows from the one before", Check: k.linked},
		{Name: "beacon: who waits is listed, for what is still to come", Check: k.listed},
		{Name: "beacon: values follow from what decided them", Check: k.derived},
	}
}

func (k *Keeper) gapless(ctx context.Context) error {
	s, err := k.store.state.Get(ctx)
	if err != nil {
		return err
	}
	rounds, err := all(ctx, k.store.rounds)
	if err != nil {
		return err
	}
	for i, r := range rounds {
		if want := s.LastRound - uint64(len(rounds)-1-i); r.Number != want {
			return fmt.Errorf("round %d at place %d of %d, the last is %d: want %d", r.Number, i, len(rounds), s.LastRound, want)
		}
	}
	return nil
}

func (k *Keeper) linked(ctx context.Context) error {
	s, err := k.store.state.Get(ctx)
	if err != nil {
		return err
	}
	reveals, err := all(ctx, k.store.reveals)
	if err != nil {
		return err
	}
	for i, r := range reveals {
		if want := s.Reveals - uint64(len(reveals)-1-i); r.Number != want {
			return fmt.Errorf("reveal %d at place %d of %d, the last is %d: want %d", r.Number, i, len(reveals), s.Reveals, want)
		}
		if i > 0 {
			if next := rule.Mix([32]byte(reveals[i-1].Value), drand.Signature(r.Signature)); !bytes.Equal(next[:], r.Value) {
				return fmt.Errorf("reveal %d leaves %x: want %x", r.Number, r.Value, next)
			}
		}
	}
	if n := len(reveals); n > 0 && !bytes.Equal(reveals[n-1].Value, s.Fallback) {
		return fmt.Errorf("the fallback is %x: want %x of reveal %d", s.Fallback, reveals[n-1].Value, s.Reveals)
	}
	return nil
}

func (k *Keeper) listed(ctx context.Context) error {
	s, err := k.store.state.Get(ctx)
	if err != nil {
		return err
	}
	listed := 0
	for _, of := range []pairs{k.store.byRound, k.store.byReveal} {
		keys, err := waiting(ctx, of, nil, -1)
		if err != nil {
			return err
		}
		listed += len(keys)
	}
	return k.store.values.Walk(ctx, nil, func(height uint64, v Value) (bool, error) {
		if len(v.Value) > 0 || v.Round+v.Reveal == 0 {
			return false, nil
		}
		of, number, come := k.store.byRound, v.Round, v.Round > s.LastRound
		if v.Round == 0 {
			of, number, come = k.store.byReveal, v.Reveal, v.Reveal > s.Reveals && v.Reveal <= s.Owed
		}
		has, err := of.Has(ctx, collections.Join(number, height))
		if err != nil {
			return true, err
		}
		if !has || !come {
			return true, fmt.Errorf("height %d waits for round %d or reveal %d: listed %v, to come %v", height, v.Round, v.Reveal, has, come)
		}
		if listed--; listed < 0 {
			return true, fmt.Errorf("height %d waits for two things", height)
		}
		return false, nil
	})
}

func (k *Keeper) derived(ctx context.Context) error {
	chainID := sdk.UnwrapSDKContext(ctx).ChainID()
	return k.store.values.Walk(ctx, nil, func(height uint64, v Value) (bool, error) {
		if len(v.Value) == 0 {
			return false, nil
		}
		var randomness [32]byte
		if v.Round > 0 {
			r, err := k.store.rounds.Get(ctx, v.Round)
			if absent(err) || (err == nil && r.Height != v.KnownAt) { // forgotten, or of a chain that is no longer followed
				return false, nil
			}
			if err != nil {
				return true, err
			}
			randomness = drand.Signature(r.Signature).Randomness()
		} else {
			r, err := k.store.reveals.Get(ctx, v.Reveal)
			if absent(err) {
				return false, nil
			}
			if err != nil {
				return true, err
			}
			randomness = [32]byte(r.Value)
		}
		if want := rule.Value(chainID, v.Height, randomness); !bytes.Equal(v.Value, want[:]) {
			return true, fmt.Errorf("height %d has the value %x: want %x", height, v.Value, want)
		}
		if v.KnownAt < v.Height+2 {
			return true, fmt.Errorf("height %d has its value at height %d already", height, v.KnownAt)
		}
		return false, nil
	})
}

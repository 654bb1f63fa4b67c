package power

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"cosmossdk.io/collections"
	abci "github.com/cometbft/cometbft/abci/types"
	cryptocodec "github.com/cosmos/cosmos-sdk/crypto/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"
)

// perBlockExits is how many unbondings and old keys a block lets go.
const perBlockExits = 100

// EndBlock pays what is unbonded, takes a step of a day's end, and tells
// CometBFT of what changed.
func (k *Keeper) EndBlock(ctx context.Context) ([]abci.ValidatorUpdate, error) {
	height := sdk.UnwrapSDKContext(ctx).BlockHeight()
	if err := k.release(ctx, height); err != nil {
		return nil, fmt.Errorf("pay what is unbonded: %w", err)
	}
	if err := k.forget(ctx, height); err != nil {
		return nil, fmt.Errorf("forget old keys: %w", err)
	}
	if err := k.days(ctx, height); err != nil {
		return nil, fmt.Errorf("end a day of work: %w", err)
	}
	return k.updates(ctx)
}

// updates is what differs from what CometBFT was told, and notes it as told.
func (k *Keeper) updates(ctx context.Context) ([]abci.ValidatorUpdate, error) {
	s, err := k.store.state.Get(ctx)
	if err != nil || !s.Dirty {
		return nil, err
	}
	s.Dirty = false
	if err := k.store.state.Set(ctx, s); err != nil {
		return nil, err
	}
	vs, err := k.store.all(ctx)
	if err != nil {
		return nil, err
	}
	if err := setOf(vs).Check(); err != nil {
		// Nothing leads here. CometBFT keeps the last set then, and so goes on.
		sdk.UnwrapSDKContext(ctx).Logger().Error("the validators were not changed", "why", err)
		return nil, nil
	}
	told, err := values(ctx, k.store.sent)
	if err != nil {
		return nil, err
	}
	type change struct {
		address []byte
		Sent
	}
	var changes []change
	wanted := map[string]int64{}
	for _, v := range vs {
		pub, err := key(v.PubKey)
		if err != nil {
			return nil, fmt.Errorf("the key of %s: %w", v.Operator, err)
		}
		if v.Power == 0 {
			continue
		}
		wanted[string(pub.Address())] = v.Power
		changes = append(changes, change{pub.Address(), Sent{PubKey: v.PubKey, Power: v.Power}})
	}
	had := map[string]int64{}
	for _, t := range told {
		pub, err := key(t.PubKey)
		if err != nil {
			return nil, err
		}
		had[string(pub.Address())] = t.Power
		if wanted[string(pub.Address())] == 0 {
			changes = append(changes, change{pub.Address(), Sent{PubKey: t.PubKey}})
		}
	}
	slices.SortFunc(changes, func(a, b change) int {
		return cmp.Or(cmp.Compare(b.Power, a.Power), bytes.Compare(a.address, b.address))
	})
	var out []abci.ValidatorUpdate
	for _, c := range changes {
		if had[string(c.address)] == c.Power {
			continue
		}
		pub, err := key(c.PubKey)
		if err != nil {
			return nil, err
		}
		proto, err := cryptocodec.ToCmtProtoPublicKey(pub)
		if err != nil {
			return nil, fmt.Errorf("write a validator's key for CometBFT: %w", err)
		}
		out = append(out, abci.ValidatorUpdate{PubKey: proto, Power: c.Power})
		if c.Power == 0 {
			err = k.store.sent.Remove(ctx, c.address)
		} else {
			err = k.store.sent.Set(ctx, c.address, c.Sent)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// release pays unbonded coins whose time has come, some in every block.
func (k *Keeper) release(ctx context.Context, height int64) error {
	due, err := dueBy(ctx, k.store.unbondAt, height)
	if err != nil {
		return err
	}
	for _, at := range due {
		u, err := k.store.unbondings.Get(ctx, collections.Join(at.K2(), at.K1()))
		if err != nil {
			return err
		}
		if err := k.give(ctx, u.Operator, u.Amount); err != nil {
			return err
		}
		if err := k.store.unbondAt.Remove(ctx, at); err != nil {
			return err
		}
		if err := k.store.unbondings.Remove(ctx, u.key()); err != nil {
			return err
		}
		if err := k.leave(ctx, u.Operator); err != nil {
			return err
		}
	}
	return nil
}

// leave forgets a validator that has nothing left here. Who signed twice is
// remembered.
func (k *Keeper) leave(ctx context.Context, operator string) error {
	v, err := k.store.validators.Get(ctx, operator)
	if absent(err) {
		return nil
	}
	if err != nil || v.Bond > 0 || v.Power > 0 || v.Tombstoned {
		return err
	}
	more, err := k.store.unbondingsOf(ctx, operator)
	if err != nil || len(more) > 0 {
		return err
	}
	pub, err := key(v.PubKey)
	if err != nil {
		return err
	}
	s, err := k.store.state.Get(ctx)
	if err != nil {
		return err
	}
	s.Registered--
	if err := k.store.state.Set(ctx, s); err != nil {
		return err
	}
	if err := k.store.byAddress.Remove(ctx, pub.Address()); err != nil {
		return err
	}
	if err := k.store.missed.Remove(ctx, operator); err != nil {
		return err
	}
	return k.store.validators.Remove(ctx, operator)
}

// forget drops old keys against which no evidence counts any more.
func (k *Keeper) forget(ctx context.Context, height int64) error {
	due, err := dueBy(ctx, k.store.oldUntil, height)
	if err != nil {
		return err
	}
	for _, at := range due {
		if err := k.store.oldUntil.Remove(ctx, at); err != nil {
			return err
		}
		if err := k.store.oldKeys.Remove(ctx, at.K2()); err != nil {
			return err
		}
	}
	return nil
}

// dueBy lists the first entries of a queue that are due at a height.
func dueBy[K any](ctx context.Context, queue collections.KeySet[collections.Pair[uint64, K]], height int64) ([]collections.Pair[uint64, K], error) {
	var due []collections.Pair[uint64, K]
	err := queue.Walk(ctx, nil, func(at collections.Pair[uint64, K]) (bool, error) {
		if at.K1() > uint64(height) {
			return true, nil
		}
		due = append(due, at)
		return len(due) == perBlockExits, nil
	})
	return due, err
}

func (u Unbonding) key() collections.Pair[string, uint64] {
	return collections.Join(u.Operator, uint64(u.Ends))
}

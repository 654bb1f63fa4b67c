package work

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"math/bits"

	"cosmossdk.io/collections"
	sdk "github.com/cosmos/cosmos-sdk/types"

	format "hearth/work"
)

// ExecutorMessage is what an executor's key signs to show that its owner is the
// one who registers it.
func ExecutorMessage(chainID, owner string) []byte {
	return []byte("hearth executor 1\n" + chainID + "\n" + owner)
}

// Miner is a registered miner.
func (k *Keeper) Miner(ctx context.Context, owner string) (Miner, error) {
	m, err := k.store.miners.Get(ctx, owner)
	if absent(err) {
		return m, ErrNotFound.Wrapf("no miner is registered by %s", owner)
	}
	return m, err
}

// minerOf is the miner whose hot key is given.
func (k *Keeper) minerOf(ctx context.Context, hot string) (Miner, error) {
	owner, err := k.store.hots.Get(ctx, hot)
	if absent(err) {
		return Miner{}, ErrNotFound.Wrapf("%s is no miner's hot key", hot)
	}
	if err != nil {
		return Miner{}, err
	}
	return k.Miner(ctx, owner)
}

// keepMiner writes a miner. What follows from its record is brought in line:
// whether it is barred, and whether it has a seat.
func (k *Keeper) keepMiner(ctx context.Context, m Miner) error {
	p, err := k.Params(ctx)
	if err != nil {
		return err
	}
	m.Barred = m.Bond < p.MinerBond
	sits := !m.Retired && !m.Barred
	switch {
	case sits && m.Seat == 0:
		last, err := k.lastSeat(ctx)
		if err != nil {
			return err
		}
		m.Seat = last + 1
		if err := k.store.seats.Set(ctx, m.Seat, m.Owner); err != nil {
			return err
		}
	case !sits && m.Seat != 0:
		if err := k.leaveSeat(ctx, m); err != nil {
			return err
		}
		m.Seat = 0
	}
	return k.store.miners.Set(ctx, m.Owner, m)
}

// lastSeat is the number of seats taken: they have no gaps.
func (k *Keeper) lastSeat(ctx context.Context) (uint64, error) {
	var last uint64
	err := k.store.seats.Walk(ctx, new(collections.Range[uint64]).Descending(), func(seat uint64, _ string) (bool, error) {
		last = seat
		return true, nil
	})
	return last, err
}

// leaveSeat moves whoever sits last to the seat of a miner who leaves.
func (k *Keeper) leaveSeat(ctx context.Context, m Miner) error {
	last, err := k.lastSeat(ctx)
	if err != nil {
		return err
	}
	if last != m.Seat {
		owner, err := k.store.seats.Get(ctx, last)
		if err != nil {
			return err
		}
		mover, err := k.Miner(ctx, owner)
		if err != nil {
			return err
		}
		mover.Seat = m.Seat
		if err := k.store.miners.Set(ctx, owner, mover); err != nil {
			return err
		}
		if err := k.store.seats.Set(ctx, m.Seat, owner); err != nil {
			return err
		}
	}
	return k.store.seats.Remove(ctx, last)
}

// setKeys gives a miner its hot keys, and takes the earlier ones away. An
// executor's key stays its owner's for ever.
func (k *Keeper) setKeys(ctx context.Context, m *Miner, hot string, executor, proof []byte) error {
	if _, err := k.account(hot); err != nil {
		return err
	}
	if hot == m.Owner {
		return ErrKeys.Wrap("the hot key must be another than the owner's, which is to stay cold")
	}
	if owner, err := k.store.hots.Get(ctx, hot); err == nil && owner != m.Owner {
		return ErrKeys.Wrapf("%s is another miner's hot key", hot)
	} else if err != nil && !absent(err) {
		return err
	}
	if len(executor) != ed25519.PublicKeySize {
		return ErrKeys.Wrapf("the executor's key has %d bytes: want %d", len(executor), ed25519.PublicKeySize)
	}
	if err := format.Key(executor).Check(); err != nil {
		return ErrKeys.Wrapf("the executor's key: %v", err)
	}
	if !ed25519.Verify(executor, ExecutorMessage(sdk.UnwrapSDKContext(ctx).ChainID(), m.Owner), proof) {
		return ErrKeys.Wrap("the proof is not the executor's signature of chain and owner")
	}
	if owner, err := k.store.executors.Get(ctx, executor); err == nil && owner != m.Owner {
		return ErrKeys.Wrap("the executor's key is or was another miner's")
	} else if err != nil && !absent(err) {
		return err
	}
	if m.Hot != "" {
		if err := k.store.hots.Remove(ctx, m.Hot); err != nil {
			return err
		}
	}
	m.Hot, m.Executor = hot, executor
	if err := k.store.hots.Set(ctx, hot, m.Owner); err != nil {
		return err
	}
	return k.store.executors.Set(ctx, executor, m.Owner)
}

// unbond sets a part of a bond on its way out.
func (k *Keeper) unbond(ctx context.Context, m Miner, amount uint64) (int64, error) {
	p, err := k.Params(ctx)
	if err != nil {
		return 0, err
	}
	free := m.Bond - min(m.Locked, m.Bond)
	switch {
	case amount == 0 || amount > free:
		return 0, ErrBond.Wrapf("%d of %d are free: %d cannot be unbonded", free, m.Bond, amount)
	case m.Bond-amount < p.MinerBond && !m.Retired:
		return 0, ErrBond.Wrapf("a miner's bond is at least %d: retire first, or leave as much", p.MinerBond)
	}
	if m.Unbonding > 0 {
		if err := k.store.unbonding.Remove(ctx, collections.Join(uint64(m.UnbondsAt), m.Owner)); err != nil {
			return 0, err
		}
	}
	m.Bond -= amount
	m.Unbonding += amount
	m.UnbondsAt = height(ctx) + p.Unbonding
	if err := k.store.unbonding.Set(ctx, collections.Join(uint64(m.UnbondsAt), m.Owner)); err != nil {
		return 0, err
	}
	return m.UnbondsAt, k.keepMiner(ctx, m)
}

// release pays bonds that have waited long enough.
func (k *Keeper) release(ctx context.Context) error {
	ready, err := dues(ctx, k.store.unbonding, height(ctx), perBlock)
	if err != nil {
		return err
	}
	for _, due := range ready {
		m, err := k.Miner(ctx, due.K2())
		if err != nil {
			return err
		}
		if err := k.store.unbonding.Remove(ctx, due); err != nil {
			return err
		}
		amount := m.Unbonding
		m.Unbonding, m.UnbondsAt = 0, 0
		if err := k.keepMiner(ctx, m); err != nil {
			return err
		}
		if err := k.pay(ctx, m.Owner, amount); err != nil {
			return fmt.Errorf("pay the bond of %s out: %w", m.Owner, err)
		}
	}
	return nil
}

// slash burns a share of a miner's bond, what is unbonding first, and takes as
// much of what its work will pay and of the power it gave.
func (k *Keeper) slash(ctx context.Context, owner string, permille uint32, reason string) error {
	m, err := k.Miner(ctx, owner)
	if err != nil {
		return err
	}
	burned := share(m.Bond+m.Unbonding, permille)
	leaving := min(burned, m.Unbonding)
	m.Unbonding -= leaving
	m.Bond -= burned - leaving
	if leaving > 0 && m.Unbonding == 0 {
		if err := k.store.unbonding.Remove(ctx, collections.Join(uint64(m.UnbondsAt), owner)); err != nil {
			return err
		}
		m.UnbondsAt = 0
	}
	if err := k.keepMiner(ctx, m); err != nil {
		return err
	}
	if err := k.burn(ctx, burned); err != nil {
		return err
	}
	lost, err := k.Emission.Forfeit(ctx, owner, permille)
	if err != nil {
		return fmt.Errorf("take what %s has earned: %w", owner, err)
	}
	if err := k.Power.Revoke(ctx, owner, permille); err != nil {
		return fmt.Errorf("take the power that %s gave: %w", owner, err)
	}
	event(ctx, "slashed", "owner", owner, "reason", reason, "burned", fmt.Sprint(burned), "forfeited", fmt.Sprint(lost))
	return nil
}

// share is a part of an amount, rounded up.
func share(amount uint64, permille uint32) uint64 {
	high, low := bits.Mul64(amount, uint64(min(permille, 1000)))
	low, carry := bits.Add64(low, 999, 0)
	q, _ := bits.Div64(high+carry, low, 1000)
	return q
}

// room tells whether a miner can take another claim; assigned is how much else
// waits for it.
func (p Params) room(m Miner, assigned uint32) error {
	switch {
	case m.Retired:
		return ErrMiner.Wrap("it is retired")
	case m.Barred:
		return ErrMiner.Wrapf("its bond of %d is below the least, %d", m.Bond, p.MinerBond)
	case m.OpenClaims+assigned >= p.MaxOpenClaims:
		return ErrTooMany.Wrapf("a miner has at most %d claims at a time", p.MaxOpenClaims)
	case m.Bond < m.Locked || m.Bond-m.Locked < p.ClaimDeposit:
		return ErrBond.Wrapf("%d of its bond of %d are locked: a claim locks %d more", m.Locked, m.Bond, p.ClaimDeposit)
	}
	return nil
}

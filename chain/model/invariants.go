package model

import (
	"bytes"
	"context"
	"fmt"

	"cosmossdk.io/collections"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"hearth/chain/coin"
	"hearth/chain/invariant"
)

// Invariants are what holds of the registry after every block.
func (k *Keeper) Invariants() []invariant.Invariant {
	return []invariant.Invariant{
		{Name: "model: the account holds the deposits", Check: k.solvent},
		{Name: "model: models are what their manifests say", Check: k.described},
		{Name: "model: every root has one model, and every model its roots", Check: k.rooted},
		{Name: "model: what waits for attestations ends", Check: k.ending},
	}
}

func (k *Keeper) solvent(ctx context.Context) error {
	var owed uint64
	err := k.store.models.Walk(ctx, nil, func(_ []byte, m Model) (bool, error) {
		owed += m.Deposit
		return false, nil
	})
	if err != nil {
		return err
	}
	has, err := coin.Read(k.bank.GetBalance(ctx, authtypes.NewModuleAddress(ModuleName), coin.Denom).Amount)
	if err != nil {
		return err
	}
	if has != owed {
		return fmt.Errorf("it has %d %s: the deposits are %d", has, coin.Denom, owed)
	}
	return nil
}

func (k *Keeper) described(ctx context.Context) error {
	return k.store.models.Walk(ctx, nil, func(id []byte, m Model) (bool, error) {
		b, err := k.store.manifests.Get(ctx, id)
		if err != nil && !absent(err) {
			return true, err
		}
		if _, err := m.check(b); err != nil || !bytes.Equal(id, m.Id) {
			return true, fmt.Errorf("model %x: %w", id, err)
		}
		return false, nil
	})
}

func (k *Keeper) rooted(ctx context.Context) error {
	want := 0
	err := k.store.models.Walk(ctx, nil, func(id []byte, m Model) (bool, error) {
		if m.Status == Status_STATUS_REJECTED {
			return false, nil
		}
		e, err := k.entry(ctx, m)
		if err != nil {
			return true, err
		}
		for _, r := range e.Roots {
			owner, err := k.store.roots.Get(ctx, r[:])
			if err != nil || !bytes.Equal(owner, id) {
				return true, fmt.Errorf("root %v of model %x is listed for %x: %w", r, id, owner, err)
			}
		}
		want += len(e.Roots)
		return false, nil
	})
	if err != nil {
		return err
	}
	listed := 0
	err = k.store.roots.Walk(ctx, nil, func([]byte, []byte) (bool, error) { listed++; return false, nil })
	if err == nil && listed != want {
		return fmt.Errorf("%d roots are listed: the models have %d", listed, want)
	}
	return err
}

func (k *Keeper) ending(ctx context.Context) error {
	waiting := 0
	err := k.store.models.Walk(ctx, nil, func(id []byte, m Model) (bool, error) {
		if m.Status != Status_STATUS_PROPOSED {
			return false, nil
		}
		waiting++
		has, err := k.store.expiring.Has(ctx, collections.Join(uint64(m.Expires), id))
		if err == nil && !has {
			err = fmt.Errorf("model %x waits until height %d and is not listed", id, m.Expires)
		}
		return err != nil, err
	})
	if err != nil {
		return err
	}
	listed := 0
	err = k.store.expiring.Walk(ctx, nil, func(collections.Pair[uint64, []byte]) (bool, error) { listed++; return false, nil })
	if err == nil && listed != waiting {
		return fmt.Errorf("%d proposals are listed: there are %d", listed, waiting)
	}
	return err
}

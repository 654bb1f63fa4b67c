package emission

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/coin"
	"hearth/chain/emission/schedule"
)

// DefaultGenesis begins with nothing minted.
func DefaultGenesis() *GenesisState { return &GenesisState{Params: DefaultParams()} }

// Validate tells whether a chain can begin with a state.
func (g GenesisState) Validate() error {
	if err := g.Params.Validate(); err != nil {
		return err
	}
	s := g.State
	if s.Released > schedule.Cap || s.Minted > schedule.Cap || s.Unminted > schedule.Cap || s.Minted+s.Unminted > s.Released {
		return fmt.Errorf("emission genesis: %d minted and %d not, of %d released and a cap of %d", s.Minted, s.Unminted, s.Released, schedule.Cap)
	}
	if s.Settled > s.Epoch {
		return fmt.Errorf("emission genesis: epoch %d is settled before it is over", s.Settled)
	}
	var vesting, owed uint64
	for _, v := range g.Vestings {
		vesting += v.Amount
	}
	for _, e := range g.Earned {
		owed += e.Vesting
	}
	if vesting != owed {
		return fmt.Errorf("emission genesis: %d vests, and owners wait for %d", vesting, owed)
	}
	return nil
}

// InitGenesis makes the state of a chain that begins.
func (k *Keeper) InitGenesis(ctx context.Context, g GenesisState) error {
	if err := g.Validate(); err != nil {
		return err
	}
	if g.State.Epoch == 0 && g.State.Began == 0 {
		g.State.Began = sdk.UnwrapSDKContext(ctx).BlockHeight()
	}
	if err := k.store.params.Set(ctx, g.Params); err != nil {
		return err
	}
	if err := k.store.state.Set(ctx, g.State); err != nil {
		return err
	}
	for _, c := range g.Credits {
		if err := k.store.credits.Set(ctx, collections.Join(c.Epoch, c.Owner), c); err != nil {
			return err
		}
	}
	for _, j := range g.Judged {
		if err := k.store.judged.Set(ctx, j.Operator, j); err != nil {
			return err
		}
	}
	for _, v := range g.Vestings {
		if err := k.store.vesting.Set(ctx, collections.Join(v.Owner, v.Pays), v); err != nil {
			return err
		}
		if err := k.store.vestAt.Set(ctx, collections.Join(v.Pays, v.Owner)); err != nil {
			return err
		}
	}
	for _, e := range g.Epochs {
		if err := k.store.epochs.Set(ctx, e.Number, e); err != nil {
			return err
		}
	}
	for _, e := range g.Earned {
		if err := k.store.earned.Set(ctx, e.Owner, e); err != nil {
			return err
		}
	}
	return k.checkVesting(ctx)
}

// ExportGenesis returns the state, from which a chain could go on.
func (k *Keeper) ExportGenesis(ctx context.Context) (*GenesisState, error) {
	var g GenesisState
	var err error
	if g.Params, g.State, err = k.store.load(ctx); err != nil {
		return nil, err
	}
	if g.Credits, err = values(ctx, k.store.credits); err != nil {
		return nil, err
	}
	if g.Judged, err = values(ctx, k.store.judged); err != nil {
		return nil, err
	}
	if g.Vestings, err = values(ctx, k.store.vesting); err != nil {
		return nil, err
	}
	if g.Epochs, err = values(ctx, k.store.epochs); err != nil {
		return nil, err
	}
	g.Earned, err = values(ctx, k.store.earned)
	return &g, err
}

// held is what the module's account has.
func (k *Keeper) held(ctx context.Context) (uint64, error) {
	return coin.Read(k.bank.GetBalance(ctx, k.account, coin.Denom).Amount)
}

package beacon

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/beacon/rule"
)

// DefaultGenesis begins with the first round after the chain's own beginning.
func DefaultGenesis() *GenesisState { return &GenesisState{Params: DefaultParams()} }

// fresh tells whether a state is to be made when the chain begins.
func (s State) fresh() bool { return len(s.Fallback) == 0 && len(s.Latest) == 0 && s.LastRound == 0 }

// Validate tells whether a chain can begin with a state.
func (g GenesisState) Validate() error {
	if err := g.Params.Validate(); err != nil {
		return err
	}
	if g.State.fresh() {
		if len(g.Rounds)+len(g.Reveals)+len(g.Values) > 0 {
			return fmt.Errorf("beacon genesis: %d rounds, %d reveals and %d values without a state",
				len(g.Rounds), len(g.Reveals), len(g.Values))
		}
		return nil
	}
	if _, err := g.State.rules(); err != nil {
		return fmt.Errorf("beacon genesis: %w", err)
	}
	for i, r := range g.Rounds {
		if _, err := signature(r.Signature); err != nil || (i > 0 && r.Number != g.Rounds[i-1].Number+1) {
			return fmt.Errorf("beacon genesis: round %d at place %d: want rounds without a gap and with signatures", r.Number, i)
		}
	}
	if n := len(g.Rounds); n > 0 && g.Rounds[n-1].Number != g.State.LastRound {
		return fmt.Errorf("beacon genesis: rounds end at %d, and the last is %d", g.Rounds[n-1].Number, g.State.LastRound)
	}
	for i, r := range g.Reveals {
		if _, err := signature(r.Signature); err != nil || len(r.Value) != 32 || (i > 0 && r.Number != g.Reveals[i-1].Number+1) {
			return fmt.Errorf("beacon genesis: reveal %d at place %d: want reveals without a gap, with signatures and values", r.Number, i)
		}
	}
	for i, v := range g.Values {
		switch {
		case v.Height < 1 || (i > 0 && v.Height <= g.Values[i-1].Height):
			return fmt.Errorf("beacon genesis: a value for height %d at place %d: want them in order", v.Height, i)
		case len(v.Value) != 0 && len(v.Value) != 32:
			return fmt.Errorf("beacon genesis: height %d has a value of %d bytes: want 32", v.Height, len(v.Value))
		case v.Round > 0 && v.Reveal > 0:
			return fmt.Errorf("beacon genesis: height %d waits for round %d and for reveal %d", v.Height, v.Round, v.Reveal)
		}
	}
	return nil
}

// InitGenesis makes the state of a chain that begins.
func (k *Keeper) InitGenesis(ctx context.Context, g GenesisState) error {
	if err := g.Validate(); err != nil {
		return err
	}
	if g.State.fresh() {
		p, err := g.Params.rules()
		if err != nil {
			return err
		}
		c := sdk.UnwrapSDKContext(ctx)
		g.State = stateOf(rule.Genesis(p, c.ChainID(), c.BlockTime().Unix()), false)
	}
	if err := k.store.params.Set(ctx, g.Params); err != nil {
		return err
	}
	if err := k.store.state.Set(ctx, g.State); err != nil {
		return err
	}
	for _, r := range g.Rounds {
		if err := k.store.rounds.Set(ctx, r.Number, r); err != nil {
			return err
		}
	}
	for _, r := range g.Reveals {
		if err := k.store.reveals.Set(ctx, r.Number, r); err != nil {
			return err
		}
	}
	for _, v := range g.Values {
		var err error
		if len(v.Value) == 0 && v.Round+v.Reveal > 0 {
			err = k.store.settle(ctx, v, rule.Awaits{Round: v.Round, Reveal: v.Reveal})
		} else {
			err = k.store.values.Set(ctx, uint64(v.Height), v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ExportGenesis returns the state, from which a chain could go on.
func (k *Keeper) ExportGenesis(ctx context.Context) (*GenesisState, error) {
	var g GenesisState
	var err error
	if g.Params, err = k.store.params.Get(ctx); err != nil {
		return nil, err
	}
	if g.State, err = k.store.state.Get(ctx); err != nil {
		return nil, err
	}
	if g.Rounds, err = all(ctx, k.store.rounds); err != nil {
		return nil, err
	}
	if g.Reveals, err = all(ctx, k.store.reveals); err != nil {
		return nil, err
	}
	g.Values, err = all(ctx, k.store.values)
	return &g, err
}

func all[V any](ctx context.Context, m collections.Map[uint64, V]) ([]V, error) {
	var out []V
	err := m.Walk(ctx, nil, func(_ uint64, v V) (bool, error) {
		out = append(out, v)
		return false, nil
	})
	return out, err
}

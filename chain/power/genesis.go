package power

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"
	abci "github.com/cometbft/cometbft/abci/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/coin"
	"hearth/chain/power/weight"
)

// DefaultGenesis is that of a network without validators yet.
func DefaultGenesis() *GenesisState { return &GenesisState{Params: DefaultParams()} }

// Validate tells whether a chain can begin with a state.
func (g GenesisState) Validate() error {
	if err := g.Params.Validate(); err != nil {
		return err
	}
	if len(g.Validators) > MostValidators {
		return fmt.Errorf("power genesis: %d validators, at most %d", len(g.Validators), MostValidators)
	}
	keys := map[string]string{}
	for i, v := range g.Validators {
		if i > 0 && g.Validators[i-1].Operator >= v.Operator {
			return fmt.Errorf("power genesis: validator %s at place %d: want them by operator, each once", v.Operator, i)
		}
		pub, err := key(v.PubKey)
		if err != nil {
			return fmt.Errorf("power genesis: validator %s: %w", v.Operator, err)
		}
		if other, used := keys[string(pub.Address())]; used {
			return fmt.Errorf("power genesis: %s and %s have one key", other, v.Operator)
		}
		keys[string(pub.Address())] = v.Operator
		if v.Power < 0 || v.Power > weight.Total {
			return fmt.Errorf("power genesis: the power of %s is %d", v.Operator, v.Power)
		}
	}
	if set := setOf(g.Validators); len(set) > 0 {
		if err := set.Check(); err != nil {
			return fmt.Errorf("power genesis: %w", err)
		}
	}
	for i, m := range g.Miners {
		if i > 0 && g.Miners[i-1].Owner >= m.Owner {
			return fmt.Errorf("power genesis: miner %s at place %d: want them by owner, each once", m.Owner, i)
		}
	}
	return nil
}

// InitGenesis makes the state of a chain that begins, and returns its first
// validators. Where none has power, those with a bond share it, guardians first.
func (k *Keeper) InitGenesis(ctx context.Context, g GenesisState) ([]abci.ValidatorUpdate, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	s := g.State
	set := setOf(g.Validators)
	if len(set) == 0 {
		var c []weight.Candidate
		for _, v := range g.Validators {
			if v.candidate(g.Params) {
				c = append(c, weight.Candidate{Operator: v.Operator, Guardian: v.Guardian})
			}
		}
		set = g.Params.Rules().Target(c, 0)
		s.DayBegan = sdk.UnwrapSDKContext(ctx).BlockHeight()
	}
	s.TotalPower, s.Registered, s.Dirty = set.Sum(), uint32(len(g.Validators)), len(set) > 0
	if s.DayPower == 0 {
		s.DayPower = s.TotalPower
	}
	if err := k.store.params.Set(ctx, g.Params); err != nil {
		return nil, err
	}
	if err := k.store.state.Set(ctx, s); err != nil {
		return nil, err
	}
	var bonds uint64
	for _, v := range g.Validators {
		v.Power = set.Power(v.Operator)
		pub, err := key(v.PubKey)
		if err != nil {
			return nil, err
		}
		if err := k.store.byAddress.Set(ctx, pub.Address(), v.Operator); err != nil {
			return nil, err
		}
		if err := k.store.validators.Set(ctx, v.Operator, v); err != nil {
			return nil, err
		}
		bonds += v.Bond
	}
	for _, m := range g.Miners {
		if err := k.store.miners.Set(ctx, m.Owner, m); err != nil {
			return nil, err
		}
	}
	for _, u := range g.Unbondings {
		if err := k.store.unbondings.Set(ctx, u.key(), u); err != nil {
			return nil, err
		}
		if err := k.store.unbondAt.Set(ctx, collections.Join(uint64(u.Ends), u.Operator)); err != nil {
			return nil, err
		}
		bonds += u.Amount
	}
	for _, o := range g.OldKeys {
		if err := k.store.oldKeys.Set(ctx, o.Address, o); err != nil {
			return nil, err
		}
		if err := k.store.oldUntil.Set(ctx, collections.Join(uint64(o.Until), o.Address)); err != nil {
			return nil, err
		}
	}
	for _, p := range g.Penalties {
		if err := k.store.penalties.Set(ctx, p.Id, p); err != nil {
			return nil, err
		}
	}
	for _, m := range g.Missed {
		if err := k.store.missed.Set(ctx, m.Operator, m.Bits); err != nil {
			return nil, err
		}
	}
	held, err := coin.Read(k.bank.GetBalance(ctx, k.account, coin.Denom).Amount)
	if err != nil {
		return nil, err
	}
	if held != bonds {
		return nil, fmt.Errorf("power genesis: bonds are %d uhth and the account %s has %d: give it as much in the bank's genesis", bonds, k.account, held)
	}
	return k.updates(ctx)
}

// ExportGenesis returns the state, from which a chain could go on.
func (k *Keeper) ExportGenesis(ctx context.Context) (*GenesisState, error) {
	var g GenesisState
	var err error
	if g.Params, g.State, err = k.store.load(ctx); err != nil {
		return nil, err
	}
	if g.Validators, err = values(ctx, k.store.validators); err != nil {
		return nil, err
	}
	if g.Miners, err = values(ctx, k.store.miners); err != nil {
		return nil, err
	}
	if g.Unbondings, err = values(ctx, k.store.unbondings); err != nil {
		return nil, err
	}
	if g.OldKeys, err = values(ctx, k.store.oldKeys); err != nil {
		return nil, err
	}
	if g.Penalties, err = values(ctx, k.store.penalties); err != nil {
		return nil, err
	}
	err = k.store.missed.Walk(ctx, nil, func(operator string, bits []byte) (bool, error) {
		g.Missed = append(g.Missed, Missed{Operator: operator, Bits: bits})
		return false, nil
	})
	return &g, err
}

package beacon

import (
	"context"
	"fmt"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/beacon/rule"
)

type messages struct{ keeper *Keeper }

// Messages answers the module's transactions.
func (k *Keeper) Messages() MsgServer { return messages{k} }

// UpdateParams changes the parameters. When they name another drand chain, the
// next round to record, and what waits for a round, are taken anew: of the new
// chain, and none that is out.
func (m messages) UpdateParams(ctx context.Context, msg *MsgUpdateParams) (*MsgUpdateParamsResponse, error) {
	k := m.keeper
	if msg.Authority != k.authority {
		return nil, ErrAuthority.Wrapf("%q is not %s", msg.Authority, k.authority)
	}
	if err := msg.Params.Validate(); err != nil {
		return nil, err
	}
	_, before, s, err := k.store.load(ctx)
	if err != nil {
		return nil, err
	}
	after, err := msg.Params.rules()
	if err != nil {
		return nil, ErrParams.Wrap(err.Error())
	}
	if after.Chain != before.Chain {
		c := sdk.UnwrapSDKContext(ctx)
		b := rule.Block{ChainID: c.ChainID(), Height: c.BlockHeight(), Time: c.BlockTime().Unix()}
		if err := k.follow(ctx, after, s, b); err != nil {
			return nil, fmt.Errorf("follow another beacon: %w", err)
		}
	}
	return &MsgUpdateParamsResponse{}, k.store.params.Set(ctx, msg.Params)
}

// follow turns to another drand chain.
func (k *Keeper) follow(ctx context.Context, p rule.Params, s rule.State, b rule.Block) error {
	s = s.Follow(p, b)
	keys, err := waiting(ctx, k.store.byRound, nil, -1)
	if err != nil {
		return err
	}
	for _, key := range keys {
		v, err := k.store.values.Get(ctx, key.K2())
		if err != nil {
			return err
		}
		var a rule.Awaits
		s, a = s.Settle(p, b)
		if err := k.store.byRound.Remove(ctx, key); err != nil {
			return err
		}
		if err := k.store.settle(ctx, v, a); err != nil {
			return err
		}
	}
	// The rounds of the old chain would stand among those of the new one.
	if err := k.store.rounds.Clear(ctx, nil); err != nil {
		return err
	}
	return k.store.state.Set(ctx, stateOf(s, false))
}

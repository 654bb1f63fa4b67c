package emission

import (
	"context"

	"hearth/chain/coin"
)

// messages is what governance may ask of the module.
type messages struct{ *Keeper }

// UpdateParams changes the parameters. The cap is in the code, and what is
// released cannot be hurried: a half-life may only become longer.
func (k messages) UpdateParams(ctx context.Context, m *MsgUpdateParams) (*MsgUpdateParamsResponse, error) {
	if m.Authority != k.authority {
		return nil, ErrAuthority
	}
	if err := m.Params.Validate(); err != nil {
		return nil, err
	}
	now, err := k.store.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	if m.Params.HalfLifeEpochs < now.HalfLifeEpochs {
		return nil, ErrParams.Wrapf("a half-life of %d epochs: it is %d and can only become longer", m.Params.HalfLifeEpochs, now.HalfLifeEpochs)
	}
	if m.Params.CommunitySunset > now.CommunitySunset {
		return nil, ErrParams.Wrap("the community's share can end sooner, not later")
	}
	return &MsgUpdateParamsResponse{}, k.store.params.Set(ctx, m.Params)
}

// SpendCommunity pays from the community's account.
func (k messages) SpendCommunity(ctx context.Context, m *MsgSpendCommunity) (*MsgSpendCommunityResponse, error) {
	if m.Authority != k.authority {
		return nil, ErrAuthority
	}
	if m.Amount == 0 {
		return nil, ErrAmount.Wrap("nothing")
	}
	to, err := k.addresses.StringToBytes(m.To)
	if err != nil {
		return nil, ErrAmount.Wrapf("to %q: %v", m.To, err)
	}
	if err := k.bank.SendCoinsFromModuleToAccount(ctx, CommunityName, to, coin.Of(m.Amount)); err != nil {
		return nil, err
	}
	return &MsgSpendCommunityResponse{}, nil
}

package emission

import (
	"context"
	"fmt"
	"math/bits"

	"cosmossdk.io/collections"
	"cosmossdk.io/core/address"
	corestore "cosmossdk.io/core/store"
	"github.com/cosmos/cosmos-sdk/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/coin"
	"hearth/chain/emission/schedule"
)

// Bank mints, moves and burns (x/bank).
type Bank interface {
	MintCoins(ctx context.Context, module string, coins sdk.Coins) error
	BurnCoins(ctx context.Context, module string, coins sdk.Coins) error
	SendCoinsFromModuleToAccount(ctx context.Context, module string, to sdk.AccAddress, coins sdk.Coins) error
	SendCoinsFromModuleToModule(ctx context.Context, from, to string, coins sdk.Coins) error
	GetBalance(ctx context.Context, account sdk.AccAddress, denom string) sdk.Coin
	GetSupply(ctx context.Context, denom string) sdk.Coin
}

// Validators says who signs blocks, and with what power (package power).
type Validators interface {
	Operator(ctx context.Context, address []byte) (operator string, found bool, err error)
	Power(ctx context.Context, operator string) (int64, error)
}

// mostMega bounds what is counted of anybody in an epoch.
const mostMega = 1 << 60

// Keeper holds what is earned.
type Keeper struct {
	store      store
	authority  string
	addresses  address.Codec
	account    sdk.AccAddress // the module's
	bank       Bank
	validators Validators
}

// NewKeeper returns a keeper over a store. authority is the account that may
// change parameters and spend the community's coins; account is the module's.
func NewKeeper(cdc codec.BinaryCodec, service corestore.KVStoreService, authority string, addresses address.Codec, account sdk.AccAddress, bank Bank, validators Validators) (*Keeper, error) {
	s, err := newStore(cdc, service)
	if err != nil {
		return nil, fmt.Errorf("lay out the store of the emission: %w", err)
	}
	return &Keeper{store: s, authority: authority, addresses: addresses, account: account, bank: bank, validators: validators}, nil
}

// Credit counts verified work of a miner in the epoch under way. Class is 1 for
// paid work, 2 for audits, 3 for commons.
func (k *Keeper) Credit(ctx context.Context, owner string, class int32, macs uint64) error {
	s, err := k.store.state.Get(ctx)
	if err != nil {
		return fmt.Errorf("read the state of the emission: %w", err)
	}
	at := collections.Join(s.Epoch, owner)
	c, err := orNew(k.store.credits.Get(ctx, at))(Credit{Owner: owner, Epoch: s.Epoch})
	if err != nil {
		return fmt.Errorf("read the credit of %s: %w", owner, err)
	}
	mega := macs / 1_000_000
	var own, all *uint64
	switch class {
	case 1:
		own, all = &c.Paid, &s.MegaPaid
	case 2:
		own, all = &c.Audit, &s.MegaAudit
	case 3:
		own, all = &c.Commons, &s.MegaCommons
	default:
		return ErrClass.Wrapf("%d", class)
	}
	mega = min(mega, mostMega-min(*all, mostMega))
	*own += mega
	*all += mega
	if err := k.store.credits.Set(ctx, at, c); err != nil {
		return err
	}
	return k.store.state.Set(ctx, s)
}

// Judged counts a verdict of a validator that stood.
func (k *Keeper) Judged(ctx context.Context, operator string) error {
	power, err := k.validators.Power(ctx, operator)
	if err != nil || power <= 0 {
		return err
	}
	s, err := k.store.state.Get(ctx)
	if err != nil {
		return fmt.Errorf("read the state of the emission: %w", err)
	}
	j, err := orNew(k.store.judged.Get(ctx, operator))(Judged{Operator: operator})
	if err != nil {
		return err
	}
	// By power: who splits a validator in two judges twice with one machine.
	j.Verdicts += uint64(power)
	s.Verdicts += uint64(power)
	if err := k.store.judged.Set(ctx, operator, j); err != nil {
		return err
	}
	return k.store.state.Set(ctx, s)
}

// Forfeit burns that part of everything that vests for an owner, after a fault
// of its own.
func (k *Keeper) Forfeit(ctx context.Context, owner string, permille uint32) (lost uint64, err error) {
	vs, err := k.store.vestingOf(ctx, owner)
	if err != nil || len(vs) == 0 {
		return 0, err
	}
	for _, v := range vs {
		high, low := bits.Mul64(v.Amount, uint64(min(permille, 1000)))
		cut, _ := bits.Div64(high, low, 1000)
		v.Amount -= cut
		lost += cut
		if err := k.store.vesting.Set(ctx, collections.Join(owner, v.Pays), v); err != nil {
			return 0, err
		}
	}
	e, err := k.store.account(ctx, owner)
	if err != nil {
		return 0, err
	}
	e.Vesting -= min(lost, e.Vesting)
	e.Lost += lost
	if err := k.store.earned.Set(ctx, owner, e); err != nil {
		return 0, err
	}
	if lost == 0 {
		return 0, nil
	}
	if err := k.bank.BurnCoins(ctx, ModuleName, coin.Of(lost)); err != nil {
		return 0, fmt.Errorf("burn what %s forfeits: %w", owner, err)
	}
	return lost, nil
}

// Collateral is what vests for an owner: what it would lose for a fault.
func (k *Keeper) Collateral(ctx context.Context, owner string) (uint64, error) {
	e, err := k.store.account(ctx, owner)
	return e.Vesting, err
}

// Released is what all miners together can earn in so many blocks from now on,
// in uhth: the pots of paid work, audits and commons.
func (k *Keeper) Released(ctx context.Context, blocks int64) (uint64, error) {
	p, s, err := k.store.load(ctx)
	if err != nil {
		return 0, err
	}
	curve, err := schedule.NewCurve(p.HalfLifeEpochs)
	if err != nil {
		return 0, err
	}
	pots := p.Shares().Split(s.Epoch, curve.Epoch(s.Released))
	each := pots.Work + pots.Audits + pots.Commons
	high, low := bits.Mul64(each, uint64(max(blocks, 0)))
	sum, _ := bits.Div64(high%uint64(p.EpochBlocks), low, uint64(p.EpochBlocks))
	return sum, nil
}

// pay moves coins out of the module's account.
func (k *Keeper) pay(ctx context.Context, to string, amount uint64) error {
	if amount == 0 {
		return nil
	}
	b, err := k.addresses.StringToBytes(to)
	if err != nil {
		return fmt.Errorf("read the address %q: %w", to, err)
	}
	return k.bank.SendCoinsFromModuleToAccount(ctx, ModuleName, b, coin.Of(amount))
}

// Messages is what accounts may ask of the module.
func (k *Keeper) Messages() MsgServer { return messages{k} }

// Queries is what anybody may ask of the module.
func (k *Keeper) Queries() QueryServer { return queries{k} }

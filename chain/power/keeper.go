package power

import (
	"context"
	"fmt"
	"math/bits"

	"cosmossdk.io/core/address"
	corestore "cosmossdk.io/core/store"
	"github.com/cosmos/cosmos-sdk/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/coin"
	"hearth/chain/power/weight"
)

// Bank moves bonds (x/bank).
type Bank interface {
	SendCoinsFromAccountToModule(ctx context.Context, from sdk.AccAddress, module string, coins sdk.Coins) error
	SendCoinsFromModuleToAccount(ctx context.Context, module string, to sdk.AccAddress, coins sdk.Coins) error
	BurnCoins(ctx context.Context, module string, coins sdk.Coins) error
	GetBalance(ctx context.Context, account sdk.AccAddress, denom string) sdk.Coin
}

// Collateral is what a miner would lose for a fault: its bond (package work)
// and what it has earned and not got yet (package emission), in uhth.
type Collateral interface {
	Collateral(ctx context.Context, owner string) (uint64, error)
}

// Earnings says what work earns (package emission).
type Earnings interface {
	Collateral
	// Released is what all work together can earn in so many blocks, in uhth.
	Released(ctx context.Context, blocks int64) (uint64, error)
}

// Keeper holds validators and the work that they stand for.
type Keeper struct {
	store     store
	authority string
	addresses address.Codec
	account   sdk.AccAddress // the module's
	bank      Bank

	// Set once, while the application is put together.
	earnings   Earnings
	collateral []Collateral
}

// NewKeeper returns a keeper over a store. authority is the account that may
// change parameters; account is the module's, which holds the bonds.
func NewKeeper(cdc codec.BinaryCodec, service corestore.KVStoreService, authority string, addresses address.Codec, account sdk.AccAddress, bank Bank) (*Keeper, error) {
	s, err := newStore(cdc, service)
	if err != nil {
		return nil, fmt.Errorf("lay out the store of power: %w", err)
	}
	return &Keeper{store: s, authority: authority, addresses: addresses, account: account, bank: bank}, nil
}

// SetCollateral says where to ask what stands behind a miner's work. It is
// called once, before the first block: those modules need this one, too.
func (k *Keeper) SetCollateral(earnings Earnings, others ...Collateral) {
	k.earnings = earnings
	k.collateral = append([]Collateral{earnings}, others...)
}

// Power is a validator's voting power, 0 for anybody else.
func (k *Keeper) Power(ctx context.Context, operator string) (int64, error) {
	v, err := k.store.validators.Get(ctx, operator)
	if absent(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read validator %s: %w", operator, err)
	}
	return v.Power, nil
}

// TotalPower is the voting power of all validators.
func (k *Keeper) TotalPower(ctx context.Context) (int64, error) {
	s, err := k.store.state.Get(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the state of power: %w", err)
	}
	return s.TotalPower, nil
}

// Powers lists who has voting power, by operator.
func (k *Keeper) Powers(ctx context.Context) ([]weight.Share, error) {
	vs, err := k.store.all(ctx)
	if err != nil {
		return nil, err
	}
	return setOf(vs), nil
}

// Operator finds who signs with a consensus address, or did until lately.
func (k *Keeper) Operator(ctx context.Context, address []byte) (operator string, found bool, err error) {
	v, found, err := k.store.find(ctx, address)
	return v.Operator, found, err
}

// keyRests is for how many blocks a key that was just changed reveals nothing.
// Who changes it could try keys until what comes out suits it, if it knew what
// the reveal will be mixed with: that is what the blocks in between reveal.
const keyRests = 100

// BeaconKey is the key with which the validator of a consensus address may reveal
// now.
func (k *Keeper) BeaconKey(ctx context.Context, address []byte) (key []byte, found bool, err error) {
	v, found, err := k.store.find(ctx, address)
	rests := v.Rotated > 0 && sdk.UnwrapSDKContext(ctx).BlockHeight() < v.Rotated+keyRests
	return v.BeaconKey, found && len(v.BeaconKey) > 0 && !rests, err
}

// Credit counts verified work of a miner. Class is 1 for paid work, 2 for
// audits, 3 for commons.
func (k *Keeper) Credit(ctx context.Context, owner string, class int32, macs uint64) error {
	p, s, err := k.store.load(ctx)
	if err != nil {
		return err
	}
	of, err := p.class(class)
	if err != nil {
		return err
	}
	m, err := k.store.miner(ctx, owner, s.Day)
	if err != nil {
		return err
	}
	if err := k.close(ctx, p, s, &m); err != nil {
		return err
	}
	work := mega(macs, of)
	m.Today = min(m.Today+work, weight.MostWork)
	s.WorkToday = min(s.WorkToday+work, weight.MostWork)
	if err := k.store.miners.Set(ctx, owner, m); err != nil {
		return err
	}
	return k.store.state.Set(ctx, s)
}

// mega returns MACs in millions, weighted by permille.
func mega(macs, permille uint64) uint64 {
	high, low := bits.Mul64(macs, permille)
	q, _ := bits.Div64(high, low, 1_000_000_000) // permille is at most 1000
	return q
}

// Revoke takes back that part of a miner's work, after a fault of its own. Its
// validator feels it at the day's end.
func (k *Keeper) Revoke(ctx context.Context, owner string, permille uint32) error {
	m, err := k.store.miners.Get(ctx, owner)
	if absent(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the work of %s: %w", owner, err)
	}
	m.Today -= part(m.Today, permille)
	m.Smoothed -= part(m.Smoothed, permille)
	m.Counted -= part(m.Counted, permille)
	for i, v := range m.History {
		m.History[i] = v - part(v, permille)
	}
	return k.store.miners.Set(ctx, owner, m)
}

// part returns so many permille of v, rounded up, and never more than v.
func part(v uint64, permille uint32) uint64 {
	high, low := bits.Mul64(v, uint64(min(permille, 1000)))
	low, carry := bits.Add64(low, 999, 0)
	q, _ := bits.Div64(high+carry, low, 1000)
	return min(q, v)
}

// bytes reads an address as the bank wants it.
func (k *Keeper) bytes(who string) (sdk.AccAddress, error) {
	b, err := k.addresses.StringToBytes(who)
	if err != nil {
		return nil, fmt.Errorf("read the address %q: %w", who, err)
	}
	return b, nil
}

// take moves coins from an account to the bonds.
func (k *Keeper) take(ctx context.Context, from string, amount uint64) error {
	a, err := k.bytes(from)
	if err != nil {
		return err
	}
	return k.bank.SendCoinsFromAccountToModule(ctx, a, ModuleName, coin.Of(amount))
}

// give moves coins from the bonds to an account.
func (k *Keeper) give(ctx context.Context, to string, amount uint64) error {
	a, err := k.bytes(to)
	if err != nil || amount == 0 {
		return err
	}
	return k.bank.SendCoinsFromModuleToAccount(ctx, ModuleName, a, coin.Of(amount))
}

// Messages is what accounts may ask of the module.
func (k *Keeper) Messages() MsgServer { return messages{k} }

// Queries is what anybody may ask of the module.
func (k *Keeper) Queries() QueryServer { return queries{k} }

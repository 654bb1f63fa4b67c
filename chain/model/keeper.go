package model

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"
	"cosmossdk.io/core/address"
	corestore "cosmossdk.io/core/store"
	"github.com/cosmos/cosmos-sdk/codec"
	authcodec "github.com/cosmos/cosmos-sdk/codec/address"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/coin"
	"hearth/chain/model/entry"
	hmodel "hearth/infer/model"
	hwork "hearth/work"
)

// prefix of addresses.
const prefix = "hearth"

// Bank moves deposits.
type Bank interface {
	SendCoinsFromAccountToModule(ctx context.Context, from sdk.AccAddress, module string, amount sdk.Coins) error
	SendCoinsFromModuleToAccount(ctx context.Context, module string, to sdk.AccAddress, amount sdk.Coins) error
	BurnCoins(ctx context.Context, module string, amount sdk.Coins) error
	GetBalance(ctx context.Context, account sdk.AccAddress, denom string) sdk.Coin
}

// Validators knows who has power: package power.
type Validators interface {
	Power(ctx context.Context, operator string) (int64, error)
	TotalPower(ctx context.Context) (int64, error)
}

// Keeper holds the registry.
type Keeper struct {
	store      store
	authority  string
	addresses  address.Codec
	bank       Bank
	validators Validators
	read       shelf
}

// NewKeeper returns a keeper over a store. authority is the account that may
// suspend models and change parameters.
func NewKeeper(cdc codec.BinaryCodec, service corestore.KVStoreService, authority string, bank Bank, validators Validators) (*Keeper, error) {
	s, err := newStore(cdc, service)
	if err != nil {
		return nil, fmt.Errorf("lay out the registry's store: %w", err)
	}
	return &Keeper{store: s, authority: authority, addresses: authcodec.NewBech32Codec(prefix), bank: bank, validators: validators}, nil
}

// Work is a registered model as tickets are checked against, in whatever state
// it is but rejected: claims outlive a suspension.
func (k *Keeper) Work(ctx context.Context, id [32]byte) (*hwork.Model, error) {
	m, err := k.store.model(ctx, id[:])
	if err != nil {
		return nil, err
	}
	e, err := k.entry(ctx, m)
	if err != nil {
		return nil, err
	}
	return e.Model, nil
}

// entry returns what follows from the manifest of a registered model. It costs
// the same gas whether the node has read the manifest before or not.
func (k *Keeper) entry(ctx context.Context, m Model) (*entry.Entry, error) {
	if m.Status == Status_STATUS_REJECTED {
		return nil, ErrStatus.Wrapf("model %x was rejected: %s", m.Id, m.Reason)
	}
	if len(m.Manifest) != len(hmodel.Hash{}) {
		return nil, fmt.Errorf("model %x has a manifest hash of %d bytes", m.Id, len(m.Manifest))
	}
	return k.read.get(hmodel.Hash(m.Manifest), func() ([]byte, error) {
		free := sdk.UnwrapSDKContext(ctx).WithGasMeter(storetypes.NewInfiniteGasMeter())
		b, err := k.store.manifests.Get(free, m.Id)
		if err != nil {
			return nil, fmt.Errorf("read the manifest of model %x: %w", m.Id, err)
		}
		return b, nil
	})
}

// Claimable tells why no job of a model can be claimed at the block's height,
// and returns nil if one can.
func (k *Keeper) Claimable(ctx context.Context, id [32]byte) error {
	m, err := k.store.model(ctx, id[:])
	if err != nil {
		return err
	}
	height := sdk.UnwrapSDKContext(ctx).BlockHeight()
	switch {
	case m.Status != Status_STATUS_ACTIVE:
		return ErrNotActive.Wrapf("model %x is %s: %s", m.Id, m.Status.word(), m.Reason)
	case m.ActiveFrom > height:
		return ErrNotActive.Wrapf("model %x may be claimed from height %d on", m.Id, m.ActiveFrom)
	}
	return nil
}

// Broken tells whether a challenge of a model held: that is for ever.
func (k *Keeper) Broken(ctx context.Context, id [32]byte) (bool, error) {
	m, err := k.store.model(ctx, id[:])
	return m.Status == Status_STATUS_BROKEN, err
}

// word is a status as people read it.
func (s Status) word() string {
	switch s {
	case Status_STATUS_PROPOSED:
		return "proposed"
	case Status_STATUS_ACTIVE:
		return "active"
	case Status_STATUS_SUSPENDED:
		return "suspended"
	case Status_STATUS_REJECTED:
		return "rejected"
	case Status_STATUS_BROKEN:
		return "broken"
	}
	return "in no state"
}

// Params are the parameters in force.
func (k *Keeper) Params(ctx context.Context) (Params, error) { return k.store.params.Get(ctx) }

// expiries bounds the proposals whose end one block sees to.
const expiries = 8

// EndBlock ends proposals whose time is over.
func (k *Keeper) EndBlock(ctx context.Context) error {
	ids, err := k.store.expired(ctx, sdk.UnwrapSDKContext(ctx).BlockHeight(), expiries)
	if err != nil {
		return err
	}
	for _, id := range ids {
		m, err := k.store.model(ctx, id)
		if err != nil {
			return err
		}
		decided, err := k.decide(ctx, &m, "the validators' power shifted")
		if err != nil {
			return err
		}
		if decided {
			continue
		}
		if err := k.drop(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// decide ends a proposal if enough power has spoken, and tells whether it did.
func (k *Keeper) decide(ctx context.Context, m *Model, reason string) (bool, error) {
	total, err := k.validators.TotalPower(ctx)
	if err != nil {
		return false, err
	}
	words, err := k.store.words(ctx, m.Id)
	if err != nil {
		return false, err
	}
	var fit, unfit int64
	for _, a := range words {
		power, err := k.validators.Power(ctx, a.Validator)
		if err != nil {
			return false, err
		}
		if a.Fit {
			fit += power
		} else {
			unfit += power
		}
	}
	// Power is at most an eighth of what 64 bits hold: so CometBFT has it.
	switch {
	case total <= 0:
		return false, nil
	case 3*fit > 2*total:
		return true, k.activate(ctx, m)
	case 3*unfit > total:
		return true, k.reject(ctx, m, reason)
	}
	return false, nil
}

// activate makes a proposal a model that may be claimed once the delay is over.
func (k *Keeper) activate(ctx context.Context, m *Model) error {
	p, err := k.store.params.Get(ctx)
	if err != nil {
		return err
	}
	if err := k.settle(ctx, m); err != nil {
		return err
	}
	m.Status = Status_STATUS_ACTIVE
	m.ActiveFrom = max(m.Registered+p.Delay, sdk.UnwrapSDKContext(ctx).BlockHeight()+1)
	return k.put(ctx, *m)
}

// reject ends a proposal that the validators refuse. Its deposit is burned, and
// its weights may be registered anew: whoever copies another's weights into a
// manifest that is wrong must not keep them out for ever.
func (k *Keeper) reject(ctx context.Context, m *Model, reason string) error {
	if err := k.free(ctx, *m); err != nil {
		return err
	}
	if err := k.settle(ctx, m); err != nil {
		return err
	}
	if err := k.burn(ctx, m.Deposit); err != nil {
		return err
	}
	m.Status, m.Reason, m.Deposit = Status_STATUS_REJECTED, reason, 0
	return k.put(ctx, *m)
}

// drop forgets a proposal about which too few validators said anything. That may
// be no fault of the registrant's, who gets most of the deposit back; the rest is
// the price of a place that others could not have.
func (k *Keeper) drop(ctx context.Context, m Model) error {
	p, err := k.store.params.Get(ctx)
	if err != nil {
		return err
	}
	if err := k.free(ctx, m); err != nil {
		return err
	}
	lost := share(m.Deposit, p.IdlePermille)
	if err := k.settle(ctx, &m); err != nil {
		return err
	}
	if err := k.store.forget(ctx, m.Id); err != nil {
		return err
	}
	if err := k.store.models.Remove(ctx, m.Id); err != nil {
		return err
	}
	emit(ctx, "dropped", m.Id)
	to, err := k.addresses.StringToBytes(m.Registrant)
	if err == nil {
		err = k.bank.SendCoinsFromModuleToAccount(ctx, ModuleName, to, coin.Of(m.Deposit-lost))
	}
	if err != nil { // an account that takes no coins: the chain goes on
		lost = m.Deposit
	}
	return k.burn(ctx, lost)
}

// share is so many thousandths of an amount, rounded down; no product of them
// leaves 64 bits.
func share(amount uint64, permille uint32) uint64 {
	return amount/1000*uint64(permille) + amount%1000*uint64(permille)/1000
}

// settle takes a proposal out of the queue of those that end.
func (k *Keeper) settle(ctx context.Context, m *Model) error {
	err := k.store.expiring.Remove(ctx, collections.Join(uint64(m.Expires), m.Id))
	m.Expires = 0
	return err
}

// free gives back the roots of a model and forgets its manifest.
func (k *Keeper) free(ctx context.Context, m Model) error {
	e, err := k.entry(ctx, m)
	if err != nil {
		return err
	}
	for _, r := range e.Roots {
		if err := k.store.roots.Remove(ctx, r[:]); err != nil {
			return err
		}
	}
	return k.store.manifests.Remove(ctx, m.Id)
}

func (k *Keeper) burn(ctx context.Context, amount uint64) error {
	if amount == 0 {
		return nil
	}
	return k.bank.BurnCoins(ctx, ModuleName, coin.Of(amount))
}

// put writes a model that has changed its state.
func (k *Keeper) put(ctx context.Context, m Model) error {
	emit(ctx, m.Status.word(), m.Id)
	return k.store.models.Set(ctx, m.Id, m)
}

// emit tells whoever follows the chain what became of a model.
func emit(ctx context.Context, what string, id []byte) {
	sdk.UnwrapSDKContext(ctx).EventManager().EmitEvent(sdk.NewEvent("hearth_model",
		sdk.NewAttribute("model", fmt.Sprintf("%x", id)), sdk.NewAttribute("status", what)))
}

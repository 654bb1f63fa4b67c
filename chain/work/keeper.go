package work

import (
	"context"
	"fmt"

	"cosmossdk.io/core/address"
	corestore "cosmossdk.io/core/store"
	"github.com/cosmos/cosmos-sdk/codec"
	addresscodec "github.com/cosmos/cosmos-sdk/codec/address"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/coin"
	format "hearth/work"
)

// Bank moves coins.
type Bank interface {
	SendCoinsFromAccountToModule(ctx context.Context, sender sdk.AccAddress, module string, amount sdk.Coins) error
	SendCoinsFromModuleToAccount(ctx context.Context, module string, recipient sdk.AccAddress, amount sdk.Coins) error
	BurnCoins(ctx context.Context, module string, amount sdk.Coins) error
	GetBalance(ctx context.Context, holder sdk.AccAddress, denom string) sdk.Coin
}

// Models is the registry.
type Models interface {
	// Work is a registered model, whatever its status.
	Work(ctx context.Context, id [32]byte) (*format.Model, error)
	// Claimable tells why jobs of a model cannot be claimed now.
	Claimable(ctx context.Context, id [32]byte) error
	// Broken tells whether a model was shown to be unfit, for ever.
	Broken(ctx context.Context, id [32]byte) (bool, error)
}

// Beacon gives values that nobody knew when they were awaited.
type Beacon interface {
	Await(ctx context.Context, height int64) error
	Value(ctx context.Context, height int64) (value [32]byte, knownAt int64, known bool, err error)
}

// Power is what validators have, and what verified work gives.
type Power interface {
	Power(ctx context.Context, operator string) (int64, error)
	TotalPower(ctx context.Context) (int64, error)
	Credit(ctx context.Context, owner string, class int32, macs uint64) error
	Revoke(ctx context.Context, owner string, permille uint32) error
	Punish(ctx context.Context, operator string, permille uint32, reason string) (burned uint64, err error)
}

// Emission pays for what is credited.
type Emission interface {
	Credit(ctx context.Context, owner string, class int32, macs uint64) error
	Judged(ctx context.Context, operator string) error
	Forfeit(ctx context.Context, owner string, permille uint32) (lost uint64, err error)
}

// Commons knows the jobs of projects for everybody.
type Commons interface {
	// ProveJob tells whether an encoding is the job of a project at an index.
	ProveJob(ctx context.Context, project, index uint64, encoding []byte, proof [][]byte) error
	// JobSettled says what became of a job that was assigned.
	JobSettled(ctx context.Context, project, index uint64, macs uint64, ok bool) error
}

// Neighbours are the modules that this one needs.
type Neighbours struct {
	Bank     Bank
	Models   Models
	Beacon   Beacon
	Power    Power
	Emission Emission
}

// Keeper holds the module's state.
type Keeper struct {
	Neighbours
	store     store
	addresses address.Codec
	authority string
	commons   Commons
}

// addressPrefix begins every address of the chain.
const addressPrefix = "hearth"

// NewKeeper returns a keeper over a store. authority is the account that may
// change parameters.
func NewKeeper(cdc codec.Codec, service corestore.KVStoreService, authority string, n Neighbours) (*Keeper, error) {
	s, err := newStore(cdc, service)
	if err != nil {
		return nil, fmt.Errorf("lay out the store of work: %w", err)
	}
	return &Keeper{Neighbours: n, store: s, addresses: addresscodec.NewBech32Codec(addressPrefix), authority: authority}, nil
}

// SetCommons names the module that commons jobs come from. It needs this keeper
// and this keeper needs it; so it is set once, before the first block. Without
// it nothing is assigned for the commons.
func (k *Keeper) SetCommons(c Commons) { k.commons = c }

// Params are the parameters in force.
func (k *Keeper) Params(ctx context.Context) (Params, error) {
	p, err := k.store.params.Get(ctx)
	if err != nil {
		return p, fmt.Errorf("read the parameters of work: %w", err)
	}
	return p, nil
}

// Market is what claims cost and how hard tickets are.
func (k *Keeper) Market(ctx context.Context) (Market, error) {
	m, err := k.store.market.Get(ctx)
	if err != nil {
		return m, fmt.Errorf("read the market of work: %w", err)
	}
	return m, nil
}

// Tally is what was credited and what did not hold, ever.
func (k *Keeper) Tally(ctx context.Context) (Tally, error) {
	t, err := k.store.tally.Get(ctx)
	if err != nil {
		return t, fmt.Errorf("read the tally of work: %w", err)
	}
	return t, nil
}

// count changes the tally.
func (k *Keeper) count(ctx context.Context, change func(*Tally)) error {
	t, err := k.Tally(ctx)
	if err != nil {
		return err
	}
	change(&t)
	return k.store.tally.Set(ctx, t)
}

// trade changes the market.
func (k *Keeper) trade(ctx context.Context, change func(*Market)) error {
	m, err := k.Market(ctx)
	if err != nil {
		return err
	}
	change(&m)
	return k.store.market.Set(ctx, m)
}

func height(ctx context.Context) int64 { return sdk.UnwrapSDKContext(ctx).BlockHeight() }

// account reads an address.
func (k *Keeper) account(text string) (sdk.AccAddress, error) {
	b, err := k.addresses.StringToBytes(text)
	if err != nil {
		return nil, ErrAddress.Wrapf("%q: %v", text, err)
	}
	return b, nil
}

// take moves coins from an account into the module's.
func (k *Keeper) take(ctx context.Context, from string, amount uint64) error {
	a, err := k.account(from)
	if err != nil || amount == 0 {
		return err
	}
	return k.Bank.SendCoinsFromAccountToModule(ctx, a, ModuleName, coin.Of(amount))
}

// pay moves coins from the module's account to another.
func (k *Keeper) pay(ctx context.Context, to string, amount uint64) error {
	a, err := k.account(to)
	if err != nil || amount == 0 {
		return err
	}
	return k.Bank.SendCoinsFromModuleToAccount(ctx, ModuleName, a, coin.Of(amount))
}

// burn destroys coins of the module's account.
func (k *Keeper) burn(ctx context.Context, amount uint64) error {
	if amount == 0 {
		return nil
	}
	if err := k.Bank.BurnCoins(ctx, ModuleName, coin.Of(amount)); err != nil {
		return fmt.Errorf("burn %d %s of work: %w", amount, coin.Denom, err)
	}
	return k.count(ctx, func(t *Tally) { t.Burned += amount })
}

// event tells those who watch the node.
func event(ctx context.Context, name string, pairs ...string) {
	e := sdk.NewEvent("work_" + name)
	for i := 0; i+1 < len(pairs); i += 2 {
		e = e.AppendAttributes(sdk.NewAttribute(pairs[i], pairs[i+1]))
	}
	sdk.UnwrapSDKContext(ctx).EventManager().EmitEvent(e)
}

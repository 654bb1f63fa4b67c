// Package cointest gives tests of modules a real bank with real accounts, in
// memory.
package cointest

import (
	"maps"
	"slices"

	"cosmossdk.io/core/address"
	corestore "cosmossdk.io/core/store"
	"cosmossdk.io/log/v2"
	"github.com/cosmos/cosmos-sdk/codec"
	authcodec "github.com/cosmos/cosmos-sdk/codec/address"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	cryptocodec "github.com/cosmos/cosmos-sdk/crypto/codec"
	"github.com/cosmos/cosmos-sdk/runtime"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	"github.com/cosmos/cosmos-sdk/testutil"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authkeeper "github.com/cosmos/cosmos-sdk/x/auth/keeper"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	bankkeeper "github.com/cosmos/cosmos-sdk/x/bank/keeper"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"hearth/chain/coin"
)

// prefix of addresses, as the chain has it.
const prefix = "hearth"

// World is a bank and stores for the modules under test. Its context is at
// height 0 and may be replaced.
type World struct {
	Ctx       sdk.Context
	Bank      bankkeeper.BaseKeeper
	Codec     *codec.ProtoCodec
	Addresses address.Codec
	keys      map[string]*storetypes.KVStoreKey
}

// TB is what is needed of a test, of package testing or of rapid.
type TB interface {
	Helper()
	Fatal(args ...any)
}

const minter = "cointest"

// New returns a world in which modules have accounts with these rights, and
// stores of their names.
func New(t TB, modules map[string][]string) *World {
	t.Helper()
	registry := codectypes.NewInterfaceRegistry()
	cryptocodec.RegisterInterfaces(registry)
	authtypes.RegisterInterfaces(registry)
	w := &World{Codec: codec.NewProtoCodec(registry), Addresses: authcodec.NewBech32Codec(prefix)}
	names := append(slices.Sorted(maps.Keys(modules)), authtypes.StoreKey, banktypes.StoreKey)
	w.keys = storetypes.NewKVStoreKeys(names...)
	w.Ctx = testutil.DefaultContextWithKeys(w.keys, nil, nil)
	rights := maps.Clone(modules)
	rights[minter] = []string{authtypes.Minter}
	authority, err := w.Addresses.BytesToString(authtypes.NewModuleAddress("gov"))
	if err != nil {
		t.Fatal(err)
	}
	accounts := authkeeper.NewAccountKeeper(w.Codec, w.Store(authtypes.StoreKey), authtypes.ProtoBaseAccount, rights, w.Addresses, prefix, authority)
	w.Bank = bankkeeper.NewBaseKeeper(w.Codec, w.Store(banktypes.StoreKey), accounts, nil, authority, log.NewNopLogger())
	if err := accounts.Params.Set(w.Ctx, authtypes.DefaultParams()); err != nil {
		t.Fatal(err)
	}
	return w
}

// Store is the store of a module.
func (w *World) Store(module string) corestore.KVStoreService {
	return runtime.NewKVStoreService(w.keys[module])
}

// Fund mints coins for an account.
func (w *World) Fund(t TB, who string, amount uint64) {
	t.Helper()
	if err := w.Bank.MintCoins(w.Ctx, minter, coin.Of(amount)); err != nil {
		t.Fatal(err)
	}
	b, err := w.Addresses.StringToBytes(who)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Bank.SendCoinsFromModuleToAccount(w.Ctx, minter, b, coin.Of(amount)); err != nil {
		t.Fatal(err)
	}
}

// FundModule mints coins for a module's account.
func (w *World) FundModule(t TB, module string, amount uint64) {
	t.Helper()
	if err := w.Bank.MintCoins(w.Ctx, minter, coin.Of(amount)); err != nil {
		t.Fatal(err)
	}
	if err := w.Bank.SendCoinsFromModuleToModule(w.Ctx, minter, module, coin.Of(amount)); err != nil {
		t.Fatal(err)
	}
}

// Balance is what an account has.
func (w *World) Balance(t TB, who string) uint64 {
	t.Helper()
	b, err := w.Addresses.StringToBytes(who)
	if err != nil {
		t.Fatal(err)
	}
	amount, err := coin.Read(w.Bank.GetBalance(w.Ctx, b, coin.Denom).Amount)
	if err != nil {
		t.Fatal(err)
	}
	return amount
}

// Supply is all there is.
func (w *World) Supply(t TB) uint64 {
	t.Helper()
	amount, err := coin.Read(w.Bank.GetSupply(w.Ctx, coin.Denom).Amount)
	if err != nil {
		t.Fatal(err)
	}
	return amount
}

// Address writes an address as the chain does.
func (w *World) Address(t TB, b []byte) string {
	t.Helper()
	s, err := w.Addresses.BytesToString(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Account names a numbered account.
func (w *World) Account(t TB, n byte) string {
	t.Helper()
	b := make([]byte, 20)
	b[0], b[19] = n, n
	return w.Address(t, b)
}

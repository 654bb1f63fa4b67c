package model_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	corestore "cosmossdk.io/core/store"
	"cosmossdk.io/log/v2"
	"github.com/cosmos/cosmos-sdk/codec"
	addresscodec "github.com/cosmos/cosmos-sdk/codec/address"
	"github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/runtime"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	"github.com/cosmos/cosmos-sdk/testutil"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authkeeper "github.com/cosmos/cosmos-sdk/x/auth/keeper"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	bankkeeper "github.com/cosmos/cosmos-sdk/x/bank/keeper"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	"pgregory.net/rapid"

	"hearth/chain/coin"
	"hearth/chain/invariant"
	"hearth/chain/model"
	hmodel "hearth/infer/model"
)

const (
	purse = 100_000_000_000
	// authority is the address of twenty zero bytes.
	authority = "hearth1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqs3ndff"
)

// small are encoders whose every product but the first can be mined.
var small = hmodel.Config{
	Kind: hmodel.Encoder, Family: hmodel.BERT, Layers: 2, Width: 256, Heads: 4, KVHeads: 4, HeadSize: 64, Inner: 512,
	Vocab: 120, Context: 96, ResidualBits: 16, ActivationLimit: 95, Epsilon: 4295, BOS: 1, EOS: []int32{2}, PAD: 0, Pooling: hmodel.Mean,
}

// weights are a model as its importer leaves it.
func weights(t fatal, seed uint64, change func(*hmodel.Model)) *hmodel.Model {
	t.Helper()
	m, err := hmodel.Random(seed, small)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(m)
	}
	if err := m.Permute(); err != nil {
		t.Fatal(err)
	}
	return m
}

func manifest(t fatal, m *hmodel.Model, change func(*hmodel.Manifest)) []byte {
	t.Helper()
	f, err := hmodel.NewManifest(m, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(f)
	}
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fatal is what of testing's and rapid's T is used here.
type fatal interface {
	Helper()
	Errorf(string, ...any)
	Fatal(...any)
	Fatalf(string, ...any)
}

// world is the registry among real accounts and coins, with validators whose
// power a test says.
type world struct {
	model.MsgServer
	model.QueryServer

	t      fatal
	ctx    sdk.Context
	codec  codec.Codec
	store  corestore.KVStoreService
	bank   bankkeeper.BaseKeeper
	keeper *model.Keeper
	power  map[string]int64
}

// Power implements model.Validators.
func (w *world) Power(_ context.Context, operator string) (int64, error) {
	return w.power[operator], nil
}

// TotalPower implements model.Validators.
func (w *world) TotalPower(context.Context) (total int64, err error) {
	for _, p := range w.power {
		total += p
	}
	return total, nil
}

func newWorld(t fatal, g *model.GenesisState) *world {
	t.Helper()
	keys := storetypes.NewKVStoreKeys(authtypes.StoreKey, banktypes.StoreKey, model.ModuleName)
	w := &world{t: t, power: map[string]int64{"a": 10, "b": 10, "c": 10, "d": 10}}
	w.ctx = testutil.DefaultContextWithKeys(keys, map[string]*storetypes.TransientStoreKey{}, nil).WithBlockHeight(1)
	registry := types.NewInterfaceRegistry()
	authtypes.RegisterInterfaces(registry)
	w.codec = codec.NewProtoCodec(registry)
	accounts := authkeeper.NewAccountKeeper(w.codec, runtime.NewKVStoreService(keys[authtypes.StoreKey]), authtypes.ProtoBaseAccount,
		map[string][]string{model.ModuleName: {authtypes.Burner}, "faucet": {authtypes.Minter}},
		addresscodec.NewBech32Codec("hearth"), "hearth", authority)
	w.bank = bankkeeper.NewBaseKeeper(w.codec, runtime.NewKVStoreService(keys[banktypes.StoreKey]), accounts, nil, authority, log.NewNopLogger())
	w.store = runtime.NewKVStoreService(keys[model.ModuleName])
	w.restart()
	var owed uint64
	for _, m := range g.Models {
		owed += m.Deposit
	}
	w.mint(owed)
	if err := w.bank.SendCoinsFromModuleToModule(w.ctx, "faucet", model.ModuleName, coin.Of(owed)); err != nil {
		t.Fatal(err)
	}
	if err := w.keeper.InitGenesis(w.ctx, *g); err != nil {
		t.Fatal(err)
	}
	return w
}

// restart is what a node does that has read nothing yet.
func (w *world) restart() {
	w.t.Helper()
	var err error
	if w.keeper, err = model.NewKeeper(w.codec, w.store, authority, w.bank, w); err != nil {
		w.t.Fatal(err)
	}
	w.MsgServer, w.QueryServer = w.keeper.Messages(), w.keeper.Queries()
}

func (w *world) mint(amount uint64) {
	w.t.Helper()
	if err := w.bank.MintCoins(w.ctx, "faucet", coin.Of(amount)); err != nil {
		w.t.Fatal(err)
	}
}

func fast() *model.GenesisState { return &model.GenesisState{Params: model.FastParams()} }

// person is an account with a purse.
func (w *world) person(name string) string {
	w.t.Helper()
	who := sdk.AccAddress(slices.Concat([]byte(name), make([]byte, 20))[:20])
	w.mint(purse)
	if err := w.bank.SendCoinsFromModuleToAccount(w.ctx, "faucet", who, coin.Of(purse)); err != nil {
		w.t.Fatal(err)
	}
	text, err := addresscodec.NewBech32Codec("hearth").BytesToString(who)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

func (w *world) has(who string) uint64 {
	w.t.Helper()
	b, err := addresscodec.NewBech32Codec("hearth").StringToBytes(who)
	if err != nil {
		w.t.Fatal(err)
	}
	n, err := coin.Read(w.bank.GetBalance(w.ctx, b, coin.Denom).Amount)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) supply() uint64 {
	w.t.Helper()
	n, err := coin.Read(w.bank.GetSupply(w.ctx, coin.Denom).Amount)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// blocks ends so many blocks.
func (w *world) blocks(n int64) {
	w.t.Helper()
	for range n {
		if err := w.keeper.EndBlock(w.ctx); err != nil {
			w.t.Fatal(err)
		}
		w.check()
		w.ctx = w.ctx.WithBlockHeight(w.ctx.BlockHeight() + 1)
	}
}

func (w *world) check() {
	w.t.Helper()
	if err := invariant.Check(w.ctx, w.keeper.Invariants()...); err != nil {
		w.t.Fatalf("at height %d: %v", w.ctx.BlockHeight(), err)
	}
}

// do runs one message as a transaction does: what fails leaves nothing.
func do[M, R any](w *world, f func(context.Context, *M) (*R, error), msg *M) (*R, error) {
	w.t.Helper()
	ctx, write := w.ctx.CacheContext()
	r, err := f(ctx, msg)
	if err == nil {
		write()
	}
	w.check()
	return r, err
}

func must[M, R any](w *world, f func(context.Context, *M) (*R, error), msg *M) *R {
	w.t.Helper()
	r, err := do(w, f, msg)
	if err != nil {
		w.t.Fatalf("%+v: %v", msg, err)
	}
	return r
}

// refused runs a message that must fail for a reason.
func refused[M, R any](w *world, why error, f func(context.Context, *M) (*R, error), msg *M) {
	w.t.Helper()
	if _, err := do(w, f, msg); !errors.Is(err, why) {
		w.t.Errorf("refused for %v, want %v", err, why)
	}
}

func (w *world) register(who string, manifest []byte) hmodel.Hash {
	w.t.Helper()
	return hmodel.Hash(must(w, w.Register, registration(who, manifest)).Id)
}

func registration(who string, manifest []byte) *model.MsgRegister {
	return &model.MsgRegister{
		Registrant: who, Name: "small-encoder", Licence: "Apache-2.0 OR MIT", Sources: []string{"https://example.org/weights"}, Manifest: manifest,
	}
}

func (w *world) attest(id hmodel.Hash, fit bool, validators ...string) {
	w.t.Helper()
	for _, v := range validators {
		must(w, w.Attest, &model.MsgAttest{Validator: v, Model: id[:], Fit: fit, Reason: "as measured"})
	}
}

func (w *world) get(id hmodel.Hash) model.Model {
	w.t.Helper()
	r, err := w.Model(w.ctx, &model.QueryModelRequest{Id: id.String()})
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Model
}

var (
	_ fatal = (*testing.T)(nil)
	_ fatal = (*rapid.T)(nil)
)

package commons_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	"google.golang.org/grpc"
	"pgregory.net/rapid"

	"hearth/chain/coin"
	"hearth/chain/commons"
	"hearth/chain/commons/tree"
	"hearth/chain/invariant"
	"hearth/chain/work"
	"hearth/infer/model"
	hwork "hearth/work"
)

const purse = 1_000_000_000

// world is the module among real accounts and coins, with miners, validators,
// a beacon and a model that do what a test says.
type world struct {
	commons.MsgServer
	commons.QueryServer

	t         rapid.TB
	ctx       sdk.Context
	codec     codec.Codec
	bank      bankkeeper.BaseKeeper
	keeper    *commons.Keeper
	authority string

	model *hwork.Model
	list  *tree.List

	refused error // why the model cannot be used
	power   map[string]int64
	awaited map[int64]bool
	room    int // how many more jobs miners take
	given   []work.Assignment
}

// RegisterService takes the module's servers.
func (w *world) RegisterService(_ *grpc.ServiceDesc, server any) {
	switch s := server.(type) {
	case commons.MsgServer:
		w.MsgServer = s
	case commons.QueryServer:
		w.QueryServer = s
	}
}

// Assign gives a job to a miner while there is room.
func (w *world) Assign(_ context.Context, a work.Assignment) (uint64, error) {
	if len(w.given) == w.room {
		return 0, errors.New("no miner has room")
	}
	w.given = append(w.given, a)
	return uint64(len(w.given)), nil
}

func (w *world) Work(_ context.Context, id [32]byte) (*hwork.Model, error) {
	if id != w.model.ID() {
		return nil, errors.New("no such model")
	}
	return w.model, nil
}

func (w *world) Claimable(_ context.Context, id [32]byte) error {
	if id != w.model.ID() {
		return errors.New("no such model")
	}
	return w.refused
}

func (w *world) Power(_ context.Context, operator string) (int64, error) {
	return w.power[operator], nil
}

func (w *world) TotalPower(context.Context) (total int64, err error) {
	for _, p := range w.power {
		total += p
	}
	return total, nil
}

func (w *world) Await(_ context.Context, height int64) error {
	if height != w.ctx.BlockHeight() {
		return fmt.Errorf("awaits height %d in block %d", height, w.ctx.BlockHeight())
	}
	w.awaited[height] = true
	return nil
}

// Value is known two blocks after it was asked for.
func (w *world) Value(_ context.Context, height int64) (value [32]byte, knownAt int64, known bool, err error) {
	if !w.awaited[height] {
		return value, 0, false, errors.New("nobody waits for it")
	}
	value[0] = byte(height)
	return value, height + 2, w.ctx.BlockHeight() >= height+2, nil
}

var small = model.Config{
	Kind: model.Decoder, Family: model.Llama, Layers: 2, Width: 256, Heads: 4, KVHeads: 2, HeadSize: 64, Inner: 384,
	Vocab: 120, Context: 96, ResidualBits: 16, ActivationLimit: 95, Epsilon: 4295, BOS: 1, EOS: []int32{2}, PAD: 0,
}

func person(n byte) string { return sdk.MustBech32ifyAddressBytes("hearth", []byte{n, 19: n}) }

// proposer, challenger and validators of every test.
var (
	proposer   = person(1)
	challenger = person(2)
	validators = []string{person(11), person(12), person(13)}
)

func params() commons.Params {
	return commons.Params{
		Bond: 1000, ChallengeBond: 300, ChallengePeriod: 5, VotePeriod: 4, MaxJobs: 100, ProjectCap: 500, DrawBlocks: 2,
		JobsPerDraw: 4, MaxAttempts: 2, GreylistFailures: 500, ArtefactPeriod: 10, Quorum: 334, GreylistJobs: 4, MaxProjects: 8,
	}
}

// open begins a chain with some jobs that a project may have.
func open(t rapid.TB, p commons.Params, jobs int) *world {
	t.Helper()
	sdk.GetConfig().SetBech32PrefixForAccount("hearth", "hearthpub")
	weights, err := model.Random(3, small)
	if err != nil {
		t.Fatal(err)
	}
	if err := weights.Permute(); err != nil {
		t.Fatal(err)
	}
	manifest, err := model.NewManifest(weights, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, power: map[string]int64{}, awaited: map[int64]bool{}, room: 1 << 20}
	if w.model, err = hwork.NewModel(manifest); err != nil {
		t.Fatal(err)
	}
	var encodings [][]byte
	for i := range jobs {
		j := hwork.Job{Model: w.model.ID(), Public: true, Prompt: []int32{5, int32(i % 100), 7}, Most: 1 + i/100}
		encodings = append(encodings, j.Encode())
	}
	if w.list, err = tree.NewList(encodings); err != nil {
		t.Fatal(err)
	}
	for i, v := range validators {
		w.power[v] = int64(10 + i)
	}
	w.stores(authtypes.NewModuleAddress("gov").String())
	w.begin(&commons.GenesisState{Params: p, NextProject: 1})
	for _, who := range []string{proposer, challenger} {
		w.fund(sdk.MustAccAddressFromBech32(who))
	}
	return w
}

// stores lays out empty stores and the keepers over them.
func (w *world) stores(authority string) {
	w.t.Helper()
	keys := storetypes.NewKVStoreKeys(authtypes.StoreKey, banktypes.StoreKey, commons.ModuleName)
	w.ctx = testutil.DefaultContextWithKeys(keys, nil, nil).WithBlockHeight(1)
	registry := types.NewInterfaceRegistry()
	authtypes.RegisterInterfaces(registry)
	w.codec = codec.NewProtoCodec(registry)
	accounts := authkeeper.NewAccountKeeper(w.codec, runtime.NewKVStoreService(keys[authtypes.StoreKey]), authtypes.ProtoBaseAccount,
		map[string][]string{commons.ModuleName: {authtypes.Burner}, "faucet": {authtypes.Minter}}, addresscodec.NewBech32Codec("hearth"), "hearth", authority)
	w.bank = bankkeeper.NewBaseKeeper(w.codec, runtime.NewKVStoreService(keys[banktypes.StoreKey]), accounts, nil, authority, log.NewNopLogger())
	var err error
	w.keeper, err = commons.NewKeeper(w.codec, runtime.NewKVStoreService(keys[commons.ModuleName]), authority,
		commons.Neighbours{Bank: w.bank, Work: w, Models: w, Powers: w, Beacon: w})
	if err != nil {
		w.t.Fatal(err)
	}
	w.authority = authority
	if err := commons.NewAppModule(w.keeper).RegisterServices(w); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) begin(g *commons.GenesisState) {
	w.t.Helper()
	if err := w.keeper.InitGenesis(w.ctx, *g); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) fund(who sdk.AccAddress) {
	w.t.Helper()
	if err := w.bank.MintCoins(w.ctx, "faucet", coin.Of(purse)); err != nil {
		w.t.Fatal(err)
	}
	if err := w.bank.SendCoinsFromModuleToAccount(w.ctx, "faucet", who, coin.Of(purse)); err != nil {
		w.t.Fatal(err)
	}
}

// spent is what somebody has less than at first.
func (w *world) spent(who string) uint64 {
	w.t.Helper()
	n, err := coin.Amount(w.bank.GetAllBalances(w.ctx, sdk.MustAccAddressFromBech32(who)))
	if err != nil {
		w.t.Fatal(err)
	}
	return purse - n
}

// blocks ends so many blocks and looks at the invariants after each.
func (w *world) blocks(n int64) {
	w.t.Helper()
	for range n {
		if err := w.keeper.EndBlock(w.ctx); err != nil {
			w.t.Fatal(err)
		}
		w.sound()
		w.ctx = w.ctx.WithBlockHeight(w.ctx.BlockHeight() + 1)
	}
}

func (w *world) sound() {
	w.t.Helper()
	if err := invariant.Check(w.ctx, w.keeper.Invariants()...); err != nil {
		w.t.Fatalf("height %d: %v", w.ctx.BlockHeight(), err)
	}
}

func (w *world) proposal(change ...func(*commons.MsgPropose)) *commons.MsgPropose {
	w.t.Helper()
	id, root := w.model.ID(), w.list.Root()
	dearest, all, err := w.list.Cost(small)
	if err != nil {
		w.t.Fatal(err)
	}
	m := &commons.MsgPropose{
		Proposer: proposer, Title: "Old books", Summary: "Vectors of old books.", Licence: "CC0-1.0", Model: id[:], JobsRoot: root[:],
		Jobs: w.list.Len(), Sources: []string{"https://example.org/jobs"}, Budget: 2*all + dearest*w.list.Len(), JobMacs: dearest,
	}
	for _, c := range change {
		c(m)
	}
	return m
}

func (w *world) propose(change ...func(*commons.MsgPropose)) uint64 {
	w.t.Helper()
	res, err := w.Propose(w.ctx, w.proposal(change...))
	if err != nil {
		w.t.Fatal(err)
	}
	return res.Id
}

func (w *world) project(id uint64) commons.Project {
	w.t.Helper()
	p, err := w.keeper.Project(w.ctx, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// settle ends the i-th assignment there was.
func (w *world) settle(i int, ok bool) {
	w.t.Helper()
	a := w.given[i]
	var macs uint64
	if ok {
		b, proof, err := w.list.Job(a.Index)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := w.keeper.ProveJob(w.ctx, a.Project, a.Index, b, proof); err != nil {
			w.t.Fatal(err)
		}
		j, err := hwork.DecodeJob(b)
		if err != nil {
			w.t.Fatal(err)
		}
		macs = hwork.Cost(small, len(j.Prompt)+j.Most, j.Most)
	}
	if err := w.keeper.JobSettled(w.ctx, a.Project, a.Index, macs, ok); err != nil {
		w.t.Fatal(err)
	}
	w.sound()
}

// indices lists which jobs were assigned, in order.
func (w *world) indices() (of []uint64) {
	for _, a := range w.given {
		of = append(of, a.Index)
	}
	return of
}

func sorted(of []uint64) []uint64 { return slices.Sorted(slices.Values(of)) }

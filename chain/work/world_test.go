package work_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"testing"
	"time"

	"cosmossdk.io/log/v2"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/cosmos/cosmos-sdk/codec"
	addresscodec "github.com/cosmos/cosmos-sdk/codec/address"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/runtime"
	"github.com/cosmos/cosmos-sdk/store/v2"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authkeeper "github.com/cosmos/cosmos-sdk/x/auth/keeper"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	bankkeeper "github.com/cosmos/cosmos-sdk/x/bank/keeper"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	txsigning "github.com/cosmos/cosmos-sdk/x/tx/signing"
	"github.com/cosmos/gogoproto/proto"
	"github.com/zeebo/blake3"

	"hearth/chain/coin"
	"hearth/chain/invariant"
	"hearth/chain/work"
	"hearth/infer/model"
	format "hearth/work"
)

const chainID = "hearth-test-1"

var addresses = addresscodec.NewBech32Codec("hearth")

// address is the account of a name.
func address(name string) string {
	h := blake3.Sum256([]byte(name))
	text, err := addresses.BytesToString(h[:20])
	if err != nil {
		panic(err)
	}
	return text
}

// world is the module over real accounts and a real bank, with neighbours that
// write down what they are told.
type world struct {
	t     testing.TB
	ctx   sdk.Context
	keys  map[string]*storetypes.KVStoreKey
	bank  bankkeeper.BaseKeeper
	keep  *work.Keeper
	msgs  work.MsgServer
	asks  work.QueryServer
	cdc   codec.Codec
	given uint64 // coins made for accounts

	models   models
	beacon   *beacon
	power    *power
	emission *emission
	commons  *commons
}

func newWorld(t testing.TB, p work.Params) *world {
	t.Helper()
	w := &world{t: t, models: models{}, beacon: &beacon{delay: 2}, power: newPower(), emission: newEmission(), commons: &commons{}}
	registry, err := codectypes.NewInterfaceRegistryWithOptions(codectypes.InterfaceRegistryOptions{
		ProtoFiles:     proto.HybridResolver,
		SigningOptions: txsigning.Options{AddressCodec: addresses, ValidatorAddressCodec: addresses},
	})
	if err != nil {
		t.Fatal(err)
	}
	authtypes.RegisterInterfaces(registry)
	w.cdc = codec.NewProtoCodec(registry)
	w.keys = storetypes.NewKVStoreKeys(authtypes.StoreKey, banktypes.StoreKey, work.ModuleName)
	db := dbm.NewMemDB()
	multi := store.NewCommitMultiStore(db, log.NewNopLogger())
	for _, name := range []string{authtypes.StoreKey, banktypes.StoreKey, work.ModuleName} {
		multi.MountStoreWithDB(w.keys[name], storetypes.StoreTypeIAVL, db)
	}
	if err := multi.LoadLatestVersion(); err != nil {
		t.Fatal(err)
	}
	w.ctx = sdk.NewContext(multi, cmtproto.Header{ChainID: chainID, Height: 1, Time: time.Unix(1_800_000_000, 0)}, false, log.NewNopLogger())
	accounts := authkeeper.NewAccountKeeper(w.cdc, runtime.NewKVStoreService(w.keys[authtypes.StoreKey]), authtypes.ProtoBaseAccount,
		map[string][]string{work.ModuleName: {authtypes.Burner}, "mint": {authtypes.Minter}}, addresses, "hearth", address("gov"))
	if err := accounts.Params.Set(w.ctx, authtypes.DefaultParams()); err != nil {
		t.Fatal(err)
	}
	w.bank = bankkeeper.NewBaseKeeper(w.cdc, runtime.NewKVStoreService(w.keys[banktypes.StoreKey]), accounts, nil, address("gov"), log.NewNopLogger())
	if err := w.bank.SetParams(w.ctx, banktypes.DefaultParams()); err != nil {
		t.Fatal(err)
	}
	w.keep = w.keeper(t)
	if err := w.keep.InitGenesis(w.ctx, work.Opening(p)); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) keeper(t testing.TB) *work.Keeper {
	t.Helper()
	k, err := work.NewKeeper(w.cdc, runtime.NewKVStoreService(w.keys[work.ModuleName]), address("gov"),
		work.Neighbours{Bank: w.bank, Models: w.models, Beacon: w.beacon, Power: w.power, Emission: w.emission})
	if err != nil {
		t.Fatal(err)
	}
	k.SetCommons(w.commons)
	w.msgs, w.asks = k.Messages(), k.Queries()
	return k
}

// fund gives an account coins.
func (w *world) fund(name string, amount uint64) {
	w.t.Helper()
	if err := w.bank.MintCoins(w.ctx, "mint", coin.Of(amount)); err != nil {
		w.t.Fatal(err)
	}
	to, _ := addresses.StringToBytes(address(name))
	if err := w.bank.SendCoinsFromModuleToAccount(w.ctx, "mint", to, coin.Of(amount)); err != nil {
		w.t.Fatal(err)
	}
	w.given += amount
}

func (w *world) balance(name string) uint64 {
	w.t.Helper()
	holder, _ := addresses.StringToBytes(address(name))
	n, err := coin.Read(w.bank.GetBalance(w.ctx, holder, coin.Denom).Amount)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// block makes one block of what is done in it, and looks at the invariants.
func (w *world) block(do ...func()) {
	w.t.Helper()
	w.ctx = w.ctx.WithBlockHeight(w.ctx.BlockHeight() + 1).WithBlockTime(w.ctx.BlockTime().Add(2 * time.Second))
	w.beacon.height = w.ctx.BlockHeight()
	if err := w.keep.BeginBlock(w.ctx); err != nil {
		w.t.Fatalf("begin block %d: %v", w.ctx.BlockHeight(), err)
	}
	for _, f := range do {
		f()
	}
	if err := w.keep.EndBlock(w.ctx); err != nil {
		w.t.Fatalf("end block %d: %v", w.ctx.BlockHeight(), err)
	}
	if err := invariant.Check(w.ctx, w.keep.Invariants()...); err != nil {
		w.t.Fatalf("after block %d: %v", w.ctx.BlockHeight(), err)
	}
	w.holdsSupply()
}

// holdsSupply sees that coins only vanish where the tally says so.
func (w *world) holdsSupply() {
	w.t.Helper()
	tally := w.tally()
	supply, err := coin.Read(w.bank.GetSupply(w.ctx, coin.Denom).Amount)
	if err != nil || supply+tally.Burned != w.given {
		w.t.Fatalf("the supply is %d, %d were burned of %d: %v", supply, tally.Burned, w.given, err)
	}
}

func (w *world) blocks(n int) {
	w.t.Helper()
	for range n {
		w.block()
	}
}

// tx runs a message as a transaction: all of it, or nothing.
func tx[M, R any](w *world, do func(context.Context, *M) (*R, error), msg *M) (*R, error) {
	inner, write := w.ctx.CacheContext()
	r, err := do(inner, msg)
	if err == nil {
		write()
	}
	return r, err
}

// must runs a message that has to be accepted.
func must[M, R any](w *world, do func(context.Context, *M) (*R, error), msg *M) *R {
	w.t.Helper()
	r, err := tx(w, do, msg)
	if err != nil {
		w.t.Fatalf("block %d: %T: %v", w.ctx.BlockHeight(), msg, err)
	}
	return r
}

// refused runs a message that must not be accepted.
func refused[M, R any](w *world, want error, do func(context.Context, *M) (*R, error), msg *M) {
	w.t.Helper()
	if _, err := tx(w, do, msg); !isA(err, want) {
		w.t.Errorf("block %d: %T: got %v, want %v", w.ctx.BlockHeight(), msg, err, want)
	}
}

func (w *world) tally() work.Tally {
	w.t.Helper()
	t, err := w.keep.Tally(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return t
}

func (w *world) miner(name string) work.Miner {
	w.t.Helper()
	m, err := w.keep.Miner(w.ctx, address(name))
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

func (w *world) claim(key []byte) work.Claim {
	w.t.Helper()
	c, err := w.keep.Claim(w.ctx, key)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// executor is the key of a miner's name.
func executor(name string) ed25519.PrivateKey {
	h := blake3.Sum256([]byte("executor of " + name))
	return ed25519.NewKeyFromSeed(h[:])
}

// register makes a miner of a name, with hot key "hot NAME".
func (w *world) register(name string, bond uint64) {
	w.t.Helper()
	w.fund(name, bond)
	must(w, w.msgs.RegisterMiner, registration(name, bond))
}

func registration(name string, bond uint64) *work.MsgRegisterMiner {
	key := executor(name)
	return &work.MsgRegisterMiner{
		Owner: address(name), Hot: address("hot " + name), Executor: key.Public().(ed25519.PublicKey),
		Proof: ed25519.Sign(key, work.ExecutorMessage(chainID, address(name))), Bond: bond,
	}
}

// post offers a job of a client, who is given what it costs.
func (w *world) post(client string, job format.Job, fee, tip uint64) []byte {
	w.t.Helper()
	w.fund(client, fee+tip)
	return must(w, w.msgs.PostJob, &work.MsgPostJob{Client: address(client), Job: job.Encode(), MaxFee: fee, Tip: tip}).Id
}

// take claims a posted job.
func (w *world) take(miner string, job []byte) []byte {
	w.t.Helper()
	return must(w, w.msgs.Claim, &work.MsgClaim{Hot: address("hot " + miner), Takes: []work.Take{{Job: job}}}).Claims[0]
}

// models is a registry.
type models map[[32]byte]*format.Model

func (m models) Work(_ context.Context, id [32]byte) (*format.Model, error) {
	if r := m[id]; r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("model %v is not registered", model.Hash(id))
}

func (m models) Claimable(ctx context.Context, id [32]byte) error {
	_, err := m.Work(ctx, id)
	return err
}

func (m models) Broken(_ context.Context, id [32]byte) (bool, error) {
	_, marked := m[broken(id)]
	return marked, nil
}

// broken is where models notes that one is broken.
func broken(id [32]byte) [32]byte {
	id[31] ^= 0xff
	return id
}

// beacon has a value for a height so many blocks later.
type beacon struct {
	delay, height int64
	silent        bool
	awaited       []int64
}

func (b *beacon) Await(ctx context.Context, height int64) error {
	if own := sdk.UnwrapSDKContext(ctx).BlockHeight(); own != height {
		return fmt.Errorf("height %d was awaited in block %d", height, own)
	}
	if !slices.Contains(b.awaited, height) {
		b.awaited = append(b.awaited, height)
	}
	return nil
}

func (b *beacon) Value(_ context.Context, height int64) (value [32]byte, knownAt int64, known bool, err error) {
	if !slices.Contains(b.awaited, height) {
		return value, 0, false, fmt.Errorf("nothing awaits a value at height %d", height)
	}
	if b.silent || b.height < height+b.delay {
		return value, 0, false, nil
	}
	return blake3.Sum256([]byte(fmt.Sprint("value of ", height))), height + b.delay, true, nil
}

// power is four validators with equal power, unless it is changed.
type power struct {
	of       map[string]int64
	credited map[string]uint64 // in millions
	revoked  map[string]uint32
	punished map[string]uint32
}

func newPower() *power {
	p := &power{of: map[string]int64{}, credited: map[string]uint64{}, revoked: map[string]uint32{}, punished: map[string]uint32{}}
	for i := range 4 {
		p.of[validator(i)] = 1000
	}
	return p
}

func validator(i int) string { return address(fmt.Sprint("validator ", i)) }

func (p *power) Power(_ context.Context, operator string) (int64, error) { return p.of[operator], nil }

func (p *power) TotalPower(context.Context) (total int64, err error) {
	for _, n := range p.of {
		total += n
	}
	return total, nil
}

func (p *power) Credit(_ context.Context, owner string, _ int32, macs uint64) error {
	p.credited[owner] += macs / 1_000_000
	return nil
}

func (p *power) Revoke(_ context.Context, owner string, permille uint32) error {
	p.revoked[owner] += permille
	return nil
}

func (p *power) Punish(_ context.Context, operator string, permille uint32, _ string) (uint64, error) {
	p.punished[operator] += permille
	return 0, nil
}

// emission writes down what it would pay.
type emission struct {
	credited  map[string]uint64 // in millions
	judged    map[string]int
	forfeited map[string]uint32
}

func newEmission() *emission {
	return &emission{credited: map[string]uint64{}, judged: map[string]int{}, forfeited: map[string]uint32{}}
}

func (e *emission) Credit(_ context.Context, owner string, _ int32, macs uint64) error {
	e.credited[owner] += macs / 1_000_000
	return nil
}

func (e *emission) Judged(_ context.Context, operator string) error {
	e.judged[operator]++
	return nil
}

func (e *emission) Forfeit(_ context.Context, owner string, permille uint32) (uint64, error) {
	e.forfeited[owner] += permille
	return 0, nil
}

// commons has one project, whose jobs are proven by being in it.
type commons struct {
	jobs    [][]byte
	settled []string
}

func (c *commons) ProveJob(_ context.Context, project, index uint64, encoding []byte, _ [][]byte) error {
	if project != 1 || index >= uint64(len(c.jobs)) || !bytes.Equal(c.jobs[index], encoding) {
		return fmt.Errorf("project %d has no such job at %d", project, index)
	}
	return nil
}

func (c *commons) JobSettled(_ context.Context, project, index uint64, macs uint64, ok bool) error {
	c.settled = append(c.settled, fmt.Sprint(project, " ", index, " ", macs > 0, " ", ok))
	return nil
}

package power_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"cosmossdk.io/core/comet"
	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/crypto/keys/ed25519"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/chain/beacon/drand"
	"hearth/chain/coin/cointest"
	"hearth/chain/invariant"
	"hearth/chain/power"
	"hearth/chain/power/weight"
)

// world is a chain with nothing but power on it. CometBFT's part is played by
// the record of what it was told, with its rules.
type world struct {
	*cointest.World
	rapid.TB
	keeper  *power.Keeper
	module  power.AppModule
	ask     power.QueryServer
	message power.MsgServer
	params  power.Params
	height  int64
	told    map[string]int64 // by consensus address
}

func consKey(n int) *ed25519.PubKey {
	return &ed25519.PubKey{Key: ed25519.GenPrivKeyFromSecret(fmt.Appendf(nil, "validator %d", n)).PubKey().Bytes()}
}

func packed(t rapid.TB, n int) *codectypes.Any {
	a, err := codectypes.NewAnyWithValue(consKey(n))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// begin makes a chain of n validators, the first of them guardians.
func begin(t rapid.TB, n, guardians int, change func(*power.Params)) *world {
	w := &world{TB: t, World: cointest.New(t, map[string][]string{power.ModuleName: {authtypes.Burner}}), told: map[string]int64{}}
	w.params = power.FastParams()
	w.params.DayBlocks, w.params.GuardianSunset, w.params.DowntimeWindow = 10, 1_000_000, 200
	if change != nil {
		change(&w.params)
	}
	w.keeper = keeperOf(t, w.World)
	w.module = power.NewAppModule(w.keeper)
	w.ask, w.message = w.keeper.Queries(), w.keeper.Messages()
	g := power.GenesisState{Params: w.params}
	for i := range n {
		g.Validators = append(g.Validators, power.Validator{
			Operator: w.Account(t, byte(i+1)), PubKey: packed(t, i), Bond: w.params.MinBond, Guardian: i < guardians,
		})
	}
	slices.SortFunc(g.Validators, func(a, b power.Validator) int { return bytes.Compare([]byte(a.Operator), []byte(b.Operator)) })
	w.FundModule(t, power.ModuleName, uint64(n)*w.params.MinBond)
	updates, err := w.keeper.InitGenesis(w.Ctx, g)
	if err != nil {
		t.Fatal(err)
	}
	w.tell(updates)
	return w
}

func keeperOf(t rapid.TB, w *cointest.World) *power.Keeper {
	k, err := power.NewKeeper(w.Codec, w.Store(power.ModuleName), "governance", w.Addresses, authtypes.NewModuleAddress(power.ModuleName), w.Bank)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// tell applies updates as CometBFT does, which stops if it cannot.
func (w *world) tell(updates []abci.ValidatorUpdate) {
	w.Helper()
	seen := map[string]bool{}
	for _, u := range updates {
		key := string((&ed25519.PubKey{Key: u.PubKey.GetEd25519()}).Address())
		if seen[key] {
			w.Fatalf("height %d: a key is told of twice", w.height)
		}
		seen[key] = true
		if u.Power == 0 {
			if w.told[key] == 0 {
				w.Fatalf("height %d: a key is taken out that was not in", w.height)
			}
			delete(w.told, key)
			continue
		}
		w.told[key] = u.Power
	}
	if len(w.told) == 0 {
		w.Fatalf("height %d: nobody validates", w.height)
	}
}

// block runs one, in which all sign but those away. do is its transactions.
func (w *world) block(away []int, twice []int, do func(ctx sdk.Context)) {
	w.Helper()
	w.height++
	var votes []abci.VoteInfo
	for i := range 40 {
		p := w.told[string(consKey(i).Address())]
		if p == 0 {
			continue
		}
		flag := cmtproto.BlockIDFlagCommit
		if slices.Contains(away, i) {
			flag = cmtproto.BlockIDFlagAbsent
		}
		votes = append(votes, abci.VoteInfo{Validator: abci.Validator{Address: consKey(i).Address(), Power: p}, BlockIdFlag: flag})
	}
	w.Ctx = w.Ctx.WithBlockHeight(w.height).WithVoteInfos(votes).WithCometInfo(evidence(twice)).WithEventManager(sdk.NewEventManager())
	if err := w.module.BeginBlock(w.Ctx); err != nil {
		w.Fatal(err)
	}
	if do != nil {
		do(w.Ctx)
	}
	updates, err := w.module.EndBlock(w.Ctx)
	if err != nil {
		w.Fatal(err)
	}
	w.tell(updates)
	if err := invariant.Check(w.Ctx, w.keeper.Invariants()...); err != nil {
		w.Fatalf("height %d: %v", w.height, err)
	}
}

func (w *world) days(n int, do func(ctx sdk.Context)) {
	w.Helper()
	for range int64(n) * w.params.DayBlocks {
		w.block(nil, nil, do)
	}
}

func (w *world) status() *power.QueryStatusResponse {
	w.Helper()
	s, err := w.ask.Status(w.Ctx, &power.QueryStatusRequest{})
	if err != nil {
		w.Fatal(err)
	}
	return s
}

func (w *world) validator(n int) power.Validator {
	w.Helper()
	r, err := w.ask.Validator(w.Ctx, &power.QueryValidatorRequest{Operator: w.Account(w, byte(n+1))})
	if err != nil {
		w.Fatal(err)
	}
	return r.Validator
}

func (w *world) credit(ctx sdk.Context, miner byte, macs uint64) {
	w.Helper()
	if err := w.keeper.Credit(ctx, w.Account(w, miner), 1, macs); err != nil {
		w.Fatal(err)
	}
}

func (w *world) assign(miner byte, validator int) {
	w.Helper()
	if _, err := w.message.Assign(w.Ctx, &power.MsgAssign{Owner: w.Account(w, miner), Validator: w.Account(w, byte(validator+1))}); err != nil {
		w.Fatal(err)
	}
}

// evidence that some signed twice, as CometBFT hands it over.
type evidence []int

func (e evidence) GetEvidence() comet.EvidenceList { return e }
func (evidence) GetValidatorsHash() []byte         { return nil }
func (evidence) GetProposerAddress() []byte        { return nil }
func (evidence) GetLastCommit() comet.CommitInfo   { return nil }
func (e evidence) Len() int                        { return len(e) }
func (e evidence) Get(i int) comet.Evidence        { return misbehaviour(e[i]) }

type misbehaviour int

func (misbehaviour) Type() comet.MisbehaviorType  { return comet.DuplicateVote }
func (m misbehaviour) Validator() comet.Validator { return m }
func (misbehaviour) Height() int64                { return 1 }
func (misbehaviour) Time() time.Time              { return time.Time{} }
func (misbehaviour) TotalVotingPower() int64      { return weight.Total }
func (m misbehaviour) Address() []byte            { return consKey(int(m)).Address() }
func (misbehaviour) Power() int64                 { return 1 }

func TestAFirstSetIsSharedByThoseWithABond(t *testing.T) {
	w := begin(t, 4, 0, nil)
	for i := range 4 {
		if p := w.validator(i).Power; p != weight.Total/4 {
			t.Errorf("validator %d has %d", i, p)
		}
	}
	w = begin(t, 10, 4, nil)
	if a, b := w.validator(0).Power, w.validator(5).Power; a != 85_000_000+b {
		t.Errorf("a guardian has %d, another %d", a, b)
	}
}

func TestPowerFollowsWorkOnceItHasMatured(t *testing.T) {
	w := begin(t, 4, 0, func(p *power.Params) { p.FloorShare = 0 })
	w.block(nil, nil, nil)
	w.assign(101, 0)
	w.assign(102, 1)
	w.assign(103, 2)
	work := func(ctx sdk.Context) {
		w.credit(ctx, 101, 50e9)
		w.credit(ctx, 102, 10e9)
		w.credit(ctx, 103, 20e9)
		w.credit(ctx, 104, 900e9) // lends it to nobody
	}
	// Two days until the first work has matured.
	w.days(2, work)
	if p := w.validator(0).Power; p != weight.Total/4 || !w.status().State.Kept {
		t.Errorf("before anything has matured: %d, kept is %v", p, w.status().State.Kept)
	}
	w.days(1, work)
	if s := w.status(); s.State.Kept {
		t.Errorf("the set is kept: %s", s.State.Reason)
	}
	// Work is 50 : 10 : 20 : 0. With a cap of 30 % the first three are to have as
	// much, and what is over is the fourth's; a day moves a tenth.
	powers := func() []int64 {
		p := []int64{w.validator(0).Power, w.validator(1).Power, w.validator(2).Power, w.validator(3).Power}
		slices.Sort(p)
		return p
	}
	if got := powers(); !slices.Equal(got, []int64{150_000_000, 283_333_333, 283_333_333, 283_333_334}) {
		t.Errorf("the first day's churn makes it %v", got)
	}
	w.days(1, work)
	got := powers()
	if !slices.Equal(got, []int64{100_000_000, 300_000_000, 300_000_000, 300_000_000}) {
		t.Errorf("powers %v", got)
	}
	if sum := got[0] + got[1] + got[2] + got[3]; sum != weight.Total {
		t.Errorf("all power is %d", sum)
	}
	r, err := w.ask.Miner(w.Ctx, &power.QueryMinerRequest{Owner: w.Account(t, 101)})
	if err != nil || r.Miner.Counted < 350_000 || r.Miner.Counted > 500_000 {
		t.Errorf("of 500 × 10^9 MACs a day %d million count, %v", r.Miner.Counted, err)
	}
}

func TestWhoIsAbsentIsOutAtOnceAndMayComeBack(t *testing.T) {
	w := begin(t, 8, 0, nil)
	w.days(1, nil)
	before := w.validator(7)
	n := 0
	for ; w.validator(7).Power > 0; n++ {
		if n > 150 {
			t.Fatal("it is still in")
		}
		w.block([]int{7}, nil, nil)
	}
	if n != 101 { // more than half of the window of 200
		t.Errorf("out after %d blocks", n)
	}
	v := w.validator(7)
	if !v.Jailed || v.Bond != before.Bond-before.Bond/1000 || v.Lost != before.Power {
		t.Errorf("absent: %+v", v)
	}
	unjail := func() error {
		_, err := w.message.Unjail(w.Ctx, &power.MsgUnjail{Operator: v.Operator})
		return err
	}
	if err := unjail(); !errors.Is(err, power.ErrTooSoon) {
		t.Errorf("back at once: %v", err)
	}
	for range w.params.Jail {
		w.block(nil, nil, nil)
	}
	if _, err := w.message.Bond(w.Ctx, &power.MsgBond{Operator: v.Operator, Amount: 1}); err == nil {
		t.Error("a bond without coins")
	}
	w.Fund(t, v.Operator, 1)
	if _, err := w.message.Bond(w.Ctx, &power.MsgBond{Operator: v.Operator, Amount: 1}); err != nil {
		t.Error(err)
	}
	if err := unjail(); err != nil {
		t.Error(err)
	}
	w.days(3, nil) // nobody works: the set is kept, and it returns to what it had
	if got := w.validator(7).Power; got != before.Power {
		t.Errorf("back with %d of %d", got, before.Power)
	}
}

func TestWhoSignsTwiceIsOutForGood(t *testing.T) {
	w := begin(t, 4, 0, nil)
	w.days(1, nil)
	supply := w.Supply(t)
	w.block(nil, []int{2, 2}, nil)
	v := w.validator(2)
	if v.Power != 0 || !v.Tombstoned || v.Bond != 0 {
		t.Errorf("signed twice: %+v", v)
	}
	if burned := supply - w.Supply(t); burned != w.params.MinBond {
		t.Errorf("%d burned", burned)
	}
	w.Fund(t, v.Operator, 10*w.params.MinBond)
	if _, err := w.message.Unjail(w.Ctx, &power.MsgUnjail{Operator: v.Operator}); !errors.Is(err, power.ErrJailed) {
		t.Error(err)
	}
	if _, err := w.message.Bond(w.Ctx, &power.MsgBond{Operator: v.Operator, Amount: w.params.MinBond}); !errors.Is(err, power.ErrJailed) {
		t.Error(err)
	}
	ps, err := w.ask.Penalties(w.Ctx, &power.QueryPenaltiesRequest{})
	if err != nil || len(ps.Penalties) != 1 || ps.Penalties[0].Reason != "signed twice at height 1" || ps.Penalties[0].Amount != w.params.MinBond {
		t.Errorf("penalties %+v, %v", ps.Penalties, err)
	}
	// All at once: the breaker does not protect them, and one has to stay.
	w.block(nil, []int{0, 1, 3}, nil)
	if n := len(w.told); n != 1 {
		t.Errorf("%d validate", n)
	}
	w.days(3, nil)
}

func TestTheBreakerFreezesSlashing(t *testing.T) {
	w := begin(t, 10, 0, nil)
	w.days(1, nil)
	punish := func(n int) uint64 {
		burned, err := w.keeper.Punish(w.Ctx, w.Account(t, byte(n+1)), 10, "wrong verdict")
		if err != nil {
			t.Fatal(err)
		}
		return burned
	}
	for range 2 { // a tenth of power fails, once
		if punish(0) == 0 {
			t.Error("not punished")
		}
	}
	if punish(1) == 0 {
		t.Error("a second one is not punished")
	}
	if got := punish(2); got != 0 || !w.status().State.Breaker {
		t.Errorf("with three tenths of power failing %d are burned", got)
	}
	if burned, err := w.keeper.Punish(w.Ctx, w.Account(t, 77), 10, "left"); err != nil || burned != 0 {
		t.Errorf("of nobody %d are burned, %v", burned, err)
	}
	w.days(1, nil)
	if w.status().State.Breaker || punish(2) == 0 {
		t.Error("the next day is frozen, too")
	}
	// Absence that hits many takes nobody out.
	for range 150 {
		w.block([]int{3, 4, 5, 6, 7}, nil, nil)
	}
	if len(w.told) < 8 {
		t.Errorf("%d validate after an outage", len(w.told))
	}
}

func TestBondsComeBackAfterTheirTimeAndCanBeLostUntilThen(t *testing.T) {
	w := begin(t, 10, 0, nil)
	w.days(1, nil)
	who := w.validator(3).Operator
	unbond := func(n uint64) (*power.MsgUnbondResponse, error) {
		return w.message.Unbond(w.Ctx, &power.MsgUnbond{Operator: who, Amount: n})
	}
	for _, n := range []uint64{0, w.params.MinBond + 1, w.params.MinBond - 1} {
		if _, err := unbond(n); !errors.Is(err, power.ErrBond) {
			t.Errorf("unbond %d: %v", n, err)
		}
	}
	r, err := unbond(w.params.MinBond)
	if err != nil || r.Ends != w.height+21*w.params.DayBlocks {
		t.Fatal(r, err)
	}
	// It has a tenth of power, and leaves within a day's churn although nobody
	// works and the set is kept. Its bond is still liable.
	w.days(1, nil)
	if p := w.validator(3).Power; p != 0 {
		t.Errorf("without a bond it has %d", p)
	}
	if burned, err := w.keeper.Punish(w.Ctx, who, 100, "late"); err != nil || burned != w.params.MinBond/10 {
		t.Errorf("%d burned, %v", burned, err)
	}
	for w.height < r.Ends-1 {
		w.block(nil, nil, nil)
	}
	if got := w.Balance(t, who); got != 0 {
		t.Errorf("%d is paid too soon", got)
	}
	w.block(nil, nil, nil)
	if got := w.Balance(t, who); got != w.params.MinBond/10*9 {
		t.Errorf("%d is paid", got)
	}
	if _, err := w.ask.Validator(w.Ctx, &power.QueryValidatorRequest{Operator: who}); err == nil {
		t.Error("who left is still registered")
	}
}

func TestRegistering(t *testing.T) {
	w := begin(t, 4, 0, nil)
	w.block(nil, nil, nil)
	secret, err := drand.NewSecretKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	proof, err := secret.Possession()
	if err != nil {
		t.Fatal(err)
	}
	public := secret.Public()
	who := w.Account(t, 20)
	w.Fund(t, who, 10*w.params.MinBond)
	good := func() *power.MsgRegister {
		return &power.MsgRegister{Operator: who, PubKey: packed(t, 20), BeaconKey: public[:], BeaconProof: proof[:], Moniker: "a home", Bond: w.params.MinBond}
	}
	for _, tt := range []struct {
		name   string
		change func(*power.MsgRegister)
		want   error
	}{
		{"little bond", func(m *power.MsgRegister) { m.Bond-- }, power.ErrBond},
		{"another's key", func(m *power.MsgRegister) { m.PubKey = packed(t, 1) }, power.ErrRegistered},
		{"no key", func(m *power.MsgRegister) { m.PubKey = nil }, power.ErrKey},
		{"a short key", func(m *power.MsgRegister) {
			m.PubKey, _ = codectypes.NewAnyWithValue(&ed25519.PubKey{Key: make([]byte, 32)})
			m.BeaconKey = m.BeaconKey[:90]
		}, power.ErrKey},
		{"another's beacon key", func(m *power.MsgRegister) { m.BeaconProof = make([]byte, 48) }, power.ErrKey},
		{"an operator", func(m *power.MsgRegister) { m.Operator = w.Account(t, 1) }, power.ErrRegistered},
		{"a long name", func(m *power.MsgRegister) { m.Moniker = string(make([]byte, 65)) }, power.ErrKey},
		{"all is well", func(*power.MsgRegister) {}, nil},
		{"once more", func(*power.MsgRegister) {}, power.ErrRegistered},
	} {
		m := good()
		tt.change(m)
		if _, err := w.message.Register(w.Ctx, m); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if got := w.Balance(t, who); got != 9*w.params.MinBond {
		t.Errorf("%d are left", got)
	}
	if key, found, err := w.keeper.BeaconKey(w.Ctx, consKey(20).Address()); err != nil || !found || !bytes.Equal(key, public[:]) {
		t.Errorf("beacon key %x, %v, %v", key, found, err)
	}

	// It gets power with the work that is lent to it, and none of a network
	// without work.
	w.days(1, nil)
	if p := w.validator(19).Power; p != 0 {
		t.Errorf("%d without any work in the network", p)
	}
	w.assign(101, 19)
	w.days(6, func(ctx sdk.Context) { w.credit(ctx, 101, 1e12) })
	if p := w.validator(19).Power; p != 300_000_000 {
		t.Errorf("all work gives it %d", p)
	}

	// A new key takes its place in one block, and the old one is still liable.
	m := &power.MsgRotateKey{Operator: who, PubKey: packed(t, 21), BeaconKey: public[:], BeaconProof: proof[:]}
	w.block(nil, nil, func(ctx sdk.Context) {
		if _, err := w.message.RotateKey(ctx, m); err != nil {
			t.Error(err)
		}
	})
	if w.told[string(consKey(20).Address())] != 0 || w.told[string(consKey(21).Address())] != 300_000_000 {
		t.Error("the keys were not changed")
	}
	// It was chosen when it was known what a reveal would be mixed with, perhaps.
	if _, found, err := w.keeper.BeaconKey(w.Ctx, consKey(21).Address()); err != nil || found {
		t.Errorf("a key of this block may reveal: %v", err)
	}
	if _, found, err := w.keeper.BeaconKey(w.Ctx.WithBlockHeight(w.height+100), consKey(21).Address()); err != nil || !found {
		t.Errorf("a key of a hundred blocks ago may not reveal: %v", err)
	}
	m.PubKey = packed(t, 22)
	if _, err := w.message.RotateKey(w.Ctx, m); !errors.Is(err, power.ErrTooSoon) {
		t.Errorf("two keys in a day: %v", err)
	}
	if _, err := w.message.RotateKey(w.Ctx, &power.MsgRotateKey{Operator: w.Account(t, 1), PubKey: packed(t, 23), BeaconKey: public[:], BeaconProof: proof[:]}); !errors.Is(err, power.ErrTooSoon) {
		t.Errorf("a second validator's key in a day: %v", err)
	}
	w.block(nil, []int{20}, nil)
	if v := w.validator(19); !v.Tombstoned || v.Power != 0 {
		t.Errorf("signed twice with the old key: %+v", v)
	}
}

func TestGuardiansPartCanOnlyShrink(t *testing.T) {
	w := begin(t, 4, 1, nil)
	for _, tt := range []struct {
		name   string
		who    string
		change func(*power.Params)
		want   error
	}{
		{"not governance", w.Account(t, 1), func(*power.Params) {}, power.ErrAuthority},
		{"more", "governance", func(p *power.Params) { p.GuardianShare++ }, power.ErrParams},
		{"longer", "governance", func(p *power.Params) { p.GuardianSunset++ }, power.ErrParams},
		{"a trusting period beyond unbonding", "governance", func(p *power.Params) { p.TrustingDays = p.UnbondingDays }, power.ErrParams},
		{"no churn bound", "governance", func(p *power.Params) { p.Churn = 1000 }, power.ErrParams},
		{"less", "governance", func(p *power.Params) { p.GuardianShare, p.GuardianSunset = 100, 1000 }, nil},
	} {
		p := w.params
		tt.change(&p)
		if _, err := w.message.UpdateParams(w.Ctx, &power.MsgUpdateParams{Authority: tt.who, Params: p}); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// collateral is a world in which all have the same.
type collateral uint64

func (c collateral) Collateral(context.Context, string) (uint64, error) { return uint64(c), nil }
func (collateral) Released(context.Context, int64) (uint64, error)      { return 1_000_000, nil }

func TestWorkIsBackedByWhatCanBeLost(t *testing.T) {
	for _, tt := range []struct {
		coins    collateral
		permille uint64
	}{{0, 200}, {4_000_000, 600}, {8_000_001, 1000}} {
		w := begin(t, 4, 0, nil)
		w.keeper.SetCollateral(tt.coins)
		w.assign(101, 0)
		w.days(12, func(ctx sdk.Context) { w.credit(ctx, 101, 1e15) })
		r, err := w.ask.Miner(w.Ctx, &power.QueryMinerRequest{Owner: w.Account(t, 101)})
		if err != nil || r.Collateral != uint64(tt.coins) {
			t.Fatal(r, err)
		}
		// All work of the network is this miner's; it earns ten times a million
		// in the ten days that back it.
		want := r.Miner.Smoothed * tt.permille / 1000
		if got := r.Miner.Counted; got < want-want/100 || got > want+want/100 {
			t.Errorf("with %d coins %d of %d count", tt.coins, got, r.Miner.Smoothed)
		}
	}
}

func TestAStateGoesOnAfterExport(t *testing.T) {
	w := begin(t, 6, 2, nil)
	w.assign(101, 0)
	w.days(5, func(ctx sdk.Context) { w.credit(ctx, 101, 1e12); w.credit(ctx, 102, 1e12) })
	w.block([]int{1}, []int{4}, nil)
	g, err := w.keeper.ExportGenesis(w.Ctx)
	if err != nil {
		t.Fatal(err)
	}
	other := cointest.New(t, map[string][]string{power.ModuleName: {authtypes.Burner}})
	other.FundModule(t, power.ModuleName, w.Balance(t, w.Address(t, authtypes.NewModuleAddress(power.ModuleName))))
	k := keeperOf(t, other)
	updates, err := k.InitGenesis(other.Ctx, *g)
	if err != nil {
		t.Fatal(err)
	}
	if len(updates) != 5 {
		t.Errorf("%d validators begin", len(updates))
	}
	again, err := k.ExportGenesis(other.Ctx)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := w.Codec.MustMarshalJSON(g), other.Codec.MustMarshalJSON(again); !bytes.Equal(a, b) {
		t.Errorf("a state changes on its way:\n%s", cmp.Diff(string(a), string(b)))
	}
	g.Validators[0].Bond++
	if _, err := k.InitGenesis(other.Ctx, *g); err == nil {
		t.Error("a state with bonds that nobody holds is taken")
	}
}

func TestWhateverHappensTheSetStaysSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "validators")
		w := begin(t, n, rapid.IntRange(0, 3).Draw(t, "guardians"), func(p *power.Params) {
			p.DowntimeWindow, p.Jail, p.UnbondingDays, p.TrustingDays = 10, 5, 3, 1
		})
		for range rapid.IntRange(1, 80).Draw(t, "blocks") {
			var away, twice []int
			for i := range n {
				if rapid.IntRange(0, 3).Draw(t, "away") == 0 {
					away = append(away, i)
				}
				if rapid.IntRange(0, 100).Draw(t, "twice") == 0 {
					twice = append(twice, i)
				}
			}
			before := w.powers()
			w.block(away, twice, func(ctx sdk.Context) {
				who := rapid.IntRange(0, n-1).Draw(t, "who")
				operator := w.Account(w, byte(who+1))
				switch rapid.IntRange(0, 6).Draw(t, "what") {
				case 0:
					w.assign(byte(100+who), rapid.IntRange(0, n-1).Draw(t, "to"))
				case 1, 2, 3:
					w.credit(ctx, byte(100+who), rapid.Uint64().Draw(t, "macs"))
				case 4: // may be refused
					_, _ = w.message.Unjail(ctx, &power.MsgUnjail{Operator: operator})
				case 5:
					_, _ = w.message.Unbond(ctx, &power.MsgUnbond{Operator: operator, Amount: w.params.MinBond})
				case 6:
					if err := w.keeper.Revoke(ctx, w.Account(w, byte(100+who)), rapid.Uint32Range(0, 2000).Draw(t, "permille")); err != nil {
						t.Fatal(err)
					}
				}
			})
			// Only faults take more than the day's churn.
			up := int64(0)
			for operator, p := range w.powers() {
				up += max(p-before[operator], 0)
			}
			if sum := total(before); up > sum/10+1 {
				t.Fatalf("%d of %d moved in a block", up, sum)
			}
		}
	})
}

func (w *world) powers() map[string]int64 {
	shares, err := w.keeper.Powers(w.Ctx)
	if err != nil {
		w.Fatal(err)
	}
	m := map[string]int64{}
	for _, s := range shares {
		m[s.Operator] = s.Power
	}
	return m
}

func total(m map[string]int64) (sum int64) {
	for _, p := range m {
		sum += p
	}
	return sum
}

func TestParametersAreWithinTheirBounds(t *testing.T) {
	for name, p := range map[string]power.Params{"default": power.DefaultParams(), "fast": power.FastParams()} {
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsLentWithoutWorkIsForgotten(t *testing.T) {
	w := begin(t, 4, 0, nil) // work matures in two days
	w.block(nil, nil, nil)
	w.assign(101, 0)
	w.assign(102, 0)
	known := func(miner byte) bool {
		r, err := w.ask.Miner(w.Ctx, &power.QueryMinerRequest{Owner: w.Account(t, miner)})
		return err == nil && r.Miner.Validator == w.Account(t, 1)
	}
	days := int(w.params.MaturationDays)
	w.days(days-1, nil)
	if !known(101) || !known(102) {
		t.Error("forgotten before work could mature")
	}
	w.credit(w.Ctx, 102, 1e12)
	w.days(2, nil)
	if known(101) {
		t.Error("who lends nothing is visited for ever")
	}
	if !known(102) {
		t.Error("who works is forgotten")
	}
}

func TestADaysEndTakesManyMinersOverSomeBlocks(t *testing.T) {
	w := begin(t, 8, 0, func(p *power.Params) { p.MaturationDays, p.SmoothingDays, p.FloorShare = 1, 1, 0 })
	w.block(nil, nil, nil)
	const miners = 1200
	name := func(n int) string {
		b := make([]byte, 20)
		b[0], b[1], b[2] = byte(n), byte(n>>8), 1
		return w.Address(t, b)
	}
	for n := range miners { // an eighth each, so that each validator keeps its power
		m := &power.MsgAssign{Owner: name(n), Validator: w.Account(t, byte(n%8+1))}
		if _, err := w.message.Assign(w.Ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	credit := func(ctx sdk.Context) {
		for n := range miners {
			if err := w.keeper.Credit(ctx, name(n), 1, 1e9); err != nil {
				t.Fatal(err)
			}
		}
	}
	for w.status().State.Day < 2 {
		w.block(nil, nil, credit)
	}
	s := w.status().State
	if !s.Gathering || s.WorkToday != 0 {
		t.Fatalf("the day's end is over at once: %+v", s)
	}
	// What is credited while it is under way is the new day's, for those that
	// were taken already and for those that wait.
	blocks := 0
	for ; w.status().State.Gathering; blocks++ {
		w.block(nil, nil, credit)
	}
	s = w.status().State
	if blocks != 2 || s.WorkToday != uint64(blocks)*miners*1000 {
		t.Errorf("after %d more blocks %d are credited to the new day", blocks, s.WorkToday)
	}
	if want := s.ClosedWork; s.Average != want {
		t.Errorf("all averages are %d, credited were %d", s.Average, want)
	}
	for i := range 8 {
		if v := w.validator(i); v.Work == 0 || v.Work != w.validator(0).Work || v.Power != weight.Total/8 {
			t.Errorf("validator %d has work %d and a power of %d", i, v.Work, v.Power)
		}
	}
}

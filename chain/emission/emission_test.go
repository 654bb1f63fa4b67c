package emission_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/chain/coin/cointest"
	"hearth/chain/emission"
	"hearth/chain/emission/schedule"
	"hearth/chain/invariant"
)

// validators are those of the tests: operators by the first byte of their
// address, with powers.
type validators struct {
	names  map[byte]string
	powers map[string]int64
}

func (v validators) Operator(_ context.Context, address []byte) (string, bool, error) {
	name, found := v.names[address[0]]
	return name, found, nil
}

func (v validators) Power(_ context.Context, operator string) (int64, error) {
	return v.powers[operator], nil
}

type world struct {
	*cointest.World
	rapid.TB
	keeper *emission.Keeper
	module emission.AppModule
	ask    emission.QueryServer
	params emission.Params
	votes  []abci.VoteInfo
	height int64
}

const mega = 1_000_000 // MACs

func begin(t rapid.TB, change func(*emission.Params)) *world {
	w := &world{TB: t, World: cointest.New(t, map[string][]string{
		emission.ModuleName:    {authtypes.Minter, authtypes.Burner},
		emission.CommunityName: nil,
	})}
	w.params = emission.FastParams()
	w.params.EpochBlocks, w.params.FullMega = 5, 0
	if change != nil {
		change(&w.params)
	}
	w.keeper = w.keeperOf(w.World)
	w.module, w.ask = emission.NewAppModule(w.keeper), w.keeper.Queries()
	if err := w.keeper.InitGenesis(w.Ctx, emission.GenesisState{Params: w.params}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) keeperOf(of *cointest.World) *emission.Keeper {
	known := validators{map[byte]string{1: w.Account(w, 201), 2: w.Account(w, 202)}, map[string]int64{w.Account(w, 201): 300, w.Account(w, 202): 100}}
	k, err := emission.NewKeeper(of.Codec, of.Store(emission.ModuleName), "governance", of.Addresses,
		authtypes.NewModuleAddress(emission.ModuleName), of.Bank, known)
	if err != nil {
		w.Fatal(err)
	}
	return k
}

func (w *world) block(do func(ctx sdk.Context)) {
	w.Helper()
	w.height++
	w.Ctx = w.Ctx.WithBlockHeight(w.height).WithVoteInfos(w.votes)
	if err := w.module.BeginBlock(w.Ctx); err != nil {
		w.Fatal(err)
	}
	if do != nil {
		do(w.Ctx)
	}
	if err := w.module.EndBlock(w.Ctx); err != nil {
		w.Fatal(err)
	}
	if err := invariant.Check(w.Ctx, w.keeper.Invariants()...); err != nil {
		w.Fatalf("height %d: %v", w.height, err)
	}
}

// epochs runs so many, with do in the first block of each.
func (w *world) epochs(n int, do func(ctx sdk.Context)) {
	w.Helper()
	for range n {
		w.block(do)
		for range w.params.EpochBlocks - 1 {
			w.block(nil)
		}
	}
}

func (w *world) credit(miner byte, class int32, macs uint64) func(sdk.Context) {
	return func(ctx sdk.Context) {
		if err := w.keeper.Credit(ctx, w.Account(w, miner), class, macs); err != nil {
			w.Fatal(err)
		}
	}
}

func (w *world) earned(who byte) emission.QueryEarnedResponse {
	w.Helper()
	r, err := w.ask.Earned(w.Ctx, &emission.QueryEarnedRequest{Owner: w.Account(w, who)})
	if err != nil {
		w.Fatal(err)
	}
	return *r
}

func (w *world) epoch(n int) emission.Epoch {
	w.Helper()
	r, err := w.ask.Epochs(w.Ctx, &emission.QueryEpochsRequest{})
	if err != nil {
		w.Fatal(err)
	}
	return r.Epochs[n]
}

func TestDefaultsAreWithinTheirBounds(t *testing.T) {
	for name, p := range map[string]emission.Params{"default": emission.DefaultParams(), "fast": emission.FastParams()} {
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnEpochPaysWorkByMACsOfItsClass(t *testing.T) {
	w := begin(t, nil)
	w.epochs(1, func(ctx sdk.Context) {
		w.credit(1, 1, 300*mega)(ctx)
		w.credit(2, 1, 100*mega)(ctx)
		w.credit(2, 2, 7*mega)(ctx)
	})
	w.block(nil)
	// The first epoch releases 415,125,111 uhth: 65 % to paid work, 8 % to
	// audits; nobody did commons, and nobody signed.
	const work, audits, community = 269_831_322, 33_210_008, 20_756_255
	e := w.epoch(0)
	if e.Pot != 415_125_111 || e.Audits != audits || e.Community != community || e.Commons != 0 || e.Validators != 0 || !e.Settled {
		t.Errorf("epoch %+v", e)
	}
	one, two := w.earned(1).Earned, w.earned(2).Earned
	if got := one.PaidOut + one.Vesting; got != work*3/4 {
		t.Errorf("three quarters of paid work earn %d of %d", got, work)
	}
	if got := two.PaidOut + two.Vesting; got != work/4+audits {
		t.Errorf("a quarter and all audits earn %d", got)
	}
	if one.Vesting != work*3/4*8/10 {
		t.Errorf("of it %d vest and %d are paid", one.Vesting, one.PaidOut)
	}
	if got := w.Balance(t, w.Account(t, 1)); got != one.PaidOut {
		t.Errorf("%d are on the account", got)
	}
	if got, want := w.Supply(t), e.Work+e.Audits+e.Community; got != want {
		t.Errorf("the supply is %d, earned were %d", got, want)
	}
}

func TestWhatNobodyEarnsIsNeverMinted(t *testing.T) {
	w := begin(t, func(p *emission.Params) { p.CommunitySunset = 0 })
	w.epochs(10, nil)
	w.block(nil)
	s, err := w.ask.Status(w.Ctx, &emission.QueryStatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Supply != 0 || s.State.Minted != 0 || s.State.Unminted != s.State.Released || s.State.Epoch != 10 {
		t.Errorf("without work %+v, supply %d", s.State, s.Supply)
	}
	// And the next epoch is no larger for it.
	curve, err := schedule.NewCurve(w.params.HalfLifeEpochs)
	if err != nil {
		t.Fatal(err)
	}
	if want := curve.Epoch(curve.Over(0, 10)); s.Pot != want {
		t.Errorf("the pot is %d, want %d", s.Pot, want)
	}
}

func TestALoneJobDoesNotEarnAnHoursCoins(t *testing.T) {
	w := begin(t, func(p *emission.Params) { p.FullMega = 1000 })
	w.epochs(1, w.credit(1, 1, 10*mega))
	w.block(nil)
	if got := w.epoch(0).Work; got != 2_698_313 { // a hundredth of the pot
		t.Errorf("a hundredth of a full epoch's work earns %d", got)
	}
}

func TestValidatorsArePaidForSigningAndForVerdictsThatStood(t *testing.T) {
	w := begin(t, func(p *emission.Params) { p.CommunitySunset = 0 })
	vote := func(n byte, power int64, flag cmtproto.BlockIDFlag) abci.VoteInfo {
		return abci.VoteInfo{Validator: abci.Validator{Address: []byte{n}, Power: power}, BlockIdFlag: flag}
	}
	w.votes = []abci.VoteInfo{vote(1, 300, cmtproto.BlockIDFlagCommit), vote(2, 100, cmtproto.BlockIDFlagAbsent)}
	w.epochs(1, func(ctx sdk.Context) {
		for _, who := range []byte{201, 202, 77} { // the last is no validator
			if err := w.keeper.Judged(ctx, w.Account(t, who)); err != nil {
				t.Fatal(err)
			}
		}
	})
	w.block(nil)
	const pot = 29_058_757 // 7 % of the first epoch
	one, two := w.earned(201).Earned, w.earned(202).Earned
	// Half is for signing: three quarters of power signed all blocks, and nobody
	// gets the last quarter. Half is for verdicts, by power.
	if want := uint64(pot / 2 * 3 / 4); one.PaidOut < 2*want-2 || one.PaidOut > 2*want+2 {
		t.Errorf("who signed and judged gets %d of %d", one.PaidOut, pot)
	}
	if want := uint64(pot / 2 / 4); two.PaidOut < want-1 || two.PaidOut > want+1 {
		t.Errorf("who only judged gets %d of %d", two.PaidOut, pot)
	}
	if w.earned(77).Earned.PaidOut != 0 {
		t.Error("a verdict of nobody is paid")
	}
}

func TestEarningsVestAndCanBeLostUntilThen(t *testing.T) {
	w := begin(t, nil)
	w.epochs(1, w.credit(1, 1, 100*mega))
	w.block(nil)
	vesting := w.earned(1).Earned.Vesting
	if c, err := w.keeper.Collateral(w.Ctx, w.Account(t, 1)); err != nil || c != vesting || c == 0 {
		t.Errorf("collateral %d of %d, %v", c, vesting, err)
	}
	supply := w.Supply(t)
	lost, err := w.keeper.Forfeit(w.Ctx, w.Account(t, 1), 200)
	if err != nil || lost != vesting/5 {
		t.Errorf("%d of %d lost, %v", lost, vesting, err)
	}
	if got := supply - w.Supply(t); got != lost {
		t.Errorf("%d burned", got)
	}
	if lost, err := w.keeper.Forfeit(w.Ctx, w.Account(t, 2), 200); err != nil || lost != 0 {
		t.Errorf("who has nothing loses %d, %v", lost, err)
	}
	before := w.Balance(t, w.Account(t, 1))
	w.epochs(2, nil)
	if got := w.Balance(t, w.Account(t, 1)); got != before {
		t.Errorf("%d paid too soon", got-before)
	}
	w.epochs(2, nil)
	if got := w.Balance(t, w.Account(t, 1)) - before; got != vesting-vesting/5 {
		t.Errorf("%d paid after the vesting, of %d", got, vesting)
	}
	if e := w.earned(1); e.Earned.Vesting != 0 || len(e.Vestings) != 0 || e.Earned.Lost != vesting/5 {
		t.Errorf("in the end %+v", e)
	}
	// What vests by the day does not pile up.
	w.epochs(200, w.credit(1, 1, mega))
	if n := len(w.earned(1).Vestings); n > 32 {
		t.Errorf("%d vestings are open", n)
	}
}

func TestManyMinersArePaidOverManyBlocks(t *testing.T) {
	w := begin(t, func(p *emission.Params) { p.CommunitySunset = 0 })
	const miners = 250
	name := func(n int) string {
		b := make([]byte, 20)
		b[0], b[1] = byte(n), byte(n>>8)+1
		return w.Address(t, b)
	}
	credit := func(ctx sdk.Context) {
		for n := range miners {
			if err := w.keeper.Credit(ctx, name(n), 1, mega); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.epochs(1, credit)
	paid := func() (n int) {
		for i := range miners {
			if w.Balance(t, name(i)) > 0 {
				n++
			}
		}
		return n
	}
	if n := paid(); n != 100 {
		t.Errorf("%d are paid at once", n)
	}
	// What is credited meanwhile is the next epoch's.
	w.block(credit)
	w.block(nil)
	if n := paid(); n != miners {
		t.Errorf("%d are paid in the end", n)
	}
	if e := w.epoch(0); e.Work != 269_831_322/miners*miners || !e.Settled {
		t.Errorf("epoch %+v", e)
	}
}

// Shares that are changed while an epoch's miners are paid apply to those who
// are paid after that, and together they get no more than there is.
func TestSharesThatChangeWhileMinersArePaidPayNoMoreThanThePot(t *testing.T) {
	w := begin(t, nil)
	w.epochs(1, func(ctx sdk.Context) {
		for n := range 250 {
			for class := range int32(3) {
				if err := w.keeper.Credit(ctx, w.Address(t, append(make([]byte, 19), byte(n))), class+1, mega); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	p := w.params
	p.ShareWork, p.ShareValidators, p.ShareCommunity = p.ShareWork+p.ShareValidators+p.ShareCommunity, 0, 0
	w.block(func(ctx sdk.Context) { // and what was minted stays within what was released: invariants
		if _, err := w.keeper.Messages().UpdateParams(ctx, &emission.MsgUpdateParams{Authority: "governance", Params: p}); err != nil {
			t.Fatal(err)
		}
	})
	w.block(nil)
	e := w.epoch(0)
	if paid := e.Work + e.Audits + e.Commons + e.Community + e.Validators; !e.Settled || paid != e.Pot {
		t.Errorf("%d of %d are paid: %+v", paid, e.Pot, e)
	}
}

func TestOnlyGovernanceSpendsTheCommunitysCoinsAndNobodyHurriesTheRest(t *testing.T) {
	w := begin(t, nil)
	w.epochs(1, nil)
	spend := func(who string, amount uint64) error {
		_, err := w.keeper.Messages().SpendCommunity(w.Ctx, &emission.MsgSpendCommunity{Authority: who, To: w.Account(t, 9), Amount: amount})
		return err
	}
	if err := spend(w.Account(t, 9), 1); !errors.Is(err, emission.ErrAuthority) {
		t.Error(err)
	}
	if err := spend("governance", 0); !errors.Is(err, emission.ErrAmount) {
		t.Error(err)
	}
	if err := spend("governance", 20_756_256); err == nil {
		t.Error("more is spent than there is")
	}
	if err := spend("governance", 20_756_255); err != nil || w.Balance(t, w.Account(t, 9)) != 20_756_255 {
		t.Error(err)
	}
	for _, tt := range []struct {
		name   string
		who    string
		change func(*emission.Params)
		want   error
	}{
		{"not governance", w.Account(t, 9), func(*emission.Params) {}, emission.ErrAuthority},
		{"sooner", "governance", func(p *emission.Params) { p.HalfLifeEpochs-- }, emission.ErrParams},
		{"a later sunset", "governance", func(p *emission.Params) { p.CommunitySunset++ }, emission.ErrParams},
		{"more than all", "governance", func(p *emission.Params) { p.ShareWork = 700 }, emission.ErrParams},
		{"later", "governance", func(p *emission.Params) { p.HalfLifeEpochs++ }, nil},
	} {
		p := w.params
		tt.change(&p)
		if _, err := w.keeper.Messages().UpdateParams(w.Ctx, &emission.MsgUpdateParams{Authority: tt.who, Params: p}); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestAStateGoesOnAfterExport(t *testing.T) {
	w := begin(t, nil)
	w.epochs(3, func(ctx sdk.Context) { w.credit(1, 1, 5*mega)(ctx); w.credit(2, 3, 5*mega)(ctx) })
	w.block(w.credit(3, 2, mega))
	g, err := w.keeper.ExportGenesis(w.Ctx)
	if err != nil {
		t.Fatal(err)
	}
	other := cointest.New(t, map[string][]string{emission.ModuleName: {authtypes.Minter, authtypes.Burner}, emission.CommunityName: nil})
	var vests uint64
	for _, v := range g.Vestings {
		vests += v.Amount
	}
	k := w.keeperOf(other)
	if err := k.InitGenesis(other.Ctx, *g); err == nil {
		t.Error("a state is taken whose coins nobody holds")
	}
	other.FundModule(t, emission.ModuleName, vests)
	if err := k.InitGenesis(other.Ctx, *g); err != nil {
		t.Fatal(err)
	}
	again, err := k.ExportGenesis(other.Ctx)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := w.Codec.MustMarshalJSON(g), other.Codec.MustMarshalJSON(again); !bytes.Equal(a, b) {
		t.Errorf("a state changes on its way:\n%s", cmp.Diff(string(a), string(b)))
	}
}

func TestWhateverIsCreditedNothingIsMintedBeyondTheSchedule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := begin(t, func(p *emission.Params) {
			p.HalfLifeEpochs = rapid.Uint64Range(1, 50).Draw(t, "half-life") // all is out soon
			p.VestingEpochs = rapid.Uint64Range(0, 40).Draw(t, "vesting")
			p.FullMega = rapid.Uint64Range(0, 100).Draw(t, "full")
		})
		for range rapid.IntRange(1, 60).Draw(t, "blocks") {
			w.block(func(ctx sdk.Context) {
				for range rapid.IntRange(0, 3).Draw(t, "credits") {
					w.credit(rapid.Byte().Draw(t, "miner"), rapid.Int32Range(1, 3).Draw(t, "class"), rapid.Uint64().Draw(t, "macs"))(ctx)
				}
				if rapid.IntRange(0, 5).Draw(t, "fault") == 0 {
					if _, err := w.keeper.Forfeit(ctx, w.Account(w, rapid.Byte().Draw(t, "of")), rapid.Uint32Range(0, 2000).Draw(t, "permille")); err != nil {
						t.Fatal(err)
					}
				}
			})
			if s := w.Supply(w); s > schedule.Cap {
				t.Fatalf("there are %d uhth", s)
			}
		}
	})
}

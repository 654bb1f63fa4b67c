package app_test

import (
	"testing"

	"cosmossdk.io/log/v2"
	dbm "github.com/cosmos/cosmos-db"
	sdk "github.com/cosmos/cosmos-sdk/types"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"
	"github.com/google/go-cmp/cmp"

	"hearth/chain/app"
	"hearth/chain/coin"
	"hearth/chain/economy"
	"hearth/chain/emission"
	"hearth/chain/power"
	"hearth/chain/work"
	"hearth/chain/work/market"
)

// The parameters are justified by an economy that was played through: it must
// have been played with these.
func TestTheEconomyWasPlayedWithTheNetworksParameters(t *testing.T) {
	w, e, p := work.DefaultParams(), emission.DefaultParams(), power.DefaultParams()
	got := economy.Params{
		Fee:        market.Fee{Floor: w.BaseFeeFloor, Target: w.TargetMacs, Step: w.FeeChangePermille},
		Difficulty: market.Difficulty{Per100: w.TicketsPer_100Blocks, HalfLife: w.DifficultyHalfLife, Easiest: w.MinTicketMacs},
		Shares:     e.Shares(), Rules: p.Rules(),
		EpochBlocks: int(e.EpochBlocks), DayBlocks: int(p.DayBlocks), FullMega: e.FullMega,
		MinerBond: w.MinerBond, Deposit: w.ClaimDeposit, MaxOpenClaims: int(w.MaxOpenClaims), MaxOpenJobs: int(w.MaxOpenJobs),
		Window: int(w.Window), MaxTickets: int(w.MaxTicketsPerBlock), MaxTrials: int(w.MaxOpenTrials), VerdictPeriod: int(w.VerdictPeriod),
		Audit: uint64(w.AuditPermille), SlashTicket: uint64(w.SlashInvalidTicket), SlashReceipt: uint64(w.SlashWrongReceipt),
		SlashVerdict: uint64(w.SlashWrongVerdict), SlashLazy: uint64(w.SlashLazyVerdict), JobTTL: int(w.JobTtl),
	}
	if d := cmp.Diff(economy.Defaults(), got); d != "" {
		t.Errorf("docs/network-economics.md was made with other parameters (-there +here):\n%s", d)
	}
}

// The SDK's default deposit is in a coin that nobody has here.
func TestGovernanceTakesDepositsInTheChainsCoin(t *testing.T) {
	a, err := app.New(log.NewNopLogger(), dbm.NewMemDB(), app.Node{})
	if err != nil {
		t.Fatal(err)
	}
	state, err := a.DefaultGenesis()
	if err != nil {
		t.Fatal(err)
	}
	var gov govv1.GenesisState
	if err := a.Codec.UnmarshalJSON(state[govtypes.ModuleName], &gov); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]sdk.Coins{"a proposal": gov.Params.MinDeposit, "an expedited one": gov.Params.ExpeditedMinDeposit} {
		if n, err := coin.Amount(c); err != nil || n == 0 {
			t.Errorf("%s takes %s: %v", name, c, err)
		}
	}
	if err := a.ValidateGenesis(state); err != nil {
		t.Error(err)
	}
}

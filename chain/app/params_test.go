package app_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

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

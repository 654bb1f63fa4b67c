package economy

import (
	"hearth/chain/emission/schedule"
	"hearth/chain/power/weight"
	"hearth/chain/work/market"
)

// Params are the network's, as its modules start with them. Amounts are in
// uhth, times in blocks.
type Params struct {
	Fee        market.Fee
	Difficulty market.Difficulty
	Shares     schedule.Shares
	Rules      weight.Rules

	EpochBlocks   int
	DayBlocks     int
	FullMega      uint64
	MinerBond     uint64
	Deposit       uint64
	MaxOpenClaims int
	MaxOpenJobs   int
	Window        int
	MaxTickets    int // in a block
	MaxTrials     int // open
	VerdictPeriod int
	Audit         uint64 // permille of delivered jobs
	SlashTicket   uint64 // permille of a miner's bond, for an invalid ticket
	SlashReceipt  uint64 // permille of a miner's bond, for a wrong result
	SlashVerdict  uint64 // permille of a validator's bond, for a wrong verdict
	SlashLazy     uint64 // for one without the work
	JobTTL        int
}

// Defaults are those of the real network.
func Defaults() Params {
	const target = 2_000_000 * mega
	return Params{
		Fee:        market.Fee{Floor: 60, Target: target, Step: 125},
		Difficulty: market.Difficulty{Per100: 200, HalfLife: 1800, Easiest: market.LeastMACs},
		Shares:     schedule.Default(), Rules: weight.Default(),
		EpochBlocks: 1800, DayBlocks: 43_200, FullMega: target / mega * 1800,
		MinerBond: 100 * schedule.Coin, Deposit: schedule.Coin, MaxOpenClaims: 32, MaxOpenJobs: 20_000,
		Window: 300, MaxTickets: 128, MaxTrials: 1024, VerdictPeriod: 300,
		Audit: 30, SlashTicket: 250, SlashReceipt: 500, SlashVerdict: 50, SlashLazy: 20, JobTTL: 43_200,
	}
}

const (
	// mega is the unit of credits.
	mega = 1_000_000
	// core is what one core does in a block of two seconds: 69·10^9 MACs a second.
	core = 1 << 37
	// smallest and largest bound what a job costs.
	smallest, largest = 1 << 36, 1 << 38
)

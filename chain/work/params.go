package work

import (
	"fmt"

	"hearth/chain/work/market"
	format "hearth/work"
)

const (
	// day is a day of the real network, in blocks of two seconds.
	day = 43_200
	// perBlock bounds what a block does of each kind beside its transactions:
	// openings of windows, ends of claims, trials, draws, and what is forgotten.
	perBlock = 128
	// maxAttempts is how often an audit or an assignment is handed to another
	// miner before it is given up.
	maxAttempts = 8
	// maxReceipt is the length of the longest receipt of a claim: a job and a
	// vector or an answer of 4,096 numbers fit.
	maxReceipt = 128 << 10
	// maxProof bounds the proof of a commons job.
	maxProof = 64
	// mostWait bounds the parameter BeaconWait: so many heights are looked at in
	// every block while the beacon is silent.
	mostWait = 1000
)

// DefaultParams are those of the real network.
func DefaultParams() Params {
	return Params{
		BaseFeeFloor:      60,
		TargetMacs:        2_000_000_000_000,
		FeeChangePermille: 125,
		MaxOpenJobs:       20_000,
		JobTtl:            day,

		MinerBond:      100_000_000,
		ClaimDeposit:   1_000_000,
		MaxOpenClaims:  32,
		MaxClaimsPerTx: 16,
		BeaconWait:     300,
		Window:         300,

		TicketsPer_100Blocks: 200,
		DifficultyHalfLife:   1800,
		MinTicketMacs:        format.MaxTileWork,
		MaxTicketsPerTx:      32,
		MaxTicketsPerBlock:   128,
		MaxTicketsPerClaim:   128,
		GasPerTicket:         100_000,

		VerdictPeriod: 300,
		RevealPeriod:  60,
		MaxOpenTrials: 1024,

		AuditPermille: 30,
		AssignmentTtl: 300,

		SlashInvalidTicket: 250,
		SlashWrongReceipt:  500,
		SlashWrongVerdict:  50,
		SlashLazyVerdict:   20,
		Unbonding:          7 * day,

		Keep:   3 * day,
		MaxTip: 1_000_000_000_000,
	}
}

// FastParams are those of networks that live for minutes: tests and devnets.
func FastParams() Params {
	p := DefaultParams()
	p.BaseFeeFloor, p.TargetMacs, p.JobTtl = 10, 20_000_000_000, 600
	p.MinerBond, p.ClaimDeposit = 10_000_000, 100_000
	p.BeaconWait, p.Window = 60, 20
	p.TicketsPer_100Blocks, p.DifficultyHalfLife = 400, 60
	p.VerdictPeriod, p.RevealPeriod = 15, 10
	p.AuditPermille, p.AssignmentTtl = 200, 20
	p.Unbonding, p.Keep = 400, 300
	return p
}

func (p Params) fee() market.Fee {
	return market.Fee{Floor: p.BaseFeeFloor, Target: p.TargetMacs, Step: p.FeeChangePermille}
}

func (p Params) difficulty() market.Difficulty {
	return market.Difficulty{Per100: p.TicketsPer_100Blocks, HalfLife: p.DifficultyHalfLife, Easiest: p.MinTicketMacs}
}

// Validate tells what is wrong with parameters.
func (p Params) Validate() error {
	if err := p.fee().Check(); err != nil {
		return ErrParams.Wrap(err.Error())
	}
	if err := p.difficulty().Check(); err != nil {
		return ErrParams.Wrap(err.Error())
	}
	for _, c := range [...]struct {
		name             string
		got, least, most uint64
	}{
		{"max_open_jobs", uint64(p.MaxOpenJobs), 1, 1_000_000},
		{"job_ttl", uint64(p.JobTtl), 1, 10_000_000},
		{"miner_bond", p.MinerBond, 1, 1_000_000_000_000_000},
		{"claim_deposit", p.ClaimDeposit, 1, p.MinerBond},
		{"max_open_claims", uint64(p.MaxOpenClaims), 1, 1024},
		{"max_claims_per_tx", uint64(p.MaxClaimsPerTx), 1, 64},
		{"beacon_wait", uint64(p.BeaconWait), 1, mostWait},
		{"window", uint64(p.Window), 1, 1_000_000},
		{"max_tickets_per_tx", uint64(p.MaxTicketsPerTx), 1, 256},
		{"max_tickets_per_block", uint64(p.MaxTicketsPerBlock), 1, 4096},
		{"max_tickets_per_claim", uint64(p.MaxTicketsPerClaim), 1, 1024},
		{"gas_per_ticket", p.GasPerTicket, 0, 1_000_000_000},
		{"verdict_period", uint64(p.VerdictPeriod), 1, 1_000_000},
		{"reveal_period", uint64(p.RevealPeriod), 1, 1_000_000},
		{"max_open_trials", uint64(p.MaxOpenTrials), 1, 100_000},
		{"audit_permille", uint64(p.AuditPermille), 0, 1000},
		{"assignment_ttl", uint64(p.AssignmentTtl), 1, 1_000_000},
		{"slash_invalid_ticket", uint64(p.SlashInvalidTicket), 0, 1000},
		{"slash_wrong_receipt", uint64(p.SlashWrongReceipt), 0, 1000},
		{"slash_wrong_verdict", uint64(p.SlashWrongVerdict), 0, 1000},
		{"slash_lazy_verdict", uint64(p.SlashLazyVerdict), 0, 1000},
		{"unbonding", uint64(p.Unbonding), 1, 100_000_000},
		{"keep", uint64(p.Keep), 1, 100_000_000},
		{"max_tip", p.MaxTip, 0, 1_000_000_000_000_000},
	} {
		if c.got < c.least || c.got > c.most { // what is below zero is far above the most
			return ErrParams.Wrapf("%s is %d: want %d to %d", c.name, c.got, c.least, c.most)
		}
	}
	// Whoever can still be punished must still have a bond.
	if least := p.Window + p.VerdictPeriod + p.RevealPeriod + p.AssignmentTtl; p.Unbonding < least || p.Keep < p.Window {
		return ErrParams.Wrap(fmt.Sprintf("unbonding takes %d blocks, and a claim and its audit up to %d; settled work is kept for %d, and a window is %d",
			p.Unbonding, least, p.Keep, p.Window))
	}
	return nil
}

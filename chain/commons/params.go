package commons

import (
	"hearth/chain/coin"
	"hearth/chain/commons/tree"
)

const (
	day  = 43_200 // blocks of 2 s
	unit = coin.Unit
)

// DefaultParams are those of the real network, of blocks of 2 s.
func DefaultParams() Params {
	return Params{
		Bond:             1_000 * unit,
		ChallengeBond:    250 * unit,
		ChallengePeriod:  7 * day,
		VotePeriod:       3 * day,
		MaxJobs:          1_000_000,
		ProjectCap:       200,
		DrawBlocks:       15,
		JobsPerDraw:      64,
		MaxAttempts:      5,
		GreylistFailures: 250,
		ArtefactPeriod:   30 * day,
		Quorum:           334,
		GreylistJobs:     40,
		MaxProjects:      256,
	}
}

// FastParams are those of test networks, whose projects live for minutes.
func FastParams() Params {
	p := DefaultParams()
	p.Bond, p.ChallengeBond = 10*unit, 5*unit
	p.ChallengePeriod, p.VotePeriod, p.ArtefactPeriod = 20, 20, 60
	p.ProjectCap, p.DrawBlocks, p.JobsPerDraw = 1000, 2, 8
	p.GreylistJobs = 8
	return p
}

// Validate tells whether a chain can run with parameters. Its error wraps
// [ErrParams].
func (p Params) Validate() error {
	for _, c := range []struct {
		what        string
		value       uint64
		least, most uint64
	}{
		{"bond", p.Bond, 1, 1 << 60},
		{"challenge_bond", p.ChallengeBond, 1, 1 << 60},
		{"challenge_period", uint64(p.ChallengePeriod), 1, 1 << 32},
		{"vote_period", uint64(p.VotePeriod), 1, 1 << 32},
		{"max_jobs", p.MaxJobs, 1, tree.MaxJobs},
		{"project_cap", uint64(p.ProjectCap), 1, 1000},
		{"draw_blocks", uint64(p.DrawBlocks), 1, 1 << 20},
		{"jobs_per_draw", uint64(p.JobsPerDraw), 1, 1 << 10},
		{"max_attempts", uint64(p.MaxAttempts), 1, 100},
		{"greylist_failures", uint64(p.GreylistFailures), 1, 1000},
		{"artefact_period", uint64(p.ArtefactPeriod), 1, 1 << 32},
		{"quorum", uint64(p.Quorum), 0, 1000},
		{"greylist_jobs", uint64(p.GreylistJobs), 1, 1 << 24},
		{"max_projects", uint64(p.MaxProjects), 1, 1 << 12},
	} {
		if c.value < c.least || c.value > c.most {
			return ErrParams.Wrapf("%s is %d: it may be %d to %d", c.what, int64(c.value), c.least, c.most)
		}
	}
	return nil
}

package simulation

import (
	"slices"
	"time"

	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"

	"hearth/chain/beacon"
	"hearth/chain/coin"
	"hearth/chain/commons"
	"hearth/chain/emission"
	"hearth/chain/model"
	"hearth/chain/power"
	"hearth/chain/stage"
	"hearth/chain/work"
	manifest "hearth/infer/model"
)

// genesis is of a network that some operators found.
func (w *world) genesis(f *manifest.Manifest, founders []*operator) ([]byte, error) {
	g, err := stage.NewWriter()
	if err != nil {
		return nil, err
	}
	g.People(w.everybody())
	var operators []*stage.Operator
	var names []string
	for _, o := range founders {
		operators = append(operators, o.Operator)
		names = append(names, o.Address)
	}
	var miners []*stage.Miner
	for _, m := range w.miners {
		miners = append(miners, m.Miner)
	}
	g.Found(operators, miners)
	slices.Sort(names)
	w.modules(g, f, names)
	return g.Finish()
}

// modules get times that a short simulation gets to the end of.
func (w *world) modules(g *stage.Writer, f *manifest.Manifest, validators []string) {
	stage.Edit(g, power.ModuleName, func(s *power.GenesisState) error {
		s.Params = power.FastParams()
		s.Params.DayBlocks, s.Params.DowntimeWindow, s.Params.Jail = 10, 12, 5
		s.Params.TrustingDays, s.Params.UnbondingDays = 1, 2
		return nil
	})
	stage.Edit(g, beacon.ModuleName, func(s *beacon.GenesisState) error {
		s.Params = beacon.LocalParams(w.rounds)
		s.Params.StaleAfter, s.Params.StaleBlocks, s.Params.FallbackDelay = 6, 3, 2
		return nil
	})
	stage.Edit(g, model.ModuleName, func(s *model.GenesisState) error {
		s.Params = model.FastParams()
		b, err := f.Encode()
		if err != nil {
			return err
		}
		_, err = s.Founded(b, "tiny", "Apache-2.0", []string{"https://example.org/tiny"}, validators)
		return err
	})
	stage.Edit(g, work.ModuleName, func(s *work.GenesisState) error {
		s.Params = work.FastParams()
		p := &s.Params
		p.JobTtl, p.BeaconWait, p.Window = 30, 12, 6
		p.VerdictPeriod, p.RevealPeriod, p.AssignmentTtl = 4, 3, 5
		p.AuditPermille, p.MaxOpenClaims, p.Unbonding, p.Keep = 400, 6, 20, 12
		return nil
	})
	stage.Edit(g, emission.ModuleName, func(s *emission.GenesisState) error {
		s.Params = emission.FastParams()
		s.Params.EpochBlocks = 5
		return nil
	})
	stage.Edit(g, commons.ModuleName, func(s *commons.GenesisState) error {
		s.Params = commons.FastParams()
		p := &s.Params
		p.ChallengePeriod, p.VotePeriod, p.ArtefactPeriod, p.GreylistJobs, p.MaxAttempts = 3, 3, 8, 4, 2
		return nil
	})
	stage.Edit(g, govtypes.ModuleName, func(s *govv1.GenesisState) error {
		voting, expedited, deposit := 5*time.Second, 3*time.Second, 5*time.Second
		s.Params.VotingPeriod, s.Params.ExpeditedVotingPeriod, s.Params.MaxDepositPeriod = &voting, &expedited, &deposit
		s.Params.MinDeposit, s.Params.ExpeditedMinDeposit = coin.Of(1_000_000), coin.Of(2_000_000)
		return nil
	})
}

package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"

	"hearth/chain/beacon"
	"hearth/chain/coin"
	"hearth/chain/commons"
	"hearth/chain/emission"
	"hearth/chain/model"
	"hearth/chain/power"
	"hearth/chain/work"
)

// govern is what becomes of rules: somebody proposes a change, validators vote.
func (w *world) govern() error {
	ctx := context.Background()
	res, err := govv1.NewQueryClient(w.chain.Asked()).Proposals(ctx, &govv1.QueryProposalsRequest{
		ProposalStatus: govv1.StatusVotingPeriod, Pagination: &query.PageRequest{Limit: 20},
	})
	if err != nil {
		return fmt.Errorf("ask for proposals: %w", err)
	}
	for _, p := range res.Proposals {
		for _, o := range w.operators {
			if o.power == 0 || !w.chance(400) {
				continue
			}
			option := govv1.OptionYes
			if w.chance(150) {
				option = govv1.VoteOption(1 + w.r.IntN(4))
			}
			if err := w.send(o.Person, &govv1.MsgVote{ProposalId: p.Id, Voter: o.Address, Option: option}); err != nil {
				return err
			}
		}
	}
	if len(res.Proposals) > 2 || !w.chance(60) {
		return nil
	}
	m, err := w.change()
	if err != nil {
		return err
	}
	who := one(w, w.clients)
	p, err := govv1.NewMsgSubmitProposal([]sdk.Msg{m}, coin.Of(1_000_000), who.Address, "", "Change", "Why not", false)
	if err != nil {
		return err
	}
	return w.send(who, p)
}

// change is a message of governance.
func (w *world) change() (sdk.Msg, error) {
	ctx, a := w.chain.Ctx(), w.chain.Nodes[0]
	authority := authtypes.NewModuleAddress(govtypes.ModuleName).String()
	switch w.r.IntN(7) {
	case 0:
		p, err := a.Work.Params(ctx)
		changeWork(w.r, &p)
		return &work.MsgUpdateParams{Authority: authority, Params: p}, err
	case 1:
		p, err := a.Commons.Params(ctx)
		p.DrawBlocks, p.JobsPerDraw, p.ProjectCap = 1+w.r.Uint32N(4), 1+w.r.Uint32N(10), 1+w.r.Uint32N(1000)
		p.MaxAttempts, p.GreylistFailures = 1+w.r.Uint32N(4), 1+w.r.Uint32N(1000)
		return &commons.MsgUpdateParams{Authority: authority, Params: p}, err
	case 2:
		res, err := power.NewQueryClient(w.chain.Asked()).Status(ctx, &power.QueryStatusRequest{})
		if err != nil {
			return nil, err
		}
		p := res.Params
		p.Churn, p.Cap, p.MaxValidators = 50+w.r.Uint32N(200), 200+w.r.Uint32N(200), 4+w.r.Uint32N(8)
		p.DowntimeWindow, p.Jail = 10+w.r.Int64N(10), 1+w.r.Int64N(10)
		return &power.MsgUpdateParams{Authority: authority, Params: p}, nil
	case 3:
		res, err := emission.NewQueryClient(w.chain.Asked()).Status(ctx, &emission.QueryStatusRequest{})
		if err != nil {
			return nil, err
		}
		p := res.Params
		p.EpochBlocks, p.VestingEpochs, p.VestingShare = 5+w.r.Int64N(5), 1+w.r.Uint64N(5), w.r.Uint32N(1001)
		return &emission.MsgUpdateParams{Authority: authority, Params: p}, nil
	case 4:
		p, err := a.Beacon.Params(ctx)
		p.Margin, p.StaleAfter, p.MaxRounds = 1+w.r.Uint32N(5), 4+w.r.Uint32N(10), 8+w.r.Uint32N(60)
		return &beacon.MsgUpdateParams{Authority: authority, Params: p}, err
	case 5:
		id := w.model.ID()
		return &model.MsgSuspend{Authority: authority, Model: id[:], Suspend: w.chance(400), Reason: "why not"}, nil
	default:
		return &commons.MsgPause{Authority: authority, Project: 1 + w.r.Uint64N(4), Pause: w.chance(500), Reason: "why not"}, nil
	}
}

// changeWork changes some of work's parameters, not always to what may be.
func changeWork(r *rand.Rand, p *work.Params) {
	switch r.IntN(6) {
	case 0:
		p.MaxOpenClaims, p.MaxOpenJobs = 1+r.Uint32N(8), 1+r.Uint32N(50)
	case 1:
		p.Window, p.VerdictPeriod, p.RevealPeriod = 2+r.Int64N(8), 1+r.Int64N(6), 1+r.Int64N(4)
	case 2:
		p.AuditPermille, p.AssignmentTtl = r.Uint32N(1001), 1+r.Int64N(6)
	case 3:
		p.SlashInvalidTicket, p.SlashWrongReceipt = r.Uint32N(1001), r.Uint32N(1001)
		p.SlashWrongVerdict, p.SlashLazyVerdict = r.Uint32N(200), r.Uint32N(200)
	case 4:
		p.MaxTicketsPerBlock, p.MaxTicketsPerClaim, p.MaxOpenTrials = 1+r.Uint32N(20), 1+r.Uint32N(20), 1+r.Uint32N(20)
	case 5:
		p.ClaimDeposit, p.MinerBond, p.Keep = r.Uint64N(5e6), r.Uint64N(20e6), r.Int64N(20)
	}
}

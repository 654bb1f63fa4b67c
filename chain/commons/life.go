package commons

import (
	"context"
	"fmt"
	"math/bits"

	"cosmossdk.io/collections"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/commons/tree"
)

const (
	// turns bounds the projects whose time has come that one block deals with;
	// what is left follows in the next.
	turns = 16
	// beginnings bounds the orders that one block looks for a beacon for.
	beginnings = 32
)

func join(project, index uint64) pair { return collections.Join(project, index) }

// EndBlock does what a block's height brings: orders whose beacon has come,
// projects whose time has, and the draw.
func (k *Keeper) EndBlock(ctx context.Context) error {
	params, err := k.store.params.Get(ctx)
	if err != nil {
		return fmt.Errorf("read the parameters of commons: %w", err)
	}
	height := sdk.UnwrapSDKContext(ctx).BlockHeight()
	if err := k.shuffle(ctx, height); err != nil {
		return fmt.Errorf("shuffle the jobs of projects: %w", err)
	}
	if err := k.turn(ctx, params, height); err != nil {
		return err
	}
	if height%int64(params.DrawBlocks) != 0 {
		return nil
	}
	return k.draw(ctx, params)
}

// shuffle keys orders by the beacon: it asks for a value in the block in which
// a project begins and takes it when it is known.
func (k *Keeper) shuffle(ctx context.Context, height int64) error {
	ids, err := keys(ctx, k.store.keyless, nil, beginnings)
	if err != nil {
		return err
	}
	for _, id := range ids {
		o, err := k.store.orders.Get(ctx, id)
		if err != nil {
			return fmt.Errorf("project %d has no order: %w", id, err)
		}
		var value [32]byte
		var there bool
		if o.Awaits > 0 {
			// A value that was forgotten is as good as none: another is asked for.
			value, _, there, err = k.Beacon.Value(ctx, o.Awaits)
		}
		switch {
		case there:
			key := tree.OrderKey(value, id)
			o.Key = key[:]
		case o.Awaits == 0 || err != nil:
			if err := k.Beacon.Await(ctx, height); err != nil {
				return fmt.Errorf("wait for a beacon in block %d: %w", height, err)
			}
			o.Awaits = height
		default:
			continue
		}
		if err := k.store.putOrder(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// turn deals with projects whose time has come.
func (k *Keeper) turn(ctx context.Context, params Params, height int64) error {
	until := new(collections.Range[pair]).EndExclusive(join(uint64(height)+1, 0))
	due, err := keys(ctx, k.store.due, until, turns)
	if err != nil {
		return fmt.Errorf("find the projects whose time has come: %w", err)
	}
	for _, at := range due {
		p, err := k.store.project(ctx, at.K2())
		if err != nil {
			return err
		}
		switch p.Status {
		case STATUS_PROPOSED:
			err = k.begin(ctx, &p, "nobody challenged it")
		case STATUS_CHALLENGED:
			err = k.decide(ctx, params, &p)
		case STATUS_PAUSED, STATUS_COMPLETE:
			err = k.close(ctx, params, &p)
		default:
			p.Decides = 0
		}
		if err == nil {
			err = k.store.put(ctx, p)
		}
		if err != nil {
			return fmt.Errorf("project %d at its time: %w", p.Id, err)
		}
		tell(ctx, &p)
	}
	return nil
}

// begin lets a project work.
func (k *Keeper) begin(ctx context.Context, p *Project, why string) error {
	p.Status, p.Decides, p.Reason = STATUS_ACTIVE, 0, why
	return k.store.putOrder(ctx, Order{Project: p.Id})
}

// decide ends a challenge by the power of those who voted.
func (k *Keeper) decide(ctx context.Context, params Params, p *Project) error {
	c, err := k.store.challenges.Get(ctx, p.Id)
	if err != nil {
		return fmt.Errorf("read its challenge: %w", err)
	}
	votes, err := k.store.votesOn(ctx, p.Id)
	if err != nil {
		return err
	}
	total, err := k.Powers.TotalPower(ctx)
	if err != nil {
		return err
	}
	for _, v := range votes {
		power, err := k.Powers.Power(ctx, v.Validator)
		if err != nil {
			return err
		}
		if v.Uphold {
			p.Upheld += uint64(max(0, power))
		} else {
			p.Opposed += uint64(max(0, power))
		}
		if err := k.store.votes.Remove(ctx, collections.Join(p.Id, v.Validator)); err != nil {
			return err
		}
	}
	if err := k.store.challenges.Remove(ctx, p.Id); err != nil {
		return err
	}
	switch spoken := reaches(p.Upheld+p.Opposed, uint64(max(0, total)), params.Quorum); {
	case !spoken:
		if err := k.pay(ctx, c.Challenger, c.Bond); err != nil {
			return err
		}
		return k.begin(ctx, p, "challenged, and too few voted to decide it")
	case p.Opposed > p.Upheld:
		err := k.pay(ctx, c.Challenger, c.Bond)
		if err == nil {
			err = k.burn(ctx, p.Bond)
		}
		p.Bond, p.Decides, p.Status, p.Reason = 0, 0, STATUS_REJECTED, "challenged and rejected: "+c.Reason
		return err
	default:
		if err := k.burn(ctx, c.Bond); err != nil {
			return err
		}
		return k.begin(ctx, p, "challenged and upheld")
	}
}

// reaches tells whether a part of a whole is at least a share in permille.
func reaches(part, whole uint64, permille uint32) bool {
	ah, al := bits.Mul64(part, 1000)
	bh, bl := bits.Mul64(whole, uint64(permille))
	return ah > bh || ah == bh && al >= bl
}

// greylist pauses a project too many of whose jobs failed.
func greylist(ctx context.Context, params Params, p *Project) {
	settled := p.Done + p.Failed
	if p.Status != STATUS_ACTIVE || settled < uint64(params.GreylistJobs) || !reaches(p.Failed, settled, params.GreylistFailures) {
		return
	}
	pause(ctx, params, p, fmt.Sprintf("%d of its first %d jobs failed", p.Failed, settled))
}

// pause stops a project. It is closed if nobody lets it go on in the time that
// one that is complete has for its artefacts.
func pause(ctx context.Context, params Params, p *Project, why string) {
	p.Status, p.Reason = STATUS_PAUSED, why
	p.Decides = sdk.UnwrapSDKContext(ctx).BlockHeight() + params.ArtefactPeriod
	tell(ctx, p)
}

// room is how many multiply-accumulates of the budget are neither spent nor set
// aside for jobs that miners have.
func (p *Project) room() uint64 {
	used := p.Spent + p.Assigned*p.JobMacs
	if used > p.Budget {
		return 0
	}
	return p.Budget - used
}

// complete ends a project's work if all its jobs are settled or its budget is
// used.
func (k *Keeper) complete(ctx context.Context, params Params, p *Project) error {
	if p.Status != STATUS_ACTIVE && p.Status != STATUS_PAUSED || p.Assigned > 0 {
		return nil
	}
	all := p.Done+p.Failed == p.Jobs
	if !all && p.room() >= p.JobMacs {
		return nil
	}
	if err := k.giveUp(ctx, p); err != nil {
		return err
	}
	height := sdk.UnwrapSDKContext(ctx).BlockHeight()
	p.Status, p.Completed, p.Decides = STATUS_COMPLETE, height, height+params.ArtefactPeriod
	p.Reason = "its budget is used"
	if all {
		p.Reason = "all its jobs are settled"
	}
	tell(ctx, p)
	return nil
}

// giveUp drops the jobs that wait to be assigned again; see places for how
// many there can be.
func (k *Keeper) giveUp(ctx context.Context, p *Project) error {
	left, err := keys(ctx, k.store.again, collections.NewPrefixedPairRange[uint64, uint64](p.Id), -1)
	if err != nil {
		return err
	}
	for _, at := range left {
		if err := k.store.removePlace(ctx, Place{Project: at.K1(), Index: at.K2()}); err != nil {
			return err
		}
		p.Failed++
	}
	return nil
}

// close ends a project: with its artefacts published its bond goes back, else
// it is burned. One that is complete has to publish something after that; of
// one that was paused anything counts.
func (k *Keeper) close(ctx context.Context, params Params, p *Project) error {
	if p.Assigned > 0 {
		p.Decides += int64(params.DrawBlocks) // miners are still at it
		return nil
	}
	if err := k.giveUp(ctx, p); err != nil {
		return err
	}
	if err := k.store.orders.Remove(ctx, p.Id); err != nil {
		return err
	}
	if err := k.store.keyless.Remove(ctx, p.Id); err != nil {
		return err
	}
	var err error
	if p.Artefacts > 0 && p.Published >= p.Completed {
		err = k.pay(ctx, p.Proposer, p.Bond)
		p.Reason += "; what came of it is published"
	} else {
		err = k.burn(ctx, p.Bond)
		p.Reason += "; it published nothing in time: its bond is burned"
	}
	p.Bond, p.Decides, p.Status = 0, 0, STATUS_CLOSED
	return err
}

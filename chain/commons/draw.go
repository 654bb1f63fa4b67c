package commons

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/commons/tree"
	"hearth/chain/work"
)

const (
	// drawn bounds the projects that take part in one draw; the others come
	// first in the next.
	drawn = 64
	// places bounds the jobs of a project that are under way.
	places = 1 << 10
)

// share is a project in a draw, and how many jobs it got.
type share struct {
	project Project
	order   tree.Order
	jobs    uint32
	out     bool
}

// draw hands out jobs: one to each project in turn until the draw is over or
// nobody takes more. It begins behind the project that got the last one.
func (k *Keeper) draw(ctx context.Context, params Params) error {
	shares, err := k.shares(ctx, params)
	if err != nil {
		return fmt.Errorf("find the projects of a draw: %w", err)
	}
	left, most := params.JobsPerDraw, max(1, params.JobsPerDraw*params.ProjectCap/1000)
	for given := true; given && left > 0; {
		given = false
		for i := range shares {
			s := &shares[i]
			if left == 0 || s.out || s.jobs == most {
				continue
			}
			ok, err := k.assign(ctx, s)
			if err != nil {
				return fmt.Errorf("assign a job of project %d: %w", s.project.Id, err)
			}
			if !ok {
				s.out = true
				continue
			}
			given = true
			s.jobs++
			left--
			if err := k.store.served.Set(ctx, s.project.Id); err != nil {
				return err
			}
		}
	}
	return nil
}

// shares lists who takes part in a draw. Projects whose model is not to be had
// are paused, those with nothing left to do are ended.
func (k *Keeper) shares(ctx context.Context, params Params) ([]share, error) {
	served, err := counter(ctx, k.store.served)
	if err != nil {
		return nil, err
	}
	ids, err := keys(ctx, k.store.working, new(collections.Range[uint64]).StartExclusive(served), drawn)
	if err != nil {
		return nil, err
	}
	before, err := keys(ctx, k.store.working, new(collections.Range[uint64]).EndInclusive(served), drawn-len(ids))
	if err != nil {
		return nil, err
	}
	var out []share
	for _, id := range append(ids, before...) {
		p, err := k.store.project(ctx, id)
		if err != nil {
			return nil, err
		}
		if err := k.Models.Claimable(ctx, [32]byte(p.Model)); err != nil {
			pause(ctx, params, &p, "its model cannot be used: "+err.Error())
		} else if err := k.complete(ctx, params, &p); err != nil {
			return nil, err
		}
		if p.Status != STATUS_ACTIVE {
			if err := k.store.put(ctx, p); err != nil {
				return nil, err
			}
			continue
		}
		o, err := k.store.orders.Get(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("project %d has no order: %w", id, err)
		}
		if len(o.Key) == 0 {
			continue // its beacon has not come
		}
		order, err := tree.NewOrder(tree.Hash(o.Key), p.Jobs)
		if err != nil {
			return nil, err
		}
		out = append(out, share{project: p, order: order})
	}
	return out, nil
}

// assign hands out one job of a project, first what came back. It is false if
// there is none to be had, or it cannot be assigned.
func (k *Keeper) assign(ctx context.Context, s *share) (bool, error) {
	p := s.project
	if p.room() < p.JobMacs {
		return false, nil
	}
	waiting, err := keys(ctx, k.store.again, collections.NewPrefixedPairRange[uint64, uint64](p.Id), 1)
	if err != nil {
		return false, err
	}
	var place Place
	switch under := p.Drawn - p.Done - p.Failed; {
	case len(waiting) > 0:
		if place, err = k.store.places.Get(ctx, waiting[0]); err != nil {
			return false, err
		}
	case p.Drawn < p.Jobs && under < places:
		index, err := s.order.At(p.Drawn)
		if err != nil {
			return false, err
		}
		place = Place{Project: p.Id, Index: index}
		p.Drawn++
	default:
		return false, nil
	}
	place.Assigned = true
	p.Assigned++
	if ok, err := k.offer(ctx, p, place); !ok {
		return false, err
	}
	s.project = p
	return true, nil
}

// offer makes an assignment and, if it can be made, writes that the job is out.
func (k *Keeper) offer(ctx context.Context, p Project, place Place) (bool, error) {
	c, write := sdk.UnwrapSDKContext(ctx).CacheContext()
	_, err := k.Work.Assign(c, work.Assignment{Class: work.CLASS_COMMONS, Project: p.Id, Index: place.Index, Attempt: place.Attempts})
	if err != nil {
		return false, nil //nolint:nilerr // it cannot be assigned now; the next draw tries again
	}
	if err := k.store.putPlace(c, place); err != nil {
		return false, err
	}
	if err := k.store.put(c, p); err != nil {
		return false, err
	}
	write()
	return true, nil
}

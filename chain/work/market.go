package work

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"

	"hearth/chain/work/market"
)

// openingTicketMACs is the difficulty that a chain begins with.
const openingTicketMACs = 1 << 26

// openingMarket is what a chain with these parameters begins with.
func openingMarket(p Params) Market {
	level := market.LevelOf(max(p.MinTicketMacs, openingTicketMACs))
	return Market{BaseFee: p.BaseFeeFloor, TicketMacs: level.MACs(), Level: uint64(level)}
}

// turn moves fee and difficulty by what the block held, and begins the next.
func (k *Keeper) turn(ctx context.Context) error {
	p, err := k.Params(ctx)
	if err != nil {
		return err
	}
	return k.trade(ctx, func(m *Market) {
		m.BaseFee = p.fee().Next(m.BaseFee, m.ClaimedMacs)
		level := p.difficulty().Next(market.Level(m.Level), m.Tickets)
		m.Level, m.TicketMacs = uint64(level), level.MACs()
		m.ClaimedMacs, m.Tickets = 0, 0
	})
}

// BeginBlock does what the beacon's new values decide: it opens windows, has
// audits made and draws miners. The beacon's part of the block must be applied.
func (k *Keeper) BeginBlock(ctx context.Context) error {
	for _, s := range []step{
		{"open the windows of claims", k.open},
		{"choose what is audited", k.sampleAudits},
		{"draw miners for assignments", k.drawMiners},
	} {
		if err := s.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// EndBlock ends what is over at this height and sets the prices of the next.
func (k *Keeper) EndBlock(ctx context.Context) error {
	for _, s := range []step{
		{"close the windows of claims", k.closeWindows},
		{"close trials", k.closeTrials},
		{"open trials", k.openTrials},
		{"end assignments", k.lapse},
		{"end jobs", k.expire},
		{"pay bonds out", k.release},
		{"forget claims", k.fade},
		{"set the prices of work", k.turn},
	} {
		if err := s.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// step is a part of what a block does beside its transactions.
type step struct {
	name string
	run  func(context.Context) error
}

// fade forgets claims that ended long ago, with all that belongs to them. That
// their jobs were claimed stays known for ever; so no nullifier can come again.
func (k *Keeper) fade(ctx context.Context) error {
	ready, err := dues(ctx, k.store.fading, height(ctx), perBlock)
	if err != nil {
		return err
	}
	p, err := k.Params(ctx)
	if err != nil {
		return err
	}
	for _, due := range ready {
		c, err := k.Claim(ctx, due.K2())
		if err != nil {
			return err
		}
		if err := k.store.fading.Remove(ctx, due); err != nil {
			return err
		}
		job, err := k.store.jobs.Get(ctx, c.Job)
		if err != nil && !absent(err) {
			return err
		}
		if c.Draw > 0 || job.Audited && c.Class != CLASS_AUDIT { // a second miner's output will be held against it
			c.Forgotten = height(ctx) + p.Keep
			if err := k.store.fading.Set(ctx, join(c.Forgotten, c.Key)); err != nil {
				return err
			}
			if err := k.store.claims.Set(ctx, c.Key, c); err != nil {
				return err
			}
			continue
		}
		if err := k.forgetClaim(ctx, c); err != nil {
			return fmt.Errorf("forget claim %x: %w", c.Key, err)
		}
	}
	return nil
}

func (k *Keeper) forgetClaim(ctx context.Context, c Claim) error {
	tickets, err := k.ticketsOf(ctx, c.Key)
	if err != nil {
		return err
	}
	for _, t := range tickets {
		if err := k.store.recent.Remove(ctx, join(t.Height, t.Nullifier)); err != nil {
			return err
		}
		if err := k.store.ticketsOf.Remove(ctx, collections.Join(c.Key, t.Nullifier)); err != nil {
			return err
		}
		if err := k.store.tickets.Remove(ctx, t.Nullifier); err != nil {
			return err
		}
	}
	verdicts, err := k.verdicts(ctx, c.Key)
	if err != nil {
		return err
	}
	for _, v := range verdicts {
		if err := k.store.verdicts.Remove(ctx, collections.Join(c.Key, v.Validator)); err != nil {
			return err
		}
	}
	if t, err := k.store.trials.Get(ctx, c.Key); err == nil {
		if err := k.store.held.Remove(ctx, join(t.Opened, c.Key)); err != nil {
			return err
		}
	}
	if err := k.store.trials.Remove(ctx, c.Key); err != nil {
		return err
	}
	if err := k.store.receipts.Remove(ctx, c.Key); err != nil {
		return err
	}
	if err := k.store.made.Remove(ctx, join(c.Height, c.Key)); err != nil {
		return err
	}
	if err := k.store.claimants.Remove(ctx, collections.Join(c.Owner, c.Key)); err != nil {
		return err
	}
	return k.store.claims.Remove(ctx, c.Key)
}

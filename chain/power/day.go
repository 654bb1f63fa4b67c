package power

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"cosmossdk.io/collections"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/power/weight"
)

// perBlock is how many miners a day's end takes in one block.
const perBlock = 500

// close ends a miner's day if the chain is in a later one. Days without a
// visit, which there are only if a day's end takes longer than a day, were days
// without work.
func (k *Keeper) close(ctx context.Context, p Params, s State, m *Miner) error {
	if m.Day >= s.Day {
		return nil
	}
	backing, collateral, err := k.backing(ctx, p, s, m.Owner)
	if err != nil {
		return err
	}
	r := p.Rules()
	for n := int64(0); m.Day < s.Day && n < 2*weight.MostDays; n++ {
		m.Smoothed = r.Smooth(m.Smoothed, m.Today)
		var held weight.Held
		held, m.Counted = r.Add(m.History, r.Back(m.Smoothed, collateral, backing))
		m.History, m.Today = held, 0
		m.Day++
	}
	m.Day = s.Day
	return nil
}

// backing is what coins are worth as collateral today, and what a miner has.
func (k *Keeper) backing(ctx context.Context, p Params, s State, owner string) (b weight.Backing, collateral uint64, err error) {
	if k.earnings == nil {
		return b, 0, nil
	}
	b.All = s.Average
	if b.Daily, err = k.earnings.Released(ctx, p.DayBlocks); err != nil {
		return b, 0, fmt.Errorf("ask what work earns: %w", err)
	}
	for _, c := range k.collateral {
		v, err := c.Collateral(ctx, owner)
		if err != nil {
			return b, 0, fmt.Errorf("ask for the collateral of %s: %w", owner, err)
		}
		collateral += min(v, 1<<60)
	}
	return b, collateral, nil
}

// days begins, continues and ends the end of a day.
func (k *Keeper) days(ctx context.Context, height int64) error {
	p, s, err := k.store.load(ctx)
	if err != nil {
		return err
	}
	if !s.Gathering {
		if height < s.DayBegan+p.DayBlocks {
			return nil
		}
		s.Day, s.DayBegan = s.Day+1, height
		s.ClosedWork, s.WorkToday = s.WorkToday, 0
		s.Gathering, s.Cursor, s.Gathered = true, "", 0
		s.Breaker, s.FailedPower, s.FailedLargest, s.DayPower = false, 0, 0, s.TotalPower
	}
	if err := k.gather(ctx, p, &s); err != nil {
		return err
	}
	if !s.Gathering {
		if err := k.elect(ctx, p, &s, height); err != nil {
			return err
		}
	}
	return k.store.state.Set(ctx, s)
}

// gather closes the day of some more miners and adds what they count as to the
// validators that have it.
func (k *Keeper) gather(ctx context.Context, p Params, s *State) error {
	var batch []Miner
	ranger := new(collections.Range[string]).StartExclusive(s.Cursor)
	err := k.store.miners.Walk(ctx, ranger, func(_ string, m Miner) (bool, error) {
		batch = append(batch, m)
		return len(batch) == perBlock, nil
	})
	if err != nil {
		return fmt.Errorf("read the miners at the day's end: %w", err)
	}
	lent := map[string]uint64{}
	for _, m := range batch {
		s.Cursor = m.Owner
		if err := k.close(ctx, p, *s, &m); err != nil {
			return err
		}
		if m.forgotten(p) {
			if err := k.store.miners.Remove(ctx, m.Owner); err != nil {
				return err
			}
			continue
		}
		s.Gathered = min(s.Gathered+m.Smoothed, weight.MostWork)
		lent[m.Validator] += m.Counted
		if err := k.store.miners.Set(ctx, m.Owner, m); err != nil {
			return err
		}
	}
	for _, operator := range slices.Sorted(maps.Keys(lent)) {
		v, err := k.store.validators.Get(ctx, operator)
		if absent(err) { // lent to nobody, or to one that left
			continue
		}
		if err != nil {
			return fmt.Errorf("read validator %s: %w", operator, err)
		}
		v.Gathered = min(v.Gathered+lent[operator], weight.MostWork)
		if err := k.store.validators.Set(ctx, operator, v); err != nil {
			return err
		}
	}
	s.Gathering = len(batch) == perBlock
	return nil
}

// forgotten tells whether nothing need be known of a miner any more. What it
// lends is remembered for as long as work takes to mature: otherwise anybody
// could lend nothing from as many accounts as it likes, and every day's end
// would visit them all for ever.
func (m Miner) forgotten(p Params) bool {
	idle := m.Smoothed == 0 && m.Today == 0 && m.Counted == 0
	return idle && (m.Validator == "" || len(m.History) >= int(max(p.MaturationDays, 1)))
}

// elect moves the set to what the day's work asks for.
func (k *Keeper) elect(ctx context.Context, p Params, s *State, height int64) error {
	vs, err := k.store.all(ctx)
	if err != nil {
		return err
	}
	last := setOf(vs)
	d := weight.Day{Height: height, Last: last, Yesterday: s.WorkYesterday, Today: s.ClosedWork}
	for _, v := range vs {
		if v.candidate(p) {
			d.Candidates = append(d.Candidates, weight.Candidate{Operator: v.Operator, Work: v.Gathered, Guardian: v.Guardian, Lost: v.Lost})
		}
	}
	r := p.Rules()
	target := r.Target(d.Candidates, height)
	// Keys that were changed in the day are power that changed hands, too.
	if s.DayPower > 0 {
		gone := uint32(min((s.Churned*1000+s.DayPower-1)/s.DayPower, 1000))
		r.Churn -= min(gone, r.Churn)
	}
	next, reason, says := last, weight.NoWork, "kept: keys changed that have a day's churn"
	if r.Churn > 0 {
		next, reason = r.Next(d)
		says = reason.String()
	}
	if err := next.Check(); err != nil {
		// The rules do not let this happen. If they did, CometBFT would stop for good.
		next = last
		sdk.UnwrapSDKContext(ctx).Logger().Error("the day's set was kept", "why", err)
	}
	for _, v := range vs {
		v.Work, v.Gathered = v.Gathered, 0
		v.Power, v.Pending = next.Power(v.Operator), target.Power(v.Operator)
		if reason == weight.Moved && !v.Jailed {
			v.Lost = 0
		}
		if err := k.store.validators.Set(ctx, v.Operator, v); err != nil {
			return err
		}
	}
	s.WorkYesterday, s.Average = s.ClosedWork, s.Gathered
	s.Churned, s.Kept, s.Reason = 0, reason != weight.Moved, says
	s.TotalPower, s.Dirty = next.Sum(), true
	s.DayPower = s.TotalPower
	emit(ctx, "day", "number", fmt.Sprint(s.Day), "set", s.Reason, "power", fmt.Sprint(s.TotalPower))
	return nil
}

// candidate is whether a validator may have power. Of the least bond a tenth
// may be lost before it has to be filled up.
func (v Validator) candidate(p Params) bool {
	return !v.Jailed && !v.Tombstoned && v.Bond >= p.MinBond-p.MinBond/10
}

// emit tells those who follow the chain what happened.
func emit(ctx context.Context, what string, pairs ...string) {
	e := sdk.NewEvent("hearth.power." + what)
	for i := 0; i+1 < len(pairs); i += 2 {
		e = e.AppendAttributes(sdk.NewAttribute(pairs[i], pairs[i+1]))
	}
	sdk.UnwrapSDKContext(ctx).EventManager().EmitEvent(e)
}

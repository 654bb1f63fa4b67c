package work

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"

	format "hearth/work"
)

// open begins the windows of claims whose beacon has become known, and hands
// those back for which none came.
func (k *Keeper) open(ctx context.Context) error {
	p, err := k.Params(ctx)
	if err != nil {
		return err
	}
	now := height(ctx)
	ready, err := decided(ctx, k.Beacon, k.store.waiting, p.BeaconWait)
	if err != nil {
		return err
	}
	for _, r := range ready {
		c, err := k.Claim(ctx, r.key)
		if err != nil {
			return err
		}
		if !r.known {
			if err := k.lose(ctx, c, CLAIM_STATUS_RETURNED, fmt.Sprintf("no beacon value for height %d came", c.Height)); err != nil {
				return fmt.Errorf("hand claim %x back: %w", c.Key, err)
			}
			continue
		}
		if err := k.openClaim(ctx, p, c, r.value, now); err != nil {
			return fmt.Errorf("open claim %x: %w", c.Key, err)
		}
	}
	return nil
}

func (k *Keeper) openClaim(ctx context.Context, p Params, c Claim, value [32]byte, now int64) error {
	job, err := k.encoded(ctx, c.Job)
	if err != nil {
		return err
	}
	prices, err := k.Market(ctx)
	if err != nil {
		return err
	}
	if err := k.store.waiting.Remove(ctx, join(c.Height, c.Key)); err != nil {
		return err
	}
	c.Beacon = value[:]
	id := c.form(job).ID()
	target := format.TargetFor(prices.TicketMacs).Bytes()
	c.Id, c.Target, c.TicketMacs = id[:], target[:], prices.TicketMacs
	c.Opens, c.Closes = now+1, now+p.Window
	c.Status = CLAIM_STATUS_OPEN
	if err := k.store.closing.Set(ctx, join(c.Closes, c.Key)); err != nil {
		return err
	}
	event(ctx, "opened", "claim", fmt.Sprintf("%x", c.Key), "closes", fmt.Sprint(c.Closes))
	return k.store.claims.Set(ctx, c.Key, c)
}

// decision is what the beacon says about something that waited for it.
type decision[K any] struct {
	key   K
	value [32]byte
	known bool // false: it waited too long
}

// decided returns what of a queue has its beacon value now, or has waited too
// long for it: in order, and so many as a block may do. While the beacon is
// silent it looks at one entry of each height.
func decided[K any](ctx context.Context, beacon Beacon, queue collections.KeySet[collections.Pair[uint64, K]], wait int64) ([]decision[K], error) {
	var out []decision[K]
	var zero K
	for from := uint64(0); len(out) < perBlock; {
		first, err := keys(ctx, queue, new(collections.Range[collections.Pair[uint64, K]]).StartInclusive(collections.Join(from, zero)), 1)
		if err != nil || len(first) == 0 {
			return out, err
		}
		at := first[0].K1()
		from = at + 1
		var value [32]byte
		var known bool
		if int64(at)+wait > height(ctx) { // what is older the beacon may have forgotten
			if value, _, known, err = beacon.Value(ctx, int64(at)); err != nil {
				return nil, fmt.Errorf("read the beacon's value for height %d: %w", at, err)
			}
			if !known {
				continue
			}
		}
		all, err := keys(ctx, queue, within[uint64, K](at), perBlock-len(out))
		if err != nil {
			return nil, err
		}
		for _, k := range all {
			out = append(out, decision[K]{k.K2(), value, known})
		}
	}
	return out, nil
}

// closeWindows ends the claims whose window has passed without a receipt.
func (k *Keeper) closeWindows(ctx context.Context) error {
	ready, err := dues(ctx, k.store.closing, height(ctx), perBlock)
	if err != nil {
		return err
	}
	for _, due := range ready {
		c, err := k.Claim(ctx, due.K2())
		if err != nil {
			return err
		}
		if err := k.lose(ctx, c, CLAIM_STATUS_LOST, "not delivered in time"); err != nil {
			return fmt.Errorf("end claim %x: %w", c.Key, err)
		}
	}
	return nil
}

// endMining takes a claim out of what may be mined.
func (k *Keeper) endMining(ctx context.Context, c *Claim) error {
	if err := k.store.waiting.Remove(ctx, join(c.Height, c.Key)); err != nil {
		return err
	}
	if c.Closes > 0 {
		if err := k.store.closing.Remove(ctx, join(c.Closes, c.Key)); err != nil {
			return err
		}
	}
	job, err := k.encoded(ctx, c.Job)
	if err != nil {
		return err
	}
	m, err := k.Models.Work(ctx, job.Model)
	if err != nil {
		return err
	}
	return k.useNames(ctx, m, job.Prompt, -1)
}

// lose ends a claim without a receipt that holds. A claim that is lost costs
// its deposit; one that is handed back costs its miner nothing.
func (k *Keeper) lose(ctx context.Context, c Claim, status ClaimStatus, reason string) error {
	if c.mined() {
		if err := k.endMining(ctx, &c); err != nil {
			return err
		}
	}
	if err := k.voidAll(ctx, &c, nil, reason); err != nil {
		return err
	}
	m, err := k.Miner(ctx, c.Owner)
	if err != nil {
		return err
	}
	taken := uint64(0)
	if status == CLAIM_STATUS_LOST {
		taken = min(c.Deposit, m.Bond)
		m.Bond -= taken
	}
	m.Locked -= c.Deposit
	m.OpenClaims--
	if err := k.keepMiner(ctx, m); err != nil {
		return err
	}
	if err := k.forfeit(ctx, &c, taken); err != nil {
		return err
	}
	c.Reason = reason
	if err := k.endClaim(ctx, &c, status); err != nil {
		return err
	}
	event(ctx, "lost", "claim", fmt.Sprintf("%x", c.Key), "reason", reason)
	if c.Class == CLASS_AUDIT {
		return k.auditAgain(ctx, c)
	}
	job, err := k.Job(ctx, c.Job)
	if err != nil {
		return err
	}
	if status == CLAIM_STATUS_RETURNED {
		// Nothing can have been mined: the job may be posted again.
		if err := k.store.done.Remove(ctx, c.Job); err != nil {
			return err
		}
	}
	if status == CLAIM_STATUS_LOST {
		if err := k.count(ctx, func(t *Tally) { t.JobsLost++ }); err != nil {
			return err
		}
	}
	if err := k.endJob(ctx, job, JOB_STATUS_FAILED); err != nil {
		return err
	}
	return k.settled(ctx, c, false)
}

// forfeit does away with the deposit of a claim that was lost. The client of a
// paid job gets the base fee that was burned for nothing out of it, as far as it
// goes; the rest is burned. Fee and deposit together still cost whoever is
// client and claimant at once the larger of the two.
func (k *Keeper) forfeit(ctx context.Context, c *Claim, deposit uint64) error {
	if c.Class != CLASS_PAID || deposit == 0 {
		return k.burn(ctx, deposit)
	}
	job, err := k.Job(ctx, c.Job)
	if err != nil {
		return err
	}
	back := min(deposit, job.Fee)
	if err := k.pay(ctx, job.Client, back); err != nil {
		return fmt.Errorf("pay the base fee of job %x back: %w", job.Id, err)
	}
	return k.burn(ctx, deposit-back)
}

// settle ends a claim whose receipt stands: the deposit is free and the tip the
// miner's.
func (k *Keeper) settle(ctx context.Context, c Claim) error {
	m, err := k.Miner(ctx, c.Owner)
	if err != nil {
		return err
	}
	m.Locked -= c.Deposit
	m.OpenClaims--
	if err := k.keepMiner(ctx, m); err != nil {
		return err
	}
	if c.Class == CLASS_AUDIT {
		if err := k.endAudit(ctx, c.Job); err != nil {
			return err
		}
		return k.endClaim(ctx, &c, CLAIM_STATUS_SETTLED)
	}
	// Whether another miner runs it again is decided by a value that nobody knows
	// yet.
	c.Draw = height(ctx)
	if err := k.Beacon.Await(ctx, c.Draw); err != nil {
		return fmt.Errorf("await the beacon for an audit of claim %x: %w", c.Key, err)
	}
	if err := k.store.draws.Set(ctx, join(c.Draw, c.Key)); err != nil {
		return err
	}
	if err := k.endClaim(ctx, &c, CLAIM_STATUS_SETTLED); err != nil {
		return err
	}
	job, err := k.Job(ctx, c.Job)
	if err != nil {
		return err
	}
	if err := k.pay(ctx, c.Owner, job.Escrow); err != nil {
		return err
	}
	job.Escrow = 0
	if err := k.endJob(ctx, job, JOB_STATUS_DELIVERED); err != nil {
		return err
	}
	if err := k.count(ctx, func(t *Tally) { t.JobsDelivered++ }); err != nil {
		return err
	}
	event(ctx, "settled", "claim", fmt.Sprintf("%x", c.Key))
	return k.settled(ctx, c, true)
}

// settled tells the commons what became of its job.
func (k *Keeper) settled(ctx context.Context, c Claim, ok bool) error {
	if c.Class != CLASS_COMMONS || k.commons == nil {
		return nil
	}
	macs := c.Macs
	if !ok {
		macs = 0
	}
	if err := k.commons.JobSettled(ctx, c.Project, c.Index, macs, ok); err != nil {
		return fmt.Errorf("tell the commons of job %d of project %d: %w", c.Index, c.Project, err)
	}
	return nil
}

// endClaim gives a claim its last status and sets it to be forgotten.
func (k *Keeper) endClaim(ctx context.Context, c *Claim, status ClaimStatus) error {
	p, err := k.Params(ctx)
	if err != nil {
		return err
	}
	c.Status, c.Forgotten = status, height(ctx)+p.Keep
	if err := k.store.fading.Set(ctx, join(c.Forgotten, c.Key)); err != nil {
		return err
	}
	return k.store.claims.Set(ctx, c.Key, *c)
}

package work

import (
	"context"
	"encoding/binary"
	"fmt"

	"cosmossdk.io/collections"
	"github.com/zeebo/blake3"
)

const (
	// maxLapses is how often an assignment that nobody takes is drawn again.
	maxLapses = 4
	// drawTries is how many seats a draw looks at for a miner with room.
	drawTries = 8

	contextAudit = "hearth chain 1 audit"
	contextDraw  = "hearth chain 1 draw"
)

// Assign takes an assignment: a job of the commons, which goes to the miner that
// the beacon's next value draws, or to the owner it names. If it comes to
// nothing, the commons hear of it as of every other end.
func (k *Keeper) Assign(ctx context.Context, a Assignment) (uint64, error) {
	if a.Class != CLASS_COMMONS && a.Class != CLASS_AUDIT {
		return 0, ErrAssignment.Wrapf("jobs of class %v are not assigned", a.Class)
	}
	if err := k.trade(ctx, func(m *Market) { m.NextAssignment++; a.Id = m.NextAssignment }); err != nil {
		return 0, err
	}
	if a.Owner == "" {
		return a.Id, k.await(ctx, a)
	}
	if _, err := k.Miner(ctx, a.Owner); err != nil {
		return 0, err
	}
	return a.Id, k.give(ctx, a)
}

// await has a miner drawn by the value that this block waits for, among the seats
// there are now: who comes or goes when the value is known must not move the draw.
func (k *Keeper) await(ctx context.Context, a Assignment) error {
	seats, err := k.lastSeat(ctx)
	if err != nil {
		return err
	}
	a.Owner, a.Expires, a.Awaits, a.Seats = "", 0, height(ctx), seats
	if err := k.Beacon.Await(ctx, a.Awaits); err != nil {
		return fmt.Errorf("await the beacon for assignment %d: %w", a.Id, err)
	}
	if err := k.store.undrawn.Set(ctx, collections.Join(uint64(a.Awaits), a.Id)); err != nil {
		return err
	}
	return k.store.assignments.Set(ctx, a.Id, a)
}

// give writes an assignment with its miner, or without if none could be drawn.
func (k *Keeper) give(ctx context.Context, a Assignment) error {
	p, err := k.Params(ctx)
	if err != nil {
		return err
	}
	a.Expires, a.Awaits = height(ctx)+p.AssignmentTtl, 0
	if err := k.store.lapsing.Set(ctx, collections.Join(uint64(a.Expires), a.Id)); err != nil {
		return err
	}
	if a.Owner != "" {
		if err := k.store.assigned.Set(ctx, collections.Join(a.Owner, a.Id)); err != nil {
			return err
		}
		event(ctx, "assigned", "assignment", fmt.Sprint(a.Id), "owner", a.Owner)
	}
	return k.store.assignments.Set(ctx, a.Id, a)
}

// dropAssignment removes an assignment that was claimed or has ended.
func (k *Keeper) dropAssignment(ctx context.Context, a Assignment) error {
	if err := k.store.lapsing.Remove(ctx, collections.Join(uint64(a.Expires), a.Id)); err != nil {
		return err
	}
	if err := k.store.undrawn.Remove(ctx, collections.Join(uint64(a.Awaits), a.Id)); err != nil {
		return err
	}
	if a.Owner != "" {
		if err := k.store.assigned.Remove(ctx, collections.Join(a.Owner, a.Id)); err != nil {
			return err
		}
	}
	return k.store.assignments.Remove(ctx, a.Id)
}

// sampleAudits decides which settled claims are run again, and assigns them.
func (k *Keeper) sampleAudits(ctx context.Context) error {
	p, err := k.Params(ctx)
	if err != nil {
		return err
	}
	ready, err := decided(ctx, k.Beacon, k.store.draws, p.BeaconWait)
	if err != nil {
		return err
	}
	for _, r := range ready {
		c, err := k.Claim(ctx, r.key)
		if err != nil {
			return err
		}
		if err := k.store.draws.Remove(ctx, join(c.Draw, c.Key)); err != nil {
			return err
		}
		c.Draw = 0
		if err := k.store.claims.Set(ctx, c.Key, c); err != nil {
			return err
		}
		if !r.known || !sampled(r.value, c.Key, p.AuditPermille) {
			continue
		}
		job, err := k.Job(ctx, c.Job)
		if err != nil {
			return err
		}
		job.Audited = true
		if err := k.store.jobs.Set(ctx, job.Id, job); err != nil {
			return err
		}
		a := Assignment{Class: CLASS_AUDIT, Job: c.Job, Project: c.Project, Index: c.Index}
		if _, err := k.Assign(ctx, a); err != nil {
			return fmt.Errorf("have claim %x audited: %w", c.Key, err)
		}
	}
	return nil
}

// sampled tells whether the beacon chooses a claim to be run again.
func sampled(value [32]byte, claim []byte, permille uint32) bool {
	var h [8]byte
	blake3.DeriveKey(contextAudit, append(value[:], claim...), h[:])
	return binary.LittleEndian.Uint64(h[:])%1000 < uint64(permille)
}

// seat is the number of the seat that a draw looks at.
func seat(value [32]byte, assignment uint64, attempt, lapses, try uint32, seats uint64) uint64 {
	b := binary.LittleEndian.AppendUint64(value[:], assignment)
	for _, n := range [...]uint32{attempt, lapses, try} {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	var h [8]byte
	blake3.DeriveKey(contextDraw, b, h[:])
	return 1 + binary.LittleEndian.Uint64(h[:])%seats
}

// drawMiners gives the assignments whose value is known to miners.
func (k *Keeper) drawMiners(ctx context.Context) error {
	p, err := k.Params(ctx)
	if err != nil {
		return err
	}
	ready, err := decided(ctx, k.Beacon, k.store.undrawn, p.BeaconWait)
	if err != nil {
		return err
	}
	for _, r := range ready {
		a, err := k.store.assignments.Get(ctx, r.key)
		if err != nil {
			return fmt.Errorf("read assignment %d: %w", r.key, err)
		}
		if err := k.store.undrawn.Remove(ctx, collections.Join(uint64(a.Awaits), a.Id)); err != nil {
			return err
		}
		if !r.known { // the beacon is silent: wait for another value
			if err := k.await(ctx, a); err != nil {
				return err
			}
			continue
		}
		if a.Owner, err = k.draw(ctx, p, a, r.value); err != nil {
			return err
		}
		if err := k.give(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// draw returns the owner of the first seat drawn that can take an assignment,
// or nobody.
func (k *Keeper) draw(ctx context.Context, p Params, a Assignment, value [32]byte) (string, error) {
	if a.Seats == 0 {
		return "", nil
	}
	for try := range uint32(drawTries) {
		owner, err := k.store.seats.Get(ctx, seat(value, a.Id, a.Attempt, a.Lapses, try, a.Seats))
		if absent(err) { // there are fewer by now
			continue
		}
		if err != nil {
			return "", err
		}
		m, err := k.Miner(ctx, owner)
		if err != nil {
			return "", err
		}
		waiting, err := keys(ctx, k.store.assigned, within[string, uint64](owner), int(p.MaxOpenClaims))
		if err != nil {
			return "", err
		}
		if p.room(m, uint32(len(waiting))) != nil {
			continue
		}
		may, err := k.mayAudit(ctx, a, m)
		if err != nil {
			return "", err
		}
		if may {
			return owner, nil
		}
	}
	return "", nil
}

// mayAudit tells whether a miner is another than those who ran an audit's job
// already.
func (k *Keeper) mayAudit(ctx context.Context, a Assignment, m Miner) (bool, error) {
	if a.Class != CLASS_AUDIT {
		return true, nil
	}
	job, err := k.Job(ctx, a.Job)
	if err != nil {
		return false, err
	}
	original, err := k.Claim(ctx, job.Claim)
	if err != nil {
		return false, err
	}
	key := ClaimKey(a.Job, m.Executor)
	before, err := k.store.claims.Has(ctx, key[:])
	return original.Owner != m.Owner && !before, err
}

// lapse draws again for assignments that nobody took in time, or gives them up.
func (k *Keeper) lapse(ctx context.Context) error {
	ready, err := dues(ctx, k.store.lapsing, height(ctx), perBlock)
	if err != nil {
		return err
	}
	for _, due := range ready {
		a, err := k.store.assignments.Get(ctx, due.K2())
		if err != nil {
			return fmt.Errorf("read assignment %d: %w", due.K2(), err)
		}
		if err := k.dropAssignment(ctx, a); err != nil {
			return err
		}
		if a.Lapses++; a.Lapses < maxLapses {
			err = k.await(ctx, a)
		} else if a.Class == CLASS_AUDIT {
			err = k.endAudit(ctx, a.Job)
		} else {
			err = k.settled(ctx, Claim{Class: a.Class, Project: a.Project, Index: a.Index}, false)
		}
		if err != nil {
			return fmt.Errorf("assignment %d lapsed: %w", a.Id, err)
		}
	}
	return nil
}

// auditAgain hands an audit whose miner did not deliver to another, unless that
// happened too often.
func (k *Keeper) auditAgain(ctx context.Context, c Claim) error {
	if c.Delivered > 0 || c.Attempt+1 >= maxAttempts { // a trial has spoken, or nobody will
		return k.endAudit(ctx, c.Job)
	}
	_, err := k.Assign(ctx, Assignment{Class: CLASS_AUDIT, Job: c.Job, Project: c.Project, Index: c.Index, Attempt: c.Attempt + 1})
	return err
}

// endAudit notes that nobody runs a job again any more.
func (k *Keeper) endAudit(ctx context.Context, id []byte) error {
	job, err := k.Job(ctx, id)
	if err != nil {
		return err
	}
	job.Audited = false
	return k.store.jobs.Set(ctx, id, job)
}

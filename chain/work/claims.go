package work

import (
	"bytes"
	"context"
	"fmt"

	"github.com/zeebo/blake3"

	"cosmossdk.io/collections"

	"hearth/chain/work/market"
	"hearth/infer/model"
	format "hearth/work"
)

// ClaimKey is what a claim is kept by, before and after its beacon is known.
func ClaimKey(job, executor []byte) (key model.Hash) {
	blake3.DeriveKey("hearth chain 1 claim", append(bytes.Clone(job), executor...), key[:])
	return key
}

// Claim is a claim by its key.
func (k *Keeper) Claim(ctx context.Context, key []byte) (Claim, error) {
	c, err := k.store.claims.Get(ctx, key)
	if absent(err) {
		return c, ErrNotFound.Wrapf("claim %x", key)
	}
	return c, err
}

// form is a claim as work format 1 has it.
func (c *Claim) form(job *format.Job) *format.Claim {
	f := &format.Claim{Job: *job, Prefix: int(c.Prefix)}
	copy(f.Executor[:], c.Executor)
	copy(f.Beacon[:], c.Beacon)
	return f
}

// ended tells whether nothing more becomes of a claim, but for an audit.
func (c *Claim) ended() bool {
	switch c.Status {
	case CLAIM_STATUS_SETTLED, CLAIM_STATUS_LOST, CLAIM_STATUS_RETURNED:
		return true
	}
	return false
}

// mined tells whether a claim may still bring tickets, so that the beginnings
// of its prompt are its own.
func (c *Claim) mined() bool {
	return c.Status == CLAIM_STATUS_WAITING || c.Status == CLAIM_STATUS_OPEN
}

// claimPaid takes a job that a client posted.
func (k *Keeper) claimPaid(ctx context.Context, m Miner, id []byte) ([]byte, error) {
	job, err := k.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	if job.Status != JOB_STATUS_OPEN {
		return nil, ErrClaim.Wrapf("job %x is not open", id)
	}
	encoding, err := k.store.encodings.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	form, registered, err := k.judgeJob(ctx, encoding)
	if err != nil {
		return nil, err
	}
	prices, err := k.Market(ctx)
	if err != nil {
		return nil, err
	}
	fee := market.Cost(prices.BaseFee, job.Macs)
	if fee > job.MaxFee {
		return nil, ErrFee.Wrapf("%d of %d", fee, job.MaxFee)
	}
	if err := k.burn(ctx, fee); err != nil {
		return nil, err
	}
	if err := k.pay(ctx, job.Client, job.MaxFee-fee); err != nil {
		return nil, err
	}
	if err := k.takeJob(ctx, &job); err != nil {
		return nil, err
	}
	job.Escrow = job.Tip
	if err := k.trade(ctx, func(m *Market) { m.ClaimedMacs += job.Macs }); err != nil {
		return nil, err
	}
	return k.claim(ctx, m, &job, form, registered, 0)
}

// claimAssigned takes an audit or a commons job that a beacon gave the miner.
func (k *Keeper) claimAssigned(ctx context.Context, m Miner, take Take) ([]byte, error) {
	a, err := k.store.assignments.Get(ctx, take.Assignment)
	if absent(err) {
		return nil, ErrNotFound.Wrapf("assignment %d", take.Assignment)
	}
	if err != nil {
		return nil, err
	}
	if a.Owner != m.Owner {
		return nil, ErrAssignment.Wrapf("assignment %d is another's", a.Id)
	}
	if err := k.dropAssignment(ctx, a); err != nil {
		return nil, err
	}
	if a.Class == CLASS_AUDIT {
		return k.claimAudit(ctx, m, a)
	}
	if k.commons == nil {
		return nil, ErrAssignment.Wrap("this chain has no commons")
	}
	if len(take.Encoding) > maxJob || len(take.Proof) > maxProof {
		return nil, ErrClaim.Wrapf("an encoding of %d bytes with a proof of %d parts: at most %d and %d", len(take.Encoding), len(take.Proof), maxJob, maxProof)
	}
	if err := k.commons.ProveJob(ctx, a.Project, a.Index, take.Encoding, take.Proof); err != nil {
		return nil, ErrClaim.Wrapf("job %d of project %d: %v", a.Index, a.Project, err)
	}
	form, registered, err := k.judgeJob(ctx, take.Encoding)
	if err != nil {
		return nil, err
	}
	id := form.ID()
	job, err := k.commonsJob(ctx, a, id)
	if err != nil {
		return nil, err
	}
	job.Macs = cost(registered, form)
	job.Model = form.Model[:]
	if err := k.keepJob(ctx, job, take.Encoding); err != nil {
		return nil, err
	}
	return k.claim(ctx, m, &job, form, registered, a.Attempt)
}

// commonsJob is the record of a commons job: a new one, or that of an earlier
// attempt that failed.
func (k *Keeper) commonsJob(ctx context.Context, a Assignment, id model.Hash) (Job, error) {
	old, err := k.store.jobs.Get(ctx, id[:])
	switch {
	case err == nil && old.Class == CLASS_COMMONS && old.Project == a.Project && old.Index == a.Index && old.Status == JOB_STATUS_FAILED:
		if err := k.forgetJob(ctx, old); err != nil {
			return old, err
		}
	case err == nil || absent(err):
		if err := k.fresh(ctx, id); err != nil {
			return old, err
		}
	default:
		return old, err
	}
	return Job{Id: id[:], Class: CLASS_COMMONS, Status: JOB_STATUS_CLAIMED, Posted: height(ctx), Project: a.Project, Index: a.Index}, nil
}

// claimAudit takes a job that another has delivered, to run it again.
func (k *Keeper) claimAudit(ctx context.Context, m Miner, a Assignment) ([]byte, error) {
	job, err := k.Job(ctx, a.Job)
	if err != nil {
		return nil, err
	}
	form, err := k.encoded(ctx, a.Job)
	if err != nil {
		return nil, err
	}
	registered, err := k.Models.Work(ctx, form.Model)
	if err != nil {
		return nil, err
	}
	original, err := k.Claim(ctx, job.Claim)
	if err != nil {
		return nil, err
	}
	if original.Owner == m.Owner {
		return nil, ErrAssignment.Wrap("nobody audits his own work")
	}
	audit := job
	audit.Class = CLASS_AUDIT
	return k.claim(ctx, m, &audit, form, registered, a.Attempt)
}

// claim is what all kinds of claims have in common. job is the record as it is
// to be written, but for an audit's, which stays as it was.
func (k *Keeper) claim(ctx context.Context, m Miner, job *Job, form *format.Job, registered *format.Model, attempt uint32) ([]byte, error) {
	p, err := k.Params(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.room(m, 0); err != nil {
		return nil, err
	}
	key := ClaimKey(job.Id, m.Executor)
	if has, err := k.store.claims.Has(ctx, key[:]); err != nil {
		return nil, err
	} else if has {
		return nil, ErrClaim.Wrapf("executor %x has claimed job %x before", m.Executor, job.Id)
	}
	prefix, err := k.prefix(ctx, registered, form.Prompt)
	if err != nil {
		return nil, err
	}
	c := Claim{
		Key: key[:], Job: job.Id, Class: job.Class, Owner: m.Owner, Executor: m.Executor, Model: form.Model[:], Height: height(ctx),
		Prefix: uint32(prefix), Deposit: p.ClaimDeposit, Status: CLAIM_STATUS_WAITING, Macs: job.Macs,
		Project: job.Project, Index: job.Index, Attempt: attempt,
	}
	if err := c.form(form).Check(registered); err != nil {
		return nil, ErrClaim.Wrap(err.Error())
	}
	m.Locked += c.Deposit
	m.OpenClaims++
	if err := k.keepMiner(ctx, m); err != nil {
		return nil, err
	}
	if err := k.useNames(ctx, registered, form.Prompt, 1); err != nil {
		return nil, err
	}
	if job.Class != CLASS_AUDIT {
		job.Status, job.Claim = JOB_STATUS_CLAIMED, key[:]
		if err := k.store.jobs.Set(ctx, job.Id, *job); err != nil {
			return nil, err
		}
		if err := k.store.done.Set(ctx, job.Id); err != nil {
			return nil, err
		}
	}
	if err := k.Beacon.Await(ctx, c.Height); err != nil {
		return nil, fmt.Errorf("await the beacon for claim %x: %w", key, err)
	}
	if err := k.store.waiting.Set(ctx, join(c.Height, c.Key)); err != nil {
		return nil, err
	}
	if err := k.store.claimants.Set(ctx, collections.Join(c.Owner, c.Key)); err != nil {
		return nil, err
	}
	event(ctx, "claimed", "claim", key.String(), "job", fmt.Sprintf("%x", job.Id), "owner", m.Owner)
	return key[:], k.store.claims.Set(ctx, c.Key, c)
}

// prefix is how many tokens of a prompt claims that are mined have already.
func (k *Keeper) prefix(ctx context.Context, m *format.Model, prompt []int32) (int, error) {
	id := m.ID()
	var failed error
	n := format.ClaimedTokens(m, prompt, func(name format.Prefix) bool {
		used, err := k.store.names.Has(ctx, collections.Join(id[:], name[:]))
		if err != nil && failed == nil {
			failed = err
		}
		return used
	})
	return n, failed
}

// useNames counts that a claim is mined, or with -1 that it is no more.
func (k *Keeper) useNames(ctx context.Context, m *format.Model, prompt []int32, change int) error {
	id := m.ID()
	for _, name := range format.Prefixes(m, prompt) {
		key := collections.Join(id[:], bytes.Clone(name[:]))
		n, err := k.store.names.Get(ctx, key)
		if err != nil && !absent(err) {
			return err
		}
		if n += uint64(change); n == 0 {
			err = k.store.names.Remove(ctx, key)
		} else {
			err = k.store.names.Set(ctx, key, n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

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
		value, _, known, err := beacon.Value(ctx, int64(at))
		if err != nil {
			return nil, fmt.Errorf("read the beacon's value for height %d: %w", at, err)
		}
		if !known && int64(at)+wait > height(ctx) {
			continue
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
	burned := uint64(0)
	if status == CLAIM_STATUS_LOST {
		burned = min(c.Deposit, m.Bond)
		m.Bond -= burned
	}
	m.Locked -= c.Deposit
	m.OpenClaims--
	if err := k.keepMiner(ctx, m); err != nil {
		return err
	}
	if err := k.burn(ctx, burned); err != nil {
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

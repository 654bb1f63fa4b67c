package work

import (
	"bytes"
	"context"
	"fmt"

	"cosmossdk.io/collections"
	"github.com/zeebo/blake3"

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
	job.Escrow, job.Fee = job.Tip, fee
	if err := k.trade(ctx, func(m *Market) { m.ClaimedMacs = plus(m.ClaimedMacs, job.Macs) }); err != nil {
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
	if err := k.store.encodings.Set(ctx, job.Id, take.Encoding); err != nil {
		return nil, err
	}
	if err := k.keepJob(ctx, job); err != nil {
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
	event(ctx, "claimed", "claim", key.String(), "job", fmt.Sprintf("%x", job.Id), "owner", m.Owner)
	return key[:], k.keepClaim(ctx, c)
}

// keepClaim writes a new claim and where it is found.
func (k *Keeper) keepClaim(ctx context.Context, c Claim) error {
	if err := k.store.claimants.Set(ctx, collections.Join(c.Owner, c.Key)); err != nil {
		return err
	}
	if err := k.store.made.Set(ctx, join(c.Height, c.Key)); err != nil {
		return err
	}
	return k.store.claims.Set(ctx, c.Key, c)
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

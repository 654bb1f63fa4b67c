package work

import (
	"bytes"
	"context"
	"fmt"

	"cosmossdk.io/collections"

	"hearth/chain/work/market"
	"hearth/infer/model"
	format "hearth/work"
)

// maxJob is the length of the longest encoding of a job that can be claimed:
// prompt and answer have 4,096 tokens together.
const maxJob = 20 << 10

// maxFee bounds what a client offers, so that amounts can be added.
const maxFee = 1 << 56

// decodeJob reads a job, which must be in its one encoding.
func decodeJob(encoding []byte) (*format.Job, error) {
	if len(encoding) > maxJob {
		return nil, ErrJob.Wrapf("an encoding of %d bytes: none that can be claimed has more than %d", len(encoding), maxJob)
	}
	j, err := format.DecodeJob(encoding)
	if err != nil {
		return nil, ErrJob.Wrap(err.Error())
	}
	return j, nil
}

// judgeJob reads a job and tells whether it can be claimed from a model.
func (k *Keeper) judgeJob(ctx context.Context, encoding []byte) (*format.Job, *format.Model, error) {
	j, err := decodeJob(encoding)
	if err != nil {
		return nil, nil, err
	}
	if err := k.Models.Claimable(ctx, j.Model); err != nil {
		return nil, nil, ErrJob.Wrapf("model %v: %v", j.Model, err)
	}
	m, err := k.Models.Work(ctx, j.Model)
	if err != nil {
		return nil, nil, ErrJob.Wrapf("model %v: %v", j.Model, err)
	}
	if err := j.Check(m); err != nil {
		return nil, nil, ErrJob.Wrap(err.Error())
	}
	return j, m, nil
}

// cost is what running a job takes at most, in MACs.
func cost(m *format.Model, j *format.Job) uint64 {
	return format.Cost(m.Config(), len(j.Prompt)+j.Most, j.Most)
}

// Job is what the chain knows of a job.
func (k *Keeper) Job(ctx context.Context, id []byte) (Job, error) {
	j, err := k.store.jobs.Get(ctx, id)
	if absent(err) {
		return j, ErrNotFound.Wrapf("job %x", id)
	}
	return j, err
}

// encoded is the job of an id, as long as it is kept.
func (k *Keeper) encoded(ctx context.Context, id []byte) (*format.Job, error) {
	b, err := k.store.encodings.Get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read the encoding of job %x: %w", id, err)
	}
	return decodeJob(b)
}

// post takes a job of a client.
func (k *Keeper) post(ctx context.Context, msg *MsgPostJob) ([]byte, error) {
	p, err := k.Params(ctx)
	if err != nil {
		return nil, err
	}
	prices, err := k.Market(ctx)
	if err != nil {
		return nil, err
	}
	if msg.Tip > p.MaxTip || msg.MaxFee > maxFee {
		return nil, ErrJob.Wrapf("a tip is at most %d, a fee %d", p.MaxTip, uint64(maxFee))
	}
	j, m, err := k.judgeJob(ctx, msg.Job)
	if err != nil {
		return nil, err
	}
	// Offers that nobody can take must not fill the list.
	if now := market.Cost(prices.BaseFee, cost(m, j)); msg.MaxFee < now {
		return nil, ErrFee.Wrapf("%d: the job costs %d now", msg.MaxFee, now)
	}
	id := j.ID()
	if err := k.fresh(ctx, id); err != nil {
		return nil, err
	}
	job := Job{
		Id: id[:], Class: CLASS_PAID, Model: j.Model[:], Client: msg.Client, Macs: cost(m, j),
		Escrow: msg.MaxFee + msg.Tip, Tip: msg.Tip, MaxFee: msg.MaxFee,
		Status: JOB_STATUS_OPEN, Posted: height(ctx), Expires: height(ctx) + p.JobTtl,
	}
	if prices.OpenJobs >= uint64(p.MaxOpenJobs) {
		if err := k.makeRoom(ctx, &job); err != nil {
			return nil, err
		}
	}
	if err := k.take(ctx, msg.Client, job.Escrow); err != nil {
		return nil, err
	}
	if err := k.store.encodings.Set(ctx, job.Id, msg.Job); err != nil {
		return nil, err
	}
	if err := k.keepJob(ctx, job); err != nil {
		return nil, err
	}
	event(ctx, "posted", "job", fmt.Sprintf("%x", id))
	return id[:], k.trade(ctx, func(m *Market) { m.OpenJobs++ })
}

// rate is the tip that a job offers for 10⁹ MACs.
func (j *Job) rate() uint64 { return market.Rate(j.Tip, j.Macs) }

// makeRoom takes the open job with the lowest tip for its work back, whose
// place one with a higher tip gets. So a full list keeps nobody out who pays.
func (k *Keeper) makeRoom(ctx context.Context, job *Job) error {
	lowest, err := keys(ctx, k.store.ranked, nil, 1)
	if err != nil {
		return err
	}
	if len(lowest) == 0 || lowest[0].K1() >= job.rate() {
		return ErrTooMany.Wrapf("as many jobs wait as may, and none with a tip below %d for 10^9 MACs", job.rate())
	}
	out, err := k.Job(ctx, lowest[0].K2())
	if err != nil {
		return err
	}
	event(ctx, "outbid", "job", fmt.Sprintf("%x", out.Id))
	return k.withdraw(ctx, out, JOB_STATUS_EXPIRED)
}

// fresh tells whether a job may be posted: it was never claimed, and is not
// waiting.
func (k *Keeper) fresh(ctx context.Context, id model.Hash) error {
	done, err := k.store.done.Has(ctx, id[:])
	if err != nil {
		return err
	}
	if done {
		return ErrJob.Wrapf("job %v was claimed already: a job is claimed once", id)
	}
	old, err := k.store.jobs.Get(ctx, id[:])
	switch {
	case absent(err):
		return nil
	case err != nil:
		return err
	case old.Status == JOB_STATUS_OPEN:
		return ErrJob.Wrapf("job %v is posted already", id)
	}
	return k.forgetJob(ctx, old)
}

// keepJob writes a new job and where it is found.
func (k *Keeper) keepJob(ctx context.Context, job Job) error {
	if job.Status == JOB_STATUS_OPEN {
		if err := k.store.offers.Set(ctx, job.Id); err != nil {
			return err
		}
		if err := k.store.ranked.Set(ctx, collections.Join(job.rate(), job.Id)); err != nil {
			return err
		}
	}
	if job.Expires > 0 {
		if err := k.store.expiring.Set(ctx, join(job.Expires, job.Id)); err != nil {
			return err
		}
	}
	if err := k.store.posted.Set(ctx, join(job.Posted, job.Id)); err != nil {
		return err
	}
	return k.store.jobs.Set(ctx, job.Id, job)
}

// takeJob takes an open job off the market for a claim.
func (k *Keeper) takeJob(ctx context.Context, job *Job) error {
	if err := k.store.offers.Remove(ctx, job.Id); err != nil {
		return err
	}
	if err := k.store.ranked.Remove(ctx, collections.Join(job.rate(), job.Id)); err != nil {
		return err
	}
	if err := k.store.expiring.Remove(ctx, join(job.Expires, job.Id)); err != nil {
		return err
	}
	job.Expires = 0
	return k.trade(ctx, func(m *Market) { m.OpenJobs-- })
}

// endJob gives a job its last status, the client what is left in escrow, and
// sets it to be forgotten.
func (k *Keeper) endJob(ctx context.Context, job Job, status JobStatus) error {
	p, err := k.Params(ctx)
	if err != nil {
		return err
	}
	back := job.Escrow
	job.Escrow, job.Status, job.Expires = 0, status, height(ctx)+p.Keep
	if err := k.store.expiring.Set(ctx, join(job.Expires, job.Id)); err != nil {
		return err
	}
	if err := k.store.jobs.Set(ctx, job.Id, job); err != nil {
		return err
	}
	if back == 0 {
		return nil
	}
	return k.pay(ctx, job.Client, back)
}

// withdraw takes an open job back: its client cancelled it, or nobody came.
func (k *Keeper) withdraw(ctx context.Context, job Job, status JobStatus) error {
	if err := k.takeJob(ctx, &job); err != nil {
		return err
	}
	if err := k.store.encodings.Remove(ctx, job.Id); err != nil {
		return err
	}
	return k.endJob(ctx, job, status)
}

// expire ends the wait of open jobs and forgets those that ended long ago.
func (k *Keeper) expire(ctx context.Context) error {
	ready, err := dues(ctx, k.store.expiring, height(ctx), perBlock)
	if err != nil {
		return err
	}
	for _, due := range ready {
		job, err := k.Job(ctx, due.K2())
		if err != nil {
			return err
		}
		// Whether it is audited may not be known yet.
		claim, err := k.store.claims.Get(ctx, job.Claim)
		if err != nil && !absent(err) {
			return err
		}
		switch {
		case job.Status == JOB_STATUS_OPEN:
			err = k.withdraw(ctx, job, JOB_STATUS_EXPIRED)
		case job.Audited || claim.Draw > 0:
			err = k.remember(ctx, job)
		default:
			err = k.forgetJob(ctx, job)
		}
		if err != nil {
			return fmt.Errorf("end job %x: %w", job.Id, err)
		}
	}
	return nil
}

// remember puts off that a job is forgotten, since a second miner has it.
func (k *Keeper) remember(ctx context.Context, job Job) error {
	p, err := k.Params(ctx)
	if err != nil {
		return err
	}
	if err := k.store.expiring.Remove(ctx, join(job.Expires, job.Id)); err != nil {
		return err
	}
	job.Expires = height(ctx) + p.Keep
	if err := k.store.expiring.Set(ctx, join(job.Expires, job.Id)); err != nil {
		return err
	}
	return k.store.jobs.Set(ctx, job.Id, job)
}

// forgetJob removes a job that has ended.
func (k *Keeper) forgetJob(ctx context.Context, job Job) error {
	if err := k.store.expiring.Remove(ctx, join(job.Expires, job.Id)); err != nil {
		return err
	}
	if err := k.store.posted.Remove(ctx, join(job.Posted, job.Id)); err != nil {
		return err
	}
	if err := k.store.encodings.Remove(ctx, job.Id); err != nil {
		return err
	}
	return k.store.jobs.Remove(ctx, job.Id)
}

// sameHash compares hashes of messages.
func sameHash(a []byte, b model.Hash) bool { return bytes.Equal(a, b[:]) }

package work

import (
	"bytes"
	"context"
	"fmt"
	"math/bits"

	"hearth/infer/model"
	format "hearth/work"
)

// deliver takes the receipt of a claimed job.
func (k *Keeper) deliver(ctx context.Context, msg *MsgDeliver) error {
	m, err := k.minerOf(ctx, msg.Hot)
	if err != nil {
		return err
	}
	c, err := k.Claim(ctx, msg.Claim)
	if err != nil {
		return err
	}
	now := height(ctx)
	switch {
	case c.Owner != m.Owner:
		return ErrClaim.Wrapf("claim %x is another's", c.Key)
	case c.Status != CLAIM_STATUS_OPEN || now < c.Opens || now > c.Closes:
		return ErrWindow.Wrapf("block %d: the claim is delivered once, in blocks %d to %d", now, c.Opens, c.Closes)
	}
	r, err := readReceipt(msg.Receipt, &c)
	if err != nil {
		return err
	}
	if err := k.endMining(ctx, &c); err != nil {
		return err
	}
	if err := k.store.receipts.Set(ctx, c.Key, msg.Receipt); err != nil {
		return err
	}
	c.Output, c.Trace, c.Delivered = r.Output[:], r.Trace[:], now
	c.Status = CLAIM_STATUS_DELIVERED
	if err := k.store.claims.Set(ctx, c.Key, c); err != nil {
		return err
	}
	event(ctx, "delivered", "claim", fmt.Sprintf("%x", c.Key))
	disputed, err := k.disputed(ctx, &c)
	if err != nil {
		return err
	}
	if c.Tickets == 0 && len(disputed) == 0 {
		safe, err := k.deterred(ctx, &c, m)
		if err != nil {
			return err
		}
		if safe {
			return k.settle(ctx, c)
		}
	}
	return k.store.docket.Set(ctx, join(now, c.Key))
}

// readReceipt reads a receipt and tells whether it is one of a claim, as far as
// that shows without running the job.
func readReceipt(b []byte, c *Claim) (*format.Receipt, error) {
	if len(b) > maxReceipt {
		return nil, ErrReceipt.Wrapf("it has %d bytes: a claim's has at most %d", len(b), maxReceipt)
	}
	r, err := format.ParseReceipt(b)
	if err != nil {
		return nil, ErrReceipt.Wrap(err.Error())
	}
	if one, err := r.Encode(); err != nil || !bytes.Equal(one, b) {
		return nil, ErrReceipt.Wrap("it is not in its one encoding")
	}
	switch {
	case r.Disclosed == nil:
		return nil, ErrReceipt.Wrap("it does not disclose job and output, which a public job's must")
	case !sameHash(c.Job, r.Job):
		return nil, ErrReceipt.Wrapf("it is for job %v, not %x", r.Job, c.Job)
	case !sameHash(c.Model, r.Model):
		return nil, ErrReceipt.Wrapf("it is for model %v, not %x", r.Model, c.Model)
	case !bytes.Equal(c.Executor, r.Executor[:]):
		return nil, ErrReceipt.Wrap("it is by another executor than the claim's")
	case r.Trace == model.Hash{}:
		return nil, ErrReceipt.Wrap("it has no trace: a claimed job is run as a whole")
	}
	if err := r.Check(); err != nil {
		return nil, ErrReceipt.Wrap(err.Error())
	}
	return r, nil
}

// deterred tells whether a receipt that nobody tries would cost a miner who made
// it up more than it brings: the tip is at most what an audit may take of the free
// bond, times how likely there is one. A higher tip is paid after a trial.
func (k *Keeper) deterred(ctx context.Context, c *Claim, m Miner) (bool, error) {
	if c.Class != CLASS_PAID {
		return true, nil
	}
	p, err := k.Params(ctx)
	if err != nil {
		return false, err
	}
	job, err := k.Job(ctx, c.Job)
	if err != nil {
		return false, err
	}
	wins, winsLow := bits.Mul64(job.Escrow, 1_000_000)
	costs, costsLow := bits.Mul64(m.Bond-min(m.Locked, m.Bond), uint64(p.AuditPermille)*uint64(p.SlashWrongReceipt))
	return wins < costs || wins == costs && winsLow <= costsLow, nil
}

// disputed is the key of the claim that an audit speaks against: that of the
// same job, with another output. It is empty if there is none.
func (k *Keeper) disputed(ctx context.Context, c *Claim) ([]byte, error) {
	if c.Class != CLASS_AUDIT {
		return nil, nil
	}
	job, err := k.Job(ctx, c.Job)
	if err != nil {
		return nil, err
	}
	original, err := k.Claim(ctx, job.Claim)
	if err != nil {
		return nil, err
	}
	if original.Status != CLAIM_STATUS_SETTLED || bytes.Equal(original.Output, c.Output) {
		return nil, nil
	}
	return original.Key, nil
}

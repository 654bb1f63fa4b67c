package court

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"hearth/chain/judge"
	"hearth/chain/weights"
	"hearth/infer/model"
	"hearth/work"
)

// Options are what a court works with.
type Options struct {
	// Operator is the validator's account address: seals are bound to it.
	Operator string
	Chain    Chain
	Store    *weights.Store
	// Duty is the share of one processor's time, in thousandths, that trials may
	// take; 0 is all of it.
	Duty int
	// Every is how long the court waits before it asks again; 0 is a second.
	Every time.Duration
	// Log is told what is done and what fails; nil drops it.
	Log *slog.Logger
}

// Court judges for one validator. [Court.Run] is called once; in place of it,
// Sit and Read serve one goroutine each.
type Court struct {
	Options

	// Of Sit: what was said, as long as the trials are open, and models by the
	// hash of their manifests.
	said   map[model.Hash]*word
	models map[model.Hash]*work.Model
	// Of Read: at which height a model was attested.
	attested map[model.Hash]int64
}

// New returns a court.
func New(o Options) *Court {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Duty <= 0 || o.Duty > 1000 {
		o.Duty = 1000
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Court{Options: o, said: map[model.Hash]*word{}, models: map[model.Hash]*work.Model{}, attested: map[model.Hash]int64{}}
}

// Run judges and reads weights until ctx ends, and returns why it ended. What
// fails is tried again.
func (c *Court) Run(ctx context.Context) error {
	var both sync.WaitGroup
	both.Go(func() { c.keep(ctx, "judge", c.Sit) })
	both.Go(func() { c.keep(ctx, "read weights", c.Read) })
	both.Wait()
	return context.Cause(ctx)
}

// slowest is the longest pause after failures, in waits.
const slowest = 32

// keep calls do again and again, less often while it fails.
func (c *Court) keep(ctx context.Context, what string, do func(context.Context) error) {
	failed := 0
	for ctx.Err() == nil {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			failed = min(2*failed+1, slowest)
			c.Log.Warn("a validator's duty failed and is tried again", "duty", what, "error", err)
		} else {
			failed = 0
		}
		rest(ctx, c.Every*time.Duration(1+failed))
	}
}

// rest waits until the time is over or ctx ends.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// patience is for how many blocks a word is awaited on the chain before it is
// said again.
const patience = 4

// batch is how many trials are seen to before the chain is asked again which
// are open.
const batch = 8

// Sit does what is to be done about the trials that are open now: verdicts and
// reveals, those first that end first. One that fails does not keep it from the
// others.
func (c *Court) Sit(ctx context.Context) error {
	var errs []error
	done := map[model.Hash]bool{}
	for {
		open, height, err := c.Chain.Trials(ctx)
		if err != nil {
			return errors.Join(append(errs, fmt.Errorf("ask for the open trials: %w", err))...)
		}
		c.forget(open)
		due := slices.DeleteFunc(open, func(t Trial) bool { return done[t.Claim] || !c.due(t, height) })
		if len(due) == 0 {
			return errors.Join(errs...)
		}
		slices.SortStableFunc(due, func(a, b Trial) int {
			return cmp.Compare(max(a.VerdictsUntil, a.RevealsUntil), max(b.VerdictsUntil, b.RevealsUntil))
		})
		for _, t := range due[:min(batch, len(due))] {
			done[t.Claim] = true
			if err := c.speak(ctx, t, height); err != nil {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				errs = append(errs, fmt.Errorf("claim %v: %w", t.Claim, err))
			}
		}
	}
}

// due tells whether something is left to say about a trial, in time.
func (c *Court) due(t Trial, height int64) bool {
	if w := c.said[t.Claim]; w != nil && w.at > 0 && w.revealed == (t.RevealsUntil > 0) && height < w.at+patience {
		return false // it is on its way
	}
	if t.RevealsUntil == 0 {
		return !t.Judged && height < t.VerdictsUntil
	}
	return t.Judged && !t.Revealed && height < t.RevealsUntil
}

// word is what there is to say of a trial, and when it was said last.
type word struct {
	verdict  *Verdict
	digest   model.Hash
	at       int64 // height, 0 before
	revealed bool  // and not only the verdict
}

// speak sends the verdict of a trial, or its digest once verdicts are over. What
// was said before the court began anew follows from the job again.
func (c *Court) speak(ctx context.Context, t Trial, height int64) error {
	w := c.said[t.Claim]
	if w == nil {
		var err error
		if w, err = c.try(ctx, t.Claim); err != nil {
			return err
		}
		c.said[t.Claim] = w
	}
	if t.RevealsUntil == 0 {
		if err := c.Chain.Judge(ctx, w.verdict); err != nil {
			return fmt.Errorf("send a verdict: %w", err)
		}
		w.at = height
		c.Log.Info("a claim was judged", "claim", t.Claim.String(), "faults", len(w.verdict.Faults), "receipt_wrong", w.verdict.ReceiptWrong)
		return nil
	}
	if w.verdict.Seal != t.Seal {
		return errors.New("the verdict that stands has another seal: somebody else judges with this validator's key")
	}
	if err := c.Chain.Reveal(ctx, t.Claim, w.digest); err != nil {
		return fmt.Errorf("reveal a digest: %w", err)
	}
	w.at, w.revealed = height, true
	return nil
}

// word is what follows from a trial.
func (c *Court) word(claim model.Hash, against model.Hash, t *judge.Trial, v *judge.Verdict) *word {
	sent := &Verdict{Claim: claim, ReceiptWrong: v.Receipt != nil, Seal: judge.Seal(c.Operator, v.Digest)}
	sent.AgainstWrong = against != model.Hash{} && work.OutputHash(&t.Claim.Job, v.Output) != against
	for i, f := range v.Faults {
		if i == 0 || f.Nullifier != v.Faults[i-1].Nullifier { // the chain has each once
			sent.Faults = append(sent.Faults, Fault{f.Nullifier, f.Reason})
		}
	}
	return &word{verdict: sent, digest: v.Digest}
}

// try runs the job of a claim, and rests afterwards as the duty demands.
func (c *Court) try(ctx context.Context, claim model.Hash) (*word, error) {
	of, err := c.Chain.Case(ctx, claim)
	if err != nil {
		return nil, fmt.Errorf("ask for a claim: %w", err)
	}
	registered, err := c.registered(ctx, of.Model)
	if err != nil {
		return nil, err
	}
	trial, err := of.trial()
	if err != nil {
		return nil, err
	}
	bench, err := c.Store.Bench(ctx, registered)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	v, err := bench.Try(ctx, trial)
	if took := time.Since(began); c.Duty < 1000 {
		rest(ctx, took*time.Duration(1000-c.Duty)/time.Duration(c.Duty))
	}
	if err != nil {
		return nil, err
	}
	return c.word(claim, of.Against, trial, v), nil
}

// trial reads what the chain keeps of a claim.
func (c *Case) trial() (*judge.Trial, error) {
	job, err := work.DecodeJob(c.Job)
	if err != nil {
		return nil, err
	}
	t := &judge.Trial{Claim: work.Claim{Job: *job, Executor: c.Executor, Beacon: c.Beacon, Prefix: c.Prefix}}
	if t.Target, err = work.NewTarget(c.Target); err != nil {
		return nil, err
	}
	for _, b := range c.Tickets {
		ticket, err := work.DecodeTicket(b)
		if err != nil {
			return nil, err
		}
		t.Tickets = append(t.Tickets, ticket)
	}
	if len(c.Receipt) > 0 {
		t.Receipt, err = work.ParseReceipt(c.Receipt)
	}
	return t, err
}

// forget drops what was said in trials that are no longer open.
func (c *Court) forget(open []Trial) {
	kept := map[model.Hash]*word{}
	for _, t := range open {
		if w := c.said[t.Claim]; w != nil {
			kept[t.Claim] = w
		}
	}
	c.said = kept
}

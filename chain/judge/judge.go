package judge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zeebo/blake3"

	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
)

// The contexts of derived keys.
const (
	contextTrial = "hearth chain 1 trial"
	contextSeal  = "hearth chain 1 seal"
)

// Bench is a model at hand, ready to try claims on. It is safe for concurrent
// use if its product is and its team is nil.
type Bench struct {
	registered *work.Model
	weights    *model.Model
	product    model.Product
	level      kernel.Level
	team       *kernel.Team
	verifier   *work.Verifier
}

// New returns a bench for a registered model. weights are the whole model and
// product multiplies with them, such as engine.Plain; the team, which may be
// nil, divides what a decoder does between its products. Registered and weights
// must be of the same model: whoever loads them sees to it.
func New(registered *work.Model, weights *model.Model, product model.Product, level kernel.Level, team *kernel.Team) *Bench {
	return &Bench{registered, weights, product, level, team, work.NewVerifier(registered, level)}
}

// Model is the model as it is registered.
func (b *Bench) Model() *work.Model { return b.registered }

// Trial is what is tried: a claim with its beacon, the target that its tickets
// had to meet, the tickets, and the receipt, which may be nil.
type Trial struct {
	Claim   work.Claim
	Target  work.Target
	Tickets []*work.Ticket
	// Receipt has passed its own Check and discloses the claim's job, as a chain
	// requires before it takes one.
	Receipt *work.Receipt
}

// Fault is a ticket that does not hold, and why.
type Fault struct {
	Nullifier model.Hash
	Reason    work.Reason
	Detail    string // for people
}

// Verdict is what came of a trial.
type Verdict struct {
	// Faults lists the tickets that do not hold, by nullifier, rising.
	Faults []Fault
	// Receipt is why the receipt does not hold, nil if it does or none is tried.
	Receipt *work.Rejection
	// Digest is known to those alone who ran the job: the root of its trace with
	// a key of the claim in place of an executor's.
	Digest model.Hash
	// Output is what the job yields.
	Output []int32
}

// Seal binds a digest to the validator who gives a verdict: it can neither be
// copied from another's nor opened without the digest.
func Seal(operator string, digest model.Hash) (seal model.Hash) {
	blake3.DeriveKey(contextSeal, append([]byte(operator), digest[:]...), seal[:])
	return seal
}

// Check is tier 0 with the bench's own weights. It returns the
// [work.Rejection] it finds, or nil.
func (b *Bench) Check(c *work.Claim, target work.Target, t *work.Ticket) error {
	return b.verifier.Check(c, target, t, b.tile(t.At, t.Tile))
}

// tile returns the weights of a tile, nil where the model has no such tile.
func (b *Bench) tile(at model.Operation, tile int) []int8 {
	if at.Layer < 0 || at.Layer >= len(b.weights.Layers) || at.Kind >= model.Head {
		return nil
	}
	l := &b.weights.Layers[at.Layer]
	x := [...]*model.Linear{model.QKV: l.QKV, model.Out: l.Out, model.Up: l.Up, model.Down: l.Down}[at.Kind]
	size := work.TileColumns * x.K
	if tile < 0 || tile >= len(x.Weight)/size {
		return nil
	}
	return x.Weight[tile*size:][:size]
}

// Try runs the job of a claim and returns what follows from it. An error says
// that the trial could not be held (the claim is for another model or can be
// mined by nobody, the context ended), and nothing about the tickets.
func (b *Bench) Try(ctx context.Context, t *Trial) (*Verdict, error) {
	if err := t.Claim.Check(b.registered); err != nil {
		return nil, fmt.Errorf("try a claim that can be mined by nobody: %w", err)
	}
	v := &Verdict{}
	w := newWitness(b.level)
	for _, ticket := range t.Tickets {
		err := b.Check(&t.Claim, t.Target, ticket)
		if err == nil {
			w.expect(ticket)
			continue
		}
		var r *work.Rejection
		if !errors.As(err, &r) {
			return nil, fmt.Errorf("try a ticket: %w", err)
		}
		v.fault(ticket, r.Reason, r.Detail)
	}
	var ran *outcome
	run := func(ctx context.Context, see work.See) (err error) {
		ran, err = b.run(ctx, &t.Claim, w, see)
		return err
	}
	if t.Receipt != nil {
		if err := b.receipt(ctx, t, run, &ran, v); err != nil {
			return nil, err
		}
	}
	if ran == nil { // no receipt, or one that is wrong at first sight
		if err := run(ctx, nil); err != nil {
			return nil, err
		}
	}
	v.Output = ran.output
	for _, ticket := range w.tickets {
		if reason, detail := w.look(ticket, ran.answer); reason != "" {
			v.fault(ticket, reason, detail)
		}
	}
	slices.SortFunc(v.Faults, func(x, y Fault) int { return bytes.Compare(x.Nullifier[:], y.Nullifier[:]) })
	var err error
	if v.Digest, err = ran.digest(&t.Claim); err != nil {
		return nil, fmt.Errorf("sum up a trial: %w", err)
	}
	return v, nil
}

func (v *Verdict) fault(t *work.Ticket, reason work.Reason, detail string) {
	v.Faults = append(v.Faults, Fault{t.Nullifier(), reason, detail})
}

// receipt holds the receipt against the run, which is made on the way unless
// the receipt is wrong at first sight.
func (b *Bench) receipt(ctx context.Context, t *Trial, run func(context.Context, work.See) error, ran **outcome, v *Verdict) error {
	if t.Receipt.Disclosed == nil {
		return errors.New("try a receipt that discloses nothing: a chain takes none")
	}
	output := t.Receipt.Disclosed.Output
	err := t.Receipt.CheckRun(ctx, b.registered, b.level, &t.Claim.Job, output,
		func(ctx context.Context, _ *work.Job, answer []int32, see work.See) (work.Pass, error) {
			if err := run(ctx, see); err != nil {
				return work.Pass{}, err
			}
			return (*ran).pass(answer)
		})
	switch {
	case err == nil:
	case errors.As(err, &v.Receipt):
	default:
		return fmt.Errorf("try a receipt: %w", err)
	}
	return nil
}

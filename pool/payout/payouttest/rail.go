package payouttest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"hearth/pool/payout"
	"hearth/pool/payout/bolt11"
)

// Rail pays invoices of a [Network] at once, each once. It is what a rail that
// only finds invoices stands on.
type Rail struct {
	network *Network

	mu     sync.Mutex
	proofs map[string]string
	lose   int
	calls  int
}

// NewRail makes a rail over a network.
func NewRail(n *Network) *Rail { return &Rail{network: n, proofs: map[string]string{}} }

// Lose makes the next answers of Pay get lost after the money has moved.
func (r *Rail) Lose(answers int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lose = answers
}

// Calls tells how often Pay was called.
func (r *Rail) Calls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls
}

// Name implements [payout.Rail].
func (r *Rail) Name() string { return "memory" }

// Prepare implements [payout.Rail].
func (r *Rail) Prepare(_ context.Context, in payout.Intent) (payout.Ticket, error) {
	invoice, err := bolt11.Decode(in.To)
	if err != nil {
		return payout.Ticket{}, fmt.Errorf("%w: %w", payout.ErrRefused, err)
	}
	if invoice.Millisats != in.Millisats {
		return payout.Ticket{}, fmt.Errorf("%w: the invoice is of %d msat, the intent of %d", payout.ErrRefused, invoice.Millisats, in.Millisats)
	}
	return payout.Ticket{Key: invoice.PaymentHash.String(), Data: []byte(in.To)}, nil
}

// Pay implements [payout.Rail].
func (r *Rail) Pay(_ context.Context, t payout.Ticket) (payout.Outcome, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	if _, done := r.proofs[t.Key]; !done {
		proof, err := r.network.Pay(string(t.Data))
		if err != nil {
			return payout.Outcome{State: payout.Failed, Why: err.Error()}, nil
		}
		r.proofs[t.Key] = proof
	}
	if r.lose > 0 {
		r.lose--
		return payout.Outcome{}, errors.New("the answer was lost")
	}
	return payout.Outcome{State: payout.Paid, Proof: r.proofs[t.Key]}, nil
}

// Look implements [payout.Rail].
func (r *Rail) Look(_ context.Context, t payout.Ticket) (payout.Outcome, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if proof, done := r.proofs[t.Key]; done {
		return payout.Outcome{State: payout.Paid, Proof: proof}, nil
	}
	return payout.Outcome{State: payout.Unsent}, nil
}

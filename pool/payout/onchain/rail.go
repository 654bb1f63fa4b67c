package onchain

import (
	"context"
	"fmt"

	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"hearth/pool/job"
	"hearth/pool/payout"
)

// Terms are how a rail pays on the chain.
type Terms struct {
	// Network is which addresses are paid.
	Network job.Network
	// Depth is how many confirmations a payment has when it is paid; 0: 6.
	Depth int64
	// Rate is the fee in sats per virtual byte; 0: what is estimated to
	// confirm within Target blocks.
	Rate int64
	// Target is within how many blocks; 0: 144, a day, since nobody waits.
	Target int64
}

func (t Terms) defaults() Terms {
	if t.Depth <= 0 {
		t.Depth = 6
	}
	if t.Target <= 0 {
		t.Target = 144
	}
	return t
}

// wallet is what chooses coins and what sees the chain. The two kinds of it
// are lndWallet and folder.
type wallet interface {
	// fund chooses coins for the outputs and adds change. Until release is
	// called, or some time has passed, it does not choose them again.
	fund(ctx context.Context, outs []*wire.TxOut) (p *psbt.Packet, height int64, release func(context.Context), err error)
	// send has the transaction signed and broadcast. It returns what is
	// awaited then.
	send(ctx context.Context, t ticket, label string) (awaits string, err error)
	// find looks for the transaction and for others that spend its coins.
	find(ctx context.Context, t ticket) (sighting, error)
}

// sighting is what is to be seen of a transaction.
type sighting struct {
	// known: it is in a block or waits for one.
	known         bool
	confirmations int64
	// awaits says what it waits for where it is not known and nothing is to
	// be done.
	awaits string
	// rival is another transaction that spends one of its coins, with its
	// confirmations and its fee in sats.
	rival      *wire.MsgTx
	rivalDepth int64
	rivalFee   int64
}

// Rail pays in transactions. It is safe for concurrent use.
type Rail struct {
	name   string
	terms  Terms
	wallet wallet
}

// Name implements [payout.Rail]: "onchain" for an lnd's wallet, "psbt" for a
// person's.
func (r *Rail) Name() string { return r.name }

// Prepare implements [payout.Rail].
func (r *Rail) Prepare(ctx context.Context, in payout.Intent) (payout.Ticket, error) {
	return r.PrepareBatch(ctx, []payout.Intent{in})
}

// PrepareBatch implements [payout.Batcher]. The destinations are addresses.
func (r *Rail) PrepareBatch(ctx context.Context, batch []payout.Intent) (payout.Ticket, error) {
	outs, err := outputs(batch, r.terms.Network)
	if err != nil {
		return payout.Ticket{}, err
	}
	p, height, release, err := r.wallet.fund(ctx, outs)
	if err != nil {
		return payout.Ticket{}, err
	}
	t, err := func() (payout.Ticket, error) {
		fee, change, err := check(p, outs)
		if err != nil {
			return payout.Ticket{}, err
		}
		if err := affordable(fee, batch); err != nil {
			return payout.Ticket{}, err
		}
		return pack(p, change, height)
	}()
	if err != nil {
		release(context.WithoutCancel(ctx))
	}
	return t, err
}

// Pay implements [payout.Rail].
func (r *Rail) Pay(ctx context.Context, t payout.Ticket) (payout.Outcome, error) {
	d, err := unpack(t)
	if err != nil {
		return payout.Outcome{}, err
	}
	if o, err := r.look(ctx, d); err != nil || o.State != payout.Unsent {
		return o, err
	}
	awaits, err := r.wallet.send(ctx, d, "Hearth payout")
	if err != nil {
		return payout.Outcome{}, err
	}
	return payout.Outcome{State: payout.Pending, Why: awaits}, nil
}

// Look implements [payout.Rail].
func (r *Rail) Look(ctx context.Context, t payout.Ticket) (payout.Outcome, error) {
	d, err := unpack(t)
	if err != nil {
		return payout.Outcome{}, err
	}
	return r.look(ctx, d)
}

func (r *Rail) look(ctx context.Context, d ticket) (payout.Outcome, error) {
	s, err := r.wallet.find(ctx, d)
	if err != nil {
		return payout.Outcome{}, err
	}
	pending := func(format string, args ...any) (payout.Outcome, error) {
		return payout.Outcome{State: payout.Pending, Why: fmt.Sprintf(format, args...)}, nil
	}
	switch {
	case s.known && s.confirmations >= r.terms.Depth:
		return payout.Outcome{State: payout.Paid, Fee: d.fee() * 1000, Proof: d.id()}, nil
	case s.known:
		return pending("it has %d of %d confirmations", s.confirmations, r.terms.Depth)
	case s.rival == nil && s.awaits != "":
		return pending("%s", s.awaits)
	case s.rival == nil:
		return payout.Outcome{State: payout.Unsent, Why: "it was not broadcast"}, nil
	}
	rival := s.rival.TxHash().String()
	switch paid, of := d.paidBy(s.rival); {
	case s.rivalDepth < r.terms.Depth:
		return pending("the transaction %s spends its coins, with %d of %d confirmations", rival, s.rivalDepth, r.terms.Depth)
	case paid == of:
		return payout.Outcome{State: payout.Paid, Fee: s.rivalFee * 1000, Proof: rival}, nil
	case paid == 0 && d.names(s.rival):
		// Wallets that raise a fee may take it from what is paid.
		return payout.Outcome{}, fmt.Errorf("the transaction %s spent its coins and pays its payees less: settle it by hand", rival)
	case paid == 0:
		return payout.Outcome{State: payout.Failed, Why: fmt.Sprintf("the transaction %s spent its coins for something else", rival)}, nil
	default:
		return payout.Outcome{}, fmt.Errorf("the transaction %s spent its coins and pays %d of %d payees: settle it by hand", rival, paid, of)
	}
}

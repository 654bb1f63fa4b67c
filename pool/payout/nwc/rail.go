package nwc

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"hearth/pool/payout"
	"hearth/pool/payout/bolt11"
)

// Config is a wallet to pay with.
type Config struct {
	// Connection is the text that the wallet shows. It is a secret.
	Connection string
	// Network is which invoices are paid; empty: the main network's.
	Network bolt11.Network
	// Now is the time; nil: the computer's.
	Now func() time.Time
	// Grace is how long a request that may be under way is waited for beyond
	// its expiry, and a ticket of an earlier run as well; 0: a minute.
	Grace time.Duration
}

// Rail pays invoices through a wallet over Nostr. It is safe for concurrent
// use.
type Rail struct {
	wallet  *wallet
	network bolt11.Network
	now     func() time.Time
	grace   time.Duration
	started time.Time
	run     string // tells this process's tickets from those of others

	mu     sync.Mutex
	own    map[string]*track // payments that this run made a ticket of, or asked for
	flying map[string]bool
}

// track is what this run did about a payment.
type track struct {
	asked bool // the wallet may have got a request
	until time.Time
}

// New makes the rail without talking to the wallet.
func New(c Config) (*Rail, error) {
	conn, err := ParseConnection(c.Connection)
	if err != nil {
		return nil, err
	}
	if c.Network == "" {
		c.Network = bolt11.Mainnet
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Grace <= 0 {
		c.Grace = time.Minute
	}
	return &Rail{
		wallet: &wallet{conn: conn, now: c.Now, patience: requestTime}, network: c.Network, now: c.Now, grace: c.Grace, started: c.Now(), run: rand.Text(),
		own: map[string]*track{}, flying: map[string]bool{},
	}, nil
}

// Name implements [payout.Rail].
func (r *Rail) Name() string { return "nwc" }

const (
	// held is the longest that Lightning holds a payment: 2,016 blocks, and a
	// day for slow ones.
	held = 15 * 24 * time.Hour
	// maxOwn bounds what is remembered beside requests that may be under way.
	// What is forgotten is treated as of an earlier run.
	maxOwn = 4096
)

// Prepare implements [payout.Rail]. The destination is an invoice.
func (r *Rail) Prepare(ctx context.Context, in payout.Intent) (payout.Ticket, error) {
	invoice, err := bolt11.Decode(in.To)
	if err != nil {
		return payout.Ticket{}, fmt.Errorf("%w: %.60q is not an invoice (%w); Lightning addresses are paid by the rail lnurl", payout.ErrRefused, in.To, err)
	}
	if err := invoice.Payable(in.Millisats, r.network, r.now()); err != nil {
		return payout.Ticket{}, fmt.Errorf("%w: %w", payout.ErrRefused, err)
	}
	// A wallet that cannot be asked what became of a payment is not trusted with
	// one.
	if err := r.wallet.ready(ctx, "pay_invoice", "lookup_invoice"); err != nil {
		return payout.Ticket{}, err
	}
	key := invoice.PaymentHash.String()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.own) >= maxOwn {
		now := r.now()
		maps.DeleteFunc(r.own, func(_ string, t *track) bool { return !now.Before(t.until) })
	}
	if r.own[key] == nil {
		r.own[key] = &track{}
	}
	// An earlier run may have asked for the same invoice, under another ticket, and
	// a later one may be connected to another wallet.
	return payout.Ticket{Key: key, Data: []byte(strings.TrimSpace(in.To) + " " + r.run + " " + r.wallet.name())}, nil
}

// Pay implements [payout.Rail]. It waits for the wallet's answer or the end of
// ctx, a minute at most.
func (r *Rail) Pay(ctx context.Context, t payout.Ticket) (payout.Outcome, error) {
	in, err := read(t)
	if err != nil {
		return payout.Outcome{}, err
	}
	if !r.fly(t.Key) {
		return payout.Outcome{State: payout.Pending, Why: "an earlier request has no answer yet"}, nil
	}
	defer r.land(t.Key)
	if o, err := r.look(ctx, t.Key, in); err != nil || o.State != payout.Unsent {
		return o, err
	}
	before := r.ask(t.Key)
	var paid struct {
		Preimage string `json:"preimage"`
		Fees     int64  `json:"fees_paid"`
	}
	sent, err := r.wallet.call(ctx, "pay_invoice", map[string]any{"invoice": in.text}, &paid)
	answer, said := errors.AsType[*walletError](err)
	switch {
	case err == nil && in.Paid(paid.Preimage):
		return payout.Outcome{State: payout.Paid, Fee: max(0, paid.Fees), Proof: strings.ToLower(paid.Preimage)}, nil
	case err == nil:
		return payout.Outcome{}, errors.New("the wallet says that it paid, and its proof is of something else")
	case !sent:
		r.set(t.Key, before) // nobody got it
	case said:
		r.set(t.Key, track{asked: true}) // it is not under way any more
	}
	if !said {
		return payout.Outcome{}, err
	}
	o, err := r.look(ctx, t.Key, in)
	if err == nil && o.State == payout.Unsent {
		o.Why = answer.Error()
	}
	return o, err
}

// Look implements [payout.Rail].
func (r *Rail) Look(ctx context.Context, t payout.Ticket) (payout.Outcome, error) {
	in, err := read(t)
	if err != nil {
		return payout.Outcome{}, err
	}
	return r.look(ctx, t.Key, in)
}

// payment is what a ticket's data hold: the invoice, the run that made the
// ticket, and the wallet that was connected then. The last two are empty in old
// tickets.
type payment struct {
	bolt11.Invoice
	text, run, wallet string
}

func read(t payout.Ticket) (payment, error) {
	var p payment
	var err error
	p.text, p.run, _ = strings.Cut(strings.TrimSpace(string(t.Data)), " ")
	p.run, p.wallet, _ = strings.Cut(p.run, " ")
	if p.Invoice, err = bolt11.Decode(p.text); err == nil && p.PaymentHash.String() != t.Key {
		err = errors.New("it holds the invoice of another payment")
	}
	if err != nil {
		return payment{}, fmt.Errorf("the ticket %s is not one of this rail: %w", t.Key, err)
	}
	return p, nil
}

func (r *Rail) fly(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flying[key] {
		return false
	}
	r.flying[key] = true
	return true
}

func (r *Rail) land(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.flying, key)
}

// ask notes that a request goes out now, and returns what was known before.
func (r *Rail) ask(key string) (before track) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.own[key]; t != nil {
		before = *t
	} else {
		before = track{asked: true} // by an earlier run, perhaps
	}
	r.own[key] = &track{asked: true, until: r.now().Add(requestTime + r.grace)}
	return before
}

func (r *Rail) set(key string, t track) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own[key] = &t
}

// transaction is what a wallet tells of a payment.
type transaction struct {
	Type        string          `json:"type"`
	State       string          `json:"state"`
	PaymentHash string          `json:"payment_hash"`
	Preimage    string          `json:"preimage"`
	Fees        int64           `json:"fees_paid"`
	SettledAt   json.RawMessage `json:"settled_at"`
}

// look asks the wallet what became of an invoice.
func (r *Rail) look(ctx context.Context, key string, in payment) (payout.Outcome, error) {
	var t transaction
	_, err := r.wallet.call(ctx, "lookup_invoice", map[string]any{"payment_hash": key}, &t)
	missing := false
	if answer, ok := errors.AsType[*walletError](err); ok && answer.Code == "NOT_FOUND" {
		missing = true
	} else if err != nil {
		return payout.Outcome{}, err
	}
	settled := string(t.SettledAt)
	switch state := strings.ToLower(t.State); {
	case missing:
		return r.missing(key, in, "")
	case t.PaymentHash != "" && !strings.EqualFold(t.PaymentHash, key):
		return payout.Outcome{}, errors.New("the wallet tells of another payment than it was asked for")
	case t.Type == "incoming":
		return payout.Outcome{State: payout.Unknown, Why: "the invoice is the wallet's own: it would pay itself"}, nil
	case in.Paid(t.Preimage):
		return payout.Outcome{State: payout.Paid, Fee: max(0, t.Fees), Proof: strings.ToLower(t.Preimage)}, nil
	case state == "failed" || state == "expired":
		return r.missing(key, in, "the wallet says that it "+state)
	case state == "settled", settled != "" && settled != "null" && settled != "0":
		return payout.Outcome{State: payout.Unknown, Why: "the wallet says that it is settled, without a proof"}, nil
	}
	return payout.Outcome{State: payout.Pending, Why: "the wallet is paying it"}, nil
}

// missing judges a payment that the wallet does not know of, or, with a reason,
// that failed.
func (r *Rail) missing(key string, in payment, failed string) (payout.Outcome, error) {
	now := r.now()
	r.mu.Lock()
	var own track
	known := r.own[key] != nil
	if known {
		own = *r.own[key]
	}
	r.mu.Unlock()
	mine := known && in.run == r.run
	rest := r.started.Add(requestTime + r.grace)
	if mine || own.asked {
		rest = own.until
	}
	expired := now.After(in.Expires.Add(r.grace))
	switch {
	case in.wallet != "" && in.wallet != r.wallet.name():
		return payout.Outcome{State: payout.Unknown, Why: fmt.Sprintf("it was begun with another wallet (%.16s…), which alone knows what became of it: connect that one again, or look into it and say so", in.wallet)}, nil
	case now.Before(rest):
		return payout.Outcome{State: payout.Unknown, Why: "a request may still be under way"}, nil
	case !expired:
		return payout.Outcome{State: payout.Unsent, Why: failed}, nil
	case failed != "", mine && !own.asked, now.After(in.Expires.Add(held)):
		return payout.Outcome{State: payout.Failed, Why: strings.TrimPrefix(failed+", and the invoice has expired", ", and ")}, nil
	}
	return payout.Outcome{State: payout.Unknown, Why: "the wallet does not know the payment, and the invoice has expired: look into the wallet whether it was paid, and say so"}, nil
}

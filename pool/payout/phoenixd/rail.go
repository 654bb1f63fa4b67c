package phoenixd

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"hearth/pool/payout"
	"hearth/pool/payout/bolt11"
)

// Config is how to reach a phoenixd.
type Config struct {
	// URL is its address, such as "http://127.0.0.1:9740".
	URL string
	// Password is its http-password. That of limited access may not pay.
	Password string
	// Network is which invoices are paid; empty: the main network's.
	Network bolt11.Network
	// Now is the time; nil: the computer's.
	Now func() time.Time
	// Grace is how long a ticket rests before it is paid, if an earlier run may
	// have asked for that or the answer to a request was lost; 0: a minute.
	Grace time.Duration
	// Wait is how long the answer to a payment is waited for; 0: two minutes.
	// What takes longer goes on, and is looked up.
	Wait time.Duration
}

// Rail pays through a phoenixd. It is safe for concurrent use.
type Rail struct {
	node    *node
	network bolt11.Network
	now     func() time.Time
	grace   time.Duration
	wait    time.Duration
	started time.Time
	run     string // tells this process's tickets from those of others

	mu     sync.Mutex
	flying map[string]bool           // requests without an answer yet
	lost   map[string]time.Time      // until when one whose answer was lost may be under way
	offers map[string]payout.Outcome // of those that were tried
}

// New makes the rail without talking to the node.
func New(c Config) (*Rail, error) {
	n, err := newNode(c.URL, c.Password)
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
	if c.Wait <= 0 {
		c.Wait = 2 * time.Minute
	}
	return &Rail{
		node: n, network: c.Network, now: c.Now, grace: c.Grace, wait: c.Wait, started: c.Now(), run: rand.Text(),
		flying: map[string]bool{}, lost: map[string]time.Time{}, offers: map[string]payout.Outcome{},
	}, nil
}

// Name implements [payout.Rail].
func (r *Rail) Name() string { return "phoenixd" }

// ticket is what a ticket's data hold.
type ticket struct {
	Invoice string `json:"invoice,omitempty"`
	Offer   string `json:"offer,omitempty"`
	Sats    int64  `json:"sats,omitempty"` // of an offer
	Run     string `json:"run"`
	Node    string `json:"node,omitempty"` // public key of the one that pays the invoice
}

func read(t payout.Ticket) (ticket, bolt11.Invoice, error) {
	var data ticket
	if err := json.Unmarshal(t.Data, &data); err != nil {
		return ticket{}, bolt11.Invoice{}, fmt.Errorf("the ticket %s is not one of phoenixd: %w", t.Key, err)
	}
	if data.Offer != "" {
		return data, bolt11.Invoice{}, nil
	}
	in, err := bolt11.Decode(data.Invoice)
	if err == nil && in.PaymentHash.String() != t.Key {
		err = errors.New("it holds the invoice of another payment")
	}
	if err != nil {
		return ticket{}, bolt11.Invoice{}, fmt.Errorf("the ticket %s is not one of phoenixd: %w", t.Key, err)
	}
	return data, in, nil
}

// fee is what phoenixd takes of an outgoing Lightning payment: 0.4 % and 4 sat.
func fee(millisats int64) int64 { return (millisats+249)/250 + 4000 }

// Prepare implements [payout.Rail]. The destination is an invoice, or an offer
// ("lno1…") of whole sats.
func (r *Rail) Prepare(ctx context.Context, in payout.Intent) (payout.Ticket, error) {
	refused := func(format string, args ...any) (payout.Ticket, error) {
		return payout.Ticket{}, fmt.Errorf("%w: %s", payout.ErrRefused, fmt.Sprintf(format, args...))
	}
	if most := fee(in.Millisats); in.MaxFee < most {
		return refused("phoenixd takes a fee of 0.4 %% and 4 sat, here up to %d msat, and %d are allowed", most, in.MaxFee)
	}
	data := ticket{Run: r.run}
	var key string
	if strings.HasPrefix(strings.ToLower(in.To), "lno1") {
		if in.Millisats%1000 != 0 || in.Millisats <= 0 {
			return refused("phoenixd pays offers in whole sats, and this is %d msat", in.Millisats)
		}
		var decoded json.RawMessage
		var status errStatus
		if err := r.node.ask(ctx, soon, "/decodeoffer", url.Values{"offer": {in.To}}, &decoded); errors.As(err, &status) && status.code == 400 {
			return refused("phoenixd does not take the offer: %.200q", status.says)
		} else if err != nil {
			return payout.Ticket{}, err
		}
		sum := sha256.Sum256([]byte(in.ID + "\n" + in.To))
		data.Offer, data.Sats, key = in.To, in.Millisats/1000, "offer-"+hex.EncodeToString(sum[:20])
	} else {
		invoice, err := bolt11.Decode(in.To)
		if err != nil {
			return refused("%.60q is neither an invoice nor an offer (%v); Lightning addresses are paid by the rail lnurl", in.To, err)
		}
		if err := invoice.Payable(in.Millisats, r.network, r.now()); err != nil {
			return refused("%v", err)
		}
		if data.Node, err = r.node.identity(ctx); err != nil {
			return payout.Ticket{}, err
		}
		data.Invoice, key = in.To, invoice.PaymentHash.String()
	}
	b, err := json.Marshal(data)
	return payout.Ticket{Key: key, Data: b}, err
}

// fly marks a request as under way, once per ticket.
func (r *Rail) fly(key string) (land func(), ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flying[key] {
		return nil, false
	}
	r.flying[key] = true
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.flying, key)
	}, true
}

// Pay implements [payout.Rail]. It waits until the payment is over, for
// [Config.Wait] or until ctx ends; what was sent goes on in the latter cases.
func (r *Rail) Pay(ctx context.Context, t payout.Ticket) (payout.Outcome, error) {
	data, in, err := read(t)
	if err != nil {
		return payout.Outcome{}, err
	}
	land, ok := r.fly(t.Key)
	if !ok {
		return payout.Outcome{State: payout.Pending, Why: "an earlier request has no answer yet"}, nil
	}
	defer land()
	if data.Offer != "" {
		return r.payOffer(ctx, t.Key, data)
	}
	now, err := r.look(ctx, t.Key, data, in)
	if err != nil || now.State != payout.Unsent {
		return now, err
	}
	var answer answer
	err = r.node.ask(ctx, r.wait, "/payinvoice", url.Values{"invoice": {data.Invoice}}, &answer)
	switch {
	case err == nil && in.Paid(answer.Preimage):
		return payout.Outcome{State: payout.Paid, Fee: answer.RoutingFeeSat * 1000, Proof: strings.ToLower(answer.Preimage)}, nil
	case err == nil:
		return r.after(ctx, t.Key, data, in, answer.Reason)
	}
	if status, ok := errors.AsType[errStatus](err); ok {
		return r.after(ctx, t.Key, data, in, status.Error())
	}
	r.lose(t.Key)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return r.look(ctx, t.Key, data, in) // it takes its time
	}
	return payout.Outcome{}, err
}

// lose notes that nobody knows whether phoenixd got a request.
func (r *Rail) lose(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	maps.DeleteFunc(r.lost, func(_ string, until time.Time) bool { return now.After(until) })
	r.lost[key] = now.Add(r.grace)
}

// answer is phoenixd's to a payment: it went, or why not.
type answer struct {
	PaymentHash   string `json:"paymentHash"`
	Preimage      string `json:"paymentPreimage"`
	RoutingFeeSat int64  `json:"routingFeeSat"`
	Reason        string `json:"reason"`
}

// after looks again when a request came back without a payment. The reason may
// be that another one is under way or was paid.
func (r *Rail) after(ctx context.Context, key string, data ticket, in bolt11.Invoice, why string) (payout.Outcome, error) {
	o, err := r.look(ctx, key, data, in)
	if err == nil && o.State == payout.Unsent {
		o.Why = strings.ToValidUTF8(fmt.Sprintf("%.200s", why), "?")
	}
	return o, err
}

// Look implements [payout.Rail].
func (r *Rail) Look(ctx context.Context, t payout.Ticket) (payout.Outcome, error) {
	data, in, err := read(t)
	if err != nil {
		return payout.Outcome{}, err
	}
	r.mu.Lock()
	flying := r.flying[t.Key]
	r.mu.Unlock()
	if data.Offer != "" {
		return r.lookOffer(t.Key, data, flying), nil
	}
	if o, err := r.look(ctx, t.Key, data, in); err != nil || o.State == payout.Paid || !flying {
		return o, err
	}
	return payout.Outcome{State: payout.Pending, Why: "a request has no answer yet"}, nil
}

// look finds out about an invoice, apart from requests of this process that
// are under way.
func (r *Rail) look(ctx context.Context, key string, data ticket, in bolt11.Invoice) (payout.Outcome, error) {
	// A day before the invoice was made, for clocks that disagree.
	list, err := r.node.payments(ctx, key, in.At.Add(-24*time.Hour))
	if err != nil {
		return payout.Outcome{}, fmt.Errorf("look up a payment: %w", err)
	}
	pending := false
	for _, p := range list {
		if in.Paid(p.Preimage) {
			return payout.Outcome{State: payout.Paid, Fee: max(0, p.Fees), Proof: strings.ToLower(p.Preimage)}, nil
		}
		pending = pending || p.CompletedAt == nil
	}
	if pending {
		return payout.Outcome{State: payout.Pending, Why: "phoenixd is paying it"}, nil
	}
	if node, err := r.node.identity(ctx); err != nil {
		return payout.Outcome{}, err
	} else if data.Node != "" && node != data.Node {
		return payout.Outcome{State: payout.Unknown, Why: fmt.Sprintf("it was begun with another node (%.16s…), which alone knows what became of it: reach that one again, or look into it and say so", data.Node)}, nil
	}
	now := r.now()
	r.mu.Lock()
	rest := r.lost[key]
	r.mu.Unlock()
	if until := r.started.Add(r.grace); data.Run != r.run && until.After(rest) {
		rest = until
	}
	tried := ""
	if len(list) > 0 {
		tried = fmt.Sprintf("it was tried %d times in vain", len(list))
	}
	switch {
	case now.Before(rest):
		return payout.Outcome{State: payout.Unknown, Why: "an earlier request may still be under way"}, nil
	case now.After(in.Expires.Add(r.grace)):
		return payout.Outcome{State: payout.Failed, Why: strings.TrimPrefix(tried+", and the invoice has expired", ", and ")}, nil
	}
	return payout.Outcome{State: payout.Unsent, Why: tried}, nil
}

// offerWait is how long the answer to an offer is waited for: long, since
// nothing can be looked up afterwards.
const offerWait = 10 * time.Minute

// payOffer tries an offer, once.
func (r *Rail) payOffer(ctx context.Context, key string, data ticket) (payout.Outcome, error) {
	if o := r.lookOffer(key, data, false); o.State != payout.Unsent {
		return o, nil
	}
	if err := r.try(key); err != nil {
		return payout.Outcome{}, err
	}
	var answer answer
	err := r.node.ask(ctx, offerWait, "/payoffer", url.Values{"offer": {data.Offer}, "amountSat": {strconv.FormatInt(data.Sats, 10)}, "message": {key}}, &answer)
	o := payout.Outcome{State: payout.Unknown, Why: lost}
	status, refused := errors.AsType[errStatus](err)
	switch {
	case err == nil && proves(answer):
		o = payout.Outcome{State: payout.Paid, Fee: answer.RoutingFeeSat * 1000, Proof: strings.ToLower(answer.Preimage)}
	case err == nil && answer.Preimage == "" && answer.Reason != "":
		o = payout.Outcome{State: payout.Failed, Why: strings.ToValidUTF8(fmt.Sprintf("phoenixd could not pay it: %.200s", answer.Reason), "?")}
	case refused && status.code >= 400 && status.code < 500:
		o = payout.Outcome{State: payout.Failed, Why: status.Error()}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.offers[key] = o
	if o.State == payout.Unknown && err != nil {
		return payout.Outcome{}, err
	}
	return o, nil
}

// maxOffers bounds what is remembered of offers, which must not be forgotten.
const maxOffers = 100_000

// try notes that an offer is tried from now on.
func (r *Rail) try(key string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.offers) >= maxOffers {
		return fmt.Errorf("%d offers were tried in one run: restart Hearth to pay more", maxOffers)
	}
	r.offers[key] = payout.Outcome{State: payout.Unknown, Why: lost}
	return nil
}

// proves reports whether the preimage of an answer is that of its hash.
func proves(a answer) bool {
	preimage, err := hex.DecodeString(a.Preimage)
	sum := sha256.Sum256(preimage)
	return err == nil && len(preimage) == 32 && strings.EqualFold(hex.EncodeToString(sum[:]), a.PaymentHash)
}

const lost = "the answer to the one request for this offer was lost: look into the wallet whether it was paid, and say so"

// lookOffer says what this process knows of an offer. There is nothing to look
// it up by.
func (r *Rail) lookOffer(key string, data ticket, flying bool) payout.Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	o, tried := r.offers[key]
	switch {
	case flying:
		return payout.Outcome{State: payout.Pending, Why: "the request has no answer yet"}
	case tried:
		return o
	case data.Run != r.run:
		return payout.Outcome{State: payout.Unknown, Why: "an earlier run may have tried this offer: look into the wallet whether it was paid, and say so"}
	}
	return payout.Outcome{State: payout.Unsent}
}

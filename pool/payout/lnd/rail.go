package lnd

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hearth/pool/payout"
	"hearth/pool/payout/lnd/rest"
)

// Config is how to reach and use a node.
type Config struct {
	rest.Config
	// Timeout is how long lnd tries to find a way for one payment; 0: a minute.
	Timeout time.Duration
	// Now is the time; nil: the computer's.
	Now func() time.Time
}

// Rail pays through an lnd. It is safe for concurrent use.
type Rail struct {
	node    *rest.Client
	timeout time.Duration
	now     func() time.Time
}

// New makes the rail without talking to the node.
func New(cfg Config) (*Rail, error) {
	node, err := rest.New(cfg.Config)
	if err != nil {
		return nil, err
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = time.Minute
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Rail{node: node, timeout: cfg.Timeout, now: cfg.Now}, nil
}

// Name implements [payout.Rail].
func (*Rail) Name() string { return "lnd" }

// ticket is what a ticket's data hold.
type ticket struct {
	Invoice string `json:"invoice"`
	Node    string `json:"node"` // public key
	// Msat is the amount if the invoice leaves it open, else zero.
	Msat   int64 `json:"msat,omitempty"`
	MaxFee int64 `json:"max_fee"`
}

// margin is how long an invoice must be good for when a ticket is made of it.
const margin = time.Minute

// Prepare implements [payout.Rail]. The destination is a BOLT11 invoice over
// the intent's amount or over none.
func (r *Rail) Prepare(ctx context.Context, in payout.Intent) (payout.Ticket, error) {
	refused := func(format string, args ...any) (payout.Ticket, error) {
		return payout.Ticket{}, &payout.Refusal{ID: in.ID, Why: fmt.Sprintf(format, args...)}
	}
	if !strings.HasPrefix(strings.ToLower(in.To), "ln") || strings.ContainsAny(in.To, "/?#@% ") {
		return refused("%.40q is not an invoice; Lightning addresses are paid by the rail lnurl", in.To)
	}
	node, err := r.identity(ctx)
	if err != nil {
		return payout.Ticket{}, err
	}
	var invoice struct {
		Hash   string `json:"payment_hash"`
		Msat   int64  `json:"num_msat,string"`
		Made   int64  `json:"timestamp,string"`
		Expiry int64  `json:"expiry,string"`
	}
	err = r.node.Do(ctx, "GET", "/v1/payreq/"+url.PathEscape(in.To), nil, &invoice)
	if status, ok := errors.AsType[*rest.Status](err); ok {
		return refused("lnd cannot read the invoice: %.200s", status.Message)
	} else if err != nil {
		return payout.Ticket{}, err
	}
	data := ticket{Invoice: in.To, Node: node, MaxFee: in.MaxFee}
	switch hash, err := hex.DecodeString(invoice.Hash); {
	case err != nil || len(hash) != sha256.Size:
		return payout.Ticket{}, fmt.Errorf("lnd says that %.100q is the payment hash", invoice.Hash)
	case invoice.Msat == 0:
		data.Msat = in.Millisats
	case invoice.Msat != in.Millisats:
		return refused("the invoice is over %d msat, not over %d", invoice.Msat, in.Millisats)
	}
	if until := time.Unix(invoice.Made+invoice.Expiry, 0); r.now().Add(margin).After(until) {
		return refused("the invoice expires at %s already: ask for a new one", until.UTC().Format(time.RFC3339))
	}
	// What lnd knows already it did for somebody else: another intent, another
	// program, a person.
	switch o, err := r.track(ctx, invoice.Hash); {
	case err != nil:
		return payout.Ticket{}, err
	case o.State == payout.Paid, o.State == payout.Pending:
		return refused("the invoice is %s already", o.State)
	}
	b, err := json.Marshal(data)
	return payout.Ticket{Key: invoice.Hash, Data: b}, err
}

func (r *Rail) identity(ctx context.Context) (string, error) {
	var info struct {
		Key string `json:"identity_pubkey"`
	}
	if err := r.node.Do(ctx, "GET", "/v1/getinfo", nil, &info); err != nil {
		return "", err
	}
	if info.Key == "" {
		return "", errors.New("lnd does not say who it is")
	}
	return info.Key, nil
}

// read returns what a ticket holds, once it is sure that its node is the one
// that answers.
func (r *Rail) read(ctx context.Context, t payout.Ticket) (ticket, error) {
	var data ticket
	if err := json.Unmarshal(t.Data, &data); err != nil || data.Invoice == "" {
		return ticket{}, fmt.Errorf("the ticket %s is not one of lnd", t.Key)
	}
	node, err := r.identity(ctx)
	if err == nil && node != data.Node {
		err = fmt.Errorf("the payment was begun with the node %.16s…, and %.16s… answers: only the first knows what became of it", data.Node, node)
	}
	return data, err
}

// payment is one of lnd's payments.
type payment struct {
	Hash     string `json:"payment_hash"`
	Preimage string `json:"payment_preimage"`
	Status   string `json:"status"`
	Fee      int64  `json:"fee_msat,string"`
	Reason   string `json:"failure_reason"`
}

// Pay implements [payout.Rail]. It waits until the payment is over, and for the
// time that it is given at most; then it goes on without being waited for.
func (r *Rail) Pay(ctx context.Context, t payout.Ticket) (payout.Outcome, error) {
	data, err := r.read(ctx, t)
	if err != nil {
		return payout.Outcome{}, err
	}
	in := map[string]any{
		"payment_request": data.Invoice, "fee_limit_msat": strconv.FormatInt(data.MaxFee, 10),
		"timeout_seconds": int(r.timeout.Seconds()), "no_inflight_updates": true,
	}
	if data.Msat > 0 {
		in["amt_msat"] = strconv.FormatInt(data.Msat, 10)
	}
	// Parts of a payment may stay on their way longer than lnd looks for one.
	wait, cancel := context.WithTimeout(ctx, r.timeout+5*time.Second)
	defer cancel()
	var o payout.Outcome
	err = r.node.Stream(wait, "POST", "/v2/router/send", in, func(raw json.RawMessage) (bool, error) {
		o, err = outcome(raw, t.Key)
		return o.State == payout.Pending, err
	})
	switch status, ok := errors.AsType[*rest.Status](err); {
	case err == nil:
		return o, nil
	case ok && status.Code == rest.AlreadyExists:
		return r.track(ctx, t.Key)
	case ok && strings.Contains(status.Message, "invoice expired"):
		// From now on lnd takes no request for this hash. Only an earlier one
		// may have come through.
		o, err := r.track(ctx, t.Key)
		if err == nil && o.State == payout.Unsent {
			o = payout.Outcome{State: payout.Failed, Why: "the invoice expired before it was paid"}
		}
		return o, err
	case ctx.Err() == nil && wait.Err() != nil:
		return r.track(ctx, t.Key)
	}
	return payout.Outcome{}, err
}

// Look implements [payout.Rail].
func (r *Rail) Look(ctx context.Context, t payout.Ticket) (payout.Outcome, error) {
	if _, err := r.read(ctx, t); err != nil {
		return payout.Outcome{}, err
	}
	return r.track(ctx, t.Key)
}

// track asks lnd what it knows of a payment hash.
func (r *Rail) track(ctx context.Context, hash string) (payout.Outcome, error) {
	raw, err := hex.DecodeString(hash)
	if err != nil || len(raw) != sha256.Size {
		return payout.Outcome{}, fmt.Errorf("%q is not a payment hash", hash)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var o payout.Outcome
	// The first piece is what is known now.
	err = r.node.Stream(ctx, "GET", "/v2/router/track/"+base64.URLEncoding.EncodeToString(raw), nil, func(raw json.RawMessage) (bool, error) {
		var err error
		o, err = outcome(raw, hash)
		return false, err
	})
	if rest.IsCode(err, rest.NotFound) {
		return payout.Outcome{State: payout.Unsent, Why: "lnd has not been asked to pay it"}, nil
	}
	return o, err
}

// outcome reads a payment. What lnd says of it is checked as far as it can be:
// a preimage is one only if it hashes to the payment hash.
func outcome(raw json.RawMessage, hash string) (payout.Outcome, error) {
	var p payment
	if err := json.Unmarshal(raw, &p); err != nil {
		return payout.Outcome{}, fmt.Errorf("lnd describes a payment in a way that is not known: %w", err)
	}
	if p.Hash != hash {
		return payout.Outcome{}, fmt.Errorf("lnd answers about the payment %.64q, asked for %s", p.Hash, hash)
	}
	switch p.Status {
	case "SUCCEEDED":
		preimage, err := hex.DecodeString(p.Preimage)
		if sum := sha256.Sum256(preimage); err != nil || len(preimage) != 32 || hex.EncodeToString(sum[:]) != hash {
			return payout.Outcome{}, fmt.Errorf("lnd says that %s is paid, and its proof %.64q is none", hash, p.Preimage)
		}
		return payout.Outcome{State: payout.Paid, Fee: p.Fee, Proof: p.Preimage}, nil
	case "IN_FLIGHT", "INITIATED":
		return payout.Outcome{State: payout.Pending, Why: "it is on its way"}, nil
	case "FAILED":
		return payout.Outcome{State: payout.Unsent, Why: reason(p.Reason)}, nil
	}
	return payout.Outcome{}, fmt.Errorf("lnd says that the payment %s is %.40q, which is not known", hash, p.Status)
}

// reason says in words why a payment came back.
func reason(lnd string) string {
	switch lnd {
	case "FAILURE_REASON_NO_ROUTE":
		return "there is no way to the payee for the fee that is allowed"
	case "FAILURE_REASON_TIMEOUT":
		return "no way to the payee was found in time"
	case "FAILURE_REASON_INSUFFICIENT_BALANCE":
		return "the node's channels do not hold enough"
	case "FAILURE_REASON_INCORRECT_PAYMENT_DETAILS":
		return "the payee does not know the invoice any more"
	}
	return "lnd gave up: " + lnd
}

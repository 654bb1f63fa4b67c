package lnurl

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"syscall"
	"time"

	"hearth/internal/public"
	"hearth/pool/payout"
	"hearth/pool/payout/bolt11"
)

// Config is a rail to Lightning addresses.
type Config struct {
	// Payer pays the invoices: a rail whose destinations are invoices.
	Payer payout.Rail
	// Network is which invoices are taken; empty: the main network's.
	Network bolt11.Network
	// Now is the time; nil: the computer's.
	Now func() time.Time
	// Control lets an address be dialled or not; nil: only public ones, which is
	// what anything but a test wants.
	Control func(network, address string, c syscall.RawConn) error
	// TLS is which services are trusted; nil: those that the computer trusts.
	TLS *tls.Config
}

// Rail pays to Lightning addresses and LNURLs through another rail. It is safe
// for concurrent use as that one is.
type Rail struct {
	payer   payout.Rail
	network bolt11.Network
	now     func() time.Time
	http    *http.Client
}

// New makes the rail.
func New(c Config) (*Rail, error) {
	if c.Payer == nil {
		return nil, errors.New("a rail to Lightning addresses needs a wallet that pays invoices")
	}
	if c.Network == "" {
		c.Network = bolt11.Mainnet
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Control == nil {
		c.Control = public.Control
	}
	return &Rail{payer: c.Payer, network: c.Network, now: c.Now, http: client(c.Control, c.TLS)}, nil
}

// Name implements [payout.Rail].
func (r *Rail) Name() string { return "lnurl" }

// Prepare implements [payout.Rail]. The ticket is the payer's, of an invoice
// that was checked.
func (r *Rail) Prepare(ctx context.Context, in payout.Intent) (payout.Ticket, error) {
	service, err := Resolve(in.To)
	if err != nil {
		return payout.Ticket{}, err
	}
	invoice, err := r.invoice(ctx, service, in.Millisats)
	if err != nil {
		return payout.Ticket{}, fmt.Errorf("get an invoice for %s: %w", in.Party, err)
	}
	in.Rail, in.To = r.payer.Name(), invoice
	return r.payer.Prepare(ctx, in)
}

// Pay implements [payout.Rail].
func (r *Rail) Pay(ctx context.Context, t payout.Ticket) (payout.Outcome, error) {
	return r.payer.Pay(ctx, t)
}

// Look implements [payout.Rail].
func (r *Rail) Look(ctx context.Context, t payout.Ticket) (payout.Outcome, error) {
	return r.payer.Look(ctx, t)
}

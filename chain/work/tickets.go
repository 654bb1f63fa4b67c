package work

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"cosmossdk.io/collections"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/zeebo/blake3"

	"hearth/infer/kernel"
	format "hearth/work"
)

// Bench checks tickets with the weights of one model at hand.
type Bench interface {
	Check(c *format.Claim, target format.Target, t *format.Ticket) error
}

// Benches finds the bench of a model; false where its weights are not at hand.
// It must not wait.
type Benches func(*format.Model) (Bench, bool)

// submission is a message with tickets, read and seen to be one that its claim
// takes.
type submission struct {
	claim   Claim
	form    *format.Claim
	model   *format.Model
	tickets []*format.Ticket
	params  Params
}

// admit reads a message and looks at everything but the tickets' own claims to
// be right, for a block of a height.
func (k *Keeper) admit(ctx context.Context, msg *MsgSubmitTickets, height int64) (*submission, error) {
	p, err := k.Params(ctx)
	if err != nil {
		return nil, err
	}
	m, err := k.minerOf(ctx, msg.Hot)
	if err != nil {
		return nil, err
	}
	c, err := k.Claim(ctx, msg.Claim)
	if err != nil {
		return nil, err
	}
	n := len(msg.Tickets)
	switch {
	case c.Owner != m.Owner:
		return nil, ErrClaim.Wrapf("claim %x is another's", c.Key)
	case c.Status != CLAIM_STATUS_OPEN || height < c.Opens || height > c.Closes:
		return nil, ErrWindow.Wrapf("block %d: tickets of the claim count in blocks %d to %d, before its receipt", height, c.Opens, c.Closes)
	case n == 0 || n > int(p.MaxTicketsPerTx):
		return nil, ErrTooMany.Wrapf("%d tickets: a message has 1 to %d", n, p.MaxTicketsPerTx)
	case int(c.Tickets)+n > int(p.MaxTicketsPerClaim):
		return nil, ErrTooMany.Wrapf("the claim has %d tickets, and %d more are sent: it may have %d", c.Tickets, n, p.MaxTicketsPerClaim)
	}
	job, err := k.encoded(ctx, c.Job)
	if err != nil {
		return nil, err
	}
	model, err := k.Models.Work(ctx, job.Model)
	if err != nil {
		return nil, err
	}
	s := &submission{claim: c, form: c.form(job), model: model, params: p}
	for i, b := range msg.Tickets {
		t, err := format.DecodeTicket(b)
		if err != nil {
			return nil, ErrTicket.Wrapf("ticket %d: %v", i+1, err)
		}
		s.tickets = append(s.tickets, t)
	}
	return s, nil
}

// look checks tickets by all that needs no weights.
func (s *submission) look() error {
	v := format.NewVerifier(s.model, kernel.Best())
	for i, t := range s.tickets {
		if err := v.Look(s.form, t); err != nil {
			return ErrTicket.Wrapf("ticket %d: %v", i+1, err)
		}
	}
	return nil
}

// news tells whether no ticket is in the chain, or twice in the message.
func (k *Keeper) news(ctx context.Context, tickets []*format.Ticket) error {
	seen := map[[32]byte]bool{}
	for i, t := range tickets {
		id := t.Nullifier()
		has, err := k.store.tickets.Has(ctx, id[:])
		if err != nil {
			return err
		}
		if has || seen[id] {
			return ErrNullifier.Wrapf("ticket %d, %v", i+1, id)
		}
		seen[id] = true
	}
	return nil
}

// Tier0 tells whether a message may enter the pool, or a block that gets a
// vote: what [Keeper.submit] looks at, and whether the tickets win, as far as
// the node has the weights. height is that of the block that it would be in.
func (k *Keeper) Tier0(ctx context.Context, msg *MsgSubmitTickets, height int64, benches Benches) error {
	s, err := k.admit(ctx, msg, height)
	if err != nil {
		return err
	}
	if err := k.news(ctx, s.tickets); err != nil {
		return err
	}
	bench, found := benches(s.model)
	if !found {
		return s.look()
	}
	target, err := targetOf(&s.claim)
	if err != nil {
		return err
	}
	for i, t := range s.tickets {
		if err := bench.Check(s.form, target, t); err != nil {
			return ErrTicket.Wrapf("ticket %d: %v", i+1, err)
		}
	}
	return nil
}

// Pool tells whether a node's pool may keep a message that [Keeper.Tier0] has let
// in, for a block of a height. It only looks at what blocks change, for it is
// asked again after every one; and it counts the tickets in the context, which is
// the state that a pool is checked against: no pool holds more for a claim than
// the chain takes, though on a node without weights they need not win.
func (k *Keeper) Pool(ctx context.Context, msg *MsgSubmitTickets, height int64) error {
	s, err := k.admit(ctx, msg, height)
	if err != nil {
		return err
	}
	if err := k.news(ctx, s.tickets); err != nil {
		return err
	}
	s.claim.Tickets += uint32(len(s.tickets))
	return k.store.claims.Set(ctx, s.claim.Key, s.claim)
}

// targetOf is the target of a claim's tickets.
func targetOf(c *Claim) (format.Target, error) {
	if len(c.Target) != 32 {
		return format.Target{}, errors.New("the claim has no target yet")
	}
	return format.NewTarget([32]byte(c.Target))
}

// submit includes tickets. Whether they win it does not see: execution is the
// same on nodes without weights.
func (k *Keeper) submit(ctx context.Context, msg *MsgSubmitTickets) error {
	p, err := k.Params(ctx)
	if err != nil {
		return err
	}
	sdk.UnwrapSDKContext(ctx).GasMeter().ConsumeGas(p.GasPerTicket*uint64(len(msg.Tickets)), "tickets")
	now := height(ctx)
	s, err := k.admit(ctx, msg, now)
	if err != nil {
		return err
	}
	prices, err := k.Market(ctx)
	if err != nil {
		return err
	}
	if int(prices.Tickets)+len(s.tickets) > int(s.params.MaxTicketsPerBlock) {
		return ErrTooMany.Wrapf("the block has %d tickets: it may have %d", prices.Tickets, s.params.MaxTicketsPerBlock)
	}
	if err := k.news(ctx, s.tickets); err != nil {
		return err
	}
	if err := s.look(); err != nil {
		return err
	}
	c := s.claim
	for i, t := range s.tickets {
		id, hash := t.Nullifier(), blake3.Sum256(msg.Tickets[i])
		kept := Ticket{
			Nullifier: bytes.Clone(id[:]), Claim: c.Key, Height: now, Macs: c.TicketMacs, Hash: hash[:],
			Status: TICKET_STATUS_PENDING,
			Layer:  uint32(t.At.Layer), Kind: uint32(t.At.Kind), Position: uint32(t.Position), Tile: uint32(t.Tile),
		}
		if err := k.keepTicket(ctx, kept); err != nil {
			return err
		}
		if err := k.store.messages.Set(ctx, kept.Nullifier, msg.Tickets[i]); err != nil {
			return err
		}
	}
	c.Tickets += uint32(len(s.tickets))
	c.Pending += uint32(len(s.tickets))
	if err := k.store.claims.Set(ctx, c.Key, c); err != nil {
		return err
	}
	event(ctx, "tickets", "claim", fmt.Sprintf("%x", c.Key), "number", fmt.Sprint(len(s.tickets)))
	return k.trade(ctx, func(m *Market) { m.Tickets += uint32(len(s.tickets)) })
}

// keepTicket writes a ticket and where it is found.
func (k *Keeper) keepTicket(ctx context.Context, t Ticket) error {
	if err := k.store.ticketsOf.Set(ctx, collections.Join(t.Claim, t.Nullifier)); err != nil {
		return err
	}
	if err := k.store.recent.Set(ctx, join(t.Height, t.Nullifier)); err != nil {
		return err
	}
	return k.store.tickets.Set(ctx, t.Nullifier, t)
}

// ticketsOf returns the tickets of a claim, by nullifier.
func (k *Keeper) ticketsOf(ctx context.Context, claim []byte) ([]Ticket, error) {
	ids, err := keys(ctx, k.store.ticketsOf, within[[]byte, []byte](claim), -1)
	if err != nil {
		return nil, err
	}
	out := make([]Ticket, len(ids))
	for i, id := range ids {
		if out[i], err = k.store.tickets.Get(ctx, id.K2()); err != nil {
			return nil, fmt.Errorf("read ticket %x: %w", id.K2(), err)
		}
	}
	return out, nil
}

// voidAll voids the pending tickets of a claim: each for its own reason, if
// there is one, and the others for one that they share.
func (k *Keeper) voidAll(ctx context.Context, c *Claim, own map[string]string, reason string) error {
	if c.Pending == 0 {
		return nil
	}
	all, err := k.ticketsOf(ctx, c.Key)
	if err != nil {
		return err
	}
	var number, macs uint64
	for _, t := range all {
		if t.Status != TICKET_STATUS_PENDING {
			continue
		}
		t.Reason = reason
		if r := own[string(t.Nullifier)]; r != "" {
			t.Reason = r
		}
		if err := k.endTicket(ctx, t, TICKET_STATUS_VOID); err != nil {
			return err
		}
		number++
		macs = plus(macs, t.Macs)
	}
	c.Pending = 0
	m, err := k.Miner(ctx, c.Owner)
	if err != nil {
		return err
	}
	m.MegaVoided = plus(m.MegaVoided, mega(macs))
	if err := k.keepMiner(ctx, m); err != nil {
		return err
	}
	return k.count(ctx, func(t *Tally) {
		t.TicketsVoided += number
		t.MegaVoided = plus(t.MegaVoided, mega(macs))
	})
}

// endTicket gives a ticket its last status. Its message is needed no more.
func (k *Keeper) endTicket(ctx context.Context, t Ticket, status TicketStatus) error {
	t.Status = status
	if err := k.store.messages.Remove(ctx, t.Nullifier); err != nil {
		return err
	}
	return k.store.tickets.Set(ctx, t.Nullifier, t)
}

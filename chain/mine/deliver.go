package mine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"hearth/chain/light"
	"hearth/chain/mine/record"
	"hearth/chain/wire"
	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
)

// order is a job to be run.
type order struct {
	held   *Held
	claim  *work.Claim
	target work.Target
	model  *work.Model
	most   int       // tickets
	late   time.Time // from when on it does not wait for heat
}

// ordered prepares the run of a claim's job.
func (w *Worker) ordered(ctx context.Context, h *Held, c *record.Claim, at int64) (*order, error) {
	w.mu.Lock()
	again := w.broken[h.Claim]
	block := w.clock.block()
	w.mu.Unlock()
	if at < again {
		return nil, nil
	}
	form, target, err := formOf(c, h.Encoding)
	if err != nil {
		return nil, err
	}
	if form.Executor != w.executor {
		return nil, errors.New("it is of another executor")
	}
	if err := w.Chain.beacon(ctx, c, form); err != nil {
		return nil, err
	}
	m, err := w.model(ctx, c.Model)
	if err != nil {
		return nil, err
	}
	// Half of what is left may go by waiting for heat.
	slack := time.Duration(max(0, c.Closes-at-ahead-patience)/2) * block
	return &order{held: h, claim: form, target: target, model: m, most: w.params.MostTickets, late: time.Now().Add(slack)}, nil
}

// order sets what is to be run.
func (w *Worker) order(orders []order) {
	w.mu.Lock()
	w.orders = orders
	w.mu.Unlock()
	if len(orders) > 0 {
		poke(w.ready)
	}
}

// next is the order to run now: what must be delivered soonest.
func (w *Worker) next() *order {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.orders) == 0 {
		return nil
	}
	o := w.orders[0]
	w.orders = w.orders[1:]
	return &o
}

// smith runs jobs, one after the other, until the context ends.
func (w *Worker) smith(ctx context.Context) {
	var late atomic.Int64
	team := kernel.NewTeam(w.Threads)
	defer team.Close()
	f := &forge{store: w.Weights, key: w.private(), level: w.Level, team: team, kits: map[model.Hash]*kit{}}
	if w.Heat != nil {
		f.pace = func(ctx context.Context) error { return w.turn(ctx, time.UnixMilli(late.Load())) }
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.ready:
		}
		for o := w.next(); o != nil; o = w.next() {
			late.Store(o.late.UnixMilli())
			if err := w.run(ctx, f, o); err != nil && ctx.Err() == nil {
				w.Log.Warn("a job could not be run", "claim", o.held.Claim, "error", err)
				w.mu.Lock()
				w.broken[o.held.Claim] = w.view.Height + patience
				w.mu.Unlock()
			}
			if ctx.Err() != nil {
				return
			}
		}
	}
}

// turn waits for heat, but not so long that the claim would be lost, nor while the
// worker is to finish.
func (w *Worker) turn(ctx context.Context, late time.Time) error {
	if w.finishing() {
		return nil
	}
	wait, cancel := context.WithDeadline(ctx, late)
	defer cancel()
	if err := w.Heat.Turn(wait); err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return nil
}

// run runs a job and writes down what came of it.
func (w *Worker) run(ctx context.Context, f *forge, o *order) error {
	h := w.Journal.Get(o.held.Claim)
	if h == nil || !h.Unfinished() {
		return nil // ordered twice
	}
	if w.Heat != nil {
		defer w.Heat.Enter()()
	}
	w.running(o)
	defer w.running(nil)
	began := time.Now()
	out, err := f.run(ctx, o.model, o.claim, o.target, o.most)
	if err != nil {
		return err
	}
	for _, err := range out.rejected {
		w.Log.Error("a ticket made here does not hold, and is not sent: this computer may be broken", "claim", h.Claim, "error", err)
	}
	kept, err := w.Journal.Change(h.Claim, func(h *Held) {
		h.Beacon, h.Receipt, h.Tickets, h.Until = o.claim.Beacon, out.receipt, out.tickets, 0
	})
	if err != nil || kept == nil { // the claim has ended meanwhile
		return err
	}
	if w.Heat != nil {
		w.Heat.Ran()
	}
	w.mu.Lock()
	w.view.Jobs++
	w.view.Tickets += len(out.tickets)
	w.mu.Unlock()
	w.Log.Info("a job was run", "claim", h.Claim, "tickets", len(out.tickets), "took", time.Since(began).Round(time.Millisecond))
	poke(w.news)
	return nil
}

func (w *Worker) running(o *order) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.view.Running = nil
	if o != nil {
		claim := o.held.Claim
		w.view.Running = &claim
	}
}

// deliver hands in tickets and receipt. That it was tried is written down first,
// with the last block that may hold it: until then it is not tried again.
func (w *Worker) deliver(ctx context.Context, h *Held, at int64) error {
	tickets := h.Tickets
	if h.Tries > 0 && h.Last != nil && h.Last.Tickets > 0 {
		var err error
		if tickets, err = w.missing(ctx, tickets); err != nil {
			return err
		}
	}
	parcels := h.Parcels(tickets, w.params.MostTicketsPerTx)
	h, err := w.Journal.Change(h.Claim, func(h *Held) {
		h.Until = min(Deadline(at), h.Last.Closes)
		h.Tries++
	})
	if err != nil || h == nil {
		return err
	}
	hot := w.Keys.Public().Account
	for _, p := range parcels {
		var messages []wire.Any
		if len(p.Tickets) > 0 {
			messages = append(messages, wire.SubmitTickets(hot, h.Claim[:], p.Tickets...))
		}
		if p.Receipt != nil {
			messages = append(messages, wire.Deliver(hot, h.Claim[:], p.Receipt))
		}
		_, err := w.wallet.Send(ctx, h.Until, claimGas, messages...)
		if err == nil {
			continue
		}
		w.Log.Warn("what was made for a claim was not taken", "claim", h.Claim, "try", h.Tries, "tickets", len(p.Tickets), "receipt", p.Receipt != nil, "error", err)
		if p.Receipt != nil && errors.Is(err, ErrUnsent) {
			// Nothing is under way: again with the next block.
			_, failed := w.Journal.Change(h.Claim, func(h *Held) { h.Until = at + 1 })
			return errors.Join(fmt.Errorf("deliver: %w", err), failed)
		}
	}
	return nil
}

// missing are the tickets that the chain does not have.
func (w *Worker) missing(ctx context.Context, tickets [][]byte) ([][]byte, error) {
	var out [][]byte
	for _, b := range tickets {
		t, err := work.DecodeTicket(b)
		if err != nil {
			return nil, fmt.Errorf("read a ticket of the journal: %w", err)
		}
		p, err := get(ctx, w.Chain, record.Work, record.TicketKey(t.Nullifier()), whole)
		if err != nil {
			return nil, err
		}
		if !p.found {
			out = append(out, b)
		}
	}
	return slices.Clip(out), nil
}

// clock measures the time between blocks.
type clock struct {
	height int64
	time   time.Time
	each   time.Duration
}

// usual is the time between blocks as long as it is not known.
const usual = 2 * time.Second

func (c *clock) block() time.Duration {
	if c.each <= 0 {
		return usual
	}
	return c.each
}

// tick notes a new header.
func (w *Worker) tick(h light.Header) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := h.Height - w.clock.height; w.clock.height > 0 && n > 0 {
		w.clock.each = h.Time.Sub(w.clock.time) / time.Duration(n)
	}
	w.clock.height, w.clock.time = h.Height, h.Time
	w.view.Height, w.view.Time = h.Height, h.Time
}

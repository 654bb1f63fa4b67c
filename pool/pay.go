package pool

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hearth/ledger"
	"hearth/pool/agreement"
	"hearth/pool/job"
	"hearth/pool/payout"
	"hearth/units"
)

// policy is what the owner of the money decided, asked again before each step.
func (b *books) policy() payout.Policy {
	c := b.s.cfg.Payouts
	b.mu.Lock()
	stopped := b.stopped || b.halts > 0 || b.broken != nil
	b.mu.Unlock()
	const sat = 1000
	p := payout.Policy{
		Stop: stopped || c.Rail == "", Rails: map[string]payout.Terms{},
		Limits: payout.Limits{Intent: c.PerPayment * sat, Day: c.PerDay * sat, Total: maxTotal},
	}
	for _, r := range b.rails {
		t := payout.Terms{Minimum: sat, FeeBase: 2 * sat, FeePPM: int64(c.Fee * 10_000), Batch: 20, Gather: c.Gather}
		if name := r.Name(); name == "onchain" || name == "psbt" {
			// Less is dust, and a transaction costs by its size, not by its amount.
			t.Minimum, t.FeeBase = 1000*sat, 500*sat
		}
		p.Rails[r.Name()] = t
	}
	return p
}

// maxTotal is more than there are bitcoins: the limits of a payment and of a day
// are what an owner sets.
const maxTotal = 21_000_000 * 100_000_000 * 1000

// dues is what is owed to those whose payment leaves from here.
func (b *books) dues() []payout.Due {
	c := b.s.contract
	if c == nil || c.Mode != agreement.Ledger {
		return b.accountDues()
	}
	var out []payout.Due
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, p := range c.Parties {
		rail := b.railFor(p.Way)
		owed := b.account.Balance(c.PartyAccount(i))
		if rail == "" || owed <= 0 {
			continue
		}
		out = append(out, payout.Due{
			Party: c.Name + "/" + p.ID, Rail: rail, To: p.To, Millisats: owed, Threshold: b.s.cfg.Payouts.Threshold * 1000,
			Since: c.Start.In(b.loc),
		})
	}
	return out
}

// railFor is the rail that pays a way; empty if none does.
func (b *books) railFor(w agreement.Way) string {
	for _, r := range b.rails {
		switch name := r.Name(); name {
		case "lnurl":
			if w == agreement.Lightning {
				return name
			}
		case "onchain", "psbt":
			if w == agreement.Address {
				return name
			}
		}
	}
	return ""
}

// pay begins and goes on with payments.
func (b *books) pay(ctx context.Context) error {
	if len(b.rails) == 0 {
		return nil
	}
	if _, _, err := b.payer.Begin(ctx, b.dues()); err != nil {
		return fmt.Errorf("begin to pay: %w", err)
	}
	if err := b.payer.Step(ctx); err != nil {
		return fmt.Errorf("pay: %w", err)
	}
	return b.follow(ctx)
}

// StopPayouts throws or releases the kill switch. It holds from the moment the
// call returns, and across restarts.
func (s *Service) StopPayouts(ctx context.Context, stop bool, by string) error {
	b := s.books
	b.mu.Lock()
	if stop { // at once, whatever the disk does, and whatever else is under way
		b.halts++
	}
	b.mu.Unlock()
	// One after the other, so that what holds is what stands last in the ledger.
	b.halting.Lock()
	defer b.halting.Unlock()
	if stop {
		defer func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.halts, b.stopped, b.by = b.halts-1, true, by
		}()
	}
	to := payoutAllowed
	if stop {
		to = payoutStopped
	}
	e, err := ledger.NewEntry(s.opt.Now(), poolSubject, false, ledger.Setting{Name: payoutSetting, To: to, By: by})
	if err == nil {
		err = b.append(ctx, e)
	}
	if err != nil {
		return fmt.Errorf("write down who stopped payments: %w", err)
	}
	b.mu.Lock()
	b.stopped, b.by = stop, by
	b.mu.Unlock()
	return b.follow(ctx)
}

// ErrRepeated is returned for a receipt that was booked before.
var ErrRepeated = errors.New("a receipt with this proof was booked before")

// Receive books what somebody paid for work, once for each proof.
func (s *Service) Receive(ctx context.Context, r Receipt, by string) error {
	b := s.books
	if !s.pays(r.Source) {
		return fmt.Errorf("nobody called %q pays here: name one of the upstreams, or %s", r.Source, NodeSource)
	}
	if r.Proof == "" || r.Millisats == 0 {
		return errors.New("a receipt needs an amount, and a proof by which it can be looked up")
	}
	now := s.opt.Now()
	if r.At.IsZero() {
		r.At = now
	}
	if r.At.After(now.Add(time.Hour)) {
		return fmt.Errorf("a receipt of %s lies in the future: say when it came, or leave the time out", r.At.Format(time.RFC3339))
	}
	if r.For == "" {
		r.For = "work, as entered by " + by
	}
	return b.earn(ctx, r)
}

// earnLimit is how long a receipt may take to be booked.
const earnLimit = time.Minute

// earn books a receipt behind the shares that earned it, once for each proof.
// What was begun is finished, though whoever asked for it has gone: else nobody
// could tell whether it stands in the ledger.
func (b *books) earn(ctx context.Context, r Receipt) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), earnLimit)
	defer cancel()
	b.receiving.Lock()
	defer b.receiving.Unlock()
	if err := b.fold(ctx); err != nil {
		return err
	}
	if err := b.follow(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	known := b.proofs[r.Source+" "+r.Proof]
	b.mu.Unlock()
	if known {
		return fmt.Errorf("%w: %s %s", ErrRepeated, r.Source, r.Proof)
	}
	e, err := ledger.NewEntry(r.At, r.Source, false, ledger.Earning{Millisats: r.Millisats, For: r.For, Proof: r.Proof})
	if err != nil {
		return err
	}
	if err := b.append(ctx, e); err != nil {
		return err
	}
	return b.follow(ctx)
}

// pays says whether a name is of somebody who pays here.
func (s *Service) pays(name string) bool {
	if s.mint != nil {
		return name == NodeSource || name == operatorSource && s.cfg.Scheme == PerShare
	}
	for _, u := range s.cfg.Upstreams {
		if u.Name == name {
			return true
		}
	}
	return false
}

// mature books blocks whose coins can be spent.
func (b *books) mature(ctx context.Context) error {
	if b.s.mint == nil {
		return nil
	}
	m := b.s.mint
	open := m.found.open()
	if len(open) == 0 {
		return nil
	}
	_, height, err := m.client.Chain(ctx)
	if err != nil {
		return nil //nolint:nilerr // the node is away: it is asked again
	}
	for _, f := range open {
		if f.State == blockFound {
			m.handAgain(f)
		}
		n, known, err := m.client.Confirmations(ctx, f.Hash)
		switch {
		case err != nil:
			return nil //nolint:nilerr // as above
		case !known:
			// A node that catches up does not know it yet, and a fork that is longer
			// today may be the shorter one tomorrow.
			if height > f.Height+maturity {
				if err := m.lose(f); err != nil {
					return err
				}
			}
		case n > maturity:
			if err := b.book(ctx, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// book books a block that can be spent: who paid, and whose it is.
func (b *books) book(ctx context.Context, f foundBlock) error {
	r := Receipt{Source: NodeSource, At: b.s.opt.Now(), Millisats: f.Reward * 1000, For: fmt.Sprintf("block %d, found by %s", f.Height, f.Finder), Proof: f.Hash}
	if err := b.earn(ctx, r); err != nil && !errors.Is(err, ErrRepeated) {
		return err
	}
	if err := b.shareBlock(ctx, f); err != nil {
		return err
	}
	return b.s.mint.found.set(f.Hash, blockMature)
}

// mark writes down what work is worth now, what a bitcoin costs, and what power
// costs: agreements in money and reconciliation go by these records.
func (b *books) mark(ctx context.Context) error {
	now := b.s.opt.Now()
	var entries []ledger.Entry
	add := func(subject string, body ledger.Body) error {
		e, err := ledger.NewEntry(now, subject, false, body)
		if err == nil {
			entries = append(entries, e)
		}
		return err
	}
	for name, y := range b.s.yieldsNow() {
		b.mu.Lock()
		old, had := b.yields[name]
		at := b.yieldAt[name]
		b.mu.Unlock()
		if had && old == y && now.Sub(at) < time.Hour {
			continue
		}
		if err := add(name, y); err != nil {
			return err
		}
	}
	if rate, source, ok := b.s.askPrice(ctx); ok {
		if err := add(rate.Currency, ledger.Rate{Micros: rate.Micros, Source: source}); err != nil {
			return err
		}
	}
	if b.s.opt.Tariff != nil {
		if price, ok := b.s.opt.Tariff().Get(); ok {
			from := now.Truncate(b.interval())
			e, err := ledger.NewEntry(from, "home", false, ledger.Price{
				From: from, To: from.Add(b.interval()), Micros: price.PerKWh.Micros, Currency: price.PerKWh.Currency, Source: "tariff of the home",
			})
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
	}
	if len(entries) == 0 {
		return nil
	}
	return b.append(ctx, entries...)
}

// yieldsNow is what work is expected to earn, by who pays.
func (s *Service) yieldsNow() map[string]ledger.Yield {
	out := map[string]ledger.Yield{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		if !l.up || l.network <= 0 || l.reward <= 0 {
			continue
		}
		from := "subsidy of a block over the network's difficulty"
		if l.kind == "node" {
			from = "template"
		}
		out[l.payer] = ledger.Yield{Work: int64(l.network.Work()), Millisats: l.reward * 1000, Height: l.height, Source: from}
	}
	return out
}

// expected is what work is worth by a yield, in millisats.
func expected(y ledger.Yield, work job.Work) int64 {
	if y.Work <= 0 {
		return 0
	}
	return int64(float64(y.Millisats) * float64(work) / float64(y.Work))
}

// day is what the last 24 hours should have earned.
func (b *books) day(now time.Time) units.Known[units.Sats] {
	b.mu.Lock()
	defer b.mu.Unlock()
	from := now.Add(-24 * time.Hour)
	sum, some := int64(0), false
	for _, w := range b.days {
		if !w.to.After(from) {
			continue
		}
		y, ok := b.yields[w.source]
		if !ok {
			return units.Unknown[units.Sats]("it is not known what work for "+w.source+" is worth", now)
		}
		sum += expected(y, w.work)
		some = true
	}
	if !some {
		return units.Unknown[units.Sats]("no paid work was done in the last 24 hours", now)
	}
	return units.Know(units.Sats(sum/1000), now, units.Estimate)
}

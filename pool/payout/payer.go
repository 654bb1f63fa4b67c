package payout

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"hearth/ledger"
)

// Config is what a [Payer] works with.
type Config struct {
	// Rails are the ways to pay that exist. The policy says which of them may
	// be used.
	Rails []Rail
	// Append puts entries into the ledger, all of them or none, and returns
	// once they are synced.
	Append func(ctx context.Context, entries ...ledger.Entry) error
	// Policy is asked again before each step, so that a kill switch works in
	// the middle of things.
	Policy func() Policy
	// Now is the clock. That it is wrong may delay payments, not double them.
	Now func() time.Time
	// Simulated marks the records: no real money moves.
	Simulated bool
}

// Payer takes intents through their steps. It is safe for concurrent use; the
// steps are taken one after another.
type Payer struct {
	cfg   Config
	rails map[string]Rail
	turn  chan struct{} // holds one token: who has it takes steps

	mu   sync.Mutex // for what follows
	book *Book
	err  error // the ledger failed: what is in it is not known
}

// NewPayer returns a payer that goes on where the book stands: all records of
// the ledger that it appends to are in it. The book belongs to the payer.
func NewPayer(b *Book, cfg Config) (*Payer, error) {
	p := &Payer{cfg: cfg, rails: make(map[string]Rail), turn: make(chan struct{}, 1), book: b}
	for _, r := range cfg.Rails {
		if p.rails[r.Name()] != nil {
			return nil, fmt.Errorf("two rails are called %s", r.Name())
		}
		p.rails[r.Name()] = r
	}
	p.turn <- struct{}{}
	return p, nil
}

// take waits until nobody else takes steps.
func (p *Payer) take(ctx context.Context) (release func(), err error) {
	select {
	case <-p.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		p.turn <- struct{}{}
		return nil, p.err
	}
	return func() { p.turn <- struct{}{} }, nil
}

// Open returns what is not over, in the order in which it began.
func (p *Payer) Open() []Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.book.Open()
}

// Out is [Book.Out].
func (p *Payer) Out() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.book.Out()
}

// Keep is [Book.Keep].
func (p *Payer) Keep() (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.book.Keep()
}

// Begin begins what is to be paid of what is due, and says why the rest is not.
// The dues are the balances right now: money that is set aside for an open
// intent is not in them.
func (p *Payer) Begin(ctx context.Context, dues []Due) ([]Intent, []Held, error) {
	release, err := p.take(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	policy := p.cfg.Policy()
	if err := policy.Check(); err != nil {
		return nil, nil, err
	}
	now := p.cfg.Now()
	p.mu.Lock()
	begin, held := p.book.Plan(policy, dues, now)
	p.mu.Unlock()
	var records []record
	for _, in := range begin {
		records = append(records, record{in, ledger.Payout{State: ledger.PayoutBegun, MaxFee: in.MaxFee}})
	}
	if err := p.write(ctx, now, records...); err != nil {
		return nil, nil, err
	}
	return begin, held, nil
}

// Step does everything that is to be done now, once. An error is the ledger's
// or the context's; what a rail says goes into the records.
//
// After an error of the ledger the payer does nothing more: what the ledger
// holds is to be read again into a new book.
func (p *Payer) Step(ctx context.Context) error {
	release, err := p.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	for _, g := range p.groups() {
		if err := p.advance(ctx, g); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// Next returns when Step has something to do, which may be in the past; false
// if nothing is open that time moves on.
func (p *Payer) Next() (at time.Time, ok bool) {
	policy := p.cfg.Policy()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.book.open {
		if policy.Stop && (s.State == ledger.PayoutBegun || s.State == ledger.PayoutPrepared) {
			continue
		}
		if !ok || s.Next.Before(at) {
			at, ok = s.Next, true
		}
	}
	return at, ok
}

// Cancel gives up an intent that was not sent, with all that share its ticket.
func (p *Payer) Cancel(ctx context.Context, id, why string) error {
	release, err := p.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	g, err := p.group(id)
	if err != nil {
		return err
	}
	if g.sent() {
		return fmt.Errorf("payment %s was sent: whether it is paid only %s can tell", id, g[0].Rail)
	}
	return p.finish(ctx, g, Outcome{State: Failed, Why: "cancelled: " + why})
}

// Settle ends an intent that was sent and that its rail can say nothing of any
// more, with all that share its ticket, on a person's word: the outcome is
// Paid or Failed, and Why says how the person knows. Whoever says Failed of
// what was paid pays twice.
func (p *Payer) Settle(ctx context.Context, id string, o Outcome) error {
	if o.State != Paid && o.State != Failed || o.Why == "" {
		return errors.New("settle a payment: say whether it is paid or failed, and how you know")
	}
	release, err := p.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	g, err := p.group(id)
	if err != nil {
		return err
	}
	if !g.sent() {
		return fmt.Errorf("payment %s was not sent: cancel it", id)
	}
	o.Why = "settled by hand: " + o.Why
	return p.finish(ctx, g, o)
}

// group is what is done together: the intents of one ticket, or those that
// are to get one. All are in the same state.
type group []Status

func (g group) sent() bool {
	return g[0].State == ledger.PayoutSent || g[0].State == ledger.PayoutUnknown
}

func (p *Payer) group(id string) (group, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.book.open[id]
	if one == nil {
		return nil, fmt.Errorf("no payment %s is open", id)
	}
	if one.State == ledger.PayoutBegun {
		return group{one.Status}, nil
	}
	return statuses(p.book.ticket(one)), nil
}

func statuses(list []*payment) group {
	var g group
	for _, s := range list {
		g = append(g, s.Status)
	}
	return g
}

// groups returns what is to be looked after now. What was sent comes first:
// it is quick to ask for.
func (p *Payer) groups() []group {
	policy, now := p.cfg.Policy(), p.cfg.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	var sent, rest []group
	waiting := make(map[string][]*payment)
	done := make(map[string]bool)
	for _, s := range inOrder(slices.Collect(maps.Values(p.book.open))) {
		if done[s.ID] || !s.due(now) {
			continue
		}
		if s.State == ledger.PayoutBegun {
			waiting[s.Rail] = append(waiting[s.Rail], s)
			continue
		}
		same := p.book.ticket(s)
		for _, o := range same {
			done[o.ID] = true
		}
		if g := statuses(same); g.sent() {
			sent = append(sent, g)
		} else {
			rest = append(rest, g)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(waiting)) {
		list, terms := waiting[name], policy.Rails[name]
		size := 1
		if _, ok := p.rails[name].(Batcher); ok && terms.Batch > 1 {
			size = min(terms.Batch, MaxBatch)
		}
		for some := range slices.Chunk(list, size) {
			// Not a full batch, and the oldest may wait: for others.
			until := some[0].Begun.Add(terms.Gather)
			if len(some) < size && now.Before(until) && !now.Before(some[0].Begun) {
				for _, s := range some {
					s.Next = until
				}
				continue
			}
			rest = append(rest, statuses(some))
		}
	}
	return append(sent, rest...)
}

// due tells whether it is time to look after a payment. A clock that was set
// back makes nothing wait.
func (p *payment) due(now time.Time) bool {
	return p.tries == 0 || now.Before(p.tried) || !now.Before(p.tried.Add(p.wait))
}

// How long until something is looked after again: longer each time.
const (
	firstWait = 2 * time.Second
	maxWait   = 10 * time.Minute
)

// waits puts the group off, and says why.
func (p *Payer) waits(g group, why string) {
	now := p.cfg.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range g {
		if s := p.book.open[s.ID]; s != nil {
			s.Why = clean(why)
			s.wait = min(firstWait<<min(s.tries, 20), maxWait)
			s.tries++
			s.tried, s.Next = now, now.Add(s.wait)
		}
	}
}

// advance takes a group as far as it goes now.
func (p *Payer) advance(ctx context.Context, g group) error {
	rail := p.rails[g[0].Rail]
	if rail == nil {
		p.waits(g, "nobody set up the rail "+g[0].Rail)
		return nil
	}
	if g.sent() {
		return p.look(ctx, rail, g)
	}
	if g[0].State == ledger.PayoutBegun {
		var err error
		if g, err = p.prepare(ctx, rail, g); err != nil || g == nil {
			return err
		}
	}
	return p.send(ctx, rail, g)
}

const whyNot = "payments are stopped, or not to be made this way"

// may tells whether money may be sent by a rail at this very moment.
func (p *Payer) may(rail Rail) bool {
	policy := p.cfg.Policy()
	_, ok := policy.Rails[rail.Name()]
	return ok && !policy.Stop
}

// prepare gives the group its ticket and records it. It returns the group as
// it is then, or none when it has to wait or failed.
func (p *Payer) prepare(ctx context.Context, rail Rail, g group) (group, error) {
	for len(g) > 0 {
		if !p.may(rail) {
			p.waits(g, whyNot)
			return nil, nil
		}
		ticket, err := ask(ctx, rail, g)
		if err == nil {
			return p.fix(ctx, g, ticket)
		}
		named := -1
		if refusal, ok := errors.AsType[*Refusal](err); ok {
			named = slices.IndexFunc(g, func(s Status) bool { return s.ID == refusal.ID })
		}
		late := p.cfg.Now().Sub(g[0].Begun) > p.cfg.Policy().giveUp()
		switch {
		case named >= 0:
			// The others go without it.
			if err := p.finish(ctx, g[named:named+1], Outcome{State: Failed, Why: err.Error()}); err != nil {
				return nil, err
			}
			g = slices.Concat(g[:named], g[named+1:])
			continue
		case len(g) == 1 && errors.Is(err, ErrRefused), late && ctx.Err() == nil:
			return nil, p.finish(ctx, g, Outcome{State: Failed, Why: err.Error()})
		}
		p.waits(g, err.Error())
		return nil, nil
	}
	return nil, nil
}

func ask(ctx context.Context, rail Rail, g group) (Ticket, error) {
	var list []Intent
	for _, s := range g {
		list = append(list, s.Intent)
	}
	var t Ticket
	var err error
	if b, ok := rail.(Batcher); ok {
		t, err = b.PrepareBatch(ctx, list)
	} else {
		t, err = rail.Prepare(ctx, list[0])
	}
	if err == nil {
		err = t.Check()
	}
	return t, err
}

// fix records the ticket of a group.
func (p *Payer) fix(ctx context.Context, g group, t Ticket) (group, error) {
	p.mu.Lock()
	by, again := p.book.used[place{ticket: t.Key}]
	p.mu.Unlock()
	if again {
		return nil, p.finish(ctx, g, Outcome{State: Failed, Why: "what it would be paid under was used before, by " + by})
	}
	var records []record
	for i, s := range g {
		r := ledger.Payout{State: ledger.PayoutPrepared, Ticket: t.Key, Of: len(g)}
		if i == 0 {
			r.Data = t.Data
		}
		records = append(records, record{s.Intent, r})
	}
	if err := p.write(ctx, p.cfg.Now(), records...); err != nil {
		return nil, err
	}
	return p.group(g[0].ID)
}

// send records that the group is sent, and then sends it.
func (p *Payer) send(ctx context.Context, rail Rail, g group) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !p.may(rail) {
		p.waits(g, whyNot)
		return nil
	}
	var records []record
	for _, s := range g {
		records = append(records, record{s.Intent, ledger.Payout{State: ledger.PayoutSent, Ticket: s.Ticket.Key}})
	}
	if err := p.write(ctx, p.cfg.Now(), records...); err != nil {
		return err
	}
	if !p.may(rail) {
		p.waits(g, whyNot) // stopped in the meantime; it is not sent before it is looked up
		return nil
	}
	o, err := rail.Pay(ctx, g[0].Ticket)
	return p.settle(ctx, g, o, err)
}

// look asks what became of a group, and sends it once more where the rail says
// that nothing is under way.
func (p *Payer) look(ctx context.Context, rail Rail, g group) error {
	o, err := rail.Look(ctx, g[0].Ticket)
	if err == nil && o.State == Unsent && p.may(rail) && ctx.Err() == nil {
		o, err = rail.Pay(ctx, g[0].Ticket)
	}
	return p.settle(ctx, g, o, err)
}

// settle records what a rail said, if it is news.
func (p *Payer) settle(ctx context.Context, g group, o Outcome, err error) error {
	if err != nil {
		o = Outcome{State: Unknown, Why: err.Error()}
	}
	if o.State == Paid {
		// What took the place of a transaction may be another payment.
		p.mu.Lock()
		by, used := p.book.used[place{ticket: o.Proof}]
		p.mu.Unlock()
		if used && o.Proof != g[0].Ticket.Key {
			o = Outcome{State: Unknown, Why: fmt.Sprintf("%s is the payment %s, which does not pay this one as well: look where the money is, and settle it by hand", o.Proof, by)}
		}
	}
	switch o.State {
	case Paid, Failed:
		return p.finish(ctx, g, o)
	case Unknown:
		p.mu.Lock()
		news := p.book.open[g[0].ID].State != ledger.PayoutUnknown
		p.mu.Unlock()
		if news {
			var records []record
			for _, s := range g {
				records = append(records, record{s.Intent, ledger.Payout{
					State: ledger.PayoutUnknown, Ticket: s.Ticket.Key, Why: clean(o.Why),
				}})
			}
			if err := p.write(ctx, p.cfg.Now(), records...); err != nil {
				return err
			}
		}
	case Unsent, Pending:
	}
	p.waits(g, o.Why)
	return nil
}

// finish records that a group is paid or failed. The fee is shared: equally,
// and the first bear what is left over.
func (p *Payer) finish(ctx context.Context, g group, o Outcome) error {
	var records []record
	n := int64(len(g))
	for i, s := range g {
		r := ledger.Payout{State: ledger.PayoutFailed, Ticket: s.Ticket.Key, Why: clean(o.Why)}
		if o.State == Paid {
			r.State, r.Proof = ledger.PayoutPaid, clean(o.Proof)
			if r.Fee = max(o.Fee, 0) / n; int64(i) < max(o.Fee, 0)%n {
				r.Fee++
			}
		}
		records = append(records, record{s.Intent, r})
	}
	return p.write(ctx, p.cfg.Now(), records...)
}

// record is a step of an intent. The intent's part of the body is filled in
// when it is written.
type record struct {
	intent Intent
	body   ledger.Payout
}

// write puts records into the ledger, with the transfers that go with them,
// and then into the book. A reply of a rail is written even when the context
// has ended meanwhile.
func (p *Payer) write(ctx context.Context, now time.Time, records ...record) error {
	var entries []ledger.Entry
	add := func(subject string, body ledger.Body) error {
		e, err := ledger.NewEntry(now, subject, p.cfg.Simulated, body)
		entries = append(entries, e)
		return err
	}
	for _, r := range records {
		r.body.ID, r.body.Rail, r.body.To, r.body.Millisats = r.intent.ID, r.intent.Rail, r.intent.To, r.intent.Millisats
		if err := add(r.intent.Party, r.body); err != nil {
			return fmt.Errorf("record a payment to %s: %w", r.intent.Party, err)
		}
		account := "party:" + r.intent.Party
		if from := p.cfg.Policy().FeesFrom; r.body.State == ledger.PayoutPaid && from != "" {
			account = from
		}
		if t, ok := r.body.Transfer(account); ok {
			agreement, _, _ := strings.Cut(r.intent.Party, "/")
			if err := add(agreement, t); err != nil {
				return fmt.Errorf("record a payment to %s: %w", r.intent.Party, err)
			}
		}
	}
	if len(entries) == 0 {
		return nil
	}
	// Whoever has the turn is the only one who writes. Others may look on
	// meanwhile.
	err := p.cfg.Append(context.WithoutCancel(ctx), entries...)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range entries {
		if err == nil {
			err = p.book.apply(e)
		}
	}
	if err != nil {
		p.err = fmt.Errorf("payments stand still, since the ledger did not take a record: read it again: %w", err)
		return p.err
	}
	return nil
}

// clean makes text from outside fit for a record: short, and on one line.
func clean(s string) string {
	const most = 300
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

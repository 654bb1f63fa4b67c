package pool

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"hearth/ledger"
	"hearth/pool/account"
	"hearth/pool/agreement"
	"hearth/pool/job"
	"hearth/pool/journal"
	"hearth/pool/payout"
	"hearth/units"
)

// books is the money of a service: the shares that are on their way into the
// ledger, and all that follows from its records. What the ledger holds is the
// truth; everything here is worked out from it anew at each start.
type books struct {
	s       *Service
	journal *journal.Journal

	opened time.Time
	// One at a time: a settlement, a receipt, a turn of the kill switch.
	settling, receiving, halting sync.Mutex

	mu       sync.Mutex
	last     uint64 // number of the last record that was taken in
	account  *account.Book
	evidence *agreement.Evidence // nil without an agreement
	formers  []*former           // other texts of the agreement's name
	recorded bool                // the agreement stands in the ledger
	shared   time.Time           // as of when a transfer by it was last booked
	payer    *payout.Payer
	rails    []payout.Rail
	loc      *time.Location

	broken   error // a record could not be taken in: nothing is done by halves
	stopped  bool
	halts    int // turns of the kill switch that are under way
	by       string
	recent   []PayoutState    // newest last
	paidOut  map[string]int64 // millisats by party
	receipts []received       // of the last 30 days
	proofs   map[string]bool
	days     []worked // of the last 24 hours
	yields   map[string]ledger.Yield
	yieldAt  map[string]time.Time
	rate     units.Known[units.Money]
	rateFrom string
	trouble  map[string]string
	unpaid   []claim // shares that the scheme per-share has to pay for
	watches  *watches
}

// received is a receipt.
type received struct {
	at        time.Time
	millisats int64
}

// worked is work that a record of shares holds.
type worked struct {
	to     time.Time
	from   time.Time
	source string
	work   job.Work
}

// batch is how many records are read at a time.
const batch = 500

// openBooks takes in the whole ledger.
func (s *Service) openBooks(ctx context.Context) (*books, error) {
	b := &books{
		s: s, opened: s.opt.Now(), account: account.New(false), proofs: map[string]bool{}, paidOut: map[string]int64{}, yields: map[string]ledger.Yield{},
		yieldAt: map[string]time.Time{}, trouble: map[string]string{}, loc: s.opt.Location,
		rate: units.Unknown[units.Money]("no price source is configured", s.opt.Now()),
	}
	if s.pricer != nil {
		b.rate = units.Unknown[units.Money]("the price has not been asked yet", s.opt.Now())
	}
	agreed := texts{closings: map[ledger.Hash]ledger.Closing{}}
	scope := ""
	if s.contract != nil {
		loc, err := time.LoadLocation(s.contract.Zone)
		if err != nil {
			return nil, fmt.Errorf("pool: agreement %s: time zone %s: %w", s.contract.Name, s.contract.Zone, err)
		}
		b.loc = loc
	}
	// First what the records say of the money, and where the agreement's books
	// were closed; then what is behind that.
	pays := payout.NewBook("")
	err := b.each(ctx, 1, func(r ledger.Record) error {
		body, err := r.Decode()
		if err != nil {
			return fmt.Errorf("record %d: %w", r.Seq, err)
		}
		if x, ok := body.(ledger.Genesis); ok {
			scope = x.ID
			pays = payout.NewBook(scope)
		}
		if s.contract != nil {
			if err := agreed.take(s.contract.Agreement, r, body); err != nil {
				return err
			}
		}
		if err := b.take(r, body); err != nil {
			return err
		}
		if err := pays.Apply(r); err != nil {
			return fmt.Errorf("record %d: %w", r.Seq, err)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the ledger for the pool: %w", err)
	}
	if s.contract != nil {
		if b.evidence, err = b.evidenceOf(ctx, s.contract.Agreement, agreed.closings); err != nil {
			return nil, err
		}
		b.openFormers(ctx, agreed)
	}
	if b.watches, err = openWatches(s.opt.Dir); err != nil {
		return nil, err
	}
	if b.rails, err = s.openRails(); err != nil {
		return nil, err
	}
	if b.payer, err = payout.NewPayer(pays, payout.Config{Rails: b.rails, Append: b.append, Policy: b.policy, Now: s.opt.Now}); err != nil {
		return nil, err
	}
	if b.journal, err = journal.Open(filepath.Join(s.opt.Dir, "shares"), s.opt.Book, journal.Config{Interval: b.interval(), Now: s.opt.Now, Log: s.opt.Log}); err != nil {
		return nil, err
	}
	return b, b.record(ctx)
}

// each yields the ledger's records from a number on. What was pruned is not
// among them; a checkpoint stands for it.
func (b *books) each(ctx context.Context, from uint64, do func(ledger.Record) error) error {
	for {
		list, err := b.s.opt.Book.Records(ctx, from, batch)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return nil
		}
		for _, r := range list {
			if err := do(r); err != nil {
				return err
			}
			from = r.Seq + 1
		}
	}
}

// append writes into the ledger.
func (b *books) append(ctx context.Context, entries ...ledger.Entry) error {
	_, err := b.s.opt.Book.Append(ctx, entries...)
	return err
}

// note hands a share to the journal. It never waits.
func (b *books) note(e entry) {
	verdict := journal.Accepted
	switch {
	case e.stale:
		verdict = journal.Stale
	case e.rejected:
		verdict = journal.Rejected
	}
	b.journal.Add(journal.Share{
		Worker: e.worker, Source: e.source, Party: e.party, At: e.at, Work: e.work, Verdict: verdict, Unpaid: e.unpaid, Header: e.header,
	})
}

// take takes a record in, as far as money and pages are concerned.
func (b *books) take(r ledger.Record, body ledger.Body) error {
	b.last = r.Seq
	if r.Simulated {
		return nil
	}
	if err := b.account.Apply(r); err != nil {
		return fmt.Errorf("record %d: %w", r.Seq, err)
	}
	switch x := body.(type) {
	case ledger.Shares:
		if !x.Unpaid {
			b.days = append(newer(b.days, r.At.Add(-day), func(w worked) time.Time { return w.to }), worked{from: x.From, to: x.To, source: x.Source, work: job.Work(x.Work)})
			b.claim(r, x)
		}
	case ledger.Earning:
		b.receipts = append(newer(b.receipts, r.At.Add(-30*day), func(x received) time.Time { return x.at }), received{r.At, x.Millisats})
		if x.Proof != "" {
			b.proofs[r.Subject+" "+x.Proof] = true
		}
	case ledger.Yield:
		b.yields[r.Subject], b.yieldAt[r.Subject] = x, r.At
	case ledger.Rate:
		b.rate = units.Know(units.Money{Micros: x.Micros, Currency: r.Subject}, r.At, units.Estimate)
		b.rateFrom = x.Source
	case ledger.Payout:
		b.paid(r, x)
	case ledger.Agreement:
		if b.s.contract != nil && x.Digest == b.s.contract.Digest() {
			b.recorded = true
		}
	case ledger.Transfer:
		if b.s.contract != nil && r.Subject == b.s.contract.Name {
			b.shared = r.At
		}
	case ledger.Setting:
		if r.Subject == poolSubject && x.Name == payoutSetting {
			b.stopped, b.by = x.To == payoutStopped, x.By
		}
	}
	return nil
}

const day = 24 * time.Hour

// newer drops what is older than a time from the front of a list that grows at
// its end.
func newer[T any](list []T, than time.Time, at func(T) time.Time) []T {
	n := 0
	for n < len(list) && at(list[n]).Before(than) {
		n++
	}
	return list[n:]
}

// claim notes work that a pool owes for.
func (b *books) claim(r ledger.Record, x ledger.Shares) {
	if b.s.cfg.Role != Open || x.Work <= 0 || x.Source != NodeSource {
		return
	}
	if b.s.cfg.Scheme == PerShare {
		b.unpaid = append(b.unpaid, claim{r.Seq, r.Subject, x.Party, job.Work(x.Work)})
	} else if b.payer == nil || r.At.Before(b.opened) {
		// Of the process before, which may have left shares that only this one
		// folds: what is done since counts at once. A record is as late as its last
		// share.
		who := x.Party
		if who == "" {
			who = b.s.accountOf(r.Subject)
		}
		b.s.mint.worked(who, job.Work(x.Work))
	}
}

// The kill switch, as the ledger has it.
const (
	poolSubject   = "pool"
	payoutSetting = "payouts"
	payoutStopped = "stopped"
	payoutAllowed = "allowed"
)

// keptPayouts is how many payouts are shown.
const keptPayouts = 50

// paid keeps the newest payouts at hand.
func (b *books) paid(r ledger.Record, x ledger.Payout) {
	p := PayoutState{
		ID: x.ID, At: r.At, Party: r.Subject, Rail: x.Rail, To: x.To, Millisats: x.Millisats, Fee: x.Fee,
		State: string(x.State), Proof: x.Proof, Why: x.Why,
	}
	if x.State == ledger.PayoutPaid {
		b.paidOut[r.Subject] += x.Millisats
	}
	if i := slices.IndexFunc(b.recent, func(q PayoutState) bool { return q.ID == x.ID }); i >= 0 {
		b.recent[i] = p
		return
	}
	b.recent = append(b.recent, p)
	if len(b.recent) > keptPayouts {
		b.recent = b.recent[1:]
	}
}

// follow takes in what was written since. A record that cannot be taken in ends
// all dealing with money: what was worked out would be wrong from then on.
func (b *books) follow(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return b.broken
	}
	return b.each(ctx, b.last+1, func(r ledger.Record) error {
		body, err := r.Decode()
		if err == nil {
			err = b.take(r, body)
		}
		if err == nil && b.evidence != nil {
			_, err = b.evidence.Add(r)
			for _, f := range b.formers {
				f.add(r)
			}
		}
		if err != nil {
			b.broken = fmt.Errorf("record %d of the ledger cannot be booked, so money stands still: run \"hearth ledger verify\", and start again when it is in order: %w", r.Seq, err)
		}
		return b.broken
	})
}

// Keep returns the time from which on the ledger's detail is still needed, given
// the time from which on its owner wants to keep it: open payments, an agreement
// whose books are not closed, and a pool's window of work go back further. The
// zero time says that all of it is.
func (s *Service) Keep(wanted time.Time) time.Time {
	b := s.books
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.cfg.Role == Open {
		return time.Time{}
	}
	if since, open := b.payer.Keep(); open && since.Before(wanted) {
		wanted = since
	}
	if b.evidence != nil && b.evidence.Needs().Before(wanted) {
		wanted = b.evidence.Needs()
	}
	return b.needsFormers(wanted)
}

// interval is how often shares become records and the agreement is worked out.
func (b *books) interval() time.Duration {
	if b.s.contract != nil {
		return b.s.contract.Interval
	}
	return 15 * time.Minute
}

// run keeps the books until ctx ends.
func (b *books) run(ctx context.Context) {
	tick := time.NewTicker(bookTick)
	defer tick.Stop()
	next := b.s.opt.Now().Truncate(b.interval()).Add(b.interval())
	b.troubled("ledger", errors.Join(b.mark(ctx), b.settle(ctx, false), b.weigh()))
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := b.s.opt.Now()
		whole := !now.Before(next) || next.Sub(now) > b.interval()
		if whole {
			next = now.Truncate(b.interval()).Add(b.interval())
		}
		b.troubled("ledger", b.settle(ctx, whole))
	}
}

// bookTick is how often payments are looked after.
const bookTick = 5 * time.Second

// Settle does at once what is done at the end of each interval: shares become
// records, the agreement is worked out, and payments go on.
func (s *Service) Settle(ctx context.Context) error {
	err := s.books.settle(ctx, true)
	s.books.troubled("ledger", err)
	return err
}

// settle does what is due: at the end of an interval all of it.
func (b *books) settle(ctx context.Context, whole bool) error {
	b.settling.Lock()
	defer b.settling.Unlock()
	// First what the ledger has: something may have been written whose answer was
	// lost.
	if err := b.follow(ctx); err != nil {
		return err
	}
	if err := b.mature(ctx); err != nil {
		return err
	}
	if whole {
		// Shares and payments do not wait for the price of something.
		b.troubled("marks", b.mark(ctx))
		if err := b.fold(ctx); err != nil {
			return err
		}
	}
	if err := b.follow(ctx); err != nil {
		return err
	}
	if whole && b.evidence != nil {
		if err := b.agree(ctx); err != nil {
			return err
		}
	}
	if whole {
		b.troubled("standing", b.s.keep())
		if err := b.perShare(ctx); err != nil {
			return err
		}
	}
	return b.pay(ctx)
}

// fold makes records of the shares since the last fold.
func (b *books) fold(ctx context.Context) error { return b.journal.Fold(ctx) }

// record writes the agreement into the ledger before anything is done by it.
func (b *books) record(ctx context.Context) error {
	if b.s.contract == nil {
		return nil
	}
	if b.recorded {
		b.showChange()
		return nil
	}
	e, err := ledger.NewEntry(b.s.opt.Now(), b.s.contract.Name, false, b.s.contract.Record())
	if err == nil {
		err = b.append(ctx, e)
	}
	if err != nil {
		return fmt.Errorf("write the agreement %s into the ledger: %w", b.s.contract.Name, err)
	}
	if err := b.follow(ctx); err != nil {
		return err
	}
	b.showChange()
	b.tellChange()
	return nil
}

// agree works the agreement out, writes what follows, and lets it divide work
// from now on.
func (b *books) agree(ctx context.Context) error {
	e, ok, err := b.outcome()
	err = errors.Join(err, b.weigh())
	if ok {
		err = errors.Join(err, b.append(ctx, e), b.follow(ctx))
	}
	b.troubled("other texts", b.settleFormers(ctx))
	b.showChange()
	return err
}

// outcome is what the agreement has written next: what it comes to for each
// party, else the closing of its books; false if neither is due. The other is
// worked out once the one stands in the ledger.
func (b *books) outcome() (ledger.Entry, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.outcomeOf(b.s.contract.Agreement, b.evidence)
}

// outcomeOf is what a text of the agreement has written next. The caller holds
// the lock.
func (b *books) outcomeOf(a *agreement.Agreement, of *agreement.Evidence) (ledger.Entry, bool, error) {
	now := b.s.opt.Now()
	// A clock that was set back a little takes nothing back that was booked. One
	// that was off by more was wrong when it was.
	if ahead := b.shared.Sub(now); ahead > 0 && ahead < day {
		now = b.shared
	}
	var failed error
	if a.Mode == agreement.Ledger { // else nobody holds anybody's money
		e, ok, err := of.Transfer(now)
		if ok && err == nil {
			err = b.bookable(e)
		}
		if ok && err == nil {
			return e, true, nil
		}
		failed = err
	}
	e, ok, err := of.Close(now)
	return e, ok, errors.Join(failed, err)
}

// weigh lets the agreement divide work from now on as it comes out by now.
func (b *books) weigh() error {
	if b.evidence == nil {
		return nil
	}
	b.mu.Lock()
	weights, err := b.evidence.Weights(b.s.opt.Now())
	b.mu.Unlock()
	if err != nil {
		return err
	}
	b.s.divideBy(weights)
	return nil
}

// bookable asks the accounts whether an entry may be written: what they refuse
// must not get into the ledger, where it would stay. The caller holds the lock.
func (b *books) bookable(e ledger.Entry) error {
	body, err := ledger.Record{At: e.At, Kind: e.Kind, Subject: e.Subject, Body: e.Body}.Decode()
	if err != nil {
		return err
	}
	t, ok := body.(ledger.Transfer)
	if !ok {
		return nil
	}
	if err := b.account.Check(t); err != nil {
		return fmt.Errorf("what the agreement %s comes to cannot be booked; if its file was changed, let start: be the day of the change, since what came before was shared as it said then: %w", b.s.contract.Name, err)
	}
	return nil
}

// troubled keeps what a person must know of.
func (b *books) troubled(what string, err error) {
	if err != nil && errors.Is(err, context.Canceled) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		delete(b.trouble, what)
		return
	}
	if b.trouble[what] != err.Error() {
		b.s.opt.Log.Error("the pool's books", "what", what, "error", err)
	}
	b.trouble[what] = err.Error()
}

// tell has an event written into the ledger. Whoever tells may hold locks and
// must not wait for the disk.
func (s *Service) tell(severity, code, text string) {
	e, err := ledger.NewEntry(s.opt.Now(), poolSubject, false, ledger.Event{Severity: severity, Code: code, Text: text})
	if err != nil {
		s.opt.Log.Error("an event cannot be written", "code", code, "error", err)
		return
	}
	s.opt.Log.Info("event", "subject", poolSubject, "code", code, "severity", severity, "text", text)
	select {
	case s.events <- e:
	default:
		s.opt.Log.Error("an event cannot be written", "code", code, "error", "too many wait for the ledger")
	}
}

const (
	// waitingEvents is how many events may wait for the ledger.
	waitingEvents = 256
	// eventLimit is how long the ledger may take to write one, or at the end all.
	eventLimit = 30 * time.Second
)

// recordEvents writes events in the order in which they were told, until ctx
// ends, and then those that still wait.
func (s *Service) recordEvents(ctx context.Context) {
	write := func(ctx context.Context, e ledger.Entry) {
		if _, err := s.opt.Book.Append(ctx, e); err != nil {
			s.opt.Log.Error("an event cannot be written", "body", string(e.Body), "error", err)
		}
	}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case e := <-s.events:
			limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), eventLimit)
			write(limited, e)
			cancel()
		}
	}
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), eventLimit)
	defer cancel()
	for {
		select {
		case e := <-s.events:
			write(rest, e)
		default:
			return
		}
	}
}

// divideBy gives the parties other parts of the work from now on.
func (s *Service) divideBy(weights []int64) {
	if s.contract == nil {
		return
	}
	parts := s.contract.weighted(weights)
	if len(parts) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.relays {
		if r.parties == nil {
			continue
		}
		if _, err := r.parties.Change(parts); err != nil {
			s.opt.Log.Error("the work cannot be divided as the agreement says", "error", err)
		}
	}
	if s.lend == nil {
		return
	}
	s.lend.parts = parts
	for _, t := range s.lend.turns {
		if _, err := t.slices.Change(parts); err != nil {
			s.opt.Log.Error("the work cannot be divided as the agreement says", "error", err)
		}
	}
}

package agreement

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/ledger"
	"hearth/pool/account"
	"hearth/units"
)

// Evidence is what an agreement is worked out from: the records of one ledger,
// in their order. It keeps what the agreement needs of them and no more. It is
// not for several goroutines at a time.
type Evidence struct {
	a         *Agreement
	loc       *time.Location
	simulated bool
	opening   books // where working it out begins
	late      bool  // the closing that the opening comes from was passed

	last uint64 // number of the last record, or of the last that need not be read
	gaps bool   // records are missing between those that were given

	electricity []gauge // by meter
	heat        []gauge
	tariffs     map[string]*gauge // price records that some price follows
	rates       series
	yields      []series // by payer
	tills       []till   // by payer
	cells       map[int64]*cell
	booked      sums // by transfers
	payouts     map[string]payment
	used        map[ledger.Kind]Used
	term
	rests      uint64 // number of the closing that the opening comes from
	marks      []bookmark
	totalWork  int64 // to keep sums in bounds
	totalMoney int64
	disputes   []string
}

// cell is what one interval holds, for all but energy.
type cell struct {
	income []int64 // msat by payer
	work   []int64 // ours, by payer
	shares int64   // how many
	given  []int64 // of the work, by the party it was credited to
}

// payment is a payout to a party, as its records leave it.
type payment struct {
	Party     int
	At        time.Time
	Millisats int64
	Fee       int64
	Rail      string
	State     ledger.PayoutState
	Proof     string
}

// Used says which records of a kind were used: how many, and a hash over their
// hashes, each of which is hashed together with what came before.
type Used struct {
	Records int64       `json:"records"`
	Digest  ledger.Hash `json:"digest"`
}

func (u Used) add(h ledger.Hash) Used {
	return Used{u.Records + 1, sha256.Sum256(append(u.Digest[:], h[:]...))}
}

// NewEvidence returns evidence with nothing in it. The location is that of the
// agreement's time zone. Simulated evidence takes up what was simulated, and
// only that; other evidence what was not.
func NewEvidence(a *Agreement, loc *time.Location, simulated bool) (*Evidence, error) {
	if loc == nil || loc.String() != a.Zone {
		return nil, fmt.Errorf("work out agreement %s: its days begin in %s, not in %v", a.Name, a.Zone, loc)
	}
	e := &Evidence{
		a: a, loc: loc, simulated: simulated,
		electricity: make([]gauge, len(a.Meters.Electricity)), heat: make([]gauge, len(a.Meters.Heat)),
		tariffs: map[string]*gauge{}, tills: make([]till, len(a.Meters.Income)), yields: make([]series, len(a.Meters.Income)),
		cells: map[int64]*cell{}, booked: newSums(a),
		payouts: map[string]payment{}, used: map[ledger.Kind]Used{},
	}
	for _, t := range a.all() {
		for _, s := range t.Steps {
			if s.Tariff.Follows != "" {
				e.tariffs[s.Tariff.Follows] = &gauge{}
			}
		}
	}
	e.opening = a.begin(loc)
	return e, nil
}

// Last is the number of the last record that was given.
func (e *Evidence) Last() uint64 { return e.last }

// Whole reports whether no record is missing: the first was the ledger's first,
// or the one behind a closing, and each followed the one before.
func (e *Evidence) Whole() bool { return !e.gaps }

// latest is the time beyond which nothing counts, in nanoseconds: the year 2200.
const latest = 7258118400_000000000

// Add takes in the next record of the ledger and reports whether it is of any
// account here; most are not. An error means that the ledger holds what cannot
// be.
func (e *Evidence) Add(r ledger.Record) (bool, error) {
	if r.Seq <= e.last {
		return false, fmt.Errorf("work out agreement %s: record %d comes after record %d", e.a.Name, r.Seq, e.last)
	}
	if r.Seq != e.last+1 {
		e.gaps = true
	}
	e.bookmark(r)
	e.last = r.Seq
	body, err := r.Decode()
	if err != nil {
		return false, fmt.Errorf("work out agreement %s: record %d: %w", e.a.Name, r.Seq, err)
	}
	took, err := e.take(r, body)
	if err != nil {
		return false, fmt.Errorf("work out agreement %s: record %d: %w", e.a.Name, r.Seq, err)
	}
	if took {
		e.used[r.Kind] = e.used[r.Kind].add(r.Hash)
	}
	return took, nil
}

// take takes in a record's body and reports whether it counts.
func (e *Evidence) take(r ledger.Record, body ledger.Body) (bool, error) {
	switch b := body.(type) { // what holds in either world, if it was not made up
	case ledger.Rate:
		return e.mayMark(r) && e.rate(r, b), nil
	case ledger.Price:
		return e.mayMark(r) && e.price(r, b), nil
	case ledger.Yield:
		return e.mayMark(r) && e.yield(r, b), nil
	case ledger.Agreement:
		if !e.mayMark(r) || r.Subject != e.a.Name {
			return false, nil
		}
		return true, e.agreement(r, b)
	}
	if r.Simulated != e.simulated {
		return false, nil
	}
	switch b := body.(type) {
	case ledger.Electricity:
		return e.energy(r, ledger.Energy(b), e.a.Meters.Electricity, e.electricity), nil
	case ledger.Heat:
		return e.energy(r, ledger.Energy(b), e.a.Meters.Heat, e.heat), nil
	case ledger.Shares:
		return e.shares(r, b)
	case ledger.Earning:
		return e.earning(r, b)
	case ledger.Transfer:
		return e.transfer(r, b), nil
	case ledger.Payout:
		return e.payout(r, b), nil
	case ledger.Closing:
		return e.closing(r, b)
	}
	return false, nil
}

// agreement takes in a text of the agreement's name. A text that follows another
// holds from its start on, and not before the day after it was recorded; the one
// before it ends there.
func (e *Evidence) agreement(r ledger.Record, b ledger.Agreement) error {
	tomorrow := dateOf(r.At.In(e.loc)).next()
	if b.Digest == e.a.digest {
		if e.Recorded > 0 {
			return nil
		}
		if e.Recorded = r.Seq; e.Follows {
			e.Begins = later(e.a.Start, tomorrow)
		}
		return nil
	}
	other, err := Parse([]byte(b.Text))
	switch {
	case err != nil:
		return fmt.Errorf("another text of this agreement cannot be read: %w", err)
	case other.Zone != e.a.Zone:
		return fmt.Errorf("another text of this agreement has its days in %s, this one in %s: they must have the same", other.Zone, e.a.Zone)
	case e.Recorded == 0:
		e.Follows = true
	default: // of several that follow, the one that begins first ends it
		e.Ends = sooner(later(other.Start, tomorrow).prior(), e.Ends)
	}
	return nil
}

// terms returns what holds on a day, nil where nothing is shared.
func (e *Evidence) terms(d Date) *Terms {
	if e.Follows && e.Recorded == 0 || d.before(e.Begins) || !e.Ends.IsZero() && e.Ends.before(d) {
		return nil
	}
	return e.a.terms(d)
}

// over is the instant at which the agreement ends, zero if it does not.
func (e *Evidence) over() time.Time {
	end := e.a.End
	if !e.Ends.IsZero() && (end.IsZero() || e.Ends.before(end)) {
		end = e.Ends
	}
	if end.IsZero() {
		return time.Time{}
	}
	return end.next().In(e.loc)
}

// mayMark reports whether what a record says of the world at large counts. What
// was made up counts in what is made up.
func (e *Evidence) mayMark(r ledger.Record) bool { return e.simulated || !r.Simulated }

func (e *Evidence) energy(r ledger.Record, b ledger.Energy, meters []string, gauges []gauge) bool {
	i := slices.Index(meters, r.Subject)
	from, to := b.From.UnixNano(), b.To.UnixNano()
	// What lies in the future of its own record cannot have been measured.
	if i < 0 || to > r.At.UnixNano() || to > latest || from < 0 || b.Provenance > e.a.Meters.Worst && b.Provenance != units.Simulated {
		return false
	}
	gauges[i].add(reading{from, to, r.Seq, b.Millijoules(), b.Provenance})
	return true
}

// ahead is how long before its time a price may be recorded.
const ahead = 48 * time.Hour

func (e *Evidence) price(r ledger.Record, b ledger.Price) bool {
	g := e.tariffs[r.Subject]
	from, to := b.From.UnixNano(), min(b.To.UnixNano(), r.At.UnixNano()+int64(ahead))
	if g == nil || b.Currency != e.a.Currency || from < 0 || to > latest || from >= to || b.Micros > mostPrice || b.Micros < -mostPrice {
		return false
	}
	g.add(reading{from, to, r.Seq, b.Micros, units.Meter})
	return true
}

func (e *Evidence) rate(r ledger.Record, b ledger.Rate) bool {
	if r.Subject != e.a.Currency || b.Source != e.a.Market.Source || e.a.Market.Source == "" {
		return false
	}
	e.rates.add(mark{at: r.At.UnixNano(), seq: r.Seq, value: b.Micros})
	return true
}

func (e *Evidence) yield(r ledger.Record, b ledger.Yield) bool {
	i := slices.Index(e.a.Meters.Income, r.Subject)
	if i < 0 || e.a.Mode.Custodial() {
		return false
	}
	e.yields[i].add(mark{at: r.At.UnixNano(), seq: r.Seq, value: b.Millisats, per: b.Work})
	return true
}

var errTooMuch = errors.New("the amounts add up to more than there can be")

// The most work and money that there can be in one ledger: 2^62 thousandths of
// difficulty 1 are what all miners of the world do in a month, and there will
// never be more than 2.1 million million million msat.
const (
	mostWork = 1 << 62
	mostMsat = 21_000_000 * bitcoin
)

// count adds to a sum that has a bound.
func count(sum *int64, n, most int64) error {
	if n < 0 {
		n = -n
	}
	if n > most-*sum {
		return errTooMuch
	}
	*sum += n
	return nil
}

func (e *Evidence) index(at int64) int64 { return at / int64(e.a.Interval) }

func (e *Evidence) cell(interval int64) *cell {
	c := e.cells[interval]
	if c == nil {
		n := len(e.a.Meters.Income)
		c = &cell{income: make([]int64, n), work: make([]int64, n), given: make([]int64, len(e.a.Parties))}
		e.cells[interval] = c
	}
	return c
}

// slot returns the interval that something counts in. What belongs to a time
// whose books are closed was counted in them if it was recorded before they
// were closed, and counts in the first open interval if it came later.
func (e *Evidence) slot(interval int64) (int64, bool) {
	if interval < e.opening.first {
		return e.opening.first, e.late
	}
	return interval, true
}

func (e *Evidence) shares(r ledger.Record, b ledger.Shares) (bool, error) {
	payer := slices.Index(e.a.Meters.Income, b.Source)
	from := b.From.UnixNano()
	if payer < 0 || b.Unpaid || b.Work == 0 || from < 0 || from > latest || b.From.After(r.At) {
		return false, nil
	}
	if err := count(&e.totalWork, b.Work, mostWork); err != nil {
		return false, err
	}
	at := e.index(from)
	ours := slices.Contains(e.a.Meters.Workers, r.Subject) && e.terms(dateOf(e.begins(at))) != nil
	e.income(payer, e.tills[payer].work(work{at, r.Seq, b.Work}, ours, from))
	at, open := e.slot(at)
	if !ours || !open {
		return true, nil
	}
	c := e.cell(at)
	c.work[payer] += b.Work
	c.shares += b.Count
	if p := e.a.Party(b.Party); p >= 0 {
		c.given[p] += b.Work
	}
	return true, nil
}

// income books what came in to the intervals it is for.
func (e *Evidence) income(payer int, portions []portion) {
	for _, p := range portions {
		if at, open := e.slot(p.interval); open {
			e.cell(at).income[payer] += p.msat
		}
	}
}

func (e *Evidence) earning(r ledger.Record, b ledger.Earning) (bool, error) {
	payer := slices.Index(e.a.Meters.Income, r.Subject)
	at := r.At.UnixNano()
	if payer < 0 || at < 0 || at > latest || b.Millisats == 0 {
		return false, nil
	}
	if err := count(&e.totalMoney, b.Millisats, mostMsat); err != nil {
		return false, err
	}
	t := &e.tills[payer]
	if b.Millisats > 0 {
		e.income(payer, t.earn(b.Millisats))
		return true, nil
	}
	ours, rest := t.takeBack(-b.Millisats)
	e.income(payer, append(rest, portion{e.shared(at), -ours}))
	return true, nil
}

// shared is the last interval before a time in which something was shared: what
// is taken back counts there, so that it counts at once.
func (e *Evidence) shared(at int64) int64 {
	i := e.index(at) - 1
	day := dateOf(e.begins(i))
	for range 366 {
		if e.terms(day) != nil {
			break
		}
		day = day.prior()
		i = e.ceiling(day.next().In(e.loc)) - 1
	}
	if e.opening.after == 0 {
		return max(i, e.opening.first)
	}
	return i
}

// begins is when an interval begins, where the heater stands.
func (e *Evidence) begins(interval int64) time.Time {
	return time.Unix(0, interval*int64(e.a.Interval)).In(e.loc)
}

func (e *Evidence) transfer(r ledger.Record, b ledger.Transfer) bool {
	if r.Subject != e.a.Name || !strings.HasPrefix(b.ID, e.a.transferPrefix()) {
		return false
	}
	for _, p := range b.Entries {
		if p.Account == e.a.HeldAccount() {
			e.booked.Held += p.Millisats
		}
		for i := range e.a.Parties {
			if p.Account == e.a.PartyAccount(i) {
				e.booked.Parties[i] += p.Millisats
			}
		}
		for i, payer := range e.a.Meters.Income {
			if p.Account == account.Revenue(payer) {
				e.booked.Payers[i] -= p.Millisats
			}
		}
	}
	return true
}

func (e *Evidence) payout(r ledger.Record, b ledger.Payout) bool {
	p := -1
	for i := range e.a.Parties {
		if r.Subject == strings.TrimPrefix(e.a.PartyAccount(i), "party:") {
			p = i
		}
	}
	if p < 0 {
		return false
	}
	e.payouts[b.ID] = payment{p, r.At, b.Millisats, b.Fee, b.Rail, b.State, b.Proof}
	return true
}

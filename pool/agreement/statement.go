package agreement

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hearth/ledger"
	"hearth/units"
)

// Statement is what one party's part in an agreement came to in a span of time.
// All of it follows from the agreement and the records.
type Statement struct {
	Format int `json:"format"` // 1
	// Title says whose statement it is and of when, and that it is of what was
	// simulated or of coins that are worth nothing.
	Title     string `json:"title"`
	Simulated bool   `json:"simulated"`

	Agreement string      `json:"agreement"`
	Digest    ledger.Hash `json:"digest"` // of the agreement's text
	Mode      Mode        `json:"mode"`
	// Network is the test network whose coins it is about, empty for real ones.
	Network string `json:"network,omitempty"`
	Party   string `json:"party"`
	// From and To bound the time, AsOf is when it was worked out.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	AsOf time.Time `json:"as_of"`

	Currency string `json:"currency,omitempty"`
	// PriceSource said what a bitcoin was worth; Least and Most are the prices
	// of the intervals for which something came in, in micros.
	PriceSource string `json:"price_source,omitempty"`
	Least       int64  `json:"price_least,omitempty"`
	Most        int64  `json:"price_most,omitempty"`

	Entries []Entry `json:"entries"`
	// Millisats is what the party got, Micros what that was worth when it was
	// booked, Unvalued how many of the msat had no price then.
	Millisats int64 `json:"msat"`
	Micros    int64 `json:"micros"`
	Unvalued  int64 `json:"unvalued_msat"`
	// Work is that of the whole agreement; Owed and Given are the party's part
	// and what it was credited with, in modes that split work.
	Work  whole `json:"work"`
	Owed  whole `json:"work_owed"`
	Given whole `json:"work_given"`

	// All is what came in for the time, and where it went.
	All All `json:"all"`
	// Open is what is not settled at the end, of all parties.
	Open []Open `json:"open"`
	// Payouts to the party; Paid sums up those that were made.
	Payouts []Paid `json:"payouts"`
	Paid    int64  `json:"paid_msat"`

	// Recorded is the number of the record that holds the agreement, Closing of
	// the record that closed the books before, 0 if there is none.
	Recorded uint64               `json:"recorded"`
	Closing  uint64               `json:"closing"`
	Used     map[ledger.Kind]Used `json:"used"`
	Head     ledger.Head          `json:"head"`
}

// Entry is what one item came to.
type Entry struct {
	Key  string `json:"key"` // see [Item]
	Text string `json:"text"`
	Kind Kind   `json:"kind"`
	// Pays says that the party pays it; else it gets it.
	Pays bool `json:"pays"`
	// Outside says that it is not settled in sats.
	Outside bool `json:"outside"`
	// Millijoules is the energy it is about, of the provenance.
	Millijoules int64  `json:"mj"`
	Provenance  string `json:"provenance,omitempty"`
	// Least and Most are the prices of a kilowatt-hour, in micros, if any was
	// known.
	Priced bool  `json:"priced"`
	Least  int64 `json:"price_least"`
	Most   int64 `json:"price_most"`
	// Due is what came to be owed and Arrears what is owed at the end, in micros,
	// or in msat if Sats is set.
	Sats    bool  `json:"sats"`
	Due     int64 `json:"due"`
	Arrears int64 `json:"arrears"`
	// Millisats is what was paid, Micros what it was worth then.
	Millisats int64 `json:"msat"`
	Micros    int64 `json:"micros"`
	// How the intervals ended.
	Settled  int64 `json:"intervals_settled"`
	Short    int64 `json:"intervals_short"` // the sats did not do
	Capped   int64 `json:"intervals_capped"`
	Waiting  int64 `json:"intervals_waiting"`
	Released int64 `json:"intervals_released"`
}

// All is where the income of the time went.
type All struct {
	Income  int64  `json:"income_msat"`
	Parties []Part `json:"parties"`
	Held    int64  `json:"held_msat"`  // set aside
	Short   int64  `json:"short_msat"` // made good what was taken back
}

// Part is what one party got.
type Part struct {
	Party     string `json:"party"`
	Millisats int64  `json:"msat"`
}

// Open is something unsettled.
type Open struct {
	Text string    `json:"text"`
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Intervals counts those that it is about, Held the msat set aside for it.
	Intervals int64 `json:"intervals"`
	Held      int64 `json:"held_msat"`
}

// Paid is a payout.
type Paid struct {
	ID        string    `json:"id"`
	At        time.Time `json:"at"`
	Millisats int64     `json:"msat"`
	Fee       int64     `json:"fee_msat"`
	Rail      string    `json:"rail"`
	State     string    `json:"state"`
	Proof     string    `json:"proof,omitempty"`
}

// The most that a statement lists one by one; the rest it sums up.
const (
	mostOpen    = 40
	mostPayouts = 60
)

// Statement works out what a party's part came to from one time on and before
// another, as seen at a time. The head is the ledger's, and no record after it
// may have been added. The span must not begin before the books that are open.
func (e *Evidence) Statement(party string, from, to, asOf time.Time, head ledger.Head) (Statement, error) {
	fail := func(format string, args ...any) (Statement, error) {
		return Statement{}, fmt.Errorf("make the statement of %s in agreement %s: "+format, append([]any{party, e.a.Name}, args...)...)
	}
	p := e.a.Party(party)
	switch {
	case p < 0:
		return fail("there is no such party")
	case !from.Before(to):
		return fail("the span from %s to %s is empty", from.Format(time.DateOnly), to.Format(time.DateOnly))
	case e.last > head.Seq:
		return fail("the head names record %d, and records up to %d were used", head.Seq, e.last)
	case from.Before(e.opening.until) && e.opening.after > 0:
		return fail("the books up to %s are closed: it needs the ledger from before", e.opening.until.In(e.loc).Format(time.DateOnly))
	}
	s := summary{e: e, a: e.a, party: p, from: from, to: to, entries: make([]Entry, len(e.a.list)), opens: map[string]*Open{}, noted: map[string]int64{}}
	s.Statement = Statement{
		Format: 1, Simulated: e.simulated, Agreement: e.a.Name, Digest: e.a.digest, Mode: e.a.Mode, Party: party,
		From: from.UTC(), To: to.UTC(), AsOf: asOf.UTC(), Currency: e.a.Currency, PriceSource: e.a.Market.Source,
		Entries: []Entry{}, Open: []Open{}, Payouts: []Paid{}, Recorded: e.Recorded, Closing: e.rests, Used: maps.Clone(e.used), Head: head,
	}
	if e.a.Network != mainnet {
		s.Network = e.a.Network
	}
	s.Head.At = head.At.UTC()
	s.title(e.loc)
	end := min(e.end(asOf), e.ceiling(to))
	last, err := e.course(asOf, end, s.add)
	if err == nil {
		err = s.finish(last, asOf)
	}
	if err != nil {
		return fail("%w", err)
	}
	return s.Statement, nil
}

// summary is a statement in the making.
type summary struct {
	Statement
	e        *Evidence
	a        *Agreement
	party    int
	from, to time.Time
	entries  []Entry
	parts    []int64
	opens    map[string]*Open
	noted    map[string]int64 // the interval that was noted last, by reason
	order    []string
	err      error
}

func (s *summary) title(loc *time.Location) {
	last := s.to.In(loc).Add(-time.Nanosecond)
	name := s.a.Title
	if name == "" {
		name = s.a.Name
	}
	s.Title = fmt.Sprintf("Statement for %s: %s, %s to %s", s.a.Parties[s.party].Name, name, s.from.In(loc).Format("2 January 2006"), last.Format("2 January 2006"))
	if s.Network != "" {
		s.Title = "TEST COINS of " + s.Network + ", worth nothing. " + s.Title
	}
	if s.Simulated {
		s.Title = "SIMULATED, nothing is owed. " + s.Title
	}
}

// add takes in an interval.
func (s *summary) add(iv Interval) bool {
	if iv.From.Before(s.from) {
		return true
	}
	if s.parts == nil {
		s.parts = make([]int64, len(s.a.Parties))
	}
	s.Work += whole(iv.Work)
	if iv.Owed != nil {
		s.Owed += whole(iv.Owed[s.party])
		s.Given += whole(iv.Given[s.party])
	}
	if iv.Plain {
		return true
	}
	s.All.Income += iv.Income
	s.All.Held += iv.Held
	s.All.Short += iv.Short
	for p, msat := range iv.Paid {
		s.parts[p] += msat
	}
	s.Millisats += iv.Paid[s.party]
	s.value(iv)
	held := iv.Held
	for _, l := range iv.Lines {
		s.line(iv, l)
		if l.State == Waiting && l.Why != "" && l.direct() {
			s.note(l.Why, iv, held)
			held = 0
		}
	}
	if held > 0 {
		s.note("what the work is expected to earn is unknown", iv, held)
	}
	return s.err == nil
}

// value adds what the party got, at the interval's price.
func (s *summary) value(iv Interval) {
	got := iv.Paid[s.party]
	if iv.Rate == 0 {
		s.Unvalued += got
		return
	}
	micros, _ := worth(got, iv.Rate)
	s.Micros += micros
	if iv.Income == 0 {
		return
	}
	if s.Least == 0 || iv.Rate < s.Least {
		s.Least = iv.Rate
	}
	s.Most = max(s.Most, iv.Rate)
}

// line adds a line to its entry.
func (s *summary) line(iv Interval, l Line) {
	x := &s.entries[l.Item]
	if l.Source != units.None {
		var p units.Provenance
		if x.Provenance == "" || p.UnmarshalText([]byte(x.Provenance)) == nil && l.Source > p {
			x.Provenance = l.Source.String()
		}
	}
	if l.Priced {
		if !x.Priced || l.Price < x.Least {
			x.Least = l.Price
		}
		x.Most, x.Priced = max(x.Most, l.Price), true
	}
	x.Millijoules += l.Millijoules
	x.Due += l.Due
	x.Arrears = l.Owed
	x.Millisats += l.Paid
	if iv.Rate != 0 {
		micros, _ := worth(l.Paid, iv.Rate)
		x.Micros += micros
	}
	switch l.State {
	case Settled, Claimed:
		x.Settled++
	case Carried, Lapsed:
		x.Short++
	case Capped:
		x.Capped++
	case Waiting:
		x.Waiting++
	case Released:
		x.Released++
	}
	if x.Millijoules > mostSum || x.Due > mostSum {
		s.err = errTooMuch
	}
}

// note adds an interval to what is open, joining it to the one before it if the
// reason is the same.
func (s *summary) note(why string, iv Interval, held int64) {
	o := s.opens[why]
	if o == nil {
		o = &Open{Text: why, From: iv.From.UTC()}
		s.opens[why] = o
		s.order = append(s.order, why)
	}
	if s.noted[why] != iv.Index {
		o.Intervals++
	}
	s.noted[why] = iv.Index
	o.To = iv.To.UTC()
	o.Held += held
}

// finish lists what there is at the end.
func (s *summary) finish(last standing, asOf time.Time) error {
	if s.err != nil {
		return s.err
	}
	for i, it := range s.a.list {
		x := s.entries[i]
		switch {
		case it.To == s.party:
		case it.From == s.party:
			x.Pays = true
		default:
			continue
		}
		if x.Settled+x.Short+x.Capped+x.Waiting+x.Released == 0 {
			continue
		}
		x.Key, x.Kind, x.Text, x.Sats = it.Key, it.Kind, s.a.describe(it), it.Sats()
		x.Outside = it.Step != nil && it.Step.Outside
		s.Entries = append(s.Entries, x)
	}
	for p := range s.a.Parties {
		part := Part{Party: s.a.Parties[p].ID}
		if s.parts != nil {
			part.Millisats = s.parts[p]
		}
		s.All.Parties = append(s.All.Parties, part)
	}
	s.unsettled(last, asOf)
	return s.payouts()
}

// unsettled lists what is open at the end.
func (s *summary) unsettled(last standing, asOf time.Time) {
	for i, why := range s.order {
		o := *s.opens[why]
		if i < mostOpen {
			s.Open = append(s.Open, o)
			continue
		}
		rest := &s.Open[len(s.Open)-1]
		rest.Text = "and more of the same"
		rest.From, rest.To = minTime(rest.From, o.From), maxTime(rest.To, o.To)
		rest.Intervals += o.Intervals
		rest.Held += o.Held
	}
	add := func(format string, args ...any) {
		s.Open = append(s.Open, Open{Text: fmt.Sprintf(format, args...), From: s.From, To: s.To})
	}
	for i, it := range s.a.list {
		owed := int64(0)
		if it.Kind != Share {
			owed = last.Items[i].Owed
		}
		if owed > 0 {
			add("%s: %s is owed and not paid yet", s.a.describe(it), Amount{owed, it.Sats()}.Text(s.a.Currency))
		}
	}
	if last.Short > 0 {
		add("%s was taken back after it was shared, and is made good out of what comes in", Sats(last.Short))
	}
	if s.a.Mode.Custodial() {
		for i, payer := range s.a.Meters.Income {
			if w := s.e.tills[i].due.sum(); w > 0 {
				add("%s has not paid yet for work of difficulty %s", payer, difficulty(whole(w)))
			}
		}
	}
	if asOf.Before(s.to) {
		add("the time of this statement is not over: it goes up to %s", asOf.In(s.e.loc).Format("2 January 2006, 15:04"))
	}
	if s.Recorded == 0 {
		add("the ledger does not hold this agreement")
	}
}

func (s *summary) payouts() error {
	ids := slices.Sorted(maps.Keys(s.e.payouts))
	slices.SortStableFunc(ids, func(a, b string) int { return s.e.payouts[a].At.Compare(s.e.payouts[b].At) })
	more := 0
	for _, id := range ids {
		p := s.e.payouts[id]
		if p.Party != s.party || p.At.Before(s.from) || !p.At.Before(s.to) {
			continue
		}
		if p.State == ledger.PayoutPaid {
			if err := count(&s.Paid, p.Millisats, mostSum); err != nil {
				return err
			}
		}
		if len(s.Payouts) == mostPayouts {
			more++
			continue
		}
		s.Payouts = append(s.Payouts, Paid{id, p.At.UTC(), p.Millisats, p.Fee, p.Rail, string(p.State), p.Proof})
	}
	if more > 0 {
		s.Open = append(s.Open, Open{Text: fmt.Sprintf("%d more payouts are summed up, not listed", more), From: s.From, To: s.To})
	}
	return nil
}

// direct reports whether the line itself waits, rather than behind another.
func (l Line) direct() bool { return !strings.HasPrefix(l.Why, behind) }

// behind begins the reason of a line that waits because an earlier one does.
const behind = "waits, since "

// ErrSimulated is returned for what was simulated where something would be paid.
var ErrSimulated = errors.New("it was simulated: nothing is owed, and nothing can be paid")

// Payable returns what of the statement can be paid out in sats: what the party
// got in its time less what was paid. A statement of what was simulated gives
// [ErrSimulated].
func (s Statement) Payable() (int64, error) {
	switch {
	case s.Simulated:
		return 0, ErrSimulated
	case !s.Mode.Custodial():
		return 0, fmt.Errorf("in mode %s the parties are paid without anybody in between", s.Mode)
	}
	return max(0, s.Millisats-s.Paid), nil
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

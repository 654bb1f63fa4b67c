package agreement

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"hearth/ledger"
)

// lead is how much of what came before a closing is read again after it: rates,
// prices and yields of that time may still hold.
const lead = 16 * 24 * time.Hour

// bookmark is where the ledger stood, lead before a month began.
type bookmark struct {
	until  time.Time // the month's beginning
	after  uint64    // number of the last record before
	tills  []till
	booked sums
	used   map[ledger.Kind]Used
	term   term
}

// bookmark remembers where the ledger stands, if the record begins the lead of
// a month.
func (e *Evidence) bookmark(r ledger.Record) {
	from := e.opening.until
	if n := len(e.marks); n > 0 {
		from = e.marks[n-1].until
	}
	next := Date{from.In(e.loc).Year(), from.In(e.loc).Month() + 1, 1}.In(e.loc)
	if r.At.Before(next.Add(-lead)) || r.At.UnixNano() > latest {
		return
	}
	m := bookmark{after: e.last, booked: e.booked.clone(), used: maps.Clone(e.used), term: e.term}
	for i := range e.tills {
		m.tills = append(m.tills, e.tills[i].clone())
	}
	for ; !r.At.Before(next.Add(-lead)); next = (Date{next.Year(), next.Month() + 1, 1}).In(e.loc) {
		m.until = next
		e.marks = append(e.marks, m)
	}
}

// Close returns the entry that closes the books up to the last month that can
// be closed at a time, false if there is none. It goes into the ledger as it is;
// from its record on everything before is final, and records up to a number that
// it names are needed no more.
func (e *Evidence) Close(asOf time.Time) (ledger.Entry, bool, error) {
	i := len(e.marks) - 1
	for i >= 0 && asOf.Before(e.marks[i].until.Add(e.a.Close)) {
		i--
	}
	if i < 0 {
		return ledger.Entry{}, false, nil
	}
	state, err := e.books(e.marks[i])
	if err != nil {
		return ledger.Entry{}, false, fmt.Errorf("close the books of agreement %s: %w", e.a.Name, err)
	}
	body := ledger.Closing{Digest: e.a.digest, Until: e.marks[i].until.UTC(), After: e.marks[i].after, State: state}
	entry, err := ledger.NewEntry(asOf, e.a.Name, e.simulated, body)
	if err != nil {
		return ledger.Entry{}, false, fmt.Errorf("close the books of agreement %s: %w", e.a.Name, err)
	}
	return entry, true, nil
}

// books works out what is brought forward at a bookmark. What was waited for is
// waited for no longer.
func (e *Evidence) books(m bookmark) (json.RawMessage, error) {
	first := e.ceiling(m.until)
	s, err := e.course(m.until.Add(e.a.Close), first, nil)
	if err != nil {
		return nil, err
	}
	b := books{standing: s, term: m.term, Booked: m.booked, Used: m.used}
	for i := range m.tills {
		b.Tills = append(b.Tills, m.tills[i].bring())
	}
	raw, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	return ledger.Canonical(raw)
}

// ceiling is the index of the first interval that begins at a time or later.
func (e *Evidence) ceiling(t time.Time) int64 {
	step := int64(e.a.Interval)
	return (t.UnixNano() + step - 1) / step
}

// closing takes in a closing.
func (e *Evidence) closing(r ledger.Record, b ledger.Closing) (bool, error) {
	if r.Subject != e.a.Name || b.Digest != e.a.digest {
		return false, nil
	}
	if b.Until.Equal(e.opening.until) { // it is the one that was resumed from
		e.flush()
		e.late, e.rests = true, r.Seq
		return true, nil
	}
	if b.Until.Before(e.opening.until) {
		e.flush()
		return true, nil
	}
	i := slices.IndexFunc(e.marks, func(m bookmark) bool { return m.until.Equal(b.Until) })
	if i < 0 || e.marks[i].after != b.After {
		return false, fmt.Errorf("it closes the books up to %s, which is not where a month begins here", b.Until.Format(time.RFC3339))
	}
	state, err := e.books(e.marks[i])
	if err != nil {
		return false, err
	}
	if !bytes.Equal(state, b.State) {
		e.disputes = append(e.disputes, fmt.Sprintf("Record %d closes the books up to %s with other sums than its own ledger gives.", r.Seq, b.Until.Format(time.DateOnly)))
	}
	e.flush()
	if err := e.open(b); err != nil {
		return false, err
	}
	e.marks = e.marks[i+1:]
	e.late, e.rests = true, r.Seq
	return true, nil
}

// flush books what was waiting for a span of work to be over: no closing leaves
// it half counted.
func (e *Evidence) flush() {
	for i := range e.tills {
		e.income(i, e.tills[i].flush())
	}
}

// open begins the books anew where a closing left them.
func (e *Evidence) open(b ledger.Closing) error {
	o, err := e.a.parseBooks(b, e.ceiling(b.Until))
	if err != nil {
		return err
	}
	e.opening = o
	e.opening.month = monthOf(dateOf(b.Until.In(e.loc)))
	from := o.first * int64(e.a.Interval)
	for i := range e.electricity {
		e.electricity[i].forget(from)
	}
	for i := range e.heat {
		e.heat[i].forget(from)
	}
	for _, g := range e.tariffs {
		g.forget(from)
	}
	for i := range e.tills {
		e.tills[i].lump(b.After, o.first-1)
	}
	maps.DeleteFunc(e.cells, func(i int64, _ *cell) bool { return i < o.first })
	return nil
}

// Needs is the time from which on records must still be there to work the
// agreement out: those before the first that is as late as that may be pruned.
// It is the zero time while no books are closed: then all are needed.
func (e *Evidence) Needs() time.Time {
	if e.opening.after == 0 {
		return time.Time{}
	}
	return e.opening.until.Add(-lead)
}

// Resume returns evidence that begins where a closing left the books. Records
// are to be added from the one behind [ledger.Closing.After] on, the closing's
// own among them.
func Resume(a *Agreement, loc *time.Location, simulated bool, from ledger.Closing) (*Evidence, error) {
	e, err := NewEvidence(a, loc, simulated)
	if err != nil {
		return nil, err
	}
	if from.Digest != a.digest {
		return nil, fmt.Errorf("resume agreement %s: the closing is of another text", a.Name)
	}
	if err := e.open(from); err != nil {
		return nil, fmt.Errorf("resume agreement %s: %w", a.Name, err)
	}
	o := e.opening
	e.last, e.booked, e.used, e.term = o.after, o.Booked.clone(), maps.Clone(o.Used), o.term
	for i, t := range o.Tills {
		e.tills[i] = t.till(o.after, o.first-1)
	}
	return e, nil
}

var errBrought = errors.New("what the closing brings forward is not such as this agreement has")

// parseBooks reads what a closing brings forward.
func (a *Agreement) parseBooks(c ledger.Closing, first int64) (books, error) {
	b := books{}
	dec := json.NewDecoder(bytes.NewReader(c.State))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil {
		return b, fmt.Errorf("%w: %w", errBrought, err)
	}
	fits := len(b.Items) == len(a.list) && len(b.Owed) == len(a.Parties) && len(b.Tills) == len(a.Meters.Income) && len(b.Wait) == len(a.Meters.Income) && b.Used != nil && b.Short >= 0 && b.Peak >= 0
	for _, s := range []sums{b.Got, b.Booked} {
		fits = fits && len(s.Payers) == len(a.Meters.Income) && len(s.Parties) == len(a.Parties)
	}
	for _, it := range b.Items {
		fits = fits && it.Rest >= 0 && it.Rest < millijoules*million && it.Owed >= 0 && it.Owed <= mostSum
	}
	for _, t := range b.Tills {
		fits = fits && t.fits()
	}
	if !fits {
		return b, errBrought
	}
	b.until, b.after, b.first = c.Until, c.After, first
	b.parties = make([]partyState, len(a.Parties))
	return b, nil
}

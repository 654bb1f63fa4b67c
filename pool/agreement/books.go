package agreement

import (
	"slices"
	"strconv"
	"time"

	"hearth/ledger"
)

// books are where working an agreement out begins: at its start with nothing in
// them, later with what a closing brought forward.
type books struct {
	until time.Time // everything before is final
	after uint64    // records up to this one need not be read
	first int64     // index of the first interval after until
	standing

	term
	Tills  []brought            `json:"tills"`
	Booked sums                 `json:"booked"`
	Used   map[ledger.Kind]Used `json:"used"`
}

// term is when an agreement holds, as far as the ledger says so.
type term struct {
	Recorded uint64 `json:"recorded"` // number of the record that holds the agreement
	// Follows says that it takes the place of another text of its name, Begins is
	// its first day then, and Ends its last if another took its place.
	Follows bool `json:"follows"`
	Begins  Date `json:"begins"`
	Ends    Date `json:"ends"`
}

// standing is what one interval hands on to the next.
type standing struct {
	Items []itemState `json:"items"`
	Short int64       `json:"short"` // taken back and not yet made good, msat
	// Got is what the intervals so far gave.
	Got sums `json:"got"`
	// Wait is what came in late, in a time in which nothing is shared, by payer.
	Wait []int64 `json:"wait"`
	// Owed is the work that is owed to each party less what it was given, and
	// Peak the most work of an interval, in modes that split work.
	Owed []whole `json:"owed"`
	Peak whole   `json:"peak"`

	// What counts within a month is zero where one begins.
	month   month
	parties []partyState
}

// itemState is what is kept of a step or a floor.
type itemState struct {
	Rest int64 `json:"rest"` // of an accrual, in parts of a micro
	Owed int64 `json:"owed"` // arrears, micros or msat

	due     int64         // this month, micros or msat
	running time.Duration // of this month in which it ran
}

// partyState is what is kept of a party in a month.
type partyState struct {
	msat   int64         // received
	micros int64         // what that was worth
	active time.Duration // in which something was shared
}

// sums is what came from payers and went to parties, in msat.
type sums struct {
	Payers  []int64 `json:"payers"`
	Parties []int64 `json:"parties"`
	Held    int64   `json:"held"` // set aside
}

func newSums(a *Agreement) sums {
	return sums{Payers: make([]int64, len(a.Meters.Income)), Parties: make([]int64, len(a.Parties))}
}

func (s sums) clone() sums {
	return sums{slices.Clone(s.Payers), slices.Clone(s.Parties), s.Held}
}

// brought is a till, brought forward: its work is in lumps.
type brought struct {
	Due        whole `json:"due"`
	DueOthers  whole `json:"due_others"`
	Wait       int64 `json:"wait"`
	Next       whole `json:"next"`
	NextOthers whole `json:"next_others"`
	From       whole `json:"from"`
	Came       int64 `json:"came"`
	Got        int64 `json:"got"`
}

func (t *till) bring() brought {
	return brought{
		whole(t.due.sum()), whole(t.due.others), t.wait, whole(t.next.sum()), whole(t.next.others), whole(t.from), t.came, t.got,
	}
}

func (b brought) till(after uint64, interval int64) till {
	lump := func(amount, others whole) pile {
		p := pile{others: int64(others)}
		if amount > 0 {
			p.ours = []work{{interval, after, int64(amount)}}
		}
		return p
	}
	return till{lump(b.Due, b.DueOthers), b.Wait, lump(b.Next, b.NextOthers), int64(b.From), b.Came, b.Got}
}

func (b brought) fits() bool {
	for _, w := range []whole{b.Due, b.DueOthers, b.Next, b.NextOthers} {
		if w < 0 || w > mostWork/4 {
			return false
		}
	}
	return b.From >= 0 && b.Wait >= 0 && b.Wait <= mostMsat && b.Got >= 0 && b.Got <= b.Came && b.Came <= mostMsat
}

// whole is a number that may pass what every reader of JSON keeps exact: it is
// written as text.
type whole int64

// MarshalText implements [encoding.TextMarshaler].
func (w whole) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(w), 10), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (w *whole) UnmarshalText(b []byte) error {
	n, err := strconv.ParseInt(string(b), 10, 64)
	*w = whole(n)
	return err
}

// begin returns the books as they are at the agreement's start.
func (a *Agreement) begin(loc *time.Location) books {
	at := a.Start.In(loc)
	b := books{until: at, first: (at.UnixNano() + int64(a.Interval) - 1) / int64(a.Interval), Booked: newSums(a), Used: map[ledger.Kind]Used{}}
	b.standing = standing{
		Items: make([]itemState, len(a.items())), Got: newSums(a), Wait: make([]int64, len(a.Meters.Income)), Owed: make([]whole, len(a.Parties)),
		month: monthOf(a.Start), parties: make([]partyState, len(a.Parties)),
	}
	b.Tills = make([]brought, len(a.Meters.Income))
	return b
}

// clone returns a standing that changes on its own.
func (s standing) clone() standing {
	s.Items, s.Owed, s.Wait, s.parties = slices.Clone(s.Items), slices.Clone(s.Owed), slices.Clone(s.Wait), slices.Clone(s.parties)
	s.Got = s.Got.clone()
	return s
}

package agreement

import (
	"strings"
	"time"

	"hearth/units"
)

// State is what became of a line.
type State string

// The states of a line.
const (
	Settled  State = "settled"  // all that was owed was paid
	Carried  State = "carried"  // the sats did not do, and the rest is owed on
	Lapsed   State = "lapsed"   // the sats did not do, and the rest is not owed
	Capped   State = "capped"   // a cap cut off the rest
	Waiting  State = "waiting"  // something is unknown
	Released State = "released" // something was unknown for longer than the agreement waits
	Claimed  State = "claimed"  // owed from party to party, and not paid in sats
)

// Line is what an item came to in one interval.
type Line struct {
	Item int // index into [Agreement.Items]
	// Millijoules is the energy that it is about, and Price what was paid for a
	// kilowatt-hour of it, in micros.
	Millijoules int64
	Source      units.Provenance // None where nothing was measured
	Price       int64
	Priced      bool // the price is known
	// Due came to be owed in this interval, Owed is what is owed after it, in
	// micros of the currency or in msat, as [Item.Sats] says.
	Due, Owed int64
	Paid      int64 // msat
	State     State
	// Why says what is unknown, or which bound cut in.
	Why string
}

// Interval is what the agreement came to in one interval. Its slices hold until
// the next.
type Interval struct {
	Index    int64
	From, To time.Time
	Season   bool // the terms of the season held, or there is none
	// Income is what came in for the interval, in msat; in modes that split work
	// what the work is expected to earn.
	Income int64
	// Plain says that nothing but shares is agreed in a mode that splits work: all
	// amounts of msat are of work instead.
	Plain bool
	// Short is how much of it makes good what was taken back.
	Short int64
	// Rate is the price of a bitcoin in micros, 0 if it is unknown.
	Rate  int64
	Lines []Line
	Paid  []int64 // msat by party: together with Held and Short the income
	Held  int64   // msat set aside
	Work  int64   // in 1/1024 of difficulty 1
	// Owed and Given are the work that is the party's and that it was credited
	// with, in modes that split work.
	Owed, Given []int64

	net sums
}

// Reason says in plain words how a line came about; empty where there is nothing
// to say.
func (a *Agreement) Reason(l Line) string {
	it := a.list[l.Item]
	var parts []string
	if it.Step != nil && it.Kind != Fee && l.Source != units.None {
		s := Energy(l.Millijoules)
		if l.Priced {
			s += " at " + Price(l.Price, a.Currency)
		}
		if it.Step.Part != million {
			s += ", " + Percent(it.Step.Part) + " of it"
		}
		parts = append(parts, s+" ("+l.Source.String()+")")
	}
	if l.Why != "" {
		parts = append(parts, l.Why)
	}
	switch l.State {
	case Carried:
		parts = append(parts, "the sats did not do: "+Amount{l.Owed, it.Sats()}.Text(a.Currency)+" is owed on")
	case Lapsed:
		parts = append(parts, "the sats did not do: the rest lapses")
	case Settled, Capped, Waiting, Released, Claimed:
	}
	return strings.Join(parts, "; ")
}

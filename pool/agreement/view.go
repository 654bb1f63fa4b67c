package agreement

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// View is a statement in words and figures, for a page or a sheet of paper.
type View struct {
	Title string
	// Warning is not empty if the statement is of what was simulated.
	Warning string
	// Test is not empty if the coins are those of a test network, which are worth
	// nothing: then no row tells what sats were worth.
	Test string
	// Summary says the most important things, one sentence each.
	Summary []string
	Rows    []Row
	// Outside are entries that are settled otherwise than in sats.
	Outside []Row
	Total   Row
	// Fiat says where the price of a bitcoin comes from.
	Fiat     string
	Open     []string
	Payouts  []Row
	Everyone []Row // what all parties got, by their ids
	// Clock says whose time the statement tells.
	Clock string
	// Check says how the statement can be checked.
	Check string
}

// Row is a line of a table. Cells that have nothing to say are empty.
type Row struct {
	What   string
	How    string // energy and price, or what went wrong
	Due    string
	Sats   string
	Worth  string
	Source string // provenance of what was measured, or the rail of a payout
}

// View puts the statement into words. The location is that of the agreement.
func (s Statement) View(loc *time.Location) View {
	v := View{Title: s.Title, Fiat: s.fiat(), Clock: "Times are those of " + loc.String() + "."}
	if s.Simulated {
		v.Warning = "This is a simulation. Nothing here happened, nothing is owed, and nothing can be paid out."
	}
	if s.Network != "" {
		v.Test = fmt.Sprintf("Coins of %s are worth nothing: every amount here is for trying things out.", s.Network)
	}
	v.Summary = s.summary()
	for _, e := range s.Entries {
		r := e.row(s.Currency)
		if s.Network != "" {
			r.Worth = ""
		}
		if e.Outside {
			v.Outside = append(v.Outside, r)
			continue
		}
		v.Rows = append(v.Rows, r)
	}
	if s.money() {
		v.Total = Row{What: "Together", Sats: Told(s.Millisats), Worth: s.worth()}
	}
	for _, o := range s.Open {
		v.Open = append(v.Open, o.sentence(loc))
	}
	for _, p := range s.Payouts {
		v.Payouts = append(v.Payouts, Row{What: p.At.In(loc).Format("2 January 2006, 15:04"), How: p.State, Sats: Told(p.Millisats), Source: p.Rail})
	}
	for _, p := range s.All.Parties {
		if !s.money() {
			break
		}
		v.Everyone = append(v.Everyone, Row{What: p.Party, Sats: Told(p.Millisats)})
	}
	v.Check = fmt.Sprintf("Worked out from records up to number %d of the ledger, under the agreement with the digest %s. "+
		"Whoever has the agreement, this statement and the exported ledger can work it out again.", s.Head.Seq, s.Digest.String()[:16])
	return v
}

// money reports whether the statement is about sats at all, rather than about
// shares of work alone.
func (s Statement) money() bool { return s.Mode.Custodial() || s.All.Income > 0 }

func (s Statement) summary() []string {
	var out []string
	if s.Mode.Custodial() {
		got := fmt.Sprintf("You got %s", Told(s.Millisats))
		if w := s.worth(); w != "" {
			got += ", worth " + w + " when it came in"
		}
		out = append(out, got+".")
	} else {
		out = append(out, fmt.Sprintf("Of work of difficulty %s, %s is yours and %s was credited to you.", difficulty(s.Work), difficulty(s.Owed), difficulty(s.Given)))
		if s.money() {
			out = append(out, "Sats are what the work is expected to earn: nobody holds them, each party is paid directly.")
		}
	}
	for _, e := range s.Entries {
		if e.Outside && e.Due > 0 {
			verb := "You are owed"
			if e.Pays {
				verb = "You owe"
			}
			out = append(out, fmt.Sprintf("%s %s, to be settled outside: %s.", verb, Money(e.Due, s.Currency), e.Text))
		}
	}
	if s.All.Held > 0 {
		out = append(out, fmt.Sprintf("%s are set aside for all parties together, because something is unknown.", Told(s.All.Held)))
	}
	if s.Paid > 0 {
		out = append(out, Told(s.Paid)+" were paid out to you in this time.")
	}
	return out
}

// difficulty prints work as shares of difficulty 1.
func difficulty(w whole) string {
	return strconv.FormatInt(int64(w)/1024, 10) + decimal(int64(w)%1024*1000/1024, 3, 0)[1:]
}

func (s Statement) worth() string {
	switch {
	case s.Currency == "" || s.Network != "" || s.Millisats == s.Unvalued && s.Millisats > 0:
		return ""
	case s.Unvalued > 0:
		return Money(s.Micros, s.Currency) + " for " + Told(s.Millisats-s.Unvalued) + " of it"
	}
	return Money(s.Micros, s.Currency)
}

func (s Statement) fiat() string {
	switch {
	case s.Currency == "":
		return "Nothing is agreed in a currency."
	case s.Network != "":
		return fmt.Sprintf("Coins of %s have no price. What is agreed in %s was turned into sats at the price of real ones.", s.Network, s.Currency)
	case s.Most == 0:
		return fmt.Sprintf("No price of a bitcoin in %s was known in this time.", s.Currency)
	}
	t := fmt.Sprintf("A bitcoin was worth %s according to %s.", Money(s.Least, s.Currency), s.PriceSource)
	if s.Least != s.Most {
		t = fmt.Sprintf("A bitcoin was worth %s to %s according to %s.", Money(s.Least, s.Currency), Money(s.Most, s.Currency), s.PriceSource)
	}
	if s.Unvalued > 0 {
		t += " For " + Told(s.Unvalued) + " no price was known."
	}
	return t
}

func (e Entry) row(currency string) Row {
	r := Row{What: e.Text, Source: e.Provenance}
	var how []string
	if e.Provenance != "" {
		s := Energy(e.Millijoules)
		switch {
		case !e.Priced:
		case e.Least != e.Most:
			s += " at " + Money(e.Least, currency) + " to " + Price(e.Most, currency)
		default:
			s += " at " + Price(e.Least, currency)
		}
		how = append(how, s)
	}
	for _, n := range []struct {
		intervals int64
		text      string
	}{
		{e.Waiting, "waiting for a reading or a price"},
		{e.Released, "settled without a reading or a price"},
		{e.Short, "with too few sats"},
		{e.Capped, "cut off by a cap"},
	} {
		if n.intervals > 0 {
			how = append(how, intervals(n.intervals)+" "+n.text)
		}
	}
	r.How = strings.Join(how, "; ")
	if e.unknown() {
		r.Due = unknown
		if e.Kind == Share {
			r.Due = ""
		}
		if !e.Outside {
			r.Sats = unknown
		}
		return r
	}
	if e.Kind != Share {
		r.Due = Money(e.Due, currency)
		if e.Sats {
			r.Due = Told(e.Due)
		}
	}
	if !e.Outside {
		sign := ""
		if e.Pays && e.Millisats > 0 {
			sign = "−"
		}
		r.Sats = sign + Told(e.Millisats)
		if currency != "" {
			r.Worth = sign + Money(e.Micros, currency)
		}
	}
	return r
}

// unknown stands where nothing can be told yet.
const unknown = "unknown"

// unknown reports whether all intervals of the entry wait for a reading or a
// price.
func (e Entry) unknown() bool {
	return e.Waiting > 0 && e.Due == 0 && e.Millisats == 0 && e.Settled+e.Short+e.Capped+e.Released == 0
}

func intervals(n int64) string {
	if n == 1 {
		return "1 interval"
	}
	return strconv.FormatInt(n, 10) + " intervals"
}

func (o Open) sentence(loc *time.Location) string {
	if o.Intervals == 0 {
		return capital(o.Text) + "."
	}
	held := ""
	if o.Held > 0 {
		held = fmt.Sprintf("; %s are set aside", Told(o.Held))
	}
	const form = "2 January 15:04"
	return fmt.Sprintf("%s: %s from %s to %s%s.", capital(o.Text), intervals(o.Intervals), o.From.In(loc).Format(form), o.To.In(loc).Format(form), held)
}

package agreement

import (
	"slices"
	"time"
)

// market reports whether something agreed in the currency is paid in sats.
func (a *Agreement) market() bool {
	for _, t := range a.all() {
		for _, s := range t.Steps {
			if !s.Outside && !s.Monthly.Sats {
				return true
			}
		}
	}
	return slices.ContainsFunc(slices.Concat(a.Caps, a.Floors), func(b Bound) bool { return !b.Amount.Sats })
}

// demands reports whether the agreement waits for readings or prices, and
// whether it has anything that sats may fail to cover.
func (a *Agreement) demands() (waits, paid bool) {
	waits = a.market()
	for _, t := range a.all() {
		for _, s := range t.Steps {
			waits = waits || s.Kind != Fee
			paid = paid || !s.Outside
		}
	}
	return waits, paid
}

// check finds what is wrong between the parts of a contract.
func (r *reader) check(a *Agreement, top node, f map[string]node) {
	mentioned := make([]bool, len(a.Parties))
	paid := make([]bool, len(a.Parties))
	for _, t := range a.all() {
		for _, s := range t.Steps {
			mentioned[s.To] = true
			paid[s.To] = paid[s.To] || !s.Outside
			if s.From != pot {
				mentioned[s.From] = true
			}
			r.checkMeters(a, s, f)
		}
		free := false
		for p, ppm := range t.Shares {
			if ppm > 0 {
				mentioned[p], paid[p] = true, true
				free = free || !slices.ContainsFunc(a.Caps, func(b Bound) bool { return b.Party == p })
			}
		}
		if !free {
			r.fail(f["monthly_caps"], "every party with a share has a cap: leave one without, who gets what the caps cut off")
		}
	}
	for _, b := range a.Floors {
		mentioned[b.Party], paid[b.Party] = true, true
		for _, c := range a.Caps {
			if b.Party == c.Party && b.Amount.Sats == c.Amount.Sats && b.Amount.Units > c.Amount.Units {
				r.fail(f["monthly_floors"], "%s gets at least %s and at most %s a month", a.Parties[c.Party].ID, b.Amount.Text(a.Currency), c.Amount.Text(a.Currency))
			}
		}
	}
	for p, party := range a.Parties {
		switch {
		case !mentioned[p]:
			r.fail(f["parties"], "%s has no part in anything: give it a share or a step, or leave it out", party.ID)
		case paid[p] && party.Way == "":
			r.fail(f["parties"], "%s gets sats, but nothing says where: add \"paid\"", party.ID)
		}
	}
	waits, covers := a.demands()
	switch {
	case a.Close < a.Release:
		r.fail(f["books_close"], "books are closed after %d days, but sats are set aside for %d: close them no sooner", days(a.Close), days(a.Release))
	case a.Close < lead:
		r.fail(f["books_close"], "books are closed after %d days: leave them open for %d at least, so that what comes late still counts", days(a.Close), days(lead))
	case a.market() && a.Market.Source == "":
		r.fail(top, "amounts in %s are paid in sats, and nothing says at what price: add \"bitcoin_price\", with source and max_age", a.Currency)
	case covers && f["arrears"].missing():
		r.fail(top, "nothing says what becomes of what cannot be paid: add \"arrears: carried\" or \"arrears: lapse\"")
	case waits && f["unknown"].missing():
		r.fail(top, "nothing says what happens while a reading or a price is unknown: add \"unknown: hold\" or \"unknown: release after 30 days\"")
	}
}

// checkMeters reports a step that nothing is measured for.
func (r *reader) checkMeters(a *Agreement, s Step, f map[string]node) {
	switch {
	case s.Kind == Electricity && len(a.Meters.Electricity) == 0:
		r.fail(f["meters"], "electricity is paid for, but no device is named whose electricity counts: add \"electricity\" to meters")
	case (s.Kind == Rebate || s.Kind == HeatPrice) && len(a.Meters.Heat) == 0:
		r.fail(f["meters"], "heat is paid for, but nothing is named whose heat counts: add \"heat\" to meters")
	}
}

func days(d time.Duration) int { return int(d / (24 * time.Hour)) }

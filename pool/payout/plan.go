package payout

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Plan decides whom to pay now: what it returns is to be begun, all of it, and
// not yet begun. For everybody else it says why not.
//
// Each party has one open intent at most. Whoever waited longest comes first
// where a limit is too small for all. Amounts are whole sats; what is left
// over stays owed.
func (b *Book) Plan(p Policy, dues []Due, now time.Time) ([]Intent, []Held) {
	var begin []Intent
	var held []Held
	b.forget(now)
	room := b.room(p.Limits)
	seen := make(map[string]bool)
	for _, d := range b.turns(dues) {
		h := b.parties[d.Party]
		if h == nil {
			h = &history{}
		}
		in := Intent{ID: b.id(d.Party, now), Party: d.Party, Rail: d.Rail, To: d.To}
		var until time.Time
		var why string
		switch terms, ok := p.Rails[d.Rail]; {
		case seen[d.Party]:
			why = "it is in the list twice"
		case d.Millisats <= 0:
			continue // nothing is owed, and nothing needs to be said
		case h.open != "":
			why = "an earlier payment is not over: " + b.open[h.open].saying()
		case p.Stop:
			why = "payments are stopped"
		case d.To == "":
			why = "nobody said where to"
		case !ok:
			why = fmt.Sprintf("paying by %s is not switched on", d.Rail)
		default:
			why, until = h.early(d, terms, now)
			if why == "" {
				in.Millisats, in.MaxFee, why = b.amount(d, p, terms, room)
				until = b.freed(why, now)
			}
		}
		seen[d.Party] = true
		if why != "" {
			held = append(held, Held{d.Party, why, until})
			continue
		}
		cost := in.Millisats + in.MaxFee
		room.Day -= cost
		room.Total -= cost
		begin = append(begin, in)
	}
	return begin, held
}

func (p *payment) saying() string {
	s := string(p.State)
	if p.Why != "" {
		s += ", " + p.Why
	}
	return s
}

// turns puts the dues in the order in which they are served.
func (b *Book) turns(dues []Due) []Due {
	last := func(d Due) time.Time {
		if h := b.parties[d.Party]; h != nil {
			return h.last
		}
		return time.Time{}
	}
	list := slices.Clone(dues)
	slices.SortStableFunc(list, func(x, y Due) int {
		return cmp.Or(last(x).Compare(last(y)), cmp.Compare(x.Party, y.Party))
	})
	return list
}

// How long a party waits after an intent failed: longer with each in a row.
const (
	firstPause = 5 * time.Minute
	maxPause   = 24 * time.Hour
)

func pause(n int) time.Duration {
	d := firstPause
	for ; n > 1 && d < maxPause; n-- {
		d *= 2
	}
	return min(d, maxPause)
}

// early says why it is too early to pay, and until when; nothing if it is not.
func (h *history) early(d Due, t Terms, now time.Time) (string, time.Time) {
	if h.fails > 0 {
		// A clock that was set back does not make anybody wait for years.
		if until := h.failed.Add(pause(h.fails)); now.Before(until) && !now.Before(h.failed) {
			return fmt.Sprintf("the last payment failed, %d in a row", h.fails), until
		}
	}
	if d.Exact > 0 {
		return "", time.Time{}
	}
	least := max(d.Threshold, t.Minimum, 1000)
	if d.Millisats >= least {
		return "", time.Time{}
	}
	why := fmt.Sprintf("%d of %d sats are owed", d.Millisats/1000, (least+999)/1000)
	if d.Monthly == 0 {
		return why, time.Time{}
	}
	since := h.last
	if d.Since.After(since) {
		since = d.Since
	}
	if day := monthly(d.Monthly, now); day.After(since) && d.Millisats >= max(t.Minimum, 1000) {
		return "", time.Time{}
	}
	return why, monthly(d.Monthly, now).AddDate(0, 1, 0)
}

// monthly is the last time that the day of the month began.
func monthly(day int, now time.Time) time.Time {
	day = min(max(day, 1), 28)
	t := time.Date(now.Year(), now.Month(), day, 0, 0, 0, 0, now.Location())
	if t.After(now) {
		t = time.Date(now.Year(), now.Month()-1, day, 0, 0, 0, 0, now.Location())
	}
	return t
}

// The reasons that time may lift.
const (
	whyDay   = "the limit for a day is reached"
	whyTotal = "the limit for all payments is reached"
)

// amount says how much to pay and what it may cost, or why nothing.
func (b *Book) amount(d Due, p Policy, t Terms, room Limits) (msat, fee int64, why string) {
	if d.Exact > 0 {
		if by, ok := b.used[place{rail: d.Rail, to: d.To}]; ok {
			return 0, 0, "this was paid before, as " + by
		}
	}
	most := d.Millisats
	if p.FeesFrom == "" {
		most = t.within(most)
	}
	limits := []struct {
		room int64
		why  string
	}{
		{most, "what is owed does not cover the fee"},
		{t.within(room.Intent), "it is above the limit for one payment"},
		{t.within(room.Day), whyDay},
		{t.within(room.Total), whyTotal},
	}
	if d.Exact > 0 {
		for i, l := range limits {
			if i == 0 && d.Exact > d.Millisats {
				return 0, 0, fmt.Sprintf("%d of %d sats are owed", d.Millisats/1000, (d.Exact+999)/1000)
			}
			if d.Exact > l.room {
				return 0, 0, l.why
			}
		}
		return d.Exact, t.fee(d.Exact), ""
	}
	// A limit may cut a payment, but not below what the party wants to be paid
	// from.
	least := max(t.Minimum, 1000, min(d.Threshold, most))
	msat = most
	for _, l := range limits {
		if l.room < least {
			return 0, 0, l.why
		}
		msat = min(msat, l.room)
	}
	msat -= msat % 1000
	return msat, t.fee(msat), ""
}

// room is what the limits leave.
func (b *Book) room(l Limits) Limits {
	for _, s := range b.begun {
		l.Day -= s.msat
	}
	l.Total -= b.out
	return l
}

// forget drops what no longer counts towards the limit of a day. What the clock
// says is to come still counts: it was set back.
func (b *Book) forget(now time.Time) {
	b.begun = slices.DeleteFunc(b.begun, func(s spending) bool { return !s.at.After(now.Add(-24 * time.Hour)) })
}

// freed is when the limit of a day leaves more than now, if that is what holds.
func (b *Book) freed(why string, now time.Time) time.Time {
	if why != whyDay {
		return time.Time{}
	}
	first := now.Add(24 * time.Hour) // what is begun right now
	for _, s := range b.begun {
		if until := s.at.Add(24 * time.Hour); until.After(now) && until.Before(first) {
			first = until
		}
	}
	return first
}

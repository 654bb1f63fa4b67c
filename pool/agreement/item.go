package agreement

import (
	"fmt"
	"slices"
)

// Item is what a line is for: a step, a floor, or a share.
type Item struct {
	// Key tells it from the others, the same for ever: "step/1",
	// "outside/share/host".
	Key  string
	Kind Kind
	// From and To are indexes of parties, From -1 for what came in.
	From, To int
	Step     *Step // nil for floors and shares
	Part     int64 // of a share, in millionths
	Bound    *Bound
}

// Sats reports whether what it owes is counted in sats.
func (i Item) Sats() bool {
	switch {
	case i.Step != nil:
		return i.Step.Monthly.Sats
	case i.Bound != nil:
		return i.Bound.Amount.Sats
	}
	return true
}

// Items lists what lines can be for, in the order in which they are worked out:
// the steps of the season, then those of the rest of the year, the floors, the
// shares.
func (a *Agreement) Items() []Item { return slices.Clone(a.list) }

func (a *Agreement) items() []Item {
	var out []Item
	prefix := func(t int) string { return []string{"", "outside/"}[t] }
	for t, terms := range a.all() {
		for i := range terms.Steps {
			s := &terms.Steps[i]
			out = append(out, Item{Key: fmt.Sprintf("%sstep/%d", prefix(t), i+1), Kind: s.Kind, From: s.From, To: s.To, Step: s})
		}
	}
	for i := range a.Floors {
		b := &a.Floors[i]
		out = append(out, Item{Key: "floor/" + a.Parties[b.Party].ID, Kind: Floor, From: pot, To: b.Party, Bound: b})
	}
	for t, terms := range a.all() {
		for p, ppm := range terms.Shares {
			if ppm > 0 {
				out = append(out, Item{Key: prefix(t) + "share/" + a.Parties[p].ID, Kind: Share, From: pot, To: p, Part: ppm})
			}
		}
	}
	return out
}

// layout says where the items of terms begin.
type layout struct{ steps, floors, shares int }

func (a *Agreement) layout(t *Terms) layout {
	var l layout
	for _, u := range a.all() {
		l.floors += len(u.Steps)
	}
	l.shares = l.floors + len(a.Floors)
	if t == &a.Terms {
		return l
	}
	l.steps = len(a.Terms.Steps)
	for _, ppm := range a.Terms.Shares {
		if ppm > 0 {
			l.shares++
		}
	}
	return l
}

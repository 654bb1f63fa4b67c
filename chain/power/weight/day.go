package weight

import (
	"cmp"
	"slices"
)

// Day is what is known when a day ends.
type Day struct {
	Height     int64
	Last       Set // who votes now
	Candidates []Candidate
	// Yesterday and Today are what was credited to all miners in the day before
	// and in this one.
	Yesterday, Today uint64
}

// Reason says what became of a day's set.
type Reason uint8

// Reasons.
const (
	Moved     Reason = iota // towards what work asks for
	NoWork                  // kept: nothing was credited, or nothing has matured
	Collapsed               // kept: much less was credited than the day before
	Nobody                  // kept: no candidate
)

func (r Reason) String() string {
	switch r {
	case Moved:
		return "moved towards work"
	case NoWork:
		return "kept: no work that counts"
	case Collapsed:
		return "kept: work collapsed"
	default:
		return "kept: no candidate"
	}
}

// Next returns the set of the next day, which is empty only if there was none
// and nobody to take a seat. Where the set is kept, its members keep their
// powers, save for those who are no candidates any more, and those taken out for
// a fault may come back to theirs, within the churn of a day: a network without
// work loses nobody for good, and keeps nobody without a bond.
func (r Rules) Next(d Day) (Set, Reason) {
	if len(d.Candidates) == 0 {
		return slices.Clone(d.Last), Nobody
	}
	var counted uint64
	for _, c := range d.Candidates {
		counted += min(c.Work, MostWork)
	}
	reason := Moved
	switch {
	case d.Today == 0 || counted == 0:
		reason = NoWork
	case d.Today < d.Yesterday-share(d.Yesterday, r.Collapse):
		reason = Collapsed
	}
	if reason == Moved || len(d.Last) == 0 {
		return r.Step(d.Last, r.Target(d.Candidates, d.Height)), reason
	}
	return r.Step(d.Last, r.keep(d)), reason
}

// keep returns the last set without those who leave and with those who may
// return.
func (r Rules) keep(d Day) Set {
	kept := slices.DeleteFunc(slices.Clone(d.Last), func(v Share) bool {
		return !slices.ContainsFunc(d.Candidates, func(c Candidate) bool { return c.Operator == v.Operator })
	})
	if len(kept) == 0 {
		kept = slices.Clone(d.Last)
	}
	room := Total - kept.Sum()
	back := slices.Clone(d.Candidates)
	slices.SortFunc(back, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(b.Lost, a.Lost), cmp.Compare(a.Operator, b.Operator))
	})
	for _, c := range back {
		power := min(c.Lost, room)
		if power <= 0 || len(kept) >= int(r.MaxSeats) {
			break
		}
		i, found := slices.BinarySearchFunc(kept, c.Operator, byName)
		if found {
			// It is on its way back already.
			if more := min(c.Lost-kept[i].Power, room); more > 0 {
				kept[i].Power += more
				room -= more
			}
			continue
		}
		kept = slices.Insert(kept, i, Share{c.Operator, power})
		room -= power
	}
	return kept
}

package weight

// Smooth returns a miner's average after a day of so much credited work:
// yesterday's average moved towards the day by one part in SmoothingDays. It
// rounds down, so that who stops is forgotten in the end.
func (r Rules) Smooth(average, day uint64) uint64 {
	average, day = min(average, MostWork), min(day, MostWork)
	n := uint64(max(r.SmoothingDays, 1))
	return (average*(n-1) + day) / n
}

// Backing is what coins are worth as collateral: All work together earns Daily
// coins in a day.
type Backing struct {
	All   uint64 // average work of all miners
	Daily uint64 // coins
}

// Back returns how much of a miner's average work counts: BaseShare of it by
// itself and the rest in proportion to collateral, which is complete at
// BackingDays of what this work earns. So collateral is asked for in the
// network's own measure: a hundred times more work needs no more coins, and who
// keeps what they earn for some weeks has enough.
func (r Rules) Back(work, collateral uint64, b Backing) uint64 {
	work = min(work, MostWork)
	free := share(work, r.BaseShare)
	rest := work - free
	if b.All == 0 { // nothing to compare with
		return work
	}
	earned := mulDiv(b.Daily, uint64(r.BackingDays), 1)
	need := mulDiv(rest, earned, b.All)
	if earned > 0 && need < MostWork {
		need++ // rounded up, or many small miners would need nothing
	}
	if collateral >= need {
		return work
	}
	return free + mulDiv(rest, collateral, need)
}

// Held is what a miner's work counted as at the end of the last days, the
// newest last, at most MaturationDays of them.
type Held []uint64

// Add returns the history with one more day and what of it has matured: the
// least of today and of the MaturationDays days before. The history given is
// not changed.
func (r Rules) Add(h Held, today uint64) (after Held, matured uint64) {
	n := int(max(r.MaturationDays, 1))
	if len(h) > n {
		h = h[len(h)-n:]
	}
	if len(h) == n {
		matured = today
		for _, v := range h {
			matured = min(matured, v)
		}
		h = h[1:]
	}
	after = make(Held, 0, len(h)+1)
	return append(append(after, h...), today), matured
}

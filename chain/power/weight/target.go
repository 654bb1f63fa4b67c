package weight

import (
	"cmp"
	"slices"
)

// Candidate is who may have power: registered, bonded, and not jailed.
type Candidate struct {
	Operator string
	Work     uint64 // counted work of the miners that lend it theirs
	Guardian bool
	// Lost is the power that it had when it was last taken out for a fault; it
	// may return to as much while the set is kept.
	Lost int64
}

// Target returns the set that candidates have a right to. Names are unique. It
// is empty only if there is no candidate.
func (r Rules) Target(candidates []Candidate, height int64) Set {
	c, weights := r.seats(candidates)
	n := uint64(len(c))
	if n == 0 {
		return nil
	}
	limit := r.limit(n)
	// Guardians' part first: it is theirs whatever they work.
	base := make([]int64, n)
	guardians := int64(0)
	for _, v := range c {
		if v.Guardian {
			guardians++
		}
	}
	rest := Total
	if guardians > 0 {
		each := min(r.GuardianPower(height)/guardians, limit)
		for i, v := range c {
			if v.Guardian {
				base[i] = each
				rest -= each
			}
		}
	}
	powers := fill(base, weights, rest, limit)
	set := make(Set, 0, n)
	for i, v := range c {
		if powers[i] > 0 {
			set = append(set, Share{v.Operator, powers[i]})
		}
	}
	slices.SortFunc(set, func(a, b Share) int { return cmp.Compare(a.Operator, b.Operator) })
	return set
}

// limit is the most power of one of n validators. It cannot bind where n times
// the cap is not more than all there is, and then there is none.
func (r Rules) limit(n uint64) int64 {
	of := r.Cap
	if n < uint64(r.Few) {
		of = r.CapFew
	}
	if n*uint64(of) <= permille {
		return Total
	}
	return int64(share(uint64(Total), of))
}

// seats returns the candidates that get a seat, guardians first, then by work,
// then by name, and what each counts as: its work and its part of the floor.
func (r Rules) seats(candidates []Candidate) ([]Candidate, []uint64) {
	c := slices.Clone(candidates)
	slices.SortFunc(c, func(a, b Candidate) int {
		if a.Guardian != b.Guardian {
			if a.Guardian {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.Work, a.Work), cmp.Compare(a.Operator, b.Operator))
	})
	c = c[:min(len(c), int(r.MaxSeats))]
	var all uint64
	for _, v := range c {
		all += min(v.Work, MostWork)
	}
	weights := make([]uint64, len(c))
	for i, v := range c {
		weights[i] = min(v.Work, MostWork) + max(share(all, r.FloorShare)/uint64(len(c)), 1)
	}
	return c, weights
}

// fill shares out rest by weight on top of base, so that nobody has more than
// the limit: who would is given the limit, and what is over flows to the
// others, again by weight. Weights are above 0 and there is room for all of it.
func fill(base []int64, weights []uint64, rest, limit int64) []int64 {
	n := len(base)
	powers := slices.Clone(base)
	full := make([]bool, n)
	for {
		var sum uint64
		for i, w := range weights {
			if !full[i] {
				sum += w
			}
		}
		if sum == 0 {
			return powers
		}
		again := false
		part := make([]int64, n)
		left := rest
		for i, w := range weights {
			if full[i] {
				continue
			}
			part[i] = int64(mulDiv(uint64(rest), w, sum))
			left -= part[i]
			if base[i]+part[i] > limit {
				again = true
			}
		}
		if again {
			for i := range weights {
				if !full[i] && base[i]+part[i] > limit {
					full[i] = true
					powers[i] = limit
					rest -= limit - base[i]
				}
			}
			continue
		}
		// What rounding left over goes to the first that have room, one each.
		for i := range weights {
			if full[i] {
				continue
			}
			powers[i] = base[i] + part[i]
			if left > 0 && powers[i] < limit {
				powers[i]++
				left--
			}
		}
		return powers
	}
}

package weight

import (
	"cmp"
	"slices"
)

// Step moves a set towards its target by at most the churn of a day: at most
// that share of the set's power is lost and at most as much gained, so that who
// trusts the set of some days ago still knows more than two thirds of today's.
// What is too much waits for the next day.
//
// Those who leave go first, the weakest first, so that they do not linger with
// crumbs. Those who come wait while all seats are taken. An empty set takes its
// target as it is.
func (r Rules) Step(last, target Set) Set {
	if len(last) == 0 || len(target) == 0 {
		if len(target) == 0 {
			return slices.Clone(last)
		}
		return slices.Clone(target)
	}
	budget := max(int64(share(uint64(last.Sum()), r.Churn)), 1)

	// Down: leavers, then in proportion to what each has too much.
	after := slices.Clone(last)
	room := budget
	leaving := []int{}
	var over int64 // of those who stay
	for i, v := range last {
		switch want := target.Power(v.Operator); {
		case want == 0:
			leaving = append(leaving, i)
		case v.Power > want:
			over += v.Power - want
		}
	}
	slices.SortFunc(leaving, func(a, b int) int {
		return cmp.Or(cmp.Compare(last[a].Power, last[b].Power), cmp.Compare(a, b))
	})
	for _, i := range leaving {
		d := min(after[i].Power, room)
		after[i].Power -= d
		room -= d
	}
	if down := min(over, room); down > 0 {
		for i, v := range last {
			want := target.Power(v.Operator)
			if want == 0 || v.Power <= want {
				continue
			}
			d := int64(mulDiv(uint64(down), uint64(v.Power-want), uint64(over)))
			after[i].Power -= d
		}
	}
	after = slices.DeleteFunc(after, func(v Share) bool { return v.Power == 0 })

	// Up: what went free, and what was missing to a full set.
	room = min(Total-after.Sum(), budget)
	type gain struct {
		Share
		new bool
	}
	var gains []gain
	for _, v := range target {
		if d := v.Power - after.Power(v.Operator); d > 0 {
			gains = append(gains, gain{Share{v.Operator, d}, after.Power(v.Operator) == 0})
		}
	}
	// The largest come in first where seats are few.
	slices.SortFunc(gains, func(a, b gain) int {
		return cmp.Or(cmp.Compare(b.Power, a.Power), cmp.Compare(a.Operator, b.Operator))
	})
	seats := int(r.MaxSeats) - len(after)
	var want int64
	gains = slices.DeleteFunc(gains, func(g gain) bool {
		if g.new {
			if seats <= 0 {
				return true
			}
			seats--
		}
		want += g.Power
		return false
	})
	up := min(want, room)
	if up <= 0 {
		return after
	}
	left := up
	wanted := make([]int64, len(gains))
	for i := range gains {
		wanted[i] = gains[i].Power
		gains[i].Power = int64(mulDiv(uint64(up), uint64(wanted[i]), uint64(want)))
		left -= gains[i].Power
	}
	// What rounding left over, one each.
	for i := range gains {
		if left > 0 && gains[i].Power < wanted[i] {
			gains[i].Power++
			left--
		}
	}
	for _, g := range gains {
		if g.Power == 0 {
			continue
		}
		i, found := slices.BinarySearchFunc(after, g.Operator, byName)
		if found {
			after[i].Power += g.Power
			continue
		}
		after = slices.Insert(after, i, g.Share)
	}
	return after
}

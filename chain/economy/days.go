package economy

import (
	"fmt"

	"hearth/chain/emission/schedule"
	"hearth/chain/power/weight"
)

// Takeover is what becomes of an attacker that begins to do so much work, with
// rented machines and no coins but what it earns.
type Takeover struct {
	// Rented is its work, in permille of that of all others.
	Rented uint64
	// Guarded is whether it happens at the network's beginning, while guardians
	// have their part, or after their sunset.
	Guarded bool
	// Share is its part of power at the end of each day, in permille.
	Share []int64
	// Third, Half and TwoThirds are the first days with more than that, 0 if none.
	Third, Half, TwoThirds int
}

// honest validators, and those of an attacker: as many as the cap asks for.
const (
	honestValidators = 12
	ownValidators    = 5
	takeoverDays     = 60
)

// Takeover plays it for a number of days. What others do is fully backed.
func (s Suite) Takeover(rented uint64, guarded bool) Takeover {
	const others = 1_000_000_000 // mega a day
	t := Takeover{Rented: rented, Guarded: guarded}
	r := s.Rules
	curve, _ := schedule.NewCurve(schedule.HalfLife)
	pots := s.Shares.Split(0, curve.Epoch(0))
	daily := (pots.Work + pots.Commons + pots.Audits) * uint64(s.DayBlocks/s.EpochBlocks)
	height := r.GuardianSunset
	if guarded {
		height = 0
	}
	set := weight.Set{}
	var average uint64
	var held weight.Held
	var vesting []uint64
	all := uint64(others)
	for day := 1; day <= takeoverDays; day++ {
		work := others * rented / 1000
		average = r.Smooth(average, work)
		var collateral uint64
		for _, v := range vesting {
			collateral += v
		}
		var mature uint64
		held, mature = r.Add(held, r.Back(average, collateral, weight.Backing{All: all, Daily: daily}))
		all = others + average
		// Four fifths of what it earned in the last thirty days.
		vesting = append(vesting, daily*4/5/(others+work)*work)
		if len(vesting) > 30 {
			vesting = vesting[1:]
		}
		d := weight.Day{Height: height, Last: set, Yesterday: others, Today: others + work}
		for i := range honestValidators {
			d.Candidates = append(d.Candidates, weight.Candidate{Operator: fmt.Sprintf("a%02d", i), Work: others / honestValidators, Guardian: i < 4})
		}
		if day > 1 { // the others were there before
			for i := range ownValidators {
				d.Candidates = append(d.Candidates, weight.Candidate{Operator: fmt.Sprintf("z%02d", i), Work: mature / ownValidators})
			}
		}
		set, _ = r.Next(d)
		t.note(day, set)
	}
	return t
}

func (t *Takeover) note(day int, set weight.Set) {
	var own int64
	for _, v := range set {
		if v.Operator[0] == 'z' {
			own += v.Power
		}
	}
	share := own * 1000 / set.Sum()
	t.Share = append(t.Share, share)
	for _, mark := range []struct {
		over bool
		day  *int
	}{{3*own > set.Sum(), &t.Third}, {2*own > set.Sum(), &t.Half}, {3*own > 2*set.Sum(), &t.TwoThirds}} {
		if mark.over && *mark.day == 0 {
			*mark.day = day
		}
	}
}

// Churn is what becomes of a set when all work goes over to others at once.
type Churn struct {
	Permille uint32 // that may change in a day
	// Days until the set is what work asks for, and the most that moved in one.
	Days int
	Most int64 // permille
	// Jump is over how many days a light client that knows an old set still
	// finds more than a third of its power among the new, and Quorum over how
	// many more than two thirds.
	Jump, Quorum int
}

// Churn plays it: twenty validators have all work, and lose it to twenty others.
func (s Suite) Churn(permille uint32) Churn {
	r := s.Rules
	r.Churn, r.FloorShare = permille, 0
	candidates := func(from int) (c []weight.Candidate) {
		for i := range 20 {
			c = append(c, weight.Candidate{Operator: fmt.Sprintf("%02d", from+i), Work: 1_000_000})
		}
		return c
	}
	first := r.Target(candidates(0), r.GuardianSunset)
	target := r.Target(candidates(20), r.GuardianSunset)
	c := Churn{Permille: permille}
	for set := first; weight.Churn(set, target) > 0; c.Days++ {
		next := r.Step(set, target)
		c.Most = max(c.Most, weight.Churn(set, next)*1000/weight.Total)
		set = next
		var known int64
		for _, v := range set {
			known += min(v.Power, first.Power(v.Operator))
		}
		if 3*known > weight.Total {
			c.Jump = c.Days + 1
		}
		if 3*known > 2*weight.Total {
			c.Quorum = c.Days + 1
		}
	}
	return c
}

package lighttest_test

import (
	"errors"
	"testing"
	"time"

	"hearth/chain/light"
)

// A network of 64 validators that changes as much as its rules allow: every day
// a tenth of the power goes to new validators. Half a year later nobody is left
// of the first day, and the client has followed, day by day or after absences.
func TestFollowsANetworkThatChangesAllTheTime(t *testing.T) {
	const (
		daily    = 43_200 // blocks of 2 s
		days     = 180
		size     = 64
		oldShare = 10 // one validator in ten
	)
	// Validator i of a day's set is replaced so that in ten days all have gone.
	on := func(day int) set {
		power := map[int]int64{}
		for i := range size {
			generation := (day + i%oldShare) / oldShare
			power[i+size*generation] = 100
		}
		return members(power)
	}
	sets := map[int]set{}
	day := func(d int) set {
		s, ok := sets[d]
		if !ok {
			s = on(d)
			sets[d] = s
		}
		return s
	}
	at := func(height int64) light.Block {
		return ours(plan{height: height, vals: day(int(height / daily)), next: day(int((height + 1) / daily))}.make())
	}
	for name, absent := range map[string]int64{"every day": 1, "every week": 7, "every thirteen days": 13} {
		t.Run(name, func(t *testing.T) {
			trusted := at(1)
			asked, steps := 0, 0
			for target := absent * daily; target <= days*daily; target += absent * daily {
				now := genesis.Add(time.Duration(target) * 2 * time.Second)
				walk, n := cross(t, rules, trusted, target, now, at)
				trace := walk.Trace()
				trusted = trace[len(trace)-1]
				asked += n
				steps++
				if n > 40 {
					t.Errorf("%d blocks were asked for on the way to %d", n, target)
				}
			}
			t.Logf("%d times, %d blocks asked for", steps, asked)
		})
	}
	t.Run("after fifteen days", func(t *testing.T) {
		walk, err := rules.Walk(at(1), 15*daily)
		if err != nil {
			t.Fatal(err)
		}
		height, _ := walk.Next()
		if err := walk.Offer(at(height), genesis.Add(15*24*time.Hour)); !errors.Is(err, light.ErrExpired) {
			t.Errorf("error %v, want that trust has expired", err)
		}
	})
}

func TestEveryBlockIsTakenWhereNoneMayBeSkipped(t *testing.T) {
	r := rules
	r.Sequential = true
	vals := equals(0, 4)
	at := func(height int64) light.Block { return ours(plan{height: height, vals: vals}.make()) }
	walk, asked := cross(t, r, at(1), 30, genesis.Add(time.Hour), at)
	if asked != 29 || len(walk.Trace()) != 30 {
		t.Errorf("%d blocks asked for, %d verified, want 29 and, with the first, 30", asked, len(walk.Trace()))
	}
	if err := r.Verify(at(1), at(3), genesis.Add(time.Hour)); !errors.Is(err, light.ErrFar) {
		t.Errorf("a step over a block: %v", err)
	}
}

func TestAWalkTakesOnlyWhatItNeeds(t *testing.T) {
	vals := equals(0, 4)
	at := func(height int64) light.Block { return ours(plan{height: height, vals: vals}.make()) }
	if _, err := rules.Walk(at(5), 5); err == nil {
		t.Error("a walk to where it is")
	}
	walk, err := rules.Walk(at(1), 9)
	if err != nil {
		t.Fatal(err)
	}
	if err := walk.Offer(at(8), genesis.Add(time.Hour)); err == nil {
		t.Error("a block of another height was taken")
	}
	forged := at(9)
	forged.Header.AppHash = digest("mine")
	if err := walk.Offer(forged, genesis.Add(time.Hour)); err == nil {
		t.Error("a forged block was taken")
	}
}

// Validators who all change between two blocks leave no way around: the walk
// ends at a block in between that hands over, or with an error.
func TestAWalkFindsTheBlockThatHandsOver(t *testing.T) {
	const change = 37
	old, fresh := equals(0, 4), equals(10, 4)
	at := func(height int64) light.Block {
		p := plan{height: height, vals: old, next: old}
		if height >= change {
			p.vals = fresh
		}
		if height >= change-1 {
			p.next = fresh
		}
		return ours(p.make())
	}
	walk, _ := cross(t, rules, at(1), 100, genesis.Add(time.Hour), at)
	var heights []int64
	for _, b := range walk.Trace() {
		heights = append(heights, b.Header.Height)
	}
	for i, h := range heights {
		if h == change && heights[i-1] == change-1 {
			return
		}
	}
	t.Errorf("the walk went over %v, and not from %d to %d", heights, change-1, change)
}

package schedule_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"hearth/chain/emission/schedule"
)

func hourly(t interface{ Fatal(...any) }) schedule.Curve {
	c, err := schedule.NewCurve(schedule.HalfLife)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheCurveIsTheHalfLifes(t *testing.T) {
	// Powers of the exact value, taken with 400 bits: after the half-life half is
	// left.
	for _, h := range []uint64{1, 2, 3, 24, 365, 1000, 8766, schedule.HalfLife} {
		c, err := schedule.NewCurve(h)
		if err != nil {
			t.Fatal(err)
		}
		left := new(big.Float).SetPrec(400).SetMantExp(new(big.Float).SetUint64(uint64(c)), -64)
		left.Sub(big.NewFloat(1).SetPrec(400), left)
		after := big.NewFloat(1).SetPrec(400)
		for range h {
			after.Mul(after, left)
		}
		got, _ := after.Float64()
		if math.Abs(got-0.5) > float64(h)*1e-19+1e-16 {
			t.Errorf("after a half-life of %d epochs %v is left", h, got)
		}
		// One more would be too much: it is rounded down.
		next := new(big.Float).SetPrec(400).SetMantExp(new(big.Float).SetUint64(uint64(c)+1), -64)
		next.Sub(big.NewFloat(1).SetPrec(400), next)
		after.SetInt64(1)
		for range h {
			after.Mul(after, next)
		}
		if after.Cmp(big.NewFloat(0.5)) > 0 {
			t.Errorf("the part for %d epochs is not the largest", h)
		}
	}
	for _, h := range []uint64{0, schedule.MostHalfLife + 1} {
		if _, err := schedule.NewCurve(h); err == nil {
			t.Errorf("a half-life of %d epochs is taken", h)
		}
	}
}

func TestTheScheduleInNumbers(t *testing.T) {
	// These are constants of the network.
	c := hourly(t)
	if c != 364652699800105 {
		t.Errorf("the part of an epoch is %d of 2^64", c)
	}
	if got := c.Epoch(0); got != 415125111 {
		t.Errorf("the first epoch releases %d uhth", got)
	}
	var released uint64
	years := []uint64{}
	for e := range uint64(20 * 8766) {
		released += c.Epoch(released)
		if (e+1)%8766 == 0 {
			years = append(years, released/schedule.Coin)
		}
	}
	for year, want := range map[int]uint64{1: 3_341_175, 4: 10_500_000, 8: 15_750_000, 12: 18_375_000, 20: 20_343_750} {
		if got := years[year-1]; got+1 < want || got > want+1 {
			t.Errorf("after %d years %d coins are released, want %d", year, got, want)
		}
	}
}

func TestTheCapHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, err := schedule.NewCurve(rapid.Uint64Range(1, 200_000).Draw(t, "half-life"))
		if err != nil {
			t.Fatal(err)
		}
		released := rapid.OneOf(rapid.Uint64Range(0, schedule.Cap), rapid.Uint64()).Draw(t, "released")
		if e := c.Epoch(released); e > 0 && (released >= schedule.Cap || e >= schedule.Cap-released) {
			t.Fatalf("%d are released after %d", e, released)
		}
		if released < schedule.Cap {
			n := rapid.Uint64Range(0, 1000).Draw(t, "epochs")
			if over := c.Over(released, n); over >= schedule.Cap-released {
				t.Fatalf("%d epochs release %d after %d", n, over, released)
			}
		}
	})
}

func TestLessIsReleasedFromEpochToEpoch(t *testing.T) {
	c := hourly(t)
	var released uint64
	last := uint64(math.MaxUint64)
	for range 100_000 {
		e := c.Epoch(released)
		if e > last {
			t.Fatalf("%d after %d", e, last)
		}
		released += e
		last = e
	}
}

func TestPotsAreNotMoreThanTheEpoch(t *testing.T) {
	d := schedule.Default()
	if err := d.Check(); err != nil {
		t.Error(err)
	}
	if p := d.Split(0, 1_000_000); p != (schedule.Pots{Work: 650_000, Commons: 150_000, Audits: 80_000, Validators: 70_000, Community: 50_000}) {
		t.Errorf("pots %+v", p)
	}
	if p := d.Split(d.Sunset, 1_000_000); p.Community != 0 || p.Sum() != 950_000 {
		t.Errorf("after its sunset the community has %d, all have %d", p.Community, p.Sum())
	}
	if (schedule.Shares{Work: 1000, Audits: 1}).Check() == nil {
		t.Error("more than a whole is shared out")
	}
	rapid.Check(t, func(t *rapid.T) {
		s := schedule.Default()
		s.Work = uint32(rapid.IntRange(0, 650).Draw(t, "work"))
		coins := rapid.Uint64().Draw(t, "coins")
		if sum := s.Split(rapid.Uint64().Draw(t, "epoch"), coins).Sum(); sum > coins {
			t.Fatalf("pots of %d from %d", sum, coins)
		}
	})
}

func TestAPotPaysWhatWasDoneAndNeverMoreThanItself(t *testing.T) {
	for _, tt := range []struct{ pot, did, all, full, want uint64 }{
		{1000, 1, 4, 0, 250},
		{1000, 4, 4, 0, 1000},
		{1000, 0, 0, 0, 0},
		{1000, 4, 4, 16, 250},
		{1000, 16, 16, 16, 1000},
		{1000, 16, 32, 16, 500},
		{1000, 1, 3, 1, 333},
	} {
		if got := schedule.Pay(tt.pot, tt.did, tt.all, tt.full); got != tt.want {
			t.Errorf("%+v: paid %d", tt, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		pot := rapid.Uint64().Draw(t, "pot")
		did := rapid.SliceOfN(rapid.Uint64Range(0, 1<<56), 1, 100).Draw(t, "did")
		full := rapid.Uint64().Draw(t, "full")
		var all, paid uint64
		for _, d := range did {
			all += d
		}
		for _, d := range did {
			p := schedule.Pay(pot, d, all, full)
			if p > pot-paid {
				t.Fatalf("more than the pot of %d is paid", pot)
			}
			paid += p
		}
	})
}

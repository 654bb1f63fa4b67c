package market_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"hearth/chain/work/market"
)

func TestTheFeeFollowsWhatIsClaimed(t *testing.T) {
	f := market.Fee{Floor: 10, Target: 1000, Step: 125}
	for _, tt := range []struct{ fee, claimed, want uint64 }{
		{8000, 1000, 8000},           // at the target it stays
		{8000, 2000, 9000},           // an eighth more
		{8000, math.MaxUint64, 9000}, // and no more than that
		{8000, 0, 7000},
		{8000, 500, 7500},
		{8000, 1500, 8500},
		{8, 1500, 11}, // the floor comes first
		{10, 0, 10},
		{11, 999, 10}, // a step is at least one
		{10, 1001, 11},
		{0, 1000, 10},
		{math.MaxUint64, 2000, market.MostFee},
	} {
		if got := f.Next(tt.fee, tt.claimed); got != tt.want {
			t.Errorf("after %d claimed at %d the fee is %d, want %d", tt.claimed, tt.fee, got, tt.want)
		}
	}
}

func TestTheFeeIsBoundedInEveryBlock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := market.Fee{
			Floor:  rapid.Uint64Range(1, market.MostFee).Draw(t, "floor"),
			Target: rapid.Uint64Min(1).Draw(t, "target"),
			Step:   uint32(rapid.IntRange(1, 500).Draw(t, "step")),
		}
		if err := f.Check(); err != nil {
			t.Fatal(err)
		}
		fee := rapid.Uint64Range(f.Floor, market.MostFee).Draw(t, "fee")
		claimed := rapid.Uint64().Draw(t, "claimed")
		next := f.Next(fee, claimed)
		most := fee/1000*uint64(f.Step) + uint64(f.Step) + 1
		if next < f.Floor || next > market.MostFee || next > fee+most || fee > next+most {
			t.Fatalf("from %d to %d", fee, next)
		}
		if claimed > f.Target && next < fee || claimed < f.Target && next > fee {
			t.Fatalf("the fee goes from %d to %d with %d claimed of %d", fee, next, claimed, f.Target)
		}
		if f.Next(fee, claimed/2) > next {
			t.Fatal("half the claims cost more")
		}
	})
}

func TestWhatAClaimCosts(t *testing.T) {
	for _, tt := range []struct{ fee, macs, want uint64 }{
		{7, 1_000_000_000, 7},
		{7, 1_000_000_001, 8},
		{7, 1, 1},
		{7, 0, 0},
		{0, 1 << 38, 0},
		{market.MostFee, 1 << 38, 309485009821345069}, // the largest job at the highest fee
		{math.MaxUint64, math.MaxUint64, math.MaxUint64},
	} {
		if got := market.Cost(tt.fee, tt.macs); got != tt.want {
			t.Errorf("%d MACs at %d cost %d, want %d", tt.macs, tt.fee, got, tt.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		fee, macs := rapid.Uint64Range(0, market.MostFee).Draw(t, "fee"), rapid.Uint64Range(0, 1<<38).Draw(t, "macs")
		want := new(big.Int).Mul(new(big.Int).SetUint64(fee), new(big.Int).SetUint64(macs))
		want.Add(want, big.NewInt(999_999_999)).Div(want, big.NewInt(1_000_000_000))
		if got := market.Cost(fee, macs); !want.IsUint64() || got != want.Uint64() {
			t.Fatalf("%d, want %d", got, want)
		}
	})
}

func TestALevelIsTheLogarithm(t *testing.T) {
	for _, n := range []int{21, 22, 40, 62} {
		l := market.LevelOf(1 << n)
		if l != market.Level(n)<<32 || l.MACs() != 1<<n {
			t.Errorf("2^%d: level %x, back %d", n, uint64(l), l.MACs())
		}
	}
	// A constant of the network: 2^30.5.
	if got := market.Level(61 << 31).MACs(); got != 1_518_500_249 {
		t.Errorf("2^30.5 is %d", got)
	}
	if market.LevelOf(0) != 21<<32 || market.LevelOf(math.MaxUint64) != 62<<32 ||
		market.Level(0).MACs() != market.LeastMACs || market.Level(math.MaxUint64).MACs() != market.MostMACs {
		t.Error("levels leave their bounds")
	}
	rapid.Check(t, func(t *rapid.T) {
		macs := rapid.Uint64Range(market.LeastMACs, market.MostMACs).Draw(t, "macs")
		back := market.LevelOf(macs).MACs()
		if back > macs || macs-back > macs>>31+1 { // rounded down twice, by less than 2^-31
			t.Fatalf("%d comes back as %d", macs, back)
		}
		l := market.Level(rapid.Uint64Range(21<<32, 62<<32-1).Draw(t, "level"))
		if l.MACs() > (l + 1).MACs() {
			t.Fatalf("level %x is more than the next", uint64(l))
		}
		want := math.Exp2(float64(l) / (1 << 32))
		if got := float64(l.MACs()); math.Abs(got-want) > want*1e-9+1 {
			t.Fatalf("level %x is %v, want %v", uint64(l), got, want)
		}
	})
}

func TestDifficultyHalvesInItsHalfLifeWithoutTickets(t *testing.T) {
	d := market.Difficulty{Per100: 250, HalfLife: 1800, Easiest: 1 << 21}
	l := market.LevelOf(1 << 40)
	for range 1800 {
		l = d.Next(l, 0)
	}
	if got := l.MACs(); got < 1<<39 || got > 1<<39+1<<20 {
		t.Errorf("after a half-life without tickets %d MACs", got)
	}
	// And it ends at the easiest.
	for range 100_000 {
		l = d.Next(l, 0)
	}
	if l.MACs() != 1<<21 {
		t.Errorf("in the end %d MACs", l.MACs())
	}
}

func TestDifficultyHoldsTheRate(t *testing.T) {
	// Miners do as many MACs in a block as they do; tickets come in proportion.
	// They grow tenfold at once, and the rate comes back. No randomness: the part
	// of a ticket that is over waits.
	d := market.Difficulty{Per100: 200, HalfLife: 600, Easiest: 1 << 21}
	l := market.LevelOf(1 << 36)
	hash, over := uint64(2)<<36, uint64(0)
	rate := func(blocks int) float64 {
		n := 0
		for range blocks {
			over += hash
			got := over / l.MACs()
			over %= l.MACs()
			n += int(got)
			l = d.Next(l, uint32(got))
		}
		return float64(n) / float64(blocks)
	}
	if r := rate(5000); r < 1.98 || r > 2.02 {
		t.Errorf("%v tickets a block, want 2", r)
	}
	hash *= 10
	rate(6000)
	if r := rate(5000); r < 1.98 || r > 2.02 {
		t.Errorf("%v tickets a block with ten times the miners, want 2", r)
	}
	hash /= 100
	rate(12000)
	if r := rate(20000); r < 1.96 || r > 2.04 {
		t.Errorf("%v tickets a block after most miners left, want 2", r)
	}
}

func TestDifficultyDependsOnHowManyTicketsAndBlocksAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := market.Difficulty{
			Per100:   uint32(rapid.IntRange(1, 1000).Draw(t, "per 100")),
			HalfLife: int64(rapid.IntRange(50, 5000).Draw(t, "half-life")),
			Easiest:  1 << 21,
		}
		if err := d.Check(); err != nil {
			t.Fatal(err)
		}
		blocks := rapid.SliceOfN(rapid.Uint32Range(0, 3), 1, 50).Draw(t, "blocks")
		start := market.LevelOf(1 << 45)
		shuffled := rapid.Permutation(blocks).Draw(t, "order")
		a, b := start, start
		for i := range blocks {
			a, b = d.Next(a, blocks[i]), d.Next(b, shuffled[i])
		}
		lone := false // a step may have hit the bound of a doubling
		for _, n := range blocks {
			lone = lone || int64(n)*100 > int64(d.Per100)*d.HalfLife
		}
		if a != b && !lone {
			t.Fatalf("%x in one order, %x in another", uint64(a), uint64(b))
		}
	})
}

func TestDifficultyStaysWithinItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := market.Difficulty{
			Per100:   uint32(rapid.IntRange(1, 100_000).Draw(t, "per 100")),
			HalfLife: rapid.Int64Range(1, market.MostHalfLife).Draw(t, "half-life"),
			Easiest:  rapid.Uint64Range(market.LeastMACs, market.MostMACs).Draw(t, "easiest"),
		}
		l := market.Level(rapid.Uint64().Draw(t, "level"))
		for _, n := range rapid.SliceOfN(rapid.Uint32(), 1, 20).Draw(t, "tickets") {
			next := d.Next(l, n)
			if m := next.MACs(); m > market.MostMACs || next < market.LevelOf(d.Easiest) {
				t.Fatalf("level %x", uint64(next))
			}
			if l >= market.LevelOf(d.Easiest) && l <= 62<<32 {
				if int64(n)*100 >= int64(d.Per100) && next < l || int64(n)*100 <= int64(d.Per100) && next > l {
					t.Fatalf("%d tickets move the level from %x to %x", n, uint64(l), uint64(next))
				}
				if next > l+1<<32 {
					t.Fatalf("more than a doubling: from %x to %x", uint64(l), uint64(next))
				}
			}
			l = next
		}
	})
}

func TestTheRateOfAnOffer(t *testing.T) {
	for _, c := range []struct{ offer, macs, want uint64 }{
		{0, 5, 0},
		{700, 1_000_000_000, 700},
		{1, 1_000_000_001, 0}, // rounded down
		{3, 2_000_000_000, 1},
		{1 << 50, 1, math.MaxUint64}, // it does not fit
		{5, 0, 5_000_000_000},
	} {
		if got := market.Rate(c.offer, c.macs); got != c.want {
			t.Errorf("%d for %d MACs: %d for 10^9, want %d", c.offer, c.macs, got, c.want)
		}
	}
}

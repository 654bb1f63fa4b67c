package kernel

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// value is a scale as a number: exact, for a float has more bits than 32.
func (a Scale) value() *big.Float {
	return new(big.Float).SetMantExp(new(big.Float).SetUint64(uint64(a.M)), int(a.E))
}

func anyScale(t *rapid.T, name string) Scale {
	return NewScale(rapid.Uint64().Draw(t, name+" m"), rapid.IntRange(-300, 300).Draw(t, name+" e"))
}

// checkNear fails unless got is at most want and above (1-2^-30)·want.
func checkNear(t *rapid.T, what string, got, want *big.Float) {
	t.Helper()
	low := new(big.Float).Mul(want, big.NewFloat(1-math.Ldexp(1, -30)))
	if got.Cmp(want) > 0 || got.Cmp(low) < 0 {
		t.Fatalf("%s is %v, want %v or a little less", what, got, want)
	}
}

func TestScalesTruncateTo32Bits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyScale(t, "a"), anyScale(t, "b")
		for _, s := range []Scale{a, b, a.Mul(b), a.Div(b), a.Shift(7)} {
			if s.M>>31 == 0 && s != (Scale{}) {
				t.Fatalf("%v is not normalised", s)
			}
		}
		checkNear(t, "a·b", a.Mul(b).value(), new(big.Float).Mul(a.value(), b.value()))
		if b.M != 0 {
			checkNear(t, "a/b", a.Div(b).value(), new(big.Float).Quo(a.value(), b.value()))
		}
		checkNear(t, "a·2^7", a.Shift(7).value(), new(big.Float).Mul(a.value(), big.NewFloat(128)))
	})
}

func TestScalesAtTheirEnds(t *testing.T) {
	zero, one := Scale{}, NewScale(1, 0)
	most := Scale{M: 1<<32 - 1, E: maxExponent}
	for _, c := range []struct {
		what      string
		got, want Scale
	}{
		{"one", one, Scale{M: 1 << 31, E: -31}},
		{"all bits of 64", NewScale(1<<64-1, 0), Scale{M: 1<<32 - 1, E: 32}},
		{"zero times anything", zero.Mul(most), zero},
		{"zero by anything", zero.Div(one), zero},
		{"anything by zero", most.Div(zero), zero},
		{"zero shifted", zero.Shift(1 << 20), zero},
		{"too large", one.Shift(1 << 20), most},
		{"too small", one.Shift(-1 << 20), zero},
		{"a product too large", most.Mul(most), most},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
}

func TestFactorsAreScalesWithinReach(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := NewScale(rapid.Uint64().Draw(t, "m"), rapid.IntRange(-200, 60).Draw(t, "e"))
		m, shift := a.Factor()
		if m < 0 || shift < minShift || shift > maxShift {
			t.Fatalf("%v has the factor %d·2^-%d", a, m, shift)
		}
		got := new(big.Float).SetMantExp(big.NewFloat(float64(m)), -int(shift))
		unit := new(big.Float).SetMantExp(big.NewFloat(1), -maxShift)
		switch reach := big.NewFloat(1 << 26); {
		case a.value().Cmp(reach) >= 0:
			if m != 1<<31-1 || shift != minShift {
				t.Fatalf("%v is beyond reach, but its factor is %d·2^-%d", a, m, shift)
			}
		case a.value().Cmp(new(big.Float).Mul(unit, big.NewFloat(1<<30))) < 0:
			if d := new(big.Float).Sub(a.value(), got); d.Sign() < 0 || d.Cmp(unit) >= 0 {
				t.Fatalf("the small %v has the factor %d·2^-%d", a, m, shift)
			}
		default:
			checkNear(t, "the factor", got, a.value())
		}
	})
}

func TestRootsAreFloorsOfRoots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sum, eps := rapid.Uint64().Draw(t, "sum"), rapid.Uint64().Draw(t, "eps")
		n := rapid.IntRange(1, 1<<15).Draw(t, "n")
		r := Root(sum, n, eps)
		if r.M>>31 == 0 {
			t.Fatalf("the root %v is not normalised", r)
		}
		const most = 1<<63 - 1
		mean := max(min(sum/uint64(n), most)+min(eps, most), 1)
		// M² ≤ mean·2^-2E < (M+1)²
		v := new(big.Int).Lsh(new(big.Int).SetUint64(mean), uint(-2*r.E))
		low := new(big.Int).SetUint64(uint64(r.M))
		high := new(big.Int).SetUint64(uint64(r.M) + 1)
		if low.Mul(low, low).Cmp(v) > 0 || high.Mul(high, high).Cmp(v) <= 0 {
			t.Fatalf("the root of %d is not %v", mean, r)
		}
	})
}

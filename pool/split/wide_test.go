package split

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func (a wide) big() *big.Int {
	n := new(big.Int).Lsh(big.NewInt(a.hi), 64)
	return n.Add(n, new(big.Int).SetUint64(a.lo))
}

// TestWide holds the arithmetic of 128 bits against that of any size.
func TestWide(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		draw := func(name string) wide {
			return wide{rapid.Int64Range(-1<<31, 1<<31).Draw(r, name+" high"), rapid.Uint64().Draw(r, name+" low")}
		}
		a, b := draw("a"), draw("b")
		if got, want := a.plus(b).big(), new(big.Int).Add(a.big(), b.big()); got.Cmp(want) != 0 {
			r.Fatalf("sum %v, want %v", got, want)
		}
		if got, want := a.minus(b).big(), new(big.Int).Sub(a.big(), b.big()); got.Cmp(want) != 0 {
			r.Fatalf("difference %v, want %v", got, want)
		}
		if got, want := a.above(b), a.big().Cmp(b.big()) > 0; got != want {
			r.Fatalf("%v above %v: %t", a.big(), b.big(), got)
		}
		x, y := rapid.Uint64Range(0, 1<<63).Draw(r, "x"), rapid.Uint64Range(0, 1<<32).Draw(r, "y")
		if got, want := times(x, y).big(), new(big.Int).Mul(new(big.Int).SetUint64(x), new(big.Int).SetUint64(y)); got.Cmp(want) != 0 {
			r.Fatalf("product %v, want %v", got, want)
		}
		d := rapid.Uint64Range(1, 1<<32).Draw(r, "d")
		divisor := new(big.Int).SetUint64(d)
		want := new(big.Int).Quo(a.big(), divisor)
		switch got := a.over(d); {
		case want.IsInt64() && got != want.Int64() && want.Int64() != math.MinInt64:
			r.Fatalf("%v over %d is %d, want %v", a.big(), d, got, want)
		case !want.IsInt64() && got != math.MaxInt64 && got != -math.MaxInt64:
			r.Fatalf("%v over %d is %d", a.big(), d, got)
		}
		if a.hi < 0 {
			return
		}
		n := rapid.Uint64Range(0, d).Draw(r, "n")
		want.Mul(a.big(), new(big.Int).SetUint64(n)).Quo(want, divisor)
		if got := a.portion(n, d).big(); got.Cmp(want) != 0 {
			r.Fatalf("%v·%d/%d is %v, want %v", a.big(), n, d, got, want)
		}
	})
}

package split_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/pool/split"
)

func TestDivide(t *testing.T) {
	for _, c := range []struct {
		total   int64
		weights []uint64
		want    []int64
	}{
		{100, []uint64{70, 30}, []int64{70, 30}},
		{100, []uint64{1, 1, 1}, []int64{34, 33, 33}}, // equals: the earlier first
		{101, []uint64{1, 1, 1}, []int64{34, 34, 33}},
		{10, []uint64{15, 25, 60}, []int64{2, 2, 6}}, // 1.5 and 2.5: equals
		{10, []uint64{14, 26, 60}, []int64{1, 3, 6}}, // 1.4 and 2.6
		{1, []uint64{1, 2, 3}, []int64{0, 0, 1}},
		{0, []uint64{1, 2}, []int64{0, 0}},
		{7, []uint64{0, 1}, []int64{0, 7}},
		{-100, []uint64{1, 1, 1}, []int64{-34, -33, -33}},
		{math.MaxInt64, []uint64{1, 1}, []int64{1 << 62, 1<<62 - 1}},
		{math.MinInt64, []uint64{5}, []int64{math.MinInt64}},
		{312_500_000_000, []uint64{700_000, 250_000, 50_000}, []int64{218_750_000_000, 78_125_000_000, 15_625_000_000}},
		{math.MaxInt64, []uint64{math.MaxUint64 - 1, 1}, []int64{math.MaxInt64, 0}},
	} {
		got, err := split.Divide(c.total, c.weights)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%d by %v:\n%s", c.total, c.weights, diff)
		}
	}
	for _, weights := range [][]uint64{nil, {0, 0}, {math.MaxUint64, 1}} {
		if got, err := split.Divide(1, weights); err == nil {
			t.Errorf("divided by %v: %v", weights, got)
		}
	}
}

// TestDivideIsExact: the parts add up, each is its due rounded down or up, and
// no fraction that was rounded down is larger than one rounded up.
func TestDivideIsExact(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		total := rapid.Int64().Draw(r, "total")
		weights := rapid.SliceOfN(rapid.Uint64Range(0, 1<<57), 1, 100).Draw(r, "weights")
		weights[0]++
		parts, err := split.Divide(total, weights)
		if err != nil {
			r.Fatal(err)
		}
		sum, weight := new(big.Int), new(big.Int)
		for i, p := range parts {
			sum.Add(sum, big.NewInt(p))
			weight.Add(weight, new(big.Int).SetUint64(weights[i]))
		}
		if sum.Cmp(big.NewInt(total)) != 0 {
			r.Fatalf("parts add up to %v, not %d", sum, total)
		}
		amount := new(big.Int).Abs(big.NewInt(total))
		var down, up *big.Int // largest fraction rounded down, smallest rounded up
		for i, p := range parts {
			due := new(big.Int).Mul(amount, new(big.Int).SetUint64(weights[i]))
			q, rest := new(big.Int).QuoRem(due, weight, new(big.Int))
			got := new(big.Int).Abs(big.NewInt(p))
			switch got.Sub(got, q).Int64() {
			case 0:
				if down == nil || rest.Cmp(down) > 0 {
					down = rest
				}
			case 1:
				if up == nil || rest.Cmp(up) < 0 {
					up = rest
				}
			default:
				r.Fatalf("part %d is %d where %v and a fraction are due", i, p, q)
			}
		}
		if up != nil && (up.Sign() == 0 || down != nil && down.Cmp(up) > 0) {
			r.Fatalf("a fraction of %v was rounded up, one of %v down", up, down)
		}
	})
}

func FuzzDivide(f *testing.F) {
	f.Add(int64(100), uint64(1), uint64(1), uint64(1))
	f.Add(int64(math.MinInt64), uint64(math.MaxUint64), uint64(0), uint64(0))
	f.Fuzz(func(t *testing.T, total int64, a, b, c uint64) {
		parts, err := split.Divide(total, []uint64{a, b, c})
		if err != nil {
			return
		}
		if parts[0]+parts[1]+parts[2] != total { // wraps like the total does
			t.Errorf("%d by %d, %d, %d: %v", total, a, b, c, parts)
		}
	})
}

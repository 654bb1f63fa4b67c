package reward_test

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/pool/job"
	"hearth/pool/reward"
)

type (
	batches = []reward.Batch
	dues    = []reward.Due
)

func TestProportional(t *testing.T) {
	got, err := reward.Proportional(batches{{"b", 1}, {"a", 1}, {"c", 0}, {"b", 1}}, 100)
	if diff := cmp.Diff(dues{{"a", 33}, {"b", 67}}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, work := range []batches{nil, {{"a", 0}}, {{"a", math.MaxUint64}, {"a", 1}}, {{"a", math.MaxUint64}, {"b", 1}}} {
		if got, err := reward.Proportional(work, 100); err == nil {
			t.Errorf("%v: %v", work, got)
		}
	}
}

// TestWindowByHand: the window is counted in work and cut exactly.
func TestWindowByHand(t *testing.T) {
	w := reward.NewWindow(100)
	for _, b := range (batches{{"a", 30}, {"a", 5}, {"b", 40}, {"c", 10}, {"a", 20}, {"", 0}}) {
		w.Add(b)
	}
	for _, c := range []struct {
		last job.Work
		want batches
	}{
		{0, nil},
		{5, batches{{"a", 5}}},
		{20, batches{{"a", 20}}},
		{35, batches{{"b", 5}, {"c", 10}, {"a", 20}}},
		{70, batches{{"b", 40}, {"c", 10}, {"a", 20}}},
		{71, batches{{"a", 1}, {"b", 40}, {"c", 10}, {"a", 20}}},
		{1000, batches{{"a", 35}, {"b", 40}, {"c", 10}, {"a", 20}}},
	} {
		if diff := cmp.Diff(c.want, w.Last(c.last)); diff != "" {
			t.Errorf("last %d:\n%s", c.last, diff)
		}
	}
	w.Keep(60) // a's first batch is not needed for that any more
	if diff := cmp.Diff(batches{{"b", 40}, {"c", 10}, {"a", 20}}, w.Last(1000)); diff != "" || w.Total() != 70 {
		t.Errorf("%d kept:\n%s", w.Total(), diff)
	}
}

// TestSummer is why the window is not counted in days: who heated last winter
// finds its work in autumn where it was left.
func TestSummer(t *testing.T) {
	network := job.Difficulty(1000)
	span, err := reward.Span(reward.TIDES, network)
	if err != nil || span != 8*1000*1024 {
		t.Fatal(span, err)
	}
	w := reward.NewWindow(2 * span)
	w.Add(reward.Batch{Miner: "winter", Work: span})
	w.Add(reward.Batch{Miner: "pool pump", Work: span / 4}) // all that was done in summer
	got, err := reward.Proportional(w.Last(span), 1000)
	if diff := cmp.Diff(dues{{"pool pump", 250}, {"winter", 750}}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, bad := range []job.Difficulty{0, -1, job.Difficulty(math.NaN()), job.Difficulty(math.Inf(1))} {
		if span, err := reward.Span(8, bad); err == nil {
			t.Errorf("a window at difficulty %v: %d", bad, span)
		}
	}
}

var work = rapid.SliceOfN(rapid.Custom(func(r *rapid.T) reward.Batch {
	return reward.Batch{Miner: rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(r, "miner"), Work: job.Work(rapid.Uint64Range(0, 50).Draw(r, "work"))}
}), 0, 60)

// unroll writes work out unit by unit.
func unroll(list batches) []string {
	var out []string
	for _, b := range list {
		for range b.Work {
			out = append(out, b.Miner)
		}
	}
	return out
}

// TestWindow holds the window against one that is written out unit by unit.
func TestWindow(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		all := work.Draw(r, "work")
		keep := job.Work(rapid.Uint64Range(0, 1500).Draw(r, "keep"))
		w := reward.NewWindow(keep)
		for _, b := range all {
			w.Add(b)
		}
		units := unroll(all)
		last := rapid.Uint64Range(0, uint64(keep)).Draw(r, "last")
		want := units[max(0, len(units)-int(last)):]
		if got := unroll(w.Last(job.Work(last))); !slices.Equal(want, got) {
			r.Fatalf("the last %d are %v, want %v", last, got, want)
		}
		if len(want) == 0 {
			return
		}
		money := rapid.Int64Range(0, 1e12).Draw(r, "reward")
		got, err := reward.Proportional(w.Last(job.Work(last)), money)
		if err != nil {
			r.Fatal(err)
		}
		var sum int64
		for _, d := range got {
			n := 0
			for _, u := range want {
				if u == d.Miner {
					n++
				}
			}
			exact := float64(money) * float64(n) / float64(len(want))
			if math.Abs(float64(d.Millisats)-exact) > 1 {
				r.Fatalf("%s gets %d, due %v", d.Miner, d.Millisats, exact)
			}
			sum += d.Millisats
		}
		if sum != money {
			r.Fatalf("%d given out of %d", sum, money)
		}
	})
}

// TestWindowOfDecades: a window that takes very long to fill stays small, and
// is off by less than a thousandth where order is missed.
func TestWindowOfDecades(t *testing.T) {
	const n, each = 400_000, 1000
	w := reward.NewWindow(math.MaxInt64)
	for i := range n {
		w.Add(reward.Batch{Miner: string(rune('a' + i%10)), Work: each})
	}
	if w.Total() != n*each {
		t.Fatalf("%d of %d kept", w.Total(), n*each)
	}
	if got := len(w.Last(math.MaxInt64)); got > 200_000 {
		t.Errorf("%d batches are held for ten miners", got)
	}
	for _, part := range []job.Work{1, n * each / 7, n * each / 2, n*each - 1} {
		got, err := reward.Proportional(w.Last(part), 1_000_000)
		if err != nil {
			t.Fatal(err)
		}
		if part < 10*each {
			continue
		}
		for _, d := range got {
			if d.Millisats < 99_750 || d.Millisats > 100_250 {
				t.Errorf("of the last %d %s gets %d of 1,000,000, a tenth is due", part, d.Miner, d.Millisats)
			}
		}
	}
}

// TestPerShare: what is paid is what the work is worth, and stops with the
// budget.
func TestPerShare(t *testing.T) {
	list := batches{{"a", 10}, {"b", 5}, {"a", 10}}
	price := reward.Price{Millisats: 7, Work: 2} // 3.5 msat a unit
	for _, c := range []struct {
		budget int64
		dues   dues
		unpaid batches
	}{
		{1000, dues{{"a", 70}, {"b", 17}}, nil},
		{87, dues{{"a", 70}, {"b", 17}}, nil},
		{86, dues{{"a", 67}, {"b", 17}}, batches{{"a", 1}}},
		{34, dues{{"a", 31}}, batches{{"a", 1}, {"b", 5}, {"a", 10}}},
		{35, dues{{"a", 35}}, batches{{"b", 5}, {"a", 10}}},
		{2, nil, list},
		{0, nil, list},
	} {
		got, unpaid, err := reward.PerShare(list, price, c.budget)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.dues, got); diff != "" {
			t.Errorf("budget %d:\n%s", c.budget, diff)
		}
		if diff := cmp.Diff(c.unpaid, unpaid); diff != "" {
			t.Errorf("budget %d, unpaid:\n%s", c.budget, diff)
		}
	}
	for _, p := range []reward.Price{{0, 1}, {-1, 1}, {1, 0}} {
		if _, _, err := reward.PerShare(list, p, 10); err == nil {
			t.Errorf("%+v is a price", p)
		}
	}
	if _, _, err := reward.PerShare(list, price, -1); err == nil {
		t.Error("a budget below zero")
	}
}

// TestPerShareProperties: whatever the price, no budget is exceeded, nothing is
// left unpaid that it would have paid for, and no work is lost.
func TestPerShareProperties(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		list := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) reward.Batch {
			return reward.Batch{Miner: rapid.SampledFrom([]string{"a", "b"}).Draw(r, "miner"), Work: job.Work(rapid.Uint64Range(0, 1<<45).Draw(r, "work"))}
		}), 0, 20).Draw(r, "work")
		p := reward.Price{
			Millisats: rapid.Int64Range(1, 1<<40).Draw(r, "price"), Work: job.Work(rapid.Uint64Range(1, 1<<60).Draw(r, "for")),
		}
		budget := rapid.Int64Range(0, 1<<40).Draw(r, "budget")
		got, unpaid, err := reward.PerShare(list, p, budget)
		if err != nil {
			r.Fatal(err)
		}
		var given int64
		for _, d := range got {
			given += d.Millisats
		}
		var all, left uint64
		for _, b := range list {
			all += uint64(b.Work)
		}
		for _, b := range unpaid {
			left += uint64(b.Work)
		}
		value := func(w uint64) *big.Int {
			v := new(big.Int).Mul(new(big.Int).SetUint64(w), big.NewInt(p.Millisats))
			return v.Quo(v, new(big.Int).SetUint64(uint64(p.Work)))
		}
		if value(all-left).Cmp(big.NewInt(given)) != 0 || given > budget {
			r.Fatalf("%d given for %d of work, of %d", given, all-left, budget)
		}
		if left > 0 && value(all-left+1).Cmp(big.NewInt(budget)) <= 0 {
			r.Fatalf("%d of work was left unpaid with a budget of %d and %d given", left, budget, given)
		}
	})
}

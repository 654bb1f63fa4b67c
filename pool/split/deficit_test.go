package split_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/pool/job"
	"hearth/pool/split"
)

func parts(weights ...uint64) []split.Part {
	list := make([]split.Part, len(weights))
	for i, w := range weights {
		list[i] = split.Part{Name: string(rune('a' + i)), Weight: w}
	}
	return list
}

// books keep account of who was credited what, apart from the assigner.
type books struct {
	parts    []split.Part
	sum      uint64
	credited map[string]uint64
	total    uint64
	largest  uint64
}

func newBooks(parts []split.Part) *books {
	b := &books{parts: parts, credited: map[string]uint64{}}
	for _, p := range parts {
		b.sum += p.Weight
	}
	return b
}

func (b *books) add(name string, work job.Work) {
	b.credited[name] += uint64(work)
	b.total += uint64(work)
	b.largest = max(b.largest, uint64(work))
}

// errors returns the most that anybody has too much and too little, as a
// fraction of the largest share.
func (b *books) errors() (over, under float64) {
	for _, p := range b.parts {
		off := float64(b.credited[p.Name]) - float64(p.Weight)*float64(b.total)/float64(b.sum)
		off /= float64(b.largest)
		over, under = max(over, off), max(under, -off)
	}
	return over, under
}

func deficit(t testing.TB, weights ...uint64) *split.Deficit {
	t.Helper()
	d, err := split.NewDeficit(parts(weights...))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDeficitOrder: who gets which share, by hand.
func TestDeficitOrder(t *testing.T) {
	for _, c := range []struct {
		weights []uint64
		works   []job.Work
		want    string
	}{
		{[]uint64{1, 1}, []job.Work{1, 1, 1, 1}, "abab"}, // equals: the earlier
		{[]uint64{3, 1}, []job.Work{1, 1, 1, 1, 1, 1, 1, 1}, "aabaaaba"},
		{[]uint64{1, 1}, []job.Work{4, 1, 1, 1, 1, 1}, "abbbba"},
		{[]uint64{1, 0}, []job.Work{1, 1, 1}, "aaa"},
		{[]uint64{0, 1}, []job.Work{1, 1, 1}, "bbb"},
		{[]uint64{6, 3, 1}, []job.Work{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, "abaabacaba"},
	} {
		d := deficit(t, c.weights...)
		got := ""
		for _, w := range c.works {
			got += d.Assign(w)
		}
		if got != c.want {
			t.Errorf("%v: %s, want %s", c.weights, got, c.want)
		}
	}
}

// bounds are the proven ones for n parties, of the largest share.
func bounds(n int) (over, under float64) {
	for k := 2; k <= n; k++ {
		under += 1 / float64(k)
	}
	const rounding = 1e-9 // of the test's own arithmetic
	return float64(n-1)/float64(n) + rounding, under + rounding
}

// TestDeficitBound: whatever the weights, the shares and the restarts, nobody
// is further off than was proven.
func TestDeficitBound(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		weights := rapid.SliceOfN(rapid.Uint64Range(0, 1_000_000), 2, 5).Draw(r, "weights")
		weights[0]++
		p := parts(weights...)
		d, err := split.NewDeficit(p)
		if err != nil {
			r.Fatal(err)
		}
		b := newBooks(p)
		mostOver, mostUnder := bounds(len(p))
		for range rapid.IntRange(1, 400).Draw(r, "shares") {
			work := job.Work(rapid.Uint64Range(1, 1<<40).Draw(r, "work"))
			if rapid.IntRange(0, 15).Draw(r, "restart") == 0 {
				d = restart(r, d, p)
			}
			b.add(d.Assign(work), work)
			over, under := b.errors()
			if over > mostOver || under > mostUnder {
				r.Fatalf("%d parties: %v of a share too much, %v too little", len(p), over, under)
			}
		}
		for _, s := range d.Standings() {
			if uint64(s.Credited) != b.credited[s.Name] {
				r.Fatalf("%s was credited %d, the books say %d", s.Name, s.Credited, b.credited[s.Name])
			}
		}
	})
}

type failer interface{ Fatal(...any) }

func restart(t failer, d *split.Deficit, p []split.Part) *split.Deficit {
	kept, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	again, err := split.Resume(p, kept)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// heater is a miner that throttles, and a pool's vardiff that follows it.
type heater struct {
	rnd   *rand.Rand
	level float64 // of its full hash rate
	d     float64 // difficulty of its shares
	until float64 // second at which the level changes next
	now   float64
}

// full is the difficulty per second of 100 TH/s.
const full = 100e12 / (1 << 32)

// next returns the next share, about 6 a minute.
func (h *heater) next() job.Work {
	for {
		if h.now >= h.until {
			h.level = []float64{0.1, 0.25, 0.5, 0.75, 1}[h.rnd.IntN(5)]
			h.until = h.now + 60 + h.rnd.Float64()*7200
		}
		step := h.rnd.ExpFloat64() * h.d / (full * h.level)
		if h.now+step > h.until { // no share until then
			h.now = h.until
			continue
		}
		h.now += step
		work := job.Difficulty(h.d).Work()
		// The difficulty follows the level with a delay, by powers of two.
		if want := math.Exp2(math.Round(math.Log2(full * h.level * 10))); h.rnd.IntN(20) == 0 {
			h.d = want
		}
		return work
	}
}

const month = 30 * 86400

// TestDeficitMonth is a month of a throttling heater's shares, with vardiff
// and restarts. The error at its end is that of any other moment.
func TestDeficitMonth(t *testing.T) {
	for _, weights := range [][]uint64{
		{950_000, 50_000},
		{700_000, 300_000},
		{500_000, 500_000},
		{999_999, 1},
		{600_000, 350_000, 50_000},
		{333_333, 333_333, 333_334},
		{500_000, 300_000, 150_000, 50_000},
	} {
		t.Run(fmt.Sprint(weights), func(t *testing.T) {
			p := parts(weights...)
			d := deficit(t, weights...)
			b := newBooks(p)
			h := &heater{rnd: rand.New(rand.NewPCG(5, 6)), d: 1 << 17}
			var over, under float64
			shares := 0
			for ; h.now < month; shares++ {
				if h.rnd.IntN(2000) == 0 {
					d = restart(t, d, p)
				}
				work := h.next()
				b.add(d.Assign(work), work)
				o, u := b.errors()
				over, under = max(over, o), max(under, u)
			}
			mostOver, mostUnder := bounds(len(p))
			if over > mostOver || under > mostUnder {
				t.Errorf("off by up to %.3f and -%.3f of the largest share, bounds %.3f and %.3f", over, under, mostOver, mostUnder)
			}
			t.Logf("%d shares: at most %.3f of the largest share too much, %.3f too little", shares, over, under)
		})
	}
}

// TestDeficitMonthOfFailures is a month in which the pool refuses a share now
// and then, and fails for a while every day: what was under way is refused, some
// shares later, and until it is back nothing is assigned. Whenever it has worked
// for fifty shares the error is back within its bound.
func TestDeficitMonthOfFailures(t *testing.T) {
	p := parts(700_000, 300_000)
	d := deficit(t, 700_000, 300_000)
	accepted := newBooks(p)
	h := &heater{rnd: rand.New(rand.NewPCG(5, 7)), d: 1 << 17}
	type sent struct {
		to   string
		work job.Work
	}
	var underway []sent // at most five
	var worst float64
	quiet, refused, failures := 0, 0, 0
	for h.now < month {
		fails := h.rnd.IntN(8000) == 0
		work := h.next()
		underway = append(underway, sent{d.Assign(work), work})
		for len(underway) > 5 || fails && len(underway) > 0 {
			x := underway[0]
			underway = underway[1:]
			if fails || h.rnd.IntN(500) == 0 {
				d.Return(x.to, x.work)
				refused++
				quiet = 0
			} else {
				accepted.add(x.to, x.work)
			}
		}
		if fails {
			h.now += h.rnd.Float64() * 3600 // all that is mined now is not assigned
			failures++
			d = restart(t, d, p)
		}
		if quiet++; quiet < 50 {
			continue
		}
		all := *accepted // and what is under way, as the assigner has it
		all.credited = map[string]uint64{"a": accepted.credited["a"], "b": accepted.credited["b"]}
		for _, x := range underway {
			all.add(x.to, x.work)
		}
		over, under := all.errors()
		worst = max(worst, over, under)
	}
	if worst > 0.5+1e-9 || failures < 10 {
		t.Errorf("off by %.3f of the largest share, %d failures", worst, failures)
	}
	t.Logf("%d failures, %d shares refused: at most %.3f of the largest share off", failures, refused, worst)
}

// TestDeficitThree measures how far three parties are off with shares of one
// size, among whatever weights.
func TestDeficitThree(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var over, under, errors float64
	const trials = 300
	for range trials {
		p := parts(1+rnd.Uint64N(split.Million), 1+rnd.Uint64N(split.Million), 1+rnd.Uint64N(split.Million))
		d, err := split.NewDeficit(p)
		if err != nil {
			t.Fatal(err)
		}
		b := newBooks(p)
		var worst float64
		for range 1000 {
			b.add(d.Assign(1024), 1024)
			o, u := b.errors()
			over, under, worst = max(over, o), max(under, u), max(worst, o, u)
		}
		errors += worst
	}
	mostOver, mostUnder := bounds(3)
	if over > mostOver || under > mostUnder || errors/trials > 0.72 {
		t.Errorf("off by up to %.3f and -%.3f of a share, %.3f for ordinary weights", over, under, errors/trials)
	}
	t.Logf("at most %.3f of a share too much, %.3f too little; %.3f in the mean over weights", over, under, errors/trials)
}

// TestHashBandDrifts is the control: lots drawn by the bits of the hash are off
// by 4.7 % of a leg of 5 % in a day, and ever more shares in a month.
func TestHashBandDrifts(t *testing.T) {
	const perDay, leg = 6 * 60 * 24, 0.05
	rnd := rand.New(rand.NewPCG(3, 4))
	spread := func(days int) (relative, shares float64) {
		const trials = 400
		var squares float64
		for range trials {
			got := 0
			for range perDay * days / 10 {
				for range 10 {
					if rnd.Uint32() < math.MaxUint32/20 { // the leg's band of hashes
						got++
					}
				}
			}
			off := float64(got) - leg*perDay*float64(days)
			squares += off * off
		}
		sd := math.Sqrt(squares / trials)
		return sd / (leg * perDay * float64(days)), sd
	}
	day, dayShares := spread(1)
	if day < 0.040 || day > 0.054 {
		t.Errorf("a band of 5 %% is off by %.2f %% in a day, 4.7 %% expected", 100*day)
	}
	thirty, monthShares := spread(30)
	if thirty < 0.0075 || thirty > 0.0098 || monthShares < 4*dayShares {
		t.Errorf("a band of 5 %% is off by %.2f %% in a month (%.0f shares), 0.86 %% expected", 100*thirty, monthShares)
	}
	t.Logf("hash band: %.2f %% of the leg in a day (%.0f shares), %.2f %% in a month (%.0f shares); by deficit: half a share", 100*day, dayShares, 100*thirty, monthShares)
}

// TestDeficitRefused: what a pool refuses is made up by the next shares, even
// when it refuses everything of one party for a while.
func TestDeficitRefused(t *testing.T) {
	p := parts(700_000, 300_000)
	d := deficit(t, 700_000, 300_000)
	rnd := rand.New(rand.NewPCG(8, 8))
	accepted := newBooks(p)
	give := func(refuse func(string) bool) {
		name := d.Assign(1024)
		if refuse(name) {
			d.Return(name, 1024)
		} else {
			accepted.add(name, 1024)
		}
	}
	for range 10_000 {
		give(func(string) bool { return rnd.IntN(50) == 0 })
		if over, under := accepted.errors(); over > 0.5 || under > 0.5 {
			t.Fatalf("off by %.2f and -%.2f of a share", over, under)
		}
	}
	for range 100 {
		give(func(name string) bool { return name == "b" })
	}
	for range 200 {
		give(func(string) bool { return false })
	}
	if over, under := accepted.errors(); over > 0.5 || under > 0.5 {
		t.Errorf("still off by %.2f and -%.2f of a share", over, under)
	}
}

// TestDeficitChange: other weights begin another epoch, the same go on.
func TestDeficitChange(t *testing.T) {
	d := deficit(t, 3, 1)
	for range 10 {
		d.Assign(7)
	}
	kept, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	same, err := split.Resume(parts(3, 1), kept)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d.Standings(), same.Standings()); diff != "" || same.Epoch() != 1 {
		t.Errorf("epoch %d after a restart:\n%s", same.Epoch(), diff)
	}
	other, err := split.Resume(parts(1, 1), kept)
	if err != nil {
		t.Fatal(err)
	}
	if other.Epoch() != 2 || other.Standings()[0].Credited != 0 {
		t.Errorf("other weights go on in epoch %d: %+v", other.Epoch(), other.Standings())
	}
	if changed, err := d.Change(parts(3, 1)); changed || err != nil {
		t.Errorf("the same weights are a change: %t, %v", changed, err)
	}
	if changed, err := d.Change(parts(3, 1, 1)); !changed || err != nil || d.Epoch() != 2 {
		t.Errorf("another party is no change: %t, %v", changed, err)
	}
	if _, err := d.Change(nil); err == nil || d.Epoch() != 2 {
		t.Errorf("nobody left to share: %v", err)
	}
	// What was assigned since the state was kept comes back from a journal.
	d, again := deficit(t, 3, 1), deficit(t, 3, 1)
	for range 10 {
		again.Credit(d.Assign(7), 7)
	}
	again.Credit("nobody", 7)
	if diff := cmp.Diff(d.Standings(), again.Standings()); diff != "" {
		t.Error(diff)
	}
}

// TestPartsThatMakeNoSense cannot share.
func TestPartsThatMakeNoSense(t *testing.T) {
	for name, p := range map[string][]split.Part{
		"nobody":      nil,
		"no weight":   parts(0, 0),
		"too heavy":   parts(split.MaxWeight, 1),
		"heavier":     parts(math.MaxUint64, 1),
		"no name":     {{Name: "", Weight: 1}},
		"twice":       {{Name: "a", Weight: 1}, {Name: "a", Weight: 1}},
		"a multitude": make([]split.Part, split.MaxParts+1),
	} {
		if _, err := split.NewDeficit(p); err == nil {
			t.Errorf("%s can share", name)
		}
		if _, err := split.NewSlices(p, 1); err == nil {
			t.Errorf("%s can share slices", name)
		}
	}
}

// TestDeficitForEver: where 64 bits end the account is shortened, and goes on
// in the same epoch with the same bound.
func TestDeficitForEver(t *testing.T) {
	p := parts(999_983, 17)
	const had = 1<<62 - 1<<45
	kept := fmt.Sprintf(`{"epoch":1,"parts":[{"name":"a","weight":999983,"credited":"%d"},{"name":"b","weight":17,"credited":"%d"}]}`,
		uint64(had/1_000_000)*999_983, uint64(had/1_000_000)*17)
	d, err := split.Resume(p, []byte(kept))
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	b := newBooks(p) // of what comes on top of what was in proportion
	for range 10_000 {
		work := job.Work(1 + rnd.Uint64N(1<<40))
		b.add(d.Assign(work), work)
		if over, under := b.errors(); over > 0.5+1e-9 || under > 0.5+1e-9 {
			t.Fatalf("off by %v and -%v of a share", over, under)
		}
	}
	if got := d.Standings()[0].Credited; d.Epoch() != 1 || uint64(got) > 1<<55 {
		t.Errorf("epoch %d, %d credited: nothing was shortened", d.Epoch(), got)
	}
	// Where it cannot be shortened, another epoch begins.
	d = deficit(t, 1, 1)
	for range 5 {
		d.Credit("a", 1<<60)
	}
	if d.Epoch() != 2 {
		t.Errorf("epoch %d after more than there can be", d.Epoch())
	}
}

func FuzzState(f *testing.F) {
	d, err := split.NewSlices(parts(3, 1), 10)
	if err != nil {
		f.Fatal(err)
	}
	d.Credit("a", 100)
	d.Choose(1, func(name string) bool { return name == "a" })
	kept, err := json.Marshal(d)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(kept)
	f.Add([]byte(`{"epoch":1,"parts":[{"name":"a","weight":1,"credited":"4611686018427387904"},{"name":"b","weight":1,"credited":"1"}]}`))
	f.Add([]byte(`{"epoch":1,"parts":[{"name":"a","weight":1,"credited":"1","high":"-1","low":"5"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s split.Slices
		if s.UnmarshalJSON(b) != nil {
			return
		}
		again, err := json.Marshal(&s)
		if err != nil {
			t.Fatal(err)
		}
		var second split.Slices
		if err := second.UnmarshalJSON(again); err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if diff := cmp.Diff(s.Standings(), second.Standings()); diff != "" {
			t.Fatal(diff)
		}
		for range 20 {
			if name, ok := s.Choose(1<<40, func(string) bool { return true }); ok {
				s.Credit(name, 1<<60)
			}
		}
	})
}

func BenchmarkAssign(b *testing.B) {
	d := deficit(b, 700_000, 250_000, 50_000)
	for b.Loop() {
		d.Assign(1 << 20)
	}
}

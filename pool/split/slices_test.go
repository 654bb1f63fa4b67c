package split_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/pool/job"
	"hearth/pool/split"
)

func always(string) bool { return true }

// miner works for one destination at a time and finds shares of difficulty 1
// at random moments.
type miner struct {
	rnd     *rand.Rand
	perSec  float64 // shares
	next    float64 // second of the next share
	at      float64
	chooser *split.Slices
	books   *books
	worst   float64 // shares
	last    string
	slices  int
	changes int // of destination
}

func newMiner(t testing.TB, p []split.Part, perMinute float64, seed uint64) *miner {
	t.Helper()
	s, err := split.NewSlices(p, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	m := &miner{rnd: rand.New(rand.NewPCG(seed, 7)), perSec: perMinute / 60, chooser: s, books: newBooks(p)}
	m.next = m.rnd.ExpFloat64() / m.perSec
	return m
}

// slice works for one slice of so many seconds.
func (m *miner) slice(seconds float64, ahead job.Work, up func(string) bool) {
	name, ok := m.chooser.Choose(ahead, up)
	if m.slices++; ok && name != m.last {
		m.changes++
		m.last = name
	}
	for m.at += seconds; m.next < m.at; m.next += m.rnd.ExpFloat64() / m.perSec {
		if !ok {
			continue // nobody to work for
		}
		m.chooser.Credit(name, 1024)
		m.books.add(name, 1024)
		over, under := m.books.errors()
		m.worst = max(m.worst, over, under)
	}
}

// TestSlicesTable reproduces the table of the reference: 6 shares a minute, a
// leg of 5 %, a month, one second lost at each change of destination. Knowing
// what the next slice should bring, the chooser does better.
func TestSlicesTable(t *testing.T) {
	seeds := uint64(4)
	if testing.Short() {
		seeds = 2
	}
	p := parts(95, 5)
	for _, c := range []struct {
		seconds float64
		shares  float64 // the error that the reference measured
		loss    float64 // percent
	}{
		{10, 5.6, 0.62},
		{60, 13, 0.17},
		{300, 49, 0.03},
	} {
		t.Run(fmt.Sprint(c.seconds), func(t *testing.T) {
			run := func(ahead job.Work) (worst, mean, loss float64) {
				for seed := range seeds {
					m := newMiner(t, p, 6, seed)
					for m.at < month {
						m.slice(c.seconds, ahead, always)
					}
					worst = max(worst, m.worst)
					mean += m.worst / float64(seeds)
					loss += 100 * float64(m.changes) / m.at / float64(seeds)
				}
				return worst, mean, loss
			}
			worst, mean, loss := run(0)
			if mean < 0.75*c.shares || mean > 1.25*c.shares {
				t.Errorf("off by up to %.1f shares, the reference has %.1f", mean, c.shares)
			}
			if loss < 0.85*c.loss || loss > 1.2*c.loss {
				t.Errorf("%.3f %% lost, the reference has %.2f %%", loss, c.loss)
			}
			perSlice := c.seconds / 10
			ahead := job.Work(perSlice * 1024)
			better, betterMean, betterLoss := run(ahead)
			// One slice of work, and the luck in it five times over: a month
			// has up to 259,200 slices.
			if bound := perSlice + 5*math.Sqrt(perSlice) + 3; better > bound || worst > bound+perSlice {
				t.Errorf("off by up to %.1f shares, %.1f without looking ahead, bound %.1f", better, worst, bound)
			}
			t.Logf("off by up to %.1f shares in a month (worst of %d: %.1f), 1 s lost per change: %.3f %%; looking ahead %.1f (%.1f), %.3f %%",
				mean, seeds, worst, loss, betterMean, better, betterLoss)
		})
	}
}

// TestSlicesDown: a destination that is down misses its slices, gets what is
// remembered of them when it is back, and the rest is reported as forgiven.
func TestSlicesDown(t *testing.T) {
	const limit = 360 * 1024 // an hour
	for _, c := range []struct {
		weights  []uint64
		hours    float64
		forgiven float64 // shares, of the party that was down
	}{
		{[]uint64{95, 5}, 5, 0},  // missed 90 shares
		{[]uint64{5, 95}, 10, 0}, // 180 shares
		{[]uint64{70, 30}, 24, 0.3*8640 - 360},
		{[]uint64{50, 30, 20}, 24, 0.2*8640 - 360},
	} {
		t.Run(fmt.Sprint(c.weights), func(t *testing.T) {
			p := parts(c.weights...)
			m := newMiner(t, p, 6, 1)
			s, err := split.NewSlices(p, limit)
			if err != nil {
				t.Fatal(err)
			}
			m.chooser = s
			const seconds = 60
			ahead := job.Work(6 * 1024)
			down := p[len(p)-1].Name
			if c.weights[0] < c.weights[1] {
				down = "a"
			}
			work := func(hours float64, up func(string) bool) {
				for end := m.at + 3600*hours; m.at < end; {
					m.slice(seconds, ahead, up)
				}
			}
			work(24, always)
			work(c.hours, func(name string) bool { return name != down })
			standing := func() (owed, forgiven float64) {
				var owing, forgiving int64
				for _, s := range s.Standings() {
					owing += s.Owed
					forgiving += s.Forgiven
					if s.Name == down {
						owed, forgiven = float64(s.Owed)/1024, float64(s.Forgiven)/1024
					}
				}
				if max(owing, -owing) > 3 || max(forgiving, -forgiving) > 3 { // rounding
					t.Errorf("owed in all %d, forgiven in all %d", owing, forgiving)
				}
				return owed, forgiven
			}
			owed, forgiven := standing()
			if owed > 360+20 {
				t.Errorf("%.0f shares are owed, more than the limit", owed)
			}
			if want := max(0, c.forgiven); math.Abs(forgiven-want) > 0.05*want+30 {
				t.Errorf("%.0f shares were forgiven, want about %.0f", forgiven, want)
			}
			work(12, always)
			back, after := standing()
			if math.Abs(back) > 20 {
				t.Errorf("twelve hours later %.1f shares are still owed", back)
			}
			if after != forgiven {
				t.Errorf("%.1f shares were forgiven while it was up", after-forgiven)
			}
			t.Logf("%q down for %v h: owed %.0f shares at the end of it, %.0f forgiven, owed %.1f twelve hours later", down, c.hours, owed, forgiven, back)
		})
	}
}

// TestSlicesMonth is a month of a throttling heater with vardiff, restarts, and
// destinations that fail for up to an hour now and then. While one is down it is
// owed what it misses; by the end of the month, after a day without failures,
// the error is that of a slice and its luck.
func TestSlicesMonth(t *testing.T) {
	const seconds, limit = 60, 1 << 40
	p := parts(600_000, 350_000, 50_000)
	s, err := split.NewSlices(p, limit)
	if err != nil {
		t.Fatal(err)
	}
	h := &heater{rnd: rand.New(rand.NewPCG(8, 5)), d: 1 << 17}
	b := newBooks(p)
	work := h.next()
	back := map[string]float64{} // when a destination that is down is up again
	failures, restarts := 0, 0
	var slice, spread float64 // the work of a slice, and its luck
	for at := 0.0; at < month; at += seconds {
		if at < month-86400 && h.rnd.IntN(1000) == 0 {
			failures++
			back[p[h.rnd.IntN(len(p))].Name] = at + h.rnd.Float64()*3600
		}
		if h.rnd.IntN(500) == 0 {
			restarts++
			kept, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			if s, err = split.ResumeSlices(p, limit, kept); err != nil {
				t.Fatal(err)
			}
		}
		ahead := job.Work(full * h.level * seconds * 1024)
		name, ok := s.Choose(ahead, func(name string) bool { return at >= back[name] })
		for h.now < at+seconds {
			if ok {
				s.Credit(name, work)
				b.add(name, work)
			}
			work = h.next()
		}
	}
	// At most: full power, and six of the largest shares a slice, give or take.
	slice = full * seconds * 1024
	spread = 5 * float64(b.largest) * math.Sqrt(slice/float64(b.largest)+1)
	over, under := b.errors()
	if off := max(over, under) * float64(b.largest); off > slice+spread {
		t.Errorf("off by %.0f of work at the end, a slice is %.0f and its luck %.0f", off, slice, spread)
	}
	for _, x := range s.Standings() {
		if x.Forgiven != 0 {
			t.Errorf("%s was forgiven %d", x.Name, x.Forgiven)
		}
	}
	if failures < 20 || restarts < 50 {
		t.Errorf("%d failures, %d restarts", failures, restarts)
	}
	t.Logf("%d failures, %d restarts: off by %.2f slices at the end", failures, restarts, max(over, under)*float64(b.largest)/slice)
}

// TestSlicesNobody: with all destinations down there is none, and nothing is
// forgiven for it.
func TestSlicesNobody(t *testing.T) {
	s, err := split.NewSlices(parts(1, 1), 10)
	if err != nil {
		t.Fatal(err)
	}
	s.Credit("a", 1000)
	if name, ok := s.Choose(1, func(string) bool { return false }); ok {
		t.Errorf("chose %q", name)
	}
	if st := s.Standings(); st[1].Owed != 500 || st[1].Forgiven != 0 {
		t.Errorf("%+v", st)
	}
	if name, ok := s.Choose(1, always); !ok || name != "b" {
		t.Errorf("chose %q", name)
	}
}

// TestSlicesDry: a destination that credits nothing does not swallow all the
// work, and nobody else is let down for it.
func TestSlicesDry(t *testing.T) {
	s, err := split.NewSlices(parts(95, 5), 100*1024)
	if err != nil {
		t.Fatal(err)
	}
	wasted := 0
	const slices = 4000
	for range slices {
		name, ok := s.Choose(1024, always)
		switch {
		case !ok:
			t.Fatal("nobody to work for")
		case name == "a":
			wasted++
		default:
			s.Credit(name, 1024)
		}
	}
	if wasted > slices/20 {
		t.Errorf("%d of %d slices went to a destination that credits nothing", wasted, slices)
	}
	// When it credits again it is not passed over any more.
	order := ""
	for range 40 + 2*1024 {
		name, _ := s.Choose(1024, always)
		s.Credit(name, 1024)
		order += name
	}
	if tail := order[len(order)-40:]; strings.Count(tail, "a") < 36 {
		t.Errorf("it credits again, and the last slices went to %s", tail)
	}
	// Alone it is better than nobody.
	alone, err := split.NewSlices(parts(1), 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if _, ok := alone.Choose(1, always); !ok {
			t.Fatalf("slice %d: the only destination was passed over", i)
		}
	}
}

// TestSlicesRestart: a chooser that is restarted between slices chooses as one
// that is not, whatever was credited, returned and down.
func TestSlicesRestart(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		weights := rapid.SliceOfN(rapid.Uint64Range(1, 1000), 1, 5).Draw(r, "weights")
		p := parts(weights...)
		limit := job.Work(rapid.Uint64Range(0, 100).Draw(r, "limit"))
		s, err := split.NewSlices(p, limit)
		if err != nil {
			r.Fatal(err)
		}
		again := s
		// Fewer than would make anybody impatient: that is not kept.
		for range rapid.IntRange(1, split.Patience).Draw(r, "slices") {
			downs := rapid.Uint64Range(0, 31).Draw(r, "down")
			up := func(name string) bool { return downs>>(name[0]-'a')&1 == 0 }
			ahead := job.Work(rapid.Uint64Range(0, 50).Draw(r, "ahead"))
			one, ok1 := s.Choose(ahead, up)
			two, ok2 := again.Choose(ahead, up)
			if one != two || ok1 != ok2 {
				r.Fatalf("%q, %t; after a restart %q, %t", one, ok1, two, ok2)
			}
			if ok1 && !up(one) {
				r.Fatalf("%q was chosen and is down", one)
			}
			work := job.Work(rapid.Uint64Range(0, 100).Draw(r, "work"))
			back := job.Work(rapid.Uint64Range(0, 100).Draw(r, "returned"))
			for _, x := range []*split.Slices{s, again} {
				x.Credit(one, work)
				x.Return(one, min(work, back))
			}
			kept, err := json.Marshal(again)
			if err != nil {
				r.Fatal(err)
			}
			if again, err = split.ResumeSlices(p, limit, kept); err != nil {
				r.Fatal(err)
			}
			if diff := cmp.Diff(s.Standings(), again.Standings()); diff != "" {
				r.Fatal(diff)
			}
		}
		other := append(parts(weights...), split.Part{Name: "new", Weight: 5})
		if changed, err := again.Change(other); !changed || err != nil || again.Epoch() != s.Epoch()+1 {
			r.Fatalf("another party: %t, %v, epoch %d", changed, err, again.Epoch())
		}
		if _, ok := again.Choose(1, always); !ok {
			r.Fatal("nobody")
		}
	})
}

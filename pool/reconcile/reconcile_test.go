package reconcile_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/pool/job"
	"hearth/pool/reconcile"
	"hearth/units"
)

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func known[T any](v T) units.Known[T] { return units.Know(v, start, units.Estimate) }

// network is that of the reference: difficulty 1.3e14, 3.15 BTC.
func network() units.Known[reconcile.Yield] {
	return known(reconcile.Yield{Work: job.Difficulty(1.3e14).Work(), Millisats: 315_000_000_000})
}

// TestExpected: 100 TH/s for a day are about 4,900 sats.
func TestExpected(t *testing.T) {
	perDay := job.Difficulty(100e12 * 86400 / job.Difficulty(1).Hashes()).Work()
	whole := reconcile.Expected([]reconcile.Piece{{Work: perDay, Yield: network()}}, 0)
	msat, ok := whole.Get()
	if !ok || msat < 4_850_000 || msat > 4_900_000 {
		t.Errorf("a day of 100 TH/s is worth %d msat, %v", msat, whole.Why())
	}
	fee := reconcile.Expected([]reconcile.Piece{{Work: perDay / 2, Yield: network()}, {Work: perDay - perDay/2, Yield: network()}}, 0.02)
	if got, ok := fee.Get(); !ok || math.Abs(float64(got)-0.98*float64(msat)) > 2 {
		t.Errorf("less 2 %% it is %d msat of %d", got, msat)
	}
	if got, ok := reconcile.Expected(nil, 0).Get(); !ok || got != 0 {
		t.Errorf("no work is worth %d, %t", got, ok)
	}
	unknown := units.Unknown[reconcile.Yield]("the node is down", start)
	for name, x := range map[string]units.Known[int64]{
		"the node is down": reconcile.Expected([]reconcile.Piece{{Work: 1, Yield: network()}, {Work: 1, Yield: unknown}}, 0),
		"cannot be":        reconcile.Expected([]reconcile.Piece{{Work: 1, Yield: network()}}, 1.01),
	} {
		if v, ok := x.Get(); ok || !strings.Contains(x.Why(), name) {
			t.Errorf("expected %d, %q, want unknown because %q", v, x.Why(), name)
		}
	}
	// Where no work was done nothing need be known.
	if !reconcile.Expected([]reconcile.Piece{{Work: 0, Yield: unknown}}, 0).IsKnown() {
		t.Error("unknown without any work")
	}
}

func span(shares float64, expected, reported int64) reconcile.Span {
	return reconcile.Span{From: start, To: start.AddDate(0, 0, 1), Expected: known(expected), Reported: known(reported), Shares: shares}
}

// TestJudge by hand: 10,000 shares are good to 1 %.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		span     reconcile.Span
		sentence string
		alarm    bool
	}{
		{span(10_000, 5_000_000, 4_900_000), "From 1 March 2026 00:00 to 2 March 2026 00:00 the pool reported 4,900 sats, 2.0 % less than the 5,000 that the shares were worth. That is within chance.", false},
		{span(10_000, 5_000_000, 4_800_000), "From 1 March 2026 00:00 to 2 March 2026 00:00 the pool reported 4,800 sats, 4.0 % less than the 5,000 that the shares were worth. Chance alone does that once in 16,000 such spans.", true},
		{span(10_000, 5_000_000, 5_001_000), "From 1 March 2026 00:00 to 2 March 2026 00:00 the pool reported 5,001 sats, as much as the 5,000 that the shares were worth. That is within chance.", false},
		{span(10_000, 5_000_000, 5_155_000), "From 1 March 2026 00:00 to 2 March 2026 00:00 the pool reported 5,155 sats, 3.1 % more than the 5,000 that the shares were worth. Chance alone does that once in 520 such spans.", true},
		{span(10_000, 1_234_567_000, 0), "From 1 March 2026 00:00 to 2 March 2026 00:00 the pool reported 0 sats, 100.0 % less than the 1,234,567 that the shares were worth. Chance alone does that less than once in a million such spans.", true},
	} {
		f, ok := reconcile.Judge(c.span).Get()
		if !ok {
			t.Errorf("%+v cannot be judged", c.span)
			continue
		}
		if diff := cmp.Diff(c.sentence, f.Sentence("the pool")); diff != "" || f.Alarm() != c.alarm {
			t.Errorf("alarm %t\n%s", f.Alarm(), diff)
		}
	}
	// A pool that pays for blocks it finds is as lucky as they are few.
	lucky := span(10_000, 5_000_000, 3_000_000)
	lucky.Blocks = 4
	if f, ok := reconcile.Judge(lucky).Get(); !ok || f.Alarm() || math.Abs(f.Sigma-0.5) > 0.001 {
		t.Errorf("%+v", f)
	}
	for why, s := range map[string]reconcile.Span{
		"no report yet":     {Expected: known[int64](1), Reported: units.Unknown[int64]("no report yet", start), Shares: 100},
		"the node is down":  {Expected: units.Unknown[int64]("the node is down", start), Reported: known[int64](1), Shares: 100},
		"too few shares":    span(24, 1000, 900),
		"nothing to be exp": span(100, 0, 900),
		"too few":           span(math.NaN(), 1000, 900),
	} {
		if got := reconcile.Judge(s); got.IsKnown() || !strings.Contains(got.Why(), why) {
			t.Errorf("judged: %q, want unknown because %q", got.Why(), why)
		}
	}
}

// reports simulates daily reports of a pool that sees so many shares a day and
// keeps a part of what they are worth.
func reports(rnd *rand.Rand, perDay, kept float64) func() reconcile.Finding {
	at := start
	return func() reconcile.Finding {
		const expected = 5_000_000
		// Normal with the variance of Poisson for many, Poisson itself for few.
		n := perDay + math.Sqrt(perDay)*rnd.NormFloat64()
		if perDay < 500 {
			n = 0
			for x := rnd.ExpFloat64(); x < perDay; x += rnd.ExpFloat64() {
				n++
			}
		}
		s := span(perDay, expected, int64(expected*(1-kept)*n/perDay))
		s.From, s.To = at, at.AddDate(0, 0, 1)
		at = s.To
		f, _ := reconcile.Judge(s).Get()
		return f
	}
}

// TestFalseAlarms measures how often chance alone raises an alarm: a watch
// about once in twenty years of days, single days about once in a year.
func TestFalseAlarms(t *testing.T) {
	for _, perDay := range []float64{30, 100, 8640} {
		t.Run(fmt.Sprint(perDay), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(6, uint64(perDay)))
			next := reports(rnd, perDay, 0)
			const years = 1500
			var w reconcile.Watch
			var drifts, days float64
			for range years * 365 {
				f := next()
				if _, ok := w.Add(f); ok {
					drifts++
				}
				if f.Alarm() {
					days++
				}
			}
			if every := years / drifts; every < 15 || every > 35 {
				t.Errorf("a drift by chance every %.1f years", every)
			}
			if perYear := days / years; perYear < 0.5 || perYear > 1.6 {
				t.Errorf("%.2f days a year are off by chance", perYear)
			}
			t.Logf("%v shares a day: a drift by chance every %.1f years, %.2f days a year off by chance", perDay, years/drifts, days/years)
		})
	}
}

// TestDriftIsFound measures how long a pool that keeps a little gets away with
// it, at 6 shares a minute.
func TestDriftIsFound(t *testing.T) {
	for _, c := range []struct {
		kept float64
		most float64 // days, in the mean
	}{
		{0.005, 75},
		{0.01, 24},
		{0.02, 11},
		{0.05, 6},
		{-0.01, 24}, // more than expected is found as well
	} {
		t.Run(fmt.Sprint(c.kept), func(t *testing.T) {
			const trials = 300
			total := 0
			for seed := range uint64(trials) {
				next := reports(rand.New(rand.NewPCG(seed, 3)), 8640, c.kept)
				var w reconcile.Watch
				for {
					total++
					d, ok := w.Add(next())
					if !ok {
						continue
					}
					if (d.Reported < d.Expected) != (c.kept > 0) {
						t.Fatalf("found to the wrong side: %+v", d)
					}
					break
				}
			}
			if mean := float64(total) / trials; mean > c.most {
				t.Errorf("found after %.1f days", mean)
			} else {
				t.Logf("%.1f %% kept: found after %.1f days in the mean", 100*c.kept, mean)
			}
		})
	}
}

// TestWatch: one wild day is no drift, a watch can be kept, and what it found is
// said in plain words.
func TestWatch(t *testing.T) {
	var w reconcile.Watch
	wild, _ := reconcile.Judge(span(10_000, 5_000_000, 0)).Get()
	if _, ok := w.Add(wild); ok || w.Less.Spans != 1 {
		t.Errorf("one day is a drift: %+v", w)
	}
	even, _ := reconcile.Judge(span(10_000, 5_000_000, 5_000_000)).Get()
	for range 20 {
		w.Add(even)
	}
	if w.Less.Spans != 0 || w.Less.Sum != 0 {
		t.Errorf("twenty good days later it is not forgotten: %+v", w)
	}
	var found reconcile.Drift
	for i := range 30 {
		short := span(10_000, 5_000_000, 4_940_000)
		short.From, short.To = start.AddDate(0, 0, i), start.AddDate(0, 0, i+1)
		f, _ := reconcile.Judge(short).Get()
		d, ok := w.Add(f)
		if ok {
			found = d
			break
		}
		kept, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		w = reconcile.Watch{}
		if err := json.Unmarshal(kept, &w); err != nil {
			t.Fatal(err)
		}
	}
	want := "From 1 March 2026 00:00 to 16 March 2026 00:00 the pool reported 74,100 sats, 1.2 % less than the 75,000 that the shares were worth, in 15 reports that lean one way. " +
		"By chance that happens about once in twenty years of daily reports. Compare the pool's fee with the one that is set here, then ask the pool."
	if diff := cmp.Diff(want, found.Sentence("the pool")); diff != "" {
		t.Error(diff)
	}
	if w.Less.Spans != 0 {
		t.Errorf("it does not begin anew: %+v", w)
	}
}

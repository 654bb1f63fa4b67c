package market_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hearth/plan/market"
	"hearth/units"
)

var update = flag.Bool("update", false, "write the golden files")

var begin = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)

func scenario(t interface{ Fatal(...any) }) market.Scenario {
	s, err := market.Default(market.Latest(), market.ConsumerGPU)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func path(t interface{ Fatal(...any) }, a market.Assumptions, years int) []market.Month {
	months, err := a.Path(begin, years)
	if err != nil {
		t.Fatal(err)
	}
	return months
}

// The three default courses, month by month. Processors that fuse
// multiplications may differ in the last digits, hence the rounding.
func TestDefaultOutlook(t *testing.T) {
	o, err := scenario(t).Outlook(begin, 10)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for c := range market.Cases {
		fmt.Fprintf(&b, "%v\nmonth    $/PH/d equil.  sats/PH/d  difficulty       $  J/TH  $/kWh      subsidy\n", c)
		for _, m := range o[c] {
			fmt.Fprintf(&b, "%s %7.3f %6.2f %10.2f %10.3fT %7.0f %5.2f %6.4f %12d\n", m.Start.Format("2006-01"),
				float64(m.HashPrice), float64(m.Equilibrium), m.HashValue, m.Difficulty/1e12, m.Bitcoin,
				float64(m.Marginal), float64(m.Inference), m.Subsidy)
		}
	}
	golden := filepath.Join("testdata", "outlook.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the outlook changed; look at it and run with -update:\n%s", b.String())
	}
}

// Whatever the hash price is at first, it comes into a corridor about what the
// marginal miner pays, and is there in the years between two halvings.
func TestEveryStartReturnsToTheCorridor(t *testing.T) {
	middle := scenario(t)[market.Middle]
	rapid.Check(t, func(t *rapid.T) {
		a := middle
		a.Bitcoin = nil
		a.From.Difficulty *= math.Exp(rapid.Float64Range(-1.5, 1.5).Draw(t, "difficulty"))
		a.From.Bitcoin *= math.Exp(rapid.Float64Range(-1, 1).Draw(t, "bitcoin"))
		months := path(t, a, 10)
		for _, m := range months[84:108] { // between the halvings of 2032 and 2036
			if ratio := float64(m.HashPrice / m.Equilibrium); ratio < 0.8 || ratio > 1.6 {
				t.Fatalf("in %s the hash price is %.2f times the equilibrium", m.Start.Format("2006-01"), ratio)
			}
		}
	})
}

// With nothing else moving, the hash price settles where the miners who come
// just keep up with progress: HP_eq·exp(progress/entry).
func TestSteadyState(t *testing.T) {
	a := scenario(t)[market.Middle]
	a.Bitcoin = nil
	a.From.Height = 840_000 // a halving has just been
	months := path(t, a, 4)
	for _, m := range months[30:36] {
		near(t, m.Start.Format("2006-01"), float64(m.HashPrice/m.Equilibrium), math.Exp(a.Progress/a.Entry), 0.08)
	}
}

// Nothing is extrapolated: a price ten times as high makes the same hash price
// in the end, only at a higher difficulty.
func TestPriceOnlyDelays(t *testing.T) {
	a := scenario(t)[market.Middle]
	a.Bitcoin = nil
	rich := a
	rich.From.Bitcoin *= 4
	poor, dear := path(t, a, 20), path(t, rich, 20)
	last := len(poor) - 1
	near(t, "the hash price after 20 years", float64(dear[last].HashPrice), float64(poor[last].HashPrice), 0.02)
	near(t, "the difficulty after 20 years", dear[last].Difficulty/poor[last].Difficulty, 4, 0.02)
	if dear[0].HashPrice < 2*poor[0].HashPrice {
		t.Errorf("at first four times the price makes %.1f rather than %.1f, want more than twice",
			float64(dear[0].HashPrice), float64(poor[0].HashPrice))
	}
}

func TestHalving(t *testing.T) {
	a := scenario(t)[market.Middle]
	a.Bitcoin = nil
	a.Entry, a.Exit, a.Progress = 0, 0, 0 // nobody comes or goes
	months := path(t, a, 4)
	if got, want := months[0].Subsidy, 2*months[47].Subsidy; got != want {
		t.Errorf("the subsidy goes from %d to %d sats, want half", got, months[47].Subsidy)
	}
	near(t, "the hash price before and after", float64(months[0].HashPrice/months[47].HashPrice), 2, 1e-12)
	near(t, "difficulty", months[47].Difficulty, a.From.Difficulty, 1e-12)
	for i, m := range months {
		if i > 0 && m.Subsidy != months[i-1].Subsidy {
			if got := m.Start.Format("2006-01"); got != "2028-04" {
				t.Errorf("the subsidy halves in %s, want 2028-04", got)
			}
		}
	}
}

// More costly or less efficient marginal miners, dearer bitcoin, slower entry
// and slower progress never make any month worse for who sells hashes.
func TestMonotone(t *testing.T) {
	s := scenario(t)
	rental, _ := market.RentalOf(market.ConsumerGPU)
	for _, in := range market.Inputs(market.Latest(), rental) {
		var sums [market.Cases]float64
		for c := range market.Cases {
			a := s[market.Middle]
			in.Apply(&a, in.Values[c])
			for _, m := range path(t, a, 10) {
				sums[c] += float64(m.HashPrice) + 100*float64(m.Inference)
			}
		}
		if !(sums[0] <= sums[1] && sums[1] <= sums[2]) {
			t.Errorf("%s: ten years earn %.4g, %.4g and %.4g, want a rise from case to case", in.Name, sums[0], sums[1], sums[2])
		}
		if sums[0] == sums[2] {
			t.Errorf("%s moves nothing", in.Name)
		}
	}
}

// Entry is fitted to the published past: with the marginal miner of the middle
// case and its progress, hash prices of 2022 to 2025 explain the growth of
// difficulty from 24.27 T to 148.26 T.
func TestEntryFitsThePast(t *testing.T) {
	a := scenario(t)[market.Middle]
	var growth float64
	for _, y := range []struct {
		years float64 // before the snapshot, at mid-year
		price float64 // mean of the published points
	}{{4, 123.88}, {3, 75}, {2, 60}, {1, 50}} {
		e := market.JoulesPerTerahash(float64(a.Efficiency) * math.Exp(a.Progress*y.years))
		growth += a.Entry * math.Log(y.price/float64(market.Equilibrium(e, a.Power)))
	}
	near(t, "the growth of four years in e-folds", growth, math.Log(148.26/24.27), 0.1)
}

func TestSeeds(t *testing.T) {
	s := scenario(t)
	draw := func(seed uint64) []market.Month {
		months, _, err := s.Draw(seed, market.Usual(), begin, 5)
		if err != nil {
			t.Fatal(err)
		}
		return months
	}
	if !reflect.DeepEqual(draw(7), draw(7)) {
		t.Error("one seed gave two courses")
	}
	if reflect.DeepEqual(draw(7), draw(8)) {
		t.Error("two seeds gave one course")
	}
}

// Drawn courses lie about the middle case, and nine in ten of the first years
// between wide bounds.
func TestDrawsSurroundTheScenario(t *testing.T) {
	s := scenario(t)
	var below, n int
	middle := path(t, s[market.Middle], 3)
	for seed := range uint64(400) {
		months, a, err := s.Draw(seed, market.Usual(), begin, 3)
		if err != nil {
			t.Fatal(err)
		}
		if a.Power < s[market.Pessimistic].Power || a.Power > s[market.Optimistic].Power {
			t.Fatalf("seed %d drew power at %g", seed, float64(a.Power))
		}
		if months[24].HashPrice < middle[24].HashPrice {
			below++
		}
		n++
	}
	if share := float64(below) / float64(n); share < 0.3 || share > 0.7 {
		t.Errorf("%.0f %% of the courses are below the middle case after two years", 100*share)
	}
}

// What the user sets alike in all cases is not drawn; without chance and with
// three equal cases a draw is the path.
func TestWhatIsSetIsNotDrawn(t *testing.T) {
	s := scenario(t)
	for c := range s {
		s[c] = s[market.Middle]
	}
	months, _, err := s.Draw(3, market.Chance{}, begin, 5)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range path(t, s[market.Middle], 5) {
		near(t, m.Start.Format("2006-01"), float64(months[i].HashPrice), float64(m.HashPrice), 1e-12)
	}
}

// What answering earns is drawn from the distribution of its class; the user's
// own figures from between them.
func TestRentsAreDrawnFromTheirDistribution(t *testing.T) {
	s := scenario(t)
	draws := func() (rents []float64) {
		for seed := range uint64(300) {
			_, a, err := s.Draw(seed, market.Chance{}, begin, 1)
			if err != nil {
				t.Fatal(err)
			}
			rents = append(rents, float64(a.Inference))
		}
		slices.Sort(rents)
		return rents
	}
	rents := draws()
	near(t, "the median", rents[150], float64(s[market.Middle].Inference), 0.15)
	if low, high := float64(s[market.Pessimistic].Inference), float64(s[market.Optimistic].Inference); rents[3] < low/2 || rents[296] > 2*high {
		t.Errorf("rents are drawn from %.3f to %.3f, the cases are %.3f and %.3f", rents[3], rents[296], low, high)
	}
	for c := range s {
		s[c].Inference = 0.05
	}
	if rents := draws(); rents[0] != 0.05 || rents[299] != 0.05 {
		t.Errorf("what was set to 0.05 is drawn from %g to %g", rents[0], rents[299])
	}
}

func TestOwnPriceScenario(t *testing.T) {
	a := scenario(t)[market.Middle]
	a.Bitcoin = []market.Quote{
		{At: begin, Dollars: 50_000},
		{At: begin.AddDate(1, 0, 0), Dollars: 200_000},
	}
	months := path(t, a, 3)
	near(t, "half way", (months[5].Bitcoin+months[6].Bitcoin)/2, 100_000, 0.01)
	near(t, "after it", months[30].Bitcoin, 200_000, 1e-9)
}

func TestImpossibleAssumptions(t *testing.T) {
	for want, spoil := range map[string]func(*market.Assumptions){
		"no date":                  func(a *market.Assumptions) { a.From.At = time.Time{} },
		"difficulty NaN":           func(a *market.Assumptions) { a.From.Difficulty = math.NaN() },
		"bitcoin at -1":            func(a *market.Assumptions) { a.From.Bitcoin = -1 },
		"height of -1":             func(a *market.Assumptions) { a.From.Height = -1 },
		"fees of":                  func(a *market.Assumptions) { a.Fees = 1 },
		"marginal miner of 0":      func(a *market.Assumptions) { a.Efficiency = 0 },
		"power at -0.01":           func(a *market.Assumptions) { a.Power = -0.01 },
		"progress of 2":            func(a *market.Assumptions) { a.Progress = 2 },
		"entry -1":                 func(a *market.Assumptions) { a.Entry = -1 },
		"inference at +Inf":        func(a *market.Assumptions) { a.Inference = market.DollarsPerKWh(math.Inf(1)) },
		"decline of 9":             func(a *market.Assumptions) { a.Decline = 9 },
		"before the snapshot":      func(a *market.Assumptions) { a.From.At = begin.AddDate(1, 0, 0) },
		"at least 1 year":          func(a *market.Assumptions) { a.From.At = begin.AddDate(-70, 0, 0) },
		"sort them":                func(a *market.Assumptions) { a.Bitcoin = []market.Quote{{begin, 1}, {begin, 2}} },
		"bitcoin at 0 dollars on ": func(a *market.Assumptions) { a.Bitcoin = []market.Quote{{begin, 0}} },
	} {
		a := scenario(t)[market.Middle]
		spoil(&a)
		if _, err := a.Path(begin, 5); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	if _, _, err := scenario(t).Draw(1, market.Chance{Bitcoin: market.Wander{Spread: -1}}, begin, 5); err == nil {
		t.Error("prices wandered by -1")
	}
	if _, err := market.Default(market.Latest(), "abacus"); err == nil {
		t.Error("an abacus has rents")
	}
}

// Assumptions from anywhere end in months that are numbers, or in an error.
func FuzzPath(f *testing.F) {
	f.Add(133.87e12, 60_000.0, 0.01, 25.0, 0.05, 0.15, 0.9, 4.0, 1000.0)
	f.Add(1.0, 1e9, 0.0, 0.01, 10.0, 1.0, 50.0, 50.0, 1e9)
	f.Add(1e24, 0.01, 0.95, 1e6, 0.0001, 0.0, 0.0, 0.0, 0.01)
	f.Fuzz(func(t *testing.T, difficulty, bitcoin, fees, e, power, progress, entry, exit, later float64) {
		a := market.Assumptions{From: market.Latest(), Progress: progress, Entry: entry, Exit: exit}
		a.From.Difficulty, a.From.Bitcoin = difficulty, bitcoin
		a.Fees, a.Efficiency, a.Power = units.Fraction(fees), market.JoulesPerTerahash(e), market.DollarsPerKWh(power)
		a.Bitcoin = []market.Quote{{a.From.At, bitcoin}, {a.From.At.AddDate(1, 0, 0), later}}
		months, err := a.Path(begin, 5)
		if err != nil {
			return
		}
		for _, m := range months {
			for _, x := range []float64{float64(m.HashPrice), m.HashValue, m.Difficulty, m.Bitcoin, float64(m.Equilibrium)} {
				if !(x >= 0) || math.IsInf(x, 0) {
					t.Fatalf("%s: %+v", m.Start.Format("2006-01"), m)
				}
			}
		}
	})
}

func BenchmarkPath(b *testing.B) {
	a := scenario(b)[market.Middle]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Path(begin, 15); err != nil {
			b.Fatal(err)
		}
	}
}

package plan_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"hearth/heat/climate"
	"hearth/plan"
	"hearth/units"
)

// degrees is the load of a home that needs no heat from 15.5 °C on, as a share
// of its load in the coldest weather.
func degrees(t *testing.T, place string) []float64 {
	const balance = 15.5
	s := prepare(t, func() plan.Question { q := question(t); q.Year = year(t, place); return q }())
	p, err := climate.PlaceByName(place)
	if err != nil {
		t.Fatal(err)
	}
	load := make([]float64, plan.Hours)
	for i, outdoor := range s.Outdoor() {
		load[i] = max(0, balance-float64(outdoor)) / (balance - float64(p.Design))
	}
	return load
}

// The published table of useful hours by size, of the places whose figures may
// be shipped. Its hourly years were made up from the same monthly figures, but
// with other cold days, and the coldest of them decide what the design load is
// worth in hours: covers agree within 5.5 points, most within 2, and hours within 14 %.
func TestUsefulHoursBySize(t *testing.T) {
	for _, row := range []struct {
		place   string
		full    float64
		covered [4]float64 // per cent, at 10, 20, 30 and 50 % of the design load
		hours   [4]float64
	}{
		{"Duluth", 2433, [4]float64{24, 44, 62, 87}, [4]float64{5847, 5384, 5008, 4252}},
		{"Oslo", 3085, [4]float64{22, 42, 59, 85}, [4]float64{6868, 6458, 6085, 5232}},
		{"Stockholm", 2623, [4]float64{26, 47, 66, 91}, [4]float64{6690, 6210, 5742, 4748}},
		{"Chicago", 1905, [4]float64{27, 49, 66, 89}, [4]float64{5157, 4679, 4214, 3381}},
		{"Denver", 2278, [4]float64{24, 45, 61, 85}, [4]float64{5515, 5081, 4662, 3853}},
		{"New York", 1792, [4]float64{27, 49, 67, 90}, [4]float64{4761, 4398, 4015, 3213}},
		{"London", 2777, [4]float64{23, 44, 61, 86}, [4]float64{6467, 6073, 5666, 4764}},
		{"Seattle", 2725, [4]float64{24, 45, 62, 85}, [4]float64{6535, 6096, 5617, 4634}},
		{"Atlanta", 1330, [4]float64{25, 46, 63, 85}, [4]float64{3362, 3065, 2779, 2255}},
		{"Dallas", 1120, [4]float64{28, 50, 67, 89}, [4]float64{3108, 2806, 2518, 1988}},
	} {
		load := degrees(t, row.place)
		_, full := plan.Coverage(load, 1)
		near(t, row.place+": hours of the full load", full, row.full, 0.14*row.full)
		for k, share := range []float64{.1, .2, .3, .5} {
			covered, hours := plan.Coverage(load, share)
			size := fmt.Sprintf("%s at %.0f %%: ", row.place, 100*share)
			near(t, size+"per cent covered", 100*float64(covered), row.covered[k], 5.5)
			near(t, size+"hours", hours, row.hours[k], 0.14*row.hours[k])
		}
	}
}

func TestSizeFindsWhatIsWorthMost(t *testing.T) {
	q := question(t)
	q.Machine.Price = known(plan.Money(600))
	z := prepare(t, q).Size()
	if z.Unknown != "" || len(z.Curve) != 20 {
		t.Fatalf("the sizing is %+v", z)
	}
	for i, p := range z.Curve {
		if p.Value.Mid > z.Best.Value.Mid {
			t.Errorf("%v of the design load is worth %.2f, more than the best, %.2f at %v", p.Share, p.Value.Mid, z.Best.Value.Mid, z.Best.Share)
		}
		if i > 0 && (p.Covered < z.Curve[i-1].Covered || p.FullLoad > z.Curve[i-1].FullLoad) {
			t.Errorf("%v covers %v in %.0f h, the size before %v in %.0f h", p.Share, p.Covered, p.FullLoad, z.Curve[i-1].Covered, z.Curve[i-1].FullLoad)
		}
	}
	if z.Best.Share < 0.3 || z.Best.Share > 0.6 {
		t.Errorf("the best share is %v: with a price this should lie between all and nothing", z.Best.Share)
	}
	if z.Whole.Count != math.Round(z.Best.Count) {
		t.Errorf("the best whole number is %g, beside the best of %.2f", z.Whole.Count, z.Best.Count)
	}
	// A whole number is what the question itself would be answered for it.
	q.Machine.Count = int(z.Whole.Count)
	with := option(t, prepare(t, q).Answer(), plan.WithMachine)
	near(t, "value of the whole number", z.Whole.Value.Mid, with.Value.Mid, 1e-6)
	near(t, "its cover", float64(z.Whole.Covered), float64(with.Covered), 1e-9)
}

func TestNoSizePaysWhenHashingEarnsNothing(t *testing.T) {
	q := question(t)
	q.Market = steady(10, 0, 0, 0)
	q.Power.Hourly = flat(0.30)
	z := prepare(t, q).Size()
	if z.Best.Count != 0 || z.Whole.Count != 0 {
		t.Errorf("the best sizes are %+v and %+v, want none", z.Best, z.Whole)
	}
	q.Machine.Price = units.Unknown[plan.Money]("nobody sells it", epoch())
	if z = prepare(t, q).Size(); !strings.Contains(z.Unknown, "nobody sells it") {
		t.Errorf("without a price the sizing says %q", z.Unknown)
	}
}

// A portable machine that follows the winter works longer than one that stays.
func TestFollowingTheWinter(t *testing.T) {
	q := question(t)
	q.Home.Uses = nil
	north := prepare(t, q).Demand()
	south := plan.HalfYearLater(north)
	f := plan.Follow(north, south, 0.5, 14)
	near(t, "hours here and there", f.There, f.Here, 1e-6)
	if f.Moving < 1.3*f.Here || f.Moving > 2*f.Here {
		t.Errorf("moving it works %.0f h, staying %.0f h", f.Moving, f.Here)
	}
	if f.Leaves < 60 || f.Leaves > 150 || f.Returns < 240 || f.Returns > 330 {
		t.Errorf("it leaves on day %d and comes back from day %d, want spring and autumn", f.Leaves, f.Returns)
	}
	if slow := plan.Follow(north, south, 0.5, 60); slow.Moving >= f.Moving {
		t.Errorf("a slow journey leaves %.0f h, a quick one %.0f h", slow.Moving, f.Moving)
	}
	if never := plan.Follow(north, south, 0.5, 300); never.Moving != never.Here {
		t.Errorf("a journey of most of a year is worth %.0f h over %.0f h", never.Moving, never.Here)
	}
	if same := plan.Follow(north, north, 0.5, 14); same.Moving != same.Here {
		t.Errorf("moving to the same weather is worth %.0f h over %.0f h", same.Moving, same.Here)
	}
}

func BenchmarkSize(b *testing.B) {
	s := prepare(b, question(b))
	for b.Loop() {
		s.Size()
	}
}

func BenchmarkAnswer(b *testing.B) {
	s := prepare(b, question(b))
	b.ReportAllocs()
	for b.Loop() {
		s.Answer()
	}
}

func BenchmarkPrepare(b *testing.B) {
	q := question(b)
	for b.Loop() {
		prepare(b, q)
	}
}

package plan_test

import (
	"math"
	"testing"
	"time"

	"hearth/plan"
	"hearth/units"
)

// use returns the heat of one use in a place, by hour.
func use(t *testing.T, place string, kind plan.UseKind, size float64) []float64 {
	t.Helper()
	q := question(t)
	q.Year = year(t, place)
	q.Home.Rooms, q.Home.Uses = nil, []plan.Use{{Kind: kind, Size: size}}
	return prepare(t, q).Demand()
}

func total(hours []float64) (sum float64) {
	for _, q := range hours {
		sum += q
	}
	return sum
}

// month sums up a month, January being 0.
func month(hours []float64, m int) float64 {
	start := time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC)
	hour := func(m int) int { return int(start.AddDate(0, m, 0).Sub(start) / time.Hour) }
	return total(hours[hour(m):hour(m+1)])
}

func TestHotWater(t *testing.T) {
	heat := use(t, "London", plan.HotWater, 3)
	// Three people draw 1.95 kWh a day each where the cold water has 10 °C, the
	// load profile M; the tank loses about as much as a cylinder of class B
	// does: 1.5 kWh a day at most.
	day := total(heat) / 365
	if drawn := 5.85; day < drawn*0.8 || day > drawn+1.5 {
		t.Errorf("three people take %.2f kWh a day, want about %.2f and what the tank loses", day, drawn)
	}
	if winter, summer := month(heat, 1)/28, month(heat, 7)/31; winter < 1.05*summer {
		t.Errorf("a day takes %.2f kWh in February and %.2f in August: cold water has its season", winter, summer)
	}
	six := total(use(t, "London", plan.HotWater, 6))
	if ratio := six / total(heat); ratio < 1.75 || ratio > 2.05 {
		t.Errorf("twice the people take %.2f times as much", ratio)
	}
	for i, q := range heat {
		if q < 0 || q > 3 {
			t.Fatalf("hour %d takes %.2f kWh: the tank is charged with 3 kW at most", i, q)
		}
	}
}

func TestPoolHasASeason(t *testing.T) {
	heat := use(t, "Chicago", plan.Pool, 40)
	if winter := month(heat, 0) + month(heat, 11); winter != 0 {
		t.Errorf("in winter the open pool takes %.0f kWh", winter)
	}
	may, july := month(heat, 4), month(heat, 6)
	if may <= july || july < 0 {
		t.Errorf("it takes %.0f kWh in May and %.0f in July, want more in spring", may, july)
	}
	// 40 m² lose some 50 to 200 W/m² through a cool spring.
	if mean := may / 40 / 31 / 24 * 1000; mean < 20 || mean > 250 {
		t.Errorf("in May it takes %.0f W/m²", mean)
	}
}

func TestLaundryRestsOnSundays(t *testing.T) {
	heat := use(t, "Denver", plan.Laundry, 100)
	// 1 January 2025 is a Wednesday, so that the fifth day is a Sunday.
	if sunday := total(heat[4*24 : 5*24]); sunday != 0 {
		t.Errorf("it takes %.1f kWh on a Sunday", sunday)
	}
	if kg := total(heat[0:24]) / 100; kg < 0.8 || kg > 1.4 {
		t.Errorf("a kg takes %.2f kWh, want about one", kg)
	}
}

func TestGreenhouseTakesManyTimesAHouse(t *testing.T) {
	heat := use(t, "Denver", plan.Greenhouse, 100)
	if area := total(heat) / 100; area < 150 || area > 700 {
		t.Errorf("a square metre takes %.0f kWh a year", area)
	}
	if small := total(use(t, "Denver", plan.Greenhouse, 0.5)) / 0.5; math.Abs(small/total(heat)*100-1) > 0.05 {
		t.Errorf("a square metre of a cold frame takes %.0f kWh, of a house %.0f", small, total(heat)/100)
	}
}

func TestSteadyUses(t *testing.T) {
	near(t, "a base load of 2 kW in kWh", total(use(t, "Oslo", plan.District, 2)), 2*plan.Hours, 1e-9)
	bath := use(t, "Oslo", plan.Bathhouse, 100)
	open, shut := bath[12]/100, bath[3]/100
	// VDI 2089: about 0.3 kg/m²h evaporate from a pool in use, a quarter at rest.
	if open < 0.15 || open > 0.35 || shut > open/2 {
		t.Errorf("a square metre takes %.3f kW open and %.3f kW shut", open, shut)
	}
}

// The seasons of the uses decide how long a machine works: the same machine in
// a home, at a pool and at a laundry.
func TestUsesFillTheSummer(t *testing.T) {
	q := question(t)
	q.Home.Uses = nil
	homeOnly := prepare(t, q).Demand()
	q.Home.Uses = []plan.Use{{Kind: plan.HotWater, Size: 4}, {Kind: plan.Pool, Size: 40}}
	summer := prepare(t, q).Demand()
	_, alone := plan.Coverage(homeOnly, 1)
	_, filled := plan.Coverage(summer, 1)
	if filled < alone+1000 {
		t.Errorf("1 kW works %.0f h for rooms alone and %.0f h with hot water and a pool", alone, filled)
	}
}

// When2Heat's air-source curve, times its field correction.
func TestHeatPumpCOP(t *testing.T) {
	for _, c := range []struct {
		outdoor, sink units.Celsius
		share         units.Fraction
		want          float64
	}{
		{7, 35, 1, 6.08 - 0.0941*28 + 0.000464*28*28},
		{0, 40, 0, 0.85 * (6.08 - 0.0941*40 + 0.000464*1600)},
		{-10, 50, 0, 0.85 * (6.08 - 0.0941*60 + 0.000464*3600)},
		{20, 30, 0, 0.85 * (6.08 - 0.0941*15 + 0.000464*225)}, // no lift below 15 K
		{-60, 60, 0, 1}, // no heat pump any more
	} {
		near(t, "COP", plan.HeatPumpCOP(c.outdoor, c.sink, c.share), c.want, 1e-12)
	}
	last := math.Inf(1)
	for lift := units.Celsius(0); lift < 130; lift++ {
		cop := plan.HeatPumpCOP(20-lift, 20, 0)
		if cop > last || cop < 1 {
			t.Errorf("over %v the COP is %.3f, after %.3f", lift, cop, last)
		}
		last = cop
	}
}

// 1 − T0/T, as tables have it, in a place where it is always so cold outdoors.
func TestExergyTable(t *testing.T) {
	for _, c := range []struct {
		outdoor, supply units.Celsius
		want            float64
	}{
		{5, 25, .067},
		{5, 35, .097},
		{5, 45, .126},
		{5, 60, .165},
		{5, 75, .201},
		{-10, 25, .117},
		{-10, 35, .146},
		{-10, 45, .173},
		{-10, 60, .210},
		{-10, 75, .244},
	} {
		near(t, "exergy of a kWh", plan.Exergy(c.outdoor, c.supply), c.want, 0.0006)
	}
	if plan.Exergy(30, 25) != 0 {
		t.Error("heat colder than the outdoors counts")
	}
}

package heat_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hearth/heat"
	"hearth/units"
)

func TestTappingProfilesAddUp(t *testing.T) {
	for profile, want := range map[heat.Tapping]float64{
		heat.TappingM: 5.845, heat.TappingL: 11.655, heat.TappingXL: 19.07, heat.TappingXXL: 24.53,
	} {
		var sum float64
		var free time.Duration
		for _, d := range profile.Draws() {
			sum += float64(d.Energy)
			start := time.Duration(d.At) * time.Minute
			if start < free {
				t.Errorf("%s: the draw at %v begins while the one before still runs", profile, d.At)
			}
			free = start + d.Lasts()
		}
		near(t, string(profile)+" in kWh a day", sum, want, 1e-9)
	}
	if heat.Tapping("S5").Draws() != nil {
		t.Error("an unknown profile has draws")
	}
	near(t, "hot share of a shower", float64(heat.MixedFlow(6, 40, 60, 10)), 3.6, 1e-9)
	near(t, "hot share when the tank is too cold", float64(heat.MixedFlow(6, 40, 35, 10)), 6, 1e-9)
}

func layers(t testing.TB, n int, c heat.Tank) *heat.TankModel {
	t.Helper()
	m, err := c.TwoNode()
	if n > 2 {
		m, err = c.Layers(n)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// flowAt returns the tapped flow and the temperature wanted at the tap.
func flowAt(draws []heat.Draw, sinceMidnight time.Duration, cold units.Celsius) (units.LitresPerMinute, units.Celsius) {
	for _, d := range draws {
		if since := sinceMidnight - time.Duration(d.At)*time.Minute; since >= 0 && since < d.Lasts() {
			return d.Flow, cold.Add(d.Rise)
		}
	}
	return 0, 0
}

// TestTwoNodesFollowTwelve gives a tank of two nodes the same heat, and the
// same flow at the tap, as one of twelve that a thermostat keeps, for a week.
// The two never meet again after the first minute, so what is compared is how
// far a planner with two nodes strays: in the energy in store, in the
// temperature at the top, and in what it thinks was lost and drawn.
func TestTwoNodesFollowTwelve(t *testing.T) {
	const cold, room, dt, day = 10, 20, 5 * time.Second, 24 * time.Hour
	for _, profile := range []heat.Tapping{heat.TappingM, heat.TappingL, heat.TappingXL} {
		t.Run(string(profile), func(t *testing.T) {
			draws, tank := profile.Draws(), heat.HouseholdCylinder()
			if profile == heat.TappingXL {
				tank.Volume, tank.Height, tank.Loss = 400, 1.6, 2
			}
			two, twelve := layers(t, 2, tank), layers(t, 12, tank)
			coarse, fine := two.Still(55), twelve.Still(55)
			full := float64(twelve.Stored(fine, cold))
			var heating bool
			var off, worst, topOff, n float64
			var sumCoarse, sumFine heat.TankFlows
			add := func(sum *heat.TankFlows, f heat.TankFlows) {
				sum.Heated, sum.Lost, sum.Drawn = sum.Heated+f.Heated, sum.Lost+f.Lost, sum.Drawn+f.Drawn
			}
			for at := time.Duration(0); at < 7*day; at += dt {
				switch sensed := twelve.At(fine, 0.3); {
				case sensed < 50:
					heating = true
				case sensed > 56:
					heating = false
				}
				in := heat.TankInputs{Room: room, Cold: cold}
				if heating {
					in.Heat = 2500
				}
				flow, want := flowAt(draws, at%day, cold)
				in.Draw = heat.MixedFlow(flow, want, fine[len(fine)-1], cold)
				add(&sumFine, twelve.Step(fine, in, dt))
				in.Draw = heat.MixedFlow(flow, want, coarse[len(coarse)-1], cold)
				add(&sumCoarse, two.Step(coarse, in, dt))

				d := math.Abs(float64(two.Stored(coarse, cold)-twelve.Stored(fine, cold))) / full
				off, worst, n = off+d, max(worst, d), n+1
				topOff += math.Abs(float64(coarse[1] - fine[11]))
			}
			off, topOff = off/n, topOff/n
			t.Logf("store off by %.1f %% of a full tank on average, %.1f %% at worst; top by %.1f K on average; heated %v; lost %v by two nodes, %v by twelve; drawn %v and %v",
				100*off, 100*worst, topOff, sumFine.Heated.KilowattHours(), sumCoarse.Lost.KilowattHours(), sumFine.Lost.KilowattHours(),
				sumCoarse.Drawn.KilowattHours(), sumFine.Drawn.KilowattHours())
			if off > 0.015 || worst > 0.03 || topOff > 7 {
				t.Error("two nodes stray too far from twelve")
			}
			near(t, "drawn in J", float64(sumCoarse.Drawn), float64(sumFine.Drawn), 0.02*float64(sumFine.Drawn))
			near(t, "lost in J", float64(sumCoarse.Lost), float64(sumFine.Lost), 0.10*float64(sumFine.Lost))
			gained := float64(twelve.Stored(fine, cold)) - full
			near(t, "balance of the week in J", gained, float64(sumFine.Heated-sumFine.Lost-sumFine.Drawn), 1)
		})
	}
}

func TestTankLayersStayInOrderAndEnergyCloses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := func(least, most float64, name string) float64 { return rapid.Float64Range(least, most).Draw(t, name) }
		from := f(0, 1, "from")
		tank := heat.Tank{
			Volume: units.Litres(f(30, 2000, "volume")), Height: f(0.4, 3, "height"), Loss: f(0, 10, "loss"),
			HeatFrom: units.Fraction(from), HeatTo: units.Fraction(f(from, 1, "to")), Coil: f(0, 2000, "coil"),
		}
		m, err := tank.Layers(rapid.IntRange(2, 20).Draw(t, "layers"))
		if err != nil {
			t.Fatal(err)
		}
		water := m.Still(0)
		for i := range water {
			water[i] = units.Celsius(f(5, 90, "water"))
		}
		in := heat.TankInputs{
			Room: units.Celsius(f(5, 30, "room")), Cold: units.Celsius(f(4, 20, "cold")), Draw: units.LitresPerMinute(f(0, 20, "draw")),
			Heat: units.Watts(f(0, 5000, "heat")), Flow: units.LitresPerMinute(f(0, 20, "flow")), Supply: units.Celsius(f(20, 90, "supply")),
		}
		dt := time.Duration(f(1, 7200, "seconds") * float64(time.Second))
		before := m.Stored(water, 0)
		flows := m.Step(water, in, dt)
		gained := float64(m.Stored(water, 0) - before)
		want := float64(flows.Heated - flows.Lost - flows.Drawn)
		if math.Abs(gained-want) > 1e-9*(math.Abs(float64(before))+float64(flows.Drawn)+float64(flows.Heated))+1e-3 {
			t.Fatalf("the water gained %.3f J, flows give %.3f J", gained, want)
		}
		if !slices.IsSortedFunc(water, func(a, b units.Celsius) int {
			if a > b+1e-9 {
				return 1
			}
			return 0
		}) {
			t.Fatalf("cold water lies on warm: %v", water)
		}
	})
}

func TestHotWaterFloatsUntilHeatedThrough(t *testing.T) {
	m := layers(t, 12, heat.HouseholdCylinder())
	water := m.Still(15)
	high := heat.HouseholdCylinder()
	high.HeatFrom, high.HeatTo = 0.6, 0.8
	above := layers(t, 12, high)
	for range 180 {
		above.Step(water, heat.TankInputs{Room: 20, Heat: 3000}, time.Minute)
	}
	if top, low := above.At(water, 1), above.Coldest(water); top < 60 || low > 20 {
		t.Errorf("a heater at three quarters of the height should leave the bottom cold: top %v, coldest %v", top, low)
	}
	for range 180 {
		m.Step(water, heat.TankInputs{Room: 20, Heat: 3000}, time.Minute)
	}
	if m.Coldest(water) != water[0] || m.Coldest(water) > m.At(water, 0.5) {
		t.Errorf("the coldest layer should be the lowest: %v", water)
	}
}

func TestCoilGivesWhatItsFluidLoses(t *testing.T) {
	m := layers(t, 12, heat.HouseholdCylinder())
	water := m.Still(30)
	f := m.Step(water, heat.TankInputs{Room: 30, Flow: 10, Supply: 60}, time.Second)
	fluid := 10.0 / 60 * 4183 * float64(60-f.Return)
	near(t, "coil power in W", float64(f.Heated), fluid, 1e-6*fluid)
	if f.Return <= 30 || f.Return >= 60 {
		t.Errorf("the fluid leaves at %v", f.Return)
	}
	// ε = 1 − exp(−UA/ṁc) for a tank of one temperature.
	near(t, "effectiveness", float64(60-f.Return)/30, 1-math.Exp(-400/(10.0/60*4183)), 1e-9)
}

func TestStandingTankCools(t *testing.T) {
	tank := heat.HouseholdCylinder()
	m := layers(t, 12, tank)
	water := m.Still(65)
	f := m.Step(water, heat.TankInputs{Room: 20}, 24*time.Hour)
	near(t, "standing loss of a day in kWh", float64(f.Lost.KilowattHours()), 1.5, 0.1)
}

func TestImpossibleTanksAreRefused(t *testing.T) {
	for field, spoil := range map[string]func(*heat.Tank){
		"Volume":   func(c *heat.Tank) { c.Volume = 0 },
		"Height":   func(c *heat.Tank) { c.Height = math.NaN() },
		"Loss":     func(c *heat.Tank) { c.Loss = -1 },
		"HeatFrom": func(c *heat.Tank) { c.HeatFrom = 2 },
		"HeatTo":   func(c *heat.Tank) { c.HeatTo = 0.01 },
		"Coil":     func(c *heat.Tank) { c.Coil = math.Inf(1) },
	} {
		c := heat.HouseholdCylinder()
		spoil(&c)
		if _, err := c.TwoNode(); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s spoiled: error is %v, want one that names it", field, err)
		}
	}
	if _, err := heat.HouseholdCylinder().Layers(1); err == nil {
		t.Error("a tank in one layer was accepted")
	}
}

func BenchmarkTankStep(b *testing.B) {
	m := layers(b, 12, heat.HouseholdCylinder())
	water := m.Still(50)
	b.ReportAllocs()
	for b.Loop() {
		m.Step(water, heat.TankInputs{Room: 20, Cold: 10, Heat: 1000}, 10*time.Second)
	}
}

package heat_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"hearth/heat"
	"hearth/units"
)

func TestRadiator(t *testing.T) {
	r := heat.Radiator{Nominal: 1000, Supply: 75, Return: 65, Indoor: 20}
	near(t, "at its own design in W", float64(r.Output(75, 65, 20)), 1000, 1e-9)
	// (29.72/49.83)^1.3 and (19.58/49.83)^1.3, which makers print as 0.51 and 0.30.
	near(t, "at 55/45/20 in W", float64(r.Output(55, 45, 20)), 510.7, 0.1)
	near(t, "at 45/35/20 in W", float64(r.Output(45, 35, 20)), 296.8, 0.1)
	near(t, "with water as warm as the room", float64(r.Output(20, 20, 20)), 0, 0)
	near(t, "with water that leaves colder than the room", float64(r.Output(40, 15, 20)), 0, 0)
	near(t, "without design temperatures", float64(heat.Radiator{Nominal: 1000}.Output(50, 40, 20)), 0, 0)

	flow := units.LitresPerMinute(1000.0 / (10 * 4183) * 60)
	power, back := r.Supplied(75, 20, flow)
	near(t, "fed with its nominal flow in W", float64(power), 1000, 0.01)
	near(t, "leaves at in °C", float64(back), 65, 1e-4)
}

func TestRadiatorGivesWhatItsWaterLoses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := func(least, most float64, name string) float64 { return rapid.Float64Range(least, most).Draw(t, name) }
		r := heat.Radiator{Nominal: units.Watts(f(100, 5000, "nominal")), Supply: 75, Return: 65, Indoor: 20}
		supply, flow := units.Celsius(f(20.5, 90, "supply")), units.LitresPerMinute(f(0.05, 20, "flow"))
		power, back := r.Supplied(supply, 20, flow)
		if back > supply || back < 20 {
			t.Fatalf("water at %v leaves at %v", supply, back)
		}
		if out := r.Output(supply, back, 20); math.Abs(float64(out-power)) > 1e-6*float64(power)+1e-3 {
			t.Fatalf("the water loses %v, the radiator gives %v", power, out)
		}
	})
}

func TestHeatedFloor(t *testing.T) {
	near(t, "9 K above the room, EN 1264's limit of comfort, in W/m²", float64(heat.HeatedFloor(1).Output(29, 20)), 100, 1)
	near(t, "cold floor", float64(heat.HeatedFloor(30).Output(18, 20)), 0, 0)
	near(t, "surface for 1200 W on 40 m² in °C", float64(heat.HeatedFloor(40).Output(heat.HeatedFloor(40).Surface(1200, 20), 20)), 1200, 1e-6)
	near(t, "surface for nothing", float64(heat.HeatedFloor(40).Surface(0, 20)), 20, 0)
}

func TestHeatCurve(t *testing.T) {
	c, err := heat.CurveThrough(-12, 52)
	if err != nil {
		t.Fatal(err)
	}
	for outdoor, want := range map[units.Celsius]float64{20: 20, -12: 52, 4: 36, -30: 52, 35: 20} {
		near(t, "supply at "+outdoor.String(), float64(c.Supply(outdoor)), want, 1e-9)
	}
	c.Offset = 3
	near(t, "shifted by 3 K", float64(c.Supply(4)), 39, 1e-9)
	near(t, "shifted, at its bound", float64(c.Supply(-12)), 52, 1e-9)
	near(t, "unbounded", float64(heat.Curve{Base: 22, Slope: 1.5}.Supply(-20)), 82, 1e-9)
	for _, bad := range [][2]units.Celsius{{25, 50}, {-10, 15}, {-10, 120}, {units.Celsius(math.NaN()), 50}, {-10, units.Celsius(math.NaN())}} {
		if _, err := heat.CurveThrough(bad[0], bad[1]); err == nil {
			t.Errorf("a curve through %v at %v was accepted", bad[1], bad[0])
		}
	}
}

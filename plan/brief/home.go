package brief

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"hearth/heat"
	"hearth/heat/climate"
	"hearth/plan"
	"hearth/plan/atlas"
	"hearth/units"
)

// weather reads the year of a file.
func (a *asker) weather(name string) {
	src := a.read("weather", name)
	if a.err != nil {
		return
	}
	var year *climate.Year
	var err error
	switch head, _, _ := strings.Cut(string(src[:min(len(src), 200)]), ","); {
	case strings.EqualFold(strings.TrimPrefix(head, "\ufeff"), "LOCATION"):
		year, err = climate.ReadEPW(bytes.NewReader(src))
	case bytes.HasPrefix(src, []byte("PK\x03\x04")) || bytes.HasPrefix(src, []byte("\x1f\x8b")):
		a.failf("weather", "%s is compressed: unpack it, and give the file that is in it", name)
		return
	case a.Brief.Place == "":
		a.failf("weather", "%s: a table of hours does not say where it is: say a town near by as \"place\", or give an EPW file, which begins with LOCATION", name)
		return
	default:
		var at climate.Place
		if at, err = climate.PlaceByName(a.Brief.Place); err != nil {
			a.fail("place", err)
			return
		}
		year, err = climate.ReadCSV(bytes.NewReader(src), at)
	}
	if err != nil {
		a.failf("weather", "%s: %w", name, err)
		return
	}
	a.Question.Year, a.Place = year, year.Place()
	if a.Place.Zone == "" {
		// Times of day in tariffs are those of a clock on the wall, if known.
		a.Place.Zone = zoneNear(a.Place)
	}
	says := name
	if n := year.Filled(); n > 0 {
		says += fmt.Sprintf(", in which gaps of %d hours were filled by straight lines", n)
	}
	a.given("weather", says, origin{})
	if a.Brief.Place != "" {
		a.given("place", a.Place.String(), origin{})
	}
}

// zoneNear returns the time zone of a known place within half a degree, where
// there is one: the same town by another station.
func zoneNear(p climate.Place) string {
	for _, q := range climate.Places() {
		if math.Abs(q.Latitude-p.Latitude) < 0.5 && math.Abs(q.Longitude-p.Longitude) < 0.5 && q.Offset == p.Offset {
			return q.Zone
		}
	}
	return ""
}

// home makes the building and what wants heat besides.
func (a *asker) home() {
	if a.err != nil {
		return
	}
	h := &a.Question.Home
	a.uses(h)
	if strings.EqualFold(a.Brief.Building, "none") {
		a.given("building", "none", origin{})
		a.noRooms(h)
		return
	}
	name := a.Brief.Building
	if name == "" {
		name = atlas.Archetype{Shape: atlas.House, Insulation: atlas.Mid, Mass: heat.Medium}.String()
	}
	kind, err := atlas.ArchetypeByName(name)
	if err != nil {
		a.fail("building", err)
		return
	}
	a.given("building", kind.String(), judged("a middling house"))
	h.Name = kind.String()
	b := kind.Building(a.Place.Location)
	a.building(&b, kind)
	h.Rooms = &b
	a.setpoint(h)
	from := judged("of a " + kind.String())
	h.Internal = units.Watts(a.figure("internal", watts(0, 1e6), math.Round(float64(kind.Internal())*b.FloorArea/kind.Building(a.Place.Location).FloorArea), judged("3 W for each m² of floor")))
	h.Supply = units.Celsius(a.figure("supply", celsius(25, 90), float64(kind.Supply()), from))
}

// noRooms refuses what is said about rooms that there are not.
func (a *asker) noRooms(h *plan.Home) {
	for _, key := range []string{"floor-area", "heat-demand", "wall-u", "roof-u", "floor-u", "window-u", "air-changes", "air-recovery", "setpoint", "internal", "supply"} {
		if a.Brief.Get(key) != "" {
			a.failf(key, "there are no rooms: leave it out, or name a building")
			return
		}
	}
	if len(h.Uses) == 0 {
		a.failf("building", "nothing wants heat: name a building, or people, a pool, a laundry, a greenhouse, a district or a bathhouse")
	}
	h.Name = "heat without rooms"
}

// building puts own figures in place of the archetype's. A floor of another
// size keeps the shape: walls, windows and roof grow with it.
func (a *asker) building(b *heat.Building, kind atlas.Archetype) {
	from := judged("of a " + kind.String())
	skin := kind.Insulation.Envelope()
	floor := a.figure("floor-area", area(10, 1e5), b.FloorArea, from)
	grown := floor / b.FloorArea
	b.FloorArea, b.Volume = floor, b.Volume*grown
	b.MassCapacity, b.MassArea = kind.Mass.Of(floor)
	b.AirChanges = a.figure("air-changes", count("/h", 0, 20), b.AirChanges, from)
	b.Recovery = a.share("air-recovery", 0, 0.95, 0, judged("no ventilation unit"))
	wall := a.figure("wall-u", transmittance(), skin.Wall, from)
	roof := a.figure("roof-u", transmittance(), skin.Roof, from)
	ground := a.figure("floor-u", transmittance(), skin.Floor, from)
	window := a.figure("window-u", transmittance(), skin.Window, from)
	for i := range b.Windows {
		b.Windows[i].Area *= grown
		b.Windows[i].U = window
	}
	for i := range b.Opaque {
		o := &b.Opaque[i]
		o.Area *= grown
		switch {
		case o.Sheltered:
			o.U = ground * atlas.Ground
		case o.Tilt == 0:
			o.U = roof
		default:
			o.U = wall
		}
	}
	if _, err := b.Model(); err != nil {
		a.fail("building", err)
	}
}

// setpoint reads a temperature or a habit.
func (a *asker) setpoint(h *plan.Home) {
	habits := atlas.Habits()
	s := a.Brief.Setpoint
	var names []string
	for i, habit := range habits {
		if s == "" && i == 0 || strings.EqualFold(s, habit.Name) {
			h.Setpoint = habit.Setpoint
			a.given("setpoint", fmt.Sprintf("%s (%s)", habit.Name, span(habit.Setpoint)), judged("the same all day"))
			return
		}
		names = append(names, fmt.Sprintf("%q", habit.Name))
	}
	v, err := celsius(5, 30).read(s)
	if err != nil {
		a.failf("setpoint", "%w, or one of %s", err, strings.Join(names, ", "))
		return
	}
	for i := range h.Setpoint {
		h.Setpoint[i] = units.Celsius(v)
	}
	a.given("setpoint", units.Celsius(v).String(), origin{})
}

func span(t [24]units.Celsius) string {
	least, most := t[0], t[0]
	for _, v := range t {
		least, most = min(least, v), max(most, v)
	}
	if least == most {
		return most.String()
	}
	return fmt.Sprintf("%.0f to %v", float64(least), most)
}

// uses reads what wants heat besides rooms.
func (a *asker) uses(h *plan.Home) {
	for _, u := range []struct {
		key     string
		kind    plan.UseKind
		measure measure
	}{
		{"people", plan.HotWater, count("people", 0, 10000)},
		{"pool", plan.Pool, area(0, 1e5)},
		{"laundry", plan.Laundry, measure{own: "kg", others: []unit{{"lb", 0.45359237}}, most: 1e5, example: "200 kg"}},
		{"greenhouse", plan.Greenhouse, area(0, 1e6)},
		{"district", plan.District, kilowatts(0, 1e6)},
		{"bathhouse", plan.Bathhouse, area(0, 1e5)},
	} {
		if a.Brief.Get(u.key) == "" {
			continue
		}
		if v := a.figure(u.key, u.measure, 0, origin{}); v > 0 {
			h.Uses = append(h.Uses, plan.Use{Kind: u.kind, Size: v})
		}
	}
}

// demand makes the building tighter or leakier until its rooms want the heat
// that the brief says, by the same model that the plan uses. The rest of the
// question must be there.
func (a *asker) demand() {
	h := &a.Question.Home
	if a.err != nil || a.Brief.HeatDemand == "" {
		return
	}
	want := a.figure("heat-demand", measure{own: "kWh/m²", others: []unit{{"kWh/m2", 1}, {"kWh/m²a", 1}, {"kWh/m2a", 1}, {"kWh/(m²a)", 1}}, least: 1, most: 1000, example: "140 kWh/m²"}, 0, origin{})
	if a.err != nil {
		return
	}
	q := a.Question
	q.Home.Uses = nil
	wants := func(factor float64) (float64, heat.Building, error) {
		b := scaled(*h.Rooms, factor)
		q.Home.Rooms = &b
		site, err := plan.Prepare(q)
		if err != nil {
			return 0, b, err
		}
		return float64(site.Load().Rooms) / b.FloorArea, b, nil
	}
	low, high := 0.05, 8.0
	least, _, err := wants(low)
	if err != nil {
		a.fail("heat-demand", err)
		return
	}
	most, made, err := wants(high)
	for err != nil && high > 1 { // more than the mass can pass on
		high *= 0.8
		most, made, err = wants(high)
	}
	switch {
	case err != nil:
		a.fail("heat-demand", err)
		return
	case least > want:
		a.failf("heat-demand", "%.0f kWh/m² cannot be in %s: with a twentieth of its losses the building still wants %.0f", want, a.Place.Name, least)
		return
	case most < want:
		a.failf("heat-demand", "%.0f kWh/m² cannot be in %s: with %.1f times its losses the building wants only %.0f", want, a.Place.Name, high, most)
		return
	}
	var factor float64
	for range 30 {
		mid := math.Sqrt(low * high)
		factor = mid
		got, b, err := wants(mid)
		if err != nil {
			a.fail("heat-demand", err)
			return
		}
		if made = b; math.Abs(got-want) < 0.0005*want {
			break
		}
		if got < want {
			low = mid
		} else {
			high = mid
		}
	}
	h.Rooms = &made
	for i := range a.Givens {
		if g := &a.Givens[i]; g.Key == "heat-demand" { // for the figures of the walls stand beside it
			g.Value += fmt.Sprintf(": losses × %.2f", factor)
		}
	}
}

// scaled returns the building with all its losses multiplied.
func scaled(b heat.Building, factor float64) heat.Building {
	opaque, windows := b.Opaque, b.Windows
	b.Opaque, b.Windows = make([]heat.Opaque, len(opaque)), make([]heat.Window, len(windows))
	for i, o := range opaque {
		o.U *= factor
		b.Opaque[i] = o
	}
	for i, w := range windows {
		w.U = min(max(w.U*factor, 0.3), 6)
		b.Windows[i] = w
	}
	b.AirChanges *= factor
	return b
}

package heat

import (
	"fmt"
	"math"

	"hearth/units"
)

// Physical constants of the building model. ISO 13790:2008 unless said.
const (
	airHeat     = 1.2 * 1005 // J/m³K, heat capacity of air by volume
	massFilm    = 9.1        // W/m²K between mass and surfaces, 12.2.2
	surfaceFilm = 3.45       // W/m²K between surfaces and air, 7.2.2.2
	areaRatio   = 4.5        // inner surface per floor area, 7.2.2.2
	outerFilm   = 0.04       // m²K/W on the outside of walls, ISO 6946
	absorptance = 0.6        // of sun on a wall of medium colour
	emissivity  = 0.9        // of walls in the infrared
	skyDepth    = 11         // K by which the sky is colder than air, 11.4.6
)

// AirAndFurniture is the heat capacity of a room's air and furniture per
// square metre of floor, J/m²K, the default of EN ISO 52016-1:2017 table B.17.
// Multiplied by the floor area it is a [Building]'s AirCapacity.
const AirAndFurniture = 10_000

// Facing is the direction a surface looks. The zero Facing looks straight up.
type Facing struct {
	// Azimuth in degrees clockwise from north: 90 is east, 180 south.
	Azimuth float64
	// Tilt in degrees: 0 looks up, 90 is a wall, 180 looks down.
	Tilt float64
}

// Window is glass in the envelope.
type Window struct {
	Facing
	Area float64 // m²
	U    float64 // W/m²K, frame included
	// G is the share of the sun at right angles that ends as heat inside.
	G units.Fraction
	// Angle gives G for the sun's beam at the angle of incidence x, in radians,
	// relative to G at right angles: a0 + a1·x + a2·x² + a3·x³. Diffuse light
	// passes as if at right angles, as in LBL's ISO 13790 model. The zero
	// polynomial stands for clear double glazing.
	Angle [4]float64
	// Shaded is the share of the sun kept off by overhangs, curtains or trees.
	Shaded units.Fraction
}

// Opaque is a wall, a roof or a floor.
type Opaque struct {
	Facing
	Area float64 // m²
	// U is in W/m²K, between inside and outdoor air. Where the ground or an
	// unheated room lies between, it is reduced by the usual factor.
	U float64
	// Sheltered is set for what neither sun nor sky sees: floors, party walls.
	Sheltered bool
	// Absorptance of sunshine; 0 stands for 0.6, a medium colour.
	Absorptance units.Fraction
}

// Building is what the thermal model has to know of a heated space: one zone
// whose air has one temperature. The equations are those of the simple hourly
// method of ISO 13790:2008, annex C.
type Building struct {
	FloorArea  float64 // m², heated
	Volume     float64 // m³ of air
	AirChanges float64 // per hour, by ventilation and leaks together
	// Recovery is the share of heat that a ventilation unit takes back.
	Recovery units.Fraction
	Windows  []Window
	Opaque   []Opaque

	// MassCapacity is what walls, floors and ceilings store, in J/K, and
	// MassArea the m² through which they exchange it. [Class.Of] has defaults.
	MassCapacity, MassArea float64
	// AirCapacity is what air and furniture store, in J/K: see
	// [AirAndFurniture]. 0 is plain ISO 13790, whose air has no inertia; that
	// is right for hourly energy and wrong for a thermostat.
	AirCapacity float64
	// SurfaceArea is the m² of all inner surfaces; 0: 4.5 times the floor area.
	SurfaceArea float64
	// SurfaceFilm is the W/m²K between these and the air; 0: 3.45.
	SurfaceFilm float64
}

// Class is how heavily a building is built, ISO 13790:2008 table 12.
type Class int

// The classes of building mass.
const (
	VeryLight Class = iota
	Light
	Medium
	Heavy
	VeryHeavy
)

// Of returns the capacity, J/K, and the exchanging area, m², of the mass of a
// building of this class with the given floor area in m².
func (c Class) Of(floor float64) (capacity, area float64) {
	perFloor := [...]struct{ capacity, area float64 }{
		VeryLight: {80e3, 2.5}, Light: {110e3, 2.5}, Medium: {165e3, 2.5}, Heavy: {260e3, 3}, VeryHeavy: {370e3, 3.5},
	}
	p := perFloor[min(max(c, VeryLight), VeryHeavy)]
	return p.capacity * floor, p.area * floor
}

// WellInsulatedRoom returns a room of 40 m² (8 m × 5 m, 2.5 m high) under a
// roof, with two outer walls, triple glazing and calm ventilation. Its design
// load, by [Model.Load], is 1.2 kW at -20 °C outdoors and 20 °C indoors. Its
// air has a capacity, so it may be stepped by seconds.
func WellInsulatedRoom() Building {
	const floor = 40
	capacity, area := Medium.Of(floor)
	return Building{
		FloorArea:  floor,
		Volume:     100,
		AirChanges: 0.4,
		Windows: []Window{
			{Facing: Facing{Azimuth: 180, Tilt: 90}, Area: 5, U: 0.9, G: 0.5},
			{Facing: Facing{Azimuth: 270, Tilt: 90}, Area: 2, U: 0.9, G: 0.5},
		},
		Opaque: []Opaque{
			{Facing: Facing{Azimuth: 180, Tilt: 90}, Area: 15, U: 0.18},
			{Facing: Facing{Azimuth: 270, Tilt: 90}, Area: 10.5, U: 0.18},
			{Area: floor, U: 0.15},
		},
		MassCapacity: capacity,
		MassArea:     area,
		AirCapacity:  AirAndFurniture * floor,
	}
}

// check refuses a building that cannot be, naming the field.
func (b Building) check() error {
	type bound struct {
		field       string
		value       float64
		least, most float64
		unit        string
	}
	bounds := []bound{
		{"FloorArea", b.FloorArea, 1, 1e6, "m²"},
		{"Volume", b.Volume, 1, 1e7, "m³"},
		{"AirChanges", b.AirChanges, 0, 50, "per hour"},
		{"Recovery", float64(b.Recovery), 0, 0.99, "(a share)"},
		{"MassCapacity", b.MassCapacity, 1e3, 1e13, "J/K"},
		{"MassArea", b.MassArea, 0.1, 1e8, "m²"},
		{"AirCapacity", b.AirCapacity, 0, 1e12, "J/K"},
		{"SurfaceArea", b.SurfaceArea, 0, 1e8, "m²"},
		{"SurfaceFilm", b.SurfaceFilm, 0, 50, "W/m²K"},
	}
	facing := func(field string, f Facing) {
		bounds = append(bounds,
			bound{field + ".Azimuth", f.Azimuth, -360, 360, "degrees"},
			bound{field + ".Tilt", f.Tilt, 0, 180, "degrees"})
	}
	for i, w := range b.Windows {
		field := fmt.Sprintf("Windows[%d]", i)
		facing(field, w.Facing)
		bounds = append(bounds,
			bound{field + ".Area", w.Area, 0, 1e6, "m²"},
			bound{field + ".U", w.U, 0.1, 10, "W/m²K"},
			bound{field + ".G", float64(w.G), 0, 1, "(a share)"},
			bound{field + ".Shaded", float64(w.Shaded), 0, 1, "(a share)"})
		for k, a := range w.Angle {
			bounds = append(bounds, bound{fmt.Sprintf("%s.Angle[%d]", field, k), a, -100, 100, "(a coefficient)"})
		}
	}
	for i, o := range b.Opaque {
		field := fmt.Sprintf("Opaque[%d]", i)
		facing(field, o.Facing)
		bounds = append(bounds,
			bound{field + ".Area", o.Area, 0, 1e6, "m²"},
			bound{field + ".U", o.U, 0, 10, "W/m²K"},
			bound{field + ".Absorptance", float64(o.Absorptance), 0, 1, "(a share)"})
	}
	for _, c := range bounds {
		if !(c.value >= c.least && c.value <= c.most) { // NaN fails too
			return fmt.Errorf("building: %s is %g %s, must be from %g to %g", c.field, c.value, c.unit, c.least, c.most)
		}
	}
	return nil
}

// Model returns the building's equations, ready to be stepped. It refuses a
// building that cannot exist and names the field.
func (b Building) Model() (Model, error) {
	if err := b.check(); err != nil {
		return Model{}, err
	}
	m := Model{massCapacity: b.MassCapacity, airCapacity: b.AirCapacity}
	surface, film := b.SurfaceArea, b.SurfaceFilm
	if surface == 0 {
		surface = areaRatio * b.FloorArea
	}
	if film == 0 {
		film = surfaceFilm
	}
	m.air = airHeat * b.Volume * b.AirChanges / 3600 * (1 - float64(b.Recovery))
	m.inner = film * surface
	m.mass = massFilm * b.MassArea
	for _, w := range b.Windows {
		m.glass += w.U * w.Area
	}
	var opaque float64
	for _, o := range b.Opaque {
		opaque += o.U * o.Area
	}
	if opaque >= m.mass {
		return Model{}, fmt.Errorf("building: Opaque loses %.4g W/K, which must be less than the %.4g W/K that MassArea can pass on", opaque, m.mass)
	}
	// ISO 13790 C.2: the mass sits between Hms and Hem in series, so that
	// both together are the whole opaque loss.
	if opaque > 0 {
		m.outer = 1 / (1/opaque - 1/m.mass)
	}
	if m.air+m.glass+m.outer < 1e-3 {
		return Model{}, fmt.Errorf("building: it loses no heat: give it Opaque, Windows or AirChanges")
	}
	// C.2: gains that do not go to the air are split between mass, surfaces
	// and what goes straight out through the glass.
	m.toMass = b.MassArea / surface
	m.toGlass = m.glass / (massFilm * surface)
	m.toSurface = 1 - m.toMass - m.toGlass
	if m.toSurface < 0 {
		return Model{}, fmt.Errorf("building: MassArea is %.4g m², too much for a SurfaceArea of %.4g m² with this much glass", b.MassArea, surface)
	}
	m.apertures(b)
	m.solve()
	return m, nil
}

// apertures lists what the sun can reach.
func (m *Model) apertures(b Building) {
	for _, w := range b.Windows {
		a := aperture{normal: w.normal(), area: w.Area * float64(w.G) * (1 - float64(w.Shaded)), angle: w.Angle}
		if a.angle == [4]float64{} {
			a.angle = [4]float64{1, -.189, .644, -.596} // clear double glazing, BESTEST case 600
		}
		m.sunlit = append(m.sunlit, a)
	}
	for _, o := range b.Opaque {
		if o.Sheltered {
			continue
		}
		share := float64(o.Absorptance)
		if share == 0 {
			share = absorptance
		}
		n := o.normal()
		through := outerFilm * o.U * o.Area
		m.sunlit = append(m.sunlit, aperture{normal: n, area: share * through})
		m.skyLoss += through * 5 * emissivity * skyDepth * (1 + n.up) / 2
	}
}

// vector is a direction.
type vector struct{ east, north, up float64 }

func (v vector) dot(u vector) float64 { return v.east*u.east + v.north*u.north + v.up*u.up }

func (f Facing) normal() vector {
	az, tilt := f.Azimuth*math.Pi/180, f.Tilt*math.Pi/180
	return vector{math.Sin(tilt) * math.Sin(az), math.Sin(tilt) * math.Cos(az), math.Cos(tilt)}
}

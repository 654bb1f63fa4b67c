package atlas

import (
	"fmt"
	"math"
	"strings"

	"hearth/heat"
	"hearth/units"
)

// Shape is what kind of dwelling a building is.
type Shape string

// The shapes of dwellings.
const (
	Flat      Shape = "flat"      // 70 m² in the middle of a block, two outer walls
	House     Shape = "house"     // 140 m², two storeys, detached
	Farmhouse Shape = "farmhouse" // 200 m², one storey and a half, detached
)

// Shapes returns all of them.
func Shapes() []Shape { return []Shape{Flat, House, Farmhouse} }

// Insulation is how well a dwelling keeps its heat.
type Insulation string

// The standards of insulation, named by the heat that the medium [House] wants
// in a year at 20 °C in the climate of Potsdam, Germany.
const (
	Poor Insulation = "poor" // 250 kWh/m²: solid walls, as built before 1950
	Mid  Insulation = "mid"  // 140 kWh/m²: some insulation, as built about 1985
	Good Insulation = "good" // 60 kWh/m²: as built today
)

// Insulations returns all of them.
func Insulations() []Insulation { return []Insulation{Poor, Mid, Good} }

// Archetype is a dwelling of a kind that there are many of. Its shapes are an
// assumption of Hearth and no statistics: simple boxes with a common share of
// windows. Its transmittances are scaled so that the house wants the heat that
// [Insulation] says.
type Archetype struct {
	Shape      Shape
	Insulation Insulation
	Mass       heat.Class // how heavily it is built
}

// Archetypes returns every shape with every insulation, light, medium and
// heavy.
func Archetypes() []Archetype {
	var list []Archetype
	for _, s := range Shapes() {
		for _, i := range Insulations() {
			for _, m := range []heat.Class{heat.Light, heat.Medium, heat.Heavy} {
				list = append(list, Archetype{s, i, m})
			}
		}
	}
	return list
}

var masses = [...]string{heat.Light: "light", heat.Medium: "medium", heat.Heavy: "heavy"}

// String returns "poor medium house", which [ArchetypeByName] reads.
func (a Archetype) String() string {
	mass := fmt.Sprintf("class %d", a.Mass)
	if a.Mass >= heat.Light && int(a.Mass) < len(masses) {
		mass = masses[a.Mass]
	}
	return fmt.Sprintf("%s %s %s", a.Insulation, mass, a.Shape)
}

// ArchetypeByName reads the words of an archetype in any order: "poor house",
// "flat good heavy". What is not said is mid, medium and a house.
func ArchetypeByName(name string) (Archetype, error) {
	a := Archetype{House, Mid, heat.Medium}
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r < 'a' || r > 'z' })
	if len(words) == 0 {
		return a, fmt.Errorf("find the building %q: write words such as %q", name, "poor medium house")
	}
	var said [3]bool
	for _, w := range words {
		kind := -1
		switch w {
		case "poor", "mid", "good":
			kind, a.Insulation = 0, Insulation(w)
		case "light":
			kind, a.Mass = 1, heat.Light
		case "medium":
			kind, a.Mass = 1, heat.Medium
		case "heavy":
			kind, a.Mass = 1, heat.Heavy
		case "flat", "house", "farmhouse":
			kind, a.Shape = 2, Shape(w)
		}
		if kind < 0 {
			return a, fmt.Errorf("find the building %q: %q is none of poor, mid, good; light, medium, heavy; flat, house, farmhouse", name, w)
		}
		if said[kind] {
			return a, fmt.Errorf("find the building %q: %q contradicts a word before it", name, w)
		}
		said[kind] = true
	}
	return a, nil
}

// Envelope is what the parts of a building let through.
type Envelope struct {
	Wall, Roof, Floor, Window float64        // W/m²K; the floor lies on the ground
	Sun                       units.Fraction // of the windows, at right angles
	AirChanges                float64        // per hour
}

// Ground is the share of a floor's transmittance that remains where the
// ground lies between it and the weather, the usual factor of EN ISO 13789.
const Ground = 0.6

// Envelope returns the transmittances that belong to a standard of insulation;
// those of Mid for one that there is not.
func (i Insulation) Envelope() Envelope {
	switch i {
	case Poor:
		return Envelope{Wall: 1.8, Roof: 1.4, Floor: 1.3, Window: 2.8, Sun: 0.75, AirChanges: 0.8}
	case Good:
		return Envelope{Wall: 0.31, Roof: 0.22, Floor: 0.35, Window: 1.3, Sun: 0.6, AirChanges: 0.55}
	default:
		return Envelope{Wall: 0.8, Roof: 0.65, Floor: 0.8, Window: 2.8, Sun: 0.75, AirChanges: 0.65}
	}
}

// box is the geometry of a shape, m² and m³. Windows and walls go to the
// pole, the east, the equator and the west.
type box struct {
	floor, volume, roof, ground float64
	walls, windows              [4]float64
}

func (s Shape) box() box {
	switch s {
	case Flat:
		return box{floor: 70, volume: 175, walls: [4]float64{18, 0, 15, 0}, windows: [4]float64{4, 0, 7, 0}}
	case Farmhouse:
		return box{
			floor: 200, volume: 520, roof: 145, ground: 125,
			walls: [4]float64{55, 40, 50, 40}, windows: [4]float64{4, 5, 9, 5},
		}
	default:
		return box{
			floor: 140, volume: 350, roof: 75, ground: 75,
			walls: [4]float64{35.75, 35.75, 35.75, 35.75}, windows: [4]float64{3, 4.5, 9, 4.5},
		}
	}
}

// Building returns the archetype as it stands at a place: its largest windows
// look to the equator. Its air has no capacity, as befits steps of an hour.
func (a Archetype) Building(at heat.Location) heat.Building {
	shape, skin := a.Shape.box(), a.Insulation.Envelope()
	b := heat.Building{FloorArea: shape.floor, Volume: shape.volume, AirChanges: skin.AirChanges}
	b.MassCapacity, b.MassArea = a.Mass.Of(shape.floor)
	for i := range shape.walls {
		azimuth := float64(90 * i)
		if at.Latitude < 0 {
			azimuth = math.Mod(540-azimuth, 360)
		}
		f := heat.Facing{Azimuth: azimuth, Tilt: 90}
		if shape.walls[i] > 0 {
			b.Opaque = append(b.Opaque, heat.Opaque{Facing: f, Area: shape.walls[i], U: skin.Wall})
		}
		if shape.windows[i] > 0 {
			b.Windows = append(b.Windows, heat.Window{Facing: f, Area: shape.windows[i], U: skin.Window, G: skin.Sun})
		}
	}
	if shape.roof > 0 {
		b.Opaque = append(b.Opaque, heat.Opaque{Area: shape.roof, U: skin.Roof})
	}
	if shape.ground > 0 {
		b.Opaque = append(b.Opaque, heat.Opaque{Area: shape.ground, U: skin.Floor * Ground, Sheltered: true})
	}
	return b
}

// Internal returns what people and things add to the rooms: 3 W for a square
// metre of floor, the usual assumption for dwellings.
func (a Archetype) Internal() units.Watts { return units.Watts(3 * a.Shape.box().floor) }

// Supply returns the temperature that the emitters of such a home need in the
// coldest hour: old radiators 65 °C, new ones 50 °C, a heated floor 35 °C.
func (a Archetype) Supply() units.Celsius {
	switch a.Insulation {
	case Poor:
		return 65
	case Good:
		return 35
	default:
		return 50
	}
}

// Habit is what temperature people want at which hour of the day.
type Habit struct {
	Name     string
	Setpoint [24]units.Celsius
}

// Habits returns a few common ones, an assumption of Hearth.
func Habits() []Habit {
	day := func(name string, low units.Celsius, warm ...[2]int) Habit {
		h := Habit{Name: name}
		for i := range h.Setpoint {
			h.Setpoint[i] = low
			for _, span := range warm {
				if i >= span[0] && i < span[1] {
					h.Setpoint[i] = 20
				}
			}
		}
		return h
	}
	return []Habit{
		day("steady", 20),
		day("night setback", 17, [2]int{6, 22}),
		day("away by day", 17, [2]int{6, 8}, [2]int{16, 22}),
	}
}

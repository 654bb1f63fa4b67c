package heat

import (
	"fmt"
	"math"
	"time"

	"hearth/units"
)

const (
	waterHeat     = 4183   // J/(l·K)
	waterConducts = 0.6406 // W/mK
	mostSubsteps  = 1_000_000
	mostLayers    = 100
)

// Tank is a standing cylinder of water that is heated low and drawn off at the
// top.
type Tank struct {
	Volume units.Litres
	Height float64 // m, of the water
	Loss   float64 // W/K, of the whole tank to the room around it
	// HeatFrom and HeatTo are the heights between which the heater gives its
	// heat off, 0 being the bottom and 1 the top.
	HeatFrom, HeatTo units.Fraction
	// Coil is the W/K between the fluid in a coil and the water; 0 where the
	// heater is immersed.
	Coil float64
}

// HouseholdCylinder returns a tank of 200 l with a coil in its lower half, as
// it stands in many houses, of energy class B (1.5 kWh lost per day at 45 K,
// Regulation (EU) 812/2013).
func HouseholdCylinder() Tank {
	return Tank{Volume: 200, Height: 1.3, Loss: 1.4, HeatFrom: 0.05, HeatTo: 0.45, Coil: 400}
}

// TankModel is a tank cut into layers, each of one temperature. It never
// changes and may be shared; the temperatures are the caller's, a slice with
// the bottom layer first.
type TankModel struct {
	capacity []float64 // J/K
	loss     []float64 // W/K
	between  []float64 // W/K to the layer above
	heated   []float64 // share of the heat
	coil     []float64 // W/K
	edge     []float64 // height of the upper edge, 0 to 1
}

// Layers returns the tank in n layers of one height, 2 to 100. Twelve follow
// the stratification of real tanks well enough to check coarser models.
func (t Tank) Layers(n int) (*TankModel, error) {
	if n < 2 || n > mostLayers {
		return nil, fmt.Errorf("tank: %d layers, must be from 2 to %d", n, mostLayers)
	}
	edges := make([]float64, n)
	for i := range edges {
		edges[i] = float64(i+1) / float64(n)
	}
	return t.cut(edges)
}

// TwoNode returns the tank in two layers, the lower of two thirds of the
// height: enough for control, which knows two sensors at most. Given the same
// heat and tapping it keeps the energy in store within 3 % of a full tank of
// what twelve layers say, but its top strays by some 6 K: the top comes from
// the sensor, not from the model.
func (t Tank) TwoNode() (*TankModel, error) { return t.cut([]float64{2. / 3, 1}) }

func (t Tank) check() error {
	for _, c := range []struct {
		field       string
		value       float64
		least, most float64
		unit        string
	}{
		{"Volume", float64(t.Volume), 1, 1e6, "l"},
		{"Height", t.Height, 0.1, 50, "m"},
		{"Loss", t.Loss, 0, 1e4, "W/K"},
		{"HeatFrom", float64(t.HeatFrom), 0, 1, "(a share of the height)"},
		{"HeatTo", float64(t.HeatTo), float64(t.HeatFrom), 1, "(a share of the height)"},
		{"Coil", t.Coil, 0, 1e6, "W/K"},
	} {
		if !(c.value >= c.least && c.value <= c.most) {
			return fmt.Errorf("tank: %s is %g %s, must be from %g to %g", c.field, c.value, c.unit, c.least, c.most)
		}
	}
	return nil
}

func (t Tank) cut(edges []float64) (*TankModel, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	area := float64(t.Volume) / 1000 / t.Height // m²
	side := math.Sqrt(4*math.Pi*area) * t.Height
	m := &TankModel{edge: edges}
	from, to := float64(t.HeatFrom), float64(t.HeatTo)
	if to-from < 0.01 { // a heater in one spot
		from, to = max(0, from-0.005), min(1, from+0.005)
	}
	below := 0.0
	for i, edge := range edges {
		share := edge - below
		outside := share * side
		if i == 0 {
			outside += area
		}
		if i == len(edges)-1 {
			outside += area
		}
		heated := max(0, min(edge, to)-max(below, from)) / (to - from)
		m.capacity = append(m.capacity, share*float64(t.Volume)*waterHeat)
		m.loss = append(m.loss, t.Loss*outside/(side+2*area))
		m.heated = append(m.heated, heated)
		m.coil = append(m.coil, heated*t.Coil)
		if i+1 < len(edges) {
			distance := (edges[i+1] - below) / 2 * t.Height
			m.between = append(m.between, waterConducts*area/distance)
		}
		below = edge
	}
	return m, nil
}

// Still returns layers that are all at t.
func (m *TankModel) Still(t units.Celsius) []units.Celsius {
	water := make([]units.Celsius, len(m.capacity))
	for i := range water {
		water[i] = t
	}
	return water
}

// At returns the temperature at a height, 0 being the bottom and 1 the top: a
// sensor in its pocket.
func (m *TankModel) At(water []units.Celsius, height units.Fraction) units.Celsius {
	for i, edge := range m.edge {
		if float64(height) < edge {
			return water[i]
		}
	}
	return water[len(water)-1]
}

// Coldest returns the coldest layer: the whole tank is at least as warm, which
// is what killing legionella takes.
func (m *TankModel) Coldest(water []units.Celsius) units.Celsius {
	coldest := water[0]
	for _, t := range water {
		coldest = min(coldest, t)
	}
	return coldest
}

// Stored returns the heat in the water above a temperature.
func (m *TankModel) Stored(water []units.Celsius, above units.Celsius) units.Joules {
	var sum float64
	for i, t := range water {
		sum += m.capacity[i] * float64(t-above)
	}
	return units.Joules(sum)
}

// TankInputs act on a tank for the length of a step.
type TankInputs struct {
	Room units.Celsius // around the tank
	Cold units.Celsius // of the water that flows in when hot water is drawn
	Draw units.LitresPerMinute
	Heat units.Watts // of an immersed heater
	// Flow and Supply are the fluid that enters the coil at its upper end; no
	// flow, no heat.
	Flow   units.LitresPerMinute
	Supply units.Celsius
}

// TankFlows are what went in and out during a step. In a step
//
//	Stored(after) − Stored(before) = Heated − Lost − Drawn
//
// holds to the precision of the machine.
type TankFlows struct {
	Heated units.Joules  // by immersed heater and coil
	Lost   units.Joules  // to the room
	Drawn  units.Joules  // above the cold water that replaced it
	Outlet units.Celsius // mean of what was drawn; the top's when nothing was
	Return units.Celsius // of the fluid that left the coil, at the end of the step
}

// Step moves the water on by dt, in place. Steps may be of any length; inside
// they are cut so fine that no layer is passed over.
func (m *TankModel) Step(water []units.Celsius, in TankInputs, dt time.Duration) TankFlows {
	flows := TankFlows{Outlet: water[len(water)-1], Return: in.Supply}
	if dt <= 0 {
		return flows
	}
	draw := max(0, float64(in.Draw)) / 60 * waterHeat // W/K
	loop := max(0, float64(in.Flow)) / 60 * waterHeat
	fastest := 0.0
	for i, c := range m.capacity {
		rate := draw + m.loss[i] + min(loop, m.coil[i])
		if i > 0 {
			rate += m.between[i-1]
		}
		if i < len(m.between) {
			rate += m.between[i]
		}
		fastest = max(fastest, rate/c)
	}
	steps := int(max(1, min(mostSubsteps, math.Ceil(2*fastest*dt.Seconds()))))
	h := dt.Seconds() / float64(steps)
	var outlet float64
	for range steps {
		outlet += float64(water[len(water)-1])
		m.substep(water, &in, draw, loop, h, &flows)
	}
	if draw > 0 {
		flows.Outlet = units.Celsius(outlet / float64(steps))
	}
	return flows
}

func (m *TankModel) substep(water []units.Celsius, in *TankInputs, draw, loop, h float64, flows *TankFlows) {
	top := len(water) - 1
	flows.Heated += units.Joules(float64(in.Heat) * h)
	flows.Drawn += units.Joules(draw * float64(water[top]-in.Cold) * h)
	// The coil gives off from its upper end down: each layer takes what the
	// fluid has left for it.
	var coil [mostLayers]float64
	if loop > 0 {
		fluid := float64(in.Supply)
		for i := top; i >= 0; i-- {
			if m.coil[i] == 0 {
				continue
			}
			coil[i] = loop * (1 - math.Exp(-m.coil[i]/loop)) * (fluid - float64(water[i]))
			fluid -= coil[i] / loop
			flows.Heated += units.Joules(coil[i] * h)
		}
		flows.Return = units.Celsius(fluid)
	}
	below := float64(in.Cold) // what flows in when water is drawn
	rising := 0.0             // W conducted from below
	for i := range water {
		t := float64(water[i])
		lost := m.loss[i] * (t - float64(in.Room))
		power := float64(in.Heat)*m.heated[i] + coil[i] - lost + draw*(below-t) + rising
		if i < top {
			rising = m.between[i] * (t - float64(water[i+1]))
			power -= rising
		}
		flows.Lost += units.Joules(lost * h)
		below = t
		water[i] = units.Celsius(t + power*h/m.capacity[i])
	}
	m.settle(water)
}

// settle mixes layers until none lies under a colder one, as warm water rises.
func (m *TankModel) settle(water []units.Celsius) {
	for i := 1; i < len(water); i++ {
		if water[i-1] <= water[i] {
			continue
		}
		// Widen the mixed zone both ways until it fits.
		low, high := i-1, i
		sum := m.capacity[low]*float64(water[low]) + m.capacity[high]*float64(water[high])
		mass := m.capacity[low] + m.capacity[high]
		for grew := true; grew; {
			grew = false
			if low > 0 && float64(water[low-1]) > sum/mass {
				low--
				sum += m.capacity[low] * float64(water[low])
				mass += m.capacity[low]
				grew = true
			}
			if high+1 < len(water) && float64(water[high+1]) < sum/mass {
				high++
				sum += m.capacity[high] * float64(water[high])
				mass += m.capacity[high]
				grew = true
			}
		}
		for k := low; k <= high; k++ {
			water[k] = units.Celsius(sum / mass)
		}
		i = high
	}
}

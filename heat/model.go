package heat

import (
	"math"
	"time"

	"hearth/units"
)

// Inputs act on a building for the length of a step.
type Inputs struct {
	Outdoor units.Celsius
	// Solar is what the sun adds, net of what walls radiate to the sky, so it
	// is a little below zero at night: see [Model.Solar].
	Solar units.Watts
	// Internal is what people, lights and cooking add, half of it to the air.
	Internal units.Watts
	// Heat is what heaters add to the air.
	Heat units.Watts
}

// Nodes are the temperatures of a building: the state that a step changes.
// Without an air capacity only Mass carries over from step to step.
type Nodes struct{ Mass, Air, Surface units.Celsius }

// Uniform returns nodes that are all at t.
func Uniform(t units.Celsius) Nodes { return Nodes{t, t, t} }

// Operative returns the temperature that a person feels, of air and surfaces
// together, ISO 13790:2008 (C.12).
func (n Nodes) Operative() units.Celsius { return 0.3*n.Air + 0.7*n.Surface }

// Model is the thermal network of one building, its modes of decay worked
// out beforehand. The zero Model is not valid: get one from [Building.Model].
// It never changes and may be shared between goroutines.
//
// Air, inner surfaces and mass are nodes in a row; the outdoors is tied to the
// air by ventilation, to the surfaces by glass and to the mass by walls:
//
//	            air ──inner── surface ──mass── mass
//	             │               │              │
//	air changes  │         glass │        outer │
//	             └───────────outdoors───────────┘
type Model struct {
	air, inner, glass, mass, outer float64 // W/K: Hve, His, Hw, Hms, Hem
	massCapacity, airCapacity      float64 // J/K
	toMass, toSurface, toGlass     float64 // shares of radiant gains
	sunlit                         []aperture
	skyLoss                        float64 // W

	// The surface has no capacity and is eliminated. What is left, with
	// temperatures counted from the outdoors, is C·x' = p − G·x.
	sum        float64 // W/K at the surface node
	airShare   float64 // of a surface gain that reaches the air
	massShare  float64
	inverse    matrix  // G⁻¹, K/W: how the house settles
	fast, slow float64 // rates of decay, 1/s, below zero; fast is -Inf without air capacity
	slowPart   matrix  // projector on the slow mode; the fast one has the rest
}

// matrix is symmetric or not, of (air, mass) by (air, mass).
type matrix struct{ aa, am, ma, mm float64 }

func (m *Model) solve() {
	m.sum = m.inner + m.glass + m.mass
	m.airShare, m.massShare = m.inner/m.sum, m.mass/m.sum
	gaa := m.air + m.inner*(1-m.airShare)
	gmm := m.outer + m.mass*(1-m.massShare)
	gam := m.inner * m.massShare
	det := gaa*gmm - gam*gam
	m.inverse = matrix{gmm / det, gam / det, gam / det, gaa / det}
	if m.airCapacity == 0 {
		// The air follows the mass at once.
		m.fast, m.slow = math.Inf(-1), -det/gaa/m.massCapacity
		m.slowPart = matrix{am: gam / gaa, mm: 1}
		return
	}
	a := matrix{-gaa / m.airCapacity, gam / m.airCapacity, gam / m.massCapacity, -gmm / m.massCapacity}
	mean := (a.aa + a.mm) / 2
	m.fast = mean - math.Hypot((a.aa-a.mm)/2, math.Sqrt(a.am*a.ma))
	m.slow = det / (m.airCapacity * m.massCapacity) / m.fast
	gap := m.slow - m.fast
	m.slowPart = matrix{(a.aa - m.fast) / gap, a.am / gap, a.ma / gap, (a.mm - m.fast) / gap}
}

// Stepper is a [Model] for one length of step, with its coefficients worked
// out: the cheapest way through a year.
type Stepper struct {
	*Model
	end, mean matrix  // what is left of a deviation at the end, and on average
	seconds   float64 // > 0
	gain      float64 // K/W of heat on the air that Need aims at
}

// Every returns the stepper for steps of dt. A dt of zero or less leaves
// everything as it is.
func (m *Model) Every(dt time.Duration) Stepper {
	s := Stepper{Model: m, seconds: max(0, dt.Seconds())}
	slowEnd, slowMean := decay(m.slow * s.seconds)
	fastEnd, fastMean := 0.0, 0.0
	if m.airCapacity > 0 {
		fastEnd, fastMean = decay(m.fast * s.seconds)
	}
	s.end = m.modes(slowEnd, fastEnd)
	s.mean = m.modes(slowMean, fastMean)
	at := s.aim()
	s.gain = (1-at.aa)*m.inverse.aa - at.am*m.inverse.ma
	return s
}

// aim is the air that [Stepper.Need] brings to the set-point: the mean of the
// step in ISO 13790, where air has no inertia, else the air at its end.
func (s *Stepper) aim() matrix {
	if s.airCapacity == 0 {
		return s.mean
	}
	return s.end
}

func (m *Model) modes(slow, fast float64) matrix {
	p := m.slowPart
	if m.airCapacity == 0 {
		return matrix{am: slow * p.am, mm: slow * p.mm}
	}
	d := slow - fast
	return matrix{fast + d*p.aa, d * p.am, d * p.ma, fast + d*p.mm}
}

// decay returns e^x and its mean over the step, for x <= 0.
func decay(x float64) (end, mean float64) {
	if x == 0 {
		return 1, 1
	}
	e := math.Expm1(x)
	return 1 + e, e / x
}

// settled returns where air and mass would settle above the outdoors, and the
// gain at the surface node, W.
func (m *Model) settled(in *Inputs) (air, mass, surface float64) {
	radiant := 0.5*float64(in.Internal) + float64(in.Solar)
	surface = m.toSurface * radiant
	pa := 0.5*float64(in.Internal) + float64(in.Heat) + m.airShare*surface
	pm := m.toMass*radiant + m.massShare*surface
	return m.inverse.aa*pa + m.inverse.am*pm, m.inverse.ma*pa + m.inverse.mm*pm, surface
}

// Advance returns the temperatures at the end of the step and their means
// over it, exactly, for inputs that hold still meanwhile. n.Surface is not
// read, nor n.Air where the building has no air capacity.
func (s *Stepper) Advance(n Nodes, in Inputs) (end, mean Nodes) {
	air, mass, gain := s.settled(&in)
	da, dm := float64(n.Air-in.Outdoor)-air, float64(n.Mass-in.Outdoor)-mass
	end = s.nodes(air+s.end.aa*da+s.end.am*dm, mass+s.end.ma*da+s.end.mm*dm, gain, in.Outdoor)
	mean = s.nodes(air+s.mean.aa*da+s.mean.am*dm, mass+s.mean.ma*da+s.mean.mm*dm, gain, in.Outdoor)
	return end, mean
}

// Step returns the temperatures at the end of the step.
func (s *Stepper) Step(n Nodes, in Inputs) Nodes {
	air, mass, gain := s.settled(&in)
	da, dm := float64(n.Air-in.Outdoor)-air, float64(n.Mass-in.Outdoor)-mass
	return s.nodes(air+s.end.aa*da+s.end.am*dm, mass+s.end.ma*da+s.end.mm*dm, gain, in.Outdoor)
}

// Need returns the heat, on top of in.Heat, that brings the air to set: at the
// end of the step, or on its average where the building has no air capacity,
// as ISO 13790 has it. It is negative when heat would have to be taken away.
// A step of no length needs nothing.
func (s *Stepper) Need(n Nodes, in Inputs, set units.Celsius) units.Watts {
	if s.seconds == 0 {
		return 0
	}
	air, mass, _ := s.settled(&in)
	da, dm := float64(n.Air-in.Outdoor)-air, float64(n.Mass-in.Outdoor)-mass
	at := s.aim()
	free := air + at.aa*da + at.am*dm
	return units.Watts((float64(set-in.Outdoor) - free) / s.gain)
}

// nodes adds the surface to air and mass, all counted from the outdoors.
func (m *Model) nodes(air, mass, gain float64, outdoor units.Celsius) Nodes {
	return Nodes{
		Mass:    outdoor + units.Celsius(mass),
		Air:     outdoor + units.Celsius(air),
		Surface: outdoor + units.Celsius((m.inner*air+m.mass*mass+gain)/m.sum),
	}
}

// Step returns the temperatures after dt, exactly, for inputs that hold still
// meanwhile. Many steps of one length are cheaper through [Model.Every].
func (m Model) Step(n Nodes, in Inputs, dt time.Duration) Nodes {
	s := m.Every(dt)
	return s.Step(n, in)
}

// Advance returns the temperatures after dt and their means meanwhile: see
// [Stepper.Advance].
func (m Model) Advance(n Nodes, in Inputs, dt time.Duration) (end, mean Nodes) {
	s := m.Every(dt)
	return s.Advance(n, in)
}

// Need returns the heat that brings the air to set in dt: see [Stepper.Need].
func (m Model) Need(n Nodes, in Inputs, set units.Celsius, dt time.Duration) units.Watts {
	s := m.Every(dt)
	return s.Need(n, in, set)
}

// Losses are the ways out of a building.
type Losses struct {
	Opaque, Windows, Ventilation units.Watts
}

// Total returns the sum.
func (l Losses) Total() units.Watts { return l.Opaque + l.Windows + l.Ventilation }

// Losses returns what leaves the building at the temperatures n. With the
// means that [Model.Advance] returns they are the means of the step, and
//
//	Stored(end) − Stored(n) = (in.Solar + in.Internal + in.Heat − Losses(mean, in).Total()) · dt
//
// holds to the precision of the machine.
func (m Model) Losses(n Nodes, in Inputs) Losses {
	radiant := 0.5*float64(in.Internal) + float64(in.Solar)
	return Losses{
		Opaque:      units.Watts(m.outer * float64(n.Mass-in.Outdoor)),
		Windows:     units.Watts(m.glass*float64(n.Surface-in.Outdoor) + m.toGlass*radiant),
		Ventilation: units.Watts(m.air * float64(n.Air-in.Outdoor)),
	}
}

// Stored returns the heat in mass, air and furniture, counted from 0 °C.
func (m Model) Stored(n Nodes) units.Joules {
	return units.Joules(m.massCapacity*float64(n.Mass) + m.airCapacity*float64(n.Air))
}

// Load returns the steady heat that keeps the air at indoor with the outdoors
// at outdoor and no gains: at the coldest outdoors of a place, the design load.
func (m Model) Load(indoor, outdoor units.Celsius) units.Watts {
	return units.Watts(float64(indoor-outdoor) / m.inverse.aa)
}

// Settled returns the temperatures that a building reaches in the end when
// its inputs stay as they are.
func (m Model) Settled(in Inputs) Nodes {
	air, mass, gain := m.settled(&in)
	return m.nodes(air, mass, gain, in.Outdoor)
}

// Held returns the temperatures of a building that has long been kept at
// indoor without other gains: a start for a simulation.
func (m Model) Held(indoor, outdoor units.Celsius) Nodes {
	return m.Settled(Inputs{Outdoor: outdoor, Heat: m.Load(indoor, outdoor)})
}

// TimeConstant returns how long the building takes to lose 63 % of its warmth.
func (m Model) TimeConstant() time.Duration {
	return time.Duration(-1 / m.slow * float64(time.Second))
}

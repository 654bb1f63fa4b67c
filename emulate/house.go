package emulate

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"hearth/heat"
	"hearth/units"
)

// step is the longest step of a house: short enough that a thermostat sees no
// difference from air that warms all the time.
const step = 10 * time.Second

// grain is the shortest: a machine that was asked a moment ago hands over what
// it used until then, which in a step of nanoseconds would be gigawatts.
const grain = 100 * time.Millisecond

// HouseConfig is what a house is made of.
type HouseConfig struct {
	// Building is the heated space. It should have an air capacity, without
	// which air is as warm as its walls the instant a heater stops.
	Building heat.Building
	// Location is where it stands, for the sun.
	Location heat.Location
	// Weather is what the outdoors does at an instant.
	Weather func(time.Time) heat.Weather
	// Internal is what people, light and cooking add at an instant; nil is
	// nothing.
	Internal func(time.Time) units.Watts
	// Start is the instant at which the house begins.
	Start time.Time
	// Indoor is the temperature at which it has long been kept until then.
	Indoor units.Celsius
}

// House is a room with machines in it. It is safe for concurrent use.
type House struct {
	model    heat.Model
	place    heat.Location
	weather  func(time.Time) heat.Weather
	internal func(time.Time) units.Watts

	mu       sync.Mutex
	now      time.Time
	nodes    heat.Nodes
	outdoor  units.Celsius
	machines []attached
	stepper  heat.Stepper // for whole steps
	started  units.Joules // stored at the start
	balance  Balance
}

type attached struct {
	name    string
	machine Machine
}

// NewHouse builds a house that stands at its Start.
func NewHouse(c HouseConfig) (*House, error) {
	if c.Weather == nil {
		return nil, errors.New("build the emulated house: it has no weather")
	}
	model, err := c.Building.Model()
	if err != nil {
		return nil, fmt.Errorf("build the emulated house: %w", err)
	}
	h := &House{
		model: model, place: c.Location, weather: c.Weather, internal: c.Internal,
		now: c.Start, outdoor: c.Weather(c.Start).Outdoor,
		balance: Balance{Heat: map[string]units.Joules{}, From: c.Start, To: c.Start},
	}
	h.nodes = model.Held(c.Indoor, h.outdoor)
	h.started = model.Stored(h.nodes)
	h.stepper = h.model.Every(step)
	return h, nil
}

// Attach puts a machine into the house. The name tells its heat apart in the
// balance; two machines of one name are added up.
func (h *House) Attach(name string, m Machine) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.machines = append(h.machines, attached{name, m})
	h.balance.Heat[name] += 0
}

// AdvanceTo moves the house and all its machines to now, in steps of at most
// ten seconds. Less than a tenth of a second waits for the next call. Time does
// not run back: an earlier now changes nothing.
func (h *House) AdvanceTo(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for left := now.Sub(h.now); left >= grain; left = now.Sub(h.now) {
		h.advance(min(step, left))
	}
}

// advance is one step. h.mu is held.
func (h *House) advance(dt time.Duration) {
	middle := h.now.Add(dt / 2)
	h.now = h.now.Add(dt)

	var warmth units.Joules
	for _, a := range h.machines {
		e := a.machine.Advance(h.now, h.nodes.Air)
		h.balance.Heat[a.name] += e
		warmth += e
	}
	w := h.weather(middle)
	h.outdoor = w.Outdoor
	in := heat.Inputs{
		Outdoor: w.Outdoor,
		Solar:   h.model.Solar(w, h.place.Sun(middle)),
		Heat:    warmth.Mean(dt),
	}
	if h.internal != nil {
		in.Internal = h.internal(middle)
	}
	s := h.stepper
	if dt != step {
		s = h.model.Every(dt)
	}
	end, mean := s.Advance(h.nodes, in)
	h.nodes = end

	lost := h.model.Losses(mean, in)
	b := &h.balance
	b.To = h.now
	b.Solar += in.Solar.Over(dt)
	b.Internal += in.Internal.Over(dt)
	b.Opaque += lost.Opaque.Over(dt)
	b.Windows += lost.Windows.Over(dt)
	b.Ventilation += lost.Ventilation.Over(dt)
}

// Now returns the instant at which the house stands.
func (h *House) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// Air returns the true temperature of the room's air.
func (h *House) Air() units.Celsius {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.nodes.Air
}

// Outdoor returns the true temperature outdoors.
func (h *House) Outdoor() units.Celsius {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.outdoor
}

// Balance returns where the house's energy came from and went to so far.
func (h *House) Balance() Balance {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.balance
	b.Heat = maps.Clone(b.Heat)
	b.Stored = h.model.Stored(h.nodes) - h.started
	return b
}

// Balance is the energy of a house over a time.
type Balance struct {
	From, To time.Time
	// Heat is what each machine added, by name.
	Heat map[string]units.Joules
	// Solar is what the sun added, net of what walls radiate to the sky.
	Solar, Internal units.Joules
	// Opaque, Windows and Ventilation are the losses by their ways out.
	Opaque, Windows, Ventilation units.Joules
	// Stored is what walls, air and furniture have gained since From.
	Stored units.Joules
}

// Heated returns what all machines added together.
func (b Balance) Heated() units.Joules {
	var sum units.Joules
	for _, e := range b.Heat {
		sum += e
	}
	return sum
}

// Lost returns all losses together.
func (b Balance) Lost() units.Joules { return b.Opaque + b.Windows + b.Ventilation }

// Missing returns what went in less what went out and what was stored: zero
// but for the rounding of the machine.
func (b Balance) Missing() units.Joules {
	return b.Heated() + b.Solar + b.Internal - b.Lost() - b.Stored
}

package plan

import (
	"fmt"

	"hearth/units"
)

// maker is an ordinary heater in this home: what it takes for a kWh of heat,
// hour by hour.
type maker struct {
	*Heater
	electric bool
	// takes is kWh bought for a kWh of heat, worth the money for it at today's
	// prices.
	takes, worth []float64
	// bought and spent are of a year in which it makes all the heat.
	bought, spent float64
	unknown       string // why it cannot be reckoned
}

// same tells whether two heaters are alike in all that a plan reckons with.
func (h *Heater) same(o *Heater) bool {
	return h.Kind == o.Kind && h.Name == o.Name && h.Price == o.Price && h.Efficiency == o.Efficiency && h.Carbon == o.Carbon &&
		h.CapexPerKW == o.CapexPerKW && h.Fixed == o.Fixed && h.Life == o.Life && h.Upkeep == o.Upkeep && h.Owned == o.Owned
}

// maker works out what a heater takes.
func (s *Site) maker(h *Heater) *maker {
	m := &maker{Heater: h, electric: h.Kind == Resistive || h.Kind == HeatPump}
	price, ok := h.Price.Get()
	if !m.electric && !ok {
		m.unknown = fmt.Sprintf("the price of %s is not known: %s", fuelNames(h.Kind), h.Price.Why())
		return m
	}
	switch {
	case h.Kind == HeatPump:
		m.takes = s.demand.lift(h.Efficiency)
	default:
		m.takes = make([]float64, Hours)
		for i := range m.takes {
			m.takes[i] = 1 / float64(h.Efficiency)
		}
	}
	m.worth = make([]float64, Hours)
	for i, takes := range m.takes {
		cost := float64(price)
		if m.electric {
			cost = float64(s.q.Power.Hourly[i])
		}
		m.worth[i] = cost * takes
		m.bought += s.demand.total[i] * takes
		m.spent += s.demand.total[i] * m.worth[i]
	}
	return m
}

// alike tells whether another heater takes the same for a kWh of heat.
func (m *maker) alike(h *Heater) bool {
	return m.Kind == h.Kind && m.Price == h.Price && m.Heater.Efficiency == h.Efficiency
}

func fuelNames(k HeaterKind) string {
	switch k {
	case Resistive, HeatPump:
		return "electricity"
	case Gas:
		return "gas"
	case Oil:
		return "heating oil"
	}
	return string(k)
}

// lift returns what a heat pump draws for a kWh of heat in each hour, the
// parts of the demand together.
func (d *demand) lift(share units.Fraction) []float64 {
	draws := make([]float64, Hours)
	for k := range d.parts {
		p := &d.parts[k]
		for i, q := range p.heat {
			if q > 0 {
				draws[i] += q / HeatPumpCOP(d.outdoor[i], at(p.sink, i), share)
			}
		}
	}
	for i, q := range d.total {
		if q > 0 {
			draws[i] /= q
		} else {
			draws[i] = 1 / HeatPumpCOP(d.outdoor[i], at(d.parts[0].sink, i), share)
		}
	}
	return draws
}

// size returns the kW of heat that an appliance for the whole home is bought
// for.
func (l *Load) size() float64 { return float64(l.Design) / 1000 }

// title returns what the heater is called.
func (h *Heater) title() string {
	if h.Name != "" {
		return h.Name
	}
	switch h.Kind {
	case Resistive:
		return "electric heaters"
	case Gas:
		return "a gas boiler"
	case Propane:
		return "a propane boiler"
	case Oil:
		return "an oil boiler"
	case Wood:
		return "a wood boiler"
	case HeatPump:
		return "a heat pump"
	}
	return string(h.Kind)
}

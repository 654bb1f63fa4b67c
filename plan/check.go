package plan

import (
	"fmt"
	"math"

	"hearth/plan/market"
	"hearth/units"
)

// bound is a field and what it may be.
type bound struct {
	field       string
	value       float64
	least, most float64
	unit        string
}

// check refuses the first of the fields that is out of bounds, or not a number.
func check(bounds []bound) error {
	for _, b := range bounds {
		if !(b.value >= b.least && b.value <= b.most) { // NaN fails too
			return fmt.Errorf("plan: %s is %g %s, must be from %g to %g", b.field, b.value, b.unit, b.least, b.most)
		}
	}
	return nil
}

// most is more money, heat or power than any home sees, and small enough that
// sums stay numbers.
const most = 1e9

// check refuses a home that cannot be, naming the field.
func (h *Home) check() error {
	if h.Rooms == nil && len(h.Uses) == 0 {
		return fmt.Errorf("plan: Home wants no heat: give it Rooms or Uses")
	}
	var bounds []bound
	if h.Rooms != nil {
		for i, t := range h.Setpoint {
			bounds = append(bounds, bound{fmt.Sprintf("Home.Setpoint[%d]", i), float64(t), 5, 30, "°C"})
		}
		bounds = append(bounds,
			bound{"Home.Internal", float64(h.Internal), 0, 1e6, "W"},
			bound{"Home.Supply", float64(h.Supply), 25, 90, "°C"})
	}
	for i, u := range h.Uses {
		if _, ok := useNames(u.Kind); !ok {
			return fmt.Errorf("plan: Home.Uses[%d].Kind is %q, must be one of %s", i, u.Kind, useList())
		}
		bounds = append(bounds, bound{fmt.Sprintf("Home.Uses[%d].Size", i), u.Size, 1e-3, 1e6, "(in the unit of its kind)"})
	}
	return check(bounds)
}

// check refuses what is asked for money: everything but the home.
func (q *Question) check() error {
	if err := q.Today.check("Today"); err != nil {
		return err
	}
	for i := range q.Others {
		if err := q.Others[i].check(fmt.Sprintf("Others[%d]", i)); err != nil {
			return err
		}
	}
	if q.Machine.Count != 0 {
		if err := q.Machine.check(); err != nil {
			return err
		}
		if err := q.Backup.check("Backup"); err != nil {
			return err
		}
	}
	for i := range q.Rivals {
		r := &q.Rivals[i]
		if err := r.Machine.check(); err != nil {
			return fmt.Errorf("%w (Rivals[%d])", err, i)
		}
		if err := q.Backup.check("Backup"); err != nil {
			return err
		}
		if err := checkMarket(r.Market, q.Money.Years); err != nil {
			return fmt.Errorf("%w (Rivals[%d])", err, i)
		}
	}
	if err := q.Power.check(); err != nil {
		return err
	}
	if q.Money.Currency == "" {
		return fmt.Errorf("plan: Money.Currency is empty: name it, such as %q", "USD")
	}
	if err := check([]bound{
		{"Money.PerDollar", q.Money.PerDollar, 1e-6, 1e6, "units of the currency"},
		{"Money.Years", float64(q.Money.Years), 1, 60, "years"},
		{"Money.Rate", float64(q.Money.Rate), -0.2, 1, "(a share of a year)"},
		{"Money.Drift", float64(q.Money.Drift), -0.2, 0.5, "(a share of a year)"},
	}); err != nil {
		return err
	}
	return checkMarket(q.Market, q.Money.Years)
}

func (h *Heater) check(field string) error {
	switch h.Kind {
	case Resistive, Gas, Propane, Oil, Wood:
		if err := check([]bound{{field + ".Efficiency", float64(h.Efficiency), 0.05, 1.2, "(a share)"}}); err != nil {
			return err
		}
	case HeatPump:
		if err := check([]bound{{field + ".Efficiency", float64(h.Efficiency), 0, 1.5, "(a share of its curve)"}}); err != nil {
			return err
		}
	default:
		return fmt.Errorf("plan: %s.Kind is %q, must be one of %q, %q, %q, %q, %q, %q", field, h.Kind, Resistive, Gas, Propane, Oil, Wood, HeatPump)
	}
	bounds := []bound{
		{field + ".CapexPerKW", float64(h.CapexPerKW), 0, most, "(money)"},
		{field + ".Fixed", float64(h.Fixed), 0, most, "(money)"},
		{field + ".Upkeep", float64(h.Upkeep), 0, most, "(money a year)"},
	}
	if h.Life != 0 { // nought is for ever; next to nought would be bought all the time
		bounds = append(bounds, bound{field + ".Life", h.Life, 0.1, 100, "years"})
	}
	if p, ok := h.Price.Get(); ok {
		bounds = append(bounds, bound{field + ".Price", float64(p), 0, most, "(money for a kWh)"})
	}
	if c, ok := h.Carbon.Get(); ok {
		bounds = append(bounds, bound{field + ".Carbon", float64(c), -1e4, 1e4, "g for a kWh"})
	}
	return check(bounds)
}

func (m *Machine) check() error {
	if m.Kind != Hash && m.Kind != Inference {
		return fmt.Errorf("plan: Machine.Kind is %q, must be %q or %q", m.Kind, Hash, Inference)
	}
	draw := float64(m.Draw)
	bounds := []bound{
		{"Machine.Count", float64(m.Count), 1, 1e6, "machines"},
		{"Machine.Draw", draw, 1, 1e7, "W"},
		{"Machine.Least", float64(m.Least), 0, draw, "W"},
		{"Machine.Idle", float64(m.Idle), 0, draw, "W"},
		{"Machine.Plain", float64(m.Plain), 0, draw, "W"},
		{"Machine.Recovery", float64(m.Recovery), 0.01, 1, "(a share)"},
		{"Machine.Availability", float64(m.Availability), 0, 1, "(a share)"},
		{"Machine.PoolFee", float64(m.PoolFee), 0, 1, "(a share)"},
		{"Machine.Life", m.Life, 0.1, 100, "years"},
		{"Machine.Upkeep", float64(m.Upkeep), 0, most, "(money a year)"},
	}
	if m.Hottest != 0 {
		bounds = append(bounds, bound{"Machine.Hottest", float64(m.Hottest), 20, 150, "°C"})
	}
	if m.Kind == Hash {
		bounds = append(bounds, bound{"Machine.Efficiency", float64(m.Efficiency), 0.1, 1e5, "J/TH"})
	}
	if p, ok := m.Price.Get(); ok {
		bounds = append(bounds, bound{"Machine.Price", float64(p), 0, most, "(money)"})
	}
	return check(bounds)
}

func (p *Power) check() error {
	if len(p.Hourly) != Hours {
		return fmt.Errorf("plan: Power.Hourly has %d prices, must have %d, one for each hour of a year", len(p.Hourly), Hours)
	}
	for i, c := range p.Hourly {
		if !(math.Abs(float64(c)) <= most) {
			return fmt.Errorf("plan: Power.Hourly[%d] is %g, not a price", i, float64(c))
		}
	}
	var bounds []bound
	if c, ok := p.Industrial.Get(); ok {
		bounds = append(bounds, bound{"Power.Industrial", float64(c), -most, most, "(money for a kWh)"})
	}
	if c, ok := p.Carbon.Get(); ok {
		bounds = append(bounds, bound{"Power.Carbon", float64(c), -1e4, 1e4, "g for a kWh"})
	}
	return check(bounds)
}

func checkMarket(o market.Outlook, years int) error {
	months := 12 * years
	for c, course := range o {
		if len(course) < months {
			return fmt.Errorf("plan: Market[%d] has %d months, a horizon of %d years needs %d", c, len(course), years, months)
		}
		if !course[0].Start.Equal(o[0][0].Start) {
			return fmt.Errorf("plan: Market[%d] begins on %s, Market[0] on %s: they must begin together", c,
				course[0].Start.Format("2006-01-02"), o[0][0].Start.Format("2006-01-02"))
		}
		for i := range course {
			m := &course[i]
			for _, f := range []struct {
				name  string
				value float64
			}{
				{"HashPrice", float64(m.HashPrice)},
				{"HashValue", m.HashValue},
				{"Inference", float64(m.Inference)},
				{"Marginal", float64(m.Marginal)},
			} {
				if !(f.value >= 0 && f.value <= most) {
					return fmt.Errorf("plan: Market[%d][%d].%s is %g, must be from 0 to %g", c, i, f.name, f.value, most)
				}
			}
		}
	}
	return nil
}

// known returns a value that was reckoned.
func (q *Question) known(v float64) units.Known[float64] {
	return units.Know(v, q.Market[market.Middle][0].Start, units.Estimate)
}

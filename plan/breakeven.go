package plan

import "hearth/units"

// Hour is the break-even of a machine in one hour, free of weather and of what
// it cost: whether it pays to run it. All prices are for a kWh.
type Hour struct {
	Power PerKWh // c_e, here
	Earns PerKWh // r, net of fees, for a kWh drawn
	// Worth is v_heat, what the heat would cost otherwise: see [FuelHeat],
	// [PumpedHeat]; of a resistive heater it is Power.
	Worth PerKWh
	// Useful is the share of the heat that is wanted and reaches where it is
	// wanted, φ·η_x.
	Useful units.Fraction
}

// FuelHeat returns what a kWh of heat costs from a fuel: c_f / η.
func FuelHeat(price PerKWh, efficiency units.Fraction) PerKWh { return price / PerKWh(efficiency) }

// PumpedHeat returns what a kWh of heat costs from a heat pump: c_e / COP.
func PumpedHeat(power PerKWh, cop float64) PerKWh { return power / PerKWh(cop) }

// HeatPrice returns what a kWh of the machine's useful heat costs: (c_e − r) /
// (φ·η_x). Below nought somebody pays for making it.
func (h Hour) HeatPrice() PerKWh { return (h.Power - h.Earns) / PerKWh(h.Useful) }

// Pays tells whether running is no worse than not running: c_e − r ≤
// φ·η_x·v_heat.
func (h Hour) Pays() bool { return h.Power-h.Earns <= PerKWh(h.Useful)*h.Worth }

// Gain returns what running brings for a kWh drawn: r + φ·η_x·v_heat − c_e.
func (h Hour) Gain() PerKWh { return h.Earns + PerKWh(h.Useful)*h.Worth - h.Power }

// Free tells whether the heat costs nothing: r ≥ c_e.
func (h Hour) Free() bool { return h.Earns >= h.Power }

// NetPower returns what a kWh costs once its heat is paid for, c_e −
// φ·η_x·v_heat: what a home can be compared by with a warehouse that wastes
// the heat.
func (h Hour) NetPower() PerKWh { return h.Power - PerKWh(h.Useful)*h.Worth }

// BeatsWasting tells whether a kWh is no dearer here, its heat used, than in a
// warehouse that pays industrial for power and wastes the heat.
func (h Hour) BeatsWasting(industrial PerKWh) bool { return h.NetPower() <= industrial }

// BreakEvenPower returns the price of power at which running neither gains nor
// loses, if v_heat does not depend on it: r + φ·η_x·v_heat.
func (h Hour) BreakEvenPower() PerKWh { return h.Earns + PerKWh(h.Useful)*h.Worth }

// BreakEvenPumped returns the price of power at which a machine ties with a
// heat pump on the same power: r / (1 − 1/COP). Above it the heat pump wins.
func BreakEvenPumped(earns PerKWh, cop float64) PerKWh { return earns / PerKWh(1-1/cop) }

// EconomicCOP returns the coefficient of performance that a heat pump would
// need to heat as cheaply as the machine: 1 / (1 − r/c_e). It is known only
// while the heat is not free.
func (h Hour) EconomicCOP() (cop float64, finite bool) {
	if h.Free() {
		return 0, false
	}
	return 1 / (1 - float64(h.Earns/h.Power)), true
}

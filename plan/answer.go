package plan

import (
	"hearth/plan/atlas"
	"hearth/units"
)

// Band is a figure under the pessimistic, the middle and the optimistic
// outlook of the market. For costs Low is still the pessimistic case, so it
// may be the largest number.
type Band struct{ Low, Mid, High float64 }

// Answer sets every way to make a home's heat side by side.
type Answer struct {
	Currency string
	Load     Load
	// Options in a fixed order: today's heater first, then the machine's.
	Options []Option
	// Smart compares the machine with the heater of today, and Reuse the
	// machine here with the same machine that wastes its heat in a warehouse.
	Smart, Reuse Comparison

	site *Site
	ways []*way // as Options
	with *reckoning
}

// Load is the heat that the home wants in a typical year.
type Load struct {
	Heat   units.KilowattHours // in the year
	Rooms  units.KilowattHours
	Uses   []units.KilowattHours // as [Home.Uses]
	Design units.Watts           // steady, at the place's design temperature
	Peak   units.Watts           // the greatest of the year's hours
	Hours  float64               // full-load hours of Design
	Months [12]units.KilowattHours
}

// OptionKind tells the ways apart.
type OptionKind string

// The ways to make the heat, besides the kinds of [Heater].
const (
	WithMachine OptionKind = "machine"        // the machine with its backup
	AloneOption OptionKind = "machine_alone"  // the machine, and cold where it cannot
	Wasting     OptionKind = "machine_wasted" // the machine in a warehouse, today's heater here
	RivalOption OptionKind = "rival"          // another machine with the backup
)

// Option is one way to make the heat.
type Option struct {
	// ID is the kind, with a number where a kind comes again: "gas_2".
	ID   string
	Kind OptionKind // or a HeaterKind
	Name string
	// Unknown says why the option cannot be reckoned, and nothing below holds.
	Unknown string

	Heat     units.KilowattHours // useful, in the first year
	Power    units.KilowattHours // electricity bought, in the first year
	Fuel     units.KilowattHours // fuel bought, higher heating value
	Computed units.KilowattHours // electricity that computed
	FullLoad float64             // hours of the machine at full power
	Covered  units.Fraction      // share of the heat that the machine makes
	// Months is the heat that the machine makes, January first.
	Months    [12]units.KilowattHours
	Shortfall Shortfall

	Running Band // money in the first year, less what it earns
	Earned  Band // money in the first year
	Sats    Band // in the first year
	Capex   Money
	// Cost of a useful kWh over the horizon, all in.
	Cost Band
	// Value is the net present value against today's heater, and Payback the
	// years after which it is even; unknown means not within the horizon.
	Value   Band
	Payback units.Known[float64]

	Carbon       units.Known[units.Grams] // in the first year
	Exergy       units.KilowattHours      // of the heat delivered, in the first year
	JoulesPerSat units.Known[float64]
}

// Shortfall is the heat that is missing in the coldest weather.
type Shortfall struct {
	Year    units.KilowattHours // over the year
	Day     units.KilowattHours // on the worst day
	Coldest units.Celsius       // lowest room temperature
}

// Comparison is one thing against another, per year and over the horizon.
type Comparison struct {
	Of, Against string
	// Wins under the middle outlook; Yearly is what it gains in the first
	// year, PerKWh for each kWh that the machine draws, Value over the horizon.
	Wins   bool
	Yearly Band
	PerKWh Band
	Value  Band
	// Own is how much of Value the machine itself adds, against its backup
	// alone, where that is not today's heater; else it is Value.
	Own     Band
	Unknown string
	// Limit says in plain words what a machine of unknown price may cost; empty
	// where it is known.
	Limit string
	// Sentence says it in plain words.
	Sentence string
}

// Reason explains a figure: what it is, by which formula, from what.
type Reason struct {
	ID      string // "option.machine.cost"
	Name    string
	Value   string // with its unit
	Formula string
	From    []Reason
	Sources []atlas.SourceID
}

package plan

import (
	"hearth/heat"
	"hearth/heat/climate"
	"hearth/plan/atlas"
	"hearth/plan/market"
	"hearth/units"
)

// Hours is the length of a planned year.
const Hours = 8760

// Money is an amount in the currency of the question.
type Money float64

// PerKWh is money for a kilowatt-hour.
type PerKWh float64

// Question is everything that decides the answer. It is not changed by
// anything that is done with it and may be shared between goroutines.
type Question struct {
	Year *climate.Year
	Home Home
	// Today is the heater that the machine is measured against: the dumb heat.
	Today Heater
	// Others are the further ways to heat that are set beside it.
	Others  []Heater
	Machine Machine
	// Rivals are other machines that are set beside it, each with Backup.
	Rivals []Rival
	// Backup heats what the machine cannot, as a rule Today's heater.
	Backup Heater
	Power  Power
	// Market is what computing earns; it may reach beyond the horizon, which
	// tells what machines are still worth at its end.
	Market  market.Outlook
	Markets []atlas.SourceID // where its figures come from
	// Cited are the sources of single figures, by the id of their reason
	// ("input.recovery"); none for what somebody said. For figures that are not
	// in it stand the sources of the thing that they belong to.
	Cited map[string][]atlas.SourceID
	Money Finance
}

// Rival is another machine, and the market as it is for its kind: what answering
// earns depends on the hardware.
type Rival struct {
	Machine Machine
	Market  market.Outlook
}

// Home is a building and the heat it wants.
type Home struct {
	Name string
	// Rooms is the heated building, without an air capacity: an hour is long.
	// Nil for a use of heat without rooms, such as a laundry.
	Rooms *heat.Building
	// Setpoint of the rooms by the hour of the day, in local standard time.
	Setpoint [24]units.Celsius
	// Internal is what people and things add to the rooms.
	Internal units.Watts
	// Supply is the water or air temperature that the emitters need in the
	// coldest hour; it falls in a straight line to 28 °C at 15 °C outdoors.
	Supply units.Celsius
	Uses   []Use
}

// Use is heat that is wanted besides warm rooms.
type Use struct {
	Kind UseKind
	// Size counts in the kind's own unit: see [UseKind].
	Size float64
}

// UseKind is what heat is used for.
type UseKind string

// The uses of heat, each with the unit of its size.
const (
	HotWater   UseKind = "hot_water"  // people
	Pool       UseKind = "pool"       // m² of open water, outdoors, in season
	Laundry    UseKind = "laundry"    // kg of linen a day
	Greenhouse UseKind = "greenhouse" // m² of glass house
	District   UseKind = "district"   // kW of a return line's base load
	Bathhouse  UseKind = "bathhouse"  // m² of indoor water
)

// Heater is an ordinary way to make heat.
type Heater struct {
	Kind HeaterKind
	Name string
	// Price of the fuel per kWh of its higher heating value; of electricity it
	// is not read: that is what [Power] says.
	Price units.Known[PerKWh]
	// Efficiency is useful heat for a kWh of fuel, or of electricity. Of a heat
	// pump it is the share of its laboratory curve that it reaches, and 0 stands
	// for 0.85: see [HeatPumpCOP].
	Efficiency units.Fraction
	// Carbon is grams of CO2 equivalent for a kWh of fuel.
	Carbon units.Known[units.Grams]
	// Price of the appliance for a kW of heat, its life, and upkeep in a year.
	CapexPerKW Money
	Fixed      Money // for the appliance whatever its size
	Life       float64
	Upkeep     Money
	// Owned is set where the appliance is there already, so that its price is
	// not part of the decision.
	Owned   bool
	Sources []atlas.SourceID
}

// HeaterKind tells ordinary heaters apart.
type HeaterKind string

// The kinds of ordinary heaters.
const (
	Resistive HeaterKind = "resistive"
	Gas       HeaterKind = "gas"
	Propane   HeaterKind = "propane"
	Oil       HeaterKind = "oil"
	Wood      HeaterKind = "wood"
	HeatPump  HeaterKind = "heat_pump"
)

// Machine is a computer whose heat is used.
type Machine struct {
	Name string
	Kind MachineKind
	// Count of machines; the figures below are of one.
	Count int
	// Draw is the greatest electrical power and Least the least at which it
	// works; all of it becomes heat. Idle is what it draws when it does not.
	Draw, Least, Idle units.Watts
	// Efficiency at Draw, of a hash heater.
	Efficiency market.JoulesPerTerahash
	// Plain is that part of Draw which only heats and computes nothing.
	Plain units.Watts
	// Recovery is the share of the heat that reaches the rooms or the water.
	Recovery units.Fraction
	// Hottest is the highest supply temperature that it can give; 0: air only.
	Hottest units.Celsius
	// Availability is the share of what it draws that is paid for: lost shares,
	// restarts and times without a pool or without jobs are not, and heat still.
	Availability units.Fraction
	PoolFee      units.Fraction
	Price        units.Known[Money] // of one, installed
	Life         float64            // years after which it is scrap whatever it may earn
	Upkeep       Money              // in a year, for each
	Sources      []atlas.SourceID
}

// MachineKind is what a machine computes.
type MachineKind string

// What machines compute.
const (
	Hash      MachineKind = "hash"      // Bitcoin's SHA-256d
	Inference MachineKind = "inference" // models, on processors and graphics cards
)

// Power is what electricity costs and emits.
type Power struct {
	// Hourly are the prices of the hours of the year, in local standard time,
	// of all parts that depend on use. Standing charges are the same for all
	// and left out.
	Hourly []PerKWh
	Carbon units.Known[units.Grams] // for a kWh
	// Industrial is what a warehouse pays: the price of wasting the heat.
	Industrial units.Known[PerKWh]
	Sources    []atlas.SourceID
}

// Finance says how money is counted.
type Finance struct {
	Currency string // ISO 4217
	// PerDollar is units of the currency for a US dollar, in which markets quote.
	PerDollar float64
	// Years of the horizon, and the real rate of interest.
	Years int
	Rate  units.Fraction
	// Prices of power and fuels rise by Drift in a year, above inflation.
	Drift units.Fraction
}

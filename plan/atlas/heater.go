package atlas

import _ "embed" // for the table

// HeaterKind tells ordinary heaters apart.
type HeaterKind string

// The kinds of ordinary heaters. All but the first and the last burn the
// carrier of the same name.
const (
	Resistive     HeaterKind = "resistive"
	GasHeater     HeaterKind = "gas"
	PropaneHeater HeaterKind = "propane"
	OilHeater     HeaterKind = "oil"
	WoodHeater    HeaterKind = "wood"
	HeatPump      HeaterKind = "heat_pump"
)

// Carrier returns what a heater of this kind runs on.
func (k HeaterKind) Carrier() Carrier {
	switch k {
	case GasHeater:
		return Gas
	case PropaneHeater:
		return Propane
	case OilHeater:
		return Oil
	case WoodHeater:
		return Wood
	}
	return Electricity
}

// Heater is an ordinary way to make heat.
type Heater struct {
	Kind HeaterKind
	Name string
	// Efficiency is useful heat for a kWh of the fuel's higher heating value
	// over a season. A heat pump's is unknown: it follows the weather.
	Efficiency Fact
	// Least and Most bound the price, installed, in US dollars for a kW of
	// heat; Price is what to assume.
	Least, Price, Most Fact
	Life               Fact // years
	Upkeep             Fact // US dollars in a year, whatever the size
}

//go:embed heaters.csv
var heatersCSV string

// Heaters returns one ordinary heater of each kind.
func Heaters() []Heater {
	var list []Heater
	for _, r := range read("heaters.csv", heatersCSV).rows {
		fact := func(column string) Fact {
			x, known := r.number(column)
			if !known {
				return Fact{Note: r.text(column + "_note")}
			}
			return Fact{x, int(r.value("year")), SourceID(r.text(column + "_source")), r.text(column + "_note")}
		}
		h := Heater{
			Kind: HeaterKind(r.text("kind")), Name: r.text("name"),
			Efficiency: fact("efficiency"), Price: fact("price"), Life: fact("life"), Upkeep: fact("upkeep"),
		}
		h.Least, h.Most = h.Price, h.Price
		if x, known := r.number("least"); known {
			h.Least.Value = x
		}
		if x, known := r.number("most"); known {
			h.Most.Value = x
		}
		list = append(list, h)
	}
	return list
}

// HeaterOf returns the heater of a kind, and whether there is one.
func HeaterOf(k HeaterKind) (Heater, bool) {
	for _, h := range Heaters() {
		if h.Kind == k {
			return h, true
		}
	}
	return Heater{}, false
}

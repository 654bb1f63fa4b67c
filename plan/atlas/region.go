package atlas

import (
	_ "embed" // for the tables
	"fmt"
	"strings"
)

// Region is a state, a province or a country with prices of its own.
type Region struct {
	Code     string // ISO 3166: "US-ME", "DE"
	Name     string // "Maine"
	Country  string // ISO 3166: "US"
	Currency string // ISO 4217, of all prices
	// Climate is the place of heat/climate whose weather is likest, by
	// judgement; empty where none is like it.
	Climate string
	// Prices are what households pay for a kWh, taxes included; of fuels for a
	// kWh of the higher heating value.
	Prices Energy
	// Industrial is what industry pays for a kWh of electricity, without the
	// taxes that it gets back.
	Industrial Fact
	// Carbon is grams of CO2 equivalent for a kWh of electricity.
	Carbon Fact
	// Homes counts occupied homes by the fuel that they mostly heat with.
	Homes Homes
}

// Energy has a figure for each carrier of energy.
type Energy struct{ Electricity, Gas, Oil, Propane, Wood Fact }

// Homes has the number of homes that mostly heat with each carrier, with
// something Other (such as district heat, coal or the sun), or with None.
type Homes struct {
	Energy
	Other, None Fact
}

// Carrier tells the carriers of energy apart. The names of fuels are those of
// the heaters that burn them.
type Carrier string

// The carriers of energy.
const (
	Electricity Carrier = "electricity"
	Gas         Carrier = "gas"
	Oil         Carrier = "oil"
	Propane     Carrier = "propane"
	Wood        Carrier = "wood"
)

// Carriers returns all of them.
func Carriers() []Carrier { return []Carrier{Electricity, Gas, Oil, Propane, Wood} }

// Of returns the figure of a carrier; unknown for one that is none.
func (e Energy) Of(c Carrier) Fact {
	if f := e.at(c); f != nil {
		return *f
	}
	return Fact{Note: fmt.Sprintf("%q is no carrier of energy", c)}
}

func (e *Energy) at(c Carrier) *Fact {
	switch c {
	case Electricity:
		return &e.Electricity
	case Gas:
		return &e.Gas
	case Oil:
		return &e.Oil
	case Propane:
		return &e.Propane
	case Wood:
		return &e.Wood
	}
	return nil
}

// String returns "Maine (US-ME)".
func (r Region) String() string { return r.Name + " (" + r.Code + ")" }

//go:embed regions.csv
var regionsCSV string

//go:embed facts.csv
var factsCSV string

// Regions returns every region, sorted by code, those of the United States
// first. The list is made anew, which takes about a millisecond, and belongs to
// the caller.
func Regions() []Region {
	var list []Region
	at := map[string]int{}
	for _, r := range read("regions.csv", regionsCSV).rows {
		at[r.text("code")] = len(list)
		list = append(list, Region{
			Code: r.text("code"), Name: r.text("name"), Country: r.text("country"),
			Currency: r.text("currency"), Climate: r.text("climate"),
		})
	}
	for _, r := range read("facts.csv", factsCSV).rows {
		i, ok := at[r.text("region")]
		if !ok {
			panic(fmt.Sprintf("atlas: facts.csv has the unknown region %q", r.text("region")))
		}
		list[i].learn(r)
	}
	return list
}

// learn adds the facts of one row.
func (r *Region) learn(row record) {
	set := func(at *Fact, column string) {
		f := row.fact(column)
		switch _, known := f.Get(); {
		case !known:
		case at.Source != "":
			panic(fmt.Sprintf("atlas: facts.csv says twice what %s of %s is: %s", row.text("what"), r.Code, column))
		default:
			*at = f
		}
	}
	energy := func(at *Energy) {
		for _, c := range Carriers() {
			set(at.at(c), string(c))
		}
	}
	switch what := row.text("what"); what {
	case "price":
		energy(&r.Prices)
	case "industry":
		set(&r.Industrial, "electricity")
	case "carbon":
		set(&r.Carbon, "electricity")
	case "homes":
		energy(&r.Homes.Energy)
		set(&r.Homes.Other, "other")
		set(&r.Homes.None, "none")
	default:
		panic(fmt.Sprintf("atlas: facts.csv: %q is no kind of fact", what))
	}
}

// RegionByName finds a region by its code or name, whatever the case. A name
// that two regions share, such as Georgia, is that of the country; write the
// other one by its code.
func RegionByName(name string) (Region, error) {
	name = strings.TrimSpace(name)
	list := Regions()
	for _, r := range list {
		if strings.EqualFold(r.Code, name) {
			return r, nil
		}
	}
	var found *Region
	for i, r := range list {
		if strings.EqualFold(r.Name, name) && (found == nil || r.Country == r.Code) {
			found = &list[i]
		}
	}
	if found == nil {
		return Region{}, fmt.Errorf("find the region %q: none of %d has that name or code: write one such as %q or %q",
			name, len(list), "US-ME", "Germany")
	}
	return *found, nil
}

// RegionOf returns the region that prices are likely to be those of at a place
// of heat/climate, by the words of its own region ("Maine, USA"), and whether
// there is one.
func RegionOf(placeRegion string) (Region, bool) {
	name, country, _ := strings.Cut(placeRegion, ", ")
	for _, r := range Regions() {
		if strings.EqualFold(r.Name, name) && (country == "USA") == (r.Country == "US") {
			return r, true
		}
	}
	return Region{}, false
}

package plan

import (
	"fmt"
	"strings"
	"time"

	"hearth/heat"
	"hearth/heat/climate"
	"hearth/plan/atlas"
	"hearth/plan/market"
	"hearth/units"
)

// What the map of the atlas assumes where nobody says otherwise.
const (
	usualAvailability = 0.95 // of a machine that somebody looks after
	usualPoolFee      = 0.02
	usualWarehouse    = 0.06 // US dollars for a kWh where miners are hosted
)

// World is what the map of the whole atlas takes besides the atlas.
type World struct {
	Market market.Outlook
	// Class of the computers whose rents the market has.
	Class market.Hardware
	Money Finance
	// Rates are units of a currency for a US dollar, by currency. A region
	// whose currency has none is unknown.
	Rates map[string]float64
	// Seed makes the typical years.
	Seed uint64
}

// Everywhere returns the map of the whole atlas: every region, dwellings of
// medium mass of each shape and insulation with hot water for their people, and
// uses of heat without rooms; every ordinary heater and every machine. Regions
// have the weather of the place that is likest, by the atlas' judgement.
func Everywhere(w World) (*Map, error) {
	m := &Map{Homes: dwellings(), Market: w.Market, Money: w.Money}
	if len(w.Market[market.Middle]) == 0 || !(w.Money.PerDollar > 0) {
		return nil, fmt.Errorf("draw up the map of the atlas: it takes a market and units of the currency for a dollar")
	}
	years := map[string]*climate.Year{}
	for _, r := range atlas.Regions() {
		if _, ok := years[r.Climate]; !ok && r.Climate != "" {
			y, err := climate.Typical(r.Climate, w.Seed)
			if err != nil {
				return nil, fmt.Errorf("draw up the map of the atlas: %v: %w", r, err)
			}
			years[r.Climate] = y
		}
		m.Regions = append(m.Regions, w.region(r, years[r.Climate]))
	}
	for _, h := range atlas.Heaters() {
		m.Heaters = append(m.Heaters, w.heater(h))
	}
	for _, d := range atlas.Devices() {
		m.Machines = append(m.Machines, w.candidate(d))
	}
	return m, nil
}

// dwellings are the homes of the map. How many people live in them is assumed.
func dwellings() []Dwelling {
	set := atlas.Habits()[0].Setpoint
	var list []Dwelling
	for _, shape := range atlas.Shapes() {
		people := map[atlas.Shape]float64{atlas.Flat: 2, atlas.House: 3, atlas.Farmhouse: 4}[shape]
		for _, insulation := range atlas.Insulations() {
			a := atlas.Archetype{Shape: shape, Insulation: insulation, Mass: heat.Medium}
			list = append(list, Dwelling{
				Name: fmt.Sprintf("%s %s", insulation, shape), Archetype: &a, Setpoint: set, Uses: []Use{{HotWater, people}},
			})
		}
	}
	return append(list,
		Dwelling{Name: "pool of 30 m²", Uses: []Use{{Pool, 30}}},
		Dwelling{Name: "laundry of 200 kg a day", Uses: []Use{{Laundry, 200}}},
		Dwelling{Name: "greenhouse of 100 m²", Uses: []Use{{Greenhouse, 100}}},
		Dwelling{Name: "bath of 50 m²", Uses: []Use{{Bathhouse, 50}}},
	)
}

func (w *World) start() time.Time { return w.Market[market.Middle][0].Start }

// region puts a region's prices into the money of the map.
func (w *World) region(r atlas.Region, year *climate.Year) Region {
	region := Region{Name: r.Name, Year: year, Fuels: map[HeaterKind]units.Known[PerKWh]{}, Count: map[HeaterKind]units.Known[float64]{}}
	factor := 1.0
	if r.Currency != w.Money.Currency {
		rate := w.Rates[r.Currency]
		if r.Currency == "USD" {
			rate = 1
		}
		if !(rate > 0) {
			region.Unknown = "no rate of exchange is given for " + r.Currency
			return region
		}
		factor = w.Money.PerDollar / rate
	}
	price := func(f atlas.Fact) units.Known[PerKWh] {
		if f.Source == "" {
			return units.Unknown[PerKWh]("no openly licensed price is known for "+r.Name, w.start())
		}
		return units.Map(f.Known(), func(v float64) PerKWh { return PerKWh(v * factor) })
	}
	power, ok := price(r.Prices.Electricity).Get()
	if !ok {
		region.Unknown = "no openly licensed price of electricity is known for " + r.Name
		return region
	}
	region.Power = Power{
		Hourly:     make([]PerKWh, Hours),
		Carbon:     units.Map(r.Carbon.Known(), func(v float64) units.Grams { return units.Grams(v) }),
		Industrial: price(r.Industrial),
		Sources:    []atlas.SourceID{r.Prices.Electricity.Source},
	}
	for i := range region.Power.Hourly {
		region.Power.Hourly[i] = power
	}
	// Machines that waste their heat go where power is cheap.
	host := PerKWh(usualWarehouse * w.Money.PerDollar)
	if here, ok := region.Power.Industrial.Get(); !ok || here > host {
		region.Power.Industrial = units.Know(host, w.start(), units.Estimate)
	}
	for _, h := range atlas.Heaters() {
		carrier := h.Kind.Carrier()
		if carrier != atlas.Electricity {
			region.Fuels[HeaterKind(h.Kind)] = price(r.Prices.Of(carrier))
		}
		region.Count[HeaterKind(h.Kind)] = r.Homes.Of(carrier).Known()
	}
	// Censuses do not tell heat pumps from other electric heat.
	region.Count[HeatPump] = units.Unknown[float64]("they are counted among all homes with electric heat", w.start())
	return region
}

// heater turns an ordinary heater of the atlas into one of a plan. Its price is
// left out: the heater of today is there already.
func (w *World) heater(a atlas.Heater) Heater {
	h := Heater{Kind: HeaterKind(a.Kind), Owned: true}
	for _, f := range []atlas.Fact{a.Efficiency, atlas.FuelCarbon(a.Kind.Carrier())} {
		if f.Source != "" {
			h.Sources = append(h.Sources, f.Source)
		}
	}
	if v, ok := a.Efficiency.Get(); ok {
		h.Efficiency = units.Fraction(v)
	}
	if a.Kind.Carrier() != atlas.Electricity {
		h.Carbon = units.Map(atlas.FuelCarbon(a.Kind.Carrier()).Known(), func(v float64) units.Grams { return units.Grams(v) })
	}
	return h
}

// candidate turns a device of the atlas into a machine of the map.
func (w *World) candidate(d atlas.Device) Candidate {
	c := Candidate{Machine: Machine{
		Name: d.Name, Kind: MachineKind(d.Kind), Count: 1, Draw: d.Draw, Least: d.Least, Idle: d.Idle, Plain: d.Plain,
		Efficiency: market.JoulesPerTerahash(d.Efficiency()), Recovery: d.Recovery, Hottest: d.Hottest,
		Availability: usualAvailability, PoolFee: usualPoolFee, Life: d.Life, Sources: []atlas.SourceID{d.Source},
		Price: units.Map(d.Price.Known(), func(v float64) Money { return Money(v * w.Money.PerDollar) }),
	}}
	if d.Availability > 0 {
		c.Availability = d.Availability
	}
	if d.Kind == atlas.Inference {
		c.PoolFee = 0 // rents are net of fees
		switch class, ok := classOf(d); {
		case !ok:
			c.Unknown = "what " + d.Name + " would earn is not published"
		case class != w.Class:
			c.Unknown = "the market is asked for the rents of another class of computers"
		}
	}
	return c
}

// classOf returns the class of computers that a device is rented as.
func classOf(d atlas.Device) (market.Hardware, bool) {
	switch {
	case strings.Contains(d.Name, "H100"):
		return market.ServerGPU, true
	case strings.Contains(d.Name, "RTX"):
		return market.ConsumerGPU, true
	}
	return "", false
}

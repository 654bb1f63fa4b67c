package atlas

// HeatContent is the higher heating value of a fuel.
type HeatContent struct {
	Carrier Carrier
	Unit    string  // as it is sold: "therm", "US gallon", "litre"
	KWh     float64 // of the higher heating value in that unit
	Source  SourceID
}

// HeatContents returns what is in the units that fuels are sold in.
func HeatContents() []HeatContent {
	const btu = 1055.05585262 / 3.6e6 // kWh, the international table's
	return []HeatContent{
		{Gas, "therm", 100_000 * btu, "units"},
		{Gas, "GJ", 1 / 3.6e-3, "units"},
		{Propane, "US gallon", 91_500 * btu, "exergy-calculator"},
		{Propane, "litre", 91_500 * btu / 3.785411784, "exergy-calculator"},
		{Oil, "US gallon", 138_500 * btu, "exergy-calculator"},
		{Oil, "litre", 138_500 * btu / 3.785411784, "exergy-calculator"},
	}
}

// FuelCarbon returns grams of CO2 equivalent for a kWh of the higher heating
// value of a fuel when it burns, by the default factors of 40 CFR part 98 with
// the warming potentials of the fifth report of the IPCC. The carbon dioxide of
// wood is not counted, as its source does not; what it took to get a fuel to
// the house is not either. Electricity is not burned: see [Region.Carbon].
func FuelCarbon(c Carrier) Fact {
	// Kilograms for a million Btu.
	factor := func(co2, methane, laughing float64) Fact {
		const (
			ofMethane  = 28
			ofLaughing = 265 // nitrous oxide
			kWh        = 293.07107
		)
		kg := co2 + float64(methane*ofMethane) + float64(laughing*ofLaughing)
		return Fact{Value: 1000 * kg / kWh, Year: 2024, Source: "epa-40cfr98"}
	}
	switch c {
	case Gas:
		return factor(53.06, 1e-3, 1e-4)
	case Oil:
		return factor(73.96, 3e-3, 6e-4)
	case Propane:
		return factor(62.87, 3e-3, 6e-4)
	case Wood:
		f := factor(0, 7.2e-3, 3.6e-3)
		f.Note = "without the carbon dioxide of the wood itself, 320 g/kWh"
		return f
	}
	return Fact{Note: "a fuel's figure; that of electricity is its region's"}
}

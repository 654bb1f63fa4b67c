package market

import (
	"math"

	"hearth/units"
)

// Input is one figure that outlooks rest on, with its range and its reason.
type Input struct {
	Name   string // "marginal_power"
	Title  string
	Unit   string
	Values [Cases]float64
	// Why says why these values.
	Why     string
	Sources []SourceID
	// Apply sets the figure in assumptions, Get reads it.
	Apply func(*Assumptions, float64)
	Get   func(*Assumptions) float64
}

// Inputs returns every figure with the values that it has in the scenario.
// Figures that are not the defaults say so and have no source but the user.
func (s Scenario) Inputs() []Input {
	rental, _ := RentalOf(s[Middle].Class)
	inputs := Inputs(s[Middle].From, rental)
	for i := range inputs {
		in := &inputs[i]
		var own [Cases]float64
		for c := range s {
			own[c] = in.Get(&s[c])
		}
		for c := range own {
			if math.Abs(own[c]-in.Values[c]) > 1e-9*math.Abs(in.Values[c]) {
				in.Values, in.Why, in.Sources = own, "As given.", nil
			}
		}
	}
	return inputs
}

// Inputs returns every figure of an outlook with its three values, in a fixed
// order: the default [Scenario], the range that [Scenario.Draw] draws from and
// the bars of a tornado are all made from it.
func Inputs(from Snapshot, rental Rental) []Input {
	var net [Cases]float64
	for c := range net {
		net[c] = float64(rental.net(Case(c)))
	}
	return []Input{
		{
			Name: "bitcoin", Title: "Price of bitcoin", Unit: "$",
			Values: [Cases]float64{from.Bitcoin / 2, from.Bitcoin, from.Bitcoin * 2},
			Why: "A scenario, not a forecast: half, the same and twice the snapshot's price, reached over two years. " +
				"Twice is about the high of October 2025; a loss of half happened in 2022 and again after October 2025.",
			Sources: []SourceID{juneRetarget, judgement},
			Apply: func(a *Assumptions, v float64) {
				a.Bitcoin = a.bent(math.Log(v / a.last()))
			},
			Get: (*Assumptions).last,
		},
		{
			Name: "fees", Title: "Fees, as a share of a block's reward", Unit: "",
			Values:  [Cases]float64{0.0055, 0.01, 0.0242},
			Why:     "0.55 % in January 2026, 2.42 % in December 2024.",
			Sources: []SourceID{januaryRoundup, history},
			Apply:   func(a *Assumptions, v float64) { a.Fees = units.Fraction(v) },
			Get:     func(a *Assumptions) float64 { return float64(a.Fees) },
		},
		{
			Name: "marginal_efficiency", Title: "Efficiency of the marginal miner today", Unit: "J/TH",
			Values:  [Cases]float64{21.5, 25, 27},
			Why:     "Machines of 21.5 J/TH went under water at a hash price of 30 and 6 cents; 25 J/TH at 5 cents gives 30 as well.",
			Sources: []SourceID{coinshares, judgement},
			Apply:   func(a *Assumptions, v float64) { a.Efficiency = JoulesPerTerahash(v) },
			Get:     func(a *Assumptions) float64 { return float64(a.Efficiency) },
		},
		{
			Name: "marginal_power", Title: "Power price of the marginal miner", Unit: "$/kWh",
			Values:  [Cases]float64{0.04, 0.05, 0.06},
			Why:     "Hosting at 5.5 to 7.0 cents includes service; the marginal miner breaks even at 5 to 6 cents at today's hash price.",
			Sources: []SourceID{hosting, coinshares},
			Apply:   func(a *Assumptions, v float64) { a.Power = DollarsPerKWh(v) },
			Get:     func(a *Assumptions) float64 { return float64(a.Power) },
		},
		{
			Name: "progress", Title: "Progress of efficiency", Unit: "e-folds a year",
			Values:  [Cases]float64{0.20, 0.15, 0.12},
			Why:     "New machines became 16 % better a year from 2020 to 2024. Faster is worse for who owns an old one.",
			Sources: []SourceID{history},
			Apply:   func(a *Assumptions, v float64) { a.Progress = v },
			Get:     func(a *Assumptions) float64 { return a.Progress },
		},
		{
			Name: "entry", Title: "How fast miners come", Unit: "1/year",
			Values:  [Cases]float64{1.6, 0.9, 0.5},
			Why:     "0.9 fits the growth of difficulty from 2022 to 2025; the range is a factor of 1.8 either way.",
			Sources: []SourceID{history, judgement},
			Apply:   func(a *Assumptions, v float64) { a.Entry = v },
			Get:     func(a *Assumptions) float64 { return a.Entry },
		},
		{
			Name: "exit", Title: "How fast miners leave", Unit: "1/year",
			Values:  [Cases]float64{2, 4, 8},
			Why:     "Machines that lose money are switched off within a quarter: the hash rate fell by a third in the half year to April 2026, with the hash price at 28 to 35.",
			Sources: []SourceID{coinshares, judgement},
			Apply:   func(a *Assumptions, v float64) { a.Exit = v },
			Get:     func(a *Assumptions) float64 { return a.Exit },
		},
		{
			Name: "inference", Title: "Inference, net of fees and of time not sold", Unit: "$/kWh",
			Values:  net,
			Why:     "Rent for a kWh (tenth, fiftieth, ninetieth percentile) × share of the time sold × what the marketplace leaves.",
			Sources: rental.Sources,
			Apply:   func(a *Assumptions, v float64) { a.Inference = DollarsPerKWh(v) },
			Get:     func(a *Assumptions) float64 { return float64(a.Inference) },
		},
		{
			Name: "inference_decline", Title: "Fall of rents as hardware ages", Unit: "e-folds a year",
			Values:  rental.Decline,
			Why:     "Rents of the H100 fell to a fifth within two years and then rose by two thirds: no rate fits.",
			Sources: []SourceID{serverRental, judgement},
			Apply:   func(a *Assumptions, v float64) { a.Decline = v },
			Get:     func(a *Assumptions) float64 { return a.Decline },
		},
	}
}

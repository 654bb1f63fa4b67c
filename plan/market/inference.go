package market

import (
	"math"
	"time"

	"hearth/units"
)

// Rental is what a class of computers earns by answering: rents of its kind of
// hardware for a kWh, the share of time that is sold, and what the marketplace
// leaves of it. It is revenue, not profit: what the hardware costs (10 times
// and more of what a hash heater costs for a kW) stands in the plan.
type Rental struct {
	Class Hardware
	At    time.Time // when the rents were seen
	// Gross is the rent for a kWh while rented: the tenth, fiftieth and
	// ninetieth percentile.
	Gross [Cases]DollarsPerKWh
	// Sold is the share of the time in which somebody rents it.
	Sold [Cases]float64
	// Kept is what is left of the rent after the marketplace's fee.
	Kept units.Fraction
	// Decline is by how much rents fall in a year (e-folds) as hardware ages.
	Decline [Cases]float64
	Sources []SourceID
}

// Hardware is a class of computers that answer for money.
type Hardware string

// The classes with known rents. For ordinary processors none is published:
// what they would earn is for the user to say.
const (
	ConsumerGPU Hardware = "consumer_gpu" // a graphics card of a private computer
	ServerGPU   Hardware = "server_gpu"   // an accelerator of a data centre
	Lease       Hardware = "lease"        // room and power only, by contract; no home has it
)

// Rentals returns what is known of each class.
func Rentals() []Rental {
	may := time.Date(2026, 5, 20, 0, 0, 0, 0, time.UTC)
	// Rents of the H100 fell from 8-12 dollars (2023) to 1.70 (October 2025) and
	// rose to 2.95 (May 2026): no rate fits, so the range is wide.
	falling := [Cases]float64{0.30, 0.15, 0.05}
	return []Rental{
		{
			Class: ConsumerGPU, At: may,
			Gross: [Cases]DollarsPerKWh{0.40 / 0.475, 0.50 / 0.475, 0.69 / 0.475},
			Sold:  [Cases]float64{0.15, 0.30, 0.50}, Kept: 0.90, Decline: falling,
			Sources: []SourceID{consumerRental, marketFee, judgement},
		},
		{
			Class: ServerGPU, At: may,
			Gross: [Cases]DollarsPerKWh{1.47 / 1.15, 2.95 / 1.15, 6.88 / 1.15},
			Sold:  [Cases]float64{0.30, 0.50, 0.70}, Kept: 0.90, Decline: falling,
			Sources: []SourceID{serverRental, marketFee, judgement},
		},
		{
			Class: Lease, At: may,
			Gross: [Cases]DollarsPerKWh{0.166, 0.211, 0.258},
			Sold:  [Cases]float64{1, 1, 1}, Kept: 1, Decline: [Cases]float64{0, 0, 0},
			Sources: []SourceID{leases},
		},
	}
}

// RentalOf returns what is known of a class, and whether anything is.
func RentalOf(class Hardware) (Rental, bool) {
	for _, r := range Rentals() {
		if r.Class == class {
			return r, true
		}
	}
	return Rental{}, false
}

// Quantile returns the rent for a kWh that the share u of all stays below. It
// joins two halves of log-normal distributions at the median.
func (r Rental) Quantile(u float64) DollarsPerKWh {
	return r.gross(math.Sqrt2 * math.Erfinv(2*u-1))
}

// net returns what a kWh earns under a case, after what is not sold and fees.
func (r Rental) net(c Case) DollarsPerKWh {
	return r.Gross[c] * DollarsPerKWh(r.Sold[c]*float64(r.Kept))
}

// gross returns the rent that is z deviations from the median.
func (r Rental) gross(z float64) DollarsPerKWh {
	const ninetieth = 1.2815515655446004 // deviations
	edge := r.Gross[Optimistic]
	if z < 0 {
		edge = r.Gross[Pessimistic]
	}
	spread := math.Abs(math.Log(float64(edge/r.Gross[Middle]))) / ninetieth
	return r.Gross[Middle] * DollarsPerKWh(math.Exp(spread*z))
}

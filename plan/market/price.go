package market

import (
	"math"

	"hearth/units"
)

// Rules of Bitcoin.
const (
	// HalvingBlocks is the number of blocks after which the subsidy halves.
	HalvingBlocks = 210_000
	// RetargetBlocks is the length of an epoch, after which difficulty changes.
	RetargetBlocks = 2016
	// RetargetMost is the most by which difficulty can rise or fall at once.
	RetargetMost = 4

	firstSubsidy   = 5_000_000_000 // sats
	blockSeconds   = 600
	hashesPerBlock = 1 << 32 // expected, at difficulty 1
	secondsPerDay  = 86400
	blocksPerDay   = secondsPerDay / blockSeconds
	petahash       = 1e15
	satsPerBitcoin = 100_000_000
)

// Subsidy returns the new sats of the block at a height.
func Subsidy(height int64) units.Sats {
	if height < 0 {
		return 0
	}
	return units.Sats(firstSubsidy >> min(height/HalvingBlocks, 63))
}

// HashRateAt returns the hash rate that finds a block in ten minutes at a
// difficulty: N = D·2³²/600.
func HashRateAt(difficulty float64) units.HashRate {
	return units.HashRate(difficulty * hashesPerBlock / blockSeconds)
}

// HashValueAt returns the sats that a PH/s earns in a day:
// 144·(subsidy/(1−f))/N, where fees are the share f of a block's whole reward.
func HashValueAt(difficulty float64, subsidy units.Sats, fees units.Fraction) float64 {
	reward := float64(subsidy) / (1 - float64(fees))
	return blocksPerDay * reward / (float64(HashRateAt(difficulty)) / petahash)
}

// HashPriceAt returns what hashing earns in dollars at a price of bitcoin.
func HashPriceAt(difficulty, bitcoin float64, subsidy units.Sats, fees units.Fraction) HashPrice {
	return HashPrice(HashValueAt(difficulty, subsidy, fees) * bitcoin / satsPerBitcoin)
}

// Equilibrium returns the hash price at which a miner of efficiency e that
// pays c for power neither gains nor loses: 24·e·c. Miners who do worse leave
// and difficulty falls; while it is higher, miners come.
func Equilibrium(e JoulesPerTerahash, c DollarsPerKWh) HashPrice {
	return HashPrice(24 * float64(e) * float64(c))
}

// PerKWh returns what a kWh spent at efficiency e earns, before the pool's fee:
// r = HP / (24·e).
func (p HashPrice) PerKWh(e JoulesPerTerahash) DollarsPerKWh {
	return DollarsPerKWh(float64(p) / (24 * float64(e)))
}

// For returns the hash price at which a kWh spent at efficiency e earns r.
func (r DollarsPerKWh) For(e JoulesPerTerahash) HashPrice {
	return HashPrice(24 * float64(e) * float64(r))
}

// SatsPerKWh returns the sats that a kWh spent at efficiency e earns where a
// PH/s earns v sats in a day, before the pool's fee.
func SatsPerKWh(v float64, e JoulesPerTerahash) float64 { return v / (24 * float64(e)) }

// JoulesPerSat returns the electricity that a sat takes at efficiency e where a
// PH/s earns v sats in a day, or infinity where nothing is earned.
func JoulesPerSat(v float64, e JoulesPerTerahash) float64 {
	if v <= 0 {
		return math.Inf(1)
	}
	return 3.6e6 / SatsPerKWh(v, e)
}

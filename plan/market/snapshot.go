package market

import (
	"fmt"
	"math"
	"time"

	"hearth/units"
)

// Snapshot is the market on one day, from which outlooks start.
type Snapshot struct {
	At         time.Time
	Height     int64   // of the last block
	Difficulty float64 // in force
	Bitcoin    float64 // US dollars
	// Fees are their share of the whole reward of a block.
	Fees    units.Fraction
	Sources []SourceID
}

// Latest returns the newest snapshot that the package has a source for. It is
// older than the day on which anybody reads it: show [Snapshot.Age].
//
// Published were the difficulty and a hash price of 28.68 dollars; the price
// of bitcoin is what follows from the two.
func Latest() Snapshot {
	const published HashPrice = 28.68
	s := Snapshot{
		At:         time.Date(2026, 6, 26, 0, 0, 0, 0, time.UTC),
		Height:     955_584,
		Difficulty: 133.87e12,
		Fees:       0.0055,
		Sources:    []SourceID{juneRetarget, januaryRoundup},
	}
	perDollar := float64(HashPriceAt(s.Difficulty, 1, Subsidy(s.Height), s.Fees))
	s.Bitcoin = float64(published) / perDollar
	return s
}

// HashPrice returns what hashing earned on that day.
func (s Snapshot) HashPrice() HashPrice {
	return HashPriceAt(s.Difficulty, s.Bitcoin, Subsidy(s.Height), s.Fees)
}

// Age returns the whole days from the snapshot to a moment.
func (s Snapshot) Age(at time.Time) int { return int(at.Sub(s.At) / (24 * time.Hour)) }

func (s Snapshot) check() error {
	switch {
	case s.At.IsZero():
		return fmt.Errorf("the snapshot has no date")
	case s.Height < 0 || s.Height > 10*HalvingBlocks:
		return fmt.Errorf("a height of %d is not between 0 and %d (today's is about 970,000)", s.Height, 10*HalvingBlocks)
	case !within(s.Difficulty, 1, 1e24):
		return fmt.Errorf("difficulty %g is not between 1 and 1e24 (today's is about 1.3e14)", s.Difficulty)
	case !within(s.Bitcoin, 0.01, 1e9):
		return fmt.Errorf("a bitcoin at %g dollars is not between 0.01 and 1e9", s.Bitcoin)
	case !within(float64(s.Fees), 0, 0.95):
		return fmt.Errorf("fees of %v are not a share of a block's reward between 0 and 95 %%", s.Fees)
	}
	return nil
}

// within also refuses what is not a number.
func within(x, low, high float64) bool { return !math.IsNaN(x) && x >= low && x <= high }

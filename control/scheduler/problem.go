package scheduler

import (
	"errors"
	"fmt"
	"math"
	"time"

	"hearth/units"
)

// ErrNoPrice is the error of a problem in which not one price is known.
var ErrNoPrice = errors.New("no price is known")

// Problem is what is to be planned. All money is of one currency, which the
// caller knows.
type Problem struct {
	// Step is the length of each slot. A day has as many slots as it has time
	// for: 92 or 100 quarters when the clocks change.
	Step  time.Duration
	Slots []Slot

	// Next takes the temperature at the start of a slot to its end.
	Next Line
	// Felt takes the temperature at the start of a slot to the one that people
	// feel or a tap gives in it, which the bounds of comfort are about. The zero
	// Felt is the temperature at the end of the slot.
	Felt Line

	// Tiers are the levels of the heater, the first of which is off. Ramps
	// count in their order.
	Tiers []Tier
	// MinOn and MinOff are the fewest slots that the heater stays on and off
	// once it is; 0 and 1 ask for nothing.
	MinOn, MinOff int
	// Ramp is the most tiers that the heater climbs or falls from one slot to
	// the next; 0: any.
	Ramp int
	// Start is what switching on costs, in wear.
	Start float64

	Comfort Comfort
	// CarbonPrice is money for a tonne of carbon dioxide.
	CarbonPrice float64
	// End is what a kelvin more at the end is worth, so that a plan does not
	// end in the cold because nothing comes after it.
	End float64

	From State
	Grid Grid
}

// Line is how a temperature depends on that of the slot's start and on the
// heat of the slot: Keep·T + PerWatt·P + the slot's own share.
type Line struct {
	Keep    float64 // per kelvin
	PerWatt float64 // K/W
}

// Tier is a level of the heater.
type Tier struct {
	Heat units.Watts // into the building or tank
	Draw units.Watts // from the grid; less than Heat for a heat pump
}

// Slot is a stretch of time in which nothing changes.
type Slot struct {
	// Next and Felt are what weather, sun and people add to the temperatures of
	// the [Problem]'s lines of these names.
	Next, Felt units.Celsius
	// Price is money for a kWh, below zero at times. A slot whose price is
	// unknown counts with the mean of those that are known: it neither draws
	// heating to itself nor drives it away, and [Schedule.Guessed] counts it.
	Price units.Known[float64]
	// Carbon is the carbon dioxide of a kWh.
	Carbon units.Grams
	// Worth is what computing at each tier earns, in money per hour; nil:
	// nothing. Slots may share one.
	Worth []float64
	// Offer is what the grid pays for little load.
	Offer Offer
	// Set is the temperature that people ask for, Low and High the band
	// outside which they mind.
	Set, Low, High units.Celsius
}

// Offer pays for a slot in which no more than Most is drawn. A cap that must
// be kept, such as quiet hours, is an offer that pays more than all heat.
type Offer struct {
	Most units.Watts
	Pays float64 // money for the slot; 0: there is no offer
}

// Comfort is what temperatures cost.
type Comfort struct {
	// Outside is money per K²·h outside the band.
	Outside float64
	// Away is money per K²·h away from the temperature that people ask for.
	Away float64
	// Warmth is what a kelvin more within the band is worth for an hour. At
	// the price of the heat that a kelvin more loses in an hour, a plan moves
	// heat in time but gains nothing by making people colder.
	Warmth float64
}

// State is how things stand as the first slot begins.
type State struct {
	Temp units.Celsius
	Tier int
	// Since is for how many slots the heater has been on or off; 0: for long.
	Since int
}

// Grid is the temperatures at which values are kept, evenly spaced from Low to
// High. Beyond them a temperature is worth what the nearest is.
type Grid struct {
	Low, High units.Celsius
	Points    int
}

// Limits of a problem, by which its memory is bounded.
const (
	mostSlots  = 40_000 // a year of quarter-hours, and then some
	mostTiers  = 64
	mostPoints = 10_000
	mostDwell  = 1_000
	mostValues = 1 << 25 // 256 MB
	mostFigure = 1e12    // beyond it sums lose what matters
)

// check says what is wrong with a problem, and where.
func (p *Problem) check() error {
	switch {
	case p.Step <= 0 || p.Step > 24*time.Hour:
		return fmt.Errorf("a slot of %v: want more than nothing and at most a day", p.Step)
	case len(p.Slots) == 0 || len(p.Slots) > mostSlots:
		return fmt.Errorf("%d slots: want 1 to %d", len(p.Slots), mostSlots)
	case len(p.Tiers) < 2 || len(p.Tiers) > mostTiers:
		return fmt.Errorf("%d tiers: want 2 to %d, the first of which is off", len(p.Tiers), mostTiers)
	case p.MinOn < 0 || p.MinOn > mostDwell || p.MinOff < 0 || p.MinOff > mostDwell:
		return fmt.Errorf("least times of %d slots on and %d off: want 0 to %d", p.MinOn, p.MinOff, mostDwell)
	case p.Ramp < 0:
		return fmt.Errorf("a ramp of %d tiers: want 0 for none, or more", p.Ramp)
	case p.From.Tier < 0 || p.From.Tier >= len(p.Tiers):
		return fmt.Errorf("the heater is at tier %d: there are %d", p.From.Tier, len(p.Tiers))
	case p.From.Since < 0:
		return fmt.Errorf("the heater is as it is for %d slots", p.From.Since)
	case p.Grid.Points < 2 || p.Grid.Points > mostPoints:
		return fmt.Errorf("a grid of %d temperatures: want 2 to %d", p.Grid.Points, mostPoints)
	}
	for _, f := range []struct {
		name  string
		value float64
	}{
		{"the line to the next temperature", p.Next.Keep},
		{"the line to the next temperature", p.Next.PerWatt},
		{"the line to the temperature felt", p.Felt.Keep},
		{"the line to the temperature felt", p.Felt.PerWatt},
		{"the cost of a start", p.Start},
		{"the cost outside the band", p.Comfort.Outside},
		{"the cost away from the set-point", p.Comfort.Away},
		{"the worth of warmth", p.Comfort.Warmth},
		{"the price of carbon", p.CarbonPrice},
		{"the worth of the end", p.End},
		{"the present temperature", float64(p.From.Temp)},
		{"the grid's lowest temperature", float64(p.Grid.Low)},
		{"the grid's highest temperature", float64(p.Grid.High)},
	} {
		if !sound(f.value) {
			return fmt.Errorf("%s is %v", f.name, f.value)
		}
	}
	switch {
	case p.Next.Keep < 0:
		return fmt.Errorf("a share of %v of the temperature is kept: want 0 or more", p.Next.Keep)
	case p.Start < 0 || p.Comfort.Outside < 0 || p.Comfort.Away < 0:
		return errors.New("what a start and discomfort cost cannot be below zero")
	case p.Grid.Low >= p.Grid.High:
		return fmt.Errorf("the grid from %v to %v is empty", p.Grid.Low, p.Grid.High)
	case p.From.Temp < p.Grid.Low || p.From.Temp > p.Grid.High:
		return fmt.Errorf("the present temperature of %v is outside the grid of %v to %v: widen it", p.From.Temp, p.Grid.Low, p.Grid.High)
	}
	for i, tier := range p.Tiers {
		if !sound(float64(tier.Heat)) || !sound(float64(tier.Draw)) || tier.Draw < 0 {
			return fmt.Errorf("tier %d: heat of %v for %v drawn", i, tier.Heat, tier.Draw)
		}
	}
	priced := false
	for i := range p.Slots {
		if err := p.checkSlot(&p.Slots[i]); err != nil {
			return fmt.Errorf("slot %d: %w", i, err)
		}
		priced = priced || p.Slots[i].Price.IsKnown()
	}
	if !priced {
		return fmt.Errorf("in %d slots %w: the reason given is: %s", len(p.Slots), ErrNoPrice, p.Slots[0].Price.Why())
	}
	return nil
}

func (p *Problem) checkSlot(s *Slot) error {
	price, _ := s.Price.Get()
	switch {
	case !sound(float64(s.Next)) || !sound(float64(s.Felt)):
		return fmt.Errorf("what the weather adds is %v and %v", float64(s.Next), float64(s.Felt))
	case !sound(price):
		return fmt.Errorf("the price is %v", price)
	case !sound(float64(s.Carbon)):
		return fmt.Errorf("the carbon dioxide of a kWh is %v", float64(s.Carbon))
	case !sound(float64(s.Offer.Most)) || !sound(s.Offer.Pays):
		return fmt.Errorf("the offer is %v for %v", s.Offer.Pays, float64(s.Offer.Most))
	case !sound(float64(s.Set)) || !sound(float64(s.Low)) || !sound(float64(s.High)):
		return fmt.Errorf("the temperatures asked for are %v in %v to %v", float64(s.Set), float64(s.Low), float64(s.High))
	case s.Low > s.High:
		return fmt.Errorf("the band from %v to %v is empty", s.Low, s.High)
	case s.Worth != nil && len(s.Worth) != len(p.Tiers):
		return fmt.Errorf("work is worth something at %d tiers: there are %d", len(s.Worth), len(p.Tiers))
	}
	for k, w := range s.Worth {
		if !sound(w) {
			return fmt.Errorf("work at tier %d is worth %v", k, w)
		}
	}
	return nil
}

// sound reports whether a figure is a number that can be reckoned with.
func sound(f float64) bool { return math.Abs(f) <= mostFigure }

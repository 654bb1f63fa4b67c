package scheduler

import (
	"fmt"
	"slices"

	"hearth/units"
)

// Rule decides one slot at a time, without looking ahead. It gets the slot's
// number, the temperature as it begins, and which tiers the heater's least
// times and ramps allow; it returns one of these.
type Rule func(slot int, temp units.Celsius, may []bool) int

// Follow returns what comes of a rule, on the same bill as the best schedule.
// It fails where the problem makes no sense or the rule asks for a tier that
// is not allowed.
func (s *Solver) Follow(p *Problem, rule Rule) (Schedule, error) {
	if err := s.begin(p); err != nil {
		return Schedule{}, fmt.Errorf("follow a rule: %w", err)
	}
	s.may = slices.Grow(s.may[:0], len(p.Tiers))[:len(p.Tiers)]
	s.schedule.begin(len(p.Slots))
	temp, state := p.From.Temp, s.first()
	for t := range p.Slots {
		clear(s.may)
		moves := s.moves[s.leave[state]:s.leave[state+1]]
		for _, m := range moves {
			s.may[s.arrivals[m.arrival].tier] = true
		}
		tier := rule(t, temp, s.may)
		i := slices.IndexFunc(moves, func(m move) bool { return s.arrivals[m.arrival].tier == tier })
		if i < 0 {
			return Schedule{}, fmt.Errorf("follow a rule: slot %d: it asks for tier %d, which the heater cannot do now", t, tier)
		}
		temp, state = s.take(t, temp, moves[i])
	}
	s.schedule.Bill.End = float64(p.End * float64(temp))
	return s.schedule, nil
}

// Thermostat returns what comes of a thermostat that knows no prices: in each
// slot the tier of least heat that reaches the temperature asked for, or of
// most heat where none does.
func (s *Solver) Thermostat(p *Problem) (Schedule, error) {
	return s.Follow(p, func(t int, temp units.Celsius, may []bool) int {
		slot := &p.Slots[t]
		reach, most := -1, -1
		for k, ok := range may {
			if !ok {
				continue
			}
			if most < 0 || p.Tiers[k].Heat > p.Tiers[most].Heat {
				most = k
			}
			if _, felt := s.run(slot, temp, k); felt >= slot.Set && (reach < 0 || p.Tiers[k].Heat < p.Tiers[reach].Heat) {
				reach = k
			}
		}
		if reach < 0 {
			return most
		}
		return reach
	})
}

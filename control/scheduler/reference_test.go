package scheduler_test

import (
	"math"

	"hearth/control/scheduler"
)

// The plain definition of what the solver does, written for reading: it is
// what tests compare with and what benchmarks stand beside.

// heater is where a heater stands: its tier, and for how many slots it has
// been on or off.
type heater struct{ tier, since int }

// follows returns the heater after a slot at a tier, and whether the rules
// allow that.
func follows(p *scheduler.Problem, h heater, tier int) (heater, bool) {
	if step := max(tier-h.tier, h.tier-tier); p.Ramp > 0 && step > p.Ramp {
		return heater{}, false
	}
	least := p.MinOff
	if h.tier > 0 {
		least = p.MinOn
	}
	if (tier > 0) == (h.tier > 0) {
		return heater{tier, h.since + 1}, true
	}
	return heater{tier, 1}, h.since >= least
}

func initial(p *scheduler.Problem) heater {
	if p.From.Since == 0 {
		return heater{p.From.Tier, 1 << 20}
	}
	return heater{p.From.Tier, p.From.Since}
}

func meanPrice(p *scheduler.Problem) float64 {
	sum, n := 0.0, 0.0
	for _, s := range p.Slots {
		if price, ok := s.Price.Get(); ok {
			sum, n = sum+price, n+1
		}
	}
	return sum / n
}

// slotCost returns what a slot at a tier costs from a temperature, and the
// temperature at its end.
func slotCost(p *scheduler.Problem, t int, temp float64, from heater, tier int, mean float64) (cost, to float64) {
	s, k, hours := p.Slots[t], p.Tiers[tier], p.Step.Hours()
	to = p.Next.Keep*temp + p.Next.PerWatt*float64(k.Heat) + float64(s.Next)
	felt := to
	if p.Felt != (scheduler.Line{}) {
		felt = p.Felt.Keep*temp + p.Felt.PerWatt*float64(k.Heat) + float64(s.Felt)
	}
	price, ok := s.Price.Get()
	if !ok {
		price = mean
	}
	kwh := float64(k.Draw) / 1000 * hours
	cost = kwh * (price + float64(s.Carbon)/1e6*p.CarbonPrice)
	if s.Worth != nil {
		cost -= s.Worth[tier] * hours
	}
	if k.Draw <= s.Offer.Most {
		cost -= s.Offer.Pays
	}
	if from.tier == 0 && tier > 0 {
		cost += p.Start
	}
	outside := max(0, float64(s.Low)-felt, felt-float64(s.High))
	away := felt - float64(s.Set)
	within := min(max(felt, float64(s.Low)), float64(s.High))
	cost += hours * (p.Comfort.Outside*outside*outside + p.Comfort.Away*away*away - p.Comfort.Warmth*within)
	return cost, to
}

// enumerate tries every schedule there is and returns the least cost.
func enumerate(p *scheduler.Problem) float64 {
	mean := meanPrice(p)
	var from func(t int, temp float64, h heater) float64
	from = func(t int, temp float64, h heater) float64 {
		if t == len(p.Slots) {
			return -p.End * temp
		}
		best := math.Inf(1)
		for tier := range p.Tiers {
			next, ok := follows(p, h, tier)
			if !ok {
				continue
			}
			cost, to := slotCost(p, t, temp, h, tier, mean)
			best = min(best, cost+from(t+1, to, next))
		}
		return best
	}
	return from(0, float64(p.From.Temp), initial(p))
}

// recursion is the dynamic programme without any of the solver's economies:
// a state for each tier and count, a value for each slot, all kept.
func recursion(p *scheduler.Problem) (tiers []int, total float64) {
	mean := meanPrice(p)
	most := max(1, p.MinOn, p.MinOff)
	spacing := float64(p.Grid.High-p.Grid.Low) / float64(p.Grid.Points-1)
	value := make([]map[heater][]float64, len(p.Slots)+1)
	read := func(t int, h heater, temp float64) float64 {
		h.since = min(h.since, most)
		x := min(max((temp-float64(p.Grid.Low))/spacing, 0), float64(p.Grid.Points-1))
		i := min(int(x), p.Grid.Points-2)
		v := value[t][h]
		return v[i] + (x-float64(i))*(v[i+1]-v[i])
	}
	best := func(t int, h heater, temp float64) (pick int, cost float64) {
		cost = math.Inf(1)
		for tier := range p.Tiers {
			next, ok := follows(p, h, tier)
			if !ok {
				continue
			}
			c, to := slotCost(p, t, temp, h, tier, mean)
			if c += read(t+1, next, to); c < cost {
				pick, cost = tier, c
			}
		}
		return pick, cost
	}
	for t := len(p.Slots); t >= 0; t-- {
		value[t] = map[heater][]float64{}
		for tier := range p.Tiers {
			for since := 1; since <= most; since++ {
				h, v := heater{tier, since}, make([]float64, p.Grid.Points)
				for i := range v {
					temp := float64(p.Grid.Low) + float64(i)*spacing
					if t == len(p.Slots) {
						v[i] = -p.End * temp
					} else {
						_, v[i] = best(t, h, temp)
					}
				}
				value[t][h] = v
			}
		}
	}
	temp, h := float64(p.From.Temp), initial(p)
	for t := range p.Slots {
		tier, _ := best(t, h, temp)
		cost, to := slotCost(p, t, temp, h, tier, mean)
		next, _ := follows(p, h, tier)
		tiers, total, temp, h = append(tiers, tier), total+cost, to, next
	}
	return tiers, total - p.End*temp
}

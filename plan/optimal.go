package plan

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"hearth/control/scheduler"
	"hearth/plan/market"
	"hearth/units"
)

// ErrNothingStored is the error of a schedule for a home that has no rooms, or
// no machine: nothing there can be moved in time.
var ErrNothingStored = errors.New("nothing can be moved in time")

// Schedule is a year of heating planned ahead beside the same year by
// thermostat: what the walls are worth as a store.
type Schedule struct {
	Currency string
	// Rule heats when it is cold, Best when that costs least in all: both with
	// the machine and its backup, whichever makes a kWh for less, in the first
	// year under the middle outlook.
	Rule, Best Policy
	// Gains is what planning ahead saves in the year, and Sentence says it.
	Gains    Money
	Sentence string
	// Heat is that of the best schedule, to the rooms in each hour.
	Heat []units.Watts
	// Air is the mean temperature of the rooms then.
	Air []units.Celsius
}

// Policy is what a way to run the heaters comes to in a year.
type Policy struct {
	Running  Money               // for the rooms, less what is earned
	Heat     units.KilowattHours // to the rooms
	Computed units.KilowattHours
	Coldest  units.Celsius // lowest mean of an hour
	// Cold is kelvin below the set-point times hours.
	Cold float64
}

const (
	// warmer is how far above the set-point people let a room be warmed ahead.
	warmer = 2.0 // K
	// The walls are planned on a grid of how much warmer they are than by the
	// rule, in steps of 0.05 K.
	coolest, warmest = -0.5, 2.5 // K
	wallPoints       = 61
	// discomfort is US dollars for a kelvin outside the band, squared, and hour:
	// so dear that a schedule saves nothing by being colder.
	discomfort = 20.0
	// never is US dollars for an hour in which heat would have to be taken away.
	never = 1e6
)

// departures are how far a schedule may depart from the rule's heat, as shares
// of the greatest: fine about nought, where it holds a temperature.
func departures() []float64 {
	list := []float64{0}
	for d := 1. / 64; d <= 1; d *= 2 {
		list = append(list, d, -d)
	}
	return list
}

// Optimal returns the schedule of a year that costs least, by exact dynamic
// programming over the warmth of the walls. Rooms may be warmed up to 2 K
// beyond the set-point ahead of dear hours, and are never colder than by the
// rule. Hot water and other uses keep their hours, and the machine serves them
// first.
func (s *Site) Optimal() (*Schedule, error) {
	d, q := s.demand, &s.q
	if !d.rooms {
		return nil, fmt.Errorf("plan ahead: %w: the home has no rooms", ErrNothingStored)
	}
	r := s.reckoning(&way{})
	if r.duty == nil {
		why := r.unknown
		if why == "" {
			why = r.backup.unknown
		}
		return nil, fmt.Errorf("plan ahead: %w: %s", ErrNothingStored, why)
	}
	p := newAhead(r)
	var solver scheduler.Solver
	best, err := solver.Solve(&p.problem)
	if err != nil {
		return nil, fmt.Errorf("plan ahead: %w", err)
	}
	out := &Schedule{Currency: q.Money.Currency, Heat: make([]units.Watts, Hours), Air: make([]units.Celsius, Hours)}
	for i, tier := range best.Tiers {
		out.Heat[i] = p.heat[i] + p.problem.Tiers[tier].Heat
		out.Air[i] = d.keep.Set[i] + best.Felt[i]
	}
	out.Rule, out.Best = p.policy(p.heat, p.air), p.policy(out.Heat, out.Air)
	out.Gains = out.Rule.Running - out.Best.Running
	out.Sentence = fmt.Sprintf("Planning ahead, with rooms up to %g K warmer before dear hours and never colder, saves %s of %s for the rooms in the first year.",
		warmer, amount(float64(out.Gains), out.Currency), amount(float64(out.Rule.Running), out.Currency))
	return out, nil
}

// ahead is the year as a problem of the scheduler. Buildings are straight
// lines, so what is planned is the departure from the rule: its temperatures
// are how much warmer walls and air are than by the rule and than the
// set-point, and its tiers are heat more or less than the rule's. What a tier
// costs in an hour, by the cheaper of machine and backup first, is booked as
// what it is worth.
type ahead struct {
	r       *reckoning
	problem scheduler.Problem
	heat    []units.Watts   // to the rooms by the rule
	air     []units.Celsius // by the rule
	free    []float64       // kWh that the machine can still draw for the rooms
	earns   []float64       // in each hour, for a kWh
}

func newAhead(r *reckoning) *ahead {
	d, q := r.s.demand, r.q
	p := &ahead{r: r, free: d.forUses(&q.Machine), earns: make([]float64, Hours), heat: make([]units.Watts, Hours), air: make([]units.Celsius, Hours)}
	first := months()
	for month := range 12 {
		for i := first[month]; i < first[month+1]; i++ {
			p.free[i] = q.Machine.power() - p.free[i]/float64(q.Machine.Recovery)
			p.earns[i] = r.worth(market.Middle, 0, month)
		}
	}
	d.through.Run(d.before.Run(d.start, lastMonth(d.keep), p.heat[:december], nil), d.keep, p.heat, p.air)
	most := slices.Max(p.heat)

	keep, warm, _ := d.through.Mass(0)
	airKeep, airWarm, _ := d.through.MeanAir(0)
	p.problem = scheduler.Problem{
		Step:    time.Hour,
		Slots:   make([]scheduler.Slot, Hours),
		Next:    scheduler.Line{Keep: keep, PerWatt: warm},
		Felt:    scheduler.Line{Keep: airKeep, PerWatt: airWarm},
		Comfort: scheduler.Comfort{Outside: discomfort * q.Money.PerDollar},
		Grid:    scheduler.Grid{Low: coolest, High: warmest, Points: wallPoints},
	}
	for _, share := range departures() {
		p.problem.Tiers = append(p.problem.Tiers, scheduler.Tier{Heat: units.Watts(share) * most})
	}
	tiers := len(p.problem.Tiers)
	worth := make([]float64, Hours*tiers)
	free := units.Know(0.0, q.Market[market.Middle][0].Start, units.Chosen)
	for i := range p.problem.Slots {
		costs := worth[i*tiers : (i+1)*tiers]
		for k := range costs {
			heat := p.heat[i] + p.problem.Tiers[k].Heat
			if heat < 0 {
				costs[k] = -never * q.Money.PerDollar
				continue
			}
			cost, _ := p.cost(i, float64(heat)/1000)
			costs[k] = -cost
		}
		above := p.air[i] - d.keep.Set[i]
		p.problem.Slots[i] = scheduler.Slot{Felt: above, Price: free, Worth: costs, High: max(warmer, above)}
	}
	return p
}

// cost returns what some heat to the rooms costs in an hour, kWh, by the
// cheaper of machine and backup first, and what the machine computes for it.
func (p *ahead) cost(i int, want float64) (money, computed float64) {
	m, backup := &p.r.q.Machine, p.r.backup.worth[i]
	recovery, margin := float64(m.Recovery), p.r.duty.dear[i]
	within := want * p.r.s.demand.parts[0].reached(m, i) / recovery // kWh drawn
	computing := min(p.free[i], m.computing())
	if margin <= p.earns[i] {
		computed = min(within, computing)
	}
	draw := computed
	if margin <= 0 {
		draw += min(within-computed, p.free[i]-computing)
	}
	// The backup makes it all, and each kWh that the machine draws changes that
	// by its margin.
	return want*backup + draw*margin - computed*p.earns[i], computed
}

// policy sums up a year.
func (p *ahead) policy(heat []units.Watts, air []units.Celsius) Policy {
	out := Policy{Coldest: slices.Min(air)}
	for i := range heat {
		money, computed := p.cost(i, float64(heat[i])/1000)
		out.Running += Money(money)
		out.Heat += units.KilowattHours(heat[i] / 1000)
		out.Computed += units.KilowattHours(computed)
		out.Cold += max(0, float64(p.r.s.demand.keep.Set[i]-air[i]))
	}
	return out
}

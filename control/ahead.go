package control

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"hearth/control/scheduler"
	"hearth/heat"
	"hearth/units"
)

// Bounds of planning ahead.
const (
	// ShiftMost is the most by which planning may move a set-point.
	ShiftMost units.Kelvin = 3
	// horizon is how many slots are planned: the day for which prices are out.
	horizon = quarters
	// trialDays is how many of the last days must have been foretold well.
	trialDays = 5
	// learnEvery is how often a room is learned anew.
	learnEvery = int64(quarters)
	// leastLift is how far its heaters must be able to hold a room above the
	// outdoors, in kelvin, for a model of it to be one.
	leastLift = 4
	// owedFor is for how many hours warmth is owed, owedMost the most of it in
	// K·h, and interest what a K·h adds to the worth of warmth.
	owedFor  = 48.0
	owedMost = 12.0
	interest = 0.14
	// newsLast is for how many slots an outlook is good, should no newer come.
	newsLast = 4
	// inside is how far a plan keeps from the ends of the band, since a
	// thermostat and a heater with few levels cannot follow it to the tenth.
	inside units.Celsius = 0.15
	// letCool is how fast a room that was warmer may become cooler in a slot
	// without that being minded.
	letCool units.Celsius = 0.25
	// planTiers are the heater's levels in a plan. A real heater makes those it
	// does not have by running for a part of the time.
	planTiers = 5
)

// Foreseen is what is known of a quarter-hour to come.
type Foreseen struct {
	At      time.Time // its start, on a quarter of an hour
	Price   units.Known[units.Price]
	Outdoor units.Known[units.Celsius]
}

// Foresee tells of the quarter-hours to come, the present one first, without
// holes. It should be told again as each begins. What is not known in it is
// made up for as far as it can: see [Zone.Shift].
func (h *Home) Foresee(ahead []Foreseen) {
	h.ahead = slices.Clone(ahead)
	for _, z := range h.zones {
		z.ahead.stale = true
	}
}

// ahead is a zone's plan and the model that it is made with.
type ahead struct {
	stale bool // there is news
	from  int64
	slots []planned
	why   string // there is no plan, and why; empty without a word to say

	learned int64 // the slot in which the room was learned
	room    scheduler.Room
	trial   scheduler.Trial
	err     error // it could not be

	owed    float64 // K·h, below zero where it was warmer
	settled int64   // the slot up to which that is counted

	solver scheduler.Solver
	said   bool // the present state was told of as an event
	was    bool // planning was on when last told of
}

// planned is a slot of a plan.
type planned struct {
	set  units.Celsius // asked for
	felt units.Celsius
	tier int
	over float64 // price above the mean of the plan
	phase
}

// follow moves the aim to where the plan wants the room, within the band that
// is allowed, and reports whether there is a plan.
func (p *plan) follow(z *zone) bool {
	a := &z.ahead
	temp, known := z.belief.temp.Get()
	if z.Shift <= 0 || !known {
		return false
	}
	slot := slotOf(p.obs.Now)
	z.record.turn(slot)
	if a.stale || a.why == "" && !a.fits(slot, z.set) {
		z.settle(slot)
		a.slots = a.slots[:0]
		if strength, _ := p.strength(z); strength <= 0 {
			a.stale = true // at the next step there may be one
			z.planned = "Planning ahead waits: no heater of the room can heat now."
			return false
		}
		a.stale = false
		a.why = p.project(z, slot, temp)
		p.announce(z)
	}
	switch {
	case a.why != "":
		z.planned = "Planning ahead is off: " + a.why + "."
		return false
	case !a.fits(slot, z.set) || slot-slotOf(p.home.ahead[0].At) >= newsLast:
		z.planned = "Planning ahead is off: no news of prices has come for an hour."
		return false
	case z.preset(p.obs.Now) == heat.Boost:
		z.planned = "Planning ahead rests: a boost is on."
		return false
	}
	z.steer(int(slot-a.from), p.obs.Now.Location())
	return true
}

// fits reports whether the plan speaks of the slot, and of the set-point that
// is in force.
func (a *ahead) fits(slot int64, set units.Celsius) bool {
	i := slot - a.from
	return i >= 0 && i < int64(len(a.slots)) && a.slots[i].set == set
}

// announce tells once when planning ahead begins or ends.
func (p *plan) announce(z *zone) {
	a := &z.ahead
	on := a.why == ""
	if a.said && on != a.was {
		text := z.Name + ": planning ahead is on."
		if !on {
			text = z.Name + ": planning ahead is off: " + a.why + "."
		}
		p.home.note(Info, z.ID, "plan", text)
	}
	a.said, a.was = true, on
}

// project plans the day to come, or says why it cannot be.
func (p *plan) project(z *zone, slot int64, temp units.Celsius) string {
	a := &z.ahead
	ahead := p.home.ahead
	for len(ahead) > 0 && slotOf(ahead[0].At) < slot {
		ahead = ahead[1:]
	}
	if len(ahead) == 0 || slotOf(ahead[0].At) != slot {
		return "nothing is known of the prices to come"
	}
	ahead = ahead[:min(len(ahead), horizon)]
	if why := prices(ahead); why != "" {
		return why
	}
	if why := z.learn(slot, p.obs.Now.Location()); why != "" {
		return why
	}
	problem, why := p.pose(z, ahead, temp)
	if why != "" {
		return why
	}
	if lift := a.room.Resistance * float64(problem.Tiers[planTiers-1].Heat); lift < leastLift {
		return fmt.Sprintf("by what is recorded so far all its heat would hold the room only %v above the outdoors", units.Kelvin(lift))
	}
	s, err := a.solver.Solve(problem)
	if err != nil {
		return "no plan can be made: " + err.Error()
	}
	a.from = slot
	mean := meanOf(problem.Slots)
	for i := range problem.Slots {
		price, ok := problem.Slots[i].Price.Get()
		if !ok {
			price = mean
		}
		a.slots = append(a.slots, planned{set: problem.Slots[i].Set, felt: s.Felt[i], tier: s.Tiers[i], over: price - mean})
	}
	most := math.Inf(-1)
	for i := range slices.Backward(a.slots) {
		a.slots[i].phase = a.slots[i].purpose(most)
		most = max(most, a.slots[i].over)
	}
	return ""
}

// settle keeps account of the warmth that planning owes the room's people: for
// how long it was how much cooler than they asked. A band that binds more often
// above than below would else make them colder, little by little.
func (z *zone) settle(slot int64) {
	a := &z.ahead
	past, ok := z.record.at(slot - 1)
	if i := slot - 1 - a.from; ok && i >= 0 && i < int64(len(a.slots)) && slot > a.settled {
		gap := max(-z.Shift, min(z.Shift, a.slots[i].set.Sub(past.Temp)))
		a.owed += float64(gap) * quarter.Hours()
	}
	a.owed = max(-owedMost, min(owedMost, a.owed*(1-quarter.Hours()/owedFor)))
	a.settled = slot
}

// prices says what is wrong with the prices to come: unknown, or all the same.
func prices(ahead []Foreseen) string {
	var least, most units.Price
	known := 0
	for _, f := range ahead {
		price, ok := f.Price.Get()
		if !ok {
			continue
		}
		if known == 0 || price.PerKWh.Micros < least.PerKWh.Micros {
			least = price
		}
		if known == 0 || price.PerKWh.Micros > most.PerKWh.Micros {
			most = price
		}
		known++
	}
	switch {
	case known == 0:
		return ahead[0].Price.Why()
	case least == most:
		return fmt.Sprintf("power costs the same at all hours, %v", most)
	case least.PerKWh.Currency != most.PerKWh.Currency:
		return "prices are in two currencies"
	}
	return ""
}

// meanOf is the mean of the prices that are known.
func meanOf(slots []scheduler.Slot) float64 {
	sum, n := 0.0, 0.0
	for i := range slots {
		if price, ok := slots[i].Price.Get(); ok {
			sum, n = sum+price, n+1
		}
	}
	return sum / n
}

// learn learns the room once a day, and says why what was learned cannot be
// relied on.
func (z *zone) learn(slot int64, where *time.Location) string {
	a := &z.ahead
	if a.learned == 0 || slot-a.learned >= learnEvery || slot < a.learned || errors.Is(a.err, scheduler.ErrTooLittle) && slot-a.learned >= newsLast {
		first := startOf(z.record.last - int64(len(z.record.samples)) + 1).In(where)
		rec := scheduler.Record{Step: quarter, Samples: z.record.samples, First: quarterOf(first)}
		a.learned = slot
		if a.trial, a.err = scheduler.Try(rec, trialDays); a.err == nil {
			a.room, a.err = scheduler.Fit(rec)
		}
	}
	switch {
	case errors.Is(a.err, scheduler.ErrTooLittle):
		return fmt.Sprintf("the room is not known well enough yet: it takes three days on end with its heat and the weather, of which %.1f are recorded", z.record.days())
	case errors.Is(a.err, scheduler.ErrNoRoom):
		return "by what is recorded so far more heat does not make this room warmer"
	case a.err != nil:
		return "the room cannot be learned: " + a.err.Error()
	case !a.trusted(z.Shift):
		return fmt.Sprintf("over the last %s the model of this room missed by %v, the simple rule by %v", daysOf(a.trial.Days), a.trial.Model, a.trial.Rule)
	}
	return ""
}

// trusted reports whether the model of the room has foretold the last days
// better than the rule that all stays as it is. A room that is held steady is
// foretold by that rule best of all; there the model need be no better than
// the shift that it is to be used for makes it matter.
func (a *ahead) trusted(shift units.Kelvin) bool {
	return a.trial.Model <= a.trial.Rule || a.trial.Model <= shift/4
}

func daysOf(n int) string {
	if n == 1 {
		return "day"
	}
	return fmt.Sprintf("%d days", n)
}

// quarterOf is the number in its day of the quarter-hour at t, by the clock on
// the wall.
func quarterOf(t time.Time) int { return int(heat.Of(t)) / int(quarter/time.Minute) }

// pose puts the day to come into the form of a problem.
func (p *plan) pose(z *zone, ahead []Foreseen, temp units.Celsius) (*scheduler.Problem, string) {
	now := p.obs.Now
	room := z.ahead.room
	strength, quiet := p.strength(z)
	next, felt := room.Lines()
	problem := &scheduler.Problem{
		Step: quarter, Next: next, Felt: felt, MinOn: 2, MinOff: 2,
		Slots: make([]scheduler.Slot, len(ahead)),
	}
	for k := range planTiers {
		w := strength * units.Watts(k) / (planTiers - 1)
		problem.Tiers = append(problem.Tiers, scheduler.Tier{Heat: w, Draw: w})
	}
	slow := room.Slow(temp, z.drawn())
	if s, ok := z.record.at(slotOf(now) - 1); ok {
		slow = room.Slow(s.Temp, s.Heat) // of a quarter-hour's means, not of a moment
	}
	low, high := slow, slow
	sum := 0.0
	bound := max(temp, z.set+units.Celsius(z.Shift))
	for i, f := range ahead {
		s := &problem.Slots[i]
		at := f.At.In(now.Location())
		outdoor, ok := outdoorSane(f.Outdoor).Get()
		if !ok {
			if outdoor, ok = z.record.usual(slotOf(at)); !ok {
				return nil, "the weather to come is not known: " + f.Outdoor.Why()
			}
		}
		s.Next = room.Drift(outdoor, quarterOf(at))
		s.Felt = s.Next
		s.Price = units.Map(f.Price, units.Price.Float)
		if price, ok := s.Price.Get(); ok {
			sum += math.Abs(price)
		}
		s.Set = z.SetPoint
		if set, ok, _, _ := z.Schedule.At(at); ok {
			s.Set = set
		}
		if i == 0 {
			s.Set = z.set
		}
		s.Low = z.lowest(s.Set) + inside
		bound = max(bound-letCool, s.Set+units.Celsius(z.Shift))
		s.High = max(s.Low, min(bound, z.Limit-2)-inside)
		low, high = min(low, s.Low), max(high, s.High)
		if left := quiet(at); left < strength {
			// More than all the heat could be worth.
			s.Offer = scheduler.Offer{Most: max(left, 0), Pays: 100}
		}
	}
	const margin, grain = 3, 0.1
	problem.Grid.Low, problem.Grid.High = low-margin, high+margin
	problem.Grid.Points = int(float64(high-low+2*margin)/grain) + 2
	problem.From.Temp = slow
	if z.heats() {
		problem.From.Tier = 1
	}
	// What a kelvin more loses in an hour, and what it stores, at the mean price.
	mean := max(0, meanOf(problem.Slots))
	loss := 1 / (1000 * room.Resistance)
	scale := max(sum/float64(len(ahead)), 1e-3) * loss
	problem.Comfort = scheduler.Comfort{Warmth: mean * loss * max(0, 1+interest*z.ahead.owed), Outside: 50 * scale, Away: 0.05 * scale}
	problem.End = mean * loss * room.Constant().Hours()
	problem.Start = scale / loss * float64(strength) / 1000 * 0.05
	return problem, ""
}

// strength returns what the zone's heaters give at most, quiet hours aside,
// and what the quiet hours leave of it at a time.
func (p *plan) strength(z *zone) (most units.Watts, quiet func(time.Time) units.Watts) {
	role := Primary
	if z.unassisted() {
		role = Backup
	}
	under := func(loud int) (sum units.Watts) {
		for _, h := range z.heaters {
			if h.Role == role && h.out == "" && h.tripped == "" {
				sum += h.strength(h.cap(p.home.super.unguarded(h)), loud)
			}
		}
		return sum
	}
	most = under(0)
	return most, func(at time.Time) units.Watts {
		loud, power := z.quiet(at)
		left := most
		if loud > 0 {
			left = under(loud)
		}
		if power > 0 {
			left = min(left, power)
		}
		return left
	}
}

// strength is the most that a heater gives under a cap and a loudness.
func (h *heater) strength(most units.Watts, loud int) units.Watts {
	points, was := h.points, h.most
	defer func() { h.points, h.most = points, was }()
	h.points = nil
	h.permit(most, loud)
	if !h.runs() {
		return 0
	}
	return h.most
}

// heats reports whether a heater of the zone is on.
func (z *zone) heats() bool {
	return slices.ContainsFunc(z.heaters, func(h *heater) bool { return h.book.on })
}

// steer aims at where the plan wants the room: at the end of a spell of full
// heat or of none, so that the thermostat gives all or nothing until then, and
// else at what the slot should feel like.
func (z *zone) steer(i int, where *time.Location) {
	slots := z.ahead.slots
	turn := i
	if tier := slots[i].tier; tier == 0 || tier == planTiers-1 {
		for turn+1 < len(slots) && slots[turn+1].tier == tier && slots[turn+1].set == slots[i].set {
			turn++
		}
	}
	z.floor = z.lowest(z.set)
	z.aim = max(z.floor, min(slots[turn].felt, z.set+units.Celsius(z.Shift)))

	until := ", until " + startOf(z.ahead.from+int64(spell(slots[i:])+i)).In(where).Format("15:04") + "."
	switch z.acts = true; slots[i].phase {
	case cheap:
		z.planned = "Warming up now while power is cheap" + until
	case early:
		z.planned = "Warming up before power gets dearer" + until
	case dear:
		z.planned = "Letting the room cool while power is dear" + until
	default:
		z.planned, z.acts = "Planning ahead is on: nothing to gain just now.", false
	}
}

// lowest is how low planning may let a room fall that is set so: never into
// the reach of frost protection.
func (z *zone) lowest(set units.Celsius) units.Celsius {
	return max(set-units.Celsius(z.Shift), min(set, z.Frost.Add(frostRelease)))
}

// phase is what a slot of a plan is for.
type phase int

const (
	asUsual phase = iota
	cheap         // heat is stored because it is cheap
	early         // heat is stored because it will be dearer
	dear          // stored heat is used
)

// purpose tells the phase of a slot by the most that power costs after it.
func (s planned) purpose(later float64) phase {
	const worth = 0.1 // K: less is not worth a word
	switch {
	case s.tier == planTiers-1 && s.over < 0, s.tier > 0 && s.felt > s.set+worth && s.over < 0:
		return cheap
	case s.tier > 0 && s.felt > s.set+worth && later > s.over:
		return early
	case s.felt < s.set-worth && s.over > 0:
		return dear
	}
	return asUsual
}

// spell is for how many slots the purpose of the first goes on. A pause of
// less than an hour does not end it, a change of price does.
func spell(slots []planned) int {
	const pause = 4
	last, phase, dear := 0, slots[0].phase, slots[0].over > 0
	for i, s := range slots {
		if (s.over > 0) != dear || i-last > pause {
			break
		}
		switch s.phase {
		case phase:
			last = i
		case asUsual:
		default:
			return last + 1
		}
	}
	return last + 1
}

package scheduler

import (
	"fmt"
	"math"
	"slices"

	"hearth/units"
)

// Solver solves problems one after the other. The zero Solver is ready. It is
// not safe for concurrent use.
type Solver struct {
	p     *Problem
	hours float64
	mean  float64 // of the known prices, which stands for those that are not
	felt  Line
	same  bool // what is felt is the temperature at the end of the slot

	// The heater as a machine: see [Solver.build].
	states   int
	arrivals []arrival
	reached  []int // arrivals of tier k are reached[k] to reached[k+1]
	moves    []move
	leave    []int // moves of state s are leave[s] to leave[s+1]

	values   []float64 // of the slots of one block, one table after the other
	kept     []float64 // of the first slots of the later blocks
	spare    [2][]float64
	quality  []float64 // of each arrival, from one temperature
	tierCost []float64 // of each tier in one slot
	may      []bool

	schedule Schedule
}

// arrival is being at a tier in a slot and in a state of the machine after it.
type arrival struct{ tier, state int }

// move is a choice that a state of the machine leaves.
type move struct {
	arrival int
	cost    float64
}

// Schedule is what to do. Its slices belong to the [Solver] that made it until
// its next problem.
type Schedule struct {
	Tiers []int           // in each slot
	Temps []units.Celsius // at the end of each slot
	Felt  []units.Celsius // in each slot
	Bill  Bill
	// Starts is how often the heater is switched on.
	Starts int
	// Guessed is the slots whose price was not known.
	Guessed int
}

// Bill is what a schedule costs, part by part.
type Bill struct {
	Energy  float64 // paid for power; below zero where prices are
	Carbon  float64
	Starts  float64
	Worth   float64 // earned by computing
	Offers  float64 // paid by the grid
	Comfort float64 // charged for discomfort, less what warmth is worth
	End     float64 // what the last temperature is worth

	Drawn, Heat units.KilowattHours
}

// Total returns what is made least.
func (b Bill) Total() float64 {
	return b.Energy + b.Carbon + b.Starts + b.Comfort - b.Worth - b.Offers - b.End
}

// Solve returns the schedule that costs least. It fails where the problem
// makes no sense, naming the slot.
func (s *Solver) Solve(p *Problem) (Schedule, error) {
	if err := s.begin(p); err != nil {
		return Schedule{}, fmt.Errorf("plan ahead: %w", err)
	}
	n, size := len(p.Slots), s.states*p.Grid.Points
	block, err := blockOf(n, size)
	if err != nil {
		return Schedule{}, fmt.Errorf("plan ahead: %w", err)
	}
	blocks := (n + block - 1) / block
	s.values = sized(s.values, (block+1)*size)
	s.kept = sized(s.kept, blocks*size)
	table := func(all []float64, i int) []float64 { return all[i*size : (i+1)*size] }

	// Back to the second block, keeping the value as each block begins.
	now, before := sized(s.spare[0], size), sized(s.spare[1], size)
	s.spare = [2][]float64{now, before}
	s.last(now)
	for t := n; ; t-- {
		if t == n || t%block == 0 {
			copy(table(s.kept, (t-1)/block), now) // the end of the block before
		}
		if t <= block {
			break
		}
		s.back(t-1, now, before)
		now, before = before, now
	}

	// Then each block from its end, and forward through it.
	temp, state := p.From.Temp, s.first()
	s.schedule.begin(n)
	for b := range blocks {
		from, to := b*block, min((b+1)*block, n)
		copy(table(s.values, to-from), table(s.kept, b))
		for t := to - 1; t > from; t-- {
			s.back(t, table(s.values, t+1-from), table(s.values, t-from))
		}
		for t := from; t < to; t++ {
			m := s.choose(t, temp, state, table(s.values, t+1-from))
			temp, state = s.take(t, temp, m)
		}
	}
	s.schedule.Bill.End = float64(p.End * float64(temp))
	return s.schedule, nil
}

// blockOf returns how many slots are kept in memory at once: all of a few
// days, the square root of a year.
func blockOf(n, size int) (int, error) {
	block := n
	if n*size > 1<<18 {
		block = int(math.Ceil(math.Sqrt(float64(n))))
	}
	if need := (block + 1 + (n+block-1)/block) * size; need > mostValues {
		return 0, fmt.Errorf("%d slots of %d values each are too many: use fewer temperatures, tiers or slots of least time", n, size)
	}
	return block, nil
}

// begin takes up a problem.
func (s *Solver) begin(p *Problem) error {
	if err := p.check(); err != nil {
		return err
	}
	s.p, s.hours = p, p.Step.Hours()
	s.felt, s.same = p.Felt, p.Felt == Line{}
	if s.same {
		s.felt = p.Next
	}
	sum, known := 0.0, 0
	for i := range p.Slots {
		if price, ok := p.Slots[i].Price.Get(); ok {
			sum, known = sum+price, known+1
		}
	}
	s.mean = sum / float64(known)
	s.build()
	s.quality = sized(s.quality, len(s.arrivals))
	s.tierCost = sized(s.tierCost, len(p.Tiers))
	return nil
}

// build makes a machine of the heater. Its state is whether it is on or off
// and for how many slots, counted to the least time and no further; and, where
// a ramp asks for it, at which tier.
func (s *Solver) build() {
	p := s.p
	on, off := max(1, p.MinOn), max(1, p.MinOff)
	tiers := len(p.Tiers)
	apart := p.Ramp > 0 && p.Ramp < tiers-1 // tiers are states of their own
	// state numbers a tier that has been kept on or off for c slots.
	state := func(k, c int) int {
		switch {
		case k == 0:
			return min(c, off) - 1
		case apart:
			return off + (k-1)*on + min(c, on) - 1
		}
		return off + min(c, on) - 1
	}
	s.arrivals, s.reached = s.arrivals[:0], append(s.reached[:0], 0)
	for c := 1; c <= off; c++ {
		s.arrivals = append(s.arrivals, arrival{0, state(0, c)})
	}
	s.reached = append(s.reached, len(s.arrivals))
	for k := 1; k < tiers; k++ {
		for c := 1; c <= on; c++ {
			s.arrivals = append(s.arrivals, arrival{k, state(k, c)})
		}
		s.reached = append(s.reached, len(s.arrivals))
	}
	at := func(k, c int) int {
		if k == 0 {
			return min(c, off) - 1
		}
		return s.reached[k] + min(c, on) - 1
	}
	s.moves, s.leave = s.moves[:0], append(s.leave[:0], 0)
	leave := func(k, c int) {
		most := off
		if k > 0 {
			most = on
		}
		for to := range tiers {
			switch {
			case apart && (to-k > p.Ramp || k-to > p.Ramp):
			case (to > 0) == (k > 0):
				s.moves = append(s.moves, move{at(to, c+1), 0})
			case c < most: // it may not be switched yet
			case to > 0:
				s.moves = append(s.moves, move{at(to, 1), p.Start})
			default:
				s.moves = append(s.moves, move{at(to, 1), 0})
			}
		}
		s.leave = append(s.leave, len(s.moves))
	}
	for c := 1; c <= off; c++ {
		leave(0, c)
	}
	for k := 1; k < tiers && (apart || k == 1); k++ {
		for c := 1; c <= on; c++ {
			leave(k, c)
		}
	}
	s.states = len(s.leave) - 1
}

// first returns the state of the machine as the first slot begins.
func (s *Solver) first() int {
	f, p := s.p.From, s.p
	on, off := max(1, p.MinOn), max(1, p.MinOff)
	kept := func(least int) int {
		if f.Since == 0 {
			return least
		}
		return min(f.Since, least)
	}
	if f.Tier == 0 {
		return kept(off) - 1
	}
	if s.states == off+on {
		return off + kept(on) - 1
	}
	return off + (f.Tier-1)*on + kept(on) - 1
}

// spacing is the distance of two temperatures of the grid.
func (g Grid) spacing() float64 { return float64(g.High-g.Low) / float64(g.Points-1) }

// last is what the temperatures of the end are worth.
func (s *Solver) last(v []float64) {
	g := s.p.Grid
	for i := range g.Points {
		worth := -float64(s.p.End * (float64(g.Low) + float64(float64(i)*g.spacing())))
		for k := range s.states {
			v[i*s.states+k] = worth
		}
	}
}

// costs fills in what each tier costs in a slot, comfort aside.
func (s *Solver) costs(t int) {
	slot := &s.p.Slots[t]
	price := s.price(slot) + float64(float64(slot.Carbon)*s.p.CarbonPrice)/1e6
	for k, tier := range s.p.Tiers {
		c := float64(float64(tier.Draw) / 1000 * s.hours * price)
		if slot.Worth != nil {
			c -= float64(slot.Worth[k] * s.hours)
		}
		if slot.Offer.Pays != 0 && tier.Draw <= slot.Offer.Most {
			c -= slot.Offer.Pays
		}
		s.tierCost[k] = c
	}
}

func (s *Solver) price(slot *Slot) float64 {
	if price, ok := slot.Price.Get(); ok {
		return price
	}
	return s.mean
}

// share is the slot's own share of what is felt.
func (s *Solver) share(slot *Slot) float64 {
	if s.same {
		return float64(slot.Next)
	}
	return float64(slot.Felt)
}

// mind is what a felt temperature costs in a slot.
func (s *Solver) mind(slot *Slot, felt float64) float64 {
	c := &s.p.Comfort
	low, high := float64(slot.Low), float64(slot.High)
	within := felt
	over := 0.0
	if felt < low {
		over, within = low-felt, low
	} else if felt > high {
		over, within = felt-high, high
	}
	away := felt - float64(slot.Set)
	return float64((float64(c.Outside*over*over) + float64(c.Away*away*away) - float64(c.Warmth*within)) * s.hours)
}

// back takes the values as a slot ends to those as it begins. Products are
// rounded before they are added, so that no processor fuses the two and every
// one decides alike.
func (s *Solver) back(t int, next, out []float64) {
	s.costs(t)
	p, slot, states := s.p, &s.p.Slots[t], s.states
	h := p.Grid.spacing()
	per := 1 / h
	top, low := float64(p.Grid.Points-1), float64(p.Grid.Low)
	quality, share := s.quality, s.share(slot)
	for i := range p.Grid.Points {
		temp := low + float64(float64(i)*h)
		warm := float64(p.Next.Keep*temp) + float64(slot.Next)
		felt := float64(s.felt.Keep*temp) + share
		for k := range p.Tiers {
			heat := float64(p.Tiers[k].Heat)
			x := float64((warm + float64(p.Next.PerWatt*heat) - low) * per)
			x = min(max(x, 0), top)
			j := min(int(x), p.Grid.Points-2)
			w := x - float64(j)
			cost := s.tierCost[k] + s.mind(slot, felt+float64(s.felt.PerWatt*heat))
			// The states that a tier arrives at follow each other.
			from, to := s.reached[k], s.reached[k+1]
			first := j*states + s.arrivals[from].state
			reached := quality[from:to]
			lower, upper := next[first:first+len(reached)], next[first+states:first+states+len(reached)]
			for a := range reached {
				reached[a] = cost + lower[a] + float64(w*(upper[a]-lower[a]))
			}
		}
		for state := range states {
			best := math.Inf(1)
			for _, m := range s.moves[s.leave[state]:s.leave[state+1]] {
				if q := quality[m.arrival] + m.cost; q < best {
					best = q
				}
			}
			out[i*states+state] = best
		}
	}
}

// choose returns the best move from a temperature and state. Of equal ones it
// is the one of least heat.
func (s *Solver) choose(t int, temp units.Celsius, state int, next []float64) move {
	s.costs(t)
	p, slot, states := s.p, &s.p.Slots[t], s.states
	best, pick := math.Inf(1), move{}
	for _, m := range s.moves[s.leave[state]:s.leave[state+1]] {
		a := s.arrivals[m.arrival]
		to, felt := s.run(slot, temp, a.tier)
		x := min(max(float64(float64(to-p.Grid.Low)*(1/p.Grid.spacing())), 0), float64(p.Grid.Points-1))
		j := min(int(x), p.Grid.Points-2)
		v := next[j*states+a.state]
		q := s.tierCost[a.tier] + s.mind(slot, float64(felt)) + v + float64((x-float64(j))*(next[(j+1)*states+a.state]-v)) + m.cost
		if q < best {
			best, pick = q, m
		}
	}
	return pick
}

// run is a slot at a tier: the temperature at its end and the one felt in it.
func (s *Solver) run(slot *Slot, temp units.Celsius, tier int) (to, felt units.Celsius) {
	heat := float64(s.p.Tiers[tier].Heat)
	to = units.Celsius(float64(s.p.Next.Keep*float64(temp)) + float64(slot.Next) + float64(s.p.Next.PerWatt*heat))
	felt = units.Celsius(float64(s.felt.Keep*float64(temp)) + s.share(slot) + float64(s.felt.PerWatt*heat))
	return to, felt
}

// take makes a move and writes down what it does and costs.
func (s *Solver) take(t int, temp units.Celsius, m move) (units.Celsius, int) {
	slot, a := &s.p.Slots[t], s.arrivals[m.arrival]
	was := s.p.From.Tier
	if t > 0 {
		was = s.schedule.Tiers[t-1]
	}
	to, felt := s.run(slot, temp, a.tier)
	out := &s.schedule
	out.Tiers = append(out.Tiers, a.tier)
	out.Temps = append(out.Temps, to)
	out.Felt = append(out.Felt, felt)
	tier, bill := s.p.Tiers[a.tier], &out.Bill
	drawn := float64(float64(tier.Draw) / 1000 * s.hours)
	bill.Energy += float64(drawn * s.price(slot))
	bill.Carbon += float64(drawn*float64(slot.Carbon)*s.p.CarbonPrice) / 1e6
	if slot.Worth != nil {
		bill.Worth += float64(slot.Worth[a.tier] * s.hours)
	}
	if tier.Draw <= slot.Offer.Most {
		bill.Offers += slot.Offer.Pays
	}
	bill.Starts += m.cost
	bill.Comfort += s.mind(slot, float64(felt))
	bill.Drawn += units.KilowattHours(drawn)
	bill.Heat += units.KilowattHours(float64(tier.Heat) / 1000 * s.hours)
	if was == 0 && a.tier > 0 {
		out.Starts++
	}
	if !slot.Price.IsKnown() {
		out.Guessed++
	}
	return to, a.state
}

func (s *Schedule) begin(n int) {
	*s = Schedule{
		Tiers: slices.Grow(s.Tiers[:0], n), Temps: slices.Grow(s.Temps[:0], n), Felt: slices.Grow(s.Felt[:0], n),
	}
}

// sized returns a slice of n values, which may be old.
func sized(v []float64, n int) []float64 {
	if cap(v) < n {
		return make([]float64, n)
	}
	return v[:n]
}

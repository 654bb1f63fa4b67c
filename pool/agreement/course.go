package agreement

import (
	"fmt"
	"iter"
	"math"
	"time"

	"hearth/pool/split"
	"hearth/units"
)

// Intervals works the agreement out, from the opening of the books up to the
// last interval that has ended by a time. Each interval yielded holds until the
// next is asked for. An error ends it: the amounts are more than there can be.
func (e *Evidence) Intervals(asOf time.Time) iter.Seq2[Interval, error] {
	return func(yield func(Interval, error) bool) {
		_, err := e.course(asOf, e.end(asOf), func(iv Interval) bool { return yield(iv, nil) })
		if err != nil {
			yield(Interval{}, fmt.Errorf("work out agreement %s: %w", e.a.Name, err))
		}
	}
}

// end is the index behind the last interval that has ended by a time and begins
// within the agreement's term.
func (e *Evidence) end(asOf time.Time) int64 {
	step := int64(e.a.Interval)
	if over := e.over(); !over.IsZero() && over.Before(asOf) {
		return (over.UnixNano() + step - 1) / step
	}
	if last := time.Unix(0, latest); asOf.After(last) {
		asOf = last
	}
	return max(e.opening.first, asOf.UnixNano()/step)
}

// course works out the intervals from the opening up to an index, as seen at a
// time, and returns what stands after them.
func (e *Evidence) course(asOf time.Time, until int64, visit func(Interval) bool) (standing, error) {
	e.settle()
	c := &course{
		e: e, a: e.a, asOf: asOf, standing: e.opening.clone(), paid: make([]int64, len(e.a.Parties)),
		weights: make([]uint64, len(e.a.Parties)+1), open: e.provisional(),
	}
	for i := e.opening.first; i < until; i++ {
		c.interval(i)
		if c.err != nil {
			return c.standing, c.err
		}
		if visit != nil && !visit(c.iv) {
			return c.standing, nil
		}
	}
	// What a month lacked is known when it is over, also if nothing follows it.
	next := e.begins(until)
	if over := e.over(); !over.IsZero() && !next.Before(over) {
		c.turn(month{})
	} else {
		c.turn(monthOf(dateOf(next)))
	}
	return c.standing, c.err
}

func (e *Evidence) settle() {
	for i := range e.electricity {
		e.electricity[i].settle()
	}
	for i := range e.heat {
		e.heat[i].settle()
	}
	for _, g := range e.tariffs {
		g.settle()
	}
	e.rates.settle()
	for i := range e.yields {
		e.yields[i].settle()
	}
}

// provisional is what waits for its span to be over, by interval and payer.
func (e *Evidence) provisional() map[int64][]int64 {
	out := map[int64][]int64{}
	for payer := range e.tills {
		for _, p := range e.tills[payer].provisional() {
			at, open := e.slot(p.interval)
			if !open {
				continue
			}
			if out[at] == nil {
				out[at] = make([]int64, len(e.tills))
			}
			out[at][payer] += p.msat
		}
	}
	return out
}

// course is an agreement being worked out.
type course struct {
	standing
	e    *Evidence
	a    *Agreement
	asOf time.Time
	open map[int64][]int64

	iv      Interval
	left    int64   // of the interval's income
	paid    []int64 // by party
	stopped string  // why the rest of the interval's income was set aside, empty if it was not
	weights []uint64
	err     error
}

// released reports whether nothing is waited for any more.
func (c *course) released() bool {
	return c.a.Release > 0 && !c.asOf.Before(c.iv.To.Add(c.a.Release))
}

// turn begins a month: what the last one lacked is owed from now on.
func (c *course) turn(m month) {
	if m == c.month {
		return
	}
	length := c.month.length(c.e.loc)
	first := c.a.layout(nil).floors
	for i, b := range c.a.Floors {
		p := &c.parties[b.Party]
		least, ok := mulDiv(b.Amount.Units, int64(p.active), int64(length))
		got := p.micros
		if b.Amount.Sats {
			got = p.msat
		}
		if !ok {
			c.err = errTooMuch
			return
		}
		if it := &c.Items[first+i]; least > got {
			c.owe(it, least-got)
		}
	}
	for i := range c.Items {
		c.Items[i].due, c.Items[i].running = 0, 0
	}
	clear(c.parties)
	c.month = m
}

// owe adds to what an item owes.
func (c *course) owe(it *itemState, units int64) {
	if it.Owed += units; it.Owed > mostSum {
		c.err = errTooMuch
	}
}

func (c *course) interval(index int64) {
	step := int64(c.a.Interval)
	from := c.e.begins(index)
	day := dateOf(from)
	c.turn(monthOf(day))
	c.iv = Interval{
		Index: index, From: from, To: c.e.begins(index + 1), Lines: c.iv.Lines[:0], Paid: c.paid,
		Owed: c.iv.Owed, Given: c.iv.Given, net: c.iv.net,
	}
	clear(c.paid)
	c.stopped = ""
	terms := c.e.terms(day)
	c.iv.Season = terms == &c.a.Terms
	c.take(terms)
	if terms == nil {
		return
	}
	if m, ok := c.e.rates.before(index*step+step, c.a.Market.MaxAge); ok {
		c.iv.Rate = m.value
	}
	at := c.a.layout(terms)
	for i := range terms.Steps {
		if terms.Steps[i].From == pot {
			c.step(at.steps+i, &terms.Steps[i])
		}
	}
	for i := range c.a.Floors {
		c.floor(at.floors+i, &c.a.Floors[i])
	}
	c.shares(at.shares, terms)
	for i := range terms.Steps {
		if terms.Steps[i].From != pot {
			c.step(at.steps+i, &terms.Steps[i])
		}
	}
	c.close()
}

// take takes in what the interval holds.
func (c *course) take(terms *Terms) {
	got := c.e.cells[c.iv.Index]
	waiting := c.open[c.iv.Index]
	if c.iv.net.Payers == nil {
		c.iv.net = newSums(c.a)
	}
	var income int64
	for payer := range c.a.Meters.Income {
		msat := c.Wait[payer]
		if got != nil {
			msat += got.income[payer]
			c.iv.Work += got.work[payer]
		}
		if waiting != nil {
			msat += waiting[payer]
		}
		c.Wait[payer], c.iv.net.Payers[payer] = 0, msat
		if terms == nil { // it is shared when something is again
			c.Wait[payer] = msat
		}
		income += msat
	}
	c.left = 0
	switch {
	case terms == nil:
		return
	case !c.a.Mode.Custodial():
		c.expect(got, terms)
		return
	}
	c.iv.Income = income
	c.left = income - c.Short
	c.Short = max(0, -c.left)
	c.left = max(0, c.left)
	c.iv.Short = income - c.left
}

// yieldAge is how long a difficulty holds, and a little more.
const yieldAge = 14 * 24 * time.Hour

// expect is what the interval's work is expected to earn. Where nothing but
// shares is agreed, work is as good a measure as sats.
func (c *course) expect(got *cell, terms *Terms) {
	plain := len(c.a.Caps) == 0 && len(c.a.Floors) == 0
	for _, s := range terms.Steps {
		plain = plain && s.Outside
	}
	c.iv.Plain = plain
	if got == nil {
		return
	}
	for payer, w := range got.work {
		if w == 0 {
			continue
		}
		if plain {
			c.iv.Income += w
			continue
		}
		m, ok := c.e.yields[payer].before(c.iv.To.UnixNano(), yieldAge)
		if !ok {
			c.stopped = "what the work for " + c.a.Meters.Income[payer] + " is expected to earn is unknown"
			continue
		}
		msat, ok := mulDiv(w, m.value, m.per)
		if !ok || msat > mostSum {
			c.err = errTooMuch
			return
		}
		c.iv.Income += msat
	}
	if c.left = c.iv.Income; c.stopped != "" {
		c.iv.Held, c.left = c.left, 0
	}
}

// hold sets aside what is left of the interval's income.
func (c *course) hold(why string) {
	c.stopped = why
	c.iv.Held += c.left
	c.left = 0
}

// step works out a step.
func (c *course) step(item int, s *Step) {
	it := &c.Items[item]
	before := *it
	line := Line{Item: item, Owed: it.Owed, State: Waiting}
	if c.stopped != "" && !s.Outside {
		line.Why = behind + c.stopped
		c.iv.Lines = append(c.iv.Lines, line)
		return
	}
	due, known := c.due(&line, it, s)
	if c.err != nil {
		return
	}
	line.Due = due
	switch {
	case known:
	case c.released():
		line.State = Released
	case s.Outside:
	case s.From != pot:
		c.iv.Held += c.paid[s.From]
		c.paid[s.From] = 0
	case c.left > 0:
		c.hold(line.Why)
	}
	switch {
	case !known && line.State == Waiting:
	case s.Outside:
		if known {
			line.State = Claimed
		}
	default:
		from := &c.left
		if s.From != pot {
			from = &c.paid[s.From]
		}
		c.pay(&line, it, bill{from, s.To, s.Monthly.Sats, !c.a.Carried})
		if line.State == Waiting { // what came due waits with the sats
			*it = before
			line.Due, line.Owed = 0, it.Owed
		}
	}
	c.iv.Lines = append(c.iv.Lines, line)
}

// due works out what comes to be owed by a step in the interval: false if that
// is unknown.
func (c *course) due(line *Line, it *itemState, s *Step) (int64, bool) {
	if s.Kind == Fee {
		it.running += c.a.Interval
		whole, ok := mulDiv(s.Monthly.Units, int64(it.running), int64(c.month.length(c.e.loc)))
		if !ok {
			c.err = errTooMuch
			return 0, false
		}
		due := whole - it.due
		it.due = whole
		return due, true
	}
	meters, gauges, what := c.a.Meters.Heat, c.e.heat, "heat of "
	if s.Kind == Electricity {
		meters, gauges, what = c.a.Meters.Electricity, c.e.electricity, "electricity of "
	}
	if !c.measure(line, meters, gauges, what) {
		return 0, false
	}
	price, ok := c.price(&s.Tariff)
	if !ok {
		line.Why = "the price of electricity under " + s.Tariff.Follows + " is unknown"
		return 0, false
	}
	line.Price, line.Priced = price, true
	due, rest, ok := accrue(line.Millijoules, price, s.Part, it.Rest)
	if !ok {
		c.err = errTooMuch
		return 0, false
	}
	it.Rest = rest
	if s.Cap > 0 && due > s.Cap-it.due {
		due = s.Cap - it.due
		line.Why = "the step's most for a month is reached"
	}
	it.due += due
	return due, true
}

// measure adds up what meters say of the interval.
func (c *course) measure(line *Line, meters []string, gauges []gauge, what string) bool {
	from, to := c.iv.From.UnixNano(), c.iv.To.UnixNano()
	source := units.Chosen
	for i := range gauges {
		m := gauges[i].in(from, to)
		if enough, _ := mulDiv(to-from, c.a.Meters.Complete, million); int64(m.covered) < enough || m.covered == 0 {
			line.Millijoules, line.Source = 0, units.None
			line.Why = what + meters[i] + " was not measured"
			if m.covered > 0 {
				line.Why = what + meters[i] + " was measured for less than " + Percent(c.a.Meters.Complete) + " of the time"
			}
			return false
		}
		line.Millijoules += m.mj
		source = max(source, m.source)
	}
	line.Source = source
	return true
}

// price is what a kilowatt-hour costs at the interval's beginning.
func (c *course) price(t *Tariff) (int64, bool) {
	if t.Follows == "" {
		return t.Base, true
	}
	now, ok := c.e.tariffs[t.Follows].at(c.iv.From.UnixNano())
	if !ok {
		return 0, false
	}
	price := t.Base
	if change := now - t.At; change >= 0 {
		d, _ := mulDiv(change, t.Part, million)
		price += d
	} else {
		d, _ := mulDiv(-change, t.Part, million)
		price -= d
	}
	most := int64(mostPrice)
	if t.Most > 0 {
		most = t.Most
	}
	return min(max(price, t.Least), most), true
}

// floor pays what an earlier month lacked.
func (c *course) floor(item int, least *Bound) {
	it := &c.Items[item]
	if it.Owed == 0 {
		return
	}
	line := Line{Item: item, Owed: it.Owed, State: Waiting}
	if c.stopped != "" {
		line.Why = behind + c.stopped
	} else {
		c.pay(&line, it, bill{&c.left, least.Party, least.Amount.Sats, false})
	}
	c.iv.Lines = append(c.iv.Lines, line)
}

const noRate = "the price of a bitcoin is unknown"

// bill is what is to be paid for an item.
type bill struct {
	from  *int64 // msat there are
	to    int    // party
	sats  bool   // what is owed is counted in sats
	lapse bool   // what cannot be paid is not owed on
}

// pay pays what an item owes and what came due, as far as the sats and the
// bounds go.
func (c *course) pay(line *Line, it *itemState, b bill) {
	c.owe(it, line.Due)
	owed, released := it.Owed, line.State == Released
	switch {
	case owed == 0:
		line.Owed = 0
		if !released {
			line.State = Settled
		}
		return
	case *b.from == 0:
		c.unpaid(line, it, b, owed, 0)
		return
	}
	if c.iv.Rate == 0 && (!b.sats || c.valued(b.to)) {
		line.Why = noRate
		if c.released() {
			c.unpaid(line, it, b, owed, 0)
			line.State = Released
			return
		}
		line.State, line.Owed = Waiting, it.Owed
		if b.from == &c.left {
			c.hold(noRate)
		} else {
			c.iv.Held += *b.from
			*b.from = 0
		}
		return
	}
	msat := owed
	if !b.sats {
		msat = c.cost(owed)
	}
	room := c.room(b.to)
	pay := min(msat, room, *b.from)
	*b.from -= pay
	c.paid[b.to] += pay
	line.Paid = pay
	switch {
	case pay == msat:
		it.Owed = 0
		if !released {
			line.State = Settled
		}
	case pay == room:
		it.Owed = 0
		line.State, line.Why = Capped, c.a.Parties[b.to].ID+" has got its most for this month"
	default:
		back := pay
		if !b.sats {
			back, _ = worth(pay, c.iv.Rate) // below what was owed
		}
		c.unpaid(line, it, b, owed, back)
		return
	}
	line.Owed = it.Owed
}

// unpaid leaves what could not be paid.
func (c *course) unpaid(line *Line, it *itemState, b bill, owed, back int64) {
	it.Owed, line.State = owed-back, Carried
	if b.lapse {
		it.Owed, line.State = 0, Lapsed
	}
	line.Owed = it.Owed
}

// cost is an amount of micros in msat. It is at most what there is of bitcoin.
func (c *course) cost(micros int64) int64 {
	msat, ok := cost(micros, c.iv.Rate)
	if !ok {
		return math.MaxInt64
	}
	return msat
}

// valued reports whether what a party gets must be valued in the currency.
func (c *course) valued(party int) bool {
	for _, list := range [][]Bound{c.a.Caps, c.a.Floors} {
		for _, b := range list {
			if b.Party == party && !b.Amount.Sats {
				return true
			}
		}
	}
	return false
}

// room is how much a party may still get this month, in msat.
func (c *course) room(party int) int64 {
	room := int64(math.MaxInt64)
	p := &c.parties[party]
	for _, b := range c.a.Caps {
		switch {
		case b.Party != party:
		case b.Amount.Sats:
			room = min(room, b.Amount.Units-p.msat)
		case c.iv.Rate == 0:
			return 0
		default:
			room = min(room, c.cost(max(0, b.Amount.Units-p.micros)))
		}
	}
	if room == math.MaxInt64 {
		return room
	}
	return max(0, room-c.paid[party])
}

// shares divides what is left.
func (c *course) shares(item int, terms *Terms) {
	first := len(c.iv.Lines)
	for p, ppm := range terms.Shares {
		if ppm == 0 {
			continue
		}
		line := Line{Item: item, State: Settled}
		item++
		if c.stopped == "" && c.left > 0 && c.iv.Rate == 0 && c.valued(p) && !c.released() {
			c.hold(noRate)
		}
		c.iv.Lines = append(c.iv.Lines, line)
	}
	lines := c.iv.Lines[first:]
	if c.stopped != "" {
		for i := range lines {
			lines[i].State, lines[i].Why = Waiting, behind+c.stopped
		}
		return
	}
	// What a cap cuts off goes to those who have none or have not reached it.
	capped := false
	for c.left > 0 && c.err == nil {
		before := c.left
		c.divide(terms, lines)
		if capped = c.left > 0; c.left == before {
			break
		}
	}
	if capped && c.err == nil {
		c.err = fmt.Errorf("%d msat are left over: every party is at its cap", c.left)
	}
}

// divide divides what is left once, among those who have room.
func (c *course) divide(terms *Terms, lines []Line) {
	weights := c.weights[:len(terms.Shares)]
	rooms := 0
	for p, ppm := range terms.Shares {
		weights[p] = 0
		if ppm > 0 && c.room(p) > 0 {
			weights[p] = uint64(ppm)
			rooms++
		}
	}
	if rooms == 0 {
		return
	}
	parts, err := split.Divide(c.left, weights)
	if err != nil {
		c.err = err
		return
	}
	i := 0
	for p, ppm := range terms.Shares {
		if ppm == 0 {
			continue
		}
		get := parts[p]
		if room := c.room(p); get > room {
			get = room
			lines[i].State, lines[i].Why = Capped, c.a.Parties[p].ID+" has got its most for this month"
		}
		c.paid[p] += get
		lines[i].Paid += get
		c.left -= get
		i++
	}
}

// close books the interval.
func (c *course) close() {
	if c.receive(); c.err == nil && !c.a.Mode.Custodial() {
		c.work()
	}
}

func (c *course) receive() {
	for p := range c.parties {
		st := &c.parties[p]
		st.active += c.a.Interval
		st.msat += c.paid[p]
		if c.iv.Rate != 0 {
			value, ok := worth(c.paid[p], c.iv.Rate)
			if st.micros += value; !ok || st.micros > mostSum {
				c.err = errTooMuch
				return
			}
		}
		c.Got.Parties[p] += c.paid[p]
	}
	for i, msat := range c.iv.net.Payers {
		c.Got.Payers[i] += msat
	}
	c.Got.Held += c.iv.Held
}

// work turns what the parties would have got into work that is theirs.
func (c *course) work() {
	n := len(c.a.Parties)
	if c.iv.Owed == nil {
		c.iv.Owed, c.iv.Given = make([]int64, n), make([]int64, n)
	}
	clear(c.iv.Owed)
	clear(c.iv.Given)
	got := c.e.cells[c.iv.Index]
	if got == nil || c.iv.Work == 0 {
		return
	}
	copy(c.iv.Given, got.given)
	c.Peak = max(c.Peak, whole(c.iv.Work))
	// What is set aside cannot be set aside as work: it counts as it was done.
	follow := c.iv.Work
	var sum uint64
	for p, msat := range c.paid {
		c.weights[p] = uint64(msat)
		sum += uint64(msat)
	}
	if c.weights[n] = uint64(c.iv.Held); sum > 0 {
		parts, err := split.Divide(c.iv.Work, c.weights)
		if err != nil {
			c.err = err
			return
		}
		copy(c.iv.Owed, parts[:n])
		follow = parts[n]
	}
	sum = 0
	for p, w := range got.given {
		c.weights[p] = uint64(w)
		sum += uint64(w)
	}
	if c.weights[n] = 0; sum > 0 && follow > 0 {
		parts, err := split.Divide(follow, c.weights[:n])
		if err != nil {
			c.err = err
			return
		}
		for p := range c.iv.Owed {
			c.iv.Owed[p] += parts[p]
		}
	}
	for p := range c.Owed {
		c.Owed[p] += whole(c.iv.Owed[p] - c.iv.Given[p])
	}
}

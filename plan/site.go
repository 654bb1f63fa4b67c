package plan

import (
	"fmt"

	"hearth/plan/market"
	"hearth/units"
)

// Site is a home whose demand for heat is worked out, ready to be asked about
// prices and machines. It never changes and may be shared between goroutines.
type Site struct {
	q      Question
	demand *demand
}

// Prepare works out what a home wants: the one slow part of a plan, some ten
// milliseconds. It refuses a question that cannot be answered, naming the
// field. Slices and pointers of q are kept and must not be changed afterwards.
func Prepare(q Question) (*Site, error) {
	if q.Year == nil {
		return nil, fmt.Errorf("plan: Year is missing: give the climate")
	}
	if err := q.Home.check(); err != nil {
		return nil, err
	}
	if err := q.check(); err != nil {
		return nil, err
	}
	d, err := newDemand(newSky(q.Year), &q.Home)
	if err != nil {
		return nil, err
	}
	return &Site{q: q, demand: d}, nil
}

// With returns the same home with another question about it: other heaters,
// machines, prices, markets or money. Year and Home of q are not read, so this
// is quick.
func (s *Site) With(q Question) (*Site, error) {
	q.Year, q.Home = s.q.Year, s.q.Home
	if err := q.check(); err != nil {
		return nil, err
	}
	return &Site{q: q, demand: s.demand}, nil
}

// Kept returns the same home with other set-points of its rooms, by the hour of
// the day. This is quick, too: what the weather and the sun do to the building
// is not worked out again.
func (s *Site) Kept(set [24]units.Celsius) (*Site, error) {
	q := s.q
	q.Home.Setpoint = set
	if err := q.Home.check(); err != nil {
		return nil, err
	}
	return &Site{q: q, demand: s.demand.warmed(&q.Home)}, nil
}

// Question returns the question.
func (s *Site) Question() Question { return s.q }

// Load returns the heat that the home wants.
func (s *Site) Load() Load { return s.demand.load }

// Demand returns the heat that is wanted in each hour of the year, kWh. It is
// the site's own and must not be changed.
func (s *Site) Demand() []float64 { return s.demand.total }

// Outdoor returns the mean outdoor temperature of each hour, likewise.
func (s *Site) Outdoor() []units.Celsius { return s.demand.outdoor }

// Answer sets every way to make the home's heat side by side.
func (s *Site) Answer() *Answer {
	a := &Answer{Currency: s.q.Money.Currency, Load: s.demand.load, site: s}
	today := s.heater(&s.q.Today)
	a.add(today)
	for i := range s.q.Others {
		a.add(s.heater(&s.q.Others[i]))
	}
	r := s.reckoning(today)
	a.with = r
	with, alone, wasted := r.with(), r.alone(), r.wasted()
	a.add(with)
	a.add(alone)
	a.add(wasted)
	for i := range s.q.Rivals {
		a.add(s.rival(&s.q.Rivals[i], today))
	}
	for _, w := range a.ways {
		w.settle(today)
	}
	for _, w := range a.ways {
		a.Options = append(a.Options, w.Option)
	}
	a.Smart = r.smart(with, today)
	a.Reuse = r.reuse(with, wasted)
	return a
}

// way is an option with its books.
type way struct {
	Option
	id    string
	books *books
	maker *maker // nil where no ordinary heater works
	// rival is the reckoning of a machine that is set beside that of the
	// question; nil for all other ways.
	rival *reckoning
}

// rival reckons another machine in the place of that of the question.
func (s *Site) rival(o *Rival, today *way) *way {
	q := s.q
	q.Machine, q.Market, q.Rivals = o.Machine, o.Market, nil
	r := (&Site{q: q, demand: s.demand}).reckoning(today)
	w := r.with()
	w.Kind, w.rival = RivalOption, r
	return w
}

func (a *Answer) add(w *way) {
	w.id = string(w.Kind)
	same := 1
	for _, other := range a.ways {
		if other.Kind == w.Kind {
			same++
		}
	}
	if same > 1 {
		w.id = fmt.Sprintf("%s_%d", w.Kind, same)
	}
	w.Option.ID = w.id
	a.ways = append(a.ways, w)
}

// heater reckons a heater that makes all the heat.
func (s *Site) heater(h *Heater) *way {
	w := &way{Option: Option{Kind: OptionKind(h.Kind), Name: h.title()}, maker: s.maker(h)}
	if w.Unknown = w.maker.unknown; w.Unknown != "" {
		return w
	}
	w.books = s.q.newBooks()
	w.books.buy(h, s.demand.load.size())
	w.books.steady(w.maker.spent, true)
	s.delivers(&w.Option)
	w.buys(&s.q, w.maker, w.maker.bought, 0)
	return w
}

// delivers fills in that the home gets all the heat that it wants.
func (s *Site) delivers(o *Option) {
	o.Heat = s.demand.load.Heat
	o.Exergy = units.KilowattHours(s.demand.exergy)
	o.Shortfall.Coldest = s.demand.warmth
}

// buys fills in what is bought: by a maker, and as power besides.
func (w *way) buys(q *Question, m *maker, bought, power float64) {
	w.Power = units.KilowattHours(power)
	w.Carbon = q.emits(q.Power.Carbon, power)
	if m == nil {
		return
	}
	of := m.Heater.Carbon
	if m.electric {
		w.Power += units.KilowattHours(bought)
		of = q.Power.Carbon
	} else {
		w.Fuel = units.KilowattHours(bought)
	}
	w.Carbon = units.Join(w.Carbon, q.emits(of, bought), func(a, b units.Grams) units.Grams { return a + b })
}

// emits returns the carbon of some kWh: none of nothing, however unknown the
// grams of each.
func (q *Question) emits(of units.Known[units.Grams], bought float64) units.Known[units.Grams] {
	if bought == 0 {
		return units.Know(units.Grams(0), q.Market[market.Middle][0].Start, units.Estimate)
	}
	return units.Map(of, func(g units.Grams) units.Grams { return g * units.Grams(bought) })
}

// settle fills in the money of an option.
func (w *way) settle(today *way) {
	if w.Unknown != "" {
		return
	}
	b := w.books
	w.Running = band(func(c market.Case) float64 { return b.running[c][0] })
	w.Earned = band(func(c market.Case) float64 { return b.earned[c] })
	w.Sats = band(func(c market.Case) float64 { return b.sats[c] })
	w.Capex = Money(b.capex())
	heat := float64(w.Heat) * b.q.annuity()
	if heat > 0 {
		w.Cost = band(func(c market.Case) float64 { return b.present(c) / heat })
	}
	if today.Unknown != "" {
		w.Payback = units.Unknown[float64]("what today's heater costs is unknown: "+today.Unknown, b.q.Market[market.Middle][0].Start)
		return
	}
	w.Value = band(func(c market.Case) float64 { return today.books.present(c) - b.present(c) })
	w.Payback = b.payback(today.books)
}

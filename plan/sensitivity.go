package plan

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"hearth/plan/atlas"
	"hearth/plan/market"
	"hearth/units"
)

// Factor is a figure of a question that nobody knows for sure, with its range.
type Factor struct {
	Name  string // "power_price"
	Title string
	Unit  string
	// Low and High bound the figure, Mid is what the question says.
	Low, Mid, High float64
	Why            string // why these bounds
	Sources        []atlas.SourceID
	Market         []market.SourceID

	// Exactly one says where the figure belongs.
	question func(*Question, float64)
	warmth   func(*[24]units.Celsius, float64)
	market   func(*market.Assumptions, float64)
}

// Study asks how far an answer can be trusted.
type Study struct {
	// Question is asked under one course of the market at a time.
	Question Question
	// Scenario is what the market is drawn from, and Chance how it wanders.
	Scenario market.Scenario
	Chance   market.Chance
	// Factors are what is varied: see [Factors].
	Factors []Factor
	// Held is set where the middle case of the question's own market is not to
	// be moved: neither is it drawn, nor are the factors of the market varied.
	Held bool
}

// Outcome is what is looked at: the machine with its backup against today's
// heater.
type Outcome struct {
	Value   float64              // over the horizon
	Cost    float64              // of a useful kWh, all in
	Payback units.Known[float64] // years
}

// Factors returns what is uncertain about a question and its market: power and
// fuels, the machine, the home, interest, and the inputs of the market that
// matter for the machine. Ranges without a source are judged.
func Factors(q Question, s market.Scenario) []Factor {
	const judged = "hearth-judgement"
	one := func(name, title, unit string, low, mid, high float64, why string, source atlas.SourceID, f func(*Question, float64)) Factor {
		return Factor{
			Name: name, Title: title, Unit: unit, Low: min(low, mid), Mid: mid, High: max(high, mid),
			Why: why, Sources: []atlas.SourceID{source}, question: f,
		}
	}
	list := []Factor{
		one("power_price", "Price of power", "× today's", 0.85, 1, 1.17,
			"Electricity of April 2026 was 17 % dearer than the averages of 2023; as much the other way.", "eia-epm-2026",
			func(q *Question, v float64) { q.Power.Hourly = times(q.Power.Hourly, v) }),
		one("drift", "Rise of the prices of power and fuels", "a year", float64(q.Money.Drift)-0.01, float64(q.Money.Drift), float64(q.Money.Drift)+0.02,
			"Judged, above inflation.", judged,
			func(q *Question, v float64) { q.Money.Drift = units.Fraction(v) }),
		one("interest", "Interest above inflation", "a year", 0.02, float64(q.Money.Rate), 0.08,
			"From a savings account to a consumer's loan, judged.", judged,
			func(q *Question, v float64) { q.Money.Rate = units.Fraction(v) }),
		one("life", "Life of the machine", "years", q.Machine.Life*0.6, q.Machine.Life, q.Machine.Life*1.4,
			"Miners write machines off in 3 to 5 years; some run for 8.", judged,
			func(q *Question, v float64) { q.Machine.Life = v }),
		one("availability", "Share of the time in which the machine works and is paid", "", 0.75, float64(q.Machine.Availability), 0.97,
			"A reviewer's consumer unit earned 73 to 78 % of what its label says; managed machines 95 to 97 %.", judged,
			func(q *Question, v float64) { q.Machine.Availability = units.Fraction(v) }),
		one("recovery", "Share of the heat that is of use", "", max(float64(q.Machine.Recovery)-0.1, float64(q.Machine.Recovery)/2), float64(q.Machine.Recovery), 1,
			"All of it in the room that wants it; 90 % and less where it has to be led.", judged,
			func(q *Question, v float64) { q.Machine.Recovery = units.Fraction(v) }),
	}
	if price, ok := q.Machine.Price.Get(); ok && price > 0 {
		list = append(list, one("machine_price", "Price of a machine", "money", float64(price)*0.6, float64(price), min(most, float64(price)*1.4),
			"Used machines of one kind are offered at such different prices, judged.", judged,
			func(q *Question, v float64) {
				q.Machine.Price = units.Map(q.known(v), func(v float64) Money { return Money(v) })
			}))
	}
	if q.Today.Kind != Resistive && q.Today.Kind != HeatPump && q.Today.Price.IsKnown() {
		list = append(list, one("fuel_price", "Price of the fuel", "× today's", 0.75, 1, 1.35,
			"Propane of March 2026 cost from 0.7 to 1.6 times the average of 2023, by state; judged.", judged,
			func(q *Question, v float64) { q.dearerFuel(v) }))
		list = append(list, one("heater_efficiency", "Efficiency of today's heater", "", float64(q.Today.Efficiency)*0.85, float64(q.Today.Efficiency), min(1.05, float64(q.Today.Efficiency)*1.05),
			"Old boilers that are badly set lose a sixth; judged.", judged,
			func(q *Question, v float64) { q.sameToday(func(h *Heater) { h.Efficiency = units.Fraction(v) }) }))
	}
	if q.Today.Kind == HeatPump {
		share := float64(q.Today.Efficiency)
		if share == 0 {
			share = fieldShare
		}
		list = append(list, one("heat_pump", "Heat pump, as a share of its curve", "", share-0.15, share, 1,
			"Field studies find the laboratory curve at best, and far less where the water is too hot.", judged,
			func(q *Question, v float64) { q.sameToday(func(h *Heater) { h.Efficiency = units.Fraction(v) }) }))
	}
	if q.Home.Rooms != nil {
		list = append(list, Factor{
			Name: "warmth", Title: "Set-point of the rooms", Unit: "K", Low: -1.5, Mid: 0, High: 1.5,
			Why: "People differ; judged.", Sources: []atlas.SourceID{judged},
			warmth: func(set *[24]units.Celsius, v float64) {
				for i := range set {
					set[i] = min(30, max(5, set[i]+units.Celsius(v)))
				}
			},
		})
	}
	for _, in := range s.Inputs() {
		mines := in.Name != "inference" && in.Name != "inference_decline"
		if mines != (q.Machine.Kind == Hash) || in.Values[market.Pessimistic] == in.Values[market.Optimistic] {
			continue
		}
		list = append(list, Factor{
			Name: in.Name, Title: in.Title, Unit: in.Unit,
			Low: slices.Min(in.Values[:]), Mid: in.Values[market.Middle], High: slices.Max(in.Values[:]),
			Why: in.Why, Market: in.Sources, market: in.Apply,
		})
	}
	return list
}

// times returns prices multiplied by a factor.
func times(prices []PerKWh, factor float64) []PerKWh {
	list := make([]PerKWh, len(prices))
	for i, p := range prices {
		list[i] = p * PerKWh(factor)
	}
	return list
}

// sameToday changes today's heater, and the backup where it is the same one.
func (q *Question) sameToday(change func(*Heater)) {
	if q.Backup.Kind == q.Today.Kind {
		change(&q.Backup)
	}
	change(&q.Today)
}

func (q *Question) dearerFuel(factor float64) {
	q.sameToday(func(h *Heater) {
		h.Price = units.Map(h.Price, func(p PerKWh) PerKWh { return p * PerKWh(factor) })
	})
}

// Bar is a factor's bar of a tornado: what comes out at its bounds.
type Bar struct {
	Factor
	AtLow, AtHigh Outcome
}

// Width returns how much the value differs between the bounds.
func (b Bar) Width() float64 { return math.Abs(b.AtHigh.Value - b.AtLow.Value) }

// Tornado is what each factor alone does to the outcome.
type Tornado struct {
	Currency string
	Base     Outcome // under the middle case
	Bars     []Bar   // the widest first
}

// Tornado moves each factor to its bounds while all else stays. It runs on some
// threads, whose number does not change the result, and tells progress, unless
// it is nil, of the answers that are done.
func (s *Study) Tornado(ctx context.Context, threads int, progress func(done, all int)) (*Tornado, error) {
	s = s.held()
	site, err := s.prepare()
	if err != nil {
		return nil, fmt.Errorf("draw the tornado: %w", err)
	}
	n := 1 + 2*len(s.Factors)
	outcomes := make([]Outcome, n)
	count := newCounter(n, progress)
	err = each(ctx, threads, n, func(i int) error {
		defer count.add(1)
		values := s.middle()
		what := "base"
		if i > 0 {
			k := (i - 1) / 2
			f := &s.Factors[k]
			values[k], what = f.Low, f.Name
			if i%2 == 0 {
				values[k] = f.High
			}
		}
		var err error
		outcomes[i], err = s.ask(site, values, nil)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("draw the tornado: %w", err)
	}
	t := &Tornado{Currency: s.Question.Money.Currency, Base: outcomes[0]}
	for k, f := range s.Factors {
		t.Bars = append(t.Bars, Bar{f, outcomes[1+2*k], outcomes[2+2*k]})
	}
	slices.SortStableFunc(t.Bars, func(a, b Bar) int { return cmp.Compare(math.Round(1000*b.Width()), math.Round(1000*a.Width())) })
	return t, nil
}

// Spread is how an outcome is distributed, at some quantiles.
type Spread struct{ Q05, Q25, Q50, Q75, Q95, Mean float64 }

// Draws is what came out when every factor and the market were drawn at random.
type Draws struct {
	Currency string
	// Seed and the number of draws give the same result again.
	Seed        uint64
	Value, Cost Spread
	// Wins is the share of draws in which the machine is worth its price.
	Wins units.Fraction
	// PaysBack is the share in which it is paid back within the horizon, and
	// Payback the years within which half of all draws are; unknown where less
	// than half are.
	PaysBack units.Fraction
	Payback  units.Known[float64]
	// Values of each draw, in order of their numbers, for a picture.
	Values []float64
}

// Draw draws every factor from the triangle between its bounds, each on its
// own, and a course of the market, and asks again, as often as told. One seed
// gives one result on any number of threads. It tells progress, unless it is
// nil, of the draws that are done.
func (s *Study) Draw(ctx context.Context, seed uint64, draws, threads int, progress func(done, all int)) (*Draws, error) {
	if draws < 1 || draws > 1_000_000 {
		return nil, fmt.Errorf("draw at random: %d draws are not between 1 and 1000000", draws)
	}
	s = s.held()
	site, err := s.prepare()
	if err != nil {
		return nil, fmt.Errorf("draw at random: %w", err)
	}
	outcomes := make([]Outcome, draws)
	count := newCounter(draws, progress)
	err = each(ctx, threads, draws, func(i int) error {
		defer count.add(1)
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		values := s.middle()
		for k := range s.Factors {
			u := random.Float64() // also for the market's, so that a factor more or less there moves nothing here
			if f := &s.Factors[k]; f.market == nil {
				values[k] = triangle(u, f.Low, f.Mid, f.High)
			}
		}
		first := s.Question.Market[market.Middle]
		var course []market.Month
		var err error
		if !s.Held {
			if course, _, err = s.Scenario.Draw(random.Uint64(), s.Chance, first[0].Start, len(first)/12); err != nil {
				return fmt.Errorf("draw %d: %w", i, err)
			}
		}
		if outcomes[i], err = s.ask(site, values, course); err != nil {
			return fmt.Errorf("draw %d: %w", i, err)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("draw at random: %w", err)
	}
	return s.sumUp(seed, outcomes), nil
}

func (s *Study) sumUp(seed uint64, outcomes []Outcome) *Draws {
	d := &Draws{Currency: s.Question.Money.Currency, Seed: seed}
	var costs, paid []float64
	var wins int
	for _, o := range outcomes {
		d.Values = append(d.Values, o.Value)
		costs = append(costs, o.Cost)
		if o.Value > 0 {
			wins++
		}
		if years, ok := o.Payback.Get(); ok {
			paid = append(paid, years)
		}
	}
	n := float64(len(outcomes))
	d.Value, d.Cost = spread(d.Values), spread(costs)
	d.Wins, d.PaysBack = units.Fraction(float64(wins)/n), units.Fraction(float64(len(paid))/n)
	slices.Sort(paid)
	// Draws that are never paid back come after all others.
	if half := (len(outcomes) - 1) / 2; half < len(paid) {
		d.Payback = s.Question.known(paid[half])
	} else {
		d.Payback = units.Unknown[float64]("less than half of the draws are paid back within the horizon", s.Question.Market[market.Middle][0].Start)
	}
	return d
}

// spread sums up values, whose order stays.
func spread(values []float64) Spread {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	at := func(q float64) float64 {
		x := q * float64(len(sorted)-1)
		i := min(int(x), max(0, len(sorted)-2))
		next := sorted[min(i+1, len(sorted)-1)]
		return sorted[i] + (x-float64(i))*(next-sorted[i])
	}
	return Spread{Q05: at(0.05), Q25: at(0.25), Q50: at(0.50), Q75: at(0.75), Q95: at(0.95), Mean: sum(sorted) / float64(len(sorted))}
}

// triangle returns the quantile u of the triangle with its peak at mid.
func triangle(u, low, mid, high float64) float64 {
	if low >= high {
		return mid
	}
	if u*(high-low) < mid-low {
		return low + math.Sqrt(u*(high-low)*(mid-low))
	}
	return high - math.Sqrt((1-u)*(high-low)*(high-mid))
}

// middle returns what the question says of each factor.
func (s *Study) middle() []float64 {
	values := make([]float64, len(s.Factors))
	for k, f := range s.Factors {
		values[k] = f.Mid
	}
	return values
}

func (s *Study) prepare() (*Site, error) {
	site, err := Prepare(s.Question)
	if err != nil {
		return nil, err
	}
	// Under one course all three cases are alike: check once that there is an
	// answer at all.
	if _, err := site.outcome(); err != nil {
		return nil, err
	}
	return site, nil
}

// held returns the study without factors of the market, where that is held.
func (s *Study) held() *Study {
	if !s.Held {
		return s
	}
	other := *s
	other.Factors = slices.DeleteFunc(slices.Clone(s.Factors), func(f Factor) bool { return f.market != nil })
	return &other
}

// ask asks the question with other figures. Without a course of the market it
// is the path of the middle case with the factors that belong to it.
func (s *Study) ask(site *Site, values []float64, course []market.Month) (Outcome, error) {
	q := site.q
	assumptions := s.Scenario[market.Middle]
	moved := false
	for k := range s.Factors {
		f, v := &s.Factors[k], values[k]
		switch {
		case v == f.Mid:
		case f.question != nil:
			f.question(&q, v)
		case f.warmth != nil:
			f.warmth(&q.Home.Setpoint, v)
			moved = true
		case f.market != nil:
			f.market(&assumptions, v)
		}
	}
	if s.Held {
		course = s.Question.Market[market.Middle]
	}
	if course == nil {
		first := s.Question.Market[market.Middle]
		var err error
		if course, err = assumptions.Path(first[0].Start, len(first)/12); err != nil {
			return Outcome{}, err
		}
	}
	for c := range q.Market {
		q.Market[c] = course
	}
	if moved {
		var err error
		if site, err = site.Kept(q.Home.Setpoint); err != nil {
			return Outcome{}, err
		}
	}
	asked, err := site.With(q)
	if err != nil {
		return Outcome{}, err
	}
	return asked.outcome()
}

// outcome answers what a study looks at, and nothing else.
func (s *Site) outcome() (Outcome, error) {
	today := s.heater(&s.q.Today)
	with := s.reckoning(today).with()
	for _, w := range []*way{today, with} {
		if w.Unknown != "" {
			return Outcome{}, fmt.Errorf("there is no answer: %s", w.Unknown)
		}
	}
	with.settle(today)
	return Outcome{Value: with.Value.Mid, Cost: with.Cost.Mid, Payback: with.Payback}, nil
}

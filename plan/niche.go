package plan

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"hearth/heat/climate"
	"hearth/plan/atlas"
	"hearth/plan/market"
	"hearth/units"
)

// Map asks of every region, home, heater of today and machine whether smart
// heat would win there: the niche map. All its money is of one currency.
type Map struct {
	Regions  []Region
	Homes    []Dwelling
	Heaters  []Heater // of today; the price of fuel is the region's
	Machines []Candidate
	Market   market.Outlook
	Money    Finance
}

// Region is where homes stand: a climate and prices.
type Region struct {
	Name string
	// Year is the climate; nil where none is known. Regions that share one are
	// reckoned together.
	Year  *climate.Year
	Power Power
	// Fuels is what heaters of a kind pay for a kWh of the higher heating value.
	Fuels map[HeaterKind]units.Known[PerKWh]
	// Count is how many homes mostly heat so.
	Count map[HeaterKind]units.Known[float64]
	// Unknown says why nothing can be reckoned here, such as that the price of
	// power is not known.
	Unknown string
}

// Candidate is a machine that may or may not be reckoned.
type Candidate struct {
	Machine
	// Unknown says why nothing can be reckoned with it, such as that nobody
	// publishes what it earns.
	Unknown string
}

// Dwelling is a kind of home that may stand anywhere.
type Dwelling struct {
	Name string
	// Archetype of the rooms; nil for a use of heat without rooms.
	Archetype *atlas.Archetype
	Setpoint  [24]units.Celsius
	Uses      []Use
}

// Home returns the dwelling as it stands at a place.
func (d Dwelling) Home(at climate.Place) Home {
	h := Home{Name: d.Name, Setpoint: d.Setpoint, Uses: d.Uses}
	if d.Archetype != nil {
		rooms := d.Archetype.Building(at.Location)
		h.Rooms, h.Internal, h.Supply = &rooms, d.Archetype.Internal(), d.Archetype.Supply()
	}
	return h
}

// Niche is one cell of the map.
type Niche struct {
	// Region, Home, Heater and Machine count in the lists of the map.
	Region, Home, Heater, Machine int
	// Unknown says why the cell cannot be reckoned, and nothing below holds.
	Unknown string

	// Gain is what a home gains in a year by the machine with today's heater
	// behind it, against that heater alone, the price of the machine spread over
	// the horizon; Value is the same for the whole horizon today. Yearly is the
	// first year's without the price, and PerKWh Yearly for a kWh drawn.
	Gain, Value, Yearly, PerKWh Band
	Payback                     units.Known[float64] // years
	Covered                     units.Fraction       // share of the heat
	FullLoad                    float64              // hours in a year
	// Homes is how many homes of the region mostly heat so, of any building; of
	// resistive heat no more than a bound, as heat pumps are counted among it.
	Homes units.Known[float64]
	Flip  Flip
}

// Niches is a map that has been reckoned.
type Niches struct {
	Map *Map
	// Cells by region, home, heater and machine, the last changing fastest.
	Cells []Niche
	// Ranked are the cells that are known, by gain to a thousandth of the
	// currency, the highest first; Unknown the others.
	Ranked, Unknown []int
}

// Size returns the number of cells.
func (m *Map) Size() int {
	return len(m.Regions) * len(m.Homes) * len(m.Heaters) * len(m.Machines)
}

// Run reckons the map on some threads. The result does not depend on their
// number. Now and then progress, unless it is nil, is told how many cells are
// done; it may be called from any goroutine, but never twice at once.
func (m *Map) Run(ctx context.Context, threads int, progress func(done, all int)) (*Niches, error) {
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("reckon the niche map: %w", err)
	}
	n := &Niches{Map: m, Cells: make([]Niche, m.Size())}
	groups := m.groups()
	count := newCounter(len(n.Cells), progress)
	err := each(ctx, threads, len(groups), func(i int) error {
		return m.fill(ctx, n.Cells, groups[i], count)
	})
	if err != nil {
		return nil, fmt.Errorf("reckon the niche map: %w", err)
	}
	for i := range n.Cells {
		if n.Cells[i].Unknown == "" {
			n.Ranked = append(n.Ranked, i)
		} else {
			n.Unknown = append(n.Unknown, i)
		}
	}
	// What differs by rounding only is alike, so that the order is the same on
	// every processor.
	rank := func(cell int) float64 { return math.Round(1000 * n.Cells[cell].Gain.Mid) }
	slices.SortStableFunc(n.Ranked, func(a, b int) int { return cmp.Compare(rank(b), rank(a)) })
	return n, nil
}

func (m *Map) check() error {
	if m.Size() == 0 {
		return fmt.Errorf("it has %d regions, %d homes, %d heaters and %d machines: give it at least one of each",
			len(m.Regions), len(m.Homes), len(m.Heaters), len(m.Machines))
	}
	// Every part is in one of these questions, in a fixed order.
	for i := range m.Regions {
		if m.Regions[i].Unknown != "" || m.Regions[i].Year == nil {
			continue
		}
		for h := range m.Heaters {
			for k := range m.Machines {
				if h > 0 && k > 0 {
					break
				}
				q := m.question(&Niche{Region: i, Heater: h, Machine: k})
				if err := q.check(); err != nil {
					return fmt.Errorf("%s, heater %d, machine %d: %w", m.Regions[i].Name, h, k, err)
				}
			}
		}
	}
	return nil
}

// group is the cells of one home in one climate: they share their demand, and
// with the other homes of the climate its weather and sun.
type group struct {
	sky     func() *sky // nil without a climate
	home    int
	regions []int
}

func (m *Map) groups() []group {
	var years []group
	at := map[*climate.Year]int{}
	for i := range m.Regions {
		y := m.Regions[i].Year
		k, ok := at[y]
		if !ok {
			k = len(years)
			at[y] = k
			years = append(years, group{})
			if y != nil {
				years[k].sky = sync.OnceValue(func() *sky { return newSky(y) })
			}
		}
		years[k].regions = append(years[k].regions, i)
	}
	var all []group
	for _, g := range years {
		for home := range m.Homes {
			all = append(all, group{g.sky, home, g.regions})
		}
	}
	return all
}

// fill reckons the cells of a group.
func (m *Map) fill(ctx context.Context, cells []Niche, g group, count *counter) error {
	var d *demand
	if g.sky != nil {
		sky := g.sky()
		home := m.Homes[g.home].Home(sky.place)
		if err := home.check(); err != nil {
			return fmt.Errorf("home %q: %w", m.Homes[g.home].Name, err)
		}
		var err error
		if d, err = newDemand(sky, &home); err != nil {
			return fmt.Errorf("home %q in %s: %w", m.Homes[g.home].Name, sky.place, err)
		}
	}
	for _, region := range g.regions {
		for heater := range m.Heaters {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			first := ((region*len(m.Homes)+g.home)*len(m.Heaters) + heater) * len(m.Machines)
			row := cells[first : first+len(m.Machines)]
			for k := range row {
				row[k] = Niche{Region: region, Home: g.home, Heater: heater, Machine: k}
			}
			m.reckon(row, d)
			count.add(len(row))
		}
	}
	return nil
}

// question is the question of a cell.
func (m *Map) question(c *Niche) Question {
	region, heater := &m.Regions[c.Region], m.Heaters[c.Heater]
	heater.Owned = true
	price, ok := region.Fuels[heater.Kind]
	if !ok {
		price = units.Unknown[PerKWh]("no price of it is known in "+region.Name, m.Market[market.Middle][0].Start)
	}
	heater.Price = price
	return Question{
		Year: region.Year, Today: heater, Backup: heater, Machine: m.Machines[c.Machine].Machine,
		Power: region.Power, Market: m.Market, Money: m.Money,
	}
}

// Question returns the question that a cell answers, to look at it closely.
func (m *Map) Question(c Niche) Question {
	q := m.question(&c)
	if q.Year != nil {
		q.Home = m.Homes[c.Home].Home(q.Year.Place())
	}
	return q
}

// reckon fills in the cells of one region, home and heater.
func (m *Map) reckon(row []Niche, d *demand) {
	region := &m.Regions[row[0].Region]
	unknown := region.Unknown
	if unknown == "" && d == nil {
		unknown = "no climate is known that is like that of " + region.Name
	}
	var today *way
	if unknown == "" {
		s := &Site{q: m.question(&row[0]), demand: d}
		today = s.heater(&s.q.Today)
		today.settle(today)
		unknown = today.Unknown
	}
	for i := range row {
		c := &row[i]
		if c.Unknown = cmp.Or(unknown, m.Machines[c.Machine].Unknown); c.Unknown == "" {
			s := &Site{q: m.question(c), demand: d}
			s.niche(c, today)
			if m.Homes[c.Home].Archetype != nil {
				c.Homes = region.Count[s.q.Today.Kind]
			} else {
				c.Homes = units.Unknown[float64]("nobody counts them", m.Market[market.Middle][0].Start)
			}
		}
	}
}

// niche fills in what does not depend on the map.
func (s *Site) niche(c *Niche, today *way) {
	r := s.reckoning(today)
	with := r.with()
	if c.Unknown = with.Unknown; c.Unknown != "" {
		return
	}
	with.settle(today)
	smart := r.smart(with, today)
	c.Value, c.Yearly, c.PerKWh = smart.Value, smart.Yearly, smart.PerKWh
	c.Payback, c.Covered, c.FullLoad = with.Payback, with.Covered, with.FullLoad
	years := s.q.annuity()
	c.Gain = Band{c.Value.Low / years, c.Value.Mid / years, c.Value.High / years}
	c.Flip = r.flip(c.Value.Mid)
}

// Reach is how many homes a niche has.
type Reach struct {
	// Homes heat with a fuel that smart heat beats, where the count is known.
	Homes float64
	// Electric are the homes with electric heat where smart heat beats panels.
	// Censuses count heat pumps among them, which it mostly does not beat, so
	// that this is no more than a bound.
	Electric float64
	// Uncounted is in how many pairs of a region and a heater smart heat wins,
	// but the homes are not known.
	Uncounted int
}

// Reach counts the homes in which the best of the machines wins, if all homes
// were of one kind.
func (n *Niches) Reach(home int) Reach {
	var r Reach
	machines := len(n.Map.Machines)
	for first := 0; first < len(n.Cells); first += machines {
		row := n.Cells[first : first+machines]
		best := slices.IndexFunc(row, func(c Niche) bool { return c.Unknown == "" && c.Value.Mid > 0 })
		if best < 0 || row[0].Home != home {
			continue
		}
		count, ok := row[best].Homes.Get()
		switch {
		case !ok:
			r.Uncounted++
		case n.Map.Heaters[row[best].Heater].Kind == Resistive:
			r.Electric += count
		default:
			r.Homes += count
		}
	}
	return r
}

// counter tells of progress.
type counter struct {
	mu        sync.Mutex
	done, all int
	tell      func(done, all int)
}

func newCounter(all int, tell func(done, all int)) *counter { return &counter{all: all, tell: tell} }

func (c *counter) add(n int) {
	if c.tell == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done += n
	c.tell(c.done, c.all)
}

// each calls f for 0 to n−1 on some threads. It returns the error of the lowest
// index that failed, so that errors, too, do not depend on the threads.
func each(ctx context.Context, threads, n int, f func(i int) error) error {
	var next, failed atomic.Int64
	failed.Store(math.MaxInt64)
	errs := make([]error, n)
	var wait sync.WaitGroup
	for range min(max(1, threads), n) {
		wait.Go(func() {
			for {
				i := next.Add(1) - 1
				// What comes after a failure is not needed; what comes before it is.
				if i >= min(int64(n), failed.Load()) {
					return
				}
				if err := context.Cause(ctx); err != nil {
					errs[i] = err
				} else {
					errs[i] = f(int(i))
				}
				if errs[i] != nil {
					for old := failed.Load(); i < old && !failed.CompareAndSwap(old, i); old = failed.Load() {
					}
				}
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

package brief

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"hearth/heat/climate"
	"hearth/plan"
	"hearth/plan/atlas"
	"hearth/plan/market"
	"hearth/units"
)

// Files reads a file that a brief names. Where it is nil, as for links that
// strangers make, briefs that name files are refused.
type Files func(name string) ([]byte, error)

// Asked is a brief that was understood.
type Asked struct {
	Brief    Brief
	Question plan.Question
	// Place is where the weather is that of, and Region whose prices hold; its
	// code is empty where none is known.
	Place  climate.Place
	Region atlas.Region
	// Scenario is what the outlook of the market was made from, and Start the
	// first of its months.
	Scenario market.Scenario
	Start    time.Time
	// Givens are all figures with where they come from, in the order of the keys.
	Givens []Given
}

// Given is a figure of a question and where it comes from.
type Given struct {
	Key string
	// Value is the figure with its unit, as people read it.
	Value string
	// Default is set where the brief does not say it; Why says then where the
	// figure comes from.
	Default bool
	Why     string
	Sources []atlas.SourceID
	// Market are the sources of figures of the market.
	Market []market.SourceID
}

// Ask makes a question of the brief. An error is an [*Error] that names the key.
func (b Brief) Ask(files Files) (*Asked, error) {
	a := &asker{Asked: Asked{Brief: b}, files: files}
	a.where()
	a.money()
	a.home()
	a.power()
	a.heaters()
	a.machine()
	a.market()
	a.rival()
	a.demand()
	if a.err != nil {
		return nil, a.err
	}
	a.Givens = inOrder(a.Givens)
	a.cite()
	return &a.Asked, nil
}

// inOrder sorts by the order of the keys.
func inOrder(givens []Given) []Given {
	sorted := make([]Given, 0, len(givens))
	for _, k := range Keys() {
		for _, g := range givens {
			if g.Key == k.Name {
				sorted = append(sorted, g)
			}
		}
	}
	return sorted
}

// asker makes a question; after the first mistake it does nothing more.
type asker struct {
	Asked
	files    Files
	err      error
	currency string
	perUSD   float64
	clock    clock
}

// fail notes a mistake in a key.
func (a *asker) fail(key string, err error) {
	if a.err != nil || err == nil {
		return
	}
	e := &Error{Key: key, Text: err.Error()}
	if s, ok := a.Brief.lines[key]; ok {
		e.Line, e.Source = s.line, s.text
	}
	a.err = e
}

func (a *asker) failf(key, format string, args ...any) { a.fail(key, fmt.Errorf(format, args...)) }

// origin says where a default comes from.
type origin struct {
	why     string
	sources []atlas.SourceID
	market  []market.SourceID
}

func judged(why string) origin {
	return origin{why: why, sources: []atlas.SourceID{"hearth-judgement"}}
}

func fact(f atlas.Fact, why string) origin {
	if f.Note != "" {
		why += " (" + f.Note + ")"
	}
	o := origin{why: fmt.Sprintf("%s, %d", why, f.Year)}
	if f.Source != "" {
		o.sources = []atlas.SourceID{f.Source}
	}
	return o
}

// given notes a figure.
func (a *asker) given(key, value string, from origin) {
	g := Given{Key: key, Value: value}
	if a.Brief.Get(key) == "" {
		g.Default, g.Why, g.Sources, g.Market = true, from.why, from.sources, from.market
	}
	a.Givens = append(a.Givens, g)
}

// figure reads a key, or takes the default.
func (a *asker) figure(key string, m measure, usual float64, from origin) float64 {
	v := usual
	if s := a.Brief.Get(key); s != "" {
		var err error
		if v, err = m.read(s); err != nil {
			a.fail(key, err)
			return usual
		}
	}
	a.given(key, number(v)+space(m.own)+m.own, from)
	return v
}

// share reads a share of one, which is written in per cent.
func (a *asker) share(key string, least, most, usual float64, from origin) units.Fraction {
	return units.Fraction(a.figure(key, share(least*100, most*100), usual*100, from) / 100)
}

// amount reads an amount of money.
func (a *asker) amount(key, example string, usual float64, from origin) plan.Money {
	v := usual
	if s := a.Brief.Get(key); s != "" {
		var err error
		if v, err = a.sum(example).read(s); err != nil {
			a.fail(key, err)
			return plan.Money(usual)
		}
	}
	a.given(key, number(v)+" "+a.currency, from)
	return plan.Money(v)
}

func (a *asker) sum(example string) money {
	return money{currency: a.currency, perDollar: a.perUSD, most: 1e9, example: example}
}

func (a *asker) perKWh(example string) money {
	m := a.sum(example)
	m.per, m.most = []unit{{"kWh", 1}, {"MWh", 1000}}, 100
	return m
}

// mostPrice is what no household pays for a kWh, in US dollars: more of it is a
// figure in another unit. Files may have it for an hour.
const mostPrice = 3

// dear refuses a price for a kWh that is one of something else.
func (a *asker) dear(key, written string, v float64, others string) bool {
	if a.perUSD <= 0 || v <= mostPrice*a.perUSD {
		return false
	}
	a.failf(key, "%s comes to %s %s for a kWh, which nobody pays: say its unit, such as %s", written, number(v), a.currency, others)
	return true
}

// oneOf reads one of some words.
func (a *asker) oneOf(key, usual string, from origin, words ...string) string {
	s := strings.ToLower(a.Brief.Get(key))
	if s == "" {
		a.given(key, usual, from)
		return usual
	}
	for _, w := range words {
		if s == w || s == strings.ReplaceAll(w, "_", " ") || s == strings.ReplaceAll(w, "_", "-") {
			a.given(key, w, from)
			return w
		}
	}
	a.failf(key, "%q is none of %s", s, strings.Join(words, ", "))
	return usual
}

// read returns the file that a key names.
func (a *asker) read(key, name string) []byte {
	if a.err != nil {
		return nil
	}
	if a.files == nil {
		a.failf(key, "files are not read here: use \"hearth plan home\" on the computer that has %q", name)
		return nil
	}
	b, err := a.files(name)
	if err != nil {
		if path, ok := errors.AsType[*fs.PathError](err); ok {
			err = path.Err
		}
		a.failf(key, "read %s: %w", name, err)
	}
	return b
}

// number writes a figure with the digits that it has, at most four decimals.
func number(v float64) string {
	s := strconv.FormatFloat(v, 'f', 4, 64)
	return cmp.Or(strings.TrimRight(strings.TrimRight(s, "0"), "."), "0")
}

func space(unit string) string {
	if unit == "" {
		return ""
	}
	return " "
}

// where finds the weather and the region.
func (a *asker) where() {
	b := &a.Brief
	var err error
	if name := b.Weather; name != "" {
		a.weather(name)
	} else {
		name := b.Place
		if name == "" && b.Region != "" {
			r, err := atlas.RegionByName(b.Region)
			if err != nil {
				a.fail("region", err)
				return
			}
			if name = r.Climate; name == "" {
				a.failf("region", "no town with known weather is like %s: say a place, or give a weather file", r.Name)
				return
			}
		}
		if name == "" {
			a.failf("place", "say where: a town such as \"Denver\" (\"hearth plan places\" lists them), a region, or a weather file")
			return
		}
		if a.Place, err = climate.PlaceByName(name); err != nil {
			if r, e := atlas.RegionByName(name); e == nil {
				a.failf("place", "%s is a region: say \"region: %s\", whose likest weather is taken, or a town", r.Name, r.Code)
				return
			}
			a.fail("place", err)
			return
		}
		if a.Question.Year, err = a.Place.Typical(seed); err != nil {
			a.fail("place", err)
			return
		}
		why := "the town whose weather is likest that of the region, by judgement"
		a.given("place", a.Place.String(), judged(why))
	}
	if a.err != nil {
		return
	}
	if a.clock, err = newClock(a.Place); err != nil {
		a.fail("place", err)
		return
	}
	if b.Region != "" {
		if a.Region, err = atlas.RegionByName(b.Region); err != nil {
			a.fail("region", err)
			return
		}
	} else if r, ok := atlas.RegionOf(a.Place.Region); ok {
		a.Region = r
	} else if state, ok := strings.CutSuffix(a.Place.Region, ", USA"); ok && len(state) == 2 {
		// Weather files write "CO, USA".
		a.Region, _ = atlas.RegionByName("US-" + state)
	}
	if a.Region.Code != "" {
		a.given("region", a.Region.String(), origin{why: "where " + a.Place.Name + " lies"})
	}
}

// seed of the typical year: it decides only which days are the cold ones.
const seed = 1

// money reads how money is counted.
func (a *asker) money() {
	if a.err != nil {
		return
	}
	a.currency = cmp.Or(strings.ToUpper(a.Brief.Currency), a.Region.Currency, "USD")
	if len(a.currency) != 3 || strings.IndexFunc(a.currency, func(r rune) bool { return r < 'A' || r > 'Z' }) >= 0 {
		a.failf("currency", "%q is no currency: write its three letters, such as USD", a.Brief.Currency)
		return
	}
	a.given("currency", a.currency, origin{why: "of the prices of " + cmp.Or(a.Region.Name, "the United States")})
	a.perUSD = 1
	switch {
	case a.currency == "USD":
	case a.Brief.PerDollar != "":
		a.perUSD = a.figure("per-dollar", measure{own: "", least: 1e-6, most: 1e6, example: "0.92"}, 1, origin{})
	case isKnown(atlas.RateOf(a.currency)):
		f := atlas.RateOf(a.currency)
		a.perUSD = f.Value
		a.given("per-dollar", number(f.Value), fact(f, "mean of the year"))
	default:
		a.failf("per-dollar", "say how many %s a US dollar is, since markets quote dollars: \"per-dollar: 1.36\"", a.currency)
	}
	a.Question.Money = plan.Finance{
		Currency: a.currency, PerDollar: a.perUSD,
		Years: int(a.figure("years", whole("years", 1, 40), 10, judged("a horizon within which machines and prices can still be guessed at"))),
		Rate:  a.share("rate", -0.05, 0.5, 0.04, judged("what savings or a loan cost a household above inflation")),
		Drift: a.share("drift", -0.1, 0.2, 0, judged("energy prices keep up with inflation")),
	}
}

// known is a figure that is certain enough to reckon with.
func known[T any](v T) units.Known[T] { return units.Know(v, time.Time{}, units.Chosen) }

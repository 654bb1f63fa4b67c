package report

import (
	"hearth/plan"
	"hearth/units"
)

// Document is a plan for programs. Money is in Currency, energies are kWh, and
// what is unknown is null beside a reason.
type Document struct {
	Question map[string]string `json:"question"`
	Link     string            `json:"link"`
	Place    string            `json:"place"`
	Region   string            `json:"region,omitempty"`
	Currency string            `json:"currency"`
	Years    int               `json:"years"`
	Decision string            `json:"decision"`
	Better   string            `json:"better,omitempty"`
	Load     loadDocument      `json:"load"`
	Options  []optionDocument  `json:"options"`
	Smart    compareDocument   `json:"smart"`
	Reuse    compareDocument   `json:"reuse"`
	Givens   []givenDocument   `json:"givens"`
	Further  []Remark          `json:"further,omitempty"`
	Sizing   *sizingDocument   `json:"sizing"`
	Tornado  *tornadoDocument  `json:"tornado,omitempty"`
	Draws    *drawsDocument    `json:"draws,omitempty"`
	Note     string            `json:"note"`
}

type sizingDocument struct {
	Unknown string         `json:"unknown,omitempty"`
	Curve   []sizeDocument `json:"curve"`
	Best    *sizeDocument  `json:"best"`  // of any size; null where none pays
	Whole   *sizeDocument  `json:"whole"` // of whole machines
}

type sizeDocument struct {
	Share    float64      `json:"share_of_design_load"`
	Count    float64      `json:"machines"`
	Heat     float64      `json:"heat_w"`
	Covered  float64      `json:"covered_share"`
	FullLoad float64      `json:"full_load_hours"`
	Capex    float64      `json:"capex"`
	Yearly   bandDocument `json:"saved_first_year"`
	Value    bandDocument `json:"net_present_value"`
	Payback  *float64     `json:"payback_years"`
}

type tornadoDocument struct {
	Base float64       `json:"base"`
	Bars []barDocument `json:"bars"`
}

type barDocument struct {
	Name   string  `json:"name"`
	Title  string  `json:"title"`
	Unit   string  `json:"unit"`
	Low    float64 `json:"low"`
	Mid    float64 `json:"mid"`
	High   float64 `json:"high"`
	AtLow  float64 `json:"net_present_value_at_low"`
	AtHigh float64 `json:"net_present_value_at_high"`
	Why    string  `json:"why"`
}

type drawsDocument struct {
	Seed     uint64         `json:"seed"`
	Count    int            `json:"count"`
	Value    spreadDocument `json:"net_present_value"`
	Cost     spreadDocument `json:"cost_per_useful_kwh"`
	Wins     float64        `json:"share_that_gains"`
	PaysBack float64        `json:"share_paid_back"`
}

type spreadDocument struct {
	Q05  float64 `json:"q05"`
	Q25  float64 `json:"q25"`
	Q50  float64 `json:"q50"`
	Q75  float64 `json:"q75"`
	Q95  float64 `json:"q95"`
	Mean float64 `json:"mean"`
}

type bandDocument struct {
	Low  float64 `json:"low"`
	Mid  float64 `json:"mid"`
	High float64 `json:"high"`
}

type loadDocument struct {
	Heat   float64     `json:"heat_kwh"`
	Rooms  float64     `json:"rooms_kwh"`
	Uses   []float64   `json:"uses_kwh"`
	Design float64     `json:"design_w"`
	Peak   float64     `json:"peak_w"`
	Hours  float64     `json:"full_load_hours"`
	Months [12]float64 `json:"months_kwh"`
}

type optionDocument struct {
	ID        string        `json:"id"`
	Kind      string        `json:"kind"`
	Name      string        `json:"name"`
	Unknown   string        `json:"unknown,omitempty"`
	Figures   *optionFigure `json:"figures"`
	Payback   *float64      `json:"payback_years"`
	Carbon    *float64      `json:"carbon_kg"`
	JoulesSat *float64      `json:"joules_per_sat"`
}

type optionFigure struct {
	Heat       float64      `json:"heat_kwh"`
	Power      float64      `json:"power_kwh"`
	Fuel       float64      `json:"fuel_kwh"`
	Computed   float64      `json:"computed_kwh"`
	FullLoad   float64      `json:"full_load_hours"`
	Covered    float64      `json:"covered_share"`
	Months     [12]float64  `json:"machine_months_kwh"`
	Missing    float64      `json:"missing_kwh"`
	MissingDay float64      `json:"missing_worst_day_kwh"`
	Coldest    float64      `json:"coldest_room_celsius"`
	Running    bandDocument `json:"running_first_year"`
	Earned     bandDocument `json:"earned_first_year"`
	Sats       bandDocument `json:"sats_first_year"`
	Capex      float64      `json:"capex"`
	// Null where no heat is made.
	Cost *bandDocument `json:"cost_per_useful_kwh"`
	// Null for a way that leaves heat unmade, which is no gain.
	Value  *bandDocument `json:"net_present_value"`
	Exergy float64       `json:"exergy_kwh"`
}

type compareDocument struct {
	Of       string        `json:"of"`
	Against  string        `json:"against"`
	Sentence string        `json:"sentence"`
	Unknown  string        `json:"unknown,omitempty"`
	Wins     *bool         `json:"wins"`
	Yearly   *bandDocument `json:"first_year"`
	PerKWh   *bandDocument `json:"per_kwh"`
	Value    *bandDocument `json:"net_present_value"`
	// Of the value, what the machine adds to its backup.
	Own *bandDocument `json:"net_present_value_of_machine,omitempty"`
}

type givenDocument struct {
	Key     string   `json:"key"`
	Value   string   `json:"value"`
	Default bool     `json:"default"`
	Why     string   `json:"why,omitempty"`
	Sources []string `json:"sources,omitempty"`
}

// NewDocument makes a document of a plan.
func NewDocument(r *Report) Document {
	asked, a := r.Asked, r.Answer
	d := Document{
		Question: map[string]string{}, Link: asked.Brief.Values().Encode(),
		Place: asked.Place.String(), Region: asked.Region.Code, Currency: a.Currency, Years: asked.Question.Money.Years,
		Decision: Decision(a, r.Years()), Better: Better(a, r.Years()), Note: "planned by models, not measured", Further: r.Further,
		Smart: newComparison(a.Smart), Reuse: newComparison(a.Reuse),
	}
	if a.Smart.Unknown == "" {
		own := bandDocument(a.Smart.Own)
		d.Smart.Own = &own
	}
	for key := range asked.Brief.Values() {
		d.Question[key] = asked.Brief.Get(key)
	}
	l := a.Load
	d.Load = loadDocument{
		Heat: float64(l.Heat), Rooms: float64(l.Rooms), Uses: []float64{}, Design: float64(l.Design), Peak: float64(l.Peak), Hours: l.Hours, Months: numbers(l.Months),
	}
	for _, u := range l.Uses {
		d.Load.Uses = append(d.Load.Uses, float64(u))
	}
	for _, o := range a.Options {
		d.Options = append(d.Options, newOption(a, &o))
	}
	for _, g := range asked.Givens {
		given := givenDocument{Key: g.Key, Value: g.Value, Default: g.Default, Why: g.Why}
		for _, s := range g.Sources {
			given.Sources = append(given.Sources, string(s))
		}
		for _, s := range g.Market {
			given.Sources = append(given.Sources, string(s))
		}
		d.Givens = append(d.Givens, given)
	}
	d.study(r)
	return d
}

// study adds what was worked out beyond the answer.
func (d *Document) study(r *Report) {
	if z := &r.Sizing; z.Unknown != "" || len(z.Curve) > 0 {
		d.Sizing = &sizingDocument{Unknown: z.Unknown, Curve: []sizeDocument{}}
		for _, s := range z.Curve {
			d.Sizing.Curve = append(d.Sizing.Curve, newSize(s))
		}
		for _, end := range []struct {
			size plan.Size
			at   **sizeDocument
		}{{z.Best, &d.Sizing.Best}, {z.Whole, &d.Sizing.Whole}} {
			if end.size.Count > 0 {
				s := newSize(end.size)
				*end.at = &s
			}
		}
	}
	if t := r.Tornado; t != nil {
		d.Tornado = &tornadoDocument{Base: t.Base.Value, Bars: []barDocument{}}
		for _, b := range t.Bars {
			d.Tornado.Bars = append(d.Tornado.Bars, barDocument{
				Name: b.Name, Title: b.Title, Unit: b.Unit, Low: b.Low, Mid: b.Mid, High: b.High, AtLow: b.AtLow.Value, AtHigh: b.AtHigh.Value, Why: b.Why,
			})
		}
	}
	if w := r.Draws; w != nil {
		d.Draws = &drawsDocument{
			Seed: w.Seed, Count: len(w.Values), Value: spreadDocument(w.Value), Cost: spreadDocument(w.Cost), Wins: float64(w.Wins), PaysBack: float64(w.PaysBack),
		}
	}
}

func newSize(s plan.Size) sizeDocument {
	return sizeDocument{
		Share: float64(s.Share), Count: s.Count, Heat: float64(s.Heat), Covered: float64(s.Covered), FullLoad: s.FullLoad, Capex: float64(s.Capex),
		Yearly: bandDocument(s.Yearly), Value: bandDocument(s.Value), Payback: pointer(s.Payback),
	}
}

func numbers(v [12]units.KilowattHours) (n [12]float64) {
	for i := range v {
		n[i] = float64(v[i])
	}
	return n
}

func newOption(a *plan.Answer, o *plan.Option) optionDocument {
	d := optionDocument{ID: o.ID, Kind: string(o.Kind), Name: o.Name, Unknown: o.Unknown}
	if o.Unknown != "" {
		return d
	}
	d.Payback, d.JoulesSat = pointer(o.Payback), pointer(o.JoulesPerSat)
	d.Carbon = pointer(units.Map(o.Carbon, func(g units.Grams) float64 { return float64(g) / 1000 }))
	d.Figures = &optionFigure{
		Heat: float64(o.Heat), Power: float64(o.Power), Fuel: float64(o.Fuel), Computed: float64(o.Computed), FullLoad: o.FullLoad,
		Covered: float64(o.Covered), Months: numbers(o.Months), Missing: float64(o.Shortfall.Year), MissingDay: float64(o.Shortfall.Day),
		Coldest: float64(o.Shortfall.Coldest), Running: bandDocument(o.Running), Earned: bandDocument(o.Earned), Sats: bandDocument(o.Sats),
		Capex: float64(o.Capex), Exergy: float64(o.Exergy),
	}
	if o.Heat > 0 {
		cost := bandDocument(o.Cost)
		d.Figures.Cost = &cost
	}
	if colder(a, o) {
		d.Payback = nil
	} else {
		value := bandDocument(o.Value)
		d.Figures.Value = &value
	}
	return d
}

func newComparison(c plan.Comparison) compareDocument {
	d := compareDocument{Of: c.Of, Against: c.Against, Sentence: c.Sentence, Unknown: c.Unknown}
	if c.Unknown == "" {
		wins, yearly, per, value := c.Wins, bandDocument(c.Yearly), bandDocument(c.PerKWh), bandDocument(c.Value)
		d.Wins, d.Yearly, d.PerKWh, d.Value = &wins, &yearly, &per, &value
	}
	return d
}

// NicheDocument is a map for programs.
type NicheDocument struct {
	Currency string          `json:"currency"`
	Cells    int             `json:"cells"`
	Known    int             `json:"known"`
	Niches   []nicheDocument `json:"niches"`
	Unknown  map[string]int  `json:"unknown"`
	Note     string          `json:"note"`
}

type nicheDocument struct {
	Region   string       `json:"region"`
	Name     string       `json:"region_name"`
	Home     string       `json:"home"`
	Heater   string       `json:"heater"`
	Machine  string       `json:"machine"`
	Gain     bandDocument `json:"gain_per_year"`
	Value    bandDocument `json:"net_present_value"`
	Payback  *float64     `json:"payback_years"`
	Covered  float64      `json:"covered_share"`
	FullLoad float64      `json:"full_load_hours"`
	Homes    *float64     `json:"homes"`
	// Instead of Homes where others are counted among them.
	HomesAtMost *float64 `json:"homes_at_most,omitempty"`
	HashPrice   *float64 `json:"flips_at_hash_price"`
	Power       *float64 `json:"flips_at_power_price"`
	Price       *float64 `json:"flips_at_machine_price"`
}

// NewNicheDocument makes a document of some cells of a map.
func NewNicheDocument(n *plan.Niches, codes Places, cells []int) NicheDocument {
	d := NicheDocument{
		Currency: n.Map.Money.Currency, Cells: len(n.Cells), Known: len(n.Ranked), Niches: []nicheDocument{},
		Unknown: map[string]int{}, Note: "planned by models, not measured",
	}
	for _, i := range n.Unknown {
		d.Unknown[n.Cells[i].Unknown]++
	}
	for _, i := range cells {
		c := &n.Cells[i]
		d.Niches = append(d.Niches, nicheDocument{
			Region: codes[c.Region], Name: n.Map.Regions[c.Region].Name, Home: n.Map.Homes[c.Home].Name,
			Heater: string(n.Map.Heaters[c.Heater].Kind), Machine: n.Map.Machines[c.Machine].Name,
			Gain: bandDocument(c.Gain), Value: bandDocument(c.Value), Payback: pointer(c.Payback), Covered: float64(c.Covered),
			FullLoad: c.FullLoad, Homes: pointer(c.Homes), HashPrice: pointer(c.Flip.HashPrice), Power: pointer(c.Flip.Power), Price: pointer(c.Flip.Price),
		})
		if last := &d.Niches[len(d.Niches)-1]; n.Map.Heaters[c.Heater].Kind == plan.Resistive {
			last.Homes, last.HomesAtMost = nil, last.Homes // no census tells heat pumps apart
		}
	}
	return d
}

func pointer[T ~float64](k units.Known[T]) *float64 {
	if v, ok := k.Get(); ok {
		f := float64(v)
		return &f
	}
	return nil
}

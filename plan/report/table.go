package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"hearth/plan"
	"hearth/units"
)

// Table is figures in rows and columns, for every surface.
type Table struct {
	Title string
	// Names is how many of the first columns are words; 0 stands for one.
	Names   int
	Columns []Column
	Rows    []Row
}

// Words reports whether a column has words, which stand flush left, not figures.
func (t Table) Words(column int) bool { return column < max(1, t.Names) }

// Column is one of a [Table].
type Column struct{ Name, Unit string }

// Head returns the column's name with its unit.
func (c Column) Head() string {
	if c.Unit == "" {
		return c.Name
	}
	return c.Name + ", " + c.Unit
}

// Row is one of a [Table]. Its first cell is its name.
type Row struct {
	ID    string
	Cells []string
	// Unknown says why there are no figures; Cells holds the name only then.
	Unknown string
	// Mark is set for the row that the table is about.
	Mark bool
}

// CSV writes the table for spreadsheets.
func (t Table) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	head := make([]string, 0, len(t.Columns)+1)
	for _, c := range t.Columns {
		head = append(head, c.Head())
	}
	_ = out.Write(append(head, "unknown because"))
	for _, r := range t.Rows {
		cells := make([]string, len(t.Columns)+1)
		for i, c := range r.Cells {
			cells[i] = plain(c)
		}
		cells[len(t.Columns)] = r.Unknown
		_ = out.Write(cells)
	}
	out.Flush()
	return out.Error()
}

// plain writes a figure as spreadsheets read it.
func plain(s string) string {
	if s != "" && strings.Trim(s, "−-0123456789.,") == "" {
		return strings.NewReplacer(",", "", "−", "-").Replace(s)
	}
	return s
}

// Costs sets what the options cost side by side.
func Costs(a *plan.Answer) Table {
	cents, money := HundredthsName(a.Currency), a.Currency
	t := Table{Title: "What it costs", Columns: []Column{
		{"Heat by", ""},
		{"A useful kWh, all in", cents},
		{"Worst to best market", cents},
		{"First year", money},
		{"Earned in it", money},
		{"To buy", money},
		{"Gain over the horizon", money},
		{"Paid back", ""},
	}}
	for i, o := range a.Options {
		r := Row{ID: o.ID, Cells: []string{Upper(o.Name)}, Unknown: o.Unknown, Mark: o.Kind == plan.WithMachine}
		if i == 0 {
			r.Cells[0] += " (today)"
		}
		if o.Unknown == "" {
			gain, payback := Whole(o.Value.Mid), Years(o.Payback)
			if i == 0 {
				gain, payback = "–", "–" // the others are measured against it
			}
			if colder(a, &o) {
				// Heat that is not made costs nothing, and is no gain.
				r.Cells[0] += fmt.Sprintf(", not warm enough (%s of the heat)", Percent(units.Fraction(o.Heat/a.Load.Heat)))
				gain, payback = "–", "–"
			}
			r.Cells = append(r.Cells,
				Useful(&o), spread(o.Cost), Whole(o.Running.Mid), Whole(o.Earned.Mid),
				Whole(float64(o.Capex)), gain, payback)
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

// Useful writes what a useful kWh costs: a dash where no heat is made.
func Useful(o *plan.Option) string {
	if o.Heat <= 0 {
		return "–"
	}
	return Hundredths(o.Cost.Mid)
}

// spread writes a band in its order, pessimistic first.
func spread(b plan.Band) string {
	low, high := Hundredths(b.Low), Hundredths(b.High)
	if low == high {
		return "–"
	}
	return low + " to " + high
}

// Energies sets what the options take and give side by side, in the first year.
func Energies(a *plan.Answer) Table {
	t := Table{Title: "What it takes and gives, in the first year", Columns: []Column{
		{"Heat by", ""},
		{"Power bought", "kWh"},
		{"Fuel bought", "kWh"},
		{"Computed", "kWh"},
		{"Full-load hours", "h"},
		{"Heat by the machine", "%"},
		{"Heat missing", "kWh"},
		{"Coldest room", "°C"},
		{"Earned", "sats"},
		{"Electricity for a sat", "kJ"},
		{"CO₂", "kg"},
		{"Exergy delivered", "kWh"},
	}}
	for _, o := range a.Options {
		r := Row{ID: o.ID, Cells: []string{Upper(o.Name)}, Unknown: o.Unknown, Mark: o.Kind == plan.WithMachine}
		if o.Unknown == "" {
			r.Cells = append(r.Cells, Whole(float64(o.Power)), Whole(float64(o.Fuel)), Whole(float64(o.Computed)), Whole(o.FullLoad),
				Decimal(100*float64(o.Covered), 0), Whole(float64(o.Shortfall.Year)), Decimal(float64(o.Shortfall.Coldest), 1),
				Whole(o.Sats.Mid), kilojoules(&o), carbon(&o), Whole(float64(o.Exergy)))
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

func kilojoules(o *plan.Option) string {
	if v, ok := o.JoulesPerSat.Get(); ok {
		return Decimal(v/1000, 1)
	}
	return "–"
}

func carbon(o *plan.Option) string {
	if v, ok := o.Carbon.Get(); ok {
		return Whole(float64(v) / 1000)
	}
	return "unknown"
}

// Sizes sets sizes of the machine side by side.
func Sizes(z plan.Sizing) Table {
	t := Table{Title: "How large it should be", Columns: []Column{
		{"Size", "% of design load"},
		{"Machines", ""},
		{"Heat from it", "kW"},
		{"Heat by the machine", "%"},
		{"Full-load hours", "h"},
		{"To buy", z.Currency},
		{"Saved in the first year", z.Currency},
		{"Gain over the horizon", z.Currency},
		{"Paid back", ""},
	}}
	add := func(s plan.Size, name string, mark bool) {
		t.Rows = append(t.Rows, Row{ID: name, Mark: mark, Cells: []string{
			name + Decimal(100*float64(s.Share), 0), Decimal(s.Count, 1), Decimal(float64(s.Heat)/1000, 1), Decimal(100*float64(s.Covered), 0), Whole(s.FullLoad),
			Whole(float64(s.Capex)), Whole(s.Yearly.Mid), Whole(s.Value.Mid), Years(s.Payback),
		}})
	}
	for i, s := range z.Curve {
		if i%4 == 3 || i == 1 || i == 0 {
			add(s, "", false)
		}
	}
	if z.Best.Share > 0 {
		add(z.Best, "best: ", true)
	}
	if z.Whole.Count > 0 {
		add(z.Whole, "whole machines: ", true)
	}
	return t
}

// Swings sets what each uncertain figure does to the gain.
func Swings(t *plan.Tornado) Table {
	table := Table{Title: "What the answer hangs on", Columns: []Column{
		{"Figure", ""}, {"Low", ""}, {"As planned", ""}, {"High", ""}, {"Gain at low", t.Currency}, {"Gain at high", t.Currency},
	}}
	for _, b := range t.Bars {
		table.Rows = append(table.Rows, Row{ID: b.Name, Cells: []string{
			b.Title, input(b.Low, b.Unit), input(b.Mid, b.Unit), input(b.High, b.Unit), Whole(b.AtLow.Value), Whole(b.AtHigh.Value),
		}})
	}
	return table
}

// Chances sets how the gain is distributed.
func Chances(d *plan.Draws) Table {
	t := Table{Title: fmt.Sprintf("How it may come out: %s draws, seed %d", Whole(float64(len(d.Values))), d.Seed), Columns: []Column{
		{"", ""}, {"5 %", ""}, {"25 %", ""}, {"median", ""}, {"75 %", ""}, {"95 %", ""}, {"mean", ""},
	}}
	row := func(name string, s plan.Spread, write func(float64) string) {
		t.Rows = append(t.Rows, Row{ID: name, Cells: []string{name, write(s.Q05), write(s.Q25), write(s.Q50), write(s.Q75), write(s.Q95), write(s.Mean)}})
	}
	row("Gain over the horizon, "+d.Currency, d.Value, Whole)
	row("A useful kWh, "+HundredthsName(d.Currency), d.Cost, Hundredths)
	return t
}

// Seasons sets the heat of the months beside what the machine makes of it.
func Seasons(a *plan.Answer) Table {
	t := Table{Title: "Through the year", Columns: []Column{{"Month", ""}, {"Heat wanted", "kWh"}, {"By the machine", "kWh"}, {"Share", "%"}}}
	o := Option(a, plan.WithMachine)
	for m, name := range [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"} {
		wanted := float64(a.Load.Months[m])
		r := Row{ID: strings.ToLower(name), Cells: []string{name, Whole(wanted)}}
		switch {
		case o == nil || o.Unknown != "":
			r.Cells = append(r.Cells, "unknown", "unknown")
		case wanted < 0.5:
			r.Cells = append(r.Cells, Whole(float64(o.Months[m])), "–")
		default:
			r.Cells = append(r.Cells, Whole(float64(o.Months[m])), Decimal(100*float64(o.Months[m])/wanted, 0))
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

// Option returns the first option of a kind, or nil.
func Option(a *plan.Answer, kind plan.OptionKind) *plan.Option {
	for i := range a.Options {
		if a.Options[i].Kind == kind {
			return &a.Options[i]
		}
	}
	return nil
}

// Decision says in a sentence what the plan comes to.
func Decision(a *plan.Answer, years int) string {
	o := Option(a, plan.WithMachine)
	switch {
	case a.Load.Heat <= 0:
		return "No, it would not pay here: nothing wants heat all year."
	case a.Smart.Unknown != "" || o == nil:
		return strings.TrimSpace("Whether it would pay here is unknown: " + a.Smart.Unknown + ". " + a.Smart.Limit)
	case a.Smart.Wins && a.Smart.Own.Mid < 0:
		return fmt.Sprintf("No, the machine would not pay here: heating with %s gains %s over %d years against %s, but would gain %s more without the machine.",
			a.Smart.Of, Money(a.Smart.Value.Mid, a.Currency), years, a.Smart.Against, Money(-a.Smart.Own.Mid, a.Currency))
	case a.Smart.Wins && a.Smart.Value.Low > 0:
		return fmt.Sprintf("Yes, it would pay here, even if the market goes badly: heating with %s gains %s over %d years against %s.",
			a.Smart.Of, Money(a.Smart.Value.Mid, a.Currency), years, a.Smart.Against)
	case a.Smart.Wins:
		return fmt.Sprintf("It would pay here if the market goes as in the middle outlook: heating with %s gains %s over %d years against %s, but loses %s if it goes badly.",
			a.Smart.Of, Money(a.Smart.Value.Mid, a.Currency), years, a.Smart.Against, Money(-a.Smart.Value.Low, a.Currency))
	case a.Smart.Value.High > 0:
		return fmt.Sprintf("It would not pay here unless the market goes well: heating with %s loses %s over %d years against %s, and gains %s if it goes well.",
			a.Smart.Of, Money(-a.Smart.Value.Mid, a.Currency), years, a.Smart.Against, Money(a.Smart.Value.High, a.Currency))
	}
	return fmt.Sprintf("No, it would not pay here: heating with %s loses %s over %d years against %s, and loses even if the market goes well.",
		a.Smart.Of, Money(-a.Smart.Value.Mid, a.Currency), years, a.Smart.Against)
}

// Better says which ordinary heater would gain more than the machine, if one
// would: a machine that beats a dear heater may still be the second best.
func Better(a *plan.Answer, years int) string {
	o := Option(a, plan.WithMachine)
	if o == nil || o.Unknown != "" {
		return ""
	}
	best := -1
	for i := 1; i < len(a.Options); i++ {
		other := &a.Options[i]
		switch {
		case other.Unknown != "" || other.Kind == plan.WithMachine || other.Kind == plan.AloneOption || other.Kind == plan.Wasting || other.Kind == plan.RivalOption:
		case other.Value.Mid > max(0, o.Value.Mid) && (best < 0 || other.Value.Mid > a.Options[best].Value.Mid):
			best = i
		}
	}
	if best < 0 {
		return ""
	}
	name := Upper(a.Options[best].Name)
	if strings.Contains(name, ",") { // "a gas boiler, if it is there"
		name += ","
	}
	return fmt.Sprintf("%s would gain more: %s over %d years.", name, Money(a.Options[best].Value.Mid, a.Currency), years)
}

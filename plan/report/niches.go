package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"hearth/plan"
	"hearth/plan/atlas"
	"hearth/plan/brief"
	"hearth/plan/market"
	"hearth/plan/picture"
	"hearth/units"
)

// Places are the codes of the regions of a map, in its order.
type Places []string

// Best returns the best cell of each region, the best first; where home is not
// negative only those of that home.
func Best(n *plan.Niches, home int) []int {
	seen := map[int]bool{}
	var best []int
	for _, i := range n.Ranked {
		if c := &n.Cells[i]; !seen[c.Region] && (home < 0 || c.Home == home) {
			seen[c.Region] = true
			best = append(best, i)
		}
	}
	return best
}

// Niches sets cells of a map in a table.
func Niches(n *plan.Niches, cells []int) Table {
	money := n.Map.Money.Currency
	t := Table{Title: "Where smart heat gains most", Names: 4, Columns: []Column{
		{"Region", ""},
		{"Home", ""},
		{"Heats today with", ""},
		{"Machine", ""},
		{"Gain a year", money},
		{"Worst to best market", money},
		{"Paid back after", "years"},
		{"Heat by the machine", "%"},
		{"Full-load hours", "h"},
		{"Homes that heat so", ""},
		{"Even at a hash price of", "$/PH/day"},
		{"or power at", HundredthsName(money) + "/kWh"},
		{"or a machine for", money},
	}}
	for _, i := range cells {
		c := &n.Cells[i]
		t.Rows = append(t.Rows, Row{
			ID: fmt.Sprint(i),
			Cells: []string{
				n.Map.Regions[c.Region].Name, n.Map.Homes[c.Home].Name, heats(n.Map.Heaters[c.Heater].Kind), n.Map.Machines[c.Machine].Name,
				Whole(c.Gain.Mid), Whole(c.Gain.Low) + " to " + Whole(c.Gain.High), figure(c.Payback, func(v float64) string { return Decimal(v, 1) }),
				Decimal(100*float64(c.Covered), 0), Whole(c.FullLoad), homes(n, c),
				figure(c.Flip.HashPrice, func(v float64) string { return Decimal(v, 1) }),
				figure(c.Flip.Power, Hundredths), figure(c.Flip.Price, Whole),
			},
		})
	}
	return t
}

// homes says how many homes heat so: no census tells electric panels from heat
// pumps.
func homes(n *plan.Niches, c *plan.Niche) string {
	count := figure(c.Homes, Whole)
	if c.Homes.IsKnown() && n.Map.Heaters[c.Heater].Kind == plan.Resistive {
		return "at most " + count
	}
	return count
}

// heats says with what a home heats.
func heats(k plan.HeaterKind) string {
	switch k {
	case plan.Resistive:
		return "electric panels"
	case plan.HeatPump:
		return "a heat pump"
	}
	return string(k)
}

// figure writes a known figure, and a dash for one that is not.
func figure[T ~float64](k units.Known[T], write func(float64) string) string {
	if v, ok := k.Get(); ok {
		return write(float64(v))
	}
	return "–"
}

// Unknowns counts why cells are unknown, the most frequent reason first.
func Unknowns(n *plan.Niches) Table {
	t := Table{Title: "What is unknown", Columns: []Column{{"Because", ""}, {"Cells", ""}}}
	count := map[string]int{}
	var reasons []string
	for _, i := range n.Unknown {
		why := n.Cells[i].Unknown
		if count[why] == 0 {
			reasons = append(reasons, why)
		}
		count[why]++
	}
	slices.SortStableFunc(reasons, func(a, b string) int { return cmp.Compare(count[b], count[a]) })
	for _, why := range reasons {
		t.Rows = append(t.Rows, Row{ID: why, Cells: []string{why, Whole(float64(count[why]))}})
	}
	return t
}

// NicheMap draws the best gain of each region, in one of the homes.
func NicheMap(n *plan.Niches, codes Places, home int) *picture.Drawing {
	tiles := make([]picture.Tile, len(n.Map.Regions))
	for i, r := range n.Map.Regions {
		tiles[i] = picture.Tile{Code: codes[i], Name: r.Name, Unknown: "nothing is known"}
	}
	for _, i := range n.Unknown {
		if c := &n.Cells[i]; c.Home == home {
			tiles[c.Region].Unknown = c.Unknown
		}
	}
	for _, i := range Best(n, home) {
		c := &n.Cells[i]
		t := &tiles[c.Region]
		t.Unknown, t.Value, t.Figure = "", c.Gain.Mid, signed(c.Gain.Mid)
		t.Best = fmt.Sprintf("by %s instead of %s", n.Map.Machines[c.Machine].Name, heats(n.Map.Heaters[c.Heater].Kind))
	}
	return picture.Map(picture.Caption{
		Title: "Where smart heat wins, and by how much: " + n.Map.Homes[home].Name,
		Says: "What the best of the machines gains in a year against " + displaced(n) +
			"; its price is paid over the horizon, under the middle outlook. Planned, not measured.",
	}, n.Map.Money.Currency+" a year", tiles)
}

// signed writes a gain with its sign, in thousands where it is long.
func signed(v float64) string {
	s := Whole(v)
	if v >= 99_500 || v <= -99_500 {
		s = Whole(v/1000) + "k"
	}
	if v >= 0.5 {
		return "+" + s
	}
	return s
}

// displaced lists what the homes of a map heat with today.
func displaced(n *plan.Niches) string {
	var names []string
	for _, h := range n.Map.Heaters {
		names = append(names, heats(h.Kind))
	}
	if len(names) == 1 {
		return names[0]
	}
	return "that of " + strings.Join(names, ", ") + " against which it gains most"
}

// NicheGrid draws the best gain of each region and heater of today in one of
// the homes, the best regions first.
func NicheGrid(n *plan.Niches, most, home int) *picture.Drawing {
	best := Best(n, home)
	best = best[:min(len(best), most)]
	row := map[int]int{}
	var names, columns []string
	for k, i := range best {
		row[n.Cells[i].Region] = k
		names = append(names, n.Map.Regions[n.Cells[i].Region].Name)
	}
	for _, h := range n.Map.Heaters {
		columns = append(columns, heats(h.Kind))
	}
	cells := make([][]picture.Cell, len(best))
	for k := range cells {
		cells[k] = make([]picture.Cell, len(columns))
		for j := range cells[k] {
			cells[k][j].Unknown = "not reckoned"
		}
	}
	for _, i := range n.Unknown {
		c := &n.Cells[i]
		if k, ok := row[c.Region]; ok && c.Home == home {
			cells[k][c.Heater].Unknown = c.Unknown
		}
	}
	for _, i := range slices.Backward(n.Ranked) { // the best comes last and stays
		c := &n.Cells[i]
		if k, ok := row[c.Region]; ok && c.Home == home {
			cells[k][c.Heater] = picture.Cell{Value: c.Gain.Mid, Figure: signed(c.Gain.Mid)}
		}
	}
	return picture.Grid(picture.Caption{
		Title: "By what homes heat with today: " + n.Map.Homes[home].Name,
		Says:  "What the best of the machines gains in a year, its price paid over the horizon, under the middle outlook. Planned, not measured.",
	}, n.Map.Money.Currency+" a year", names, columns, cells)
}

// MapReport is a map with what it rests on.
type MapReport struct {
	Niches *plan.Niches
	Codes  Places
	// Home is whose gains are drawn, and Lines the cells that are listed.
	Home   int
	Lines  []int
	Givens []brief.Given
}

// Decision says in a sentence what the map comes to.
func (r *MapReport) Decision() string {
	wins, sure := 0, 0
	for _, i := range r.Niches.Ranked {
		if r.Niches.Cells[i].Gain.Mid > 0 {
			wins++
		}
		if r.Niches.Cells[i].Gain.Low > 0 {
			sure++
		}
	}
	return fmt.Sprintf("Of %s combinations of region, home, heater and machine smart heat wins in %s under the middle outlook of the market and in %s even under the pessimistic one, loses in %s, and %s are unknown.",
		Whole(float64(len(r.Niches.Cells))), Whole(float64(wins)), Whole(float64(sure)), Whole(float64(len(r.Niches.Ranked)-wins)), Whole(float64(len(r.Niches.Unknown))))
}

// Reach says for how many homes smart heat wins.
func (r *MapReport) Reach() Table {
	t := Table{Title: "Homes in which the best machine gains", Columns: []Column{{"If all homes were", ""}, {"Homes that burn a fuel", ""}, {"Homes with electric heat, at most: heat pumps are counted among them", ""}, {"Pairs of region and heater that nobody has counted", ""}}}
	for i, h := range r.Niches.Map.Homes {
		reach := r.Niches.Reach(i)
		t.Rows = append(t.Rows, Row{ID: h.Name, Cells: []string{h.Name, Whole(reach.Homes), Whole(reach.Electric), Whole(float64(reach.Uncounted))}})
	}
	return t
}

// HTML returns the map as one page that needs nothing else.
func (r *MapReport) HTML() ([]byte, error) {
	ids, markets := r.cited()
	return execute(mapPage, mapView{
		Style: style(), Decision: r.Decision(), Years: r.Niches.Map.Money.Years,
		Map:  template.HTML(NicheMap(r.Niches, r.Codes, r.Home).Inline()), //nolint:gosec // package picture escapes all text
		Grid: template.HTML(NicheGrid(r.Niches, 40, r.Home).Inline()),     //nolint:gosec // likewise
		Best: Niches(r.Niches, r.Lines), Reach: r.Reach(), Unknowns: Unknowns(r.Niches), Givens: r.Givens, Sources: citations(ids, markets),
	})
}

// mapView is what the page of a map shows.
type mapView struct {
	Style                 template.CSS
	Decision              string
	Years                 int
	Map, Grid             template.HTML
	Best, Reach, Unknowns Table
	Givens                []brief.Given
	Sources               []Cited
}

// cited gathers the sources of the map.
func (r *MapReport) cited() (ids []atlas.SourceID, markets []market.SourceID) {
	for _, g := range r.Givens {
		ids, markets = append(ids, g.Sources...), append(markets, g.Market...)
	}
	m := r.Niches.Map
	for _, region := range m.Regions {
		ids = append(ids, region.Power.Sources...)
	}
	for _, h := range m.Heaters {
		ids = append(ids, h.Sources...)
	}
	for _, c := range m.Machines {
		ids = append(ids, c.Sources...)
	}
	return ids, markets
}

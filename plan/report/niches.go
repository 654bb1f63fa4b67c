package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hearth/plan"
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
	t := Table{Title: "Where smart heat gains most", Columns: []Column{
		{"Region", ""},
		{"Home", ""},
		{"Heats today with", ""},
		{"Machine", ""},
		{"Gain a year", money},
		{"from pessimistic to optimistic", money},
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
			ID: fmt.Sprint(i), Mark: c.Gain.Mid > 0,
			Cells: []string{
				n.Map.Regions[c.Region].Name, n.Map.Homes[c.Home].Name, heats(n.Map.Heaters[c.Heater].Kind), n.Map.Machines[c.Machine].Name,
				Whole(c.Gain.Mid), Whole(c.Gain.Low) + " to " + Whole(c.Gain.High), figure(c.Payback, func(v float64) string { return Decimal(v, 1) }),
				Decimal(100*float64(c.Covered), 0), Whole(c.FullLoad), figure(c.Homes, Whole),
				figure(c.Flip.HashPrice, func(v float64) string { return Decimal(v, 1) }),
				figure(c.Flip.Power, Hundredths), figure(c.Flip.Price, Whole),
			},
		})
	}
	return t
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
			", its price paid over the horizon, under the middle outlook. Planned, not measured.",
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
	return "the dearest of " + strings.Join(names, ", ")
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

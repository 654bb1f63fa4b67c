package report

import (
	"strings"
	"testing"

	"hearth/plan"
	"hearth/plan/brief"
	"hearth/units"
)

// TestElectricHomesAreABound: a census that counts heat pumps among electric
// heat says no more than how many panels there are at most.
func TestElectricHomesAreABound(t *testing.T) {
	world, givens, err := brief.Brief{}.World()
	if err != nil {
		t.Fatal(err)
	}
	m, err := plan.Everywhere(world)
	if err != nil {
		t.Fatal(err)
	}
	m.Regions, m.Homes = m.Regions[:1], m.Homes[:1]
	var heaters []plan.Heater
	for _, h := range m.Heaters {
		if h.Kind == plan.Resistive || h.Kind == plan.Gas {
			heaters = append(heaters, h)
		}
	}
	m.Heaters = heaters
	for kind := range m.Regions[0].Count {
		m.Regions[0].Count[kind] = units.Map(m.Regions[0].Count[kind], func(float64) float64 { return 12345 })
	}
	n, err := m.Run(t.Context(), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for k, r := range Niches(n, n.Ranked).Rows {
		bound := strings.Contains(strings.Join(r.Cells, "|"), "|at most 12,345|")
		heater := m.Heaters[n.Cells[n.Ranked[k]].Heater].Kind
		if bound != (heater == plan.Resistive) {
			t.Errorf("the homes that heat with %s: %v", heater, r.Cells)
		}
		rows[string(heater)]++
	}
	for _, c := range NewNicheDocument(n, Places{"US-AK"}, n.Ranked).Niches {
		if bound := c.Homes == nil && c.HomesAtMost != nil; bound != (c.Heater == string(plan.Resistive)) {
			t.Errorf("to programs the homes that heat with %s are %v, at most %v", c.Heater, c.Homes, c.HomesAtMost)
		}
	}
	if len(rows) != 2 {
		t.Fatalf("not both heaters are ranked: %v", rows)
	}
	r := MapReport{Niches: n, Codes: Places{"US-AK"}, Lines: n.Ranked, Givens: givens}
	if d := r.Decision(); !strings.Contains(d, "even under the pessimistic one") {
		t.Errorf("a win is said without the outlook it takes: %s", d)
	}
}

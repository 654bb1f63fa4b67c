package plan_test

import (
	"strings"
	"testing"

	"hearth/plan"
)

// Every figure of every option can be traced to what the question said.
func TestEveryFigureSaysWhy(t *testing.T) {
	for name, change := range map[string]func(*plan.Question){
		"hash":      func(*plan.Question) {},
		"inference": func(q *plan.Question) { q.Machine.Kind = plan.Inference; q.Money.PerDollar = 0.9 },
		"pump":      func(q *plan.Question) { q.Backup = q.Others[3]; q.Power.Hourly = nights(.2, .1) },
		"no rooms":  func(q *plan.Question) { q.Home.Rooms = nil; q.Home.Uses = everyUse() },
	} {
		t.Run(name, func(t *testing.T) {
			q := question(t)
			change(&q)
			a := prepare(t, q).Answer()
			ids := a.Figures()
			if len(ids) < 100 {
				t.Errorf("only %d figures are explained", len(ids))
			}
			for _, id := range ids {
				r, ok := a.Why(id)
				if !ok {
					t.Errorf("%s has no reason", id)
					continue
				}
				complete(t, id, r, 0)
			}
		})
	}
}

// complete looks for reasons that break off.
func complete(t *testing.T, path string, r plan.Reason, depth int) {
	t.Helper()
	if r.ID == "" || r.Name == "" || r.Value == "" || r.Formula == "" {
		t.Errorf("%s: a reason is cut short: %+v", path, r)
	}
	if strings.Contains(r.Value, "NaN") || strings.Contains(r.Value, "%!") {
		t.Errorf("%s: the value reads %q", path, r.Value)
	}
	if depth > 12 {
		t.Fatalf("%s: reasons go round in circles", path)
	}
	for _, f := range r.From {
		complete(t, path+" < "+f.ID, f, depth+1)
	}
}

func TestWhyOfAPriceEndsAtItsSource(t *testing.T) {
	q := question(t)
	q.Power.Sources = append(q.Power.Sources, "eia-seds-2023")
	a := prepare(t, q).Answer()
	r, ok := a.Why("option.resistive.running")
	if !ok {
		t.Fatal("no reason")
	}
	for _, f := range r.From {
		if f.ID == "input.power_price" && f.Formula == "given" && len(f.Sources) == 1 && strings.HasPrefix(f.Value, "0.1200 USD/kWh") {
			return
		}
	}
	t.Errorf("the price of power is not among %+v", r.From)
}

func TestWhyKnowsWhatItDoesNotExplain(t *testing.T) {
	a := prepare(t, question(t)).Answer()
	for _, id := range []string{"", "load", "load.nothing", "option.machine", "option.machine.nothing", "option.nuclear.cost", "smart.nothing", "input.nothing", "a.b.c.d"} {
		if r, ok := a.Why(id); ok {
			t.Errorf("%q has the reason %+v", id, r)
		}
	}
}

func everyUse() []plan.Use {
	return []plan.Use{
		{Kind: plan.HotWater, Size: 3},
		{Kind: plan.Pool, Size: 40},
		{Kind: plan.Laundry, Size: 100},
		{Kind: plan.Greenhouse, Size: 50},
		{Kind: plan.District, Size: 2},
		{Kind: plan.Bathhouse, Size: 30},
	}
}

package plan_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"hearth/plan"
	"hearth/units"
)

// Of many machines nobody publishes a price. What one may cost at most is an
// answer all the same.
func TestWhatAMachineOfUnknownPriceMayCost(t *testing.T) {
	m := part(t, "Maine", "mid house", "Antminer S19j Pro")
	q := m.Question(plan.Niche{})
	q.Machine.Price = units.Unknown[plan.Money]("nobody says", time.Time{})
	site := prepare(t, q)
	smart := site.Answer().Smart
	if smart.Unknown == "" || !strings.Contains(smart.Limit, "It pays over 10 years if one costs less than") {
		t.Errorf("the comparison says %q", smart.Limit)
	}
	flip, unknown := site.Flip()
	price, ok := flip.Price.Get()
	if unknown != "" || !ok {
		t.Fatalf("the most that it may cost is %v (%s)", flip.Price, unknown)
	}
	if flip.Revenue.IsKnown() || flip.Power.IsKnown() || flip.HashPrice.IsKnown() {
		t.Errorf("there is no verdict, and yet it could turn: %+v", flip)
	}
	q.Machine.Price = known(price)
	even, err := site.With(q)
	if err != nil {
		t.Fatal(err)
	}
	if v := even.Answer().Smart.Value.Mid; math.Abs(v) > 1e-6 {
		t.Errorf("at %.2f it is worth %g, want nought", float64(price), v)
	}
	// With a price there is more that would turn the verdict.
	if flip, unknown := even.Flip(); unknown != "" || !flip.Revenue.IsKnown() {
		t.Errorf("with a price: %+v %s", flip, unknown)
	}

	// Where computing earns nothing and somebody has to look after it, it is not
	// worth having.
	q.Machine.Price = units.Unknown[plan.Money]("nobody says", time.Time{})
	for c := range q.Market {
		q.Market[c] = append(q.Market[c][:0:0], q.Market[c]...)
		for i := range q.Market[c] {
			q.Market[c][i].HashPrice *= 1e-3
		}
	}
	q.Machine.Upkeep = 50
	poor, err := site.With(q)
	if err != nil {
		t.Fatal(err)
	}
	if s := poor.Answer().Smart.Limit; !strings.Contains(s, "would not pay over 10 years even as a gift") {
		t.Errorf("a machine that earns nothing: %q", s)
	}
}

package plan_test

import (
	"math"
	"testing"

	"hearth/plan"
	"hearth/plan/market"
	"hearth/units"
)

// A market that is held is the one that the answer was reckoned with: studies
// that drew another one would be about another question.
func TestHeldMarketIsTheQuestionsOwn(t *testing.T) {
	s := study(t)
	course := make([]market.Month, len(s.Question.Market[market.Middle]))
	for i, m := range s.Question.Market[market.Middle] {
		m.HashPrice, m.HashValue, m.Marginal = 45, 45_000, 25
		course[i] = m
	}
	for c := range s.Question.Market {
		s.Question.Market[c] = course
	}
	s.Held = true
	want := prepare(t, s.Question).Answer().Smart.Value.Mid

	got := tornado(t, s, 2)
	if math.Abs(got.Base.Value-want) > 1e-9*math.Abs(want) {
		t.Errorf("the tornado stands on %.2f, the answer is %.2f", got.Base.Value, want)
	}
	for _, b := range got.Bars {
		if len(b.Market) > 0 {
			t.Errorf("the tornado moves %s of a market that is held", b.Name)
		}
	}
	// With nothing else to draw, all draws are the answer.
	s.Factors = nil
	d := draw(t, s, 1, 20, 2)
	for i, v := range d.Values {
		if math.Abs(v-want) > 1e-9*math.Abs(want) {
			t.Fatalf("draw %d is worth %.2f, the answer is %.2f", i, v, want)
		}
	}
}

// Ranges stay within what a question may say, wherever its figures lie.
func TestFactorsStayWithinBounds(t *testing.T) {
	for name, change := range map[string]func(*plan.Question){
		"little heat is recovered": func(q *plan.Question) { q.Machine.Recovery = 0.05 },
		"the dearest machine": func(q *plan.Question) {
			q.Machine.Price = units.Map(q.Machine.Price, func(plan.Money) plan.Money { return 1e9 })
		},
		"the shortest life": func(q *plan.Question) { q.Machine.Life = 0.5 },
		"hardly ever paid":  func(q *plan.Question) { q.Machine.Availability = 0.05 },
	} {
		s := study(t)
		change(&s.Question)
		s.Factors = plan.Factors(s.Question, s.Scenario)
		if _, err := s.Tornado(t.Context(), 2, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

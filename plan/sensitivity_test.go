package plan_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hearth/plan"
	"hearth/plan/atlas"
	"hearth/plan/market"
	"hearth/units"
)

// study is of the propane farmhouse under the default outlook.
func study(t testing.TB) *plan.Study {
	t.Helper()
	s, err := market.Default(market.Latest(), market.ConsumerGPU)
	if err != nil {
		t.Fatal(err)
	}
	q := question(t)
	if q.Market, err = s.Outlook(epoch(), 15); err != nil {
		t.Fatal(err)
	}
	return &plan.Study{Question: q, Scenario: s, Chance: market.Usual(), Factors: plan.Factors(q, s)}
}

func tornado(t testing.TB, s *plan.Study, threads int) *plan.Tornado {
	t.Helper()
	got, err := s.Tornado(t.Context(), threads, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func draw(t testing.TB, s *plan.Study, seed uint64, n, threads int) *plan.Draws {
	t.Helper()
	got, err := s.Draw(t.Context(), seed, n, threads, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Every range holds what the question says, and says where it is from.
func TestFactorsHaveRangesAndSources(t *testing.T) {
	ids := map[atlas.SourceID]bool{}
	for _, s := range atlas.Sources() {
		ids[s.ID] = true
	}
	names := map[string]bool{}
	for _, f := range study(t).Factors {
		if names[f.Name] {
			t.Errorf("two factors are called %q", f.Name)
		}
		names[f.Name] = true
		if !(f.Low <= f.Mid && f.Mid <= f.High && f.Low < f.High) {
			t.Errorf("%s goes from %g over %g to %g", f.Name, f.Low, f.Mid, f.High)
		}
		if f.Title == "" || f.Why == "" || len(f.Sources)+len(f.Market) == 0 {
			t.Errorf("%s does not say what it is and why: %+v", f.Name, f)
		}
		for _, id := range f.Sources {
			if !ids[id] {
				t.Errorf("%s has the source %q, which there is not", f.Name, id)
			}
		}
	}
	for _, want := range []string{"power_price", "fuel_price", "machine_price", "life", "warmth", "bitcoin", "marginal_power", "progress"} {
		if !names[want] {
			t.Errorf("%s is not varied", want)
		}
	}
	if names["inference"] {
		t.Error("rents are varied for a machine that mines")
	}
}

func TestTornado(t *testing.T) {
	s := study(t)
	got := tornado(t, s, 2)
	// The base is the middle case of the answer.
	near(t, "value of the base", got.Base.Value, prepare(t, s.Question).Answer().Smart.Value.Mid, 1e-12)
	if len(got.Bars) != len(s.Factors) {
		t.Fatalf("%d factors make %d bars", len(s.Factors), len(got.Bars))
	}
	for i, b := range got.Bars {
		if i > 0 && got.Bars[i-1].Width() < b.Width()-0.001 {
			t.Errorf("%s is wider than the bar above it", b.Name)
		}
		// What is known of each direction.
		up := b.AtHigh.Value - b.AtLow.Value
		switch b.Name {
		case "power_price", "machine_price", "heater_efficiency", "progress":
			up = -up
		case "fuel_price", "bitcoin", "marginal_power", "marginal_efficiency", "fees", "availability", "recovery", "life":
		default:
			continue
		}
		if !(up > 0) {
			t.Errorf("%s from %g to %g moves the value from %.0f to %.0f: the wrong way", b.Name, b.Low, b.High, b.AtLow.Value, b.AtHigh.Value)
		}
	}
}

// A bar is what the question with that figure answers.
func TestABarIsAnAnswer(t *testing.T) {
	s := study(t)
	for _, b := range tornado(t, s, 1).Bars {
		q := s.Question
		switch b.Name {
		case "machine_price":
			q.Machine.Price = known(plan.Money(b.High))
		case "warmth":
			q.Home.Setpoint = always(20 + units.Celsius(b.High))
		case "marginal_power":
			a := s.Scenario[market.Middle]
			a.Power = market.DollarsPerKWh(b.High)
			months, err := a.Path(epoch(), 15)
			if err != nil {
				t.Fatal(err)
			}
			q.Market = market.Outlook{months, months, months}
		default:
			continue
		}
		near(t, b.Name, b.AtHigh.Value, prepare(t, q).Answer().Smart.Value.Mid, 1e-12)
	}
}

// One seed gives one result, on any number of threads; another another.
func TestDrawsAreReproducible(t *testing.T) {
	s := study(t)
	one, eight := draw(t, s, 5, 40, 1), draw(t, s, 5, 40, 8)
	if !reflect.DeepEqual(one, eight) {
		t.Error("eight threads gave another result than one")
	}
	if one.Seed != 5 {
		t.Errorf("the result says seed %d, want 5", one.Seed)
	}
	if reflect.DeepEqual(one.Values, draw(t, s, 6, 40, 8).Values) {
		t.Error("two seeds gave one result")
	}
	if more := draw(t, s, 5, 50, 8); !slices.Equal(more.Values[:40], one.Values) {
		t.Error("more draws changed the first ones")
	}
	if !reflect.DeepEqual(tornado(t, s, 1).Base, tornado(t, s, 8).Base) {
		t.Error("the tornado depends on the number of threads")
	}
}

func TestDrawsAreSpreadAboutTheBase(t *testing.T) {
	s := study(t)
	d := draw(t, s, 1, 400, 2)
	for _, p := range []plan.Spread{d.Value, d.Cost} {
		if !(p.Q05 < p.Q25 && p.Q25 < p.Q50 && p.Q50 < p.Q75 && p.Q75 < p.Q95 && p.Q05 < p.Mean && p.Mean < p.Q95) {
			t.Errorf("quantiles %+v are not in order", p)
		}
	}
	if base := tornado(t, s, 2).Base.Value; base < d.Value.Q05 || base > d.Value.Q95 {
		t.Errorf("the middle case gains %.0f, outside of nine in ten draws (%.0f to %.0f)", base, d.Value.Q05, d.Value.Q95)
	}
	wins := 0
	for _, v := range d.Values {
		if v > 0 {
			wins++
		}
	}
	near(t, "share of wins", float64(d.Wins), float64(wins)/400, 1e-12)
	if _, paid := d.Payback.Get(); paid != (d.PaysBack >= 0.5) {
		t.Errorf("%v of the draws are paid back, and half of them are: %v", d.PaysBack, d.Payback)
	}
}

// Where nothing is uncertain, every draw is the answer.
func TestNothingUncertain(t *testing.T) {
	s := study(t)
	for c := range s.Scenario {
		s.Scenario[c] = s.Scenario[market.Middle]
	}
	s.Chance, s.Factors = market.Chance{}, nil
	want := prepare(t, s.Question).Answer().Smart.Value.Mid
	d := draw(t, s, 9, 5, 2)
	for _, v := range d.Values {
		near(t, "a draw", v, want, 1e-9)
	}
	near(t, "mean", d.Value.Mean, want, 1e-9)
	near(t, "median", d.Value.Q50, want, 1e-9)
}

func TestFactorsOfOtherQuestions(t *testing.T) {
	s := study(t)
	s.Question.Machine.Kind, s.Question.Machine.Efficiency = plan.Inference, 0
	s.Question.Today = plan.Heater{Kind: plan.HeatPump, Owned: true}
	s.Question.Backup = s.Question.Today
	s.Factors = plan.Factors(s.Question, s.Scenario)
	var names []string
	for _, b := range tornado(t, s, 2).Bars {
		names = append(names, b.Name)
		if b.Name == "heat_pump" && b.AtHigh.Value >= b.AtLow.Value {
			t.Errorf("a better heat pump makes the machine worth %.0f rather than %.0f, want less", b.AtHigh.Value, b.AtLow.Value)
		}
	}
	got := strings.Join(names, " ")
	for name, want := range map[string]bool{"inference": true, "inference_decline": true, "heat_pump": true, "bitcoin": false, "fuel_price": false} {
		if slices.Contains(names, name) != want {
			t.Errorf("%s among %s: want %v", name, got, want)
		}
	}
}

// Other set-points of a home that is prepared are those of a home that is
// prepared anew.
func TestKeptIsPreparedAnew(t *testing.T) {
	q := question(t)
	set := always(18)
	set[7], set[19] = 22, 21.5
	kept, err := prepare(t, q).Kept(set)
	if err != nil {
		t.Fatal(err)
	}
	q.Home.Setpoint = set
	anew := prepare(t, q)
	if !reflect.DeepEqual(kept.Load(), anew.Load()) || !slices.Equal(kept.Demand(), anew.Demand()) {
		t.Errorf("kept warm otherwise it wants %+v, prepared anew %+v", kept.Load(), anew.Load())
	}
	if a, b := kept.Answer(), anew.Answer(); !reflect.DeepEqual(a.Options, b.Options) || a.Smart != b.Smart || a.Reuse != b.Reuse {
		t.Error("the answers differ")
	}
	set[3] = 99
	if _, err := kept.Kept(set); err == nil {
		t.Error("rooms were kept at 99 °C")
	}
}

func TestProgressOfDraws(t *testing.T) {
	last := 0
	if _, err := study(t).Draw(t.Context(), 1, 7, 1, func(done, all int) {
		if done != last+1 || all != 7 {
			t.Errorf("after %d of 7 came %d of %d", last, done, all)
		}
		last = done
	}); err != nil {
		t.Fatal(err)
	}
	if last != 7 {
		t.Errorf("progress ended with %d of 7", last)
	}
}

func TestStudyThatCannotBe(t *testing.T) {
	ctx, stop := context.WithCancelCause(t.Context())
	late := errors.New("it took too long")
	stop(late)
	if _, err := study(t).Draw(ctx, 1, 100, 2, nil); !errors.Is(err, late) {
		t.Errorf("want %v, got %v", late, err)
	}
	if _, err := study(t).Tornado(ctx, 2, nil); !errors.Is(err, late) {
		t.Errorf("want %v, got %v", late, err)
	}
	for want, spoil := range map[string]func(*plan.Study){
		"no answer": func(s *plan.Study) { s.Question.Machine.Price = units.Known[plan.Money]{} },
		"Setpoint":  func(s *plan.Study) { s.Question.Home.Setpoint[0] = units.Celsius(math.NaN()) },
		"wander":    func(s *plan.Study) { s.Chance.Bitcoin.Spread = -1 },
	} {
		s := study(t)
		spoil(s)
		if _, err := s.Draw(t.Context(), 1, 3, 1, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	if _, err := study(t).Draw(t.Context(), 1, 0, 1, nil); err == nil {
		t.Error("no draws made a result")
	}
}

func BenchmarkDraws(b *testing.B) {
	s := study(b)
	for b.Loop() {
		draw(b, s, 1, 100, 2)
	}
	b.ReportMetric(100*float64(b.N)/b.Elapsed().Seconds(), "draws/s")
}

// A corner of the map, a tornado and some draws, kept to 1e-9: the same on
// every processor.
func TestMapsAndDrawsStayWhatTheyWere(t *testing.T) {
	s := study(t)
	n := run(t, part(t, "Maine, Louisiana, Norway", "mid house", "Antminer S19j Pro, Antminer S21+ Hydro"), 2)
	bars := map[string]any{}
	for _, b := range tornado(t, s, 2).Bars {
		bars[b.Name] = []float64{b.Low, b.AtLow.Value, b.High, b.AtHigh.Value}
	}
	golden(t, "testdata/niches.golden.json", map[string]any{
		"cells": n.Cells, "ranked": n.Ranked, "bars": bars, "draws": draw(t, s, 2026, 20, 2),
	})
}

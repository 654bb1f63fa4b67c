package units_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/units"
)

func noon() time.Time { return time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC) }

// sameKnown compares two Knowns by what their methods tell.
func sameKnown[T any]() cmp.Option {
	return cmp.Comparer(func(a, b units.Known[T]) bool {
		x, ok1 := a.Get()
		y, ok2 := b.Get()
		return ok1 == ok2 && cmp.Equal(x, y) && a.From() == b.From() && a.At().Equal(b.At()) && a.Why() == b.Why()
	})
}

func TestZeroKnownIsUnknown(t *testing.T) {
	var k units.Known[units.Watts]
	if v, ok := k.Get(); ok || v != 0 {
		t.Errorf("zero Known holds %v, %v", v, ok)
	}
	if k.From() != units.None || k.Why() == "" {
		t.Errorf("zero Known is from %v because %q", k.From(), k.Why())
	}
	if got := k.String(); got != "unknown (no reading yet)" {
		t.Errorf("prints %q", got)
	}
}

// A known zero is a value like any other; only the unknown is unknown.
func TestZeroIsKnown(t *testing.T) {
	k := units.Know(units.Watts(0), noon(), units.Meter)
	if v, ok := k.Get(); !ok || v != 0 || k.String() != "0 W" {
		t.Errorf("a measured 0 W is %v", k)
	}
}

func TestKnowNeedsProvenance(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a known value without a provenance was accepted")
		}
	}()
	units.Know(1, noon(), units.None)
}

func TestImpossibleIsUnknown(t *testing.T) {
	for _, c := range []struct {
		k   interface{ Why() string }
		why string
	}{
		{units.Know(units.Watts(math.NaN()), noon(), units.Meter), "not a number"},
		{units.Know(units.Celsius(math.Inf(1)), noon(), units.Meter), "not a number"},
		{units.Know(units.HashRate(math.Inf(-1)), noon(), units.Estimate), "not a number"},
		{units.Know(units.Celsius(-300), noon(), units.Meter), "below absolute zero"},
		{units.Map(units.Know(units.Watts(0), noon(), units.Meter), func(w units.Watts) units.Watts { return w / w }), "not a number"},
		{units.Join(units.Know(units.Joules(1), noon(), units.Meter), units.Know(units.Joules(0), noon(), units.Meter),
			func(a, b units.Joules) units.Fraction { return units.Fraction(a / b) }), "not a number"},
	} {
		if !strings.Contains(c.k.Why(), c.why) {
			t.Errorf("%v: unknown because %q, want %q", c.k, c.k.Why(), c.why)
		}
	}
}

func TestFresh(t *testing.T) {
	k := units.Know(units.Celsius(20), noon(), units.Meter)
	for _, c := range []struct {
		name  string
		later time.Duration
		why   string
	}{
		{"at once", 0, ""},
		{"just in time", time.Minute, ""},
		{"too old", time.Minute + time.Nanosecond, "old"},
		{"a year old", 365 * 24 * time.Hour, "old"},
		{"a clock a little ahead", -time.Minute, ""},
		{"a clock far ahead", -time.Minute - time.Nanosecond, "future"},
	} {
		got := k.Fresh(noon().Add(c.later), time.Minute)
		if got.IsKnown() != (c.why == "") || !strings.Contains(got.Why(), c.why) {
			t.Errorf("%s: %v (%q), want why %q", c.name, got, got.Why(), c.why)
		}
		if !got.At().Equal(noon()) {
			t.Errorf("%s: the time of the last reading was lost: %v", c.name, got.At())
		}
	}
	gone := units.Unknown[units.Celsius]("unplugged", noon())
	if got := gone.Fresh(noon().Add(time.Hour), time.Minute); got.Why() != "unplugged" {
		t.Errorf("an unknown grew old and forgot why: %q", got.Why())
	}
}

func TestWorst(t *testing.T) {
	best := []units.Provenance{units.Chosen, units.Meter, units.PSU, units.Estimate, units.Nameplate, units.Simulated, units.None}
	for i, p := range best {
		for j, q := range best {
			if got, want := units.Worst(p, q), best[max(i, j)]; got != want {
				t.Errorf("worst of %v and %v = %v, want %v", p, q, got, want)
			}
		}
	}
}

// provenances draws any provenance but None.
func provenances() *rapid.Generator[units.Provenance] {
	return rapid.SampledFrom([]units.Provenance{
		units.Chosen, units.Meter, units.PSU, units.Estimate, units.Nameplate, units.Simulated,
	})
}

func TestJoinIsAsOldAndAsBadAsTheWorstOfItsParts(t *testing.T) {
	draw := rapid.Custom(func(t *rapid.T) units.Known[units.Watts] {
		at := noon().Add(time.Duration(rapid.IntRange(-1000, 1000).Draw(t, "seconds")) * time.Second)
		if rapid.Bool().Draw(t, "unknown") {
			return units.Unknown[units.Watts](rapid.SampledFrom([]string{"", "unplugged"}).Draw(t, "why"), at)
		}
		return units.Know(units.Watts(rapid.IntRange(-5000, 5000).Draw(t, "watts")), at, provenances().Draw(t, "from"))
	})
	add := func(a, b units.Watts) units.Watts { return a + b }
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		got := units.Join(a, b, add)
		x, okA := a.Get()
		y, okB := b.Get()
		v, ok := got.Get()
		switch {
		case ok != (okA && okB):
			t.Fatalf("%v joined with %v is %v", a, b, got)
		case !ok:
			if got.Why() == "" {
				t.Fatalf("joined unknown does not say why")
			}
		case v != x+y || got.From() != units.Worst(a.From(), b.From()):
			t.Fatalf("%v (%v) joined with %v (%v) is %v (%v)", a, a.From(), b, b.From(), got, got.From())
		case got.At().After(a.At()) || got.At().After(b.At()):
			t.Fatalf("the join is younger than its parts")
		}
		if d := cmp.Diff(got.IsKnown(), units.Join(b, a, add).IsKnown()); d != "" {
			t.Fatal("Join depends on the order of its parts")
		}
	})
}

func TestMarkedOnlyWorsens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := units.Know(units.Watts(5), noon(), provenances().Draw(t, "from"))
		p := provenances().Draw(t, "mark")
		if got := k.Marked(p); got.From() != units.Worst(k.From(), p) {
			t.Fatalf("%v marked %v is %v", k.From(), p, got.From())
		}
	})
	if units.Unknown[units.Watts]("", noon()).Marked(units.Simulated).IsKnown() {
		t.Error("marking made an unknown known")
	}
}

func TestKnownJSON(t *testing.T) {
	for _, c := range []struct {
		k    any
		want string
	}{
		{
			units.Know(units.Celsius(20.6), noon(), units.Meter),
			`{"value":20.6,"unit":"°C","at":"2026-01-15T12:00:00Z","provenance":"meter"}`,
		},
		{
			units.Know(units.Watts(0), noon(), units.Simulated),
			`{"value":0,"unit":"W","at":"2026-01-15T12:00:00Z","provenance":"simulated"}`,
		},
		{
			units.Unknown[units.Celsius]("the plug does not answer", noon()),
			`{"value":null,"unit":"°C","at":"2026-01-15T12:00:00Z","provenance":"unknown","why":"the plug does not answer"}`,
		},
		{
			units.Known[units.Watts]{},
			`{"value":null,"unit":"W","provenance":"unknown","why":"no reading yet"}`,
		},
		{
			units.Know("eco", noon(), units.PSU),
			`{"value":"eco","at":"2026-01-15T12:00:00Z","provenance":"psu"}`,
		},
		{
			units.Know(90*time.Second, noon(), units.Estimate),
			`{"value":90,"unit":"s","at":"2026-01-15T12:00:00Z","provenance":"estimate"}`,
		},
		{
			units.Know(units.Price{PerKWh: units.Money{Micros: 250_000, Currency: "EUR"}}, noon(), units.Chosen),
			`{"value":0.25,"unit":"EUR/kWh","at":"2026-01-15T12:00:00Z","provenance":"chosen"}`,
		},
		{
			units.Known[units.Price]{},
			`{"value":null,"provenance":"unknown","why":"no reading yet"}`,
		},
	} {
		got, err := json.Marshal(c.k)
		if err != nil || string(got) != c.want {
			t.Errorf("%v:\n got %s (%v)\nwant %s", c.k, got, err, c.want)
		}
	}
}

// roundTrip writes k as JSON and reads it back.
func roundTrip[T any](t *rapid.T, k units.Known[T]) {
	t.Helper()
	b, err := json.Marshal(k)
	if err != nil {
		t.Fatalf("%v: %v", k, err)
	}
	var got units.Known[T]
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	if d := cmp.Diff(k, got, sameKnown[T]()); d != "" {
		t.Fatalf("%s reads back differently:\n%s", b, d)
	}
}

func TestKnownJSONReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := noon().Add(time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(t, "nanoseconds")))
		from := provenances().Draw(t, "from")
		x := rapid.Float64Range(0, 1e18).Draw(t, "x")
		money := units.Money{Micros: rapid.Int64Range(-1e14, 1e14).Draw(t, "micros"), Currency: "EUR"}
		roundTrip(t, units.Know(units.Watts(x), at, from))
		roundTrip(t, units.Know(units.Joules(x), at, from))
		roundTrip(t, units.Know(units.KilowattHours(x), at, from))
		roundTrip(t, units.Know(units.Celsius(x), at, from))
		roundTrip(t, units.Know(units.Kelvin(-x), at, from))
		roundTrip(t, units.Know(units.Litres(x), at, from))
		roundTrip(t, units.Know(units.LitresPerMinute(x), at, from))
		roundTrip(t, units.Know(units.HashRate(x), at, from))
		roundTrip(t, units.Know(units.Fraction(x), at, from))
		roundTrip(t, units.Know(units.RPM(x), at, from))
		roundTrip(t, units.Know(units.Grams(x), at, from))
		roundTrip(t, units.Know(units.Sats(rapid.Int64Range(-21e14, 21e14).Draw(t, "sats")), at, from))
		roundTrip(t, units.Know(money, at, from))
		roundTrip(t, units.Know(units.Price{PerKWh: money}, at, from))
		roundTrip(t, units.Know(time.Duration(rapid.Int64Range(0, 1e6).Draw(t, "s"))*time.Second, at, from))
		roundTrip(t, units.Know(rapid.String().Draw(t, "text"), at, from))
		roundTrip(t, units.Know(rapid.Bool().Draw(t, "flag"), at, from))
		roundTrip(t, units.Unknown[units.Watts]("why "+rapid.StringN(0, 20, 80).Draw(t, "why"), at))
		roundTrip(t, units.Unknown[units.Money]("nothing paid yet", time.Time{}))
	})
}

func TestKnownJSONRefusesNonsense(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{"value":20,"unit":"W","provenance":"meter"}`, `value in "W" where "°C" is wanted`},
		{`{"value":20,"provenance":"meter"}`, `value in "" where "°C" is wanted`},
		{`{"value":-300,"unit":"°C","provenance":"meter"}`, "below absolute zero"},
		{`{"value":"warm","unit":"°C","provenance":"meter"}`, "cannot unmarshal"},
		{`{"value":20,"unit":"°C","provenance":"hearsay"}`, "not a provenance"},
		{`[20]`, "cannot unmarshal"},
	} {
		var k units.Known[units.Celsius]
		if err := json.Unmarshal([]byte(c.in), &k); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v (%v), want an error with %q", c.in, k, err, c.want)
		} else if k.IsKnown() {
			t.Errorf("%s: became known: %v", c.in, k)
		}
	}
}

// A value whose provenance is missing is not believed.
func TestKnownJSONWithoutProvenanceIsUnknown(t *testing.T) {
	for _, in := range []string{
		`{"value":20,"unit":"°C"}`, `{"value":20,"unit":"°C","provenance":"unknown"}`,
		`{"value":null,"unit":"°C","provenance":"meter"}`, `{}`, `null`,
	} {
		var k units.Known[units.Celsius]
		if err := json.Unmarshal([]byte(in), &k); err != nil || k.IsKnown() {
			t.Errorf("%s is %v (%v), want unknown", in, k, err)
		}
	}
}

func TestProvenanceText(t *testing.T) {
	for p := units.None; p <= units.Simulated; p++ {
		b, err := p.MarshalText()
		var got units.Provenance
		if err != nil || got.UnmarshalText(b) != nil || got != p {
			t.Errorf("%v writes %q and reads %v", p, b, got)
		}
	}
	if got := units.Provenance(99).String(); got != "provenance(99)" {
		t.Errorf("an unheard-of provenance prints %q", got)
	}
}

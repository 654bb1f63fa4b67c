package store_test

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/ledger"
	"hearth/store"
	"hearth/units"
)

func minute(at time.Time, metric string, mean float64) store.Sample {
	return store.Sample{
		At: at, Subject: "heater", Metric: metric, Mean: mean, Min: mean - 1, Max: mean + 1, Sum: mean / 60,
		Provenance: units.Meter, Known: time.Minute,
	}
}

func put(t testing.TB, s *store.Store, samples ...store.Sample) {
	t.Helper()
	if err := s.PutSamples(t.Context(), samples); err != nil {
		t.Fatal(err)
	}
}

// TestRollUpInSQL: what SQL makes of minutes is what package ledger says they
// are, however they come in.
func TestRollUpInSQL(t *testing.T) {
	s := open(t, t.TempDir())
	run := 0
	midnight := noon.Truncate(24 * time.Hour)
	about := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*(1+math.Abs(a)+math.Abs(b)) })
	rapid.Check(t, func(r *rapid.T) {
		run++
		subject := fmt.Sprint("heater ", run)
		var all []store.Sample
		at := noon
		for range rapid.IntRange(1, 30).Draw(r, "count") {
			at = at.Add(time.Duration(rapid.IntRange(0, 40).Draw(r, "gap")) * time.Minute)
			mean := rapid.Float64Range(-50, 3000).Draw(r, "mean")
			x := store.Sample{
				At: at, Subject: subject, Metric: "power", Mean: mean,
				Min: mean - rapid.Float64Range(0, 9).Draw(r, "below"), Max: mean + rapid.Float64Range(0, 9).Draw(r, "above"),
				Sum:        rapid.Float64Range(0, 1000).Draw(r, "sum"),
				Known:      time.Duration(rapid.IntRange(0, 60).Draw(r, "known")) * time.Second,
				Provenance: units.Provenance(rapid.IntRange(int(units.None), int(units.Simulated)).Draw(r, "provenance")),
			}
			all = append(all, x)
		}
		cut := rapid.IntRange(0, len(all)).Draw(r, "cut") // into two calls
		put(t, s, all[:cut]...)
		put(t, s, all[cut:]...)
		for _, span := range []time.Duration{time.Minute, time.Hour, 24 * time.Hour} {
			want := ledger.RollUp(all, func(t time.Time) time.Time { return t.UTC().Truncate(span) })
			points, got, err := s.History(t.Context(), subject, "power", midnight, midnight.AddDate(0, 0, 3), int(3*24*time.Hour/span))
			if err != nil || got != span {
				r.Fatalf("span %v: %v, %v", span, got, err)
			}
			i := 0
			for _, p := range points {
				if p.Mean == nil {
					continue
				}
				if i == len(want) {
					r.Fatalf("more than %d spans of %v", i, span)
				}
				have := store.Sample{
					At: p.At, Subject: subject, Metric: "power", Mean: *p.Mean, Min: *p.Min, Max: *p.Max, Sum: *p.Sum,
					Provenance: p.Provenance, Known: p.Known,
				}
				if diff := cmp.Diff(want[i], have, about); diff != "" {
					r.Fatalf("span %v: %s", span, diff)
				}
				i++
			}
			if i != len(want) {
				r.Fatalf("%d spans of %v where %d are wanted", i, span, len(want))
			}
		}
	})
}

// TestHistoryAxis: the shortest span that fits is taken, and the points
// follow each other without holes.
func TestHistoryAxis(t *testing.T) {
	s := open(t, t.TempDir())
	put(t, s, minute(noon, "power", 800))
	f := func(length time.Duration, points int, span time.Duration, count int) {
		t.Helper()
		list, got, err := s.History(t.Context(), "heater", "power", noon, noon.Add(length), points)
		if err != nil {
			t.Fatal(err)
		}
		if got != span || len(list) != count || len(list) > points {
			t.Errorf("%v in at most %d points: %d points of %v, want %d of %v", length, points, len(list), got, count, span)
		}
		for i := 1; i < len(list); i++ {
			if list[i].At.Sub(list[i-1].At) != span {
				t.Errorf("%v: point %d begins at %v, the one before at %v", length, i, list[i].At, list[i-1].At)
			}
		}
		if len(list) == 0 || list[0].At.After(noon) {
			t.Errorf("%v: the first point begins after the start", length)
		}
	}
	f(time.Hour, 60, time.Minute, 60)
	f(time.Hour, 59, 2*time.Minute, 30)
	f(time.Hour, 1, time.Hour, 1)
	f(24*time.Hour, 300, 5*time.Minute, 288)
	f(7*24*time.Hour, 300, time.Hour, 168)
	f(30*24*time.Hour, 300, 3*time.Hour, 240)
	f(365*24*time.Hour, 400, 24*time.Hour, 366)
	f(365*24*time.Hour, 60, 7*24*time.Hour, 53)
	f(10*time.Second, 100, time.Minute, 1)
	f(40*365*24*time.Hour, 10, 364*24*time.Hour, 10)

	if _, _, err := s.History(t.Context(), "heater", "power", noon, noon, 10); err == nil {
		t.Error("history of no time at all")
	}
	list, _, err := s.History(t.Context(), "nobody", "nothing", noon, noon.Add(time.Hour), 10)
	if err != nil || len(list) == 0 || list[0].Mean != nil || list[0].Provenance != units.None {
		t.Errorf("history of nothing: %+v, %v", list, err)
	}
}

// TestGapsStayGaps: what is not known is null, never zero, and does not pull
// a mean down.
func TestGapsStayGaps(t *testing.T) {
	s := open(t, t.TempDir())
	put(t, s,
		minute(noon, "power", 600),
		store.Sample{At: noon.Add(time.Minute), Subject: "heater", Metric: "power"}, // nothing known
		minute(noon.Add(2*time.Minute), "power", 800),
		minute(noon.Add(3*time.Minute), "power", 0), // known to be zero
		minute(noon.Add(50*time.Minute), "power", 200),
	)
	list, _, err := s.History(t.Context(), "heater", "power", noon, noon.Add(6*time.Minute), 6)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range list {
		if p.Mean == nil {
			if p.Min != nil || p.Max != nil || p.Sum != nil || p.Known != 0 {
				t.Errorf("half a gap: %+v", p)
			}
			got = append(got, "gap")
		} else {
			got = append(got, fmt.Sprint(*p.Mean))
		}
	}
	if diff := cmp.Diff([]string{"600", "gap", "800", "0", "gap", "gap"}, got); diff != "" {
		t.Error(diff)
	}
	list, span, err := s.History(t.Context(), "heater", "power", noon.Add(-time.Hour), noon.Add(2*time.Hour), 3)
	if err != nil || span != time.Hour || len(list) != 3 {
		t.Fatal(list, span, err)
	}
	if list[0].Mean != nil || list[2].Mean != nil || *list[1].Mean != 400 || list[1].Known != 4*time.Minute {
		t.Errorf("hours: %+v", list)
	}
}

// TestPrunedHistory: when the minutes are gone the hours answer.
func TestPrunedHistory(t *testing.T) {
	s := open(t, t.TempDir())
	for i := range 300 {
		put(t, s, minute(noon.Add(time.Duration(i)*time.Minute), "power", 600))
	}
	whole, err := s.Totals(t.Context(), "heater", "power", noon, noon.Add(5*time.Hour))
	if err != nil || math.Abs(whole.Sum-3000) > 1e-6 || whole.Known != 5*time.Hour {
		t.Fatalf("%+v, %v", whole, err)
	}
	done, err := s.Prune(t.Context(), noon.Add(150*time.Minute))
	if err != nil || done.Minutes != 120 || done.Records != 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	if got, err := s.Totals(t.Context(), "heater", "power", noon, noon.Add(5*time.Hour)); err != nil || math.Abs(got.Sum-3000) > 1e-6 {
		t.Errorf("total after pruning: %+v, %v", got, err)
	}
	list, span, err := s.History(t.Context(), "heater", "power", noon, noon.Add(5*time.Hour), 1000)
	if err != nil || span != time.Hour || len(list) != 5 || *list[0].Mean != 600 {
		t.Errorf("from before: %v, %v, %v", list, span, err)
	}
	if _, span, err = s.History(t.Context(), "heater", "power", noon.Add(2*time.Hour), noon.Add(5*time.Hour), 1000); err != nil || span != time.Minute {
		t.Errorf("from after: %v, %v", span, err)
	}
}

func TestTotals(t *testing.T) {
	s := open(t, t.TempDir())
	for i := range 600 {
		put(t, s, minute(noon.Add(time.Duration(i)*time.Minute), "heat", 60))
	}
	f := func(from, to time.Duration, want float64) {
		t.Helper()
		got, err := s.Totals(t.Context(), "heater", "heat", noon.Add(from), noon.Add(to))
		if err != nil || math.Abs(got.Sum-want) > 1e-9 || got.Known != time.Duration(want)*time.Minute {
			t.Errorf("from %v to %v: %+v, %v; want %v", from, to, got, err, want)
		}
	}
	f(0, 10*time.Hour, 600)
	f(-time.Hour, 20*time.Hour, 600)
	f(5*time.Minute, 7*time.Minute, 2)
	f(50*time.Minute, 130*time.Minute, 80)
	f(30*time.Minute, time.Hour, 30)
	f(59*time.Minute+time.Second, 61*time.Minute, 1) // the minute of 12:59 began before
	f(time.Hour, time.Hour, 0)
	f(2*time.Hour, time.Hour, 0)
	if got, err := s.Totals(t.Context(), "heater", "nothing", noon, noon.Add(time.Hour)); err != nil || got.IsKnown() {
		t.Errorf("total of nothing: %+v, %v", got, err)
	}
}

// TestPlaceChanges: days are those of the home's place, also when it moves.
func TestPlaceChanges(t *testing.T) {
	dir := t.TempDir()
	days := func(loc *time.Location) (starts []string) {
		t.Helper()
		opts := options(dir)
		opts.Location = loc
		s, err := store.Open(t.Context(), filepath.Join(dir, "hearth.db"), opts)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if len(starts) == 0 {
			put(t, s, minute(noon, "power", 1))
		}
		list, span, err := s.History(t.Context(), "heater", "power", noon.Add(-48*time.Hour), noon.Add(48*time.Hour), 5)
		if err != nil || span != 24*time.Hour {
			t.Fatal(span, err)
		}
		for _, p := range list {
			if p.Mean != nil {
				starts = append(starts, p.At.Format(time.RFC3339))
			}
		}
		return starts
	}
	if diff := cmp.Diff([]string{"2026-01-15T00:00:00Z"}, days(time.UTC)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"2026-01-15T11:00:00Z"}, days(time.FixedZone("Auckland", 13*3600))); diff != "" {
		t.Error(diff)
	}
}

func TestSettings(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	ctx := t.Context()
	if v, ok, err := s.Get(ctx, "memory"); err != nil || ok || v != nil {
		t.Errorf("%q, %v, %v", v, ok, err)
	}
	for _, value := range []string{"one", "", "\x00\xff two"} {
		if err := s.Put(ctx, "memory", []byte(value)); err != nil {
			t.Fatal(err)
		}
		if v, ok, err := s.Get(ctx, "memory"); err != nil || !ok || string(v) != value {
			t.Errorf("%q, %v, %v", v, ok, err)
		}
	}
	s.Close()
	s = open(t, dir)
	if v, ok, err := s.Get(ctx, "memory"); err != nil || !ok || string(v) != "\x00\xff two" {
		t.Errorf("after a restart: %q, %v, %v", v, ok, err)
	}
	if err := s.Delete(ctx, "memory"); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := s.Get(ctx, "memory"); err != nil || ok {
		t.Errorf("deleted and still there: %v", err)
	}
	s.Close()
	if err := s.Put(ctx, "memory", nil); !errors.Is(err, store.ErrClosed) {
		t.Errorf("put into a closed store: %v", err)
	}
}

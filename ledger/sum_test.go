package ledger_test

import (
	"crypto/sha256"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/ledger"
	"hearth/units"
)

// merkle is the Merkle tree hash as RFC 6962, 2.1, defines it: from the top
// down, where the ledger builds from the bottom up.
func merkle(leaves []ledger.Hash) ledger.Hash {
	if len(leaves) == 1 {
		return sha256.Sum256(append([]byte{0}, leaves[0][:]...))
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	l, r := merkle(leaves[:k]), merkle(leaves[k:])
	return sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
}

func TestCheckpointRoot(t *testing.T) {
	records := chain(t, 70)
	var leaves []ledger.Hash
	for _, r := range records[1:] {
		leaves = append(leaves, r.Hash)
		c, err := ledger.Condense(records[0].Hash, nil, stream(records[1:r.Seq]))
		if err != nil {
			t.Fatal(err)
		}
		if c.Root != merkle(leaves) {
			t.Fatalf("root over %d records differs from RFC 6962", len(leaves))
		}
	}
}

// entries draws amounts of every sort, times and marks included.
func entries(t testing.TB) *rapid.Generator[ledger.Entry] {
	return rapid.Custom(func(r *rapid.T) ledger.Entry {
		from := start.Add(time.Duration(rapid.IntRange(-1e6, 1e6).Draw(r, "second")) * time.Second)
		to := from.Add(time.Duration(rapid.IntRange(1, 3600).Draw(r, "length")) * time.Second)
		source := units.Provenance(rapid.IntRange(int(units.Meter), int(units.Simulated)).Draw(r, "provenance"))
		subject := rapid.SampledFrom([]string{"heater", "miner", "küche"}).Draw(r, "subject")
		simulated := source == units.Simulated || rapid.Bool().Draw(r, "simulated")
		energy := ledger.Energy{
			From: from, To: to, Provenance: source, Zone: rapid.SampledFrom([]string{"", "living"}).Draw(r, "zone"),
			Joules: units.Joules(rapid.Float64Range(0, 1e9).Draw(r, "joules")),
		}
		var body ledger.Body
		switch rapid.IntRange(0, 4).Draw(r, "kind") {
		case 0:
			body = ledger.Electricity(energy)
		case 1:
			body = ledger.Heat(energy)
		case 2:
			body = ledger.Work{From: from, To: to, Amount: rapid.Int64Range(0, 1e15).Draw(r, "amount"), Unit: "gigahash", Provenance: source}
		case 3:
			body = ledger.Earning{Millisats: rapid.Int64Range(-1e12, 1e12).Draw(r, "msat")}
		default:
			body = ledger.Event{Severity: "info", Code: "test", Text: rapid.String().Draw(r, "text")}
		}
		e, err := ledger.NewEntry(from, subject, simulated, body)
		if err != nil {
			t.Fatal(err)
		}
		return e
	})
}

// TestPruningKeepsSums: however often and wherever a ledger is pruned, it
// verifies and its sums stay what they were, to the millijoule.
func TestPruningKeepsSums(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		records := extend(t, []ledger.Record{genesis(t)}, rapid.SliceOfN(entries(t), 3, 25).Draw(r, "entries")...)
		verify := func() []ledger.Sum {
			report := ledger.Verify(stream(records), ledger.Expect{Key: public(), Head: headOf(records)})
			if !report.OK() {
				r.Fatal(report)
			}
			return report.Sums
		}
		want := verify()
		for range rapid.IntRange(1, 3).Draw(r, "prunings") {
			first, last := records[1].Seq, records[len(records)-1].Seq
			records = pruned(t, records, rapid.Uint64Range(first, last).Draw(r, "last"))
			if diff := cmp.Diff(want, verify()); diff != "" {
				r.Fatal(diff)
			}
			records = extend(t, records, rapid.SliceOfN(entries(t), 0, 3).Draw(r, "more")...)
			want = verify()
		}
	})
}

// samples draws minutes of one metric, in order, some of them unknown.
func samples() *rapid.Generator[[]ledger.Sample] {
	return rapid.Custom(func(r *rapid.T) []ledger.Sample {
		at := start
		var list []ledger.Sample
		for range rapid.IntRange(1, 200).Draw(r, "count") {
			at = at.Add(time.Duration(rapid.IntRange(1, 90).Draw(r, "gap")) * time.Minute)
			s := ledger.Sample{At: at, Subject: "heater", Metric: "power"}
			if rapid.IntRange(0, 4).Draw(r, "unknown") > 0 {
				s.Mean = rapid.Float64Range(-100, 3000).Draw(r, "mean")
				s.Min, s.Max = s.Mean-rapid.Float64Range(0, 10).Draw(r, "below"), s.Mean+rapid.Float64Range(0, 10).Draw(r, "above")
				s.Sum = rapid.Float64Range(0, 1000).Draw(r, "sum")
				s.Known = time.Duration(rapid.IntRange(1, 60).Draw(r, "known")) * time.Second
				s.Provenance = units.Provenance(rapid.IntRange(int(units.Meter), int(units.Simulated)).Draw(r, "provenance"))
			}
			list = append(list, s)
		}
		return list
	})
}

// TestRollUp: minutes rolled up to hours and those to days keep the sum, the
// time known, the extremes, the mean over the time known and the worst
// provenance; what is unknown leaves no trace.
func TestRollUp(t *testing.T) {
	day := func(t time.Time) time.Time { return ledger.Day(t, time.FixedZone("", 5*3600+1800)) }
	total := func(list []ledger.Sample) ledger.Sample {
		var s ledger.Sample
		for _, x := range list {
			s = s.Merge(x)
		}
		s.At = time.Time{}
		return s
	}
	about := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*(1+math.Abs(a)+math.Abs(b)) })
	rapid.Check(t, func(r *rapid.T) {
		minutes := samples().Draw(r, "minutes")
		hours := ledger.RollUp(minutes, ledger.Hour)
		days := ledger.RollUp(hours, day)
		for name, list := range map[string][]ledger.Sample{"hours": hours, "days": days, "days at once": ledger.RollUp(minutes, day)} {
			if diff := cmp.Diff(total(minutes), total(list), about); diff != "" {
				r.Fatalf("%s:\n%s", name, diff)
			}
			for i, x := range list {
				if !x.IsKnown() || x.Min > x.Mean+1e-9 || x.Mean > x.Max+1e-9 {
					r.Fatalf("%s: %+v", name, x)
				}
				if i > 0 && !list[i-1].At.Before(x.At) {
					r.Fatalf("%s: out of order at %v", name, x.At)
				}
			}
		}
	})
}

func TestMerge(t *testing.T) {
	a := ledger.Sample{At: start, Mean: 800, Min: 790, Max: 810, Sum: 10, Provenance: units.Meter, Known: 20 * time.Second}
	b := ledger.Sample{At: start.Add(time.Minute), Mean: 200, Min: 0, Max: 400, Sum: 5, Provenance: units.Estimate, Known: 40 * time.Second}
	want := ledger.Sample{At: start, Mean: 400, Min: 0, Max: 810, Sum: 15, Provenance: units.Estimate, Known: time.Minute}
	for _, got := range []ledger.Sample{a.Merge(b), b.Merge(a), a.Merge(ledger.Sample{}).Merge(b), ledger.Sample{At: start}.Merge(a).Merge(b)} {
		if got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		x := b
		x.Max = bad
		if got := a.Merge(x); got != a {
			t.Errorf("a sample with %v in it counts: %+v", bad, got)
		}
	}
	if x := (ledger.Sample{At: start}); x.Merge(ledger.Sample{At: start.Add(1)}).IsKnown() {
		t.Error("two unknowns became known")
	}
}

// TestDay: days are those of the place, and are as long as they are there.
func TestDay(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here: ", err)
	}
	f := func(at, want string) {
		t.Helper()
		x, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := ledger.Day(x, berlin).Format(time.RFC3339); got != want {
			t.Errorf("day of %s begins %s, want %s", at, got, want)
		}
	}
	f("2026-01-15T22:59:59Z", "2026-01-14T23:00:00Z")
	f("2026-01-15T23:00:00Z", "2026-01-15T23:00:00Z")
	f("2026-03-29T21:59:59Z", "2026-03-28T23:00:00Z") // 23 hours
	f("2026-03-29T22:00:00Z", "2026-03-29T22:00:00Z")
}

func BenchmarkVerify(b *testing.B) {
	records := chain(b, 1000)
	for b.Loop() {
		if r := ledger.Verify(stream(records), ledger.Expect{Key: public()}); !r.OK() {
			b.Fatal(r)
		}
	}
	b.ReportMetric(float64(b.N*len(records))/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkSeal(b *testing.B) {
	e, prev, key := drawn(b, 1), ledger.Hash{1}, key()
	for b.Loop() {
		if _, err := e.Seal(2, prev, key); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRollUp(b *testing.B) {
	for _, n := range []int{60, 1440} {
		b.Run(fmt.Sprintf("minutes=%d", n), func(b *testing.B) {
			list := make([]ledger.Sample, n)
			for i := range list {
				list[i] = ledger.Sample{At: start.Add(time.Duration(i) * time.Minute), Mean: float64(i), Sum: 1, Provenance: units.Meter, Known: time.Minute}
			}
			for b.Loop() {
				ledger.RollUp(list, ledger.Hour)
			}
		})
	}
}

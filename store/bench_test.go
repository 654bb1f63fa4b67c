package store_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/store"
)

// BenchmarkAppend is one record, acknowledged. The control is the same
// without syncs: the difference is the disk's.
func BenchmarkAppend(b *testing.B) {
	for _, unsynced := range []bool{false, true} {
		for _, batch := range []int{1, 20} {
			b.Run(fmt.Sprintf("unsynced=%v/batch=%d", unsynced, batch), func(b *testing.B) {
				dir := b.TempDir()
				opts := options(dir)
				opts.Unsynced = unsynced
				s, err := store.Open(b.Context(), filepath.Join(dir, "hearth.db"), opts)
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				var entries []ledger.Entry
				for i := range batch {
					entries = append(entries, heat(i))
				}
				for b.Loop() {
					if _, err := s.Append(b.Context(), entries...); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "records/s")
			})
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	s := open(b, b.TempDir())
	const n = 1000
	var entries []ledger.Entry
	for i := range n {
		entries = append(entries, heat(i))
	}
	if _, err := s.Append(b.Context(), entries...); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if r, err := s.Verify(b.Context()); err != nil || !r.OK() {
			b.Fatal(r, err)
		}
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkPutSamples(b *testing.B) {
	s := open(b, b.TempDir())
	at := noon
	for b.Loop() {
		var list []store.Sample
		for i := range 20 {
			list = append(list, minute(at, fmt.Sprint("m", i), 850))
		}
		put(b, s, list...)
		at = at.Add(time.Minute)
	}
	b.ReportMetric(float64(b.N*20)/b.Elapsed().Seconds(), "samples/s")
}

// BenchmarkHistoryYear asks for a year of one metric, by the hour and by the
// day, and totals it.
func BenchmarkHistoryYear(b *testing.B) {
	s := open(b, b.TempDir())
	end := noon
	for month := range 12 {
		var list []store.Sample
		for hour := range 365 * 2 {
			list = append(list, minute(noon.Add(time.Duration(month*730+hour)*time.Hour), "power", float64(hour)))
		}
		put(b, s, list...)
		end = list[len(list)-1].At
	}
	for _, points := range []int{400, 9000} {
		b.Run(fmt.Sprintf("points=%d", points), func(b *testing.B) {
			for b.Loop() {
				if _, _, err := s.History(b.Context(), "heater", "power", noon, end, points); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("totals", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Totals(b.Context(), "heater", "power", noon, end); err != nil {
				b.Fatal(err)
			}
		}
	})
}

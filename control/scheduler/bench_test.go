package scheduler_test

import (
	"testing"
	"time"

	"hearth/control/scheduler"
)

// Each benchmark stands beside the plain recursion of the same problem.
func BenchmarkSchedule(b *testing.B) {
	for _, bench := range []struct {
		name  string
		slots int
		step  time.Duration
		dwell int
		ramp  int
	}{
		{"day", 96, 15 * time.Minute, 1, 0},
		{"day-dwell4-ramp", 96, 15 * time.Minute, 4, 1},
		{"two-days", 192, 15 * time.Minute, 1, 0},
		{"year-dwell4", 8760, time.Hour, 4, 0},
		{"year-dwell4-ramp", 8760, time.Hour, 4, 1},
		{"year-quarters", 35040, 15 * time.Minute, 4, 0},
	} {
		p := house(bench.slots, bench.step)
		p.MinOn, p.MinOff, p.Ramp = bench.dwell, bench.dwell, bench.ramp
		b.Run(bench.name+"/solver", func(b *testing.B) {
			var solver scheduler.Solver
			b.ReportAllocs()
			for b.Loop() {
				if _, err := solver.Solve(p); err != nil {
					b.Fatal(err)
				}
			}
		})
		if bench.slots > 8760 {
			continue // the plain one keeps it all
		}
		b.Run(bench.name+"/control", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				recursion(p)
			}
		})
	}
}

package emulate_test

import (
	"math"
	"testing"
	"time"

	"hearth/emulate"
)

func TestStepsFillTheTime(t *testing.T) {
	for _, c := range []struct {
		gap   time.Duration
		steps int
	}{
		{-time.Second, 0},
		{0, 0},
		{time.Millisecond, 1},
		{time.Second, 1},
		{2500 * time.Millisecond, 3},
		{time.Hour, 3600},
		{365 * 24 * time.Hour, 20_000},
	} {
		n, sum := 0, time.Duration(0)
		for dt := range emulate.Steps(january(), january().Add(c.gap)) {
			n, sum = n+1, sum+dt
		}
		if n != c.steps || sum != max(0, c.gap) {
			t.Errorf("%v: %d steps of %v in all, want %d", c.gap, n, sum, c.steps)
		}
	}
}

// A lag takes 63 % of its way in its time constant, in one step or in many.
func TestLag(t *testing.T) {
	if got, want := emulate.Lag(20, 60, time.Minute, time.Minute), 60-40/math.E; math.Abs(got-want) > 1e-12 {
		t.Errorf("%v, want %v", got, want)
	}
	x := 20.0
	for range 60 {
		x = emulate.Lag(x, 60, time.Second, time.Minute)
	}
	if want := 60 - 40/math.E; math.Abs(x-want) > 1e-9 {
		t.Errorf("in many steps %v, want %v", x, want)
	}
}

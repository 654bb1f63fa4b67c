package scheduler_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hearth/control/scheduler"
	"hearth/units"
)

// recorded is so many days of a room that is just as the model says, heated
// by a miner that is switched on and off at odd times.
func recorded(r scheduler.Room, days int, noise float64) scheduler.Record {
	rec := scheduler.Record{Step: r.Step}
	day := int(24 * time.Hour / r.Step)
	next, _ := r.Lines()
	slow, roll := 20.0, uint32(7)
	dice := func() float64 {
		roll = roll*1664525 + 1013904223
		return float64(roll>>16)/65536 - 0.5
	}
	on := false
	var was scheduler.Sample
	for i := range days * day {
		if on && slow > 21.5 || !on && slow < 19.5 || dice() > 0.45 {
			on = !on
		}
		now := scheduler.Sample{Outdoor: units.Celsius(3 + 4*math.Sin(float64(i%day)/float64(day)*2*math.Pi) + 2*math.Sin(float64(i)/311)), Known: true}
		if on {
			now.Heat = 900
		}
		if i == 0 {
			was = now
		}
		slow = next.Keep*slow + next.PerWatt*float64(was.Heat+now.Heat)/2 + float64(r.Drift((was.Outdoor+now.Outdoor)/2, i))
		now.Temp = units.Celsius(slow + r.Lift*float64(now.Heat) + noise*dice())
		rec.Samples, was = append(rec.Samples, now), now
	}
	return rec
}

func cottage() scheduler.Room {
	return scheduler.Room{
		Step: 15 * time.Minute, Keep: 1 - 0.25/50, Resistance: 0.033, Lift: 0.0008, Gains: [4]float64{1, 1, 4, 2},
	}
}

func TestFitFindsTheRoom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := cottage()
		hours := rapid.Float64Range(8, 200).Draw(t, "hours")
		want.Keep = 1 - 0.25/hours
		want.Resistance = rapid.Float64Range(0.02, 0.06).Draw(t, "resistance")
		want.Lift = rapid.Float64Range(0, 0.002).Draw(t, "lift")
		got, err := scheduler.Fit(recorded(want, 8, 0))
		if err != nil {
			t.Fatal(err)
		}
		off := func(a, b float64) float64 { return math.Abs(a-b) / b }
		if off(got.Constant().Hours(), hours) > 0.03 || off(got.Resistance, want.Resistance) > 0.05 || math.Abs(got.Lift-want.Lift) > 5e-5 {
			t.Errorf("%.1f h, %.4f K/W, %.5f K/W; it is %.1f h, %.4f K/W, %.5f K/W", got.Constant().Hours(), got.Resistance, got.Lift, hours, want.Resistance, want.Lift)
		}
	})
}

func TestTryTellsAGoodModelFromABadOne(t *testing.T) {
	rec := recorded(cottage(), 12, 0.2)
	trial, err := scheduler.Try(rec, 5)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("a room as the model has it: %+v", trial)
	if trial.Days != 5 || trial.Model > trial.Rule/3 {
		t.Errorf("a room as the model has it, with a noisy thermometer: %+v", trial)
	}
	// Somebody airs at whim and the thermostat makes up for it: that it stays
	// as warm as it is is the better guess.
	roll, draught := uint32(3), 0.0
	for i := range rec.Samples {
		if i%60 == 0 {
			roll = roll*1664525 + 1013904223
			draught = float64(roll>>16) / 65536
		}
		rec.Samples[i].Temp = 20 + units.Celsius(i%3)*0.1
		rec.Samples[i].Heat = units.Watts(300 + 900*draught)
	}
	trial, err = scheduler.Try(rec, 5)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("a room that somebody airs at whim: %+v", trial)
	if trial.Model < 1.2*trial.Rule {
		t.Errorf("the model of a room that somebody airs at whim is praised: %+v", trial)
	}
}

func TestFitRefuses(t *testing.T) {
	good := recorded(cottage(), 6, 0)
	for _, test := range []struct {
		name   string
		change func(rec *scheduler.Record)
		little bool
		want   string
	}{
		{"an empty record", func(rec *scheduler.Record) { rec.Samples = nil }, true, "two whole days"},
		{"a day", func(rec *scheduler.Record) { rec.Samples = rec.Samples[:96] }, true, "two whole days"},
		{"more gaps than record", func(rec *scheduler.Record) {
			for i := range rec.Samples {
				rec.Samples[i].Known = i%7 != 0
			}
		}, true, "two whole days"},
		{"summer", func(rec *scheduler.Record) {
			for i := range rec.Samples {
				rec.Samples[i].Heat = 0
			}
		}, true, "the heat hardly ever changed"},
		{"NaN", func(rec *scheduler.Record) { rec.Samples[33].Temp = units.Celsius(math.NaN()) }, false, "sample 33"},
		{"a room that heat cools", func(rec *scheduler.Record) {
			for i := range rec.Samples {
				rec.Samples[i].Heat = 900 - rec.Samples[i].Heat
			}
		}, false, "more heat does not make it warmer"},
		{"steps of no time", func(rec *scheduler.Record) { rec.Step = 0 }, false, "a record in steps of 0s"},
		{"odd steps", func(rec *scheduler.Record) { rec.Step = 7 * time.Minute }, false, "a part of a day"},
	} {
		t.Run(test.name, func(t *testing.T) {
			rec := good
			rec.Samples = append([]scheduler.Sample{}, good.Samples...)
			test.change(&rec)
			_, err := scheduler.Fit(rec)
			if err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, scheduler.ErrTooLittle) != test.little {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if _, err := scheduler.Try(rec, 5); err == nil && test.little {
				t.Error("a day was foretold all the same")
			}
		})
	}
}

func BenchmarkFit(b *testing.B) {
	rec := recorded(cottage(), 14, 0.1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := scheduler.Fit(rec); err != nil {
			b.Fatal(err)
		}
	}
}

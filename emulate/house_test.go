package emulate_test

import (
	"math"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hearth/emulate"
	"hearth/heat"
	"hearth/units"
)

// january is the start of these tests: noon in Berlin.
func january() time.Time { return time.Date(2026, 1, 15, 11, 0, 0, 0, time.UTC) }

func berlin() heat.Location { return heat.Location{Latitude: 52.5, Longitude: 13.4} }

// cold is weather that stays cold with a sun at noon.
func cold(t time.Time) heat.Weather {
	w := heat.Weather{Outdoor: -10}
	if h := t.UTC().Hour(); h >= 8 && h < 15 {
		w.Direct, w.Diffuse = 200, 60
	}
	return w
}

// stove is a machine of constant power that can be switched.
type stove struct {
	mu    sync.Mutex
	at    time.Time
	power units.Watts
	saved units.Joules
	met   []units.Celsius
}

func (s *stove) Advance(now time.Time, ambient units.Celsius) units.Joules {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.met = append(s.met, ambient)
	s.move(now)
	e := s.saved
	s.saved = 0
	return e
}

func (s *stove) set(p units.Watts, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.move(now)
	s.power = p
}

func (s *stove) move(now time.Time) {
	if d := now.Sub(s.at); d > 0 {
		s.saved += s.power.Over(d)
		s.at = now
	}
}

func newHouse(t testing.TB, indoor units.Celsius) *emulate.House {
	t.Helper()
	h, err := emulate.NewHouse(emulate.HouseConfig{
		Building: heat.WellInsulatedRoom(), Location: berlin(), Weather: cold,
		Internal: func(time.Time) units.Watts { return 80 },
		Start:    january(), Indoor: indoor,
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// closes fails unless the energy balance holds to the precision of the machine.
func closes(t interface{ Errorf(string, ...any) }, b emulate.Balance) {
	scale := math.Abs(float64(b.Heated())) + math.Abs(float64(b.Solar)) + float64(b.Internal) + math.Abs(float64(b.Lost())) + math.Abs(float64(b.Stored)) +
		5e8 // what the room holds, above 0 °C, from which Stored is a difference
	if m := math.Abs(float64(b.Missing())); m > 1e-10*scale {
		t.Errorf("%g J of %g J are missing: %+v", m, scale, b)
	}
}

func TestAHouseWarmsAndCoolsWithItsHeater(t *testing.T) {
	h := newHouse(t, 20)
	s := &stove{at: january()}
	h.Attach("stove", s)

	now := january().Add(6 * time.Hour)
	h.AdvanceTo(now)
	cooled := h.Air()
	if cooled >= 20 || cooled < 10 {
		t.Errorf("unheated for six hours the air is at %v", cooled)
	}
	if h.Outdoor() != -10 {
		t.Errorf("outdoors it is %v", h.Outdoor())
	}
	s.set(2000, now)
	h.AdvanceTo(now.Add(time.Hour))
	if h.Air() < cooled+2 {
		t.Errorf("an hour of 2 kW warmed the air from %v to %v", cooled, h.Air())
	}
	b := h.Balance()
	if b.Heat["stove"] != units.Watts(2000).Over(time.Hour) {
		t.Errorf("the stove gave %v", b.Heat["stove"])
	}
	if want := units.Watts(80).Over(7 * time.Hour); math.Abs(float64(b.Internal-want)) > 1e-3 {
		t.Errorf("people gave %v", b.Internal)
	}
	if b.From != january() || b.To != now.Add(time.Hour) || h.Now() != b.To {
		t.Errorf("balance from %v to %v", b.From, b.To)
	}
	closes(t, b)
}

// However time is cut and whatever the heater does, no joule is lost.
func TestTheBalanceCloses(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := newHouse(t, units.Celsius(rapid.Float64Range(-5, 30).Draw(r, "indoor")))
		a, b := &stove{at: january()}, &stove{at: january()}
		h.Attach("a", a)
		h.Attach("b", b)
		now := january()
		for range rapid.IntRange(1, 12).Draw(r, "moves") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(40*time.Minute)).Draw(r, "wait")))
			h.AdvanceTo(now)
			// A command comes while the house still stands a little earlier.
			late := now.Add(time.Duration(rapid.Int64Range(0, int64(30*time.Second)).Draw(r, "late")))
			a.set(units.Watts(rapid.Float64Range(0, 3000).Draw(r, "power")), late)
		}
		now = now.Add(time.Minute)
		h.AdvanceTo(now)
		closes(r, h.Balance())
	})
}

// A house that is asked often and one that is asked once agree.
func TestTimeMayBeCutAnywhere(t *testing.T) {
	once, often := newHouse(t, 20), newHouse(t, 20)
	for _, h := range []*emulate.House{once, often} {
		s := &stove{at: january(), power: 900}
		h.Attach("stove", s)
	}
	end := january().Add(2 * time.Hour)
	once.AdvanceTo(end)
	for now := january(); now.Before(end); now = now.Add(7 * time.Second) {
		often.AdvanceTo(now)
	}
	often.AdvanceTo(end)
	if d := math.Abs(float64(once.Air() - often.Air())); d > 1e-3 {
		t.Errorf("they differ by %g K", d)
	}
	often.AdvanceTo(january())
	if often.Now() != end {
		t.Error("time ran back")
	}
}

func TestMachinesMeetTheAirOfTheRoomInSmallSteps(t *testing.T) {
	h := newHouse(t, 18)
	s := &stove{at: january()}
	h.Attach("stove", s)
	h.AdvanceTo(january().Add(95 * time.Second))
	if len(s.met) != 10 {
		t.Errorf("95 s were cut into %d steps", len(s.met))
	}
	if s.met[0] != 18 || s.met[9] >= 18 {
		t.Errorf("the machine met air of %v", s.met)
	}
}

func TestAHouseThatCannotBe(t *testing.T) {
	if _, err := emulate.NewHouse(emulate.HouseConfig{Building: heat.WellInsulatedRoom()}); err == nil {
		t.Error("a house without weather was built")
	}
	if _, err := emulate.NewHouse(emulate.HouseConfig{Weather: cold}); err == nil {
		t.Error("a house without walls was built")
	}
}

func TestAManualClockMovesByHand(t *testing.T) {
	c := emulate.NewManual(january())
	var clock emulate.Clock = c.Now
	c.Advance(time.Minute)
	if got := clock(); !got.Equal(january().Add(time.Minute)) {
		t.Errorf("the clock shows %v", got)
	}
}

func BenchmarkHouseDay(b *testing.B) {
	h := newHouse(b, 20)
	h.Attach("stove", &stove{at: january(), power: 700})
	now := january()
	for b.Loop() {
		now = now.Add(24 * time.Hour)
		h.AdvanceTo(now)
	}
}

package homeassistant

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/site"
	"hearth/units"
)

// house is a home that does what it is asked to its state, and notes it.
type house struct {
	mu       sync.Mutex
	state    site.State
	asked    []string
	watchers map[chan struct{}]bool
	fail     error
}

func newHouse(st site.State) *house { return &house{state: st, watchers: map[chan struct{}]bool{}} }

func (h *house) State() site.State {
	h.mu.Lock()
	defer h.mu.Unlock()
	st := h.state
	st.Zones = append([]site.ZoneState(nil), st.Zones...)
	st.Devices = append([]site.DeviceState(nil), st.Devices...)
	return st
}

func (h *house) Watch(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watchers[ch] = true
	context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers, ch)
		close(ch)
	})
	return ch
}

// change changes the state and tells the watchers.
func (h *house) change(f func(*site.State)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(&h.state)
	h.state.At = h.state.At.Add(time.Second)
	for ch := range h.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// did notes what was asked and, unless the house fails, does it.
func (h *house) did(what string, f func(*site.State)) error {
	h.mu.Lock()
	h.asked = append(h.asked, what)
	fail := h.fail
	h.mu.Unlock()
	if fail == nil {
		h.change(f)
	}
	return fail
}

func (h *house) requests() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.asked...)
}

func (h *house) zone(id string, f func(*site.ZoneState)) func(*site.State) {
	return func(st *site.State) {
		zones := append([]site.ZoneState(nil), st.Zones...)
		for i := range zones {
			if zones[i].ID == id {
				f(&zones[i])
			}
		}
		st.Zones = zones
	}
}

func (h *house) SetPoint(_ context.Context, zone string, to units.Celsius, until time.Time, by string) error {
	return h.did(fmt.Sprintf("%s sets %s to %v until %v", by, zone, to, until.IsZero()), h.zone(zone, func(z *site.ZoneState) {
		z.SetPoint = units.Know(to, evening(), units.Chosen)
	}))
}

func (h *house) SetMode(_ context.Context, zone string, mode site.Mode, by string) error {
	return h.did(fmt.Sprintf("%s switches %s to %s", by, zone, mode), h.zone(zone, func(z *site.ZoneState) { z.Mode = mode }))
}

func (h *house) SetPreset(_ context.Context, zone, preset string, set *units.Celsius, until time.Time, by string) error {
	last := "cancelled"
	if !until.IsZero() {
		last = until.Format(time.TimeOnly)
	}
	return h.did(fmt.Sprintf("%s presets %s to %q until %s, %v", by, zone, preset, last, set), h.zone(zone, func(z *site.ZoneState) {
		z.Preset, z.Until = preset, nil
		if !until.IsZero() {
			z.Until = &until
		}
	}))
}

func (h *house) ClearTrip(_ context.Context, id, by string) error {
	return h.did(by+" clears "+id, func(st *site.State) { st.Trips = nil })
}

func (h *house) AllowCompute(_ context.Context, allow bool, by string) error {
	return h.did(fmt.Sprintf("%s allows %v", by, allow), func(st *site.State) { st.Compute.Allowed = allow })
}

func TestCommands(t *testing.T) {
	const guest = "G_ste_zimmer_"
	for _, c := range []struct {
		topic, payload string
		want           string // what was asked of the home, joined
		refused        string // part of the error
	}{
		{"zone/living/setpoint/set", "21.5", "Home Assistant sets living to 21.5 °C until true", ""},
		{"zone/living/setpoint/set", " 21 ", "Home Assistant sets living to 21.0 °C until true", ""},
		{"zone/living/setpoint/set", "68 °F", "Home Assistant sets living to 20.0 °C until true", ""},
		{"zone/living/setpoint/set", "30", "Home Assistant sets living to 30.0 °C until true", ""},
		{"zone/living/setpoint/set", "30.1", "", "outside the 5.0 °C to 30.0 °C of Living room"},
		{"zone/living/setpoint/set", "70", "", "outside"},
		{"zone/living/setpoint/set", "-300", "", "outside"},
		{"zone/living/setpoint/set", "1e308", "", "outside"},
		{"zone/living/setpoint/set", "NaN", "", "not a temperature"},
		{"zone/living/setpoint/set", "inf", "", "not a temperature"},
		{"zone/living/setpoint/set", "21 W", "", "not a unit of temperature"},
		{"zone/living/setpoint/set", "", "", "temperature"},
		{"zone/living/setpoint/set", "warm", "", "temperature"},
		{"zone/living/setpoint/set", strings.Repeat("2", 65), "", "65 bytes"},
		{"zone/living/mode/set", "off", "Home Assistant switches living to off", ""},
		{"zone/living/mode/set", "heat", "", ""},
		{"zone/living/mode/set", "cool", "", `mode "cool"`},
		{"zone/living/mode/set", "OFF", "", `mode "OFF"`},
		{"zone/living/preset/set", "away", `Home Assistant presets living to "away" until cancelled, <nil>`, ""},
		{"zone/living/preset/set", "none", `Home Assistant presets living to "" until cancelled, <nil>`, ""},
		{"zone/living/preset/set", "party", "", `preset "party"`},
		{"zone/living/boost/set", "45", `Home Assistant presets living to "boost" until 19:15:00, <nil>`, ""},
		{"zone/living/boost/set", "0", `Home Assistant presets living to "" until cancelled, <nil>`, ""},
		{"zone/tank/boost/set", "0", "", ""}, // on holiday, which stays
		{"zone/living/boost/set", "-1", "", "0 to 720 minutes"},
		{"zone/living/boost/set", "721", "", "0 to 720 minutes"},
		{"zone/living/boost/set", "NaN", "", "0 to 720 minutes"},
		{"zone/tank/mode/set", "performance", `Home Assistant presets tank to "" until cancelled, <nil>`, ""},
		{"zone/tank/mode/set", "eco", `Home Assistant presets tank to "away" until cancelled, <nil>`, ""},
		{"zone/tank/mode/set", "off", "Home Assistant switches tank to off", ""},
		{"zone/tank/clear/set", "PRESS", "Home Assistant clears tank_over_temperature/tank", ""},
		{"zone/tank/clear/set", "press me", "", "takes PRESS"},
		{"zone/living/clear/set", "PRESS", "", ""}, // no trip of its own
		{"device/mini/clear/set", "PRESS", "", ""},
		{"home/home/clear/set", "PRESS", "Home Assistant clears tank_over_temperature/tank", ""},
		{"home/home/compute/set", "ON", "Home Assistant allows true", ""},
		{"home/home/compute/set", "OFF", "Home Assistant allows false", ""},
		{"home/home/compute/set", "true", "", "ON or OFF"},
		{"zone/attic/setpoint/set", "21", "", "not found"},
		{"zone/living/limit/set", "21", "", "not found"},
		{"device/mini/power/set", "1200", "", "not found"},
		{"home/home/power/set", "1200", "", "not found"},
		{"zone/living/setpoint/get", "21", "", "not found"},
		{"zone/living/setpoint", "21", "", "not found"},
	} {
		h := newHouse(sample())
		err := obey(t.Context(), h, names{"elm"}, "hearth/elm/"+c.topic, []byte(c.payload))
		if got := strings.Join(h.requests(), "; "); got != c.want {
			t.Errorf("%s %q asked %q of the home, want %q", c.topic, c.payload, got, c.want)
		}
		switch {
		case c.refused == "" && err != nil:
			t.Errorf("%s %q: %v", c.topic, c.payload, err)
		case c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)):
			t.Errorf("%s %q: error %v does not say %q", c.topic, c.payload, err, c.refused)
		}
	}

	// A zone that is off is switched on by its mode, under its own name.
	h := newHouse(sample())
	topic := sampleView().zone(sample(), sample().Zones[1]).entities["climate"].ModeCommand
	if !strings.Contains(topic, guest) {
		t.Errorf("the guest room's command topic is %s", topic)
	}
	if err := obey(t.Context(), h, names{"elm"}, topic, []byte("heat")); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"Home Assistant switches Gäste zimmer to heat"}, h.requests()); d != "" {
		t.Error(d)
	}
}

func TestHomesRefusalIsPassedOn(t *testing.T) {
	h := newHouse(sample())
	h.fail = fmt.Errorf("%w: the trip's cause is still there", site.ErrInvalid)
	err := obey(t.Context(), h, names{"elm"}, "hearth/elm/zone/tank/clear/set", []byte("PRESS"))
	if !errors.Is(err, site.ErrInvalid) || !strings.Contains(err.Error(), "clear tank_over_temperature/tank") {
		t.Errorf("refusal is %v", err)
	}
}

// Whatever arrives, nothing outside the allowed range is asked of the home.
func FuzzCommand(f *testing.F) {
	for _, s := range [][2]string{
		{"zone/living/setpoint/set", "21.5"},
		{"zone/living/setpoint/set", "70 °F"},
		{"zone/tank/mode/set", "eco"},
		{"zone/living/boost/set", "45"},
		{"home/home/compute/set", "ON"},
		{"device/mini/clear/set", "PRESS"},
		{"zone/../setpoint/set", "0x1p4"},
		{"zone/living/setpoint/set", "\x00\xff"},
	} {
		f.Add(s[0], []byte(s[1]))
	}
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		h := newHouse(sample())
		err := obey(t.Context(), h, names{"elm"}, "hearth/elm/"+topic, payload)
		for _, z := range h.State().Zones {
			if to, ok := z.SetPoint.Get(); ok && !(to >= z.Min && to <= z.Max) {
				t.Fatalf("%s %q set %s to %v", topic, payload, z.Name, to)
			}
			if z.Until != nil && z.Until.Sub(evening()) > longestBoost*time.Minute+time.Second {
				t.Fatalf("%s %q boosts until %v", topic, payload, z.Until)
			}
		}
		if err != nil && len(h.requests()) > 0 {
			t.Fatalf("%s %q was refused (%v) after asking %q", topic, payload, err, h.requests())
		}
	})
}

// What a broker holds under Home Assistant's prefix was written by anybody.
func FuzzOurs(f *testing.F) {
	for _, th := range sampleView().things(sample()) {
		f.Add([]byte(th.config("1", "", nil).payload))
	}
	f.Add([]byte(`{"cmps":{"a":{"p":7,"availability":[{"topic":"hearth/elm/availability"}],"state_topic":["hearth/elm/x"]}}}`))
	f.Add([]byte(`{"cmps":[]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		h, ok := names{"elm"}.ours(payload)
		for _, topic := range h.topics {
			if ok && !strings.HasPrefix(topic, "hearth/elm/") {
				t.Fatalf("%q is not this home's topic", topic)
			}
		}
	})
}

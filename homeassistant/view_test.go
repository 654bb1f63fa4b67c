package homeassistant

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/control"
	dev "hearth/device"
	"hearth/site"
	"hearth/units"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func evening() time.Time { return time.Date(2026, 1, 15, 18, 30, 0, 0, time.UTC) }

// sample is a home with one of everything: a room and a tank that are real, a
// room that is simulated, a heater nobody measures the room of, a device that
// is unplugged.
func sample() site.State {
	at := evening()
	celsius := func(c units.Celsius) units.Known[units.Celsius] { return units.Know(c, at, units.Meter) }
	watts := func(w units.Watts) units.Known[units.Watts] { return units.Know(w, at, units.PSU) }
	until := at.Add(90 * time.Minute)
	return site.State{
		At: at, Name: "Elm Street 3", Version: "0.1.0", Simulated: true, Speed: 1,
		Sentence: "Heating. Living room 20.6 °C, 850 W.",
		Outdoor:  celsius(-3.5),
		Power:    watts(850),
		Zones: []site.ZoneState{
			{
				ID: "living", Name: "Living room", Kind: control.Room, Mode: site.ModeHeat,
				Temp: celsius(20.55), SetPoint: units.Know(units.Celsius(21), at, units.Chosen),
				Min: 5, Max: 30, Step: 0.5, Preset: "boost", Until: &until,
				Activity: control.Heating, Sentence: "Heating at 850 W: 0.4 K below the set-point.", Power: watts(850),
			},
			{
				ID: "Gäste zimmer", Name: "Guest room", Kind: control.Room, Mode: site.ModeOff, Simulated: true,
				Temp:     units.Unknown[units.Celsius]("the sensor does not answer", at),
				SetPoint: units.Unknown[units.Celsius]("off", at),
				Min:      5, Max: 30, Step: 0.5, Activity: control.Off, Sentence: "Off.",
				Power: units.Unknown[units.Watts]("the plug does not answer", at),
			},
			{
				ID: "tank", Name: "Hot water", Kind: control.Tank, Mode: site.ModeHeat, Preset: "holiday",
				Temp: celsius(55), Low: celsius(48.25), SetPoint: units.Know(units.Celsius(45), at, units.Chosen),
				Min: 10, Max: 75, Step: 1, Activity: control.Tripped, Power: watts(0),
			},
			{ID: "shed", Name: "Shed", Kind: control.Manual, Mode: site.ModeHeat, Power: watts(-0.01)},
		},
		Devices: []site.DeviceState{
			{
				ID: "mini", Name: "Avalon Mini 3", Zone: "living", Online: true,
				Identity: dev.Identity{Vendor: "Canaan", Model: "Avalon Mini 3", Firmware: "24112101", Serial: "020100004a5b"},
				Caps: &dev.Capabilities{Work: dev.Hashing, Temps: []dev.Channel{
					{Name: "chip max", Kind: dev.Chip}, {Name: "air_in", Kind: dev.AirIn},
				}},
				Reading: dev.Reading{
					At: at, State: dev.StateHeating, Power: watts(850),
					HashRate: units.Know(units.HashRate(37.5e12), at, units.Estimate),
					Temps:    []dev.Temp{{Name: "chip max", Kind: dev.Chip, Value: celsius(82.4)}},
				},
				Energy: units.Know(units.KilowattHours(1234.5678), at, units.PSU),
			},
			{
				ID: "plug", Name: "Backup plug", Zone: "Gäste zimmer", Simulated: true,
				Trouble: "The plug does not answer since 18:20.",
				Reading: dev.Reading{At: at, State: dev.StateUnknown},
			},
		},
		Sensors: []site.SensorState{{ID: "living", Name: "Living room shelf", Value: celsius(20.55)}},
		Trips: []control.Trip{{
			ID: "tank_over_temperature/tank", Rule: "tank_over_temperature", Subject: "tank", Since: at, Latched: true,
			Cause: "Hot water is 86.0 °C, over its limit of 85.0 °C.", Did: "Stopped all heaters of the tank.",
			Clears: "Clears when a person resets it below 80.0 °C.",
		}},
		Compute: site.ComputeState{Present: true},
	}
}

func sampleView() view {
	return view{names: names{"elm"}, version: "0.1.0", page: "https://hearth.example:8443"}
}

// The discovery messages are golden: a change in them makes entities vanish
// from people's dashboards.
func TestDiscoveryMessages(t *testing.T) {
	var got bytes.Buffer
	for _, thing := range sampleView().things(sample()) {
		m := thing.config("0.1.0", "https://hearth.example:8443", nil)
		fmt.Fprintln(&got, m.topic)
		if err := json.Indent(&got, []byte(m.payload), "", "  "); err != nil {
			t.Fatal(err)
		}
		got.WriteString("\n")
	}
	golden(t, "discovery.txt", got.String())
}

func TestValues(t *testing.T) {
	var got strings.Builder
	for _, thing := range sampleView().things(sample()) {
		for _, m := range thing.values {
			fmt.Fprintf(&got, "%s = %s\n", m.topic, m.payload)
		}
	}
	golden(t, "values.txt", got.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got; -update rewrites it):\n%s", name, d)
	}
}

// What Home Assistant demands of a discovery message, held against every
// entity: ids are unique, topics are there and of this home, state topics have
// values, and everything hangs on the last will.
func TestEntitiesAreSound(t *testing.T) {
	v := sampleView()
	ids := map[string]bool{}
	said := map[string]string{}
	things := v.things(sample())
	for _, thing := range things {
		for _, m := range thing.values {
			if _, twice := said[m.topic]; twice {
				t.Errorf("%s is said twice", m.topic)
			}
			said[m.topic] = m.payload
		}
	}
	id := regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)
	for _, thing := range things {
		object := thing.names.object(thing.kind, thing.id)
		if !id.MatchString(object) {
			t.Errorf("%q is no object id", object)
		}
		for key, e := range thing.entities {
			if !id.MatchString(key) || ids[e.UniqueID] {
				t.Errorf("%s: key %q, unique id %q is not unique or not an id", object, key, e.UniqueID)
			}
			ids[e.UniqueID] = true
			if len(e.Availability) == 0 || e.Availability[0].Topic != "hearth/elm/availability" || e.AvailabilityMode != "all" {
				t.Errorf("%s %s does not hang on the last will", object, key)
			}
			for _, a := range e.Availability[1:] {
				if p := said[a.Topic]; p != online && p != offline {
					t.Errorf("%s %s: availability %s is %q", object, key, a.Topic, p)
				}
			}
			for _, topic := range []string{
				e.StateTopic, e.AttributesTopic, e.ModeState, e.Action,
				e.CurrentTemperature, e.TemperatureState, e.PresetState,
			} {
				if topic == "" {
					continue
				}
				if payload, ok := said[topic]; !ok || payload == "" || len(payload) > 255 && topic != e.AttributesTopic {
					t.Errorf("%s %s: %s is %q", object, key, topic, payload)
				}
			}
			for _, topic := range []string{e.CommandTopic, e.ModeCommand, e.TemperatureCommand, e.PresetCommand} {
				if topic == "" {
					continue
				}
				if _, _, _, ok := v.names.parse(topic); !ok {
					t.Errorf("%s %s: command topic %s is not listened to", object, key, topic)
				}
			}
		}
	}
}

// Every value that becomes unknown takes its entity away, and none becomes
// zero on the way.
func TestUnknownIsUnavailable(t *testing.T) {
	st := sample()
	st.Power = units.Unknown[units.Watts]("no meter", st.At)
	st.Outdoor = units.Unknown[units.Celsius]("no weather", st.At)
	for i := range st.Zones {
		st.Zones[i].Temp, st.Zones[i].Low = units.Known[units.Celsius]{}, units.Known[units.Celsius]{}
		st.Zones[i].SetPoint, st.Zones[i].Power = units.Known[units.Celsius]{}, units.Known[units.Watts]{}
	}
	for i := range st.Devices {
		st.Devices[i].Reading = dev.Reading{}
		st.Devices[i].Energy = units.Known[units.KilowattHours]{}
	}
	for i := range st.Sensors {
		st.Sensors[i].Value = units.Known[units.Celsius]{}
	}
	n := 0
	for _, thing := range sampleView().things(st) {
		last := map[string]string{}
		for _, m := range thing.values {
			last[m.topic] = m.payload
		}
		for key, e := range thing.entities {
			if e.Platform != "sensor" || e.Unit == "" {
				continue
			}
			n++
			if got := last[e.StateTopic]; got != none {
				t.Errorf("%s %s is %q, want %s", thing.device.Name, key, got, none)
			}
			if got := last[e.StateTopic+"/availability"]; got != offline {
				t.Errorf("%s %s is %q", thing.device.Name, key, got)
			}
		}
		for topic, payload := range last {
			if (strings.HasSuffix(topic, "temperature") || strings.HasSuffix(topic, "setpoint")) && payload != none {
				t.Errorf("%s is %q, want %s", topic, payload, none)
			}
		}
	}
	if n < 12 {
		t.Errorf("only %d sensors were looked at", n)
	}
}

// The order matters to a subscriber: what becomes unknown is unavailable
// before its value goes, what becomes known has its value first.
func TestValueAndAvailabilityInOrder(t *testing.T) {
	th := sampleView().thing("zone", "z", "Z", false)
	sensor(th, "power", "Power", units.Know(units.Watts(5), evening(), units.Meter), 1, 0, entity{})
	sensor(th, "lost", "Lost", units.Known[units.Watts]{}, 1, 0, entity{})
	want := []message{
		{"hearth/elm/zone/z/power", "5"},
		{"hearth/elm/zone/z/power/availability", "online"},
		{"hearth/elm/zone/z/lost/availability", "offline"},
		{"hearth/elm/zone/z/lost", "None"},
	}
	if d := cmp.Diff(want, th.values, cmp.AllowUnexported(message{})); d != "" {
		t.Error(d)
	}
}

func TestSlug(t *testing.T) {
	for _, same := range []string{"living", "living_room-2", "A"} {
		if got := slug(same); got != same {
			t.Errorf("slug(%q) = %q", same, got)
		}
	}
	seen := map[string]string{}
	for _, id := range []string{"", "a b", "a/b", "a#b", "a+b", "ä", "ö", "a_b", "../x", "a\x00b"} {
		s := slug(id)
		if strings.ContainsAny(s, "/+# \x00.") || s == "" {
			t.Errorf("slug(%q) = %q is no topic level", id, s)
		}
		if other, twice := seen[s]; twice {
			t.Errorf("%q and %q are both %q", id, other, s)
		}
		seen[s] = id
	}
}

// The last will and the run must mean the same home.
func TestWillIsTheRuns(t *testing.T) {
	for node, want := range map[string]string{
		"": "hearth/home/availability", "elm": "hearth/elm/availability", "my home": "hearth/my_home_9c1a973a/availability",
	} {
		w := Will(node)
		if w.Topic != want || namesOf(node).availability() != want || string(w.Payload) != offline || !w.Retain {
			t.Errorf("the will of %q is %+v, want topic %s", node, w, want)
		}
	}
}

func TestShortStates(t *testing.T) {
	for in, want := range map[string]string{
		"":                       none,
		"Heating.\n  Two lines.": "Heating. Two lines.",
		strings.Repeat("ä", 300): strings.Repeat("ä", 249) + "…",
	} {
		if got := short(in); got != want {
			t.Errorf("short(%q) = %q, want %q", in, got, want)
		}
	}
}

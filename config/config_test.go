package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/config"
	"hearth/control"
	"hearth/units"
)

const whole = `
name: Cabin
place: Duluth
time_zone: America/Chicago
max_power: 3 kW
period: 10s
rooms:
  living:
    name: Living room
    sensor: thermometer
    setpoint: 68.9 °F
    band: 0.3 K
    load: 1.2 kW
    design_outdoor: -20 °C
    on_sensor_loss: low
    schedule:
      - {days: weekdays, at: "06:30", set: 20.5 °C, name: morning}
      - {days: mon wed fri, at: "22:00", set: 17 °C, name: night}
    quiet:
      - {from: "22:00", to: "07:00", max_loud: 1, max_power: 500 W}
tanks:
  cylinder:
    sensor: top
    bottom_sensor: bottom
    setpoint: 55 °C
    legionella: {every: 168h, reach: 61 °C}
manual:
  garage: {name: Garage}
sensors:
  thermometer: {kind: device, device: plug, channel: sensor 100}
  top: {kind: onewire, id: 28-000001}
  bottom: {kind: onewire, id: 28-000002}
devices:
  mini:
    kind: avalon
    address: 192.0.2.5
    zone: living
    role: primary
    limit: 900 W
    relay: plug
  plug: {kind: shelly, address: 192.0.2.6}
`

func TestWholeFile(t *testing.T) {
	f, err := config.Parse([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	c := f.Control()
	living := c.Zones[0]
	if living.ID != "living" || living.Kind != control.Room || living.Load != 1200 || living.Sensor.OnLoss != control.LossLow {
		t.Errorf("living room = %+v", living)
	}
	if d := living.SetPoint - 20.5; d < -0.001 || d > 0.001 {
		t.Errorf("68.9 °F came out as %v", living.SetPoint)
	}
	if got, want := living.Schedule.Slots[1].Days.Has(time.Wednesday), true; got != want {
		t.Errorf("Wednesday in %q = %v, want %v", "mon wed fri", got, want)
	}
	if living.Schedule.Slots[1].Days.Has(time.Tuesday) {
		t.Error("Tuesday is in \"mon wed fri\"")
	}
	if living.Quiet[0].MaxPower != 500 || living.Quiet[0].From.String() != "22:00" {
		t.Errorf("quiet hours = %+v", living.Quiet)
	}
	tank := c.Zones[1]
	want := &control.Legionella{Every: 168 * time.Hour, Reach: 61, Hold: time.Hour, Within: 8 * time.Hour}
	if diff := cmp.Diff(want, tank.Legionella); diff != "" {
		t.Errorf("legionella cycle (-want +got):\n%s", diff)
	}
	if len(c.Heaters) != 1 || c.Heaters[0].ID != "mini" || c.Heaters[0].Relay != "plug" {
		t.Errorf("heaters = %+v: a device without a zone is no heater", c.Heaters)
	}
	var own struct {
		Address string `yaml:"address"`
	}
	if err := f.Devices["mini"].Rest.Decode(&own); err != nil || own.Address != "192.0.2.5" {
		t.Errorf("the driver's part = %+v, %v", own, err)
	}
}

func TestEmptyFileIsAHomeWithDefaults(t *testing.T) {
	for _, src := range []string{"", "# only a comment\n", "name: X\n"} {
		f, err := config.Parse([]byte(src))
		if err != nil || f.Listen != config.DefaultListen || f.Period != config.DefaultPeriod {
			t.Errorf("Parse(%q) = %+v, %v", src, f, err)
		}
	}
}

// Each mistake is answered with the line it stands in and what would be right.
func TestMistakes(t *testing.T) {
	f := func(src, want string) {
		t.Helper()
		_, err := config.Parse([]byte(src))
		if err == nil {
			t.Errorf("Parse(%q) found nothing wrong", src)
			return
		}
		for w := range strings.SplitSeq(want, "|") {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("Parse(%q)\n  says %q\n  want %q in it", src, err, w)
			}
		}
	}
	f("rooms:\n  a:\n    setpiont: 20 °C\n", `line 3|did you mean "setpoint"?|setpiont: 20 °C`)
	f("rooms:\n  a:\n    sensor: s\n    setpoint: 20\n", `line 4|has no unit|20.5 °C`)
	f("rooms:\n  a:\n    sensor: s\n    setpoint: 1200 W\n", `line 4|is not a unit of temperature`)
	f("rooms:\n  a:\n    sensor: s\n    setpoint: -300 °C\n", `line 4|absolute zero`)
	f("rooms:\n  a:\n    sensor: s\n    setpoint: 90 °C\nsensors: {s: {kind: onewire}}\n", `set-point|90`)
	f("max_power: .nan W\n", `line 1`)
	f("max_power: 3000\n", `line 1|1200 W`)
	f("max_power: 0 W\n", `line 1|cannot be zero`)
	f("rooms:\n  a:\n    sensor: s\n    setpoint: 0 °C\nsensors: {s: {kind: onewire}}\n", `line 4|cannot be zero`)
	f("manual: {g: {}}\ndevices:\n  g: {kind: avalon, zone: g}\n", `called like a zone`)
	f("manual: {home: {}}\n", `stands for the whole`)
	f("retention: {detail: -5h}\n", `length of time`)
	f("period: 5\n", `line 1|length of time`)
	f("period: 5h\n", `1s to 1m`)
	f("name: [a, b]\n", `line 1|single value`)
	f("home_assistant: perhaps\n", `true or false`)
	f("home_assistant: true\n", `needs a broker`)
	f("name: a\nname: b\n", `already defined|line 2`)
	f("rooms:\n  a: {}\n", `room a has no sensor`)
	f("rooms:\n  a: {sensor: x}\n", `"x", which is not under sensors`)
	f("tanks:\n  a: {}\n", `never heated blindly`)
	f("rooms:\n  Großer Raum: {sensor: x}\n", `is not a name`)
	f("devices:\n  d: {zone: nowhere, kind: avalon}\n", `"nowhere", which is no room`)
	f("devices:\n  d: {address: 1.2.3.4}\n", `device d has no kind`)
	f("devices:\n  d: {kind: avalon, relay: r}\n", `relay "r", which is not under devices`)
	f("devices:\n  d: {kind: avalon, role: boss}\n", `not primary or backup`)
	f("manual: {g: {}}\nrooms: {g: {sensor: s}}\nsensors: {s: {kind: onewire}}\n", `"g" names two zones`)
	f("rooms:\n  a:\n    schedule:\n      - {at: 25:00, set: 20 °C}\n", `line 4|07:30`)
	f("rooms:\n  a:\n    schedule:\n      - {days: someday, at: \"07:00\", set: 20 °C}\n", `"someday" is not a day`)
	f("name: &a x\nplace: *a\n", `not used in this file`)
	f("\tname: x\n", `line 1|not YAML`)
	f("name: \"x\n", `not YAML`)
	f("- a\n- b\n", `keys and values`)
	f("name: x\n---\nname: y\n", `several documents`)
	f("name:\n", `has no value`)
	f(strings.Repeat("x", 2<<20), `at most`)
	f("name: x\nplace: "+strings.Repeat("[", 500000), `line 2|nested too deeply`)
	f("place: "+strings.Repeat("{a: ", 200000), `line 1|nested too deeply`)
}

func TestSectionIsStrictToo(t *testing.T) {
	f, err := config.Parse([]byte("devices:\n  d:\n    kind: avalon\n    adress: 192.0.2.1\n"))
	if err != nil {
		t.Fatal(err)
	}
	var own struct {
		Address string      `yaml:"address"`
		Load    units.Watts `yaml:"load"`
	}
	err = f.Devices["d"].Rest.Decode(&own)
	if err == nil || !strings.Contains(err.Error(), `did you mean "address"?`) || !strings.Contains(err.Error(), "line 4") {
		t.Errorf("Decode = %v", err)
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "home.yaml")
	if _, err := config.Load(path); err == nil {
		t.Error("a file that is not there loads")
	}
	if err := os.WriteFile(path, []byte("nmae: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(path); err == nil || !strings.Contains(err.Error(), "home.yaml") {
		t.Errorf("Load = %v, want the file named", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("a: &x [*x]"))
	f.Add([]byte("rooms: {a: {schedule: [{at: '07:00', set: 20 °C}]}}"))
	f.Fuzz(func(_ *testing.T, src []byte) {
		_, _ = config.Parse(src) // must not panic or take all memory
	})
}

// Planning ahead is asked for room by room.
func TestPlanAhead(t *testing.T) {
	room := func(more string) (config.File, error) {
		return config.Parse([]byte("rooms:\n  living:\n    sensor: t\n" + more + "sensors:\n  t: {kind: onewire, id: 28-000001}\n"))
	}
	for _, test := range []struct {
		yaml string
		want units.Kelvin
	}{
		{"", 0},
		{"    plan_ahead: false\n", 0},
		{"    plan_ahead: true\n", 1},
		{"    plan_ahead: true\n    plan_shift: 0.5 K\n", 0.5},
	} {
		f, err := room(test.yaml)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Control().Zones[0].Shift; got != test.want {
			t.Errorf("%q: the set-point may be moved by %v, want %v", test.yaml, got, test.want)
		}
	}
	for yaml, want := range map[string]string{
		"    plan_shift: 1 K\n":                        "add plan_ahead: true",
		"    plan_ahead: true\n    plan_shift: 5 K\n":  "by 0 to 3 K, not 5 K",
		"    plan_ahead: true\n    plan_shift: -1 K\n": "by 0 to 3 K, not -1 K",
		"    plan_ahead: often\n":                      "line 4",
	} {
		if _, err := room(yaml); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", yaml, err, want)
		}
	}
}

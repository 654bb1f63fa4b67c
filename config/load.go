package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"time"

	"hearth/control"
	"hearth/heat"
	"hearth/units"
)

// Defaults of a home that says nothing else.
const (
	DefaultListen   = "127.0.0.1:8420"
	DefaultPeriod   = 10 * time.Second
	DefaultSetPoint = units.Celsius(20)
	DefaultTank     = units.Celsius(55)
	// DefaultShift is how far planning ahead may move a set-point.
	DefaultShift = units.Kelvin(1)
)

// Load reads and checks the file at path.
func Load(path string) (File, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return File{}, fmt.Errorf("read the configuration: %w", err)
	}
	f, err := Parse(src)
	if err != nil {
		return File{}, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// Parse reads and checks a file's content. The error is an [*Error], or
// several joined.
func Parse(src []byte) (File, error) {
	f := File{Listen: DefaultListen, Period: DefaultPeriod, Name: "Home"}
	n, err := parse(src)
	if err != nil {
		return File{}, err
	}
	if n != nil {
		d := &decoder{src: src}
		if err := d.into(n, reflect.ValueOf(&f).Elem(), "the file"); err != nil {
			return File{}, err
		}
	}
	if err := f.check(); err != nil {
		return File{}, err
	}
	return f, nil
}

// check finds what is wrong between entries. What is wrong within a zone or
// a heater package control says.
func (f File) check() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, &Error{Text: fmt.Sprintf(format, args...)}) }
	zones := map[string]bool{}
	for _, names := range [][]string{sorted(f.Rooms), sorted(f.Tanks), sorted(f.Manual)} {
		for _, id := range names {
			if zones[id] {
				fail("%q names two zones: give each a name of its own", id)
			}
			zones[id] = true
			if !isID(id) {
				fail("%q is not a name: use lower-case letters, digits and dashes, and put the full name under \"name\"", id)
			}
		}
	}
	if f.Period < time.Second || f.Period > time.Minute {
		fail("period %v: use 1s to 1m", f.Period)
	}
	if zones["home"] {
		fail("no zone can be called \"home\", which stands for the whole")
	}
	if f.Retention.Detail < 0 {
		fail("retention: detail %v: write a length of time, such as 8760h", f.Retention.Detail)
	}
	if f.HomeAssistant && f.MQTT.URL == "" {
		fail("home_assistant needs a broker: add mqtt: {url: …}")
	}
	sensor := func(where, id string) {
		if _, ok := f.Sensors[id]; id != "" && !ok {
			fail("%s names the sensor %q, which is not under sensors (there are: %v)", where, id, sorted(f.Sensors))
		}
	}
	for _, id := range sorted(f.Rooms) {
		r := f.Rooms[id]
		if r.Sensor == "" {
			fail("room %s has no sensor: name one, or list the room under \"manual\": a temperature is never guessed", id)
		}
		sensor("room "+id, r.Sensor)
		if r.PlanShift > 0 && !r.PlanAhead {
			fail("room %s: plan_shift says how far planning may move the set-point, but planning is not asked for: add plan_ahead: true", id)
		}
	}
	for _, id := range sorted(f.Tanks) {
		t := f.Tanks[id]
		if t.Sensor == "" {
			fail("tank %s has no sensor: stored hot water is never heated blindly", id)
		}
		sensor("tank "+id, t.Sensor)
		sensor("tank "+id, t.BottomSensor)
	}
	if f.Weather.Kind == "sensor" {
		sensor("weather", f.Weather.Sensor)
	}
	for _, id := range sorted(f.Sensors) {
		s := f.Sensors[id]
		if !isID(id) {
			fail("%q is not a name: use lower-case letters, digits and dashes, and put the full name under \"name\"", id)
		}
		if s.Kind == "" {
			fail("sensor %s has no kind", id)
		}
		if _, ok := f.Devices[s.Device]; s.Kind == "device" && !ok {
			fail("sensor %s takes a channel of the device %q, which is not under devices", id, s.Device)
		}
	}
	for _, id := range sorted(f.Devices) {
		d := f.Devices[id]
		switch {
		case !isID(id):
			fail("%q is not a name: use lower-case letters, digits and dashes, and put the full name under \"name\"", id)
		case zones[id] || id == "home":
			fail("device %q is called like a zone or the home itself: history could not tell them apart", id)
		case d.Kind == "":
			fail("device %s has no kind", id)
		case d.Zone != "" && !zones[d.Zone]:
			fail("device %s heats %q, which is no room, tank or manual zone", id, d.Zone)
		case d.Role != "" && d.Role != control.Primary && d.Role != control.Backup:
			fail("device %s: role %q is not primary or backup", id, d.Role)
		}
		if _, ok := f.Devices[d.Relay]; d.Relay != "" && !ok {
			fail("device %s is fed by the relay %q, which is not under devices", id, d.Relay)
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if _, err := control.NewHome(f.Control()); err != nil {
		return &Error{Text: err.Error()}
	}
	return nil
}

// Control is the home as package control takes it.
func (f File) Control() control.Config {
	c := control.Config{MaxPower: f.MaxPower}
	for _, id := range sorted(f.Rooms) {
		r := f.Rooms[id]
		var shift units.Kelvin
		if r.PlanAhead {
			shift = cmp.Or(r.PlanShift, DefaultShift)
		}
		c.Zones = append(c.Zones, control.Zone{
			ID: id, Name: cmp.Or(r.Name, id), Kind: control.Room, Shift: shift,
			SetPoint: cmp.Or(r.SetPoint, DefaultSetPoint), Schedule: schedule(r.Schedule), Band: r.Band,
			Frost: r.Frost, Limit: r.Limit, Load: r.Load, DesignOutdoor: r.DesignOutdoor, Quiet: quiet(r.Quiet),
			Sensor: control.SensorPolicy{StaleAfter: r.StaleAfter, FrozenAfter: r.FrozenAfter, OnLoss: r.OnSensorLoss},
		})
	}
	for _, id := range sorted(f.Tanks) {
		t := f.Tanks[id]
		z := control.Zone{
			ID: id, Name: cmp.Or(t.Name, id), Kind: control.Tank,
			SetPoint: cmp.Or(t.SetPoint, DefaultTank), Schedule: schedule(t.Schedule), Band: t.Band,
			Limit: t.Limit, Quiet: quiet(t.Quiet), FlowMin: t.FlowMin,
			Sensor: control.SensorPolicy{StaleAfter: t.StaleAfter, FrozenAfter: t.FrozenAfter, OnLoss: t.OnSensorLoss},
		}
		if l := cmp.Or(t.Legionella, &Legionella{}); !l.Off {
			z.Legionella = &control.Legionella{
				Every: cmp.Or(l.Every, 7*24*time.Hour), Reach: cmp.Or(l.Reach, 60), Hold: cmp.Or(l.Hold, time.Hour), Within: cmp.Or(l.Limit, 8*time.Hour),
			}
		}
		c.Zones = append(c.Zones, z)
	}
	for _, id := range sorted(f.Manual) {
		c.Zones = append(c.Zones, control.Zone{ID: id, Name: cmp.Or(f.Manual[id].Name, id), Kind: control.Manual})
	}
	for _, id := range sorted(f.Devices) {
		d := f.Devices[id]
		if d.Zone == "" {
			continue
		}
		wear := wearOf(d.Role)
		c.Heaters = append(c.Heaters, control.Heater{
			ID: id, Zone: d.Zone, Role: cmp.Or(d.Role, control.Primary), Limit: d.Limit,
			MinOn: cmp.Or(d.MinOn, wear.MinOn), MinOff: cmp.Or(d.MinOff, wear.MinOff),
			StartsPerDay: cmp.Or(d.StartsPerDay, wear.StartsPerDay), FlashPerDay: cmp.Or(d.FlashPerDay, wear.FlashPerDay),
			ChipLimit: d.ChipLimit, Relay: d.Relay,
		})
	}
	return c
}

// wearOf is how a heater is spared when its owner says nothing. Miners run
// for 10 to 20 minutes at a time in practice, and every start is a thermal
// cycle for their boards; a relay in front of a resistance bears more.
func wearOf(r control.Role) control.Heater {
	if r == control.Backup {
		return control.Heater{MinOn: 5 * time.Minute, MinOff: 5 * time.Minute, StartsPerDay: 72}
	}
	return control.Heater{MinOn: 15 * time.Minute, MinOff: 10 * time.Minute, StartsPerDay: 16, FlashPerDay: 24}
}

func schedule(slots []Slot) heat.Schedule {
	var s heat.Schedule
	for _, x := range slots {
		s.Slots = append(s.Slots, heat.Slot{Days: x.Days, From: x.At, Set: x.Set, Name: x.Name})
	}
	return s
}

func quiet(in []Quiet) []control.Quiet {
	var out []control.Quiet
	for _, q := range in {
		out = append(out, control.Quiet{From: q.From, To: q.To, Days: q.Days, MaxLoud: q.MaxLoud, MaxPower: q.MaxPower})
	}
	return out
}

// isID reports whether s can name a thing in paths, topics and records.
func isID(s string) bool {
	if s == "" || len(s) > 40 {
		return false
	}
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

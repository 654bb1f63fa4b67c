package homeassistant

import (
	"encoding/json"
	"math"
	"slices"
	"strings"

	"hearth/control"
	dev "hearth/device"
	"hearth/site"
	"hearth/units"
)

// longestBoost is the most minutes the boost slider offers.
const longestBoost = 720

// view is a home as Home Assistant shall see it.
type view struct {
	names   names
	version string
	page    string // address of Hearth's own page; may be empty
}

// things lists everything in the home, the home itself first.
func (v view) things(st site.State) []*thing {
	list := []*thing{v.home(st)}
	for _, z := range st.Zones {
		list = append(list, v.zone(st, z))
	}
	for _, d := range st.Devices {
		list = append(list, v.device(st, d))
	}
	return list
}

func (v view) thing(kind, id, name string, simulated bool) *thing {
	if simulated {
		name += " (simulated)"
	}
	t := &thing{names: v.names, kind: kind, id: id, entities: map[string]entity{}}
	t.device = device{IDs: []string{v.names.object(kind, id)}, Name: name, URL: v.page, Manufacturer: "Hearth"}
	if kind != "home" {
		t.device.Via = v.names.object("home", "")
	}
	return t
}

func (v view) home(st site.State) *thing {
	t := v.thing("home", "", st.Name, st.Simulated)
	t.device.Model, t.device.Firmware = "Home", v.version

	sensor(t, "power", "Heating power", st.Power, 1, 1,
		entity{DeviceClass: "power", StateClass: "measurement", Unit: "W"})
	sensor(t, "outdoor", "Outdoor temperature", st.Outdoor, 1, 1,
		entity{DeviceClass: "temperature", StateClass: "measurement", Unit: "°C"})
	for _, s := range st.Sensors {
		name := s.Name
		if s.Simulated {
			name += " (simulated)"
		}
		sensor(t, "sensor_"+s.ID, name, s.Value, 1, 2,
			entity{DeviceClass: "temperature", StateClass: "measurement", Unit: "°C"})
	}
	t.add("summary", "Summary", entity{Platform: "sensor", StateTopic: t.topic("summary"), Icon: "mdi:home-thermometer"})
	t.set("summary", short(st.Sentence))

	var wrong []string
	for _, d := range st.Devices {
		if d.Trouble != "" {
			wrong = append(wrong, d.Name+": "+d.Trouble)
		}
	}
	if st.Ledger.Paused != "" {
		wrong = append(wrong, "The ledger is paused: "+st.Ledger.Paused)
	}
	problem(t, st.Trips, wrong)

	if st.Compute.Present {
		t.add("compute", "This computer may heat", entity{
			Platform: "switch", StateTopic: t.topic("compute"), CommandTopic: t.topic("compute/set"), Icon: "mdi:cpu-64-bit",
		})
		t.set("compute", onOff(st.Compute.Allowed))
	}
	return t
}

func (v view) zone(st site.State, z site.ZoneState) *thing {
	t := v.thing("zone", z.ID, z.Name, z.Simulated)
	limit := func(c units.Celsius) *float64 { return new(c.Float()) }

	switch z.Kind {
	case control.Room:
		t.device.Model = "Room"
		t.add("climate", "", entity{
			Platform: "climate",
			Modes:    []string{"off", "heat"}, ModeState: t.topic("mode"), ModeCommand: t.topic("mode/set"),
			Action:             t.topic("action"),
			CurrentTemperature: t.topic("current_temperature"),
			TemperatureState:   t.topic("setpoint"), TemperatureCommand: t.topic("setpoint/set"),
			TemperatureUnit: "C", MinTemperature: limit(z.Min), MaxTemperature: limit(z.Max),
			TemperatureStep: z.Step.Float(), Precision: 0.1,
			Presets: []string{"away", "boost", "holiday"}, PresetState: t.topic("preset"), PresetCommand: t.topic("preset/set"),
		})
		mode := "heat"
		if z.Mode == site.ModeOff {
			mode = "off"
		}
		t.set("mode", mode)
		t.set("action", action(z))
		t.set("preset", preset(z.Preset))
	case control.Tank:
		t.device.Model = "Hot water tank"
		// Home Assistant has no mode named after a miner: "performance" heats
		// by the schedule, "eco" is away.
		t.add("water_heater", "", entity{
			Platform: "water_heater",
			Modes:    []string{"off", "eco", "performance"}, ModeState: t.topic("mode"), ModeCommand: t.topic("mode/set"),
			CurrentTemperature: t.topic("current_temperature"),
			TemperatureState:   t.topic("setpoint"), TemperatureCommand: t.topic("setpoint/set"),
			TemperatureUnit: "C", MinTemperature: limit(z.Min), MaxTemperature: limit(z.Max), Precision: 0.1,
		})
		mode := "performance"
		switch {
		case z.Mode == site.ModeOff:
			mode = "off"
		case z.Preset == "away" || z.Preset == "holiday":
			mode = "eco"
		}
		t.set("mode", mode)
		sensor(t, "bottom", "Temperature at the bottom", z.Low, 1, 2,
			entity{DeviceClass: "temperature", StateClass: "measurement", Unit: "°C"})
	default:
		t.device.Model = "Heater without a thermometer"
	}
	if z.Kind == control.Room || z.Kind == control.Tank {
		t.set("current_temperature", celsius(z.Temp))
		t.set("setpoint", celsius(z.SetPoint))
		sensor(t, "temperature", "Temperature", z.Temp, 1, 2,
			entity{DeviceClass: "temperature", StateClass: "measurement", Unit: "°C"})
		t.add("boost", "Boost", entity{
			Platform: "number", StateTopic: t.topic("boost"), CommandTopic: t.topic("boost/set"),
			Min: new(0.0), Max: new(float64(longestBoost)), Step: 15, Mode: "slider", Unit: "min", Icon: "mdi:fire",
		})
		t.set("boost", number(boostLeft(st, z), 0))
	}
	sensor(t, "power", "Power", z.Power, 1, 1, entity{DeviceClass: "power", StateClass: "measurement", Unit: "W"})
	t.add("activity", "Activity", entity{Platform: "sensor", StateTopic: t.topic("activity"), Category: "diagnostic"})
	t.set("activity", short(z.Sentence))
	problem(t, about(st.Trips, z.ID), nil)
	return t
}

func (v view) device(st site.State, d site.DeviceState) *thing {
	t := v.thing("device", d.ID, d.Name, d.Simulated)
	t.device.Manufacturer, t.device.Model = d.Identity.Vendor, d.Identity.Model
	t.device.Firmware, t.device.Serial = d.Identity.Firmware, d.Identity.Serial
	available := offline
	if d.Online {
		available = online
	}
	t.set("availability", available)

	sensor(t, "power", "Power", d.Reading.Power, 1, 1, entity{DeviceClass: "power", StateClass: "measurement", Unit: "W"})
	sensor(t, "energy", "Energy", d.Energy, 1, 3, entity{
		DeviceClass: "energy", StateClass: "total_increasing", Unit: "kWh",
		// Hearth's own count is known while the device is away.
		Availability: []topicRef{{t.names.availability()}},
	})
	if d.Caps != nil {
		if d.Caps.Work == dev.Hashing {
			sensor(t, "hash_rate", "Hash rate", d.Reading.HashRate, 1e-12, 3, entity{StateClass: "measurement", Unit: "TH/s", Icon: "mdi:pickaxe"})
		}
		for _, c := range d.Caps.Temps {
			sensor(t, "temp_"+c.Name, "Temperature "+c.Name, temperature(d.Reading, c), 1, 1,
				entity{DeviceClass: "temperature", StateClass: "measurement", Unit: "°C", Category: "diagnostic"})
		}
	}
	t.add("state", "State", entity{
		Platform: "sensor", StateTopic: t.topic("state"), DeviceClass: "enum", Category: "diagnostic",
		Options: []string{"off", "starting", "tuning", "heating", "paused", "limp", "fault"},
	})
	state := string(d.Reading.State)
	if state == "" || d.Reading.State == dev.StateUnknown {
		state = none
	}
	t.set("state", state)

	var wrong []string
	if d.Trouble != "" {
		wrong = append(wrong, d.Trouble)
	}
	for _, f := range d.Reading.Faults {
		wrong = append(wrong, f.Text)
	}
	problem(t, about(st.Trips, d.ID), wrong)
	return t
}

// temperature finds a channel's value in a reading.
func temperature(r dev.Reading, c dev.Channel) units.Known[units.Celsius] {
	for _, t := range r.Temps {
		if t.Name == c.Name {
			return t.Value
		}
	}
	return units.Unknown[units.Celsius]("the device did not tell", r.At)
}

// problem adds the problem sensor of a thing, whose attributes are the reasons
// in plain words, and a button that clears latched trips. Both stay usable
// when the device itself is gone: that is when they are wanted.
func problem(t *thing, trips []control.Trip, wrong []string) {
	hearth := []topicRef{{t.names.availability()}}
	t.add("problem", "Problem", entity{
		Platform: "binary_sensor", DeviceClass: "problem", Availability: hearth,
		StateTopic: t.topic("problem"), AttributesTopic: t.topic("problem/reasons"),
	})
	t.add("clear", "Clear trips", entity{
		Platform: "button", CommandTopic: t.topic("clear/set"), Category: "config", Icon: "mdi:restart-alert",
		Availability: append(hearth, topicRef{t.topic("clear/availability")}),
	})
	type reason struct {
		Cause  string `json:"cause"`
		Did    string `json:"did"`
		Clears string `json:"clears"`
	}
	reasons := struct {
		Trips   []reason `json:"trips"`
		Trouble []string `json:"trouble"`
	}{[]reason{}, append([]string{}, wrong...)}
	clearable := offline
	for _, trip := range trips {
		reasons.Trips = append(reasons.Trips, reason{trip.Cause, trip.Did, trip.Clears})
		if trip.Latched {
			clearable = online
		}
	}
	text, err := json.Marshal(reasons)
	if err != nil {
		panic("homeassistant: " + err.Error()) // strings only
	}
	t.set("problem/reasons", string(text))
	t.set("problem", onOff(len(trips)+len(wrong) > 0))
	t.set("clear/availability", clearable)
}

// about picks the trips of one zone or device.
func about(trips []control.Trip, id string) []control.Trip {
	return slices.DeleteFunc(slices.Clone(trips), func(t control.Trip) bool { return t.Subject != id })
}

// action is what a thermostat does, in Home Assistant's words.
func action(z site.ZoneState) string {
	switch {
	case z.Activity == control.Heating:
		return "heating"
	case z.Mode == site.ModeOff, z.Activity == control.Off, z.Activity == control.Tripped:
		return "off"
	}
	return "idle"
}

// preset names a preset as Home Assistant does; what it does not know is none.
func preset(p string) string {
	switch p {
	case "away", "boost", "holiday":
		return p
	}
	return "none"
}

// boostLeft is how many minutes a boost still lasts.
func boostLeft(st site.State, z site.ZoneState) float64 {
	if z.Preset != "boost" || z.Until == nil {
		return 0
	}
	return min(max(math.Ceil(z.Until.Sub(st.At).Minutes()), 0), longestBoost)
}

// short cuts a text to what a state of Home Assistant may hold, 255
// characters.
func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 250 {
		return string(r[:249]) + "…"
	}
	if s == "" {
		return none
	}
	return s
}

package storybook

import (
	"time"

	"hearth/control"
	"hearth/device"
	"hearth/site"
	"hearth/units"
)

func deg(v units.Celsius, from units.Provenance) units.Known[units.Celsius] {
	return units.Know(v, Now().Add(-8*time.Second), from)
}

func watts(v units.Watts, from units.Provenance) units.Known[units.Watts] {
	return units.Know(v, Now().Add(-3*time.Second), from)
}

func totals(el, ht units.KilowattHours, backup, comfort units.Fraction, from units.Provenance) site.Totals {
	at := Now()
	return site.Totals{
		From:        time.Date(2026, 1, 14, 0, 0, 0, 0, Zone()),
		Electricity: units.Know(el, at, from),
		Heat:        units.Know(ht, at, max(from, units.Estimate)),
		Backup:      units.Know(backup, at, from),
		Comfort:     units.Know(comfort, at, from),
		Cost:        units.Know(units.Money{Micros: int64(float64(el) * 310_000), Currency: "EUR"}, at, from),
		Earned:      units.Unknown[units.Sats]("nothing has been paid yet", at),
	}
}

// home builds the living room with an Avalon Mini 3, a Bitaxe and a backup
// heater behind a relay. from is the provenance of its thermometers and
// meters.
func home(from units.Provenance) *Home {
	now := Now()
	sim := from == units.Simulated
	firmware := max(from, units.Estimate)
	h := &Home{watchers: make(map[chan struct{}]bool), kept: map[string]bool{}, source: from}
	h.state = site.State{
		At: now, Name: "Home", Place: "Helsinki", Version: "0.1.0", Speed: 1, Simulated: sim,
		Sentence: "Heating. Living room 20.6 °C, 826 W.",
		Outdoor:  deg(-4.2, from),
		Power:    units.Know[units.Watts](826, now, firmware),
		Today:    totals(11.42, 11.21, 0.04, 0.985, firmware),
		Price:    units.Know(units.Price{PerKWh: units.Money{Micros: 310_000, Currency: "EUR"}}, now, units.Chosen),
		Zones: []site.ZoneState{{
			ID: "living", Name: "Living room", Kind: control.Room, Simulated: sim, Mode: site.ModeHeat,
			Temp: deg(20.6, from), Low: units.Unknown[units.Celsius]("a room has no bottom sensor", time.Time{}),
			SetPoint: units.Know[units.Celsius](21, now, units.Chosen), SetWhy: "evening, until 22:00",
			Min: 5, Max: 28, Step: 0.5, Activity: control.Heating,
			Sentence: "Heating at 826 W: 0.4 K below the set-point.",
			Power:    units.Know[units.Watts](826, now, firmware), Want: 850,
			Today:    totals(11.42, 11.21, 0.04, 0.985, firmware),
			Heaters:  []string{"mini3", "bitaxe", "backup"},
			Schedule: []string{"Every day: 21.0 °C from 06:30, 18.0 °C from 22:00"},
		}},
		Devices: []site.DeviceState{
			{
				ID: "mini3", Name: "Avalon Mini 3", Kind: "avalon", Zone: "living", Role: control.Primary, Simulated: sim, Online: true, Repoints: true,
				Identity: device.Identity{Vendor: "Canaan", Model: "Avalon Mini 3", Firmware: "25021401", Serial: "B4A2EB31F00D", Simulated: sim},
				Reading: device.Reading{
					At: now.Add(-3 * time.Second), State: device.StateHeating, Power: watts(808, firmware),
					HashRate: units.Know[units.HashRate](37.2e12, now, firmware), Level: units.Know("eco", now, from),
					Temps: []device.Temp{
						{Name: "chips", Kind: device.Chip, Value: deg(71, from)},
						{Name: "intake", Kind: device.AirIn, Value: deg(21.4, from)},
						{Name: "outlet", Kind: device.AirOut, Value: deg(48.9, from)},
					},
					Fans: []device.Fan{{Name: "fan", Speed: units.Know[units.RPM](1480, now, from), Duty: units.Know[units.Fraction](0.42, now, from)}},
					Pool: units.Know(true, now, from), Uptime: units.Know(51*time.Hour+12*time.Minute, now, from),
				},
				Caps: &device.Capabilities{
					Verbs: map[device.Verb]device.Cost{
						device.SetLevel: {Latency: 90 * time.Second}, device.Pause: {Latency: 5 * time.Second}, device.Run: {Latency: time.Minute},
					},
					Levels: []device.Level{
						{ID: "night", Name: "Night", Power: watts(500, units.Nameplate), Loud: 1},
						{ID: "eco", Name: "Eco", Power: watts(800, units.Nameplate), Loud: 2},
						{ID: "heater", Name: "Heater", Power: watts(1000, units.Nameplate), Loud: 3},
					},
					Max: 1000, Idle: watts(22, units.Nameplate), Work: device.Hashing, WattSource: units.Estimate,
					Limp: device.LimpStops, LimpHow: "Add a second pool that never fails.",
					Notes: []string{"Its watts are the firmware's own reckoning."},
				},
				Work:  device.Hashing,
				Guard: "Keeps its last level if Hearth stops; capped at 1 kW.",
				Command: &site.CommandState{
					At: now.Add(-26 * time.Minute), Confirmed: true,
					Demand: device.Demand{Verb: device.SetLevel, Level: "eco", Why: "0.4 K below the set-point"},
				},
				Budget: &control.Budget{Starts: 2, StartsLimit: 12, Flash: 0, FlashLimit: 2, Since: now.Add(-11 * time.Hour)},
				Limit:  1000, Today: totals(10.9, 10.9, 0, 1, firmware), Energy: units.Know[units.KilowattHours](412.6, now, firmware),
			},
			{
				ID: "bitaxe", Name: "Bitaxe Gamma", Kind: "axeos", Zone: "living", Role: control.Primary, Simulated: sim, Online: true, Repoints: true,
				Identity: device.Identity{Vendor: "Bitaxe", Model: "Gamma 601", Firmware: "v2.9.0", Serial: "F0F5BD4A1C22", Simulated: sim},
				Reading: device.Reading{
					At: now.Add(-2 * time.Second), State: device.StateHeating, Power: watts(18.1, max(from, units.PSU)),
					HashRate: units.Know[units.HashRate](1.21e12, now, firmware), Level: units.Unknown[string]("the device has no levels", now),
					Temps: []device.Temp{{Name: "chip", Kind: device.Chip, Value: deg(58.3, from)}, {Name: "regulator", Kind: device.Regulator, Value: deg(62, from)}},
					Fans:  []device.Fan{{Name: "fan", Speed: units.Know[units.RPM](3950, now, from), Duty: units.Know[units.Fraction](0.55, now, from)}},
					Pool:  units.Know(true, now, from), Uptime: units.Know(9*24*time.Hour, now, from),
				},
				Caps: &device.Capabilities{
					Verbs: map[device.Verb]device.Cost{device.Pause: {Latency: 3 * time.Second}, device.Run: {Latency: 20 * time.Second}},
					Max:   22, Idle: watts(3, units.Nameplate), Work: device.Hashing, WattSource: units.PSU, Limp: device.LimpStops,
				},
				Work:    device.Hashing,
				Guard:   "Keeps its last level if Hearth stops; capped at 22 W.",
				Command: &site.CommandState{At: now.Add(-11 * time.Hour), Confirmed: true, Demand: device.Demand{Verb: device.Run, Why: "morning"}},
				Budget:  &control.Budget{Starts: 1, StartsLimit: 12, Since: now.Add(-11 * time.Hour)},
				Limit:   22, Today: totals(0.3, 0.3, 0, 1, firmware), Energy: units.Know[units.KilowattHours](31.9, now, firmware),
			},
			{
				ID: "backup", Name: "Backup radiator", Kind: "shelly", Zone: "living", Role: control.Backup, Simulated: sim, Online: true,
				Identity: device.Identity{Vendor: "Shelly", Model: "Plus 1PM", Firmware: "1.7.1", Serial: "A8032AB6D5E0", Simulated: sim},
				Reading: device.Reading{
					At: now.Add(-time.Second), State: device.StateOff, Power: watts(0, from),
					Energy: units.Know[units.Joules](48.1e6, now, from),
					Temps:  []device.Temp{{Name: "relay", Kind: device.Board, Value: deg(33.1, from)}},
				},
				Caps: &device.Capabilities{
					Verbs: map[device.Verb]device.Cost{device.Run: {Latency: time.Second}, device.Off: {Latency: time.Second}},
					Max:   1500, Idle: watts(0, units.Nameplate), Work: device.Resistive, WattSource: units.Meter, Limp: device.LimpNone, DeadMan: 5 * time.Minute,
				},
				Work:    device.Resistive,
				Guard:   "Switches itself off within 5 min if Hearth stops.",
				Command: &site.CommandState{At: now.Add(-9 * time.Hour), Confirmed: true, Demand: device.Demand{Verb: device.Off, Why: "the miners suffice"}},
				Budget:  &control.Budget{Starts: 1, StartsLimit: 48, Since: now.Add(-9 * time.Hour)},
				Limit:   1500, Today: totals(0.46, 0.46, 1, 1, from), Energy: units.Know[units.KilowattHours](13.4, now, from),
			},
		},
		Sensors: []site.SensorState{
			{ID: "living", Name: "Living room", Kind: "shelly", Zone: "living", Simulated: sim, Value: deg(20.6, from)},
			{ID: "outdoor", Name: "Outdoor", Kind: "weather", Simulated: sim, Value: deg(-4.2, from)},
		},
		Compute: site.ComputeState{Present: true, Allowed: true, Note: "Metered; it may compute for heat on 4 of its 8 threads while its room wants heat."},
	}
	h.ledger = chain(sim, from)
	last := h.ledger[len(h.ledger)-1]
	h.state.Ledger = site.LedgerState{Records: last.Seq, Head: last.Hash.String(), At: &last.At}
	h.note(now.Add(-12*time.Hour), control.Info, "living", "schedule", "Living room: morning, 21.0 °C.")
	h.note(now.Add(-11*time.Hour), control.Info, "mini3", "start", "Avalon Mini 3 started: level Heater.")
	h.note(now.Add(-9*time.Hour), control.Notice, "backup", "stop", "Backup radiator stopped: the miners suffice.")
	h.note(now.Add(-26*time.Minute), control.Info, "mini3", "level", "Avalon Mini 3 stepped to Eco, read back after 40 s.")
	return h
}

// Heating is an evening as it should be, with real meters.
func Heating() *Home { return home(units.Meter) }

// Simulated is the home that starts with no configuration.
func Simulated() *Home {
	h := home(units.Simulated)
	h.state.SimulatedNote = "The room, its weather, the thermometer and all three heaters are simulated. No real heat is made."
	h.state.Speed = 60
	h.state.Compute.Allowed = false
	h.state.Compute.Note = "Metered, but it does not compute for heat: nobody has allowed it yet."
	return h
}

// Idle is a room that is warm enough.
func Idle() *Home {
	h := home(units.Meter)
	h.state.Sentence = "Idle. Living room 21.3 °C, 40 W."
	z := &h.state.Zones[0]
	z.Temp, z.Activity, z.Want = deg(21.3, units.Meter), control.Idle, 0
	z.Sentence = "Warm enough: 0.3 K above the set-point."
	h.state.Power = units.Know[units.Watts](40, Now(), units.Estimate)
	z.Power = h.state.Power
	d := &h.state.Devices[0]
	d.Reading.State, d.Reading.Power = device.StatePaused, watts(22, units.Estimate)
	return h
}

// SensorLost is a home whose thermometer has stopped sending.
func SensorLost() *Home {
	h := home(units.Meter)
	why := units.Unknown[units.Celsius]("last reading is 47m0s old", Now().Add(-47*time.Minute))
	h.lost = [2]time.Duration{47 * time.Minute, 0}
	h.state.Sentence = "Living room: temperature unknown, heating at its lowest level."
	z := &h.state.Zones[0]
	z.Temp, z.Activity = why, control.NoSensor
	z.Sentence = "The thermometer is silent for 47 min: heating at the lowest level until it is back."
	h.state.Sensors[0].Value = why
	h.state.Trips = []control.Trip{{
		ID: "sensor_stale/living", Rule: "sensor_stale", Subject: "living", Since: Now().Add(-32 * time.Minute),
		Cause: "The thermometer of Living room has sent nothing for 47 min.", Did: "Keeps the first heater at its lowest level.",
		Clears: "Clears by itself when the thermometer is back.",
	}}
	h.note(Now().Add(-32*time.Minute), control.Warning, "living", "trip", "The thermometer of Living room has sent nothing for 15 min: heating at the lowest level.")
	return h
}

// Tripped is a room that got too hot and waits for a person.
func Tripped() *Home {
	h := home(units.Meter)
	h.state.Sentence = "Stopped for safety. Living room 27.4 °C."
	z := &h.state.Zones[0]
	z.Temp, z.Activity = deg(27.4, units.Meter), control.Tripped
	z.Sentence = "Stopped: it was over its limit of 30 °C."
	h.state.Power = units.Know[units.Watts](22, Now(), units.Estimate)
	z.Power = h.state.Power
	d := &h.state.Devices[0]
	d.Reading.State, d.Reading.Power = device.StatePaused, watts(22, units.Estimate)
	h.state.Trips = []control.Trip{
		{
			ID: "room_over_temperature/living", Rule: "room_over_temperature", Subject: "living", Since: Now().Add(-50 * time.Minute),
			Cause: "Living room was 31.2 °C, over its limit of 30 °C.", Did: "Stopped all heaters of the room.",
			Clears: "A person resets it below 28 °C.", Latched: true, Ready: true,
		},
		{
			ID: "chip_over_temperature/mini3", Rule: "chip_over_temperature", Subject: "mini3", Since: Now().Add(-49 * time.Minute),
			Cause: "A chip of Avalon Mini 3 was 96 °C, over its limit of 95 °C.", Did: "Stopped the device.",
			Clears: "A person resets it below 70 °C.", Latched: true,
		},
	}
	h.note(Now().Add(-50*time.Minute), control.Alarm, "living", "trip", "Living room was 31.2 °C, over its limit of 30 °C: stopped all its heaters.")
	return h
}

// Unplugged is a home in which a miner does not answer.
func Unplugged() *Home {
	h := home(units.Meter)
	h.state.Sentence = "Heating with the backup. Living room 20.2 °C; power unknown."
	d := &h.state.Devices[0]
	why, since := "the device does not answer", Now().Add(-6*time.Minute)
	d.Online, d.Trouble = false, "It has not answered for 6 min: is it plugged in?"
	d.Reading = device.Reading{
		At: since, State: device.StateUnknown,
		Power:    units.Unknown[units.Watts](why, since),
		HashRate: units.Unknown[units.HashRate](why, since),
		Level:    units.Unknown[string](why, since),
		Pool:     units.Unknown[bool](why, since),
		Uptime:   units.Unknown[time.Duration](why, since),
	}
	d.Command = &site.CommandState{
		At: Now().Add(-5 * time.Minute), Demand: device.Demand{Verb: device.SetLevel, Level: "heater", Why: "0.8 K below the set-point"},
		Trouble: "not read back: the device does not answer",
	}
	b := &h.state.Devices[2]
	b.Reading.State, b.Reading.Power = device.StateHeating, watts(1480, units.Meter)
	b.Command = &site.CommandState{At: Now().Add(-4 * time.Minute), Pending: true, Demand: device.Demand{Verb: device.Run, Why: "a miner does not answer"}}
	z := &h.state.Zones[0]
	z.Temp = deg(20.2, units.Meter)
	z.Power = units.Unknown[units.Watts]("Avalon Mini 3: the device does not answer", since)
	z.Sentence = "Heating with the backup: Avalon Mini 3 does not answer."
	h.state.Power = z.Power
	h.note(since, control.Warning, "mini3", "offline", "Avalon Mini 3 does not answer: is it plugged in?")
	return h
}

// Off is a home that was switched off; frost protection stays.
func Off() *Home {
	h := home(units.Meter)
	h.state.Sentence = "Off. Living room 16.8 °C; frost protection stays on."
	z := &h.state.Zones[0]
	z.Mode, z.Activity, z.Want = site.ModeOff, control.Off, 0
	z.Temp = deg(16.8, units.Meter)
	z.SetPoint = units.Unknown[units.Celsius]("the zone is off", Now())
	z.SetWhy, z.Sentence = "off", "Off. Frost protection stays on at 7 °C."
	h.state.Power = units.Know[units.Watts](25, Now(), units.Estimate)
	z.Power = h.state.Power
	for i := range h.state.Devices[:2] {
		d := &h.state.Devices[i]
		d.Reading.State, d.Reading.Power = device.StatePaused, watts(12, units.Estimate)
	}
	return h
}

// TankAndRoom is a home with a hot-water tank besides the living room.
func TankAndRoom() *Home {
	h := home(units.Meter)
	h.state.Sentence = "Heating. Living room 20.6 °C, hot water 52.4 °C, 3.2 kW."
	h.state.Power = units.Know[units.Watts](3226, Now(), units.Estimate)
	h.state.Zones = append(h.state.Zones, site.ZoneState{
		ID: "tank", Name: "Hot water", Kind: control.Tank, Mode: site.ModeHeat,
		Temp: deg(52.4, units.Meter), Low: deg(41.7, units.Meter),
		SetPoint: units.Know[units.Celsius](55, Now(), units.Chosen), SetWhy: "always", Min: 40, Max: 65, Step: 1,
		Activity: control.Heating, Sentence: "Heating at 2.4 kW: 2.6 K below the set-point.",
		Power: watts(2400, units.Meter), Want: 2400, Today: totals(9.8, 9.6, 0.11, 1, units.Meter), Heaters: []string{"immersion"},
		Schedule: []string{"Always 55.0 °C; the whole cylinder to 60 °C every 7 days"},
	})
	until := Now().Add(3 * time.Hour)
	h.state.Zones[0].Preset, h.state.Zones[0].Until = "boost", &until
	h.state.Devices = append(h.state.Devices, site.DeviceState{
		ID: "immersion", Name: "Immersion heater", Kind: "shelly", Zone: "tank", Role: control.Backup, Online: true,
		Identity: device.Identity{Vendor: "Shelly", Model: "Pro 1PM", Firmware: "1.7.1", Serial: "30C6F7850A64"},
		Reading:  device.Reading{At: Now(), State: device.StateHeating, Power: watts(2400, units.Meter)},
		Caps: &device.Capabilities{
			Verbs: map[device.Verb]device.Cost{device.Run: {Latency: time.Second}, device.Off: {Latency: time.Second}},
			Max:   3000, Work: device.Resistive, WattSource: units.Meter, Limp: device.LimpNone, DeadMan: 5 * time.Minute,
		},
		Work:    device.Resistive,
		Guard:   "Switches itself off within 5 min if Hearth stops.",
		Command: &site.CommandState{At: Now().Add(-time.Hour), Confirmed: true, Demand: device.Demand{Verb: device.Run, Why: "the tank is below its set-point"}},
		Budget:  &control.Budget{Starts: 3, StartsLimit: 48, Since: Now().Add(-time.Hour)}, Limit: 3000,
		Today: totals(9.8, 9.6, 1, 1, units.Meter), Energy: units.Know[units.KilowattHours](220.4, Now(), units.Meter),
	})
	return h
}

// Manual is a workshop with a heater and no thermometer.
func Manual() *Home {
	h := home(units.Meter)
	until := Now().Add(95 * time.Minute)
	h.state.Sentence = "Heating by hand until 20:05. Workshop, 826 W."
	h.state.Zones[0] = site.ZoneState{
		ID: "workshop", Name: "Workshop", Kind: control.Manual, Mode: site.ModeHeat,
		Temp:     units.Unknown[units.Celsius]("this zone has no thermometer", time.Time{}),
		Low:      units.Unknown[units.Celsius]("this zone has no thermometer", time.Time{}),
		SetPoint: units.Unknown[units.Celsius]("a zone without thermometer has no set-point", time.Time{}),
		SetWhy:   "a level set by hand", Until: &until, Activity: control.Heating,
		Sentence: "Avalon Mini 3 at Eco until 20:05.",
		Power:    watts(826, units.Estimate), Want: 800,
		Today:   totals(4.1, 4.1, 0, 1, units.Estimate),
		Heaters: []string{"mini3"},
	}
	h.state.Zones[0].Today.Comfort = units.Unknown[units.Fraction]("this zone has no thermometer", Now())
	h.state.Sensors = h.state.Sensors[1:]
	return h
}

// NoConsent is a real home whose computer has not been allowed to compute.
func NoConsent() *Home {
	h := home(units.Meter)
	h.state.Compute.Allowed = false
	h.state.Compute.Note = "Metered, but it does not compute for heat: nobody has allowed it yet."
	return h
}

// LedgerPaused is a home whose disk is full: heating goes on.
func LedgerPaused() *Home {
	h := home(units.Meter)
	h.state.Ledger.Paused = "The disk is full. Heating goes on; nothing is recorded until there is space."
	h.note(Now().Add(-2*time.Minute), control.Alarm, "ledger", "ledger_paused", "The disk is full: the ledger is paused, heating goes on.")
	return h
}

// Answering is a study heated by its computer, which reads a folder of texts
// meanwhile.
func Answering() *Home {
	h := home(units.Meter)
	now := Now()
	h.state.Sentence = "Heating. Study 20.1 °C, 61 W."
	z := &h.state.Zones[0]
	z.ID, z.Name, z.Heaters = "study", "Study", []string{"computer"}
	z.Temp, z.Power, z.Want = deg(20.1, units.Meter), watts(61, units.PSU), 60
	z.Sentence = "Heating at 61 W: 0.4 K below the set-point."
	z.Today = totals(0.42, 0.42, 0, 1, units.PSU)
	h.state.Power, h.state.Today = z.Power, z.Today
	h.state.Devices = []site.DeviceState{{
		ID: "computer", Name: "This computer", Kind: "computer", Zone: "study", Role: control.Primary, Online: true,
		Identity: device.Identity{Vendor: "Lenovo", Model: "ThinkCentre M75q", Serial: "5f3c90ab"},
		Reading: device.Reading{
			At: now.Add(-2 * time.Second), State: device.StateHeating, Power: watts(61, units.PSU), Work: device.Computing,
			Temps: []device.Temp{{Name: "processor", Kind: device.Chip, Value: deg(64.2, units.Meter)}},
			Done: []device.Output{
				{Unit: "token", Count: units.Know[int64](2_914_530, now, units.Meter)},
				{Unit: "ticket", Count: units.Know[int64](3, now, units.Meter)},
			},
		},
		Caps: &device.Capabilities{
			Verbs: map[device.Verb]device.Cost{device.SetPower: {Latency: 5 * time.Second}, device.Pause: {Latency: time.Second}, device.Run: {Latency: 5 * time.Second}},
			Power: device.Range{Min: 11, Max: 68}, Max: 68, Idle: watts(11, units.PSU), Work: device.Burning, WattSource: units.PSU,
			Limp: device.LimpNone, DeadMan: 2 * time.Minute, Shared: true,
			Notes: []string{"Hearth computes on at most 8 of 16 threads, at the lowest priority, and never on battery."},
		},
		Work: device.Computing,
		Output: []site.OutputState{
			{Unit: "token", Today: units.Know[int64](2_914_530, now, units.Meter), Each: units.Know[units.Joules](0.0172, now, units.PSU)},
			{Unit: "ticket", Today: units.Know[int64](3, now, units.Meter), Each: units.Know[units.Joules](16_900, now, units.PSU)},
		},
		Guard:   "Stops within 2 min if Hearth stops.",
		Command: &site.CommandState{At: now.Add(-20 * time.Minute), Confirmed: true, Demand: device.Demand{Verb: device.SetPower, Power: 60, Why: "0.4 K below the set-point"}},
		Limit:   68, Today: z.Today, Energy: units.Know[units.KilowattHours](3.1, now, units.PSU),
	}}
	return h
}

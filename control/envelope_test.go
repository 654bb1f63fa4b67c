package control_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/control"
	"hearth/device"
	"hearth/heat"
	"hearth/units"
)

// manor is a home with one of everything.
func manor() control.Config {
	return control.Config{
		MaxPower: 4000,
		Zones: []control.Zone{
			{
				ID: "living", Name: "Living room", Kind: control.Room, SetPoint: 21, Load: 1200, DesignOutdoor: -20, Limit: 30,
				Sensor:   control.SensorPolicy{StaleAfter: 5 * time.Minute, FrozenAfter: 6 * time.Hour, Min: -20, Max: 50, OnLoss: control.LossLow},
				Quiet:    []control.Quiet{{From: 22 * 60, To: 6 * 60, MaxLoud: 1, MaxPower: 1500}},
				Schedule: heat.Schedule{Slots: []heat.Slot{{From: 6 * 60, Set: 21, Name: "day"}, {From: 22 * 60, Set: 18, Name: "night"}}},
			},
			{
				ID: "attic", Name: "Attic", Kind: control.Room, SetPoint: 16, Limit: 28,
				Sensor: control.SensorPolicy{OnLoss: control.LossOff},
			},
			{
				ID: "tank", Name: "Hot water", Kind: control.Tank, SetPoint: 52, Limit: 70, FlowMin: 2,
				Legionella: &control.Legionella{Every: 7 * 24 * time.Hour, Reach: 60, Hold: time.Hour, Within: 12 * time.Hour},
			},
			{ID: "shed", Name: "Shed", Kind: control.Manual},
		},
		Heaters: []control.Heater{
			{ID: "mini", Zone: "living", Role: control.Primary, MinOn: 10 * time.Minute, MinOff: 10 * time.Minute, StartsPerDay: 4},
			{ID: "wire", Zone: "living", Role: control.Backup, MinOn: 5 * time.Minute, StartsPerDay: 6},
			{ID: "gpu", Zone: "attic", Role: control.Primary, Limit: 400, StartsPerDay: 6},
			{ID: "tuned", Zone: "tank", Role: control.Primary, Limit: 900, Relay: "plug", FlashPerDay: 2, StartsPerDay: 4},
			{ID: "rod", Zone: "tank", Role: control.Backup, Limit: 2000},
			{ID: "loose", Zone: "tank", Role: control.Primary},
			{ID: "spare", Zone: "shed", Role: control.Primary},
		},
	}
}

func manorMachines() []*machine {
	return []*machine{avalon("mini"), resistive("wire", 1000), gpu("gpu"), tuned("tuned"), resistive("rod", 2000), avalon("loose"), avalon("spare"), plug("plug")}
}

// drawTemp makes a thermometer's reading: mostly sensible, sometimes absent,
// old, from the future, impossible, or far too hot.
func drawTemp(t *rapid.T, name string, now time.Time) units.Known[units.Celsius] {
	at := now
	switch rapid.IntRange(0, 12).Draw(t, name+" kind") {
	case 0:
		return units.Unknown[units.Celsius]("no answer", now)
	case 1:
		return units.Known[units.Celsius]{}
	case 2:
		at = now.Add(-time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, name+" age")))
	case 3:
		at = now.Add(time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, name+" ahead")))
	case 4:
		v := rapid.SampledFrom([]float64{85, -127, -273, 0, 1e9, math.NaN(), math.Inf(1), math.Inf(-1)}).Draw(t, name+" sentinel")
		return units.Know(units.Celsius(v), at, units.Meter)
	}
	return units.Know(units.Celsius(rapid.Float64Range(-5, 90).Draw(t, name)), at, units.Meter)
}

func drawDevice(t *rapid.T, m *machine, now time.Time) control.DeviceSeen {
	switch rapid.IntRange(0, 9).Draw(t, m.id+" kind") {
	case 0:
		return control.DeviceSeen{Failed: rapid.IntRange(0, 5).Draw(t, m.id+" failed")}
	case 1: // has been restarted, and has not told what it can do
		return control.DeviceSeen{Online: true}
	}
	r := device.Reading{At: now, State: rapid.SampledFrom([]device.State{
		device.StateHeating, device.StateHeating, device.StatePaused, device.StateOff, device.StateStarting,
		device.StateTuning, device.StateLimp, device.StateFault, device.StateUnknown, "",
	}).Draw(t, m.id+" state")}
	if rapid.Bool().Draw(t, m.id+" tells") {
		w := rapid.Float64Range(0, 2500).Draw(t, m.id+" power")
		if rapid.IntRange(0, 19).Draw(t, m.id+" absurd") == 0 {
			w = rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), -1, 1e12}).Draw(t, m.id+" nonsense")
		}
		r.Power = units.Know(units.Watts(w), now, units.PSU)
	}
	if rapid.IntRange(0, 3).Draw(t, m.id+" targeted") == 0 {
		r.Target = units.Know(units.Watts(rapid.Float64Range(0, 2500).Draw(t, m.id+" target")), now, units.PSU)
	}
	if rapid.Bool().Draw(t, m.id+" levelled") {
		r.Level = units.Know(rapid.SampledFrom([]string{"eco", "super", "odd"}).Draw(t, m.id+" level"), now, units.PSU)
	}
	if rapid.IntRange(0, 3).Draw(t, m.id+" warm") == 0 {
		r.Temps = []device.Temp{{Name: "chip", Kind: device.Chip, Value: drawTemp(t, m.id+" chip", now)}}
	}
	return control.DeviceSeen{Online: true, HasCaps: true, Caps: m.caps, Reading: r, Failed: rapid.SampledFrom([]int{0, 0, 0, 0, 1, 3}).Draw(t, m.id+" failed")}
}

// drawStep makes the next instant: usually soon, sometimes long after, and
// sometimes before.
func drawStep(t *rapid.T) time.Duration {
	switch rapid.IntRange(0, 11).Draw(t, "step kind") {
	case 0:
		return -time.Duration(rapid.Int64Range(0, int64(100*24*time.Hour)).Draw(t, "back"))
	case 1:
		return time.Duration(rapid.Int64Range(0, int64(100*24*time.Hour)).Draw(t, "leap"))
	case 2, 3:
		return time.Duration(rapid.Int64Range(0, int64(5*time.Hour)).Draw(t, "hours"))
	}
	return time.Duration(rapid.Int64Range(0, int64(3*time.Minute)).Draw(t, "step"))
}

// wish is a person's hand on the dial.
func wish(t *rapid.T, h *control.Home, now time.Time) {
	zone := rapid.SampledFrom([]string{"living", "attic", "tank", "shed", "moon"}).Draw(t, "zone")
	until := now.Add(time.Duration(rapid.Int64Range(-int64(time.Hour), int64(30*time.Hour)).Draw(t, "until")))
	switch rapid.IntRange(0, 6).Draw(t, "wish") {
	case 0:
		_ = h.SetPoint(zone, units.Celsius(rapid.Float64Range(-50, 120).Draw(t, "to")), until, now)
	case 1:
		_ = h.Except(zone, heat.Exception{
			Kind: rapid.SampledFrom([]string{heat.Away, heat.Boost, "odd"}).Draw(t, "exception"),
			From: now, Until: until, Set: units.Celsius(rapid.Float64Range(-50, 120).Draw(t, "to")),
		})
	case 2:
		_ = h.Resume(zone)
	case 3:
		_ = h.SetMode(zone, rapid.Bool().Draw(t, "off"), now)
	case 4:
		_ = h.Manual("shed", "spare", rapid.SampledFrom([]string{"eco", "super", "on", "off", "odd", "9 kW"}).Draw(t, "level"), until, now)
	case 5:
		for _, rule := range []string{control.RuleRoomHot, control.RuleTankHot, control.RuleFlow} {
			_ = h.Clear(rule+"/"+zone, now)
		}
	case 6:
		for _, m := range []string{"mini", "wire", "gpu", "tuned"} {
			_ = h.Clear(control.RuleChipHot+"/"+m, now)
			_ = h.Clear(control.RuleOverPower+"/"+m, now)
			_ = h.Clear(control.RuleDisobeys+"/"+m, now)
		}
	}
}

// auditor checks decisions against the envelope, with its own books.
type auditor struct {
	cfg      control.Config
	machines map[string]*machine
	caps     map[string]bool          // has ever told what it can do
	standing map[string]device.Demand // since the last restart
	running  map[string]bool          // across restarts
	starts   map[string][]time.Duration
	elapsed  time.Duration // never runs backwards
	last     time.Time
}

func newAuditor(cfg control.Config, machines []*machine) *auditor {
	a := &auditor{
		cfg: cfg, machines: map[string]*machine{}, caps: map[string]bool{},
		standing: map[string]device.Demand{}, running: map[string]bool{}, starts: map[string][]time.Duration{},
	}
	for _, m := range machines {
		a.machines[m.id] = m
	}
	return a
}

func heats(d device.Demand) bool {
	return d.Verb != "" && d.Verb != device.Pause && d.Verb != device.Off
}

// power is what a demand makes of a device, as the audit reckons it.
func (a *auditor) power(id string, d device.Demand, r device.Reading) units.Watts {
	switch d.Verb {
	case device.SetPower, device.Retune:
		return d.Power
	case device.SetLevel:
		l, _ := a.machines[id].caps.Level(d.Level)
		w, _ := l.Power.Get()
		return w
	case device.Run:
		if w, ok := r.Target.Get(); ok && w > 0 {
			return w
		}
		return 0 // at most what the heater's own reading says; audited by the reading
	}
	return 0
}

func (a *auditor) audit(obs control.Observation, d control.Decision) error {
	if !a.last.IsZero() && obs.Now.After(a.last) {
		a.elapsed += obs.Now.Sub(a.last)
	}
	a.last = obs.Now
	for id, s := range obs.Devices {
		a.caps[id] = a.caps[id] || s.HasCaps
	}
	trips := map[string]bool{}
	for _, t := range d.Trips {
		trips[t.ID] = true
		if t.Cause == "" || t.Did == "" || t.Clears == "" {
			return fmt.Errorf("trip %s does not explain itself: %+v", t.ID, t)
		}
	}
	frost := func(zone string) bool { return trips[control.RuleFrost+"/"+zone] }

	urgent := map[string]bool{}
	for _, c := range d.Commands {
		h, isHeater := a.heater(c.Device)
		if !isHeater {
			if c.Demand.Verb != device.Run && c.Demand.Verb != device.Off {
				return fmt.Errorf("relay %s told to %s", c.Device, c.Demand.Verb)
			}
			continue
		}
		was := a.running[c.Device]
		a.running[c.Device] = heats(c.Demand)
		a.standing[c.Device] = c.Demand
		if c.Urgent && !heats(c.Demand) {
			urgent[c.Device] = true
		}
		if c.Demand.Why == "" {
			return fmt.Errorf("%s told to %s without a reason", c.Device, c.Demand.Verb)
		}
		if !heats(c.Demand) {
			continue
		}
		seen := obs.Devices[c.Device]
		if !seen.Online || !a.caps[c.Device] {
			return fmt.Errorf("%s told to heat though it does not answer or is not known", c.Device)
		}
		if !a.machines[c.Device].caps.Can(c.Demand.Verb) {
			return fmt.Errorf("%s cannot %s", c.Device, c.Demand.Verb)
		}
		for _, rule := range []string{control.RuleRoomHot, control.RuleTankHot, control.RuleFlow} {
			if trips[rule+"/"+h.Zone] {
				return fmt.Errorf("%s told to heat in spite of %s", c.Device, rule)
			}
		}
		for _, rule := range []string{control.RuleFluidHot, control.RuleChipHot, control.RuleDisobeys, control.RuleOverPower, control.RuleFault} {
			if trips[rule+"/"+c.Device] {
				return fmt.Errorf("%s told to heat in spite of %s", c.Device, rule)
			}
		}
		if c.Device == "loose" {
			return fmt.Errorf("a tank is heated by a device without a dead-man timer")
		}
		limit := h.Limit
		if m := a.machines[c.Device]; limit == 0 && m.caps.DeadMan == 0 && h.Relay == "" {
			limit = control.UnguardedCap
		}
		if p := a.power(c.Device, c.Demand, seen.Reading); limit > 0 && p > limit {
			return fmt.Errorf("%s told to draw %v, over its limit of %v", c.Device, p, limit)
		}
		switch seen.Reading.State {
		case device.StateHeating, device.StateStarting, device.StateTuning, device.StateLimp:
			was = true // it runs already, whoever started it
		}
		if !was {
			a.starts[c.Device] = append(a.starts[c.Device], a.elapsed)
			n := 0
			for _, s := range a.starts[c.Device] {
				if a.elapsed-s < 24*time.Hour {
					n++
				}
			}
			if h.StartsPerDay > 0 && n > h.StartsPerDay && !frost(h.Zone) {
				return fmt.Errorf("%s started %d times in a day, its budget is %d", c.Device, n, h.StartsPerDay)
			}
		}
	}

	var total units.Watts
	anyFrost := false
	for _, h := range a.cfg.Heaters {
		if seen := obs.Devices[h.ID]; seen.Online && seen.HasCaps {
			total += a.power(h.ID, a.standing[h.ID], seen.Reading)
		}
		anyFrost = anyFrost || frost(h.Zone)
	}
	if limit, ok := obs.GridLimit.Get(); ok && !anyFrost && total > max(limit, 0)+1e-6 {
		return fmt.Errorf("told to draw %v, the grid allows %v", total, limit)
	}
	if a.cfg.MaxPower > 0 && total > a.cfg.MaxPower+1e-6 {
		return fmt.Errorf("told to draw %v, the home's cap is %v", total, a.cfg.MaxPower)
	}

	for _, z := range a.cfg.Zones {
		zd, ok := d.Zones[z.ID]
		if !ok || zd.Sentence == "" || zd.Activity == "" {
			return fmt.Errorf("zone %s: no sentence: %+v", z.ID, zd)
		}
		if math.IsNaN(float64(zd.Want)) || math.IsInf(float64(zd.Want), 0) || zd.Want < 0 {
			return fmt.Errorf("zone %s wants %v", z.ID, zd.Want)
		}
		temp, known := obs.Zones[z.ID].Temp.Get()
		sane := known && temp >= z.Sensor.Min && temp <= z.Sensor.Max && obs.Zones[z.ID].Temp.At().Equal(obs.Now)
		if z.Kind == control.Manual || z.Sensor.Max == 0 || !sane || temp <= z.Limit {
			continue
		}
		for _, h := range a.cfg.Heaters {
			if h.Zone != z.ID || urgent[h.ID] {
				continue
			}
			seen := obs.Devices[h.ID]
			stopped := false
			for _, v := range []device.Verb{device.Pause, device.Off} {
				ok, _ := device.Meets(a.machines[h.ID].caps, device.Applied{Verb: v}, seen.Reading)
				stopped = stopped || ok && seen.Online
			}
			if !stopped {
				return fmt.Errorf("%s is at %v, over %v, and %s (%s) is not told to stop at once", z.ID, temp, z.Limit, h.ID, seen.Reading.State)
			}
		}
	}
	return nil
}

func (a *auditor) heater(id string) (control.Heater, bool) {
	for _, h := range a.cfg.Heaters {
		if h.ID == id {
			return h, true
		}
	}
	return control.Heater{}, false
}

// Whatever the sensors say, whatever the devices do, however the clock jumps
// and whatever a person asks: no command leaves the envelope.
func TestEnvelope(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := manor()
		// The auditor must know the sensors' ranges, which default otherwise.
		for i := range cfg.Zones {
			if cfg.Zones[i].Kind == control.Tank {
				cfg.Zones[i].Sensor = control.SensorPolicy{StaleAfter: 10 * time.Minute, Min: 0, Max: 110}
			}
		}
		home, err := control.NewHome(cfg)
		if err != nil {
			t.Fatal(err)
		}
		machines := manorMachines()
		a := newAuditor(cfg, machines)
		now := time.Date(2026, 1, 12, 3, 0, 0, 0, time.UTC)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			obs := control.Observation{
				Now: now, Outdoor: drawTemp(t, "outdoor", now),
				Zones: map[string]control.ZoneSeen{}, Devices: map[string]control.DeviceSeen{},
			}
			for _, z := range cfg.Zones {
				obs.Zones[z.ID] = control.ZoneSeen{Temp: drawTemp(t, z.ID, now), Low: drawTemp(t, z.ID+" low", now)}
			}
			for _, m := range machines {
				obs.Devices[m.id] = drawDevice(t, m, now)
			}
			if rapid.IntRange(0, 3).Draw(t, "grid limited") == 0 {
				obs.GridLimit = units.Know(units.Watts(rapid.Float64Range(-100, 3000).Draw(t, "grid")), now, units.Chosen)
			}
			if rapid.IntRange(0, 3).Draw(t, "wishes") == 0 {
				wish(t, home, now)
			}
			if rapid.IntRange(0, 19).Draw(t, "restart") == 0 {
				home = restarted(t, cfg, home)
				clear(a.standing)
			}
			if err := a.audit(obs, home.Step(obs)); err != nil {
				t.Fatal(err)
			}
			now = now.Add(drawStep(t))
		}
	})
}

// restarted is the home after a restart of Hearth: only its memory is left.
func restarted(t interface{ Fatal(...any) }, cfg control.Config, home *control.Home) *control.Home {
	b, err := json.Marshal(home.Memory())
	if err != nil {
		t.Fatal(err)
	}
	var m control.Memory
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	next, err := control.NewHome(cfg)
	if err != nil {
		t.Fatal(err)
	}
	next.Recall(m)
	return next
}

// The same on a bench where devices answer and can be made to fail: here the
// home really heats, for two days, while levers are pulled at random.
func TestEnvelopeOnTheBench(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cfg, machines := cottage()
		r := newRig(t, cfg, machines...)
		a := newAuditor(cfg, machines)
		living, tank := r.zones["living"], r.zones["tank"]
		living.temp, tank.temp, tank.low, tank.twoNode, tank.metered, tank.flow = 20, 45, 40, true, true, 5
		r.tick = time.Duration(rapid.SampledFrom([]int{10, 60, 300}).Draw(rt, "tick")) * time.Second
		for range 24 {
			m := machines[rapid.IntRange(0, len(machines)-1).Draw(rt, "machine")]
			pulled := rapid.Bool().Draw(rt, "pulled")
			switch rapid.IntRange(0, 13).Draw(rt, "lever") {
			case 0:
				m.unplugged = pulled
			case 1:
				m.lying = pulled
			case 2:
				m.stuck = pulled
			case 3:
				m.fault = map[bool]string{true: "broken"}[pulled]
			case 4:
				m.poolless = pulled
			case 5:
				m.chip = rapid.Float64Range(20, 120).Draw(rt, "chip")
			case 6:
				living.why = map[bool]string{true: "no answer"}[pulled]
			case 7:
				living.temp = rapid.Float64Range(0, 33).Draw(rt, "living")
			case 8:
				tank.temp = rapid.Float64Range(3, 90).Draw(rt, "top")
				tank.low = rapid.Float64Range(3, tank.temp).Draw(rt, "bottom")
			case 9:
				tank.flow = rapid.Float64Range(0, 4).Draw(rt, "flow")
			case 10:
				r.grid = units.Known[units.Watts]{}
				if pulled {
					r.grid = units.Know(units.Watts(rapid.Float64Range(0, 4000).Draw(rt, "grid")), r.now, units.Chosen)
				}
			case 11:
				r.now = r.now.Add(drawStep(rt))
			case 12:
				wish(rt, r.home, r.now)
			case 13:
				r.home = restarted(rt, cfg, r.home)
				clear(a.standing)
			}
			for range 20 {
				r.step()
				if err := a.audit(r.seen, r.last); err != nil {
					rt.Fatal(err)
				}
			}
		}
	})
}

// An unknown temperature is never taken for cold: with no thermometer at all,
// nothing heats but what the policy for a lost sensor says.
func TestUnknownIsNeverCold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := manor()
		home, err := control.NewHome(cfg)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Date(2026, 1, 12, 3, 0, 0, 0, time.UTC)
		machines := manorMachines()
		for range 40 {
			obs := control.Observation{Now: now, Outdoor: drawTemp(t, "outdoor", now), Devices: map[string]control.DeviceSeen{}}
			for _, m := range machines {
				obs.Devices[m.id] = drawDevice(t, m, now)
			}
			d := home.Step(obs)
			for _, c := range d.Commands {
				if c.Device == "plug" || !heats(c.Demand) {
					continue
				}
				if c.Device != "mini" && c.Device != "wire" {
					t.Fatalf("%s told to %s with no temperature known", c.Device, c.Demand.Verb)
				}
				if c.Demand.Level == "super" {
					t.Fatalf("%s told to heat at full with no temperature known", c.Device)
				}
			}
			for _, tr := range d.Trips {
				if tr.Rule == control.RuleFrost {
					t.Fatalf("frost protection on an unknown temperature: %s", tr.Cause)
				}
			}
			now = now.Add(drawStep(t))
		}
	})
}

// The same observations give the same decisions.
func TestDeterminism(t *testing.T) {
	run := func() (all []control.Decision) {
		r := newRig(t, manor(), manorMachines()...)
		r.zones["tank"].metered, r.zones["tank"].flow = true, 5
		r.zones["living"].temp, r.zones["tank"].temp = 17, 40
		for i := range 500 {
			r.zones["living"].temp = 17 + 3*math.Sin(float64(i)/40)
			all = append(all, r.step())
		}
		return all
	}
	opts := cmp.AllowUnexported(units.Known[units.Celsius]{}, units.Known[units.Watts]{})
	if diff := cmp.Diff(run(), run(), opts); diff != "" {
		t.Error(diff)
	}
}

package control_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/control"
	"hearth/device"
	"hearth/units"
)

// cottage is the home of the fault table: a room with a miner behind a relay
// and a resistive backup, a tank with the same, and a shed without a
// thermometer.
func cottage() (control.Config, []*machine) {
	sensor := control.SensorPolicy{StaleAfter: 5 * time.Minute, FrozenAfter: 2 * time.Hour, Min: -20, Max: 50, OnLoss: control.LossLow}
	tank := control.SensorPolicy{StaleAfter: 5 * time.Minute, FrozenAfter: 2 * time.Hour, Min: 0, Max: 110}
	cfg := control.Config{
		Zones: []control.Zone{
			{
				ID: "living", Name: "Living room", Kind: control.Room, SetPoint: 21, Load: 1200, DesignOutdoor: -20, Limit: 30,
				Sensor: sensor, Quiet: []control.Quiet{{From: 22 * 60, To: 6 * 60, MaxLoud: 1}},
			},
			{
				ID: "tank", Name: "Hot water", Kind: control.Tank, SetPoint: 50, Limit: 70, FlowMin: 2, Sensor: tank,
				Legionella: &control.Legionella{Every: 7 * 24 * time.Hour, Reach: 60, Hold: time.Hour, Within: 12 * time.Hour},
			},
			{ID: "shed", Name: "Shed", Kind: control.Manual},
		},
		Heaters: []control.Heater{
			{ID: "mini", Zone: "living", Role: control.Primary, MinOff: 5 * time.Minute, StartsPerDay: 24, Relay: "plug"},
			{ID: "wire", Zone: "living", Role: control.Backup, StartsPerDay: 48},
			{ID: "tuned", Zone: "tank", Role: control.Primary, Relay: "plug2", FlashPerDay: 2},
			{ID: "rod", Zone: "tank", Role: control.Backup},
			{ID: "spare", Zone: "shed", Role: control.Primary},
		},
	}
	return cfg, []*machine{avalon("mini"), resistive("wire", 1000), tuned("tuned"), resistive("rod", 1500), avalon("spare"), plug("plug"), plug("plug2")}
}

// bench is a rig of the cottage with the auditor looking on.
type bench struct {
	*rig
	cfg   control.Config
	audit *auditor
	zone  string   // the zone that matters
	main  *machine // its primary
	aux   *machine // its backup, nil in the shed
}

func newBench(t *testing.T, zone string) *bench {
	cfg, machines := cottage()
	b := &bench{rig: newRig(t, cfg, machines...), cfg: cfg, audit: newAuditor(cfg, machines), zone: zone}
	tank := b.zones["tank"]
	tank.temp, tank.low, tank.twoNode, tank.metered, tank.flow = 66, 64, true, true, 5
	b.zones["living"].temp = 23
	b.outdoor = units.Know(units.Celsius(-10), b.now, units.Meter)
	switch zone {
	case "living":
		b.main, b.aux = b.machine("mini"), b.machine("wire")
	case "tank":
		b.main, b.aux = b.machine("tuned"), b.machine("rod")
	default:
		b.main = b.machine("spare")
	}
	b.now = b.now.Add(9 * time.Hour)
	return b
}

func (b *bench) pass(d time.Duration) {
	b.t.Helper()
	for end := b.now.Add(d); b.now.Before(end); {
		b.step()
		if err := b.audit.audit(b.seen, b.last); err != nil {
			b.t.Errorf("%s: %v", b.now.Format("15:04"), err)
		}
	}
}

// until passes time until it is so.
func (b *bench) until(what string, so func() bool) {
	b.t.Helper()
	for range 300 {
		if so() {
			return
		}
		b.pass(time.Minute)
	}
	b.t.Fatalf("never %s: %s", what, b.last.Zones[b.zone].Sentence)
}

func (b *bench) at(temp, outdoor float64) {
	b.zones["living"].temp = temp
	b.outdoor = units.Know(units.Celsius(outdoor), b.now, units.Meter)
}

func on(m *machine) bool { return m.state == device.StateHeating }

// The states of a home in which each fault strikes.
var states = []struct {
	name, zone string
	enter      func(*bench)
}{
	{"idle", "living", func(b *bench) { b.pass(time.Hour) }},
	{"heating low", "living", func(b *bench) {
		b.at(21, 6)
		b.until("low", func() bool { return on(b.main) && b.main.level == "eco" })
	}},
	{"heating full", "living", func(b *bench) {
		b.at(20.8, -10)
		b.until("full", func() bool { return on(b.main) && b.main.level == "super" })
	}},
	{"duty pause", "living", func(b *bench) {
		b.at(21, 16)
		b.until("running", func() bool { return on(b.main) })
		b.until("pausing", func() bool { return !on(b.main) })
	}},
	{"backup on", "living", func(b *bench) {
		b.at(20.5, -20)
		b.until("on", func() bool { return on(b.main) && on(b.aux) })
	}},
	{"legionella", "tank", func(b *bench) {
		b.home = mustHome(b.t, b.cfg)
		b.zones["tank"].temp, b.zones["tank"].low = 55, 50
		b.until("heating", func() bool { return on(b.main) && on(b.aux) })
	}},
	{"quiet hours", "living", func(b *bench) {
		b.now = b.now.Add(14 * time.Hour)
		b.at(20.8, -10)
		b.until("low", func() bool { return on(b.main) && b.main.level == "eco" })
	}},
	{"manual", "shed", func(b *bench) {
		b.pass(10 * time.Minute)
		if err := b.home.Manual("shed", "spare", "super", b.now.Add(12*time.Hour), b.now); err != nil {
			b.t.Fatal(err)
		}
		b.until("on", func() bool { return on(b.main) })
	}},
	{"off mode", "living", func(b *bench) {
		b.at(15, -10)
		b.pass(10 * time.Minute)
		if err := b.home.SetMode("living", true, b.now); err != nil {
			b.t.Fatal(err)
		}
		b.until("off", func() bool { return !on(b.main) && !on(b.aux) })
	}},
}

func mustHome(t testing.TB, cfg control.Config) *control.Home {
	t.Helper()
	h, err := control.NewHome(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// The faults, each with how it strikes, how long it is watched, and how it is
// mended. One that a zone cannot have says so with only.
var faults = []struct {
	name         string
	strike, mend func(*bench)
	watch        time.Duration
	only         string
}{
	{name: "none", strike: func(*bench) {}, mend: func(*bench) {}},
	{
		name: "sensor lost", strike: func(b *bench) { b.zones[b.zone].why = "the thermometer does not answer" },
		mend: func(b *bench) { b.zones[b.zone].why = "" }, only: "living tank",
	},
	{
		name: "sensor stale", strike: func(b *bench) { b.zones[b.zone].stuckAt = b.now },
		mend: func(b *bench) { b.zones[b.zone].stuckAt = time.Time{} }, only: "living tank",
	},
	{
		name: "sensor frozen", strike: func(*bench) {}, watch: 4 * time.Hour,
		mend: func(b *bench) { b.zones[b.zone].temp += 0.1 }, only: "living tank",
	},
	{
		name: "sensor impossible", strike: func(b *bench) { b.zones[b.zone].temp += 200 },
		mend: func(b *bench) { b.zones[b.zone].temp -= 200 }, only: "living tank",
	},
	{
		name: "too hot", strike: func(b *bench) { b.zones[b.zone].temp += 25 },
		mend: func(b *bench) { b.zones[b.zone].temp -= 25 }, only: "living tank",
	},
	{
		name: "freezing", strike: func(b *bench) { b.zones[b.zone].temp -= 52; b.zones[b.zone].low -= 52 },
		mend: func(b *bench) { b.zones[b.zone].temp += 52; b.zones[b.zone].low += 52 }, only: "tank",
	},
	{
		name: "freezing", strike: func(b *bench) { b.zones[b.zone].temp -= 20 },
		mend: func(b *bench) { b.zones[b.zone].temp += 20 }, only: "living",
	},
	{
		name: "freezing and miner dead", strike: func(b *bench) { b.zones[b.zone].temp -= 20; b.main.unplugged = true },
		mend: func(b *bench) { b.zones[b.zone].temp += 20; b.main.unplugged = false }, only: "living",
	},
	{name: "freezing, then sensor lost", strike: func(b *bench) {
		b.zones[b.zone].temp -= 20
		b.pass(10 * time.Minute)
		b.zones[b.zone].why = "the thermometer does not answer"
	}, mend: func(b *bench) { b.zones[b.zone].temp += 20; b.zones[b.zone].why = "" }, only: "living"},
	{name: "chip hot", strike: func(b *bench) { b.main.chip = 99 }, mend: func(b *bench) { b.main.chip = 60 }, only: "living shed"},
	{name: "fluid hot", strike: func(b *bench) { b.main.fluid = 80 }, mend: func(b *bench) { b.main.fluid = 50 }, only: "living shed"},
	{name: "flow lost", strike: func(b *bench) { b.zones["tank"].flow = 0.1 }, mend: func(b *bench) { b.zones["tank"].flow = 5 }, only: "tank"},
	{name: "flow meter lost", strike: func(b *bench) { b.zones["tank"].noFlow = "no answer" }, mend: func(b *bench) { b.zones["tank"].noFlow = "" }, only: "tank"},
	{name: "miner unplugged", strike: func(b *bench) { b.main.unplugged = true }, mend: func(b *bench) { b.main.unplugged = false }},
	{name: "miner lies", strike: func(b *bench) { b.main.lying = true }, mend: func(b *bench) { b.main.lying = false }},
	{
		name: "miner lies, too hot", strike: func(b *bench) { b.main.lying = true; b.zones[b.zone].temp += 25 },
		mend: func(b *bench) { b.main.lying = false; b.zones[b.zone].temp -= 25 }, only: "living tank",
	},
	{name: "miner draws though off", strike: func(b *bench) { b.main.stuck = true }, mend: func(b *bench) { b.main.stuck = false }},
	{name: "miner faulty", strike: func(b *bench) { b.main.fault = "hash board lost" }, mend: func(b *bench) { b.main.fault = "" }},
	{name: "miner without pool", strike: func(b *bench) { b.main.poolless = true }, mend: func(b *bench) { b.main.poolless = false }},
	{name: "miner hides its power", strike: func(b *bench) { b.main.hidePower = true }, mend: func(b *bench) { b.main.hidePower = false }},
	{name: "backup unplugged", strike: func(b *bench) { b.aux.unplugged = true }, mend: func(b *bench) { b.aux.unplugged = false }, only: "living tank"},
	{name: "backup lies", strike: func(b *bench) { b.aux.lying = true }, mend: func(b *bench) { b.aux.lying = false }, only: "living tank"},
	{name: "backup draws though off", strike: func(b *bench) { b.aux.stuck = true }, mend: func(b *bench) { b.aux.stuck = false }, only: "living tank"},
	{name: "everything unplugged", strike: func(b *bench) {
		for _, m := range b.machines {
			m.unplugged = true
		}
	}, mend: func(b *bench) {
		for _, m := range b.machines {
			m.unplugged = false
		}
	}},
	{
		name: "outdoor unknown", strike: func(b *bench) { b.outdoor = units.Unknown[units.Celsius]("no answer", b.now) },
		mend: func(b *bench) { b.at(b.zones["living"].temp, -10) },
	},
	{
		name: "grid allows nothing", strike: func(b *bench) { b.grid = units.Know(units.Watts(0), b.now, units.Chosen) },
		mend: func(b *bench) { b.grid = units.Known[units.Watts]{} },
	},
	{name: "clock an hour back", strike: func(b *bench) { b.now = b.now.Add(-time.Hour) }, mend: func(b *bench) { b.now = b.now.Add(time.Hour) }},
	{name: "clock a year ahead", strike: func(b *bench) { b.now = b.now.AddDate(1, 0, 0) }, mend: func(b *bench) { b.now = b.now.AddDate(-1, 0, 0) }},
	{name: "Hearth restarts", strike: func(b *bench) { b.home = restarted(b.t, b.cfg, b.home); clear(b.audit.standing) }, mend: func(*bench) {}},
}

// Every fault strikes in every state. The table is written for a person to
// read; what makes each line safe is asserted.
func TestEveryFaultInEveryState(t *testing.T) {
	var out bytes.Buffer
	out.WriteString("Every fault in every state: what control makes of it within 20 minutes, and 20\nminutes after it is mended (or cleared by a person, where that is needed).\n" +
		"A heater stands with what it is told and, where that differs, what it draws.\n")
	for _, state := range states {
		fmt.Fprintf(&out, "\n%s\n", strings.ToUpper(state.name))
		w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "fault\tzone\theaters\ttrips\tafter\theaters\tleft")
		for _, f := range faults {
			if f.only != "" && !strings.Contains(f.only, state.zone) {
				continue
			}
			ok := t.Run(state.name+"/"+f.name, func(t *testing.T) {
				b := newBench(t, state.zone)
				state.enter(b)
				f.strike(b)
				b.pass(max(f.watch, 20*time.Minute))
				b.safe()
				fmt.Fprintf(w, "%s\t%s\t%s\t%s", f.name, b.last.Zones[b.zone].Activity, b.heaters(), b.trips())
				f.mend(b)
				b.pass(5 * time.Minute)
				for _, tr := range b.last.Trips {
					if tr.Latched && tr.Ready {
						if err := b.home.Clear(tr.ID, b.now); err != nil {
							t.Error(err)
						}
					}
				}
				b.pass(15 * time.Minute)
				b.safe()
				fmt.Fprintf(w, "\t%s\t%s\t%s\n", b.last.Zones[b.zone].Activity, b.heaters(), b.trips())
			})
			if !ok {
				fmt.Fprintf(w, "%s\tFAILED\n", f.name)
			}
		}
		w.Flush()
	}
	const golden = "testdata/faults.golden"
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("the table differs (run with -update to accept):\n%s", diff)
	}
}

// heaters says what the zone's heaters are told, and what they draw.
func (b *bench) heaters() string {
	var s []string
	for _, m := range []*machine{b.main, b.aux} {
		if m == nil {
			continue
		}
		told := "none"
		if d, ok := b.audit.standing[m.id]; ok {
			told = words(d)
		}
		text := m.id + " " + strings.TrimPrefix(told, "level ")
		idle, _ := m.caps.Idle.Get()
		if draws := m.draws(); heats(b.audit.standing[m.id]) != (draws > idle) {
			text += fmt.Sprintf(" (%v)", draws)
		}
		s = append(s, text)
	}
	return strings.Join(s, ", ")
}

func (b *bench) trips() string {
	var s []string
	for _, t := range b.last.Trips {
		name := t.Rule
		if t.Subject != b.zone {
			name += " " + t.Subject
		}
		if t.Latched {
			name += "!"
		}
		s = append(s, name)
	}
	if s == nil {
		return "-"
	}
	return strings.Join(s, ", ")
}

// safe asserts what must hold once control has had time to act.
func (b *bench) safe() {
	b.t.Helper()
	var drawn units.Watts
	for _, m := range []*machine{b.main, b.aux} {
		if m != nil {
			drawn += m.draws()
		}
	}
	has := func(rule string) bool {
		return slices.ContainsFunc(b.last.Trips, func(t control.Trip) bool { return t.Rule == rule })
	}
	// A backup without a relay that disobeys can only be told again and again.
	helpless := b.aux != nil && (b.aux.stuck || b.aux.lying) || b.main.stuck && b.main.fedBy == nil || b.main.lying && b.main.fedBy == nil
	p := b.zones[b.zone]
	believed := p.why == "" && p.stuckAt.IsZero()
	zone := b.cfg.Zones[slices.IndexFunc(b.cfg.Zones, func(z control.Zone) bool { return z.ID == b.zone })]
	const idle = 100
	switch {
	case zone.Kind == control.Manual:
	case believed && p.temp > float64(zone.Limit) && p.temp <= float64(zone.Sensor.Max) && drawn > idle && !helpless:
		b.t.Errorf("%.0f °C and still drawing %v", p.temp, drawn)
	case !believed && zone.Kind == control.Tank && drawn > idle && !helpless:
		b.t.Errorf("a tank of unknown temperature draws %v", drawn)
	case !believed && drawn > 500 && !helpless && !b.main.stuck:
		b.t.Errorf("a room of unknown temperature draws %v", drawn)
	case believed && p.temp < float64(zone.Frost) && p.temp > float64(zone.Sensor.Min) && drawn <= idle && !b.aux.unplugged:
		b.t.Errorf("%.0f °C and nothing heats", p.temp)
	}
	if limit, ok := b.grid.Get(); ok && drawn > limit+idle && !has(control.RuleFrost) {
		b.t.Errorf("draws %v, the grid allows %v", drawn, limit)
	}
	for _, m := range []*machine{b.main, b.aux} {
		if m == nil || m.draws() <= m.caps.IdleCeiling() || heats(b.audit.standing[m.id]) || m.unplugged {
			continue
		}
		if !has(control.RuleDisobeys) && !has(control.RuleOverPower) && b.audit.standing[m.id].Verb != "" {
			b.t.Errorf("%s draws %v though told to stop, and no alarm is raised", m.id, m.draws())
		}
	}
	for id, z := range b.last.Zones {
		if z.Sentence == "" {
			b.t.Errorf("zone %s says nothing", id)
		}
	}
}

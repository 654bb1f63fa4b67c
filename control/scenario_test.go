package control_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/control"
	"hearth/device"
	"hearth/heat"
	"hearth/units"
)

var update = flag.Bool("update", false, "rewrite the expected traces")

// A scenario is a text file. Above the line "----" stand the home and what
// happens to it, below what control does about it. Every decision on the way
// is audited against the envelope.
//
//	zone ID room|tank|manual [set 21] [limit 30] [load 1200] [band 0.5] [frost 5] [loss low] [flow 2]
//	     [ahead 1] [legionella EVERY REACH HOLD WITHIN] [slot 06:00=21=day]... [quiet 22:00-06:00=LOUD=WATTS] [two] [frozen 2h]
//	heater ID MACHINE ZONE primary|backup [limit 900] [min-on 10m] [min-off 10m] [starts 12] [flash 2] [relay ID] [chip 90]
//	relay ID
//	max 3000
//	start 2026-01-12T06:00
//
//	0:00 temp ZONE 19.5          0:00 low ZONE 40          0:00 flow ZONE 3
//	0:00 drift ZONE 2.5          (kelvin per hour from now on)
//	0:00 sensor ZONE lost|stale|ok
//	0:00 outdoor -5              0:00 grid 500|none
//	0:00 tariff 0.30 [00:00-06:00=0.15]... | none       0:00 forecast -5|none
//	0:00 past ZONE 6 fits|fools  (days of history: of a room as models have it, or not)
//	0:00 set ZONE 22 [2:00]      0:00 except ZONE away 12 5:00     0:00 resume ZONE
//	0:00 off ZONE                0:00 on ZONE
//	0:00 manual ZONE DEVICE LEVEL 2:00
//	0:00 unplug|plug|lie|obey|stick|release|break|mend|starve|feed DEVICE
//	0:00 chip DEVICE 99          0:00 fluid DEVICE 80
//	0:00 clear TRIP              0:00 clock -2h            0:00 restart            0:00 safe
//	3:00 end
type scenario struct {
	t       *testing.T
	cfg     control.Config
	rig     *rig
	audit   *auditor
	begin   time.Time
	start   time.Time
	skew    time.Duration
	drift   map[string]float64
	machine []*machine
	two     map[string]bool
	flows   map[string]bool
	out     bytes.Buffer

	prices   func(time.Time) float64
	forecast func(time.Time) heat.Inputs

	stood map[string]device.Demand
	acts  map[string]control.Activity
	plans map[string]string
	trips map[string]control.Trip
}

func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			script, want, _ := strings.Cut(string(b), "\n----\n")
			got := play(t, script)
			if *update {
				if err := os.WriteFile(file, []byte(strings.TrimRight(script, "\n")+"\n----\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the trace differs (run with -update to accept):\n%s", diff)
			}
		})
	}
}

func play(t *testing.T, script string) string {
	s := &scenario{
		t: t, start: time.Date(2026, 1, 12, 6, 0, 0, 0, time.UTC), drift: map[string]float64{},
		stood: map[string]device.Demand{}, acts: map[string]control.Activity{}, plans: map[string]string{}, trips: map[string]control.Trip{},
		two: map[string]bool{}, flows: map[string]bool{},
	}
	for i, line := range strings.Split(script, "\n") {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if err := s.line(f); err != nil {
			t.Fatalf("line %d: %s: %v", i+1, line, err)
		}
	}
	return s.out.String()
}

func (s *scenario) line(f []string) error {
	switch f[0] {
	case "zone":
		return s.zone(f[1:])
	case "heater":
		return s.heater(f[1:])
	case "relay":
		s.machine = append(s.machine, plug(f[1]))
		return nil
	case "max":
		s.cfg.MaxPower = units.Watts(number(s.t, f[1]))
		return nil
	case "start":
		var err error
		s.start, err = time.Parse("2006-01-02T15:04", f[1])
		return err
	}
	if s.rig == nil {
		s.rig = newRig(s.t, s.cfg, s.machine...)
		s.rig.now, s.begin = s.start, s.start
		s.audit = newAuditor(s.cfg, s.machine)
		for id, p := range s.rig.zones {
			p.twoNode, p.low = s.two[id], p.temp
			p.metered, p.flow = s.flows[id], 5
		}
	}
	h, m, ok := strings.Cut(f[0], ":")
	if !ok {
		return fmt.Errorf("%q is neither a thing nor a time", f[0])
	}
	to := s.begin.Add(time.Duration(number(s.t, h))*time.Hour + time.Duration(number(s.t, m))*time.Minute)
	for s.rig.now.Add(-s.skew).Before(to) {
		s.step()
	}
	return s.do(f[1], f[2:])
}

func (s *scenario) zone(f []string) error {
	z := control.Zone{ID: f[0], Kind: control.ZoneKind(f[1])}
	z.Name = strings.ToUpper(z.ID[:1]) + z.ID[1:]
	for i := 2; i < len(f); i++ {
		key := f[i]
		switch key {
		case "two":
			s.two[z.ID] = true
			continue
		}
		i++
		v := f[i]
		switch key {
		case "set":
			z.SetPoint = units.Celsius(number(s.t, v))
		case "limit":
			z.Limit = units.Celsius(number(s.t, v))
		case "load":
			z.Load, z.DesignOutdoor = units.Watts(number(s.t, v)), -20
		case "band":
			z.Band = units.Kelvin(number(s.t, v))
		case "ahead":
			z.Shift = units.Kelvin(number(s.t, v))
		case "frost":
			z.Frost = units.Celsius(number(s.t, v))
		case "loss":
			z.Sensor.OnLoss = control.LossAction(v)
		case "frozen":
			z.Sensor.FrozenAfter = span(s.t, v)
		case "flow":
			z.FlowMin = units.LitresPerMinute(number(s.t, v))
			s.flows[z.ID] = true
		case "legionella":
			z.Legionella = &control.Legionella{Every: span(s.t, v), Reach: units.Celsius(number(s.t, f[i+1])), Hold: span(s.t, f[i+2]), Within: span(s.t, f[i+3])}
			i += 3
		case "slot":
			p := strings.Split(v, "=")
			slot := heat.Slot{Set: units.Celsius(number(s.t, p[1])), Name: p[2]}
			if err := slot.From.UnmarshalText([]byte(p[0])); err != nil {
				return err
			}
			z.Schedule.Slots = append(z.Schedule.Slots, slot)
		case "quiet":
			p := strings.Split(v, "=")
			from, to, _ := strings.Cut(p[0], "-")
			q := control.Quiet{MaxLoud: int(number(s.t, p[1])), MaxPower: units.Watts(number(s.t, p[2]))}
			if err := q.From.UnmarshalText([]byte(from)); err != nil {
				return err
			}
			if err := q.To.UnmarshalText([]byte(to)); err != nil {
				return err
			}
			z.Quiet = append(z.Quiet, q)
		default:
			return fmt.Errorf("unknown key %q", key)
		}
	}
	if z.Sensor.StaleAfter == 0 && z.Kind != control.Manual {
		z.Sensor.StaleAfter = 5 * time.Minute
		z.Sensor.Min, z.Sensor.Max = -20, 60
		if z.Kind == control.Tank {
			z.Sensor.Min, z.Sensor.Max = 0, 110
		}
	}
	s.cfg.Zones = append(s.cfg.Zones, z)
	return nil
}

func (s *scenario) heater(f []string) error {
	h := control.Heater{ID: f[0], Zone: f[2], Role: control.Role(f[3])}
	kind, watts, _ := strings.Cut(f[1], ":")
	var m *machine
	switch kind {
	case "avalon":
		m = avalon(h.ID)
	case "bitaxe":
		m = bitaxe(h.ID)
	case "gpu":
		m = gpu(h.ID)
	case "tuned":
		m = tuned(h.ID)
	case "resistive":
		m = resistive(h.ID, units.Watts(number(s.t, watts)))
	default:
		return fmt.Errorf("unknown machine %q", kind)
	}
	s.machine = append(s.machine, m)
	for i := 4; i+1 < len(f); i += 2 {
		v := f[i+1]
		switch f[i] {
		case "limit":
			h.Limit = units.Watts(number(s.t, v))
		case "min-on":
			h.MinOn = span(s.t, v)
		case "min-off":
			h.MinOff = span(s.t, v)
		case "starts":
			h.StartsPerDay = int(number(s.t, v))
		case "flash":
			h.FlashPerDay = int(number(s.t, v))
		case "relay":
			h.Relay = v
		case "chip":
			h.ChipLimit = units.Celsius(number(s.t, v))
		default:
			return fmt.Errorf("unknown key %q", f[i])
		}
	}
	s.cfg.Heaters = append(s.cfg.Heaters, h)
	return nil
}

func (s *scenario) do(verb string, f []string) error {
	r := s.rig
	at := func(i int) time.Time {
		if i >= len(f) {
			return time.Time{}
		}
		h, m, _ := strings.Cut(f[i], ":")
		return s.begin.Add(s.skew + time.Duration(number(s.t, h))*time.Hour + time.Duration(number(s.t, m))*time.Minute)
	}
	num := func(i int) float64 { return number(s.t, f[i]) }
	var err error
	switch verb {
	case "end":
	case "temp":
		r.zones[f[0]].temp = num(1)
		if !r.zones[f[0]].twoNode {
			r.zones[f[0]].low = num(1)
		}
	case "low":
		r.zones[f[0]].low = num(1)
	case "flow":
		r.zones[f[0]].flow = num(1)
	case "drift":
		s.drift[f[0]] = num(1)
	case "sensor":
		p := r.zones[f[0]]
		p.why, p.stuckAt = "", time.Time{}
		switch f[1] {
		case "lost":
			p.why = "the thermometer does not answer"
		case "stale":
			p.stuckAt = r.now
		}
	case "outdoor":
		r.outdoor = units.Know(units.Celsius(num(0)), r.now, units.Meter)
	case "grid":
		r.grid = units.Known[units.Watts]{}
		if f[0] != "none" {
			r.grid = units.Know(units.Watts(num(0)), r.now, units.Chosen)
		}
	case "tariff":
		s.prices = tariff(s.t, f)
	case "forecast":
		if s.forecast = nil; f[0] != "none" {
			at := units.Celsius(num(0))
			s.forecast = func(time.Time) heat.Inputs { return heat.Inputs{Outdoor: at} }
		}
	case "past":
		r.home.Remember(f[0], history(r.now, int(num(1)), f[2] == "fits"))
	case "set":
		err = r.home.SetPoint(f[0], units.Celsius(num(1)), at(2), r.now)
	case "except":
		err = r.home.Except(f[0], heat.Exception{Kind: f[1], From: r.now, Until: at(3), Set: units.Celsius(num(2))})
	case "resume":
		err = r.home.Resume(f[0])
	case "off", "on":
		err = r.home.SetMode(f[0], verb == "off", r.now)
	case "manual":
		err = r.home.Manual(f[0], f[1], f[2], at(3), r.now)
	case "clear":
		err = r.home.Clear(f[0], r.now)
	case "unplug", "plug":
		r.machine(f[0]).unplugged = verb == "unplug"
	case "lie", "obey":
		r.machine(f[0]).lying = verb == "lie"
	case "stick", "release":
		r.machine(f[0]).stuck = verb == "stick"
	case "starve", "feed":
		r.machine(f[0]).poolless = verb == "starve"
	case "break":
		r.machine(f[0]).fault = "hash board lost"
	case "mend":
		r.machine(f[0]).fault = ""
	case "chip":
		r.machine(f[0]).chip = num(1)
	case "fluid":
		r.machine(f[0]).fluid = num(1)
	case "clock":
		d := span(s.t, f[0])
		s.skew += d
		r.now = r.now.Add(d)
	case "restart":
		r.home = restarted(s.t, s.cfg, r.home)
		clear(s.audit.standing)
	case "safe":
		for _, c := range r.home.Safe(r.now, "Hearth stops") {
			r.machine(c.Device).apply(c.Demand, r.now)
			s.printf("%-6s %s: %s", "safe", c.Device, words(c.Demand))
		}
	default:
		return fmt.Errorf("unknown verb %q", verb)
	}
	if err != nil {
		s.printf("%-6s %v", "no", err)
	}
	return nil
}

// step lets a minute pass and writes down what changed.
func (s *scenario) step() {
	r := s.rig
	for id, k := range s.drift {
		r.zones[id].temp += k * r.tick.Hours()
		if !r.zones[id].twoNode {
			r.zones[id].low = r.zones[id].temp
		}
	}
	now := r.now
	if s.prices != nil && r.now.Minute()%15 == 0 {
		r.home.Foresee(outlook(r.now, s.prices, s.forecast))
	}
	d := r.step()
	if err := s.audit.audit(r.seen, d); err != nil {
		s.t.Errorf("%s: %v", now.Format("15:04"), err)
	}
	r.now, now = now, r.now // print with the time of the step
	trips := map[string]control.Trip{}
	for _, t := range d.Trips {
		trips[t.ID] = t
		if _, was := s.trips[t.ID]; !was {
			s.printf("%-6s %s: %s %s %s", "TRIP", t.ID, t.Cause, t.Did, t.Clears)
		} else if t.Ready && !s.trips[t.ID].Ready {
			s.printf("%-6s %s may be cleared", "trip", t.ID)
		}
	}
	for _, e := range d.Events {
		if e.Code != "trip" {
			s.printf("%-6s %s: %s", e.Severity, e.Subject, e.Text)
		}
	}
	s.trips = trips
	for _, c := range d.Commands {
		if c.Demand.Same(s.stood[c.Device]) {
			continue // renewed
		}
		s.stood[c.Device] = c.Demand
		urgent := ""
		if c.Urgent {
			urgent = " at once"
		}
		s.printf("%-6s %s: %s%s (%s)", "do", c.Device, words(c.Demand), urgent, c.Demand.Why)
	}
	for _, z := range s.cfg.Zones {
		if zd := d.Zones[z.ID]; zd.Activity != s.acts[z.ID] {
			s.acts[z.ID] = zd.Activity
			s.printf("%-6s %s: %s. %s", "zone", z.ID, zd.Activity, zd.Sentence)
		}
		if zd := d.Zones[z.ID]; zd.Plan != s.plans[z.ID] {
			s.plans[z.ID] = zd.Plan
			s.printf("%-6s %s: %s", "plan", z.ID, zd.Plan)
		}
	}
	r.now = now
}

func (s *scenario) printf(format string, args ...any) {
	fmt.Fprintf(&s.out, "%s  ", s.rig.now.Format("15:04"))
	fmt.Fprintf(&s.out, format, args...)
	s.out.WriteByte('\n')
}

// tariff reads a price for the day and others for parts of it.
func tariff(t testing.TB, f []string) func(time.Time) float64 {
	if f[0] == "none" {
		return func(time.Time) float64 { return math.NaN() }
	}
	type part struct {
		from, to heat.TimeOfDay
		price    float64
	}
	var parts []part
	for _, word := range f[1:] {
		span, price, _ := strings.Cut(word, "=")
		from, to, _ := strings.Cut(span, "-")
		p := part{price: number(t, price)}
		if err := p.from.UnmarshalText([]byte(from)); err != nil {
			t.Fatal(err)
		}
		if err := p.to.UnmarshalText([]byte(to)); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p)
	}
	usual := number(t, f[0])
	return func(at time.Time) float64 {
		for _, p := range parts {
			if now := heat.Of(at); now >= p.from && now < p.to {
				return p.price
			}
		}
		return usual
	}
}

// history is days of a room whose heater was switched by a thermostat. One
// that fits obeys the model; one that fools it does at first, and then
// somebody airs at whim, and the thermostat makes up for it.
func history(now time.Time, days int, fits bool) []control.Past {
	var past []control.Past
	slow, watts, whim := 20.5, 0.0, uint32(1)
	for i := range days * 96 {
		at := now.Add(time.Duration(i-days*96) * 15 * time.Minute)
		outdoor := 1 + 4*math.Sin(float64(i)/96*2*math.Pi) + 2*math.Sin(float64(i)/77)
		switch air := slow + 0.0008*watts; {
		case air < 20.3:
			watts = 850
		case air > 21.7:
			watts = 0
		}
		slow += (outdoor + 0.032*watts + 3 - slow) / 240
		if !fits && i > days*96/2 {
			if i%30 == 0 {
				whim = whim*1664525 + 1013904223
			}
			watts = float64(whim>>16) / 65536 * 850
			slow = 20.9 + 0.1*float64(i%3) - 0.0008*watts
		}
		past = append(past, control.Past{
			At: at, Outdoor: units.Know(units.Celsius(outdoor), at, units.Meter),
			Temp: units.Know(units.Celsius(slow+0.0008*watts), at, units.Meter),
			Heat: units.Know(units.Watts(watts), at, units.Meter),
		})
	}
	return past
}

func words(d device.Demand) string {
	switch d.Verb {
	case device.SetLevel:
		return "level " + d.Level
	case device.SetPower, device.Retune:
		return fmt.Sprintf("%s %v", d.Verb, d.Power)
	}
	return string(d.Verb)
}

func number(t testing.TB, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func span(t testing.TB, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

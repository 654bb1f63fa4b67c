package computer_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"hearth/device"
	"hearth/device/devicetest"
	"hearth/drivers/computer"
	"hearth/emulate"
	"hearth/units"
)

// machine is a tree of /sys and /proc that a test can change.
type machine struct {
	mu     sync.Mutex
	files  map[string]string
	denied map[string]bool
}

func boot(t *testing.T, name string) *machine {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{files: make(map[string]string), denied: make(map[string]bool)}
	for _, f := range a.Files {
		m.files[f.Name] = string(f.Data)
	}
	return m
}

func (m *machine) set(name, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[name] = text + "\n"
}

// text is what a file holds.
func (m *machine) text(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.files[name]
}

// add raises a counter.
func (m *machine) add(name string, by int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := strconv.ParseInt(strings.TrimSpace(m.files[name]), 10, 64)
	if err != nil {
		panic(err)
	}
	m.files[name] = fmt.Sprintln(n + by)
}

// Open implements [fs.FS].
func (m *machine) Open(name string) (fs.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.denied[name] {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	tree := make(fstest.MapFS)
	for n, text := range m.files {
		tree[n] = &fstest.MapFile{Data: []byte(text)}
	}
	return tree.Open(name)
}

const energy = "sys/class/powercap/intel-rapl:0/energy_uj"

// furnace is a workload that computes nothing and tells what it was allowed.
type furnace struct {
	mu      sync.Mutex
	threads int
	share   func() units.Fraction // while it runs
	runs    int
	fail    error
}

func (f *furnace) Name() string      { return "furnace" }
func (f *furnace) Work() device.Work { return device.Computing }

func (f *furnace) Done() []device.Output { return nil }

func (f *furnace) Run(ctx context.Context, threads int, share func() units.Fraction) error {
	f.mu.Lock()
	f.threads, f.share = threads, share
	f.runs++
	fail := f.fail
	f.mu.Unlock()
	if fail != nil {
		return fail
	}
	<-ctx.Done()
	f.mu.Lock()
	f.share = nil
	f.mu.Unlock()
	return nil
}

// busy is how many threads it keeps busy now.
func (f *furnace) busy() float64 {
	f.mu.Lock()
	share, threads := f.share, f.threads
	f.mu.Unlock()
	if share == nil {
		return 0
	}
	return float64(share()) * float64(threads)
}

func open(t *testing.T, o computer.Options, cfg computer.Config) *computer.Computer {
	t.Helper()
	if o.Threads == 0 {
		o.Threads = 16
	}
	d, err := computer.New(o).Open(t.Context(), func(dst any) error {
		*dst.(*computer.Config) = cfg
		return nil
	}, device.Env{Name: "pc", Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d.(*computer.Computer)
}

func read(t *testing.T, c *computer.Computer) device.Reading {
	t.Helper()
	r, err := c.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func caps(t *testing.T, c *computer.Computer) device.Capabilities {
	t.Helper()
	got, err := c.Capabilities(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func yes() bool { return true }

// Each machine is measured as well as it can be, with nobody's consent.
func TestWhatEachMachineTells(t *testing.T) {
	for _, c := range []struct {
		name, says string // fixture; a part of its notes
		threads    int
		denied     []string
		model      string
		from       units.Provenance
		watts      units.Watts // after 10 s in which package and memory spent 200 J and 20 J, 40 % busy
		parts      string
		temps      string
		max        units.Watts
	}{
		{
			name: "intel", threads: 16, model: "Dell Inc. OptiPlex 7000", from: units.PSU, watts: 22,
			says:  "processor and memory, from its energy counters; the board, drives, fans and the losses of the power supply come on top",
			parts: "processor package 20 W, memory 2 W", temps: "processor 41.0 °C, limit 100.0 °C", max: 65,
		},
		{
			name: "amd", threads: 24, model: "this computer AMD Ryzen 9 5900X 12-Core Processor", from: units.Estimate, watts: 20,
			says:  "Power is that of the processor, from its energy counters",
			parts: "processor package 20 W", temps: "processor 52.0 °C, limit 0.0 °C", max: 115,
		},
		{
			name: "laptop", threads: 8, denied: []string{energy}, model: "this computer 11th Gen Intel(R) Core(TM) i7-1165G7",
			from: units.Estimate, watts: 4.2 + 0.4*(28-4.2), says: "only the administrator may read them: power is an estimate from load",
			parts: "processor, estimated 13.7 W", temps: "processor 55.0 °C, limit 105.0 °C", max: 28,
		},
		{
			name: "vm", threads: 4, model: "this computer Intel(R) Xeon(R) Platinum", from: units.Estimate, watts: 4 + 0.4*16,
			says:  "for a processor of 4 threads that draws 4 W when idle and 20 W when busy",
			parts: "processor, estimated 10.4 W", max: 20,
		},
		{
			name: "pi", threads: 4, model: "this computer Raspberry Pi 4 Model B Rev 1.4", from: units.Estimate, watts: 2.5 + 0.4*4,
			says:  "no energy counters",
			parts: "processor, estimated 4.1 W", temps: "processor 48.3 °C, limit 0.0 °C", max: 6.5,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := boot(t, c.name)
				for _, f := range c.denied {
					m.denied[f] = true
				}
				d := open(t, computer.Options{System: m, Threads: c.threads}, computer.Config{})
				read(t, d)
				for f, by := range map[string]int64{energy: 200e6, "sys/class/powercap/intel-rapl:0:0/energy_uj": 150e6, "sys/class/powercap/intel-rapl:0:1/energy_uj": 20e6} {
					if m.files[f] != "" {
						m.add(f, by)
					}
				}
				// 60 % of a thousand ticks were idle.
				m.set("proc/stat", "cpu  1300 0 600 98550 550 0 0 0 0 0")
				time.Sleep(10 * time.Second)

				r, k := read(t, d), caps(t, d)
				got, known := r.Power.Get()
				if !known || r.Power.From() != c.from || k.WattSource != c.from {
					t.Errorf("power is %v from %v (capabilities: %v), want it from %v", r.Power, r.Power.From(), k.WattSource, c.from)
				}
				if diff := got - c.watts; diff > 0.01 || diff < -0.01 {
					t.Errorf("power is %v, want %v", got, c.watts)
				}
				var parts, temps []string
				for _, p := range r.Parts {
					parts = append(parts, p.Name+" "+p.Power.String())
				}
				for i, temp := range r.Temps {
					if k.Temps[i].Name != temp.Name || temp.Kind != device.Chip {
						t.Errorf("reading and capabilities disagree about %+v and %+v", temp, k.Temps[i])
					}
					temps = append(temps, fmt.Sprintf("%s %v, limit %v", temp.Name, temp.Value, k.Temps[i].Limit))
				}
				if got := strings.Join(parts, ", "); got != c.parts {
					t.Errorf("parts: %s, want %s", got, c.parts)
				}
				if got := strings.Join(temps, "; "); got != c.temps {
					t.Errorf("temperatures: %s, want %s", got, c.temps)
				}
				if notes := strings.Join(k.Notes, "\n"); !strings.Contains(notes, c.says) {
					t.Errorf("notes do not say %q:\n%s", c.says, notes)
				}
				id, err := d.Identify(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if got := id.Vendor + " " + id.Model; got != c.model || id.Simulated {
					t.Errorf("it is %q (simulated: %v), want %q", got, id.Simulated, c.model)
				}
				if len(id.Serial) != 16 || strings.Contains(m.files["etc/machine-id"], id.Serial) {
					t.Errorf("serial %q gives the machine id away, or is none", id.Serial)
				}
				if k.Max != c.max {
					t.Errorf("max is %v, want %v", k.Max, c.max)
				}
				if r.State != device.StatePaused || !strings.Contains(k.WriteGate, "Allow this computer") {
					t.Errorf("without consent it is %s, and the gate says %q", r.State, k.WriteGate)
				}
				if k.DeadMan != 2*time.Minute || k.Limp != device.LimpNone || k.Can(device.Off) || !k.Can(device.SetPower) || !k.Can(device.Pause) {
					t.Errorf("capabilities are %+v", k)
				}
			})
		})
	}
}

func TestEnergyCountersThatStartOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := boot(t, "amd") // the counter ends at 65532610987
		m.set(energy, "65522610987")
		d := open(t, computer.Options{System: m, Threads: 24}, computer.Config{})
		if e, ok := read(t, d).Energy.Get(); !ok || e != 0 {
			t.Errorf("at first, energy is %v", e)
		}
		m.set(energy, "90000000") // 10 J to the end and 90 J after it
		time.Sleep(2 * time.Second)
		r := read(t, d)
		if p, _ := r.Power.Get(); p != 50 {
			t.Errorf("power over the wrap is %v, want 50 W", r.Power)
		}
		if e, _ := r.Energy.Get(); e != 100 {
			t.Errorf("energy over the wrap is %v, want 100 J", r.Energy)
		}

		// A reset of the counter looks like a wrap that spent far too much.
		m.set(energy, "65000000000")
		time.Sleep(2 * time.Second)
		read(t, d)
		m.set(energy, "0")
		time.Sleep(100 * time.Millisecond)
		r = read(t, d)
		if r.Power.From() != units.Estimate || r.Parts[0].Name != "processor, estimated" {
			t.Errorf("after a jump of the counter, power is %v from %v", r.Power, r.Power.From())
		}
		m.add(energy, 30e6)
		time.Sleep(time.Second)
		r = read(t, d)
		if p, _ := r.Power.Get(); p != 30 {
			t.Errorf("after the jump power is %v, want 30 W", r.Power)
		}
		if e, _ := r.Energy.Get(); e != 30 {
			t.Errorf("after the jump energy is %v, want 30 J since", r.Energy)
		}

		// In an hour unobserved the counter may have gone round: nothing is
		// averaged over it, and counting begins anew.
		m.add(energy, 1e6)
		time.Sleep(time.Hour)
		r = read(t, d)
		if p, _ := r.Power.Get(); p != 0 {
			t.Errorf("after an hour power is %v, want that of the last quarter second", r.Power)
		}
		if e, ok := r.Energy.Get(); !ok || e != 0 {
			t.Errorf("after an hour energy is %v, want a new count", r.Energy)
		}
	})
}

func TestAThermometerThatCannotBeRight(t *testing.T) {
	for text, want := range map[string]string{
		"41000": "41.0 °C", "-127000": "which cannot be", "0": "which cannot be", "255000": "which cannot be",
		"": "cannot be read", "warm": "is not a number",
	} {
		synctest.Test(t, func(t *testing.T) {
			m := boot(t, "intel")
			m.set("sys/class/hwmon/hwmon1/temp1_input", text)
			d := open(t, computer.Options{System: m}, computer.Config{})
			if got := read(t, d).Temp(device.Chip); !strings.Contains(got.String(), want) {
				t.Errorf("%q reads as %v, want %q", text, got, want)
			}
		})
	}
}

func TestTheRuleThatPermitsTheCounters(t *testing.T) {
	m := boot(t, "laptop")
	d := open(t, computer.Options{System: m}, computer.Config{})
	if got := d.Permission(); got != "" {
		t.Errorf("the counters can be read, yet it asks for %q", got)
	}
	m.denied[energy] = true
	rule := d.Permission()
	for _, want := range []string{"/etc/udev/rules.d/", `SUBSYSTEM=="powercap"`, "0440", "udevadm trigger", "/sys%p/energy_uj"} {
		if !strings.Contains(rule, want) {
			t.Errorf("the rule lacks %q: %s", want, rule)
		}
	}
	if strings.Contains(rule, "a+r") || strings.Contains(rule, "0444") {
		t.Errorf("the rule opens the counters to everybody: %s", rule)
	}
	if notes := strings.Join(caps(t, d).Notes, "\n"); !strings.Contains(notes, rule) {
		t.Errorf("the notes do not offer the rule:\n%s", notes)
	}
	if got := open(t, computer.Options{System: boot(t, "vm")}, computer.Config{}).Permission(); got != "" {
		t.Errorf("a machine without counters asks for %q", got)
	}
}

func TestItHeatsOnlyWithConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var consent atomic.Bool
		f := &furnace{}
		d := open(t, computer.Options{System: boot(t, "intel"), Allowed: consent.Load, Workload: f}, computer.Config{})
		for _, v := range []device.Demand{{Verb: device.SetPower, Power: 60}, {Verb: device.Run}} {
			if _, err := d.Apply(t.Context(), v); !errors.Is(err, device.ErrRefused) {
				t.Errorf("%s without consent: %v", v.Verb, err)
			}
		}
		if _, err := d.Apply(t.Context(), device.Demand{Verb: device.Pause}); err != nil {
			t.Errorf("pause needs no consent: %v", err)
		}
		if f.runs != 0 {
			t.Error("it computed without consent")
		}

		consent.Store(true)
		if gate := caps(t, d).WriteGate; gate != "" {
			t.Errorf("with consent the gate says %q", gate)
		}
		if _, err := d.Apply(t.Context(), device.Demand{Verb: device.SetPower, Power: 30}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if f.busy() == 0 || f.threads != 8 {
			t.Errorf("it keeps %v of %d threads busy, want some of 8", f.busy(), f.threads)
		}
		if r := read(t, d); r.State != device.StateHeating || r.Target.String() != "30 W" {
			t.Errorf("it is %s at %v", r.State, r.Target)
		}

		consent.Store(false)
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		if f.busy() != 0 {
			t.Error("it goes on after consent was withdrawn")
		}
		r := read(t, d)
		if r.State != device.StatePaused || r.Target.IsKnown() || len(r.Faults) != 0 {
			t.Errorf("after consent was withdrawn it is %s at %v with %v", r.State, r.Target, r.Faults)
		}

		// Consent alone starts nothing.
		consent.Store(true)
		time.Sleep(time.Minute)
		if f.busy() != 0 || f.runs != 1 {
			t.Error("it began by itself when consent came back")
		}
	})
}

func TestItNeverHeatsOnBattery(t *testing.T) {
	const adapter, battery, status = "sys/class/power_supply/AC/online", "sys/class/power_supply/BAT0", "sys/class/power_supply/BAT0/status"
	for _, c := range []struct {
		name    string
		change  func(*machine)
		allowed bool
	}{
		{"on battery", func(*machine) {}, false},
		{"plugged in and charging", func(m *machine) { m.set(adapter, "1"); m.set(status, "Charging") }, true},
		{"plugged in and full", func(m *machine) { m.set(adapter, "1"); m.set(status, "Full") }, true},
		{"plugged in, state unknown", func(m *machine) { m.set(adapter, "1"); m.set(status, "Unknown") }, true},
		{"plugged in, yet emptying", func(m *machine) { m.set(adapter, "1") }, false},
		{"unplugged, state unknown", func(m *machine) { m.set(status, "Unknown") }, false},
		{"no adapter told, state unknown", func(m *machine) { m.set("sys/class/power_supply/AC/type", "Wireless"); m.set(status, "Unknown") }, false},
		{"no adapter told, charging", func(m *machine) { m.set("sys/class/power_supply/AC/type", "Wireless"); m.set(status, "Charging") }, true},
		{"battery taken out", func(m *machine) { m.set(battery+"/present", "0") }, true},
		{"only a mouse's battery", func(m *machine) { m.set(battery+"/scope", "Device") }, true},
		{"a UPS that is emptying", func(m *machine) { m.set(battery+"/type", "UPS") }, false},
		{"no power supplies told", func(m *machine) {
			maps.DeleteFunc(m.files, func(f, _ string) bool { return strings.HasPrefix(f, "sys/class/power_supply") })
		}, true},
		{"the folder cannot be read", func(m *machine) { m.denied["sys/class/power_supply"] = true }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := boot(t, "laptop")
				c.change(m)
				d := open(t, computer.Options{System: m, Allowed: yes, Workload: &furnace{}}, computer.Config{})
				_, err := d.Apply(t.Context(), device.Demand{Verb: device.Run})
				gate := caps(t, d).WriteGate
				if c.allowed && (err != nil || gate != "") {
					t.Errorf("refused: %v; gate %q", err, gate)
				}
				if !c.allowed && (!errors.Is(err, device.ErrRefused) || !strings.Contains(gate, "mains")) {
					t.Errorf("got %v; gate %q", err, gate)
				}
			})
		})
	}

	t.Run("pulling the plug stops it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m, f := boot(t, "laptop"), &furnace{}
			m.set(adapter, "1")
			m.set(status, "Charging")
			d := open(t, computer.Options{System: m, Allowed: yes, Workload: f}, computer.Config{})
			if _, err := d.Apply(t.Context(), device.Demand{Verb: device.Run}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if f.busy() == 0 {
				t.Fatal("it does not compute")
			}
			m.set(adapter, "0")
			m.set(status, "Discharging")
			time.Sleep(2 * time.Second)
			if f.busy() != 0 {
				t.Error("it computes on battery")
			}
		})
	})
}

func TestItStopsWhenTheDemandIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &furnace{}
		d := open(t, computer.Options{System: boot(t, "intel"), Allowed: yes, Workload: f}, computer.Config{})
		demand := device.Demand{Verb: device.SetPower, Power: 20}
		for range 3 {
			if _, err := d.Apply(t.Context(), demand); err != nil {
				t.Fatal(err)
			}
			time.Sleep(caps(t, d).DeadMan - time.Second)
			if f.busy() == 0 {
				t.Fatal("it stopped before its time")
			}
		}
		if f.runs != 1 {
			t.Errorf("renewing the demand started the workload %d times", f.runs)
		}
		time.Sleep(2 * time.Second)
		if f.busy() != 0 {
			t.Error("it goes on without renewal")
		}
		r := read(t, d)
		if r.State != device.StatePaused || len(r.Faults) != 1 || !strings.Contains(r.Faults[0].Text, "not repeated for 2m") {
			t.Errorf("it is %s with faults %v", r.State, r.Faults)
		}
		if _, err := d.Apply(t.Context(), device.Demand{Verb: device.Run}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if r := read(t, d); r.State != device.StateHeating || r.Target.String() != "20 W" || len(r.Faults) != 0 || f.busy() == 0 {
			t.Errorf("run after the stop: %s at %v with %v", r.State, r.Target, r.Faults)
		}
	})
}

// draws makes the energy counter of m run as that of a processor that draws
// some watts for others, and some for each thread that f keeps busy.
func (m *machine) draws(t *testing.T, f *furnace, others, each float64) {
	m.drawsAs(t, f, func() float64 { return others }, each)
}

func (m *machine) drawsAs(t *testing.T, f *furnace, others func() float64, each float64) {
	m.set(energy, "10000000")
	delete(m.files, "sys/class/powercap/intel-rapl:0:1/name")
	const tick = 10 * time.Millisecond
	go func() {
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		for {
			select {
			case <-t.Context().Done():
				return
			case <-ticker.C:
				m.add(energy, int64((others()+each*f.busy())*tick.Seconds()*1e6))
			}
		}
	}()
}

// A processor that draws 9 W without us, and 2.5 W for each thread we keep
// busy, is taught by its meter: whatever was assumed, the demand is met.
func TestSetPowerMeetsItsDemandByMetering(t *testing.T) {
	for _, each := range []float64{2.5, 6, 1.2} {
		synctest.Test(t, func(t *testing.T) {
			m, f := boot(t, "intel"), &furnace{}
			m.draws(t, f, 9, each)
			d := open(t, computer.Options{System: m, Allowed: yes, Workload: f}, computer.Config{})
			for range 6 {
				read(t, d)
				time.Sleep(5 * time.Second)
			}
			k := caps(t, d)
			if idle, _ := k.Idle.Get(); idle < 8.9 || idle > 9.1 || k.Idle.From() != units.PSU {
				t.Errorf("with nothing to do it draws %v (%v), want 9 W, metered", k.Idle, k.Idle.From())
			}

			want := units.Watts(9 + each*5) // five threads of the eight
			apply := func(v device.Verb, p units.Watts) device.Applied {
				t.Helper()
				a, err := d.Apply(t.Context(), device.Demand{Verb: v, Power: min(p, caps(t, d).Power.Max)})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Second)
				return a
			}
			var a device.Applied
			for range 15 {
				a = apply(device.SetPower, want)
				read(t, d)
			}
			r := read(t, d)
			if got, _ := r.Power.Get(); got < want*0.95 || got > want*1.05 {
				t.Errorf("asked for %v, it draws %v", want, got)
			}
			if ok, why := device.Meets(caps(t, d), a, r); !ok {
				t.Errorf("the demand is not met: %s", why)
			}
			if most := caps(t, d).Power.Max; most < units.Watts(9+each*8)*0.9 || most > units.Watts(9+each*8)*1.1 {
				t.Errorf("it thinks it can draw up to %v, the truth is %v", most, 9+each*8)
			}

			// A demand below what others draw leaves nothing to do.
			apply(device.SetPower, 5)
			if f.busy() != 0 {
				t.Errorf("asked for less than the computer draws anyway, it keeps %v threads busy", f.busy())
			}
			apply(device.SetPower, caps(t, d).Power.Max)
			if got := f.busy(); got < 7.9 || got > 8 {
				t.Errorf("at its most it keeps %v threads busy, want 8", got)
			}
			apply(device.Pause, 0)
			if r := read(t, d); f.busy() != 0 || r.State != device.StatePaused {
				t.Errorf("paused, it keeps %v threads busy and is %s", f.busy(), r.State)
			}
		})
	}
}

// What other programs compute heats as well as what we do: while they do enough
// there is nothing left to be done, and when they stop we begin, without being
// told again.
func TestTheDemandStandsWhileOthersCompute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, f := boot(t, "intel"), &furnace{}
		var others atomic.Int64
		others.Store(40)
		m.drawsAs(t, f, func() float64 { return float64(others.Load()) }, 3)
		d := open(t, computer.Options{System: m, Allowed: yes, Workload: f}, computer.Config{})
		seconds := func(n int) {
			for range n / 5 {
				read(t, d)
				time.Sleep(5 * time.Second)
			}
		}
		seconds(30)
		if _, err := d.Apply(t.Context(), device.Demand{Verb: device.SetPower, Power: 25}); err != nil {
			t.Fatal(err)
		}
		seconds(30)
		if f.busy() != 0 {
			t.Errorf("others draw 40 W of 25 W wanted, and it keeps %v threads busy", f.busy())
		}
		others.Store(10)
		seconds(75) // within the dead-man's time
		if p, _ := read(t, d).Power.Get(); p < 23 || p > 27 {
			t.Errorf("when the others stopped it went on to %v, want 25 W", p)
		}
	})
}

// The suite of all drivers, without what needs a network to fail, and without
// the emulator's mark: this computer is real.
func TestConformance(t *testing.T) {
	left := []string{
		"identity is stable and free of addresses", "unplugged is unreachable, plugged is well", "a device that hangs holds nobody",
		"garbage is no reading", "half an answer is no reading", "OK is not success", "watts claim no better source than they have",
		"a restart is not heat", "closing twice is fine",
	}
	for name, start := range map[string]func(t *testing.T, m *machine) *computer.Computer{
		"computing": func(t *testing.T, m *machine) *computer.Computer {
			f := &furnace{}
			m.draws(t, f, 9, 3.5)
			return open(t, computer.Options{System: m, Allowed: yes, Workload: f}, computer.Config{})
		},
		"mining": func(t *testing.T, m *machine) *computer.Computer {
			p := &pit{}
			m.draws(t, &p.furnace, 9, 3.5)
			return open(t, mines(m, p, nil), computer.Config{Work: "sha256"})
		},
	} {
		ran := 0
		for _, c := range devicetest.Checks() {
			if slices.Contains(left, c.Name) {
				continue
			}
			ran++
			t.Run(name+"/"+c.Name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := boot(t, "intel")
					c.Run(t, devicetest.Bench{
						Device:   start(t, m),
						Faults:   emulate.NewFaults(nil),
						Advance:  time.Sleep,
						Now:      time.Now,
						Settings: func() string { return m.text("etc/machine-id") },
						Blind:    func() { m.set("sys/class/hwmon/hwmon1/temp1_input", "-127000") },
					})
				})
			})
		}
		if ran < 10 {
			t.Errorf("%s: only %d checks ran: have they been renamed?", name, ran)
		}
	}
}

func TestClosingEndsTheWork(t *testing.T) {
	f := &furnace{}
	d := open(t, computer.Options{System: boot(t, "intel"), Allowed: yes, Workload: f}, computer.Config{})
	if _, err := d.Apply(t.Context(), device.Demand{Verb: device.Run}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	if f.busy() != 0 {
		t.Error("it computes after it was closed")
	}
	if _, err := d.Apply(t.Context(), device.Demand{Verb: device.Run}); err != nil || f.busy() != 0 {
		t.Errorf("a closed computer computes: %v", err)
	}
}

func TestAWorkloadThatFails(t *testing.T) {
	for name, f := range map[string]computer.Workload{
		"by an error": &furnace{fail: errors.New("out of jobs")},
		"by a panic":  panicking{},
		"by ending":   ending{},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := open(t, computer.Options{System: boot(t, "intel"), Allowed: yes, Workload: f}, computer.Config{})
				if _, err := d.Apply(t.Context(), device.Demand{Verb: device.Run}); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				r := read(t, d)
				if r.State != device.StatePaused || len(r.Faults) != 1 {
					t.Errorf("it is %s with %v", r.State, r.Faults)
				}
			})
		})
	}
}

type panicking struct{}

func (panicking) Run(context.Context, int, func() units.Fraction) error { panic("bad job") }
func (panicking) Name() string                                          { return "panicking" }
func (panicking) Done() []device.Output                                 { return nil }
func (panicking) Work() device.Work                                     { return device.Computing }

type ending struct{}

func (ending) Run(context.Context, int, func() units.Fraction) error { return nil }
func (ending) Name() string                                          { return "ending" }
func (ending) Done() []device.Output                                 { return nil }
func (ending) Work() device.Work                                     { return device.Computing }

func TestConfigurationsThatCannotBe(t *testing.T) {
	for _, cfg := range []computer.Config{{Threads: 9}, {Threads: -1}, {Power: -5}, {Power: 1e6}} {
		_, err := computer.New(computer.Options{System: boot(t, "intel"), Threads: 16}).Open(t.Context(), func(dst any) error {
			*dst.(*computer.Config) = cfg
			return nil
		}, device.Env{Name: "pc", Log: slog.Default(), Now: time.Now})
		if err == nil {
			t.Errorf("%+v was taken", cfg)
		}
	}
	for logical, want := range map[int]int{1: 1, 2: 1, 3: 1, 5: 2, 16: 8} {
		synctest.Test(t, func(t *testing.T) {
			f := &furnace{}
			d := open(t, computer.Options{System: boot(t, "vm"), Threads: logical, Allowed: yes, Workload: f}, computer.Config{})
			if _, err := d.Apply(t.Context(), device.Demand{Verb: device.Run}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if f.threads != want {
				t.Errorf("of %d threads it takes %d, want %d", logical, f.threads, want)
			}
		})
	}
	d := open(t, computer.Options{System: boot(t, "vm"), Threads: 4}, computer.Config{Power: 33})
	if got := caps(t, d).Max; got != 33 {
		t.Errorf("the owner says 33 W, the capabilities %v", got)
	}
	for _, p := range []units.Watts{-1, 5000, units.Watts(math.NaN()), units.Watts(math.Inf(1))} {
		d := open(t, computer.Options{System: boot(t, "vm"), Allowed: yes, Workload: &furnace{}}, computer.Config{})
		if _, err := d.Apply(t.Context(), device.Demand{Verb: device.SetPower, Power: p}); !errors.Is(err, device.ErrUnsupported) {
			t.Errorf("%v: %v", p, err)
		}
	}
	for _, v := range []device.Verb{device.Off, device.SetLevel, device.Retune, "sing"} {
		if _, err := d.Apply(t.Context(), device.Demand{Verb: v}); !errors.Is(err, device.ErrUnsupported) {
			t.Errorf("%s: %v", v, err)
		}
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, computer.Options{System: boot(t, "intel")}, computer.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := d.Read(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestGraphicsCardsAreCounted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for nvidia-smi is a shell script")
	}
	dir := t.TempDir()
	answer, program := filepath.Join(dir, "answer"), filepath.Join(dir, "nvidia-smi")
	say := func(text string) {
		t.Helper()
		if err := os.WriteFile(answer, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(program, []byte("#!/bin/sh\ncat "+answer+"\ntest -s "+answer+" || exit 9\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	say("GPU-aa, 120.50, 350.00, 61, NVIDIA GeForce RTX 3090\nGPU-bb, [N/A], [N/A], 40, NVIDIA T400\n")
	m := boot(t, "vm") // its load stands still: 4 W, idle
	d := open(t, computer.Options{System: m, Threads: 4, NvidiaSMI: program}, computer.Config{})

	m.set("proc/stat", "cpu  1000 0 500 98000 500 0 0 0 0 0")
	done := make(chan bool)
	go func() { // the load's counter moves on while Read waits
		defer close(done)
		time.Sleep(100 * time.Millisecond)
		m.set("proc/stat", "cpu  1000 0 500 99000 500 0 0 0 0 0")
	}()
	r := read(t, d)
	<-done
	if p, ok := r.Power.Get(); !ok || p != 124.5 || r.Power.From() != units.Estimate {
		t.Errorf("power is %v from %v, want 4 W of the processor and 120.5 W of the card", r.Power, r.Power.From())
	}
	if len(r.Temps) != 2 || r.Temps[0].Value.String() != "61.0 °C" || r.Temps[1].Name != "NVIDIA T400 (1)" {
		t.Errorf("temperatures are %v", r.Temps)
	}
	k := caps(t, d)
	if k.Max != 20+350 || !slices.ContainsFunc(k.Notes, func(n string) bool { return strings.Contains(n, "NVIDIA T400 does not tell what it draws") }) {
		t.Errorf("max %v, notes %v", k.Max, k.Notes)
	}

	say("") // the driver is gone: the card may still draw
	if r := read(t, d); r.Power.IsKnown() || len(r.Temps) != 0 {
		t.Errorf("without an answer of nvidia-smi, power is %v, temperatures %v", r.Power, r.Temps)
	}
	if notes := strings.Join(caps(t, d).Notes, "\n"); !strings.Contains(notes, "does not answer") {
		t.Errorf("notes do not tell of the trouble:\n%s", notes)
	}
}

// The computer that runs the tests, whatever it is, can be read.
func TestThisVeryComputer(t *testing.T) {
	d, err := computer.New(computer.Options{}).Open(t.Context(), nil, device.Env{Name: "pc", Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	id, err := d.Identify(t.Context())
	if err != nil || id.Model == "" || id.Serial == "" {
		t.Errorf("it is %+v, %v", id, err)
	}
	k, err := d.Capabilities(t.Context())
	if err != nil || k.Power.Max <= k.Power.Min || k.Max <= 0 {
		t.Errorf("it can %+v, %v", k, err)
	}
	r, err := d.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := r.Power.Get(); !ok || p < 0 || p > 5000 {
		t.Errorf("it draws %v", r.Power)
	}
}

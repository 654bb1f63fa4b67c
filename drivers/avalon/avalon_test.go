package avalon_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"hearth/device"
	"hearth/device/devicetest"
	"hearth/drivers/avalon"
	emulated "hearth/emulate/avalon"
	"hearth/units"
)

// canned answers each command with a fixed string or row, as a recording does.
type canned map[string]any

// Serve implements [devicetest.Server].
func (c canned) Serve(ctx context.Context, l net.Listener) error {
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	for {
		conn, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		var in struct{ Command, Parameter string }
		if json.NewDecoder(conn).Decode(&in) == nil {
			_, _ = conn.Write(append(c.answer(in.Command), 0))
		}
		_ = conn.Close()
	}
}

func (c canned) answer(command string) []byte {
	status := map[string]any{"STATUS": "S", "When": 1753434816, "Code": 70, "Msg": "fine"}
	out := map[string]any{"id": 1}
	switch v := c[command].(type) {
	case nil:
		status["STATUS"], status["Code"], status["Msg"] = "E", 14, "Invalid command"
	case string:
		if command == "ascset" {
			status["STATUS"], status["Code"], status["Msg"] = "I", 118, "ASC 0 set info: "+v
		} else {
			out["STATS"] = []any{map[string]any{"STATS": 0, "MM ID0": v}}
		}
	default:
		out[strings.ToUpper(command)] = []any{v}
	}
	out["STATUS"] = []any{status}
	b, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	return b
}

func version(prod, model string) map[string]any {
	return map[string]any{"PROD": prod, "MODEL": model, "LVERSION": "25052801_14a19a2", "MAC": "E0E1A9000001", "DNA": "0201"}
}

const help = "help|voltage|workmode|worklevel|work_mode_lvl|reboot|softoff|softon|"

// Recorded statistics, shortened, and what they mean. The recordings are of
// public projects; the words of the last column are of a reading.
func TestStatisticsMeanWhatTheyMean(t *testing.T) {
	const known, unknown = "", "?"
	for _, c := range []struct {
		name, prod, model, stats string
		state                    device.State
		watts                    units.Watts // 0: unknown
		level                    string      // "?": unknown
		temps                    string      // known ones
	}{
		{
			"a Q at work", "Avalon Q", "Q",
			"'STATS':{Ver[Q-25052801] SYSTEMSTATU[Work: In Work, Hash Board: 1] Elapsed[3600] ITemp[24] HBITemp[45] HBOTemp[48] TMax[65] TAvg[60] PS[0 1221 2421 66 1598 2422 1670] GHSspd[90000.00] GHSmm[0] WORKMODE[2] WORKLEVEL[0] ADJ[1]}",
			device.StateHeating, 1670, "super", "air in 24.0 °C, board in 45.0 °C, board out 48.0 °C, hottest chip 65.0 °C, chips 60.0 °C",
		},
		{
			"an idle Q: 146 W, not 0 W and not 2245 W", "Avalon Q", "Q",
			"'STATS':{Ver[Q-25052801] SYSTEMSTATU[Work: In Idle, Hash Board: 1] Elapsed[37850] ITemp[26] HBITemp[27] HBOTemp[27] TMax[0] TAvg[0] PS[0 1222 4 0 0 2245 146] GHSspd[0.00] GHSmm[55032.79] WORKMODE[0] WORKLEVEL[0] ADJ[1]}",
			device.StatePaused, 146, "eco", "air in 26.0 °C, board in 27.0 °C, board out 27.0 °C",
		},
		{
			"a Nano 3s, whose fifth figure is always 0", "Avalon Nano3s", "nano3s",
			"Ver[Nano3s-25021401] SYSTEMSTATU[Work: In Work, Hash Board: 1] Elapsed[10027] ITemp[-273] OTemp[65] TMax[95] TAvg[90] PS[0 0 27541 4 0 3756 133] GHSspd[6598.84] WORKMODE[2] WORKLEVEL[0] ADJ[1]",
			device.StateHeating, 133, "high", "air out 65.0 °C, hottest chip 95.0 °C, chips 90.0 °C",
		},
		{
			"a Nano 3 with another order of figures", "Avalonnano", "nano3",
			"HashStatus[1] Ver[nano3-25103101] SYSTEMSTATU[Work: In Work, Hash Board: 1] Elapsed[40600] Temp[54] OTemp[46] TMax[95] TAvg[91] GHSspd[4115.12] PS[0 0 0 4 2756 126 330] WORKLEVEL[2]",
			device.StateHeating, 0, "high", "board 54.0 °C, air out 46.0 °C, hottest chip 95.0 °C, chips 91.0 °C",
		},
		{
			"a Mini 3 that heats by its own thermostat", "Mini3", "Mini3",
			"'STATS':{Ver[Mini3-25] SYSTEMSTATU[Work: In Work, Hash Board: 1] Elapsed[3600] ITemp[20] HBTemp[-273] TMax[80] TAvg[75] PS[0 1218 2091 36 755 2090 839] GHSspd[39000] WORKMODE[0] WORKLEVEL[0] ADJ[1]}",
			device.StateHeating, 839, unknown, "air in 20.0 °C, hottest chip 80.0 °C, chips 75.0 °C",
		},
		{
			"a Mini 3 that calibrates", "Mini3", "Mini3",
			"'STATS':{Ver[Mini3-25] SYSTEMSTATU[Work: In Work, Hash Board: 1] Elapsed[3600] PS[0 1218 2091 36 755 2090 839] GHSspd[9000] WORKMODE[1] WORKLEVEL[-1] ADJ[0] BAR[50]}",
			device.StateTuning, 839, "eco", known,
		},
		{
			"long up, at work and hashing nothing", "Avalon Q", "Q",
			"'STATS':{Ver[Q-25] SYSTEMSTATU[Work: In Work, Hash Board: 1] Elapsed[3600] PS[0 1221 4 0 0 2245 150] GHSspd[0.00] WORKMODE[1] WORKLEVEL[0] ADJ[1]}",
			device.StateLimp, 150, "standard", known,
		},
		{
			"just up and hashing nothing", "Avalon Q", "Q",
			"'STATS':{Ver[Q-25] SYSTEMSTATU[Work: In Work, Hash Board: 1] Elapsed[60] PS[0 1221 4 0 0 2245 150] GHSspd[0.00] WORKMODE[9] ADJ[1]}",
			device.StateStarting, 150, unknown, known,
		},
		{
			"a power supply at fault", "Avalon Q", "Q",
			"'STATS':{Ver[Q-25] SYSTEMSTATU[Work: In Work, Hash Board: 1] Elapsed[3600] PS[17 1221 4 0 0 2245 0] GHSspd[0.00] WORKMODE[1] ADJ[1]}",
			device.StateFault, 0, "standard", known,
		},
		{
			"six figures only, and a hash rate that is none", "Avalon Q", "Q",
			"'STATS':{Ver[Q-25] SYSTEMSTATU[Work: In Work, Hash Board: 1] Elapsed[x] ITemp[999] PS[0 1217 1279 221 2834 1280] GHSspd[nan] WORKMODE[1.5] ADJ[1]}",
			device.StateUnknown, 0, unknown, known,
		},
		{
			"a word that nobody knows", "Avalon Q", "Q",
			"'STATS':{Ver[Q-25] SYSTEMSTATU[Work: In Trouble] Elapsed[3600] PS[0 1221 4 0 0 2245 150] GHSspd[0.00]}",
			device.StateUnknown, 150, unknown, known,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			address := devicetest.Serve(t, canned{"version": version(c.prod, c.model), "ascset": help, "estats": c.stats})
			r, err := open(t, address, start).Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if r.State != c.state {
				t.Errorf("state %s, want %s", r.State, c.state)
			}
			if w, ok := r.Power.Get(); w != c.watts || ok != (c.watts != 0) {
				t.Errorf("power %v, want %v", r.Power, c.watts)
			} else if ok && r.Power.From() != units.PSU {
				t.Errorf("power from %v", r.Power.From())
			}
			if l, ok := r.Level.Get(); ok != (c.level != unknown) || ok && l != c.level {
				t.Errorf("level %v, want %s", r.Level, c.level)
			}
			var temps []string
			for _, x := range r.Temps {
				if v, ok := x.Value.Get(); ok {
					temps = append(temps, fmt.Sprintf("%s %v", x.Name, v))
				}
			}
			if got := strings.Join(temps, ", "); got != c.temps {
				t.Errorf("temperatures %s\nwant         %s", got, c.temps)
			}
			if r.Pool.IsKnown() || r.Energy.IsKnown() || r.Target.IsKnown() {
				t.Errorf("what is not told is known: %v %v %v", r.Pool, r.Energy, r.Target)
			}
		})
	}
}

func TestStatisticsThatAreNoneAreGarbage(t *testing.T) {
	for _, s := range []string{
		"", "Ver[", "hello", "Ver[Q-25] PS[0 1 2 3 4 5 6]",
		"'STATS':{Ver[Q-25] SYSTEMSTATU[Work: In Work] GHSspd[1] PS[0 1221 2421 66 15",
	} {
		address := devicetest.Serve(t, canned{"version": version("Avalon Q", "Q"), "ascset": help, "estats": s})
		if r, err := open(t, address, start).Read(t.Context()); !errors.Is(err, device.ErrGarbage) {
			t.Errorf("%q: %+v, %v", s, r, err)
		}
	}
}

// Other miners of Canaan are read and never set; other devices are refused.
func TestWhoIsAnAvalon(t *testing.T) {
	const stats = "Ver[1466-1] SYSTEMSTATU[Work: In Work, Hash Board: 3] Elapsed[3600] TMax[80] PS[0 1209 1187 297 3526 1188 3731] GHSspd[150000] WORKMODE[1] ADJ[1]"
	big := open(t, devicetest.Serve(t, canned{"version": version("AvalonMiner 1466", "1466"), "ascset": help, "estats": stats}), start)
	c, err := big.Capabilities(t.Context())
	if err != nil || len(c.Verbs) != 0 || len(c.Notes) == 0 {
		t.Errorf("%+v, %v", c.Verbs, err)
	}
	r, err := big.Read(t.Context())
	if err != nil || r.Level.IsKnown() {
		t.Errorf("%+v, %v", r, err)
	}
	if w, _ := r.Power.Get(); w != 3731 {
		t.Errorf("power %v", r.Power)
	}
	ant := devicetest.Serve(t, canned{"version": map[string]any{"BMMiner": "2.0.0", "API": "3.1", "Type": "Antminer S19"}})
	if id, err := avalon.Probe(t.Context(), ant); !errors.Is(err, device.ErrGarbage) {
		t.Errorf("an Antminer is %+v, %v", id, err)
	}
	none := devicetest.Serve(t, canned{})
	if id, err := avalon.Probe(t.Context(), none); !errors.Is(err, device.ErrUnsupported) {
		t.Errorf("a device without version is %+v, %v", id, err)
	}
}

func TestProbeTellsTheMiner(t *testing.T) {
	for model, want := range map[emulated.Model]device.Identity{
		emulated.Nano3:  {Vendor: "Canaan", Model: "Avalon Nano 3", Firmware: "24071801_42c628d", Serial: "e0e1a9000003", Simulated: true},
		emulated.Nano3s: {Vendor: "Canaan", Model: "Avalon Nano 3s", Firmware: "25021401_56abae7", Serial: "e0e1a9000035", Simulated: true},
		emulated.Mini3:  {Vendor: "Canaan", Model: "Avalon Mini 3", Firmware: "25021401_56abae7", Serial: "e0e1a9000033", Simulated: true},
		emulated.Q:      {Vendor: "Canaan", Model: "Avalon Q", Firmware: "25052801_14a19a2", Serial: "e0e1a9000051", Simulated: true},
	} {
		m := newMiner(t, emulated.Config{Model: model})
		if got, err := avalon.Probe(t.Context(), m.address); err != nil || got != want {
			t.Errorf("%s: %+v, %v", model, got, err)
		}
	}
}

// The Nanos answer "Unknown option: softoff": that is not offered, and a person
// is told what to do.
func TestTheNanosCannotPause(t *testing.T) {
	for _, model := range []emulated.Model{emulated.Nano3, emulated.Nano3s} {
		m := newMiner(t, emulated.Config{Model: model})
		c, err := m.Capabilities(t.Context())
		if err != nil || c.Can(device.Pause) || c.Can(device.Run) || !c.Can(device.SetLevel) {
			t.Errorf("%s: %v, %v", model, c.Verbs, err)
		}
		if notes := strings.Join(c.Notes, " "); !strings.Contains(notes, "relay") {
			t.Errorf("%s: notes %q", model, notes)
		}
		if _, err := m.Apply(t.Context(), device.Demand{Verb: device.Pause}); !errors.Is(err, device.ErrUnsupported) {
			t.Errorf("%s: %v", model, err)
		}
	}
}

// The Mini 3 comes in its own Heating mode; a level moves it to Mining.
func TestTheMini3IsDrivenInMining(t *testing.T) {
	m := newMiner(t, emulated.Config{Model: emulated.Mini3})
	r, err := m.Read(t.Context())
	if err != nil || r.Level.IsKnown() || !strings.Contains(r.Level.Why(), "Heating") {
		t.Errorf("%v, %v", r.Level, err)
	}
	a, err := m.Apply(t.Context(), device.Demand{Verb: device.SetLevel, Level: "super"})
	if err != nil || !a.Flash {
		t.Fatalf("%+v, %v", a, err)
	}
	m.pass(3 * time.Minute)
	r, err = m.Read(t.Context())
	if l, _ := r.Level.Get(); err != nil || l != "super" || r.State != device.StateHeating {
		t.Errorf("%s %v, %v", r.State, r.Level, err)
	}
}

// Commands that follow each other faster than the miner obeys: the last counts.
func TestTheLastCommandCounts(t *testing.T) {
	run, pause, eco := device.Demand{Verb: device.Run}, device.Demand{Verb: device.Pause}, device.Demand{Verb: device.SetLevel, Level: "eco"}
	for _, c := range []struct {
		name   string
		orders []device.Demand
		gap    time.Duration
		want   device.State
	}{
		{"pause, run", []device.Demand{pause, run}, time.Second, device.StateHeating},
		{"pause, level", []device.Demand{pause, eco}, 2 * time.Second, device.StateHeating},
		{"pause, run, pause", []device.Demand{pause, run, pause}, time.Second, device.StatePaused},
		{"pause, run, pause, run", []device.Demand{pause, run, pause, run}, 0, device.StateHeating},
		{"pause thrice", []device.Demand{pause, pause, pause}, 4 * time.Second, device.StatePaused},
		{"run while it runs, pause", []device.Demand{run, pause}, 0, device.StatePaused},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMiner(t, emulated.Config{Model: emulated.Q, ClockOff: 90 * time.Second})
			for _, d := range c.orders {
				if _, err := m.Apply(t.Context(), d); err != nil {
					t.Fatal(err)
				}
				m.pass(c.gap)
			}
			m.pass(5 * time.Minute)
			r, err := m.Read(t.Context())
			if err != nil || r.State != c.want {
				t.Errorf("%s, %v; want %s", r.State, err, c.want)
			}
		})
	}
}

// A driver that is new to a miner which somebody else has told to go off soon
// makes sure of its own command.
func TestSomebodyElsesSoftOff(t *testing.T) {
	m := newMiner(t, emulated.Config{Model: emulated.Q})
	if _, err := m.Apply(t.Context(), device.Demand{Verb: device.Pause}); err != nil {
		t.Fatal(err)
	}
	m.pass(time.Second)
	other := open(t, m.address, m.clock.Now)
	if _, err := other.Apply(t.Context(), device.Demand{Verb: device.Run}); err != nil {
		t.Fatal(err)
	}
	m.pass(5 * time.Minute)
	if r, err := other.Read(t.Context()); err != nil || r.State != device.StateHeating {
		t.Errorf("%s, %v", r.State, err)
	}
}

// The idle draw is learned by looking, and taken from a recording before.
func TestTheIdleDrawIsLearned(t *testing.T) {
	m := newMiner(t, emulated.Config{Model: emulated.Q, Idle: 17})
	idle := func() units.Known[units.Watts] {
		t.Helper()
		c, err := m.Capabilities(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c.Idle
	}
	if w, _ := idle().Get(); w != 146 || idle().From() != units.Estimate {
		t.Errorf("before: %v from %v", idle(), idle().From())
	}
	if _, err := m.Apply(t.Context(), device.Demand{Verb: device.Pause}); err != nil {
		t.Fatal(err)
	}
	m.pass(time.Minute)
	if _, err := m.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w, _ := idle().Get(); w != 17 || idle().From() != units.PSU {
		t.Errorf("after: %v from %v", idle(), idle().From())
	}
}

// Another miner behind the address is met anew, and not taken for the first.
func TestAnotherMinerAtTheAddress(t *testing.T) {
	box := canned{
		"version": version("Avalon Q", "Q"), "ascset": help,
		"estats": "Ver[Q-1] DNA[0201] SYSTEMSTATU[Work: In Work] PS[0 1 2 3 4 5 800] GHSspd[1] WORKMODE[0]",
	}
	address := devicetest.Serve(t, box)
	m := open(t, address, start)
	if _, err := m.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := version("Avalon Nano3s", "nano3s")
	other["DNA"] = "0202"
	box["version"], box["ascset"] = other, "help|workmode|"
	box["estats"] = "Ver[nano3s-1] DNA[0202] SYSTEMSTATU[Work: In Work] PS[0 1 2 3 4 5 130] GHSspd[1] WORKMODE[2]"
	r, err := m.Read(t.Context())
	if l, _ := r.Level.Get(); err != nil || l != "high" {
		t.Errorf("%v, %v", r.Level, err)
	}
	if c, err := m.Capabilities(t.Context()); err != nil || c.Can(device.Pause) || c.Max > 200 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestBlinkShowsAndPutsBack(t *testing.T) {
	m := newMiner(t, emulated.Config{Model: emulated.Nano3s})
	before := m.Settings()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Blink(ctx) }()
	for m.Settings() == before && len(done) == 0 {
		time.Sleep(time.Millisecond) // until the light changes
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := m.Settings(); got != before {
		t.Errorf("%s became %s", before, got)
	}
	q := newMiner(t, emulated.Config{Model: emulated.Q})
	if err := q.Blink(t.Context()); !errors.Is(err, device.ErrUnsupported) {
		t.Errorf("a Q blinks: %v", err)
	}
}

func TestTheKindOpensFromConfiguration(t *testing.T) {
	k := avalon.Kind()
	d, err := k.Open(t.Context(), func(v any) error { v.(*avalon.Config).Address = "192.0.2.1"; return nil }, device.Env{Name: "study"})
	if err != nil || d.Close() != nil || k.Name() != "avalon" {
		t.Errorf("%v, %v", d, err)
	}
	if _, err := k.Open(t.Context(), nil, device.Env{Name: "study"}); err == nil || !strings.Contains(err.Error(), "study") {
		t.Errorf("without an address: %v", err)
	}
}

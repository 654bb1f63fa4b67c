package avalon

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/device"
	"hearth/drivers/internal/cgminer"
	"hearth/units"
)

// Config is how to reach one miner.
type Config struct {
	// Address is a host name or IP, with a port if it is not 4028.
	Address string `yaml:"address"`
	// User and Password are the login of the miner's own page, which it asks for
	// when its pools are set and for nothing else. Password is a reference
	// ("file:…"); empty is what the factory set, admin and admin.
	User     string `yaml:"user"`
	Password string `yaml:"password"`
}

// Kind is the driver, under the name "avalon".
func Kind() device.Kind {
	return device.Define("avalon", "Canaan Avalon home miner (Nano 3/3s, Mini 3, Q)", Config{},
		func(_ context.Context, c Config, env device.Env) (device.Device, error) { return Open(c, env) })
}

// Miner is one miner. Like every [device.Device] it is used by one goroutine
// at a time.
type Miner struct {
	client *cgminer.Client
	form   cgminer.Form
	now    func() time.Time

	user, password string // of the miner's page

	who  *identity // nil: not asked yet
	soft soft
	// idle is the draw last read while paused.
	idle units.Known[units.Watts]
	// woken is when this driver last started the miner, which then hashes
	// nothing for a while and is not to be taken for one without a pool.
	woken   time.Time
	repoint repoint
}

// identity is what the miner is, from its replies to version and help.
type identity struct {
	device.Identity
	model
	dna     string
	options []string // of ascset
}

// can reports whether the miner has an option of ascset.
func (i *identity) can(option string) bool { return slices.Contains(i.options, option) }

// pauses reports whether the miner can be put to sleep and woken.
func (i *identity) pauses() bool { return i.knob != noKnob && i.can("softoff") && i.can("softon") }

// steers reports whether the miner's level can be set.
func (i *identity) steers() bool { return i.knob != noKnob && i.can(i.option()) }

// Open makes the device without talking to it.
func Open(c Config, env device.Env) (*Miner, error) {
	client, err := cgminer.New(c.Address)
	if err != nil {
		return nil, err
	}
	now := env.Now
	if now == nil {
		now = time.Now
	}
	user, password, err := login(c, env)
	if err != nil {
		return nil, err
	}
	return &Miner{client: client, now: now, user: user, password: password, idle: units.Unknown[units.Watts]("it has not been read while paused", time.Time{})}, nil
}

// Probe asks the address whether an Avalon lives there, and which.
func Probe(ctx context.Context, address string) (device.Identity, error) {
	m, err := Open(Config{Address: address}, device.Env{})
	if err != nil {
		return device.Identity{}, err
	}
	return m.Identify(ctx)
}

// Close implements [device.Device].
func (m *Miner) Close() error { return nil }

// Identify implements [device.Device]. The serial is the MAC.
func (m *Miner) Identify(ctx context.Context) (device.Identity, error) {
	who, err := m.meet(ctx)
	if err != nil {
		return device.Identity{}, fmt.Errorf("identify the miner: %w", err)
	}
	return who.Identity, nil
}

// meet asks the miner what it is and what it can do.
func (m *Miner) meet(ctx context.Context) (*identity, error) {
	r, err := m.ask(ctx, "version", "")
	if err != nil {
		return nil, err
	}
	v, ok := r.Row("VERSION")
	if err := r.Status.Err(); err != nil {
		return nil, err
	}
	text := func(key string) string { s, _ := v.Text(key); return strings.TrimSpace(s) }
	prod, mac := text("PROD"), strings.ToLower(text("MAC"))
	if !ok || !strings.Contains(strings.ToLower(prod+text("MODEL")+text("HWTYPE")), "avalon") && modelOf(prod, text("MODEL")).knob == noKnob {
		return nil, fmt.Errorf("%s: %w: it answers, but is not an Avalon", m.client.Address(), device.ErrGarbage)
	}
	who := &identity{model: modelOf(prod, text("MODEL")), dna: text("DNA")}
	who.Identity = device.Identity{
		Vendor: "Canaan", Model: who.name, Firmware: text("LVERSION"), Serial: mac,
		Simulated: text("EMULATOR") != "",
	}
	if who.Firmware == "" {
		who.Firmware = text("VERSION") // the Nano 3
	}
	if who.Serial == "" {
		who.Serial = strings.ToLower(who.dna)
	}
	help, err := m.ask(ctx, "ascset", "0,help")
	if err != nil {
		return nil, err
	}
	// "ASC 0 set info: help|voltage|…|". Firmware without help has no list, and
	// is not sent what it may not know.
	if _, list, ok := strings.Cut(help.Status.Msg, ":"); ok {
		for o := range strings.SplitSeq(list, "|") {
			who.options = append(who.options, strings.ToLower(strings.TrimSpace(o)))
		}
	}
	m.who = who
	return who, nil
}

// known returns what the miner is, asking it if need be.
func (m *Miner) known(ctx context.Context) (*identity, error) {
	if m.who != nil {
		return m.who, nil
	}
	return m.meet(ctx)
}

// ask sends a command. Firmware that does not know JSON says so once and is
// asked in text from then on.
func (m *Miner) ask(ctx context.Context, command, parameter string) (cgminer.Reply, error) {
	r, err := m.client.Ask(ctx, m.form, command, parameter)
	if err != nil || r.Status.Code != cgminer.CodeInvalidCommand || m.form == cgminer.Text {
		return r, err
	}
	if again, err := m.client.Ask(ctx, cgminer.Text, command, parameter); err == nil && again.Status.Code != cgminer.CodeInvalidCommand {
		m.form = cgminer.Text
		return again, nil
	}
	return r, nil
}

// estats asks for the statistics. clock is the miner's own.
func (m *Miner) estats(ctx context.Context) (s stats, clock time.Time, err error) {
	r, err := m.ask(ctx, "estats", "")
	if err != nil {
		return nil, time.Time{}, err
	}
	if err := r.Status.Err(); err != nil {
		return nil, time.Time{}, err
	}
	row, _ := r.Row("STATS")
	for _, key := range []string{"MM ID0", "MM ID0:Summary"} {
		if raw, ok := row.Text(key); ok {
			s, err = parseStats(raw)
			if err == nil && m.who != nil && m.who.dna != "" && s["DNA"] != "" && s["DNA"] != m.who.dna {
				m.forget() // another box now has this address
			}
			return s, r.Status.When, err
		}
	}
	return nil, time.Time{}, fmt.Errorf("%w: the statistics are missing", device.ErrGarbage)
}

// forget drops what was learned of a miner.
func (m *Miner) forget() {
	m.who, m.soft, m.woken, m.repoint = nil, soft{}, time.Time{}, repoint{}
	m.idle = units.Unknown[units.Watts]("it has not been read while paused", m.now())
}

// Capabilities implements [device.Device]. Times are not documented: they are
// assumed on the safe side.
func (m *Miner) Capabilities(ctx context.Context) (device.Capabilities, error) {
	who, err := m.known(ctx)
	if err != nil {
		return device.Capabilities{}, fmt.Errorf("ask what the miner can do: %w", err)
	}
	c := device.Capabilities{
		Verbs:      map[device.Verb]device.Cost{},
		Max:        who.most,
		Idle:       m.idle,
		WattSource: units.PSU,
		Work:       device.Hashing,
		// CGMiner has nothing to hash without a pool's work.
		Limp:  device.LimpStops,
		Notes: slices.Clone(who.notes),
	}
	if !c.Idle.IsKnown() && who.idle > 0 {
		c.Idle = units.Know(who.idle, m.now(), units.Estimate)
	}
	if who.steers() {
		// The firmware keeps the mode over a restart, so setting it is taken
		// to write flash, and a mode used for the first time is calibrated.
		c.Verbs[device.SetLevel] = device.Cost{Latency: 2 * time.Minute, Restarts: true, Flash: true, NeedsTuning: true, PerHour: 6, PerDay: 48}
		for _, s := range who.steps {
			c.Levels = append(c.Levels, device.Level{
				ID: s.id, Name: s.name, Loud: s.loud, Power: units.Know(s.power, m.now(), units.Nameplate),
			})
		}
		c.Efficient = who.steps[0].id
	}
	switch {
	case who.pauses():
		c.Verbs[device.Pause] = device.Cost{Latency: 30 * time.Second, PerHour: 12}
		c.Verbs[device.Run] = device.Cost{Latency: 2 * time.Minute, PerHour: 12}
	case who.knob != noKnob:
		c.Notes = append(c.Notes, "Its firmware knows no soft off, so it cannot be paused: put it behind a relay to switch it off.")
	}
	for _, t := range who.temps {
		c.Temps = append(c.Temps, device.Channel{Name: t.name, Kind: t.kind, Note: t.note})
	}
	return c, nil
}

package computer

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"sync"
	"time"

	"hearth/device"
	"hearth/units"
)

// Options is what the program gives to the driver.
type Options struct {
	// Allowed reports whether a person has agreed that this computer computes
	// for heat. It is asked some forty times a second while the computer
	// computes, from several goroutines. Nil means never.
	Allowed func() bool
	// Workload fills the slot; nil is the [Burner].
	Workload Workload
	// Mine makes the workload that fills the slot of a computer that is to mine on
	// so many threads; one that is an [io.Closer] is closed with the device. Nil:
	// the program cannot. The pool's password is as the pool wants it.
	Mine func(p Pool, threads int, env device.Env) (Workload, error)

	// The rest is found out where it is not given.

	// System is the root of a Linux file system, with sys and proc.
	System fs.FS
	// Threads counts the logical threads.
	Threads int
	// NvidiaSMI is the path of nvidia-smi.
	NvidiaSMI string
}

// Config is the part of the configuration file.
type Config struct {
	// Threads is how many threads may compute. Half of the logical threads is
	// the most, and the default.
	Threads int `yaml:"threads"`
	// Power is what the processor draws when all threads are busy, where the
	// owner knows it. It makes the estimate better where nothing is metered.
	Power units.Watts `yaml:"power"`
	// Work is what it does while nothing else waits to be computed: "burn", which
	// is dumb heat and the default, or "sha256", which mines Bitcoin at Pool.
	// Mining is for learning: it does not pay for the electricity.
	Work string `yaml:"work"`
	Pool Pool   `yaml:"pool"`
}

// New returns the kind "computer".
func New(o Options) device.Kind {
	return device.Define("computer", "This computer", Config{},
		func(_ context.Context, cfg Config, env device.Env) (device.Device, error) {
			return open(o, cfg, env)
		})
}

// Computer is this computer as a heater. It implements [device.Device].
type Computer struct {
	host    host
	smi     smi
	logical int
	slot    *slot
	allowed func() bool
	mains   func() string
	now     func() time.Time
	log     *slog.Logger

	idle, full units.Watts // as far as known without metering
	lesson     lesson
	last       sample // power is reckoned from here
	tally      sample // energy is counted up to here
	energy     units.Known[units.Joules]
	told       map[string]bool // cards that once told their draw
	promised   units.Watts     // the most that was ever offered
	wanted     units.Watts     // last power asked for; 0: none

	mines bool // when nothing else waits to be computed
	tried tried

	mu       sync.Mutex // guards the cached state of the mains
	mainsAt  time.Time
	mainsWhy string
}

func open(o Options, cfg Config, env device.Env) (*Computer, error) {
	c := &Computer{
		host: host{o.System}, logical: o.Threads, allowed: o.Allowed,
		now: env.Now, log: env.Log, smi: smi(o.NvidiaSMI), told: make(map[string]bool),
	}
	c.mains = c.host.barred
	if o.System == nil {
		c.host.fs = os.DirFS("/")
		c.mains = host{c.host.fs}.barred
		if runtime.GOOS != "linux" {
			c.mains = offMains
		}
	}
	if c.logical == 0 {
		c.logical = runtime.NumCPU()
	}
	if c.allowed == nil {
		c.allowed = func() bool { return false }
	}
	if c.smi == "" && o.System == nil {
		if p, err := exec.LookPath("nvidia-smi"); err == nil {
			c.smi = smi(p)
		}
	}

	half := max(1, c.logical/2)
	switch {
	case cfg.Threads < 0 || cfg.Threads > half:
		return nil, fmt.Errorf("threads: %d is not possible: this computer has %d logical threads, of which Hearth takes at most %d", cfg.Threads, c.logical, half)
	case cfg.Power < 0 || cfg.Power > mostWatts:
		return nil, fmt.Errorf("power: %v is not the power of a processor", cfg.Power)
	}
	threads := cfg.Threads
	if threads == 0 {
		threads = half
	}
	c.idle, c.full = typical(c.logical, c.host.singleBoard())
	if full := c.host.sustained(); full > 0 {
		c.idle, c.full = full*0.15, full
	}
	if cfg.Power > 0 {
		c.idle, c.full = min(c.idle, cfg.Power*0.15), cfg.Power
	}
	each := (c.full - c.idle) / units.Watts(c.logical)
	c.lesson = lesson{base: c.idle, each: each, usual: each}

	work, mines, err := o.workload(cfg, threads, env)
	if err != nil {
		return nil, err
	}
	c.mines = mines
	c.slot = &slot{work: work, threads: threads, barred: c.barred, log: env.Log}
	return c, nil
}

// barred returns why the computer may not compute now, or "".
func (c *Computer) barred() string {
	if !c.allowed() {
		return "nobody has allowed this computer to compute for heat"
	}
	return c.offMains()
}

// offMains asks about mains power at most once a second: the answer comes
// from files or from another program.
func (c *Computer) offMains() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); c.mainsAt.IsZero() || now.Sub(c.mainsAt) >= time.Second {
		c.mainsAt, c.mainsWhy = now, c.mains()
	}
	return c.mainsWhy
}

// Identify implements [device.Device]. The serial is a hash of the machine's
// id.
func (c *Computer) Identify(context.Context) (device.Identity, error) {
	id := c.host.identity()
	if id.Vendor == "" {
		id.Vendor = "this computer"
	}
	if id.Model == "" {
		id.Model = fmt.Sprintf("%s/%s, %d threads", runtime.GOOS, runtime.GOARCH, c.logical)
	}
	if id.Serial == "" {
		name, err := os.Hostname()
		if err != nil {
			return device.Identity{}, fmt.Errorf("name this computer: %w", err)
		}
		id.Serial = serial(name)
	}
	return id, nil
}

// Capabilities implements [device.Device]. The span of power follows what has
// been learned about this computer.
func (c *Computer) Capabilities(ctx context.Context) (device.Capabilities, error) {
	domains := c.host.domains()
	metered, denied := c.metering(domains)
	most := tenth(c.lesson.power(float64(c.slot.threads)))
	c.promised = max(c.promised, most)
	caps := device.Capabilities{
		Verbs: map[device.Verb]device.Cost{
			device.SetPower: {Latency: 5 * time.Second},
			device.Pause:    {Latency: time.Second},
			device.Run:      {Latency: 5 * time.Second},
		},
		Power:   device.Range{Min: tenth(c.lesson.base), Max: most},
		Max:     max(c.full, most),
		Shared:  true,
		Work:    c.work(),
		Limp:    device.LimpNone,
		DeadMan: deadMan,
	}
	note := func(format string, args ...any) { caps.Notes = append(caps.Notes, fmt.Sprintf(format, args...)) }

	caps.WattSource = units.Estimate
	switch {
	case metered:
		caps.WattSource = c.meterClass()
		note("Power is that of the processor%s, from its energy counters; the board, drives, fans and the losses of the power supply come on top.", also(domains))
	case denied:
		note("The processor has energy counters, but only the administrator may read them: power is an estimate from load. %s", c.Permission())
	default:
		note("This computer has no energy counters that can be read: power is an estimate from load, for a processor of %d threads that draws %v when idle and %v when busy.", c.logical, c.idle, c.full)
	}
	if c.host.virtual() {
		note("This is a virtual machine: what it really draws is known only to its host.")
	}

	caps.Idle = units.Know(tenth(c.lesson.base), c.now(), units.Nameplate)
	if c.lesson.sure {
		caps.Idle = units.Know(tenth(c.lesson.base), c.now(), caps.WattSource)
	}

	cards, err := c.smi.cards(ctx)
	if err != nil {
		c.log.Debug("nvidia-smi", "err", err)
		note("nvidia-smi is installed but does not answer: graphics cards are not counted.")
	}
	for i, g := range cards {
		if g.draw == nil && !c.told[g.uuid] {
			note("%s does not tell what it draws: it is not counted.", g.name)
		}
		if g.limit != nil {
			caps.Max += *g.limit
		}
		if g.temp != nil {
			caps.Temps = append(caps.Temps, device.Channel{Name: cardName(g, i, cards), Kind: device.Chip})
		}
	}
	for _, t := range c.host.thermometers() {
		caps.Temps = append(caps.Temps, t.Channel)
	}
	note("Hearth computes on at most %d of %d threads, at the lowest priority, and never on battery.", c.slot.threads, c.logical)
	if c.mines {
		caps.Limp = device.LimpHeats
		note("While nothing else waits to be computed, it mines Bitcoin. This is for learning, and loses money: a miner made for it does 100,000 times as much.")
	}
	if caps.Work == device.Burning {
		note("Until there is useful work, it makes dumb heat: arithmetic that nobody needs.")
	}
	switch why := c.offMains(); {
	case !c.allowed():
		caps.WriteGate = "Allow this computer to compute for heat: with the button on its page, or with --burn."
	case why != "":
		caps.WriteGate = "Connect the computer to the mains: " + why + "."
	}
	return caps, nil
}

// work is what the slot does when it is open.
func (c *Computer) work() device.Work {
	if w := c.slot.work.Work(); w != device.Waiting {
		return w
	}
	return device.Computing
}

func also(domains []domain) string {
	for _, d := range domains {
		if d.name == "memory" {
			return " and memory"
		}
	}
	return ""
}

func tenth(p units.Watts) units.Watts { return units.Watts(math.Round(float64(p)*10) / 10) }

// metering reports whether the counters can be read, or would be there for
// the administrator.
func (c *Computer) metering(domains []domain) (metered, denied bool) {
	s := c.host.sample(time.Now(), domains)
	return len(domains) > 0 && len(s.energy) == len(domains), s.denied
}

// meterClass is the provenance of the energy counters: see the package
// comment.
func (c *Computer) meterClass() units.Provenance {
	if c.host.cpuField("vendor_id") == "GenuineIntel" {
		return units.PSU
	}
	return units.Estimate
}

// Permission returns how an administrator lets Hearth read the processor's
// energy counters, empty when they can be read or are not there. Since 2020
// Linux reserves them to the administrator, because their fine course gives
// away what other programs compute (CVE-2020-8694); so the rule opens them to
// one group only.
func (c *Computer) Permission() string {
	if _, denied := c.metering(c.host.domains()); !denied {
		return ""
	}
	group := "hearth"
	if u, err := user.Current(); err == nil {
		if g, err := user.LookupGroupId(u.Gid); err == nil {
			group = g.Name
		}
	}
	return fmt.Sprintf(`To permit it, put this line in /etc/udev/rules.d/70-hearth-energy.rules and run "sudo udevadm trigger --subsystem-match=powercap": `+
		`SUBSYSTEM=="powercap", KERNEL=="intel-rapl:*", RUN+="/bin/chgrp %s /sys%%p/energy_uj", RUN+="/bin/chmod 0440 /sys%%p/energy_uj"`, group)
}

// Read implements [device.Device]. Power is the mean since the last Read or
// the last change, over a quarter of a second at least and a minute at most:
// right after a change, Read takes that quarter of a second.
func (c *Computer) Read(ctx context.Context) (device.Reading, error) {
	domains := c.host.domains()
	before, now, err := c.interval(ctx, domains)
	if err != nil {
		return device.Reading{}, err
	}
	at := c.now()
	r := device.Reading{
		At:       at,
		State:    device.StatePaused,
		HashRate: units.Unknown[units.HashRate]("a computer does not hash", at),
		Level:    units.Unknown[string]("a computer has no levels", at),
		Target:   units.Unknown[units.Watts]("nothing is asked of it", at),
		Flow:     units.Unknown[units.LitresPerMinute]("the device has no such sensor", at),
		Pool:     units.Unknown[bool]("it needs no pool", at),
		Uptime:   c.uptime(at),
		Work:     c.slot.work.Work(),
		Done:     c.slot.work.Done(),
	}
	doing := c.slot.condition()
	if doing.on {
		r.State = device.StateHeating
		r.Target = units.Know(c.wanted, at, units.Chosen)
	} else if doing.halt != "" {
		r.Faults = append(r.Faults, device.Fault{Code: "stopped_itself", Text: "It stopped computing: " + doing.halt + "."})
	}

	if c.mines {
		c.mining(&r)
	}
	c.count(domains, now)
	r.Energy = c.energy
	r.Parts = c.processor(domains, before, now, at)
	processor := r.Parts[0].Power
	for _, p := range r.Parts[1:] {
		processor = units.Join(processor, p.Power, plus)
	}
	if p, ok := processor.Get(); ok && before.epoch == now.epoch {
		c.lesson.note(p, now.work)
		if doing.on {
			c.slot.adjust(c.share(c.wanted))
		}
	}

	cards, err := c.smi.cards(ctx)
	if err != nil {
		c.log.Debug("nvidia-smi", "err", err)
	}
	cardParts, temps := c.cards(cards, at)
	r.Parts = append(r.Parts, cardParts...)
	r.Power = processor
	for _, p := range cardParts {
		r.Power = units.Join(r.Power, p.Power, plus)
	}
	r.Temps = temps
	for _, t := range c.host.thermometers() {
		r.Temps = append(r.Temps, device.Temp{Name: t.Name, Kind: t.Kind, Value: c.celsius(t, at)})
	}
	return r, nil
}

func plus(a, b units.Watts) units.Watts { return a + b }

const (
	shortest = 250 * time.Millisecond
	longest  = time.Minute
)

// interval takes a sample and returns it with the one to compare it with.
func (c *Computer) interval(ctx context.Context, domains []domain) (before, now sample, err error) {
	before = c.last
	now = c.take(domains)
	if before.at.IsZero() || now.at.Sub(before.at) > longest {
		before = now
	}
	if wait := shortest - now.at.Sub(before.at); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return before, now, fmt.Errorf("measure the power of this computer: %w", ctx.Err())
		case <-timer.C:
		}
		now = c.take(domains)
	}
	c.last = now
	return before, now, nil
}

func (c *Computer) take(domains []domain) sample {
	s := c.host.sample(time.Now(), domains)
	doing := c.slot.condition()
	s.work, s.epoch = doing.work, doing.epoch
	return s
}

// count adds what was spent since the last count. After a gap in which a
// counter may have gone round more than once, counting begins anew.
func (c *Computer) count(domains []domain, now sample) {
	at, class := c.now(), c.meterClass()
	before := c.tally
	c.tally = now
	if len(domains) == 0 {
		c.energy = units.Unknown[units.Joules]("the processor has no energy counters that can be read", at)
		return
	}
	var spent units.Joules
	for _, d := range domains {
		e, ok := d.spent(before, now)
		if !ok || now.at.Sub(before.at) > c.once(d) {
			c.energy = units.Unknown[units.Joules]("the processor's energy counters cannot be read", at)
			if len(now.energy) == len(domains) {
				c.energy = units.Know(units.Joules(0), at, class)
			}
			return
		}
		spent += e
	}
	if sum, ok := c.energy.Get(); ok {
		c.energy = units.Know(sum+spent, at, class)
	}
}

// once is a time in which a counter cannot have gone round twice, nor once
// and past where it was.
func (c *Computer) once(d domain) time.Duration {
	return time.Duration(float64(d.span) / 1e6 / float64(2*c.full) * float64(time.Second))
}

// processor returns the draw of the processor and, where it is counted apart,
// of the memory.
func (c *Computer) processor(domains []domain, before, now sample, at time.Time) []device.Part {
	class := c.meterClass()
	var parts []device.Part
	for _, d := range domains {
		e, ok := d.spent(before, now)
		if !ok {
			parts = nil
			break
		}
		parts = append(parts, device.Part{Name: d.name, Power: units.Know(e.Mean(now.at.Sub(before.at)), at, class)})
	}
	if len(parts) > 0 {
		return parts
	}
	var estimate units.Watts
	if l, ok := load(before, now); ok {
		estimate = c.idle + (c.full-c.idle)*units.Watts(l)
	} else {
		// No load to go by: count only what Hearth itself keeps busy.
		estimate = c.idle + c.lesson.usual*units.Watts(now.work)
	}
	return []device.Part{{Name: "processor, estimated", Power: units.Know(estimate, at, units.Estimate)}}
}

// cards returns the draws and temperatures of graphics cards. A card that
// once told its draw and does not now leaves the whole unknown.
func (c *Computer) cards(cards []card, at time.Time) ([]device.Part, []device.Temp) {
	var parts []device.Part
	var temps []device.Temp
	seen := make(map[string]bool)
	for i, g := range cards {
		name := cardName(g, i, cards)
		if g.draw != nil {
			c.told[g.uuid] = true
			seen[g.uuid] = true
			parts = append(parts, device.Part{Name: name, Power: units.Know(*g.draw, at, units.PSU)})
		}
		if g.temp != nil {
			temps = append(temps, device.Temp{Name: name, Kind: device.Chip, Value: units.Know(*g.temp, at, units.Meter)})
		}
	}
	for uuid := range c.told {
		if !seen[uuid] {
			parts = append(parts, device.Part{Name: "graphics card", Power: units.Unknown[units.Watts]("a graphics card does not tell its draw any more", at)})
		}
	}
	return parts, temps
}

func cardName(g card, i int, all []card) string {
	if len(all) == 1 {
		return g.name
	}
	return fmt.Sprintf("%s (%d)", g.name, i)
}

func (c *Computer) celsius(t thermometer, at time.Time) units.Known[units.Celsius] {
	milli, err := c.host.number(t.input)
	switch {
	case err != nil:
		return units.Unknown[units.Celsius]("the thermometer cannot be read: "+err.Error(), at)
	case milli <= -40_000 || milli == 0 || milli >= 150_000:
		return units.Unknown[units.Celsius](fmt.Sprintf("the thermometer says %g °C, which cannot be", float64(milli)/1000), at)
	}
	return units.Know(units.Celsius(milli)/1000, at, units.Meter)
}

func (c *Computer) uptime(at time.Time) units.Known[time.Duration] {
	var seconds float64
	text, err := c.host.text("proc/uptime")
	if err == nil {
		_, err = fmt.Sscanf(text, "%g", &seconds)
	}
	if err != nil || seconds <= 0 || seconds > 1e9 {
		return units.Unknown[time.Duration]("the system does not tell", at)
	}
	return units.Know(time.Duration(seconds*float64(time.Second)), at, units.Meter)
}

// Apply implements [device.Device]. SetPower is about the power of the whole
// computer: the slot makes up the difference to what other programs make it
// draw, and does nothing where they already make it draw more.
func (c *Computer) Apply(_ context.Context, d device.Demand) (device.Applied, error) {
	switch d.Verb {
	case device.Pause:
		c.slot.rest()
	case device.SetPower, device.Run:
		if why := c.barred(); why != "" {
			return device.Applied{}, fmt.Errorf("set this computer to heat: %w: %s", device.ErrRefused, why)
		}
		most := c.lesson.power(float64(c.slot.threads))
		want := d.Power
		if d.Verb == device.Run {
			if want = min(c.wanted, most); want == 0 {
				want = most
			}
		}
		// What was once offered is taken, though less may be possible by now.
		if math.IsNaN(float64(want)) || want < 0 || want > max(most, c.promised)+1 {
			return device.Applied{}, fmt.Errorf("set this computer to %v, of %v at most: %w", want, most, device.ErrUnsupported)
		}
		want = min(want, most)
		c.wanted = want
		c.slot.demand(c.share(want))
		d.Power = tenth(want)
	default:
		return device.Applied{}, fmt.Errorf("%s this computer: %w", d.Verb, device.ErrUnsupported)
	}
	if c.last.epoch != c.slot.condition().epoch {
		// What comes now is not to be averaged with what was.
		domains := c.host.domains()
		c.last = c.take(domains)
		c.count(domains, c.last)
	}
	if d.Verb == device.Pause {
		d.Power = 0
	}
	return device.Applied{Verb: d.Verb, Power: d.Power}, nil
}

// share is the share of the slot that a power takes, beside what others
// compute.
func (c *Computer) share(p units.Watts) units.Fraction {
	return units.Fraction(c.lesson.work(p) / float64(c.slot.threads))
}

// Close ends the work, which lives in this program, and waits for it. Closing
// twice is fine.
func (c *Computer) Close() error {
	c.slot.close()
	if w, ok := c.slot.work.(io.Closer); ok {
		return w.Close()
	}
	return nil
}

// lesson is what has been learned about the computer's draw.
type lesson struct {
	base  units.Watts // without the slot
	each  units.Watts // added by one busy thread
	usual units.Watts // each, before anything was learned
	sure  bool        // base was measured
}

// note takes in that the processor drew p while the slot kept so many threads
// busy.
func (l *lesson) note(p units.Watts, work float64) {
	const weight = 0.3
	others := p - l.each*units.Watts(work)
	each := units.Watts(0)
	if work > 0 {
		each = (p - l.base) / units.Watts(work)
	}
	switch {
	case work == 0 && !l.sure:
		l.base, l.sure = p, true
	case work < 0.25, each < l.usual/5, each > l.usual*5:
		// A thread that seems to draw nothing, or as much as five, tells of
		// others who have become idle or busy meanwhile.
		l.base = max(0, l.base+weight*(others-l.base))
	default:
		l.each += weight * (each - l.each)
	}
}

func (l *lesson) power(work float64) units.Watts { return l.base + l.each*units.Watts(work) }

// work is how many threads must be busy for the power p.
func (l *lesson) work(p units.Watts) float64 { return max(0, float64((p-l.base)/l.each)) }

package site

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"hearth/control"
	"hearth/device"
	"hearth/ledger"
	"hearth/units"
)

// Outcome is how a commissioning check stands.
type Outcome string

// The outcomes of a check.
const (
	CheckRunning Outcome = "running"
	CheckWaiting Outcome = "waiting" // for a person to do something
	CheckPassed  Outcome = "passed"
	CheckFailed  Outcome = "failed"
)

// The checks of a commissioning.
const (
	CheckControl  = "control"  // the device does as told, by read-back
	CheckUnplug   = "unplug"   // its absence is noticed, and its return
	CheckInternet = "internet" // what it does without the internet
)

// Check is one step of an installer's first hour with a device.
type Check struct {
	Name    string     `json:"name"`
	Outcome Outcome    `json:"outcome"`
	Began   time.Time  `json:"began"`
	Ended   *time.Time `json:"ended,omitempty"`
	By      string     `json:"by"`
	// Text says in plain words what is to be done now, or what was found.
	Text string `json:"text"`
	// Steps are the single findings, oldest first.
	Steps []string `json:"steps"`
}

// Sheet is the record of a device's commissioning, as it is signed.
type Sheet struct {
	Home      string          `json:"home"`
	At        time.Time       `json:"at"`
	Device    string          `json:"device"`
	Name      string          `json:"name"`
	Driver    string          `json:"driver"`
	Identity  device.Identity `json:"identity"`
	Simulated bool            `json:"simulated"`
	Zone      string          `json:"zone"`
	Sensor    string          `json:"sensor"`
	Role      control.Role    `json:"role"`
	Limit     units.Watts     `json:"limit"`
	Relay     string          `json:"relay"`
	Guard     string          `json:"guard"`
	Limp      device.Limp     `json:"limp"`
	WattsFrom string          `json:"watts_from"`
	Checks    []Check         `json:"checks"`
}

// SignedSheet is a sheet that went into the ledger: the record's signature
// covers the hash of Sheet's JSON.
type SignedSheet struct {
	Sheet Sheet `json:"sheet"`
	// Hash is SHA-256 over the compact JSON of Sheet.
	Hash string `json:"hash"`
	// Record is the number of the ledger's record that carries the hash.
	Record uint64 `json:"record"`
	Head   string `json:"head"`
}

// commissioning is the checks of one device.
type commissioning struct {
	checks map[string]*Check
	// serial is the device's, where the checks were taken over from a site
	// before a change of the configuration.
	serial string
	// plan are the demands still to be proven, resume what to go back to.
	plan  []device.Demand
	asked bool // the first of plan has been sent
	tries int
	// offAt is when the device went silent in the unplug test.
	offAt time.Time
	// until ends the internet test; lost is when the device lost its pool.
	until  time.Time
	lost   time.Time
	heated time.Duration
	cold   time.Duration
}

func (c *commissioning) end(name string, o Outcome, text string, now time.Time) {
	k := c.checks[name]
	k.Outcome, k.Text, k.Ended = o, text, &now
}

// patience of the checks that wait for a person.
const (
	unplugPatience  = 15 * time.Minute
	internetFor     = 10 * time.Minute
	controlPatience = 20 * time.Minute
)

// StartCheck begins a check of a device: [CheckControl], [CheckUnplug] or
// [CheckInternet]. Its progress is in [Site.Checks]. While a device proves
// that it can be controlled, the thermostat leaves it alone; safety does not.
func (s *Site) StartCheck(ctx context.Context, id, name, by string) error {
	u, ok := s.units[id]
	if !ok {
		return fmt.Errorf("device %q: %w", id, ErrNotFound)
	}
	if !slices.Contains([]string{CheckControl, CheckUnplug, CheckInternet}, name) {
		return fmt.Errorf("%w: there is no check %q: use control, unplug or internet", ErrInvalid, name)
	}
	return s.act(ctx, id, "check", name, by, func(now time.Time) error {
		if !u.online || !u.hasCaps {
			return fmt.Errorf("%w: %s does not answer: connect it first", ErrUnavailable, u.Name)
		}
		c := u.checks
		if c == nil || u.replaced() {
			c = &commissioning{checks: map[string]*Check{}}
			u.checks = c
		}
		if k := c.checks[name]; k != nil && (k.Outcome == CheckRunning || k.Outcome == CheckWaiting) {
			return fmt.Errorf("%w: this check is under way", ErrInvalid)
		}
		k := &Check{Name: name, Began: now, By: by, Outcome: CheckWaiting, Steps: []string{}}
		switch name {
		case CheckControl:
			if u.caps.WriteGate != "" {
				return fmt.Errorf("%w: %s", ErrUnavailable, u.caps.WriteGate)
			}
			c.plan = proof(u.caps)
			if len(c.plan) == 0 {
				return fmt.Errorf("%w: %s only measures: there is nothing to command", ErrInvalid, u.Name)
			}
			c.asked, c.tries = false, 0
			k.Outcome, k.Text = CheckRunning, fmt.Sprintf("%s is told each thing it can do, and read back.", u.Name)
		case CheckUnplug:
			c.offAt = time.Time{}
			k.Text = fmt.Sprintf("Pull the network cable or the plug of %s now, wait until this page says so, and plug it in again.", u.Name)
		case CheckInternet:
			c.until, c.lost, c.heated, c.cold = now.Add(internetFor), time.Time{}, 0, 0
			k.Text = fmt.Sprintf("Take the home off the internet now (unplug the router's line) and leave it so for %s. The local network must stay up.", lasting(internetFor))
		}
		c.checks[name] = k
		return nil
	})
}

// proof is the sequence of demands that shows a device obeys: run it low,
// stop it, run it again.
func proof(c device.Capabilities) []device.Demand {
	const why = "commissioning: prove control"
	var stop, run device.Demand
	switch {
	case c.Can(device.Pause):
		stop = device.Demand{Verb: device.Pause, Why: why}
	case c.Can(device.Off):
		stop = device.Demand{Verb: device.Off, Why: why}
	}
	switch {
	case c.Can(device.SetLevel) && len(c.Levels) > 0:
		run = device.Demand{Verb: device.SetLevel, Level: c.Levels[0].ID, Why: why}
	case c.Can(device.SetPower):
		run = device.Demand{Verb: device.SetPower, Power: max(c.Power.Min, min(c.Power.Max, 100)), Why: why}
	case c.Can(device.Run):
		run = device.Demand{Verb: device.Run, Why: why}
	}
	var plan []device.Demand
	for _, d := range []device.Demand{run, stop, run, stop} {
		if d.Verb != "" {
			plan = append(plan, d)
		}
	}
	return plan
}

// keepChecks takes over what was found of devices that stay when the home is
// rebuilt: adding a second device does not undo the checks of the first.
func (s *Site) keepChecks(from *Site) {
	from.mu.Lock()
	defer from.mu.Unlock()
	for id, u := range s.units {
		p := from.units[id]
		if p == nil || p.checks == nil || p.Kind != u.Kind {
			continue
		}
		u.checks = &commissioning{checks: map[string]*Check{}, serial: p.identity.Serial}
		for name, k := range p.checks.checks {
			if k.Ended != nil {
				u.checks.checks[name] = k
			}
		}
	}
}

// replaced reports whether the checks that were taken over are of another
// device than the one that answers now.
func (u *unit) replaced() bool {
	return u.checks.serial != "" && u.identity.Serial != "" && u.checks.serial != u.identity.Serial
}

// held reports whether a check has the device to itself.
func (u *unit) held() bool {
	if u.checks == nil {
		return false
	}
	k := u.checks.checks[CheckControl]
	return k != nil && k.Outcome == CheckRunning
}

// commission moves the checks of every device on by one step and returns the
// commands they need.
func (s *Site) commission(now time.Time) []control.Command {
	var out []control.Command
	for _, id := range s.order {
		u := s.units[id]
		if u.checks == nil {
			continue
		}
		if d, ok := u.proveControl(now); ok {
			out = append(out, control.Command{Device: id, Demand: d})
		}
		u.seeUnplug(now, s.opt.Period)
		u.seeInternet(now, s.opt.Period)
	}
	return out
}

// proveControl returns the next demand to send, if one is due.
func (u *unit) proveControl(now time.Time) (device.Demand, bool) {
	c := u.checks
	if !u.held() {
		return device.Demand{}, false
	}
	k := c.checks[CheckControl]
	if now.Sub(k.Began) > controlPatience {
		c.end(CheckControl, CheckFailed, "It took too long: the device did not show all of it within "+lasting(controlPatience)+".", now)
		return device.Demand{}, false
	}
	if c.asked && u.command != nil && u.command.Demand.Same(c.plan[0]) && !u.command.Pending {
		text := demandText(c.plan[0])
		if !u.command.Confirmed {
			k.Steps = append(k.Steps, text+": not obeyed: "+u.command.Trouble)
			if c.tries++; c.tries >= 2 {
				c.end(CheckControl, CheckFailed, fmt.Sprintf("%s does not do as told: %s.", u.Name, u.command.Trouble), now)
				return device.Demand{}, false
			}
			u.command = nil
			c.asked = true
			return c.plan[0], true
		}
		k.Steps = append(k.Steps, fmt.Sprintf("%s: obeyed after %s; it draws %v.", text, now.Sub(u.command.At).Round(time.Second), u.reading.Power))
		c.plan, c.asked, c.tries = c.plan[1:], false, 0
		if len(c.plan) == 0 {
			c.end(CheckControl, CheckPassed, u.Name+" did all it was told, as read back.", now)
			return device.Demand{}, false
		}
	}
	if c.asked {
		return device.Demand{}, false
	}
	c.asked, u.command = true, nil
	return c.plan[0], true
}

func demandText(d device.Demand) string {
	switch d.Verb {
	case device.SetLevel:
		return "run at " + d.Level
	case device.SetPower:
		return "run at " + d.Power.String()
	}
	return string(d.Verb)
}

// seeUnplug follows the unplug test: gone within three polls, back again.
func (u *unit) seeUnplug(now time.Time, period time.Duration) {
	c := u.checks
	k := c.checks[CheckUnplug]
	if k == nil || k.Outcome != CheckWaiting {
		return
	}
	switch {
	case now.Sub(k.Began) > unplugPatience:
		c.end(CheckUnplug, CheckFailed, "Nobody unplugged it, or it did not come back, within "+lasting(unplugPatience)+".", now)
	case c.offAt.IsZero() && !u.online:
		c.offAt = now
		k.Steps = append(k.Steps, fmt.Sprintf("noticed as absent at %s, after %d polls of %s; all its values are unknown", now.Format(time.TimeOnly), u.misses, period))
		k.Text = u.Name + " is gone, as it should be. Plug it in again."
	case !c.offAt.IsZero() && u.online:
		k.Steps = append(k.Steps, fmt.Sprintf("back at %s", now.Format(time.TimeOnly)))
		c.end(CheckUnplug, CheckPassed, fmt.Sprintf("Its absence was noticed and lasted %s.", now.Sub(c.offAt).Round(time.Second)), now)
	}
}

// seeInternet follows the test without internet: does the heater go on?
func (u *unit) seeInternet(now time.Time, period time.Duration) {
	c := u.checks
	k := c.checks[CheckInternet]
	if k == nil || k.Outcome != CheckWaiting {
		return
	}
	pool, known := u.reading.Pool.Get()
	if c.lost.IsZero() && known && !pool {
		c.lost = now
		k.Steps = append(k.Steps, "it lost its pool at "+now.Format(time.TimeOnly))
	}
	switch u.reading.State {
	case device.StateHeating:
		c.heated += period
	case device.StateLimp:
		c.cold += period
	}
	if now.Before(c.until) {
		return
	}
	switch {
	case u.caps.Limp == device.LimpNone:
		c.end(CheckInternet, CheckPassed, u.Name+" needs no internet to heat.", now)
	case c.lost.IsZero() && c.cold == 0:
		c.end(CheckInternet, CheckFailed, "The device never said that it lost its pool: was the internet really off, and the device running?", now)
	case c.cold > 0:
		c.end(CheckInternet, CheckPassed, fmt.Sprintf("Without internet it stops heating (%s heating, %s cold). Backup heat is needed for such times.", c.heated, c.cold), now)
	default:
		c.end(CheckInternet, CheckPassed, fmt.Sprintf("Without internet it goes on heating (%s).", c.heated), now)
	}
}

// Checks returns the commissioning checks of a device, in the order of a
// first hour.
func (s *Site) Checks(id string) ([]Check, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.units[id]
	if !ok {
		return nil, fmt.Errorf("device %q: %w", id, ErrNotFound)
	}
	out := []Check{}
	for _, name := range []string{CheckControl, CheckUnplug, CheckInternet} {
		if u.checks != nil && !u.replaced() && u.checks.checks[name] != nil {
			k := *u.checks.checks[name]
			k.Steps = slices.Clone(k.Steps)
			out = append(out, k)
		}
	}
	return out, nil
}

// SignSheet writes the device's commissioning into the ledger and returns the
// sheet with the number of its record.
func (s *Site) SignSheet(ctx context.Context, id, by string) (SignedSheet, error) {
	checks, err := s.Checks(id)
	if err != nil {
		return SignedSheet{}, err
	}
	if len(checks) == 0 {
		return SignedSheet{}, fmt.Errorf("%w: no check has been made of this device yet", ErrInvalid)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.units[id]
	now := s.clock()
	d := s.viewDevice(u, now)
	sheet := Sheet{
		Home: s.opt.Name, At: now.UTC(), Device: id, Name: u.Name, Driver: u.Kind, Identity: u.identity, Simulated: u.simulated(),
		Zone: d.Zone, Role: d.Role, Limit: d.Limit, Guard: d.Guard, Limp: u.caps.Limp, WattsFrom: u.caps.WattSource.String(), Checks: checks,
	}
	for _, h := range s.opt.Control.Heaters {
		if h.ID == id {
			sheet.Relay = h.Relay
		}
	}
	for _, z := range s.zones {
		if z.ID == d.Zone {
			sheet.Sensor = z.sensors.Temp
		}
	}
	b, err := json.Marshal(sheet)
	if err != nil {
		return SignedSheet{}, fmt.Errorf("write the sheet: %w", err)
	}
	hash := sha256.Sum256(b)
	out := SignedSheet{Sheet: sheet, Hash: hex.EncodeToString(hash[:])}
	e, err := ledger.NewEntry(now, id, u.simulated(), ledger.Setting{Name: "commissioning", To: out.Hash, By: by})
	if err != nil {
		return SignedSheet{}, fmt.Errorf("write the sheet: %w", err)
	}
	// What waits goes first, so that the head is the sheet's own record.
	s.book.flush(ctx)
	head, err := s.opt.Book.Append(ctx, e)
	if err != nil {
		return SignedSheet{}, fmt.Errorf("%w: the ledger cannot take the sheet now: %w", ErrUnavailable, err)
	}
	s.book.head = head
	out.Record, out.Head = head.Seq, head.Hash.String()
	return out, s.keepSheet(ctx, out)
}

package generic

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"hearth/device"
	"hearth/internal/fetch"
	"hearth/internal/jsonpath"
	"hearth/internal/mqtt"
	"hearth/units"
)

// Config describes a device.
type Config struct {
	Vendor string `yaml:"vendor"`
	Model  string `yaml:"model"`
	// Serial is the device's own number, or SerialFrom says where it tells it.
	Serial     string `yaml:"serial"`
	SerialFrom *Text  `yaml:"serial_from"`
	// Work is what the electricity does besides heat; "resistance" if nothing
	// is said and there are commands.
	Work device.Work `yaml:"work"`

	HTTP HTTP `yaml:"http"`
	MQTT MQTT `yaml:"mqtt"`

	Power  *Number `yaml:"power"`
	Energy *Number `yaml:"energy"`
	// Measured is where the device has its watts from: meter, psu, estimate
	// (the default) or nameplate.
	Measured string `yaml:"measured"`
	State    *State `yaml:"state"`
	// HeatingAbove takes the place of State: the device heats when it draws more.
	HeatingAbove units.Watts   `yaml:"heating_above"`
	Level        *Text         `yaml:"level"`
	Temperatures []Temperature `yaml:"temperatures"`

	// Max is the most that the device draws, off its label.
	Max units.Watts `yaml:"max"`
	// Idle is what it draws when paused, if known.
	Idle     units.Watts        `yaml:"idle"`
	Levels   []Level            `yaml:"levels"`
	Range    Range              `yaml:"power_range"`
	Commands map[string]Command `yaml:"commands"`
	// DeadMan is the time after which the device stops by itself unless the
	// command is repeated. It is for devices that really do: then the commands
	// start that timer.
	DeadMan time.Duration `yaml:"dead_man"`
	Notes   []string      `yaml:"notes"`
}

// HTTP is a device on the network.
type HTTP struct {
	fetch.Config `yaml:",inline"`
	// Status is the path of the answer in which values stand, unless a value
	// names its own.
	Status string `yaml:"status"`
}

// MQTT is a device behind the home's broker.
type MQTT struct {
	// State is the topic in which values stand, unless a value names its own.
	State string `yaml:"state"`
	// Availability is a topic that says whether the device is there; Online is
	// the payload for yes, "online" if nothing is said.
	Availability string `yaml:"availability"`
	Online       string `yaml:"online"`
	// StaleAfter is the age from which on a value is not believed; 5 minutes if
	// nothing is said.
	StaleAfter time.Duration `yaml:"stale_after"`
	// Retained takes retained messages for values, whose age nobody knows.
	Retained bool `yaml:"retained"`
}

// Source is the answer or message in which a value stands.
type Source struct {
	// Get is the path of an HTTP request.
	Get string `yaml:"get"`
	// Topic is an MQTT topic.
	Topic string `yaml:"topic"`
}

// Number is a figure that the device tells.
type Number struct {
	Source         `yaml:",inline"`
	jsonpath.Field `yaml:",inline"`
	// Unit is what the figure counts in, after scaling.
	Unit string `yaml:"unit"`
}

// Text is a word that the device tells.
type Text struct {
	Source `yaml:",inline"`
	Path   jsonpath.Path `yaml:"path"`
}

// State is where the device tells what it is doing.
type State struct {
	Text `yaml:",inline"`
	// Values says what the device's words mean: off, starting, tuning, heating,
	// paused, limp or fault.
	Values map[string]device.State `yaml:"values"`
}

// Temperature is a thermometer of the device.
type Temperature struct {
	Name   string          `yaml:"name"`
	Kind   device.TempKind `yaml:"kind"`
	Limit  units.Celsius   `yaml:"limit"`
	Number `yaml:",inline"`
}

// Level is a step of power.
type Level struct {
	ID    string      `yaml:"id"`
	Name  string      `yaml:"name"`
	Power units.Watts `yaml:"power"`
	Loud  int         `yaml:"loud"`
	// Value is what the device calls it, if not by its id.
	Value string `yaml:"value"`
}

// Range is the span of free wattages.
type Range struct {
	Min  units.Watts `yaml:"min"`
	Max  units.Watts `yaml:"max"`
	Step units.Watts `yaml:"step"`
}

// Command is what to send for a verb: an HTTP request where it has a path, an
// MQTT message where it has a topic.
type Command struct {
	Method  string   `yaml:"method"` // POST if nothing is said
	Path    Template `yaml:"path"`
	Body    Template `yaml:"body"`
	Topic   string   `yaml:"topic"`
	Payload Template `yaml:"payload"`

	// The rest is what a use costs: see [device.Cost]. Latency is 15 seconds if
	// nothing is said.
	Latency  time.Duration `yaml:"latency"`
	Restarts bool          `yaml:"restarts"`
	Flash    bool          `yaml:"flash"`
	PerHour  int           `yaml:"per_hour"`
	PerDay   int           `yaml:"per_day"`
}

// powerUnit is the size of a unit of power in watts, 0 if it is none.
func powerUnit(unit string) float64 {
	switch unit {
	case "mW":
		return 1e-3
	case "W":
		return 1
	case "kW":
		return 1e3
	case "MW":
		return 1e6
	}
	return 0
}

// energyUnit is the size of a unit of energy in joules, 0 if it is none.
func energyUnit(unit string) float64 {
	switch unit {
	case "J", "Ws":
		return 1
	case "kJ":
		return 1e3
	case "MJ":
		return 1e6
	case "Wh":
		return 3600
	case "kWh":
		return 3.6e6
	case "MWh":
		return 3.6e9
	}
	return 0
}

// measured is the provenance of the watts of a device that measures so, None if
// there is no such way to measure.
func measured(how string) units.Provenance {
	switch how {
	case "meter":
		return units.Meter
	case "psu":
		return units.PSU
	case "estimate":
		return units.Estimate
	case "nameplate":
		return units.Nameplate
	}
	return units.None
}

var (
	levelID = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]*$`)
	methods = [...]string{"GET", "POST", "PUT", "PATCH"}
	verbs   = [...]device.Verb{device.SetPower, device.SetLevel, device.Run, device.Pause, device.Off}
	states  = [...]device.State{
		device.StateUnknown, device.StateOff, device.StateStarting, device.StateTuning,
		device.StateHeating, device.StatePaused, device.StateLimp, device.StateFault,
	}
	works = [...]device.Work{device.Hashing, device.Computing, device.Burning, device.Resistive, device.NoWork}
	kinds = [...]device.TempKind{
		device.Chip, device.Board, device.Regulator, device.AirIn, device.AirOut, device.FluidIn, device.FluidOut,
		device.Room, device.TankTop, device.TankLow, device.Outdoor,
	}
)

// complete fills in what nothing was said about, and refuses a description
// that cannot work or could not be believed.
func (c *Config) complete() error {
	if c.Model == "" {
		return errors.New("model is missing: write what the device is, as on its label")
	}
	if c.Vendor == "" {
		c.Vendor = "generic"
	}
	if c.Measured == "" {
		c.Measured = "estimate"
	}
	if c.Work == "" {
		if c.Work = device.NoWork; len(c.Commands) > 0 {
			c.Work = device.Resistive
		}
	}
	if c.MQTT.StaleAfter == 0 {
		c.MQTT.StaleAfter = 5 * time.Minute
	}
	if c.MQTT.Online == "" {
		c.MQTT.Online = "online"
	}
	for i := range c.Levels {
		l := &c.Levels[i]
		if l.Value == "" {
			l.Value = l.ID
		}
		if l.Name == "" {
			l.Name = l.ID
		}
	}
	for v, cmd := range c.Commands {
		if cmd.Latency == 0 {
			cmd.Latency = 15 * time.Second
		}
		if cmd.Method == "" && cmd.Path.text != "" {
			cmd.Method = "POST"
		}
		c.Commands[v] = cmd
	}
	for _, check := range []func() error{c.checkValues, c.checkPower, c.checkLevels, c.checkCommands, c.checkReadBack} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func oneOf[T ~string](what string, got T, of []T) error {
	if slices.Contains(of, got) {
		return nil
	}
	var names []string
	for _, o := range of {
		names = append(names, string(o))
	}
	return fmt.Errorf("%s: %q is not one of %s", what, got, strings.Join(names, ", "))
}

func (c *Config) checkValues() error {
	if measured(c.Measured) == units.None {
		return fmt.Errorf("measured: %q is not one of meter, psu, estimate, nameplate", c.Measured)
	}
	if err := oneOf("work", c.Work, works[:]); err != nil {
		return err
	}
	if c.HTTP.Status != "" {
		if err := fetch.CheckPath(c.HTTP.Status); err != nil {
			return fmt.Errorf("http: status: %w", err)
		}
	}
	if c.MQTT.StaleAfter < 10*time.Second {
		return fmt.Errorf("mqtt: stale_after: %v is shorter than 10s", c.MQTT.StaleAfter)
	}
	for what, topic := range map[string]string{"state": c.MQTT.State, "availability": c.MQTT.Availability} {
		if topic != "" {
			if err := mqtt.CheckTopic(topic); err != nil {
				return fmt.Errorf("mqtt: %s: %w", what, err)
			}
		}
	}
	all := c.sources()
	if len(all) == 0 {
		return errors.New("nothing can be read: describe at least power, energy, state, level or a temperature")
	}
	for _, v := range all {
		if err := c.checkSource(v.what, *v.source); err != nil {
			return err
		}
	}
	if c.State != nil {
		if len(c.State.Values) == 0 {
			return errors.New("state: values is missing: say what each word means, as in {\"on\": heating, \"off\": off}")
		}
		for word, s := range c.State.Values {
			if err := oneOf(fmt.Sprintf("state: %q", word), s, states[:]); err != nil {
				return err
			}
		}
	}
	seen := make(map[string]bool)
	for i, t := range c.Temperatures {
		what := fmt.Sprintf("temperatures: entry %d", i+1)
		if t.Name == "" || seen[t.Name] {
			return fmt.Errorf("%s: it needs a name of its own", what)
		}
		seen[t.Name] = true
		if err := oneOf(what+": kind", t.Kind, kinds[:]); err != nil {
			return err
		}
		if err := checkUnit(what, t.Unit, jsonpath.IsTemperature(t.Unit), "°C"); err != nil {
			return err
		}
	}
	return nil
}

// found is a value that the description names, with its source.
type found struct {
	what   string
	source *Source
}

func (c *Config) sources() []found {
	var all []found
	add := func(what string, s *Source) { all = append(all, found{what, s}) }
	if c.Power != nil {
		add("power", &c.Power.Source)
	}
	if c.Energy != nil {
		add("energy", &c.Energy.Source)
	}
	if c.State != nil {
		add("state", &c.State.Source)
	}
	if c.Level != nil {
		add("level", &c.Level.Source)
	}
	if c.SerialFrom != nil {
		add("serial_from", &c.SerialFrom.Source)
	}
	for i := range c.Temperatures {
		add("temperature "+c.Temperatures[i].Name, &c.Temperatures[i].Source)
	}
	return all
}

// checkSource also fills in the default, so that every source names one place.
func (c *Config) checkSource(what string, s Source) error {
	switch s = c.source(s); {
	case s.Get != "" && s.Topic != "":
		return fmt.Errorf("%s: get and topic exclude each other", what)
	case s.Get != "":
		if c.HTTP.URL == "" {
			return fmt.Errorf("%s: get needs http with a url", what)
		}
		if err := fetch.CheckPath(s.Get); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	case s.Topic != "":
		if err := mqtt.CheckTopic(s.Topic); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	default:
		return fmt.Errorf("%s: where does it stand? Give it a topic or a path to get, or give http a status or mqtt a state", what)
	}
	return nil
}

// source returns where a value stands, with the default filled in.
func (c *Config) source(s Source) Source {
	if s == (Source{}) {
		if c.HTTP.Status != "" {
			s.Get = c.HTTP.Status
		} else {
			s.Topic = c.MQTT.State
		}
	}
	return s
}

func checkUnit(what, unit string, ok bool, example string) error {
	if !ok {
		return fmt.Errorf("%s: unit: %q is not a unit here: write for instance %s", what, unit, example)
	}
	return nil
}

func (c *Config) checkPower() error {
	if c.Power != nil {
		if err := checkUnit("power", c.Power.Unit, powerUnit(c.Power.Unit) != 0, "W"); err != nil {
			return err
		}
	}
	if c.Energy != nil {
		if err := checkUnit("energy", c.Energy.Unit, energyUnit(c.Energy.Unit) != 0, "kWh"); err != nil {
			return err
		}
	}
	r := c.Range
	_, free := c.Commands[string(device.SetPower)]
	switch {
	case c.Max < 0 || c.Idle < 0 || c.HeatingAbove < 0:
		return errors.New("max, idle and heating_above are not negative")
	case len(c.Commands) > 0 && c.Max == 0:
		return errors.New("max is missing: a device that takes commands needs the most that it can draw, as in \"max: 1200 W\"")
	case c.Max > 0 && c.Idle > c.Max:
		return fmt.Errorf("idle: %v is more than max, %v", c.Idle, c.Max)
	case free && !(r.Max > 0 && r.Min >= 0 && r.Min < r.Max && r.Step >= 0 && r.Max <= c.Max):
		return errors.New("set_power needs power_range with min below max, max at most that of the device, as in {min: 300 W, max: 1200 W, step: 50 W}")
	case !free && r != (Range{}):
		return errors.New("power_range is there but not the command set_power")
	}
	return nil
}

func (c *Config) checkLevels() error {
	_, steps := c.Commands[string(device.SetLevel)]
	switch {
	case steps && len(c.Levels) == 0:
		return errors.New("set_level needs levels")
	case !steps && len(c.Levels) > 0:
		return errors.New("levels are there but not the command set_level")
	}
	var last units.Watts
	ids, values := make(map[string]bool), make(map[string]bool)
	for i, l := range c.Levels {
		switch {
		case !levelID.MatchString(l.ID):
			return fmt.Errorf("levels: entry %d: id %q: use small letters, digits, - and _", i+1, l.ID)
		case ids[l.ID] || values[l.Value]:
			return fmt.Errorf("levels: %s stands twice", l.ID)
		case l.Power <= last || l.Power > c.Max:
			return fmt.Errorf("levels: %s: list them by rising power, at most max: %v does not fit", l.ID, l.Power)
		case l.Loud < 0:
			return fmt.Errorf("levels: %s: loud counts from 0", l.ID)
		}
		last = l.Power
		ids[l.ID], values[l.Value] = true, true
	}
	return nil
}

func (c *Config) checkCommands() error {
	for name, cmd := range c.Commands {
		if err := oneOf("commands", device.Verb(name), verbs[:]); err != nil {
			return err
		}
		what := "commands: " + name
		switch {
		case cmd.Path.text != "" && cmd.Topic != "":
			return fmt.Errorf("%s: path and topic exclude each other", what)
		case cmd.Path.text != "":
			if c.HTTP.URL == "" {
				return fmt.Errorf("%s: path needs http with a url", what)
			}
			if err := fetch.CheckPath(cmd.Path.fill(order{level: "x"}, inURL)); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			if err := oneOf(what+": method", cmd.Method, methods[:]); err != nil {
				return err
			}
			if cmd.Payload.text != "" {
				return fmt.Errorf("%s: payload is for a topic: write body", what)
			}
			if cmd.Method == "GET" && cmd.Body.text != "" {
				return fmt.Errorf("%s: GET has no body: write method: POST", what)
			}
		case cmd.Topic != "":
			if err := mqtt.CheckTopic(cmd.Topic); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			if cmd.Body.text != "" || cmd.Method != "" {
				return fmt.Errorf("%s: method and body are for a path: write payload", what)
			}
		default:
			return fmt.Errorf("%s: where does it go? Give it a path or a topic", what)
		}
		if err := c.checkPlaces(device.Verb(name), cmd); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if cmd.Latency < 0 || cmd.PerHour < 0 || cmd.PerDay < 0 {
			return fmt.Errorf("%s: latency, per_hour and per_day are not negative", what)
		}
		if cmd.Flash && cmd.PerHour == 0 && cmd.PerDay == 0 {
			return fmt.Errorf("%s: flash wears out: bound it by per_day", what)
		}
		if cmd.Flash && c.DeadMan > 0 {
			return fmt.Errorf("%s: dead_man repeats commands all day, which would wear the flash out", what)
		}
	}
	return nil
}

// checkPlaces wants the wattage or the level in the command that sets it, and
// in no other.
func (c *Config) checkPlaces(v device.Verb, cmd Command) error {
	has := func(names ...string) bool {
		return cmd.Path.has(names...) || cmd.Body.has(names...) || cmd.Payload.has(names...)
	}
	watts, level := has("Watts", "Kilowatts", "Percent"), has("Level")
	switch {
	case v == device.SetPower && !watts:
		return errors.New("it sends no wattage: put {{.Watts}} where it belongs")
	case v == device.SetLevel && !level:
		return errors.New("it sends no level: put {{.Level}} where it belongs")
	case v != device.SetPower && watts, v != device.SetLevel && level:
		return fmt.Errorf("%s has no wattage or level to send", v)
	}
	return nil
}

// checkReadBack wants a way to see each command done.
func (c *Config) checkReadBack() error {
	can := func(v device.Verb) bool { _, ok := c.Commands[string(v)]; return ok }
	switch {
	case len(c.Commands) == 0:
		if c.DeadMan != 0 {
			return errors.New("dead_man: a device without commands has none")
		}
		return nil
	case c.State == nil && c.HeatingAbove == 0:
		return errors.New("commands cannot be seen to work: describe state, or give heating_above with power")
	case c.State == nil && c.Power == nil:
		return errors.New("heating_above needs power")
	case c.State == nil && can(device.Pause) && can(device.Off):
		return errors.New("pause and off cannot be told apart by the power: describe state")
	case can(device.SetLevel) && c.Level == nil:
		return errors.New("set_level cannot be seen to work: describe level")
	case can(device.SetPower) && c.Power == nil:
		return errors.New("set_power cannot be seen to work: describe power")
	case (can(device.Pause) || can(device.Off)) && !can(device.Run) && !can(device.SetLevel) && !can(device.SetPower):
		return errors.New("commands: it can be stopped but not started: describe run")
	case c.DeadMan < 0 || c.DeadMan > 0 && c.DeadMan < 30*time.Second:
		return fmt.Errorf("dead_man: %v is shorter than 30s", c.DeadMan)
	}
	return nil
}

package device

import (
	"context"
	"errors"
	"time"

	"hearth/units"
)

// Device is one heater, or one relay or meter in front of a heater.
//
// The runtime calls a Device from one goroutine at a time, gives every call a
// context with a deadline, and does its own retries and back-off: a driver
// tries once. A call must return soon after its context ends.
type Device interface {
	// Identify says who the device is. The identity must not depend on its
	// address, so that a device found again elsewhere is the same one.
	Identify(ctx context.Context) (Identity, error)
	// Capabilities says what the device can do now, asked of the device where
	// it can tell. It may change after a firmware update or a calibration.
	Capabilities(ctx context.Context) (Capabilities, error)
	// Read takes one snapshot. What the device does not tell, or tells with a
	// sentinel, is unknown in it. Read never returns old data.
	Read(ctx context.Context) (Reading, error)
	// Apply asks for d. It is idempotent, and repeating it renews the dead-man
	// timer of a device that has one. A nil error means that the device took
	// the command, not that it did it: that is for [Meets] to say.
	Apply(ctx context.Context, d Demand) (Applied, error)
	// Close frees what the driver holds. It does not change the heater.
	Close() error
}

// Blinker is a device that can show which box it is.
type Blinker interface {
	// Blink makes the device show itself (a light, a screen) for a while.
	Blink(ctx context.Context) error
}

// Errors that the runtime branches on. Drivers wrap them with what was being
// done and what to do next.
var (
	// ErrUnreachable: nobody answers at the address.
	ErrUnreachable = errors.New("device does not answer")
	// ErrBusy: the device answers that it cannot now (tuning, calibrating,
	// restarting). Trying later is right.
	ErrBusy = errors.New("device is busy")
	// ErrRefused: the device understood and said no (a locked API, a wrong
	// password). A person must do something.
	ErrRefused = errors.New("device refused")
	// ErrUnsupported: the device has no such verb or level.
	ErrUnsupported = errors.New("device cannot do that")
	// ErrGarbage: the answer is not what the protocol says.
	ErrGarbage = errors.New("device answered garbage")
)

// Identity is who a device is.
type Identity struct {
	Vendor   string `json:"vendor"`
	Model    string `json:"model"`
	Firmware string `json:"firmware,omitempty"`
	// Serial is a serial number or MAC, never an address.
	Serial string `json:"serial,omitempty"`
	// Simulated is set when the device itself says that it is an emulation.
	Simulated bool `json:"simulated,omitempty"`
}

// Verb is a way to change a device's heat.
type Verb string

// The verbs, from least to most costly in the usual case.
const (
	// SetPower follows any wattage within a range at once.
	SetPower Verb = "set_power"
	// SetLevel steps between named levels.
	SetLevel Verb = "set_level"
	// Run ends a Pause or Off, at the level or wattage the device had.
	Run Verb = "run"
	// Pause stops computing; the device stays on and draws its idle watts.
	Pause Verb = "pause"
	// Off is the lowest draw the device can take and still be switched on
	// remotely: an open relay, a deep sleep.
	Off Verb = "off"
	// Retune changes the wattage by a persisted, slow change of tuning.
	Retune Verb = "retune"
)

// Cost is what one use of a verb costs.
type Cost struct {
	// Latency is the time until the new heat is there. The runtime waits for
	// twice this before it calls a command failed.
	Latency time.Duration `json:"latency"`
	// Restarts: the device stops heating in between.
	Restarts bool `json:"restarts,omitempty"`
	// Flash: each use writes memory that wears out.
	Flash bool `json:"flash,omitempty"`
	// NeedsTuning: the device may have to tune itself first.
	NeedsTuning bool `json:"needs_tuning,omitempty"`
	// PerHour bounds the uses in any hour; 0 is unbounded.
	PerHour int `json:"per_hour,omitempty"`
	// PerDay bounds the uses in any 24 hours; 0 is unbounded.
	PerDay int `json:"per_day,omitempty"`
}

// Level is one named step of power.
type Level struct {
	// ID is what the driver takes in [Demand.Level]: stable, lower case.
	ID string `json:"id"`
	// Name is for people.
	Name string `json:"name"`
	// Power is the draw to expect, with where the figure comes from.
	Power units.Known[units.Watts] `json:"power"`
	// Loud ranks the noise, 0 (unknown or silent) upwards.
	Loud int `json:"loud,omitempty"`
}

// Range is the span of [SetPower].
type Range struct {
	Min units.Watts `json:"min"`
	Max units.Watts `json:"max"`
	// Step is the grain; 0 means any value.
	Step units.Watts `json:"step"`
}

// Limp says what a miner does when it loses its pool.
type Limp string

// What is known about heating without a pool.
const (
	LimpUnknown Limp = "unknown"
	LimpHeats   Limp = "keeps heating without a pool"
	LimpStops   Limp = "stops heating without a pool"
	LimpNone    Limp = "needs no pool"
)

// Work says what a device does with its electricity besides heat.
type Work string

// What devices compute.
const (
	Hashing   Work = "hashing"   // SHA-256d, for a pool
	Computing Work = "computing" // this computer's processors
	Burning   Work = "dumb heat" // processors kept busy with nothing useful
	Waiting   Work = "waiting"   // in a [Reading]: there is work, which waits for heat to be wanted
	Resistive Work = "resistance"
	NoWork    Work = "none" // a relay or meter alone
)

// TempKind is what a temperature is the temperature of.
type TempKind string

// The kinds of temperature channel. They are not comparable with each other:
// a chip is some 15 K above its board.
const (
	Chip      TempKind = "chip"
	Board     TempKind = "board"
	Regulator TempKind = "regulator"
	AirIn     TempKind = "air_in"
	AirOut    TempKind = "air_out"
	FluidIn   TempKind = "fluid_in"
	FluidOut  TempKind = "fluid_out"
	Room      TempKind = "room"
	TankTop   TempKind = "tank_top"
	TankLow   TempKind = "tank_bottom"
	Outdoor   TempKind = "outdoor"
)

// Channel describes one temperature a device reports.
type Channel struct {
	Name  string        `json:"name"`
	Kind  TempKind      `json:"kind"`
	Limit units.Celsius `json:"limit,omitempty"` // trip limit; 0 if none is known
	Note  string        `json:"note,omitempty"`
}

// Capabilities is what a device can do.
type Capabilities struct {
	// Verbs names each verb the device has, with its cost. A device without
	// verbs only measures.
	Verbs map[Verb]Cost `json:"verbs"`
	// Levels are the steps of SetLevel, by rising power.
	Levels []Level `json:"levels,omitempty"`
	// Power is the span of SetPower and Retune; zero if the device has neither.
	Power Range `json:"power"`
	// Max is the most the device can draw, for circuits and caps.
	Max units.Watts `json:"max"`
	// Idle is the draw when paused.
	Idle units.Known[units.Watts] `json:"idle"`
	// Shared is set when the power in readings also holds what others do with
	// the device, as other programs do on a computer. A draw above the demand
	// then contradicts nothing.
	Shared bool `json:"shared,omitempty"`
	// Efficient is the level with the most work per joule, used for duty
	// cycling; empty if unknown.
	Efficient string `json:"efficient,omitempty"`
	// WattSource is the provenance of the power in readings.
	WattSource units.Provenance `json:"watt_source"`
	// Work is what the electricity does besides heat.
	Work Work `json:"work"`
	// Limp is what happens without a pool, LimpHow how to change it.
	Limp    Limp   `json:"limp"`
	LimpHow string `json:"limp_how,omitempty"`
	// DeadMan is the time after which the device goes to its safe state by
	// itself unless Apply is repeated. 0: it keeps its last level if Hearth
	// stops, which every surface must say.
	DeadMan time.Duration `json:"dead_man"`
	// Temps lists the temperature channels.
	Temps []Channel `json:"temps,omitempty"`
	// WriteGate is empty, or tells a person what to do before commands work.
	WriteGate string `json:"write_gate,omitempty"`
	// Notes are facts a person should know about this device, plain words.
	Notes []string `json:"notes,omitempty"`
}

// Can reports whether the device has the verb.
func (c Capabilities) Can(v Verb) bool {
	_, ok := c.Verbs[v]
	return ok
}

// Level returns the level with the given id.
func (c Capabilities) Level(id string) (Level, bool) {
	for _, l := range c.Levels {
		if l.ID == id {
			return l, true
		}
	}
	return Level{}, false
}

// State is what a device is doing.
type State string

// The states of a device.
const (
	StateUnknown  State = "unknown"
	StateOff      State = "off"
	StateStarting State = "starting"
	StateTuning   State = "tuning"
	StateHeating  State = "heating"
	StatePaused   State = "paused"
	StateLimp     State = "limp" // on, but without a pool: does not heat
	StateFault    State = "fault"
)

// Temp is one temperature in a reading.
type Temp struct {
	Name  string                     `json:"name"`
	Kind  TempKind                   `json:"kind"`
	Value units.Known[units.Celsius] `json:"value"`
}

// Fan is one fan in a reading.
type Fan struct {
	Name  string                      `json:"name"`
	Speed units.Known[units.RPM]      `json:"speed"`
	Duty  units.Known[units.Fraction] `json:"duty"`
}

// Fault is something the device says is wrong.
type Fault struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Part is the share of a device's draw that one part of it has.
type Part struct {
	Name  string                   `json:"name"`
	Power units.Known[units.Watts] `json:"power"`
}

// Reading is one snapshot of a device.
type Reading struct {
	At    time.Time `json:"at"`
	State State     `json:"state"`
	// Power is what the device draws from the wall.
	Power units.Known[units.Watts] `json:"power"`
	// Parts splits Power where the device tells its parts apart.
	Parts []Part `json:"parts,omitempty"`
	// Energy is the device's own counter since an unknown time; it may fall
	// back to zero when the device restarts.
	Energy   units.Known[units.Joules]          `json:"energy"`
	HashRate units.Known[units.HashRate]        `json:"hash_rate"`
	Level    units.Known[string]                `json:"level"`  // level in force
	Target   units.Known[units.Watts]           `json:"target"` // wattage asked of the device
	Temps    []Temp                             `json:"temps,omitempty"`
	Fans     []Fan                              `json:"fans,omitempty"`
	Flow     units.Known[units.LitresPerMinute] `json:"flow"`
	Pool     units.Known[bool]                  `json:"pool"` // has a working pool
	Uptime   units.Known[time.Duration]         `json:"uptime"`
	Faults   []Fault                            `json:"faults,omitempty"`
	// Work is what the electricity does at present, where that changes with
	// time; empty where [Capabilities] say it for good.
	Work Work `json:"work,omitempty"`
	// Done counts useful work since the device's own counters began. A count
	// falls back to zero when the device restarts.
	Done []Output `json:"done,omitempty"`
}

// Output is a count of useful work.
type Output struct {
	// Unit is a short word of a-z, 0-9 and _ in the singular, such as "token".
	Unit  string             `json:"unit"`
	Count units.Known[int64] `json:"count"`
}

// Temp returns the first temperature of the given kind, unknown if the
// reading has none.
func (r Reading) Temp(kind TempKind) units.Known[units.Celsius] {
	for _, t := range r.Temps {
		if t.Kind == kind {
			return t.Value
		}
	}
	return units.Unknown[units.Celsius]("the device has no such sensor", r.At)
}

// Marked returns the reading with every known value's provenance made at
// least as bad as p. The slices are copied.
func (r Reading) Marked(p units.Provenance) Reading {
	r.Power, r.Energy, r.HashRate = r.Power.Marked(p), r.Energy.Marked(p), r.HashRate.Marked(p)
	r.Level, r.Target, r.Flow = r.Level.Marked(p), r.Target.Marked(p), r.Flow.Marked(p)
	r.Pool, r.Uptime = r.Pool.Marked(p), r.Uptime.Marked(p)
	r.Temps, r.Fans = append([]Temp(nil), r.Temps...), append([]Fan(nil), r.Fans...)
	r.Parts = append([]Part(nil), r.Parts...)
	for i := range r.Parts {
		r.Parts[i].Power = r.Parts[i].Power.Marked(p)
	}
	for i := range r.Temps {
		r.Temps[i].Value = r.Temps[i].Value.Marked(p)
	}
	r.Done = append([]Output(nil), r.Done...)
	for i := range r.Done {
		r.Done[i].Count = r.Done[i].Count.Marked(p)
	}
	for i := range r.Fans {
		r.Fans[i].Speed, r.Fans[i].Duty = r.Fans[i].Speed.Marked(p), r.Fans[i].Duty.Marked(p)
	}
	return r
}

// Demand is a command to a device.
type Demand struct {
	Verb Verb `json:"verb"`
	// Power is the wattage for SetPower and Retune, which also run a device
	// that is paused or off.
	Power units.Watts `json:"power,omitempty"`
	// Level is the level for SetLevel. SetLevel on a paused device also runs it.
	Level string `json:"level,omitempty"`
	// Why is the reason in plain words, for the event log and the ledger.
	Why string `json:"why,omitempty"`
}

// Same reports whether two demands ask the same of a device, whatever the
// reason.
func (d Demand) Same(e Demand) bool {
	d.Why, e.Why = "", ""
	return d == e
}

// Applied is what a driver really asked of its device, after rounding to what
// the device can take.
type Applied struct {
	Verb  Verb        `json:"verb"`
	Power units.Watts `json:"power,omitempty"`
	Level string      `json:"level,omitempty"`
	// Flash is set when this use wrote memory that wears out. A driver that
	// finds the device already as demanded writes nothing.
	Flash bool `json:"flash,omitempty"`
}

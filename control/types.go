package control

import (
	"time"

	"hearth/device"
	"hearth/heat"
	"hearth/units"
)

// ZoneKind is what a zone heats.
type ZoneKind string

// The kinds of zone.
const (
	// Room is air with a thermometer.
	Room ZoneKind = "room"
	// Tank is stored hot water with one thermometer or two.
	Tank ZoneKind = "tank"
	// Manual has no thermometer: its heater runs at a level for a time that a
	// person set, and no temperature is ever inferred.
	Manual ZoneKind = "manual"
)

// LossAction is what to do when a zone's sensor cannot be believed.
type LossAction string

// What a zone does without its sensor.
const (
	LossOff      LossAction = "off"
	LossLow      LossAction = "low"       // lowest level of the primary heater
	LossLastSafe LossAction = "last_safe" // the mean power of the last day, capped at half
)

// SensorPolicy says when a thermometer is not believed.
type SensorPolicy struct {
	StaleAfter  time.Duration // no reading for so long
	FrozenAfter time.Duration // not the slightest change for so long while heating; 0 never
	Min, Max    units.Celsius // outside: impossible
	OnLoss      LossAction
}

// Quiet caps a zone's heaters by time of day.
type Quiet struct {
	From, To heat.TimeOfDay // may wrap midnight
	Days     heat.Weekdays  // zero: every day
	MaxLoud  int            // highest Level.Loud allowed; 0: no cap by loudness
	MaxPower units.Watts    // 0: no cap by power
}

// Legionella is the regular heating of a whole cylinder.
type Legionella struct {
	Every  time.Duration // at least once in this time
	Reach  units.Celsius // at the coldest sensor, at least 60 °C
	Hold   time.Duration
	Within time.Duration // alarm if not reached in this time from its start
}

// Zone is one thing with a temperature to hold.
type Zone struct {
	ID, Name string
	Kind     ZoneKind
	SetPoint units.Celsius // when the schedule says nothing
	Schedule heat.Schedule
	Band     units.Kelvin  // hysteresis
	Frost    units.Celsius // floor below which everything that can heat does
	Limit    units.Celsius // latched trip above
	Sensor   SensorPolicy
	Quiet    []Quiet
	// Load is the design heat load, for feed-forward; 0 if unknown.
	Load units.Watts
	// DesignOutdoor is the outdoor temperature that Load belongs to.
	DesignOutdoor units.Celsius
	Legionella    *Legionella
	// Shift is how far a room's set-point may be moved, up and down, to heat
	// when power is cheap; 0: not at all. It needs prices that change, and a
	// few days in which the room is watched. Where the weather to come is not
	// known, that of the last days stands for it; a price that is not known
	// counts with the mean of those that are.
	Shift units.Kelvin
	// FlowMin is the least flow while heating; 0 if the zone has no flow meter.
	FlowMin units.LitresPerMinute
}

// Role says when a heater is used.
type Role string

// The roles of a heater.
const (
	Primary Role = "primary" // computes; used first
	Backup  Role = "backup"  // used when the primaries cannot
)

// Heater is one device's place in the home.
type Heater struct {
	ID, Zone string
	Role     Role
	// Limit caps the watts asked of the device; 0: the device's maximum. A
	// device without a dead-man is capped at [UnguardedCap] if this is 0.
	Limit units.Watts
	// MinOn and MinOff bound cycling. Safety ignores them for stopping.
	MinOn, MinOff time.Duration
	// StartsPerDay bounds starts in any 24 hours; 0: no bound.
	StartsPerDay int
	// FlashPerDay bounds persisted writes in any 24 hours.
	FlashPerDay int
	// ChipLimit latches a trip; 0: the device's own channel limits.
	ChipLimit units.Celsius
	// Relay names the device that feeds this one, if any. It is renewed while
	// the heater may run and opened in an emergency, not for control.
	Relay string
}

// UnguardedCap is the most power asked of a device that would keep its last
// level if Hearth stopped, unless a person set a limit.
const UnguardedCap units.Watts = 1000

// Config is a home as control sees it.
type Config struct {
	Zones   []Zone
	Heaters []Heater
	// MaxPower caps the sum over all heaters; 0: no cap.
	MaxPower units.Watts
}

// DeviceSeen is the latest that is known of a device.
type DeviceSeen struct {
	// Online is false when the device did not answer lately; Reading is then
	// all unknown.
	Online  bool
	Caps    device.Capabilities
	HasCaps bool
	Reading device.Reading
	// Failed counts commands in a row that were not read back.
	Failed int
}

// ZoneSeen is the latest from a zone's sensors.
type ZoneSeen struct {
	Temp units.Known[units.Celsius] // room, or top of a tank
	Low  units.Known[units.Celsius] // bottom of a tank
	Flow units.Known[units.LitresPerMinute]
}

// Observation is all that control knows at one instant.
type Observation struct {
	Now     time.Time
	Outdoor units.Known[units.Celsius]
	Zones   map[string]ZoneSeen
	Devices map[string]DeviceSeen
	// GridLimit is a mandatory cap on total power; unknown means none.
	GridLimit units.Known[units.Watts]
}

// Command is a demand to one device.
type Command struct {
	Device string
	Demand device.Demand
	// Urgent is set for safety: it goes out at once and again until read back.
	Urgent bool
}

// Activity is what a zone is doing, in one word.
type Activity string

// The activities of a zone.
const (
	Heating   Activity = "heating"
	Idle      Activity = "idle"
	Off       Activity = "off"
	Waiting   Activity = "waiting" // wants heat, may not yet (minimum off time, ramp, budget)
	Tripped   Activity = "tripped" // safety has stopped it
	NoSensor  Activity = "no_sensor"
	CannotNow Activity = "cannot" // wants heat and no heater can give it
)

// ZoneDecision is what was decided for a zone.
type ZoneDecision struct {
	SetPoint units.Known[units.Celsius] // in force now; unknown for manual zones and when off
	Why      string                     // why this set-point ("evening, until 22:00")
	// Preset is "away", "boost" or "holiday" while such an exception is in
	// force, else empty; Until is when the set-point next changes by itself,
	// zero if it does not.
	Preset   string
	Until    time.Time
	Want     units.Watts
	Activity Activity
	Sentence string // "Heating at 850 W: 0.6 K below the set-point."
	// Plan says what planning ahead does, or why it does nothing; empty where
	// nobody asked for it.
	Plan string
}

// Budget is what is left of a heater's wear for the next 24 hours.
type Budget struct {
	Starts      int       `json:"starts"`       // in the last 24 hours
	StartsLimit int       `json:"starts_limit"` // 0: none
	Flash       int       `json:"flash"`
	FlashLimit  int       `json:"flash_limit"`
	Since       time.Time `json:"since"` // of the present on or off state
}

// Severity ranks trips and events.
type Severity string

// The severities.
const (
	Info    Severity = "info"
	Notice  Severity = "notice"
	Warning Severity = "warning"
	Alarm   Severity = "alarm"
)

// Trip is a state of the supervisor that holds something off or on.
type Trip struct {
	ID      string    `json:"id"`      // "room_over_temperature/living"
	Rule    string    `json:"rule"`    // "room_over_temperature"
	Subject string    `json:"subject"` // zone or device
	Since   time.Time `json:"since"`
	Cause   string    `json:"cause"`   // "Living room is 31.2 °C, over its limit of 30 °C."
	Did     string    `json:"did"`     // "Stopped all heaters of the room."
	Clears  string    `json:"clears"`  // "Clears when a person resets it below 28 °C."
	Latched bool      `json:"latched"` // a person must clear it
	Ready   bool      `json:"ready"`   // a latched trip that may be cleared now
}

// Event is something that happened, in plain words.
type Event struct {
	At       time.Time
	Severity Severity
	Subject  string
	Code     string // stable, for programs: "trip", "trip_cleared", "start", "budget"
	Text     string
}

// Decision is what control wants done.
type Decision struct {
	Commands []Command
	Zones    map[string]ZoneDecision
	Budgets  map[string]Budget
	Trips    []Trip
	Events   []Event
}

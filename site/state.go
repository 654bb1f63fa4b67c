package site

import (
	"strings"
	"time"

	"hearth/control"
	"hearth/device"
	"hearth/units"
)

// State is everything a surface shows about a home, at one instant. It is a
// value: the receiver may keep it.
type State struct {
	At      time.Time `json:"at"`
	Name    string    `json:"name"`
	Place   string    `json:"place,omitempty"`
	Version string    `json:"version"`
	// Sentence says it all: "Heating. Living room 20.6 °C, 1.2 kW."
	Sentence string `json:"sentence"`
	// Simulated is true when any zone, sensor or device is simulated.
	Simulated bool `json:"simulated"`
	// SimulatedNote says what is simulated, in plain words; empty if nothing is.
	SimulatedNote string `json:"simulated_note,omitempty"`
	// Speed is how much faster than life the home runs; 1 in real life.
	Speed float64 `json:"speed"`

	Outdoor units.Known[units.Celsius] `json:"outdoor"`
	// Power is what all heaters draw together.
	Power units.Known[units.Watts] `json:"power"`
	// Today sums since local midnight.
	Today Totals `json:"today"`
	// Price is what electricity costs now.
	Price units.Known[units.Price] `json:"price"`

	Zones   []ZoneState    `json:"zones"`
	Devices []DeviceState  `json:"devices"`
	Sensors []SensorState  `json:"sensors"`
	Trips   []control.Trip `json:"trips"`
	Compute ComputeState   `json:"compute"`
	Ledger  LedgerState    `json:"ledger"`
}

// Totals are sums over a span of time.
type Totals struct {
	From time.Time `json:"from"`
	// Electricity is what the heaters drew.
	Electricity units.Known[units.KilowattHours] `json:"electricity"`
	// Heat is what reached rooms and tanks.
	Heat units.Known[units.KilowattHours] `json:"heat"`
	// Backup is the share of Heat that backup heaters made, without computing.
	Backup units.Known[units.Fraction] `json:"backup"`
	// Comfort is the share of the time that zones were no more than 0.5 K
	// below their set-point.
	Comfort units.Known[units.Fraction] `json:"comfort"`
	// Cost is what the electricity cost.
	Cost units.Known[units.Money] `json:"cost"`
	// Earned is what the work brought; unknown until something is paid.
	Earned units.Known[units.Sats] `json:"earned"`
}

// Mode is whether a zone is to be heated at all.
type Mode string

// The modes of a zone.
const (
	ModeHeat Mode = "heat"
	ModeOff  Mode = "off" // frost protection stays
)

// ZoneState is one zone.
type ZoneState struct {
	ID        string                     `json:"id"`
	Name      string                     `json:"name"`
	Kind      control.ZoneKind           `json:"kind"`
	Simulated bool                       `json:"simulated"`
	Mode      Mode                       `json:"mode"`
	Temp      units.Known[units.Celsius] `json:"temp"`
	Low       units.Known[units.Celsius] `json:"low"` // bottom of a tank
	SetPoint  units.Known[units.Celsius] `json:"setpoint"`
	// SetWhy says where the set-point comes from.
	SetWhy   string           `json:"set_why"`
	Min      units.Celsius    `json:"min"` // set-points allowed
	Max      units.Celsius    `json:"max"`
	Step     units.Kelvin     `json:"step"`
	Preset   string           `json:"preset"` // "", "away", "boost", "holiday"
	Until    *time.Time       `json:"until,omitempty"`
	Activity control.Activity `json:"activity"`
	Sentence string           `json:"sentence"`
	// Plan says what planning ahead does, or why it does nothing; empty where
	// nobody asked for it.
	Plan     string                   `json:"plan,omitempty"`
	Power    units.Known[units.Watts] `json:"power"` // of the zone's heaters
	Want     units.Watts              `json:"want"`
	Today    Totals                   `json:"today"`
	Heaters  []string                 `json:"heaters"` // device ids
	Schedule []string                 `json:"schedule"`
}

// Aside is what planning ahead has to say that the Sentence does not.
func (z ZoneState) Aside() string {
	if strings.HasSuffix(z.Sentence, z.Plan) {
		return ""
	}
	return z.Plan
}

// DeviceState is one device.
type DeviceState struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Kind      string          `json:"kind"` // driver
	Zone      string          `json:"zone,omitempty"`
	Role      control.Role    `json:"role,omitempty"`
	Simulated bool            `json:"simulated"`
	Identity  device.Identity `json:"identity"`
	Online    bool            `json:"online"`
	// Trouble is empty, or why the device is not as it should be.
	Trouble string               `json:"trouble,omitempty"`
	Reading device.Reading       `json:"reading"`
	Caps    *device.Capabilities `json:"capabilities,omitempty"`
	// Guard says in plain words what the heater does if Hearth stops.
	Guard   string          `json:"guard,omitempty"`
	Command *CommandState   `json:"command,omitempty"` // the last one
	Budget  *control.Budget `json:"budget,omitempty"`
	Limit   units.Watts     `json:"limit,omitempty"`
	Today   Totals          `json:"today"`
	// Energy is Hearth's own count since the device was added: it never falls.
	Energy units.Known[units.KilowattHours] `json:"energy"`
	// Work is what its electricity does besides heat.
	Work device.Work `json:"work,omitempty"`
	// Output is the useful work that it counts itself.
	Output []OutputState `json:"output,omitempty"`
	// Repoints says that Hearth can set the pools that it mines at.
	Repoints bool `json:"repoints,omitempty"`
}

// CommandState is the last command to a device and whether it is believed.
type CommandState struct {
	At        time.Time     `json:"at"`
	Demand    device.Demand `json:"demand"`
	Confirmed bool          `json:"confirmed"`
	// Pending is true until the command is read back or given up.
	Pending bool   `json:"pending"`
	Trouble string `json:"trouble,omitempty"`
}

// SensorState is one sensor.
type SensorState struct {
	ID        string                     `json:"id"`
	Name      string                     `json:"name"`
	Kind      string                     `json:"kind"`
	Zone      string                     `json:"zone,omitempty"`
	Simulated bool                       `json:"simulated"`
	Value     units.Known[units.Celsius] `json:"value"`
}

// ComputeState is whether this computer may compute for heat.
type ComputeState struct {
	// Present is false when this home does not use its own computer.
	Present bool `json:"present"`
	// Allowed is true after a person's consent.
	Allowed bool   `json:"allowed"`
	Note    string `json:"note"` // plain words: what it does, or what is missing
}

// LedgerState is the health of the ledger.
type LedgerState struct {
	Records uint64     `json:"records"`
	Head    string     `json:"head"` // hex hash of the last record
	At      *time.Time `json:"at,omitempty"`
	// Paused is empty, or why nothing can be written now (heating goes on).
	Paused string `json:"paused,omitempty"`
}

// Event is an entry in the home's log.
type Event struct {
	Seq       uint64           `json:"seq"`
	At        time.Time        `json:"at"`
	Severity  control.Severity `json:"severity"`
	Subject   string           `json:"subject"`
	Code      string           `json:"code"`
	Text      string           `json:"text"`
	Simulated bool             `json:"simulated"`
}

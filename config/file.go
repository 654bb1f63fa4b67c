package config

import (
	"time"

	"github.com/goccy/go-yaml/ast"

	"hearth/control"
	"hearth/heat"
	"hearth/units"
)

// File is a home as its owner describes it.
type File struct {
	Name   string `yaml:"name"`
	Place  string `yaml:"place"`
	Zone   string `yaml:"time_zone"` // IANA name; empty: the system's
	Listen string `yaml:"listen"`
	// MaxPower caps all heaters together, as the circuit does.
	MaxPower      units.Watts       `yaml:"max_power,positive"`
	Period        time.Duration     `yaml:"period,positive"`
	MQTT          MQTT              `yaml:"mqtt"`
	HomeAssistant bool              `yaml:"home_assistant"`
	Weather       Weather           `yaml:"weather"`
	Tariff        Section           `yaml:"tariff"`
	Retention     Retention         `yaml:"retention"`
	Inference     Inference         `yaml:"inference"`
	Pool          Section           `yaml:"pool"` // of the home's own, for its miners
	Rooms         map[string]Room   `yaml:"rooms"`
	Tanks         map[string]Tank   `yaml:"tanks"`
	Manual        map[string]Manual `yaml:"manual"`
	Sensors       map[string]Sensor `yaml:"sensors"`
	Devices       map[string]Device `yaml:"devices"`
}

// MQTT is the home's broker.
type MQTT struct {
	URL      string `yaml:"url"`
	Username string `yaml:"username"`
	Password string `yaml:"password"` // "file:…"
	CA       string `yaml:"ca"`       // file with the broker's authority; empty: the system's
}

// Weather says where the outdoor temperature comes from.
type Weather struct {
	// Kind is "typical" (a typical year of the place), "epw", "csv",
	// "service" (a forecast without a key) or "sensor".
	Kind      string  `yaml:"kind"`
	Path      string  `yaml:"path"`
	URL       string  `yaml:"url"`
	Latitude  float64 `yaml:"latitude"`
	Longitude float64 `yaml:"longitude"`
	Sensor    string  `yaml:"sensor"`
}

// Retention says how long detail is kept.
type Retention struct {
	// Detail is how long the ledger keeps single records; 0 keeps all.
	Detail time.Duration `yaml:"detail,positive"`
}

// Inference is what the home's computer works on while it heats.
type Inference struct {
	// Models are served under /v1; without any, all that are here.
	Models []string `yaml:"models"`
	// Folders hold texts to be made ready for "hearth search" while heat is
	// wanted.
	Folders []string `yaml:"folders"`
}

// Room is air with a thermometer.
type Room struct {
	Name          string             `yaml:"name"`
	Sensor        string             `yaml:"sensor"`
	SetPoint      units.Celsius      `yaml:"setpoint,positive"`
	Band          units.Kelvin       `yaml:"band,positive"`
	Frost         units.Celsius      `yaml:"frost,positive"`
	Limit         units.Celsius      `yaml:"limit,positive"`
	Load          units.Watts        `yaml:"load,positive"`
	DesignOutdoor units.Celsius      `yaml:"design_outdoor"`
	Schedule      []Slot             `yaml:"schedule"`
	Quiet         []Quiet            `yaml:"quiet"`
	StaleAfter    time.Duration      `yaml:"stale_after,positive"`
	FrozenAfter   time.Duration      `yaml:"frozen_after,positive"`
	OnSensorLoss  control.LossAction `yaml:"on_sensor_loss"`
	// PlanAhead heats the room when power is cheap, by moving its set-point up
	// and down by at most PlanShift.
	PlanAhead bool         `yaml:"plan_ahead"`
	PlanShift units.Kelvin `yaml:"plan_shift,positive"`
}

// Tank is stored hot water.
type Tank struct {
	Name         string                `yaml:"name"`
	Sensor       string                `yaml:"sensor"`
	BottomSensor string                `yaml:"bottom_sensor"`
	FlowDevice   string                `yaml:"flow_device"`
	FlowMin      units.LitresPerMinute `yaml:"flow_min,positive"`
	SetPoint     units.Celsius         `yaml:"setpoint,positive"`
	Band         units.Kelvin          `yaml:"band,positive"`
	Limit        units.Celsius         `yaml:"limit,positive"`
	Schedule     []Slot                `yaml:"schedule"`
	Quiet        []Quiet               `yaml:"quiet"`
	StaleAfter   time.Duration         `yaml:"stale_after,positive"`
	FrozenAfter  time.Duration         `yaml:"frozen_after,positive"`
	OnSensorLoss control.LossAction    `yaml:"on_sensor_loss"`
	Legionella   *Legionella           `yaml:"legionella"`
}

// Legionella is the regular heating of a whole cylinder. It is on by default
// for tanks; "off: true" switches it off, for instance where nobody drinks or
// showers from the tank.
type Legionella struct {
	Off   bool          `yaml:"off"`
	Every time.Duration `yaml:"every,positive"`
	Reach units.Celsius `yaml:"reach,positive"`
	Hold  time.Duration `yaml:"hold,positive"`
	Limit time.Duration `yaml:"within,positive"`
}

// Manual is a place with a heater and no thermometer.
type Manual struct {
	Name string `yaml:"name"`
}

// Slot is one entry of a schedule.
type Slot struct {
	Days heat.Weekdays  `yaml:"days"`
	At   heat.TimeOfDay `yaml:"at"`
	Set  units.Celsius  `yaml:"set"`
	Name string         `yaml:"name"`
}

// Quiet is a span of the day in which heaters are kept quiet.
type Quiet struct {
	Days     heat.Weekdays  `yaml:"days"`
	From     heat.TimeOfDay `yaml:"from"`
	To       heat.TimeOfDay `yaml:"to"`
	MaxLoud  int            `yaml:"max_loud"`
	MaxPower units.Watts    `yaml:"max_power,positive"`
}

// Sensor is one thermometer. Kind "device" takes a channel of a device; all
// other kinds have settings of their own.
type Sensor struct {
	Kind      string `yaml:"kind"`
	Name      string `yaml:"name"`
	Simulated bool   `yaml:"simulated"`
	// Device and Channel are for kind "device".
	Device  string  `yaml:"device"`
	Channel string  `yaml:"channel"`
	Rest    Section `yaml:"-"`
}

// Device is one heater, relay or meter. What is not listed here belongs to
// its driver.
type Device struct {
	Kind         string        `yaml:"kind"`
	Name         string        `yaml:"name"`
	Zone         string        `yaml:"zone"`
	Role         control.Role  `yaml:"role"`
	Limit        units.Watts   `yaml:"limit,positive"`
	MinOn        time.Duration `yaml:"min_on,positive"`
	MinOff       time.Duration `yaml:"min_off,positive"`
	StartsPerDay int           `yaml:"starts_per_day,positive"`
	FlashPerDay  int           `yaml:"flash_per_day,positive"`
	ChipLimit    units.Celsius `yaml:"chip_limit,positive"`
	Relay        string        `yaml:"relay"`
	Simulated    bool          `yaml:"simulated"`
	Rest         Section       `yaml:"-"`
}

// Section is a part of the file that somebody else decodes.
type Section struct {
	node   ast.Node
	source []byte
}

func (s *Sensor) setRest(r Section) { s.Rest = r }

func (d *Device) setRest(r Section) { d.Rest = r }

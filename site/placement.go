package site

import (
	"hearth/control"
	"hearth/units"
)

// Placement is what an installer says of a device that joins the home: what
// it is, where it stands and how far it may go.
type Placement struct {
	// ID is the device's name in the configuration: lower-case letters, digits
	// and dashes.
	ID string `json:"id"`
	// Name is for people; empty is the id.
	Name string `json:"name"`
	// Kind is the driver, Address where the device is.
	Kind    string `json:"kind"`
	Address string `json:"address"`
	// Zone is the id of the place it heats; empty for a relay or thermometer
	// alone. A zone that does not exist yet is made, with ZoneName, and with
	// Sensor as its thermometer; without a sensor it gets timed levels only.
	Zone     string `json:"zone"`
	ZoneName string `json:"zone_name"`
	// Sensor is the id of a sensor of the home, or DEVICE/CHANNEL for a channel
	// of a device, which may be this one.
	Sensor   string        `json:"sensor"`
	SetPoint units.Celsius `json:"setpoint"`
	Role     control.Role  `json:"role"`
	Limit    units.Watts   `json:"limit"`
	// Relay is the id of the device that feeds this one.
	Relay string `json:"relay"`
	// Load is the resistive heater behind a relay.
	Load units.Watts `json:"load"`
}

package site

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"hearth/control"
	"hearth/device"
	"hearth/ledger"
	"hearth/units"
)

// Thermometer is a sensor that is not a channel of a device.
type Thermometer interface {
	Read(ctx context.Context) (units.Known[units.Celsius], error)
	Close() error
}

// Book is where a site writes what happened and finds it again.
type Book interface {
	// Append writes records; they are safe on disk when it returns nil.
	Append(ctx context.Context, entries ...ledger.Entry) (ledger.Head, error)
	Head() ledger.Head
	Records(ctx context.Context, from uint64, limit int) ([]ledger.Record, error)
	Verify(ctx context.Context) (ledger.Report, error)
	PutSamples(ctx context.Context, samples []ledger.Sample) error
	// History answers q; energies are summed over each point, not averaged.
	History(ctx context.Context, q HistoryQuery) ([]Point, time.Duration, error)
	Totals(ctx context.Context, subject, metric string, from, to time.Time) (ledger.Sample, error)
	Get(ctx context.Context, key string) ([]byte, bool, error)
	Put(ctx context.Context, key string, value []byte) error
}

// Device is one device with its place in the home.
type Device struct {
	ID, Name, Kind string
	Driver         device.Device
	Simulated      bool
}

// Sensor is one thermometer: either Source, or Channel of Device.
type Sensor struct {
	ID, Name, Kind string
	Source         Thermometer
	Device         string
	Channel        string // name of the device's channel; empty: its first room channel
	Simulated      bool
}

// ZoneSensors says which sensors a zone listens to.
type ZoneSensors struct {
	Temp, Low  string // sensor ids
	FlowDevice string // device id, for tanks with a flow meter
}

// Options is all a site is made of.
type Options struct {
	Name, Place, Version string
	Control              control.Config
	Sensors              []Sensor
	ZoneSensors          map[string]ZoneSensors
	Devices              []Device
	// Outdoor gives the outdoor temperature; nil if nothing knows it.
	Outdoor func(now time.Time) units.Known[units.Celsius]
	// OutdoorSensor is the id of a sensor that is preferred to Outdoor.
	OutdoorSensor string
	// Forecast gives the outdoor temperature at an instant to come as it is
	// known now; nil if nothing knows it.
	Forecast func(at, now time.Time) units.Known[units.Celsius]
	// Price gives the price of electricity at an instant, past or to come; nil
	// if nothing knows it.
	Price func(at time.Time) units.Known[units.Price]
	Book  Book
	Log   *slog.Logger
	// Period is the time between two looks at the home.
	Period time.Duration
	// Location is the time zone of schedules and days.
	Location *time.Location
	// SimulatedNote says what of this home is simulated.
	SimulatedNote string
	// Compute is this computer used as a heater; nil if it is not.
	Compute *Compute

	// Previous is the site that this one takes over from; its log goes on.
	Previous *Site

	// Speed above 1 runs a wholly simulated home faster than life: Clock is
	// then moved by Period each step, and the wait between steps shortened.
	Speed float64
	Clock *Clock
	// World moves a simulated world to the time of the step; nil in real life.
	World func(now time.Time)
}

// Compute is the consent to use this computer as a heater.
type Compute struct {
	// Device is the id of the computer among the devices, Zone where it stands.
	Device, Zone string
	// For is how long a consent lasts.
	For time.Duration
	// Allowed is shared with the driver, which computes only while it is true.
	Allowed *atomic.Bool
	// Note says in plain words what consent means here.
	Note string
}

// Clock is a clock that a simulation moves by hand. It is safe for concurrent
// use.
type Clock struct{ ns atomic.Int64 }

// NewClock returns a clock that stands at t.
func NewClock(t time.Time) *Clock {
	c := new(Clock)
	c.Set(t)
	return c
}

// Now returns the time the clock shows, in UTC.
func (c *Clock) Now() time.Time { return time.Unix(0, c.ns.Load()).UTC() }

// Set moves the clock.
func (c *Clock) Set(t time.Time) { c.ns.Store(t.UnixNano()) }

package emulate

import (
	"sync"
	"time"

	"hearth/units"
)

// Clock tells the time in the emulated world. It is safe for concurrent use.
type Clock func() time.Time

// Manual is a clock that stands still until it is moved. It is safe for
// concurrent use.
type Manual struct {
	mu  sync.Mutex
	now time.Time
}

// NewManual returns a clock that shows start.
func NewManual(start time.Time) *Manual { return &Manual{now: start} }

// Now returns the time the clock shows. The method value is a [Clock].
func (c *Manual) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock by d and returns the new time.
func (c *Manual) Advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return c.now
}

// Machine is the physics of one device.
type Machine interface {
	// Advance moves the device to now, in air of the given temperature, and
	// returns the electricity that it turned into heat in the house since the
	// last call. A machine that is ahead of now only returns. It must not call
	// the house. It is safe for concurrent use with the device's server.
	Advance(now time.Time, ambient units.Celsius) units.Joules
}

// Powered is a machine whose mains an emulated relay can switch. When power
// comes back it boots as the device would.
type Powered interface {
	SetMains(on bool, now time.Time)
}

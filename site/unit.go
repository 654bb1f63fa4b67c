package site

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hearth/control"
	"hearth/device"
	"hearth/units"
)

// unit is one device as the site runs it.
type unit struct {
	Device
	worker *worker

	identity device.Identity
	caps     device.Capabilities
	hasCaps  bool
	capsAt   time.Time

	reading device.Reading
	online  bool
	misses  int       // polls in a row without an answer
	next    time.Time // not polled before
	trouble string

	command  *pending
	failed   int // commands in a row that were not read back
	failedAt time.Time

	checks *commissioning // nil until a check is made

	meter  meter
	today  sum
	period sum // since the last energy record
	// counter is Hearth's own energy count; saved is what of it is on disk,
	// and the only figure shown, so that it never falls after a crash.
	counter, saved units.Joules
	counterFrom    units.Provenance
	minute         map[Metric]*span
	wh             sum // energy of the running minute

	outputs     map[string]*output // useful work, by its unit
	outputUnits []string           // in the order they came up
}

// pending is a command that waits to be read back.
type pending struct {
	CommandState
	applied device.Applied
	until   time.Time
	// already is set when the device was as commanded before the command, so
	// that its being so afterwards proves nothing.
	already bool
}

// simulated reports whether everything about the unit is made up, by
// configuration or by its own confession.
func (u *unit) simulated() bool { return u.Simulated || u.identity.Simulated }

const (
	// missesToUnknown: three polls without an answer make all values unknown.
	missesToUnknown = 3
	// capsEvery: how often a device is asked again what it can do.
	capsEvery = time.Hour
	// longestBackOff bounds the wait before an absent device is asked again.
	longestBackOff = time.Minute
	// disbelief is the number of failed commands after which control leaves a
	// device alone, and chanceAfter how long until it is given another chance.
	disbelief   = 3
	chanceAfter = 15 * time.Minute
)

// outcome is what one poll brought.
type outcome struct {
	reading  device.Reading
	identity *device.Identity
	caps     *device.Capabilities
	err      error
}

// poll talks to the device: who it is and what it can do where that is not
// known or old, then how it is.
func (u *unit) poll(ctx context.Context, now time.Time, limit time.Duration) outcome {
	// A device that takes no commands, or did not heed one, is asked each time:
	// what bars it may be gone.
	askCaps := !u.hasCaps || now.Sub(u.capsAt) >= capsEvery || !u.online || u.caps.WriteGate != "" || u.failed > 0
	var o outcome
	o.err = u.worker.do(ctx, limit, func(ctx context.Context) error {
		if askCaps {
			id, err := u.Driver.Identify(ctx)
			if err != nil {
				return fmt.Errorf("identify %s: %w", u.ID, err)
			}
			caps, err := u.Driver.Capabilities(ctx)
			if err != nil {
				return fmt.Errorf("ask %s what it can do: %w", u.ID, err)
			}
			o.identity, o.caps = &id, &caps
		}
		r, err := u.Driver.Read(ctx)
		if err != nil {
			return fmt.Errorf("read %s: %w", u.ID, err)
		}
		o.reading = r
		return nil
	})
	if o.err != nil {
		// The worker may still be writing o when it hangs: keep only the error.
		return outcome{err: o.err}
	}
	return o
}

// take records the outcome of a poll and returns what people should hear of.
func (u *unit) take(o outcome, now time.Time, period time.Duration) []control.Event {
	if o.err != nil {
		return u.miss(o.err, now, period)
	}
	var events []control.Event
	if o.identity != nil {
		if u.identity.Serial != "" && o.identity.Serial != "" && u.identity.Serial != o.identity.Serial {
			events = append(events, control.Event{
				At: now, Severity: control.Warning, Subject: u.ID, Code: "device_changed",
				Text: fmt.Sprintf("%s is another device than before: serial %s instead of %s.", u.Name, o.identity.Serial, u.identity.Serial),
			})
		}
		u.identity, u.caps, u.hasCaps, u.capsAt = *o.identity, *o.caps, true, now
	}
	if !u.online && u.misses > 0 {
		events = append(events, control.Event{
			At: now, Severity: control.Notice, Subject: u.ID, Code: "device_online",
			Text: u.Name + " answers again.",
		})
	}
	u.reading, u.online, u.misses, u.next = o.reading, true, 0, now
	if u.simulated() {
		u.reading = u.reading.Marked(units.Simulated)
	}
	u.trouble = ""
	if len(u.reading.Faults) > 0 {
		u.trouble = u.reading.Faults[0].Text
	}
	if u.caps.WriteGate != "" {
		u.trouble = u.caps.WriteGate
	}
	return events
}

// miss records that the device did not answer. The last reading stands, with
// its own time, until the third miss; then everything is unknown.
func (u *unit) miss(err error, now time.Time, period time.Duration) []control.Event {
	u.misses++
	u.trouble = plain(err)
	wait := min(period<<min(max(u.misses-missesToUnknown, 0), 5), longestBackOff)
	u.next = now.Add(wait - period/2)
	if u.misses < missesToUnknown {
		return nil
	}
	wasOnline := u.online || u.misses == missesToUnknown
	u.online = false
	u.reading = blank(now, silence(err))
	if !wasOnline {
		return nil
	}
	code := "device_offline"
	if errors.Is(err, device.ErrGarbage) {
		code = "device_garbage"
	}
	text := fmt.Sprintf("%s: %s (%s).", u.Name, silence(err), plain(err))
	return []control.Event{{At: now, Severity: control.Warning, Subject: u.ID, Code: code, Text: text}}
}

// blank is a reading in which everything is unknown, for the given reason.
func blank(now time.Time, why string) device.Reading {
	return device.Reading{
		At: now, State: device.StateUnknown,
		Power:    units.Unknown[units.Watts](why, now),
		Energy:   units.Unknown[units.Joules](why, now),
		HashRate: units.Unknown[units.HashRate](why, now),
		Level:    units.Unknown[string](why, now),
		Target:   units.Unknown[units.Watts](why, now),
		Flow:     units.Unknown[units.LitresPerMinute](why, now),
		Pool:     units.Unknown[bool](why, now),
		Uptime:   units.Unknown[time.Duration](why, now),
	}
}

// silence says why nothing is known of a device, in a few words. The whole
// error is in the log.
func silence(err error) string {
	switch {
	case errors.Is(err, device.ErrGarbage):
		return "it answers nonsense"
	case errors.Is(err, device.ErrRefused):
		return "it refuses to answer"
	case errors.Is(err, device.ErrBusy):
		return "it is busy"
	}
	return "it does not answer"
}

// plain is the first line of an error, for people.
func plain(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

// send gives the device a command and remembers that it must be read back.
func (u *unit) send(ctx context.Context, now time.Time, d device.Demand, limit time.Duration) error {
	var a device.Applied
	err := u.worker.do(ctx, limit, func(ctx context.Context) (err error) {
		a, err = u.Driver.Apply(ctx, d)
		return err
	})
	if err != nil {
		return err
	}
	if u.command != nil && u.command.Demand.Same(d) && u.command.Trouble == "" {
		return nil // a renewal of what is believed or awaited already
	}
	cost := u.caps.Verbs[d.Verb]
	already, _ := device.Meets(u.caps, a, u.reading)
	u.command = &pending{
		already:      already,
		CommandState: CommandState{At: now, Demand: d, Pending: true},
		applied:      a,
		until:        now.Add(2*cost.Latency + 30*time.Second),
	}
	return nil
}

// readBack compares the last reading with the pending command. It reports
// whether the command was decided by it.
func (u *unit) readBack(now time.Time) (decided bool) {
	c := u.command
	if c == nil || !c.Pending || !u.online || u.reading.At.Before(c.At) {
		if c != nil && c.Pending && now.After(c.until) {
			c.Pending, c.Trouble = false, "the device went silent before it showed that it obeyed"
			u.fail(now)
			return true
		}
		return false
	}
	ok, why := device.Meets(u.caps, c.applied, u.reading)
	switch {
	case ok:
		c.Pending, c.Confirmed, c.Trouble = false, true, ""
		if !c.already {
			u.failed = 0
		}
		return true
	case now.After(c.until):
		c.Pending, c.Trouble = false, why
		u.fail(now)
		return true
	}
	return false
}

// fail counts a command that was not obeyed.
func (u *unit) fail(now time.Time) {
	u.failed++
	u.failedAt = now
}

// forgive gives a device that was left alone for disobedience one more chance
// after a while.
func (u *unit) forgive(now time.Time) {
	if u.failed >= disbelief && now.Sub(u.failedAt) >= chanceAfter {
		u.failed = disbelief - 1
	}
}

// seen is the unit as control sees it.
func (u *unit) seen() control.DeviceSeen {
	return control.DeviceSeen{Online: u.online, Caps: u.caps, HasCaps: u.hasCaps, Reading: u.reading, Failed: u.failed}
}

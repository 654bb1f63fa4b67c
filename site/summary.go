package site

import (
	"time"

	"hearth/device"
	"hearth/units"
)

// Summary is what a run of the home came to, since it began.
type Summary struct {
	From, To time.Time
	// Heat, Backup and Comfort are as in [Totals], over the whole run and the
	// same zones.
	Heat    units.Known[units.KilowattHours]
	Backup  units.Known[units.Fraction]
	Comfort units.Known[units.Fraction]
	// LongestCold is the longest time that a zone was more than 0.5 K below
	// its set-point.
	LongestCold time.Duration
	Devices     []DeviceSummary
	// Trips counts interventions of the supervisor.
	Trips int
	// Steps counts rounds, and Late those in which something did not answer.
	Steps, Late int
}

// DeviceSummary is one heater's part in a run.
type DeviceSummary struct {
	ID, Name string
	// Starts counts changes from not heating to heating as read back, and
	// MostStarts the most within one local day.
	Starts, MostStarts int
	Energy             units.Known[units.KilowattHours]
}

// tally gathers a Summary.
type tally struct {
	from        time.Time
	heat        sum
	backup      sum
	comfort     time.Duration
	judged      time.Duration
	worst       units.Provenance
	cold        map[string]time.Duration // running, by zone
	longestCold time.Duration
	devices     map[string]*deviceTally
	trips       int
	steps, late int
}

type deviceTally struct {
	heating     bool
	known       bool // heating tells something
	starts      int
	day         time.Time
	today, most int
	energy      sum
}

func newTally(from time.Time) *tally {
	return &tally{from: from, cold: map[string]time.Duration{}, devices: map[string]*deviceTally{}}
}

// device counts one heater's step.
func (t *tally) device(id string, state device.State, sl slice, day time.Time) {
	d := t.devices[id]
	if d == nil {
		d = &deviceTally{}
		t.devices[id] = d
	}
	d.energy.add(sl)
	if !d.day.Equal(day) {
		d.day, d.today = day, 0
	}
	if state == device.StateUnknown {
		return
	}
	on := state == device.StateHeating || state == device.StateStarting || state == device.StateTuning
	if d.known && on && !d.heating {
		d.starts++
		d.today++
		d.most = max(d.most, d.today)
	}
	d.heating, d.known = on, true
}

// judge counts one zone's step of comfort.
func (t *tally) judge(zone string, warm bool, d time.Duration, from units.Provenance) {
	t.judged += d
	t.worst = max(t.worst, from)
	if warm {
		t.comfort += d
		t.cold[zone] = 0
		return
	}
	t.cold[zone] += d
	t.longestCold = max(t.longestCold, t.cold[zone])
}

// Summary returns what the run came to so far.
func (s *Site) Summary() Summary {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tally
	tot := s.totals(t.heat, t.heat, t.backup, t.comfort, t.judged, t.worst, s.now)
	out := Summary{
		From: t.from, To: s.now, Heat: tot.Heat, Backup: tot.Backup, Comfort: tot.Comfort,
		LongestCold: t.longestCold, Trips: t.trips, Steps: t.steps, Late: t.late,
	}
	for _, id := range s.order {
		if d := t.devices[id]; d != nil && s.heats(id) {
			out.Devices = append(out.Devices, DeviceSummary{
				ID: id, Name: s.units[id].Name, Starts: d.starts, MostStarts: d.most, Energy: d.energy.total(s.now),
			})
		}
	}
	return out
}

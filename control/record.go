package control

import (
	"slices"
	"time"

	"hearth/control/scheduler"
	"hearth/units"
)

// quarter is the slot of planning ahead and of the record that it learns from:
// that of the power markets.
const quarter = 15 * time.Minute

// quarters is how many slots a day has.
const quarters = int(24 * time.Hour / quarter)

// recordMost is how many slots of a room are kept to learn from: as far back
// as its windows and doors are used as they are now.
const recordMost = 16 * quarters

// Past is a quarter-hour of a zone that is over, as history has it: means, and
// the power of the zone's heaters.
type Past struct {
	At            time.Time // its start
	Temp, Outdoor units.Known[units.Celsius]
	Heat          units.Known[units.Watts]
}

// record is what a zone's quarter-hours were like.
type record struct {
	samples []scheduler.Sample
	last    int64 // number of the last sample's slot, counted from 1970

	// The slot that is under way.
	slot                int64
	temp, outdoor, heat float64 // times seconds
	seconds             float64
}

// slotOf numbers the quarter-hours since 1970.
func slotOf(t time.Time) int64 { return floorDiv(t.Unix(), int64(quarter/time.Second)) }

func startOf(slot int64) time.Time { return time.Unix(slot*int64(quarter/time.Second), 0) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// add takes in a step that ended now.
func (r *record) add(now time.Time, temp, outdoor units.Known[units.Celsius], heat units.Watts, dt time.Duration) {
	r.turn(slotOf(now))
	t, ok := temp.Get()
	o, ok2 := outdoor.Get()
	if !ok || !ok2 || dt > maxStep || !finite(float64(heat)) {
		return
	}
	s := dt.Seconds()
	r.temp += float64(t) * s
	r.outdoor += float64(o) * s
	r.heat += float64(heat) * s
	r.seconds += s
}

// turn goes on to a slot, and writes down the one before.
func (r *record) turn(slot int64) {
	if slot != r.slot {
		r.close()
		*r = record{samples: r.samples, last: r.last, slot: slot}
	}
}

// close writes down the slot that was under way. One of which a third is
// missing is not known.
func (r *record) close() {
	if r.seconds < quarter.Seconds()*2/3 {
		return
	}
	r.put(r.slot, scheduler.Sample{
		Temp: units.Celsius(r.temp / r.seconds), Outdoor: units.Celsius(r.outdoor / r.seconds),
		Heat: units.Watts(r.heat / r.seconds), Known: true,
	})
}

// put writes a slot down. What a clock that ran back has written before stays.
func (r *record) put(slot int64, s scheduler.Sample) {
	gap := slot - r.last
	switch {
	case len(r.samples) == 0 || gap > int64(recordMost):
		r.samples = append(r.samples[:0], s)
	case gap <= 0:
		if i := int64(len(r.samples)) - 1 + gap; i >= 0 && !r.samples[i].Known {
			r.samples[i] = s
		}
		return
	default:
		r.samples = append(r.samples, make([]scheduler.Sample, gap-1)...)
		r.samples = append(r.samples, s)
	}
	r.last = slot
	if over := len(r.samples) - recordMost; over > 0 {
		r.samples = slices.Delete(r.samples, 0, over)
	}
}

// at returns what was recorded of a slot.
func (r *record) at(slot int64) (scheduler.Sample, bool) {
	i := int64(len(r.samples)) - 1 - (r.last - slot)
	if i < 0 || i >= int64(len(r.samples)) || !r.samples[i].Known {
		return scheduler.Sample{}, false
	}
	return r.samples[i], true
}

// usual returns the outdoor temperature of the same time of day, as the mean
// of the last three days.
func (r *record) usual(slot int64) (units.Celsius, bool) {
	var sum units.Celsius
	days := 0
	for back := slot; back > r.last-3*int64(quarters); back -= int64(quarters) {
		if s, ok := r.at(back); ok {
			sum, days = sum+s.Outdoor, days+1
		}
	}
	if days == 0 {
		return 0, false
	}
	return sum / units.Celsius(days), true
}

// days is how much of the record is known.
func (r *record) days() float64 {
	n := 0
	for _, s := range r.samples {
		if s.Known {
			n++
		}
	}
	return float64(n) / float64(quarters)
}

// Remember brings back what history holds of a zone's quarter-hours, so that
// planning ahead does not begin anew with every start. What is newer than the
// last that is known is taken in, oldest first.
func (h *Home) Remember(id string, past []Past) {
	z := h.zone(id)
	if z == nil || z.Shift <= 0 {
		return
	}
	for _, p := range past {
		temp, ok1 := p.Temp.Get()
		outdoor, ok2 := outdoorSane(p.Outdoor).Get()
		watts, ok3 := p.Heat.Get()
		if !ok1 || !ok2 || !ok3 || watts < 0 {
			continue
		}
		z.record.put(slotOf(p.At), scheduler.Sample{Temp: temp, Outdoor: outdoor, Heat: watts, Known: true})
	}
}

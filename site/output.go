package site

import (
	"time"

	"hearth/device"
	"hearth/ledger"
	"hearth/units"
)

// output follows one of a device's counts of useful work.
type output struct {
	last    int64 // the device's own count
	seen    bool
	pending produce // since the last record
	today   produce
}

// produce is work done in a span of time, and the electricity of the steps in
// which it was done.
type produce struct {
	from, to time.Time
	count    int64
	source   units.Provenance
	energy   sum
}

func (p *produce) add(n int64, from units.Provenance, s slice) {
	if p.count == 0 {
		p.from = s.from
	}
	p.count += n
	p.to, p.source = s.to, max(p.source, from)
	p.energy.add(s)
}

// produced takes up what the device has done since the last step, whose
// electricity is s. The first count of all says nothing about when it was done.
func (u *unit) produced(s slice) {
	for _, o := range u.reading.Done {
		n, ok := o.Count.Get()
		if !ok || n < 0 {
			continue
		}
		w := u.outputs[o.Unit]
		if w == nil {
			w = &output{}
			u.outputs[o.Unit] = w
			u.outputUnits = append(u.outputUnits, o.Unit)
		}
		more := n - w.last
		if more < 0 {
			more = n // it restarted, and began to count anew
		}
		began := w.seen
		w.last, w.seen = n, true
		if !began || more == 0 {
			continue
		}
		w.pending.add(more, o.Count.From(), s)
		w.today.add(more, o.Count.From(), s)
	}
}

// recordWork puts the work since the last record in the ledger.
func (s *Site) recordWork(u *unit) {
	for _, name := range u.outputUnits {
		w := u.outputs[name]
		if p := w.pending; p.count > 0 {
			s.book.put(p.to, u.ID, u.simulated() || p.source == units.Simulated, ledger.Work{
				From: p.from.UTC(), To: p.to.UTC(), Amount: p.count, Unit: ledger.Kind(name), Provenance: p.source,
			})
		}
		w.pending = produce{}
	}
}

// OutputState is useful work of a device.
type OutputState struct {
	Unit string `json:"unit"`
	// Today is what it counted since midnight, or since Hearth began to look.
	Today units.Known[int64] `json:"today"`
	// Each is the electricity of one, from the steps in which work was done.
	Each units.Known[units.Joules] `json:"each"`
}

func (u *unit) viewOutputs(now time.Time) []OutputState {
	var all []OutputState
	for _, name := range u.outputUnits {
		p := u.outputs[name].today
		o := OutputState{
			Unit:  name,
			Today: units.Unknown[int64]("nothing was done yet today", now),
			Each:  units.Unknown[units.Joules]("nothing was done yet today", now),
		}
		if p.count > 0 {
			o.Today = units.Know(p.count, now, p.source)
			o.Each = units.Unknown[units.Joules]("the electricity is not known", now)
			if p.energy.known > 0 {
				o.Each = units.Know(p.energy.energy/units.Joules(p.count), now, p.energy.source)
			}
		}
		all = append(all, o)
	}
	return all
}

// doing is what a device's electricity does besides heat.
func doing(r device.Reading, caps *device.Capabilities) device.Work {
	switch {
	case r.Work != "":
		return r.Work
	case caps != nil:
		return caps.Work
	}
	return ""
}

package pool

import (
	"context"
	"time"

	"hearth/pool/job"
	"hearth/pool/server"
	"hearth/pool/split"
)

// helm sends every heater to the source it is to mine: at once when a source
// comes or goes, and slice by slice where heaters are lent in turns.
func (s *Service) helm(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.wake:
		}
		s.steer(s.opt.Now())
	}
}

// move is a heater and where it goes.
type move struct {
	worker server.Worker
	to     string
}

// steer moves whoever is not where they belong.
func (s *Service) steer(now time.Time) {
	s.mu.Lock()
	s.needFallback(now)
	if s.lend != nil {
		s.turn(now)
	}
	var moves []move
	for w, h := range s.heaters {
		if h.conns == 0 {
			continue
		}
		if to := s.sourceOf(h); to != h.placed {
			h.placed = to
			moves = append(moves, move{w, to})
		}
	}
	s.mu.Unlock()
	for _, m := range moves {
		if err := s.server.Move(m.worker, m.to); err != nil {
			// It has just come, or gone: it is sent again with the next tick, if it is
			// there.
			s.opt.Log.Debug("a heater could not be sent to another source", "miner", m.worker, "source", m.to, "error", err)
			s.mu.Lock()
			if h := s.heaters[m.worker]; h.placed == m.to {
				h.placed = ""
			}
			s.mu.Unlock()
		}
	}
}

// sourceOf is the source that a heater is to mine now. The caller holds the lock.
func (s *Service) sourceOf(h *heater) string {
	if h.probe != "" {
		return h.probe
	}
	if h.line != nil && h.line.up {
		return h.line.name
	}
	// A party whose pool is down lends its turn to one whose pool is up: paid
	// work before unpaid.
	if !s.bound() {
		for _, l := range s.lines {
			if l.up {
				return l.name
			}
		}
	}
	if s.fallback {
		return FallbackSource
	}
	if h.line != nil {
		return h.line.name
	}
	return FallbackSource
}

// bound says that the work of a heater may go nowhere but its own line: in a pool
// that pays the finder, into the finder's block.
func (s *Service) bound() bool {
	return s.cfg.Role == Open && s.cfg.Scheme == PaySolo
}

// lineOf is where a heater that comes in works. The caller holds the lock.
func (s *Service) lineOf(w server.Worker, h *heater, now time.Time) *line {
	switch {
	case s.mint != nil:
		return s.mint.lineFor(h.account)
	case s.lend != nil && s.shared(string(w)):
		if l := s.lend.choose(w, s, now); l != nil {
			return l
		}
	}
	if len(s.lines) == 0 {
		return nil
	}
	return s.lines[0]
}

// shared says whether the agreement is about a heater.
func (s *Service) shared(worker string) bool { return s.contract != nil && s.contract.Covers(worker) }

// needFallback begins and ends the work that nobody pays.
func (s *Service) needFallback(now time.Time) {
	up := s.served()
	if s.began.After(now) { // the clock was set back
		s.began = now
	}
	last := s.began
	for _, l := range s.lines {
		if l.since.After(now) {
			l.since = now
		}
		if l.since.After(last) {
			last = l.since
		}
	}
	want := !s.cfg.NoFallback && !up && now.Sub(last) >= s.cfg.FallbackAfter
	switch {
	case want && (!s.fallback || s.fallbackRoom != s.room || now.Sub(s.fallbackAt) >= fallbackEvery || now.Before(s.fallbackAt)):
		j, err := fallbackJob(s.next(), now, !s.fallback, s.room)
		if err != nil {
			s.opt.Log.Error("there is no work that nobody pays", "error", err)
			return
		}
		if !s.fallback {
			s.tell("warning", "pool_fallback", "Nobody gives paid work. Heaters go on heating with work that nobody pays, until a pool or node answers.")
		}
		s.fallback, s.fallbackAt, s.fallbackRoom = true, now, s.room
		s.server.Publish(j)
	case !want && s.fallback && up:
		s.fallback = false
		s.tell("info", "pool_paid", "There is paid work again: heaters earn.")
	}
}

// served says that everybody who is here has paid work. The caller holds the
// lock.
func (s *Service) served() bool {
	if s.bound() {
		for _, h := range s.heaters {
			if h.conns > 0 && (h.line == nil || !h.line.up) {
				return false
			}
		}
		return true
	}
	for _, l := range s.lines {
		if l.up {
			return true
		}
	}
	return false
}

// lending is where heaters work in turns: each for one party's pool after the
// other.
type lending struct {
	every time.Duration
	turns map[server.Worker]*turns
	lines map[string]*line // by party
	parts []split.Part
}

// rememberedWork is how much of what a party misses while its pool is down is
// made up to it later: an hour of a heater of 100 TH/s.
const rememberedWork = job.Work(84_000_000 * 1024)

// turns is one heater's.
type turns struct {
	slices *split.Slices
	until  time.Time
	begun  time.Time
	worked job.Work // in the present slice
	// perSlice is what a slice brought lately.
	perSlice job.Work
}

// choose returns where a heater works in the slice that begins now.
func (d *lending) choose(w server.Worker, s *Service, now time.Time) *line {
	t := d.turns[w]
	if t == nil {
		slices, err := split.NewSlices(d.parts, rememberedWork)
		if kept := s.memory.Slices[w]; len(kept) > 0 && err == nil {
			slices, err = split.ResumeSlices(d.parts, rememberedWork, kept)
		}
		if err != nil {
			s.opt.Log.Error("turns of a heater cannot be kept: it works for the first party only", "miner", w, "error", err)
			return nil
		}
		t = &turns{slices: slices}
		d.turns[w] = t
	}
	if now.Before(t.until) && !now.Before(t.begun) {
		if h := s.heaters[w]; h != nil && h.line != nil && h.line.up {
			return h.line
		}
	}
	t.perSlice = (t.perSlice + t.worked) / 2
	t.worked = 0
	name, ok := t.slices.Choose(t.perSlice, func(name string) bool { l := d.lines[name]; return l != nil && l.up })
	if !ok {
		return nil
	}
	t.begun, t.until = now, now.Add(d.every)
	return d.lines[name]
}

// turn begins the next slice of each heater whose slice is over. The caller
// holds the lock.
func (s *Service) turn(now time.Time) {
	for w, h := range s.heaters {
		if h.conns == 0 || !s.shared(string(w)) {
			continue
		}
		if l := s.lend.choose(w, s, now); l != nil {
			h.line = l
		}
	}
}

// mined counts a share of a heater for the line that it was mined for. The
// caller holds the lock.
func (s *Service) mined(l *line, w server.Worker, work job.Work) {
	if s.lend == nil || l.party == "" {
		return
	}
	if t := s.lend.turns[w]; t != nil {
		t.slices.Credit(l.party, work)
		t.worked += work
	}
}

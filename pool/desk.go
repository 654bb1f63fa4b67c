package pool

import (
	"cmp"
	"time"

	"hearth/pool/job"
	"hearth/pool/server"
	"hearth/pool/share"
)

// heater is what is known of a miner since the service began.
type heater struct {
	conns int
	// line is where its work goes, placed the source that it was last sent to.
	line     *line
	placed   string
	probe    string // the source of a probe that it works for
	since    time.Time
	last     time.Time
	accepted int64
	stale    int64
	rejected int64
	work     job.Work
	unpaid   job.Work
	account  string
	refused  time.Time // when a login under its name was last turned away
}

// Admit implements [server.Desk]: paired miners come in, and mine what they are
// assigned to.
func (s *Service) Admit(l server.Login) (server.Place, error) {
	now := s.opt.Now()
	m, err := s.miners.Admit(l.User, l.Password, l.Remote.Addr(), now)
	if err != nil {
		s.turnedAway(l, now)
		return server.Place{}, err
	}
	w := server.Worker(m.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.heaters[w]
	if h == nil {
		h = &heater{}
		s.heaters[w] = h
	}
	if h.conns == 0 {
		h.since = now
	}
	h.conns++
	if h.line == nil || h.account != m.Account {
		h.account = m.Account
		h.line = s.lineOf(w, h, now)
	}
	// The other connections of a miner that is here already stay where it was
	// placed, until the helm moves all of them.
	if h.conns == 1 || h.placed == "" {
		h.placed = s.sourceOf(h)
	}
	return server.Place{Worker: w, Source: h.placed}, nil
}

// turnedAway remembers whom a person may have mistyped the token of.
func (s *Service) turnedAway(l server.Login, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.heaters[server.Worker(l.User)]; h != nil {
		h.refused = now
	}
	s.lastRefused = refusal{at: now, user: clipped(l.User), from: l.Remote.Addr().String()}
}

// refusal is the last login that was turned away, so that a person who stands
// before a miner that does not come in is told why.
type refusal struct {
	at         time.Time
	user, from string
}

// clipped makes text of a stranger fit for a page and a log.
func clipped(text string) string {
	const most = 64
	out := make([]rune, 0, most)
	for _, r := range text {
		if len(out) == most {
			break
		}
		if r < ' ' || r == 0x7f {
			r = '·'
		}
		out = append(out, r)
	}
	return string(out)
}

// entry is what the books are told of a share.
type entry struct {
	worker, source, party string
	at                    time.Time
	work                  job.Work
	stale, rejected       bool
	unpaid                bool
	header                job.Header
}

// Share implements [server.Desk]: it counts, credits, and hands on.
func (s *Service) Share(w server.Worker, v share.Verdict) {
	e := entry{worker: string(w), at: s.opt.Now(), stale: v.Reason == share.Stale, rejected: v.Reason != share.Accepted && v.Reason != share.Stale, header: v.Header}
	s.mu.Lock()
	h := s.heaters[w]
	if h == nil { // it has left already
		s.mu.Unlock()
		return
	}
	var to *line
	e.source = cmp.Or(h.placed, FallbackSource)
	if v.Job != nil {
		e.source, e.unpaid = v.Job.Source, v.Job.Unpaid
		to = s.bySource[v.Job.Source]
	}
	accepted := v.Reason == share.Accepted
	switch {
	case accepted:
		h.accepted++
		h.last = e.at
		e.work = v.Credit
		if e.unpaid {
			h.unpaid += v.Credit
		} else {
			h.work += v.Credit
		}
	case e.stale:
		h.stale++
	default:
		h.rejected++
	}
	account := h.account
	if to != nil {
		e.source, e.party = to.pays(v.Job.ID), to.party
		if s.cfg.Role == Open {
			e.party = cmp.Or(account, s.cfg.Address)
		}
		if accepted {
			s.mined(to, w, v.Credit)
		}
		if to.counted {
			e.work = 0
		}
	}
	s.mu.Unlock()
	s.books.note(e)
	if to == nil {
		return
	}
	if s.mint != nil && accepted {
		s.mint.worked(account, v.Credit)
	}
	if v.Goal && accepted || v.Block {
		to.deliver(w, v)
	}
}

// Left implements [server.Desk].
func (s *Service) Left(w server.Worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.heaters[w]; h != nil {
		h.conns = max(0, h.conns-1)
	}
}

// accountOf is who is credited for a miner's work in a pool.
func (s *Service) accountOf(worker string) string {
	for _, m := range s.miners.List(s.opt.Now()) {
		if m.Name == worker {
			return m.Account
		}
	}
	return ""
}

// roomNow is how many bytes of extranonce jobs leave at present.
func (s *Service) roomNow() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.room
}

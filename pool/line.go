package pool

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"hearth/pool/job"
	"hearth/pool/server"
	"hearth/pool/share"
)

// line is a way for work to be paid: one pool with those behind it in case it
// fails, or a node. Its fields are guarded by the service's lock.
type line struct {
	name  string // unique in the service: the source of its jobs
	kind  string // "pool" or "node"
	where string
	party string // whose it is; empty if it is everybody's
	// payer is who pays for its present jobs, by the name in the ledger; owner who
	// pays for the job with an id, nil where that is always the payer.
	payer string
	owner func(id uint32) (string, bool)
	up    bool
	since time.Time
	why   string
	// height and difficulty are of the present job, network how hard a block is to
	// find and reward what one pays, in sats; 0 where that is not known.
	height     int64
	difficulty job.Difficulty
	network    job.Difficulty
	reward     int64

	accepted, rejected, unanswered int64
	credited                       job.Work
	several                        *bool
	probe                          string

	// deliver hands a share on to who wants it. It is called without the lock.
	deliver func(server.Worker, share.Verdict)
	// counted says that work counts when its payer has taken it, and not before.
	counted bool
}

// pays is who pays for a job of the line. The caller holds the service's lock.
func (l *line) pays(id uint32) string {
	if l.owner != nil {
		if name, known := l.owner(id); known {
			return name
		}
	}
	return l.payer
}

// state is the line as it is shown.
func (l *line) state() SourceState {
	return SourceState{
		Name: l.name, Kind: l.kind, Where: l.where, Payer: l.payer, Party: l.party, Up: l.up, Since: l.since, Why: l.why,
		Height: l.height, Difficulty: l.difficulty, Accepted: l.accepted, Rejected: l.rejected, Unanswered: l.unanswered,
		Credited: l.credited, Several: l.several, Probe: l.probe,
	}
}

// Called is what people call the source: a pool by its name in the configuration,
// of several the one that pays or was the last to.
func (s SourceState) Called() string {
	if s.Kind == "pool" && s.Payer != "" {
		return s.Payer
	}
	return s.Name
}

// Of is the source that a heater mines for, false if it is none that is known.
func (st State) Of(h HeaterState) (SourceState, bool) {
	i := slices.IndexFunc(st.Sources, func(s SourceState) bool { return s.Name == h.Source })
	if i < 0 {
		return SourceState{}, false
	}
	return st.Sources[i], true
}

// lost notes that nobody on a line gives work.
func (s *Service) lost(l *line, why string) {
	now := s.opt.Now()
	s.mu.Lock()
	if l.up {
		l.since = now
	}
	l.up, l.why = false, why
	s.mu.Unlock()
	s.steerSoon()
}

// take publishes a job of a line and sends to it whoever waits for one.
func (s *Service) take(l *line, j *job.Job) {
	switch room := s.fit(j.Extranonce); {
	case j.Extranonce < room:
		s.lost(l, fmt.Sprintf("Its jobs leave %d bytes of extranonce, too few for several heaters: use another pool, or another port of this one.", j.Extranonce))
		return
	case j.Extranonce > room:
		return // it comes again in the shape that all can work with
	}
	now := s.opt.Now()
	s.mu.Lock()
	back := !l.up
	if back {
		l.up, l.since, l.why = true, now, ""
	}
	l.height, l.difficulty, l.network = j.Height, j.Goal.Difficulty(), j.Network.Difficulty()
	if l.reward = s.rewardOf(j); l.reward == 0 && j.Height > 0 {
		if sats, err := job.Network(s.cfg.Network).Subsidy(j.Height); err == nil {
			l.reward = sats
		}
	}
	s.mu.Unlock()
	s.server.Publish(j)
	if back {
		s.steerSoon()
	}
}

// fit makes room for jobs that leave so many bytes of extranonce, and returns how
// many all jobs leave from now on: a pool that gives less room than others
// decides for all of them, since miners cannot be told of another size.
func (s *Service) fit(room int) int {
	// Else of two pools the one with more room could have the last word.
	s.fitting.Lock()
	defer s.fitting.Unlock()
	s.mu.Lock()
	if room >= s.room {
		room = s.room
		s.mu.Unlock()
		return room
	}
	before := s.room
	s.room = room
	s.mu.Unlock()
	e1 := min(4, room/2)
	if err := s.server.Shape(e1, room-e1); err != nil {
		s.opt.Log.Warn("a pool leaves too little room in its jobs: it cannot be used for several heaters", "bytes", room, "error", err)
		s.mu.Lock()
		s.room = before // the other pools' jobs go on as they were
		s.mu.Unlock()
		return before
	}
	// Who tells of a job waits for this: the others are told beside.
	go func() {
		for _, r := range s.relays {
			r.group.Shape(room)
		}
		if s.mint != nil {
			s.mint.again()
		}
	}()
	return room
}

// bare is an address as it may be shown: without a name, a password or a key in
// it.
func bare(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address that cannot be read"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// steerSoon wakes the helm.
func (s *Service) steerSoon() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

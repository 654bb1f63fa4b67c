package server

import (
	"net/netip"
	"sync/atomic"
	"time"

	"hearth/pool/job"
	"hearth/pool/share"
	"hearth/units"
)

// Status is one miner's state at a moment: a V1 connection that has logged in,
// or a channel of V2.
type Status struct {
	Worker   Worker
	Source   string // what it mines
	Protocol int    // 1 or 2
	Channel  uint32 // V2's number of it; 0 in V1
	Agent    string // as the miner calls itself; may be empty
	Remote   netip.AddrPort
	Since    time.Time
	// Difficulty is what it was told, unknown before the first job.
	Difficulty units.Known[job.Difficulty]
	Rate       units.Known[units.HashRate]
	// Accepted, Stale and Rejected count shares since the miner connected; Work is
	// what the accepted ones were worth.
	Accepted, Stale, Rejected uint64
	Work                      job.Work
	// LastShare is when the last share was accepted, unknown before the first.
	LastShare units.Known[time.Time]
}

// Snapshot returns the state of every miner that is connected, in no order.
func (s *Server) Snapshot() []Status {
	now := time.Now()
	var all []Status
	for _, c := range s.wheel.all() {
		all = c.status(all, now)
	}
	return all
}

func (c *conn) status(all []Status, now time.Time) []Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.contain()
	for _, st := range c.seats {
		t := &st.tally
		v := Status{
			Worker: st.worker, Source: st.feed.name, Protocol: c.talk.version(), Channel: st.channel,
			Agent: c.talk.agent(), Remote: c.remote, Since: t.since,
			Accepted: t.accepted, Stale: t.stale, Rejected: t.rejected, Work: t.work,
			Difficulty: units.Unknown[job.Difficulty]("no job yet", now),
			Rate:       units.Unknown[units.HashRate]("the channel is closed", now),
			LastShare:  units.Unknown[time.Time]("no share yet", now),
		}
		if ch := c.talk.channel(st); ch != nil {
			v.Rate = ch.Rate(now)
			if d := ch.Difficulty(); d > 0 {
				v.Difficulty = units.Know(d, now, units.Chosen)
			}
		}
		if !t.last.IsZero() {
			v.LastShare = units.Know(t.last, now, units.Meter)
		}
		all = append(all, v)
	}
	return all
}

// Counters counts what happened since the server was made, except for the
// first three, which are now. They fit Prometheus as they are.
type Counters struct {
	Connections int // open now
	Miners      int // logged in now
	Sources     int // that gave a job

	Accepted uint64 // connections
	// Refused counts connections that were closed at once: "total", "address"
	// (too many of one), "ban".
	Refused map[string]uint64
	// Closed counts connections that ended, by reason.
	Closed map[string]uint64
	// Shares counts verdicts, by [share.Reason].
	Shares        map[string]uint64
	RefusedLogins uint64
	Grievances    uint64 // refused logins and breaches of the protocol
	Bans          uint64
	Handshakes    uint64 // of V2, answered
	AcceptErrors  uint64
	Panics        uint64

	Jobs    uint64 // published
	Notices uint64 // jobs sent to a miner
	// PassedOver counts jobs that a miner did not get because it had not yet taken
	// what was sent before; it got a newer one later.
	PassedOver uint64
	// Waits counts how often a connection did not take at once what was sent.
	Waits uint64
}

// reasons is how many a share can have.
const reasons = int(share.Flood) + 1

type counts struct {
	accepted, refusedLogins, grievances, bans, handshakes, acceptErrors, panics atomic.Uint64
	jobs, notices, passedOver, waits                                            atomic.Uint64

	refused [isBanned + 1]atomic.Uint64
	closed  [causes]atomic.Uint64
	shares  [reasons]atomic.Uint64
}

func (c *counts) share(r share.Reason) {
	if int(r) < len(c.shares) {
		c.shares[r].Add(1)
	}
}

// Counters returns the counters as they are.
func (s *Server) Counters() Counters {
	c := &s.counts
	v := Counters{
		Connections: s.limits.count(),
		Accepted:    c.accepted.Load(), RefusedLogins: c.refusedLogins.Load(), Grievances: c.grievances.Load(),
		Bans: c.bans.Load(), Handshakes: c.handshakes.Load(), AcceptErrors: c.acceptErrors.Load(), Panics: c.panics.Load(),
		Jobs: c.jobs.Load(), Notices: c.notices.Load(), PassedOver: c.passedOver.Load(), Waits: c.waits.Load(),
		Refused: map[string]uint64{
			"total": c.refused[tooMany].Load(), "address": c.refused[tooManyOfAddress].Load(), "ban": c.refused[isBanned].Load(),
		},
		Closed: make(map[string]uint64, causes),
		Shares: make(map[string]uint64, reasons),
	}
	for i := range c.closed {
		v.Closed[causeNames[i]] = c.closed[i].Load()
	}
	for i := range c.shares {
		v.Shares[share.Reason(i).String()] = c.shares[i].Load()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seats := range s.workers {
		v.Miners += len(seats)
	}
	for _, f := range s.feeds {
		if f.latest.Load() != nil {
			v.Sources++
		}
	}
	return v
}

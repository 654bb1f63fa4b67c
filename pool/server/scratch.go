package server

import (
	"slices"
	"time"

	"hearth/pool/share"
)

// scratch is room for hearing some messages. It is lent while one is heard, so
// that connections that are quiet do not have it.
type scratch struct {
	out     []byte
	plain   []byte // V2: before it is encrypted
	reports []report
	banned  *seat
}

// report is a verdict on its way to the Desk, until no lock is held any more.
type report struct {
	worker  Worker
	verdict share.Verdict
}

// judge counts a verdict and keeps it for the Desk. The caller holds the
// connection's lock.
func (s *scratch) judge(c *conn, st *seat, v *share.Verdict, now time.Time) {
	st.tally.add(v, now)
	c.server.counts.share(v.Reason)
	kept := *v
	if v.Job != nil {
		kept.Job = c.talk.published(v.Job)
	}
	kept.Extranonce = slices.Clone(v.Extranonce)
	s.reports = append(s.reports, report{st.worker, kept})
	if st.tally.worthless(c.server.cfg.Ban) {
		s.banned = st
		c.drop(byBan)
	}
}

// tell passes on to the Desk what was heard, without any lock, and gives the
// scratch back.
func (c *conn) tell(s *scratch) {
	for i := range s.reports {
		c.server.desk.Share(s.reports[i].worker, s.reports[i].verdict)
	}
	if s.banned != nil {
		c.server.banWorker(c.remote, s.banned.worker)
	}
	clear(s.reports)
	s.reports, s.banned = s.reports[:0], nil
	c.server.scratches.Put(s)
}

// pace says how long a connection is not to be read from, so that it brings no
// more messages than it may. It belongs to the reading goroutine.
type pace struct {
	perSecond float64
	left      float64
	last      time.Time
}

func newPace(perSecond int) pace {
	return pace{perSecond: float64(perSecond), left: 2 * float64(perSecond)}
}

// take counts n messages and returns how long to wait.
func (p *pace) take(n int, now time.Time) time.Duration {
	if !p.last.IsZero() {
		p.left = min(p.left+now.Sub(p.last).Seconds()*p.perSecond, 2*p.perSecond)
	}
	p.last = now
	if p.left -= float64(n); p.left >= 0 {
		return 0
	}
	return time.Duration(-p.left / p.perSecond * float64(time.Second))
}

package server

import (
	"time"

	"hearth/pool/job"
	"hearth/pool/share"
)

// seat is one admitted miner on a connection: all of a V1 connection, or a
// channel of a V2 one. Its fields are under the connection's lock.
type seat struct {
	conn    *conn
	channel uint32 // V2's number of it
	worker  Worker

	feed  *feed
	index int    // in feed.seats, under the feed's lock
	seen  uint64 // seq of the newest notice that was sent; 0: begin afresh
	again bool   // the difficulty changed: it needs the job once more

	tally tally
}

// tally is what a seat's shares came to.
type tally struct {
	since                     time.Time
	accepted, stale, rejected uint64
	work                      job.Work
	last                      time.Time // accepted share

	// For the ban: lately good and worthless shares, halved together.
	good, bad int
}

// add counts a verdict.
func (t *tally) add(v *share.Verdict, now time.Time) {
	switch v.Reason {
	case share.Accepted:
		t.accepted++
		t.work += v.Credit
		t.last = now
		t.good++
	case share.Stale:
		t.stale++
	default:
		t.rejected++
		t.bad++
	}
}

// worthless tells whether a miner brings so little of worth that it is to be
// turned away.
func (t *tally) worthless(b Ban) bool {
	all := t.good + t.bad
	if t.bad >= b.Shares && float64(t.bad) >= b.Fraction*float64(all) {
		return true
	}
	if all >= 4*b.Shares {
		t.good, t.bad = t.good/2, t.bad/2
	}
	return false
}

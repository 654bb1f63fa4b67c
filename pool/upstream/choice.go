package upstream

import "time"

// choice decides which of several pools to mine at, and which to be connected
// to. It is pure: it is told what happens and when.
//
// The first pool is the one that is wanted. A later one is connected to when
// those before it have failed for the time of patience, and mined at when none
// before it can be. From there the way back is slower: a better pool must have
// carried for the time of hold without a break, so that one that comes and goes
// does not take the miners with it every time.
type choice struct {
	patience, hold time.Duration
	members        []member
	active         int // -1: none
	since          time.Time
}

// member is what is known of a pool.
type member struct {
	running  bool
	carrying bool      // logged in, and has given a job
	since    time.Time // running or carrying, or not carrying any more, since
}

func newChoice(n int, patience, hold time.Duration) *choice {
	return &choice{patience: patience, hold: hold, members: make([]member, n), active: -1}
}

// carries says that pool i can be mined at, or no longer. Of a pool that is not
// running it says nothing.
func (c *choice) carries(i int, yes bool, now time.Time) {
	m := &c.members[i]
	if m.running && m.carrying != yes {
		m.carrying, m.since = yes, now
	}
}

// decide brings the choice up to date: which pool is active, and which are
// running.
func (c *choice) decide(now time.Time) {
	if was := c.active; was < 0 || !c.members[was].carrying {
		c.active = -1
		for i, m := range c.members {
			if m.carrying {
				c.active, c.since = i, now
				break
			}
		}
	} else {
		for i, m := range c.members[:was] {
			if m.carrying && now.Sub(m.since) >= c.hold {
				c.active, c.since = i, now
				break
			}
		}
	}
	wanted := true // of the pools so far, all have failed for long enough
	for i := range c.members {
		m := &c.members[i]
		if wanted && !m.running {
			m.running, m.carrying, m.since = true, false, now
		}
		wanted = wanted && !m.carrying && now.Sub(m.since) >= c.patience
		// Shares under way at a pool that was left still get their answers.
		if m.running && c.active >= 0 && i > c.active && now.Sub(c.since) >= c.patience && now.Sub(c.members[c.active].since) >= c.hold {
			m.running, m.carrying, m.since = false, false, now
		}
	}
}

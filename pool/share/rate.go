package share

import (
	"fmt"
	"time"

	"hearth/pool/job"
	"hearth/units"
)

const (
	spans  = 10 // of a minute each: how far back the hash rate looks
	fewest = 3  // shares, below which a hash rate is a guess
)

// gauge reckons a hash rate from credit: so many minutes, the oldest forgotten.
type gauge struct {
	clock
	begun   time.Duration // the share that the reckoning starts after
	running bool
	minute  int64 // the latest
	credit  [spans]job.Difficulty
	shares  [spans]uint32
}

// turn forgets what is too old.
func (g *gauge) turn(now time.Time) time.Duration {
	t := g.at(now)
	m := int64(t / time.Minute)
	for range min(m-g.minute, spans) {
		g.minute++
		g.credit[g.minute%spans], g.shares[g.minute%spans] = 0, 0
	}
	g.minute = m
	return t
}

func (g *gauge) add(credit job.Difficulty, now time.Time) {
	t := g.turn(now)
	if _, n := g.sum(); n == 0 && (!g.running || t-g.begun >= spans*time.Minute) {
		// The first share, or the first after a long silence, says when hashing
		// began, not how fast it is.
		g.begun, g.running = t, true
		return
	}
	g.credit[g.minute%spans] += credit
	g.shares[g.minute%spans]++
}

func (g *gauge) sum() (credit job.Difficulty, n uint32) {
	for i := range g.credit {
		credit += g.credit[i]
		n += g.shares[i]
	}
	return credit, n
}

func (g *gauge) rate(now time.Time) units.Known[units.HashRate] {
	t := g.turn(now)
	credit, n := g.sum()
	switch {
	case !g.running:
		return units.Unknown[units.HashRate]("no share yet", now)
	case n == 0 && t-g.begun >= spans*time.Minute:
		return units.Unknown[units.HashRate](fmt.Sprintf("no share in %d minutes", spans), now)
	case n < fewest:
		return units.Unknown[units.HashRate]("too few shares to tell", now)
	}
	// The oldest minute is a whole one; the latest has only begun.
	span := min(t-g.begun, t-time.Duration(g.minute-spans+1)*time.Minute)
	return units.Know(units.HashRate(credit.Hashes()/span.Seconds()), now, units.Estimate)
}

package share

import (
	"math"
	"time"

	"hearth/pool/job"
)

// Vardiff says how the difficulty of a channel is to be set.
type Vardiff struct {
	// PerMinute is how many shares a minute to aim at; 6 if it is 0. Payouts that
	// count shares are then off by 1.1 % in a day and 0.2 % in a month, one
	// standard deviation.
	PerMinute float64
	// Floor and Ceiling bound the difficulty. A Floor of 0 is 1/1024, the
	// smallest difficulty that job.Work counts exactly; a Ceiling of 0 is 2^60.
	Floor, Ceiling job.Difficulty
	// Fixed keeps the difficulty where it starts.
	Fixed bool
}

// The rules of the controller. Difficulties are powers of two, so the nearest
// one leaves the rate within a factor of √2 of the aim. It moves only if the
// rate is off by 30 % more than that, which is the edge of the band: 3.3 to 11
// shares a minute around an aim of 6.
const (
	hysteresis = 1.3
	edge       = math.Sqrt2 * hysteresis

	// A window is judged when it holds this many shares, one in eight standard
	// deviations, or when this many were due.
	window = 72

	// Quick start: this many shares, at least four times too fast, are judged at
	// once. By chance that happens less than once in 100,000 windows.
	quick      = 16
	quickRatio = 4

	// Silence for three of the intervals that a miner at the slow edge of the band
	// leaves between shares halves the difficulty. In the middle of the band that
	// happens by chance once in 240 shares.
	silent = 3
	// After this many halvings the miner is not slow but absent.
	halvings = 5
	// While a miner never sent a share, its difficulty is a guess: it falls
	// faster.
	guessFall = 8
)

// controller sets the difficulty of one channel.
type controller struct {
	Vardiff
	interval time.Duration // aimed at, between shares

	d      job.Difficulty // now
	proven bool           // shares came in since the start
	fell   int            // halvings for silence since the last share

	clock
	since  time.Duration  // begin of the window
	last   time.Duration  // last share, or last fall
	credit job.Difficulty // in the window
}

func newController(v Vardiff, start job.Difficulty) controller {
	if !(v.PerMinute > 0) {
		v.PerMinute = 6
	}
	if !(v.Floor > 0) {
		v.Floor = 1.0 / 1024
	}
	if !(v.Ceiling > 0) {
		v.Ceiling = 1 << 60
	}
	if !(start > 0) {
		start = 1024
	}
	v.Ceiling = max(v.Ceiling, v.Floor)
	c := controller{Vardiff: v, interval: time.Duration(float64(time.Minute) / v.PerMinute)}
	c.d = c.bounded(start)
	return c
}

// bounded is the power of two nearest to d that lies within the bounds; the
// floor's next above if none does.
func (c *controller) bounded(d job.Difficulty) job.Difficulty {
	d = power(min(max(d, c.Floor), c.Ceiling), math.Round)
	if d > c.Ceiling {
		d /= 2
	}
	if d < c.Floor {
		d *= 2
	}
	return d
}

// power is a power of two near d, which must be positive: the nearest, the next
// below or the next above, as round has it.
func power(d job.Difficulty, round func(float64) float64) job.Difficulty {
	return job.Difficulty(math.Exp2(round(math.Log2(float64(d)))))
}

// suggest takes a miner's own idea of its difficulty, for as long as nothing
// better is known.
func (c *controller) suggest(d job.Difficulty) {
	if d > 0 && !c.proven && !c.Fixed {
		c.d = c.bounded(d)
	}
}

// begin starts the clock: the miner has work from now on.
func (c *controller) begin(now time.Time) {
	if !c.started() {
		c.since = c.at(now)
		c.last = c.since
	}
}

// share takes note of a share that was accepted, and of what it is worth, which
// may be nothing.
func (c *controller) share(credit job.Difficulty, now time.Time) {
	t := c.at(now)
	c.last = t
	if c.fell == halvings {
		// It was away. How long says nothing of how fast it is.
		c.restart(t)
		credit = 0
	}
	c.fell = 0
	c.proven = c.proven || credit > 0
	c.credit += credit
	c.judge(t)
}

// judge moves the difficulty if the window says so.
func (c *controller) judge(t time.Duration) {
	if c.Fixed {
		return
	}
	// In shares of the present difficulty: what came, and what was due. A second
	// is the least that is believed, shares come in bursts.
	came := float64(c.credit / c.d)
	due := float64(max(t-c.since, time.Second)) / float64(c.interval)
	fast := came >= quick && came >= quickRatio*due
	if !fast && came < window && due < window {
		return
	}
	if ratio := came / due; ratio > edge || ratio < 1/edge {
		c.d = c.bounded(c.d * job.Difficulty(max(ratio, 1.0/window)))
	}
	c.restart(t)
}

func (c *controller) restart(t time.Duration) {
	c.since, c.credit = t, 0
}

// tick lets the difficulty fall after too long a silence. It falls by one step
// at a time, however long nobody called.
func (c *controller) tick(now time.Time) {
	if c.Fixed || !c.started() {
		return
	}
	t := c.at(now)
	if float64(t-c.last) < silent*edge*float64(c.interval) || c.fell == halvings {
		return
	}
	c.last = t
	c.restart(t)
	if c.proven {
		c.fell++
		c.d = c.bounded(c.d / 2)
	} else {
		c.d = c.bounded(c.d / guessFall)
	}
}

// clock counts the time that passed, which never runs back: if the wall clock is
// set back, no time passes.
type clock struct {
	latest  time.Time
	elapsed time.Duration
}

func (c *clock) started() bool { return !c.latest.IsZero() }

func (c *clock) at(now time.Time) time.Duration {
	if c.started() {
		if d := now.Sub(c.latest); d > 0 {
			c.elapsed += d
		}
	}
	c.latest = now
	return c.elapsed
}

package share

import (
	"bytes"
	"math"
	"time"

	"hearth/pool/job"
	"hearth/units"
)

// Config says what a channel is like.
type Config struct {
	// Extranonce1 is the miner's part of the extranonce that the server fixed:
	// all of it on a standard channel of Stratum V2.
	Extranonce1 []byte
	// Extranonce2 is how many bytes the miner turns over itself.
	Extranonce2 int
	Vardiff     Vardiff
	// Start is the first difficulty; 1024 if it is 0.
	Start job.Difficulty
	// Mask is the version bits the miner may roll, of those that a job allows.
	Mask uint32
}

// jobs is how many jobs a channel remembers.
const jobs = 8

// Channel is one miner's right to submit: a Stratum V1 connection, or one
// channel of Stratum V2. It is not to be used by two goroutines at a time. It
// takes some 2 KiB, and 8 bytes or more for each share that it remembers.
type Channel struct {
	mask       uint32
	extranonce []byte // the server's part, then room for the miner's
	prefix     int    // length of the server's part

	offered [jobs]offer
	next    int            // the place of the next offer
	current *job.Job       // the latest
	told    job.Difficulty // what the miner was told; 0: nothing yet

	controller controller
	gauge      gauge
	scratch    job.Scratch
}

// offer is a job as it was offered to the miner.
type offer struct {
	job    *job.Job // nil: the place is free
	live   bool
	d      job.Difficulty // to be credited
	target job.Target     // of d
	lax    job.Target     // accepted, for nothing if it does not meet target
	seen   seen
}

// NewChannel makes a channel. It has no jobs until the first Offer.
func NewChannel(c Config) *Channel {
	return &Channel{
		mask:       c.Mask,
		extranonce: append(bytes.Clone(c.Extranonce1), make([]byte, max(c.Extranonce2, 0))...),
		prefix:     len(c.Extranonce1),
		controller: newController(c.Vardiff, c.Start),
	}
}

// SetMask says which version bits the miner may roll from now on, as Stratum V1
// may agree late.
func (c *Channel) SetMask(mask uint32) { c.mask = mask }

// Difficulty is what the miner was told to mine at; 0 before the first Offer.
func (c *Channel) Difficulty() job.Difficulty { return c.told }

// Suggest takes the miner's wish for a difficulty. It holds until shares tell
// better, and from the next Offer on.
func (c *Channel) Suggest(d job.Difficulty) { c.controller.suggest(d) }

// AtLeast raises the floor of the difficulty to d, rounded up to a power of two:
// what Stratum V2 asks with the largest target that a miner takes. It holds
// from the next Offer on.
func (c *Channel) AtLeast(d job.Difficulty) {
	if !(d > 0) || math.IsInf(float64(d), 1) {
		return
	}
	k := &c.controller
	k.Floor = max(k.Floor, power(d, math.Ceil))
	k.Ceiling = max(k.Ceiling, k.Floor)
	k.d = k.bounded(k.d)
}

// Offer says that j may be mined from now on. It returns the difficulty to mine
// it at and whether the miner has to be told, which is to be done before it
// gets the job. A Clean job retires the earlier jobs of its Source. A job that
// was offered before, known by its ID, may be offered again.
//
// The difficulty is never above that of a share the source wants to see, so that
// none is missed, unless that is below the floor.
func (c *Channel) Offer(j *job.Job, now time.Time) (d job.Difficulty, changed bool) {
	c.controller.begin(now)
	if j.Clean {
		for i := range c.offered {
			if o := &c.offered[i]; o.job != nil && o.job.Source == j.Source && o.job.ID != j.ID {
				o.live = false
			}
		}
	}
	d = c.want(j)
	before := c.told
	changed = d != before
	c.told, c.current = d, j
	target, old := d.Target(), d.Target()
	if before > 0 {
		old = before.Target()
	}
	if changed && d < before {
		// Some firmwares use a new difficulty for the jobs they have.
		for i := range c.offered {
			c.offered[i].lax = easier(c.offered[i].lax, target)
		}
	}

	if o := c.find(j.ID); o != nil {
		o.live = true
		o.lax = easier(o.lax, easier(target, old))
		if d > o.d {
			o.d, o.target = d, target
		}
		return d, changed
	}
	o := &c.offered[c.next]
	c.next = (c.next + 1) % jobs
	o.job, o.live, o.d, o.target, o.lax = j, true, d, target, easier(target, old)
	if d < before {
		// Others use it for the job after the next only. Whichever this one does,
		// the higher is credited and the lower accepted, for this job.
		o.d, o.target = before, old
	}
	o.seen.clear()
	return d, changed
}

// want is the difficulty at which the miner should mine j.
func (c *Channel) want(j *job.Job) job.Difficulty {
	d := c.controller.d
	if most := j.Goal.Difficulty(); most < d {
		d = max(power(most, math.Floor), c.controller.bounded(c.controller.Floor))
	}
	return d
}

// easier is the easier of two targets.
func easier(a, b job.Target) job.Target {
	if job.Hash(a).Meets(b) {
		return b
	}
	return a
}

func (c *Channel) find(id uint32) *offer {
	for i := range c.offered {
		if o := &c.offered[i]; o.job != nil && o.job.ID == id {
			return o
		}
	}
	return nil
}

// Check says what became of a share. It allocates nothing, but for the memory of
// shares as that grows.
func (c *Channel) Check(s Submission, now time.Time) Verdict {
	o := c.find(s.Job)
	if o == nil {
		return Verdict{Reason: UnknownJob}
	}
	v := Verdict{Job: o.job}
	if v.Reason = c.shape(o, &s); v.Reason != Accepted {
		return v
	}
	copy(c.extranonce[c.prefix:], s.Extranonce2)
	v.Extranonce = c.extranonce
	v.Header = o.job.HeaderInto(&c.scratch, c.extranonce, s.Version, s.Time, s.Nonce)
	v.Hash = v.Header.Hash()
	v.Goal, v.Block = v.Hash.Meets(o.job.Goal), v.Hash.Meets(o.job.Network)
	if !v.Hash.Meets(o.lax) && !v.Goal && !v.Block {
		v.Reason = LowDifficulty
		return v
	}
	m := mark(v.Hash)
	for i := range c.offered {
		if c.offered[i].seen.has(m) {
			v.Reason, v.Goal, v.Block = Duplicate, false, false
			return v
		}
	}
	if !o.seen.add(m) {
		v.Reason, v.Goal = Flood, false
		return v
	}
	var credit job.Difficulty
	if v.Hash.Meets(o.target) {
		credit, v.Credit = o.d, o.d.Work()
	}
	c.controller.share(credit, now)
	c.gauge.add(credit, now)
	return v
}

// shape judges what can be judged without hashing, and fills in the version.
func (c *Channel) shape(o *offer, s *Submission) Reason {
	j := o.job
	if !o.live {
		return Stale
	}
	if len(s.Extranonce2) != len(c.extranonce)-c.prefix || len(c.extranonce) != j.Extranonce {
		return BadExtranonce
	}
	mask := c.mask & j.Mask
	if s.HasBits {
		if s.Bits&^mask != 0 {
			return BadVersion
		}
		s.Version = j.Version&^mask | s.Bits
	} else if (s.Version^j.Version)&^mask != 0 {
		return BadVersion
	}
	if first, last := j.Times(); s.Time < first || s.Time > last {
		return BadTime
	}
	return Accepted
}

// Tick is to be called every few seconds, and may be after every share. It lets
// the difficulty fall when no shares come, and reports whether the miner mines
// at another difficulty than it should: the caller then offers its job again, or
// a new one.
func (c *Channel) Tick(now time.Time) (changed bool) {
	c.controller.tick(now)
	return c.current != nil && c.want(c.current) != c.told
}

// Rate is the miner's hash rate over the last ten minutes, as its credited
// shares tell it. It is unknown, never zero, while there are too few of them: a
// miner that sends nothing may be off, or cut off.
func (c *Channel) Rate(now time.Time) units.Known[units.HashRate] { return c.gauge.rate(now) }

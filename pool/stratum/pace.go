package stratum

import (
	"fmt"
	"time"

	"hearth/pool/job"
)

// A pool may give out JobBurst jobs in a row, and one each JobInterval ever
// after. One that sends more has gone mad, and every job goes to every miner.
const (
	JobBurst    = 64
	JobInterval = 500 * time.Millisecond
)

// trifle is what a job costs of the leave to give jobs out if it begins a block
// of a network on which blocks come many a second.
const trifle = 1.0 / 256

// Pace is the leave of one pool to give out jobs, so that none keeps miners busy
// with nothing else. The zero value has none yet: see [NewPace].
type Pace struct {
	left   float64
	refill time.Time
}

// NewPace returns the leave that a pool begins with.
func NewPace() Pace { return Pace{left: JobBurst} }

// Take takes leave to give out a job, clean if it begins a block of a network of
// that difficulty. An error means that the pool sends too many.
//
// Where a block takes fewer hashes than a share of difficulty 1, as on a network
// for tests, each block that is found makes another job, and who mines there finds
// them as fast as the node takes them: there such a job costs next to nothing.
func (p *Pace) Take(now time.Time, clean bool, network job.Target) error {
	price := 1.0
	if clean && network.Difficulty() < 1 {
		price = trifle
	}
	if !p.refill.IsZero() {
		p.left = min(JobBurst, p.left+max(0, now.Sub(p.refill).Seconds()/JobInterval.Seconds()))
	}
	p.refill = now
	if p.left < price {
		return fmt.Errorf("take a job of the pool: it sent more than %d in a row, faster than one in %v", JobBurst, JobInterval)
	}
	p.left -= price
	return nil
}

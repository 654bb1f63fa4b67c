package stratum

import (
	"testing"
	"time"

	"hearth/pool/job"
)

// On a network for tests, where a block takes a hash or two, they come as fast as
// the node takes them, and the pool of whoever finds them is not left for it. Even
// there it is left if it sends without end, or sends a block's job again and again.
func TestBlocksMayComeManyASecond(t *testing.T) {
	for name, c := range map[string]struct {
		bits  uint32
		clean bool
		least int
		most  int
	}{
		"regtest":               {0x207fffff, true, 1000, 20_000},
		"regtest, one block":    {0x207fffff, false, JobBurst, JobBurst},
		"a network that counts": {0x1d00ffff, true, JobBurst, JobBurst},
	} {
		network, err := job.CompactTarget(c.bits)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(1_768_478_400, 0)
		p := NewPace()
		n := 0
		for n <= c.most && p.Take(now, c.clean, network) == nil {
			n++
		}
		if n < c.least || n > c.most {
			t.Errorf("%s: %d jobs are taken in a row, want %d to %d", name, n, c.least, c.most)
		}
	}
}

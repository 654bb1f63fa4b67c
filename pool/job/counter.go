package job

import "sync/atomic"

// Counter gives out job ids. It may be used by many goroutines.
type Counter struct{ last atomic.Uint32 }

// NewCounter counts from after, which is best different each time the program
// starts: miners remember the jobs of before.
func NewCounter(after uint32) *Counter {
	c := new(Counter)
	c.last.Store(after)
	return c
}

// Next is an id that was not given out before, never 0.
func (c *Counter) Next() uint32 {
	for {
		if id := c.last.Add(1); id != 0 {
			return id
		}
	}
}

package light

import (
	"errors"
	"fmt"
	"time"
)

// A Walk goes from a trusted block to a later one, in as few steps as it can.
// It says which height it needs and is offered the block there:
//
//	walk, err := rules.Walk(trusted, target)
//	for height, more := walk.Next(); more; height, more = walk.Next() {
//		... ask a node for the block at height ...
//		if err := walk.Offer(block, now); err != nil { ... }
//	}
//
// A Walk must not be used by several goroutines at a time.
type Walk struct {
	rules  Rules
	target int64
	// trace is what was verified, from the trusted block on.
	trace []Block
	// ahead are blocks that were too far to verify, the nearest last.
	ahead []Block
}

// Walk starts from a trusted block and aims for a height above it.
func (r Rules) Walk(trusted Block, target int64) (*Walk, error) {
	if target <= trusted.Header.Height {
		return nil, fmt.Errorf("walk from block %d to block %d: it does not come after", trusted.Header.Height, target)
	}
	return &Walk{rules: r, target: target, trace: []Block{trusted}}, r.Check()
}

// Next returns the height of the block that is needed, or false if the target
// was reached.
func (w *Walk) Next() (height int64, more bool) {
	from := w.reached().Header.Height
	if from == w.target {
		return 0, false
	}
	if w.rules.Sequential {
		return from + 1, true
	}
	if len(w.ahead) == 0 {
		return w.target, true
	}
	return from + (w.ahead[len(w.ahead)-1].Header.Height-from)/2, true
}

func (w *Walk) reached() Block { return w.trace[len(w.trace)-1] }

// Offer takes the block of the height that Next named. An error ends the walk:
// the block is not one of this chain, or the trusted block has expired.
func (w *Walk) Offer(b Block, now time.Time) error {
	want, more := w.Next()
	if !more {
		return fmt.Errorf("walk to block %d: it was reached", w.target)
	}
	if b.Header.Height != want {
		return fmt.Errorf("walk to block %d: block %d was offered, %d is needed", w.target, b.Header.Height, want)
	}
	w.ahead = append(w.ahead, b)
	for len(w.ahead) > 0 {
		next := w.ahead[len(w.ahead)-1]
		err := w.rules.Verify(w.reached(), next, now)
		if errors.Is(err, ErrFar) {
			return nil // halfway there, then
		}
		if err != nil {
			return err
		}
		w.trace = append(w.trace, next)
		w.ahead = w.ahead[:len(w.ahead)-1]
	}
	return nil
}

// Trace returns the blocks that were verified, from the trusted one on; the
// last is the furthest. Once Next says so, it is the target.
func (w *Walk) Trace() []Block { return w.trace }

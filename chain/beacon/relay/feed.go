package relay

import (
	"context"
	"errors"
	"sync"
	"time"

	"hearth/chain/beacon/drand"
)

const (
	// held is the most rounds a feed keeps: 102 minutes of quicknet.
	held = 2048
	// grace is given to a round before it is asked for: it takes that long to
	// be signed and passed on.
	grace = 300 * time.Millisecond
	// slowest is the longest pause after failures.
	slowest = 15 * time.Second
)

// Feed keeps verified rounds without a gap, from the one that a chain wants
// next. It is safe for concurrent use.
type Feed struct {
	client *Client
	clock  func() time.Time
	turned chan struct{} // holds a token when the chain wants other rounds

	mu     sync.Mutex
	first  uint64 // number of rounds[0], or of what comes next
	rounds []drand.Signature
	err    error
}

// NewFeed makes a feed; [Feed.Run] fills it. It begins with the round after
// the clock's.
func NewFeed(c *Client, clock func() time.Time) *Feed {
	return &Feed{client: c, clock: clock, turned: make(chan struct{}, 1), first: c.chain.After(clock().Unix())}
}

// Rounds returns the signatures of the rounds first, first+1, … as far as they
// are there, at most so many, and waits for nothing. It also tells the feed
// what the chain wants: what comes before first is let go, and if first was
// not kept the feed turns back to it.
func (f *Feed) Rounds(first uint64, most int) []drand.Signature {
	if first == 0 {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if first < f.first || first > f.first+uint64(len(f.rounds)) {
		f.first, f.rounds = first, nil
		select {
		case f.turned <- struct{}{}:
		default:
		}
		return nil
	}
	f.rounds = f.rounds[first-f.first:]
	f.first = first
	return append([]drand.Signature(nil), f.rounds[:max(0, min(most, len(f.rounds)))]...)
}

// Err is why the last attempt to fetch failed, or nil if it did not.
func (f *Feed) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// Run fetches until the context ends.
func (f *Feed) Run(ctx context.Context) error {
	pause := grace
	for {
		f.mu.Lock()
		next := f.first + uint64(len(f.rounds))
		f.mu.Unlock()

		wait := time.Unix(f.client.chain.TimeOf(next), 0).Add(grace).Sub(f.clock())
		if wait <= 0 {
			r, err := f.client.Round(ctx, next)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if f.keep(next, r, err) {
				pause = grace
				continue
			}
			wait, pause = pause, min(2*pause, slowest)
			if !errors.Is(err, ErrNotYet) {
				wait = max(wait, time.Second)
			}
		}
		// Not in one go: a chain that begins in a year may be corrected sooner.
		timer := time.NewTimer(min(wait, time.Minute))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-f.turned:
			timer.Stop()
			pause = grace
		case <-timer.C:
		}
	}
}

// keep adds a round that was fetched, unless the chain turned elsewhere.
func (f *Feed) keep(number uint64, r drand.Round, err error) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
	if err != nil || number != f.first+uint64(len(f.rounds)) {
		return err == nil
	}
	f.rounds = append(f.rounds, r.Signature)
	if over := len(f.rounds) - held; over > 0 {
		f.rounds = append([]drand.Signature(nil), f.rounds[over:]...)
		f.first += uint64(over)
	}
	return true
}

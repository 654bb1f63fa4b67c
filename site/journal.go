package site

import (
	"context"
	"sync"
)

// journalLength is how many events are kept at hand; the ledger has them all.
const journalLength = 1000

// journal is the recent log of a home and the bell that tells surfaces to
// look again. It is safe for concurrent use.
type journal struct {
	mu     sync.Mutex
	seq    uint64
	events []Event // oldest first, at most journalLength
	bells  map[chan struct{}]struct{}
}

func newJournal() *journal { return &journal{bells: map[chan struct{}]struct{}{}} }

// add appends an event and gives it its number.
func (j *journal) add(e Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seq++
	e.Seq = j.seq
	if len(j.events) == journalLength {
		j.events = append(j.events[:0], j.events[1:]...)
	}
	j.events = append(j.events, e)
}

// after returns at most limit events with a number above seq, oldest first;
// of more than limit, the latest.
func (j *journal) after(seq uint64, limit int) []Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []Event
	for _, e := range j.events {
		if e.Seq > seq {
			out = append(out, e)
		}
	}
	if limit > 0 && len(out) > limit {
		out = out[len(out)-limit:]
	}
	return out
}

// ring tells every watcher that something changed.
func (j *journal) ring() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for b := range j.bells {
		select {
		case b <- struct{}{}:
		default: // it has not looked since the last ring
		}
	}
}

// watch returns a channel that gets a tick after each change until ctx ends,
// when it is closed.
func (j *journal) watch(ctx context.Context) <-chan struct{} {
	b := make(chan struct{}, 1)
	j.mu.Lock()
	j.bells[b] = struct{}{}
	j.mu.Unlock()
	context.AfterFunc(ctx, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		delete(j.bells, b)
		close(b)
	})
	return b
}

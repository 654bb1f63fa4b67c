package openai

import (
	"net/http"
	"sync"
	"time"
)

// Limits bound what callers can ask of a server. Zero fields take their
// defaults.
type Limits struct {
	// Jobs is the most choices and texts under way or waiting, of all callers
	// together (256). One request may bring more texts than that when nothing
	// else is under way.
	Jobs int
	// PerMinute is the most requests of one caller in a minute (600), AtATime
	// the most at a time (32).
	PerMinute, AtATime int
	// Time is the longest that one request may take (10 minutes).
	Time time.Duration
}

func (l Limits) filled() Limits {
	fill := func(v *int, otherwise int) {
		if *v == 0 {
			*v = otherwise
		}
	}
	fill(&l.Jobs, 256)
	fill(&l.PerMinute, 600)
	fill(&l.AtATime, 32)
	if l.Time == 0 {
		l.Time = 10 * time.Minute
	}
	return l
}

// turnstile counts callers and jobs.
type turnstile struct {
	limits Limits
	now    func() time.Time

	mu      sync.Mutex
	jobs    int
	callers map[string]*allowance
}

// allowance is a token bucket and a count.
type allowance struct {
	at     time.Time // when left was so
	left   float64   // requests that may still come
	inside int
}

// maxCallers bounds the callers remembered; those that ask nothing are
// forgotten first.
const maxCallers = 1024

// enter lets a request in or says when to come back. leave must be called
// once.
func (t *turnstile) enter(c Caller) (leave func(), err error) {
	perMinute, atATime := c.PerMinute, c.AtATime
	if perMinute == 0 {
		perMinute = t.limits.PerMinute
	}
	if atATime == 0 {
		atATime = t.limits.AtATime
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	a := t.callers[c.Name]
	if a == nil {
		t.forget(now)
		a = &allowance{at: now, left: float64(perMinute)}
		t.callers[c.Name] = a
	}
	// The bucket holds a minute's worth and fills evenly.
	a.left = min(float64(perMinute), a.left+max(now.Sub(a.at).Minutes(), 0)*float64(perMinute))
	a.at = now
	if a.inside >= atATime {
		return nil, busy(http.StatusTooManyRequests, "rate_limit_exceeded", time.Second,
			"You have %d requests under way, as many as you may: wait for one to end.", a.inside)
	}
	if a.left < 1 {
		wait := time.Duration((1 - a.left) / float64(perMinute) * float64(time.Minute))
		return nil, busy(http.StatusTooManyRequests, "rate_limit_exceeded", wait,
			"You may ask %d times a minute: ask again in a moment.", perMinute)
	}
	a.left--
	a.inside++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		a.inside--
	}, nil
}

func (t *turnstile) forget(now time.Time) {
	if len(t.callers) < maxCallers {
		return
	}
	for name, a := range t.callers {
		if a.inside == 0 && now.Sub(a.at) > time.Minute {
			delete(t.callers, name)
		}
	}
}

// take takes places for n jobs, or says to come back.
func (t *turnstile) take(n int) (give func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.jobs > 0 && t.jobs+n > t.limits.Jobs {
		return nil, busy(http.StatusServiceUnavailable, "queue_full", 2*time.Second,
			"%d jobs are under way or waiting, as many as there is room for: ask again in a moment.", t.jobs)
	}
	t.jobs += n
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.jobs -= n
	}, nil
}

func (t *turnstile) waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.jobs
}

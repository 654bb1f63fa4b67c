package main

import (
	"net/http"
	"sync"
	"time"

	"hearth/openai"
)

// grace is how long answers under way may take to end when a server stops.
const grace = 30 * time.Second

// lastCalls serves until it is told to stop: then it lets requests under way
// end and turns new ones away.
type lastCalls struct {
	handler http.Handler

	mu       sync.Mutex
	under    int // way
	stopping bool
	ended    chan struct{} // closed when none is under way any more
}

func newLastCalls(h http.Handler) *lastCalls {
	return &lastCalls{handler: h, ended: make(chan struct{})}
}

// ServeHTTP implements http.Handler.
func (c *lastCalls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !c.enter() {
		openai.Stopping(w)
		return
	}
	defer c.leave()
	c.handler.ServeHTTP(w, r)
}

func (c *lastCalls) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopping {
		return false
	}
	c.under++
	return true
}

func (c *lastCalls) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.under--; c.stopping && c.under == 0 {
		close(c.ended)
	}
}

// stop turns new requests away from now on. It returns how many are under way,
// and what is closed when they have ended.
func (c *lastCalls) stop() (under int, ended <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopping = true; c.under == 0 {
		close(c.ended)
	}
	return c.under, c.ended
}

package server

import (
	"slices"
	"sync"
	"time"

	"hearth/pool/share"
	"hearth/pool/stratum1"
)

// hand is a goroutine that hears messages, of one connection at a time, with
// the stack and the buffers that this takes. A connection borrows one while
// something has come, so that thousands of quiet ones have neither.
type hand struct {
	work chan *conn
	done chan heard

	buf     [readBuffer]byte // what was read
	n       int
	out     []byte // what is to be sent
	plain   []byte // V2: before it is encrypted
	event   stratum1.Event
	reports []report
	banned  *seat
}

// heard is what came of it.
type heard struct {
	messages int
	again    bool // a turn at the handshakes is needed first; nothing was lost
	err      error
}

// report is a verdict on its way to the Desk, until no lock is held any more.
type report struct {
	worker  Worker
	verdict share.Verdict
}

// hands lends hands. There are as many as are needed at a time; a few are kept.
// The zero value is ready, and safe for concurrent use.
type hands struct {
	mu   sync.Mutex
	idle []*hand
	shut bool
}

// maxIdle is how many hands are kept for later.
const maxIdle = 16

// take lends a hand.
func (p *hands) take() *hand {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		h := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return h
	}
	h := &hand{work: make(chan *conn), done: make(chan heard), out: make([]byte, 0, 4<<10)}
	go h.labour()
	return h
}

// give takes a hand back.
func (p *hands) give(h *hand) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut || len(p.idle) >= maxIdle {
		close(h.work)
		return
	}
	p.idle = append(p.idle, h)
}

// dismiss lets all hands go that are not lent, and the others when they come
// back.
func (p *hands) dismiss() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = true
	for _, h := range p.idle {
		close(h.work)
	}
	p.idle = nil
}

func (h *hand) labour() {
	for c := range h.work {
		h.done <- h.hear(c)
	}
}

// hear hears what was read of a connection.
func (h *hand) hear(c *conn) (v heard) {
	defer func() {
		if p := recover(); p != nil {
			c.server.panicked(c.remote, p)
			c.close(byPanic)
			h.reports, h.banned = nil, nil
			v = heard{err: errPanicked}
		}
	}()
	return c.hear(h)
}

// judge counts a verdict and keeps it for the Desk. The caller holds the
// connection's lock.
func (h *hand) judge(st *seat, v *share.Verdict, now time.Time) {
	c := st.conn
	st.tally.add(v, now)
	c.server.counts.share(v.Reason)
	h.reports = append(h.reports, report{st.worker, *v})
	kept := &h.reports[len(h.reports)-1].verdict
	kept.Extranonce = slices.Clone(v.Extranonce)
	if v.Job != nil {
		kept.Job = c.talk.published(v.Job)
	}
	if st.tally.worthless(c.server.cfg.Ban) {
		h.banned = st
		c.drop(byBan)
	}
}

// tell passes on to the Desk what was heard. No lock is held.
func (h *hand) tell(c *conn) {
	for i := range h.reports {
		c.server.desk.Share(h.reports[i].worker, h.reports[i].verdict)
	}
	if h.banned != nil {
		c.server.banWorker(c.remote, h.banned.worker)
	}
	clear(h.reports)
	h.reports, h.banned = h.reports[:0], nil
}

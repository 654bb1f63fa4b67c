package server

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"hearth/pool/job"
	"hearth/pool/share"
)

// talk is one connection's side of a protocol. All but hear is called with the
// connection's lock held. It appends what is to be sent to dst; what it
// returns may be shared bytes, which nobody writes to.
type talk interface {
	// hear takes what was read, answers, and tells how many messages it was. It
	// takes the lock itself.
	hear(b []byte, h *hand) (messages int, err error)
	version() int
	agent() string
	// ready tells whether a seat can be given jobs.
	ready(*seat) bool
	// offer says what lets a seat mine the newest job from now on.
	offer(dst []byte, st *seat, n *notice, now time.Time) []byte
	// tick lets time pass for a seat's difficulty, and tells whether it changed.
	tick(st *seat, now time.Time) bool
	// keepalive says something that changes nothing.
	keepalive(dst []byte) []byte
	// published is the job of a share as its source knows it.
	published(*job.Job) *job.Job
	// channel is where a seat's shares are checked; nil if it is gone.
	channel(*seat) *share.Channel
	// part gives back what it has of the server. It is called last.
	part()
}

// conn is one connection. One goroutine reads from it; whoever has something
// to say to it takes the lock.
type conn struct {
	server *Server
	wire   *wire
	remote netip.AddrPort
	shape  shape

	// The reading goroutine's, and that of the hand that it borrows.
	pace  pace
	first []byte // what came before the protocol was known
	turn  bool   // it has a place in Server.handshakes

	spoke, index int // the wheel's

	mu    sync.Mutex
	talk  talk // nil until the protocol is known
	seats []*seat
	alone time.Time // since when nobody has had a seat
	heard time.Time // when a whole message last came
	said  time.Time // when something was last sent

	// What the socket did not take at once. While caughtUp is not nil, a
	// goroutine is writing that; waiting counts its bytes and those of queue.
	queue    []byte
	waiting  int
	caughtUp chan struct{}

	gone  bool
	cause cause
}

// cause is why the server closed a connection.
type cause uint8

const (
	byPeer cause = iota // it did not: the miner left
	byLoginTime
	byIdle
	byStall
	byBreach // of the protocol
	byBan
	byPanic
	byShape
	byClosing
	causes
)

var causeNames = [causes]string{"peer", "login_time", "idle", "stall", "breach", "ban", "panic", "shape", "closing"}

// drop closes the connection. The caller holds the lock. The reading goroutine
// notices and does the rest.
func (c *conn) drop(why cause) {
	if c.gone {
		return
	}
	c.gone, c.cause = true, why
	c.queue = nil
	if t, ok := c.wire.Conn.(*net.TCPConn); ok && (why == byStall || why == byIdle) {
		_ = t.SetLinger(0) // it takes nothing: the system need not keep what is left for it
	}
	c.wire.Close()
}

// contain turns a panic into the end of this connection. It is deferred; the
// caller holds the lock.
func (c *conn) contain() {
	v := recover()
	if v == nil {
		return
	}
	c.server.panicked(c.remote, v)
	c.drop(byPanic)
}

// send sends b now as far as the socket takes it, and the rest as soon as it
// does. It does not keep b. The caller holds the lock.
func (c *conn) send(b []byte, now time.Time) {
	if c.gone || len(b) == 0 {
		return
	}
	c.said = now
	if c.caughtUp == nil {
		n, err := c.wire.try(b)
		if err != nil {
			c.drop(byPeer)
			return
		}
		if b = b[n:]; len(b) == 0 {
			return
		}
		c.caughtUp = make(chan struct{})
		c.server.counts.waits.Add(1)
		c.server.running.Go(c.catchUp)
	}
	c.queue = append(c.queue, b...)
	c.waiting += len(b)
}

// catchUp writes what waits until nothing does, then brings the newest jobs.
func (c *conn) catchUp() {
	defer c.panicked()
	deadline := time.Now().Add(c.server.cfg.Stall)
	for {
		b := c.takeQueue()
		if b == nil {
			return
		}
		err := c.wire.SetWriteDeadline(deadline)
		if err == nil {
			_, err = c.wire.Write(b)
		}
		c.wrote(len(b), err)
	}
}

// panicked turns a panic into the end of this connection. It is deferred where
// no lock is held.
func (c *conn) panicked() {
	if v := recover(); v != nil {
		c.server.panicked(c.remote, v)
		c.close(byPanic)
	}
}

// takeQueue returns what is to be written next; nil when all is done, or the
// connection gone.
func (c *conn) takeQueue() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b := c.queue; len(b) > 0 && !c.gone {
		c.queue = nil
		return b
	}
	close(c.caughtUp)
	c.caughtUp, c.queue, c.waiting = nil, nil, 0
	if !c.gone {
		_ = c.wire.SetWriteDeadline(time.Time{})
		c.deliver(time.Now())
	}
	return nil
}

func (c *conn) wrote(n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting -= n
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.drop(byStall)
	case err != nil:
		c.drop(byPeer)
	}
}

// aside lets the lock go for a while. The caller holds it, and has it again
// afterwards, also when f panics.
func (c *conn) aside(f func()) {
	c.mu.Unlock()
	defer c.mu.Lock()
	f()
}

// seat is the seat of a channel, nil if there is none.
func (c *conn) seat(channel uint32) *seat {
	for _, st := range c.seats {
		if st.channel == channel {
			return st
		}
	}
	return nil
}

// refresh offers one seat the newest job of its source.
func (c *conn) refresh(st *seat, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.contain()
	c.offer(st, now)
}

// deliver offers every seat the newest job of its source. The caller holds the
// lock.
func (c *conn) deliver(now time.Time) {
	for _, st := range c.seats {
		c.offer(st, now)
	}
}

// offer gives a seat the newest job of its source, unless it has it, or the
// connection cannot take it now: catchUp then comes back. The caller holds the
// lock.
func (c *conn) offer(st *seat, now time.Time) {
	if c.gone || st.feed == nil || !c.talk.ready(st) {
		return
	}
	n := st.feed.latest.Load()
	if n == nil || n.seq == st.seen && !st.again {
		return
	}
	if n.whole.job.Extranonce != c.shape.e1+c.shape.e2 {
		return // made for connections of another shape, which is about to change or has
	}
	if c.caughtUp != nil {
		c.server.counts.passedOver.Add(1)
		return
	}
	buf := c.server.buffers.Get().(*[]byte)
	defer c.server.buffers.Put(buf)
	c.send(c.talk.offer((*buf)[:0], st, n, now), now)
	st.seen, st.again = n.seq, false
	c.server.counts.notices.Add(1)
}

// move lets a seat mine another source from now on.
func (c *conn) move(st *seat, to *feed, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.contain()
	if c.gone || st.feed == nil || st.feed == to {
		return
	}
	st.feed.part(st)
	st.feed, st.seen, st.again = to, 0, false
	to.join(st)
	c.offer(st, now)
}

// look is the wheel's visit: deadlines, the timer path of the difficulty, and
// a word for who has heard nothing for long.
func (c *conn) look(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.contain()
	cfg := &c.server.cfg
	switch {
	case c.gone:
	case len(c.seats) == 0 && now.Sub(c.alone) >= cfg.Login:
		c.drop(byLoginTime)
	case now.Sub(c.heard) >= cfg.Idle:
		c.drop(byIdle)
	default:
		c.attend(now)
	}
}

func (c *conn) attend(now time.Time) {
	buf := c.server.buffers.Get().(*[]byte)
	defer c.server.buffers.Put(buf)
	for _, st := range c.seats {
		c.adjust(st, now)
	}
	if len(c.seats) > 0 && c.caughtUp == nil && now.Sub(c.said) >= c.server.cfg.Quiet {
		c.send(c.talk.keepalive((*buf)[:0]), now)
	}
}

// adjust lets a seat's difficulty follow its rate. Firmware heeds a difficulty
// from the next job on, so after a change it gets one. The caller holds the
// lock.
func (c *conn) adjust(st *seat, now time.Time) {
	if c.talk.tick(st, now) {
		st.again = true
		c.offer(st, now)
	}
}

// close ends the connection from outside of it.
func (c *conn) close(why cause) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(why)
}

// sit gives an admitted miner its seat and the first job. Only the reading
// goroutine calls it, and holds the lock.
func (c *conn) sit(p Place, channel uint32, now time.Time) *seat {
	st := &seat{conn: c, channel: channel, worker: p.Worker}
	st.tally.since = now
	c.seats = append(c.seats, st)
	st.feed = c.server.enter(st, p.Source)
	c.server.limits.seat(c.remote.Addr(), 1)
	st.feed.join(st)
	return st
}

// rise takes a seat away. The Desk is told by the caller, without the lock,
// which it holds now.
func (c *conn) rise(st *seat) {
	c.seats = slices.DeleteFunc(c.seats, func(s *seat) bool { return s == st })
	st.feed.part(st)
	st.feed = nil
	c.server.exit(st)
	c.server.limits.seat(c.remote.Addr(), -1)
}

// leave cleans up after a connection. The reading goroutine calls it last.
func (c *conn) leave() {
	c.mu.Lock()
	c.drop(byPeer)
	left := slices.Clone(c.seats)
	for _, st := range left {
		c.rise(st)
	}
	if c.talk != nil {
		c.talk.part()
	}
	why := c.cause
	c.mu.Unlock()

	c.server.wheel.remove(c)
	c.server.limits.leave(c.remote.Addr())
	c.server.counts.closed[why].Add(1)
	for _, st := range left {
		c.server.left(c.remote, st.worker)
	}
}

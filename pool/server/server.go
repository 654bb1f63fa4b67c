package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"syscall"
	"time"

	"hearth/pool/job"
)

// Server is the port. Its methods may be called from many goroutines at once.
type Server struct {
	cfg  Config
	desk Desk

	limits   *limits
	wheel    wheel
	prefixes prefixes
	identity identity
	counts   counts
	// handshakes has a place for each Noise handshake that is computed.
	handshakes chan struct{}
	buffers    sync.Pool // *[]byte
	hands      hands
	running    sync.WaitGroup

	mu      sync.Mutex
	shape   shape
	feeds   map[string]*feed
	workers map[Worker][]*seat
	serving bool
	closed  bool
}

// New returns a server that asks desk who may mine.
func New(cfg Config, desk Desk) (*Server, error) {
	cfg = cfg.withDefaults()
	sh, err := shape{cfg.Extranonce1, cfg.Extranonce2}.checked()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, desk: desk, shape: sh,
		limits:     newLimits(cfg.MaxConns, cfg.MaxPerAddress, cfg.Ban),
		prefixes:   prefixes{next: rand.Uint32(), used: make(map[uint32]struct{})},
		identity:   identity{key: cfg.Key, authority: cfg.Authority},
		handshakes: make(chan struct{}, cfg.Handshakes),
		feeds:      make(map[string]*feed),
		workers:    make(map[Worker][]*seat),
	}
	s.buffers.New = func() any { b := make([]byte, 0, 4<<10); return &b }
	return s, nil
}

// Serve accepts connections until ctx ends, closes them all, and returns when
// the last is gone and the Desk knows. An error means that the listener failed
// for good. A Server serves once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	s.mu.Lock()
	again := s.serving
	s.serving = true
	s.mu.Unlock()
	if again {
		return errors.New("serve miners: a server serves once; make another")
	}
	within, end := context.WithCancel(ctx)
	defer end()
	defer context.AfterFunc(within, func() { l.Close() })()
	s.running.Go(func() { s.turn(within) })
	err := s.accept(within, l)
	if ctx.Err() != nil {
		err = nil // it ended because it was to
	}
	end()
	l.Close()
	s.close()
	s.running.Wait()
	s.hands.dismiss()
	return err
}

func (s *Server) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	for _, c := range s.wheel.all() {
		c.close(byClosing)
	}
}

// The waits between attempts to accept, after one failed.
const (
	firstWait = 5 * time.Millisecond
	lastWait  = time.Second
	// maxFailures is after how many unknown errors in a row a listener is given
	// up: half a minute.
	maxFailures = 40
)

// accept takes connections until the listener is closed or fails for good.
// That there are no more file descriptors, or no memory for a socket, passes;
// it waits for that.
func (s *Server) accept(ctx context.Context, l net.Listener) error {
	wait, failures := firstWait, 0
	for {
		sock, err := l.Accept()
		if err == nil {
			wait, failures = firstWait, 0
			s.welcome(ctx, sock)
			continue
		}
		if !passing(err) {
			failures++
		}
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) || failures >= maxFailures {
			return fmt.Errorf("accept miners: %w", err)
		}
		s.counts.acceptErrors.Add(1)
		if wait == firstWait {
			s.cfg.Log.Warn("cannot accept a miner now: trying again", "error", err)
		}
		pause(ctx, wait)
		wait = min(2*wait, lastWait)
	}
}

// passing tells whether an error of accept goes away by itself.
func passing(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout() ||
		slices.ContainsFunc([]error{
			syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR,
		}, func(known error) bool { return errors.Is(err, known) })
}

// pause waits until d is over or ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// welcome begins with a connection, or closes it.
func (s *Server) welcome(ctx context.Context, sock net.Conn) {
	now := time.Now()
	remote := addrPort(sock.RemoteAddr())
	if r := s.limits.enter(remote.Addr(), now); r != welcome {
		s.counts.refused[r].Add(1)
		sock.Close()
		return
	}
	s.counts.accepted.Add(1)
	prepare(sock)
	s.mu.Lock()
	c := &conn{
		server: s, wire: newWire(sock, &s.hands), remote: remote, shape: s.shape, pace: newPace(s.cfg.MessagesPerSecond),
		alone: now, heard: now, said: now,
	}
	s.mu.Unlock()
	s.wheel.add(c)
	s.mu.Lock()
	outdated := c.shape != s.shape // it changed just now, and passed this one by
	s.mu.Unlock()
	if outdated {
		c.close(byShape)
	}
	s.running.Go(func() { c.serve(ctx) })
}

// addrPort is an address of a socket; a connection that has none, as between
// two goroutines, has the zero one.
func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		p := t.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	return netip.AddrPort{}
}

// turn goes round the connections until the server closes.
func (s *Server) turn(ctx context.Context) {
	// One part less than there are, so that it comes to a new connection a little
	// after a whole turn, when its time to log in is over.
	tick := time.NewTicker(max(s.cfg.Turn/(spokes-1), time.Millisecond))
	defer tick.Stop()
	var conns []*conn
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			conns = s.wheel.next(conns[:0])
			for _, c := range conns {
				c.look(now)
			}
			clear(conns)
		}
	}
}

// Publish makes j the newest job of its source, for all who mine there. It
// returns at once; jobs of one source must be published one after the other.
// An empty job and the full one that follows are two jobs. A job with another
// number of extranonce bytes than the server's is given to nobody: see Shape.
func (s *Server) Publish(j *job.Job) {
	f := s.feed(j.Source)
	s.counts.jobs.Add(1)
	if !f.publish(j) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || !s.serving {
		f.settle()
		return
	}
	s.running.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				s.panicked(netip.AddrPort{}, v)
				f.settle()
			}
		}()
		f.spread()
	})
}

// feed finds a source, or makes it.
func (s *Server) feed(name string) *feed {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.feeds[name]
	if f == nil {
		f = &feed{name: name}
		s.feeds[name] = f
	}
	return f
}

// Move lets a worker mine another source from now on, on all its connections.
// The earlier jobs are not stale by that: shares of them that are under way
// are judged as before. A worker that is not here is an error.
func (s *Server) Move(w Worker, source string) error {
	to := s.feed(source)
	s.mu.Lock()
	seats := slices.Clone(s.workers[w])
	s.mu.Unlock()
	if len(seats) == 0 {
		return fmt.Errorf("move %q to %q: no such miner is connected", w, source)
	}
	for _, st := range seats {
		st.conn.move(st, to, time.Now())
	}
	return nil
}

// Shape sets the bytes of extranonce that tell miners apart and that a miner
// counts through, 2 to 4 and 2 to 8. They do not change while a connection
// lasts: those of another shape are closed, and come again.
func (s *Server) Shape(e1, e2 int) error {
	sh, err := shape{e1, e2}.checked()
	if err != nil {
		return err
	}
	s.mu.Lock()
	same := s.shape == sh
	s.shape = sh
	s.mu.Unlock()
	if same {
		return nil
	}
	for _, c := range s.wheel.all() {
		if c.shape != sh {
			c.close(byShape)
		}
	}
	return nil
}

// enter notes where a worker sits and returns its source.
func (s *Server) enter(st *seat, source string) *feed {
	f := s.feed(source)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workers[st.worker] = append(s.workers[st.worker], st)
	return f
}

// exit forgets where a worker sat.
func (s *Server) exit(st *seat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rest := slices.DeleteFunc(s.workers[st.worker], func(o *seat) bool { return o == st })
	if len(rest) == 0 {
		delete(s.workers, st.worker)
		return
	}
	s.workers[st.worker] = rest
}

// banWorker turns a worker away for what it brought.
func (s *Server) banWorker(remote netip.AddrPort, w Worker) {
	s.counts.bans.Add(1)
	s.limits.banWorker(remote.Addr(), string(w), time.Now())
	s.cfg.Log.Warn("a miner's shares are worth nothing: turned away for a while", "worker", w, "remote", remote, "for", s.cfg.Ban.For)
}

// grieve notes what a stranger did, and logs when that was too much.
func (s *Server) grieve(remote netip.AddrPort) {
	s.counts.grievances.Add(1)
	if s.limits.grieve(remote.Addr(), time.Now()) {
		s.counts.bans.Add(1)
		s.cfg.Log.Warn("an address failed to log in too often: turned away for a while", "remote", remote.Addr(), "for", s.cfg.Ban.For)
	}
}

// left tells the Desk that a miner is gone, whatever the Desk makes of it.
func (s *Server) left(remote netip.AddrPort, w Worker) {
	defer func() {
		if v := recover(); v != nil {
			s.panicked(remote, v)
		}
	}()
	s.desk.Left(w)
}

func (s *Server) panicked(remote netip.AddrPort, v any) {
	s.counts.panics.Add(1)
	s.cfg.Log.Error("panic while serving a miner: its connection is closed",
		"remote", remote, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
}

// discard reads what still comes, up to a bound, so that the system does not
// throw away the last answer along with the connection.
func discard(c net.Conn) {
	if w, ok := c.(interface{ CloseWrite() error }); ok && w.CloseWrite() == nil {
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		_, _ = io.CopyN(io.Discard, c, receiveBuffer)
	}
}

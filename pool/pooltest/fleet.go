package pooltest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"hearth/pool/job"
	"hearth/pool/stratum2/message"
	"hearth/pool/stratum2/noise"
)

// FleetConfig says what miners a [Fleet] has.
type FleetConfig struct {
	Address string
	// V1, V2 and Standard are how many miners speak Stratum V1, V2 with an
	// extended channel, and V2 with a standard channel. They are numbered in this
	// order, from 0.
	V1, V2, Standard int
	// User names a miner. Nil: "fleet." and its number.
	User     func(miner int) string
	Password string
	// Authority, if there is one, must have certified the server's key.
	Authority *noise.AuthorityKey
	// Heard, if there is one, is called whenever a miner gets a job, with what the
	// job is called on the wire, from the miner's own goroutine. It must be quick.
	Heard func(miner int, id string, at time.Time)
	// Dialers is how many connect at a time. Zero: 64.
	Dialers int
}

// Fleet is a crowd of simulated miners over real sockets, one goroutine each:
// for load and for faults. They hash for real, so they need a difficulty of
// some 2^-32 to 2^-16: see [Easiest].
type Fleet struct {
	cfg    FleetConfig
	miners []*fleetMiner
	window atomic.Int64
	tally  struct{ in, jobs, sent, accepted, refused, barren, lost atomic.Uint64 }
	closed atomic.Bool
	alive  sync.WaitGroup
}

// Easiest is a difficulty that almost every hash meets.
const Easiest job.Difficulty = 1.0 / (1 << 32)

// FleetTally is what a [Fleet] has lived through.
type FleetTally struct {
	In                      uint64 // have logged in
	Jobs                    uint64 // were heard
	Sent, Accepted, Refused uint64 // shares
	Barren                  uint64 // searches given up: the difficulty is too high
	Lost                    uint64 // connections that the server ended
}

// fleetMiner is one miner. Its reading goroutine and Mine share it under mu.
type fleetMiner struct {
	fleet  *Fleet
	number int
	conn   net.Conn
	dialect

	mu     sync.Mutex
	target job.Target
	work   *fleetWork
	under  int // shares under way
	out    []byte
}

// dialect is how a miner speaks. It is called with the miner's lock held, but
// for login and hear, which its reading goroutine calls without.
type dialect interface {
	login(m *fleetMiner, user, password string) error
	// hear reads one message and heeds it.
	hear(m *fleetMiner) error
	// submit appends a share.
	submit(dst []byte, m *fleetMiner, w *fleetWork) ([]byte, error)
	// read makes the header of w.unread.
	read(w *fleetWork) error
}

// fleetWork is what a miner works on.
type fleetWork struct {
	id     string // V1
	number uint32 // V2
	header job.Header
	next   uint32 // nonce
	// unread is what header is to be made of, when it is first needed: a fleet
	// that only listens leaves the processor to the server.
	unread   []byte
	extended *message.NewExtendedMiningJob // V2, made of it
}

// StartFleet connects all miners and returns when they have logged in. When
// one could not, the others are closed and the error says why.
func StartFleet(ctx context.Context, cfg FleetConfig) (*Fleet, error) {
	if cfg.User == nil {
		cfg.User = func(i int) string { return fmt.Sprintf("fleet.%d", i) }
	}
	if cfg.Dialers == 0 {
		cfg.Dialers = 64
	}
	f := &Fleet{cfg: cfg, miners: make([]*fleetMiner, cfg.V1+cfg.V2+cfg.Standard)}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var dialers sync.WaitGroup
	for range cfg.Dialers {
		dialers.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(f.miners) {
					return
				}
				if err := f.begin(ctx, i); err != nil {
					cancel(fmt.Errorf("start miner %d of the fleet: %w", i, err))
				}
			}
		})
	}
	dialers.Wait()
	if err := context.Cause(ctx); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *Fleet) begin(ctx context.Context, i int) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", f.cfg.Address)
	if err != nil {
		return err
	}
	m := &fleetMiner{fleet: f, number: i, conn: conn}
	f.miners[i] = m
	switch {
	case i < f.cfg.V1:
		m.dialect = &fleetV1{lines: bufio.NewReaderSize(conn, 4<<10)}
	default:
		m.dialect = &fleetV2{standard: i >= f.cfg.V1+f.cfg.V2, frames: bufio.NewReaderSize(conn, 4<<10)}
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := m.login(m, f.cfg.User(i), f.cfg.Password); err != nil {
		conn.Close()
		return err
	}
	f.tally.in.Add(1)
	f.alive.Go(m.live)
	return nil
}

// live hears and answers until the connection ends.
func (m *fleetMiner) live() {
	for {
		if err := m.hear(m); err != nil {
			if !m.fleet.closed.Load() {
				m.fleet.tally.lost.Add(1)
			}
			m.conn.Close()
			return
		}
		m.dig()
	}
}

// Mine lets every miner keep so many shares under way from now on; 0: none.
func (f *Fleet) Mine(window int) {
	f.window.Store(int64(window))
	for _, m := range f.miners {
		m.dig()
	}
}

// dig finds and sends as many shares as may be under way.
func (m *fleetMiner) dig() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.work == nil || m.fleet.window.Load() == 0 {
		return
	}
	if m.work.unread != nil {
		if err := m.read(m.work); err != nil {
			m.conn.Close()
			return
		}
		m.work.unread = nil
	}
	out := m.out[:0]
	n := 0
	for int64(m.under+n) < m.fleet.window.Load() && m.find() {
		var err error
		if out, err = m.submit(out, m, m.work); err != nil {
			m.conn.Close()
			return
		}
		m.work.next++
		n++
	}
	m.out = out
	if n == 0 {
		return
	}
	m.under += n
	m.fleet.tally.sent.Add(uint64(n))
	if _, err := m.conn.Write(out); err != nil {
		m.conn.Close()
	}
}

// search is how many nonces a miner tries for one share.
const search = 1 << 20

func (m *fleetMiner) find() bool {
	for range search {
		h := m.work.header
		h.Nonce = m.work.next
		if h.Hash().Meets(m.target) {
			return true
		}
		m.work.next++
	}
	m.fleet.tally.barren.Add(1)
	return false
}

// begin takes up new work. The caller holds no lock.
func (m *fleetMiner) begin(w *fleetWork, id string, at time.Time) {
	m.mu.Lock()
	if old := m.work; old != nil && old.id == w.id && old.number == w.number {
		w.next = old.next // the same job once more: go on
	}
	m.work = w
	m.mu.Unlock()
	m.fleet.tally.jobs.Add(1)
	if m.fleet.cfg.Heard != nil {
		m.fleet.cfg.Heard(m.number, id, at)
	}
}

// answered counts the answer to so many shares.
func (m *fleetMiner) answered(n int, accepted bool) {
	m.mu.Lock()
	m.under -= n
	m.mu.Unlock()
	if accepted {
		m.fleet.tally.accepted.Add(uint64(n))
	} else {
		m.fleet.tally.refused.Add(uint64(n))
	}
}

func (m *fleetMiner) aim(t job.Target) {
	m.mu.Lock()
	m.target = t
	m.mu.Unlock()
}

// Tally is what the fleet has lived through so far.
func (f *Fleet) Tally() FleetTally {
	t := &f.tally
	return FleetTally{
		In: t.in.Load(), Jobs: t.jobs.Load(), Sent: t.sent.Load(), Accepted: t.accepted.Load(),
		Refused: t.refused.Load(), Barren: t.barren.Load(), Lost: t.lost.Load(),
	}
}

// Close ends all connections and waits for the miners' goroutines.
func (f *Fleet) Close() {
	f.closed.Store(true)
	for _, m := range f.miners {
		if m != nil {
			m.conn.Close()
		}
	}
	f.alive.Wait()
}

var errFleetRefused = errors.New("the server refused the miner")

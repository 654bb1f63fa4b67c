package miner

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"hearth/pool/job"
	"hearth/pool/upstream"
	"hearth/units"
)

// Guess is what a thread computes, before it is measured: a little less than a
// present processor does, so that pools do not ask too much of it.
const Guess units.HashRate = 5e6

// Compute keeps threads busy for no more than share() of the time each, until ctx
// ends.
type Compute func(ctx context.Context, threads int, share func() units.Fraction) error

// Config says what to mine at, and how.
type Config struct {
	// Pool is run by the miner, and by nobody else.
	Pool *upstream.Client
	// Random gives numbers that are uniform over all of uint64. It may be called
	// from several goroutines.
	Random func() uint64
	// Hear is told all that the pool says, after the miner has taken it up. Nil:
	// nobody is.
	Hear upstream.Handler
	// Thread is called by each thread before it computes, for instance to lower
	// its priority. The thread does nothing else and ends with the call of Mine.
	// Nil: nothing is.
	Thread func()
	// Otherwise computes while there is no job. Nil: nothing does.
	Otherwise Compute
	// Linger is how long the connection is kept once nobody wants to mine. Zero:
	// 5 minutes.
	Linger time.Duration
}

// Miner mines at a pool. It is safe for concurrent use.
type Miner struct {
	config Config
	plot   atomic.Pointer[plot] // nil: there is no job
	hashes atomic.Uint64

	mu     sync.Mutex
	change chan struct{} // closed when plot or wanted change
	wanted int           // calls of Mine
	tally  Tally         // but for Hashes
	sent   map[uint64]job.Difficulty
	cookie uint64
}

// Tally is what came of mining so far.
type Tally struct {
	Hashes uint64 // computed
	// Found is how many hashes the pool wants to see.
	Found int64
	// Of these: Accepted and Rejected by the pool; Unknown, because the connection
	// ended before the pool spoke; and Late, because it could not be sent any more.
	// The rest is under way.
	Accepted, Rejected, Unknown, Late int64
	// Credit is the sum of the difficulties of the accepted.
	Credit job.Difficulty
	// Best is the highest difficulty that was found.
	Best job.Difficulty
	// Blocks is how many of the found are blocks of the network that the pool
	// mines on.
	Blocks int64
}

// New prepares to mine. It starts nothing.
func New(c Config) (*Miner, error) {
	if c.Pool == nil || c.Random == nil {
		return nil, errors.New("prepare to mine: there is no pool, or no chance")
	}
	if _, err := newSearch(); err != nil {
		return nil, err
	}
	if c.Linger <= 0 {
		c.Linger = 5 * time.Minute
	}
	return &Miner{config: c, change: make(chan struct{}), sent: make(map[uint64]job.Difficulty)}, nil
}

// Tally is what came of mining so far.
func (m *Miner) Tally() Tally {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tally
	t.Hashes = m.hashes.Load()
	return t
}

// Working reports whether there is a job to mine.
func (m *Miner) Working() bool { return m.plot.Load() != nil }

// Run keeps the connection to the pool while somebody wants to mine, and for a
// while after, until ctx ends.
func (m *Miner) Run(ctx context.Context) error {
	for {
		if err := m.until(ctx, func() bool { return m.wanted > 0 }); err != nil {
			return err
		}
		if err := m.stay(ctx); ctx.Err() != nil || err != nil {
			return err
		}
	}
}

// stay runs the pool until nobody has wanted to mine for a while.
func (m *Miner) stay(ctx context.Context) error {
	inner, leave := context.WithCancel(ctx)
	defer leave()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		m.leaveWhenIdle(inner, leave)
	}()
	err := m.config.Pool.Run(inner, ear{m})
	m.set(func() {
		m.plot.Store(nil)
		m.tally.Unknown += int64(len(m.sent))
		clear(m.sent)
	})
	if inner.Err() != nil && ctx.Err() == nil {
		err = nil // nobody wanted to mine any more
	}
	leave()
	<-watched
	return err
}

// leaveWhenIdle calls leave when nobody has wanted to mine for a while.
func (m *Miner) leaveWhenIdle(ctx context.Context, leave func()) {
	for {
		if m.until(ctx, func() bool { return m.wanted == 0 }) != nil {
			return
		}
		idle, cancel := context.WithTimeout(ctx, m.config.Linger)
		err := m.until(idle, func() bool { return m.wanted > 0 })
		cancel()
		if err != nil {
			leave()
			return
		}
	}
}

// until waits for something to be so.
func (m *Miner) until(ctx context.Context, is func() bool) error {
	for {
		m.mu.Lock()
		done, change := is(), m.change
		m.mu.Unlock()
		if done {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-change:
		}
	}
}

// set changes what others wait for.
func (m *Miner) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
	close(m.change)
	m.change = make(chan struct{})
}

// Mine computes on the given number of threads, each busy for no more than
// share() of the time, until ctx ends. It wants Run to run beside it. Without a
// job it does what [Config] says to do otherwise, whose errors end it.
func (m *Miner) Mine(ctx context.Context, threads int, share func() units.Fraction) error {
	m.set(func() { m.wanted++ })
	defer m.set(func() { m.wanted-- })
	for ctx.Err() == nil {
		if m.Working() {
			var team sync.WaitGroup
			for range threads {
				team.Go(func() { m.thread(ctx, share) })
			}
			team.Wait()
			continue
		}
		if err := m.otherwise(ctx, threads, share); err != nil {
			return err
		}
	}
	return nil
}

// otherwise passes the time until there is a job.
func (m *Miner) otherwise(ctx context.Context, threads int, share func() units.Fraction) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		_ = m.until(ctx, m.Working)
		cancel()
	}()
	var err error
	if m.config.Otherwise != nil {
		err = m.config.Otherwise(ctx, threads, share)
		cancel()
	}
	<-waited
	return err
}

// period is one turn of busy and idle: short against every thermal inertia, long
// against the cost of waking up.
const period = 50 * time.Millisecond

// stride is how many nonces are looked at between two looks at the clock: a
// fraction of a millisecond, or some milliseconds on a slow computer.
const stride = 2048

// thread mines until ctx or the job ends.
func (m *Miner) thread(ctx context.Context, share func() units.Fraction) {
	// The thread is never unlocked: it ends with this goroutine, and what Thread
	// did to it with it.
	runtime.LockOSThread()
	if m.config.Thread != nil {
		m.config.Thread()
	}
	s, err := newSearch()
	if err != nil {
		return // New has tried
	}
	w := walk{miner: m, search: s}
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for ctx.Err() == nil {
		began := time.Now()
		busy := time.Duration(min(max(float64(share()), 0), 1) * float64(period))
		for time.Since(began) < busy {
			if ctx.Err() != nil || !w.step() {
				return
			}
		}
		if rest := period - time.Since(began); rest > 0 {
			timer.Reset(rest)
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
		}
	}
}

// walk is one thread's way through the patches of the present job.
type walk struct {
	miner   *Miner
	search  *search
	plot    *plot
	patch   patch
	nonce   uint32
	left    uint64 // nonces of the patch
	scratch job.Scratch
}

// step looks at the next few nonces. It reports false if there is no job.
func (w *walk) step() bool {
	m := w.miner
	p := m.plot.Load()
	if p == nil {
		return false
	}
	if p != w.plot || w.left == 0 {
		w.plot = p
		if !p.patch(&w.patch) {
			// All of it was searched: there is no job until the next.
			m.set(func() { m.plot.CompareAndSwap(p, nil) })
			return true
		}
		w.nonce, w.left = p.nonce, 1<<32
		w.search.set(p.job.HeaderInto(&w.scratch, w.patch.extranonce, w.patch.version, w.patch.time, 0))
	}
	looked, found := w.search.find(w.nonce, int(min(stride, w.left)), &p.job.Goal)
	m.hashes.Add(uint64(looked))
	w.nonce += uint32(looked)
	w.left -= uint64(looked)
	if found {
		m.send(p.job, upstream.Share{
			Job: p.job.ID, Extranonce: append([]byte(nil), w.patch.extranonce...),
			Version: w.patch.version, Time: w.patch.time, Nonce: w.nonce - 1,
		})
	}
	return true
}

// send hands a share to the pool.
func (m *Miner) send(j *job.Job, s upstream.Share) {
	hash := j.Header(s.Extranonce, s.Version, s.Time, s.Nonce).Hash()
	m.mu.Lock()
	m.cookie++
	cookie := m.cookie
	m.sent[cookie] = j.Goal.Difficulty()
	m.tally.Found++
	m.tally.Best = max(m.tally.Best, hash.Difficulty())
	if hash.Meets(j.Network) {
		m.tally.Blocks++
	}
	m.mu.Unlock()
	// The answer may come before Submit returns.
	if m.config.Pool.Submit(s, cookie) != nil {
		m.mu.Lock()
		if _, waits := m.sent[cookie]; waits { // else it was counted when the connection ended
			delete(m.sent, cookie)
			m.tally.Late++
		}
		m.mu.Unlock()
	}
}

// ear is how a miner hears of its pool. It implements [upstream.Handler].
type ear struct{ *Miner }

func (e ear) Up(l upstream.Login) {
	if h := e.config.Hear; h != nil {
		h.Up(l)
	}
}

func (e ear) Down(name string, why error) {
	e.set(func() { e.plot.Store(nil) })
	if h := e.config.Hear; h != nil {
		h.Down(name, why)
	}
}

func (e ear) Job(j *job.Job) {
	p := newPlot(j, e.config.Random)
	e.set(func() { e.plot.Store(p) })
	if h := e.config.Hear; h != nil {
		h.Job(j)
	}
}

func (e ear) Answer(a upstream.Answer) {
	e.mu.Lock()
	credit, ours := e.sent[a.Cookie]
	delete(e.sent, a.Cookie)
	if ours {
		switch a.Outcome {
		case upstream.Accepted:
			e.tally.Accepted++
			e.tally.Credit += credit
		case upstream.Rejected:
			e.tally.Rejected++
		default:
			e.tally.Unknown++
		}
	}
	e.mu.Unlock()
	if h := e.config.Hear; h != nil {
		h.Answer(a)
	}
}

func (e ear) Notice(n upstream.Notice) {
	if h := e.config.Hear; h != nil {
		h.Notice(n)
	}
}

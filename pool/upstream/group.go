package upstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"hearth/pool/job"
)

// GroupConfig says which pools, in which order.
type GroupConfig struct {
	// Source names the jobs of all of them; the Source of a member is not used.
	Source string
	// Members are the pools, the one to mine at first.
	Members []Config
	// Patience is how long a pool may fail before the next is connected to. Zero:
	// 5 s.
	Patience time.Duration
	// Hold is how long a better pool must be steady before the house goes back to
	// it. Zero: 3 minutes.
	Hold time.Duration
}

// Group is several pools, of which one is mined at: see the package. Submit,
// Owner, Shape, Authorize and Active may be called by any goroutine at any time; Run
// by one.
type Group struct {
	tick time.Duration

	call    sync.Mutex // held while the handler is called
	handler Handler

	mu     sync.Mutex
	choice *choice
	seats  []seat
	down   bool // the handler knows that none can be mined at
	owners []owner
}

// seat is a member of a group.
type seat struct {
	client *Client
	turn   sync.Mutex // held while the client runs
	run    int        // how often it was started
	stop   context.CancelFunc
	login  Login
	latest *job.Job
}

// owner says whose job an id is.
type owner struct {
	id     uint32
	client *Client
}

// maxOwners is how many jobs a group remembers, of all its members.
const maxOwners = 256

// NewGroup returns a group that is not yet connected.
func NewGroup(c GroupConfig) (*Group, error) {
	if len(c.Members) == 0 {
		return nil, errors.New("set up a group of upstreams: it has none")
	}
	if c.Patience <= 0 {
		c.Patience = 5 * time.Second
	}
	if c.Hold <= 0 {
		c.Hold = 3 * time.Minute
	}
	g := &Group{
		tick:   max(min(c.Patience, c.Hold, 4*time.Second)/4, time.Millisecond),
		choice: newChoice(len(c.Members), c.Patience, c.Hold),
		seats:  make([]seat, len(c.Members)),
	}
	for i, m := range c.Members {
		m.Source = c.Source
		if m.Source == "" {
			m.Source = c.Members[0].Name
		}
		client, err := New(m)
		if err != nil {
			return nil, err
		}
		g.seats[i].client = client
	}
	return g, nil
}

// Active is the name of the pool that is mined at; false if there is none.
func (g *Group) Active() (string, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.choice.active < 0 {
		return "", false
	}
	return g.seats[g.choice.active].client.Name(), true
}

// Owner is the name of the pool whose job has an id; false if it is none of the
// latest jobs. Shares of it go there, whichever pool is mined at by now.
func (g *Group) Owner(id uint32) (string, bool) {
	c := g.owner(id)
	if c == nil {
		return "", false
	}
	return c.Name(), true
}

func (g *Group) owner(id uint32) *Client {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, o := range slices.Backward(g.owners) {
		if o.id == id {
			return o.client
		}
	}
	return nil
}

// Submit sends a share to the pool whose job it is: see [Client.Submit].
func (g *Group) Submit(s Share, cookie uint64) error {
	to := g.owner(s.Job)
	if to == nil {
		return fmt.Errorf("submit a share of job %08x: %w", s.Job, ErrGone)
	}
	return to.Submit(s, cookie)
}

// Shape changes how many bytes of extranonce the jobs leave to the house.
func (g *Group) Shape(n int) {
	for i := range g.seats {
		g.seats[i].client.Shape(n)
	}
}

// Authorize lets another worker in at the pool of that name: see
// [Client.Authorize].
func (g *Group) Authorize(upstream string, w Credential) error {
	for i := range g.seats {
		if c := g.seats[i].client; c.Name() == upstream {
			return c.Authorize(w)
		}
	}
	return fmt.Errorf("authorise %s: there is no upstream %s in this group", w.User, upstream)
}

// Run keeps the house at the best of the pools until ctx ends, and returns its
// error. Every share that waits gets its Answer before that.
func (g *Group) Run(ctx context.Context, h Handler) error {
	g.handler = h
	var members sync.WaitGroup
	defer members.Wait()
	tick := time.NewTicker(g.tick)
	defer tick.Stop()
	for {
		g.call.Lock()
		g.happen(func(time.Time) {})
		g.call.Unlock()
		g.follow(ctx, &members)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// follow starts and stops members as the choice has it.
func (g *Group) follow(ctx context.Context, members *sync.WaitGroup) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, m := range g.choice.members {
		s := &g.seats[i]
		switch {
		case m.running && s.stop == nil:
			var begun context.Context
			begun, s.stop = context.WithCancel(ctx)
			s.run++
			heard := &ear{g: g, i: i, run: s.run}
			members.Go(func() {
				s.turn.Lock()
				defer s.turn.Unlock()
				_ = s.client.Run(begun, heard) // it ends because it was stopped
			})
		case !m.running && s.stop != nil:
			s.stop()
			s.stop, s.latest = nil, nil
		}
	}
}

// happen lets something happen, decides anew, and tells the handler if the
// miners go to another pool with it. It returns which pool was and which is mined
// at. The caller holds call.
func (g *Group) happen(f func(now time.Time)) (was, is int) {
	now := time.Now()
	g.mu.Lock()
	was = g.choice.active
	f(now)
	g.choice.decide(now)
	is = g.choice.active
	if is < 0 || is == was {
		g.mu.Unlock()
		return was, is
	}
	// Whatever was mined until now is of another connection.
	login, first := g.seats[is].login, *g.seats[is].latest
	first.Clean = true
	g.down = false
	g.mu.Unlock()
	g.handler.Up(login)
	g.handler.Job(&first)
	return was, is
}

// ear hears one run of one member.
type ear struct {
	g      *Group
	i, run int
}

// with calls f with the member, unless this run of it has been stopped. The
// caller holds call.
func (e *ear) with(f func(s *seat, now time.Time)) (was, is int, ok bool) {
	was, is = e.g.happen(func(now time.Time) {
		s := &e.g.seats[e.i]
		if ok = s.stop != nil && s.run == e.run && e.g.choice.members[e.i].running; ok {
			f(s, now)
		}
	})
	return was, is, ok
}

// Up implements [Handler]. The pool is not mined at before it has given a job.
func (e *ear) Up(l Login) {
	e.g.call.Lock()
	defer e.g.call.Unlock()
	e.with(func(s *seat, _ time.Time) { s.login = l })
}

// Job implements [Handler].
func (e *ear) Job(j *job.Job) {
	e.g.call.Lock()
	defer e.g.call.Unlock()
	was, is, ok := e.with(func(s *seat, now time.Time) {
		s.latest = j
		if len(e.g.owners) == maxOwners {
			e.g.owners = slices.Delete(e.g.owners, 0, 1)
		}
		e.g.owners = append(e.g.owners, owner{j.ID, s.client})
		e.g.choice.carries(e.i, true, now)
	})
	if ok && is == e.i && was == is {
		e.g.handler.Job(j)
	}
}

// Down implements [Handler].
func (e *ear) Down(upstream string, why error) {
	e.g.call.Lock()
	defer e.g.call.Unlock()
	_, is, ok := e.with(func(s *seat, now time.Time) {
		s.latest = nil
		e.g.choice.carries(e.i, false, now)
	})
	if !ok {
		return
	}
	e.g.handler.Notice(Notice{Kind: Trouble, Upstream: upstream, Text: why.Error()})
	if is < 0 && !e.g.down {
		e.g.down = true
		e.g.handler.Down(upstream, why)
	}
}

// Answer implements [Handler]. It is passed on whatever has become of the member
// since.
func (e *ear) Answer(a Answer) {
	e.g.call.Lock()
	defer e.g.call.Unlock()
	e.g.handler.Answer(a)
}

// Notice implements [Handler].
func (e *ear) Notice(n Notice) {
	e.g.call.Lock()
	defer e.g.call.Unlock()
	e.g.handler.Notice(n)
}

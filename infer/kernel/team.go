package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Team is a number of goroutines that share out parts of one piece of work at
// a time. It costs little for pieces of some microseconds: a worker looks for
// more work for a moment before it sleeps. A nil Team does everything on the
// calling goroutine. Several goroutines may use a team; their pieces run one
// after the other.
type Team struct {
	mu      sync.Mutex // held while a piece of work is done
	f       func(part int)
	parts   int
	todo    atomic.Int64 // parts not yet taken
	left    atomic.Int64 // parts not yet done
	waiting atomic.Bool  // the owner of the work sleeps until left is 0
	done    chan struct{}
	workers []*worker
	closed  atomic.Bool
	ended   sync.WaitGroup

	// A product that runs: kept here, with the one function that runs a part
	// of it, so that a product allocates nothing.
	job    job
	runJob func(part int)
}

// worker is one of the goroutines, beside the one that calls.
type worker struct {
	asleep atomic.Bool
	wake   chan struct{}
}

// spins is how often somebody looks for a change before it sleeps: some ten
// microseconds, about what it costs to be woken.
const spins = 100

// NewTeam starts a team of n: the goroutine that calls [Team.Do] and n-1 of
// its own, which live until [Team.Close].
func NewTeam(n int) *Team {
	t := &Team{done: make(chan struct{}, 1)}
	t.runJob = func(part int) { t.job.run(part, t.parts) }
	for range n - 1 {
		w := &worker{wake: make(chan struct{}, 1)}
		t.workers = append(t.workers, w)
		t.ended.Go(func() { t.work(w) })
	}
	return t
}

// Size is how many goroutines the team is, the caller's included.
func (t *Team) Size() int {
	if t == nil {
		return 1
	}
	return len(t.workers) + 1
}

// Do calls f once for every part from 0 to parts-1 and returns when all calls
// have. Calls run at the same time, in no order. f must not use the team.
func (t *Team) Do(parts int, f func(part int)) {
	if t.Size() == 1 || parts == 1 {
		for part := range parts {
			f(part)
		}
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.do(parts, f)
}

// Close ends the team's goroutines and returns when they have ended. A team
// is not used after it; closing twice or a nil team does nothing.
func (t *Team) Close() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed.Swap(true) {
		return
	}
	for _, w := range t.workers {
		w.rouse()
	}
	t.ended.Wait()
	t.workers = nil
}

// divide returns into how many parts to cut work of so many equal units, each
// of so many multiplications: enough that a slow worker does not hold up the
// others, none so small that handing it over costs more than doing it.
func (t *Team) divide(units int, each int64) int {
	const least = 1 << 18 // multiplications: about a microsecond
	if t.Size() == 1 {
		return 1
	}
	return int(max(1, min(int64(4*t.Size()), int64(units), int64(units)*each/least)))
}

// multiply runs a product in parts.
func (t *Team) multiply(parts int, j job) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.job = j
	t.do(parts, t.runJob)
	t.job = job{}
}

func (t *Team) do(parts int, f func(part int)) {
	t.f, t.parts = f, parts
	t.left.Store(int64(parts))
	t.todo.Store(int64(parts)) // from here on workers take parts
	for _, w := range t.workers {
		w.rouse()
	}
	t.take()
	t.wait()
	t.f = nil
}

// take does parts of the work until none is left to take. Whoever has taken a
// part may read f and parts: they change only after the part is done.
func (t *Team) take() {
	for {
		todo := t.todo.Load()
		if todo <= 0 {
			return
		}
		if !t.todo.CompareAndSwap(todo, todo-1) {
			continue
		}
		t.f(t.parts - int(todo))
		if t.left.Add(-1) == 0 && t.waiting.CompareAndSwap(true, false) {
			t.done <- struct{}{}
		}
	}
}

// wait returns when every part is done.
func (t *Team) wait() {
	for range spins {
		if t.left.Load() == 0 {
			return
		}
		runtime.Gosched()
	}
	for t.left.Load() != 0 {
		t.waiting.Store(true)
		// A part may have ended in between, seen nobody waiting and sent nothing.
		if t.left.Load() == 0 && t.waiting.CompareAndSwap(true, false) {
			return
		}
		<-t.done // possibly the echo of an earlier piece of work: look again
	}
}

// work is the life of a worker.
func (t *Team) work(w *worker) {
	for !t.closed.Load() {
		t.take()
		if t.soon() {
			continue
		}
		w.asleep.Store(true)
		if (t.todo.Load() > 0 || t.closed.Load()) && w.asleep.CompareAndSwap(true, false) {
			continue
		}
		<-w.wake
	}
}

// soon looks out for work for a moment and tells whether there is some.
func (t *Team) soon() bool {
	for range spins {
		if t.todo.Load() > 0 || t.closed.Load() {
			return true
		}
		runtime.Gosched()
	}
	return false
}

// rouse wakes the worker if it sleeps.
func (w *worker) rouse() {
	if w.asleep.CompareAndSwap(true, false) {
		w.wake <- struct{}{}
	}
}

// job is a product that a team computes.
type job struct {
	matrix   *Matrix
	ticketed *Ticketed
	c        []int32
	a        []uint8
	m, units int // rows, and groups of panels or tiles to divide
	states   []uint32
	initial  []uint32
	e        []int8
}

// run computes one of so many parts.
func (j *job) run(part, parts int) {
	from, to := part*j.units/parts, (part+1)*j.units/parts
	if j.ticketed != nil {
		j.ticketed.tiles(j.c, j.states, j.initial, j.a, j.e, j.m, from, to)
		return
	}
	j.matrix.columns(j.c, j.a, j.m, from*group, min(to*group, len(j.matrix.offset)/width))
}

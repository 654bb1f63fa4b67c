package kernel

import (
	"fmt"
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
	panics  atomic.Pointer[string] // what the first part that did says
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

// spins is how often somebody looks for a change before it sleeps: about 60
// microseconds, what one product of a small model and the step after it take.
const spins = 400

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
// have. Calls run at the same time, in no order. f must not use the team. If a
// call panics, Do panics on the calling goroutine when all have ended, and the
// team is as good as before.
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

// divide cuts a product of m rows with so many units of columns, each of so
// many multiplications a row, into parts: enough that a slow worker does not
// hold up the others, none so small that handing it over costs more than doing
// it. Where there are few units, rows are divided too, into blocks.
func (t *Team) divide(units, m int, each int64) (parts, blocks int) {
	const (
		least = 1 << 18 // multiplications of a part: about a microsecond
		short = 16      // rows of a block
	)
	work := int64(m) * int64(units) * each
	if t.Size() == 1 || work < 2*least {
		return 1, 1
	}
	want := 8 * t.Size()
	blocks = max(1, min((want+units-1)/units, m/short))
	return int(min(int64(2*want), int64(units)*int64(blocks), work/least)), blocks
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
	if text := t.panics.Swap(nil); text != nil {
		panic(*text)
	}
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
		t.part(t.parts - int(todo))
	}
}

// part does one part. It is done also where it panics: somebody who recovers
// must not find a worker in the middle of what he gave up.
func (t *Team) part(part int) {
	defer func() {
		if v := recover(); v != nil {
			text := fmt.Sprintf("part %d of %d: %v\n\n%s", part, t.parts, v, stack())
			t.panics.CompareAndSwap(nil, &text)
		}
		if t.left.Add(-1) == 0 && t.waiting.CompareAndSwap(true, false) {
			t.done <- struct{}{}
		}
	}()
	t.f(part)
}

// stack is where the calling goroutine stands.
func stack() []byte {
	b := make([]byte, 8<<10)
	return b[:runtime.Stack(b, false)]
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
	ticketed *Ticketed // nil without tickets
	c        []int32
	a        []uint8
	m        int
	states   []uint32
	initial  []uint32
	e        []int8

	units  int // groups of panels, or tiles
	blocks int // of rows
}

// run computes one of so many parts.
func (j *job) run(part, parts int) {
	count := j.units * j.blocks
	from, to := part*count/parts, (part+1)*count/parts
	if j.blocks == 1 {
		j.columns(from, to, 0, j.m)
		return
	}
	// A block is whole rounds of the kernels, of eight rows or of three.
	rows := (j.m + j.blocks - 1) / j.blocks
	if j.ticketed != nil {
		rows = (rows + 2) / 3 * 3
	} else {
		rows = (rows + 7) / 8 * 8
	}
	for ; from < to; from++ {
		unit, block := from/j.blocks, from%j.blocks
		j.columns(unit, unit+1, min(j.m, block*rows), min(j.m, (block+1)*rows))
	}
}

// columns computes some rows of some units.
func (j *job) columns(from, to, first, end int) {
	if first == end {
		return
	}
	if t := j.ticketed; t != nil {
		t.tiles(j.c[first*t.n:], j.states[first*t.n/tile*words:], j.initial[first*words:], j.a[first*Stride(t.k):],
			j.e[first*t.rank:], end-first, from, to)
		return
	}
	x := j.matrix
	x.columns(j.c[first*x.n:], j.a[first*Stride(x.k):], end-first, from*group, min(to*group, len(x.offset)/width))
}

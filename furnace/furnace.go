package furnace

import (
	"context"
	"slices"
	"sync"
	"time"

	"hearth/device"
	"hearth/units"
)

// Workload is what takes the slot while there is no useful work, and what a
// [Furnace] itself is to the driver of this computer.
type Workload interface {
	Name() string
	Work() device.Work
	Done() []device.Output
	Run(ctx context.Context, threads int, share func() units.Fraction) error
}

// Furnace hands out turns at computing while heat is wanted. It is safe for
// concurrent use.
type Furnace struct {
	now func() time.Time

	mu     sync.Mutex
	falls  []*Workload // the last is the fallback
	slot   *opening    // nil while no heat is wanted
	tasks  int         // that have work
	change chan struct{}
	counts []count
}

// opening is a time in which the slot is open.
type opening struct {
	threads int
	share   func() units.Fraction
}

type count struct {
	unit string
	n    int64
}

// New returns a furnace without work. The fallback takes the slot while there
// is none. Time is asked for to time turns and to date counts.
func New(fallback Workload, now func() time.Time) *Furnace {
	return &Furnace{falls: []*Workload{&fallback}, now: now, change: make(chan struct{})}
}

// Fall puts a workload in place of the fallback until restore is called. Where
// several stand, the last counts.
func (f *Furnace) Fall(w Workload) (restore func()) {
	f.set(func() { f.falls = append(f.falls, &w) })
	return func() {
		f.set(func() { f.falls = slices.DeleteFunc(f.falls, func(x *Workload) bool { return x == &w }) })
	}
}

// state reports whether somebody has work, and what takes the slot else.
func (f *Furnace) state() (busy bool, fallback Workload, changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tasks > 0, *f.falls[len(f.falls)-1], f.change
}

// Name is for people.
func (f *Furnace) Name() string {
	busy, fallback, _ := f.state()
	if busy {
		return "inference"
	}
	return fallback.Name()
}

// Work is what the electricity does besides heat: useful work that waits is
// [device.Waiting] while it has no slot.
func (f *Furnace) Work() device.Work {
	busy, fallback, _ := f.state()
	switch {
	case !busy:
		return fallback.Work()
	case !f.Wanted():
		return device.Waiting
	}
	return device.Computing
}

// Wanted reports whether heat is wanted now, whether or not there is work: who
// would have to look for some asks it first.
func (f *Furnace) Wanted() bool {
	f.mu.Lock()
	slot := f.slot
	f.mu.Unlock()
	return slot != nil && slot.share() > 0
}

// Done counts all useful work, whoever waited for it, and what the fallback
// counts.
func (f *Furnace) Done() []device.Output {
	at := f.now()
	_, fallback, _ := f.state()
	own := fallback.Done()
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []device.Output
	for _, c := range f.counts {
		out = append(out, device.Output{Unit: c.unit, Count: units.Know(c.n, at, units.Meter)})
	}
	return append(out, own...)
}

// Count adds useful work, such as 12 of "token".
func (f *Furnace) Count(unit string, n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.counts, func(c count) bool { return c.unit == unit })
	if i < 0 {
		i = len(f.counts)
		f.counts = append(f.counts, count{unit: unit})
	}
	f.counts[i].n += n
}

// Run opens the slot until ctx ends: tasks get their turns, or else the
// fallback runs. A portion that is under way when ctx ends goes on to its end.
func (f *Furnace) Run(ctx context.Context, threads int, share func() units.Fraction) error {
	f.set(func() { f.slot = &opening{threads, share} })
	defer f.set(func() { f.slot = nil })
	for ctx.Err() == nil {
		busy, fallback, changed := f.state()
		if busy {
			select {
			case <-ctx.Done():
			case <-changed:
			}
			continue
		}
		if err := fall(ctx, fallback, changed, threads, share); err != nil {
			return err
		}
	}
	return nil
}

// fall lets the fallback run until something changes.
func fall(ctx context.Context, fallback Workload, changed <-chan struct{}, threads int, share func() units.Fraction) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-changed:
			cancel()
		case <-stop:
		}
	}()
	return fallback.Run(ctx, threads, share)
}

// set changes the state and wakes whoever waits for it to change.
func (f *Furnace) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	close(f.change)
	f.change = make(chan struct{})
}

// Enter announces work. Whoever enters must leave; leaving twice is once.
func (f *Furnace) Enter() (leave func()) {
	f.set(func() { f.tasks++ })
	return sync.OnceFunc(func() { f.set(func() { f.tasks-- }) })
}

// Turns are the turns of one worker. They serve one goroutine.
type Turns struct {
	furnace *Furnace
	began   time.Time // of the portion under way
}

// Turns returns the turns of a worker. They are given only while somebody has
// entered, or the fallback would have the slot at the same time.
func (f *Furnace) Turns() *Turns { return &Turns{furnace: f} }

// longestPortion is longer than any portion: who comes back after more was
// away in between.
const longestPortion = 10 * time.Second

// Next ends the portion before, if there was one, and waits for the next: for
// heat to be wanted, and for as long as the portion before must be rested for.
// It returns the number of threads to compute on, or the error of ctx.
func (t *Turns) Next(ctx context.Context) (threads int, err error) {
	f := t.furnace
	f.mu.Lock()
	slot := f.slot
	f.mu.Unlock()
	if portion := f.now().Sub(t.began); slot != nil && portion < longestPortion {
		if err := rest(ctx, portion, float64(slot.share())); err != nil {
			return 0, err
		}
	}
	for {
		f.mu.Lock()
		slot, changed := f.slot, f.change
		f.mu.Unlock()
		if slot != nil && slot.share() > 0 {
			t.began = f.now()
			return slot.threads, ctx.Err()
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-changed:
		}
	}
}

// longestRest is the longest rest between two portions, so that a slot that is hardly open still
// notices when it opens wide.
const longestRest = 5 * time.Second

// rest waits so long that the portion took the share of the time.
func rest(ctx context.Context, portion time.Duration, share float64) error {
	if share >= 1 || portion <= 0 {
		return ctx.Err()
	}
	wait := longestRest
	if share > 0 {
		wait = min(time.Duration(float64(portion)*(1-share)/share), longestRest)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

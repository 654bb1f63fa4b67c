package computer

import (
	"context"
	"runtime"
	"sync"
	"time"

	"hearth/device"
	"hearth/units"
)

// Workload is what a computer can be kept busy with.
type Workload interface {
	// Name is for people.
	Name() string
	// Work is what the electricity does besides heat, now or when it next runs.
	// It may change at any time.
	Work() device.Work
	// Done counts the useful work since the workload was made. It is safe for
	// concurrent use.
	Done() []device.Output
	// Run computes on the given number of threads, each busy for no more than
	// share() of the time, until ctx ends; it then returns within 100 ms, with
	// nil. share is safe for concurrent use and may be asked often; it changes
	// at any time. An error says that the workload cannot go on.
	Run(ctx context.Context, threads int, share func() units.Fraction) error
}

// Burner keeps threads busy with arithmetic that nobody wants: dumb heat. It
// runs at the lowest priority the system has, so that every other program
// goes first, and allocates nothing while it burns.
type Burner struct{}

// Name implements [Workload].
func (Burner) Name() string { return "dumb heat" }

// Work implements [Workload].
func (Burner) Work() device.Work { return device.Burning }

// Done implements [Workload]: there is nothing to count.
func (Burner) Done() []device.Output { return nil }

// period is one turn of busy and idle. It is short against every thermal
// inertia, so that the meter sees a steady draw, and long against the cost of
// waking up.
const period = 50 * time.Millisecond

// Run implements [Workload].
func (Burner) Run(ctx context.Context, threads int, share func() units.Fraction) error {
	var wg sync.WaitGroup
	for i := range threads {
		wg.Go(func() { burnThread(ctx, uint64(i)+1, share) })
	}
	wg.Wait()
	return nil
}

func burnThread(ctx context.Context, seed uint64, share func() units.Fraction) {
	// The thread is never unlocked: it ends with this goroutine, and its
	// priority with it.
	runtime.LockOSThread()
	Background()

	state := newEmbers(seed)
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for ctx.Err() == nil {
		start := time.Now()
		busy := time.Duration(min(max(float64(share()), 0), 1) * float64(period))
		for time.Since(start) < busy {
			if ctx.Err() != nil {
				return
			}
			state.burn()
		}
		if rest := period - time.Since(start); rest > 0 {
			timer.Reset(rest)
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
		}
	}
}

// embers is the state of the arithmetic: independent chains, so that the
// processor's units are all in use.
type embers struct {
	f [8]float64
	u [4]uint64
}

func newEmbers(seed uint64) *embers {
	e := &embers{}
	for i := range e.f {
		e.f[i] = 1 + float64(i)/16
	}
	for i := range e.u {
		e.u[i] = seed*0x9e3779b97f4a7c15 + uint64(i)
	}
	return e
}

// burn computes for some tens of microseconds.
func (e *embers) burn() {
	f, u := e.f, e.u
	for range 4096 {
		for i := range f {
			f[i] = f[i]*0.999999 + 1e-6 // converges to 1: never subnormal, never infinite
		}
		for i := range u {
			u[i] ^= u[i] << 13
			u[i] ^= u[i] >> 7
			u[i] ^= u[i] << 17
		}
	}
	e.f, e.u = f, u
}

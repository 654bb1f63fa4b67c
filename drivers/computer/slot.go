package computer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"hearth/units"
)

// deadMan is how long the slot computes for one demand.
const deadMan = 2 * time.Minute

// watchEvery is how often the slot looks whether it must stop. The workload
// has what is left of its 100 ms.
const watchEvery = 25 * time.Millisecond

// slot is the place in the computer that a workload may fill. It asks before
// every turn whether it may, so that the end of a consent, of mains power or
// of the demand ends the work wherever it came from.
type slot struct {
	work    Workload
	threads int
	barred  func() string // why it may not compute now, or ""
	log     *slog.Logger
	tasks   sync.WaitGroup

	mu      sync.Mutex
	on      bool           // a demand stands
	share   units.Fraction // of the time of all threads
	renewed time.Time
	halt    string // why the last demand ended by itself
	running bool   // the workload is there
	epoch   int    // counts the changes of what the slot does
	closed  bool
}

// demand asks for a share of the slot's time; repeating it renews the
// dead-man timer.
func (s *slot) demand(share units.Fraction) {
	share = min(max(share, 0), 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if !s.on {
		s.epoch++
	}
	s.on, s.renewed, s.halt = true, time.Now(), ""
	s.fill(share)
}

// adjust changes the share of a demand that stands, without renewing it: what
// others compute on this computer changes what is left to be made of it.
func (s *slot) adjust(share units.Fraction) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.on && !s.closed {
		s.fill(min(max(share, 0), 1))
	}
}

// fill sets the share, and starts the workload where it now has one.
func (s *slot) fill(share units.Fraction) {
	if d := share - s.share; d > 0.005 || d < -0.005 {
		s.epoch++
	}
	s.share = share
	if share > 0 && !s.running {
		s.running = true
		s.tasks.Go(s.run)
	}
}

// rest ends the demand.
func (s *slot) rest() { s.end("") }

func (s *slot) end(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.on {
		s.epoch++
		s.on, s.halt = false, why
	}
}

// close ends the work and waits for it.
func (s *slot) close() {
	s.mu.Lock()
	s.closed, s.on = true, false
	s.mu.Unlock()
	s.tasks.Wait()
}

// condition is what the slot does.
type condition struct {
	on    bool    // a demand stands
	work  float64 // threads kept busy
	epoch int
	halt  string
}

func (s *slot) condition() condition {
	s.allowance()
	s.mu.Lock()
	defer s.mu.Unlock()
	c := condition{on: s.on, epoch: s.epoch, halt: s.halt}
	if s.on {
		c.work = float64(s.share) * float64(s.threads)
	}
	return c
}

// allowance is the share that the workload may use at this moment. It ends
// the demand when there is no more right to compute.
func (s *slot) allowance() units.Fraction {
	s.mu.Lock()
	on, share, renewed := s.on, s.share, s.renewed
	s.mu.Unlock()
	if !on {
		return 0
	}
	if s.barred() != "" {
		s.end("") // no fault: it is as a person or the plug wants it
		return 0
	}
	if time.Since(renewed) >= deadMan {
		s.end(fmt.Sprintf("the demand was not repeated for %v", deadMan))
		return 0
	}
	return share
}

// run fills the slot for as long as there is a demand.
func (s *slot) run() {
	for {
		ctx, cancel := context.WithCancel(context.Background())
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			s.watch(ctx, cancel)
		}()
		err := s.once(ctx)
		if ctx.Err() == nil {
			// It ended by itself, although it was wanted.
			if err == nil {
				err = errors.New("it ended")
			}
			s.log.Warn("the workload stopped", "workload", s.work.Name(), "err", err)
			s.end(fmt.Sprintf("the workload %q stopped: %v", s.work.Name(), err))
		}
		cancel()
		<-watched
		s.mu.Lock()
		again := s.on && s.share > 0 && !s.closed
		s.running = again
		s.mu.Unlock()
		if !again {
			return
		}
	}
}

// once runs the workload and makes an error of its panic.
func (s *slot) once(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it panicked: %v", p)
		}
	}()
	return s.work.Run(ctx, s.threads, s.allowance)
}

// watch ends the workload when its allowance is gone.
func (s *slot) watch(ctx context.Context, cancel context.CancelFunc) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if s.allowance() == 0 {
				cancel()
				return
			}
		}
	}
}

package site

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hearth/control"
)

// watch is the supervisor's own goroutine. Should the loop that reads and
// decides ever stand still, it puts every heater in its safe state by itself,
// and goes on doing so until the loop moves again. It shares nothing with the
// loop but the beat, the prepared commands and the devices' goroutines.
func (s *Site) watch(ctx context.Context) {
	patience := max(6*s.opt.Period, time.Minute)
	t := time.NewTicker(time.Second)
	defer t.Stop()
	var standing bool
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			late := time.Since(s.began) - time.Duration(s.beat.Load())
			if late < patience {
				standing = false
				continue
			}
			if standing && now.Sub(last) < patience/2 {
				continue
			}
			if !standing {
				s.log.Error("control loop stands still", "seconds", int(late.Seconds()))
				s.journal.add(Event{
					At: now, Severity: control.Alarm, Subject: "home", Code: "control_stopped",
					Text: fmt.Sprintf("Control has stood still for %s: every heater was told to go to its safe state.", late.Round(time.Second)),
				})
				s.journal.ring()
			}
			standing, last = true, now
			if safe := s.safe.Load(); safe != nil {
				s.makeSafe(ctx, *safe)
			}
		}
	}
}

// makeSafe sends commands without the loop: straight to each device.
func (s *Site) makeSafe(ctx context.Context, commands []control.Command) map[string]error {
	var (
		mu   sync.Mutex
		wg   sync.WaitGroup
		errs = map[string]error{}
	)
	for _, c := range commands {
		u := s.units[c.Device]
		if u == nil {
			continue
		}
		wg.Go(func() {
			err := u.worker.do(ctx, callLimit, func(ctx context.Context) error {
				_, err := u.Driver.Apply(ctx, c.Demand)
				return err
			})
			mu.Lock()
			errs[c.Device] = err
			mu.Unlock()
		})
	}
	wg.Wait()
	return errs
}

// Stop leaves every heater in its safe state, writes what is left to write
// and lets the devices go. It returns an error that names the heaters which
// did not take the command.
func (s *Site) Stop(ctx context.Context, why string) error {
	if s.stopping.Swap(true) {
		return nil
	}
	s.step.Lock()
	defer s.step.Unlock()
	s.mu.Lock()
	commands := s.home.Safe(s.clock(), why)
	s.mu.Unlock()
	open := s.leave(ctx, commands, why)
	s.end(ctx)
	if len(open) > 0 {
		return fmt.Errorf("leave heaters safe: not confirmed for %s: look at them", strings.Join(open, ", "))
	}
	return nil
}

// Release ends the site for a successor that takes over the devices in keep:
// these go on as they are, all others are left in their safe state.
func (s *Site) Release(ctx context.Context, keep map[string]bool) {
	if s.stopping.Swap(true) {
		return
	}
	s.step.Lock()
	defer s.step.Unlock()
	const why = "It was taken out of the home"
	s.mu.Lock()
	commands := slices.DeleteFunc(s.home.Standby(why), func(c control.Command) bool { return keep[c.Device] })
	s.mu.Unlock()
	for _, name := range s.leave(ctx, commands, why) {
		s.log.Warn("a heater that leaves the home did not take its last command", "heater", name)
	}
	s.end(ctx)
}

// leave sends last commands and returns the heaters that did not take them,
// except those that were silent anyway.
func (s *Site) leave(ctx context.Context, commands []control.Command, why string) []string {
	now := s.clock()
	errs := s.makeSafe(ctx, commands)
	var open []string
	for _, c := range commands {
		u := s.units[c.Device]
		if u == nil {
			continue
		}
		switch err := errs[c.Device]; {
		case err == nil:
			s.mu.Lock()
			s.tell(control.Event{
				At: now, Severity: control.Info, Subject: u.ID, Code: "made_safe",
				Text: fmt.Sprintf("%s was told: %s. %s.", u.Name, c.Demand.Verb, why),
			})
			s.mu.Unlock()
		case u.online || u.misses < missesToUnknown:
			open = append(open, fmt.Sprintf("%s (%s)", u.Name, plain(err)))
		}
	}
	return open
}

// end saves what must be saved and lets go of everything.
func (s *Site) end(ctx context.Context) {
	s.mu.Lock()
	s.takeQuarter()
	s.persist(ctx, s.clock())
	s.book.flush(ctx)
	s.mu.Unlock()
	var wg sync.WaitGroup
	for _, u := range s.units {
		wg.Go(func() {
			_ = u.worker.do(ctx, callLimit, func(context.Context) error { return u.Driver.Close() })
		})
	}
	for _, p := range s.sensors {
		if p.worker != nil {
			wg.Go(func() {
				_ = p.worker.do(ctx, callLimit, func(context.Context) error { return p.Source.Close() })
			})
		}
	}
	wg.Wait()
	s.cancel()
}

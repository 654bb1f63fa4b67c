package site

import (
	"context"
	"fmt"
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
			late := now.Sub(time.Unix(0, s.beat.Load()))
			if late < patience {
				standing = false
				continue
			}
			if standing && now.Sub(last) < patience/2 {
				continue
			}
			if !standing {
				s.log.Error("control loop stands still", "seconds", int(late.Seconds()))
				s.journal.add(Event{At: now, Severity: control.Alarm, Subject: "home", Code: "control_stopped",
					Text: fmt.Sprintf("Control has stood still for %s: every heater was told to go to its safe state.", late.Round(time.Second))})
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

// Stop leaves every heater in its safe state, reads back that it is, writes
// what is left to write and lets the devices go. It returns an error that
// names the heaters which could not be confirmed safe.
func (s *Site) Stop(ctx context.Context, why string) error {
	if s.stopping.Swap(true) {
		return nil
	}
	s.step.Lock()
	defer s.step.Unlock()
	now := s.clock()
	s.mu.Lock()
	commands := s.home.Safe(now, why)
	s.mu.Unlock()
	errs := s.makeSafe(ctx, commands)
	var open []string
	for _, c := range commands {
		u := s.units[c.Device]
		if u == nil {
			continue
		}
		switch err := errs[c.Device]; {
		case err == nil:
			s.journal.add(Event{At: now, Severity: control.Info, Subject: u.ID, Code: "made_safe", Text: u.Name + " was told: " + string(c.Demand.Verb) + ". " + why + "."})
		case !u.online && u.misses >= missesToUnknown:
			// Nothing to be done about a device that has not answered anyway.
		default:
			open = append(open, fmt.Sprintf("%s (%s)", u.Name, plain(err)))
		}
	}
	s.mu.Lock()
	s.persist(ctx, now)
	s.book.flush(ctx)
	s.mu.Unlock()
	for _, u := range s.units {
		_ = u.worker.do(ctx, callLimit, func(context.Context) error { return u.Driver.Close() })
	}
	for _, p := range s.sensors {
		if p.worker != nil {
			_ = p.worker.do(ctx, callLimit, func(context.Context) error { return p.Source.Close() })
		}
	}
	s.cancel()
	if len(open) > 0 {
		return fmt.Errorf("leave heaters safe: not confirmed for %v: look at them", open)
	}
	return nil
}

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"hearth/config"
	"hearth/discovery"
	"hearth/ledger"
	"hearth/site"
	"hearth/store"
	"hearth/units"
)

// residence is the home that surfaces look at while the site behind it may be
// rebuilt from a changed configuration. It is safe for concurrent use.
type residence struct {
	log   *slog.Logger
	store *store.Store
	deps  deps
	path  string // of the configuration; empty for the simulated home

	mu      sync.Mutex
	now     *household
	changed chan struct{} // closed when now changes
}

func newResidence(h *household, d deps, path string) *residence {
	return &residence{log: d.log, store: h.store, deps: d, path: path, now: h, changed: make(chan struct{})}
}

func (r *residence) site() *site.Site {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now.site
}

func (r *residence) current() (*site.Site, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now.site, r.changed
}

// run runs the present site, and whichever takes its place, until ctx ends.
func (r *residence) run(ctx context.Context) error {
	for {
		s, changed := r.current()
		err := s.Run(ctx)
		select {
		case <-changed:
			if ctx.Err() == nil {
				continue
			}
		default:
		}
		if ctx.Err() != nil {
			return err
		}
		// The site was released for its successor, which is being built.
		select {
		case <-changed:
		case <-ctx.Done():
			return err
		}
	}
}

// reload reads the configuration again and rebuilds the home from it. A
// configuration with a mistake changes nothing. Heaters that stay keep what
// they do; those that go are left in their safe state.
func (r *residence) reload(ctx context.Context) error {
	if r.path == "" {
		return fmt.Errorf("%w: the simulated home has no configuration to read again", site.ErrInvalid)
	}
	f, err := config.Load(r.path)
	if err != nil {
		return fmt.Errorf("%w: %w", site.ErrInvalid, err)
	}
	d := r.deps
	d.dry = true
	trial, err := assemble(ctx, f, d)
	if err != nil {
		return fmt.Errorf("%w: %w", site.ErrInvalid, err)
	}
	trial.close(ctx)

	r.mu.Lock()
	defer r.mu.Unlock()
	keep := map[string]bool{}
	for id := range f.Devices {
		keep[id] = true
	}
	old := r.now
	old.site.Release(ctx, keep)
	d.dry, d.store, d.previous = false, r.store, old.site
	next, err := assemble(context.WithoutCancel(ctx), f, d)
	if err != nil {
		// What a dry run accepted could not be built: the old home is gone, so
		// say it loudly. Every heater has a dead-man or a cap, and was told.
		r.log.Error("the home could not be rebuilt: restart Hearth", "error", err)
		return err
	}
	old.leave(ctx)
	next.keepers = old.keepers
	r.now = next
	close(r.changed)
	r.changed = make(chan struct{})
	r.log.Info("configuration read again", "file", filepath.Base(r.path))
	return nil
}

// State implements the surfaces' view of a home.
func (r *residence) State() site.State { return r.site().State() }

// Events returns entries of the log.
func (r *residence) Events(after uint64, limit int) []site.Event {
	return r.site().Events(after, limit)
}

// Watch ticks after changes, across rebuilt sites.
func (r *residence) Watch(ctx context.Context) <-chan struct{} {
	out := make(chan struct{}, 1)
	tick := func() {
		select {
		case out <- struct{}{}:
		default:
		}
	}
	go func() {
		defer close(out)
		for ctx.Err() == nil {
			s, changed := r.current()
			inner, cancel := context.WithCancel(ctx)
			in := s.Watch(inner)
			for done := false; !done; {
				select {
				case _, ok := <-in:
					done = !ok
					if ok {
						tick()
					}
				case <-changed:
					done = true
					tick()
				}
			}
			cancel()
		}
	}()
	return out
}

// SetPoint asks a zone for a temperature.
func (r *residence) SetPoint(ctx context.Context, zone string, to units.Celsius, until time.Time, by string) error {
	return r.site().SetPoint(ctx, zone, to, until, by)
}

// SetMode switches a zone's heating on or off.
func (r *residence) SetMode(ctx context.Context, zone string, mode site.Mode, by string) error {
	return r.site().SetMode(ctx, zone, mode, by)
}

// SetPreset overrides a zone's schedule.
func (r *residence) SetPreset(ctx context.Context, zone, preset string, set *units.Celsius, until time.Time, by string) error {
	return r.site().SetPreset(ctx, zone, preset, set, until, by)
}

// Manual runs a heater without a thermometer for a time.
func (r *residence) Manual(ctx context.Context, zone, device, level string, d time.Duration, by string) error {
	return r.site().Manual(ctx, zone, device, level, d, by)
}

// ClearTrip resets a latched trip.
func (r *residence) ClearTrip(ctx context.Context, id, by string) error {
	return r.site().ClearTrip(ctx, id, by)
}

// AllowCompute gives or withdraws the consent to heat with this computer.
func (r *residence) AllowCompute(ctx context.Context, allow bool, by string) error {
	return r.site().AllowCompute(ctx, allow, by)
}

// Blink makes a device show itself.
func (r *residence) Blink(ctx context.Context, device string) error {
	return r.site().Blink(ctx, device)
}

// History returns one metric over time.
func (r *residence) History(ctx context.Context, q site.HistoryQuery) (site.History, error) {
	return r.site().History(ctx, q)
}

// LedgerRecords returns records of the ledger.
func (r *residence) LedgerRecords(ctx context.Context, from uint64, limit int) ([]ledger.Record, error) {
	return r.store.Records(ctx, from, limit)
}

// LedgerVerify checks the whole ledger.
func (r *residence) LedgerVerify(ctx context.Context) (ledger.Report, error) {
	return r.store.Verify(ctx)
}

// LedgerExport writes records for other programs.
func (r *residence) LedgerExport(ctx context.Context, w io.Writer, format string, from, to time.Time) error {
	return r.store.Export(ctx, w, store.Format(format), from, to)
}

// Discover looks for devices on the network.
func (r *residence) Discover(ctx context.Context, cidr string) ([]discovery.Finding, error) {
	return find(ctx, cidr, func(int, int) {})
}

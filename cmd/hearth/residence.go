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
	log  *slog.Logger
	data string // where a real home keeps its data
	// fatal ends the program with an error.
	fatal context.CancelCauseFunc

	mu      sync.Mutex
	deps    deps
	path    string // of the configuration; empty for the simulated home
	now     *household
	changed chan struct{} // closed when now changes
	pool    *pooling      // nil where the home has none
}

func newResidence(h *household, d deps, path, data string) *residence {
	return &residence{log: d.log, data: data, deps: d, path: path, now: h, changed: make(chan struct{})}
}

// file is the configuration, of which a simulated home has none yet.
func (r *residence) file() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.path == "" {
		return filepath.Join(r.data, homeFile)
	}
	return r.path
}

func (r *residence) setPool(p *pooling) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pool = p
}

func (r *residence) simulated() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.deps.sim != nil
}

func (r *residence) book() *store.Store {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now.store
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
// they do; those that go are left in their safe state. A simulated home ends
// when the first real one is described.
func (r *residence) reload(ctx context.Context) error {
	path := r.file()
	f, err := config.Load(path)
	if err != nil {
		return fmt.Errorf("%w: %w", site.ErrInvalid, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.deps
	d.sim, d.data, d.dir, d.burn = nil, r.data, filepath.Dir(path), false
	ctx = context.WithoutCancel(ctx)
	// All that can fail is done while the old home still looks after its
	// heaters.
	next, err := prepare(ctx, f, d)
	if err != nil {
		return fmt.Errorf("%w: %w", site.ErrInvalid, err)
	}
	old := r.now
	if r.deps.sim == nil {
		keep := map[string]bool{}
		for id := range f.Devices {
			keep[id] = true
		}
		old.site.Release(ctx, keep)
		d.store, d.previous = old.store, old.site
	}
	if err := next.begin(ctx, d); err != nil {
		next.close(ctx)
		return r.giveUp(err)
	}
	if r.deps.sim != nil {
		old.site.Release(ctx, nil)
		old.close(ctx)
	} else {
		old.leave(ctx)
		next.keepers = old.keepers
	}
	r.now, r.path = next, path
	r.deps.sim, r.deps.data, r.deps.dir = nil, r.data, d.dir
	close(r.changed)
	r.changed = make(chan struct{})
	r.log.Info("configuration read", "file", filepath.Base(path))
	return nil
}

// giveUp ends the program after a home could not take over from the one
// before, which has let its heaters go: a new start, which a service makes by
// itself, is the safest there is then. The heaters have their dead-man timers
// and caps.
func (r *residence) giveUp(err error) error {
	err = fmt.Errorf("the rebuilt home could not begin: %w", err)
	r.log.Error("ending: nobody looks after the heaters", "error", err)
	r.fatal(err)
	return err
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
	return r.book().Records(ctx, from, limit)
}

// LedgerVerify checks the whole ledger.
func (r *residence) LedgerVerify(ctx context.Context) (ledger.Report, error) {
	return r.book().Verify(ctx)
}

// LedgerExport writes records for other programs.
func (r *residence) LedgerExport(ctx context.Context, w io.Writer, format string, from, to time.Time) error {
	return r.book().Export(ctx, w, store.Format(format), from, to)
}

// Discover looks for devices on the network.
func (r *residence) Discover(ctx context.Context, cidr string) ([]discovery.Finding, error) {
	return find(ctx, cidr, func(int, int) {})
}

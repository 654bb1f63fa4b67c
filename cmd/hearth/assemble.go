package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"hearth/config"
	"hearth/control"
	"hearth/device"
	"hearth/drivers/avalon"
	"hearth/drivers/axeos"
	"hearth/drivers/computer"
	"hearth/drivers/generic"
	"hearth/drivers/shelly"
	"hearth/furnace"
	"hearth/internal/mqtt"
	"hearth/pool"
	"hearth/site"
	"hearth/store"
)

// deps is what a home is assembled with besides its description.
type deps struct {
	dir  string // of the configuration, for relative paths
	data string
	log  *slog.Logger
	sim  *simulation // nil for a real home
	burn bool
	// work is what this computer does while it heats; nil is dumb heat.
	work *furnace.Furnace
	// store and previous are of the home that this one takes over from.
	store    *store.Store
	previous *site.Site
	// pool is the home's pool, once there is one; what it still needs of the
	// ledger is not pruned.
	pool *atomic.Pointer[pool.Service]
	// dry checks everything and starts nothing.
	dry bool
}

// household is a home put together from its description: the one place where
// drivers, sources, store and runtime meet.
type household struct {
	site    *site.Site
	store   *store.Store
	broker  *mqtt.Client
	data    string
	sim     *simulation
	opt     site.Options
	closers []func(context.Context)
	keepers []func(context.Context) // what a rebuilt home keeps
	now     func() time.Time
	detail  time.Duration // how long detail is kept; 0: for good
}

// close frees what the household holds, last opened first.
func (h *household) close(ctx context.Context) {
	h.leave(ctx)
	for _, f := range slices.Backward(h.keepers) {
		f(ctx)
	}
}

// leave frees what a rebuilt home does not take over.
func (h *household) leave(ctx context.Context) {
	for _, f := range slices.Backward(h.closers) {
		f(ctx)
	}
}

// registry lists the drivers that the program knows.
func registry(f config.File, broker func() *mqtt.Client, allowed *atomic.Bool, work *furnace.Furnace) device.Registry {
	return device.NewRegistry(
		avalon.Kind(),
		axeos.Kind(),
		computer.New(computerOptions(f, allowed, work)),
		generic.New(broker),
		shelly.Kind(),
	)
}

func computerOptions(f config.File, allowed *atomic.Bool, work *furnace.Furnace) computer.Options {
	o := computer.Options{Allowed: allowed.Load, Mine: mining(f, work)}
	if work != nil {
		o.Workload = work
	}
	return o
}

// assemble puts a home together.
func assemble(ctx context.Context, f config.File, d deps) (*household, error) {
	h, err := prepare(ctx, f, d)
	if err != nil || d.dry {
		return h, err
	}
	if err := h.begin(ctx, d); err != nil {
		h.close(context.WithoutCancel(ctx))
		return nil, err
	}
	return h, nil
}

// prepare opens all that a description names: broker, drivers, sensors,
// weather, prices. All that a person can get wrong fails here.
func prepare(ctx context.Context, f config.File, d deps) (_ *household, err error) {
	h := &household{data: d.data, sim: d.sim}
	defer func() {
		if err != nil {
			h.close(context.WithoutCancel(ctx))
		}
	}()
	if d.sim != nil {
		h.closers = append(h.closers, func(context.Context) { d.sim.close() })
	}
	location, err := zoneOf(f)
	if err != nil {
		return nil, coded(exitUsage, err)
	}
	secret := secretFrom(d.dir)
	if f.MQTT.URL != "" {
		if h.broker, err = connect(ctx, f, d.dir, d.log); err != nil {
			return nil, err
		}
		h.closers = append(h.closers, func(context.Context) { _ = h.broker.Close() })
	}
	opt := site.Options{
		Name: f.Name, Place: f.Place, Version: version(), Control: f.Control(), ZoneSensors: map[string]site.ZoneSensors{},
		Log: d.log, Period: f.Period, Location: location, Speed: 1,
	}
	now := time.Now
	if d.sim != nil {
		opt.Speed, opt.Clock, opt.World = d.sim.speed, d.sim.clock, d.sim.house.AdvanceTo
		opt.Outdoor, opt.SimulatedNote = d.sim.outdoor, d.sim.note()
		opt.Forecast = onDate(d.sim.outdoor)
		if d.sim.clock != nil {
			now = d.sim.clock.Now
		}
		if d.sim.speed == 1 {
			addComputer(&f, &opt)
		}
	}
	compute(&f, &opt)
	allowed := new(atomic.Bool)
	if opt.Compute != nil {
		allowed = opt.Compute.Allowed
	}
	kinds := registry(f, func() *mqtt.Client { return h.broker }, allowed, d.work)
	if err := h.devices(ctx, f, d, kinds, now, secret, &opt); err != nil {
		return nil, coded(exitUsage, err)
	}
	if err := h.sensors(f, d, now, secret, &opt); err != nil {
		return nil, coded(exitUsage, err)
	}
	if opt.Outdoor == nil {
		if err := h.weather(ctx, f, d, &opt); err != nil {
			return nil, coded(exitUsage, err)
		}
	}
	if err := h.prices(ctx, f, d, location, &opt); err != nil {
		return nil, coded(exitUsage, err)
	}
	for id, r := range f.Rooms {
		opt.ZoneSensors[id] = site.ZoneSensors{Temp: r.Sensor}
	}
	for id, t := range f.Tanks {
		opt.ZoneSensors[id] = site.ZoneSensors{Temp: t.Sensor, Low: t.BottomSensor, FlowDevice: t.FlowDevice}
	}
	h.opt, h.now, h.detail = opt, now, f.Retention.Detail
	return h, nil
}

// begin opens the ledger, or takes over that of the home before, and sets the
// home up. Nothing is switched yet.
func (h *household) begin(ctx context.Context, d deps) (err error) {
	h.opt.Previous = d.previous
	if h.store = d.store; h.store == nil {
		if err := h.open(ctx, d, h.now, h.opt.Location); err != nil {
			return err
		}
	}
	h.opt.Book = book{h.store}
	if h.site, err = site.New(ctx, h.opt); err != nil {
		return coded(exitUsage, err)
	}
	if h.detail > 0 {
		h.every(ctx, pruneEvery, func(ctx context.Context) {
			before := h.now().Add(-h.detail)
			if d.pool != nil {
				if p := d.pool.Load(); p != nil {
					before = p.Keep(before)
				}
			}
			if before.IsZero() {
				return
			}
			if _, err := h.store.Prune(ctx, before); err != nil {
				d.log.Warn("old detail cannot be pruned", "error", err)
			}
		})
	}
	if !d.burn {
		return nil
	}
	if h.opt.Compute == nil {
		return coded(exitUsage, errors.New("--burn: this home does not use its own computer: add a device of kind computer with a zone"))
	}
	return h.site.AllowCompute(ctx, true, "--burn")
}

// pruneEvery is how often detail that is older than the owner wants is removed.
const pruneEvery = 24 * time.Hour

func zoneOf(f config.File) (*time.Location, error) {
	if f.Zone == "" {
		return time.Local, nil
	}
	l, err := time.LoadLocation(f.Zone)
	if err != nil {
		return nil, fmt.Errorf("time_zone %q: write it as \"Europe/Berlin\": %w", f.Zone, err)
	}
	return l, nil
}

// brokerConfig is the home's broker, with the password's file found.
func brokerConfig(f config.File, dir string) (mqtt.Config, error) {
	c := mqtt.Config{URL: f.MQTT.URL, Username: f.MQTT.Username, CA: f.MQTT.CA}
	if f.MQTT.Password == "" {
		return c, nil
	}
	path, err := secretPath(dir, f.MQTT.Password)
	c.PasswordFile = path
	return c, err
}

func connect(ctx context.Context, f config.File, dir string, log *slog.Logger) (*mqtt.Client, error) {
	cfg, err := brokerConfig(f, dir)
	if err != nil {
		return nil, coded(exitUsage, fmt.Errorf("mqtt: %w", err))
	}
	// The broker is left last: heaters behind it must hear their safe state
	// after ctx has ended.
	c, err := mqtt.Connect(context.WithoutCancel(ctx), cfg, log, nil)
	if err != nil {
		return nil, coded(exitUsage, fmt.Errorf("mqtt: %w", err))
	}
	return c, nil
}

// The computer that Hearth runs on, as a device and a place.
const (
	computerID   = "computer"
	computerZone = "here"
	consentFor   = 8 * time.Hour
)

// addComputer puts this computer into a home that has not configured it: in a
// place of its own, so that its heat never enters a simulated room.
func addComputer(f *config.File, opt *site.Options) {
	if _, ok := f.Devices[computerID]; ok {
		return
	}
	f.Manual = maps.Clone(f.Manual)
	if f.Manual == nil {
		f.Manual = map[string]config.Manual{}
	}
	f.Manual[computerZone] = config.Manual{Name: "Where this computer stands"}
	f.Devices = maps.Clone(f.Devices)
	f.Devices[computerID] = config.Device{Kind: "computer", Name: "This computer", Zone: computerZone, Role: control.Primary}
	opt.Control = f.Control()
}

// compute prepares the consent for a computer that is among the devices.
func compute(f *config.File, opt *site.Options) {
	for _, id := range slices.Sorted(maps.Keys(f.Devices)) {
		if d := f.Devices[id]; d.Kind == "computer" && d.Zone != "" {
			idle := "dumb heat."
			if mines(d) {
				idle = "mining. " + lossMaking
			}
			opt.Compute = &site.Compute{
				Device: id, Zone: d.Zone, For: consentFor, Allowed: new(atomic.Bool),
				Note: fmt.Sprintf("This computer is measured at once, but computes for heat only after your consent, on at most %d of its %d threads, never on battery. "+
					"It does what waits to be computed first: requests that may wait, and folders to be searched. While nothing waits, that computation is %s", max(1, runtime.NumCPU()/2), runtime.NumCPU(), idle),
			}
			return
		}
	}
}

// devices opens the drivers.
func (h *household) devices(ctx context.Context, f config.File, d deps, kinds device.Registry, now func() time.Time,
	secret func(string) (string, error), opt *site.Options,
) error {
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(f.Devices)) {
		c := f.Devices[id]
		kind, err := kinds.Kind(c.Kind)
		if err != nil {
			errs = append(errs, fmt.Errorf("device %s: %w", id, err))
			continue
		}
		driver, err := kind.Open(ctx, c.Rest.Decode, device.Env{Name: id, Log: d.log.With("device", id), Secret: secret, Now: now})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if d.dry {
			_ = driver.Close()
		}
		name := c.Name
		if name == "" {
			name = id
		}
		opt.Devices = append(opt.Devices, site.Device{ID: id, Name: name, Kind: c.Kind, Driver: driver, Simulated: c.Simulated})
	}
	return errors.Join(errs...)
}

// sensors opens the thermometers.
func (h *household) sensors(f config.File, d deps, now func() time.Time, secret func(string) (string, error), opt *site.Options) error {
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(f.Sensors)) {
		c := f.Sensors[id]
		s := site.Sensor{ID: id, Name: c.Name, Kind: c.Kind, Device: c.Device, Channel: c.Channel, Simulated: c.Simulated}
		if s.Name == "" {
			s.Name = id
		}
		if c.Kind != "device" {
			src, err := openSensor(c, h.broker, secret, now)
			if err != nil {
				errs = append(errs, fmt.Errorf("sensor %s: %w", id, err))
				continue
			}
			if d.dry {
				_ = src.Close()
			}
			s.Source = src
		}
		opt.Sensors = append(opt.Sensors, s)
	}
	if f.Weather.Kind == "sensor" {
		opt.OutdoorSensor = f.Weather.Sensor
	}
	return errors.Join(errs...)
}

// open opens the ledger.
func (h *household) open(ctx context.Context, d deps, now func() time.Time, location *time.Location) error {
	if err := os.MkdirAll(d.data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	key, err := store.LoadOrCreateKey(filepath.Join(d.data, keyFile))
	if err != nil {
		return err
	}
	h.store, err = store.Open(ctx, filepath.Join(d.data, databaseFile), store.Options{
		Key: key, HeadPath: filepath.Join(d.data, headFile), Log: d.log, Location: location, Now: now,
		// A simulated week in a minute needs no disk that survives a power cut.
		Unsynced: d.sim != nil && d.sim.speed > 1,
	})
	if err != nil {
		return err
	}
	h.keepers = append(h.keepers, func(context.Context) {
		if err := h.store.Close(); err != nil {
			d.log.Warn("the ledger did not close well", "error", err)
		}
	})
	return nil
}

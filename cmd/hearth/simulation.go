package main

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"time"

	"hearth/config"
	"hearth/emulate"
	"hearth/emulate/avalon"
	"hearth/emulate/axeos"
	"hearth/emulate/shelly"
	"hearth/heat"
	"hearth/heat/climate"
	"hearth/site"
	"hearth/source/weather"
	"hearth/store"
	"hearth/units"
)

// simulation is the home of somebody who has configured nothing: a room with
// the typical weather of a place, warmed by emulated devices that speak their
// real protocols on real sockets. The home that heats it is a real one: it
// reads a configuration file and knows nothing of the model behind the sockets.
type simulation struct {
	file  config.File
	house *emulate.House
	clock *site.Clock // nil when the simulation runs at the speed of life
	speed float64
	place climate.Place
	year  *climate.Year

	mini           *avalon.Emulator
	bitaxe         *axeos.Emulator
	backup, sensor *shelly.Emulator

	stop    context.CancelFunc
	servers sync.WaitGroup
}

// server is an emulator on a socket.
type server interface {
	Serve(context.Context, net.Listener) error
}

// seed makes the simulated weather the same on every start.
const seed = 1

// newSimulation builds the room and starts the emulators. place may be empty;
// start is a date, or empty for now.
func newSimulation(ctx context.Context, place string, speed float64, start, data string) (*simulation, error) {
	if !(speed >= 1 && speed <= 1e6) { // so that NaN is refused too
		return nil, fmt.Errorf("--speed %v: use 1 to 1000000", speed)
	}
	s := &simulation{speed: speed}
	var err error
	if s.place, err = placeFor(place); err != nil {
		return nil, err
	}
	if s.year, err = climate.Typical(s.place.Name, seed); err != nil {
		return nil, err
	}
	now := time.Now()
	clock := emulate.Clock(time.Now)
	switch {
	case speed > 1:
		begin := now.Truncate(time.Minute)
		if start != "" {
			if begin, err = time.ParseInLocation(time.DateOnly, start, time.Local); err != nil {
				return nil, fmt.Errorf("--start %q: write it as 2027-01-10", start)
			}
		}
		// A second run goes on where the first stopped: the ledger of the
		// simulated home does not go back in time.
		if last, ok := lastSimulated(ctx, data); ok && last.After(begin) {
			begin = last
		}
		s.clock = site.NewClock(begin)
		clock, now = s.clock.Now, begin
	case start != "":
		return nil, fmt.Errorf("--start goes with --speed: at the speed of life a home begins now")
	}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	if err := s.build(ctx, now, clock); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// lastSimulated is when an earlier simulated run ended.
func lastSimulated(ctx context.Context, data string) (time.Time, bool) {
	key, err := store.LoadKey(filepath.Join(data, keyFile))
	if err != nil {
		return time.Time{}, false
	}
	s, err := store.View(ctx, filepath.Join(data, databaseFile), options(data, key))
	if err != nil {
		return time.Time{}, false
	}
	defer func() { _ = s.Close() }()
	return s.Head().At, true
}

// placeFor finds the place of that name, or one in the system's time zone.
func placeFor(name string) (climate.Place, error) {
	if name != "" {
		return climate.PlaceByName(name)
	}
	return climate.PlaceForTimeZone(weather.LocalTimeZone()), nil
}

// The simulated room and what heats it.
const (
	simulatedSetPoint units.Celsius = 20.5
	backupLoad        units.Watts   = 1000
	// occupant is what one person at rest gives off, an assumption.
	occupant units.Watts = 80
)

func (s *simulation) build(ctx context.Context, now time.Time, clock emulate.Clock) error {
	var err error
	s.house, err = emulate.NewHouse(emulate.HouseConfig{
		Building: heat.WellInsulatedRoom(), Location: s.place.Location,
		Weather: s.year.At, Start: now, Indoor: simulatedSetPoint,
		Internal: func(time.Time) units.Watts { return occupant },
	})
	if err != nil {
		return err
	}
	s.mini = avalon.New(avalon.Config{Clock: clock, Model: avalon.Mini3})
	s.bitaxe = axeos.New(axeos.Config{Clock: clock, Model: axeos.Gamma, Ambient: simulatedSetPoint})
	s.backup = shelly.New(shelly.Config{Clock: clock, Model: shelly.Plus1PM, Load: backupLoad, MAC: "0250C0FFEE01"})
	s.sensor = shelly.New(shelly.Config{Clock: clock, Model: shelly.Plus1, Sensors: []func() units.Celsius{s.house.Air}, MAC: "0250C0FFEE02"})
	s.house.Attach("mini3", s.mini)
	s.house.Attach("bitaxe", s.bitaxe)
	s.house.Attach("backup", s.backup)
	s.house.Attach("sensor", s.sensor)
	addr := map[string]string{}
	for name, e := range map[string]server{"mini3": s.mini, "bitaxe": s.bitaxe, "backup": s.backup, "sensor": s.sensor} {
		if addr[name], err = s.serve(ctx, e); err != nil {
			return fmt.Errorf("start the emulated %s: %w", name, err)
		}
	}
	s.file, err = config.Parse(fmt.Appendf(nil, `
name: Simulated home
place: %q
rooms:
  living:
    name: Living room
    sensor: thermometer
    setpoint: %v
    load: 1.2 kW
    design_outdoor: -20 °C
sensors:
  thermometer: {kind: device, name: Thermometer, device: sensor, simulated: true}
devices:
  mini3: {kind: avalon, name: Avalon Mini 3, address: %q, zone: living, role: primary, limit: 900 W, simulated: true}
  bitaxe: {kind: axeos, name: Bitaxe Gamma, address: %q, zone: living, role: primary, simulated: true}
  backup: {kind: shelly, name: Backup heater, address: %q, load: %v, zone: living, role: backup, simulated: true}
  sensor: {kind: shelly, name: Thermometer box, address: %q, simulated: true}
`, s.place.Name, simulatedSetPoint, addr["mini3"], addr["bitaxe"], addr["backup"], backupLoad, addr["sensor"]))
	if err != nil {
		return fmt.Errorf("describe the simulated home: %w", err)
	}
	s.file.Place = s.place.Name
	if s.speed >= 60 {
		s.file.Period = 30 * time.Second
	}
	return nil
}

// serve puts an emulator on a free port of this computer.
func (s *simulation) serve(ctx context.Context, e server) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s.servers.Go(func() { _ = e.Serve(ctx, l) })
	return l.Addr().String(), nil
}

// outdoor is the simulated outdoor temperature.
func (s *simulation) outdoor(now time.Time) units.Known[units.Celsius] {
	return units.Know(s.year.At(now).Outdoor, now, units.Simulated)
}

// note says what of this home is not there.
func (s *simulation) note() string {
	return fmt.Sprintf("the room, its heaters and thermometer are emulated, with the typical weather of %s. Nothing here warms anything.", s.place.Name)
}

func (s *simulation) close() {
	s.stop()
	s.servers.Wait()
}

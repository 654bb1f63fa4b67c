package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"hearth/emulate"
	"hearth/emulate/avalon"
	"hearth/emulate/axeos"
	"hearth/emulate/shelly"
	"hearth/heat"
	"hearth/heat/climate"
	"hearth/units"
)

type emulateCmd struct {
	Avalon emulateAvalonCmd `cmd:"" help:"A Canaan Avalon home miner."`
	Axeos  emulateAxeosCmd  `cmd:"" help:"A Bitaxe or NerdQAxe miner."`
	Shelly emulateShellyCmd `cmd:"" help:"A Shelly relay with a resistive heater behind it, and a thermometer."`
}

// stage is what every emulated device stands in.
type stage struct {
	Listen string `help:"Address to serve on." default:"127.0.0.1:0" placeholder:"HOST:PORT"`
	Place  string `help:"Place whose typical weather is outside." placeholder:"NAME"`
}

// performer is an emulated device that heats.
type performer interface {
	server
	emulate.Machine
}

// play serves the device until ctx ends, and moves its house every second.
func (s stage) play(p *program, what string, build func(house *emulate.House) performer) error {
	place, err := placeFor(s.Place)
	if err != nil {
		return coded(exitUsage, err)
	}
	year, err := climate.Typical(place.Name, seed)
	if err != nil {
		return err
	}
	house, err := emulate.NewHouse(emulate.HouseConfig{
		Building: heat.WellInsulatedRoom(), Location: place.Location, Weather: year.At,
		Internal: func(time.Time) units.Watts { return occupant }, Start: time.Now(), Indoor: simulatedSetPoint,
	})
	if err != nil {
		return err
	}
	device := build(house)
	house.Attach("device", device)
	var lc net.ListenConfig
	l, err := lc.Listen(p.ctx, "tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.Listen, err)
	}
	fmt.Fprintf(p.out, "An emulated %s answers on %s, in a room with the weather of %s. Stop with Ctrl-C.\n", what, l.Addr(), place.Name)
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, stop := context.WithCancel(p.ctx)
	defer stop()
	wg.Go(func() {
		t := time.NewTicker(time.Second)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-t.C:
				house.AdvanceTo(now)
			}
		}
	})
	return device.Serve(ctx, l)
}

type emulateAvalonCmd struct {
	stage `embed:""`
	Model string `help:"nano3, nano3s, mini3 or q." enum:"nano3,nano3s,mini3,q" default:"mini3"`
}

// Run serves the miner.
func (c *emulateAvalonCmd) Run(p *program) error {
	return c.play(p, "Avalon "+c.Model, func(*emulate.House) performer {
		return avalon.New(avalon.Config{Clock: time.Now, Model: avalon.Model(c.Model)})
	})
}

type emulateAxeosCmd struct {
	stage `embed:""`
	Model string `help:"max, ultra, supra, gamma, gammaturbo or nerdqaxe." enum:"max,ultra,supra,gamma,gammaturbo,nerdqaxe" default:"gamma"`
}

// Run serves the miner.
func (c *emulateAxeosCmd) Run(p *program) error {
	return c.play(p, "Bitaxe "+c.Model, func(*emulate.House) performer {
		return axeos.New(axeos.Config{Clock: time.Now, Model: axeos.Model(c.Model)})
	})
}

type emulateShellyCmd struct {
	stage `embed:""`
	Model string  `help:"The product." enum:"plugs,plus1,plus1pm,pro1pm" default:"plus1pm"`
	Load  float64 `help:"Watts of the heater behind the relay." default:"1000" placeholder:"W"`
}

// Run serves the relay.
func (c *emulateShellyCmd) Run(p *program) error {
	return c.play(p, "Shelly "+c.Model, func(h *emulate.House) performer {
		return shelly.New(shelly.Config{Clock: time.Now, Model: shelly.Model(c.Model), Load: units.Watts(c.Load), Sensors: []func() units.Celsius{h.Air}})
	})
}

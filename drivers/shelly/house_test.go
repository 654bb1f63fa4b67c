package shelly_test

import (
	"math"
	"sync"
	"testing"
	"time"

	"hearth/device"
	"hearth/device/devicetest"
	"hearth/drivers/shelly"
	"hearth/emulate"
	fake "hearth/emulate/shelly"
	"hearth/heat"
	"hearth/units"
)

// A thermostat of two lines holds a cold house with a relay, a heater and the
// thermometer of the Add-on: what the meter counts is what the house got, and
// nobody waits for anybody.
func TestALoopThroughTheHouseCloses(t *testing.T) {
	clock := emulate.NewManual(time.Date(2026, 1, 15, 20, 0, 0, 0, time.UTC))
	house, err := emulate.NewHouse(emulate.HouseConfig{
		Building: heat.WellInsulatedRoom(),
		Location: heat.Location{Latitude: 52.5, Longitude: 13.4},
		Weather:  func(time.Time) heat.Weather { return heat.Weather{Outdoor: -15} },
		Start:    clock.Now(),
		Indoor:   20,
	})
	if err != nil {
		t.Fatal(err)
	}
	emu := fake.New(fake.Config{Clock: clock.Now, Load: 1500, Sensors: []func() units.Celsius{house.Air}})
	house.Attach("heater", emu)
	d, err := shelly.Open(shelly.Config{Address: devicetest.Serve(t, emu), User: "admin", Load: 1500, DeadMan: 5 * time.Minute},
		device.Env{Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}

	const minutes = 5 * 60
	on := false
	for i := range minutes {
		var both sync.WaitGroup
		now := clock.Advance(time.Minute)
		both.Go(func() { house.AdvanceTo(now) })
		r, err := d.Read(t.Context())
		both.Wait()
		if err != nil {
			t.Fatal(err)
		}
		room, known := r.Temp(device.Room).Get()
		if !known {
			t.Fatalf("the room is %v", r.Temp(device.Room))
		}
		if i > 60 && (room < 19.2 || room > 20.8) {
			t.Fatalf("after %d minutes the room is %v", i, room)
		}
		switch {
		case room < 19.8:
			on = true
		case room > 20.2:
			on = false
		}
		verb := device.Off
		if on {
			verb = device.Run
		}
		if _, err := d.Apply(t.Context(), device.Demand{Verb: verb}); err != nil {
			t.Fatal(err)
		}
	}
	r, err := d.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	counted, _ := r.Energy.Get()
	standby := units.Watts(1).Over(minutes * time.Minute)
	got := house.Balance().Heat["heater"]
	if math.Abs(float64(got-standby-counted)) > 1e-4*float64(got) || counted.KilowattHours() < 2 {
		t.Errorf("the house got %v, %v of it for the device itself; the meter counted %v", got, standby, counted)
	}
}

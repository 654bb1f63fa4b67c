package shelly

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearth/device"
	"hearth/drivers/internal/httpjson"
	"hearth/units"
)

// Read implements [device.Device].
func (s *Switch) Read(ctx context.Context) (device.Reading, error) {
	status, err := s.status(ctx)
	if err != nil {
		return device.Reading{}, fmt.Errorf("read the Shelly: %w", err)
	}
	return s.reading(status, s.now()), nil
}

func (s *Switch) reading(status httpjson.Object, now time.Time) device.Reading {
	relay := s.relay(status)
	r := device.Reading{
		At:       now,
		State:    device.StateUnknown,
		Power:    s.power(status, now),
		Energy:   energy(s.meter(status), now),
		HashRate: units.Unknown[units.HashRate]("a relay does not compute", now),
		Level:    units.Unknown[string]("a relay has no levels", now),
		Target:   units.Unknown[units.Watts]("a relay has no watt target", now),
		Flow:     units.Unknown[units.LitresPerMinute]("the device has no flow meter", now),
		Pool:     units.Unknown[bool]("a relay needs no pool", now),
		Uptime:   uptime(status.Object("sys"), now),
		Faults:   s.faults(relay, s.power(status, now)),
	}
	for _, id := range thermometers(status) {
		r.Temps = append(r.Temps, device.Temp{
			Name:  sensorName(id),
			Kind:  device.Room,
			Value: temperature(status.Object(fmt.Sprintf("temperature:%d", id)), now),
		})
	}
	on, known := relay.Truth("output")
	switch {
	case !known:
	case on:
		r.State = device.StateHeating
	case hasProtection(relay):
		r.State = device.StateFault
	default:
		r.State = device.StateOff
	}
	return r
}

// power is what the meter tells. Without a meter it is what the nameplate says
// of the heater while the relay is closed, and nothing while it is open.
func (s *Switch) power(status httpjson.Object, now time.Time) units.Known[units.Watts] {
	if m := s.meter(status); meters(m) {
		// A meter may tell some watts below zero for want of calibration.
		return httpjson.Known[units.Watts](m, "apower", -10, 100_000, now, units.Meter)
	}
	on, known := s.relay(status).Truth("output")
	switch {
	case s.relay(status) == nil:
		return units.Unknown[units.Watts]("the device has no meter", now)
	case !known:
		return units.Unknown[units.Watts]("the device does not tell whether its relay is closed", now)
	case s.config.Load == 0:
		return units.Unknown[units.Watts]("this model has no meter, and the configuration names no load", now)
	case on:
		return units.Know(s.config.Load, now, units.Nameplate)
	}
	return units.Know[units.Watts](0, now, units.Nameplate)
}

// meters reports whether a component has a meter, be it without a reading now.
func meters(component httpjson.Object) bool {
	_, ok := component["apower"]
	return ok
}

// energy is the meter's count. Firmware counts watt-hours, and may begin anew
// when the device restarts.
func energy(meter httpjson.Object, now time.Time) units.Known[units.Joules] {
	count := meter.Object("aenergy")
	if count == nil {
		return units.Unknown[units.Joules]("the device has no energy counter", now)
	}
	return units.Map(httpjson.Known(count, "total", 0.0, 1e12, now, units.Meter),
		func(wh float64) units.Joules { return units.Joules(wh * 3600) })
}

func uptime(sys httpjson.Object, now time.Time) units.Known[time.Duration] {
	return units.Map(httpjson.Known(sys, "uptime", 0.0, 1e9, now, units.Meter),
		func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) })
}

// thermometers lists the ids of the components that measure a room: 100 and up
// are on an Add-on. Below that a sensor is built in: a device that measures
// humidity beside it is a room thermometer (H&T, Wall Display), any other tells
// how warm its own electronics are (Pro 3EM), which is nobody's room.
func thermometers(status httpjson.Object) []int {
	var ids []int
	for name := range status {
		n, ok := strings.CutPrefix(name, "temperature:")
		if !ok {
			continue
		}
		id, err := strconv.Atoi(n)
		if err == nil && strconv.Itoa(id) == n && (id >= 100 || id >= 0 && status.Has("humidity:"+n)) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func sensorName(id int) string { return fmt.Sprintf("sensor %d", id) }

// The values a DS18B20 gives instead of a temperature, and its range (its data
// sheet): 85 °C before its first conversion, -127 °C (of the usual libraries)
// when it does not answer.
const (
	powerOn        units.Celsius = 85
	noAnswer       units.Celsius = -127
	lowest, higher units.Celsius = -55, 125
)

func temperature(o httpjson.Object, now time.Time) units.Known[units.Celsius] {
	if errs := o.Texts("errors"); len(errs) > 0 {
		return units.Unknown[units.Celsius](fmt.Sprintf("the sensor reports %.60q", strings.Join(errs, ", ")), now)
	}
	switch t, ok := o.Float("tC"); {
	case !ok:
		return units.Unknown[units.Celsius]("the sensor gives no reading", now)
	case units.Celsius(t) == powerOn:
		return units.Unknown[units.Celsius]("the sensor has not measured yet (85 °C is what it tells until then)", now)
	case units.Celsius(t) == noAnswer:
		return units.Unknown[units.Celsius]("the sensor does not answer (-127 °C)", now)
	}
	return httpjson.Known(o, "tC", lowest, higher, now, units.Meter)
}

// hasProtection reports whether the device has opened its relay to protect
// itself.
func hasProtection(relay httpjson.Object) bool { return len(relay.Texts("errors")) > 0 }

func (s *Switch) faults(relay httpjson.Object, power units.Known[units.Watts]) []device.Fault {
	var fs []device.Fault
	for _, e := range relay.Texts("errors") {
		text := fmt.Sprintf("The Shelly reports %.60q.", e)
		switch e {
		case "overtemp":
			text = "The Shelly overheated and opened its relay. Give it air or a smaller load."
		case "overpower":
			text = "The load drew more than the Shelly allows, and it opened its relay."
		case "overvoltage":
			text = "The mains voltage was above what the Shelly allows, and it opened its relay."
		case "undervoltage":
			text = "The mains voltage was below what the Shelly allows, and it opened its relay."
		}
		fs = append(fs, device.Fault{Code: strings.ToValidUTF8(e, "?"), Text: text})
	}
	on, _ := relay.Truth("output")
	if !on {
		return fs
	}
	if d, ok := relay.Float("timer_duration"); !ok || d <= 0 {
		fs = append(fs, device.Fault{
			Code: "no_dead_man",
			Text: "The relay is on without its timer: somebody switched it on by hand or app, and it would stay on if Hearth stopped.",
		})
	}
	if w, ok := power.Get(); ok && power.From() == units.Meter && s.config.Load > 0 && w < s.config.Load/20 {
		fs = append(fs, device.Fault{
			Code: "no_load",
			Text: fmt.Sprintf("The relay is on but the heater of %v draws %v: its own thermostat, switch or fuse is open.", s.config.Load, w),
		})
	}
	return fs
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hearth/config"
	"hearth/discovery"
	"hearth/drivers/avalon"
	"hearth/drivers/axeos"
	"hearth/drivers/shelly"
	"hearth/internal/mqtt"
	"hearth/site"
	"hearth/source/sensor"
)

// probes are how the drivers' devices are recognised.
func probes() []discovery.Probe {
	return []discovery.Probe{
		{Kind: "shelly", Port: 80, Probe: shelly.Probe},
		{Kind: "axeos", Port: 80, Probe: axeos.Probe},
		{Kind: "avalon", Port: 4028, Probe: avalon.Probe},
	}
}

// find listens for devices that announce themselves and, where a network is
// named, knocks at each of its addresses. What one of the two found is
// returned with the error of the other.
func find(ctx context.Context, cidr string, progress func(done, all int)) ([]discovery.Finding, error) {
	s := discovery.Search{Probes: probes(), Progress: progress}
	if cidr != "" {
		if _, err := discovery.Hosts(cidr); err != nil {
			return nil, fmt.Errorf("%w: %w", site.ErrInvalid, err)
		}
	}
	announced, err := s.Browse(ctx)
	if cidr == "" {
		return announced, err
	}
	scanned, scanErr := s.Scan(ctx, cidr)
	found := discovery.Merge(announced, scanned)
	if len(found) > 0 {
		err = nil // a network without multicast is no failure once the scan found something
	}
	return found, errors.Join(scanErr, err)
}

// openSensor opens a thermometer that is not a channel of a device.
func openSensor(c config.Sensor, broker *mqtt.Client, secret func(string) (string, error), now func() time.Time) (site.Thermometer, error) {
	return sensor.Open(c.Kind, c.Rest.Decode, sensor.Deps{Now: now, Secret: secret, Broker: broker})
}

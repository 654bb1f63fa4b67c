package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hearth/config"
	"hearth/site"
)

// Place adds a device to the home's file, with its zone and sensor, and
// rebuilds the home from it. While the simulated home runs, the first device
// begins the file of a real one, which takes the simulated one's place.
func (r *residence) Place(ctx context.Context, p site.Placement, by string) error {
	path := r.file()
	src, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: read the configuration: %w", site.ErrUnavailable, err)
	}
	out, err := placed(src, p)
	if err != nil {
		return fmt.Errorf("%w: %w", site.ErrInvalid, err)
	}
	if err := r.adopt(ctx, path, src, out); err != nil {
		return err
	}
	return r.site().Note(ctx, p.ID, "device added", p.Kind+" at "+p.Address, by)
}

// Remove takes a device out of the home's file. Its zone and sensors stay
// unless they need it, in which case nothing is changed.
func (r *residence) Remove(ctx context.Context, id, by string) error {
	if r.simulated() {
		return fmt.Errorf("%w: the simulated home's devices cannot be taken away", site.ErrInvalid)
	}
	path := r.file()
	src, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w: read the configuration: %w", site.ErrUnavailable, err)
	}
	out, err := config.Remove(src, "devices", id)
	if err == nil && string(out) == string(src) {
		return fmt.Errorf("device %q: %w", id, site.ErrNotFound)
	}
	if err == nil {
		_, err = config.Parse(out)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", site.ErrInvalid, err)
	}
	if err := r.adopt(ctx, path, src, out); err != nil {
		return err
	}
	return r.site().Note(ctx, id, "device removed", "", by)
}

// adopt writes a changed configuration and rebuilds the home from it; if it
// cannot be built the old file is put back.
func (r *residence) adopt(ctx context.Context, path string, old, changed []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("%w: %w", site.ErrUnavailable, err)
	}
	if err := config.Save(path, changed); err != nil {
		return fmt.Errorf("%w: %w", site.ErrUnavailable, err)
	}
	err := r.reload(ctx)
	if err == nil || !errors.Is(err, site.ErrInvalid) {
		return err
	}
	if old == nil {
		return errors.Join(err, os.Remove(path))
	}
	return errors.Join(err, config.Save(path, old))
}

// placed is the file with the device in it. Each entry goes in at a point at
// which all it names is there already.
func placed(src []byte, p site.Placement) ([]byte, error) {
	f, err := config.Parse(src)
	if err != nil {
		return nil, err
	}
	if p.Kind == "" || p.Address == "" {
		return nil, errors.New("say which driver (kind) and where the device is (address)")
	}
	device := []config.Field{
		{Key: "kind", Value: p.Kind},
		{Key: "name", Value: p.Name},
		{Key: "address", Value: p.Address},
		{Key: "relay", Value: p.Relay},
	}
	if p.Limit > 0 {
		device = append(device, config.Field{Key: "limit", Value: p.Limit.String()})
	}
	if p.Load > 0 {
		device = append(device, config.Field{Key: "load", Value: p.Load.String()})
	}
	if src, err = config.Insert(src, "devices", p.ID, device); err != nil || p.Zone == "" {
		return src, err
	}
	_, room := f.Rooms[p.Zone]
	_, tank := f.Tanks[p.Zone]
	_, manual := f.Manual[p.Zone]
	if !room && !tank && !manual {
		if src, err = withZone(src, f, p); err != nil {
			return nil, err
		}
	}
	device = append(device, config.Field{Key: "zone", Value: p.Zone}, config.Field{Key: "role", Value: string(p.Role)})
	return config.Insert(src, "devices", p.ID, device)
}

// withZone is the file with the device's new place in it.
func withZone(src []byte, f config.File, p site.Placement) ([]byte, error) {
	if p.Sensor == "" {
		return config.Insert(src, "manual", p.Zone, []config.Field{{Key: "name", Value: nameOr(p.ZoneName, p.Zone)}})
	}
	sensor := p.Sensor
	if dev, channel, ok := strings.Cut(p.Sensor, "/"); ok {
		sensor = p.Zone + "-thermometer"
		var err error
		if src, err = config.Insert(src, "sensors", sensor, []config.Field{
			{Key: "kind", Value: "device"}, {Key: "device", Value: dev}, {Key: "channel", Value: channel},
		}); err != nil {
			return nil, err
		}
	} else if _, ok := f.Sensors[sensor]; !ok {
		return nil, fmt.Errorf("there is no sensor %q: name one of the home's, or a device's channel as DEVICE/CHANNEL", sensor)
	}
	room := []config.Field{{Key: "name", Value: nameOr(p.ZoneName, p.Zone)}, {Key: "sensor", Value: sensor}}
	if p.SetPoint != 0 {
		room = append(room, config.Field{Key: "setpoint", Value: p.SetPoint.String()})
	}
	return config.Insert(src, "rooms", p.Zone, room)
}

func nameOr(name, id string) string {
	if name == "" {
		return id
	}
	return name
}

// StartCheck begins a commissioning check of a device.
func (r *residence) StartCheck(ctx context.Context, id, name, by string) error {
	return r.site().StartCheck(ctx, id, name, by)
}

// Checks returns how the checks of a device stand.
func (r *residence) Checks(id string) ([]site.Check, error) { return r.site().Checks(id) }

// SignSheet writes a device's commissioning into the ledger.
func (r *residence) SignSheet(ctx context.Context, id, by string) (site.SignedSheet, error) {
	return r.site().SignSheet(ctx, id, by)
}

// LastSheet returns the sheet that was signed last for a device.
func (r *residence) LastSheet(ctx context.Context, id string) (site.SignedSheet, error) {
	return r.site().LastSheet(ctx, id)
}

package storybook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"hearth/control"
	"hearth/device"
	"hearth/ledger"
	"hearth/site"
	"hearth/units"
)

// Place implements the home: what is placed is an Avalon heater that answers
// at once.
func (h *Home) Place(_ context.Context, p site.Placement, by string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, fmt.Sprintf("place %s: %s at %s, zone %q %q, sensor %q, limit %v, by %s", p.ID, p.Kind, p.Address, p.Zone, p.ZoneName, p.Sensor, p.Limit, by))
	if slices.ContainsFunc(h.state.Devices, func(d site.DeviceState) bool { return d.ID == p.ID }) {
		return fmt.Errorf("%w: there is a device %q already: choose another id", site.ErrInvalid, p.ID)
	}
	name := p.Name
	if name == "" {
		name = p.ID
	}
	h.change(func(s *site.State) {
		d := home(h.source).state.Devices[0]
		d.ID, d.Name, d.Kind, d.Zone, d.Role, d.Limit, d.Online, d.Trouble = p.ID, name, p.Kind, p.Zone, p.Role, p.Limit, true, ""
		d.Identity = device.Identity{Vendor: "Canaan", Model: "Avalon Nano 3s", Firmware: "25021401", Serial: "E1A0", Simulated: d.Simulated}
		d.Command, d.Budget = nil, nil
		d.Reading.Power = units.Know[units.Watts](65, s.At, max(h.source, units.Estimate))
		d.Guard = "Keeps its last level if Hearth stops."
		if p.Limit > 0 {
			d.Guard = fmt.Sprintf("Keeps its last level if Hearth stops; capped at %v.", p.Limit)
		}
		s.Devices = append(s.Devices, d)
		if p.Zone == "" || slices.ContainsFunc(s.Zones, func(z site.ZoneState) bool { return z.ID == p.Zone }) {
			return
		}
		why := "there is no thermometer"
		s.Zones = append(s.Zones, site.ZoneState{
			ID: p.Zone, Name: p.ZoneName, Kind: control.Manual, Mode: site.ModeHeat, Activity: control.Idle, Heaters: []string{p.ID},
			Temp: units.Unknown[units.Celsius](why, s.At), SetPoint: units.Unknown[units.Celsius](why, s.At),
			Sentence: "Off until somebody chooses a level and a time.", Schedule: []string{},
		})
	})
	return nil
}

// Remove implements the home.
func (h *Home) Remove(_ context.Context, dev, by string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, fmt.Sprintf("remove %s by %s", dev, by))
	i := slices.IndexFunc(h.state.Devices, func(d site.DeviceState) bool { return d.ID == dev })
	if i < 0 {
		return fmt.Errorf("device %q: %w", dev, site.ErrNotFound)
	}
	h.change(func(s *site.State) { s.Devices = slices.Delete(s.Devices, i, i+1) })
	return nil
}

// StartCheck implements the home. A check stands as it began until [Home.EndCheck].
func (h *Home) StartCheck(_ context.Context, dev, name, by string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, fmt.Sprintf("check %s %s by %s", dev, name, by))
	if err := h.answering(dev); err != nil {
		return err
	}
	k := site.Check{Name: name, Outcome: site.CheckWaiting, Began: h.state.At, By: by, Steps: []string{}}
	switch name {
	case site.CheckControl:
		k.Outcome, k.Text = site.CheckRunning, "It is told each thing it can do, and read back."
	case site.CheckUnplug:
		k.Text = "Pull the network cable or the plug of it now, wait until this page says so, and plug it in again."
	case site.CheckInternet:
		k.Text = "Take the home off the internet now (unplug the router's line) and leave it so for 10 min. The local network must stay up."
	default:
		return fmt.Errorf("%w: there is no check %q: use control, unplug or internet", site.ErrInvalid, name)
	}
	if h.checks == nil {
		h.checks = map[string][]site.Check{}
	}
	h.checks[dev] = append(slices.DeleteFunc(h.checks[dev], func(c site.Check) bool { return c.Name == name }), k)
	h.change(func(*site.State) {})
	return nil
}

// answering is the error of a device that is not there or does not answer.
func (h *Home) answering(dev string) error {
	i := slices.IndexFunc(h.state.Devices, func(d site.DeviceState) bool { return d.ID == dev })
	switch {
	case i < 0:
		return fmt.Errorf("device %q: %w", dev, site.ErrNotFound)
	case !h.state.Devices[i].Online:
		return fmt.Errorf("%w: %s does not answer: connect it first", site.ErrUnavailable, h.state.Devices[i].Name)
	}
	return nil
}

// EndCheck ends a check that was started, as the home's loop would.
func (h *Home) EndCheck(dev, name string, outcome site.Outcome, text string, steps ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, k := range h.checks[dev] {
		if k.Name == name {
			at := h.state.At
			k.Outcome, k.Text, k.Steps, k.Ended = outcome, text, steps, &at
			h.checks[dev][i] = k
		}
	}
	h.change(func(*site.State) {})
}

// Checks implements the home.
func (h *Home) Checks(dev string) ([]site.Check, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.ContainsFunc(h.state.Devices, func(d site.DeviceState) bool { return d.ID == dev }) {
		return nil, fmt.Errorf("device %q: %w", dev, site.ErrNotFound)
	}
	return slices.Clone(h.checks[dev]), nil
}

// SignSheet implements the home, with a record of its own in the ledger.
func (h *Home) SignSheet(_ context.Context, dev, by string) (site.SignedSheet, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, fmt.Sprintf("sign %s by %s", dev, by))
	i := slices.IndexFunc(h.state.Devices, func(d site.DeviceState) bool { return d.ID == dev })
	if i < 0 {
		return site.SignedSheet{}, fmt.Errorf("device %q: %w", dev, site.ErrNotFound)
	}
	if len(h.checks[dev]) == 0 {
		return site.SignedSheet{}, fmt.Errorf("%w: no check has been made of this device yet", site.ErrInvalid)
	}
	d := h.state.Devices[i]
	out := site.SignedSheet{Sheet: site.Sheet{
		Home: h.state.Name, At: h.state.At, Device: dev, Name: d.Name, Driver: d.Kind, Identity: d.Identity, Simulated: d.Simulated,
		Zone: d.Zone, Role: d.Role, Limit: d.Limit, Guard: d.Guard, Checks: slices.Clone(h.checks[dev]),
	}}
	if d.Caps != nil {
		out.Sheet.Limp, out.Sheet.WattsFrom = d.Caps.Limp, d.Caps.WattSource.String()
	}
	b, err := json.Marshal(out.Sheet)
	if err != nil {
		return site.SignedSheet{}, err
	}
	hash := sha256.Sum256(b)
	out.Hash = hex.EncodeToString(hash[:])
	e, err := ledger.NewEntry(h.state.At, dev, d.Simulated, ledger.Setting{Name: "commissioning", To: out.Hash, By: by})
	if err != nil {
		return site.SignedSheet{}, err
	}
	last := h.ledger[len(h.ledger)-1]
	r, err := e.Seal(last.Seq+1, last.Hash, key())
	if err != nil {
		return site.SignedSheet{}, err
	}
	h.ledger = append(slices.Clone(h.ledger), r)
	out.Record, out.Head = r.Seq, r.Hash.String()
	if h.sheets == nil {
		h.sheets = map[string]site.SignedSheet{}
	}
	h.sheets[dev] = out
	return out, nil
}

// LastSheet implements the home.
func (h *Home) LastSheet(_ context.Context, dev string) (site.SignedSheet, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s, ok := h.sheets[dev]; ok {
		return s, nil
	}
	return site.SignedSheet{}, fmt.Errorf("%w: no commissioning sheet has been signed for %q yet", site.ErrNotFound, dev)
}

package generic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"hearth/device"
	"hearth/internal/fetch"
	"hearth/internal/mqtt"
	"hearth/units"
)

// New returns the kind "generic". broker returns the home's connection to its
// MQTT broker, nil where there is none; it is asked when a device is opened.
func New(broker func() *mqtt.Client) device.Kind {
	return device.Define("generic", "Any heater or meter, as described", Config{},
		func(_ context.Context, cfg Config, env device.Env) (device.Device, error) {
			var b *mqtt.Client
			if broker != nil {
				b = broker()
			}
			return open(cfg, b, env)
		})
}

// Heater is a described device. It implements [device.Device].
type Heater struct {
	cfg    Config
	http   *fetch.Client // nil if it has no address
	broker *mqtt.Client  // nil if it has no topics
	topics []string      // in which values stand
	latest *mqtt.Latest
	opened time.Time
	now    func() time.Time
	log    *slog.Logger
}

func open(cfg Config, broker *mqtt.Client, env device.Env) (*Heater, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	h := &Heater{cfg: cfg, now: env.Now, log: env.Log, opened: env.Now()}
	if cfg.HTTP.URL != "" {
		c, err := fetch.New(cfg.HTTP.Config, env.Secret)
		if err != nil {
			return nil, fmt.Errorf("http: %w", err)
		}
		h.http = c
	}
	topics := make(map[string]bool)
	for _, v := range cfg.sources() {
		if t := cfg.source(*v.source).Topic; t != "" && !topics[t] {
			topics[t] = true
			h.topics = append(h.topics, t)
		}
	}
	keep := h.topics
	if cfg.MQTT.Availability != "" {
		keep = append(slices.Clip(keep), cfg.MQTT.Availability)
	}
	sends := false
	for _, cmd := range cfg.Commands {
		sends = sends || cmd.Topic != ""
	}
	if len(keep) == 0 && !sends {
		return h, nil
	}
	if broker == nil {
		return nil, errors.New("it speaks over MQTT, and the home has no broker: set mqtt with a url")
	}
	h.broker = broker
	var err error
	if h.latest, err = broker.Keep(env.Now, keep...); err != nil {
		return nil, err
	}
	return h, nil
}

// Identify implements [device.Device]. It asks the device, so that one that
// does not answer is not identified by its description alone.
func (h *Heater) Identify(ctx context.Context) (device.Identity, error) {
	docs, err := h.collect(ctx)
	if err != nil {
		return device.Identity{}, fmt.Errorf("identify %s: %w", h.cfg.Model, err)
	}
	id := device.Identity{Vendor: h.cfg.Vendor, Model: h.cfg.Model, Serial: h.cfg.Serial, Simulated: docs.simulated()}
	if from := h.cfg.SerialFrom; from != nil {
		if id.Serial, err = docs.text(h.cfg.source(from.Source), from.Path); err != nil {
			return device.Identity{}, fmt.Errorf("identify %s: %w: %w", h.cfg.Model, device.ErrGarbage, err)
		}
	}
	return id, nil
}

// Capabilities implements [device.Device]. They are those of the description.
func (h *Heater) Capabilities(context.Context) (device.Capabilities, error) {
	c := h.cfg
	at := h.opened
	caps := device.Capabilities{
		Verbs:      make(map[device.Verb]device.Cost),
		Power:      device.Range(c.Range),
		Max:        c.Max,
		Idle:       units.Unknown[units.Watts]("the description does not say", at),
		WattSource: measured(c.Measured),
		Work:       c.Work,
		Limp:       device.LimpNone,
		DeadMan:    c.DeadMan,
		Notes:      c.Notes,
	}
	if c.Work == device.Hashing {
		caps.Limp = device.LimpUnknown
	}
	if c.Power == nil {
		caps.WattSource = units.Nameplate
	}
	if c.Idle > 0 {
		caps.Idle = units.Know(c.Idle, at, units.Nameplate)
	}
	for v, cmd := range c.Commands {
		caps.Verbs[device.Verb(v)] = device.Cost{
			Latency: cmd.Latency, Restarts: cmd.Restarts, Flash: cmd.Flash, PerHour: cmd.PerHour, PerDay: cmd.PerDay,
		}
	}
	for _, l := range c.Levels {
		caps.Levels = append(caps.Levels, device.Level{
			ID: l.ID, Name: l.Name, Power: units.Know(l.Power, at, units.Nameplate), Loud: l.Loud,
		})
	}
	for _, t := range c.Temperatures {
		caps.Temps = append(caps.Temps, device.Channel{Name: t.Name, Kind: t.Kind, Limit: t.Limit})
	}
	return caps, nil
}

// Close implements [device.Device].
func (h *Heater) Close() error {
	if h.http != nil {
		h.http.Close()
	}
	if h.latest != nil {
		h.latest.Close()
	}
	return nil
}

package sensor

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"hearth/internal/mqtt"
	"hearth/units"
)

// MQTT is a temperature in the messages of a topic.
type MQTT struct {
	Topic string `yaml:"topic"`
	Value `yaml:",inline"`
	// StaleAfter is the age from which on a value is not believed; 15 minutes
	// if nothing is said.
	StaleAfter time.Duration `yaml:"stale_after"`
	// Retained takes a retained message, whose age nobody knows.
	Retained bool `yaml:"retained"`
	// Availability is a topic that says whether the sensor is there; Online is
	// the payload for yes, "online" if nothing is said.
	Availability string `yaml:"availability"`
	Online       string `yaml:"online"`
}

// HomeAssistant is a sensor of Home Assistant, passed on by its integration
// MQTT Statestream, which publishes a state when it changes and retains it.
// With publish_timestamps: true there, the age of a retained state is known.
type HomeAssistant struct {
	// Entity is the entity's id, such as sensor.living_room_temperature.
	Entity string `yaml:"entity"`
	// Base is the base_topic of Statestream; "homeassistant" if nothing is said.
	Base string `yaml:"base"`
	// Unit is °C, which is the default, or °F: that of Home Assistant.
	Unit string `yaml:"unit"`
	// StaleAfter is the age from which on a value is not believed. It must be
	// longer than the sensor may go without any change; an hour if nothing is
	// said.
	StaleAfter time.Duration `yaml:"stale_after"`
}

type overMQTT struct {
	cfg     MQTT
	updated string // topic with the time of the last update, or ""
	broker  *mqtt.Client
	latest  *mqtt.Latest
	now     func() time.Time
}

func openMQTT(cfg MQTT, deps Deps) (Sensor, error) { return listen(cfg, "", deps) }

func listen(cfg MQTT, updated string, deps Deps) (Sensor, error) {
	if deps.Broker == nil {
		return nil, errNoBroker
	}
	if cfg.StaleAfter == 0 {
		cfg.StaleAfter = 15 * time.Minute
	}
	if cfg.StaleAfter < 10*time.Second {
		return nil, fmt.Errorf("stale_after: %v is shorter than 10s", cfg.StaleAfter)
	}
	if cfg.Online == "" {
		cfg.Online = "online"
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	topics := []string{cfg.Topic}
	for _, more := range []string{cfg.Availability, updated} {
		if more != "" {
			topics = append(topics, more)
		}
	}
	latest, err := deps.Broker.Keep(deps.Now, topics...)
	if err != nil {
		return nil, err
	}
	return &overMQTT{cfg, updated, deps.Broker, latest, deps.Now}, nil
}

var entityID = regexp.MustCompile(`^[a-z0-9_]+\.[a-z0-9_]+$`)

func openHomeAssistant(cfg HomeAssistant, deps Deps) (Sensor, error) {
	if !entityID.MatchString(cfg.Entity) {
		return nil, fmt.Errorf("entity %q: write its id, such as sensor.living_room_temperature", cfg.Entity)
	}
	if cfg.Base == "" {
		cfg.Base = "homeassistant"
	}
	if cfg.StaleAfter == 0 {
		cfg.StaleAfter = time.Hour
	}
	root := strings.TrimRight(cfg.Base, "/") + "/" + strings.Replace(cfg.Entity, ".", "/", 1)
	return listen(MQTT{
		Topic: root + "/state", Value: Value{Unit: cfg.Unit}, StaleAfter: cfg.StaleAfter, Retained: true,
	}, root+"/last_updated", deps)
}

// Read implements [Sensor]. The value carries the time at which its message
// came, or at which Home Assistant says that it was made.
func (s *overMQTT) Read(context.Context) (units.Known[units.Celsius], error) {
	now := s.now()
	if !s.broker.Connected() {
		return unknown("the MQTT broker is not connected", now), fmt.Errorf("read %s: %w", s.cfg.Topic, mqtt.ErrDown)
	}
	if topic := s.cfg.Availability; topic != "" {
		m, _, ok := s.latest.Get(topic)
		if said := strings.TrimSpace(string(m.Payload)); !ok || said != s.cfg.Online {
			return unknown(fmt.Sprintf("the sensor is not there: %s says %.40q, not %q", topic, said, s.cfg.Online), now), nil
		}
	}
	m, at, ok := s.latest.Get(s.cfg.Topic)
	switch {
	case !ok:
		return unknown("no message has come on "+s.cfg.Topic+" yet", now), nil
	case m.Retained && !s.cfg.Retained:
		return unknown("only a retained message has come on "+s.cfg.Topic+", and nobody knows how old it is (retained: true takes it)", at), nil
	case m.Retained:
		at = s.made(at)
	}
	switch said := strings.ToLower(strings.TrimSpace(string(m.Payload))); said {
	case "unavailable", "unknown", "none", "offline", "":
		return unknown(fmt.Sprintf("%s says %q", s.cfg.Topic, said), at), nil
	}
	return s.cfg.of(m.Payload, at).Fresh(now, s.cfg.StaleAfter), nil
}

// made is when a retained state was made, where Home Assistant tells it.
func (s *overMQTT) made(came time.Time) time.Time {
	if s.updated == "" {
		return came
	}
	m, _, ok := s.latest.Get(s.updated)
	if !ok {
		return came
	}
	// Statestream publishes attributes as JSON.
	var text string
	if json.Unmarshal(m.Payload, &text) != nil {
		text = string(m.Payload)
	}
	if t, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(text)); err == nil && t.Before(came) {
		return t
	}
	return came
}

// Close implements [Sensor].
func (s *overMQTT) Close() error {
	s.latest.Close()
	return nil
}

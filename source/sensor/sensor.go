package sensor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"hearth/internal/mqtt"
	"hearth/units"
)

// Sensor is one thermometer. It is used by one goroutine at a time.
type Sensor interface {
	// Read takes the temperature. What the sensor itself does not know or
	// should not be believed is unknown, with a nil error; an error says that
	// the sensor was not reached, and comes with an unknown. Read returns soon
	// after ctx ends.
	Read(ctx context.Context) (units.Known[units.Celsius], error)
	// Close frees what the sensor holds.
	Close() error
}

// Deps is what a sensor gets from the program.
type Deps struct {
	// Now stamps readings.
	Now func() time.Time
	// Secret reads a secret by reference, such as "file:probe-token".
	Secret func(ref string) (string, error)
	// Broker is the home's connection to its MQTT broker, nil if it has none.
	Broker *mqtt.Client
	// System is the root of the file system with sys; nil is this computer's.
	System fs.FS
}

// Kinds lists the names that [Open] takes.
func Kinds() []string { return []string{"homeassistant", "http", "mqtt", "onewire"} }

// Open makes a sensor of a kind. decode fills the kind's configuration,
// strictly. The sensor itself is not asked yet: one that is away now opens.
func Open(kind string, decode func(any) error, deps Deps) (Sensor, error) {
	if deps.System == nil {
		deps.System = os.DirFS("/")
	}
	var s Sensor
	var err error
	switch kind {
	case "onewire":
		s, err = opened(OneWire{}, decode, deps, openOneWire)
	case "http":
		s, err = opened(HTTP{}, decode, deps, openHTTP)
	case "mqtt":
		s, err = opened(MQTT{}, decode, deps, openMQTT)
	case "homeassistant":
		s, err = opened(HomeAssistant{}, decode, deps, openHomeAssistant)
	default:
		return nil, fmt.Errorf("there is no sensor kind %q: use one of %s", kind, strings.Join(Kinds(), ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("open %s sensor: %w", kind, err)
	}
	return s, nil
}

func opened[C any](cfg C, decode func(any) error, deps Deps, open func(C, Deps) (Sensor, error)) (Sensor, error) {
	if decode != nil {
		if err := decode(&cfg); err != nil {
			return nil, err
		}
	}
	return open(cfg, deps)
}

// errNoBroker is what sensors over MQTT say where there is no broker.
var errNoBroker = errors.New("the home has no MQTT broker: set mqtt with a url")

func unknown(why string, at time.Time) units.Known[units.Celsius] {
	return units.Unknown[units.Celsius](why, at)
}

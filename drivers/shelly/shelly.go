package shelly

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hearth/device"
	"hearth/drivers/internal/httpjson"
	"hearth/units"
)

// Config is how to reach one channel of one device and what hangs on it.
type Config struct {
	// Address is a host name or IP.
	Address string `yaml:"address"`
	// Channel is the number of the relay or meter, from 0.
	Channel int `yaml:"channel"`
	// User is "admin" on every Shelly known.
	User string `yaml:"user"`
	// Password is a reference ("file:…") to the device's password, empty if it
	// has none.
	Password string `yaml:"password"`
	// Load is the power of the resistive heater on the relay. Empty when the
	// relay feeds another device of Hearth, or nothing.
	Load units.Watts `yaml:"load"`
	// DeadMan is how long the relay stays closed without Hearth.
	DeadMan time.Duration `yaml:"dead_man"`
}

// The bounds of Config.DeadMan. A shorter one opens the relay between two
// rounds of control, a longer one guards little.
const (
	minDeadMan = 30 * time.Second
	maxDeadMan = time.Hour
)

// Kind is the driver, under the name "shelly".
func Kind() device.Kind {
	return device.Define("shelly", "Shelly relay, meter or thermometer (Gen2+)", Config{User: "admin", DeadMan: 5 * time.Minute},
		func(_ context.Context, c Config, env device.Env) (device.Device, error) { return Open(c, env) })
}

// Switch is one channel of a device. Like every [device.Device] it is used by
// one goroutine at a time.
type Switch struct {
	rpc    *rpc
	config Config
	now    func() time.Time
	model  string // app name, once known
}

// Open makes the device without talking to it.
func Open(c Config, env device.Env) (*Switch, error) {
	client, err := httpjson.New(c.Address)
	if err != nil {
		return nil, err
	}
	switch {
	case c.Channel < 0 || c.Channel > 63:
		return nil, fmt.Errorf("channel %d: channels are numbered from 0", c.Channel)
	case c.DeadMan < minDeadMan || c.DeadMan > maxDeadMan:
		return nil, fmt.Errorf("dead_man %v: set it between %v and %v", c.DeadMan, minDeadMan, maxDeadMan)
	case c.Load < 0 || c.Load > 100_000:
		return nil, fmt.Errorf("load %v: this is not the power of a heater", c.Load)
	}
	s := &Switch{rpc: &rpc{http: client, user: c.User}, config: c, now: env.Now}
	if s.now == nil {
		s.now = time.Now
	}
	if c.Password != "" {
		if !strings.HasPrefix(c.Password, "file:") {
			return nil, errors.New(`password: put it in a file of its own and write "file:" and the file's path here`)
		}
		if env.Secret == nil {
			return nil, errors.New("password: secrets cannot be read here")
		}
		if s.rpc.password, err = env.Secret(c.Password); err != nil {
			return nil, fmt.Errorf("read the password: %w", err)
		}
	}
	return s, nil
}

// Probe asks the address whether a Shelly of the second generation or later
// lives there, and which. It needs no password.
func Probe(ctx context.Context, address string) (device.Identity, error) {
	s, err := Open(Config{Address: address, DeadMan: minDeadMan}, device.Env{})
	if err != nil {
		return device.Identity{}, err
	}
	defer func() { _ = s.Close() }()
	return s.Identify(ctx)
}

// Identify implements [device.Device]. The serial is the MAC.
func (s *Switch) Identify(ctx context.Context) (device.Identity, error) {
	info, err := s.info(ctx)
	if err != nil {
		return device.Identity{}, fmt.Errorf("identify the Shelly: %w", err)
	}
	id := device.Identity{Vendor: "Shelly", Model: s.model}
	if code, ok := info.Text("model"); ok {
		id.Model = strings.TrimSpace(id.Model + " " + code)
	}
	id.Firmware, _ = info.Text("ver")
	mac, _ := info.Text("mac")
	id.Serial = strings.ToLower(mac)
	if s.config.Channel > 0 && mac != "" {
		id.Serial += fmt.Sprintf("/%d", s.config.Channel)
	}
	_, id.Simulated = info.Text("emulator")
	return id, nil
}

// info asks who the device is, which it tells without a password.
func (s *Switch) info(ctx context.Context) (httpjson.Object, error) {
	info, err := s.rpc.call(ctx, "Shelly.GetDeviceInfo", nil)
	if err != nil {
		return nil, err
	}
	if gen, ok := info.Float("gen"); !ok || gen < 2 {
		return nil, fmt.Errorf("%s: %w: not a Shelly of the second generation or later", s.rpc.http.Base(), device.ErrGarbage)
	}
	if app, ok := info.Text("app"); ok {
		s.model = app
	}
	return info, nil
}

// status asks for everything the device tells of itself at once.
func (s *Switch) status(ctx context.Context) (httpjson.Object, error) {
	return s.rpc.call(ctx, "Shelly.GetStatus", nil)
}

// relay returns the status of the channel's relay, nil if there is none.
func (s *Switch) relay(status httpjson.Object) httpjson.Object {
	return status.Object(fmt.Sprintf("switch:%d", s.config.Channel))
}

// meter returns the object with the channel's meter: its relay's own, or that
// of a device that is only a meter.
func (s *Switch) meter(status httpjson.Object) httpjson.Object {
	if r := s.relay(status); r != nil {
		return r
	}
	return status.Object(fmt.Sprintf("pm1:%d", s.config.Channel))
}

// Close implements [device.Device].
func (s *Switch) Close() error { return s.rpc.http.Close() }

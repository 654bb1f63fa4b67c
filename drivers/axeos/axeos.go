package axeos

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"hearth/device"
	"hearth/drivers/internal/httpjson"
	"hearth/units"
)

// Config is how to reach one miner.
type Config struct {
	// Address is a host name or IP, with a port if it is not 80.
	Address string `yaml:"address"`
}

// Kind is the driver, under the name "axeos".
func Kind() device.Kind {
	return device.Define("axeos", "Bitaxe and NerdAxe (AxeOS)", Config{},
		func(_ context.Context, c Config, env device.Env) (device.Device, error) { return Open(c, env) })
}

// Miner is one miner. Like every [device.Device] it is used by one goroutine
// at a time.
type Miner struct {
	http *httpjson.Client
	now  func() time.Time

	// ceiling is the frequency (MHz) the miner ran at when first seen: its
	// owner chose it to go with the core voltage. 0 before.
	ceiling float64
	learned learned
	// woken is when this driver last started the miner, which then hashes
	// nothing for a while and is not to be taken for one without a pool.
	woken time.Time
	nerd  shutdown
	// given are the pools that this driver has put in force.
	given []device.Pool
}

// shutdown follows a NerdQAxe, which shuts itself down when it gets too hot
// and does not say why.
type shutdown struct {
	running bool // when last seen
	ordered bool // down, by this driver
	itself  bool // it went down without an order, and was not started since
}

func (s *shutdown) see(down bool) {
	switch {
	case !down && !s.running:
		*s = shutdown{running: true}
	case down && s.running:
		*s = shutdown{itself: !s.ordered}
	}
}

// Open makes the device without talking to it.
func Open(c Config, env device.Env) (*Miner, error) {
	client, err := httpjson.New(c.Address)
	if err != nil {
		return nil, err
	}
	now := env.Now
	if now == nil {
		now = time.Now
	}
	return &Miner{http: client, now: now}, nil
}

// Probe asks the address whether an AxeOS miner lives there, and which.
func Probe(ctx context.Context, address string) (device.Identity, error) {
	m, err := Open(Config{Address: address}, device.Env{})
	if err != nil {
		return device.Identity{}, err
	}
	defer func() { _ = m.Close() }()
	return m.Identify(ctx)
}

// Identify implements [device.Device]. The serial is the MAC.
func (m *Miner) Identify(ctx context.Context) (device.Identity, error) {
	info, err := m.info(ctx)
	if err != nil {
		return device.Identity{}, fmt.Errorf("identify the miner: %w", err)
	}
	asic, err := m.asic(ctx)
	if err != nil {
		return device.Identity{}, fmt.Errorf("identify the miner: %w", err)
	}
	model, ok := asic.Text("deviceModel")
	if !ok {
		model, _ = info.Text("ASICModel")
	}
	vendor := "Bitaxe"
	if isNerd(info) {
		vendor = "NerdAxe"
	}
	if board, ok := info.Text("boardVersion"); ok && board != "" {
		model += " " + board
	}
	id := device.Identity{Vendor: vendor, Model: model}
	id.Firmware, _ = info.Text("version")
	mac, _ := info.Text("macAddr")
	id.Serial = strings.ToLower(mac)
	id.Simulated, _ = info.Truth("hearthEmulator")
	return id, nil
}

// Close implements [device.Device].
func (m *Miner) Close() error { return m.http.Close() }

// info asks for the state of the miner and notes what is learned from it.
func (m *Miner) info(ctx context.Context) (httpjson.Object, error) {
	var o httpjson.Object
	if err := m.http.Get(ctx, "/api/system/info", &o); err != nil {
		return nil, err
	}
	if _, ok := o.Text("ASICModel"); !ok || !o.Has("frequency") {
		return nil, fmt.Errorf("%s: %w: it speaks JSON but is not an AxeOS miner", m.http.Base(), device.ErrGarbage)
	}
	if f, ok := megahertzOf(o, "frequency"); ok && m.ceiling == 0 {
		m.ceiling = f
	}
	if down, ok := o.Truth("shutdown"); ok {
		m.nerd.see(down)
	}
	return o, nil
}

// asic asks for the table of frequencies.
func (m *Miner) asic(ctx context.Context) (httpjson.Object, error) {
	var o httpjson.Object
	err := m.http.Get(ctx, "/api/system/asic", &o)
	return o, err
}

// isNerd tells a NerdQAxe's firmware, which reports whether it is shut down,
// from a Bitaxe's.
func isNerd(info httpjson.Object) bool { return info.Has("shutdown") }

// hasPause tells firmware with pause and resume (ESP-Miner 2.14 and later): it
// reports whether it is paused. A pause that cannot be read back is no use.
func hasPause(info httpjson.Object) bool {
	_, ok := info.Truth("miningPaused")
	return ok
}

// validMHz bounds a frequency: no SHA-256 chip of these boards runs outside.
func validMHz(f float64) bool { return f >= 1 && f <= 2000 }

// megahertzOf returns a field that is a frequency. It is rounded to hundredths:
// the firmware keeps single precision, and 524.99994 is 525.
func megahertzOf(o httpjson.Object, name string) (float64, bool) {
	f, ok := o.Float(name)
	return math.Round(f*100) / 100, ok && validMHz(f)
}

// unknown is short for an unknown of this reading.
func unknown[T any](why string, at time.Time) units.Known[T] { return units.Unknown[T](why, at) }

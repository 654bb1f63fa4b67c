package sensor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"hearth/internal/jsonpath"
	"hearth/units"
)

// OneWire is a DS18B20 or a relative of it on the computer's 1-Wire bus, as
// the kernel's w1_therm driver shows it.
type OneWire struct {
	// ID is the probe's folder below /sys/bus/w1/devices, such as
	// 28-0316a2794f7c. It may be left out where there is only one probe.
	ID string `yaml:"id"`
}

const bus = "sys/bus/w1/devices"

// Families of thermometers: DS18S20, DS1822, DS18B20, DS28EA00, MAX31850.
var probeID = regexp.MustCompile(`^(10|22|28|42|3b)-[0-9a-f]{12}$`)

type oneWire struct {
	fs   fs.FS
	id   string
	now  func() time.Time
	turn chan struct{} // one conversion at a time
}

func openOneWire(cfg OneWire, deps Deps) (Sensor, error) {
	cfg.ID = strings.ToLower(cfg.ID)
	if cfg.ID != "" && !probeID.MatchString(cfg.ID) {
		return nil, fmt.Errorf("id %q: write the probe's folder in /%s, such as 28-0316a2794f7c", cfg.ID, bus)
	}
	return &oneWire{fs: deps.System, id: cfg.ID, now: deps.Now, turn: make(chan struct{}, 1)}, nil
}

// Read takes the better part of a second: the kernel lets the probe convert,
// and a read in progress cannot be called off. When ctx ends first it goes on
// alone, and the next Read waits for it.
func (s *oneWire) Read(ctx context.Context) (units.Known[units.Celsius], error) {
	type result struct {
		value units.Known[units.Celsius]
		err   error
	}
	fail := func() (units.Known[units.Celsius], error) {
		return unknown("the probe did not answer in time", s.now()), fmt.Errorf("read 1-Wire probe: %w", ctx.Err())
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return fail()
	}
	done := make(chan result, 1)
	go func() {
		v, err := s.convert()
		<-s.turn
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return fail()
	}
}

func (s *oneWire) convert() (units.Known[units.Celsius], error) {
	at := s.now()
	id, err := s.probe()
	if err != nil {
		return unknown(err.Error(), at), fmt.Errorf("find 1-Wire probe: %w", err)
	}
	text, err := s.text(path.Join(bus, id, "temperature"))
	var t units.Celsius
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// Kernels before 5.8 have only this file.
		if text, err = s.text(path.Join(bus, id, "w1_slave")); err == nil {
			t, err = slave(text)
			break
		}
		why := fmt.Sprintf("the probe %s is not on the bus", id)
		return unknown(why, at), fmt.Errorf("read 1-Wire probe: %s: %w", why, err)
	case err != nil:
		// The kernel says EIO for a checksum that is wrong, and for a probe that
		// lost its power: parasitic power, a long line.
		return unknown(fmt.Sprintf("the probe %s answers with errors (check its line and power)", id), at), nil //nolint:nilerr // the probe was reached: what it says is unknown
	default:
		t, err = milli(text)
	}
	if err != nil {
		return unknown(err.Error(), at), nil
	}
	return units.Know(t, at, units.Meter), nil
}

// probe returns the configured probe or the only one there is.
func (s *oneWire) probe() (string, error) {
	if s.id != "" {
		return s.id, nil
	}
	entries, err := fs.ReadDir(s.fs, bus)
	if err != nil {
		return "", errors.New("this computer has no 1-Wire bus (is its overlay or driver loaded?)")
	}
	var ids []string
	for _, e := range entries {
		if probeID.MatchString(e.Name()) {
			ids = append(ids, e.Name())
		}
	}
	switch len(ids) {
	case 1:
		return ids[0], nil
	case 0:
		return "", errors.New("there is no probe on the 1-Wire bus")
	}
	return "", fmt.Errorf("there are %d probes on the 1-Wire bus: write the id of one: %s", len(ids), strings.Join(ids, ", "))
}

func (s *oneWire) text(name string) (string, error) {
	f, err := s.fs.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 4096))
	return string(b), err
}

// slave reads the older file, of two lines:
//
//	55 01 4b 46 7f ff 0c 10 cf : crc=cf YES
//	55 01 4b 46 7f ff 0c 10 cf t=21312
func slave(text string) (units.Celsius, error) {
	first, second, _ := strings.Cut(strings.TrimSpace(text), "\n")
	_, value, found := strings.Cut(second, "t=")
	switch {
	case !strings.HasSuffix(strings.TrimSpace(first), "YES"):
		return 0, errors.New("the probe's checksum is wrong (check its line and power)")
	case !found:
		return 0, errors.New("the kernel shows no temperature of the probe")
	}
	return milli(value)
}

// milli reads millidegrees. The DS18B20 shows exactly 85 °C when it has lost
// its power and not converted since (data sheet: power-on reset value), and
// -127 °C stands for a probe that is not there.
func milli(text string) (units.Celsius, error) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	switch {
	case err != nil:
		return 0, fmt.Errorf("the kernel says %.40q for the probe's temperature", text)
	case n == 85_000:
		return 0, errors.New("the probe says 85 °C, as it does when it lost its power")
	case n == -127_000:
		return 0, errors.New("the probe says -127 °C, as it does when it is not connected")
	}
	return jsonpath.Celsius(float64(n), "m°C")
}

// Close implements [Sensor].
func (s *oneWire) Close() error { return nil }

package avalon_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"hearth/device"
	"hearth/device/devicetest"
	"hearth/drivers/avalon"
	"hearth/emulate"
	emulated "hearth/emulate/avalon"
	"hearth/units"
)

func pool(host, user, password string) device.Pool {
	p := device.Pool{URL: "stratum+tcp://" + host + ":3333", User: user}
	if password != "" {
		p.Password = units.Know(password, time.Time{}, units.Chosen)
	}
	return p
}

func (m miner) mines() string {
	p := m.Pool()
	password, _ := p.Password.Get()
	return p.String() + ", " + password
}

func TestPoolsAreWrittenOnlyWhereTheyChange(t *testing.T) {
	m := newMiner(t, emulated.Config{Model: emulated.Q})
	before, err := m.Pools(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	hearth := pool("10.0.0.2", "attic", "token")
	order, left := before.Pointed(hearth)
	if len(order) != 3 || len(left) != 0 || order[1].User != "hearth.backup" || order[2].User != "hearth.emulated" {
		t.Fatalf("order %v, left %v", order, left)
	}
	if err := m.SetPools(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	if m.Emulator.FlashWrites() != 2 || m.mines() != "hearth.emulated at stratum+tcp://pool.example.org:3333, first secret" {
		t.Errorf("%d writes; before the reboot it mines as %s", m.Emulator.FlashWrites(), m.mines())
	}
	m.pass(3 * time.Minute)
	if m.mines() != "attic at stratum+tcp://10.0.0.2:3333, token" {
		t.Errorf("it mines as %s", m.mines())
	}
	if s := m.Settings(); !strings.Contains(s, "second secret") {
		t.Errorf("the pool that stayed in its place lost its password: %s", s)
	}
	if err := m.SetPools(t.Context(), order); err != nil || m.Emulator.FlashWrites() != 2 {
		t.Errorf("again: %v, %d writes", err, m.Emulator.FlashWrites())
	}
	// Back: the third place cannot be emptied and holds the first pool again,
	// which is told once.
	if err := m.SetPools(t.Context(), before.Order); err != nil {
		t.Fatal(err)
	}
	m.pass(3 * time.Minute)
	after, err := m.Pools(t.Context())
	if err != nil || len(after.Order) != 2 || !after.Order[0].Same(before.Order[0]) || !after.Order[1].Same(before.Order[1]) {
		t.Errorf("put back: %v, %v", after.Order, err)
	}
	if !strings.Contains(strings.Join(after.Notes, " "), "entered anew") || m.mines() != "hearth.emulated at stratum+tcp://pool.example.org:3333, " {
		t.Errorf("it mines as %s, notes %v", m.mines(), after.Notes)
	}
}

func TestSetPoolNeedsTheLoginOfThePage(t *testing.T) {
	clock := emulate.NewManual(start())
	e := emulated.New(emulated.Config{Model: emulated.Nano3s, Clock: clock.Now, User: "root", Password: "well"})
	address := devicetest.Serve(t, e)
	env := device.Env{Now: clock.Now, Secret: func(ref string) (string, error) {
		if ref == "file:missing" {
			return "", os.ErrNotExist
		}
		return strings.TrimPrefix(ref, "file:"), nil
	}}
	order := []device.Pool{pool("10.0.0.2", "attic", "")}
	for _, c := range []struct {
		config avalon.Config
		want   error
	}{
		{avalon.Config{}, device.ErrRefused},
		{avalon.Config{User: "root"}, device.ErrRefused},
		{avalon.Config{User: "root", Password: "file:wrong"}, device.ErrRefused},
		{avalon.Config{User: "root", Password: "file:well"}, nil},
	} {
		c.config.Address = address
		m, err := avalon.Open(c.config, env)
		if err != nil {
			t.Fatal(err)
		}
		before := e.Settings()
		err = m.SetPools(t.Context(), order)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%+v: %v, want %v", c.config, err, c.want)
		}
		if c.want != nil && (e.Settings() != before || strings.Contains(err.Error(), "wrong") || !strings.Contains(err.Error(), "page")) {
			t.Errorf("%+v: %v, settings %s", c.config, err, e.Settings())
		}
	}
	for _, c := range []avalon.Config{
		{Address: address, Password: "well"},
		{Address: address, Password: "file:missing"},
		{Address: address, Password: "file:a,b"},
		{Address: address, User: "a|b"},
	} {
		if _, err := avalon.Open(c, env); err == nil {
			t.Errorf("%+v opens", c)
		}
	}
	if _, err := avalon.Open(avalon.Config{Address: address, Password: "file:well"}, device.Env{}); err == nil {
		t.Error("without secrets a password opens")
	}
}

func TestAnAvalonKnowsNoStratumV2(t *testing.T) {
	m := newMiner(t, emulated.Config{Model: emulated.Mini3})
	before := m.Settings()
	err := m.SetPools(t.Context(), []device.Pool{{URL: "stratum2+tcp://10.0.0.2:3336", User: "attic"}})
	if !errors.Is(err, device.ErrUnsupported) || m.Settings() != before {
		t.Errorf("%v, settings %s", err, m.Settings())
	}
}

// A miner that does as if it took a pool is found out by reading back.
func TestALieAboutPoolsIsReadBack(t *testing.T) {
	m := newMiner(t, emulated.Config{Model: emulated.Mini3})
	m.Faults().SetLyingOK(true)
	order := []device.Pool{pool("10.0.0.2", "attic", "")}
	if err := m.SetPools(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	m.Faults().SetLyingOK(false)
	m.pass(3 * time.Minute)
	if p, err := m.Pools(t.Context()); err != nil || p.Order[0].Same(order[0]) {
		t.Errorf("it tells %v, %v", p.Order, err)
	}
	if err := m.SetPools(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	m.pass(3 * time.Minute)
	if p, err := m.Pools(t.Context()); err != nil || !p.Order[0].Same(order[0]) {
		t.Errorf("asked again, it tells %v, %v", p.Order, err)
	}
}

package computer_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hearth/device"
	"hearth/drivers/computer"
	"hearth/units"
)

// pit is a workload that mines: a million hashes a second on each thread.
type pit struct {
	furnace
	poor   atomic.Bool // it has no pool
	other  atomic.Bool // it computes something else
	hashes atomic.Int64
	closed atomic.Int64
}

func (p *pit) Name() string { return "pit" }

func (p *pit) Work() device.Work {
	switch {
	case p.other.Load():
		return device.Computing
	case p.poor.Load():
		return device.Burning
	}
	return device.Hashing
}

func (p *pit) Done() []device.Output {
	now := time.Now()
	return []device.Output{
		{Unit: computer.HashUnit, Count: units.Know(p.hashes.Load(), now, units.Meter)},
		{Unit: computer.ShareUnit, Count: units.Know(p.hashes.Load()/1e8, now, units.Meter)},
	}
}

func (p *pit) Run(ctx context.Context, threads int, share func() units.Fraction) error {
	done := make(chan error, 1)
	go func() { done <- p.furnace.Run(ctx, threads, share) }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if p.Work() == device.Hashing {
				p.hashes.Add(int64(1e4 * float64(share()) * float64(threads)))
			}
		case err := <-done:
			return err
		}
	}
}

func (p *pit) Close() error {
	p.closed.Add(1)
	return nil
}

// mines are the options of a computer with a pit.
func mines(m *machine, p *pit, asked *computer.Pool) computer.Options {
	return computer.Options{System: m, Allowed: yes, Mine: func(at computer.Pool, _ int, _ device.Env) (computer.Workload, error) {
		if asked != nil {
			*asked = at
		}
		return p, nil
	}}
}

func TestAComputerThatMinesTellsHowFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := boot(t, "intel"), &pit{}
		m.draws(t, &p.furnace, 9, 3.5)
		var asked computer.Pool
		d := open(t, mines(m, p, &asked), computer.Config{Work: "sha256", Pool: computer.Pool{URL: "stratum+tcp://pool.example:3333"}})
		if want := (computer.Pool{URL: "stratum+tcp://pool.example:3333", User: "pc", Password: "x"}); asked != want {
			t.Errorf("it mines at %+v, want %+v", asked, want)
		}
		c := caps(t, d)
		if c.Limp != device.LimpHeats || c.Work != device.Hashing || !strings.Contains(strings.Join(c.Notes, "\n"), "loses money") {
			t.Errorf("its capabilities do not say that it mines: %+v", c)
		}
		if r := read(t, d); r.HashRate.IsKnown() || r.Pool.IsKnown() {
			t.Errorf("it does not mine yet: %v, pool %v", r.HashRate, r.Pool)
		}
		if _, err := d.Apply(t.Context(), device.Demand{Verb: device.Run}); err != nil {
			t.Fatal(err)
		}
		read(t, d)
		time.Sleep(10 * time.Second)
		for _, x := range []struct {
			name        string
			poor, other bool
			rate, pool  string
		}{
			{"with a pool", false, false, "8 MH/s", "true"},
			{"without", true, false, "0 H/s", "false"},
			{"with other work", false, true, "it computes something else now", "it computes something else now"},
			{"with a pool again", false, false, "8 MH/s", "true"},
		} {
			p.poor.Store(x.poor)
			p.other.Store(x.other)
			read(t, d)
			time.Sleep(10 * time.Second)
			r := read(t, d)
			if got := text(r.HashRate, roughly); got != x.rate {
				t.Errorf("%s it hashes %q, want %q", x.name, got, x.rate)
			}
			if got := text(r.Pool, func(ok bool) string { return map[bool]string{true: "true", false: "false"}[ok] }); got != x.pool {
				t.Errorf("%s its pool is %q, want %q", x.name, got, x.pool)
			}
			if r.State != device.StateHeating {
				t.Errorf("%s it is %s", x.name, r.State)
			}
		}
		for range 2 {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
		if p.closed.Load() == 0 || p.busy() != 0 {
			t.Error("closing the computer did not close what mines")
		}
	})
}

// roughly is a hash rate to the million: the share of the time that is computed
// follows what the computer is found to draw.
func roughly(h units.HashRate) string {
	return units.HashRate(math.Round(float64(h)/1e6) * 1e6).String()
}

// text is a value as text, or why there is none.
func text[T any](k units.Known[T], as func(T) string) string {
	if v, ok := k.Get(); ok {
		return as(v)
	}
	return k.Why()
}

func TestMiningThatCannotBe(t *testing.T) {
	broken := errors.New("no such pool")
	can := func(computer.Pool, int, device.Env) (computer.Workload, error) { return &pit{}, nil }
	cannot := func(computer.Pool, int, device.Env) (computer.Workload, error) { return nil, broken }
	for _, c := range []struct {
		name string
		cfg  computer.Config
		mine func(computer.Pool, int, device.Env) (computer.Workload, error)
		want string
	}{
		{"unknown work", computer.Config{Work: "scrypt"}, nil, `"scrypt" is not known`},
		{"a pool for dumb heat", computer.Config{Pool: computer.Pool{URL: "pool:3333"}}, nil, "needs none"},
		{"a program that cannot", computer.Config{Work: "sha256"}, nil, "does not mine"},
		{"a password in the open", computer.Config{Work: "sha256", Pool: computer.Pool{Password: "hunter2"}}, can, `write "file:"`},
		{"a password that is not there", computer.Config{Work: "sha256", Pool: computer.Pool{Password: "file:gone"}}, can, "gone is not there"},
		{"a pool that cannot be", computer.Config{Work: "sha256"}, cannot, broken.Error()},
	} {
		_, err := computer.New(computer.Options{System: boot(t, "intel"), Threads: 16, Mine: c.mine}).Open(t.Context(), func(dst any) error {
			*dst.(*computer.Config) = c.cfg
			return nil
		}, device.Env{Name: "pc", Log: slog.Default(), Now: time.Now, Secret: func(ref string) (string, error) {
			return "", errors.New(strings.TrimPrefix(ref, "file:") + " is not there")
		}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

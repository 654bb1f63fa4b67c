package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"hearth/config"
	"hearth/device"
	"hearth/drivers/computer"
	"hearth/furnace"
	"hearth/pool"
	"hearth/pool/job"
	"hearth/pool/miner"
	"hearth/pool/upstream"
	"hearth/units"
)

// hasher is a computer that mines in place of dumb heat. Without a pool it makes
// dumb heat. It implements [furnace.Workload].
type hasher struct {
	miner   *miner.Miner
	burning atomic.Bool // there is no work
	close   func()
}

// newHasher prepares to mine. It connects when heat is wanted.
func newHasher(p computer.Pool, threads int, log *slog.Logger) (*hasher, error) {
	client, err := poolClient(p.URL, p.User, p.Password, threads)
	if err != nil {
		return nil, err
	}
	h := new(hasher)
	h.miner, err = miner.New(miner.Config{
		Pool: client, Random: rand.Uint64, Hear: hashLog{log}, Thread: computer.Background, Otherwise: h.burn,
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = h.miner.Run(ctx) }) // it ends with ctx
	h.close = func() {
		stop()
		running.Wait()
	}
	return h, nil
}

func (h *hasher) burn(ctx context.Context, threads int, share func() units.Fraction) error {
	h.burning.Store(true)
	defer h.burning.Store(false)
	return computer.Burner{}.Run(ctx, threads, share)
}

// Name implements [furnace.Workload].
func (h *hasher) Name() string {
	if h.burning.Load() {
		return computer.Burner{}.Name()
	}
	return "mining with processors"
}

// Work implements [furnace.Workload].
func (h *hasher) Work() device.Work {
	if h.burning.Load() {
		return device.Burning
	}
	return device.Hashing
}

// Done implements [furnace.Workload].
func (h *hasher) Done() []device.Output {
	t, now := h.miner.Tally(), time.Now()
	return []device.Output{
		{Unit: computer.HashUnit, Count: units.Know(int64(t.Hashes), now, units.Meter)},
		{Unit: computer.ShareUnit, Count: units.Know(t.Accepted, now, units.Meter)},
	}
}

// Run implements [furnace.Workload].
func (h *hasher) Run(ctx context.Context, threads int, share func() units.Fraction) error {
	return h.miner.Mine(ctx, threads, share)
}

// Close leaves the pool.
func (h *hasher) Close() error {
	h.close()
	return nil
}

// hashingFurnace is a furnace with a hasher as its fallback, until it is closed.
type hashingFurnace struct {
	*furnace.Furnace
	hasher  *hasher
	restore func()
}

// Close restores the furnace.
func (f hashingFurnace) Close() error {
	f.restore()
	return f.hasher.Close()
}

// mining is how computers of a home are made to mine: in the furnace, if there is
// one.
func mining(f config.File, work *furnace.Furnace) func(computer.Pool, int, device.Env) (computer.Workload, error) {
	return func(p computer.Pool, threads int, env device.Env) (computer.Workload, error) {
		if p.URL == "" {
			var err error
			if p.URL, err = ownPool(f); err != nil {
				return nil, err
			}
		}
		h, err := newHasher(p, threads, env.Log)
		if err != nil || work == nil {
			return h, err
		}
		return hashingFurnace{work, h, work.Fall(h)}, nil
	}
}

// mines reports whether a computer is to mine.
func mines(d config.Device) bool {
	var c computer.Config
	return d.Rest.Decode(&c) == nil && c.Mines()
}

// ownPool is where the home's own pool is.
func ownPool(f config.File) (string, error) {
	if f.Pool.Empty() {
		return "", errors.New("pool: this home has no pool of its own: name one by its url, such as stratum+tcp://pool.example:3333")
	}
	var c pool.Config
	if err := f.Pool.Decode(&c); err != nil {
		return "", fmt.Errorf("pool: %w", err)
	}
	return "stratum+tcp://" + c.Filled().Listen, nil
}

// hashLog writes what a pool says to the log. It implements [upstream.Handler].
type hashLog struct{ log *slog.Logger }

func (l hashLog) Up(x upstream.Login) {
	l.log.Info("this computer mines", "pool", x.Upstream, "stratum", x.Version)
}

func (l hashLog) Down(name string, why error) {
	l.log.Info("this computer has no work from its pool", "pool", name, "error", why)
}

func (hashLog) Job(*job.Job) {}

func (l hashLog) Answer(a upstream.Answer) {
	if a.Outcome == upstream.Rejected {
		l.log.Info("the pool refuses a share of this computer", "pool", a.Upstream, "reason", a.Reason)
	}
}

func (l hashLog) Notice(n upstream.Notice) {
	if n.Text != "" {
		l.log.Info("from the pool of this computer", "pool", n.Upstream, "text", n.Text)
	}
}

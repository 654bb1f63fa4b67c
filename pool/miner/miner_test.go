package miner_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hearth/pool/job"
	"hearth/pool/miner"
	"hearth/pool/pooltest"
	"hearth/pool/upstream"
	"hearth/units"
)

// difficulty is what a thread finds some hundred times a second.
const difficulty job.Difficulty = 1.0 / (1 << 18)

// client is a way to a pool, impatient as tests are.
func client(t *testing.T, url string) *upstream.Client {
	t.Helper()
	c, err := upstream.New(upstream.Config{
		Name: "pool", URL: url, Workers: []upstream.Credential{{User: "house.computer", Password: "x"}},
		Mask: job.MaskV2, Suggest: difficulty, Rate: miner.Guess,
		Next: job.NewCounter(0).Next, Random: rand.Float64,
		Timing: upstream.Timing{Retry: 10 * time.Millisecond, Longest: 20 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// start runs a miner until the test ends, which also ends it in time.
func start(t *testing.T, c miner.Config) *miner.Miner {
	t.Helper()
	c.Random = rand.Uint64
	m, err := miner.New(c)
	if err != nil {
		t.Fatal(err)
	}
	run(t, func(ctx context.Context) {
		if err := m.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("the miner ended: %v", err)
		}
	})
	return m
}

// run calls f until stop is called, or the test ends.
func run(t *testing.T, f func(ctx context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Go(func() { f(ctx) })
	stop = func() {
		cancel()
		ended.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// mine mines on two threads until stop is called, or the test ends.
func mine(t *testing.T, m *miner.Miner, share func() units.Fraction) (stop func()) {
	return run(t, func(ctx context.Context) {
		if err := m.Mine(ctx, 2, share); err != nil {
			t.Errorf("mining ended: %v", err)
		}
	})
}

func always() units.Fraction { return 1 }

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

func TestAPoolCreditsWhatAMinerFinds(t *testing.T) {
	for _, c := range []struct {
		name string
		pool pooltest.FakePoolConfig
	}{
		{"V1", pooltest.FakePoolConfig{}},
		{"V1, no version rolling", pooltest.FakePoolConfig{Configure: pooltest.FakeNull}},
		{"V1, versions by xor", pooltest.FakePoolConfig{Bits: pooltest.FakeXor}},
		{"V1, two bytes of extranonce", pooltest.FakePoolConfig{Extranonce2: 2}},
		{"V2", pooltest.FakePoolConfig{V2: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.pool.Difficulty = float64(difficulty)
			pool := pooltest.NewFakePool(t, c.pool)
			m := start(t, miner.Config{Pool: client(t, pool.URL())})
			stop := mine(t, m, always)
			for range 2 {
				before := m.Tally().Accepted
				eventually(t, "five shares of a job are accepted", func() bool { return m.Tally().Accepted >= before+5 })
				pool.Notify(true)
			}
			stop()
			eventually(t, "every share is answered", func() bool {
				got := m.Tally()
				return got.Found == got.Accepted+got.Rejected+got.Unknown+got.Late
			})
			got := m.Tally()
			if n := pool.Accepted("house.computer"); got.Accepted != int64(n) {
				t.Errorf("the miner counts %d accepted shares, the pool %d", got.Accepted, n)
			}
			if want := pool.Credit("house.computer"); math.Abs(float64(got.Credit)-want) > 1e-9*want {
				t.Errorf("the miner counts %v of credit, the pool %v", got.Credit, want)
			}
			// A share of the job before may come late; no other is wrong.
			for code, n := range pool.Rejected("house.computer") {
				if code != 21 {
					t.Errorf("%d shares were refused with code %d", n, code)
				}
			}
			if got.Best < difficulty || got.Hashes < uint64(got.Found) {
				t.Errorf("impossible: %+v", got)
			}
		})
	}
}

func TestWithoutAJobSomethingElseIsComputed(t *testing.T) {
	pool := pooltest.NewFakePool(t, pooltest.FakePoolConfig{Difficulty: float64(difficulty)})
	var otherwise atomic.Int64
	m := start(t, miner.Config{
		Pool: client(t, pool.URL()),
		Otherwise: func(ctx context.Context, threads int, share func() units.Fraction) error {
			if threads != 2 || share() != 1 {
				t.Errorf("otherwise, %d threads compute for %v of the time", threads, share())
			}
			otherwise.Add(1)
			<-ctx.Done()
			otherwise.Add(1)
			return nil
		},
	})
	if m.Working() {
		t.Error("there is a job before anybody wants to mine")
	}
	mine(t, m, always)
	accepted := func() bool { return m.Tally().Accepted > 0 }
	eventually(t, "a share is accepted", accepted)
	if n := otherwise.Load(); n != 2 {
		t.Errorf("otherwise was begun and ended %d times, want 2", n)
	}
	pool.Stop()
	eventually(t, "the pool is missed", func() bool { return !m.Working() && otherwise.Load() == 3 })
	before := m.Tally().Accepted
	pool.Start()
	eventually(t, "mining goes on", func() bool { return m.Tally().Accepted > before && otherwise.Load() == 4 })
}

func TestWhatCannotComputeOtherwiseEndsMining(t *testing.T) {
	broken := errors.New("no thread to be had")
	pool := pooltest.NewFakePool(t, pooltest.FakePoolConfig{Quiet: true})
	m := start(t, miner.Config{
		Pool:      client(t, pool.URL()),
		Otherwise: func(context.Context, int, func() units.Fraction) error { return broken },
	})
	if err := m.Mine(t.Context(), 1, always); !errors.Is(err, broken) {
		t.Errorf("mining ended with %v", err)
	}
}

func TestThePoolIsLeftWhenNobodyWantsToMine(t *testing.T) {
	pool := pooltest.NewFakePool(t, pooltest.FakePoolConfig{Difficulty: float64(difficulty)})
	m := start(t, miner.Config{Pool: client(t, pool.URL()), Linger: time.Millisecond})
	connections := func(n int) func() bool {
		return func() bool { now, _ := pool.Connections(); return now == n }
	}
	if _, ever := pool.Connections(); ever != 0 {
		t.Error("it connected although nobody wants to mine")
	}
	for range 2 {
		before := m.Tally().Accepted
		stop := mine(t, m, always)
		eventually(t, "a share is accepted", func() bool { return m.Tally().Accepted > before })
		stop()
		eventually(t, "the connection ends", connections(0))
		eventually(t, "every share is settled", func() bool {
			got := m.Tally()
			return !m.Working() && got.Found == got.Accepted+got.Rejected+got.Unknown+got.Late
		})
	}
}

func TestAThreadKeepsToItsShareOfTheTime(t *testing.T) {
	pool := pooltest.NewFakePool(t, pooltest.FakePoolConfig{Difficulty: float64(difficulty)})
	var began, asked atomic.Int64
	var open atomic.Bool
	m := start(t, miner.Config{Pool: client(t, pool.URL()), Thread: func() { began.Add(1) }})
	mine(t, m, func() units.Fraction {
		asked.Add(1)
		if open.Load() {
			return 0.5
		}
		return 0
	})
	eventually(t, "both threads have had turns", func() bool { return asked.Load() > 6 })
	if got := m.Tally(); got.Hashes != 0 {
		t.Errorf("without a share of the time there are %d hashes", got.Hashes)
	}
	open.Store(true)
	eventually(t, "with half of it there are hashes", func() bool { return m.Tally().Hashes > 0 })
	if n := began.Load(); n != 2 {
		t.Errorf("%d threads began, want 2", n)
	}
}

func TestASharesFateIsCountedOnce(t *testing.T) {
	pool := pooltest.NewFakePool(t, pooltest.FakePoolConfig{Difficulty: float64(difficulty)})
	pool.Refuse(23, "Low difficulty share")
	m := start(t, miner.Config{Pool: client(t, pool.URL())})
	stop := mine(t, m, always)
	eventually(t, "one is rejected, others accepted", func() bool { got := m.Tally(); return got.Rejected == 1 && got.Accepted > 2 })
	pool.Mute(true)
	// What is found may be under way yet; what the pool has seen has no answer, but
	// for the last, which it may be about to give one.
	before := pool.Accepted("house.computer")
	eventually(t, "shares wait for answers", func() bool { return pool.Accepted("house.computer") > before+3 })
	pool.Mute(false)
	pool.Drop()
	eventually(t, "they have none", func() bool { return m.Tally().Unknown >= 3 })
	stop()
	eventually(t, "every share is settled", func() bool {
		got := m.Tally()
		return got.Found == got.Accepted+got.Rejected+got.Unknown+got.Late
	})
	if got := m.Tally(); got.Rejected != 1 {
		t.Errorf("%d shares were rejected, want 1", got.Rejected)
	}
}

func TestAMinerNeedsAPool(t *testing.T) {
	if _, err := miner.New(miner.Config{Random: rand.Uint64}); err == nil {
		t.Error("a miner without a pool was made")
	}
}

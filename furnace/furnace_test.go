package furnace_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hearth/device"
	"hearth/furnace"
	"hearth/units"
)

// fire is a fallback that only counts how long it burned.
type fire struct {
	burned atomic.Int64
	err    error
}

func (*fire) Name() string          { return "dumb heat" }
func (*fire) Work() device.Work     { return device.Burning }
func (*fire) Done() []device.Output { return nil }
func (f *fire) Run(ctx context.Context, _ int, _ func() units.Fraction) error {
	if f.err != nil {
		return f.err
	}
	began := time.Now()
	<-ctx.Done()
	f.burned.Add(int64(time.Since(began)))
	return nil
}

// ash is another fallback, which counts something.
type ash struct{ fire }

func (*ash) Name() string      { return "ash" }
func (*ash) Work() device.Work { return device.Hashing }
func (*ash) Done() []device.Output {
	return []device.Output{{Unit: "share", Count: units.Know[int64](3, time.Unix(0, 0), units.Meter)}}
}

func TestAnotherFallbackTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fire
		var first, second ash
		x := furnace.New(&f, time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- x.Run(ctx, 4, always(1)) }()
		burned := func(w *fire, want time.Duration) {
			t.Helper()
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := time.Duration(w.burned.Load()); got != want {
				t.Errorf("it burned for %v, want %v", got, want)
			}
		}
		time.Sleep(time.Minute)
		restoreFirst := x.Fall(&first)
		burned(&f, time.Minute)
		if x.Name() != "ash" || x.Work() != device.Hashing || len(x.Done()) != 1 {
			t.Errorf("the other is %s, %s, and did %v", x.Name(), x.Work(), x.Done())
		}
		restoreSecond := x.Fall(&second)
		burned(&first.fire, time.Minute)
		restoreFirst()
		burned(&first.fire, time.Minute) // it had been followed already
		restoreSecond()
		burned(&second.fire, 2*time.Minute)
		if x.Name() != "dumb heat" || len(x.Done()) != 0 {
			t.Errorf("in the end it is %s, and did %v", x.Name(), x.Done())
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		burned(&f, 2*time.Minute)
	})
}

func always(share units.Fraction) func() units.Fraction {
	return func() units.Fraction { return share }
}

func TestUsefulWorkGoesBeforeDumbHeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fire
		x := furnace.New(&f, time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- x.Run(ctx, 4, always(1)) }()

		time.Sleep(time.Minute)
		if x.Work() != device.Burning || x.Name() != "dumb heat" {
			t.Errorf("without work it is %s, %s", x.Name(), x.Work())
		}
		leave, turns := x.Enter(), x.Turns()
		synctest.Wait()
		if got := time.Duration(f.burned.Load()); got != time.Minute {
			t.Errorf("it burned for %v, want the minute without work", got)
		}
		if x.Work() != device.Computing {
			t.Errorf("with work it does %s", x.Work())
		}
		for range 10 {
			if n, err := turns.Next(ctx); n != 4 || err != nil {
				t.Fatalf("turn: %d threads, %v", n, err)
			}
			time.Sleep(100 * time.Millisecond)
			x.Count("token", 7)
		}
		leave()
		leave() // twice is once
		time.Sleep(time.Minute)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if got := time.Duration(f.burned.Load()); got != 2*time.Minute {
			t.Errorf("it burned for %v in all, want 2 min", got)
		}
		if n, _ := x.Done()[0].Count.Get(); n != 70 {
			t.Errorf("%d tokens, want 70", n)
		}
	})
}

func TestWorkWaitsForHeatAndKeepsToItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := furnace.New(&fire{}, time.Now)
		var done atomic.Int64
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			defer x.Enter()()
			turns := x.Turns()
			for {
				if _, err := turns.Next(ctx); err != nil {
					return
				}
				time.Sleep(100 * time.Millisecond)
				done.Add(1)
			}
		}()
		time.Sleep(time.Hour)
		if x.Wanted() {
			t.Error("heat is wanted although the slot is shut")
		}
		if done.Load() != 0 || x.Work() != device.Waiting {
			t.Fatalf("without heat wanted it did %d portions and is %s", done.Load(), x.Work())
		}
		for _, c := range []struct {
			share    units.Fraction
			portions int64
		}{{1, 600}, {0.5, 300}, {0.1, 60}, {0, 0}} {
			before := done.Load()
			slot, end := context.WithTimeout(ctx, time.Minute)
			wanted := make(chan bool, 1)
			time.AfterFunc(time.Second, func() { wanted <- x.Wanted() })
			if err := x.Run(slot, 2, always(c.share)); err != nil {
				t.Fatal(err)
			}
			end()
			if got := <-wanted; got != (c.share > 0) {
				t.Errorf("at a share of %v heat is wanted: %v", c.share, got)
			}
			synctest.Wait()
			if got := done.Load() - before; got < c.portions-1 || got > c.portions+1 {
				t.Errorf("at a share of %v: %d portions of 0.1 s in a minute, want %d", c.share, got, c.portions)
			}
			time.Sleep(time.Minute) // the portion under way ends
		}
	})
}

func TestAWaitingTaskCanGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := furnace.New(&fire{}, time.Now)
		defer x.Enter()()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := x.Turns().Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it waited: %v", err)
		}
	})
}

func TestABrokenFallbackIsTold(t *testing.T) {
	broken := errors.New("no thread to be had")
	x := furnace.New(&fire{err: broken}, time.Now)
	if err := x.Run(t.Context(), 1, always(1)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

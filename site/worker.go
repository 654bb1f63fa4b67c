package site

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"hearth/device"
)

// errStuck is returned while a device's goroutine still hangs in an earlier
// call that did not heed its deadline.
var errStuck = errors.New("driver still hangs in an earlier call")

// worker owns one driver: it alone calls it, one call at a time, each with a
// deadline. A call that panics is an error; one that hangs past its deadline
// is left behind, and only this device is without news until it returns.
type worker struct {
	name  string
	calls chan call
	done  chan struct{}
}

type call struct {
	run   func() error
	reply chan error // buffered, so that a late answer blocks nobody
}

// newWorker starts the goroutine. It ends when ctx does.
func newWorker(ctx context.Context, name string) *worker {
	w := &worker{name: name, calls: make(chan call), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for {
			select {
			case <-ctx.Done():
				return
			case c := <-w.calls:
				c.reply <- guard(c)
			}
		}
	}()
	return w
}

// guard runs a call and turns a panic into an error.
func guard(c call) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("driver panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return c.run()
}

// do runs f in the worker's goroutine and waits for at most limit. It returns
// an error that wraps [device.ErrUnreachable] when the deadline passes.
func (w *worker) do(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	c := call{run: func() error { return f(ctx) }, reply: make(chan error, 1)}
	select {
	case w.calls <- c:
	case <-w.done:
		cancel()
		return context.Canceled
	case <-ctx.Done():
		cancel()
		return fmt.Errorf("%w: %w", device.ErrUnreachable, errStuck)
	}
	defer cancel()
	// A little grace lets a driver that heeds its deadline tell what it was
	// doing, which makes the better message.
	grace := time.NewTimer(limit + limit/4)
	defer grace.Stop()
	select {
	case err := <-c.reply:
		return err
	case <-grace.C:
		return fmt.Errorf("%w: no answer within %v, and the driver did not stop", device.ErrUnreachable, limit)
	}
}

//go:build unix

package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// reloadOn reads the configuration again on SIGHUP.
func reloadOn(ctx context.Context, r *residence) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			if err := r.reload(ctx); err != nil {
				r.log.Warn("the configuration was not taken", "error", err)
			}
		}
	}
}

// brokenPipe returns the signal of writing to whom nobody reads any more.
func brokenPipe() []os.Signal { return []os.Signal{syscall.SIGPIPE} }

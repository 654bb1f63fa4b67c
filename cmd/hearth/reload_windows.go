package main

import (
	"context"
	"os"
)

// reloadOn does nothing here: Windows has no signal for it, and a changed
// configuration is read at the next start.
func reloadOn(ctx context.Context, _ *residence) { <-ctx.Done() }

// brokenPipe returns nothing here: there is no such signal.
func brokenPipe() []os.Signal { return nil }

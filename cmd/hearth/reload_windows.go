package main

import "context"

// reloadOn does nothing here: Windows has no signal for it, and a changed
// configuration is read at the next start.
func reloadOn(ctx context.Context, _ *residence) { <-ctx.Done() }

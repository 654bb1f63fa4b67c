package simulation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Options say what is run.
type Options struct {
	Seed   uint64
	Blocks int64
}

// Report counts what happened: the outcomes of messages, by the last part of
// their name and "ok" or "refused", and what became of the work.
type Report map[string]int

// String lists the counts, by name.
func (r Report) String() string {
	var b strings.Builder
	for _, what := range slices.Sorted(maps.Keys(r)) {
		fmt.Fprintf(&b, "%8d %s\n", r[what], what)
	}
	return b.String()
}

// Add adds the counts of another run.
func (r Report) Add(other Report) {
	for what, n := range other {
		r[what] += n
	}
}

// Failure is what went wrong first.
type Failure struct {
	Seed   uint64
	Height int64 // the block after which it showed
	Broken error
}

// Error implements error.
func (f *Failure) Error() string {
	return fmt.Sprintf("seed %d is wrong after block %d (go test ./chain/simulation -run TestSeeds -from %d -seeds 1 -blocks %d): %v",
		f.Seed, f.Height, f.Seed, f.Height, f.Broken)
}

func (f *Failure) Unwrap() error { return f.Broken }

// Run simulates a network. An error is a [*Failure], or the context's.
func Run(ctx context.Context, o Options) (Report, error) {
	w, err := newWorld(o.Seed)
	if err != nil {
		return nil, &Failure{o.Seed, 0, err}
	}
	for range o.Blocks {
		if err := ctx.Err(); err != nil {
			return w.report, err
		}
		if err := w.block(); err != nil {
			return w.report, &Failure{o.Seed, w.chain.Height, err}
		}
	}
	if err := w.justice(); err != nil {
		return w.report, &Failure{o.Seed, w.chain.Height, err}
	}
	if err := w.chain.Reborn(); err != nil {
		return w.report, &Failure{o.Seed, w.chain.Height, err}
	}
	return w.report, nil
}

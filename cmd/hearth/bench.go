package main

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"hearth/infer/kernel"
)

type benchCmd struct {
	Work  benchWorkCmd  `cmd:"" help:"Products plain and with tickets, beside this machine's own peak, and how long a ticket takes to check."`
	Infer benchInferCmd `cmd:"" help:"Embeddings and tokens a second, with tickets off and on."`
}

// machine is where something was measured.
type machine struct {
	System     string  `json:"system"`
	Kernels    string  `json:"kernels"` // the instructions in use
	Processors int     `json:"processors"`
	Go         string  `json:"go"`
	PeakOne    float64 `json:"peak_gops_one_core"`  // integer operations a nanosecond, in registers
	PeakAll    float64 `json:"peak_gops_all_cores"` // all processors at once
	ReadOne    float64 `json:"read_gb_s_one_core"`
	ReadAll    float64 `json:"read_gb_s_all_cores"`
}

// benchLevel is the kernels to measure.
func benchLevel() (kernel.Level, error) {
	l, err := kernel.Parse(os.Getenv(levelVariable))
	if err != nil {
		return l, coded(exitUsage, fmt.Errorf("%s: %w", levelVariable, err))
	}
	return l, nil
}

// measureMachine measures what the processor can do at most.
func measureMachine(level kernel.Level, each time.Duration) machine {
	n := runtime.GOMAXPROCS(0)
	m := machine{System: runtime.GOOS + "/" + runtime.GOARCH, Kernels: level.String(), Processors: n, Go: runtime.Version()}
	turns := peakTurns(level)
	peak := func() int64 { return kernel.Peak(level, turns) }
	m.PeakOne, m.PeakAll = together(1, each, peak), together(n, each, peak)
	memory := make([]uint8, 256<<20) // more than any cache
	for i := range memory {
		memory[i] = uint8(i)
	}
	read := func() int64 {
		b, _ := kernel.Read(level, memory)
		return int64(b)
	}
	m.ReadOne, m.ReadAll = together(1, each, read), together(n, each, read)
	return m
}

// peakTurns is a number of turns of the peak loop that takes about a
// millisecond.
func peakTurns(level kernel.Level) int {
	for turns := 1; ; turns *= 2 {
		began := time.Now()
		kernel.Peak(level, turns)
		if time.Since(began) > time.Millisecond {
			return turns
		}
	}
}

// together runs f on n threads for a while and returns the most that all did
// in a nanosecond of any tenth of it: what the machine can do, not what other
// programs left of it.
func together(n int, each time.Duration, f func() int64) float64 {
	best := 0.0
	for range 10 {
		var total int64
		var mu sync.Mutex
		var wg sync.WaitGroup
		began := time.Now()
		for range n {
			wg.Go(func() {
				sum := int64(0)
				for time.Since(began) < each/10 {
					sum += f()
				}
				mu.Lock()
				total += sum
				mu.Unlock()
			})
		}
		wg.Wait()
		best = max(best, float64(total)/float64(time.Since(began)))
	}
	return best
}

// median of figures.
func median[T cmp.Ordered](all []T) T {
	s := slices.Sorted(slices.Values(all))
	return s[len(s)/2]
}

// timed is how long f takes, in nanoseconds.
func timed(f func() error) (float64, error) {
	began := time.Now()
	err := f()
	return float64(time.Since(began)), err
}

func percent(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

package kernel_test

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"hearth/infer/kernel"
)

func TestEveryPartIsDoneOnce(t *testing.T) {
	for _, size := range []int{1, 2, 3, 8} {
		team := kernel.NewTeam(size)
		if team.Size() != size {
			t.Errorf("size is %d, want %d", team.Size(), size)
		}
		for parts := range 40 {
			done := make([]atomic.Int32, parts)
			team.Do(parts, func(part int) { done[part].Add(1) })
			for i := range done {
				if n := done[i].Load(); n != 1 {
					t.Fatalf("team of %d: part %d of %d was done %d times", size, i, parts, n)
				}
			}
		}
		team.Close()
	}
}

func TestNoTeamIsATeamOfOne(t *testing.T) {
	var team *kernel.Team
	sum := 0
	team.Do(5, func(part int) { sum += part })
	if sum != 10 || team.Size() != 1 {
		t.Errorf("sum %d, size %d", sum, team.Size())
	}
	team.Close()
}

// Pieces of very different length, from several owners, with pauses long
// enough for the workers to fall asleep.
func TestOwnersShareATeam(t *testing.T) {
	team := kernel.NewTeam(3)
	defer team.Close()
	var total atomic.Int64
	var owners sync.WaitGroup
	for owner := range 4 {
		owners.Go(func() {
			for i := range 200 {
				parts := (i*owner)%7 + 1
				sum := 0
				results := make([]int, parts)
				team.Do(parts, func(part int) {
					for range i % 5 * 100 * part {
						results[part]++
					}
					results[part] = 1
				})
				for _, v := range results {
					sum += v
				}
				if sum != parts {
					t.Errorf("%d of %d parts were done", sum, parts)
				}
				total.Add(int64(sum))
				if i%50 == 49 {
					for range 1000 {
						runtime.Gosched()
					}
				}
			}
		})
	}
	owners.Wait()
	want := int64(0)
	for owner := range 4 {
		for i := range 200 {
			want += int64((i*owner)%7 + 1)
		}
	}
	if total.Load() != want {
		t.Errorf("%d parts were done, want %d", total.Load(), want)
	}
}

func TestAPanicComesOutOfTheCallAndLeavesTheTeamWhole(t *testing.T) {
	team := kernel.NewTeam(3)
	defer team.Close()
	for round := range 50 {
		var ended atomic.Int32
		said := func() (v any) {
			defer func() { v = recover() }()
			team.Do(20, func(part int) {
				defer ended.Add(1)
				if part%7 == round%7 {
					panic("a part broke")
				}
			})
			return nil
		}()
		if text, _ := said.(string); !strings.Contains(text, "a part broke") || !strings.Contains(text, "team_test.go") {
			t.Fatalf("the call came back with %v", said)
		}
		if n := ended.Load(); n != 20 {
			t.Fatalf("the call came back when %d of 20 parts had ended", n)
		}
		var done atomic.Int32
		team.Do(20, func(int) { done.Add(1) })
		if n := done.Load(); n != 20 {
			t.Fatalf("after a panic %d of 20 parts are done", n)
		}
	}
}

func TestClosingATeamEndsItsGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		team := kernel.NewTeam(4)
		team.Do(8, func(int) {})
		team.Close()
		team.Close()
	}
	after := runtime.NumGoroutine()
	for i := 0; after > before && i < 1e6; i++ { // the last steps of goroutines that have ended their work
		runtime.Gosched()
		after = runtime.NumGoroutine()
	}
	if after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

func BenchmarkTeamDo(b *testing.B) {
	team := kernel.NewTeam(2)
	defer team.Close()
	nothing := func(int) {}
	for b.Loop() {
		team.Do(2, nothing)
	}
}

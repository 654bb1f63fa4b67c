package miner

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"hearth/pool/job"
)

func TestNoPatchIsSearchedTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const version = 0x20000000
		j := &job.Job{
			Version:    version,
			Extranonce: rapid.SampledFrom([]int{0, 0, 1}).Draw(t, "extranonce"),
			Time:       rapid.SampledFrom([]uint32{0, 1_700_000_000, 1<<32 - 3}).Draw(t, "time"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "bits") {
			j.Mask |= 1 << rapid.IntRange(5, 28).Draw(t, "bit")
		}
		times := rapid.Uint32Range(0, 2).Draw(t, "times")
		j.MaxTime = j.Time + times
		if j.MaxTime == 0 {
			j.MinTime, j.Time, j.MaxTime = 1, 1, 1 // 0 would be two hours
		}
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "chance"), 1))
		l := newPlot(j, random.Uint64)

		want := 1 << bits.OnesCount32(j.Mask) << (8 * j.Extranonce) * int(times+1)
		seen := map[string]bool{}
		var p patch
		for l.patch(&p) {
			key := fmt.Sprintf("%08x %x %08x", p.version, p.extranonce, p.time)
			if seen[key] {
				t.Fatalf("patch %s was given twice", key)
			}
			seen[key] = true
			first, last := j.Times()
			if p.version&^j.Mask != version || len(p.extranonce) != j.Extranonce || p.time < first || p.time > last {
				t.Fatalf("patch %s is not of the job", key)
			}
		}
		if len(seen) != want {
			t.Fatalf("%d patches, want %d", len(seen), want)
		}
		if l.patch(&p) {
			t.Fatal("there is a patch behind the last")
		}
	})
}

func TestWhoComesBackToAJobSearchesElsewhere(t *testing.T) {
	j := &job.Job{Version: 0x20000000, Mask: job.MaskV1, Extranonce: 8, Time: 1_700_000_000}
	random := rand.New(rand.NewPCG(1, 2))
	var a, b patch
	first, second := newPlot(j, random.Uint64), newPlot(j, random.Uint64)
	first.patch(&a)
	second.patch(&b)
	if string(a.extranonce) == string(b.extranonce) {
		t.Errorf("both begin at %x", a.extranonce)
	}
	if first.nonce == second.nonce {
		t.Errorf("both begin at nonce %08x", first.nonce)
	}
	// The last bytes of an extranonce count; the rest stays.
	var c patch
	for range 1 << 16 {
		first.patch(&c)
	}
	if string(c.extranonce[:4]) != string(a.extranonce[:4]) || string(c.extranonce) == string(a.extranonce) {
		t.Errorf("after all versions, extranonce %x follows %x", c.extranonce, a.extranonce)
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct{ n, mask, want uint32 }{
		{0, job.MaskV1, 0},
		{1, job.MaskV1, 0x2000},
		{0xffff, job.MaskV1, job.MaskV1},
		{0x10000, job.MaskV1, 0},
		{0b101, 0x80000101, 0x80000001},
		{7, 0, 0},
	} {
		if got := spread(c.n, c.mask); got != c.want {
			t.Errorf("spread(%x, %08x) = %08x, want %08x", c.n, c.mask, got, c.want)
		}
	}
}

func TestAJobThatIsSearchedOutIsNone(t *testing.T) {
	m := &Miner{change: make(chan struct{})}
	s, err := newSearch()
	if err != nil {
		t.Fatal(err)
	}
	l := newPlot(&job.Job{Time: 5, MaxTime: 5}, func() uint64 { return 0 })
	m.plot.Store(l)
	w := walk{miner: m, search: s}
	if !w.step() || m.hashes.Load() != stride {
		t.Fatalf("the first step made %d hashes", m.hashes.Load())
	}
	w.left = stride / 2
	if !w.step() || m.hashes.Load() != stride*3/2 || w.left != 0 {
		t.Fatalf("the end of a patch was overstepped: %d hashes", m.hashes.Load())
	}
	if !w.step() || m.Working() || w.step() {
		t.Error("nothing is left to search, and there is still a job")
	}
}

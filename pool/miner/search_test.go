package miner

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"hearth/pool/job"
)

// genesis is the first block of Bitcoin.
func genesis(t testing.TB) job.Header {
	t.Helper()
	root, err := job.ParseHash("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b")
	if err != nil {
		t.Fatal(err)
	}
	return job.Header{Version: 1, Root: root, Time: 1231006505, Bits: 0x1d00ffff, Nonce: 2083236893}
}

func TestTheFirstBlockIsFound(t *testing.T) {
	s, err := newSearch()
	if err != nil {
		t.Fatal(err)
	}
	h := genesis(t)
	goal, err := job.CompactTarget(h.Bits)
	if err != nil {
		t.Fatal(err)
	}
	s.set(h)
	const before = 20000
	looked, found := s.find(h.Nonce-before, 1<<20, &goal)
	if !found || looked != before+1 {
		t.Fatalf("found %v after %d nonces, want the %dth", found, looked, before+1)
	}
	if got, want := s.hash(h.Nonce).String(), "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"; got != want {
		t.Errorf("its hash is %s, want %s", got, want)
	}
	if looked, found := s.find(h.Nonce+1, 5000, &goal); found || looked != 5000 {
		t.Errorf("another one was found: %v after %d", found, looked)
	}
}

func TestASearchHashesAsHeadersDo(t *testing.T) {
	s, err := newSearch()
	if err != nil {
		t.Fatal(err)
	}
	word := rapid.Uint32()
	hash := rapid.Custom(func(t *rapid.T) job.Hash {
		return job.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
	})
	rapid.Check(t, func(t *rapid.T) {
		h := job.Header{
			Version: word.Draw(t, "version"), Prev: hash.Draw(t, "prev"), Root: hash.Draw(t, "root"),
			Time: word.Draw(t, "time"), Bits: word.Draw(t, "bits"),
		}
		s.set(h)
		for _, h.Nonce = range rapid.SliceOfN(word, 1, 5).Draw(t, "nonces") {
			if got, want := s.hash(h.Nonce), h.Hash(); got != want {
				t.Fatalf("nonce %08x: %s, want %s", h.Nonce, got, want)
			}
		}
	})
}

func TestNoncesGoRound(t *testing.T) {
	s, err := newSearch()
	if err != nil {
		t.Fatal(err)
	}
	s.set(genesis(t))
	goal := job.Difficulty(1.0 / (1 << 22)).Target()
	first, found := s.find(0, 1<<16, &goal)
	if !found {
		t.Fatal("no nonce was found")
	}
	if looked, found := s.find(math.MaxUint32, 1<<16, &goal); !found || looked != first+1 {
		t.Errorf("from the last nonce on it is found %v after %d, want %d", found, looked, first+1)
	}
}

func TestHashingAllocatesNothing(t *testing.T) {
	s, err := newSearch()
	if err != nil {
		t.Fatal(err)
	}
	s.set(genesis(t))
	var none job.Target
	// Built for the race detector, the standard library allocates where it else
	// does not.
	own := testing.AllocsPerRun(10, func() { s.state(s.room[:0]) })
	if n := testing.AllocsPerRun(10, func() { s.find(0, 100, &none) }); n != 200*own {
		t.Errorf("a hundred nonces allocate %v times", n)
	}
}

// The standard library hashes the whole header each time.
func BenchmarkHash(b *testing.B) {
	s, err := newSearch()
	if err != nil {
		b.Fatal(err)
	}
	var none job.Target
	h := genesis(b)
	s.set(h)
	b.Run("middle", func(b *testing.B) {
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			s.find(uint32(n), 1000, &none)
			n += 1000
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "MH/s")
	})
	b.Run("control", func(b *testing.B) {
		b.ReportAllocs()
		n := 0
		var whole [job.HeaderSize]byte
		for b.Loop() {
			for range 1000 {
				h.Nonce = uint32(n)
				if job.Double(h.Append(whole[:0])).Meets(none) {
					b.Fatal("the impossible was found")
				}
				n++
			}
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "MH/s")
	})
}

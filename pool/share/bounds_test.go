package share_test

import (
	"runtime"
	"testing"
	"time"

	"hearth/pool/job"
	"hearth/pool/share"
)

// flood is a job that any hash will do for, and a channel that asks for no more.
func flood() (*share.Channel, *job.Job) {
	c := share.NewChannel(share.Config{
		Extranonce1: make([]byte, 4), Extranonce2: 4, Start: hashes(-4), Vardiff: share.Vardiff{Floor: hashes(-4), Fixed: true},
	})
	j := work(1)
	c.Offer(j, time.Unix(1000, 0))
	return c, j
}

func TestAFloodIsRemembered(t *testing.T) {
	c, j := flood()
	now := time.Unix(1000, 0)
	s := share.Submission{Job: 1, Extranonce2: make([]byte, 4), Time: j.Time, HasBits: true}
	reasons := make(map[share.Reason]int)
	for range 2 { // all of it twice
		for i := range uint32(3000) {
			s.Nonce = i
			v := c.Check(s, now)
			reasons[v.Reason]++
			if (v.Reason == share.Accepted) != (v.Credit > 0) {
				t.Fatalf("%+v", v)
			}
		}
	}
	if want := (map[share.Reason]int{share.Accepted: 2048, share.Flood: 2 * (3000 - 2048), share.Duplicate: 2048}); len(reasons) != 3 || reasons[share.Accepted] != want[share.Accepted] ||
		reasons[share.Flood] != want[share.Flood] || reasons[share.Duplicate] != want[share.Duplicate] {
		t.Errorf("%v, want %v", reasons, want)
	}
	// Another job is another matter; and a block in a flood is a block.
	k := work(2)
	k.Prev = job.Hash{7}
	c.Offer(k, now)
	s.Job = 2
	if v := c.Check(s, now); v.Reason != share.Accepted {
		t.Error(v.Reason)
	}
	b := work(3)
	b.Network = hashes(-4).Target()
	b.Prev = job.Hash{8}
	c.Offer(b, now)
	s.Job = 3
	var last share.Verdict
	for i := range uint32(2049) {
		s.Nonce = i
		last = c.Check(s, now)
	}
	if last.Reason != share.Flood || !last.Block || last.Goal || last.Credit != 0 {
		t.Errorf("%+v", last)
	}
}

// The same work under another id is not worth anything again: an upstream may
// give the same job twice.
func TestTheSameWorkTwice(t *testing.T) {
	c, j := flood()
	again := *j
	again.ID = 2
	c.Offer(&again, time.Unix(1000, 0))
	s := share.Submission{Job: 1, Extranonce2: make([]byte, 4), Time: j.Time, HasBits: true}
	if v := c.Check(s, time.Unix(1000, 0)); v.Reason != share.Accepted {
		t.Fatal(v.Reason)
	}
	s.Job = 2
	if v := c.Check(s, time.Unix(1000, 0)); v.Reason != share.Duplicate || v.Credit != 0 || v.Goal || v.Block {
		t.Errorf("%+v", v)
	}
}

func TestChecksAllocateNothing(t *testing.T) {
	c, j := flood()
	now := time.Unix(1000, 0)
	s := share.Submission{Job: 1, Extranonce2: make([]byte, 4), Time: j.Time, HasBits: true}
	for range 600 { // the memory grows to 1,024 places for these, and holds 512
		s.Nonce++
		c.Check(s, now)
	}
	for name, f := range map[string]func(){
		"accepted":       func() { s.Nonce++; c.Check(s, now) },
		"duplicate":      func() { c.Check(s, now) },
		"unknown job":    func() { c.Check(share.Submission{Job: 9}, now) },
		"bad extranonce": func() { c.Check(share.Submission{Job: 1}, now) },
		"tick":           func() { c.Tick(now) },
		"offer again":    func() { c.Offer(j, now) },
	} {
		if n := testing.AllocsPerRun(300, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// A connection is to take 16 KiB at most; this is what its channel takes of them,
// with eight jobs and four shares of each.
func TestChannelsAreSmall(t *testing.T) {
	const n, most = 2000, 2560
	jobs := make([]*job.Job, 8)
	for i := range jobs {
		jobs[i] = work(uint32(i + 2))
		jobs[i].Prev = job.Hash{byte(i + 2)}
	}
	s := share.Submission{Extranonce2: make([]byte, 4), Time: jobs[0].Time, HasBits: true}
	channels := make([]*share.Channel, n)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range channels {
		c, _ := flood()
		for _, j := range jobs {
			c.Offer(j, time.Unix(1000, 0))
			for s.Nonce = range uint32(4) {
				s.Job = j.ID
				if v := c.Check(s, time.Unix(1000, 0)); v.Reason != share.Accepted {
					t.Fatal(v.Reason)
				}
			}
		}
		channels[i] = c
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := int(after.HeapAlloc-before.HeapAlloc) / n
	runtime.KeepAlive(channels)
	t.Logf("%d bytes each", each)
	if each > most {
		t.Errorf("a channel takes %d bytes, %d are allowed", each, most)
	}
}

// What the channel says of a share is what follows from the rules, read one by
// one.
func FuzzCheck(f *testing.F) {
	f.Add([]byte{0, 1, 0, 2, 1, 1, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0})
	f.Add([]byte{0, 1, 2, 1, 0, 0, 0, 5, 2, 1, 0, 0, 0, 5, 1, 2, 2, 1, 0, 0, 0, 6})
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz"))
	f.Fuzz(func(t *testing.T, script []byte) {
		const mask = job.MaskV1
		c := share.NewChannel(share.Config{
			Extranonce1: []byte{9, 9}, Extranonce2: 2, Start: hashes(1), Mask: mask, Vardiff: share.Vardiff{Floor: hashes(1), Fixed: true},
		})
		now := time.Unix(1000, 0)
		next := func() byte {
			if len(script) == 0 {
				return 0
			}
			b := script[0]
			script = script[1:]
			return b
		}
		type place struct {
			job   *job.Job
			stale bool
		}
		var places []place // as offered; the last eight are remembered
		seen := make(map[job.Hash]bool)
		id := uint32(0)
		for len(script) > 0 {
			switch op := next(); op % 4 {
			case 0, 1:
				id++
				j := work(id)
				j.Extranonce, j.Clean, j.Prev[0] = 4+int(op>>7), op%4 == 1, byte(id)
				j.Source = string('a' + rune(op>>2&1))
				c.Offer(j, now)
				for i := range places {
					if j.Clean && places[i].job.Source == j.Source {
						places[i].stale = true
					}
				}
				places = append(places, place{job: j})
				places = places[max(0, len(places)-8):]
			default:
				s := share.Submission{
					Job: uint32(next()), Extranonce2: make([]byte, 1+next()%3), Nonce: uint32(next() % 32), Bits: uint32(next()%4) << 12,
					HasBits: op&4 == 0, Version: 0x20000000 | uint32(next()%4)<<12, Time: 998 + uint32(next()%8),
				}
				v := c.Check(s, now)
				var at *place
				for i := range places {
					if places[i].job.ID == s.Job {
						at = &places[i]
					}
				}
				if want := reason(at == nil, s, func() (*job.Job, bool) { return at.job, at.stale }, seen); v.Reason != want {
					t.Fatalf("%+v: %v, want %v", s, v.Reason, want)
				}
				if (v.Reason == share.Accepted) != (v.Credit != 0) || v.Reason == share.UnknownJob != (v.Job == nil) {
					t.Fatalf("%+v", v)
				}
			}
		}
	})
}

// reason judges a share by the rules, in their order.
func reason(unknown bool, s share.Submission, at func() (*job.Job, bool), seen map[job.Hash]bool) share.Reason {
	if unknown {
		return share.UnknownJob
	}
	j, stale := at()
	version := s.Version
	if s.HasBits {
		version = j.Version | s.Bits
	}
	switch {
	case stale:
		return share.Stale
	case len(s.Extranonce2) != 2 || j.Extranonce != 4:
		return share.BadExtranonce
	case version&^uint32(job.MaskV1) != j.Version&^uint32(job.MaskV1) || s.HasBits && s.Bits&^job.MaskV1 != 0:
		return share.BadVersion
	case s.Time < j.Time || s.Time > j.Time+7200:
		return share.BadTime
	}
	h := j.Header(append([]byte{9, 9}, s.Extranonce2...), version, s.Time, s.Nonce).Hash()
	switch {
	case !h.Meets(hashes(1).Target()):
		return share.LowDifficulty
	case seen[h]:
		return share.Duplicate
	}
	seen[h] = true
	return share.Accepted
}

// twelve is a job with twelve branches and a coinbase of three payees.
func twelve() *job.Job {
	j := work(1)
	j.Prefix, j.Suffix = make([]byte, 70), make([]byte, 140)
	for i := range 12 {
		j.Branch = append(j.Branch, job.Hash{byte(i)})
	}
	return j
}

// BenchmarkCheck is a share that is accepted, with twelve branches; every 2,000th
// comes with a new job.
func BenchmarkCheck(b *testing.B) {
	c, _ := flood()
	j := twelve()
	now := time.Unix(1000, 0)
	s := share.Submission{Extranonce2: make([]byte, 4), Time: j.Time, HasBits: true}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		if n%2000 == 0 {
			fresh := *j
			fresh.ID = uint32(n/2000 + 10)
			c.Offer(&fresh, now)
			s.Job = fresh.ID
		}
		n++
		s.Nonce = uint32(n)
		if v := c.Check(s, now); v.Reason != share.Accepted {
			b.Fatal(v.Reason)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "shares/s")
}

// BenchmarkCheckControl is the same share the plain way: put together, hashed,
// compared, and remembered in a map.
func BenchmarkCheckControl(b *testing.B) {
	j := twelve()
	target := hashes(-4).Target()
	seen := make(map[string]bool)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		var extranonce []byte
		extranonce = append(extranonce, make([]byte, 4)...)
		extranonce = append(extranonce, make([]byte, 4)...)
		var coinbase []byte
		coinbase = append(coinbase, j.Prefix...)
		coinbase = append(coinbase, extranonce...)
		coinbase = append(coinbase, j.Suffix...)
		root := job.Double(coinbase)
		for _, h := range j.Branch {
			root = job.Double(append(append([]byte{}, root[:]...), h[:]...))
		}
		header := job.Header{Version: j.Version, Prev: j.Prev, Root: root, Time: j.Time, Bits: j.Bits, Nonce: uint32(n)}.Append(nil)
		if !job.Double(header).Meets(target) || seen[string(header)] {
			b.Fatal("refused")
		}
		if n%2000 == 0 {
			seen = make(map[string]bool)
		}
		seen[string(header)] = true
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "shares/s")
}

// BenchmarkCheckRefused is the cheapest a hostile miner can ask for, and a hash
// that is not good enough.
func BenchmarkCheckRefused(b *testing.B) {
	b.Run("unknown", func(b *testing.B) {
		c, _ := flood()
		for b.Loop() {
			c.Check(share.Submission{Job: 99}, time.Unix(1000, 0))
		}
	})
	b.Run("low", func(b *testing.B) {
		c := share.NewChannel(share.Config{Extranonce1: make([]byte, 4), Extranonce2: 4})
		j := twelve()
		c.Offer(j, time.Unix(1000, 0))
		s := share.Submission{Job: 1, Extranonce2: make([]byte, 4), Time: j.Time, HasBits: true}
		for b.Loop() {
			s.Nonce++
			if v := c.Check(s, time.Unix(1000, 0)); v.Reason != share.LowDifficulty {
				b.Fatal(v.Reason)
			}
		}
	})
}

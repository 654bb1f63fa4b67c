package stratum2

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"hearth/pool/job"
	"hearth/pool/share"
	"hearth/pool/stratum"
	"hearth/pool/stratum2/message"
)

// mustFrame is a plain frame.
func mustFrame(m message.Message) []byte {
	b, err := message.Append(nil, m)
	if err != nil {
		panic(err)
	}
	return b
}

// say gives a session one frame.
func say(s *Session, frame []byte) ([]byte, Event, error) {
	h, err := message.ParseHeader(frame[:message.HeaderSize])
	if err != nil {
		return nil, Event{}, err
	}
	return s.Receive(nil, h, bytes.Clone(frame[message.HeaderSize:]), noon())
}

// seated is a session with channels that have a job.
func seated(t testing.TB, c Config, channels int) *Session {
	t.Helper()
	s := NewSession(c)
	if _, _, err := say(s, mustFrame(&message.SetupConnection{MinVersion: 2, MaxVersion: 2, Vendor: "a"})); err != nil {
		t.Fatal(err)
	}
	for i := range channels {
		sit(t, s, uint32(i))
	}
	return s
}

func sit(t testing.TB, s *Session, request uint32) uint32 {
	t.Helper()
	all := job.Target(bytes.Repeat([]byte{0xff}, 32))
	out, e, err := say(s, mustFrame(&message.OpenExtendedMiningChannel{Request: request, User: "attic", MaxTarget: all}))
	if err != nil || e.Kind != Open {
		t.Fatalf("no channel: %x, %v", out, err)
	}
	_, id, err := s.Opened(nil, request, binary.BigEndian.AppendUint32(nil, request), 4)
	if err != nil {
		t.Fatal(err)
	}
	s.Offer(nil, id, jobOn(1, "one", 1, true), noon())
	return id
}

// What nobody needs a miner to send is passed over a hundred times. Then the
// connection is ended, so that it costs no more than that.
func TestNuisance(t *testing.T) {
	all := job.Target(bytes.Repeat([]byte{0xff}, 32))
	for name, frame := range map[string][]byte{
		"unknown message":       {0, 0, 0xfe, 0, 0, 0},
		"unknown extension":     {0xff, 0x40, 0, 0, 0, 0},
		"message of a pool":     mustFrame(&message.SetTarget{Channel: 2}),
		"channel refused":       mustFrame(&message.OpenStandardMiningChannel{User: strings.Repeat("x", 255), MaxTarget: all}),
		"update of no channel":  mustFrame(&message.UpdateChannel{Channel: 99, MaxTarget: all}),
		"closing no channel":    mustFrame(&message.CloseChannel{Channel: 99}),
		"share of no channel":   mustFrame(&message.SubmitSharesStandard{Channel: 99}),
		"job of its own":        mustFrame(&message.SetCustomMiningJob{Channel: 2}),
		"asking for extensions": mustFrame(&message.RequestExtensions{Extensions: make([]uint16, 4000)}),
	} {
		t.Run(name, func(t *testing.T) {
			s := seated(t, easy(), 1)
			for n := 1; ; n++ {
				_, e, err := say(s, frame)
				if e.Kind != None {
					t.Fatalf("event %s", e.describe())
				}
				if err != nil {
					if n != maxNuisance+1 {
						t.Errorf("ended after %d: %v", n, err)
					}
					return
				}
				if n > maxNuisance {
					t.Fatalf("%d were passed over", n)
				}
			}
		})
	}
}

// Refusals by the owner count too.
func TestNuisanceRefused(t *testing.T) {
	s := seated(t, easy(), 0)
	for n := 1; ; n++ {
		_, e, err := say(s, mustFrame(&message.OpenStandardMiningChannel{Request: uint32(n), User: "x", MaxTarget: job.Target{1}}))
		if err != nil {
			if n != maxNuisance+2 {
				t.Errorf("ended after %d: %v", n, err)
			}
			return
		}
		if n > 2*maxNuisance {
			t.Fatal("it may go on asking")
		}
		s.Refuse(nil, e.Request, "no")
	}
}

// A connection has so many channels, whether they are open or only asked for.
func TestChannelsBounded(t *testing.T) {
	c := easy()
	c.Channels = 3
	s := seated(t, c, 2)
	for n, want := range []Kind{Open, None, None} {
		out, e, err := say(s, mustFrame(&message.OpenExtendedMiningChannel{Request: uint32(100 + n), User: "attic", MaxTarget: job.Target{1}}))
		if err != nil || e.Kind != want {
			t.Fatalf("request %d: event %s, %v", n, e.describe(), err)
		}
		if want == None && !bytes.Contains(out, []byte("channel-capacity-exhausted")) {
			t.Errorf("request %d is answered %q", n, out)
		}
	}
}

// What a connection takes, of the 16 KiB that it may.
func TestMemory(t *testing.T) {
	const n = 300
	for _, channels := range []int{1, 4} {
		all := make([]*Session, n)
		wires := make([]*Frames, n)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range all {
			_, pool := connect(t, FromMiners)
			all[i], wires[i] = seated(t, easy(), channels), &Frames{Transport: pool}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		each := (after.HeapAlloc - before.HeapAlloc) / n
		t.Logf("%d channels: %d bytes", channels, each)
		if most := uint64(3000 + 5000*channels); each > most {
			t.Errorf("a connection with %d channels takes %d bytes, more than %d", channels, each, most)
		}
		runtime.KeepAlive(all)
		runtime.KeepAlive(wires)
	}
}

// frames cuts fuzzed bytes into frames: a kind, a length of two bytes, a
// payload.
func cut(b []byte, each func(h message.Header, payload []byte) bool) {
	for len(b) >= 3 {
		h := message.Header{Kind: message.Kind(b[0])}
		if h.Kind&0x80 != 0 { // the negotiation of extensions
			h.Kind &^= 0x80
			h.Extension = message.Negotiation
		}
		h.Size = min(int(b[1])|int(b[2])<<8, len(b)-3)
		payload := b[3 : 3+h.Size]
		b = b[3+h.Size:]
		if !each(h, bytes.Clone(payload)) {
			return
		}
	}
}

// pack is what cut cuts.
func pack(all ...message.Message) []byte {
	var b []byte
	for _, m := range all {
		f := mustFrame(m)
		h, _ := message.ParseHeader(f[:message.HeaderSize])
		kind := byte(h.Kind)
		if h.Defines() == message.Negotiation {
			kind |= 0x80
		}
		b = append(b, kind, byte(h.Size), byte(h.Size>>8))
		b = append(b, f[message.HeaderSize:]...)
	}
	return b
}

// No dialogue makes a session panic, say what is no message, or take more
// channels than it may.
func FuzzSession(f *testing.F) {
	all := job.Target(bytes.Repeat([]byte{0xff}, 32))
	setup := &message.SetupConnection{MinVersion: 2, MaxVersion: 2}
	f.Add(pack(setup, &message.OpenStandardMiningChannel{User: "a", MaxTarget: all}, &message.SubmitSharesStandard{Channel: 2, Job: 1}))
	f.Add(pack(setup, &message.RequestExtensions{Extensions: []uint16{2}}, &message.OpenExtendedMiningChannel{User: "a", MaxTarget: all, MinExtranonce: 2},
		&message.SubmitSharesExtended{Channel: 2, Job: 1, Extranonce: make([]byte, 4)}, &message.UpdateChannel{Channel: 2, MaxTarget: all}, &message.CloseChannel{Channel: 2}))
	f.Add(pack(setup, &message.SetCustomMiningJob{}, &message.SetTarget{}, &message.CloseChannel{Channel: 1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := easy()
		c.Channels = 4
		s := NewSession(c)
		v := newView()
		see := func(out []byte) {
			heads, bodies := split(t, out)
			for i, h := range heads {
				if err := v.take(parsed(t, h, bodies[i])); err != nil {
					t.Fatal(err)
				}
			}
		}
		n := byte(0)
		cut(b, func(h message.Header, payload []byte) bool {
			out, e, err := s.Receive(nil, h, payload, noon())
			see(out)
			if e.Kind == Open {
				n++
				prefix, room := []byte{n, 0, 0, 0}, 4
				if !e.Extended {
					prefix, room = []byte{n, 0, 0, 0, 0, 0, 0, 0}, 0
				}
				if out, id, err := s.Opened(nil, e.Request, prefix, room); err == nil {
					see(out)
					see(s.Offer(nil, id, jobOn(1, "one", 1, true), noon()))
				}
			}
			see(s.Flush(nil))
			if len(s.channels) > 4 || len(s.waiting) > 4 {
				t.Fatalf("%d channels, %d asked for", len(s.channels), len(s.waiting))
			}
			return err == nil
		})
	})
}

// No pool makes a client panic or remember without bound.
func FuzzClient(f *testing.F) {
	ok := []message.Message{
		&message.SetupConnectionSuccess{Version: 2},
		&message.OpenExtendedMiningChannelSuccess{Request: 1, Channel: 2, Target: job.Target{31: 1}, Extranonce: 4, Group: 1},
		&message.NewExtendedMiningJob{Channel: 2, Job: 1, VersionRolling: true, Prefix: []byte("a"), Suffix: []byte("b")},
		&message.SetNewPrevHash{Channel: 2, Job: 1, Bits: 0x1d00ffff},
		&message.SubmitSharesSuccess{Channel: 2, Count: 1},
	}
	f.Add(false, pack(ok...))
	f.Add(false, pack(append(ok, &message.SetTarget{Channel: 2, Target: job.Target{1}}, &message.Reconnect{Host: "x"}, &message.CloseChannel{Channel: 1})...))
	f.Add(true, pack(&message.SetupConnectionSuccess{Version: 2}, &message.OpenStandardMiningChannelSuccess{Request: 1, Channel: 2, Target: job.Target{31: 1}},
		&message.NewMiningJob{Channel: 2, Job: 1}, &message.SetNewPrevHash{Channel: 2, Job: 1, Bits: 0x1d00ffff}, &message.SubmitSharesError{Channel: 2}))
	f.Fuzz(func(t *testing.T, standard bool, b []byte) {
		c := NewClient(ClientConfig{User: "me", Standard: standard, Named: len(b)%2 == 1, Next: counter()})
		out, err := c.Login(nil)
		if err != nil {
			t.Fatal(err)
		}
		split(t, out)
		cut(b, func(h message.Header, payload []byte) bool {
			out, news, err := c.Receive(nil, h, payload, noon())
			split(t, out)
			for _, n := range news {
				var s stratum.Share
				switch {
				case n.Job != nil:
					if n.Job.Extranonce < 1 || len(n.Job.Prefix)+n.Job.Extranonce+len(n.Job.Suffix) > job.MaxCoinbase {
						t.Fatalf("a job with %d bytes of extranonce", n.Job.Extranonce)
					}
					s = stratum.Share{Job: n.Job.ID, Extranonce: make([]byte, n.Job.Extranonce), Version: n.Job.Version}
				case n.Header != nil:
					s = stratum.Share{Job: n.Header.ID, Version: n.Header.Version}
				default:
					continue
				}
				out, err := c.Submit(nil, s, 1, noon())
				if err != nil {
					t.Fatal(err)
				}
				split(t, out)
			}
			if len(c.future) > maxFuture || len(c.issued) > maxIssued || len(c.sent) > maxUnanswered {
				t.Fatal("it remembers too much")
			}
			return err == nil
		})
	})
}

// A share from the wire to its answer on the wire takes no memory, whether it is
// accepted or refused.
func TestShareAllocations(t *testing.T) {
	for name, start := range map[string]job.Difficulty{"accepted": easiest, "refused": 1 << 40} {
		t.Run(name, func(t *testing.T) {
			b, d := plug(t, true, Config{Mask: job.MaskV2, Start: start, Vardiff: share.Vardiff{Fixed: true, Floor: start}})
			j := jobOn(2, "one", 2, true)
			j.Goal, j.Network = job.Target{}, job.Target{}
			if err := b.hear(d.seal(d.s.Offer(nil, 2, j, d.now))); err != nil {
				t.Fatal(err)
			}
			m := &message.SubmitSharesExtended{Channel: 2, Job: b.mining.number, Time: b.mining.time, Version: b.mining.version, Extranonce: make([]byte, 4)}
			frame, wire, plain, out := make([]byte, 0, 256), make([]byte, 0, 256), make([]byte, 0, 256), make([]byte, 0, 256)
			want := share.LowDifficulty
			if name == "accepted" {
				want = share.Accepted
			}
			each := func(h message.Header, payload []byte) error {
				p, e, err := d.s.Receive(plain, h, payload, d.now)
				if plain = p; e.Verdict.Reason != want {
					t.Fatalf("the share is %v", e.Verdict.Reason)
				}
				return err
			}
			run := func() {
				m.Nonce++
				frame, _ = message.Append(frame[:0], m)
				wire, _ = b.wire.Seal(wire[:0], frame)
				plain = plain[:0]
				if err := d.frames.Feed(wire, each); err != nil {
					t.Fatal(err)
				}
				out, _ = d.wire.Seal(out[:0], d.s.Flush(plain))
				if len(out) == 0 {
					t.Fatal("no answer")
				}
			}
			for range 1100 { // the set of shares has grown by then
				run()
			}
			if n := testing.AllocsPerRun(900, run); n != 0 {
				t.Errorf("a share takes %v allocations", n)
			}
		})
	}
}

// easiest is a difficulty that every hash has.
const easiest = 1e-10

// BenchmarkShare is a share from the wire to its answer on the wire: decrypted,
// read, checked with a branch of 12 steps, answered, encrypted.
func BenchmarkShare(b *testing.B) {
	for _, extended := range []bool{false, true} {
		b.Run(fmt.Sprintf("extended=%v", extended), func(b *testing.B) {
			// The easiest of targets: whatever is sent is accepted.
			miner, d := plug(b, extended, Config{Mask: job.MaskV2, Start: easiest, Vardiff: share.Vardiff{Fixed: true, Floor: easiest}})
			wire, plain, out := make([]byte, 0, 256), make([]byte, 0, 256), make([]byte, 0, 256)
			each := func(h message.Header, payload []byte) error {
				var err error
				plain, _, err = d.s.Receive(plain, h, payload, d.now)
				return err
			}
			var m message.Message
			std := &message.SubmitSharesStandard{Channel: 2, Time: uint32(noon().Unix()), Version: 0x20000000}
			ext := &message.SubmitSharesExtended{Channel: 2, Time: uint32(noon().Unix()), Version: 0x20000000, Extranonce: make([]byte, 4)}
			if m = std; extended {
				m = ext
			}
			frame := make([]byte, 0, 256)
			b.ReportAllocs()
			n := uint32(0)
			for b.Loop() {
				if n%2000 == 0 { // before the job has had too many shares
					j := jobOn(1000+n, "one", 1, false)
					j.Branch = make([]job.Hash, 12)
					d.s.Offer(nil, 2, j, d.now)
					std.Job, ext.Job = d.s.lastJob, d.s.lastJob
				}
				n++
				std.Nonce, ext.Nonce = n, n
				frame, _ = message.Append(frame[:0], m)
				wire, _ = miner.wire.Seal(wire[:0], frame)
				plain = plain[:0]
				if err := d.frames.Feed(wire, each); err != nil {
					b.Fatal(err)
				}
				out, _ = d.wire.Seal(out[:0], d.s.Flush(plain))
			}
			b.StopTimer()
			if d.s.accepted < int(n)*9/10 {
				b.Fatalf("%d of %d shares were accepted", d.s.accepted, n)
			}
		})
	}
}

// BenchmarkOffer is a job with a branch of 12 steps to one miner, encrypted.
func BenchmarkOffer(b *testing.B) {
	for _, extended := range []bool{false, true} {
		b.Run(fmt.Sprintf("extended=%v", extended), func(b *testing.B) {
			_, d := plug(b, extended, easy())
			jobs := make([]*job.Job, 64)
			for i := range jobs {
				jobs[i] = jobOn(uint32(100+i), "one", byte(i), true)
				jobs[i].Branch = make([]job.Hash, 12)
				jobs[i].Prefix, jobs[i].Suffix = make([]byte, 150), make([]byte, 100)
			}
			var plain, out []byte
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				plain = d.s.Offer(plain[:0], 2, jobs[n%len(jobs)], d.now)
				out, _ = d.wire.Seal(out[:0], plain)
				n++
			}
		})
	}
}

package stratum2

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hearth/pool/job"
	"hearth/pool/share"
	"hearth/pool/stratum2/message"
)

// bitaxe is a miner with the habits and limits of ESP-Miner's V2 task, as its
// source has them in August 2026: see the reference. It is written apart from
// Session and Client.
type bitaxe struct {
	wire     *Transport
	extended bool

	waits   message.Kind // the very next frame must be of this kind
	channel uint32
	prefix  []byte
	room    int
	target  job.Target

	pending [8]*chip // by the job's number modulo 8
	prev    job.Hash
	bits    uint32
	begun   bool

	mining   *chip
	sequence uint32

	accepted, refused int
	codes             []string
	ignored           []message.Kind
}

// chip is a job in its queue.
type chip struct {
	number, version, time, bits uint32
	prev                        job.Hash
	root                        func() job.Hash
}

const (
	longestFrame = 8192
	longestPath  = 20
)

// say is a frame on the wire.
func (b *bitaxe) say(m message.Message) []byte {
	plain, err := message.Append(nil, m)
	if err != nil {
		panic(err)
	}
	out, err := b.wire.Seal(nil, plain)
	if err != nil {
		panic(err)
	}
	return out
}

func (b *bitaxe) setup() []byte {
	flags := uint32(message.RequiresStandardJobs)
	if b.extended {
		flags = 0
	}
	b.waits = message.KindSetupConnectionSuccess
	return b.say(&message.SetupConnection{MinVersion: 2, MaxVersion: 2, Flags: flags, Host: "192.168.1.10", Port: 3333, Vendor: "bitaxe", Hardware: "BM1370"})
}

func (b *bitaxe) open() []byte {
	all := job.Target(bytes.Repeat([]byte{0xff}, 32))
	if b.extended {
		b.waits = message.KindOpenExtendedMiningChannelSuccess
		return b.say(&message.OpenExtendedMiningChannel{Request: 1, User: "attic", HashRate: 1e12, MaxTarget: all, MinExtranonce: 2})
	}
	b.waits = message.KindOpenStandardMiningChannelSuccess
	return b.say(&message.OpenStandardMiningChannel{Request: 1, User: "attic", HashRate: 1e12, MaxTarget: all})
}

// hear reads what is on the wire, frame by frame as the firmware does.
func (b *bitaxe) hear(wire []byte) error {
	for len(wire) > 0 {
		if len(wire) < HeaderSize {
			return errors.New("a header is cut")
		}
		h, err := b.wire.OpenHeader(wire[:HeaderSize])
		if err != nil {
			return err
		}
		wire = wire[HeaderSize:]
		n := Sealed(h.Size)
		if n > longestFrame || len(wire) < n {
			return fmt.Errorf("%v does not fit the buffer", h)
		}
		payload, err := b.wire.Open(wire[:n])
		if err != nil {
			return err
		}
		wire = wire[n:]
		if b.waits != 0 {
			if h.Kind != b.waits {
				return fmt.Errorf("%v came for an answer; the firmware connects anew", h)
			}
			b.waits = 0
		}
		if err := b.take(h, payload); err != nil {
			return err
		}
	}
	return nil
}

func (b *bitaxe) take(h message.Header, payload []byte) error {
	m := message.New(message.Header{Kind: h.Kind}) // it looks at the kind alone
	if m == nil {
		b.ignored = append(b.ignored, h.Kind)
		return nil
	}
	if _, err := message.Parse(m, slices.Clone(payload)); err != nil {
		return err
	}
	switch m := m.(type) {
	case *message.SetupConnectionSuccess:
	case *message.OpenStandardMiningChannelSuccess:
		b.channel, b.target = m.Channel, m.Target
	case *message.OpenExtendedMiningChannelSuccess:
		b.channel, b.target, b.prefix, b.room = m.Channel, m.Target, m.ExtranoncePrefix, int(m.Extranonce)
	case *message.NewMiningJob:
		root := m.Root
		b.queue(&chip{number: m.Job, version: m.Version, time: m.MinTime, root: func() job.Hash { return root }}, m.Active)
	case *message.NewExtendedMiningJob:
		if len(m.Path) > longestPath {
			return fmt.Errorf("a branch of %d steps", len(m.Path))
		}
		j := job.Job{Prefix: m.Prefix, Suffix: m.Suffix, Branch: m.Path}
		b.queue(&chip{number: m.Job, version: m.Version, time: m.MinTime, root: func() job.Hash {
			return j.Root(append(slices.Clone(b.prefix), make([]byte, b.room)...))
		}}, m.Active)
	case *message.SetNewPrevHash:
		b.prev, b.bits = m.Prev, m.Bits
		slot := m.Job % 8
		if g := b.pending[slot]; g != nil && g.number == m.Job {
			g.time = m.MinTime
			b.start(g)
			b.pending[slot] = nil
		} else if b.begun {
			return fmt.Errorf("a block for job %d, which is not in the ring: the chips go idle", m.Job)
		}
		b.begun = true
	case *message.SetTarget:
		b.target = m.Target // for whatever is being mined
	case *message.SubmitSharesSuccess:
		b.accepted += int(m.Count)
	case *message.SubmitSharesError:
		b.refused++
		b.codes = append(b.codes, m.Code)
	default:
		b.ignored = append(b.ignored, h.Kind)
	}
	return nil
}

// queue takes a job: a time of 0 means a future one on an extended channel.
func (b *bitaxe) queue(g *chip, active bool) {
	if active && b.begun {
		b.start(g)
		return
	}
	b.pending[g.number%8] = g
}

func (b *bitaxe) start(g *chip) {
	if b.mining != nil && b.mining.number == g.number {
		return // it ignores a number that it has
	}
	g.prev, g.bits = b.prev, b.bits
	b.mining = g
}

// find is a share of a job at the target it mines at now, rolling the version as
// its chips do.
func (b *bitaxe) find(g *chip) []byte {
	h := job.Header{Version: g.version, Prev: g.prev, Root: g.root(), Time: g.time, Bits: g.bits}
	for !h.Hash().Meets(b.target) {
		if h.Nonce++; h.Nonce%64 == 0 {
			h.Version = g.version | h.Nonce<<7&job.MaskV1
		}
	}
	n := b.sequence
	b.sequence++
	if b.extended {
		return b.say(&message.SubmitSharesExtended{Channel: b.channel, Sequence: n, Job: g.number, Nonce: h.Nonce, Time: h.Time, Version: h.Version, Extranonce: make([]byte, b.room)})
	}
	return b.say(&message.SubmitSharesStandard{Channel: b.channel, Sequence: n, Job: g.number, Nonce: h.Nonce, Time: h.Time, Version: h.Version})
}

// desk is the owner of a Session, who lets everybody in.
type desk struct {
	s       *Session
	frames  Frames
	wire    *Transport
	now     time.Time
	first   *job.Job
	events  []Event
	verdict share.Reason
}

func (d *desk) seal(plain []byte) []byte {
	out, err := d.wire.Seal(nil, plain)
	if err != nil {
		panic(err)
	}
	return out
}

// hear is what the pool answers to bytes of the miner.
func (d *desk) hear(wire []byte) (answer []byte, err error) {
	var plain []byte
	err = d.frames.Feed(wire, func(h message.Header, payload []byte) error {
		out, e, err := d.s.Receive(plain, h, payload, d.now)
		plain = out
		switch {
		case err != nil:
			return err
		case e.Kind == Open:
			room := 4
			prefix := []byte{1, 2, 3, 4}
			if !e.Extended {
				prefix, room = append(prefix, 0, 0, 0, 0), 0
			}
			var id uint32
			if plain, id, err = d.s.Opened(plain, e.Request, prefix, room); err != nil {
				return err
			}
			plain = d.s.Offer(plain, id, d.first, d.now)
		case e.Kind == Share:
			d.verdict = e.Verdict.Reason
		}
		d.events = append(d.events, e)
		return nil
	})
	return d.seal(d.s.Flush(plain)), err
}

// plug connects a bitaxe to a pool.
func plug(t testing.TB, extended bool, c Config) (*bitaxe, *desk) {
	t.Helper()
	m, p := connect(t, FromMiners)
	b := &bitaxe{wire: m, extended: extended}
	d := &desk{s: NewSession(c), frames: Frames{Transport: p}, wire: p, now: noon(), first: jobOn(1, "one", 1, true)}
	for _, say := range []func() []byte{b.setup, b.open} {
		answer, err := d.hear(say())
		if err != nil {
			t.Fatal(err)
		}
		if err := b.hear(answer); err != nil {
			t.Fatal(err)
		}
	}
	return b, d
}

// Through anything a pool may do to it, the firmware always mines what the pool
// wants it to, no share of it is lost, none is found twice, and it is never sent
// what it does not understand.
func TestBitaxe(t *testing.T) {
	for _, extended := range []bool{false, true} {
		t.Run(fmt.Sprintf("extended=%v", extended), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				b, d := plug(t, extended, easy())
				channel := uint32(2)
				current, next := d.first, uint32(2)
				height := map[string]byte{"one": 1, "two": 1}
				newest := map[string]*job.Job{"one": d.first}
				sent, mined := 0, map[uint32]*chip{}
				give := func(plain []byte) {
					if err := b.hear(d.seal(plain)); err != nil {
						rt.Fatal(err)
					}
				}
				submit := func(g *chip, want ...share.Reason) {
					answer, err := d.hear(b.find(g))
					sent++
					if err != nil {
						rt.Fatal(err)
					}
					if err := b.hear(answer); err != nil {
						rt.Fatal(err)
					}
					if !slices.Contains(want, d.verdict) {
						rt.Fatalf("a share of job %d is %v, want one of %v", g.number, d.verdict, want)
					}
				}
				for range rapid.IntRange(1, 25).Draw(rt, "steps") {
					before := b.mining
					switch rapid.SampledFrom([]string{"job", "block", "switch", "target", "again", "keepalive"}).Draw(rt, "step") {
					case "job":
						current = jobOn(next, current.Source, height[current.Source], false)
					case "block":
						height[current.Source]++
						current = jobOn(next, current.Source, height[current.Source], true)
					case "switch": // to the other source, which may be a block ahead or behind
						other := "one"
						if current.Source == other {
							other = "two"
						}
						if newest[other] == nil {
							newest[other] = jobOn(next, other, height[other], true)
						}
						current = newest[other]
					case "target":
						d.s.Channel(channel).Suggest(tiny * rapid.SampledFrom([]job.Difficulty{0.25, 1, 4}).Draw(rt, "difficulty"))
					case "again":
						d.now = d.now.Add(time.Duration(rapid.IntRange(0, 30).Draw(rt, "seconds")) * time.Second)
					case "keepalive":
						give(d.s.Keepalive(nil))
						continue
					}
					next = max(next, current.ID) + 1
					newest[current.Source] = current
					give(d.s.Offer(nil, channel, current, d.now))
					if b.mining == before {
						rt.Fatal("the firmware goes on with the job before")
					}
					if b.mining.prev != current.Prev || b.mining.version != current.Version {
						rt.Fatalf("the firmware mines on %v, want %v", b.mining.prev, current.Prev)
					}
					submit(b.mining, share.Accepted)
					if old := mined[rapid.Uint32Range(1, b.mining.number).Draw(rt, "old")]; old != nil && old.number != b.mining.number {
						// One that was under way, at whatever target: it may be over, or just found.
						submit(old, share.Accepted, share.Stale, share.UnknownJob, share.Duplicate)
					}
					mined[b.mining.number] = b.mining
				}
				if len(b.ignored) > 0 {
					rt.Fatalf("it was sent %v, which it ignores", b.ignored)
				}
				if b.accepted+b.refused != sent {
					rt.Fatalf("%d shares, %d accepted and %d refused", sent, b.accepted, b.refused)
				}
			})
		})
	}
}

// A job as large as a pool may make it fits the firmware: the coinbase that
// fits every Antminer, and a branch of a full block.
func TestBitaxeLargestJob(t *testing.T) {
	b, d := plug(t, true, easy())
	j := jobOn(9, "one", 2, true)
	j.Prefix, j.Suffix, j.Branch = make([]byte, 400), make([]byte, 347), make([]job.Hash, 14)
	if err := b.hear(d.seal(d.s.Offer(nil, 2, j, d.now))); err != nil {
		t.Fatal(err)
	}
	if _, err := d.hear(b.find(b.mining)); err != nil || d.verdict != share.Accepted {
		t.Errorf("its share is %v, %v", d.verdict, err)
	}
}

// The firmware does not notice that its channel was closed; its shares then have
// an answer all the same.
func TestBitaxeIgnoresClose(t *testing.T) {
	b, d := plug(t, false, easy())
	if err := b.hear(d.seal(d.s.Close(nil, 2, "unpaired"))); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(b.ignored, []message.Kind{message.KindCloseChannel}) {
		t.Fatalf("it ignored %v", b.ignored)
	}
	answer, err := d.hear(b.find(b.mining))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.hear(answer); err != nil || !slices.Equal(b.codes, []string{"invalid-channel-id"}) {
		t.Errorf("it was told %q, %v", b.codes, err)
	}
}

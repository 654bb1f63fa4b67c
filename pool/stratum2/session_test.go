package stratum2

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hearth/pool/job"
	"hearth/pool/share"
	"hearth/pool/stratum2/message"
)

// tiny is a difficulty that a test reaches in some 256 hashes.
const tiny = job.Difficulty(1.0 / (1 << 24))

// easy is what the sessions of the tests begin with.
func easy() Config {
	return Config{Mask: job.MaskV2, Vardiff: share.Vardiff{Floor: tiny / 1024}, Start: tiny}
}

// jobOn is a job of a test: on block n of a source.
func jobOn(id uint32, source string, block byte, clean bool) *job.Job {
	network, err := job.CompactTarget(0x1d00ffff)
	if err != nil {
		panic(err)
	}
	now := uint32(noon().Unix())
	return &job.Job{
		ID: id, Source: source, Version: 0x20000000, Mask: job.MaskV2, Prev: job.Hash{block}, Bits: 0x1d00ffff,
		Time: now, MinTime: now - 600, Prefix: []byte("coinbase of " + source + " before "), Suffix: []byte(" and after"), Extranonce: 8,
		Branch: []job.Hash{{byte(id)}, {2}, {3}}, Clean: clean, Network: network, Goal: network,
	}
}

// table is a pool's end of a dialogue: a Session, its owner, and a miner that
// knows what it was sent.
type table struct {
	s      *Session
	now    time.Time
	jobs   map[string]*job.Job
	view   *view
	memory memory
	heads  []message.Header
	bodies [][]byte
	event  *Event
	failed error
	last   []byte // the last share, as a frame
}

func newTable(c Config) *table {
	other := jobOn(103, "one", 1, false)
	other.Bits = 0x1c7fffff
	late, short := jobOn(104, "one", 2, true), jobOn(203, "two", 2, false)
	late.Time += 30
	short.MaxTime = short.Time + 10
	return &table{
		s: NewSession(c), now: noon(), view: newView(), memory: memory{},
		jobs: map[string]*job.Job{
			"A": jobOn(100, "one", 1, true), "B": jobOn(101, "one", 1, false), "C": jobOn(102, "one", 2, true), "W": other, "L": late, "S": short,
			"X": jobOn(200, "two", 1, true), "Y": jobOn(201, "two", 2, false), "Z": jobOn(202, "two", 1, false),
		},
	}
}

// queue takes frames that the session appended.
func (p *table) queue(t testing.TB, b []byte) error {
	heads, bodies := split(t, b)
	for i, h := range heads {
		if err := p.view.take(parsed(t, h, bodies[i])); err != nil {
			return fmt.Errorf("the miner does not understand %v: %w", h, err)
		}
	}
	p.heads, p.bodies = append(p.heads, heads...), append(p.bodies, bodies...)
	return nil
}

// settled is an error if something was said that the dialogue did not expect.
func (p *table) settled(t testing.TB) error {
	switch {
	case len(p.heads) > 0:
		return fmt.Errorf("the pool also said %s", render(parsed(t, p.heads[0], p.bodies[0]), p.heads[0]))
	case p.event != nil:
		return fmt.Errorf("the event %s was not expected", p.event.describe())
	case p.failed != nil:
		return fmt.Errorf("it ended: %w", p.failed)
	}
	return nil
}

func (p *table) line(t testing.TB, text string) error {
	sign, rest, _ := strings.Cut(text, " ")
	switch sign {
	case ">":
		if err := p.settled(t); err != nil {
			return err
		}
		return p.say(t, rest)
	case "!":
		if err := p.settled(t); err != nil {
			return err
		}
		return p.act(t, words(rest))
	case "<":
		if len(p.heads) == 0 {
			return fmt.Errorf("the pool said nothing")
		}
		h, body := p.heads[0], p.bodies[0]
		p.heads, p.bodies = p.heads[1:], p.bodies[1:]
		return p.memory.expect(parsed(t, h, body), h, rest)
	case "=":
		if p.event == nil {
			return fmt.Errorf("there was no event")
		}
		if got := p.event.describe(); got != rest {
			return fmt.Errorf("event %s", got)
		}
		p.event = nil
		return nil
	case "x":
		if p.failed == nil || !strings.Contains(p.failed.Error(), rest) {
			return fmt.Errorf("ended with: %v", p.failed)
		}
		p.failed = nil
		return nil
	}
	return fmt.Errorf("a line begins with %q", sign)
}

func (e *Event) describe() string {
	switch e.Kind {
	case Open:
		kind := "standard"
		if e.Extended {
			kind = fmt.Sprintf("extended, %d bytes", e.Extranonce)
		}
		hash := "unknown"
		if h, ok := e.Hash.Get(); ok {
			hash = fmt.Sprintf("%g H/s", float64(h))
		}
		return fmt.Sprintf("open %d: %s, %s, agent %q, %s", e.Request, e.User, kind, e.Agent, hash)
	case Closed:
		return fmt.Sprintf("closed %d of %s", e.Channel, e.User)
	case Share:
		who := e.User
		if e.Name != "" {
			who += "/" + e.Name
		}
		out := fmt.Sprintf("share %d of %s: %v", e.Channel, who, e.Verdict.Reason)
		if e.Verdict.Job != nil {
			out += fmt.Sprintf(", job %d", e.Verdict.Job.ID)
		}
		return out
	}
	return "none"
}

// say is the miner's: a message, or a share that it finds.
func (p *table) say(t testing.TB, text string) error {
	w := words(text)
	var b []byte
	var err error
	switch w[0] {
	case "share":
		b, err = p.share(w[1:])
	case "again":
		b = p.last
	case "raw":
		b, err = unhex(w[1])
	default:
		var m message.Message
		if m, err = p.memory.compose(text); err == nil {
			b, err = message.Append(nil, m)
		}
	}
	if err != nil {
		return err
	}
	h, err := message.ParseHeader(b[:message.HeaderSize])
	if err != nil {
		return err
	}
	b = slices.Clone(b)
	out, e, failed := p.s.Receive(nil, h, b[message.HeaderSize:], p.now)
	spoil(b)
	if e.Kind != None {
		p.event = &e
	}
	p.failed = failed
	return p.queue(t, out)
}

// share finds one: "CHANNEL job=N", and what is unusual about it.
func (p *table) share(w []string) ([]byte, error) {
	id, err := strconv.ParseUint(w[0], 10, 32)
	if err != nil {
		return nil, err
	}
	s := p.view.channels[uint32(id)]
	if s == nil {
		return nil, fmt.Errorf("no channel %d", id)
	}
	options := map[string]string{}
	for _, o := range w[1:] {
		name, value, _ := strings.Cut(o, "=")
		options[name] = p.memory.value(value)
	}
	number := func(name string, other uint32) uint32 {
		if text, ok := options[name]; ok {
			var n uint64
			if n, err = strconv.ParseUint(text, 0, 32); err == nil {
				return uint32(n)
			}
		}
		return other
	}
	n := number("job", s.current)
	of := s.jobs[n]
	if of == nil {
		of = s.void[n]
	}
	if of == nil {
		return nil, fmt.Errorf("the miner never had a job %d", n)
	}
	ntime := of.time + number("later", 0)
	version := of.version | number("roll", 0)
	extranonce := make([]byte, s.room)
	if text, ok := options["extranonce"]; ok {
		if extranonce, err = unhex(text); err != nil {
			return nil, err
		}
	}
	target := of.target
	if text, ok := options["times"]; ok {
		f, bad := strconv.ParseFloat(text, 64)
		if bad != nil {
			return nil, bad
		}
		target = (target.Difficulty() * job.Difficulty(f)).Target()
	}
	_, miss := options["miss"]
	nonce := of.find(extranonce, version, ntime, target, miss)
	var m message.Message = &message.SubmitSharesStandard{
		Channel: uint32(id), Sequence: number("sequence", 0), Job: n, Nonce: nonce, Time: ntime, Version: version,
	}
	var fields []message.Field
	if s.extended {
		m = &message.SubmitSharesExtended{
			Channel: uint32(id), Sequence: number("sequence", 0), Job: n, Nonce: nonce, Time: ntime, Version: version, Extranonce: extranonce,
		}
		if name, ok := options["name"]; ok {
			fields = append(fields, message.Field{Extension: message.WorkerNames, Type: 1, Value: []byte(strings.Trim(name, `"`))})
		}
	}
	if err != nil {
		return nil, err
	}
	p.last, err = message.Append(nil, m, fields...)
	return p.last, err
}

// act is the owner's.
func (p *table) act(t testing.TB, w []string) error {
	id := func(text string) uint32 {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		return uint32(n)
	}
	var out []byte
	switch w[0] {
	case "wait":
		d, err := time.ParseDuration(w[1])
		p.now = p.now.Add(d)
		return err
	case "opened":
		prefix, err := unhex(w[2])
		if err != nil {
			return err
		}
		var e error
		out, _, e = p.s.Opened(nil, id(w[1]), prefix, int(id(w[3])))
		spoil(prefix)
		p.failed = e
	case "refuse":
		out = p.s.Refuse(nil, id(w[1]), strings.Trim(w[2], `"`))
	case "offer":
		out = p.s.Offer(nil, id(w[1]), p.jobs[w[2]], p.now)
	case "difficulty": // of the channel, as times the tiny one
		f, err := strconv.ParseFloat(w[2], 64)
		if err != nil {
			return err
		}
		p.s.Channel(id(w[1])).Suggest(tiny * job.Difficulty(f))
	case "tick":
		if got := fmt.Sprint(p.s.Tick(id(w[1]), p.now)); got != w[2] {
			return fmt.Errorf("changed: %s", got)
		}
	case "flush":
		out = p.s.Flush(nil)
	case "keepalive":
		out = p.s.Keepalive(nil)
	case "close":
		out = p.s.Close(nil, id(w[1]), strings.Trim(w[2], `"`))
	default:
		return fmt.Errorf("nobody knows how to %q", w[0])
	}
	return p.queue(t, out)
}

func TestSessionDialogues(t *testing.T) {
	dialogues(t, "session", func(t *testing.T) (func(string) error, func() error) {
		p := newTable(easy())
		return func(text string) error {
			if text == "! no version rolling" {
				c := easy()
				c.Mask = 0
				p.s = NewSession(c)
				return nil
			}
			return p.line(t, text)
		}, func() error { return p.settled(t) }
	})
}

// One answer for many shares, with the sum of their difficulties.
func TestFlush(t *testing.T) {
	s := NewSession(Config{})
	s.channels = []*channel{{id: 2}, {id: 3}}
	for _, c := range []struct {
		works []job.Work
		want  uint64
	}{
		{[]job.Work{1024, 1024, 4096}, 6},
		{[]job.Work{512, 1}, 1},
		{[]job.Work{1, 1}, 0},
		{[]job.Work{math.MaxUint64, math.MaxUint64}, 1 << 54},
	} {
		for i, w := range c.works {
			s.channels[1].owe(uint32(i), w)
		}
		heads, bodies := split(t, s.Flush(nil))
		if len(heads) != 1 {
			t.Fatalf("%d answers", len(heads))
		}
		got := *parsed(t, heads[0], bodies[0]).(*message.SubmitSharesSuccess)
		want := message.SubmitSharesSuccess{Channel: 3, Sequence: uint32(len(c.works) - 1), Count: uint32(len(c.works)), Sum: c.want}
		if got != want {
			t.Errorf("%v: answered %+v, want %+v", c.works, got, want)
		}
		if more := s.Flush(nil); len(more) > 0 {
			t.Errorf("%v: answered twice", c.works)
		}
	}
}

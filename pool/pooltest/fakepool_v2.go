package pooltest

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"math/big"
	"slices"
	"time"

	"hearth/pool/job"
	"hearth/pool/stratum2"
	"hearth/pool/stratum2/message"
	"hearth/pool/stratum2/noise"
)

// identify gives the pool a key and an authority that vouches for it.
func (p *FakePool) identify() {
	p.t.Helper()
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		p.t.Fatal(err)
	}
	authority, err := noise.NewAuthority(secret)
	if err != nil {
		p.t.Fatal(err)
	}
	key, err := noise.GenerateKey(rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	now := time.Now()
	certificate, err := authority.Certify(key.X(), now.Add(-time.Hour), now.Add(time.Hour), secret)
	if err != nil {
		p.t.Fatal(err)
	}
	p.id, p.key = &noise.Identity{Key: key, Certificate: certificate}, authority.Key()
}

// fakeV2 is a connection in Stratum V2 with one extended channel. It shares the
// codec with what it tests, and works out itself what messages mean.
type fakeV2 struct {
	*fakeBase
	transport *stratum2.Transport

	// Guarded by the pool's mutex.
	user  string
	named bool
	jobs  map[uint32]*fakeJob
}

const (
	fakeChannel = 7
	fakeGroup   = 3
)

func (c *fakeV2) talk() {
	r := bufio.NewReader(c.conn)
	hello := make([]byte, noise.HelloSize)
	if _, err := io.ReadFull(r, hello); err != nil {
		return
	}
	key, err := noise.GenerateKey(rand.Reader)
	if err != nil {
		return
	}
	answer, pair, err := noise.Respond(hello, key, c.p.id)
	if err != nil {
		return
	}
	c.transport, c.jobs = stratum2.NewTransport(pair, stratum2.FromMiners), map[uint32]*fakeJob{}
	c.write.Lock()
	c.send(answer[:])
	c.write.Unlock()
	head := make([]byte, stratum2.HeaderSize)
	for {
		if _, err := io.ReadFull(r, head); err != nil {
			return
		}
		h, err := c.transport.OpenHeader(slices.Clone(head))
		if err != nil {
			c.p.t.Errorf("the fake pool heard a header that it cannot read: %v", err)
			return
		}
		sealed := make([]byte, stratum2.Sealed(h.Size))
		if _, err := io.ReadFull(r, sealed); err != nil {
			return
		}
		payload, err := c.transport.Open(sealed)
		if err != nil {
			c.p.t.Errorf("the fake pool heard a payload that it cannot read: %v", err)
			return
		}
		m := message.New(h)
		rest, err := message.Parse(m, payload)
		if err != nil {
			c.p.t.Errorf("the fake pool heard a %v that it cannot read: %v", h, err)
			return
		}
		if !c.hear(m, rest) {
			return
		}
	}
}

// say sends messages, one behind another.
func (c *fakeV2) say(ms ...message.Message) {
	c.write.Lock()
	defer c.write.Unlock()
	var plain []byte
	for _, m := range ms {
		var err error
		if plain, err = message.Append(plain, m); err != nil {
			c.p.t.Errorf("the fake pool cannot say %+v: %v", m, err)
			return
		}
	}
	sealed, err := c.transport.Seal(nil, plain)
	if err != nil {
		c.p.t.Errorf("the fake pool cannot say %+v: %v", ms, err)
		return
	}
	c.send(sealed)
}

// hear takes a message; false ends the connection.
func (c *fakeV2) hear(m message.Message, rest []byte) bool {
	switch m := m.(type) {
	case *message.SetupConnection:
		c.say(&message.SetupConnectionSuccess{Version: message.Version})
	case *message.RequestExtensions:
		if c.p.cfg.Nameless {
			return true
		}
		c.p.mu.Lock()
		c.named = slices.Contains(m.Extensions, message.WorkerNames)
		c.p.mu.Unlock()
		c.say(&message.RequestExtensionsSuccess{Request: m.Request, Extensions: []uint16{message.WorkerNames}})
	case *message.OpenExtendedMiningChannel:
		return c.open(m)
	case *message.SubmitSharesExtended:
		c.submit(m, rest)
	case *message.UpdateChannel:
	default:
		c.p.t.Errorf("the fake pool did not expect %T", m)
	}
	return true
}

func (c *fakeV2) open(m *message.OpenExtendedMiningChannel) bool {
	p := c.p
	p.mu.Lock()
	if p.cfg.User != "" && m.User != p.cfg.User {
		p.mu.Unlock()
		c.say(&message.OpenMiningChannelError{Request: m.Request, Code: "unknown-user"})
		return true
	}
	c.in, c.user = true, m.User
	place := c.next
	p.mu.Unlock()
	c.say(&message.OpenExtendedMiningChannelSuccess{
		Request: m.Request, Channel: fakeChannel, Target: fakeTarget(place.difficulty),
		Extranonce: uint16(place.e2), ExtranoncePrefix: place.e1, Group: fakeGroup,
	})
	c.tell(true)
	return true
}

func (c *fakeV2) ask(difficulty float64) {
	c.p.mu.Lock()
	c.next.difficulty = difficulty
	in := c.in
	c.p.mu.Unlock()
	if !in {
		return
	}
	c.say(&message.SetTarget{Channel: fakeChannel, Target: fakeTarget(difficulty)})
}

func (c *fakeV2) notify() { c.tell(false) }

// tell sends the current job: as a future one and then its block if the block is
// news to the miner, else as one to be mined at once.
func (c *fakeV2) tell(first bool) {
	j := c.place()
	if j == nil {
		return
	}
	c.p.mu.Lock()
	c.jobs[j.number] = j
	c.p.mu.Unlock()
	path := make([]job.Hash, len(j.branch))
	for i, b := range j.branch {
		path[i] = job.Hash(b)
	}
	work := &message.NewExtendedMiningJob{
		Channel: fakeChannel, Job: j.number, Version: j.version, VersionRolling: true,
		Path: path, Prefix: j.before, Suffix: j.after,
	}
	if !first && !j.clean {
		work.Active, work.MinTime = true, j.ntime
		c.say(work)
		return
	}
	// The block goes to the group, as it does where there are several channels.
	c.say(work, &message.SetNewPrevHash{Channel: fakeGroup, Job: j.number, Prev: job.Hash(j.prev), MinTime: j.ntime, Bits: 0x1d00ffff})
}

func (c *fakeV2) submit(m *message.SubmitSharesExtended, rest []byte) {
	name, ok, err := message.FindWorkerName(rest)
	if err != nil {
		c.p.t.Errorf("the fake pool heard a name that it cannot read: %v", err)
	}
	p := c.p
	p.mu.Lock()
	worker := c.user
	if ok && c.named {
		worker = string(name)
	}
	j := c.jobs[m.Job]
	var why *fakeRefusal
	var difficulty float64
	switch {
	case j == nil || p.jobs[j.id] != j:
		why = &fakeRefusal{21, "stale-share"}
	case (m.Version^j.version)&^0x1fffffe0 != 0:
		why = &fakeRefusal{20, "invalid-version"}
	default:
		difficulty = c.places[j.id].difficulty
		if why = c.check(j, m.Extranonce, m.Version, m.Time, m.Nonce); why != nil {
			why.text = map[int]string{22: "duplicate-share", 23: "difficulty-too-low"}[why.code]
		}
	}
	why = p.judge(worker, difficulty, why)
	mute := p.mute
	p.mu.Unlock()
	switch {
	case mute:
	case why != nil:
		c.say(&message.SubmitSharesError{Channel: m.Channel, Sequence: m.Sequence, Code: why.text})
	default:
		c.say(&message.SubmitSharesSuccess{Channel: m.Channel, Sequence: m.Sequence, Count: 1, Sum: uint64(difficulty)})
	}
}

// fakeTarget is floor(0xFFFF·2^208 / d), least significant byte first.
func fakeTarget(d float64) job.Target {
	one := new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(0xffff), 208))
	q := one.Quo(one, new(big.Rat).SetFloat64(d))
	n := new(big.Int).Quo(q.Num(), q.Denom())
	var t job.Target
	if n.BitLen() > 256 {
		panic(fmt.Sprintf("difficulty %v has no target", d))
	}
	n.FillBytes(t[:])
	slices.Reverse(t[:])
	return t
}

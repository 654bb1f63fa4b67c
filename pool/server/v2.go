package server

import (
	"errors"
	"slices"
	"time"

	"hearth/pool/job"
	"hearth/pool/share"
	"hearth/pool/stratum2"
	"hearth/pool/stratum2/message"
)

// v2 is a connection's side of Stratum V2: a seat for each channel.
type v2 struct {
	conn     *conn
	frames   stratum2.Frames
	session  *stratum2.Session
	prefixes []prefix
	refusals int
}

// prefix is what a channel's extranonces begin with.
type prefix struct{ channel, id uint32 }

func (t *v2) version() int                      { return 2 }
func (t *v2) agent() string                     { return t.session.Agent() }
func (t *v2) ready(st *seat) bool               { return t.session.Channel(st.channel) != nil }
func (t *v2) channel(st *seat) *share.Channel   { return t.session.Channel(st.channel) }
func (t *v2) tick(st *seat, now time.Time) bool { return t.session.Tick(st.channel, now) }

func (t *v2) keepalive(dst []byte) []byte {
	return t.sealed(dst, t.session.Keepalive)
}

// offer leaves it to the session that a job that the miner has had goes out
// under another number and later.
func (t *v2) offer(dst []byte, st *seat, n *notice, now time.Time) []byte {
	return t.sealed(dst, func(plain []byte) []byte { return t.session.Offer(plain, st.channel, n.since(st.seen).job, now) })
}

func (t *v2) published(j *job.Job) *job.Job { return j }

// sealed appends what say appends, encrypted.
func (t *v2) sealed(dst []byte, say func([]byte) []byte) []byte {
	buf := t.conn.server.buffers.Get().(*[]byte)
	defer t.conn.server.buffers.Put(buf)
	return t.seal(dst, say((*buf)[:0]))
}

// seal appends frames, encrypted. It can fail only when a connection has had
// all its 2^64 nonces; it then ends.
func (t *v2) seal(dst, plain []byte) []byte {
	out, err := t.frames.Transport.Seal(dst, plain)
	if err != nil {
		t.conn.drop(byBreach)
	}
	return out
}

// meetV2 shakes hands with a miner that says hello.
func (c *conn) meetV2(hello []byte) error {
	answer, pair, err := c.server.respond(hello)
	if err != nil {
		return err
	}
	cfg := &c.server.cfg
	t := &v2{
		conn:   c,
		frames: stratum2.Frames{Transport: stratum2.NewTransport(pair, cfg.MaxFrame)},
		session: stratum2.NewSession(stratum2.Config{
			Mask: cfg.MaskV2, Vardiff: cfg.Vardiff, Start: cfg.Start, Channels: cfg.MaxChannels,
		}),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.talk = t
	c.send(answer[:], time.Now())
	return nil
}

// hear answers the frames that are whole.
func (t *v2) hear(b []byte, h *hand) (messages int, err error) {
	messages, err = t.some(b, h)
	h.tell(t.conn)
	return messages, err
}

// some answers the frames that became whole with b, and tells how many they
// were.
func (t *v2) some(b []byte, h *hand) (heard int, err error) {
	c := t.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.contain()
	now := time.Now()
	plain := h.plain[:0]
	err = t.frames.Feed(b, func(head message.Header, payload []byte) error {
		heard++
		out, e, err := t.session.Receive(plain, head, payload, now)
		plain = out
		switch e.Kind {
		case stratum2.Share:
			if st := c.seat(e.Channel); st != nil {
				h.judge(st, &e.Verdict, now)
			}
		case stratum2.Open:
			plain, err = t.open(plain, e, now)
		case stratum2.Closed:
			t.closed(e.Channel)
		}
		return err
	})
	if heard > 0 {
		c.heard = now
	}
	plain = t.session.Flush(plain)
	h.out, h.plain = t.seal(h.out[:0], plain), plain
	c.send(h.out, now)
	for _, st := range c.seats {
		c.adjust(st, now)
	}
	switch {
	case err == nil, errors.Is(err, errRefused):
		return heard, err
	}
	return heard, breach{err}
}

// open asks the Desk about a channel, and answers. The lock is held, and let go
// while the Desk is asked.
func (t *v2) open(plain []byte, e stratum2.Event, now time.Time) ([]byte, error) {
	c := t.conn
	var place Place
	var why string
	c.aside(func() {
		place, why = c.admit(Login{Protocol: 2, User: e.User, Agent: e.Agent, Hash: e.Hash})
	})
	if why != "" {
		plain = t.session.Refuse(plain, e.Request, why)
		if t.refusals++; t.refusals >= maxRefusals {
			return plain, errRefused
		}
		return plain, nil
	}
	out, channel, err := t.opened(plain, e)
	if err != nil || c.gone {
		c.aside(func() { c.server.left(c.remote, place.Worker) })
		return out, nil
	}
	// The channel has to be open before its first job comes.
	buf := c.server.buffers.Get().(*[]byte)
	defer c.server.buffers.Put(buf)
	c.send(t.seal((*buf)[:0], out), now)
	c.offer(c.sit(place, channel, now), now)
	return plain[:0], nil
}

// opened gives a channel its extranonce.
func (t *v2) opened(plain []byte, e stratum2.Event) ([]byte, uint32, error) {
	c := t.conn
	id, e1, err := c.server.prefixes.take(c.shape.e1)
	if err != nil {
		return t.session.Refuse(plain, e.Request, err.Error()), 0, err
	}
	room := c.shape.e2
	if !e.Extended { // it turns over nothing but time, nonce and version
		e1, room = append(e1, make([]byte, room)...), 0
	}
	out, channel, err := t.session.Opened(plain, e.Request, e1, room)
	if err != nil {
		c.server.prefixes.give(id)
		return out, 0, err
	}
	t.prefixes = append(t.prefixes, prefix{channel, id})
	return out, channel, nil
}

// closed takes away the seat of a channel that the miner gave up. The lock is
// held.
func (t *v2) closed(channel uint32) {
	c := t.conn
	t.prefixes = slices.DeleteFunc(t.prefixes, func(p prefix) bool {
		if p.channel == channel {
			c.server.prefixes.give(p.id)
		}
		return p.channel == channel
	})
	st := c.seat(channel)
	if st == nil {
		return
	}
	c.rise(st)
	c.alone = time.Now() // if it was the last: it has time to ask for another
	c.aside(func() { c.server.left(c.remote, st.worker) })
}

func (t *v2) part() {
	for _, p := range t.prefixes {
		t.conn.server.prefixes.give(p.id)
	}
}

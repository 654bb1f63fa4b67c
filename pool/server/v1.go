package server

import (
	"bytes"
	"errors"
	"time"

	"hearth/pool/job"
	"hearth/pool/share"
	"hearth/pool/stratum1"
)

// maxRefusals is how often one connection may try to log in.
const maxRefusals = 3

// batch is how many lines are answered with one write, at most.
const batch = 32

// v1 is a connection's side of Stratum V1: one seat.
type v1 struct {
	conn     *conn
	session  *stratum1.Session
	begun    []byte // of a line whose end has not come yet
	prefix   uint32
	refusals int
	// What the miner was given last: as many as its channel remembers.
	gave [8]given
	next int
}

func (t *v1) version() int                 { return 1 }
func (t *v1) agent() string                { return t.session.Agent() }
func (t *v1) ready(*seat) bool             { return t.session.Ready() }
func (t *v1) channel(*seat) *share.Channel { return t.session.Channel() }
func (t *v1) keepalive(dst []byte) []byte  { return t.session.Keepalive(dst) }

// offer sends the very bytes that everybody gets. But a miner that has had this
// job before, and comes back to it from another source or is to mine it at
// another difficulty, gets it anew.
func (t *v1) offer(dst []byte, st *seat, n *notice, now time.Time) []byte {
	p := n.since(st.seen)
	if old := t.had(n.whole.job.ID); old != nil {
		p = n.again(old.time, t.conn.server.cfg.Next, now)
	}
	t.note(p.job, n.whole.job)
	if dst = t.session.Offer(dst, p.job, now); len(dst) == 0 {
		return p.line
	}
	return append(dst, p.line...)
}

// given is a job that the miner has, and the published one that it is.
type given struct {
	id   uint32
	time uint32 // the latest that the published job was given with
	job  *job.Job
}

// had finds what the miner last had of a published job.
func (t *v1) had(id uint32) *given {
	var latest *given
	for i := range t.gave {
		if g := &t.gave[i]; g.job != nil && g.job.ID == id && (latest == nil || g.time > latest.time) {
			latest = g
		}
	}
	return latest
}

func (t *v1) note(j, published *job.Job) {
	t.gave[t.next] = given{j.ID, j.Time, published}
	t.next = (t.next + 1) % len(t.gave)
}

func (t *v1) published(j *job.Job) *job.Job {
	for i := range t.gave {
		if g := &t.gave[i]; g.id == j.ID && g.job != nil {
			return g.job
		}
	}
	return j
}

func (t *v1) tick(_ *seat, now time.Time) bool { return t.session.Tick(now) }

// meetV1 begins with a miner.
func (c *conn) meetV1() error {
	cfg := &c.server.cfg
	id, e1, err := c.server.prefixes.take(c.shape.e1)
	if err != nil {
		return err
	}
	t := &v1{conn: c, prefix: id, session: stratum1.NewSession(stratum1.Config{
		Extranonce1: e1, Extranonce2: c.shape.e2, Mask: cfg.MaskV1, Vardiff: cfg.Vardiff, Start: cfg.Start,
	})}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.talk = t
	return nil
}

// hear answers all lines that are whole, and keeps what begins another.
func (t *v1) hear(b []byte, h *hand) (messages int, err error) {
	if len(t.begun) > 0 {
		t.begun = append(t.begun, b...)
		b = t.begun
	}
	for {
		n, rest, login, err := t.some(b, h)
		h.tell(t.conn)
		messages, b = messages+n, rest
		if err != nil {
			return messages, err
		}
		if login {
			err = t.admit(h.event)
		}
		if err != nil {
			return messages, err
		}
		if n == 0 {
			break
		}
	}
	if len(b) >= t.conn.server.cfg.MaxLine {
		return messages, breach{stratum1.ErrLong}
	}
	if t.begun = append(t.begun[:0], b...); len(b) == 0 {
		t.begun = nil
	}
	return messages, nil
}

// some answers some lines, until one is a login or no more are whole. It tells
// how many it answered, and what is left. A login is in h.event.
func (t *v1) some(b []byte, h *hand) (n int, rest []byte, login bool, err error) {
	c := t.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.contain()
	now := time.Now()
	out, e := h.out[:0], &h.event
	for n < batch && !login && err == nil {
		line, after, whole := bytes.Cut(b, []byte{'\n'})
		if !whole {
			break
		}
		b = after
		n++
		if out, *e, err = t.session.Receive(out, bytes.TrimSuffix(line, []byte{'\r'}), now); err != nil {
			err = breach{err}
		}
		switch {
		case e.Kind == stratum1.Login:
			login = true
		case e.Kind == stratum1.Share && len(c.seats) > 0:
			h.judge(c.seats[0], &e.Verdict, now)
		}
	}
	if n > 0 {
		c.heard = now
	}
	h.out = out
	c.send(out, now)
	for _, st := range c.seats {
		c.adjust(st, now)
		c.offer(st, now) // a subscription may have come after the login
	}
	return n, b, login, err
}

func (t *v1) part() { t.conn.server.prefixes.give(t.prefix) }

// admit asks the Desk who the miner is, and answers.
func (t *v1) admit(e stratum1.Event) error {
	c := t.conn
	place, why := c.admit(Login{Protocol: 1, User: e.User, Password: e.Password, Agent: e.Agent})
	if !t.seat(place, why) {
		c.server.left(c.remote, place.Worker)
	}
	if why == "" {
		return nil
	}
	if t.refusals++; t.refusals >= maxRefusals {
		return errRefused
	}
	return nil
}

// seat answers a login. It tells whether all is well: false if a miner was
// admitted that is not there any more.
func (t *v1) seat(place Place, why string) bool {
	c := t.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.contain()
	now := time.Now()
	if c.gone {
		return why != ""
	}
	c.send(t.session.Admit(nil, why), now)
	if why == "" {
		c.offer(c.sit(place, 0, now), now)
	}
	return true
}

// breach is an error that is the miner's: it did not keep to the protocol.
type breach struct{ error }

func (b breach) Unwrap() error { return b.error }

var errRefused = errors.New("refused too often")

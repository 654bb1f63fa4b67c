package server

import (
	"context"
	"errors"
	"time"

	"hearth/pool/stratum2/noise"
)

// serve is a connection's life. All it does itself is wait for what comes: its
// stack stays as small as it began.
func (c *conn) serve(ctx context.Context) {
	defer c.leave()
	for {
		h, err := c.wire.next()
		if err != nil {
			return
		}
		v := c.lend(h)
		if v.again {
			// Here it waits with nothing in its hands.
			c.server.handshakes <- struct{}{}
			c.turn = true
			h = c.server.hands.take()
			h.n = 0
			v = c.lend(h)
		}
		if v.err != nil {
			c.take(v.err)
			return
		}
		c.rest(ctx, v.messages)
	}
}

// lend lets a hand hear what it has read, and gives it back.
func (c *conn) lend(h *hand) heard {
	h.work <- c
	v := <-h.done
	c.server.hands.give(h)
	return v
}

// rest returns when more may be read: the miner is not too fast, and takes what
// it is sent.
func (c *conn) rest(ctx context.Context, messages int) {
	pause(ctx, c.pace.take(messages, time.Now()))
	c.mu.Lock()
	wait := c.caughtUp
	full := c.waiting > c.server.cfg.MaxQueue
	c.mu.Unlock()
	if full && wait != nil {
		<-wait
	}
}

// take ends a connection as the error asks for.
func (c *conn) take(err error) {
	var b breach
	switch {
	case errors.As(err, &b):
		c.server.grieve(c.remote)
		c.server.cfg.Log.Debug("a miner does not keep to the protocol", "remote", c.remote, "error", err)
		c.bid(byBreach)
	case errors.Is(err, errRefused):
		c.bid(byBreach)
	}
}

// bid closes a connection so that its last answer arrives, if it is taken at
// all.
func (c *conn) bid(why cause) {
	c.mu.Lock()
	waiting := c.caughtUp
	c.mu.Unlock()
	if waiting != nil {
		<-waiting
	}
	c.mu.Lock()
	already := c.gone
	if !already {
		c.gone, c.cause = true, why
	}
	c.mu.Unlock()
	if !already {
		discard(c.wire.Conn)
		c.wire.Close()
	}
}

// hear takes what was read, and answers. It tells how many messages that were.
func (c *conn) hear(h *hand) heard {
	if c.talk != nil {
		n, err := c.talk.hear(h.buf[:h.n], h)
		return heard{messages: n, err: err}
	}
	c.first = append(c.first, h.buf[:h.n]...)
	switch p := detect(c.first); {
	case p == undecided:
		return heard{}
	case p == http:
		return heard{err: c.sayHTTP()}
	case p == tlsHello:
		return heard{err: breach{errors.New("a TLS connection: this port speaks plain Stratum V1, or Stratum V2 with its own encryption")}}
	case p == stratumV2 && len(c.first) < noise.HelloSize:
		return heard{}
	case p == stratumV2 && !c.mayShake():
		return heard{again: true}
	case p == stratumV2:
		if err := c.shake(c.first[:noise.HelloSize]); err != nil {
			return heard{err: err}
		}
		c.first = c.first[noise.HelloSize:]
	default:
		if err := c.meetV1(); err != nil {
			return heard{err: err}
		}
	}
	b := c.first
	c.first = nil
	n, err := c.talk.hear(b, h)
	return heard{messages: n, err: err}
}

// mayShake tells whether the connection has a turn at the handshakes, of which
// only some are computed at a time.
func (c *conn) mayShake() bool {
	if c.turn {
		return true
	}
	select {
	case c.server.handshakes <- struct{}{}:
		return true
	default:
		return false
	}
}

// shake takes its turn at the handshakes.
func (c *conn) shake(hello []byte) error {
	defer func() { <-c.server.handshakes }()
	return c.meetV2(hello)
}

const httpAnswer = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" +
	"Miners connect here, with Stratum V1 or V2. There is no page on this port.\n"

// sayHTTP tells a person who opened the port in a browser what it is.
func (c *conn) sayHTTP() error {
	c.mu.Lock()
	c.send([]byte(httpAnswer), time.Now())
	c.mu.Unlock()
	return breach{errors.New("an HTTP request")}
}

// admit asks the Desk about a login, without a lock. Why is empty for yes.
func (c *conn) admit(l Login) (p Place, why string) {
	s := c.server
	l.Remote = c.remote
	p, err := s.desk.Admit(l)
	switch {
	case err != nil:
		s.grieve(c.remote)
		s.counts.refusedLogins.Add(1)
		s.cfg.Log.Info("a miner was refused", "user", l.User, "remote", c.remote, "error", err)
		return Place{}, cut(err.Error())
	case s.limits.workerBanned(c.remote.Addr(), string(p.Worker), time.Now()):
		s.left(c.remote, p.Worker)
		return Place{}, "turned away for some minutes: most shares were worth nothing"
	}
	return p, ""
}

var errPanicked = errors.New("panicked")

// maxWhy is the longest text of a refusal, in bytes.
const maxWhy = 200

func cut(why string) string {
	if why == "" {
		why = "refused"
	}
	if len(why) > maxWhy {
		why = why[:maxWhy]
	}
	return why
}

package server

import (
	"context"
	"errors"
	"time"
)

// head is how many bytes are read to tell protocols apart: the first message
// of V2, so that it is there at once.
const head = 64

// serve is a connection's life.
func (c *conn) serve(ctx context.Context) {
	defer c.leave()
	defer c.panicked()
	err := c.converse(ctx)
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
		discard(c.sock)
		c.sock.Close()
	}
}

// converse finds out what is spoken and speaks it, to the end.
func (c *conn) converse(ctx context.Context) error {
	first := make([]byte, head)
	n := 0
	for {
		m, err := c.sock.Read(first[n:])
		if err != nil {
			return err
		}
		n += m
		switch detect(first[:n]) {
		case undecided:
		case stratumV1:
			return c.converseV1(ctx, first[:n])
		case stratumV2:
			return c.converseV2(ctx, first[:n])
		case http:
			return c.sayHTTP()
		case tlsHello:
			return breach{errors.New("a TLS connection: this port speaks plain Stratum V1, or Stratum V2 with its own encryption")}
		}
	}
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

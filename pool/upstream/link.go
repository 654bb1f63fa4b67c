package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// maxOut is how many bytes may wait for the pool to take them: some thousand
// shares.
const maxOut = 256 << 10

// link is one connection to a pool. What is not said to belong to its loop is
// guarded by the client's mutex.
type link struct {
	name   string
	timing Timing
	conn   net.Conn
	p      protocol
	out    []byte        // to be written
	others int           // workers that the pool was asked to let in, beside the first
	wake   chan struct{} // there is something to write

	// Of the loop.
	began time.Time
	spoke bool      // the pool said something
	up    time.Time // logged in; zero: not yet
	// answered is for how many of the others the pool has.
	answered int
}

// nudge wakes the writer.
func (l *link) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// talk runs a connection until it ends, and says why it did. Two more goroutines
// read and write; both have ended when talk returns.
func (c *Client) talk(ctx context.Context, l *link, h Handler) error {
	ctx, cancel := context.WithCancel(ctx)
	var both sync.WaitGroup
	defer both.Wait()
	defer l.conn.Close()
	defer cancel()

	came, taken := make(chan []byte), make(chan struct{})
	failed := make(chan error, 2)
	both.Go(func() { failed <- l.read(ctx, came, taken) })
	both.Go(func() { failed <- c.write(ctx, l) })
	l.nudge()

	tick := time.NewTicker(max(min(l.timing.Answer, l.timing.Quiet, l.timing.Login)/16, time.Millisecond))
	defer tick.Stop()
	for {
		var heard []news
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-failed:
			return err
		case b := <-came:
			l.spoke = true
			c.mu.Lock()
			l.out, heard, err = l.p.take(l.out, b, time.Now())
			over := len(l.out) > 2*maxOut
			c.mu.Unlock()
			taken <- struct{}{}
			l.nudge()
			if err == nil && over {
				err = fmt.Errorf("hear pool %s: it asks and does not listen to the answers", l.name)
			}
		case <-tick.C:
			err = c.check(l, time.Now())
		case <-c.reshape:
			c.mu.Lock()
			heard, err = l.p.shape(c.extranonce, time.Now())
			c.mu.Unlock()
		}
		if away := l.deliver(heard, h); err == nil {
			err = away
		}
		if err != nil {
			return err
		}
	}
}

// deliver tells the handler what was heard. The error is that the pool wants the
// connection to end.
func (l *link) deliver(heard []news, h Handler) error {
	for _, n := range heard {
		switch {
		case n.login != nil:
			l.up = time.Now()
			h.Up(*n.login)
		case n.job != nil:
			h.Job(n.job)
		case n.answer != nil:
			h.Answer(Answer{Answer: *n.answer, Upstream: l.name})
		case n.notice != nil:
			if n.notice.Kind == WorkerIn || n.notice.Kind == WorkerOut {
				l.answered++
			}
			h.Notice(*n.notice)
		case n.away:
			return awayError{l.name, n.wait}
		}
	}
	return nil
}

// check lets time pass, and says that the pool has fallen silent, if it has.
func (c *Client) check(l *link, now time.Time) error {
	c.mu.Lock()
	out, err := l.p.tick(l.out, now)
	l.out = out
	notified, waiting, since := l.p.pulse()
	c.mu.Unlock()
	if err != nil {
		return err
	}
	l.nudge()
	if l.up.IsZero() {
		if d := now.Sub(l.began); d > l.timing.Login {
			return fmt.Errorf("log in at pool %s: it did not answer within %v", l.name, l.timing.Login)
		}
		return nil
	}
	if notified.Before(l.up) {
		notified = l.up
	}
	switch {
	case now.Sub(notified) > l.timing.Quiet:
		return fmt.Errorf("mine at pool %s: it sent no job for %v", l.name, l.timing.Quiet)
	case waiting > 0 && now.Sub(since) > l.timing.Answer:
		return fmt.Errorf("mine at pool %s: %d shares have no answer, one for %v", l.name, waiting, l.timing.Answer)
	}
	return nil
}

// read passes on what comes, one piece at a time.
func (l *link) read(ctx context.Context, came chan<- []byte, taken <-chan struct{}) error {
	b := make([]byte, 4<<10)
	for {
		n, err := l.conn.Read(b)
		if n > 0 {
			select {
			case came <- b[:n]:
				<-taken
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("hear pool %s: it closed the connection: %w", l.name, err)
		}
		if err != nil {
			return fmt.Errorf("hear pool %s: %w", l.name, err)
		}
	}
}

// write sends what waits, all of it at once.
func (c *Client) write(ctx context.Context, l *link) error {
	var b []byte
	for {
		select {
		case <-l.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
		c.mu.Lock()
		b, l.out = l.out, b[:0]
		c.mu.Unlock()
		if len(b) == 0 {
			continue
		}
		if err := l.conn.SetWriteDeadline(time.Now().Add(l.timing.Write)); err != nil {
			return fmt.Errorf("speak to pool %s: %w", l.name, err)
		}
		if _, err := l.conn.Write(b); err != nil {
			return fmt.Errorf("speak to pool %s: %w", l.name, err)
		}
	}
}

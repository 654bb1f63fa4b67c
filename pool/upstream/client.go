package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"hearth/pool/stratum1"
	"hearth/pool/stratum2"
	"hearth/pool/stratum2/noise"
)

// Client is the house's way to one pool. Submit, Shape and Authorize may be
// called by any goroutine at any time; Run by one.
type Client struct {
	config Config
	at     Address

	mu         sync.Mutex
	link       *link // nil: there is no connection
	extranonce int
	added      []Credential

	reshape chan struct{}
	// bare: the pool closed the last connection without a word, as some do when
	// they are asked for version rolling. The next time they are not asked.
	bare bool
	// alone: the pool closed the last connection before it had answered for all
	// the workers, as some do when there are several. The next time there is one.
	alone bool
}

// New returns a client that is not yet connected. The error says what of the
// config cannot be.
func New(c Config) (*Client, error) {
	c, at, err := c.check()
	if err != nil {
		return nil, err
	}
	return &Client{config: c, at: at, extranonce: c.Extranonce, reshape: make(chan struct{}, 1)}, nil
}

// Name is what the pool is called.
func (c *Client) Name() string { return c.config.Name }

// Address is where the pool is.
func (c *Client) Address() Address { return c.at }

// Run keeps the house connected to the pool until ctx ends, and returns its
// error. Before that, every share that waits gets its Answer.
func (c *Client) Run(ctx context.Context, h Handler) error {
	failures := 0
	for {
		lasted, err := c.once(ctx, h)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		h.Down(c.config.Name, err)
		if lasted >= 30*c.config.Timing.Retry {
			failures = 0
		}
		if err := sleep(ctx, c.pause(failures, err)); err != nil {
			return err
		}
		failures++
	}
}

// pause is how long to wait after so many failures, the last of which is err.
func (c *Client) pause(failures int, err error) time.Duration {
	t := c.config.Timing
	d := t.Longest
	if !hopeless(err) && failures < 20 {
		d = min(t.Retry<<failures, t.Longest)
	}
	// From half of it to one and a half, so that homes do not keep step.
	d = time.Duration((0.5 + c.config.Random()) * float64(d))
	if away := (awayError{}); errors.As(err, &away) {
		d = max(d, away.wait)
	}
	return d
}

// hopeless reports whether connecting again soon cannot help.
func hopeless(err error) bool {
	return errors.Is(err, ErrRefused) || errors.Is(err, noise.ErrUntrusted)
}

// awayError is the end of a connection that the pool wanted.
type awayError struct {
	name string
	wait time.Duration
}

func (e awayError) Error() string {
	return fmt.Sprintf("pool %s asked to connect anew in %v", e.name, e.wait)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// once is one connection, from its beginning to its end. It returns how long the
// house was logged in.
func (c *Client) once(ctx context.Context, h Handler) (time.Duration, error) {
	began := time.Now()
	conn, way, err := c.dial(ctx)
	if err != nil {
		return 0, err
	}
	p, others, err := c.protocol(way)
	if err != nil {
		conn.Close()
		return 0, err
	}
	l := &link{name: c.config.Name, timing: c.config.Timing, conn: conn, p: p, began: began, others: others, wake: make(chan struct{}, 1)}
	if l.out, err = p.begin(nil); err != nil {
		conn.Close()
		return 0, err
	}
	c.mu.Lock()
	c.link = l
	c.mu.Unlock()

	err = meant(c.talk(ctx, l, h))

	c.mu.Lock()
	c.link = nil
	lost := p.lost()
	others = l.others
	c.mu.Unlock()
	for _, a := range lost {
		h.Answer(Answer{Answer: a, Upstream: c.config.Name})
	}
	if c.alone = others > l.answered && errors.Is(err, io.EOF); c.alone {
		h.Notice(Notice{Kind: Trouble, Upstream: c.config.Name, Text: alone + ": the next has one"})
	}
	if l.up.IsZero() {
		c.bare = !c.bare && !l.spoke && errors.Is(err, io.EOF)
		return 0, err
	}
	c.bare = false
	return time.Since(l.up), err
}

// dial opens the connection.
func (c *Client) dial(ctx context.Context) (net.Conn, Login, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timing.Login)
	defer cancel()
	way := Login{Upstream: c.config.Name, Version: c.at.Version}
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}}
	conn, err := d.DialContext(ctx, "tcp", c.at.HostPort)
	if err != nil {
		return nil, way, fmt.Errorf("connect to pool %s: %w", c.config.Name, err)
	}
	if !c.at.TLS {
		return conn, way, nil
	}
	config := c.config.TLS.Clone()
	if config == nil {
		config = new(tls.Config)
	}
	if config.ServerName == "" {
		config.ServerName = c.at.Host
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, way, fmt.Errorf("connect to pool %s over TLS: %w", c.config.Name, err)
	}
	way.Encrypted, way.Verified = true, !config.InsecureSkipVerify
	return secure, way, nil
}

// protocol is the talk of a new connection, and how many workers beside the
// first it asks to let in.
func (c *Client) protocol(way Login) (p protocol, others int, err error) {
	c.mu.Lock()
	config := c.config
	config.Extranonce = c.extranonce
	config.Workers = slices.Concat(config.Workers, c.added)
	c.mu.Unlock()
	if c.at.Version == 2 {
		p, err = newVersion2(config, c.at, way)
		return p, 0, err
	}
	if c.bare {
		config.Mask = 0
	}
	var left []Credential
	if c.alone {
		config.Workers, left = config.Workers[:1], config.Workers[1:]
	}
	v := newVersion1(config, way)
	v.left = left
	return v, len(config.Workers) - 1, nil
}

// Submit sends a share. It does not wait: the outcome comes as an Answer with
// the cookie, possibly before Submit returns. If there is an error, no Answer
// comes. The errors are ErrDown, ErrGone, ErrBusy, and others for a share that
// cannot be right.
func (c *Client) Submit(s Share, cookie uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.link
	if l == nil {
		return fmt.Errorf("submit to pool %s: %w", c.config.Name, ErrDown)
	}
	if len(l.out) > maxOut {
		return fmt.Errorf("submit to pool %s: %w: it takes no more bytes", c.config.Name, ErrBusy)
	}
	out, err := l.p.submit(l.out, s, cookie, time.Now())
	if err != nil {
		return fmt.Errorf("submit to pool %s: %w", c.config.Name, meant(err))
	}
	l.out = out
	l.nudge()
	return nil
}

// meant puts the errors of the protocols into the words of this package.
func meant(err error) error {
	switch {
	case errors.Is(err, stratum1.ErrGone), errors.Is(err, stratum2.ErrGone):
		return errorOf{ErrGone, err}
	case errors.Is(err, stratum1.ErrBusy), errors.Is(err, stratum2.ErrBusy):
		return errorOf{ErrBusy, err}
	case errors.Is(err, stratum1.ErrRefused), errors.Is(err, stratum2.ErrRefused):
		return errorOf{ErrRefused, err}
	}
	return err
}

// errorOf is an error in a protocol's words that is one of this package's.
type errorOf struct{ kind, said error }

func (e errorOf) Error() string   { return e.said.Error() }
func (e errorOf) Unwrap() []error { return []error{e.kind, e.said} }

// Authorize lets another worker in, now and with every connection to come. What
// the pool says to it comes as a Notice; some pools end the connection instead.
func (c *Client) Authorize(w Credential) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.link; l != nil {
		out, err := l.p.authorize(l.out, w)
		if err != nil {
			return fmt.Errorf("authorise %s at pool %s: %w", w.User, c.config.Name, meant(err))
		}
		l.out = out
		l.others++
		l.nudge()
	}
	c.added = append(c.added, w)
	return nil
}

// Shape changes how many bytes of extranonce the jobs leave to the house. The
// current job comes again in the new shape.
func (c *Client) Shape(n int) {
	c.mu.Lock()
	c.extranonce = n
	c.mu.Unlock()
	select {
	case c.reshape <- struct{}{}:
	default:
	}
}

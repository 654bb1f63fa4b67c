package emulate

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Faults are the levers by which an emulator is made to misbehave. All may be
// moved while it serves, from any goroutine, and act on the next answer;
// unplugging acts on connections that are open, too.
//
// Emulators put their listener through [Faults.Listener] and their answers
// through [Faults.Handler] (HTTP) or [Faults.Answer] (other protocols), and ask
// LyingOK and LyingWatts where they obey and where they report.
type Faults struct {
	reboot func()

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced when a lever moves
	conns     map[*conn]struct{}
	unplugged bool
	cut       int // connections until the last one; 0: no end in sight
	slow      time.Duration
	garbage   bool
	answered  int // answers made garbage so far
	partial   bool
	lyingOK   bool
	watts     float64
}

// NewFaults returns levers that do nothing yet. reboot restarts the device, as
// a crash of its firmware would.
func NewFaults(reboot func()) *Faults {
	return &Faults{reboot: reboot, changed: make(chan struct{}), conns: map[*conn]struct{}{}, watts: 1}
}

func (f *Faults) move(lever func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	lever()
	close(f.changed)
	f.changed = make(chan struct{})
}

// Unplug pulls the network cable: open connections break and new ones are
// refused. The device itself goes on.
func (f *Faults) Unplug() {
	f.move(func() {
		f.unplugged = true
		for c := range f.conns {
			c.abort()
		}
	})
}

// Plug puts the network cable back.
func (f *Faults) Plug() { f.move(func() { f.unplugged, f.cut = false, 0 }) }

// CutAfter lets n more connections through, obeys what the one behind them
// asks without answering, and is unplugged from then on. With n from 0 up, a
// command of several requests is cut at each of them.
func (f *Faults) CutAfter(n int) { f.move(func() { f.cut = n + 1 }) }

// SetSlow makes every answer wait for d of real time; 0 ends that.
func (f *Faults) SetSlow(d time.Duration) { f.move(func() { f.slow = d }) }

// SetGarbage makes the device answer with things that are not its protocol,
// a different one each time: see [Faults.Answer].
func (f *Faults) SetGarbage(on bool) { f.move(func() { f.garbage = on }) }

// SetPartial makes the device break off in the middle of every answer.
func (f *Faults) SetPartial(on bool) { f.move(func() { f.partial = on }) }

// SetLyingOK makes the device answer OK to every command and do nothing.
func (f *Faults) SetLyingOK(on bool) { f.move(func() { f.lyingOK = on }) }

// SetLyingWatts makes the device report factor times the watts it draws; 1
// ends that.
func (f *Faults) SetLyingWatts(factor float64) { f.move(func() { f.watts = factor }) }

// Reboot restarts the device.
func (f *Faults) Reboot() {
	if f.reboot != nil {
		f.reboot()
	}
}

// Clear puts every lever back.
func (f *Faults) Clear() {
	f.move(func() {
		f.unplugged, f.cut, f.slow, f.garbage, f.partial, f.lyingOK, f.watts = false, 0, 0, false, false, false, 1
	})
}

// LyingOK reports whether commands are to be acknowledged and ignored.
func (f *Faults) LyingOK() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lyingOK
}

// LyingWatts returns the factor by which reported watts are false; 1 is true.
func (f *Faults) LyingWatts() float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.watts
}

// wait holds an answer back while the device is slow: until the time is over,
// the lever moves or ctx ends.
func (f *Faults) wait(ctx context.Context) {
	f.mu.Lock()
	slow, changed := f.slow, f.changed
	f.mu.Unlock()
	if slow <= 0 {
		return
	}
	timer := time.NewTimer(slow)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-changed:
	case <-ctx.Done():
	}
}

// junk is what garbage looks like: not the protocol at all, or the right
// syntax with nothing in it, which is the harder trap.
var junk = [...]string{
	"<html><body><h1>503 Service Unavailable</h1></body></html>",
	"{}",
	"\x16\x03\x01\x02\x00\xff\xfe\x00\x80",
	"null",
	`{"error":`,
	"[]",
	"OK",
}

// spoil returns what is to be sent instead of answer, and whether the
// connection is to break then.
func (f *Faults) spoil(answer []byte) (spoiled []byte, cut bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.garbage {
		answer = []byte(junk[f.answered%len(junk)])
		f.answered++
	}
	if f.partial {
		return answer[:len(answer)/2], true
	}
	return answer, false
}

// Answer writes one whole answer to w, as late, as false and as short as the
// levers say. Garbage takes turns between a web page, noise, broken JSON and
// JSON with nothing in it. An answer that breaks off is an error, after which
// the connection should be closed.
func (f *Faults) Answer(ctx context.Context, w io.Writer, answer []byte) error {
	f.wait(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	answer, cut := f.spoil(answer)
	if _, err := w.Write(answer); err != nil {
		return err
	}
	if cut {
		return fmt.Errorf("answer broken off after %d bytes: %w", len(answer), io.ErrUnexpectedEOF)
	}
	return nil
}

// Handler puts the answers of an HTTP device through the levers.
func (f *Faults) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := page{header: w.Header(), status: http.StatusOK}
		next.ServeHTTP(&out, r)
		f.wait(r.Context())
		if r.Context().Err() != nil {
			panic(http.ErrAbortHandler)
		}
		whole := out.body.Len()
		body, cut := f.spoil(out.body.Bytes())
		w.Header().Del("Content-Length")
		if cut {
			// The length promises more than comes.
			w.Header().Set("Content-Length", strconv.Itoa(max(whole, len(body)+1)))
		}
		w.WriteHeader(out.status)
		_, _ = w.Write(body) // a client that hung up is no news
		if cut {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	})
}

// page is an HTTP answer on its way through the levers.
type page struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

func (p *page) Header() http.Header { return p.header }

func (p *page) WriteHeader(status int) {
	if !p.wrote {
		p.status, p.wrote = status, true
	}
}

func (p *page) Write(b []byte) (int, error) {
	p.wrote = true
	return p.body.Write(b)
}

// Serve serves an HTTP device on l until ctx ends, through the levers. While
// alive says no, as during a boot or without mains, nobody is there. It closes
// l and returns nil when ctx has ended.
func (f *Faults) Serve(ctx context.Context, l net.Listener, alive func() bool, h http.Handler) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := http.Server{
		Handler:           f.Handler(h),
		ReadHeaderTimeout: 30 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	err := s.Serve(f.Listener(l, alive))
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Listener returns l under the lever Unplug: a device that is unplugged, or
// not alive, resets whoever connects, and open connections break. alive may be
// nil, for always; it is asked for each connection, read and write.
func (f *Faults) Listener(l net.Listener, alive func() bool) net.Listener {
	if alive == nil {
		alive = func() bool { return true }
	}
	return &listener{Listener: l, faults: f, alive: alive}
}

type listener struct {
	net.Listener
	faults *Faults
	alive  func() bool
}

// Accept resets connections while nobody is there to take them.
func (l *listener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: inner, from: l}
		if l.alive() && l.faults.admit(c) {
			return c, nil
		}
		c.abort()
	}
}

func (f *Faults) admit(c *conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unplugged {
		return false
	}
	f.conns[c] = struct{}{}
	if f.cut > 0 {
		f.cut--
		c.mute = f.cut == 0
		f.unplugged = c.mute
	}
	return true
}

// conn is a connection that breaks when its device is gone.
type conn struct {
	net.Conn
	from *listener
	mute bool // it is heard and not answered
	once sync.Once
}

// Read fails when the device is no longer alive: what it was sent is lost.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil && !c.from.alive() {
		c.abort()
		return 0, net.ErrClosed
	}
	return n, err
}

// Write fails when the device is no longer alive.
func (c *conn) Write(b []byte) (int, error) {
	if c.mute || !c.from.alive() {
		c.abort()
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

// Close closes the connection.
func (c *conn) Close() error {
	f := c.from.faults
	f.mu.Lock()
	delete(f.conns, c)
	f.mu.Unlock()
	err := net.ErrClosed
	c.once.Do(func() { err = c.Conn.Close() })
	return err
}

// abort closes the connection without a farewell, as a lost device does: the
// peer gets a reset and not an orderly end.
func (c *conn) abort() {
	c.once.Do(func() {
		if t, ok := c.Conn.(*net.TCPConn); ok {
			_ = t.SetLinger(0)
		}
		_ = c.Conn.Close()
	})
}

package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"hearth/pool/job"
	"hearth/pool/pooltest"
	"hearth/pool/server"
	"hearth/pool/share"
	"hearth/pool/stratum2"
	"hearth/pool/stratum2/message"
	"hearth/pool/stratum2/noise"
)

// dial connects to a house with nothing but a socket.
func dial(tb testing.TB, h *house) *net.TCPConn {
	tb.Helper()
	var d net.Dialer
	c, err := d.DialContext(tb.Context(), "tcp", h.address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// heap is what is allocated and still used, in bytes.
func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

const login = `{"id":1,"method":"mining.subscribe","params":[]}` + "\n" + `{"id":2,"method":"mining.authorize","params":["slow","x"]}` + "\n"

// A thousand miners at once, as after a power cut: every one gets in, nobody
// twice, and when they are gone nothing is left of them.
func TestConnectStorm(t *testing.T) {
	before := runtime.NumGoroutine()
	h := open(t, server.Config{})
	h.Publish(newJob(1, "node", 12, true))
	cfg := pooltest.FleetConfig{V1: 900, V2: 60, Standard: 40, Dialers: 1000}
	f := crew(t, h, cfg)
	until(t, "everybody has a job", func() bool { return f.Tally().Jobs >= 1000 })
	c := h.Counters()
	if c.Miners != 1000 || c.Accepted != 1000 || c.Handshakes != 100 || c.Panics != 0 || c.AcceptErrors != 0 || f.Tally().Lost != 0 {
		t.Errorf("%+v", c)
	}
	// A goroutine for each connection of the server, and one for each miner.
	if n := runtime.NumGoroutine() - before; n > 2*1000+50 {
		t.Errorf("%d goroutines", n)
	}
	f.Close()
	until(t, "all are gone", func() bool { return h.Counters().Connections == 0 })
	if c := h.Counters(); c.Miners != 0 || len(h.Snapshot()) != 0 {
		t.Errorf("%d miners are left, %d in the snapshot", c.Miners, len(h.Snapshot()))
	}
	h.stop()
	until(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before+5 })
}

// Miners that take nothing of what they are sent cost a job's bytes each,
// however many jobs there are; then they are closed. Others do not notice.
func TestSlowReaders(t *testing.T) {
	const slow, jobs = 200, 400
	h := open(t, server.Config{Stall: 3 * time.Second})
	h.Publish(newJob(1, "node", 12, true))
	good := crew(t, h, pooltest.FleetConfig{V1: 2, V2: 2})
	for range slow {
		c := dialNarrow(t, h)
		if _, err := io.WriteString(c, login); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "all are in", func() bool { return h.Counters().Miners == slow+4 })
	before := heap()
	for id := uint32(2); id <= jobs; id++ {
		heard := good.Tally().Jobs
		h.Publish(newJob(id, "node", 12, false))
		until(t, "the good miners hear every job", func() bool { return good.Tally().Jobs >= heard+4 })
	}
	if c := h.Counters(); c.PassedOver == 0 || c.Waits < slow/2 {
		t.Errorf("nobody was slow: %+v", c)
	}
	// A line of such a job has 1.6 kB; the goroutine that waits to write it has a
	// stack.
	if grown := heap() - before; grown > slow*12<<10 {
		t.Errorf("%d slow readers cost %d bytes more after %d jobs", slow, grown, jobs)
	}
	until(t, "the slow ones are closed", func() bool { return h.Counters().Closed["stall"] == slow })
	if v := good.Tally(); v.Lost > 0 {
		t.Errorf("%d good miners were lost", v.Lost)
	}
}

// Who asks without end and never listens is not read from any more: what waits
// for it has a bound.
func TestAskerWhoDoesNotListen(t *testing.T) {
	h := open(t, server.Config{Stall: 500 * time.Millisecond, MessagesPerSecond: 1 << 20})
	c := dialNarrow(t, h)
	ask := []byte(strings.Repeat(`{"id":"`+strings.Repeat("x", 100)+`","method":"mining.ping","params":[]}`+"\n", 20))
	sent := 0
	for {
		n, err := c.Write(ask)
		sent += n
		if err != nil {
			break
		}
	}
	// The kernel's buffers on both ways, and the server's queue.
	if sent > 8<<20 {
		t.Errorf("it took %d bytes of questions", sent)
	}
	until(t, "it is closed", func() bool { return h.Counters().Closed["stall"] == 1 })
}

// A line without end is cut off at its bound, and what it takes until then is
// bounded too.
func TestGiantLines(t *testing.T) {
	const conns = 100
	h := open(t, server.Config{})
	before := heap()
	all := make([]*net.TCPConn, conns)
	for i := range all {
		all[i] = dial(t, h)
		if _, err := all[i].Write(append([]byte(`{"id":1,"x":"`), bytes.Repeat([]byte("a"), 15<<10)...)); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "all of them have come", func() bool { return h.Counters().Connections == conns })
	if grown := heap() - before; grown > conns*48<<10 {
		t.Errorf("%d unfinished lines cost %d bytes", conns, grown)
	}
	for _, c := range all {
		// It may be closed before all of it is written.
		_, _ = c.Write(bytes.Repeat([]byte("a"), 64<<10))
	}
	until(t, "all are closed", func() bool { return h.Counters().Closed["breach"] == conns })
	if c := h.Counters(); c.Bans == 0 || c.Panics != 0 {
		t.Errorf("%+v", c)
	}
}

// A flood of small lines is read at the pace that is set, no faster.
func TestFloodIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor()
		h := openAt(t, server.Config{MessagesPerSecond: 100}, d)
		ours, theirs := net.Pipe()
		d.in <- placed{Conn: theirs}
		go func() { _, _ = io.WriteString(ours, strings.Repeat(`{"id":1,"method":"mining.ping"}`+"\n", 1000)) }()
		m := &miner{Conn: ours, lines: newLines(ours)}
		go func() {
			for m.listen() {
			}
		}()
		for _, want := range []int{200, 300, 400, 500} {
			synctest.Wait()
			m.mu.Lock()
			got := len(m.heard)
			m.mu.Unlock()
			// It stops after the lines that came in one read, 1 KiB at most.
			if got < want || got > want+1024/30 {
				t.Errorf("answered %d, want about %d", got, want)
			}
			time.Sleep(time.Second)
		}
		ours.Close()
		h.stop()
	})
}

// shake shakes hands with a house as a V2 miner.
func shake(t *testing.T, c net.Conn) *stratum2.Transport {
	t.Helper()
	key, err := noise.NewKey([32]byte{31: 5}, [32]byte{})
	if err != nil {
		t.Fatal(err)
	}
	i := noise.NewInitiator(key)
	hello := i.Hello()
	if _, err := c.Write(hello[:]); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, noise.AnswerSize)
	if _, err := io.ReadFull(c, answer); err != nil {
		t.Fatal(err)
	}
	_, pair, err := i.Finish(answer)
	if err != nil {
		t.Fatal(err)
	}
	return stratum2.NewTransport(pair, stratum2.FromPools)
}

// frame is a message as it is before it is encrypted.
func frame(t *testing.T, m message.Message) []byte {
	t.Helper()
	b, err := message.Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Whatever is wrong with a connection of V2, it ends, and costs nobody else
// anything.
func TestBadNoise(t *testing.T) {
	setup := &message.SetupConnection{MinVersion: 2, MaxVersion: 2}
	for _, tc := range []struct {
		name string
		does func(t *testing.T, c net.Conn)
		end  string
	}{
		{"random bytes", func(_ *testing.T, c net.Conn) { _, _ = c.Write(bytes.Repeat([]byte{0xa7, 3, 0x91}, 500)) }, "breach"},
		{"a first message that is cut off", func(_ *testing.T, c net.Conn) { _, _ = c.Write(bytes.Repeat([]byte{0xa7}, 63)) }, "login_time"},
		{"a handshake and nothing more", func(t *testing.T, c net.Conn) { shake(t, c) }, "login_time"},
		{"V1 after the handshake", func(t *testing.T, c net.Conn) {
			shake(t, c)
			_, _ = io.WriteString(c, login)
		}, "breach"},
		{"V2 in the middle of V1", func(_ *testing.T, c net.Conn) {
			_, _ = c.Write(append([]byte(login), bytes.Repeat([]byte{0x8b, '\n', 0xff}, 50)...))
		}, "breach"},
		{"a frame that is announced as too long", func(t *testing.T, c net.Conn) {
			b, _ := shake(t, c).Seal(nil, frame(t, &message.SetCustomMiningJob{CoinbaseOutputs: make([]byte, 20<<10)}))
			_, _ = c.Write(b)
		}, "breach"},
		{"a frame twice", func(t *testing.T, c net.Conn) {
			b, _ := shake(t, c).Seal(nil, frame(t, setup))
			_, _ = c.Write(append(b, b...))
		}, "breach"},
		{"a share before everything", func(t *testing.T, c net.Conn) {
			b, _ := shake(t, c).Seal(nil, frame(t, &message.SubmitSharesStandard{Channel: 1}))
			_, _ = c.Write(b)
		}, "breach"},
		{"a channel before the connection is set up", func(t *testing.T, c net.Conn) {
			b, _ := shake(t, c).Seal(nil, frame(t, &message.OpenStandardMiningChannel{User: "x"}))
			_, _ = c.Write(b)
		}, "breach"},
		{"another protocol", func(t *testing.T, c net.Conn) {
			b, _ := shake(t, c).Seal(nil, frame(t, &message.SetupConnection{Protocol: 2, MinVersion: 2, MaxVersion: 2}))
			_, _ = c.Write(b)
		}, "breach"},
		{"TLS", func(_ *testing.T, c net.Conn) { _, _ = c.Write([]byte{0x16, 3, 1, 0, 0xc8, 1, 0, 0, 0xc4, 3, 3}) }, "breach"},
		{"nothing, and it leaves", func(_ *testing.T, c net.Conn) { c.Close() }, "peer"},
		{"half of the connection closed", func(_ *testing.T, c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() }, "peer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cfg := server.Config{Turn: 100 * time.Millisecond}
			if tc.end == "login_time" {
				cfg.Login = 4 * time.Second // the good miners have as long
			}
			h := open(t, cfg)
			h.Publish(newJob(1, "node", 1, true))
			good := crew(t, h, pooltest.FleetConfig{V1: 1, V2: 1})
			c := dial(t, h)
			tc.does(t, c)
			until(t, "the connection ends", func() bool { return h.Counters().Closed[tc.end] == 1 })
			h.Publish(newJob(2, "node", 1, true))
			until(t, "the good miners go on", func() bool { return good.Tally().Jobs >= 4 })
			if v := h.Counters(); v.Panics != 0 || v.Connections != 2 {
				t.Errorf("%+v", v)
			}
		})
	}
}

// A V2 miner that closes its channel to open another has as long for that as one
// that has just come.
func TestAChannelMayFollowAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const login = time.Minute
		d := newDoor()
		h := openAt(t, server.Config{Turn: login / 10, Login: login, Idle: time.Hour}, d)
		ours, theirs := net.Pipe()
		d.in <- placed{Conn: theirs}
		transport := shake(t, ours)
		go func() { _, _ = io.Copy(io.Discard, ours) }()
		say := func(m message.Message) {
			t.Helper()
			b, err := transport.Seal(nil, frame(t, m))
			if err == nil {
				_, err = ours.Write(b)
			}
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		say(&message.SetupConnection{MinVersion: 2, MaxVersion: 2})
		for channel := uint32(2); channel <= 3; channel++ {
			say(&message.OpenStandardMiningChannel{User: "x", MaxTarget: job.Target{31: 0xff}})
			if n := h.Counters().Miners; n != 1 {
				t.Fatalf("%d miners", n)
			}
			time.Sleep(2 * login)
			say(&message.CloseChannel{Channel: channel})
			time.Sleep(login / 2)
		}
		if n := h.Counters().Connections; n != 1 {
			t.Errorf("%d connections", n)
		}
		time.Sleep(login)
		if n := h.Counters().Closed["login_time"]; n != 1 {
			t.Errorf("%d connections were closed for want of a miner", n)
		}
		h.stop()
	})
}

// V2 is not offered without keys; V1 is.
func TestWithoutKeys(t *testing.T) {
	d := newDesk()
	s, err := server.New(server.Config{}, d)
	if err != nil {
		t.Fatal(err)
	}
	h := serve(t, s, d, listen(t))
	if _, err := dial(t, h).Write(bytes.Repeat([]byte{0xa7}, 64)); err != nil {
		t.Fatal(err)
	}
	until(t, "V2 is refused", func() bool { return h.Counters().Closed["peer"]+h.Counters().Closed["breach"] == 1 })
	crew(t, h, pooltest.FleetConfig{V1: 1})
	if n := h.Counters().Handshakes; n != 0 {
		t.Errorf("%d handshakes", n)
	}
}

func TestLimitsOfConnections(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  server.Config
		why  string
	}{
		{"in all", server.Config{MaxConns: 5}, "total"},
		{"of one address", server.Config{MaxPerAddress: 5}, "address"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := open(t, tc.cfg)
			first := crew(t, h, pooltest.FleetConfig{V1: 5})
			c := dial(t, h)
			if _, err := c.Read(make([]byte, 1)); err == nil {
				t.Error("the sixth was served")
			}
			if got := h.Counters().Refused[tc.why]; got != 1 {
				t.Errorf("refused: %d", got)
			}
			first.Close()
			until(t, "there is room again", func() bool { return h.Counters().Connections == 0 })
			crew(t, h, pooltest.FleetConfig{V1: 5})
		})
	}
}

// troubled is a listener that fails for a while before it works.
type troubled struct {
	net.Listener
	errs []error
}

func (l *troubled) Accept() (net.Conn, error) {
	if len(l.errs) > 0 {
		err := l.errs[0]
		l.errs = l.errs[1:]
		return nil, err
	}
	return l.Listener.Accept()
}

// That files run out is no reason to stop; that a listener is broken is.
func TestAcceptErrors(t *testing.T) {
	full := &net.OpError{Op: "accept", Err: syscall.EMFILE}
	t.Run("passing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newDoor()
			h := openAt(t, server.Config{}, &troubled{Listener: d, errs: slicesRepeat(full, 100)})
			synctest.Wait()
			for h.Counters().AcceptErrors < 100 {
				time.Sleep(time.Second)
			}
			ours, theirs := net.Pipe()
			d.in <- placed{Conn: theirs}
			synctest.Wait()
			if n := h.Counters().Connections; n != 1 {
				t.Errorf("%d connections", n)
			}
			ours.Close()
			h.stop()
		})
	})
	t.Run("for good", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			broken := errors.New("no such device")
			s, err := server.New(server.Config{}, newDesk())
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Serve(t.Context(), &troubled{Listener: newDoor(), errs: slicesRepeat(broken, 100)}); !errors.Is(err, broken) {
				t.Errorf("serve: %v", err)
			}
		})
	})
}

func slicesRepeat(err error, n int) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}

// clumsy is a Desk that falls over.
type clumsy struct {
	*desk
	over func(what string)
}

func (d clumsy) Share(w server.Worker, v share.Verdict) {
	d.desk.Share(w, v)
	d.over("share")
}

func (d clumsy) Left(w server.Worker) {
	d.desk.Left(w)
	d.over("left")
}

// A panic ends the connection that it happened to, and no other.
func TestPanics(t *testing.T) {
	for _, what := range []string{"share", "left"} {
		for _, cfg := range []pooltest.FleetConfig{{V1: 1}, {V2: 1}} {
			t.Run(fmt.Sprintf("%s, V1: %d", what, cfg.V1), func(t *testing.T) {
				d := clumsy{newDesk(), func(at string) {
					if at == what {
						panic(what)
					}
				}}
				key, authority := keys(t)
				s, err := server.New(server.Config{
					Key: key, Authority: authority, Start: pooltest.Easiest, Vardiff: share.Vardiff{Floor: pooltest.Easiest, Fixed: true},
				}, d)
				if err != nil {
					t.Fatal(err)
				}
				h := serve(t, s, d.desk, listen(t))
				h.Publish(newJob(1, "node", 1, true))
				other := crew(t, h, pooltest.FleetConfig{V1: 1, V2: 1})
				f := crew(t, h, cfg)
				until(t, "it has a job", func() bool { return f.Tally().Jobs >= 1 })
				f.Mine(1)
				if what == "share" {
					until(t, "it is lost", func() bool { return f.Tally().Lost == 1 })
				}
				f.Close()
				until(t, "the panic is over", func() bool { return h.Counters().Panics == 1 && h.Counters().Miners == 2 })
				h.Publish(newJob(2, "node", 1, true))
				until(t, "others go on", func() bool { return other.Tally().Jobs >= 4 })
				if v := other.Tally(); v.Lost > 0 {
					t.Errorf("%d others were lost", v.Lost)
				}
			})
		}
	}
}

// slicer is a Desk that sends a worker to another source after every share, as
// who shares work out among pools does.
type slicer struct {
	*desk
	server *server.Server
}

func (d *slicer) Share(w server.Worker, v share.Verdict) {
	d.desk.Share(w, v)
	to := map[string]string{"a": "b", "b": "a"}[v.Job.Source]
	if err := d.server.Move(w, to); err != nil {
		panic(err)
	}
}

// The Desk may move a worker while it hears of its share.
func TestMoveFromWithinTheDesk(t *testing.T) {
	d := &slicer{desk: newDesk()}
	d.source = "a"
	key, authority := keys(t)
	s, err := server.New(server.Config{
		Key: key, Authority: authority, Start: pooltest.Easiest, Vardiff: share.Vardiff{Floor: pooltest.Easiest, Fixed: true},
	}, d)
	if err != nil {
		t.Fatal(err)
	}
	d.server = s
	h := serve(t, s, d.desk, listen(t))
	h.Publish(newJob(1, "a", 1, true))
	h.Publish(newJob(2, "b", 1, true))
	f := crew(t, h, pooltest.FleetConfig{V1: 4, V2: 4, Standard: 4})
	until(t, "everybody has a job", func() bool { return f.Tally().Jobs >= 12 })
	f.Mine(1)
	until(t, "many moves", func() bool { return f.Tally().Accepted >= 2000 })
	f.Mine(0)
	if v := f.Tally(); v.Lost > 0 || v.Refused > 0 {
		t.Errorf("%+v", v)
	}
}

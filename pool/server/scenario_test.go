package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hearth/pool/job"
	"hearth/pool/pooltest"
	"hearth/pool/server"
	"hearth/pool/share"
)

// The scenarios in testdata are dialogues on connections without buffers, in
// a time that passes only when everybody waits. Lines are:
//
//	start DIFFICULTY         first of all: the difficulty that miners begin with
//	connect NAME [ADDRESS]   a connection, named by one word
//	deaf NAME [ADDRESS]      a connection that takes a line only when NAME< asks for it
//	NAME> text               the miner says a line
//	NAME< pattern            the server says a line; * stands for
//	                         anything, ? for any character
//	NAME hears pattern       the server says one or more lines, all of them like this
//	NAME silent              the server has nothing to say
//	NAME closed              the server closes the connection
//	publish SOURCE ID [clean]
//	move WORKER SOURCE
//	shape E1 E2
//	wait DURATION
//	desk text                what the Desk was told next
//	count NAME N             a counter of the server
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) { play(t, name, string(text)) })
		})
	}
}

type stage struct {
	t      *testing.T
	server *server.Server
	desk   *desk
	door   *door
	miners map[string]*miner
}

func play(t *testing.T, name, text string) {
	d := newDesk()
	start := pooltest.Easiest
	if first, _, _ := strings.Cut(text, "\n"); strings.HasPrefix(first, "start ") {
		if _, err := fmt.Sscanf(first, "start %f", &start); err != nil {
			t.Fatalf("%s:1: %v", name, err)
		}
	}
	s, err := server.New(server.Config{
		Vardiff: share.Vardiff{Floor: pooltest.Easiest}, Start: start,
		Ban: server.Ban{Shares: 8, Logins: 4}, Next: job.NewCounter(0x100).Next,
	}, d)
	if err != nil {
		t.Fatal(err)
	}
	g := &stage{t: t, server: s, desk: d, door: newDoor(), miners: make(map[string]*miner)}
	ctx, cancel := context.WithCancel(t.Context())
	var served error
	done := make(chan struct{})
	go func() {
		defer close(done)
		served = s.Serve(ctx, g.door)
	}()
	defer func() {
		for _, c := range g.miners {
			c.Close()
		}
		cancel()
		<-done
		if served != nil {
			t.Errorf("serve: %v", served)
		}
	}()
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, " ")
		if line == "" || line[0] == '#' || strings.HasPrefix(line, "start ") {
			continue
		}
		if err := g.step(line); err != nil {
			t.Fatalf("%s:%d: %s\n\t%v", name, i+1, line, err)
		}
	}
}

var (
	said  = regexp.MustCompile(`^(\w+)([<>]| hears) ?(.*)$`)
	state = regexp.MustCompile(`^(\w+) (silent|closed)$`)
)

func (g *stage) step(line string) error {
	if m := said.FindStringSubmatch(line); m != nil {
		switch m[2] {
		case ">":
			return g.say(m[1], m[3])
		case "<":
			return g.expect(m[1], m[3])
		}
		return g.hears(m[1], m[3])
	}
	if m := state.FindStringSubmatch(line); m != nil {
		return g.ends(m[1], m[2] == "closed")
	}
	f := strings.Fields(line)
	f = append(f, "", "")
	switch f[0] {
	case "connect", "deaf":
		addr := "192.0.2.1"
		if f[2] != "" {
			addr = f[2]
		}
		return g.connect(f[1], addr, f[0] == "deaf")
	case "publish":
		id, err := strconv.Atoi(f[2])
		if err != nil {
			return err
		}
		g.server.Publish(newJob(uint32(id), f[1], 1, f[3] == "clean"))
		synctest.Wait()
	case "move":
		err := g.server.Move(server.Worker(f[1]), f[2])
		synctest.Wait()
		return err
	case "shape":
		e1, err1 := strconv.Atoi(f[1])
		e2, err2 := strconv.Atoi(f[2])
		err := errors.Join(err1, err2, g.server.Shape(e1, e2))
		synctest.Wait()
		return err
	case "wait":
		d, err := time.ParseDuration(f[1])
		if err != nil {
			return err
		}
		time.Sleep(d)
		synctest.Wait()
	case "desk":
		synctest.Wait()
		if got := g.desk.next(); got != strings.TrimPrefix(line, "desk ") {
			return fmt.Errorf("the desk was told %q", got)
		}
	case "count":
		return g.count(f[1], f[2])
	default:
		return errors.New("no such step")
	}
	return nil
}

func (g *stage) connect(name, addr string, deaf bool) error {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return err
	}
	ours, theirs := net.Pipe()
	m := &miner{Conn: ours, lines: newLines(ours), deaf: deaf}
	g.miners[name] = m
	if !deaf {
		go func() {
			for m.listen() {
			}
		}()
	}
	g.door.in <- placed{theirs, a}
	synctest.Wait()
	return nil
}

func newLines(r io.Reader) *bufio.Reader { return bufio.NewReaderSize(r, 64<<10) }

// miner is a miner's end of a connection in a scenario.
type miner struct {
	net.Conn
	lines *bufio.Reader
	deaf  bool

	mu    sync.Mutex
	heard []string
	end   error
}

// listen takes one line from the connection.
func (m *miner) listen() bool {
	line, err := m.lines.ReadString('\n')
	m.mu.Lock()
	defer m.mu.Unlock()
	if line != "" {
		m.heard = append(m.heard, strings.TrimRight(line, "\r\n"))
	}
	if err != nil {
		m.end = err
	}
	return err == nil
}

// next is what the server said next, or how the connection ended; with neither
// all is empty.
func (m *miner) next() (line string, ok bool, end error) {
	if m.deaf {
		_ = m.SetReadDeadline(time.Now().Add(time.Millisecond))
		m.listen()
	}
	synctest.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.heard) > 0 {
		line, m.heard = m.heard[0], m.heard[1:]
		return line, true, nil
	}
	return "", false, m.end
}

// say sends as far as the server reads: what it leaves is lost.
func (g *stage) say(name, text string) error {
	c := g.miners[name]
	text = strings.NewReplacer(`\n`, "\n", `\0`, "\x00").Replace(text)
	go func() {
		_ = c.SetWriteDeadline(time.Now().Add(time.Hour))
		_, _ = io.WriteString(c, text+"\n")
	}()
	synctest.Wait()
	return nil
}

func (g *stage) expect(name, pattern string) error {
	line, ok, end := g.miners[name].next()
	if !ok {
		return fmt.Errorf("the server says nothing; the connection ended: %v", end)
	}
	re := regexp.MustCompile("^" + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern)) + "$")
	if !re.MatchString(line) {
		return fmt.Errorf("the server says %s", line)
	}
	return nil
}

func (g *stage) hears(name, pattern string) error {
	if err := g.expect(name, pattern); err != nil {
		return err
	}
	for {
		m := g.miners[name]
		m.mu.Lock()
		more := len(m.heard) > 0
		m.mu.Unlock()
		if !more {
			return nil
		}
		if err := g.expect(name, pattern); err != nil {
			return err
		}
	}
}

func (g *stage) ends(name string, closed bool) error {
	line, ok, end := g.miners[name].next()
	switch {
	case ok:
		return fmt.Errorf("the server says %q", line)
	case closed != errors.Is(end, io.EOF):
		return fmt.Errorf("the connection ended: %v", end)
	}
	return nil
}

func (g *stage) count(name, want string) error {
	synctest.Wait()
	c := g.server.Counters()
	values := map[string]uint64{
		"grievances": c.Grievances, "bans": c.Bans, "passed_over": c.PassedOver, "panics": c.Panics,
		"miners": uint64(c.Miners), "connections": uint64(c.Connections), "refused_logins": c.RefusedLogins,
	}
	for k, v := range c.Closed {
		values["closed_"+k] = v
	}
	for k, v := range c.Refused {
		values["refused_"+k] = v
	}
	for k, v := range c.Shares {
		values["shares_"+strings.ReplaceAll(k, " ", "_")] = v
	}
	got, ok := values[name]
	if !ok {
		return errors.New("no such counter")
	}
	if fmt.Sprint(got) != want {
		return fmt.Errorf("it is %d", got)
	}
	return nil
}

// newJob is a job of real size: a coinbase of two outputs and so many branches.
func newJob(id uint32, source string, branches int, clean bool) *job.Job {
	j := &job.Job{
		ID: id, Source: source, Version: 0x20000000, Mask: job.MaskV1, Bits: 0x1d00ffff, Time: 1768478400,
		Prefix: make([]byte, 110), Suffix: make([]byte, 140), Extranonce: 8, Branch: make([]job.Hash, branches), Clean: clean,
	}
	j.Prev[0], j.Prev[31] = byte(id), 0xaa
	for i := range j.Branch {
		j.Branch[i][0] = byte(i + 1)
	}
	j.Network = job.Difficulty(1).Target()
	j.Goal = j.Network
	return j
}

// desk admits all whose password is not "wrong", as workers of their name, and
// notes what it is told. A user "name/source" begins with that source.
type desk struct {
	mu     sync.Mutex
	told   []string
	shares map[server.Worker]map[share.Reason]int
	here   map[server.Worker]int
	quiet  bool // nothing is noted, only counted
	source string
}

func newDesk() *desk {
	return &desk{shares: make(map[server.Worker]map[share.Reason]int), here: make(map[server.Worker]int), source: "node"}
}

func (d *desk) Admit(l server.Login) (server.Place, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l.Password == "wrong" {
		return server.Place{}, errors.New("wrong token: pair the miner first")
	}
	if l.User == "panic" {
		panic("the desk falls over")
	}
	name, source, ok := strings.Cut(l.User, "/")
	if !ok {
		source = d.source
	}
	d.note(fmt.Sprintf("admit %s by V%d from %s, %q", name, l.Protocol, l.Remote.Addr(), l.Agent))
	d.here[server.Worker(name)]++
	return server.Place{Worker: server.Worker(name), Source: source}, nil
}

func (d *desk) Share(w server.Worker, v share.Verdict) {
	d.mu.Lock()
	defer d.mu.Unlock()
	of := d.shares[w]
	if of == nil {
		of = make(map[share.Reason]int)
		d.shares[w] = of
	}
	of[v.Reason]++
	id := "no job"
	if v.Job != nil {
		id = fmt.Sprintf("job %d of %s", v.Job.ID, v.Job.Source)
	}
	if !d.quiet {
		d.note(fmt.Sprintf("share of %s: %s, %s, %d", w, id, v.Reason, v.Credit))
	}
}

func (d *desk) Left(w server.Worker) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.here[w]--
	d.note(fmt.Sprintf("left %s", w))
}

func (d *desk) note(s string) {
	if !d.quiet {
		d.told = append(d.told, s)
	}
}

func (d *desk) next() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.told) == 0 {
		return "nothing"
	}
	s := d.told[0]
	d.told = d.told[1:]
	return s
}

// door is a listener whose connections come from within the process.
type door struct {
	in   chan placed
	once sync.Once
	shut chan struct{}
}

func newDoor() *door { return &door{in: make(chan placed), shut: make(chan struct{})} }

type placed struct {
	net.Conn
	from netip.Addr
}

func (p placed) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(p.from, 4000))
}

func (d *door) Accept() (net.Conn, error) {
	select {
	case c := <-d.in:
		return c, nil
	case <-d.shut:
		return nil, net.ErrClosed
	}
}

func (d *door) Close() error {
	d.once.Do(func() { close(d.shut) })
	return nil
}

func (d *door) Addr() net.Addr { return &net.TCPAddr{} }

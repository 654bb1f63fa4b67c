package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/config"
	"hearth/device"
	"hearth/drivers/computer"
	"hearth/furnace"
	"hearth/pool/job"
	"hearth/pool/miner"
	"hearth/pool/pooltest"
	poolserver "hearth/pool/server"
	"hearth/pool/share"
	"hearth/pool/stratum"
	"hearth/pool/stratum2/noise"
	"hearth/pool/upstream"
	"hearth/units"
)

// easy is a difficulty that a thread meets some hundred times a second.
const easy job.Difficulty = 1.0 / (1 << 18)

// foreman admits who has the password, and counts what they bring.
type foreman struct {
	password string

	mu       sync.Mutex
	accepted int64
	others   map[share.Reason]int
	agents   []string
}

func (f *foreman) Admit(l poolserver.Login) (poolserver.Place, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.agents = append(f.agents, l.Agent)
	// V2 knows no password.
	if l.Protocol == 1 && l.Password != f.password {
		return poolserver.Place{}, errors.New("pair the computer first")
	}
	return poolserver.Place{Worker: poolserver.Worker(l.User), Source: "node"}, nil
}

func (f *foreman) Share(_ poolserver.Worker, v share.Verdict) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if v.Reason == share.Accepted {
		f.accepted++
		return
	}
	f.others[v.Reason]++
}

func (*foreman) Left(poolserver.Worker) {}

func (f *foreman) count() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.accepted
}

// serveStratum serves both versions of Stratum to whom the foreman admits.
func serveStratum(t *testing.T, f *foreman) (v1, v2 string) {
	t.Helper()
	f.others = make(map[share.Reason]int)
	key, err := noise.NewKey([32]byte{31: 7}, [32]byte{})
	if err != nil {
		t.Fatal(err)
	}
	authority, err := noise.NewAuthority([32]byte{31: 9})
	if err != nil {
		t.Fatal(err)
	}
	s, err := poolserver.New(poolserver.Config{Key: key, Authority: authority, Start: easy, Vardiff: share.Vardiff{Floor: easy, Fixed: true}}, f)
	if err != nil {
		t.Fatal(err)
	}
	s.Publish(&job.Job{
		ID: 7, Source: "node", Version: 0x20000000, Mask: job.MaskV2, Bits: 0x1d00ffff, Time: 1_768_478_400,
		Prev: job.Hash{1, 31: 2}, Prefix: make([]byte, 110), Suffix: make([]byte, 140), Extranonce: 8, Branch: make([]job.Hash, 3),
		Network: job.Difficulty(1).Target(), Goal: job.Difficulty(1).Target(), Clean: true,
	})
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return "stratum+tcp://" + l.Addr().String(), "stratum2+tcp://" + l.Addr().String() + "/" + authority.Key().String()
}

// soon waits until something is so.
func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// mineUntil runs "hearth mine sha256" until something is so, which ends it as
// Ctrl-C does.
func mineUntil(t *testing.T, what string, is func(out string) bool, args ...string) (code int, out, errs string) {
	t.Helper()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var o said
	var e bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		p := &program{ctx: ctx, in: strings.NewReader(""), out: &o, err: &e}
		ended <- p.run(append([]string{"mine", "sha256", "--threads", "2"}, args...))
	}()
	soon(t, what, func() bool { return is(o.String()) })
	interrupt()
	code = <-ended
	return code, o.String(), e.String()
}

// said is what a command has said so far.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestMiningAtTheHousesOwnServer(t *testing.T) {
	for _, c := range []struct {
		name string
		url  func(v1, v2 string) string
		says string
	}{
		{"V1", func(v1, _ string) string { return v1 }, "Stratum V1, in the open"},
		{"V2", func(_, v2 string) string { return v2 }, "Stratum V2, encrypted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &foreman{password: "kettle"}
			url := c.url(serveStratum(t, f))
			code, out, errs := mineUntil(t, "twenty shares are accepted", func(string) bool { return f.count() >= 20 },
				"--pool", url, "--user", "house.computer", "--password", "kettle", "--json")
			if code != 0 || errs != "" {
				t.Errorf("exit code %d, %s", code, errs)
			}
			lines := strings.Split(strings.TrimSpace(out), "\n")
			first, last := event(t, lines[0]), event(t, lines[len(lines)-1])
			if first.Kind != "up" || first.Text != c.says {
				t.Errorf("it begins with %+v, want %q", first, c.says)
			}
			if last.Kind != "end" || last.Tally == nil {
				t.Fatalf("it ends with %+v", last)
			}
			// The last ones may have had no answer when it was stopped.
			v, most := last.Tally, f.count()
			f.mu.Lock()
			defer f.mu.Unlock()
			if v.Accepted > most || v.Accepted+v.Unknown+v.Late < most || v.Found != v.Accepted+v.Rejected+v.Unknown+v.Late {
				t.Errorf("the server accepted %d shares, the miner tells %+v", most, v)
			}
			if v.Rejected != 0 || len(f.others) != 0 {
				t.Errorf("shares were refused: %v, %d", f.others, v.Rejected)
			}
			if !strings.Contains(strings.Join(f.agents, " "), "hearth") {
				t.Errorf("it calls itself %q", f.agents)
			}
		})
	}
}

func event(t *testing.T, line string) hashEvent {
	t.Helper()
	var e hashEvent
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if e.At.IsZero() {
		t.Errorf("without a time: %s", line)
	}
	return e
}

func TestAPersonIsToldThatItLosesMoney(t *testing.T) {
	pool := pooltest.NewFakePool(t, pooltest.FakePoolConfig{Difficulty: float64(easy)})
	pool.Refuse(24, "Unauthorized worker\u009b31m")
	code, out, _ := mineUntil(t, "a share is refused and five are accepted", func(out string) bool {
		return pool.Accepted("me.computer") >= 5 && strings.Contains(out, "refuses a share")
	},
		"--pool", pool.URL(), "--user", "me.computer")
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{
		"Mining Bitcoin on 2 threads, at 127.0.0.1:", "as me.computer",
		"for tests and education, and loses money", "100,000 times",
		"lets this computer in (Stratum V1, in the open)",
		"The pool refuses a share: Unauthorized worker",
		"Stopped after", "H/s on average", "1 refused",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if strings.ContainsRune(out, 0x9b) {
		t.Errorf("the pool's escapes come through: %q", out)
	}
}

func TestMiningSaysWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		want string
		args []string
	}{
		{"--user", nil},
		{"scheme", []string{"--user", "me", "--pool", "http://pool.example:3333"}},
		{"no port", []string{"--user", "me", "--pool", "pool.example"}},
		{"negative", []string{"--user", "me", "--threads=-1"}},
		{"read the secret", []string{"--user", "me", "--password", "file:not-there"}},
	} {
		_, errs := must(t, exitUsage, append([]string{"mine", "sha256"}, c.args...)...)
		if !strings.Contains(errs, c.want) {
			t.Errorf("%q: %q, want %q", c.args, errs, c.want)
		}
	}
	out, _ := must(t, 0, "mine", "sha256", "--user", "me", "--pool", "127.0.0.1:1", "--for", "100ms")
	if !strings.Contains(out, "There is no work: ") || !strings.Contains(out, "0 shares accepted") {
		t.Errorf("without a pool it says:\n%s", out)
	}
}

// A pool that refuses the worker is left, and the command fails.
func TestMiningEndsWhenThePoolRefusesTheWorker(t *testing.T) {
	url, _ := serveStratum(t, &foreman{password: "kettle"})
	_, errs := must(t, exitFailed, "mine", "sha256", "--threads", "1", "--user", "house.computer", "--password", "wrong", "--pool", url)
	if !strings.Contains(errs, "refuses the worker") || !strings.Contains(errs, "check the name and the password") {
		t.Errorf("it says %q", errs)
	}
}

// A share that comes late is nobody's fault, and often one of many.
func TestLateSharesAreToldOnce(t *testing.T) {
	var out said
	r := newHashReport(&program{out: &out}, false)
	for range 5 {
		r.Answer(upstream.Answer{Answer: stratum.Answer{Outcome: upstream.Rejected, Reason: "stale share"}})
	}
	r.tally(miner.Tally{})
	r.Down("pool", errors.New("nobody answers"))
	r.tally(miner.Tally{Hashes: 36_200_000, Accepted: 1, Credit: 1, Best: 0.0000125})
	r.end(miner.Tally{Hashes: 36_200_000, Accepted: 1, Credit: 1, Best: 0.0000125})
	text := out.String()
	if n := strings.Count(text, "A share came late: there is newer work."); n != 1 {
		t.Errorf("it is told %d times:\n%s", n, text)
	}
	for _, want := range []string{"there is no work: the pool has given none yet", "there is no work: nobody answers", "36.2 million were computed", "4.3 billion hashes", "difficulty 0.0000125"} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
}

func TestNumbersInWords(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 0.00000381: "0.00000381", 12.34: "12.3", 999: "999", 1234: "1234", 36_200_000: "36.2 million", 5e12: "5 thousand billion",
	} {
		if got := inWords(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
}

func TestAges(t *testing.T) {
	for seconds, want := range map[float64]string{
		90: "1m30s", 40 * 86400: "40 days", 10 * 365.25 * 86400: "10 years",
		20e3 * 365.25 * 86400: "0.02 million years", 4.5e9 * 365.25 * 86400: "4.5 billion years",
	} {
		if got := ages(seconds); got != want {
			t.Errorf("%v s is %q, want %q", seconds, got, want)
		}
	}
}

func TestAComputerMinesInPlaceOfDumbHeat(t *testing.T) {
	pool := pooltest.NewFakePool(t, pooltest.FakePoolConfig{Difficulty: float64(easy)})
	f := furnace.New(ember{}, time.Now)
	env := device.Env{Name: "pc", Log: slog.New(slog.DiscardHandler), Now: time.Now}
	w, err := mining(config.File{}, f)(computer.Pool{URL: pool.URL(), User: "house.pc", Password: "x"}, 1, env)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx, 1, func() units.Fraction { return 1 }) }()

	soon(t, "shares are accepted", func() bool { return counted(f, computer.ShareUnit) >= 3 })
	if f.Work() != device.Hashing || f.Name() != "mining with processors" {
		t.Errorf("it is %s, %s", f.Name(), f.Work())
	}
	// Useful work goes first.
	leave := f.Enter()
	turns := f.Turns()
	if n, err := turns.Next(ctx); n != 1 || err != nil {
		t.Errorf("a turn is of %d threads, %v", n, err)
	}
	leave()
	before := counted(f, computer.ShareUnit)
	soon(t, "mining goes on", func() bool { return counted(f, computer.ShareUnit) > before })
	// Without a pool it makes dumb heat, which is heat.
	pool.Stop()
	soon(t, "it burns", func() bool { return f.Work() == device.Burning && f.Name() == "dumb heat" })
	pool.Start()
	before = counted(f, computer.ShareUnit)
	soon(t, "it mines again", func() bool { return counted(f, computer.ShareUnit) > before && f.Work() == device.Hashing })

	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if hashes, shares := counted(f, computer.HashUnit), counted(f, computer.ShareUnit); hashes < shares {
		t.Errorf("%d hashes made %d shares", hashes, shares)
	}
	for range 2 {
		if err := w.(interface{ Close() error }).Close(); err != nil {
			t.Error(err)
		}
	}
	if len(f.Done()) != 0 || f.Name() != "dumb heat" {
		t.Errorf("after the computer is gone the furnace is %s, and counts %v", f.Name(), f.Done())
	}
	soon(t, "the pool is left", func() bool { now, _ := pool.Connections(); return now == 0 })
}

// counted is how much of something a furnace has done.
func counted(f *furnace.Furnace, unit string) int64 {
	for _, o := range f.Done() {
		if o.Unit == unit {
			n, _ := o.Count.Get()
			return n
		}
	}
	return 0
}

func TestAHomeWithAComputerThatMines(t *testing.T) {
	const house = `name: Test house
manual: {here: {name: Study}}
`
	for _, c := range []struct{ name, computer, pool, want string }{
		{"at a pool", "work: sha256, pool: {url: 'stratum+tcp://pool.example:3333', user: me.pc}", "", ""},
		{"at the home's own", "work: sha256", "pool: {listen: '127.0.0.1:4444', upstreams: [{url: 'stratum+tcp://pool.example:3333', user: me}]}\n", ""},
		{"at no pool", "work: sha256", "", "no pool of its own"},
		{"at what is no pool", "work: sha256, pool: {url: 'http://pool.example'}", "", "scheme"},
		{"something else", "work: scrypt", "", "is not known"},
	} {
		f, err := config.Parse([]byte(house + c.pool + "devices:\n  pc: {kind: computer, zone: here, " + c.computer + "}\n"))
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		h, err := assemble(t.Context(), f, deps{dir: dir, data: dir, log: slog.New(slog.DiscardHandler), work: furnace.New(ember{}, time.Now)})
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", c.name, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if note := h.site.State().Compute.Note; !strings.Contains(note, "loses money") {
			t.Errorf("%s: consent is asked with %q", c.name, note)
		}
		h.site.Release(t.Context(), nil)
		h.close(t.Context())
	}
}

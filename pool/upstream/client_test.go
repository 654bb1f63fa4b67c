package upstream_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/pool/job"
	"hearth/pool/pooltest"
	"hearth/pool/upstream"
)

// house is a Handler that remembers everything.
type house struct {
	t testing.TB

	mu      sync.Mutex
	said    []string // "up pool", "down pool: why", "notice …", "job …"
	login   upstream.Login
	jobs    []*job.Job
	answers map[uint64]upstream.Answer
	calling bool
}

// newHouse returns a house that tells, when its test fails, what it lived through.
func newHouse(t testing.TB) *house {
	h := &house{t: t, answers: map[uint64]upstream.Answer{}}
	t.Cleanup(func() {
		if t.Failed() {
			h.mu.Lock()
			defer h.mu.Unlock()
			t.Logf("the house heard:\n%s\nand has the answers %+v", strings.Join(h.said[max(0, len(h.said)-50):], "\n"), h.answers)
		}
	})
	return h
}

// call makes sure that the handler is called once at a time.
func (h *house) call(f func()) {
	h.mu.Lock()
	if h.calling {
		h.t.Error("the handler was called twice at a time")
	}
	h.calling = true
	h.mu.Unlock()
	h.mu.Lock()
	f()
	h.calling = false
	h.mu.Unlock()
}

func (h *house) Up(l upstream.Login) {
	h.call(func() { h.login = l; h.said = append(h.said, "up "+l.Upstream) })
}

func (h *house) Down(name string, why error) {
	h.call(func() { h.said = append(h.said, fmt.Sprintf("down %s: %v", name, why)) })
}

func (h *house) Job(j *job.Job) {
	h.call(func() {
		h.jobs = append(h.jobs, j)
		h.said = append(h.said, fmt.Sprintf("job %d is %s", j.ID, j.Foreign))
	})
}

func (h *house) Answer(a upstream.Answer) {
	h.call(func() {
		if old, twice := h.answers[a.Cookie]; twice {
			h.t.Errorf("share %d was answered twice: %+v and %+v", a.Cookie, old, a)
		}
		h.answers[a.Cookie] = a
	})
}

func (h *house) Notice(n upstream.Notice) {
	h.call(func() { h.said = append(h.said, fmt.Sprintf("notice %d %s %s %s", n.Kind, n.Upstream, n.User, n.Text)) })
}

// job is the newest job that fits, once there is one.
func (h *house) job(fits func(*job.Job) bool) *job.Job {
	h.t.Helper()
	var found *job.Job
	eventually(h.t, "a job that fits", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, j := range h.jobs {
			if fits(j) {
				found = j
			}
		}
		return found != nil
	})
	return found
}

func anyJob(*job.Job) bool { return true }

// after is a job that came after j.
func after(j *job.Job) func(*job.Job) bool { return func(k *job.Job) bool { return k.ID > j.ID } }

// answer is what became of a share, once that is known.
func (h *house) answer(cookie uint64) upstream.Answer {
	h.t.Helper()
	var a upstream.Answer
	eventually(h.t, fmt.Sprint("the answer to share ", cookie), func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		var ok bool
		a, ok = h.answers[cookie]
		return ok
	})
	return a
}

// hears waits until something was said that has part in it.
func (h *house) hears(part string) {
	h.t.Helper()
	eventually(h.t, part, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, s := range h.said {
			if strings.Contains(s, part) {
				return true
			}
		}
		return false
	})
}

// eventually waits for something to be true. How long that may take is not what
// the tests are about.
func eventually(t testing.TB, what string, ask func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ask(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %s, and it did not come", what)
		}
	}
}

// runner is what Client and Group have in common.
type runner interface {
	Run(context.Context, upstream.Handler) error
	Submit(upstream.Share, uint64) error
}

// start runs r until the test ends, and fails if it leaves goroutines that wait.
func start(t testing.TB, r runner) *house {
	t.Helper()
	h := newHouse(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx, h) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Run ended with %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("Run did not end with its context")
		}
	})
	return h
}

// config is one that fits p, impatient enough for a test.
func config(p *pooltest.FakePool) upstream.Config {
	return upstream.Config{
		Name: "pool", URL: p.URL(), Workers: []upstream.Credential{{User: "house", Password: "x"}},
		Mask: job.MaskV2, Next: job.NewCounter(0).Next, Random: func() float64 { return 0.5 },
		Timing: upstream.Timing{Retry: time.Millisecond, Longest: 20 * time.Millisecond},
	}
}

func begin(t testing.TB, c upstream.Config) (*upstream.Client, *house) {
	t.Helper()
	client, err := upstream.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return client, start(t, client)
}

// find searches a share of j. Every seed gives another.
func find(j *job.Job, seed uint32) upstream.Share {
	e := make([]byte, j.Extranonce)
	for i := range min(len(e), 4) {
		e[len(e)-1-i] = byte(seed >> (8 * i))
	}
	// A few bits of those that may be rolled.
	version := j.Version | j.Mask&(seed*0x9e3779b1)
	h := j.Header(e, version, j.Time+seed%5, 0)
	for ; !h.Hash().Meets(j.Goal); h.Nonce++ {
	}
	return upstream.Share{Job: j.ID, Extranonce: e, Version: version, Time: h.Time, Nonce: h.Nonce}
}

// send sends a share and returns what became of it.
func send(t testing.TB, r runner, h *house, s upstream.Share, cookie uint64) upstream.Answer {
	t.Helper()
	if err := r.Submit(s, cookie); err != nil {
		t.Fatal(err)
	}
	return h.answer(cookie)
}

// At pools of every kind shares are credited, to whom they name, with what the
// pool asked for.
func TestSharesAreCredited(t *testing.T) {
	const d = 1.0 / (1 << 20)
	for name, c := range map[string]struct {
		pool       pooltest.FakePoolConfig
		extranonce int
		mask       uint32
	}{
		"as the book has it":                  {pooltest.FakePoolConfig{}, 8, 0x1fffe000},
		"two bytes of extranonce2":            {pooltest.FakePoolConfig{Extranonce2: 2}, 2, 0x1fffe000},
		"three":                               {pooltest.FakePoolConfig{Extranonce2: 3}, 3, 0x1fffe000},
		"four":                                {pooltest.FakePoolConfig{Extranonce2: 4}, 4, 0x1fffe000},
		"twelve":                              {pooltest.FakePoolConfig{Extranonce2: 12}, 8, 0x1fffe000},
		"an extranonce1 of one byte":          {pooltest.FakePoolConfig{Extranonce1: []byte{7}}, 8, 0x1fffe000},
		"an extranonce1 of sixteen":           {pooltest.FakePoolConfig{Extranonce1: make([]byte, 16)}, 8, 0x1fffe000},
		"bits are or-ed":                      {pooltest.FakePoolConfig{Bits: pooltest.FakeOr}, 8, 0x1fffe000},
		"bits are xor-ed":                     {pooltest.FakePoolConfig{Bits: pooltest.FakeXor}, 8, 0x1fffe000},
		"bits replace, and some are set":      {pooltest.FakePoolConfig{Version: 0x30400000}, 8, 0x0fbfe000},
		"bits are or-ed, and some are set":    {pooltest.FakePoolConfig{Version: 0x30400000, Bits: pooltest.FakeOr}, 8, 0x0fbfe000},
		"few bits":                            {pooltest.FakePoolConfig{Mask: 0x00ffffff}, 8, 0x00ffe000},
		"null to configure":                   {pooltest.FakePoolConfig{Configure: pooltest.FakeNull}, 8, 0},
		"an error to configure":               {pooltest.FakePoolConfig{Configure: pooltest.FakeError}, 8, 0},
		"no answer to configure":              {pooltest.FakePoolConfig{Configure: pooltest.FakeSilent}, 8, 0},
		"it hangs up when asked to configure": {pooltest.FakePoolConfig{Configure: pooltest.FakeHangsUp}, 8, 0},
		"a long coinbase":                     {pooltest.FakePoolConfig{Coinbase: 12_000}, 8, 0x1fffe000},
		"V2":                                  {pooltest.FakePoolConfig{V2: true}, 8, 0x1fffffe0},
		"V2, two bytes of extranonce":         {pooltest.FakePoolConfig{V2: true, Extranonce2: 2}, 2, 0x1fffffe0},
		"V2, twelve":                          {pooltest.FakePoolConfig{V2: true, Extranonce2: 12}, 8, 0x1fffffe0},
		"V2, a long coinbase":                 {pooltest.FakePoolConfig{V2: true, Coinbase: 50_000}, 8, 0x1fffffe0},
		"V2 without extensions":               {pooltest.FakePoolConfig{V2: true, Nameless: true}, 8, 0x1fffffe0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pooltest.NewFakePool(t, c.pool)
			client, h := begin(t, config(pool))
			j := h.job(func(j *job.Job) bool { return j.Goal == job.Difficulty(d).Target() && j.Mask == c.mask })
			if j.Extranonce != c.extranonce || j.Source != "pool" {
				t.Fatalf("the job leaves %d bytes and is of %s", j.Extranonce, j.Source)
			}
			for i := range uint64(3) {
				if a := send(t, client, h, find(j, uint32(i)), i); a.Outcome != upstream.Accepted || a.Upstream != "pool" || a.Worker != "house" {
					t.Errorf("share %d: %+v", i, a)
				}
			}
			if got := pool.Credit("house"); got != 3*d {
				t.Errorf("credited are %v, want %v", got, 3*d)
			}
		})
	}
}

// both runs a test in both versions of Stratum.
func both(t *testing.T, f func(t *testing.T, c pooltest.FakePoolConfig)) {
	t.Run("V1", func(t *testing.T) { f(t, pooltest.FakePoolConfig{}) })
	t.Run("V2", func(t *testing.T) { f(t, pooltest.FakePoolConfig{V2: true}) })
}

func TestRefusedSharesSayWhy(t *testing.T) { both(t, testRefusedSharesSayWhy) }

func testRefusedSharesSayWhy(t *testing.T, kind pooltest.FakePoolConfig) {
	pool := pooltest.NewFakePool(t, kind)
	client, h := begin(t, config(pool))
	// V1 has a number for each error, V2 a word.
	said := func(a upstream.Answer, code int, word string) bool {
		return a.Outcome == upstream.Rejected && (kind.V2 && a.Reason == word || !kind.V2 && a.Code == code)
	}
	j := h.job(func(j *job.Job) bool { return j.Mask != 0 })
	sound := find(j, 1)

	if a := send(t, client, h, sound, 1); a.Outcome != upstream.Accepted {
		t.Errorf("%+v", a)
	}
	if a := send(t, client, h, sound, 2); !said(a, 22, "duplicate-share") {
		t.Errorf("the same share again: %+v", a)
	}
	low := sound
	for j.Header(low.Extranonce, low.Version, low.Time, low.Nonce).Hash().Meets(j.Goal) {
		low.Nonce++
	}
	if a := send(t, client, h, low, 3); !said(a, 23, "difficulty-too-low") {
		t.Errorf("a share that is too easy: %+v", a)
	}
	pool.Refuse(20, "we are full")
	if a := send(t, client, h, find(j, 2), 4); a.Outcome != upstream.Rejected || a.Reason != "we are full" {
		t.Errorf("a share that the pool does not want: %+v", a)
	}
	if got := fmt.Sprint(pool.Rejected("house")); got != "map[20:1 22:1 23:1]" {
		t.Errorf("the pool has refused %v", got)
	}

	// What cannot be right is not sent.
	for name, broken := range map[string]func(*upstream.Share){
		"extranonce": func(s *upstream.Share) { s.Extranonce = s.Extranonce[1:] },
		"rolls bits": func(s *upstream.Share) { s.Version ^= 1 << 31 },
		"over":       func(s *upstream.Share) { s.Job = 77777 },
	} {
		s := find(j, 3)
		broken(&s)
		if err := client.Submit(s, 5); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	// A job that is over is nobody's.
	pool.Notify(true)
	h.job(func(k *job.Job) bool { return k.ID > j.ID && k.Clean })
	if err := client.Submit(find(j, 4), 6); !errors.Is(err, upstream.ErrGone) {
		t.Errorf("a share of a job that is over: %v", err)
	}
}

func TestSeveralWorkers(t *testing.T) { both(t, testSeveralWorkers) }

func testSeveralWorkers(t *testing.T, kind pooltest.FakePoolConfig) {
	pool := pooltest.NewFakePool(t, kind)
	c := config(pool)
	c.Workers = append(c.Workers, upstream.Credential{User: "host"})
	client, h := begin(t, c)
	j := h.job(func(j *job.Job) bool { return j.Mask != 0 })
	h.hears("notice 1 pool host")
	for i, worker := range []string{"house", "host", "host", ""} {
		s := find(j, uint32(i))
		s.Worker = worker
		if a := send(t, client, h, s, uint64(i)); a.Outcome != upstream.Accepted {
			t.Errorf("%+v", a)
		}
	}
	if a, b := pool.Accepted("house"), pool.Accepted("host"); a != 2 || b != 2 {
		t.Errorf("credited are %d and %d shares", a, b)
	}
	// One more while it runs, who is also let in again after the next login.
	if err := client.Authorize(upstream.Credential{User: "bank"}); err != nil {
		t.Fatal(err)
	}
	if !kind.V2 { // where names need no leave
		h.hears("notice 1 pool bank")
	}
	pool.Drop()
	j = h.job(func(k *job.Job) bool { return k.ID > j.ID && k.Mask != 0 })
	s := find(j, 9)
	s.Worker = "bank"
	eventually(t, "a share of bank", func() bool { return client.Submit(s, 9) == nil })
	if a := h.answer(9); a.Outcome != upstream.Accepted {
		t.Errorf("%+v", a)
	}
}

// A pool that lets one worker in only says so, and goes on with that one.
func TestOneWorkerOnly(t *testing.T) {
	pool := pooltest.NewFakePool(t, pooltest.FakePoolConfig{Names: pooltest.FakeRefuses})
	c := config(pool)
	c.Workers = append(c.Workers, upstream.Credential{User: "host"})
	client, h := begin(t, c)
	h.hears("notice 2 pool host one worker for each connection")
	j := h.job(func(j *job.Job) bool { return j.Mask != 0 })
	if a := send(t, client, h, find(j, 1), 1); a.Outcome != upstream.Accepted {
		t.Errorf("%+v", a)
	}
	s := find(j, 2)
	s.Worker = "host"
	if err := client.Submit(s, 2); err == nil {
		t.Error("a share is sent for a worker that was refused")
	}
}

// A pool that ends the connection over a second worker is mined at with one.
func TestSecondWorkerEndsTheConnection(t *testing.T) {
	pool := pooltest.NewFakePool(t, pooltest.FakePoolConfig{Names: pooltest.FakeDrops})
	c := config(pool)
	c.Workers = append(c.Workers, upstream.Credential{User: "host"})
	client, h := begin(t, c)
	h.hears("several workers are to be let in: the next has one")
	h.hears("notice 2 pool host the pool ends the connection")
	eventually(t, "a share that is accepted", func() bool {
		h.mu.Lock()
		n, jobs := uint64(len(h.jobs)), len(h.jobs)
		h.mu.Unlock()
		if jobs == 0 {
			return false
		}
		j := h.job(anyJob)
		return client.Submit(find(j, 1), n) == nil && h.answer(n).Outcome == upstream.Accepted
	})
	if pool.Accepted("house") == 0 {
		t.Error("nothing was credited")
	}
	s := find(h.job(anyJob), 2)
	s.Worker = "host"
	if err := client.Submit(s, 99); !errors.Is(err, upstream.ErrRefused) {
		t.Errorf("a share of who was left out: %v", err)
	}
}

// What the pool gives of the extranonce, what it lets roll and what it asks for
// may change at any time.
func TestChangesOnTheWay(t *testing.T) {
	pool := pooltest.NewFakePool(t, pooltest.FakePoolConfig{})
	client, h := begin(t, config(pool))
	j := h.job(func(j *job.Job) bool { return j.Mask != 0 })

	pool.SetExtranonce([]byte{1, 2, 3, 4, 5, 6}, 5)
	if a := send(t, client, h, find(j, 1), 1); a.Outcome != upstream.Accepted {
		t.Errorf("the job in hand has its old extranonce: %+v", a)
	}
	pool.Notify(false)
	j = h.job(func(j *job.Job) bool { return j.Extranonce == 5 })
	if a := send(t, client, h, find(j, 1), 2); a.Outcome != upstream.Accepted {
		t.Errorf("the next has the new one: %+v", a)
	}

	pool.SetMask(0x00ffe000)
	j = h.job(func(j *job.Job) bool { return j.Mask == 0x00ffe000 })
	if a := send(t, client, h, find(j, 2), 3); a.Outcome != upstream.Accepted {
		t.Errorf("with fewer bits: %+v", a)
	}

	pool.SetDifficulty(1.0 / (1 << 18))
	pool.Notify(false)
	j = h.job(func(j *job.Job) bool { return j.Goal == job.Difficulty(1.0/(1<<18)).Target() })
	if a := send(t, client, h, find(j, 3), 4); a.Outcome != upstream.Accepted {
		t.Errorf("at another difficulty: %+v", a)
	}

	client.Shape(3)
	j = h.job(func(j *job.Job) bool { return j.Extranonce == 3 })
	if a := send(t, client, h, find(j, 4), 5); a.Outcome != upstream.Accepted {
		t.Errorf("in another shape: %+v", a)
	}

	// An id that stands for another job now.
	pool.NotifyAs("twice", false)
	first := h.job(func(k *job.Job) bool { return k.Foreign == "twice" })
	pool.NotifyAs("twice", false)
	second := h.job(func(k *job.Job) bool { return k.Foreign == "twice" && k.ID > first.ID })
	if err := client.Submit(find(first, 5), 6); !errors.Is(err, upstream.ErrGone) {
		t.Errorf("the earlier job of the id: %v", err)
	}
	if a := send(t, client, h, find(second, 5), 7); a.Outcome != upstream.Accepted {
		t.Errorf("the later: %+v", a)
	}
}

// Every share has exactly one answer, also when the connection ends before the
// pool has spoken; then it is neither accepted nor rejected.
func TestLostSharesAreUnknown(t *testing.T) { both(t, testLostSharesAreUnknown) }

func testLostSharesAreUnknown(t *testing.T, kind pooltest.FakePoolConfig) {
	pool := pooltest.NewFakePool(t, kind)
	client, h := begin(t, config(pool))
	j := h.job(func(j *job.Job) bool { return j.Mask != 0 })
	pool.Mute(true)
	for i := range uint64(3) {
		if err := client.Submit(find(j, uint32(i)), i); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the pool to have heard them", func() bool { return pool.Accepted("house") == 3 })
	pool.Drop()
	for i := range uint64(3) {
		if a := h.answer(i); a.Outcome != upstream.Unknown || a.Reason == "" {
			t.Errorf("%+v", a)
		}
	}
	h.hears("down pool: hear pool pool")
	// It comes back by itself, and the shares of before are of no use there.
	pool.Mute(false)
	k := h.job(func(k *job.Job) bool { return k.ID > j.ID && k.Mask != 0 })
	if err := client.Submit(find(j, 9), 9); !errors.Is(err, upstream.ErrGone) && !errors.Is(err, upstream.ErrDown) {
		t.Errorf("a share of the connection before: %v", err)
	}
	if a := send(t, client, h, find(k, 10), 10); a.Outcome != upstream.Accepted {
		t.Errorf("%+v", a)
	}
}

// A pool that is there and does not work is left, whichever way it fails.
func TestPoolsThatHang(t *testing.T) {
	for name, c := range map[string]struct {
		timing upstream.Timing
		hang   func(p *pooltest.FakePool, client *upstream.Client, h *house)
		why    string
	}{
		"it sends no job": {
			upstream.Timing{Quiet: 300 * time.Millisecond},
			func(p *pooltest.FakePool, _ *upstream.Client, _ *house) { p.Die(true) },
			"sent no job",
		},
		"it does not answer shares": {
			upstream.Timing{Answer: 200 * time.Millisecond},
			func(p *pooltest.FakePool, c *upstream.Client, h *house) {
				p.Mute(true)
				_ = c.Submit(find(h.job(anyJob), 1), 1)
			},
			"shares have no answer",
		},
		"it sends a line without end": {
			upstream.Timing{},
			func(p *pooltest.FakePool, _ *upstream.Client, _ *house) { p.Say(strings.Repeat("x", 100<<10)) },
			"too long",
		},
		"it sends what is no JSON": {
			upstream.Timing{},
			func(p *pooltest.FakePool, _ *upstream.Client, _ *house) { p.Say("<html>502 Bad Gateway</html>") },
			"not a JSON object",
		},
		"it sends jobs without end": {
			upstream.Timing{},
			func(p *pooltest.FakePool, _ *upstream.Client, _ *house) {
				for range 200 {
					p.Notify(false)
				}
			},
			"in a row",
		},
		"it asks to be left": {
			upstream.Timing{},
			func(p *pooltest.FakePool, _ *upstream.Client, _ *house) {
				p.Say(`{"id":null,"method":"client.reconnect","params":["127.0.0.1",1,0]}`)
			},
			"asked to connect anew",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pooltest.NewFakePool(t, pooltest.FakePoolConfig{})
			conf := config(pool)
			c.timing.Retry, c.timing.Longest = conf.Timing.Retry, conf.Timing.Longest
			conf.Timing = c.timing
			client, h := begin(t, conf)
			last := h.job(anyJob)
			c.hang(pool, client, h)
			h.hears(c.why)
			// And it gets another chance, at the address it was configured with.
			pool.Die(false)
			pool.Mute(false)
			h.job(after(last))
			eventually(t, "another connection", func() bool {
				_, ever := pool.Connections()
				return ever > 1
			})
		})
	}
}

// A listener that takes connections and says nothing, or reads nothing, costs a
// bounded time and bounded bytes.
func TestPoolsThatDoNotTalk(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := upstream.Config{
		Name: "pool", URL: l.Addr().String(), Workers: []upstream.Credential{{User: "house"}},
		Next: job.NewCounter(0).Next, Random: func() float64 { return 0 },
		Timing: upstream.Timing{Login: 100 * time.Millisecond, Retry: time.Millisecond, Longest: time.Millisecond},
	}
	client, h := begin(t, c)
	h.hears("did not answer within")
	if err := client.Submit(upstream.Share{Job: 1}, 1); err == nil {
		t.Error("a share is taken before there is a job")
	}

	c.URL = "stratum+tls://" + l.Addr().String()
	_, h = begin(t, c)
	h.hears("over TLS")

	l.Close()
	_, h = begin(t, c)
	h.hears("connect to pool pool")
}

// A pool that asks without end and does not listen to the answers is left, and so
// is one that takes no shares.
func TestPoolThatDoesNotListen(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				ping := strings.Repeat(`{"id":1,"method":"mining.ping","params":[]}`+"\n", 1000)
				for {
					if _, err := io.WriteString(conn, ping); err != nil {
						return
					}
				}
			}()
		}
	}()
	_, h := begin(t, upstream.Config{
		Name: "pool", URL: l.Addr().String(), Workers: []upstream.Credential{{User: "house"}},
		Next: job.NewCounter(0).Next, Random: func() float64 { return 0 },
	})
	h.hears("does not listen")
}

func TestUnknownUserIsSaid(t *testing.T) {
	for word, kind := range map[string]pooltest.FakePoolConfig{
		"unknown user house": {User: "somebody"},
		"unknown-user":       {User: "somebody", V2: true},
	} {
		pool := pooltest.NewFakePool(t, kind)
		_, h := begin(t, config(pool))
		h.hears(word)
		h.hears("refuses")
	}
}

// A V2 pool that does not know the extension credits one worker, and says so by
// not knowing it.
func TestNamelessPool(t *testing.T) {
	t.Parallel()
	pool := pooltest.NewFakePool(t, pooltest.FakePoolConfig{V2: true, Nameless: true})
	c := config(pool)
	c.Workers = append(c.Workers, upstream.Credential{User: "host"})
	client, h := begin(t, c)
	h.hears("notice 2 pool host the pool does not know the extension")
	j := h.job(anyJob)
	s := find(j, 1)
	s.Worker = "host"
	if err := client.Submit(s, 1); !errors.Is(err, upstream.ErrRefused) {
		t.Errorf("a share of another worker: %v", err)
	}
	if err := client.Authorize(upstream.Credential{User: "bank"}); !errors.Is(err, upstream.ErrRefused) {
		t.Errorf("another worker: %v", err)
	}
	if h.login.Named || !h.login.Encrypted || !h.login.Verified || h.login.Version != 2 {
		t.Errorf("the login is %+v", h.login)
	}
}

// Where shares name their worker a name has room for 32 bytes, and the main one,
// which is often an address, needs none.
func TestLongNames(t *testing.T) {
	const address, other = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080.house", "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0.host"
	pool := pooltest.NewFakePool(t, pooltest.FakePoolConfig{V2: true})
	c := config(pool)
	c.Workers = []upstream.Credential{{User: address}, {User: other}}
	client, h := begin(t, c)
	h.hears("notice 2 pool " + other + " the worker name")
	j := h.job(anyJob)
	if a := send(t, client, h, find(j, 1), 1); a.Outcome != upstream.Accepted || pool.Accepted(address) != 1 {
		t.Errorf("%+v", a)
	}
	if err := client.Authorize(upstream.Credential{User: other}); err == nil {
		t.Error("a name that has no room is taken")
	}
}

// A V2 pool that another authority vouches for is not mined at; one that nobody
// was named for is, and the login says that anybody may be it.
func TestAuthorities(t *testing.T) {
	pool := pooltest.NewFakePool(t, pooltest.FakePoolConfig{V2: true})
	c := config(pool)
	bare := c.URL[:strings.LastIndexByte(c.URL, '/')]
	c.URL = bare + "/9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh"
	_, h := begin(t, c)
	h.hears("the pool is not who it should be")
	c.URL = bare
	_, h = begin(t, c)
	h.job(anyJob)
	if !h.login.Encrypted || h.login.Verified {
		t.Errorf("the login is %+v", h.login)
	}
}

func TestTLS(t *testing.T) {
	// A certificate for 127.0.0.1 and an authority to go with it.
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	defer web.Close()
	pool := pooltest.NewFakePool(t, pooltest.FakePoolConfig{TLS: &tls.Config{Certificates: web.TLS.Certificates}})

	c := config(pool)
	c.TLS = &tls.Config{RootCAs: web.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	client, h := begin(t, c)
	j := h.job(func(j *job.Job) bool { return j.Mask != 0 })
	if a := send(t, client, h, find(j, 1), 1); a.Outcome != upstream.Accepted {
		t.Errorf("%+v", a)
	}
	if !h.login.Encrypted || !h.login.Verified || h.login.Room != 8 {
		t.Errorf("the login is %+v", h.login)
	}

	// Whom nobody vouches for is not mined at.
	c.TLS = nil
	_, h = begin(t, c)
	h.hears("certificate")
}

// Shares may be sent by any number of goroutines while the connection comes and
// goes; each that was taken has one answer.
func TestManySubmitAtOnce(t *testing.T) {
	pool := pooltest.NewFakePool(t, pooltest.FakePoolConfig{Difficulty: 1.0 / (1 << 30)})
	client, h := begin(t, config(pool))
	h.job(anyJob)
	var taken sync.Map
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 200 {
				h.mu.Lock()
				j := h.jobs[len(h.jobs)-1]
				h.mu.Unlock()
				cookie := uint64(g*1000 + i)
				s := upstream.Share{Job: j.ID, Extranonce: binary.BigEndian.AppendUint64(nil, cookie), Version: j.Version, Time: j.Time}
				if err := client.Submit(s, cookie); err == nil {
					taken.Store(cookie, true)
				}
				if g == 0 && i%50 == 25 {
					pool.Drop()
				}
			}
		})
	}
	all.Wait()
	n := 0
	taken.Range(func(cookie, _ any) bool {
		h.answer(cookie.(uint64))
		n++
		return true
	})
	if n == 0 {
		t.Error("no share was taken")
	}
}

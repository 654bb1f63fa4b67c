package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/pool/job"
	"hearth/pool/pooltest"
	"hearth/pool/upstream"
)

// members are pools in order, as one group, impatient enough for a test.
func members(t *testing.T, pools ...*pooltest.FakePool) (*upstream.Group, *house) {
	t.Helper()
	c := upstream.GroupConfig{Source: "pools", Patience: 40 * time.Millisecond, Hold: 400 * time.Millisecond}
	ids := job.NewCounter(0)
	for i, p := range pools {
		m := config(p)
		m.Name, m.Next = fmt.Sprint("pool", i), ids.Next
		c.Members = append(c.Members, m)
	}
	g, err := upstream.NewGroup(c)
	if err != nil {
		t.Fatal(err)
	}
	return g, start(t, g)
}

// of is the newest job that p has given and the house has heard of, if that is
// not one of those before.
func of(h *house, p *pooltest.FakePool, before ...*job.Job) *job.Job {
	h.t.Helper()
	return h.job(func(k *job.Job) bool {
		return !slices.Contains(before, k) && k.Mask != 0 && k.Goal == job.Difficulty(p.Difficulty()).Target()
	})
}

func active(t *testing.T, g *upstream.Group, want string) {
	t.Helper()
	eventually(t, want+" to be mined at", func() bool {
		name, ok := g.Active()
		return ok && name == want
	})
}

// When the first pool fails the house mines at the second, and comes back when
// the first is steady again. Shares go to the pool whose job they are of.
func TestFailover(t *testing.T) {
	first := pooltest.NewFakePool(t, pooltest.FakePoolConfig{})
	second := pooltest.NewFakePool(t, pooltest.FakePoolConfig{Difficulty: 1.0 / (1 << 18), Extranonce2: 4})
	g, h := members(t, first, second)

	active(t, g, "pool0")
	j := of(h, first)
	if j.Source != "pools" {
		t.Errorf("the job is of %s", j.Source)
	}
	if a := send(t, g, h, find(j, 1), 1); a.Outcome != upstream.Accepted || a.Upstream != "pool0" {
		t.Errorf("%+v", a)
	}
	first.Stop()
	active(t, g, "pool1")
	k := of(h, second)
	h.hears("up pool1")
	for _, c := range []struct {
		of   *job.Job
		want string
	}{{j, "pool0"}, {k, "pool1"}} {
		if got, ok := g.Owner(c.of.ID); !ok || got != c.want {
			t.Errorf("job %d is %s's, want %s's", c.of.ID, got, c.want)
		}
	}
	if got, ok := g.Owner(0); ok {
		t.Errorf("a job that there is not is %s's", got)
	}
	if a := send(t, g, h, find(k, 2), 2); a.Outcome != upstream.Accepted || a.Upstream != "pool1" {
		t.Errorf("%+v", a)
	}
	if err := g.Submit(find(j, 3), 3); !errors.Is(err, upstream.ErrDown) && !errors.Is(err, upstream.ErrGone) {
		t.Errorf("a share of the pool that is down: %v", err)
	}

	// Whatever it last said before the house comes back.
	first.Start()
	eventually(t, "the first pool to be mined at again", func() bool {
		time.Sleep(20 * time.Millisecond)
		first.Notify(false)
		name, _ := g.Active()
		return name == "pool0"
	})
	back := of(h, first, j)
	// What the second gave is still its own, until it is left.
	if err := g.Submit(find(k, 4), 4); err == nil {
		if a := h.answer(4); a.Upstream != "pool1" || a.Outcome == upstream.Rejected {
			t.Errorf("%+v", a)
		}
	}
	if a := send(t, g, h, find(back, 5), 5); a.Outcome != upstream.Accepted || a.Upstream != "pool0" {
		t.Errorf("%+v", a)
	}
	eventually(t, "the second pool to be left", func() bool { now, _ := second.Connections(); return now == 0 })

	// The first job of another pool is clean, whatever that pool said of it.
	h.mu.Lock()
	defer h.mu.Unlock()
	var last string
	for _, k := range h.jobs {
		of := k.Goal.String()
		if of != last && !k.Clean {
			t.Errorf("job %d is the first of another pool and not clean", k.ID)
		}
		last = of
	}
}

// When none can be mined at that is said once; what each attempt came to is a
// notice.
func TestNoneCanBeMinedAt(t *testing.T) {
	first := pooltest.NewFakePool(t, pooltest.FakePoolConfig{})
	second := pooltest.NewFakePool(t, pooltest.FakePoolConfig{User: "somebody"})
	first.Stop()
	g, h := members(t, first, second)
	h.hears("notice 4 pool0  connect to pool pool0")
	h.hears(`notice 4 pool1  hear pool pool1: authorise house at the pool: the pool refuses the worker`)
	h.mu.Lock()
	downs := 0
	for _, s := range h.said {
		if strings.HasPrefix(s, "down ") {
			downs++
		}
	}
	h.mu.Unlock()
	if downs != 1 {
		t.Errorf("it is said %d times that none can be mined at", downs)
	}
	if name, ok := g.Active(); ok {
		t.Errorf("%s is mined at", name)
	}
	if err := g.Submit(upstream.Share{Job: 1}, 1); !errors.Is(err, upstream.ErrGone) {
		t.Errorf("a share of no job: %v", err)
	}
	first.Start()
	active(t, g, "pool0")
	j := of(h, first)
	if a := send(t, g, h, find(j, 1), 1); a.Outcome != upstream.Accepted {
		t.Errorf("%+v", a)
	}
}

// A group passes on what is said to it.
func TestGroupPassesOn(t *testing.T) {
	pool := pooltest.NewFakePool(t, pooltest.FakePoolConfig{})
	g, h := members(t, pool)
	j := of(h, pool)
	if err := g.Authorize("pool0", upstream.Credential{User: "host"}); err != nil {
		t.Fatal(err)
	}
	h.hears("notice 1 pool0 host")
	if err := g.Authorize("pool7", upstream.Credential{User: "host"}); err == nil {
		t.Error("a worker is let in at a pool that there is not")
	}
	pool.Say(`{"id":null,"method":"client.show_message","params":["hello"]}`)
	h.hears("notice 3 pool0  hello")
	g.Shape(5)
	j = h.job(func(k *job.Job) bool { return k.ID > j.ID && k.Extranonce == 5 })
	s := find(j, 1)
	s.Worker = "host"
	if a := send(t, g, h, s, 1); a.Outcome != upstream.Accepted || a.Worker != "host" {
		t.Errorf("%+v", a)
	}
	pool.Notify(true)
	h.job(func(k *job.Job) bool { return k.ID > j.ID && k.Clean })
}

// Whatever the pools do, the handler is called once at a time, the job is one of
// the pool mined at, and each share has one answer.
func TestPoolsThatComeAndGo(t *testing.T) {
	easy := 1.0 / (1 << 30)
	pools := []*pooltest.FakePool{
		pooltest.NewFakePool(t, pooltest.FakePoolConfig{Difficulty: easy}),
		pooltest.NewFakePool(t, pooltest.FakePoolConfig{Difficulty: easy, V2: true}),
		pooltest.NewFakePool(t, pooltest.FakePoolConfig{Difficulty: easy}),
	}
	g, h := members(t, pools...)
	h.job(anyJob)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	taken := map[uint64]bool{}
	for i := uint64(1); ctx.Err() == nil; i++ {
		h.mu.Lock()
		j := h.jobs[len(h.jobs)-1]
		h.mu.Unlock()
		if err := g.Submit(find(j, uint32(i)), i); err == nil {
			taken[i] = true
		}
		switch p := pools[i/50%3]; i % 50 {
		case 10:
			p.Drop()
		case 20:
			p.Stop()
		case 40:
			p.Start()
		default:
			time.Sleep(time.Millisecond) // so that something happens in between
		}
	}
	for i := range taken {
		h.answer(i)
	}
	if len(taken) == 0 {
		t.Error("no share was taken")
	}
}

package pool_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/pool"
	"hearth/pool/job"
	"hearth/pool/pooltest"
	"hearth/pool/share"
)

// Heaters of both versions mine at a pool through one port, and what the ledger
// says they did is what they were credited with.
func TestAProxyHandsOnWhatHeatersMine(t *testing.T) {
	for _, kind := range []struct {
		name string
		v2   bool
	}{{"in front of a pool of version 1", false}, {"in front of a pool of version 2", true}} {
		t.Run(kind.name, func(t *testing.T) {
			upstream := pooltest.NewFakePool(t, pooltest.FakePoolConfig{V2: kind.v2})
			d := open(t, t.TempDir(), pool.Config{Upstreams: []pool.Upstream{{Name: "ours", URL: upstream.URL(), User: "house"}}})
			f := d.fleet(1, 1, 1)
			d.mine(f, "the pool credits every heater's work", func() error {
				st := d.State(t.Context())
				if st.Sources[0].Accepted < 30 {
					return fmt.Errorf("%d shares accepted: %s", st.Sources[0].Accepted, st.Sentence)
				}
				for _, h := range st.Heaters {
					if h.Accepted == 0 {
						return fmt.Errorf("%s brought nothing yet: %+v", h.Name, h)
					}
				}
				return nil
			})
			if got := upstream.Accepted("house"); got < 30 {
				t.Errorf("the pool counted %d shares", got)
			}
			if bad := upstream.Rejected("house"); len(bad) > 0 {
				t.Errorf("the pool rejected some: %v", bad)
			}
			st := d.State(t.Context())
			want := map[string]uint64{}
			for _, h := range st.Heaters {
				want[h.Name] = uint64(h.Work)
			}
			d.stop()
			d = open(t, d.dir, pool.Config{Upstreams: []pool.Upstream{{Name: "ours", URL: upstream.URL(), User: "house"}}})
			got := map[string]uint64{}
			for _, r := range d.records(ledger.KindShares) {
				body, err := r.Decode()
				if err != nil {
					t.Fatal(err)
				}
				s := body.(ledger.Shares)
				if s.Source != "ours" || s.Unpaid {
					t.Errorf("record %d: %+v", r.Seq, s)
				}
				got[r.Subject] += uint64(s.Work)
			}
			for name, w := range want {
				if got[name] < w {
					t.Errorf("%s: %d of work in the ledger, %d were accepted", name, got[name], w)
				}
			}
		})
	}
}

// Without a pool heaters go on heating: unpaid, and said so. When the pool comes
// back they earn again.
func TestHeatersStayWarmWithoutAPool(t *testing.T) {
	upstream := pooltest.NewFakePool(t, pooltest.FakePoolConfig{})
	upstream.Stop()
	d := open(t, t.TempDir(), pool.Config{FallbackAfter: 1, Upstreams: []pool.Upstream{{Name: "ours", URL: upstream.URL(), User: "house"}}})
	f := d.fleet(1, 1, 0)
	go f.Mine(1)
	pooltest.Eventually(t, "heaters heat without pay", func() error {
		st := d.State(t.Context())
		if !st.Unpaid {
			return errors.New("not on the fallback: " + st.Sentence)
		}
		for _, h := range st.Heaters {
			if h.Accepted == 0 || h.Work != 0 || !h.Unpaid {
				return fmt.Errorf("%+v", h)
			}
		}
		return nil
	})
	upstream.Start()
	pooltest.Eventually(t, "heaters earn again", func() error {
		st := d.State(t.Context())
		if st.Unpaid || st.Sources[0].Accepted == 0 {
			return errors.New(st.Sentence)
		}
		return nil
	})
	f.Close()
	d.stop()
	d = open(t, d.dir, pool.Config{Upstreams: []pool.Upstream{{Name: "ours", URL: upstream.URL(), User: "house"}}})
	paid, unpaid := false, false
	for _, r := range d.records(ledger.KindShares) {
		body, err := r.Decode()
		if err != nil {
			t.Fatal(err)
		}
		s := body.(ledger.Shares)
		paid, unpaid = paid || !s.Unpaid && s.Source == "ours", unpaid || s.Unpaid && s.Source == pool.FallbackSource
	}
	if !paid || !unpaid {
		t.Errorf("the ledger has paid work %v, unpaid work %v", paid, unpaid)
	}
}

// A second pool takes over when the first fails.
func TestAnotherPoolTakesOver(t *testing.T) {
	second := pooltest.NewFakePool(t, pooltest.FakePoolConfig{Extranonce2: 6})
	d := open(t, t.TempDir(), pool.Config{Upstreams: []pool.Upstream{
		{Name: "first", URL: refuses(t), User: "house"}, {Name: "second", URL: second.URL(), User: "house"},
	}})
	// It leaves less room in its jobs, and miners that are here must come again:
	// those of a fleet do not.
	pooltest.Eventually(t, "the second pool gives work", func() error {
		if st := d.State(t.Context()); !st.Sources[0].Up {
			return errors.New(st.Sources[0].Why)
		}
		return nil
	})
	f := d.fleet(1, 0, 0)
	d.mine(f, "the second pool is mined at", func() error {
		if n := second.Accepted("house"); n < 3 {
			return fmt.Errorf("%d shares: %+v", n, d.State(t.Context()).Sources)
		}
		return nil
	})
	if p := d.State(t.Context()).Sources[0].Payer; p != "second" {
		t.Errorf("%q pays", p)
	}
}

// A share that comes after another pool took over is work for the pool whose job
// it is.
func TestALateShareIsForThePoolOfItsJob(t *testing.T) {
	first, second := pooltest.NewFakePool(t, pooltest.FakePoolConfig{}), pooltest.NewFakePool(t, pooltest.FakePoolConfig{})
	dir := t.TempDir()
	cfg := pool.Config{Upstreams: []pool.Upstream{
		{Name: "first", URL: first.URL(), User: "house"}, {Name: "second", URL: second.URL(), User: "house"},
	}}
	d := open(t, dir, cfg)
	p, err := d.Pair(pool.Miner{Name: "heater-0"})
	if err != nil {
		t.Fatal(err)
	}
	paidBy := func(name string) {
		pooltest.Eventually(t, name+" gives work", func() error {
			if s := d.State(t.Context()).Sources[0]; !s.Up || s.Payer != name {
				return fmt.Errorf("%+v", s)
			}
			return nil
		})
	}
	paidBy("first")
	heard := make(chan string, 1)
	f, err := pooltest.StartFleet(t.Context(), pooltest.FleetConfig{
		Address: d.Address(), V1: 1, User: func(int) string { return p.User2 },
		Heard: func(_ int, id string, _ time.Time) {
			select {
			case heard <- id:
			default:
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	id, err := strconv.ParseUint(<-heard, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	first.Stop()
	paidBy("second")
	const work = 1 << 30
	d.Share("heater-0", share.Verdict{Reason: share.Accepted, Credit: work, Job: &job.Job{ID: uint32(id), Source: "pool"}})
	d.stop()
	d = open(t, dir, cfg)
	by := map[string]int64{}
	for _, r := range d.records(ledger.KindShares) {
		body, err := r.Decode()
		if err != nil {
			t.Fatal(err)
		}
		s := body.(ledger.Shares)
		by[s.Source] += s.Work
	}
	if by["first"] < work || by["second"] >= work {
		t.Errorf("the ledger has work for %v, want the late share's for the first", by)
	}
}

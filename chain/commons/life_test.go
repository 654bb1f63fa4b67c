package commons_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"hearth/chain/commons"
	"hearth/chain/commons/tree"
)

func TestAProjectFromProposalToTheEnd(t *testing.T) {
	w := open(t, params(), 10)
	id := w.propose()
	if p := w.project(id); id != 1 || p.Status != commons.STATUS_PROPOSED || p.Decides != 6 || w.spent(proposer) != 1000 {
		t.Fatalf("proposed: %+v, and %d paid", p, w.spent(proposer))
	}
	w.blocks(5)
	if p := w.project(id); p.Status != commons.STATUS_PROPOSED || len(w.given) != 0 {
		t.Fatalf("works too early: %+v", p)
	}
	w.blocks(1) // height 6
	if p := w.project(id); p.Status != commons.STATUS_ACTIVE {
		t.Fatalf("does not begin: %+v", p)
	}
	// Asked for in block 7, known in block 9, drawn in block 10: half of a draw's
	// four jobs, since no project gets more.
	w.blocks(3)
	if len(w.given) != 0 {
		t.Fatalf("jobs before the beacon: %v", w.given)
	}
	w.blocks(1)
	order, err := tree.NewOrder(tree.OrderKey([32]byte{7}, id), 10)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range w.indices() {
		if want, err := order.At(uint64(i)); err != nil || got != want {
			t.Errorf("job %d drawn as number %d, not %d: %v", got, i, want, err)
		}
	}
	if len(w.given) != 2 {
		t.Fatalf("%d jobs in the first draw, not 2", len(w.given))
	}
	w.blocks(8)
	if all := sorted(w.indices()); !slices.Equal(all, []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
		t.Fatalf("drawn: %v", all)
	}
	for i := range w.given {
		w.settle(i, true)
	}
	_, all, err := w.list.Cost(small)
	if err != nil {
		t.Fatal(err)
	}
	p := w.project(id)
	if p.Status != commons.STATUS_COMPLETE || p.Done != 10 || p.Spent != all || p.Decides != p.Completed+10 {
		t.Fatalf("after its last job: %+v", p)
	}
	if _, err := w.Publish(w.ctx, &commons.MsgPublish{Proposer: proposer, Project: id, Content: make([]byte, 32), Uri: "https://example.org/vectors", Manifest: "hearth embed"}); err != nil {
		t.Fatal(err)
	}
	w.blocks(11)
	if p := w.project(id); p.Status != commons.STATUS_CLOSED || w.spent(proposer) != 0 {
		t.Fatalf("at the end, with %d less: %+v", w.spent(proposer), p)
	}
}

func TestABondIsBurnedWithoutArtefacts(t *testing.T) {
	w := open(t, params(), 1)
	id := w.propose()
	w.blocks(9)
	// What was published before the work was done does not count.
	if _, err := w.Publish(w.ctx, &commons.MsgPublish{Proposer: proposer, Project: id, Content: make([]byte, 32), Uri: "https://example.org/plan", Manifest: "a plan"}); err != nil {
		t.Fatal(err)
	}
	w.blocks(1)
	w.settle(0, true)
	w.blocks(11)
	if p := w.project(id); p.Status != commons.STATUS_CLOSED || w.spent(proposer) != 1000 || !strings.Contains(p.Reason, "burned") {
		t.Fatalf("at the end, with %d less: %+v", w.spent(proposer), p)
	}
}

func TestChallengesAreDecidedByPower(t *testing.T) {
	type vote struct {
		validator int
		uphold    bool
	}
	for _, c := range []struct {
		what                  string
		votes                 []vote
		after                 func(*world) // between votes and decision
		status                commons.Status
		proposer, challenger  uint64 // lost
		says                  string
		upheld, opposed       uint64
		overturnedByVotingNow bool
	}{
		{"nobody votes", nil, nil, commons.STATUS_ACTIVE, 1000, 0, "too few voted", 0, 0, false},
		{"too few vote", []vote{{0, false}}, nil, commons.STATUS_ACTIVE, 1000, 0, "too few voted", 0, 10, false},
		{"rejected", []vote{{0, true}, {2, false}}, nil, commons.STATUS_REJECTED, 1000, 0, "rejected: spam", 10, 12, false},
		{"upheld", []vote{{1, true}, {0, false}}, nil, commons.STATUS_ACTIVE, 1000, 300, "upheld", 11, 10, false},
		{"a tie upholds", []vote{{0, true}, {1, false}}, func(w *world) { w.power[validators[1]] = 10 }, commons.STATUS_ACTIVE, 1000, 300, "upheld", 10, 10, false},
		{"the last vote counts", []vote{{2, true}, {2, false}}, nil, commons.STATUS_REJECTED, 1000, 0, "rejected", 0, 12, false},
		{"power at the end counts", []vote{{0, true}, {2, false}}, func(w *world) { w.power[validators[2]] = 0 }, commons.STATUS_ACTIVE, 1000, 300, "upheld", 10, 0, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := open(t, params(), 3)
			id := w.propose()
			w.blocks(1)
			if _, err := w.Challenge(w.ctx, &commons.MsgChallenge{Challenger: challenger, Project: id, Reason: "spam"}); err != nil {
				t.Fatal(err)
			}
			w.sound()
			for _, v := range c.votes {
				if _, err := w.Vote(w.ctx, &commons.MsgVote{Validator: validators[v.validator], Project: id, Uphold: v.uphold}); err != nil {
					t.Fatal(err)
				}
			}
			if c.after != nil {
				c.after(w)
			}
			w.blocks(4)
			if p := w.project(id); p.Status != commons.STATUS_CHALLENGED {
				t.Fatalf("decided too early: %+v", p)
			}
			w.blocks(1)
			p := w.project(id)
			if p.Status != c.status || !strings.Contains(p.Reason, c.says) || p.Upheld != c.upheld || p.Opposed != c.opposed {
				t.Errorf("decided: %+v", p)
			}
			if a, b := w.spent(proposer), w.spent(challenger); a != c.proposer || b != c.challenger {
				t.Errorf("the proposer is %d short, the challenger %d", a, b)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	t.Run("a job is tried again, and given up", func(t *testing.T) {
		w := open(t, params(), 1)
		id := w.propose()
		w.blocks(10)
		w.settle(0, false)
		if p := w.project(id); p.Assigned != 0 || p.Failed != 0 || p.Status != commons.STATUS_ACTIVE {
			t.Fatalf("after the first failure: %+v", p)
		}
		w.blocks(2)
		if len(w.given) != 2 || w.given[1].Attempt != 1 {
			t.Fatalf("assigned: %v", w.given)
		}
		w.settle(1, false)
		if p := w.project(id); p.Failed != 1 || p.Status != commons.STATUS_COMPLETE {
			t.Fatalf("after the second failure: %+v", p)
		}
	})
	t.Run("many pause a project", func(t *testing.T) {
		w := open(t, params(), 100)
		id := w.propose()
		w.blocks(9)
		for len(w.given) < 12 {
			w.blocks(1)
		}
		p := w.project(id)
		for i := 0; p.Status == commons.STATUS_ACTIVE; i++ {
			for i == len(w.given) {
				w.blocks(1)
			}
			w.settle(i, i%5 == 0)
			p = w.project(id)
		}
		if p.Status != commons.STATUS_PAUSED || p.Done+p.Failed < 4 || 2*p.Failed < p.Done+p.Failed || !strings.Contains(p.Reason, "failed") {
			t.Fatalf("paused: %+v", p)
		}
		given := len(w.given)
		w.blocks(4)
		if len(w.given) != given {
			t.Error("a paused project gets jobs")
		}
		if _, err := w.Pause(w.ctx, &commons.MsgPause{Authority: w.authority, Project: id, Reason: "the miners were at fault"}); err != nil {
			t.Fatal(err)
		}
		w.blocks(2)
		if len(w.given) == given {
			t.Error("a project that goes on gets no jobs")
		}
	})
	t.Run("a paused project is closed when its miners are done", func(t *testing.T) {
		w := open(t, params(), 100)
		id := w.propose()
		w.blocks(10)
		if _, err := w.Pause(w.ctx, &commons.MsgPause{Authority: w.authority, Project: id, Pause: true, Reason: "its jobs are copies"}); err != nil {
			t.Fatal(err)
		}
		w.blocks(15)
		if p := w.project(id); p.Status != commons.STATUS_PAUSED {
			t.Fatalf("closed while miners are at it: %+v", p)
		}
		w.settle(0, true)
		w.settle(1, false)
		w.blocks(4)
		if p := w.project(id); p.Status != commons.STATUS_CLOSED || p.Done != 1 || p.Failed != 1 || w.spent(proposer) != 1000 {
			t.Fatalf("closed: %+v", p)
		}
	})
	t.Run("a model that cannot be used pauses its projects", func(t *testing.T) {
		w := open(t, params(), 10)
		id := w.propose()
		w.blocks(9)
		w.refused = errors.New("retired")
		w.blocks(1)
		if p := w.project(id); p.Status != commons.STATUS_PAUSED || !strings.Contains(p.Reason, "retired") {
			t.Fatalf("%+v", p)
		}
	})
}

func TestABudgetIsNotExceeded(t *testing.T) {
	w := open(t, params(), 10)
	id := w.propose(func(m *commons.MsgPropose) { m.Budget = 3*m.JobMacs + m.JobMacs/2 })
	w.blocks(30)
	if len(w.given) != 3 {
		t.Fatalf("%d jobs are out with a budget for three", len(w.given))
	}
	w.settle(0, false)
	w.blocks(2)
	if len(w.given) != 4 || w.given[3].Index != w.given[0].Index {
		t.Fatalf("what came back is not given out again: %v", w.given)
	}
	for i := range 3 {
		w.settle(i+1, true)
	}
	w.blocks(2)
	p := w.project(id)
	if p.Status != commons.STATUS_COMPLETE || p.Spent > p.Budget || !strings.Contains(p.Reason, "budget") {
		t.Fatalf("%+v", p)
	}
}

func TestADrawIsSharedAmongProjects(t *testing.T) {
	w := open(t, params(), 50)
	for range 5 {
		w.propose()
	}
	w.blocks(9)
	got := map[uint64]int{}
	for len(w.given) < 60 {
		before := len(w.given)
		w.blocks(1)
		in := map[uint64]int{}
		for _, a := range w.given[before:] {
			got[a.Project]++
			in[a.Project]++
		}
		for id, n := range in {
			if n > 2 {
				t.Fatalf("project %d got %d of a draw's 4 jobs", id, n)
			}
		}
	}
	for id := range uint64(5) {
		if got[id+1] != 12 {
			t.Errorf("of 60 jobs, project %d got %d", id+1, got[id+1])
		}
	}
}

func TestADrawWaitsForMiners(t *testing.T) {
	w := open(t, params(), 10)
	id := w.propose()
	w.room = 1
	w.blocks(20)
	if p := w.project(id); len(w.given) != 1 || p.Drawn != 1 || p.Assigned != 1 {
		t.Fatalf("with room for one: %+v", p)
	}
	w.room = 4
	w.blocks(4)
	if p := w.project(id); len(w.given) != 4 || p.Drawn != 4 {
		t.Fatalf("with room for more: %+v", p)
	}
}

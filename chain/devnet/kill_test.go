package devnet_test

import (
	"context"
	"testing"

	"github.com/cometbft/cometbft/types"

	"hearth/chain/work"
)

// lost is the validator that is killed under load.
const lost = 2

// losesOne kills a validator with SIGKILL while jobs flow. The others go on
// making blocks and settling jobs; the killed one catches up, has the same
// state as they, and signs again.
func (s *scene) losesOne(t *testing.T) {
	s.kill(lost)
	killed, before := s.height(t, 0), s.at(t, 0, 0).tally()
	s.reach(t, 0, killed+10)
	s.more(t, before)
	s.launch(lost)
	now := s.height(t, 0)
	s.reach(t, lost, now)
	s.agree(t, killed+1)
	s.agree(t, now)
	s.until(t, "all four sign a block", func(ctx context.Context) (bool, error) {
		// What is known of the latest block leaves out who signed a little later.
		latest, err := s.Height(ctx, 0)
		if err != nil {
			return false, err
		}
		before := latest - 1
		out, err := s.conns[0].Client.Commit(ctx, &before)
		if err != nil {
			return false, err
		}
		for _, c := range out.Commit.Signatures {
			if c.BlockIDFlag != types.BlockIDFlagCommit {
				return false, nil
			}
		}
		return len(out.Commit.Signatures) == len(s.Nodes), nil
	})
}

// more waits until more jobs were delivered and more tickets credited than
// before.
func (s *scene) more(t *testing.T, than work.Tally) {
	t.Helper()
	s.until(t, "work goes on", func(ctx context.Context) (bool, error) {
		out, err := work.NewQueryClient(s.conns[0]).Tally(ctx, &work.QueryTallyRequest{})
		return err == nil && out.Tally.JobsDelivered > than.JobsDelivered+2 && out.Tally.TicketsCredited > than.TicketsCredited, err
	})
}

// losesAll kills everybody at once and starts them again: what was decided
// stays decided, and work goes on where it was.
func (s *scene) losesAll(t *testing.T, owners ...string) {
	type known struct {
		tally    work.Tally
		supply   int64
		balances []int64
		header   string
	}
	look := func(i int, height int64) (k known) {
		a := s.at(t, i, height)
		k.tally, k.supply, k.header = a.tally(), a.supply(), string(s.header(t, i, height))
		for _, o := range owners {
			k.balances = append(k.balances, a.balance(o))
		}
		return k
	}
	height := s.height(t, 0) - 1
	before := look(0, height)
	for i := range s.Nodes {
		s.kill(i)
	}
	for i := range s.Nodes {
		if h, err := s.Height(t.Context(), i); err == nil {
			t.Fatalf("%s was killed and is at block %d", s.Nodes[i].Name, h)
		}
	}
	for i := range s.Nodes {
		s.launch(i)
	}
	for i, one := range s.Nodes {
		s.reach(t, i, height+5)
		after := look(i, height)
		if after.tally != before.tally || after.supply != before.supply || after.header != before.header || !equal(after.balances, before.balances) {
			t.Errorf("%s lost something:\n%+v\nbefore:\n%+v", one.Name, after, before)
		}
	}
	s.more(t, before.tally)
	s.agree(t, s.height(t, 0)-1)
	latest := s.at(t, 0, 0).tally()
	if latest.TicketsVoided > 0 {
		t.Errorf("honest miners' tickets were void: %+v", latest)
	}
	t.Logf("at block %d: %+v", s.height(t, 0), latest)
}

func equal(a, b []int64) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

package plan_test

import (
	"testing"

	"hearth/plan"
)

// A machine that is set beside another is reckoned as if it were the one that
// is asked about, and explains itself so.
func TestARivalIsReckonedLikeTheMachine(t *testing.T) {
	m := part(t, "Maine", "mid house", "Antminer S19j Pro, Antminer S19 XP")
	q := m.Question(plan.Niche{})
	q.Rivals = []plan.Rival{{Machine: m.Machines[1].Machine, Market: q.Market}, {Machine: q.Machine, Market: q.Market}}
	beside := prepare(t, q).Answer()
	q.Machine, q.Rivals = m.Machines[1].Machine, nil
	alone := prepare(t, q).Answer()

	option := func(a *plan.Answer, id string) plan.Option {
		for _, o := range a.Options {
			if o.ID == id {
				return o
			}
		}
		t.Fatalf("there is no option %q", id)
		return plan.Option{}
	}
	rival, asked := option(beside, "rival"), option(alone, "machine")
	if rival.Value != asked.Value || rival.Cost != asked.Cost || rival.Name != asked.Name || rival.Payback != asked.Payback {
		t.Errorf("as a rival %+v, asked about %+v", rival, asked)
	}
	if same, main := option(beside, "rival_2"), option(beside, "machine"); same.Value != main.Value {
		t.Errorf("the same machine is worth %v and %v", same.Value, main.Value)
	}
	why, ok := beside.Why("option.rival.value")
	want, _ := alone.Why("option.machine.value")
	if !ok || why.Value != want.Value || len(why.From) != len(want.From) {
		t.Errorf("the rival explains its value by %+v, want %+v", why, want)
	}

	q.Rivals = []plan.Rival{{Machine: plan.Machine{Kind: plan.Hash, Count: 1}, Market: q.Market}}
	if _, err := plan.Prepare(q); err == nil {
		t.Error("a rival that draws nothing was accepted")
	}
}

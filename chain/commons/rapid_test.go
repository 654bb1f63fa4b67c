package commons_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/chain/commons"
)

// Whatever people, validators and miners do, the invariants hold after every
// block, and a state goes through a genesis unchanged and goes on the same way.
func TestAnythingThatHappensLeavesTheStateSound(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p := params()
		p.ProjectCap = rapid.SampledFrom([]uint32{1, 300, 1000}).Draw(r, "cap")
		p.MaxAttempts = rapid.Uint32Range(1, 3).Draw(r, "attempts")
		w := open(r, p, rapid.IntRange(1, 20).Draw(r, "jobs"))
		var open []int // assignments that are not settled
		for range rapid.IntRange(10, 60).Draw(r, "steps") {
			before := len(w.given)
			anything(r, w)
			if len(open) > 0 && rapid.Bool().Draw(r, "settles") {
				i := rapid.IntRange(0, len(open)-1).Draw(r, "assignment")
				w.settle(open[i], rapid.IntRange(0, 2).Draw(r, "ok") > 0)
				open = append(open[:i], open[i+1:]...)
			}
			w.room = len(w.given) + rapid.IntRange(0, 3).Draw(r, "room")
			w.blocks(1)
			for i := before; i < len(w.given); i++ {
				open = append(open, i)
			}
		}
		throughGenesis(r, w)
	})
}

// anything does one thing that anybody might try; that it may fail is not of
// interest here.
func anything(r *rapid.T, w *world) {
	id := rapid.Uint64Range(1, 5).Draw(r, "project")
	who := rapid.SampledFrom(validators).Draw(r, "validator")
	flag := rapid.Bool().Draw(r, "flag")
	c, write := w.ctx.CacheContext()
	var err error
	switch rapid.IntRange(0, 8).Draw(r, "action") {
	case 0, 1:
		share := rapid.Uint64Range(1, 40).Draw(r, "budget")
		_, err = w.Propose(c, w.proposal(func(m *commons.MsgPropose) { m.Budget = m.JobMacs * share }))
	case 2:
		_, err = w.Challenge(c, &commons.MsgChallenge{Challenger: challenger, Project: id, Reason: "why not"})
	case 3, 4:
		_, err = w.Vote(c, &commons.MsgVote{Validator: who, Project: id, Uphold: flag})
	case 5:
		content := append(make([]byte, 31), rapid.Byte().Draw(r, "content"))
		_, err = w.Publish(c, &commons.MsgPublish{Proposer: proposer, Project: id, Content: content, Uri: "https://example.org/a", Manifest: "m"})
	case 6:
		_, err = w.Pause(c, &commons.MsgPause{Authority: w.authority, Project: id, Pause: flag, Reason: "why not"})
	case 7:
		w.power[who] = rapid.Int64Range(0, 50).Draw(r, "power")
	}
	if err == nil {
		write()
	}
}

func throughGenesis(t rapid.TB, w *world) {
	t.Helper()
	g, err := w.keeper.ExportGenesis(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	held := w.bank.ExportGenesis(w.ctx)
	text := w.codec.MustMarshalJSON(g)
	height := w.ctx.BlockHeight()
	w.stores(w.authority)
	w.ctx = w.ctx.WithBlockHeight(height)
	w.bank.InitGenesis(w.ctx, held)
	var again commons.GenesisState
	w.codec.MustUnmarshalJSON(text, &again)
	w.begin(&again)
	w.sound()
	back, err := w.keeper.ExportGenesis(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(text), string(w.codec.MustMarshalJSON(back))); d != "" {
		t.Fatalf("a state that went through a genesis:\n%s", d)
	}
	w.blocks(3)
}

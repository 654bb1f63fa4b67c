package simulation_test

import (
	"flag"
	"fmt"
	"runtime/debug"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/chain/app"
	"hearth/chain/simulation"
)

var (
	seeds  = flag.Uint64("seeds", 200, "simulate so many `networks`")
	from   = flag.Uint64("from", 1, "the first `seed`")
	blocks = flag.Int64("blocks", 36, "simulate so many `blocks` of each")
)

func TestSeeds(t *testing.T) {
	// What the SDK keeps for the whole process is written before anything runs
	// beside another.
	if _, err := app.NewEncoding(); err != nil {
		t.Fatal(err)
	}
	// Thousands of small blocks in memory leave much behind, and nothing lives
	// long.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	var mu sync.Mutex
	all := simulation.Report{}
	t.Run("all", func(t *testing.T) {
		for seed := *from; seed < *from+*seeds; seed++ {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				report, err := simulation.Run(t.Context(), simulation.Options{Seed: seed, Blocks: *blocks})
				if err != nil {
					t.Fatal(err)
				}
				mu.Lock()
				defer mu.Unlock()
				all.Add(report)
			})
		}
	})
	t.Logf("what happened:\n%v", all)
	if *seeds < 100 || *blocks < 36 {
		return
	}
	for _, what := range happens() {
		if all[what] == 0 {
			t.Errorf("in %d simulations this never happened: %s", *seeds, what)
		}
	}
}

// happens lists what must come up in many simulations, or they show little.
func happens() []string {
	return []string{
		"TICKET_STATUS_CREDITED, made up false", "TICKET_STATUS_VOID, made up true", "TICKET_STATUS_UNDECIDED, made up false",
		"evidence of signing twice", "nonsense left out", "runs in which those who cheat had a third of power",
		"penalty of a validator that is lazy: verdict abou", "penalty of a validator that is lying: wrong verdic",
		"penalty of a validator that is honest: absent", "penalty of a validator that is honest: signed twice",
		"cosmos.bank.v1beta1.MsgSend ok", "cosmos.gov.v1.MsgSubmitProposal ok", "cosmos.gov.v1.MsgVote ok",
		"PROPOSAL_STATUS_PASSED", "PROPOSAL_STATUS_REJECTED", "PROPOSAL_STATUS_FAILED",
		"hearth.commons.v1.MsgPropose ok", "hearth.commons.v1.MsgChallenge ok", "hearth.commons.v1.MsgVote ok", "hearth.commons.v1.MsgPublish ok",
		"project STATUS_ACTIVE", "project STATUS_REJECTED", "project STATUS_PAUSED", "project STATUS_COMPLETE", "project STATUS_CLOSED",
		"hearth.power.v1.MsgRegister ok", "hearth.power.v1.MsgBond ok", "hearth.power.v1.MsgUnbond ok", "hearth.power.v1.MsgRotateKey ok",
		"hearth.power.v1.MsgUnjail ok", "hearth.power.v1.MsgAssign ok",
		"hearth.work.v1.MsgRegisterMiner ok", "hearth.work.v1.MsgBond ok", "hearth.work.v1.MsgUnbond ok", "hearth.work.v1.MsgRetire ok",
		"hearth.work.v1.MsgPostJob ok", "hearth.work.v1.MsgCancelJob ok", "hearth.work.v1.MsgClaim ok", "hearth.work.v1.MsgClaim refused",
		"hearth.work.v1.MsgSubmitTickets ok", "hearth.work.v1.MsgSubmitTickets refused", "hearth.work.v1.MsgDeliver ok",
		"hearth.work.v1.MsgJudge ok", "hearth.work.v1.MsgJudge refused", "hearth.work.v1.MsgReveal ok",
		"claim of CLASS_PAID: CLAIM_STATUS_SETTLED", "claim of CLASS_AUDIT: CLAIM_STATUS_SETTLED", "claim of CLASS_COMMONS: CLAIM_STATUS_SETTLED",
		"claim of CLASS_PAID: CLAIM_STATUS_LOST", "claim of CLASS_PAID: CLAIM_STATUS_RETURNED",
	}
}

func TestASeedRunsTheSameWay(t *testing.T) {
	var first simulation.Report
	for range 2 {
		report, err := simulation.Run(t.Context(), simulation.Options{Seed: 3, Blocks: 25})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = report
		} else if d := cmp.Diff(first, report); d != "" {
			t.Errorf("the second time other things happened:\n%s", d)
		}
	}
}

package work_test

import (
	"math"
	"testing"
)

// A sum over all time is full one day. It must not begin anew then, or stop the
// chain.
func TestSumsThatAreFullStayFull(t *testing.T) {
	for _, before := range []uint64{math.MaxUint64, math.MaxUint64 - 1} {
		r := delivered(t, easy())
		g, err := r.keep.ExportGenesis(r.ctx)
		if err != nil {
			t.Fatal(err)
		}
		g.Tally.MegaPaid, g.Miners[0].MegaPaid = before, before
		if err := r.keep.InitGenesis(r.ctx, g); err != nil {
			t.Fatal(err)
		}
		r.try(r.m, r.key)
		if got := r.tally(); got.TicketsCredited != 3 || got.MegaPaid != math.MaxUint64 {
			t.Errorf("the tally is %+v", got)
		}
		if got := r.miner("miner").MegaPaid; got != math.MaxUint64 {
			t.Errorf("the miner has %d", got)
		}
		if got, want := r.emission.credited[address("miner")], 3*r.claim(r.key).TicketMacs/1_000_000; got != want || got < 2 {
			t.Errorf("emission was told of %d million MACs, want %d", got, want)
		}
	}
}

// Work is rounded down to millions of MACs once for a claim, not for a ticket.
func TestWorkIsRoundedDownForEachClaim(t *testing.T) {
	r := delivered(t, easy())
	g, err := r.keep.ExportGenesis(r.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i := range g.Tickets {
		g.Tickets[i].Macs = 2_700_000
	}
	if err := r.keep.InitGenesis(r.ctx, g); err != nil {
		t.Fatal(err)
	}
	r.try(r.m, r.key)
	if got, paid := r.tally().MegaPaid, r.emission.credited[address("miner")]; got != 8 || paid != 8 {
		t.Errorf("%d million MACs of 8.1 are credited, %d paid for", got, paid)
	}
}

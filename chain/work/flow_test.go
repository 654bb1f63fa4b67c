package work_test

import (
	"encoding/hex"
	"testing"

	"hearth/chain/work"
	"hearth/chain/work/market"
	format "hearth/work"
)

func hexed(b []byte) string { return hex.EncodeToString(b) }

// easy are parameters under which small jobs yield a few tickets.
func easy() work.Params {
	p := work.FastParams()
	p.AuditPermille = 0
	return p
}

// aim sets difficulty by hand, as if the network had been at it for a while.
func (w *world) aim(macs uint64) {
	w.t.Helper()
	g, err := w.keep.ExportGenesis(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	g.Market.Level = uint64(market.LevelOf(macs))
	g.Market.TicketMacs = macs
	if err := w.keep.InitGenesis(w.ctx, g); err != nil {
		w.t.Fatal(err)
	}
}

// price sets the base fee by hand.
func (w *world) price(fee uint64) {
	w.t.Helper()
	g, err := w.keep.ExportGenesis(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	g.Market.BaseFee = fee
	if err := w.keep.InitGenesis(w.ctx, g); err != nil {
		w.t.Fatal(err)
	}
}

func TestAPaidJobIsClaimedMinedTriedAndCredited(t *testing.T) {
	w := newWorld(t, easy())
	m := w.embedder()
	w.aim(1 << 23)
	w.register("miner", 20e6)

	var job, key []byte
	w.block(func() { job = w.post("client", m.text(1, 40), 5000, 700) })
	w.block(func() { key = w.take("miner", job) })

	// The base fee is burned, what was offered beyond it is back, the tip waits.
	fee := (10*w.claim(key).Macs + 999_999_999) / 1_000_000_000
	if got := w.balance("client"); got != 5000-fee {
		t.Errorf("the client has %d, offered 5000 and the fee is %d", got, fee)
	}
	if got := w.tally().Burned; got != fee {
		t.Errorf("%d were burned, the fee is %d", got, fee)
	}
	if got := w.miner("miner").Locked; got != easy().ClaimDeposit {
		t.Errorf("%d are locked", got)
	}
	if c := w.claim(key); c.Status != work.CLAIM_STATUS_WAITING || len(c.Beacon) != 0 {
		t.Fatalf("the claim is %v before its beacon is known", c.Status)
	}

	w.block() // two blocks after the claim its value is known
	w.block()
	if c := w.claim(key); c.Status != work.CLAIM_STATUS_OPEN || c.Opens != w.ctx.BlockHeight()+1 {
		t.Fatalf("the claim is %v and opens at %d in block %d", c.Status, c.Opens, w.ctx.BlockHeight())
	}
	y := w.mine(m, "miner", key)
	if len(y.tickets) < 2 {
		t.Fatalf("mining yielded %d tickets", len(y.tickets))
	}
	w.block(func() {
		must(w, w.msgs.SubmitTickets, &work.MsgSubmitTickets{Hot: address("hot miner"), Claim: key, Tickets: y.encoded(20)})
		w.deliver("miner", key, y.receipt)
	})
	if c := w.claim(key); c.Status != work.CLAIM_STATUS_DELIVERED || int(c.Pending) != min(20, len(y.tickets)) {
		t.Fatalf("the claim is %v with %d tickets pending", c.Status, c.Pending)
	}
	if got := w.emission.credited[address("miner")]; got != 0 {
		t.Fatalf("%d MACs were credited before a trial", got)
	}
	if v := w.try(m, key); len(v.Faults) > 0 || v.Receipt != nil {
		t.Fatalf("honest work does not hold: %+v", v)
	}

	want := uint64(min(20, len(y.tickets))) * w.claim(key).TicketMacs / 1_000_000
	if got := w.emission.credited[address("miner")]; got != want {
		t.Errorf("emission was told of %d million MACs, want %d", got, want)
	}
	if got := w.power.credited[address("miner")]; got != want {
		t.Errorf("power was told of %d million MACs, want %d", got, want)
	}
	if got := w.tally(); got.MegaPaid != want || got.JobsDelivered != 1 || got.TicketsCredited != uint64(min(20, len(y.tickets))) {
		t.Errorf("the tally is %+v", got)
	}
	if got := w.balance("miner"); got != 700 {
		t.Errorf("the miner has %d of a tip of 700", got)
	}
	if got := w.miner("miner"); got.Locked != 0 || got.OpenClaims != 0 || got.Bond != 20e6 {
		t.Errorf("the miner is left with %+v", got)
	}
	for i := range 4 {
		if w.emission.judged[validator(i)] != 1 || w.power.punished[validator(i)] != 0 {
			t.Errorf("validator %d was paid for %d verdicts", i, w.emission.judged[validator(i)])
		}
	}
	// A job is claimed once, ever: also when nothing else of it is remembered.
	w.blocks(int(easy().Keep) + 2)
	if _, err := w.keep.Claim(w.ctx, key); !isA(err, work.ErrNotFound) {
		t.Errorf("the claim is still there: %v", err)
	}
	w.fund("client", 6000)
	again := m.text(1, 40)
	refused(w, work.ErrJob, w.msgs.PostJob, &work.MsgPostJob{Client: address("client"), Job: again.Encode(), MaxFee: 5000, Tip: 1})
}

func TestAnAnswerOfTheModelThatShipsIsMinedAndCredited(t *testing.T) {
	w := newWorld(t, easy())
	m := w.writer()
	w.aim(1 << 24)
	w.register("miner", 20e6)
	job := format.Job{
		Model: m.registered.ID(), Public: true, Prompt: []int32{1, 300, 20, 511, 44, 260, 13, 90}, Most: 12,
		Sampling: format.Sampling{Temperature: 1 << 16, TopP: 60000}, Seed: [32]byte{7},
	}
	var id, key []byte
	w.block(func() { id = w.post("client", job, 5000, 0) })
	w.block(func() { key = w.take("miner", id) })
	w.blocks(2)
	y := w.mine(m, "miner", key)
	if len(y.tickets) == 0 {
		t.Fatal("mining yielded nothing")
	}
	msg := &work.MsgSubmitTickets{Hot: address("hot miner"), Claim: key, Tickets: y.encoded(8)}
	if err := w.keep.Tier0(w.ctx, msg, w.ctx.BlockHeight()+1, m.benches); err != nil {
		t.Fatalf("tickets of an honest miner: %v", err)
	}
	w.block(func() {
		must(w, w.msgs.SubmitTickets, msg)
		w.deliver("miner", key, y.receipt)
	})
	w.try(m, key)
	if got, want := w.tally().MegaPaid, uint64(min(8, len(y.tickets)))*w.claim(key).TicketMacs/1_000_000; got != want {
		t.Errorf("%d million MACs were credited, want %d", got, want)
	}
}

package work_test

import (
	"testing"

	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"

	"hearth/chain/judge"
	"hearth/chain/work"
	"hearth/infer/model"
	format "hearth/work"
)

// delivered is a claim whose tickets and receipt are in the chain.
func delivered(t testing.TB, p work.Params, tickets ...[]byte) *ready {
	t.Helper()
	r := claimed(t, p)
	if tickets == nil {
		tickets = r.y.encoded(3)
	}
	r.block(func() {
		must(r.world, r.msgs.SubmitTickets, r.submission(tickets...))
		r.deliver("miner", r.key, r.y.receipt)
	})
	return r
}

func (r *ready) judges(v *judge.Verdict, who ...int) {
	for _, i := range who {
		must(r.world, r.msgs.Judge, r.judgement(i, r.key, v))
	}
}

func (r *ready) reveals(i int, digest model.Hash) *work.MsgReveal {
	return &work.MsgReveal{Validator: validator(i), Claim: r.key, Digest: digest[:]}
}

func (r *ready) tickets() []work.Ticket {
	r.t.Helper()
	out, err := r.asks.Claim(r.ctx, &work.QueryClaimRequest{Key: hexed(r.key)})
	if err != nil {
		r.t.Fatal(err)
	}
	return out.Tickets
}

func TestAForgedTicketVoidsTheClaimAndCostsItsMiner(t *testing.T) {
	r := claimed(t, easy())
	// It is signed and in its place, and the row is not the job's: the target is
	// met by luck, or by a proposer who let it pass.
	forged := r.altered(0, func(x *format.Ticket) { x.Row[9] ^= 2 })
	r.block(func() {
		must(r.world, r.msgs.SubmitTickets, r.submission(append(r.y.encoded(3)[1:], forged)...))
		r.deliver("miner", r.key, r.y.receipt)
	})
	if v := r.try(r.m, r.key); len(v.Faults) != 1 {
		t.Fatalf("%d faults were found", len(v.Faults))
	}
	void := 0
	for _, x := range r.tickets() {
		if x.Status != work.TICKET_STATUS_VOID || x.Reason == "" {
			t.Errorf("ticket %x is %v: %q", x.Nullifier, x.Status, x.Reason)
		}
		if x.Reason == string(format.ReasonTarget) || x.Reason == string(format.ReasonOtherRow) {
			void++
		}
	}
	if void != 1 {
		t.Errorf("%d tickets have a reason of their own", void)
	}
	burned := 20e6 * uint64(easy().SlashInvalidTicket) / 1000
	if m := r.miner("miner"); m.Bond != 20e6-burned || m.Locked != 0 || m.MegaPaid != 0 || m.MegaVoided == 0 {
		t.Errorf("the miner is left with %+v", m)
	}
	if r.power.revoked[address("miner")] != easy().SlashInvalidTicket || r.emission.forfeited[address("miner")] != easy().SlashInvalidTicket {
		t.Errorf("revoked %v, forfeited %v", r.power.revoked, r.emission.forfeited)
	}
	if got := r.balance("miner"); got != 700 {
		t.Errorf("the answer was right, and the tip paid is %d", got)
	}
}

// A row that is not the job's can be made to win, by trying: tier 0 lets it pass
// on every node. The trial does not.
func TestARowThatWasMadeUpPassesTierZeroAndNoTrial(t *testing.T) {
	r := claimed(t, easy())
	c := r.claim(r.key)
	target, err := format.NewTarget([32]byte(c.Target))
	if err != nil {
		t.Fatal(err)
	}
	var forged []byte
	for n := 0; forged == nil; n++ {
		if n > 100_000 {
			t.Fatal("no made-up row wins")
		}
		b := r.altered(0, func(x *format.Ticket) {
			x.Position = 17 // where the honest miner found nothing, it may be
			for i := range 4 {
				x.Row[i] = 128 + uint8(n>>(5*i))%32
			}
		})
		x, err := format.DecodeTicket(b)
		if err != nil {
			t.Fatal(err)
		}
		if r.m.bench.Check(r.y.claim, target, x) == nil {
			forged = b
		}
	}
	msg := r.submission(forged)
	if err := r.keep.Tier0(r.ctx, msg, r.ctx.BlockHeight()+1, r.m.benches); err != nil {
		t.Fatalf("tier 0: %v", err)
	}
	r.block(func() {
		must(r.world, r.msgs.SubmitTickets, msg)
		r.deliver("miner", r.key, r.y.receipt)
	})
	r.try(r.m, r.key)
	got := r.tickets()
	if len(got) != 1 || got[0].Status != work.TICKET_STATUS_VOID || got[0].Reason != string(format.ReasonOtherRow) {
		t.Errorf("the ticket is %+v", got)
	}
	if m := r.miner("miner"); m.Bond == 20e6 || r.tally().MegaVoided == 0 {
		t.Errorf("it cost its miner nothing: %+v", m)
	}
}

func TestAWrongReceiptLosesTheClaim(t *testing.T) {
	r := claimed(t, easy())
	output := append([]int32(nil), r.y.output...)
	output[5]++ // one part in 2^30
	trace := *r.y.receipt
	lie := format.Receipt{
		Format: trace.Format, Model: trace.Model, Job: trace.Job, Public: true, Output: format.OutputHash(&r.y.claim.Job, output), Trace: trace.Trace,
		Work: trace.Work, Executor: trace.Executor, Disclosed: &format.Disclosure{Job: r.y.claim.Job.Encode(), Output: output},
	}
	signReceipt(t, &lie, executor("miner"))
	before := r.balance("client")
	r.block(func() {
		must(r.world, r.msgs.SubmitTickets, r.submission(r.y.encoded(3)...))
		r.deliver("miner", r.key, &lie)
	})
	if v := r.try(r.m, r.key); v.Receipt == nil {
		t.Fatal("the receipt holds")
	}
	if c := r.claim(r.key); c.Status != work.CLAIM_STATUS_LOST || c.Reason != string(format.ReasonReceipt) {
		t.Errorf("the claim is %v: %q", c.Status, c.Reason)
	}
	for _, x := range r.tickets() {
		if x.Status != work.TICKET_STATUS_VOID {
			t.Errorf("ticket %x is %v", x.Nullifier, x.Status)
		}
	}
	if got := r.balance("client"); got != 5700 || before == 5000 {
		t.Errorf("the client has %d of 5700, had %d: tip and base fee go back", got, before)
	}
	slashed := 20e6 * uint64(easy().SlashWrongReceipt) / 1000
	if m := r.miner("miner"); m.Bond != 20e6-slashed-easy().ClaimDeposit {
		t.Errorf("the miner has %d left", m.Bond)
	}
}

// Work on a model that turns out to be broken before it is settled is not paid,
// and costs its miner nothing; a forged ticket of it costs as always.
func TestWorkOfABrokenModelIsNotCredited(t *testing.T) {
	r := delivered(t, easy())
	r.models[broken([32]byte(r.claim(r.key).Model))] = nil
	r.try(r.m, r.key)
	for _, x := range r.tickets() {
		if x.Status != work.TICKET_STATUS_UNDECIDED || x.Reason != "model broken" {
			t.Errorf("ticket %x is %v: %q", x.Nullifier, x.Status, x.Reason)
		}
	}
	if got := r.tally(); got.TicketsUndecided != 3 || got.MegaUndecided == 0 || got.MegaPaid != 0 || got.JobsDelivered != 1 {
		t.Errorf("the tally is %+v", got)
	}
	if r.emission.credited[address("miner")] != 0 || r.power.credited[address("miner")] != 0 {
		t.Error("emission or power was told of it")
	}
	if m := r.miner("miner"); m.Bond != 20e6 || m.Locked != 0 || m.MegaPaid != 0 {
		t.Errorf("the miner is left with %+v", m)
	}
	if got := r.balance("miner"); got != 700 {
		t.Errorf("the answer was delivered, and the tip paid is %d", got)
	}

	f := claimed(t, easy())
	f.models[broken([32]byte(f.claim(f.key).Model))] = nil
	forged := f.altered(0, func(x *format.Ticket) { x.Row[9] ^= 2 })
	f.block(func() {
		must(f.world, f.msgs.SubmitTickets, f.submission(forged))
		f.deliver("miner", f.key, f.y.receipt)
	})
	f.try(f.m, f.key)
	if m := f.miner("miner"); m.Bond == 20e6 || f.tally().TicketsVoided != 1 {
		t.Errorf("the miner is left with %+v", m)
	}
}

func TestVerdictsAndRevealsHaveTheirTime(t *testing.T) {
	r := delivered(t, easy())
	v := r.verdict(r.m, r.key)
	bad := func(change func(*work.MsgJudge)) *work.MsgJudge {
		msg := r.judgement(0, r.key, v)
		change(msg)
		return msg
	}
	id := v.Digest[:]
	r.block(func() {
		w := r.world
		for name, c := range map[string]struct {
			msg  *work.MsgJudge
			want error
		}{
			"who has no power":    {bad(func(m *work.MsgJudge) { m.Validator = address("client") }), work.ErrTrial},
			"no such trial":       {bad(func(m *work.MsgJudge) { m.Claim = id }), work.ErrNotFound},
			"no seal":             {bad(func(m *work.MsgJudge) { m.Seal = nil }), work.ErrTrial},
			"another's ticket":    {bad(func(m *work.MsgJudge) { m.Faults = []work.Fault{{Nullifier: id, Reason: "row repeats"}} }), work.ErrTrial},
			"a reason of its own": {bad(func(m *work.MsgJudge) { m.Faults = []work.Fault{{Nullifier: r.tickets()[0].Nullifier, Reason: "ugly"}} }), work.ErrTrial},
			"against nothing":     {bad(func(m *work.MsgJudge) { m.AgainstWrong = true }), work.ErrTrial},
			"the same ticket twice": {bad(func(m *work.MsgJudge) {
				f := work.Fault{Nullifier: r.tickets()[0].Nullifier, Reason: "row repeats"}
				m.Faults = []work.Fault{f, f}
			}), work.ErrTrial},
		} {
			if _, err := tx(w, w.msgs.Judge, c.msg); !isA(err, c.want) {
				t.Errorf("%s: got %v", name, err)
			}
			if err := w.keep.Duty(w.ctx, c.msg); !isA(err, c.want) {
				t.Errorf("%s: it is free: %v", name, err)
			}
		}
		pool, _ := w.ctx.CacheContext()
		if err := w.keep.Duty(pool, r.judgement(0, r.key, v)); err != nil {
			t.Errorf("an honest verdict is not free: %v", err)
		}
		if err := w.keep.Duty(pool, r.judgement(0, r.key, v)); !isA(err, work.ErrTrial) {
			t.Errorf("a verdict is free twice: %v", err)
		}
		if err := w.keep.Duty(w.ctx, &work.MsgRetire{}); err == nil {
			t.Error("what no validator owes is free")
		}
		r.judges(v, 0, 1, 2)
		refused(w, work.ErrTrial, w.msgs.Judge, r.judgement(0, r.key, v)) // one each
		// Before all have spoken a digest would be copied.
		refused(w, work.ErrTrial, w.msgs.Reveal, r.reveals(0, v.Digest))
	})
	r.block(func() { r.judges(v, 3) }) // all power has spoken: no need to wait
	r.block(func() {
		w := r.world
		pool, _ := w.ctx.CacheContext()
		if err := w.keep.Duty(pool, r.reveals(1, v.Digest)); err != nil {
			t.Errorf("a reveal is not free: %v", err)
		}
		if err := w.keep.Duty(pool, r.reveals(1, v.Digest)); !isA(err, work.ErrTrial) {
			t.Errorf("a reveal is free twice: %v", err)
		}
		refused(w, work.ErrTrial, w.msgs.Judge, bad(func(m *work.MsgJudge) { m.Validator = validator(3) }))
		refused(w, work.ErrTrial, w.msgs.Reveal, r.reveals(0, model.Hash{1}))
		refused(w, work.ErrTrial, w.msgs.Reveal, &work.MsgReveal{Validator: address("client"), Claim: r.key, Digest: v.Digest[:]})
		must(w, w.msgs.Reveal, r.reveals(1, v.Digest))
		refused(w, work.ErrTrial, w.msgs.Reveal, r.reveals(2, v.Digest))
	})
	if tr, err := r.keep.Trial(r.ctx, r.key); err != nil || !tr.Closed || tr.Power != 4000 {
		t.Errorf("the trial is %+v, %v", tr, err)
	}
}

func TestALazyValidatorAndALiarPay(t *testing.T) {
	r := delivered(t, easy())
	r.power.of[validator(4)] = 500
	v := r.verdict(r.m, r.key)
	r.block(func() {
		r.judges(v, 0, 1, 2)
		lazy := r.judgement(3, r.key, v)
		lazy.Seal = make([]byte, 32)
		must(r.world, r.msgs.Judge, lazy)
		liar := r.judgement(4, r.key, v)
		liar.ReceiptWrong = true
		must(r.world, r.msgs.Judge, liar)
	})
	r.block(func() { must(r.world, r.msgs.Reveal, r.reveals(0, v.Digest)) })
	// 3000 of 4500 are not more than two thirds, for the liar ran the job as well
	// but says the opposite: tickets hold by 3500, the receipt is undecided.
	if got := r.power.punished[validator(3)]; got != easy().SlashLazyVerdict {
		t.Errorf("the lazy one pays %d permille", got)
	}
	if got := r.tally(); got.TicketsCredited != 0 || got.TicketsUndecided != 3 {
		t.Errorf("the tally is %+v", got)
	}
	if got := r.power.punished[validator(4)]; got != 0 {
		t.Errorf("nothing is decided about the receipt, and the liar pays %d", got)
	}

	r = delivered(t, easy())
	v = r.verdict(r.m, r.key)
	r.block(func() {
		r.judges(v, 0, 1, 2)
		liar := r.judgement(3, r.key, v)
		liar.Faults = []work.Fault{{Nullifier: r.tickets()[0].Nullifier, Reason: string(format.ReasonOtherRow)}}
		must(r.world, r.msgs.Judge, liar)
	})
	r.block(func() { must(r.world, r.msgs.Reveal, r.reveals(0, v.Digest)) })
	if got := r.power.punished[validator(3)]; got != easy().SlashWrongVerdict {
		t.Errorf("the liar pays %d permille", got)
	}
	if r.tally().TicketsCredited != 3 || r.emission.judged[validator(3)] != 0 || r.emission.judged[validator(0)] != 1 {
		t.Errorf("the tally is %+v, paid %v", r.tally(), r.emission.judged)
	}
	out, err := r.asks.Trial(r.ctx, &work.QueryTrialRequest{Claim: hexed(r.key)})
	if err != nil {
		t.Fatal(err)
	}
	for _, verdict := range out.Verdicts {
		want := work.STANDING_STOOD
		if verdict.Validator == validator(3) {
			want = work.STANDING_WRONG
		}
		if verdict.Standing != want {
			t.Errorf("the verdict of %s is %v, want %v", verdict.Validator, verdict.Standing, want)
		}
	}
}

// Whoever delivers without tickets is tried by chance only. A tip that is worth
// more than what chance takes is paid when the receipt was found to hold.
func TestAHighTipIsPaidAfterATrial(t *testing.T) {
	p := easy()
	p.AuditPermille = 30
	free := uint64(20e6) - p.ClaimDeposit
	most := free * 30 * uint64(p.SlashWrongReceipt) / 1_000_000
	for name, c := range map[string]struct {
		tip           uint64
		honest, tried bool
		paid          uint64
	}{
		"no tip":                  {0, true, false, 0},
		"as much as deters":       {most, true, false, most},
		"more":                    {most + 1, true, true, most + 1},
		"more, for made-up words": {most + 1, false, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, p)
			m := w.embedder()
			w.register("miner", 20e6)
			var key []byte
			w.block(func() { key = w.take("miner", w.post("client", m.text(1, 40), 5000, c.tip)) })
			w.blocks(2)
			y := w.mine(m, "miner", key)
			receipt := y.receipt
			if !c.honest {
				receipt = lie(t, y, "miner")
			}
			w.block(func() { w.deliver("miner", key, receipt) })
			if _, err := w.keep.Trial(w.ctx, key); (err == nil) != c.tried {
				t.Fatalf("the trial: %v", err)
			}
			if c.tried {
				if got := w.balance("miner"); got != 0 {
					t.Errorf("%d were paid before the trial", got)
				}
				w.try(m, key)
			}
			if got := w.balance("miner"); got != c.paid {
				t.Errorf("the miner was paid %d, want %d", got, c.paid)
			}
			if got := w.miner("miner").Bond; (got == 20e6) != c.honest {
				t.Errorf("its bond is %d", got)
			}
		})
	}
}

func TestTooFewVerdictsDecideNothing(t *testing.T) {
	for name, who := range map[string][]int{"none": nil, "half of power": {0, 1}} {
		t.Run(name, func(t *testing.T) {
			r := delivered(t, easy())
			v := r.verdict(r.m, r.key)
			r.block(func() { r.judges(v, who...) })
			r.blocks(int(easy().VerdictPeriod))
			if len(who) > 0 {
				r.block(func() { refused(r.world, work.ErrTrial, r.msgs.Reveal, r.reveals(0, v.Digest)) })
			}
			r.blocks(int(easy().RevealPeriod))
			if got := r.tally(); got.TicketsUndecided != 3 || got.MegaPaid != 0 || got.MegaUndecided == 0 {
				t.Errorf("the tally is %+v", got)
			}
			if c := r.claim(r.key); c.Status != work.CLAIM_STATUS_SETTLED {
				t.Errorf("the claim is %v", c.Status)
			}
			if m := r.miner("miner"); m.Bond != 20e6 || m.Locked != 0 {
				t.Errorf("the miner is left with %+v", m)
			}
			for i := range 4 {
				if r.power.punished[validator(i)] > 0 || r.emission.judged[validator(i)] > 0 {
					t.Errorf("validator %d was judged", i)
				}
			}
		})
	}
}

func TestTrialsWaitForRoom(t *testing.T) {
	p := easy()
	p.MaxOpenTrials = 1
	w := newWorld(t, p)
	m := w.embedder()
	w.aim(1 << 22)
	w.register("miner", 20e6)
	var keys [][]byte
	w.block(func() {
		for n := range 2 {
			keys = append(keys, w.take("miner", w.post("client", m.text(n+1, 40), 5000, 0)))
		}
	})
	w.blocks(2)
	w.block(func() {
		for _, key := range keys {
			y := w.mine(m, "miner", key)
			must(w, w.msgs.SubmitTickets, &work.MsgSubmitTickets{Hot: address("hot miner"), Claim: key, Tickets: y.encoded(1)})
			w.deliver("miner", key, y.receipt)
		}
	})
	first, second := keys[0], keys[1]
	if _, err := w.keep.Trial(w.ctx, first); err != nil {
		first, second = second, first
	}
	if _, err := w.keep.Trial(w.ctx, second); !isA(err, work.ErrNotFound) {
		t.Fatalf("both are tried: %v", err)
	}
	w.try(m, first)
	w.try(m, second)
	if got := w.tally().TicketsCredited; got != 2 {
		t.Errorf("%d tickets were credited", got)
	}
}

// What a validator owes must not cost more for what others said: the trial of a
// claim with many bad tickets could not be ended then.
func TestAVerdictCostsTheSameWhoeverSpokeBefore(t *testing.T) {
	r := delivered(t, easy())
	for i := range 64 {
		r.power.of[validator(i)] = 1000
	}
	v := r.verdict(r.m, r.key)
	r.block(func() {
		before, spent := r.ctx, make([]uint64, 60)
		for i := range spent {
			r.ctx = before.WithGasMeter(storetypes.NewInfiniteGasMeter())
			r.judges(v, i)
			spent[i] = r.ctx.GasMeter().GasConsumed()
		}
		r.ctx = before
		if first, last := spent[0], spent[len(spent)-1]; last > first+first/10 {
			t.Errorf("the first verdict takes %d gas, the 60th %d", first, last)
		}
	})
}

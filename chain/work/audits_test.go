package work_test

import (
	"crypto/ed25519"
	"maps"
	"testing"

	"github.com/zeebo/blake3"

	"hearth/chain/work"
	format "hearth/work"
)

// signReceipt signs what a receipt says, whether it is true or not.
func signReceipt(t testing.TB, r *format.Receipt, key ed25519.PrivateKey) {
	t.Helper()
	r.Signature = format.Signature{}
	b, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	h := blake3.Sum256(b)
	r.Signature = format.Signature(ed25519.Sign(key, append([]byte("hearth receipt signature 1\n"), h[:]...)))
}

// lie is a receipt whose output is another than the model's.
func lie(t testing.TB, y *yield, name string) *format.Receipt {
	t.Helper()
	output := append([]int32(nil), y.output...)
	output[0]++
	r := *y.receipt
	r.Output = format.OutputHash(&y.claim.Job, output)
	r.Disclosed = &format.Disclosure{Job: y.claim.Job.Encode(), Output: output}
	signReceipt(t, &r, executor(name))
	return &r
}

func audited() work.Params {
	p := easy()
	p.AuditPermille = 1000
	return p
}

// audit brings a claim that miner delivered, without tickets, to another miner.
func audit(t testing.TB, p work.Params, honest bool) (w *world, m *machine, original []byte, a work.Assignment) {
	t.Helper()
	w = newWorld(t, p)
	m = w.embedder()
	w.aim(1 << 22)
	w.register("miner", 20e6)
	w.register("auditor", 20e6)
	w.block(func() { original = w.take("miner", w.post("client", m.text(1, 40), 5000, 700)) })
	w.blocks(2)
	y := w.mine(m, "miner", original)
	r := y.receipt
	if !honest {
		r = lie(t, y, "miner")
	}
	w.block(func() { w.deliver("miner", original, r) })
	if c := w.claim(original); c.Status != work.CLAIM_STATUS_SETTLED {
		t.Fatalf("the claim is %v", c.Status)
	}
	w.blocks(2) // the value that nobody knew at delivery says that it is audited
	w.blocks(2) // the next one by whom
	out, err := w.asks.Assignments(w.ctx, &work.QueryAssignmentsRequest{Owner: address("auditor")})
	if err != nil || len(out.Assignments) != 1 {
		t.Fatalf("the auditor has %+v, %v", out, err)
	}
	return w, m, original, out.Assignments[0]
}

// runAgain has the auditor take its assignment, and deliver.
func (w *world) runAgain(m *machine, a work.Assignment, honest bool, tickets int) []byte {
	w.t.Helper()
	var key []byte
	w.block(func() {
		key = must(w, w.msgs.Claim, &work.MsgClaim{Hot: address("hot auditor"), Takes: []work.Take{{Assignment: a.Id}}}).Claims[0]
	})
	w.blocks(2)
	y := w.mine(m, "auditor", key)
	r := y.receipt
	if !honest {
		r = lie(w.t, y, "auditor")
	}
	w.block(func() {
		if tickets > 0 {
			must(w, w.msgs.SubmitTickets, &work.MsgSubmitTickets{Hot: address("hot auditor"), Claim: key, Tickets: y.encoded(tickets)})
		}
		w.deliver("auditor", key, r)
	})
	return key
}

func (w *world) audits(job []byte) bool {
	w.t.Helper()
	j, err := w.keep.Job(w.ctx, job)
	if err != nil {
		w.t.Fatal(err)
	}
	return j.Audited
}

func TestAnAuditThatAgreesIsPaidByItsTickets(t *testing.T) {
	w, m, original, a := audit(t, audited(), true)
	w.block(func() { // it is the auditor's alone
		refused(w, work.ErrAssignment, w.msgs.Claim, &work.MsgClaim{Hot: address("hot miner"), Takes: []work.Take{{Assignment: a.Id}}})
	})
	if !w.audits(a.Job) {
		t.Error("the job does not say that it is audited")
	}
	key := w.runAgain(m, a, true, 2)
	w.try(m, key)
	if got := w.tally(); got.MegaAudit == 0 || got.MegaPaid != 0 || got.JobsLost != 0 {
		t.Errorf("the tally is %+v", got)
	}
	if c := w.claim(original); c.Status != work.CLAIM_STATUS_SETTLED {
		t.Errorf("the audited claim is %v", c.Status)
	}
	if w.audits(a.Job) {
		t.Error("the audit has not ended")
	}
	if got := w.miner("auditor"); got.MegaAudit == 0 || got.OpenClaims != 0 {
		t.Errorf("the auditor is left with %+v", got)
	}
}

func TestAnAuditThatFindsAWrongAnswerHasItsMinerPay(t *testing.T) {
	w, m, original, a := audit(t, audited(), false)
	if got := w.balance("miner"); got != 700 {
		t.Fatalf("the miner was paid %d for a wrong answer", got)
	}
	key := w.runAgain(m, a, true, 0) // without tickets: the dispute alone brings the trial
	tr, err := w.keep.Trial(w.ctx, key)
	if err != nil || string(tr.Against) != string(original) {
		t.Fatalf("the trial is %+v, %v", tr, err)
	}
	w.try(m, key)
	if c := w.claim(original); c.Status != work.CLAIM_STATUS_LOST || c.Reason == "" {
		t.Errorf("the audited claim is %v: %q", c.Status, c.Reason)
	}
	slashed := 20e6 * uint64(audited().SlashWrongReceipt) / 1000
	if got := w.miner("miner").Bond; got != 20e6-slashed {
		t.Errorf("the miner has %d left", got)
	}
	if c := w.claim(key); c.Status != work.CLAIM_STATUS_SETTLED || w.miner("auditor").Bond != 20e6 {
		t.Errorf("the audit is %v", c.Status)
	}
	for i := range 4 {
		if w.emission.judged[validator(i)] != 1 {
			t.Errorf("validator %d was not paid", i)
		}
	}
}

func TestALyingAuditorPays(t *testing.T) {
	w, m, original, a := audit(t, audited(), true)
	key := w.runAgain(m, a, false, 2)
	w.try(m, key)
	if c := w.claim(original); c.Status != work.CLAIM_STATUS_SETTLED || w.miner("miner").Bond != 20e6 {
		t.Errorf("the honest claim is %v", c.Status)
	}
	if c := w.claim(key); c.Status != work.CLAIM_STATUS_LOST || c.Reason != string(format.ReasonReceipt) {
		t.Errorf("the audit is %v: %q", c.Status, c.Reason)
	}
	slashed := 20e6 * uint64(audited().SlashWrongReceipt) / 1000
	if got := w.miner("auditor").Bond; got != 20e6-slashed-audited().ClaimDeposit {
		t.Errorf("the auditor has %d left", got)
	}
	if w.audits(a.Job) {
		t.Error("the trial has spoken, and the audit goes on")
	}
}

func TestAnAuditThatNobodyTakesGoesToAnotherAndIsGivenUp(t *testing.T) {
	w, _, original, a := audit(t, audited(), true)
	w.blocks(int(audited().AssignmentTtl) + 4)
	out, err := w.asks.Assignments(w.ctx, &work.QueryAssignmentsRequest{Owner: address("auditor")})
	if err != nil || len(out.Assignments) != 1 || out.Assignments[0].Lapses != 1 {
		t.Errorf("drawn again: %+v, %v", out, err) // there is but one who may
	}
	w.blocks(4 * (int(audited().AssignmentTtl) + 4))
	if w.audits(a.Job) {
		t.Error("the audit goes on for ever")
	}
	if c := w.claim(original); c.Status != work.CLAIM_STATUS_SETTLED {
		t.Errorf("the claim is %v", c.Status)
	}
}

func TestAnAuditThatIsNotDeliveredGoesToAnother(t *testing.T) {
	w, _, _, a := audit(t, audited(), true)
	w.register("second", 20e6)
	w.block(func() {
		must(w, w.msgs.Claim, &work.MsgClaim{Hot: address("hot auditor"), Takes: []work.Take{{Assignment: a.Id}}})
	})
	w.blocks(int(audited().Window) + 3 + 4)
	if got := w.miner("auditor").Bond; got != 20e6-audited().ClaimDeposit {
		t.Errorf("the auditor has %d left", got)
	}
	out, err := w.asks.Assignments(w.ctx, &work.QueryAssignmentsRequest{Owner: address("second")})
	if err != nil || len(out.Assignments) != 1 || out.Assignments[0].Attempt != 1 {
		t.Fatalf("the second auditor has %+v, %v", out, err)
	}
	if !w.audits(a.Job) || w.tally().JobsLost != 0 {
		t.Errorf("the tally is %+v", w.tally())
	}
}

func TestACommonsJobIsProvenAssignedAndPaidFromTheCommons(t *testing.T) {
	w := newWorld(t, easy())
	m := w.embedder()
	w.aim(1 << 22)
	w.register("miner", 20e6)
	job := m.text(3, 40)
	w.commons.jobs = [][]byte{job.Encode(), job.Encode()}
	var id uint64
	w.block(func() {
		var err error
		if id, err = w.keep.Assign(w.ctx, work.Assignment{Class: work.CLASS_COMMONS, Project: 1, Index: 0}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.keep.Assign(w.ctx, work.Assignment{Class: work.CLASS_PAID}); err == nil {
			t.Error("a paid job was assigned")
		}
	})
	w.blocks(2)
	take := func(t work.Take) *work.MsgClaim {
		return &work.MsgClaim{Hot: address("hot miner"), Takes: []work.Take{t}}
	}
	var key []byte
	w.block(func() {
		other := m.text(4, 40)
		refused(w, work.ErrClaim, w.msgs.Claim, take(work.Take{Assignment: id, Encoding: other.Encode()}))
		refused(w, work.ErrClaim, w.msgs.Claim, take(work.Take{Assignment: id, Encoding: make([]byte, 1<<20)}))
		key = must(w, w.msgs.Claim, take(work.Take{Assignment: id, Encoding: job.Encode()})).Claims[0]
	})
	if got := w.tally().Burned; got != 0 {
		t.Errorf("a fee of %d was burned", got)
	}
	w.blocks(2)
	y := w.mine(m, "miner", key)
	w.block(func() {
		must(w, w.msgs.SubmitTickets, &work.MsgSubmitTickets{Hot: address("hot miner"), Claim: key, Tickets: y.encoded(2)})
		w.deliver("miner", key, y.receipt)
	})
	w.try(m, key)
	if got := w.tally(); got.MegaCommons == 0 || got.MegaPaid != 0 {
		t.Errorf("the tally is %+v", got)
	}
	if len(w.commons.settled) != 1 || w.commons.settled[0] != "1 0 true true" {
		t.Errorf("the commons heard %v", w.commons.settled)
	}

	// The same job at another place of the project has been claimed before.
	w.block(func() {
		var err error
		if id, err = w.keep.Assign(w.ctx, work.Assignment{Class: work.CLASS_COMMONS, Project: 1, Index: 1, Owner: address("miner")}); err != nil {
			t.Fatal(err)
		}
		refused(w, work.ErrJob, w.msgs.Claim, take(work.Take{Assignment: id, Encoding: job.Encode()}))
	})
	// Nobody can take it, so the commons hear that it failed.
	w.blocks(5 * (int(easy().AssignmentTtl) + 4))
	if len(w.commons.settled) != 2 || w.commons.settled[1] != "1 1 false false" {
		t.Errorf("the commons heard %v", w.commons.settled)
	}
}

func TestACommonsJobThatWasNotDeliveredMayBeTriedAgain(t *testing.T) {
	w := newWorld(t, easy())
	m := w.embedder()
	w.register("miner", 20e6)
	w.register("other", 20e6)
	job := m.text(3, 40)
	w.commons.jobs = [][]byte{job.Encode()}
	take := func(name string) {
		id, err := w.keep.Assign(w.ctx, work.Assignment{Class: work.CLASS_COMMONS, Project: 1, Owner: address(name)})
		if err != nil {
			t.Fatal(err)
		}
		must(w, w.msgs.Claim, &work.MsgClaim{Hot: address("hot " + name), Takes: []work.Take{{Assignment: id, Encoding: job.Encode()}}})
	}
	w.block(func() { take("miner") })
	w.blocks(int(easy().Window) + 3)
	if len(w.commons.settled) != 1 || w.commons.settled[0] != "1 0 false false" {
		t.Fatalf("the commons heard %v", w.commons.settled)
	}
	w.block(func() { take("other") })
}

// A chain on which settled work is kept for no longer than the beacon may be
// silent must not stop when the beacon comes back.
func TestAJobIsKeptUntilItIsKnownWhetherItIsAudited(t *testing.T) {
	p := audited()
	p.Keep, p.BeaconWait = p.Window, 3*p.Window
	w := newWorld(t, p)
	m := w.embedder()
	w.register("miner", 20e6)
	w.register("auditor", 20e6)
	var key []byte
	w.block(func() { key = w.take("miner", w.post("client", m.text(1, 40), 5000, 700)) })
	w.blocks(2)
	w.block(func() { w.deliver("miner", key, w.mine(m, "miner", key).receipt) })
	w.beacon.silent = true
	w.blocks(int(p.Keep) + 3)
	w.beacon.silent = false
	w.blocks(3)
	if !w.audits(w.claim(key).Job) {
		t.Error("the claim is not audited")
	}
}

// Who sees a value before the block that records it must not be able to choose
// among draws by coming, or by going.
func TestADrawIsAmongTheSeatsThatAwaitedIt(t *testing.T) {
	owners := func(change func(*world)) map[uint64]string {
		w := newWorld(t, easy())
		for _, name := range []string{"one", "two", "three"} {
			w.register(name, 20e6)
		}
		w.block(func() {
			for i := range uint64(12) {
				if _, err := w.keep.Assign(w.ctx, work.Assignment{Class: work.CLASS_COMMONS, Project: 1, Index: i}); err != nil {
					t.Fatal(err)
				}
			}
		})
		w.block(func() { change(w) })
		w.block()
		drawn := map[uint64]string{}
		for _, name := range []string{"one", "two", "three", "late", "later"} {
			out, err := w.asks.Assignments(w.ctx, &work.QueryAssignmentsRequest{Owner: address(name)})
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range out.Assignments {
				drawn[a.Id] = name
			}
		}
		return drawn
	}
	before := owners(func(*world) {})
	if len(before) != 12 {
		t.Fatalf("%d of 12 were drawn", len(before))
	}
	if got := owners(func(w *world) { w.register("late", 20e6); w.register("later", 20e6) }); !maps.Equal(got, before) {
		t.Errorf("others came, and %v became %v", before, got)
	}
	got := owners(func(w *world) { must(w, w.msgs.Retire, &work.MsgRetire{Owner: address("three"), Retired: true}) })
	for id, name := range before {
		if name != "three" && got[id] != name {
			t.Errorf("the third went, and assignment %d of %s is %q's", id, name, got[id])
		}
		if got[id] == "three" {
			t.Errorf("assignment %d is of a miner who went", id)
		}
	}
}

package adversary_test

import (
	"context"
	"strings"
	"testing"

	"hearth/chain/adversary"
	chainwork "hearth/chain/work"
	"hearth/work"
)

func TestAdversaries(t *testing.T) {
	k, err := adversary.NewKit()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*chainwork.Params)
		plays  func(*network)
	}{
		{"forged ticket", nil, forgedTicket},
		{"another's ticket", nil, anothersTicket},
		{"replayed ticket", nil, replayedTicket},
		{"wrong activation that wins", nil, wrongActivation},
		{"lazy auditor", nil, lazyAuditor},
		{"lying minority", nil, lyingMinority},
		{"claim squatting", func(p *chainwork.Params) { p.MaxOpenClaims = 3 }, squatting},
		{"duplicate job", nil, duplicateJob},
		{"model substitution", nil, substitution},
		{"substitution without tickets", func(p *chainwork.Params) { p.AuditPermille = 1000 }, quietSubstitution},
		{"oversized proof", nil, oversizedProof},
		{"spam", func(p *chainwork.Params) { p.MaxTicketsPerTx, p.MaxTicketsPerClaim, p.MaxOpenJobs = 2, 3, 5 }, spam},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := open(t, k, c.change)
			c.plays(n)
			n.earns()
		})
	}
}

// A ticket whose row was touched does not win any more; signed anew or not, no
// node takes it.
func forgedTicket(n *network) {
	j := n.newJob()
	n.post(j)
	c := n.take(n.rogue, j)
	tickets, _ := n.honest(n.rogue, c, j)
	forged, err := work.DecodeTicket(tickets[0])
	if err != nil {
		n.t.Fatal(err)
	}
	forged.Row[0] ^= 1
	n.kept(string(work.ReasonSignature), n.rogue.Hot, n.submit(n.rogue, c, forged.Encode()))
	forged.Sign(n.rogue.Executor)
	n.kept(string(work.ReasonTarget), n.rogue.Hot, n.submit(n.rogue, c, forged.Encode()))
}

// A ticket counts for the claim that it was mined for, and for who claimed.
func anothersTicket(n *network) {
	mine, theirs := n.newJob(), n.newJob()
	n.post(mine)
	n.post(theirs)
	c := n.take(n.miner, mine)
	own := n.take(n.rogue, theirs)
	tickets, _ := n.honest(n.miner, c, mine)
	n.kept(string(work.ReasonClaim), n.rogue.Hot, n.submit(n.rogue, own, tickets[0]))
	n.kept("another's", n.rogue.Hot, n.submit(n.rogue, c, tickets[0]))
	stolen, err := work.DecodeTicket(tickets[0])
	if err != nil {
		n.t.Fatal(err)
	}
	copy(stolen.Claim[:], own.Id)
	stolen.Sign(n.rogue.Executor)
	if r := n.block(n.sign(n.rogue.Hot, n.submit(n.rogue, own, stolen.Encode())))[0]; r != nil {
		n.t.Errorf("a ticket that was signed over is taken: %v", r)
	}
}

// A ticket is in the chain once, however it is sent again.
func replayedTicket(n *network) {
	j := n.newJob()
	n.post(j)
	c := n.take(n.rogue, j)
	tickets, _ := n.honest(n.rogue, c, j)
	n.kept("in the chain already", n.rogue.Hot, n.submit(n.rogue, c, tickets[0], tickets[0]))
	n.takes(n.rogue.Hot, n.submit(n.rogue, c, tickets[0]))
	n.kept("in the chain already", n.rogue.Hot, n.submit(n.rogue, c, tickets[0]))
	// The same place with another row has the same name.
	again, err := work.DecodeTicket(tickets[0])
	if err != nil {
		n.t.Fatal(err)
	}
	again.Row[1] ^= 1
	again.Sign(n.rogue.Executor)
	n.kept("in the chain already", n.rogue.Hot, n.submit(n.rogue, c, again.Encode()))
}

// A row that nobody computed can win: tier 0 sees no difference. Whoever runs
// the job does.
func wrongActivation(n *network) {
	j := n.newJob()
	n.post(j)
	c := n.take(n.rogue, j)
	_, receipt := n.honest(n.rogue, c, j)
	guessed, err := n.Guess(n.rogue, c, j)
	if err != nil {
		n.t.Fatal(err)
	}
	before := n.minerNow(n.rogue)
	n.takes(n.rogue.Hot, n.submit(n.rogue, c, guessed))
	n.takes(n.rogue.Hot, n.deliver(n.rogue, c, receipt))
	n.settled(c.Key)
	kept, after := n.ticket(guessed), n.minerNow(n.rogue)
	if kept.Status != chainwork.TICKET_STATUS_VOID || kept.Reason != string(work.ReasonOtherRow) {
		n.t.Errorf("the ticket is %v: %q", kept.Status, kept.Reason)
	}
	if want := before.Bond - before.Bond/4; after.Bond > want || after.MegaPaid != 0 || after.MegaVoided == 0 {
		n.t.Errorf("the miner has a bond of %d, not at most %d, %d credited and %d void", after.Bond, want, after.MegaPaid, after.MegaVoided)
	}
}

// Who judges without running the job has no seal that opens.
func lazyAuditor(n *network) {
	n.manners[3] = lazily
	n.earns()
	if got := n.penalties(n.operators[3]); len(got) != 1 || !strings.Contains(got[0], "without running its job") {
		n.t.Errorf("punished for %q", got)
	}
	n.spared(0, 1, 2)
	n.manners[3] = honestly
}

// One of four that says everything is wrong changes nothing but its own bond.
func lyingMinority(n *network) {
	n.manners[2] = lying
	n.earns()
	if got := n.penalties(n.operators[2]); len(got) != 1 || !strings.Contains(got[0], "wrong verdict") {
		n.t.Errorf("punished for %q", got)
	}
	n.spared(0, 1, 3)
	n.manners[2] = honestly
}

// spared looks that validators were not punished.
func (n *network) spared(all ...int) {
	n.t.Helper()
	for _, i := range all {
		if got := n.penalties(n.operators[i]); len(got) > 0 {
			n.t.Errorf("validator %d is punished for %q", i, got)
		}
	}
}

// Who claims and does not work loses deposits, and cannot hold many jobs.
func squatting(n *network) {
	jobs := []*work.Job{n.newJob(), n.newJob(), n.newJob(), n.newJob()}
	for _, j := range jobs {
		n.post(j)
	}
	before := n.minerNow(n.rogue)
	n.takes(n.rogue.Hot, taking(n.rogue, jobs[:3]...))
	n.refused(chainwork.ErrTooMany.Error(), n.rogue.Hot, taking(n.rogue, jobs[3]))
	for _, j := range jobs[:3] {
		id := j.ID()
		key := chainwork.ClaimKey(id[:], n.rogue.Key())
		if end := n.settled(key[:]); end.Status != chainwork.CLAIM_STATUS_LOST || end.Reason != "not delivered in time" {
			n.t.Errorf("the claim ends %v: %q", end.Status, end.Reason)
		}
		res, err := n.ask().Job(context.Background(), &chainwork.QueryJobRequest{Id: id.String()})
		if err != nil || res.Job.Status != chainwork.JOB_STATUS_FAILED || res.Job.Escrow != 0 {
			n.t.Errorf("the job is %v with %d in escrow: %v", res.Job.Status, res.Job.Escrow, err)
		}
	}
	if after := n.minerNow(n.rogue); after.Bond != before.Bond-3e5 || after.Locked != 0 {
		n.t.Errorf("the miner had a bond of %d and has %d, %d of it locked", before.Bond, after.Bond, after.Locked)
	}
}

// A job is done once, ever: nobody is paid again for what is known.
func duplicateJob(n *network) {
	j := n.newJob()
	n.post(j)
	offer := &chainwork.MsgPostJob{Client: n.client.Address, Job: j.Encode(), MaxFee: 1e6}
	n.refused(chainwork.ErrJob.Error(), n.client, offer)
	c := n.take(n.rogue, j)
	n.refused(chainwork.ErrJob.Error(), n.client, offer)
	n.refused(chainwork.ErrClaim.Error(), n.miner.Hot, taking(n.miner, j))
	_, receipt := n.honest(n.rogue, c, j)
	n.takes(n.rogue.Hot, n.deliver(n.rogue, c, receipt))
	n.settled(c.Key)
	n.refused(chainwork.ErrJob.Error(), n.client, offer)
	// A field that has no effect does not make a new job of it.
	j.Sampling.TopK = 3
	n.refused(chainwork.ErrJob.Error(), n.client, &chainwork.MsgPostJob{Client: n.client.Address, Job: j.Encode(), MaxFee: 1e6})
}

// cheaper mines a claim with less than the model.
func (n *network) cheaper(c chainwork.Claim, j *work.Job) (tickets [][]byte, receipt []byte) {
	n.t.Helper()
	tickets, receipt, err := n.MineCheaper(n.t.Context(), n.rogue, c, j)
	if err != nil {
		n.t.Fatal(err)
	}
	return tickets, receipt
}

// A cheaper model has other rows, and its receipt another trace.
func substitution(n *network) {
	j := n.newJob()
	n.post(j)
	c := n.take(n.rogue, j)
	tickets, receipt := n.cheaper(c, j)
	sent, err := n.Passing(c, j, tickets, 2)
	if err != nil {
		n.t.Fatal(err)
	}
	if len(sent) == 0 {
		n.t.Fatal("no ticket of the cheaper model passes tier 0")
	}
	before := n.minerNow(n.rogue)
	n.takes(n.rogue.Hot, n.submit(n.rogue, c, sent...))
	n.takes(n.rogue.Hot, n.deliver(n.rogue, c, receipt))
	end := n.settled(c.Key)
	if end.Status != chainwork.CLAIM_STATUS_LOST || end.Reason == "" {
		n.t.Errorf("the claim ends %v: %q", end.Status, end.Reason)
	}
	for _, b := range sent {
		if kept := n.ticket(b); kept.Status != chainwork.TICKET_STATUS_VOID || kept.Reason == "" {
			n.t.Errorf("a ticket ends %v: %q", kept.Status, kept.Reason)
		}
	}
	if after := n.minerNow(n.rogue); after.Bond > before.Bond/2 || after.MegaPaid != 0 {
		n.t.Errorf("the miner had a bond of %d and has %d, with %d credited", before.Bond, after.Bond, after.MegaPaid)
	}
}

// Without tickets nobody runs the job again at once, but an audit may.
func quietSubstitution(n *network) {
	j := n.newJob()
	n.post(j)
	c := n.take(n.rogue, j)
	_, receipt := n.cheaper(c, j)
	n.takes(n.rogue.Hot, n.deliver(n.rogue, c, receipt))
	n.settled(c.Key)
	before := n.minerNow(n.rogue)
	for range 60 {
		res, err := n.ask().Assignments(context.Background(), &chainwork.QueryAssignmentsRequest{Owner: n.miner.Owner.Address})
		if err != nil {
			n.t.Fatal(err)
		}
		if len(res.Assignments) == 0 || res.Assignments[0].Expires == 0 {
			n.block()
			continue
		}
		n.takes(n.miner.Hot, &chainwork.MsgClaim{Hot: n.miner.Hot.Address, Takes: []chainwork.Take{{Assignment: res.Assignments[0].Id}}})
		key := chainwork.ClaimKey(c.Job, n.miner.Key())
		audit := n.claim(key[:])
		for audit.Status == chainwork.CLAIM_STATUS_WAITING {
			n.block()
			audit = n.claim(key[:])
		}
		_, honest := n.honest(n.miner, audit, j)
		n.takes(n.miner.Hot, n.deliver(n.miner, audit, honest))
		end := n.settled(key[:])
		if string(end.Output) == string(n.claim(c.Key).Output) {
			n.t.Fatal("the cheaper model answers as the other does: take away more of it")
		}
		if end.Status != chainwork.CLAIM_STATUS_SETTLED {
			n.t.Errorf("the audit ends %v: %q", end.Status, end.Reason)
		}
		if end := n.claim(c.Key); end.Status != chainwork.CLAIM_STATUS_LOST || end.Reason == "" {
			n.t.Errorf("what was audited ends %v: %q", end.Status, end.Reason)
		}
		if after := n.minerNow(n.rogue); after.Bond >= before.Bond {
			n.t.Errorf("the miner had a bond of %d and has %d", before.Bond, after.Bond)
		}
		return
	}
	n.t.Error("nobody was asked to audit")
}

// What is larger than anything honest is refused before it costs anything.
func oversizedProof(n *network) {
	j := n.newJob()
	n.post(j)
	c := n.take(n.rogue, j)
	tickets, _ := n.honest(n.rogue, c, j)
	n.kept(chainwork.ErrTicket.Error(), n.rogue.Hot, n.submit(n.rogue, c, append(tickets[0], make([]byte, work.MaxTicketSize)...)))
	n.kept("out of gas", n.rogue.Hot, n.submit(n.rogue, c, make([]byte, 2<<20))) // which bytes cost too
	n.refused(chainwork.ErrReceipt.Error(), n.rogue.Hot, n.deliver(n.rogue, c, make([]byte, 1<<20)))
	proof := make([][]byte, 1000)
	for i := range proof {
		proof[i] = make([]byte, 32)
	}
	n.refused(chainwork.ErrNotFound.Error(), n.rogue.Hot, &chainwork.MsgClaim{Hot: n.rogue.Hot.Address, Takes: []chainwork.Take{{Assignment: 1, Encoding: make([]byte, 1<<19), Proof: proof}}})
}

// However much is sent, a block, a claim and a client have their bounds.
func spam(n *network) {
	j := n.newJob()
	n.post(j)
	c := n.take(n.rogue, j)
	tickets, _ := n.mine(n.rogue, c, j)
	if len(tickets) < 4 {
		n.t.Fatalf("the job has %d tickets: too few to flood with", len(tickets))
	}
	n.kept("a message has 1 to 2", n.rogue.Hot, n.submit(n.rogue, c, tickets[:3]...))
	n.takes(n.rogue.Hot, n.submit(n.rogue, c, tickets[:2]...))
	n.kept("it may have 3", n.rogue.Hot, n.submit(n.rogue, c, tickets[2:4]...))
	n.takes(n.rogue.Hot, n.submit(n.rogue, c, tickets[2]))
	n.kept("it may have 3", n.rogue.Hot, n.submit(n.rogue, c, tickets[3]))
	// Offers fill a list that is bounded, and are taken back from it in time.
	var posted int
	for range 8 {
		x := n.newJob()
		r := n.block(n.sign(n.client, &chainwork.MsgPostJob{Client: n.client.Address, Job: x.Encode(), MaxFee: 1e6}))[0]
		if r != nil && r.Code == 0 {
			posted++
			id := x.ID()
			defer n.takes(n.client, &chainwork.MsgCancelJob{Client: n.client.Address, Id: id[:]})
		}
	}
	if posted != 5 {
		n.t.Errorf("%d jobs are offered where 5 may be", posted)
	}
}

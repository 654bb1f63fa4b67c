package court_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/chain/judge"
	"hearth/chain/judge/court"
	"hearth/infer/model"
	"hearth/work"
)

func TestAValidatorJudgesUnderSealAndReveals(t *testing.T) {
	e, n := newExample(t, 1, nil), newNetwork()
	n.add(e, court.Model{})
	of, _, digest := e.mine(t, 1, 7, 30, 12, 9, 2)
	claim := n.open(1, 30, of)
	c := newCourt(t, n, nil, e)
	for range 3 { // it speaks once, however often it sits
		if err := c.Sit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(n.judged) != 1 {
		t.Fatalf("%d verdicts were sent", len(n.judged))
	}
	v := n.judged[0]
	if len(v.Faults) > 0 || v.ReceiptWrong || v.AgainstWrong || v.Seal != judge.Seal(operator, digest) {
		t.Errorf("the verdict on an honest claim is %+v", v)
	}
	if len(n.revealed) > 0 {
		t.Error("the digest was revealed while others could still copy it")
	}
	n.close(claim, 50)
	if err := c.Sit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n.revealed[claim] != digest {
		t.Errorf("%v was revealed, want %v", n.revealed[claim], digest)
	}
}

func TestAVerdictSaysWhatIsWrong(t *testing.T) {
	e, n := newExample(t, 1, nil), newNetwork()
	n.add(e, court.Model{})
	of, tickets, digest := e.mine(t, 1, 7, 30, 12, 9, 44, 81, 2)
	if len(tickets) < 2 {
		t.Fatal("too few tickets to show anything")
	}
	x := *tickets[1]
	x.Signature[0]++
	of.Tickets[1] = x.Encode()
	receipt, err := work.ParseReceipt(of.Receipt)
	if err != nil {
		t.Fatal(err)
	}
	receipt.Trace[0]++
	if of.Receipt, err = receipt.Encode(); err != nil {
		t.Fatal(err)
	}
	of.Against = model.Hash{5} // what the other claim delivered
	n.open(1, 30, of)
	if err := newCourt(t, n, nil, e).Sit(t.Context()); err != nil {
		t.Fatal(err)
	}
	v := n.judged[0]
	want := []court.Fault{{Nullifier: x.Nullifier(), Reason: work.ReasonSignature}}
	if !slices.Equal(v.Faults, want) || !v.ReceiptWrong || !v.AgainstWrong || v.Seal != judge.Seal(operator, digest) {
		t.Errorf("the verdict is %+v, want faults %v and both receipts wrong", v, want)
	}
	of.Against = receipt.Output
	n.open(2, 30, of)
	if err := newCourt(t, n, nil, e).Sit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v := n.judged[len(n.judged)-1]; v.AgainstWrong {
		t.Error("the other claim's output is the job's, and the verdict says it is wrong")
	}
}

// A court that was killed says what it would have said.
func TestACourtBegunAnewGoesOn(t *testing.T) {
	e, n := newExample(t, 1, nil), newNetwork()
	n.add(e, court.Model{})
	of, _, digest := e.mine(t, 1, 7, 30, 12, 9, 2)
	claim := n.open(1, 30, of)
	if err := newCourt(t, n, nil, e).Sit(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.close(claim, 50)
	if err := newCourt(t, n, nil, e).Sit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(n.judged) != 1 || n.revealed[claim] != digest {
		t.Errorf("%d verdicts, and %v revealed, want %v", len(n.judged), n.revealed[claim], digest)
	}
}

// What does not arrive is said again, after a while.
func TestALostVerdictIsSaidAgain(t *testing.T) {
	e, n := newExample(t, 1, nil), newNetwork()
	n.add(e, court.Model{})
	of, _, _ := e.mine(t, 1, 7, 30, 12, 9, 2)
	claim := n.open(1, 40, of)
	n.loses = 2
	c := newCourt(t, n, nil, e)
	for n.height < 30 {
		if err := c.Sit(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.height++
	}
	if !n.trial(claim).Judged || len(n.judged) != 3 {
		t.Errorf("after two were lost %d verdicts were sent, and one arrived: %v", len(n.judged), n.trial(claim).Judged)
	}
	n.close(claim, 60)
	n.loses = 1
	for n.height < 40 {
		if err := c.Sit(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.height++
	}
	if len(n.revealed) != 1 {
		t.Error("a lost reveal is not sent again")
	}
}

func TestTheMostUrgentIsJudgedFirstAndTheLateNotAtAll(t *testing.T) {
	e, n := newExample(t, 1, nil), newNetwork()
	n.add(e, court.Model{})
	of, _, _ := e.mine(t, 1, 7, 30, 12, 9, 2)
	n.open(1, 30, of)
	n.open(2, 20, of)
	n.open(3, 25, of)
	n.open(4, 10, of) // over
	n.open(5, 15, nil)
	c := newCourt(t, n, nil, e)
	if err := c.Sit(t.Context()); !errors.Is(err, errAbsent) {
		t.Errorf("about the claim that cannot be had it says %v", err)
	}
	var order []byte
	for _, v := range n.judged {
		order = append(order, v.Claim[0])
	}
	if !slices.Equal(order, []byte{2, 3, 1}) {
		t.Errorf("judged in the order %v", order)
	}
	// Another's seal under this validator's name is not opened.
	n.trial(model.Hash{1}).Seal[0]++
	n.close(model.Hash{1}, 50)
	if err := c.Sit(t.Context()); err == nil || len(n.revealed) > 0 {
		t.Errorf("a seal that is not its own: %v", err)
	}
}

// Weights that are missing are fetched, and then the claim is judged.
func TestWeightsAreFetchedForActiveModels(t *testing.T) {
	e, n := newExample(t, 1, nil), newNetwork()
	n.add(e, court.Model{})
	of, _, _ := e.mine(t, 1, 7, 30, 12, 9, 2)
	n.open(1, 30, of)
	c := newCourt(t, n, []string{serve(t, e)})
	if err := c.Sit(t.Context()); err == nil {
		t.Error("it judged without the weights")
	}
	if err := c.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Sit(t.Context()); err != nil || len(n.judged) != 1 {
		t.Errorf("with the weights %d verdicts were sent: %v", len(n.judged), err)
	}
	if len(n.attested) > 0 {
		t.Error("a model that is not proposed was attested")
	}
}

func TestProposalsAreAttestedByTheirWeights(t *testing.T) {
	n := newNetwork()
	fit := newExample(t, 1, nil)
	lying := newExample(t, 2, func(f *model.Manifest) { f.Blocks = []model.Refused{{Name: "layers.1.up", Blocks: []uint32{1}}} })
	gone, said := newExample(t, 3, nil), newExample(t, 4, nil)
	n.add(fit, court.Model{Proposed: true})
	n.add(lying, court.Model{Proposed: true})
	n.add(gone, court.Model{Proposed: true, Sources: []string{"http://127.0.0.1:1"}})
	n.add(said, court.Model{Proposed: true, Attested: true})
	c := newCourt(t, n, []string{serve(t, fit, lying)})
	n.loses = 1
	for range 12 {
		if err := c.Read(t.Context()); err == nil {
			t.Error("nothing is said about the weights that nobody has")
		}
		n.height++
	}
	if n.attested[fit.id] != "fit" {
		t.Errorf("of the fit one it says %q", n.attested[fit.id])
	}
	if r := n.attested[lying.id]; r == "fit" || !strings.Contains(r, "layers.1.up") {
		t.Errorf("of the one that refuses another tile than admission it says %q", r)
	}
	for _, e := range []*example{gone, said} {
		if r, ok := n.attested[e.id]; ok {
			t.Errorf("of one it has not read it says %q", r)
		}
	}
}

func TestACourtRunsUntilItIsTold(t *testing.T) {
	e, n := newExample(t, 1, nil), newNetwork()
	n.add(e, court.Model{Proposed: true})
	of, _, _ := e.mine(t, 1, 7, 30, 12, 9, 2)
	n.open(1, 30, of)
	c := newCourt(t, n, []string{serve(t, e)})
	c.Duty = 900
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	for range 2 { // an attestation and a verdict
		select {
		case <-n.news:
		case <-ctx.Done():
			t.Fatal("it does not do its duty")
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	if len(n.judged) == 0 || n.attested[e.id] != "fit" {
		t.Errorf("%d verdicts, %q of the model", len(n.judged), n.attested[e.id])
	}
}

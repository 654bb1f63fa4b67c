package devnet_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"hearth/chain/adversary"
	"hearth/chain/devnet"
	"hearth/chain/mine"
	"hearth/chain/node"
	"hearth/chain/power"
	"hearth/chain/stage"
	"hearth/chain/work"
	format "hearth/work"
)

// corrupt is the validator whose program does not judge: the test does, in its
// name.
const corrupt = 3

// Four validators, each a process of its own, of which one judges wrongly; an
// honest miner; and a rogue, who tries what package adversary tries. Everything
// is refused or punished, with a reason that anybody can ask for, and the honest
// miner earns.
func TestCheatsMeetARunningNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a network of processes for half a minute")
	}
	h := newHostile(t)
	for _, part := range []struct {
		name string
		do   func(*testing.T)
	}{
		{"a lazy auditor, and one that lies", h.auditors},
		{"forged, stolen and replayed tickets, duplicate jobs, oversized proofs, spam", h.forgeries},
		{"a wrong activation that wins, a cheaper model, claims that are squatted", h.cheats},
		{"honest work is credited meanwhile", h.honest},
	} {
		if !t.Run(part.name, part.do) {
			return
		}
	}
}

// hostile is a network with those who cheat it.
type hostile struct {
	*scene
	*adversary.Kit

	rogue  *stage.Miner
	judge  *node.Signer // of the corrupt validator
	stolen []byte       // a ticket of the honest miner
	jobs   int
}

func newHostile(t *testing.T) *hostile {
	t.Helper()
	kit, err := adversary.NewKit()
	if err != nil {
		t.Fatal(err)
	}
	h := &hostile{Kit: kit, rogue: stage.NewMiner("rogue")}
	plan := devnet.Plan{Validators: 4, Pace: devnet.Fast, ChainID: stage.ChainID} // the stage's people sign for that name
	for _, p := range []*stage.Person{h.rogue.Owner, h.rogue.Hot} {
		plan.Accounts = append(plan.Accounts, devnet.Account{Name: p.Name, Address: p.Address, Coins: stage.Purse, About: "cheats"})
	}
	h.scene = planned(t, plan)
	h.rests(corrupt)
	h.beside("beacon", h.ServeBeacon)
	h.beside("content", h.ServeContent)
	for i := range h.Nodes {
		h.launch(i)
	}
	h.reach(t, front, 2)
	if h.judge, err = h.Connect(corrupt, "operator"); err != nil {
		t.Fatal(err)
	}
	h.beside("the honest miner", func(ctx context.Context) error {
		return h.scene.Mine(ctx, 1, func(mine.Event) {}, h.log)
	})
	h.beside("the client", func(ctx context.Context) error { return h.Order(ctx, h.log) })
	h.takes(t, h.rogue.Owner, &work.MsgRegisterMiner{
		Owner: h.rogue.Owner.Address, Hot: h.rogue.Hot.Address, Executor: h.rogue.Key(), Proof: h.rogue.Proof(), Bond: 20e6,
	})
	return h
}

// front is the node that cheats send to, and that is asked what became of it.
const front = 1

// rests takes from a node the key that it would judge with.
func (s *scene) rests(i int) {
	s.t.Helper()
	file := s.Files(i).AppConfig()
	b, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	with := []byte(`operator = "operator"`)
	if !bytes.Contains(b, with) {
		s.t.Fatalf("%s does not say what key judges", file)
	}
	if err := os.WriteFile(file, bytes.Replace(b, with, []byte(`operator = ""`), 1), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// auditors judges in the corrupt validator's name, once without running a job
// and once the opposite of what is found, claims of the honest miner: both are
// punished, and its tickets credited.
func (h *hostile) auditors(t *testing.T) {
	ask := work.NewQueryClient(h.conns[front])
	owner := h.account("miner")
	lies := []func(*work.QueryTrialResponse) (*work.MsgJudge, error){
		func(res *work.QueryTrialResponse) (*work.MsgJudge, error) {
			return adversary.Lazy(h.judge.Address, res.Trial.Claim), nil
		},
		func(res *work.QueryTrialResponse) (*work.MsgJudge, error) {
			found, err := h.Try(t.Context(), res)
			if err != nil {
				return nil, err
			}
			return adversary.Lie(h.judge.Address, res, found)
		},
	}
	standings := []work.Standing{work.STANDING_LAZY, work.STANDING_WRONG}
	reasons := []string{"without running its job", "wrong verdict"}
	said := map[string]int{} // the manner, by claim
	seen := make([][]byte, len(lies))
	h.until(t, "two claims are judged wrongly and decided rightly", func(ctx context.Context) (bool, error) {
		for claim, manner := range said {
			res, err := ask.Trial(ctx, &work.QueryTrialRequest{Claim: hexed([]byte(claim))})
			if err != nil {
				return false, err
			}
			for _, v := range res.Verdicts {
				if v.Validator == h.judge.Address && v.Standing == standings[manner] && res.Trial.Closed && res.Claim.Status == work.CLAIM_STATUS_SETTLED {
					seen[manner] = []byte(claim)
				}
			}
		}
		if seen[0] != nil && seen[1] != nil {
			return true, nil
		}
		all, err := ask.Trials(ctx, &work.QueryTrialsRequest{})
		if err != nil {
			return false, err
		}
		for _, trial := range all.Trials {
			if _, done := said[string(trial.Claim)]; done || trial.Closed || trial.RevealsUntil > 0 {
				continue
			}
			res, err := ask.Trial(ctx, &work.QueryTrialRequest{Claim: hexed(trial.Claim)})
			if err != nil {
				return false, err
			}
			if res.Claim.Owner != owner || len(res.Tickets) == 0 {
				continue
			}
			h.stolen = res.Tickets[0]
			manner := len(said) % len(lies)
			msg, err := lies[manner](res)
			if err != nil {
				return false, err
			}
			if err := h.judge.Send(ctx, 1_000_000, msg); err != nil {
				return false, err
			}
			said[string(trial.Claim)] = manner
		}
		return false, nil
	})
	for _, claim := range seen {
		h.credited(t, claim)
	}
	res := answer(h.at(t, front, 0), bound(power.NewQueryClient(h.conns[front]).Penalties), &power.QueryPenaltiesRequest{})
	for i, reason := range reasons {
		found := false
		for _, p := range res.Penalties {
			if p.Who != h.judge.Address {
				t.Errorf("%s is punished for %q", p.Who, p.Reason)
			}
			found = found || p.Amount > 0 && strings.Contains(p.Reason, reason) && strings.Contains(p.Reason, hexed(seen[i]))
		}
		if !found {
			t.Errorf("nobody is punished for %q about claim %x: %+v", reason, seen[i], res.Penalties)
		}
	}
}

// credited looks that a claim's tickets are.
func (h *hostile) credited(t *testing.T, claim []byte) {
	t.Helper()
	res := answer(h.at(t, front, 0), bound(work.NewQueryClient(h.conns[front]).Claim), &work.QueryClaimRequest{Key: hexed(claim)})
	for _, ticket := range res.Tickets {
		if ticket.Status != work.TICKET_STATUS_CREDITED {
			t.Errorf("an honest ticket ends %v: %s", ticket.Status, ticket.Reason)
		}
	}
}

// forgeries sends what is refused: most of it before it is in a block.
func (h *hostile) forgeries(t *testing.T) {
	jobs := h.newJobs(t, 2)
	claims := h.claim(t, jobs...)
	j, c := jobs[0], claims[0]
	tickets, receipt, err := h.Kit.Mine(t.Context(), h.rogue, c, j)
	if err == nil {
		tickets, err = h.Passing(c, j, tickets, 2)
	}
	if err != nil || len(tickets) < 2 {
		t.Fatalf("the job has %d tickets: %v", len(tickets), err)
	}
	hot := h.rogue.Hot

	// Forged: a row that was touched, with the old signature and a new one.
	forged := h.forged(t, c, j, tickets[0])
	h.kept(t, string(format.ReasonTarget), hot, 0, h.tickets(c, forged.Encode()))
	forged.Row[0] ^= 1
	h.kept(t, string(format.ReasonSignature), hot, 0, h.tickets(c, forged.Encode()))

	// Another's: for a claim that it was not mined for, and for one that the
	// sender has not made. One that was seen in a block is known besides.
	h.kept(t, "in the chain already", hot, 0, h.tickets(c, h.stolen))
	h.kept(t, string(format.ReasonClaim), hot, 0, h.tickets(claims[1], tickets[0]))
	theirs := answer(h.at(t, front, 0), bound(work.NewQueryClient(h.conns[front]).Claims), &work.QueryClaimsRequest{Owner: h.account("miner")})
	if len(theirs.Claims) == 0 {
		t.Fatal("the honest miner has no claims")
	}
	h.kept(t, "another's", hot, 0, h.tickets(theirs.Claims[0], h.stolen))

	// Replayed.
	h.kept(t, "in the chain already", hot, 0, h.tickets(c, tickets[0], tickets[0]))
	h.takes(t, hot, h.tickets(c, tickets[0]))
	h.kept(t, "in the chain already", hot, 0, h.tickets(c, tickets[0]))

	// Spam: many tickets in a message, and many messages. None costs the pool
	// anything, nor the sender a number.
	many := make([][]byte, 33)
	for i := range many {
		many[i] = tickets[1]
	}
	h.kept(t, "a message has 1 to 32", hot, 0, h.tickets(c, many...))
	before := h.number(t, hot)
	for range 25 {
		f := h.forged(t, c, j, tickets[1])
		h.kept(t, string(format.ReasonTarget), hot, 0, h.tickets(c, f.Encode()))
	}
	if after := h.number(t, hot); after != before {
		t.Errorf("of what was refused, %d are in the chain", after-before)
	}

	// Oversized.
	h.kept(t, work.ErrTicket.Error(), hot, 0, h.tickets(c, append(bytes.Clone(tickets[1]), make([]byte, format.MaxTicketSize)...)))
	h.kept(t, "out of gas", hot, 2_000_000, h.tickets(c, make([]byte, 1<<19)))
	h.fails(t, work.ErrReceipt.Error(), hot, h.delivery(c, make([]byte, 200<<10)))

	// Duplicate: while it is claimed, and with a field that has no effect.
	h.takes(t, hot, h.delivery(c, receipt))
	h.fails(t, work.ErrJob.Error(), hot, h.offer(j))
	other := *j
	other.Sampling.TopK = 3
	h.fails(t, work.ErrJob.Error(), hot, h.offer(&other))
}

// cheats lets the rogue do work that is not what it says, which a block takes.
// Then validators run it again.
func (h *hostile) cheats(t *testing.T) {
	before := h.miner(t, h.rogue.Owner.Address)
	jobs := h.newJobs(t, 3)
	claims := h.claim(t, jobs...)
	ctx := t.Context()

	guessed, err := h.Guess(h.rogue, claims[0], jobs[0])
	if err != nil {
		t.Fatal(err)
	}
	_, receipt, err := h.Kit.Mine(ctx, h.rogue, claims[0], jobs[0])
	if err != nil {
		t.Fatal(err)
	}
	h.takes(t, h.rogue.Hot, h.tickets(claims[0], guessed), h.delivery(claims[0], receipt))

	cheap, receipt, err := h.MineCheaper(ctx, h.rogue, claims[1], jobs[1])
	if err == nil {
		cheap, err = h.Passing(claims[1], jobs[1], cheap, 1)
	}
	if err != nil || len(cheap) == 0 {
		t.Fatalf("the cheaper model has %d tickets that pass tier 0: %v", len(cheap), err)
	}
	h.takes(t, h.rogue.Hot, h.tickets(claims[1], cheap...), h.delivery(claims[1], receipt))

	for i, want := range []struct{ status, claim, ticket string }{
		{"SETTLED", "", string(format.ReasonOtherRow)},
		{"LOST", string(format.ReasonReceipt), string(format.ReasonReceipt)},
		{"LOST", "not delivered in time", ""}, // squatted
	} {
		end := h.ended(t, claims[i])
		if !strings.HasSuffix(end.Claim.Status.String(), want.status) || end.Claim.Reason != want.claim {
			t.Errorf("claim %d ends %v: %q, not %s: %q", i, end.Claim.Status, end.Claim.Reason, want.status, want.claim)
		}
		for _, ticket := range end.Tickets {
			if ticket.Status != work.TICKET_STATUS_VOID || ticket.Reason != want.ticket {
				t.Errorf("a ticket of claim %d ends %v: %q, not for %q", i, ticket.Status, ticket.Reason, want.ticket)
			}
		}
	}
	// A quarter for the ticket and a half for the receipt, in any order, and two
	// deposits.
	after := h.miner(t, h.rogue.Owner.Address)
	if after.Bond > before.Bond*3/8 || after.MegaVoided == 0 {
		t.Errorf("the rogue had a bond of %d and has %d, with %d void", before.Bond, after.Bond, after.MegaVoided)
	}
}

// honest looks that the honest miner lost nothing by all that.
func (h *hostile) honest(t *testing.T) {
	owner := h.account("miner")
	before := answer(h.at(t, front, 1), bound(work.NewQueryClient(h.conns[front].WithHeight(1)).Miner), &work.QueryMinerRequest{Owner: owner})
	now := h.miner(t, owner)
	if now.MegaPaid == 0 || now.MegaVoided > 0 || now.Bond != before.Miner.Bond {
		t.Errorf("the honest miner had a bond of %d and has %d, %d credited and %d void", before.Miner.Bond, now.Bond, now.MegaPaid, now.MegaVoided)
	}
	h.agree(t, h.height(t, front)-1)
}

// newJobs are jobs that nobody has posted.
func (h *hostile) newJobs(t *testing.T, many int) (jobs []*format.Job) {
	t.Helper()
	for range many {
		h.jobs++
		j, err := h.Job(h.jobs)
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, j)
	}
	return jobs
}

// offer posts a job, which the rogue pays for itself.
func (h *hostile) offer(j *format.Job) *work.MsgPostJob {
	return &work.MsgPostJob{Client: h.rogue.Hot.Address, Job: j.Encode(), MaxFee: 1e8}
}

// claim posts jobs and claims them in the same transaction, so that nobody is
// faster, and waits until they may be mined.
func (h *hostile) claim(t *testing.T, jobs ...*format.Job) []work.Claim {
	t.Helper()
	var msgs []sdk.Msg
	claim := &work.MsgClaim{Hot: h.rogue.Hot.Address}
	for _, j := range jobs {
		id := j.ID()
		msgs = append(msgs, h.offer(j))
		claim.Takes = append(claim.Takes, work.Take{Job: id[:]})
	}
	h.takes(t, h.rogue.Hot, append(msgs, claim)...)
	claims := make([]work.Claim, len(jobs))
	h.until(t, "the rogue's claims open", func(ctx context.Context) (bool, error) {
		for i, j := range jobs {
			id := j.ID()
			key := work.ClaimKey(id[:], h.rogue.Key())
			res, err := work.NewQueryClient(h.conns[front]).Claim(ctx, &work.QueryClaimRequest{Key: hexed(key[:])})
			if err != nil || res.Claim.Status != work.CLAIM_STATUS_OPEN {
				return false, err
			}
			claims[i] = res.Claim
		}
		return true, nil
	})
	return claims
}

// ended waits for the end of a claim.
func (h *hostile) ended(t *testing.T, c work.Claim) (end *work.QueryClaimResponse) {
	t.Helper()
	h.until(t, fmt.Sprintf("claim %x ends", c.Key), func(ctx context.Context) (ok bool, err error) {
		end, err = work.NewQueryClient(h.conns[front]).Claim(ctx, &work.QueryClaimRequest{Key: hexed(c.Key)})
		if err != nil {
			return false, err
		}
		return end.Claim.Status == work.CLAIM_STATUS_SETTLED || end.Claim.Status == work.CLAIM_STATUS_LOST, nil
	})
	return end
}

func (h *hostile) miner(t *testing.T, owner string) work.Miner {
	t.Helper()
	return answer(h.at(t, front, 0), bound(work.NewQueryClient(h.conns[front]).Miner), &work.QueryMinerRequest{Owner: owner}).Miner
}

func (h *hostile) tickets(c work.Claim, tickets ...[]byte) *work.MsgSubmitTickets {
	return &work.MsgSubmitTickets{Hot: h.rogue.Hot.Address, Claim: c.Key, Tickets: tickets}
}

func (h *hostile) delivery(c work.Claim, receipt []byte) *work.MsgDeliver {
	return &work.MsgDeliver{Hot: h.rogue.Hot.Address, Claim: c.Key, Receipt: receipt}
}

// forged is a ticket with a touched row, signed anew, that does not win by
// chance.
func (h *hostile) forged(t *testing.T, c work.Claim, j *format.Job, from []byte) *format.Ticket {
	t.Helper()
	f, err := format.DecodeTicket(bytes.Clone(from)) // whose row it shares
	if err != nil {
		t.Fatal(err)
	}
	for i := range f.Row {
		h.jobs++ // another row each time
		at := (i + h.jobs) % len(f.Row)
		f.Row[at] = 128
		f.Sign(h.rogue.Executor)
		wins, err := h.Passing(c, j, [][]byte{f.Encode()}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(wins) == 0 {
			return f
		}
	}
	t.Fatal("every row wins")
	return nil
}

// number is how many transactions of an account are in the chain.
func (h *hostile) number(t *testing.T, p *stage.Person) uint64 {
	t.Helper()
	res := answer(h.at(t, front, 0), bound(authtypes.NewQueryClient(h.conns[front]).AccountInfo), &authtypes.QueryAccountInfoRequest{Address: p.Address})
	p.Number, p.Sequence = res.Info.AccountNumber, res.Info.Sequence
	return p.Sequence
}

// send gives a transaction to a node's pool. It returns its hash, and why the
// pool refuses it, "" if it does not.
func (h *hostile) send(t *testing.T, p *stage.Person, gas uint64, msgs ...sdk.Msg) (hash []byte, refused string) {
	t.Helper()
	h.number(t, p)
	tx, err := p.Transaction(0, gas, msgs...)
	if err != nil {
		t.Fatal(err)
	}
	res, err := h.conns[front].Client.BroadcastTxSync(t.Context(), tx)
	if err != nil {
		return nil, err.Error()
	}
	if res.Code != 0 {
		return nil, res.Log
	}
	return res.Hash, ""
}

// plenty is gas for whatever is sent here.
const plenty = 20_000_000

// included sends messages that a block takes, and returns what they come to.
func (h *hostile) included(t *testing.T, p *stage.Person, msgs ...sdk.Msg) (code uint32, log string) {
	t.Helper()
	hash, refused := h.send(t, p, plenty, msgs...)
	if refused != "" {
		t.Fatalf("%T of %s is not taken into the pool: %s", msgs[0], p.Name, refused)
	}
	h.until(t, fmt.Sprintf("a block has %T of %s", msgs[0], p.Name), func(ctx context.Context) (bool, error) {
		res, err := h.conns[front].Client.Tx(ctx, hash, false)
		if err != nil {
			return false, err
		}
		code, log = res.TxResult.Code, res.TxResult.Log
		return true, nil
	})
	return code, log
}

// takes sends messages that must be taken.
func (h *hostile) takes(t *testing.T, p *stage.Person, msgs ...sdk.Msg) {
	t.Helper()
	if code, log := h.included(t, p, msgs...); code != 0 {
		t.Fatalf("%T of %s is not taken: %s", msgs[0], p.Name, log)
	}
}

// fails sends messages that a block may hold and that must fail, with a reason.
func (h *hostile) fails(t *testing.T, says string, p *stage.Person, msgs ...sdk.Msg) {
	t.Helper()
	if code, log := h.included(t, p, msgs...); code == 0 || !strings.Contains(log, says) {
		t.Errorf("%T of %s: code %d, %q, not refused for %q", msgs[0], p.Name, code, log, says)
	}
}

// kept sends messages that no pool takes, with a reason. Without gas there is
// plenty.
func (h *hostile) kept(t *testing.T, says string, p *stage.Person, gas uint64, msgs ...sdk.Msg) {
	t.Helper()
	if gas == 0 {
		gas = plenty
	}
	if hash, refused := h.send(t, p, gas, msgs...); hash != nil || !strings.Contains(refused, says) {
		t.Errorf("%T of %s: %q, not refused for %q", msgs[0], p.Name, refused, says)
	}
}

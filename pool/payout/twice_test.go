package payout_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/ledger"
	"hearth/pool/payout"
)

// world is all that surrounds a payer, with everything that may go wrong there:
// a process that dies between any two of its steps, a ledger whose answer is
// lost, a wallet whose answer is lost, requests that arrive long after whoever
// sent them is gone, clocks that jump. It counts the money that really moved.
type world struct {
	t       *rapid.T
	entries []ledger.Entry // what is synced
	bodies  []ledger.Body  // the same, decoded
	clock   time.Time      // the payer's
	policy  payout.Policy
	healthy bool // nothing goes wrong any more

	credit  map[string]int64 // what each party was ever owed
	payees  []string
	rails   []payout.Rail
	tickets map[string]*simTicket
	late    []string // tickets that somebody who died asked to be paid
	made    int
	moved   map[string]int // how often money moved, by intent

	payer *payout.Payer
}

// simTicket is what the wallet has under a key.
type simTicket struct {
	key     string
	intents []payout.Intent
	state   payout.State
	expired bool // the wallet will not take it any more
	fee     int64
}

// errCrash ends the process, as a kill would.
var errCrash = errors.New("the process died")

func (w *world) chance(label string, percent int) bool {
	return !w.healthy && rapid.IntRange(0, 99).Draw(w.t, label) >= 100-percent
}

func (w *world) crash(where string) {
	if w.chance("crash "+where, 4) {
		panic(errCrash)
	}
}

// append is the ledger.
func (w *world) append(_ context.Context, entries ...ledger.Entry) error {
	w.crash("before the ledger")
	if w.chance("ledger full", 2) {
		return errors.New("no space left")
	}
	for _, e := range entries {
		body, err := (ledger.Record{Kind: e.Kind, Body: e.Body}).Decode()
		if err != nil {
			w.t.Fatal(err)
		}
		w.entries, w.bodies = append(w.entries, e), append(w.bodies, body)
	}
	w.crash("after the ledger")
	if w.chance("ledger's answer lost", 2) {
		return errors.New("input/output error")
	}
	return nil
}

// start is a new process.
func (w *world) start() {
	book := payout.NewBook("test")
	for i, e := range w.entries {
		if err := book.Apply(ledger.Record{At: e.At, Kind: e.Kind, Subject: e.Subject, Body: e.Body}); err != nil {
			w.t.Fatalf("replay entry %d, %s: %v", i, e.Body, err)
		}
	}
	p, err := payout.NewPayer(book, payout.Config{
		Rails: w.rails, Append: w.append,
		Policy: func() payout.Policy { return w.policy },
		Now:    func() time.Time { return w.clock },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.payer = p
}

// run does something that may be the process's last deed.
func (w *world) run(do func(ctx context.Context) error) {
	defer func() {
		if r := recover(); r != nil {
			if r != errCrash {
				panic(r)
			}
			w.start()
		}
	}()
	if err := do(context.Background()); err != nil {
		if w.healthy {
			w.t.Fatal(err)
		}
		w.start()
	}
}

// balances adds up the ledger's transfers.
func (w *world) balances() map[string]int64 {
	sum := make(map[string]int64)
	for party, msat := range w.credit {
		sum["party:"+party] = msat
	}
	for _, body := range w.bodies {
		if t, ok := body.(ledger.Transfer); ok {
			for _, p := range t.Entries {
				sum[p.Account] += p.Millisats
			}
		}
	}
	return sum
}

func (w *world) dues() []payout.Due {
	sum := w.balances()
	var dues []payout.Due
	for i, party := range w.payees {
		dues = append(dues, payout.Due{
			Party: party, Rail: w.rails[i%len(w.rails)].Name(), To: "to " + party,
			Millisats: sum["party:"+party], Threshold: 10_000,
		})
	}
	return dues
}

// last returns the last record of each intent.
func (w *world) last() map[string]ledger.Payout {
	last := make(map[string]ledger.Payout)
	for _, body := range w.bodies {
		if p, ok := body.(ledger.Payout); ok {
			p.MaxFee = max(p.MaxFee, last[p.ID].MaxFee)
			last[p.ID] = p
		}
	}
	return last
}

// check is what must hold at every moment.
func (w *world) check() {
	sum := w.balances()
	last := w.last()
	for id, n := range w.moved {
		if n > 1 {
			w.t.Fatalf("intent %s was paid %d times", id, n)
		}
		switch s := last[id].State; s {
		case ledger.PayoutSent, ledger.PayoutUnknown, ledger.PayoutPaid:
		default:
			w.t.Fatalf("money moved for intent %s, which is %q", id, s)
		}
	}
	var out int64
	for id, p := range last {
		want := p.Millisats
		if p.State == ledger.PayoutFailed {
			want = 0
		}
		if got := sum["payout:"+id]; got != want {
			w.t.Fatalf("%d msat lie on the account of intent %s, which is %s with %d msat", got, id, p.State, p.Millisats)
		}
		if p.State == ledger.PayoutPaid && w.moved[id] != 1 {
			w.t.Fatalf("intent %s is paid, and no money moved", id)
		}
		switch {
		case p.State == ledger.PayoutPaid:
			out += p.Millisats + p.Fee
		case p.State != ledger.PayoutFailed:
			out += p.Millisats + p.MaxFee
		}
		if p.Millisats+p.MaxFee > w.policy.Limits.Intent {
			w.t.Fatalf("intent %s is above the limit", id)
		}
	}
	if out > w.policy.Limits.Total {
		w.t.Fatalf("%d msat went out or may, the limit is %d", out, w.policy.Limits.Total)
	}
	for _, party := range w.payees {
		if got := sum["party:"+party]; got < 0 {
			w.t.Fatalf("%s owes %d msat", party, -got)
		}
	}
	fees := make(map[string]int64)
	for _, p := range last {
		if p.State == ledger.PayoutPaid {
			fees[p.Ticket] += p.Fee
		}
	}
	for key, fee := range fees {
		if want := w.tickets[key].fee; fee != want {
			w.t.Fatalf("paying %s cost %d msat, and %d are shared", key, want, fee)
		}
	}
	if got := w.payer.Out(); got != out {
		w.t.Fatalf("the book counts %d msat, the records %d", got, out)
	}
}

// restart is a start after a quiet end: a new process knows all that the old
// one knew.
func (w *world) restart() {
	plain := func(list []payout.Status) []payout.Status {
		for i := range list {
			list[i].Next, list[i].Why = time.Time{}, ""
		}
		return list
	}
	before := plain(w.payer.Open())
	w.start()
	if diff := cmp.Diff(before, plain(w.payer.Open())); diff != "" {
		w.t.Fatalf("a new start knows something else:\n%s", diff)
	}
}

// sim is a wallet.
type sim struct {
	w    *world
	name string
}

func (s sim) Name() string { return s.name }

func (s sim) Prepare(ctx context.Context, in payout.Intent) (payout.Ticket, error) {
	return s.prepare(ctx, []payout.Intent{in})
}

func (s sim) prepare(_ context.Context, list []payout.Intent) (payout.Ticket, error) {
	w := s.w
	w.crash("before prepare")
	switch {
	case w.chance("prepare fails", 15):
		return payout.Ticket{}, errors.New("nobody answers")
	case w.chance("refused", 5):
		one := list[rapid.IntRange(0, len(list)-1).Draw(w.t, "which")]
		return payout.Ticket{}, fmt.Errorf("dust: %w", &payout.Refusal{ID: one.ID, Why: "dust"})
	case w.chance("an old ticket", 10):
		// As a server that hands out one invoice twice. Only before somebody
		// was asked to pay it may it be for another intent.
		if k := w.tickets[fmt.Sprintf("%s-%d", s.name, rapid.IntRange(1, w.made+1).Draw(w.t, "old"))]; k != nil {
			if !w.sent(k) {
				k.intents = list
			}
			return payout.Ticket{Key: k.key, Data: []byte(s.name)}, nil
		}
	}
	w.made++
	k := &simTicket{key: fmt.Sprintf("%s-%d", s.name, w.made), intents: list, state: payout.Unsent}
	w.tickets[k.key] = k
	w.crash("after prepare")
	return payout.Ticket{Key: k.key, Data: []byte(s.name)}, nil
}

// sent tells whether a ticket was ever to be paid.
func (w *world) sent(k *simTicket) bool {
	return slices.ContainsFunc(w.bodies, func(body ledger.Body) bool {
		p, ok := body.(ledger.Payout)
		return ok && p.Ticket == k.key && p.State != ledger.PayoutPrepared && p.State != ledger.PayoutFailed
	})
}

// arrive is a request to pay, at the wallet.
func (w *world) arrive(k *simTicket) payout.Outcome {
	switch {
	case k.state == payout.Paid, k.state == payout.Pending:
	case k.expired:
		k.state = payout.Failed
	default:
		switch rapid.IntRange(0, 3).Draw(w.t, "pays") {
		case 0, 1:
			w.move(k)
		case 2:
			k.state = payout.Pending
		case 3: // no route now
		}
	}
	return w.known(k)
}

func (w *world) move(k *simTicket) {
	k.state = payout.Paid
	most := int64(1 << 40)
	for _, in := range k.intents {
		w.moved[in.ID]++
		most = min(most, in.MaxFee)
	}
	k.fee = rapid.Int64Range(0, most*int64(len(k.intents))).Draw(w.t, "fee")
}

func (w *world) known(k *simTicket) payout.Outcome {
	o := payout.Outcome{State: k.state, Why: "so it is"}
	if k.state == payout.Paid {
		o.Fee, o.Proof = k.fee, k.key
	}
	return o
}

func (s sim) Pay(_ context.Context, t payout.Ticket) (payout.Outcome, error) {
	w := s.w
	k := w.ticket(s, t)
	if w.policy.Stop {
		w.t.Fatalf("asked to pay %s while payments are stopped", t.Key)
	}
	if w.chance("the request is slow", 10) {
		w.late = append(w.late, k.key)
		w.crash("request on its way")
		return payout.Outcome{}, errors.New("timeout")
	}
	w.crash("before pay")
	o := w.arrive(k)
	w.crash("after pay")
	if w.chance("the answer is lost", 15) {
		return payout.Outcome{}, errors.New("timeout")
	}
	return o, nil
}

func (s sim) Look(_ context.Context, t payout.Ticket) (payout.Outcome, error) {
	w := s.w
	k := w.ticket(s, t)
	w.crash("before look")
	if w.chance("look fails", 15) {
		return payout.Outcome{}, errors.New("timeout")
	}
	o := w.known(k)
	w.crash("after look")
	return o, nil
}

func (w *world) ticket(s sim, t payout.Ticket) *simTicket {
	k := w.tickets[t.Key]
	if k == nil || string(t.Data) != s.name {
		w.t.Fatalf("%s never made the ticket %s with %q", s.name, t.Key, t.Data)
	}
	for _, in := range k.intents {
		if got := w.last()[in.ID]; got.State != ledger.PayoutSent && got.State != ledger.PayoutUnknown {
			w.t.Fatalf("%s was asked about intent %s, which is %s in the ledger", s.name, in.ID, got.State)
		}
	}
	return k
}

// batches is a wallet that pays several at once.
type batches struct{ sim }

func (b batches) PrepareBatch(ctx context.Context, list []payout.Intent) (payout.Ticket, error) {
	return b.prepare(ctx, list)
}

func TestNothingIsPaidTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{
			t: t, clock: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC),
			payees: []string{"farm/host", "farm/operator", "farm/bank", "hut/host"},
			credit: make(map[string]int64), tickets: make(map[string]*simTicket), moved: make(map[string]int),
			policy: payout.Policy{
				Rails: map[string]payout.Terms{
					"fast":  {Minimum: 1000, FeeBase: 2, FeePPM: 5000},
					"batch": {Minimum: 1000, FeeBase: 3, Batch: 3, Gather: time.Minute},
				},
				Limits: payout.Limits{Intent: 40_000, Day: 60_000, Total: 200_000},
			},
		}
		w.rails = []payout.Rail{sim{w, "fast"}, batches{sim{w, "batch"}}}
		w.start()
		pick := func(label string) string { return rapid.SampledFrom(w.payees).Draw(t, label) }
		t.Repeat(map[string]func(*rapid.T){
			"":     func(*rapid.T) { w.check() },
			"earn": func(*rapid.T) { w.credit[pick("who")] += rapid.Int64Range(1, 30_000).Draw(t, "msat") },
			"begin": func(*rapid.T) {
				w.run(func(ctx context.Context) error {
					_, _, err := w.payer.Begin(ctx, w.dues())
					return err
				})
			},
			"step": func(*rapid.T) { w.run(w.payer.Step) },
			"a day goes by": func(*rapid.T) {
				for range 6 {
					w.clock = w.clock.Add(4 * time.Hour)
					w.credit[pick("who")] += 12_000
					w.run(func(ctx context.Context) error {
						_, _, err := w.payer.Begin(ctx, w.dues())
						return err
					})
					w.run(w.payer.Step)
				}
			},
			"crash": func(*rapid.T) { w.restart() },
			"time": func(*rapid.T) {
				w.clock = w.clock.Add(time.Duration(rapid.Int64Range(-3600, 90_000).Draw(t, "seconds")) * time.Second)
			},
			"stop": func(*rapid.T) { w.policy.Stop = !w.policy.Stop },
			"cancel": func(*rapid.T) {
				if open := w.payer.Open(); len(open) > 0 {
					w.run(func(ctx context.Context) error {
						err := w.payer.Cancel(ctx, rapid.SampledFrom(open).Draw(t, "which").ID, "changed my mind")
						if err != nil && strings.Contains(err.Error(), "was sent") {
							return nil
						}
						return err
					})
				}
			},
			"a request arrives late": func(*rapid.T) {
				if n := len(w.late); n > 0 {
					i := rapid.IntRange(0, n-1).Draw(t, "which")
					w.arrive(w.tickets[w.late[i]])
					w.late = slices.Delete(w.late, i, i+1)
				}
			},
			"the network resolves": func(*rapid.T) {
				for _, key := range slices.Sorted(maps.Keys(w.tickets)) {
					switch k := w.tickets[key]; {
					case k.state == payout.Pending && rapid.Bool().Draw(t, "arrives"):
						w.move(k)
					case k.state == payout.Pending && rapid.Bool().Draw(t, "comes back"):
						k.state = payout.Unsent
					case rapid.IntRange(0, 9).Draw(t, "expires") == 0:
						k.expired = true
						if k.state == payout.Unsent && rapid.Bool().Draw(t, "is given up") {
							k.state = payout.Failed
						}
					}
				}
			},
		})
		w.settleDown()
	})
}

// settleDown lets everything work again, and everybody be paid.
func (w *world) settleDown() {
	w.healthy = true
	w.policy.Stop = false
	w.policy.Limits = payout.Limits{Intent: 1 << 40, Day: 1 << 40, Total: 1 << 40}
	w.start()
	var held []payout.Held
	for range 400 {
		for _, key := range slices.Sorted(maps.Keys(w.tickets)) {
			switch k := w.tickets[key]; {
			case k.state == payout.Pending:
				w.move(k)
			case k.expired && k.state == payout.Unsent:
				k.state = payout.Failed
			}
		}
		for _, key := range w.late {
			w.arrive(w.tickets[key])
		}
		w.late = nil
		w.clock = w.clock.Add(25 * time.Hour)
		w.run(w.payer.Step)
		w.run(func(ctx context.Context) error {
			_, h, err := w.payer.Begin(ctx, w.dues())
			held = h
			return err
		})
		w.check()
		waits := func(h payout.Held) bool { return !h.Until.IsZero() }
		if len(w.payer.Open()) == 0 && !slices.ContainsFunc(held, waits) {
			break
		}
	}
	if open := w.payer.Open(); len(open) > 0 {
		w.t.Fatalf("everything works, and %d payments do not end, such as %+v", len(open), open[0])
	}
	for party, msat := range w.balances() {
		if strings.HasPrefix(party, "party:") && msat >= 11_000 {
			w.t.Fatalf("everything works, and %s is still owed %d msat: %+v", party, msat, held)
		}
	}
}

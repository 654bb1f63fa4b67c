package phoenixd_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/pool/payout"
	"hearth/pool/payout/bolt11"
	"hearth/pool/payout/payouttest"
	"hearth/pool/payout/phoenixd"
)

// world is a wallet, a network and a clock that the test moves.
type world struct {
	t       *testing.T
	wallet  *wallet
	network *payouttest.Network
	mu      sync.Mutex
	at      time.Time
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, at: time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)}
	w.network = payouttest.NewNetwork(w.now)
	w.wallet = serve(t, w.network, w.now)
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

// run is one process of Hearth: its rail knows nothing of others.
func (w *world) run() *phoenixd.Rail {
	w.t.Helper()
	r, err := phoenixd.New(phoenixd.Config{URL: w.wallet.URL, Password: password, Network: bolt11.Regtest, Now: w.now})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

const msat = 245_000

func (w *world) invoice() (string, bolt11.Hash) {
	return w.network.Mint(msat, payouttest.Terms{Describe: "heat"})
}

func intent(to string) payout.Intent {
	return payout.Intent{ID: "home/alice/2026-10", Party: "alice", Rail: "phoenixd", To: to, Millisats: msat, MaxFee: 5000}
}

func (w *world) prepare(r *phoenixd.Rail, to string) payout.Ticket {
	w.t.Helper()
	ticket, err := r.Prepare(w.t.Context(), intent(to))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := ticket.Check(); err != nil {
		w.t.Fatal(err)
	}
	return ticket
}

func (w *world) want(o payout.Outcome, err error, s payout.State) {
	w.t.Helper()
	if err != nil || o.State != s {
		w.t.Errorf("%s (%s), %v; want %s", o.State, o.Why, err, s)
	}
}

func (w *world) moved(times int) {
	w.t.Helper()
	if got := w.network.Total(); got != int64(times)*msat {
		w.t.Errorf("%d msat have moved, want %d times %d", got, times, msat)
	}
}

func TestAnInvoiceIsPaid(t *testing.T) {
	w := newWorld(t)
	r := w.run()
	to, hash := w.invoice()
	ticket := w.prepare(r, to)
	if ticket.Key != hash.String() {
		t.Errorf("the ticket's key is %s", ticket.Key)
	}
	o, err := r.Look(t.Context(), ticket)
	w.want(o, err, payout.Unsent)
	w.moved(0)
	o, err = r.Pay(t.Context(), ticket)
	w.want(o, err, payout.Paid)
	in, _ := bolt11.Decode(to)
	if o.Fee != 5000 || !in.Paid(o.Proof) {
		t.Errorf("fee %d, proof %s", o.Fee, o.Proof)
	}
	for range 3 {
		o, err = r.Pay(t.Context(), ticket)
		w.want(o, err, payout.Paid)
		o, err = r.Look(t.Context(), ticket)
		w.want(o, err, payout.Paid)
	}
	w.moved(1)
}

// The answer is lost after the money has moved: the next run looks and finds it.
func TestALostAnswerIsFound(t *testing.T) {
	w := newWorld(t)
	r := w.run()
	to, _ := w.invoice()
	ticket := w.prepare(r, to)
	w.wallet.set(func() { w.wallet.mute = 1 })
	if o, err := r.Pay(t.Context(), ticket); err == nil {
		t.Errorf("the answer is lost, and it says %+v", o)
	}
	next := w.run()
	o, err := next.Look(t.Context(), ticket)
	w.want(o, err, payout.Paid)
	o, err = next.Pay(t.Context(), ticket)
	w.want(o, err, payout.Paid)
	w.moved(1)
	if w.wallet.asked("/payinvoice") != 1 {
		t.Errorf("asked to pay %d times", w.wallet.asked("/payinvoice"))
	}
}

// A connection may break while phoenixd has read the request and not begun it:
// the list shows nothing yet, and is not believed at once.
func TestARequestThatWasCutOffRests(t *testing.T) {
	w := newWorld(t)
	late, obeyed := make(chan struct{}), make(chan struct{})
	w.wallet.set(func() { w.wallet.careless, w.wallet.late, w.wallet.obeyed = true, late, obeyed })
	r := w.run()
	to, _ := w.invoice()
	ticket := w.prepare(r, to)
	if o, err := r.Pay(t.Context(), ticket); err == nil {
		t.Errorf("the answer is lost, and it says %+v", o)
	}
	for range 2 {
		o, err := r.Look(t.Context(), ticket)
		w.want(o, err, payout.Unknown)
		o, err = r.Pay(t.Context(), ticket)
		w.want(o, err, payout.Unknown)
	}
	close(late)
	<-obeyed
	o, err := r.Pay(t.Context(), ticket)
	w.want(o, err, payout.Paid)
	w.moved(1)
	if w.wallet.asked("/payinvoice") != 1 {
		t.Errorf("asked to pay %d times", w.wallet.asked("/payinvoice"))
	}

	// A request that never arrived is made again when it has rested.
	to, _ = w.invoice()
	ticket = w.prepare(r, to)
	late, obeyed = make(chan struct{}), make(chan struct{})
	w.wallet.set(func() { w.wallet.late, w.wallet.obeyed = late, obeyed })
	if o, err := r.Pay(t.Context(), ticket); err == nil {
		t.Errorf("the answer is lost, and it says %+v", o)
	}
	w.pass(61 * time.Second)
	o, err = r.Look(t.Context(), ticket)
	w.want(o, err, payout.Unsent)
	o, err = r.Pay(t.Context(), ticket)
	w.want(o, err, payout.Paid)
	close(late) // it arrives after all
	<-obeyed
	w.moved(2)
}

// A payee may hold a payment for days. Others are paid meanwhile.
func TestAHeldPaymentIsNotWaitedFor(t *testing.T) {
	w := newWorld(t)
	hold := make(chan struct{})
	w.wallet.set(func() { w.wallet.hold = hold })
	r, err := phoenixd.New(phoenixd.Config{URL: w.wallet.URL, Password: password, Network: bolt11.Regtest, Now: w.now, Wait: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	to, _ := w.invoice()
	ticket := w.prepare(r, to)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 2 {
		o, err := r.Pay(ctx, ticket)
		w.want(o, err, payout.Pending)
	}
	w.pass(30 * time.Minute)
	o, err := r.Look(ctx, ticket)
	w.want(o, err, payout.Pending)
	close(hold)
	for o.State != payout.Paid && ctx.Err() == nil {
		if o, err = r.Look(ctx, ticket); err != nil {
			t.Fatal(err)
		}
	}
	w.moved(1)
	if w.wallet.asked("/payinvoice") != 1 {
		t.Errorf("asked to pay %d times", w.wallet.asked("/payinvoice"))
	}
}

// The owner may set up another phoenixd while a payment is under way. That its
// list does not show the payment says nothing.
func TestAnotherNodeCannotTell(t *testing.T) {
	w := newWorld(t)
	w.wallet.set(func() { w.wallet.mute = 1 })
	r := w.run()
	to, _ := w.invoice()
	ticket := w.prepare(r, to)
	if o, err := r.Pay(t.Context(), ticket); err == nil {
		t.Errorf("the answer is lost, and it says %+v", o)
	}
	w.moved(1)
	first := w.wallet
	w.wallet = serve(t, w.network, w.now)
	w.wallet.id = "03" + strings.Repeat("cd", 32)
	next := w.run()
	w.pass(61 * time.Second)
	for range 2 {
		o, err := next.Pay(t.Context(), ticket)
		w.want(o, err, payout.Unknown)
		w.pass(2 * time.Hour)
		o, err = next.Look(t.Context(), ticket)
		w.want(o, err, payout.Unknown)
		if !strings.Contains(o.Why, "another node") {
			t.Errorf("why: %s", o.Why)
		}
	}
	if n := w.wallet.asked("/payinvoice"); n != 0 {
		t.Errorf("the other node is asked to pay %d times", n)
	}
	w.wallet = first
	o, err := w.run().Look(t.Context(), ticket)
	w.want(o, err, payout.Paid)
	w.moved(1)
}

// While the first request hangs, a version that does not notice is asked
// nothing more: neither by this process nor, while it is pending, by the next.
func TestAPaymentUnderWayIsNotRepeated(t *testing.T) {
	w := newWorld(t)
	hold := make(chan struct{})
	w.wallet.set(func() { w.wallet.careless, w.wallet.hold = true, hold })
	r := w.run()
	to, _ := w.invoice()
	ticket := w.prepare(r, to)
	ctx, die := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := r.Pay(ctx, ticket)
		first <- err
	}()
	<-w.wallet.arrived
	o, err := r.Pay(t.Context(), ticket)
	w.want(o, err, payout.Pending)
	o, err = r.Look(t.Context(), ticket)
	w.want(o, err, payout.Pending)
	die() // the process is gone; phoenixd pays on
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	next := w.run()
	o, err = next.Pay(t.Context(), ticket)
	w.want(o, err, payout.Pending)
	close(hold)
	for o.State != payout.Paid && t.Context().Err() == nil {
		if o, err = next.Look(t.Context(), ticket); err != nil {
			t.Fatal(err)
		}
	}
	w.moved(1)
	if w.wallet.asked("/payinvoice") != 1 {
		t.Errorf("asked to pay %d times", w.wallet.asked("/payinvoice"))
	}
}

// A request that a dead process left behind may not have shown in the list
// yet. The next run lets the ticket rest before it believes the list.
func TestATicketOfAnEarlierRunRests(t *testing.T) {
	w := newWorld(t)
	to, _ := w.invoice()
	ticket := w.prepare(w.run(), to)
	next := w.run()
	for range 2 {
		o, err := next.Look(t.Context(), ticket)
		w.want(o, err, payout.Unknown)
		o, err = next.Pay(t.Context(), ticket)
		w.want(o, err, payout.Unknown)
	}
	w.moved(0)
	w.pass(61 * time.Second)
	o, err := next.Look(t.Context(), ticket)
	w.want(o, err, payout.Unsent)
	o, err = next.Pay(t.Context(), ticket)
	w.want(o, err, payout.Paid)
	w.moved(1)
}

// Another intent of this run may come with the very invoice that an earlier run
// began to pay. That says nothing of the earlier request.
func TestATicketOfAnEarlierRunRestsThoughItsInvoiceComesAgain(t *testing.T) {
	w := newWorld(t)
	to, _ := w.invoice()
	ticket := w.prepare(w.run(), to)
	next := w.run()
	again := w.prepare(next, to)
	o, err := next.Look(t.Context(), ticket)
	w.want(o, err, payout.Unknown)
	o, err = next.Pay(t.Context(), ticket)
	w.want(o, err, payout.Unknown)
	w.moved(0)
	o, err = next.Look(t.Context(), again)
	w.want(o, err, payout.Unsent)
}

// A payee who dates an invoice days ahead must not have its payment looked for
// in days to come only, where it is not: it would be taken for failed.
func TestAnInvoiceOfDaysToCome(t *testing.T) {
	w := newWorld(t)
	w.pass(3 * 24 * time.Hour)
	to, _ := w.invoice()
	w.pass(-3 * 24 * time.Hour)
	r := w.run()
	ticket, err := r.Prepare(t.Context(), intent(to))
	if errors.Is(err, payout.ErrRefused) && strings.Contains(err.Error(), "2026-10-04T12:00:00Z") {
		return
	}
	t.Errorf("not refused: %v", err)
	w.wallet.set(func() { w.wallet.mute = 1 })
	if o, err := r.Pay(t.Context(), ticket); err == nil {
		t.Errorf("the answer is lost, and it says %+v", o)
	}
	w.moved(1)
	w.pass(3*24*time.Hour + 2*time.Hour)
	o, err := r.Look(t.Context(), ticket)
	w.want(o, err, payout.Paid)
}

func TestAFailureIsTriedAgainUntilTheInvoiceExpires(t *testing.T) {
	for _, careless := range []bool{false, true} { // true: it calls failures paid
		w := newWorld(t)
		w.wallet.set(func() { w.wallet.fail, w.wallet.careless = "recipient unreachable", careless })
		r := w.run()
		to, _ := w.invoice()
		ticket := w.prepare(r, to)
		for range 2 {
			o, err := r.Pay(t.Context(), ticket)
			w.want(o, err, payout.Unsent)
			if !strings.Contains(o.Why, "unreachable") {
				t.Errorf("why: %s", o.Why)
			}
		}
		w.pass(2 * time.Hour)
		o, err := r.Look(t.Context(), ticket)
		w.want(o, err, payout.Failed)
		if !strings.Contains(o.Why, "2 times in vain") {
			t.Errorf("why: %s", o.Why)
		}
		w.wallet.set(func() { w.wallet.fail = "" })
		o, err = r.Pay(t.Context(), ticket)
		w.want(o, err, payout.Failed)
		w.moved(0)
	}
}

// A payment that failed once and was paid later is paid, wherever it stands in
// a list of several pages.
func TestALongListIsSearchedToItsEnd(t *testing.T) {
	w := newWorld(t)
	r := w.run()
	to, hash := w.invoice()
	ticket := w.prepare(r, to)
	w.wallet.set(func() { w.wallet.fail = "no route" })
	o, err := r.Pay(t.Context(), ticket)
	w.want(o, err, payout.Unsent)
	w.wallet.set(func() { w.wallet.fail = "" })
	o, err = r.Pay(t.Context(), ticket)
	w.want(o, err, payout.Paid)
	w.wallet.set(func() {
		done := int64(1)
		for range 250 {
			w.wallet.list = append(w.wallet.list, &listed{PaymentHash: strings.Repeat("0", 64), CompletedAt: &done, CreatedAt: w.now().UnixMilli()})
		}
		w.wallet.list = append(w.wallet.list, &listed{PaymentHash: hash.String(), CompletedAt: &done, CreatedAt: w.now().UnixMilli()})
	})
	o, err = r.Look(t.Context(), ticket)
	w.want(o, err, payout.Paid)
}

func TestWhatCannotBePaidIsRefused(t *testing.T) {
	w := newWorld(t)
	r := w.run()
	good, _ := w.invoice()
	other, _ := w.network.Mint(msat+1, payouttest.Terms{})
	mainnet, _ := w.network.Mint(msat, payouttest.Terms{Network: bolt11.Mainnet})
	short, _ := w.network.Mint(msat, payouttest.Terms{Expiry: 10 * time.Second})
	with := func(to string, f func(*payout.Intent)) payout.Intent {
		in := intent(to)
		if f != nil {
			f(&in)
		}
		return in
	}
	for name, in := range map[string]payout.Intent{
		"another amount":       with(other, nil),
		"another network":      with(mainnet, nil),
		"an invoice that ends": with(short, nil),
		"a Lightning address":  with("alice@example.com", nil),
		"nonsense":             with("", nil),
		"a fee too small":      with(good, func(in *payout.Intent) { in.MaxFee = 4979 }),
		"a bad offer":          with("lno1bad", nil),
		"half a sat":           with("lno1good", func(in *payout.Intent) { in.Millisats = 245_500 }),
	} {
		if ticket, err := r.Prepare(t.Context(), in); !errors.Is(err, payout.ErrRefused) {
			t.Errorf("%s: %+v, %v", name, ticket, err)
		}
	}
	if _, err := r.Prepare(t.Context(), with(good, func(in *payout.Intent) { in.MaxFee = 4980 })); err != nil {
		t.Error(err)
	}
	w.moved(0)
}

func TestAnOfferIsTriedOnce(t *testing.T) {
	t.Run("and paid", func(t *testing.T) {
		w := newWorld(t)
		r := w.run()
		ticket := w.prepare(r, "lno1good")
		o, err := r.Look(t.Context(), ticket)
		w.want(o, err, payout.Unsent)
		for range 2 {
			o, err = r.Pay(t.Context(), ticket)
			w.want(o, err, payout.Paid)
		}
		if o.Fee != 6000 {
			t.Errorf("fee %d", o.Fee)
		}
		w.moved(1)
	})
	t.Run("and fails", func(t *testing.T) {
		w := newWorld(t)
		r := w.run()
		w.wallet.set(func() { w.wallet.fail = "offer timed out" })
		ticket := w.prepare(r, "lno1good")
		for range 2 {
			o, err := r.Pay(t.Context(), ticket)
			w.want(o, err, payout.Failed)
		}
		if w.wallet.asked("/payoffer") != 1 {
			t.Errorf("asked %d times", w.wallet.asked("/payoffer"))
		}
	})
	t.Run("and is unknown when the answer is lost", func(t *testing.T) {
		w := newWorld(t)
		r := w.run()
		w.wallet.set(func() { w.wallet.mute = 1 })
		ticket := w.prepare(r, "lno1good")
		if o, err := r.Pay(t.Context(), ticket); err == nil {
			t.Errorf("%+v", o)
		}
		for _, run := range []*phoenixd.Rail{r, w.run()} {
			w.pass(time.Hour)
			o, err := run.Pay(t.Context(), ticket)
			w.want(o, err, payout.Unknown)
			o, err = run.Look(t.Context(), ticket)
			w.want(o, err, payout.Unknown)
			if !strings.Contains(o.Why, "look into the wallet") {
				t.Errorf("why: %s", o.Why)
			}
		}
		w.moved(1)
		if w.wallet.asked("/payoffer") != 1 {
			t.Errorf("asked %d times", w.wallet.asked("/payoffer"))
		}
	})
}

func TestAWalletThatIsNotThereMovesNothing(t *testing.T) {
	w := newWorld(t)
	to, _ := w.invoice()
	r := w.run()
	ticket := w.prepare(r, to)
	wrong, err := phoenixd.New(phoenixd.Config{URL: w.wallet.URL, Password: "wrong", Network: bolt11.Regtest, Now: w.now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wrong.Pay(t.Context(), ticket); err == nil || !strings.Contains(err.Error(), "http-password") || strings.Contains(err.Error(), "wrong") {
		t.Error(err)
	}
	w.wallet.Close()
	if o, err := r.Pay(t.Context(), ticket); err == nil {
		t.Errorf("%+v", o)
	}
	w.moved(0)
	for _, url := range []string{"", "127.0.0.1:9740", "ftp://a", "http://user:pass@a", "http://"} {
		if _, err := phoenixd.New(phoenixd.Config{URL: url}); err == nil {
			t.Errorf("%q is taken for an address", url)
		}
	}
	for _, data := range []string{"", "{}", `{"invoice":"lnbc1"}`, `{"invoice":"` + to + `"}`} {
		if _, err := r.Look(t.Context(), payout.Ticket{Key: "x", Data: []byte(data)}); err == nil {
			t.Errorf("%q is taken for a ticket", data)
		}
	}
}

// Whatever phoenixd answers, nothing is taken for paid without its preimage.
func FuzzAnswers(f *testing.F) {
	f.Add(`{"paymentHash":"00","paymentPreimage":"00","routingFeeSat":1}`, `[{"paymentHash":"00","isPaid":true,"completedAt":1}]`)
	f.Add(`{"reason":"x"}`, `[]`)
	f.Fuzz(fuzzAnswers)
}

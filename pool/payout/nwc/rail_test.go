package nwc

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/pool/payout"
	"hearth/pool/payout/bolt11"
	"hearth/pool/payout/payouttest"
)

const msat = 245_000

// world is a wallet behind a relay, a network, and a clock that the test moves.
type world struct {
	t       *testing.T
	s       *service
	network *payouttest.Network
	mu      sync.Mutex
	at      time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, at: time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)}
	w.network = payouttest.NewNetwork(w.now)
	w.s = serve(t, w.network, w.now)
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

// run is one process of Hearth.
func (w *world) run(relays ...string) *Rail {
	w.t.Helper()
	r, err := New(Config{Connection: w.s.connection(relays...), Network: bolt11.Regtest, Now: w.now})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) intent(terms payouttest.Terms) payout.Intent {
	to, _ := w.network.Mint(msat, terms)
	return payout.Intent{ID: "home/alice/2026-10", Party: "alice", Rail: "nwc", To: to, Millisats: msat, MaxFee: 5000}
}

func (w *world) prepare(r *Rail) payout.Ticket {
	w.t.Helper()
	ticket, err := r.Prepare(w.t.Context(), w.intent(payouttest.Terms{Describe: "heat"}))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := ticket.Check(); err != nil {
		w.t.Fatal(err)
	}
	return ticket
}

// pay calls Pay and gives up waiting soon.
func (w *world) pay(r *Rail, t payout.Ticket) (payout.Outcome, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
	defer cancel()
	return r.Pay(ctx, t)
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
	ticket := w.prepare(r)
	o, err := r.Look(t.Context(), ticket)
	w.want(o, err, payout.Unsent)
	w.moved(0)
	for range 3 {
		o, err = r.Pay(t.Context(), ticket)
		w.want(o, err, payout.Paid)
		o, err = r.Look(t.Context(), ticket)
		w.want(o, err, payout.Paid)
	}
	if in, _ := read(ticket); o.Fee != 1234 || !in.Paid(o.Proof) {
		t.Errorf("%+v", o)
	}
	w.moved(1)
	if w.s.called("pay_invoice") != 1 {
		t.Errorf("asked to pay %d times", w.s.called("pay_invoice"))
	}
}

func TestALostAnswerIsFound(t *testing.T) {
	for _, forgetful := range []bool{false, true} {
		w := newWorld(t)
		r := w.run()
		ticket := w.prepare(r)
		w.s.set(func() { w.s.mute, w.s.forgetful = 1, forgetful })
		if o, err := w.pay(r, ticket); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%+v, %v", o, err)
		}
		for _, run := range []*Rail{r, w.run()} {
			o, err := run.Pay(t.Context(), ticket)
			w.want(o, err, payout.Paid)
		}
		w.moved(1)
		if w.s.called("pay_invoice") != 1 {
			t.Errorf("asked to pay %d times", w.s.called("pay_invoice"))
		}
	}
}

// A wallet that tells only of what is settled says that it does not know a
// payment under way. That is not believed before the request has expired, and
// never taken for a failure.
func TestNotFoundIsNotFailed(t *testing.T) {
	w := newWorld(t)
	w.s.set(func() { w.s.hold, w.s.forgetful, w.s.mute = true, true, 1 })
	r := w.run()
	ticket := w.prepare(r)
	if _, err := w.pay(r, ticket); err == nil {
		t.Error("the answer is lost")
	}
	for _, run := range []*Rail{r, w.run()} {
		o, err := run.Pay(t.Context(), ticket)
		w.want(o, err, payout.Unknown)
	}
	w.pass(121 * time.Second)
	o, err := r.Look(t.Context(), ticket)
	w.want(o, err, payout.Unsent)
	o, err = r.Pay(t.Context(), ticket) // the node still knows, and refuses
	w.want(o, err, payout.Unsent)
	w.pass(2 * time.Hour)
	for _, run := range []*Rail{r, w.run()} {
		o, err = run.Look(t.Context(), ticket)
		w.want(o, err, payout.Unknown)
	}
	w.pass(10 * 24 * time.Hour)
	o, err = r.Look(t.Context(), ticket)
	w.want(o, err, payout.Unknown)
	// The payment that was held all the time arrives.
	w.s.set(func() {
		w.pass(-11 * 24 * time.Hour)
		in, _ := read(ticket)
		w.s.settle(w.s.payments[ticket.Key], in.text)
		w.pass(11 * 24 * time.Hour)
	})
	o, err = r.Look(t.Context(), ticket)
	w.want(o, err, payout.Paid)
	w.moved(1)
}

func TestWhatWasNeverAskedHasFailedWhenItExpires(t *testing.T) {
	w := newWorld(t)
	r := w.run()
	ticket := w.prepare(r)
	w.s.set(func() { w.s.refuse = "rate-limited: slow down" })
	if o, err := r.Pay(t.Context(), ticket); !errors.Is(err, errRefused) || !strings.Contains(err.Error(), "slow down") {
		t.Errorf("%+v, %v", o, err)
	}
	w.s.set(func() { w.s.refuse = "" })
	o, err := r.Look(t.Context(), ticket)
	w.want(o, err, payout.Unsent)
	w.pass(2 * time.Hour)
	o, err = r.Look(t.Context(), ticket)
	w.want(o, err, payout.Failed)
	next := w.run()
	w.pass(121 * time.Second)
	o, err = next.Look(t.Context(), ticket) // it cannot know
	w.want(o, err, payout.Unknown)
	w.pass(15 * 24 * time.Hour)
	o, err = next.Look(t.Context(), ticket)
	w.want(o, err, payout.Failed)
	w.moved(0)
}

// Another intent of this run may come with the very invoice that an earlier run
// asked to pay. That it was not asked for again does not say that it never was.
func TestAnInvoiceThatComesAgainHasNotFailed(t *testing.T) {
	w := newWorld(t)
	w.s.set(func() { w.s.hold, w.s.forgetful, w.s.mute = true, true, 1 })
	in := w.intent(payouttest.Terms{})
	first := w.run()
	ticket, err := first.Prepare(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.pay(first, ticket); err == nil {
		t.Error("the answer is lost")
	}
	next := w.run()
	in.ID, in.Party = "home/bob/2026-10", "bob"
	if _, err := next.Prepare(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	o, err := next.Pay(t.Context(), ticket) // the request may be under way
	w.want(o, err, payout.Unknown)
	w.pass(2 * time.Hour)
	o, err = next.Look(t.Context(), ticket) // the payment may be held
	w.want(o, err, payout.Unknown)
	if w.s.called("pay_invoice") != 1 {
		t.Errorf("asked to pay %d times", w.s.called("pay_invoice"))
	}
}

// The owner may connect another wallet while a payment is under way. That it has
// never heard of the payment says nothing.
func TestAnotherWalletCannotTell(t *testing.T) {
	w := newWorld(t)
	w.s.set(func() { w.s.mute = 1 })
	r := w.run()
	ticket := w.prepare(r)
	if _, err := w.pay(r, ticket); err == nil {
		t.Error("the answer is lost")
	}
	w.moved(1)
	other := &world{t: t, network: w.network, at: w.at}
	other.s = serveAs(t, "another wallet", w.network, other.now)
	next := other.run()
	other.pass(121 * time.Second)
	for range 2 {
		o, err := next.Pay(t.Context(), ticket)
		other.want(o, err, payout.Unknown)
		other.pass(20 * 24 * time.Hour)
		o, err = next.Look(t.Context(), ticket)
		other.want(o, err, payout.Unknown)
		if !strings.Contains(o.Why, "another wallet") {
			t.Errorf("why: %s", o.Why)
		}
	}
	if n := other.s.called("pay_invoice"); n != 0 {
		t.Errorf("the other wallet is asked to pay %d times", n)
	}
	// The first one knows.
	o, err := w.run().Look(t.Context(), ticket)
	w.want(o, err, payout.Paid)
	w.moved(1)
}

// However many tickets are made, a request that is under way is not forgotten.
func TestARequestUnderWayIsRemembered(t *testing.T) {
	w := newWorld(t)
	w.s.set(func() { w.s.hold, w.s.forgetful, w.s.mute = true, true, 1 })
	r := w.run()
	w.pass(time.Hour)
	ticket := w.prepare(r)
	if _, err := w.pay(r, ticket); err == nil {
		t.Error("the answer is lost")
	}
	for i := range maxOwn {
		r.own[strconv.Itoa(i)] = &track{}
	}
	w.prepare(r)
	if len(r.own) > 2 {
		t.Errorf("%d tickets are remembered", len(r.own))
	}
	o, err := r.Pay(t.Context(), ticket)
	w.want(o, err, payout.Unknown)
	if w.s.called("pay_invoice") != 1 {
		t.Errorf("asked to pay %d times", w.s.called("pay_invoice"))
	}
}

func TestAFailureIsTriedAgainUntilTheInvoiceExpires(t *testing.T) {
	w := newWorld(t)
	w.s.set(func() { w.s.fail = "PAYMENT_FAILED" })
	r := w.run()
	ticket := w.prepare(r)
	for range 2 {
		o, err := r.Pay(t.Context(), ticket)
		w.want(o, err, payout.Unsent)
		if !strings.Contains(o.Why, "PAYMENT_FAILED: no route") {
			t.Errorf("why: %s", o.Why)
		}
	}
	w.pass(2 * time.Hour)
	o, err := r.Pay(t.Context(), ticket)
	w.want(o, err, payout.Failed)
	if w.s.called("pay_invoice") != 2 {
		t.Errorf("asked to pay %d times", w.s.called("pay_invoice"))
	}
	w.moved(0)
}

func TestATimeoutOfTheWalletIsPending(t *testing.T) {
	w := newWorld(t)
	w.s.set(func() { w.s.hold = true })
	r := w.run()
	ticket := w.prepare(r)
	for range 2 {
		o, err := r.Pay(t.Context(), ticket)
		w.want(o, err, payout.Pending)
	}
	w.pass(2 * time.Hour)
	o, err := r.Look(t.Context(), ticket)
	w.want(o, err, payout.Pending)
}

func TestARelayIsNotBelieved(t *testing.T) {
	w := newWorld(t)
	w.s.set(func() { w.s.twice, w.s.forge = true, true })
	r := w.run()
	ticket := w.prepare(r)
	o, err := r.Pay(t.Context(), ticket)
	w.want(o, err, payout.Paid)
	w.moved(1)
}

func TestAProofOfSomethingElseIsNone(t *testing.T) {
	w := newWorld(t)
	w.s.set(func() { w.s.proof = strings.Repeat("00", 32) })
	r := w.run()
	ticket := w.prepare(r)
	if o, err := r.Pay(t.Context(), ticket); err == nil || o.State != payout.Unknown {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestTheNextRelayIsAsked(t *testing.T) {
	w := newWorld(t)
	other := serve(t, w.network, w.now)
	other.set(func() { other.refuse, other.methods = "blocked: not here", "" })
	r := w.run("ws://127.0.0.1:1", other.relayURL())
	ticket := w.prepare(r)
	o, err := r.Pay(t.Context(), ticket)
	w.want(o, err, payout.Paid)
	w.moved(1)
}

// A relay that says nothing does not hold up everything else.
func TestASilentRelayIsLeft(t *testing.T) {
	w := newWorld(t)
	w.s.set(func() { w.s.silent = true })
	r := w.run()
	r.wallet.patience = 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if ticket, err := r.Prepare(ctx, w.intent(payouttest.Terms{})); err == nil || errors.Is(err, payout.ErrRefused) || ctx.Err() != nil {
		t.Errorf("%+v, %v, %v", ticket, err, ctx.Err())
	}
	w.s.set(func() { w.s.silent = false })
	ticket := w.prepare(w.run())
	w.s.set(func() { w.s.silent = true })
	if o, err := r.Look(ctx, ticket); err == nil || ctx.Err() != nil {
		t.Errorf("%+v, %v, %v", o, err, ctx.Err())
	}
}

func TestUnfitWalletsAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		bend func(*service)
		says string
	}{
		"the old encryption":      {func(s *service) { s.encryption = "nip04" }, "NIP-04"},
		"none is told":            {func(s *service) { s.encryption = "" }, "NIP-04"},
		"it cannot be asked":      {func(s *service) { s.methods = "pay_invoice" }, "lookup_invoice"},
		"it may not pay":          {func(s *service) { s.methods = "lookup_invoice get_balance" }, "pay_invoice"},
		"it is not on this relay": {func(s *service) { s.methods = "" }, "open it"},
	} {
		w := newWorld(t)
		w.s.set(func() { c.bend(w.s) })
		if ticket, err := w.run().Prepare(t.Context(), w.intent(payouttest.Terms{})); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %+v, %v", name, ticket, err)
		}
	}
}

func TestWhatCannotBePaidIsRefused(t *testing.T) {
	w := newWorld(t)
	r := w.run()
	for name, in := range map[string]payout.Intent{
		"another amount":      func() payout.Intent { in := w.intent(payouttest.Terms{}); in.Millisats++; return in }(),
		"another network":     w.intent(payouttest.Terms{Network: bolt11.Mainnet}),
		"it expires":          w.intent(payouttest.Terms{Expiry: 10 * time.Second}),
		"a Lightning address": {To: "alice@example.com", Millisats: msat},
	} {
		if ticket, err := r.Prepare(t.Context(), in); !errors.Is(err, payout.ErrRefused) {
			t.Errorf("%s: %+v, %v", name, ticket, err)
		}
	}
	for _, data := range []string{"", " ", "lnbc1", w.intent(payouttest.Terms{}).To} {
		if _, err := r.Look(t.Context(), payout.Ticket{Key: "x", Data: []byte(data)}); err == nil {
			t.Errorf("%q is taken for a ticket", data)
		}
	}
}

func TestConnectionsAreRead(t *testing.T) {
	const (
		key    = "b889ff5b1513b641e2a139f661a661364979c5beee91842f8f0ef42ab558e9d4"
		secret = "71a8c14c1407c113601079c4302dab36460f0ccd0ad506f1f2dc73b5100e4f3c"
	)
	// The example of NIP-47.
	c, err := ParseConnection("nostr+walletconnect://" + key + "?relay=wss%3A%2F%2Frelay.damus.io&secret=" + secret)
	if err != nil || len(c.Relays) != 1 || c.Relays[0] != "wss://relay.damus.io" {
		t.Fatalf("%+v, %v", c, err)
	}
	if c, err := ParseConnection(" nostrwalletconnect:" + key + "?secret=" + secret + "&relay=wss://a&relay=wss://b\n"); err != nil || len(c.Relays) != 2 {
		t.Errorf("%+v, %v", c, err)
	}
	for _, text := range []string{
		"", "https://example.com", "nostr+walletconnect://abc?relay=wss://a&secret=" + secret,
		"nostr+walletconnect://" + key + "?relay=wss://a", "nostr+walletconnect://" + key + "?secret=" + secret,
		"nostr+walletconnect://" + key + "?relay=http://a&secret=" + secret,
		"nostr+walletconnect://" + key + "?relay=wss://u:p@a&secret=" + secret,
		"nostr+walletconnect://" + key + "?relay=wss://a&secret=" + strings.Repeat("0", 64),
		"nostr+walletconnect://" + strings.Repeat("f", 64) + "?relay=wss://a&secret=" + secret,
	} {
		if c, err := ParseConnection(text); err == nil {
			t.Errorf("%q is read as %+v", text, c)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
}

// Events as they were published, from the tests of github.com/nbd-wtf/go-nostr
// v0.51.0: they are hashed and signed as NIP-01 wants it.
func TestPublishedEvents(t *testing.T) {
	var e event
	for _, raw := range []string{
		`{"kind":1,"id":"dc90c95f09947507c1044e8f48bcf6350aa6bff1507dd4acfc755b9239b5c962","pubkey":"3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d","created_at":1644271588,"tags":[],"content":"now that https://blueskyweb.org/blog/2-7-2022-overview was announced we can stop working on nostr?","sig":"230e9d8f0ddaf7eb70b5f7741ccfa37e87a455c9a469282e3464e2052d3192cd63a167e196e381ef9d7e69e9ea43af2443b839974dc85d8aaab9efe1d9296524"}`,
		`{"kind":3,"id":"9e662bdd7d8abc40b5b15ee1ff5e9320efc87e9274d8d440c58e6eed2dddfbe2","pubkey":"373ebe3d45ec91977296a178d9f19f326c70631d2a1b0bbba5c5ecc2eb53b9e7","created_at":1644844224,"tags":[["p","3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d"],["p","75fc5ac2487363293bd27fb0d14fb966477d0f1dbc6361d37806a6a740eda91e"],["p","46d0dfd3a724a302ca9175163bdf788f3606b3fd1bb12d5fe055d1e418cb60ea"]],"content":"{\"wss://nostr-pub.wellorder.net\":{\"read\":true,\"write\":true},\"wss://nostr.bitcoiner.social\":{\"read\":false,\"write\":true},\"wss://expensive-relay.fiatjaf.com\":{\"read\":true,\"write\":true},\"wss://relayer.fiatjaf.com\":{\"read\":true,\"write\":true},\"wss://relay.bitid.nz\":{\"read\":true,\"write\":true},\"wss://nostr.rocks\":{\"read\":true,\"write\":true}}","sig":"811355d3484d375df47581cb5d66bed05002c2978894098304f20b595e571b7e01b2efd906c5650080ffe49cf1c62b36715698e9d88b9e8be43029a2f3fa66be"}`,
	} {
		e = event{}
		if err := json.Unmarshal([]byte(raw), &e); err != nil {
			t.Fatal(err)
		}
		author, err := key32(e.PubKey)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.verify(author); err != nil {
			t.Errorf("kind %d: %v", e.Kind, err)
		}
	}
	author, err := key32(e.PubKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*event){
		"content": func(e *event) { e.Content += " " }, "tag": func(e *event) { e.Tags = nil }, "time": func(e *event) { e.CreatedAt++ },
		"kind": func(e *event) { e.Kind++ }, "id": func(e *event) { e.ID = "00" + e.ID[2:] }, "sig": func(e *event) { e.Sig = "00" + e.Sig[2:] },
		"no sig": func(e *event) { e.Sig = "" }, "author": func(e *event) { e.PubKey = "00" + e.PubKey[2:] },
	} {
		bad := e
		spoil(&bad)
		if bad.verify(author) == nil {
			t.Errorf("with another %s it is still signed", name)
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte(`["EVENT","answer",{"id":"","kind":23195,"tags":[["e"]]}]`))
	f.Add([]byte(`["OK","x",true,""]`))
	f.Add([]byte(`["CLOSED","s"]`))
	f.Fuzz(func(_ *testing.T, b []byte) {
		if m, ok := readMessage(b); ok {
			_ = m.event.tag("e")
			_ = m.event.verify([32]byte{1})
		}
	})
}

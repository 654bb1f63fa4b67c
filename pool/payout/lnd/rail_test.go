package lnd_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hearth/pool/payout"
	"hearth/pool/payout/lnd"
	"hearth/pool/payout/lnd/rest"
	"hearth/pool/pooltest"
)

// calls is all that the rail does, as lnd's macaroons name it.
func calls() []string {
	return []string{
		"/lnrpc.Lightning/GetInfo", "/lnrpc.Lightning/DecodePayReq",
		"/routerrpc.Router/SendPaymentV2", "/routerrpc.Router/TrackPaymentV2",
	}
}

type network struct {
	*pooltest.Lightning
	node rest.Config // of the payer, with a macaroon that may pay and no more
}

func (n *network) rail(t *testing.T, now func() time.Time) *lnd.Rail {
	t.Helper()
	r, err := lnd.New(lnd.Config{Config: n.node, Now: now, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// cost waits until the payer's balance shows a payment, and no more than that.
func (n *network) cost(t *testing.T, before, want int64) {
	t.Helper()
	pooltest.Eventually(t, "the balance shows what was paid", func() error {
		if got := before - n.Payer.Balance(t); got != want {
			return fmt.Errorf("it cost %d msat, want %d", got, want)
		}
		return nil
	})
}

func TestPaysThroughRealNodes(t *testing.T) {
	n := &network{Lightning: pooltest.StartLightning(t)}
	n.node = rest.Config{URL: n.Payer.URL, Cert: n.Payer.Cert, Macaroon: n.Payer.Bake(t, calls()...)}
	t.Run("a payout, and again", func(t *testing.T) { again(t, n) })
	t.Run("killed before it paid", func(t *testing.T) { crash(t, n, "before pay", "[begun prepared sent paid]") })
	t.Run("killed while it paid", func(t *testing.T) { crash(t, n, "while paying", "[begun prepared sent paid]") })
	t.Run("killed after it paid", func(t *testing.T) { crash(t, n, "after pay", "[begun prepared sent paid]") })
	t.Run("fee limit", func(t *testing.T) { feeLimit(t, n) })
	t.Run("no route", func(t *testing.T) { noRoute(t, n) })
	t.Run("refused", func(t *testing.T) { refused(t, n) })
	t.Run("an invoice expires", func(t *testing.T) { expires(t, n) })
	t.Run("another node", func(t *testing.T) { another(t, n) })
	t.Run("what the macaroon may", func(t *testing.T) { macaroon(t, n) })
	t.Run("the node is killed while it pays", func(t *testing.T) { nodeDies(t, n) })
}

func again(t *testing.T, n *network) {
	r := n.rail(t, nil)
	in := n.Payee.Invoice(t, 12_345_000, 3600)
	before := n.Payer.Balance(t)
	ticket, err := r.Prepare(t.Context(), payout.Intent{ID: "1", To: in.Request, Millisats: 12_345_000, MaxFee: 2000})
	if err != nil || ticket.Key != in.Hash {
		t.Fatalf("ticket %+v, %v", ticket, err)
	}
	if o, err := r.Look(t.Context(), ticket); err != nil || o.State != payout.Unsent {
		t.Errorf("before it is paid: %+v, %v", o, err)
	}
	first, err := r.Pay(t.Context(), ticket)
	if err != nil || first.State != payout.Paid || first.Fee != 1012 {
		t.Fatalf("paid: %+v, %v", first, err)
	}
	preimage, err := hex.DecodeString(first.Proof)
	if sum := sha256.Sum256(preimage); err != nil || hex.EncodeToString(sum[:]) != in.Hash {
		t.Errorf("the proof %s is none", first.Proof)
	}
	for range 3 {
		if o, err := r.Pay(t.Context(), ticket); err != nil || o != first {
			t.Errorf("again: %+v, %v", o, err)
		}
	}
	if o, err := r.Look(t.Context(), ticket); err != nil || o != first {
		t.Errorf("looked up: %+v, %v", o, err)
	}
	if _, err := r.Prepare(t.Context(), payout.Intent{ID: "2", To: in.Request, Millisats: 12_345_000}); !errors.Is(err, payout.ErrRefused) || !strings.Contains(err.Error(), "paid already") {
		t.Errorf("the same invoice for another intent: %v", err)
	}
	n.cost(t, before, 12_345_000+1012)
}

func feeLimit(t *testing.T, n *network) {
	r := n.rail(t, nil)
	in := n.Payee.Invoice(t, 0, 3600) // over any amount
	before := n.Payer.Balance(t)
	ticket, err := r.Prepare(t.Context(), payout.Intent{ID: "1", To: in.Request, Millisats: 1_000_000, MaxFee: 1000})
	if err != nil {
		t.Fatal(err)
	}
	o, err := r.Pay(t.Context(), ticket)
	if err != nil || o.State != payout.Unsent || !strings.Contains(o.Why, "for the fee that is allowed") {
		t.Errorf("one msat too few: %+v, %v", o, err)
	}
	if again, err := r.Look(t.Context(), ticket); err != nil || again != o {
		t.Errorf("looked up: %+v, %v", again, err)
	}
	n.cost(t, before, 0)

	ticket, err = r.Prepare(t.Context(), payout.Intent{ID: "2", To: in.Request, Millisats: 1_000_000, MaxFee: 1001})
	if err != nil {
		t.Fatal(err)
	}
	if o, err := r.Pay(t.Context(), ticket); err != nil || o.State != payout.Paid || o.Fee != 1001 {
		t.Errorf("as much as it costs: %+v, %v", o, err)
	}
	n.cost(t, before, 1_000_000+1001)
}

func noRoute(t *testing.T, n *network) {
	r := n.rail(t, nil)
	before := n.Payer.Balance(t)
	for _, c := range []struct {
		name string
		from *pooltest.Lnd
		msat int64
		why  string
	}{
		{"a node without channels", pooltest.StartLnd(t, n.Chain), 1_000_000, "there is no way to the payee"},
		{"more than there is", n.Payee, 1000 * pooltest.Channel * 3, "do not hold enough"},
	} {
		in := c.from.Invoice(t, c.msat, 3600)
		ticket, err := r.Prepare(t.Context(), payout.Intent{ID: "1", To: in.Request, Millisats: c.msat, MaxFee: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // it may be tried again
			if o, err := r.Pay(t.Context(), ticket); err != nil || o.State != payout.Unsent || !strings.Contains(o.Why, c.why) {
				t.Errorf("%s: %+v, %v", c.name, o, err)
			}
		}
	}
	n.cost(t, before, 0)
}

func refused(t *testing.T, n *network) {
	good := n.Payee.Invoice(t, 5_000_000, 3600).Request
	short := n.Payee.Invoice(t, 5_000_000, 30).Request
	flipped := []byte(good)
	if flipped[20]++; flipped[20] > 'z' {
		flipped[20] = 'q'
	}
	for _, c := range []struct{ name, to, why string }{
		{"another amount", n.Payee.Invoice(t, 5_001_000, 3600).Request, "over 5001000 msat, not over 5000000"},
		{"soon expired", short, "expires at"},
		{"a Lightning address", "host@farm.example", "not an invoice"},
		{"a path", "ln/../../v1/getinfo", "not an invoice"},
		{"a typing mistake", string(flipped), "cannot read the invoice"},
		{"of the main network", "lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpuaztrnwngzn3kdzw5hydlzf03qdgm2hdq27cqv3agm2awhz5se903vruatfhq77w3ls4evs3ch9zw97j25emudupq63nyw24cg27h2rspfj9srp", "cannot read the invoice"},
	} {
		if _, err := n.rail(t, nil).Prepare(t.Context(), payout.Intent{ID: "1", To: c.to, Millisats: 5_000_000}); !errors.Is(err, payout.ErrRefused) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// expires: that an invoice is past is for lnd to say, not for a clock that may
// be wrong.
func expires(t *testing.T, n *network) {
	before := n.Payer.Balance(t)
	r := n.rail(t, func() time.Time { return time.Now().Add(-time.Hour) })
	in := n.Payee.Invoice(t, 5_000_000, 1)
	ticket, err := r.Prepare(t.Context(), payout.Intent{ID: "1", To: in.Request, Millisats: 5_000_000})
	if err != nil {
		t.Fatal(err)
	}
	pooltest.Eventually(t, "lnd refuses it", func() error {
		switch o, err := r.Pay(t.Context(), ticket); {
		case err != nil:
			return err
		case o.State == payout.Failed && strings.Contains(o.Why, "expired"):
			return nil
		default: // too dear a way until then
			return fmt.Errorf("%+v", o)
		}
	})
	n.cost(t, before, 0)
}

// another: only the node that was asked first knows what became of a payment.
func another(t *testing.T, n *network) {
	in := n.Payee.Invoice(t, 5_000_000, 3600)
	ticket, err := n.rail(t, nil).Prepare(t.Context(), payout.Intent{ID: "1", To: in.Request, Millisats: 5_000_000, MaxFee: 5000})
	if err != nil {
		t.Fatal(err)
	}
	r, err := lnd.New(lnd.Config{Config: rest.Config{URL: n.Between.URL, Cert: n.Between.Cert, Macaroon: n.Between.Macaroon}})
	if err != nil {
		t.Fatal(err)
	}
	if o, err := r.Pay(t.Context(), ticket); err == nil || !strings.Contains(err.Error(), "only the first knows") {
		t.Errorf("paid by another node: %+v, %v", o, err)
	}
	if o, err := r.Look(t.Context(), ticket); err == nil {
		t.Errorf("looked up at another node: %+v", o)
	}
	if msat, _ := n.Payee.Received(t, in.Hash); msat != 0 {
		t.Errorf("the payee received %d msat", msat)
	}

	// Whoever answers with another certificate is not even asked.
	cfg := n.node
	cfg.Cert = n.Payee.Cert
	if r, err = lnd.New(lnd.Config{Config: cfg}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Look(t.Context(), ticket); err == nil || !strings.Contains(err.Error(), "does not have the certificate") {
		t.Errorf("a node with another certificate: %v", err)
	}
}

func macaroon(t *testing.T, n *network) {
	c, err := rest.New(n.node)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/newaddress", "/v1/balance/channels", "/v1/channels", "/v1/macaroon/ids"} {
		var out map[string]any
		if err := c.Do(t.Context(), "GET", path, nil, &out); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v, %v", path, out, err)
		}
	}
}

// nodeDies: what a node was killed over is not paid twice, whatever it says
// afterwards.
func nodeDies(t *testing.T, n *network) {
	r := n.rail(t, nil)
	in := n.Payee.Invoice(t, 30_000_000, 3600)
	before := n.Payer.Balance(t)
	ticket, err := r.Prepare(t.Context(), payout.Intent{ID: "1", To: in.Request, Millisats: 30_000_000, MaxFee: 5000})
	if err != nil {
		t.Fatal(err)
	}
	answer := make(chan payout.Outcome)
	go func() {
		o, err := r.Pay(t.Context(), ticket)
		if err != nil && o != (payout.Outcome{}) {
			t.Errorf("%+v together with %v", o, err)
		}
		answer <- o
	}()
	pooltest.Eventually(t, "the payment is under way", func() error {
		if o, err := r.Look(t.Context(), ticket); err != nil || o.State == payout.Unsent {
			return fmt.Errorf("%+v, %w", o, err)
		}
		return nil
	})
	n.Payer.Kill()
	t.Logf("the node was killed when it had answered %+v", <-answer)
	if o, err := r.Look(t.Context(), ticket); err == nil {
		t.Errorf("a node that is dead says %+v", o)
	}
	n.Payer.Restart(t)
	paid := false
	pooltest.Eventually(t, "it is known what became of the payment", func() error {
		o, err := r.Look(t.Context(), ticket)
		if err == nil && o.State == payout.Unsent {
			o, err = r.Pay(t.Context(), ticket)
		}
		paid = o.State == payout.Paid
		if err != nil || !paid && o.State != payout.Pending {
			return fmt.Errorf("%+v, %w", o, err)
		}
		if msat, _ := n.Payee.Received(t, in.Hash); !paid && (msat != 0 || !idle(t, n.Payer)) {
			return errors.New("it is still under way")
		}
		return nil
	})
	if paid {
		if msat, settled := n.Payee.Received(t, in.Hash); msat != 30_000_000 || !settled {
			t.Errorf("the payee received %d msat, settled %t", msat, settled)
		}
		n.cost(t, before, 30_000_000+1030)
		return
	}
	// lnd was killed between its note that it sends and the sending. It says
	// for ever that the payment is under way: the money stays blocked until a
	// person looks into the channels. It is not sent again.
	for range 3 {
		if o, err := r.Pay(t.Context(), ticket); err != nil || o.State != payout.Pending {
			t.Errorf("asked again: %+v, %v", o, err)
		}
	}
	n.cost(t, before, 0)
}

// idle tells whether a node's channels work and nothing is under way in them.
func idle(t *testing.T, l *pooltest.Lnd) bool {
	t.Helper()
	var out struct {
		Channels []struct {
			Active  bool
			Pending []json.RawMessage `json:"pending_htlcs"`
		}
	}
	if err := l.Call(t.Context(), "GET", "/v1/channels", nil, &out); err != nil {
		t.Fatal(err)
	}
	for _, c := range out.Channels {
		if !c.Active || len(c.Pending) > 0 {
			return false
		}
	}
	return len(out.Channels) > 0
}

// TestBelievesNoNonsense: what a node says is checked as far as it can be.
func TestBelievesNoNonsense(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	for _, c := range []struct {
		name, answer string
		status       int
		want         payout.State
		err          string
	}{
		{"not known", `{"error":{"code":5,"message":"payment isn't initiated"}}`, 404, payout.Unsent, ""},
		{"not known, without a wrapping", `{"code":5,"message":"payment isn't initiated"}`, 404, payout.Unsent, ""},
		{"on its way", `{"result":{"payment_hash":"` + hash + `","status":"IN_FLIGHT","fee_msat":"0"}}`, 200, payout.Pending, ""},
		{"came back", `{"result":{"payment_hash":"` + hash + `","status":"FAILED","fee_msat":"0"}}`, 200, payout.Unsent, ""},
		{"a proof that is none", `{"result":{"payment_hash":"` + hash + `","status":"SUCCEEDED","fee_msat":"0","payment_preimage":"00"}}`, 200, 0, "is none"},
		{"another payment", `{"result":{"payment_hash":"00","status":"FAILED","fee_msat":"0"}}`, 200, 0, "asked for"},
		{"a new word", `{"result":{"payment_hash":"` + hash + `","status":"HALF_PAID","fee_msat":"0"}}`, 200, 0, "not known"},
		{"the macaroon may not", `{"error":{"code":2,"message":"permission denied"}}`, 500, 0, "permission denied"},
		{"an error within the stream", `{"error":{"code":2,"message":"shutting down"}}`, 200, 0, "shutting down"},
		{"half an answer", `{"result":{"payment_hash":"` + hash[:20], 200, 0, "breaks off"},
		{"a page", `<html>`, 502, 0, "502"},
		{"too much", `{"result":{"payment_hash":"` + strings.Repeat("a", rest.Largest), 200, 0, "breaks off"},
	} {
		srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Grpc-Metadata-Macaroon") != "6d61636172" {
				t.Errorf("%s: macaroon %q", c.name, r.Header.Get("Grpc-Metadata-Macaroon"))
			}
			if r.URL.Path == "/v1/getinfo" {
				fmt.Fprint(w, `{"identity_pubkey":"02aa"}`)
				return
			}
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.answer)
		}))
		r, err := lnd.New(lnd.Config{Config: files(t, srv)})
		if err != nil {
			t.Fatal(err)
		}
		o, err := r.Look(t.Context(), payout.Ticket{Key: hash, Data: []byte(`{"invoice":"ln1","node":"02aa","max_fee":0}`)})
		if o.State != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %+v, %v", c.name, o, err)
		}
		srv.Close()
	}
}

// files has a server's certificate and a macaroon as files.
func files(t *testing.T, srv *httptest.Server) rest.Config {
	t.Helper()
	dir := t.TempDir()
	cfg := rest.Config{URL: srv.URL, Cert: filepath.Join(dir, "tls.cert"), Macaroon: filepath.Join(dir, "macaroon")}
	if err := errors.Join(os.WriteFile(cfg.Cert, pemOf(srv), 0o600), os.WriteFile(cfg.Macaroon, []byte("macar"), 0o600)); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func pemOf(srv *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
}

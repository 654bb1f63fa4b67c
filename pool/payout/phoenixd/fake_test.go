package phoenixd_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/pool/payout"
	"hearth/pool/payout/bolt11"
	"hearth/pool/payout/payouttest"
	"hearth/pool/payout/phoenixd"
)

const password = "limited"

// wallet is a phoenixd on a real socket, as strict and as careless as the real
// one.
type wallet struct {
	*httptest.Server
	network *payouttest.Network
	now     func() time.Time
	id      string // the node's

	mu sync.Mutex
	// careless is a version that does not notice a payment under way, and that
	// calls a failed payment paid.
	careless bool
	list     []*listed
	hold     chan struct{} // payments wait for it to be closed; nil: they do not
	fail     string        // payments fail for this reason
	mute     int           // answers to payments that get lost
	late     chan struct{} // the next request to pay is cut off, and obeyed when this is closed
	obeyed   chan struct{} // closed then
	requests map[string]int
	arrived  chan struct{} // each request to pay
}

type listed struct {
	Type        string  `json:"type"`
	SubType     string  `json:"subType"`
	PaymentHash string  `json:"paymentHash"`
	Preimage    *string `json:"preimage,omitempty"`
	IsPaid      bool    `json:"isPaid"`
	Sent        int64   `json:"sent"`
	Fees        int64   `json:"fees"`
	CompletedAt *int64  `json:"completedAt,omitempty"`
	CreatedAt   int64   `json:"createdAt"`
}

func serve(t *testing.T, n *payouttest.Network, now func() time.Time) *wallet {
	t.Helper()
	w := &wallet{network: n, now: now, id: "02" + strings.Repeat("ab", 32), requests: map[string]int{}, arrived: make(chan struct{}, 64)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /getinfo", func(rw http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(rw).Encode(map[string]string{"nodeId": w.id})
	})
	mux.HandleFunc("GET /payments/outgoing", w.outgoing)
	mux.HandleFunc("POST /payinvoice", w.payInvoice)
	mux.HandleFunc("POST /payoffer", w.payOffer)
	mux.HandleFunc("POST /decodeoffer", func(rw http.ResponseWriter, r *http.Request) {
		if r.FormValue("offer") == "lno1bad" {
			http.Error(rw, "invalid offer", http.StatusBadRequest)
			return
		}
		_, _ = rw.Write([]byte(`{"chain":"regtest"}`))
	})
	mux.HandleFunc("/", func(rw http.ResponseWriter, _ *http.Request) {
		http.Error(rw, "Unknown endpoint (check api doc)", http.StatusNotFound)
	})
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if _, p, ok := r.BasicAuth(); !ok || p != password {
			http.Error(rw, "Invalid authentication", http.StatusUnauthorized)
			return
		}
		w.mu.Lock()
		w.requests[r.URL.Path]++
		w.mu.Unlock()
		mux.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *wallet) outgoing(rw http.ResponseWriter, r *http.Request) {
	from, _ := strconv.ParseInt(r.FormValue("from"), 10, 64)
	limit, _ := strconv.Atoi(r.FormValue("limit"))
	offset, _ := strconv.Atoi(r.FormValue("offset"))
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []listed
	for _, p := range slices.Backward(w.list) {
		if p.CreatedAt >= from && (r.FormValue("all") == "true" || p.CompletedAt == nil || p.Preimage != nil) {
			out = append(out, *p)
		}
	}
	out = out[min(offset, len(out)):]
	out = out[:min(limit, len(out))]
	if out == nil {
		out = []listed{}
	}
	_ = json.NewEncoder(rw).Encode(out)
}

// begin lists a payment as pending, or says why not.
func (w *wallet) begin(hash string) (*listed, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.list {
		switch {
		case p.PaymentHash != hash:
		case p.Preimage != nil:
			return nil, "this invoice has already been paid"
		case p.CompletedAt == nil && !w.careless:
			return nil, "a payment for this invoice is already in progress"
		}
	}
	p := &listed{Type: "outgoing_payment", SubType: "lightning", PaymentHash: hash, CreatedAt: w.now().UnixMilli()}
	w.list = append(w.list, p)
	return p, ""
}

// finish pays a listed payment, or lets it fail, and says so unless the answer
// is to be lost.
func (w *wallet) finish(rw http.ResponseWriter, p *listed, invoice string, fee int64) {
	w.mu.Lock()
	hold := w.hold
	w.mu.Unlock()
	w.arrived <- struct{}{}
	if hold != nil {
		<-hold
	}
	w.mu.Lock()
	done := w.now().UnixMilli()
	answer := map[string]any{"paymentHash": p.PaymentHash}
	if w.fail == "" {
		preimage, err := w.network.Pay(invoice)
		if err == nil {
			p.Preimage, p.IsPaid, p.Fees = &preimage, true, fee*1000
			answer["recipientAmountSat"], answer["routingFeeSat"], answer["paymentPreimage"], answer["paymentId"] = 1, fee, preimage, "id"
		} else {
			answer["reason"] = err.Error()
		}
	} else {
		answer["reason"] = w.fail
	}
	p.CompletedAt = &done
	p.IsPaid = p.IsPaid || w.careless
	lose := w.mute > 0
	if lose {
		w.mute--
	}
	w.mu.Unlock()
	if lose {
		panic(http.ErrAbortHandler)
	}
	_ = json.NewEncoder(rw).Encode(answer)
}

func (w *wallet) payInvoice(rw http.ResponseWriter, r *http.Request) {
	invoice := r.FormValue("invoice")
	in, err := bolt11.Decode(invoice)
	if err != nil {
		http.Error(rw, "Invalid parameter invoice", http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	late, obeyed := w.late, w.obeyed
	w.late = nil
	w.mu.Unlock()
	if late != nil {
		go func() {
			defer close(obeyed)
			<-late
			if p, why := w.begin(in.PaymentHash.String()); why == "" {
				w.finish(httptest.NewRecorder(), p, invoice, 5)
			}
		}()
		panic(http.ErrAbortHandler)
	}
	p, why := w.begin(in.PaymentHash.String())
	if why != "" {
		_ = json.NewEncoder(rw).Encode(map[string]string{"paymentHash": in.PaymentHash.String(), "reason": why})
		return
	}
	w.finish(rw, p, invoice, 5)
}

// payOffer fetches an invoice of its own each time.
func (w *wallet) payOffer(rw http.ResponseWriter, r *http.Request) {
	sats, _ := strconv.ParseInt(r.FormValue("amountSat"), 10, 64)
	invoice, hash := w.network.Mint(sats*1000, payouttest.Terms{Describe: r.FormValue("offer")})
	p, _ := w.begin(hash.String())
	w.finish(rw, p, invoice, 6)
}

func (w *wallet) asked(path string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.requests[path]
}

func (w *wallet) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func fuzzAnswers(t *testing.T, pay, list string) {
	at := time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
	n := payouttest.NewNetwork(func() time.Time { return at })
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := list
		switch {
		case r.Method == http.MethodPost:
			answer = pay
		case r.URL.Path == "/getinfo":
			answer = `{"nodeId":"02ab"}`
		}
		_, _ = w.Write([]byte(answer))
	}))
	defer s.Close()
	r, err := phoenixd.New(phoenixd.Config{URL: s.URL, Network: bolt11.Regtest, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	to, _ := n.Mint(1000, payouttest.Terms{})
	ticket, err := r.Prepare(t.Context(), payout.Intent{ID: "x", To: to, Millisats: 1000, MaxFee: 5000})
	if err != nil {
		t.Fatal(err)
	}
	if o, err := r.Pay(t.Context(), ticket); err == nil && (o.State == payout.Paid || o.State == payout.Failed) {
		t.Fatalf("%+v", o)
	}
}

package nwc

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/gorilla/websocket"

	"hearth/pool/payout/bolt11"
	"hearth/pool/payout/nwc/nip44"
	"hearth/pool/payout/payouttest"
)

// service is a relay on a real socket with a wallet behind it. Its fields bend
// what they do.
type service struct {
	*httptest.Server
	network *payouttest.Network
	now     func() time.Time
	key     *btcec.PrivateKey // the wallet's
	client  [32]byte          // the client's secret
	shared  nip44.Key

	mu       sync.Mutex
	payments map[string]*transaction
	calls    map[string]int

	encryption string // of the info event
	methods    string // and its content; empty: no info event
	silent     bool   // the relay takes everything and says nothing
	refuse     string // the relay refuses requests for this reason
	mute       int    // answers to pay_invoice that get lost
	twice      bool   // the relay delivers requests twice
	forge      bool   // the relay answers by itself first
	hold       bool   // payments stay pending
	fail       string // payments fail with this code
	forgetful  bool   // what is not settled is not found
	proof      string // a preimage to give instead
}

func serve(t *testing.T, n *payouttest.Network, now func() time.Time) *service {
	t.Helper()
	return serveAs(t, "a wallet that is not there", n, now)
}

// serveAs serves the wallet of a name.
func serveAs(t *testing.T, name string, n *payouttest.Network, now func() time.Time) *service {
	t.Helper()
	seed := sha256.Sum256([]byte(name))
	s := &service{
		network: n, now: now, client: sha256.Sum256([]byte("a client")), payments: map[string]*transaction{}, calls: map[string]int{},
		encryption: "nip44_v2 nip04", methods: "pay_invoice get_balance lookup_invoice",
	}
	var public *btcec.PublicKey
	s.key, public = btcec.PrivKeyFromBytes(seed[:])
	key, err := nip44.NewKey(s.client, [32]byte(schnorr.SerializePubKey(public)))
	if err != nil {
		t.Fatal(err)
	}
	s.shared = key
	up := websocket.Upgrader{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		s.converse(c)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) relayURL() string { return "ws" + strings.TrimPrefix(s.URL, "http") }

// connection is the text that the wallet shows.
func (s *service) connection(relays ...string) string {
	q := url.Values{"secret": {fmt.Sprintf("%x", s.client)}, "relay": append(relays, s.relayURL())}
	return fmt.Sprintf("nostr+walletconnect://%x?%s", schnorr.SerializePubKey(s.key.PubKey()), q.Encode())
}

func (s *service) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *service) called(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

// converse is the relay's side of a connection.
func (s *service) converse(c *websocket.Conn) {
	subs := map[string]map[string]any{}
	for {
		var parts []json.RawMessage
		if c.ReadJSON(&parts) != nil || len(parts) < 2 {
			return
		}
		var kind, sub string
		_ = json.Unmarshal(parts[0], &kind)
		s.mu.Lock()
		silent := s.silent
		s.mu.Unlock()
		if silent {
			continue
		}
		switch kind {
		case "REQ":
			_ = json.Unmarshal(parts[1], &sub)
			var filter map[string]any
			_ = json.Unmarshal(parts[2], &filter)
			subs[sub] = filter
			if fmt.Sprint(filter["kinds"]) == "[13194]" {
				s.mu.Lock()
				encryption, methods := s.encryption, s.methods
				s.mu.Unlock()
				if methods != "" {
					e := event{CreatedAt: s.now().Unix(), Kind: kindInfo, Tags: [][]string{{"encryption", encryption}}, Content: methods}
					_ = e.sign(s.key)
					_ = c.WriteJSON([]any{"EVENT", sub, e})
				}
			}
			_ = c.WriteJSON([]any{"EOSE", sub})
		case "EVENT":
			var e event
			if json.Unmarshal(parts[1], &e) != nil {
				return
			}
			s.mu.Lock()
			refuse, twice, forge := s.refuse, s.twice, s.forge
			s.mu.Unlock()
			if refuse != "" {
				_ = c.WriteJSON([]any{"OK", e.ID, false, refuse})
				continue
			}
			_ = c.WriteJSON([]any{"NOTICE", "hello"})
			_ = c.WriteJSON([]any{"OK", e.ID, true, ""})
			if forge {
				_ = c.WriteJSON([]any{"EVENT", "answer", s.forgery(e)})
			}
			for range map[bool]int{false: 1, true: 2}[twice] {
				if answer, ok := s.obey(e); ok {
					_ = c.WriteJSON([]any{"EVENT", "answer", answer})
				}
			}
		}
	}
}

// forgery is an answer that the relay makes itself: it has no key.
func (s *service) forgery(request event) event {
	other := sha256.Sum256([]byte("a relay's own key"))
	key, _ := btcec.PrivKeyFromBytes(other[:])
	e := event{CreatedAt: s.now().Unix(), Kind: kindResponse, Tags: [][]string{{"e", request.ID}}, Content: request.Content}
	_ = e.sign(key)
	e.PubKey = fmt.Sprintf("%x", schnorr.SerializePubKey(s.key.PubKey()))
	return e
}

// obey is the wallet.
func (s *service) obey(request event) (event, bool) {
	_, public := btcec.PrivKeyFromBytes(s.client[:])
	if request.Kind != kindRequest || request.verify([32]byte(schnorr.SerializePubKey(public))) != nil || request.tag("encryption") != "nip44_v2" {
		return event{}, false
	}
	var until int64
	_, _ = fmt.Sscan(request.tag("expiration"), &until)
	if s.now().Unix() > until {
		return event{}, false
	}
	plain, err := s.shared.Open(request.Content)
	if err != nil {
		return event{}, false
	}
	var in struct {
		Method string
		Params struct {
			Invoice     string
			PaymentHash string `json:"payment_hash"`
		}
	}
	if json.Unmarshal([]byte(plain), &in) != nil {
		return event{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[in.Method]++
	var out map[string]any
	switch in.Method {
	case "pay_invoice":
		out = s.pay(in.Params.Invoice)
		if s.mute > 0 {
			s.mute--
			return event{}, false
		}
	case "lookup_invoice":
		t := s.payments[in.Params.PaymentHash]
		if t == nil || s.forgetful && t.State != "settled" {
			out = failure("NOT_FOUND", "no such payment")
			break
		}
		out = map[string]any{"result": t}
	}
	out["result_type"] = in.Method
	b, _ := json.Marshal(out)
	sealed, err := s.shared.Seal(string(b), sha256.Sum256(b))
	if err != nil {
		return event{}, false
	}
	e := event{CreatedAt: s.now().Unix(), Kind: kindResponse, Content: sealed, Tags: [][]string{{"p", request.PubKey}, {"e", request.ID}}}
	_ = e.sign(s.key)
	return e, true
}

func failure(code, text string) map[string]any {
	return map[string]any{"error": map[string]string{"code": code, "message": text}, "result": nil}
}

// pay pays an invoice as a node does: each once. s.mu is held.
func (s *service) pay(invoice string) map[string]any {
	in, err := bolt11.Decode(invoice)
	if err != nil {
		return failure("OTHER", "bad invoice")
	}
	key := in.PaymentHash.String()
	if t := s.payments[key]; t != nil && t.State != "failed" {
		return failure("OTHER", "already "+t.State)
	}
	t := &transaction{Type: "outgoing", State: "pending", PaymentHash: key, SettledAt: json.RawMessage("null")}
	s.payments[key] = t
	switch {
	case s.fail != "":
		t.State = "failed"
		return failure(s.fail, "no route")
	case s.hold:
		return failure("PAYMENT_FAILED", "timeout")
	}
	return s.settle(t, invoice)
}

func (s *service) settle(t *transaction, invoice string) map[string]any {
	preimage, err := s.network.Pay(invoice)
	if err != nil {
		t.State = "failed"
		return failure("PAYMENT_FAILED", err.Error())
	}
	t.State, t.Preimage, t.Fees, t.SettledAt = "settled", preimage, 1234, json.RawMessage("1759320000")
	if s.proof != "" {
		preimage = s.proof
	}
	return map[string]any{"result": map[string]any{"preimage": preimage, "fees_paid": 1234}}
}

package lnurl_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2/bech32"

	"hearth/internal/public"
	"hearth/pool/payout"
	"hearth/pool/payout/bolt11"
	"hearth/pool/payout/lnurl"
	"hearth/pool/payout/payouttest"
)

// service is a payee's LNURL service on a real socket. Its fields bend its
// answers.
type service struct {
	*httptest.Server
	network *payouttest.Network
	first   func(map[string]any)                                        // the first answer
	terms   func(*payouttest.Terms)                                     // how it makes invoices
	amount  func(int64) int64                                           // which amount it writes into one
	second  func(map[string]any)                                        // the second answer
	instead func(w http.ResponseWriter, r *http.Request, step int) bool // anything else
	asked   atomic.Int64
}

const metadata = `[["text/plain","Sats for heat"],["text/identifier","alice@example.com"]]`

func serve(t *testing.T, n *payouttest.Network) *service {
	t.Helper()
	s := &service{network: n}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v map[string]any) {
		w.WriteHeader(http.StatusTeapot) // the status means nothing
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("/.well-known/lnurlp/alice", func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		if s.instead != nil && s.instead(w, r, 1) {
			return
		}
		v := map[string]any{"tag": "payRequest", "callback": s.URL + "/pay?id=7&x=%2F", "minSendable": 1000, "maxSendable": 100_000_000, "metadata": metadata}
		if s.first != nil {
			s.first(v)
		}
		answer(w, v)
	})
	mux.HandleFunc("/pay", func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		if s.instead != nil && s.instead(w, r, 2) {
			return
		}
		if r.URL.Query().Get("id") != "7" || r.URL.Query().Get("x") != "/" || len(r.URL.Query()["amount"]) != 1 {
			t.Errorf("asked for %s", r.URL)
		}
		msat, err := strconv.ParseInt(r.URL.Query().Get("amount"), 10, 64)
		if err != nil {
			t.Error(err)
		}
		if s.amount != nil {
			msat = s.amount(msat)
		}
		terms := payouttest.Terms{Metadata: metadata}
		if s.terms != nil {
			s.terms(&terms)
		}
		pr, _ := n.Mint(msat, terms)
		v := map[string]any{"pr": pr, "routes": []any{}}
		if s.second != nil {
			s.second(v)
		}
		answer(w, v)
	})
	s.Server = httptest.NewTLSServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *service) host() string { return strings.TrimPrefix(s.URL, "https://") }

// rail is one to a service whose socket, and no other inward one, is let pass.
func rail(t *testing.T, s *service, payer payout.Rail, now func() time.Time) *lnurl.Rail {
	t.Helper()
	r, err := lnurl.New(lnurl.Config{
		Payer: payer, Network: bolt11.Regtest, Now: now,
		TLS: s.Client().Transport.(*http.Transport).TLSClientConfig,
		Control: func(network, address string, c syscall.RawConn) error {
			if address == s.host() {
				return nil
			}
			return public.Control(network, address, c)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func clock() time.Time { return time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC) }

func intent(to string) payout.Intent {
	return payout.Intent{ID: "home/alice/2026-10", Party: "alice", Rail: "lnurl", To: to, Millisats: 245_000, MaxFee: 5000}
}

func TestAnAddressIsPaidOnce(t *testing.T) {
	n := payouttest.NewNetwork(clock)
	payer := payouttest.NewRail(n)
	s := serve(t, n)
	r := rail(t, s, payer, clock)
	code := encode(t, s.URL+"/.well-known/lnurlp/alice")
	for i, to := range []string{"alice@" + s.host(), "Alice@" + s.host(), code, "lightning:" + strings.ToUpper(code), "lnurlp://" + s.host() + "/.well-known/lnurlp/alice"} {
		ticket, err := r.Prepare(t.Context(), intent(to))
		if err != nil {
			t.Fatalf("%s: %v", to, err)
		}
		if err := ticket.Check(); err != nil {
			t.Fatal(err)
		}
		if n.Total() != int64(i)*245_000 {
			t.Fatalf("%s: %d msat have moved before Pay", to, n.Total())
		}
		// The answer is lost; the same ticket is tried again.
		payer.Lose(1)
		if _, err := r.Pay(t.Context(), ticket); err == nil {
			t.Fatalf("%s: the answer was not lost", to)
		}
		for range 2 {
			if o, err := r.Pay(t.Context(), ticket); err != nil || o.State != payout.Paid {
				t.Fatalf("%s: %+v, %v", to, o, err)
			}
		}
		if o, err := r.Look(t.Context(), ticket); err != nil || o.State != payout.Paid {
			t.Fatalf("%s: %+v, %v", to, o, err)
		}
		if n.Total() != int64(i+1)*245_000 {
			t.Fatalf("%s: %d msat have moved", to, n.Total())
		}
	}
}

// A Prepare whose answer was lost is called again and gets another invoice. The
// first is never paid.
func TestPreparingTwicePaysOnce(t *testing.T) {
	n := payouttest.NewNetwork(clock)
	s := serve(t, n)
	r := rail(t, s, payouttest.NewRail(n), clock)
	if _, err := r.Prepare(t.Context(), intent("alice@"+s.host())); err != nil {
		t.Fatal(err)
	}
	ticket, err := r.Prepare(t.Context(), intent("alice@"+s.host()))
	if err != nil {
		t.Fatal(err)
	}
	if o, err := r.Pay(t.Context(), ticket); err != nil || o.State != payout.Paid || n.Total() != 245_000 {
		t.Errorf("%+v, %v, %d msat", o, err, n.Total())
	}
}

func TestAServiceIsNotBelieved(t *testing.T) {
	set := func(key string, v any) func(map[string]any) { return func(m map[string]any) { m[key] = v } }
	for _, c := range []struct {
		name    string
		bend    func(s *service)
		says    string
		refused bool // for good
	}{
		{"another amount", func(s *service) { s.amount = func(m int64) int64 { return m + 1 } }, "is of 245001 msat, not of 245000", true},
		{"any amount", func(s *service) { s.amount = func(int64) int64 { return 0 } }, "is of 0 msat", true},
		{"another description", func(s *service) { s.terms = func(t *payouttest.Terms) { t.Metadata += " " } }, "is not for what the service said", true},
		{"a description without a hash", func(s *service) { s.terms = func(t *payouttest.Terms) { *t = payouttest.Terms{Describe: metadata} } }, "is not for what the service said", true},
		{"another network", func(s *service) { s.terms = func(t *payouttest.Terms) { t.Network = bolt11.Mainnet } }, "network lnbc, not of lnbcrt", true},
		{"an invoice that ends at once", func(s *service) { s.terms = func(t *payouttest.Terms) { t.Expiry = 10 * time.Second } }, "expires at 2026-10-01T12:00:10Z already", false},
		{"no invoice", func(s *service) { s.second = set("pr", "lnbc1") }, "not a valid Lightning invoice", true},
		{"an error in words", func(s *service) {
			s.second = func(m map[string]any) { clear(m); m["status"], m["reason"] = "ERROR", "come back tomorrow" }
		}, "come back tomorrow", false},
		{"another kind of LNURL", func(s *service) { s.first = set("tag", "withdrawRequest") }, `"withdrawRequest"`, true},
		{"too little", func(s *service) { s.first = set("minSendable", 245_001) }, "takes 245001 msat at least", true},
		{"too much", func(s *service) { s.first = set("maxSendable", 244_999.0) }, "takes 244999 msat at most", true},
		{"bounds upside down", func(s *service) { s.first = set("minSendable", 1e12) }, "which amounts it takes", true},
		{"bounds that are none", func(s *service) { s.first = set("maxSendable", -5) }, "which amounts it takes", true},
		{"no metadata", func(s *service) { s.first = set("metadata", "[]") }, "what is paid for", true},
		{"metadata that is a list already", func(s *service) { s.first = set("metadata", []any{}) }, "LNURL-pay", false},
		{"a callback without TLS", func(s *service) { s.first = set("callback", "http://8.8.8.8/pay") }, "not protected by TLS", true},
		{"a callback into Tor", func(s *service) { s.first = set("callback", "https://abc.onion/pay") }, "Tor", true},
		{"a callback to a private network", func(s *service) { s.first = set("callback", "https://192.168.1.1/pay") }, "not public", false},
		{"a callback to the cloud's own data", func(s *service) { s.first = set("callback", "https://169.254.169.254/latest") }, "not public", false},
		{"a page", func(s *service) {
			s.instead = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
				_, _ = w.Write([]byte("<html>"))
				return true
			}
		}, "LNURL-pay", false},
		{"an answer without end", func(s *service) {
			s.instead = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
				chunk := []byte(strings.Repeat(" ", 64<<10))
				for range 64 {
					if _, err := w.Write(chunk); err != nil {
						break
					}
				}
				return true
			}
		}, "more than 524288 bytes", false},
		{"a redirect to this computer", redirect("https://127.0.0.1:1/pay"), "not public", false},
		{"a redirect to a name of this computer", redirect("https://localhost:1/pay"), "not public", false},
		{"a redirect without TLS", redirect("http://8.8.8.8/pay"), "not protected by TLS", false},
		{"a redirect in a ring", func(s *service) {
			s.instead = func(w http.ResponseWriter, r *http.Request, _ int) bool {
				http.Redirect(w, r, s.URL+r.URL.Path, http.StatusFound)
				return true
			}
		}, "from one address to the next", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := payouttest.NewNetwork(clock)
			s := serve(t, n)
			c.bend(s)
			ticket, err := rail(t, s, payouttest.NewRail(n), clock).Prepare(t.Context(), intent("alice@"+s.host()))
			if err == nil {
				t.Fatalf("prepared: %+v", ticket)
			}
			if !strings.Contains(err.Error(), c.says) || errors.Is(err, payout.ErrRefused) != c.refused {
				t.Errorf("%v (refused for good: %v)", err, errors.Is(err, payout.ErrRefused))
			}
			if n.Total() != 0 || s.asked.Load() > 8 {
				t.Errorf("%d msat moved, asked %d times", n.Total(), s.asked.Load())
			}
		})
	}
}

func redirect(to string) func(*service) {
	return func(s *service) {
		s.instead = func(w http.ResponseWriter, r *http.Request, _ int) bool {
			http.Redirect(w, r, to, http.StatusFound)
			return true
		}
	}
}

// A redirect to another public place is what services do; here the place is
// the same socket, which the test lets pass.
func TestARedirectOfTheServiceIsFollowed(t *testing.T) {
	n := payouttest.NewNetwork(clock)
	s := serve(t, n)
	s.instead = func(w http.ResponseWriter, r *http.Request, step int) bool {
		if step == 1 && r.URL.RawQuery == "" {
			http.Redirect(w, r, s.URL+r.URL.Path+"?moved=1", http.StatusMovedPermanently)
			return true
		}
		return false
	}
	if _, err := rail(t, s, payouttest.NewRail(n), clock).Prepare(t.Context(), intent("alice@"+s.host())); err != nil {
		t.Error(err)
	}
}

func TestAServiceThatHangsHoldsNobody(t *testing.T) {
	n := payouttest.NewNetwork(clock)
	s := serve(t, n)
	held := make(chan struct{})
	s.instead = func(_ http.ResponseWriter, r *http.Request, _ int) bool {
		close(held)
		<-r.Context().Done()
		return true
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-held; cancel() }()
	if _, err := rail(t, s, payouttest.NewRail(n), clock).Prepare(ctx, intent("alice@"+s.host())); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestWithoutALeverOnlyThePublicNetworkIsReached(t *testing.T) {
	n := payouttest.NewNetwork(clock)
	s := serve(t, n)
	r, err := lnurl.New(lnurl.Config{Payer: payouttest.NewRail(n), TLS: &tls.Config{MinVersion: tls.VersionTLS12}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Prepare(t.Context(), intent("alice@"+s.host())); !errors.Is(err, public.ErrPrivate) || s.asked.Load() != 0 {
		t.Errorf("%v, asked %d times", err, s.asked.Load())
	}
	if _, err := lnurl.New(lnurl.Config{}); err == nil {
		t.Error("without a wallet there is a rail")
	}
}

func encode(t *testing.T, text string) string {
	t.Helper()
	words, err := bech32.ConvertBits([]byte(text), 8, 5, true)
	if err != nil {
		t.Fatal(err)
	}
	code, err := bech32.Encode("lnurl", words)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestAddressesLeadWhereTheyShould(t *testing.T) {
	for to, want := range map[string]string{
		"alice@example.com":            "https://example.com/.well-known/lnurlp/alice",
		"alice+heat@Example.com":       "https://example.com/.well-known/lnurlp/alice+heat",
		"LNURLP://example.com/a?b=c":   "https://example.com/a?b=c",
		encode(t, "https://a.b/c?d=1"): "https://a.b/c?d=1",
		// The example of LUD-01.
		"LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HXQURZEPEXEJXXEPNXSCRVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS": "https://service.com/api?q=3fc3645b439ce8e7f2553a69e5267081d96dcd340693afabe04be7b0ccd178df",
		"alice@abc.onion":                "",
		"alice@abc.onion.":               "",
		"lnurlp://abc.onion/x":           "",
		encode(t, "http://example.com"):  "",
		encode(t, "file:///etc/passwd"):  "",
		"alice":                          "",
		"@example.com":                   "",
		"alice@":                         "",
		"..@example.com":                 "",
		"ali/ce@example.com":             "",
		"ali ce@example.com":             "",
		"alice@user:pass@example.com":    "",
		"https://example.com":            "",
		"lnurl1qqqq":                     "",
		strings.Repeat("a", 3000) + "@x": "",
	} {
		u, err := lnurl.Resolve(to)
		switch {
		case want == "" && !errors.Is(err, payout.ErrRefused):
			t.Errorf("%.60s: %v, %v", to, u, err)
		case want != "" && (err != nil || u.String() != want):
			t.Errorf("%.60s: %v, %v; want %s", to, u, err, want)
		}
	}
}

func FuzzResolve(f *testing.F) {
	for _, s := range []string{"alice@example.com", "lnurlp://a/b", "lnurl1dp68gurn8ghj7", "lightning:a@b", "a@[::1]", "a@b:99999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := lnurl.Resolve(s)
		if err != nil {
			if !errors.Is(err, payout.ErrRefused) {
				t.Fatal(err)
			}
			return
		}
		if u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.HasSuffix(u.Hostname(), ".onion") {
			t.Fatalf("%q leads to %s", s, u)
		}
	})
}

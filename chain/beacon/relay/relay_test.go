package relay_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hearth/chain/beacon/drand"
	"hearth/chain/beacon/relay"
)

const genesis = 1_700_000_000

// local is a beacon on a real socket that has published so many rounds.
func local(t *testing.T, rounds int64) (*relay.Local, *atomic.Int64, *httptest.Server) {
	t.Helper()
	key, err := drand.NewSecretKey(bytes.Repeat([]byte{7}, drand.LeastSeed))
	if err != nil {
		t.Fatal(err)
	}
	var now atomic.Int64
	now.Store(genesis + 3*(rounds-1))
	l, err := relay.NewLocal(key, genesis, 3, func() time.Time { return time.Unix(now.Load(), 0) })
	if err != nil {
		t.Fatal(err)
	}
	return l, &now, serve(t, l)
}

func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func client(t *testing.T, c drand.Chain, relays ...string) *relay.Client {
	t.Helper()
	cl, err := relay.New(relay.Config{Chain: c, Relays: relays, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func TestClientOfLocalBeacon(t *testing.T) {
	l, now, s := local(t, 10)
	c := client(t, l.Chain(), s.URL+"/")
	ctx := t.Context()
	if err := c.Check(ctx); err != nil {
		t.Error(err)
	}
	v, err := drand.NewVerifier(l.Chain().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []uint64{1, 7, 10} {
		r, err := c.Round(ctx, n)
		if err != nil || r.Number != n || v.VerifyRound(r) != nil {
			t.Errorf("round %d: %v, %v", n, r.Number, err)
		}
	}
	if r, err := c.Latest(ctx); err != nil || r.Number != 10 {
		t.Errorf("the latest is %d, %v", r.Number, err)
	}
	if _, err := c.Round(ctx, 11); !errors.Is(err, relay.ErrNotYet) {
		t.Errorf("a round of the future: %v", err)
	}
	now.Add(3)
	if _, err := c.Round(ctx, 11); err != nil {
		t.Errorf("the same once it is time: %v", err)
	}
	if _, err := c.Round(ctx, 0); err == nil {
		t.Error("round 0 is fetched")
	}
}

func TestOneRelayIsEnough(t *testing.T) {
	l, _, good := local(t, 1000)
	forged := func(number uint64) string { return answer(number, strings.Repeat("a", 96)) }
	stop := make(chan struct{})
	for name, bad := range map[string]http.HandlerFunc{
		"slow": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-stop:
			case <-r.Context().Done():
			}
		},
		"another round":    func(w http.ResponseWriter, r *http.Request) { pass(w, r, l, "/5", "/6") },
		"forged signature": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, forged(5)) },
		"renumbered round": func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			r.URL.Path = strings.Replace(r.URL.Path, "/5", "/6", 1)
			l.ServeHTTP(rec, r)
			fmt.Fprint(w, strings.Replace(rec.Body.String(), `"round":6`, `"round":5`, 1))
		},
		"giant body": func(w http.ResponseWriter, _ *http.Request) {
			for range 1 << 12 {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		},
		"giant signature": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer(5, strings.Repeat("a", 7000))) },
		"not JSON":        func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"not hex":         func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer(5, strings.Repeat("z", 96))) },
		"empty":           func(http.ResponseWriter, *http.Request) {},
		"breaks off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "400")
			fmt.Fprint(w, forged(5)[:20])
		},
		"broken": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) },
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, good.URL+r.URL.Path, http.StatusFound)
		},
		"behind": http.NotFound,
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, bad)
			one, err := relay.New(relay.Config{Chain: l.Chain(), Relays: []string{s.URL}, Timeout: 200 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := one.Round(t.Context(), 5); err == nil {
				t.Error("alone, it is believed")
			} else if !strings.Contains(err.Error(), s.URL) || !strings.Contains(err.Error(), "drand round 5") {
				t.Errorf("the error does not say who failed at what: %v", err)
			}
			both, err := relay.New(relay.Config{Chain: l.Chain(), Relays: []string{s.URL, good.URL}, Timeout: 200 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time the good one is asked first
				if r, err := both.Round(t.Context(), 5); err != nil || r.Number != 5 {
					t.Errorf("with a good relay beside it: %v", err)
				}
			}
		})
	}
	close(stop)
}

// pass asks the beacon for another round than a client did.
func pass(w http.ResponseWriter, r *http.Request, h http.Handler, from, to string) {
	r.URL.Path = strings.Replace(r.URL.Path, from, to, 1)
	h.ServeHTTP(w, r)
}

func answer(number uint64, signature string) string {
	return fmt.Sprintf(`{"round":%d,"signature":"%s"}`, number, signature)
}

func TestRelayThatSpeaksTheOldVersionOnly(t *testing.T) {
	l, _, _ := local(t, 10)
	var asked []string
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, strings.SplitN(r.URL.Path, "/", 3)[1])
		if strings.HasPrefix(r.URL.Path, "/v2/") {
			http.NotFound(w, r)
			return
		}
		l.ServeHTTP(w, r)
	}))
	c := client(t, l.Chain(), s.URL)
	for n := range uint64(2) {
		if _, err := c.Round(t.Context(), n+1); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Round(t.Context(), 11); !errors.Is(err, relay.ErrNotYet) {
		t.Errorf("a round of the future: %v", err)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if len(asked) != 5 || asked[0] != "v2" {
		t.Errorf("asked under %q: want v2 once", asked)
	}
}

// What a relay of drand answers, byte for byte, verified with the real key.
func TestQuicknetAnswers(t *testing.T) {
	q := drand.Quicknet()
	hash := hex.EncodeToString(q.Hash[:])
	answers := map[string]string{
		"/v2/chains/" + hash + "/rounds/42": `{"round":42,"signature":"95a9f9f5b231b7714de1553105d8ffdf3dcda24cfdb1e689319bccf79a9c8ce430a91b811fbfaf763900bc998b5d686a"}`,
		"/" + hash + "/public/1000":         `{"round":1000,"randomness":"fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd","signature":"b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"}`,
		"/" + hash + "/info":                `{"public_key":"83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a","period":3,"genesis_time":1692803367,"hash":"52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971","groupHash":"f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e","schemeID":"bls-unchained-g1-rfc9380","metadata":{"beaconID":"quicknet"}}`,
	}
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, body)
	}))
	c := client(t, q, s.URL)
	for _, n := range []uint64{42, 1000} {
		if _, err := c.Round(t.Context(), n); err != nil {
			t.Error(err)
		}
	}
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRelayOfAnotherChain(t *testing.T) {
	l, _, s := local(t, 10)
	other := l.Chain()
	other.Genesis += 3
	if err := client(t, other, s.URL).Check(t.Context()); err == nil || !strings.Contains(err.Error(), "another chain") {
		t.Errorf("a chain with another genesis: %v", err)
	}
	if err := client(t, drand.Quicknet(), s.URL).Check(t.Context()); err == nil {
		t.Error("the local beacon passes for quicknet")
	}
}

func TestLocalBeaconSaysWhatItIs(t *testing.T) {
	_, _, s := local(t, 3)
	for path, want := range map[string]int{
		"/chains":                               http.StatusOK,
		"/v2/chains":                            http.StatusOK,
		"/v2/beacons/hearth-local/info":         http.StatusOK,
		"/v2/beacons/hearth-local/rounds/3":     http.StatusOK,
		"/v2/beacons/hearth-local/rounds/4":     http.StatusTooEarly,
		"/v2/beacons/hearth-local/rounds/0":     http.StatusBadRequest,
		"/v2/beacons/hearth-local/rounds/-1":    http.StatusBadRequest,
		"/v2/beacons/hearth-local/rounds/first": http.StatusBadRequest,
		"/v2/beacons/quicknet/rounds/3":         http.StatusNotFound,
		"/public/latest":                        http.StatusNotFound,
	} {
		resp, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, resp.StatusCode, want)
		}
		if !strings.Contains(resp.Header.Get("Server"), "local beacon") {
			t.Errorf("%s: it does not say that it is a local beacon", path)
		}
	}
}

func TestConfigsThatMakeNoSense(t *testing.T) {
	q := drand.Quicknet()
	for _, relays := range [][]string{nil, {""}, {"api.drand.sh"}, {"ftp://api.drand.sh"}, {"https://"}, {"https://a?b"}, {"https://u:p@a"}} {
		if _, err := relay.New(relay.Config{Chain: q, Relays: relays}); err == nil {
			t.Errorf("relays %q are taken", relays)
		}
	}
	if _, err := relay.New(relay.Config{Relays: relay.Public()}); err == nil {
		t.Error("a chain without a key is taken")
	}
	if _, err := relay.New(relay.Config{Chain: q, Relays: relay.Public()}); err != nil {
		t.Error(err)
	}
}

func TestFeedGivesRoundsWithoutGap(t *testing.T) {
	l, now, s := local(t, 40)
	c := client(t, l.Chain(), s.URL)
	// The feed's clock is ahead of the beacon's: nothing here waits for time.
	f := relay.NewFeed(c, func() time.Time { return time.Unix(now.Load()+3600, 0) })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()

	has := func(first uint64, most, want int) {
		t.Helper()
		v, err := drand.NewVerifier(l.Chain().PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		for {
			got := f.Rounds(first, most)
			if len(got) >= want {
				if len(got) > most {
					t.Fatalf("%d rounds, asked for %d at most", len(got), most)
				}
				if err := v.VerifyRun(first, got); err != nil {
					t.Fatal(err)
				}
				return
			}
			select {
			case err := <-done:
				t.Fatalf("the feed ended: %v", err)
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	has(10, 5, 5)
	has(15, 100, 26) // up to round 40, the last
	has(38, 100, 3)
	has(3, 4, 4) // the chain turns back
	now.Add(30)
	has(41, 100, 10)
	if f.Rounds(0, 5) != nil || len(f.Rounds(41, -1)) != 0 {
		t.Error("rounds that nobody can want are given")
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the feed ended with %v", err)
	}
}

func TestFeedSurvivesARelayThatIsDown(t *testing.T) {
	l, now, _ := local(t, 20)
	var down atomic.Bool
	down.Store(true)
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		l.ServeHTTP(w, r)
	}))
	f := relay.NewFeed(client(t, l.Chain(), s.URL), func() time.Time { return time.Unix(now.Load()+3600, 0) })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go f.Run(ctx)
	f.Rounds(5, 1)
	for f.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	if !strings.Contains(f.Err().Error(), "503") {
		t.Errorf("the feed says %v", f.Err())
	}
	down.Store(false)
	for len(f.Rounds(5, 3)) < 3 {
		time.Sleep(5 * time.Millisecond)
	}
}

package pool_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"hearth/pool"
	"hearth/pool/pooltest"
)

// A wallet that is not there is told of at the start, with what to do, and keeps
// nothing else from starting.
func TestAMissingWalletIsTold(t *testing.T) {
	home := func(p pool.Payouts) *desk {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "password"), []byte("hush"), 0o600); err != nil {
			t.Fatal(err)
		}
		return open(t, dir, pool.Config{
			Upstreams: []pool.Upstream{{Name: "ours", URL: "stratum+tcp://127.0.0.1:1", User: "farm"}}, Payouts: p,
		})
	}
	told := func(d *desk) string {
		for _, x := range d.State(t.Context()).Trouble {
			if strings.Contains(x, "the wallet (") {
				return x
			}
		}
		return ""
	}
	var asked atomic.Int32
	phoenixd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		switch {
		case password != "hush":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/getinfo":
			defer asked.Add(1)
			_, _ = w.Write([]byte(`{"nodeId":"02aa"}`))
		default:
			_, _ = w.Write([]byte("[]"))
		}
	}))
	t.Cleanup(phoenixd.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, c := range []struct {
		what    string
		payouts pool.Payouts
		want    []string
	}{
		{
			"neither macaroon nor certificate",
			pool.Payouts{Rail: "lnd", URL: "https://127.0.0.1:1", Secret: "file:absent.macaroon", Certificate: "absent.cert"},
			[]string{"(lnd)", "nothing can be paid out", "absent.macaroon", "put the file there", "pool: payouts"},
		},
		{"no lnd", pool.Payouts{Rail: "lnd", URL: "https" + strings.TrimPrefix(gone.URL, "http"), Secret: "file:password"}, []string{"is it running and unlocked"}},
		{"no phoenixd", pool.Payouts{Rail: "phoenixd", URL: gone.URL, Secret: "file:password"}, []string{"(phoenixd)", "ask phoenixd at " + gone.URL, "is it running"}},
		{"another password", pool.Payouts{Rail: "phoenixd", URL: phoenixd.URL, Secret: "file:ledger.key"}, []string{"phoenixd refuses the password"}},
	} {
		d := home(c.payouts)
		pooltest.Eventually(t, c.what, func() error {
			if told(d) == "" {
				return errors.New("nothing is told")
			}
			return nil
		})
		for _, want := range c.want {
			if got := told(d); !strings.Contains(got, want) {
				t.Errorf("%s: %q; want %q in it", c.what, got, want)
			}
		}
		d.stop()
	}
	asked.Store(0)
	d := home(pool.Payouts{Rail: "phoenixd", URL: phoenixd.URL, Secret: "file:password"})
	pooltest.Eventually(t, "the wallet is asked", func() error {
		if asked.Load() == 0 {
			return errors.New("it is not")
		}
		return nil
	})
	d.stop()
	if got := told(d); got != "" {
		t.Errorf("a wallet that answers: %q", got)
	}
}

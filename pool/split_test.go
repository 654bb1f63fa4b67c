package pool_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"hearth/ledger"
	"hearth/pool"
	"hearth/pool/pooltest"
)

// contract writes an agreement into a new folder and returns the folder.
func contract(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	rewrite(t, dir, text)
	return dir
}

// rewrite puts an agreement into a folder.
func rewrite(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "agreement.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// given is the work that the ledger says each party was credited with.
func (d *desk) given() map[string]int64 {
	got := map[string]int64{}
	for _, r := range d.records(ledger.KindShares) {
		body, err := r.Decode()
		if err != nil {
			d.t.Fatal(err)
		}
		s := body.(ledger.Shares)
		got[s.Party] += s.Work
	}
	return got
}

const byShare = `
agreement: 1
name: thirds
mode: per-share
time_zone: UTC
start: 2020-01-01
parties:
  host: {name: Host, paid: {account: host.heater}}
  operator: {name: Operator, paid: {account: operator.heater}}
  financier: {name: Bank, paid: {account: bank.heater}}
meters: {workers: [heater-0, heater-1], income: [ours]}
shares: {host: 60%, operator: 30%, financier: 10%}
`

// Each share is handed in for the party that is furthest behind: nobody is ever
// further off than a share, at the pool itself.
func TestSharesAreDividedAtOnePool(t *testing.T) {
	upstream := pooltest.NewFakePool(t, pooltest.FakePoolConfig{})
	dir := contract(t, byShare)
	cfg := pool.Config{Agreement: "agreement.yaml", Upstreams: []pool.Upstream{{Name: "ours", URL: upstream.URL(), User: "unused"}}}
	d := open(t, dir, cfg)
	f := d.fleet(1, 1, 0)
	d.mine(f, "a hundred shares are accepted, and the pool is probed", func() error {
		if n := d.State(t.Context()).Sources[0]; n.Accepted < 100 || n.Probe == "" {
			return fmt.Errorf("%d shares; %s", n.Accepted, n.Probe)
		}
		return nil
	})
	// The probe's own share is the second party's.
	parties := []struct {
		user   string
		due    float64
		probes int
	}{{"host.heater", 0.6, 0}, {"operator.heater", 0.3, 1}, {"bank.heater", 0.1, 0}}
	pooltest.Eventually(t, "the last shares are at the pool, and all are divided", func() error {
		total := 0
		for _, p := range parties {
			total += upstream.Accepted(p.user) - p.probes
		}
		if n := d.State(t.Context()).Sources[0].Accepted; n != int64(total) {
			return fmt.Errorf("the pool has %d shares, and %d are counted here", total, n)
		}
		for _, p := range parties {
			if n, due := upstream.Accepted(p.user)-p.probes, p.due*float64(total); math.Abs(float64(n)-due) > 1 {
				return fmt.Errorf("%s was credited with %d of %d shares, want %.1f", p.user, n, total, due)
			}
		}
		return nil
	})
	d.stop()
	d = open(t, dir, cfg)
	got := d.given()
	if got["host"] == 0 || got["operator"] == 0 || got["financier"] == 0 || got[""] != 0 {
		t.Errorf("the ledger has %v", got)
	}
}

const bySlice = `
agreement: 1
name: turns
mode: slices
time_zone: UTC
start: 2020-01-01
parties:
  host: {name: Host, paid: {pool: hers}}
  operator: {name: Operator, paid: {pool: theirs}}
meters: {workers: [heater-0, heater-1], income: [hers, theirs]}
shares: {host: 70%, operator: 30%}
`

// Heaters work for one party's pool after the other, on one connection.
func TestHeatersAreLentInTurns(t *testing.T) {
	hers, theirs := pooltest.NewFakePool(t, pooltest.FakePoolConfig{}), pooltest.NewFakePool(t, pooltest.FakePoolConfig{})
	dir := contract(t, bySlice)
	cfg := pool.Config{Agreement: "agreement.yaml", Slice: 1, Upstreams: []pool.Upstream{
		{Name: "hers", URL: hers.URL(), User: "host"}, {Name: "theirs", URL: theirs.URL(), User: "operator"},
	}}
	d := open(t, dir, cfg)
	pooltest.Eventually(t, "both pools give work", func() error {
		for _, s := range d.State(t.Context()).Sources {
			if !s.Up {
				return fmt.Errorf("%s: %s", s.Name, s.Why)
			}
		}
		return nil
	})
	f := d.fleet(1, 1, 0)
	d.mine(f, "both parties were worked for", func() error {
		if a, b := hers.Accepted("host"), theirs.Accepted("operator"); a < 20 || b < 10 {
			return fmt.Errorf("%d and %d shares", a, b)
		}
		return nil
	})
	if bad := len(hers.Rejected("host")) + len(theirs.Rejected("operator")); bad > 0 {
		t.Errorf("shares were rejected: %v %v", hers.Rejected("host"), theirs.Rejected("operator"))
	}
	d.stop()
	d = open(t, dir, cfg)
	got := d.given()
	if got["host"] == 0 || got["operator"] == 0 || got[""] != 0 {
		t.Errorf("the ledger has %v", got)
	}
}

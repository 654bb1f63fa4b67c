package pool_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/pool"
	"hearth/pool/pooltest"
)

// A pool that does not let a party in takes from that party alone: the others'
// shares go on under their own names.
func TestAPartyThatIsTurnedAwayLosesOnlyItsOwn(t *testing.T) {
	upstream := pooltest.NewFakePool(t, pooltest.FakePoolConfig{User: "host.heater"})
	dir := contract(t, byShare)
	d := open(t, dir, pool.Config{Agreement: "agreement.yaml", Upstreams: []pool.Upstream{{Name: "ours", URL: upstream.URL(), User: "unused"}}})
	f := d.fleet(1, 1, 0)
	d.mine(f, "the party that is let in is credited", func() error {
		if n := upstream.Accepted("host.heater"); n < 60 {
			return fmt.Errorf("%d shares: %+v", n, d.State(t.Context()).Sources)
		}
		return nil
	})
	for _, p := range d.State(t.Context()).Parties {
		if p.Name != "host" && p.Credited == 0 {
			t.Errorf("%s is not furthest behind for ever, it has %d", p.Name, p.Credited)
		}
	}
}

// Whoever gives up waiting for an answer and asks again has not been paid twice.
func TestAReceiptIsBookedOnceThoughTheAskerHasGone(t *testing.T) {
	dir := contract(t, byLedger)
	d := open(t, dir, pool.Config{Agreement: "agreement.yaml", Upstreams: []pool.Upstream{{Name: "ours", URL: refuses(t), User: "house"}}})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	r := pool.Receipt{Source: "ours", Millisats: 5000, Proof: "tx"}
	for range 3 {
		if err := d.Receive(gone, r, "test"); err != nil && !errors.Is(err, pool.ErrRepeated) {
			t.Fatal(err)
		}
	}
	if n := len(d.records(ledger.KindEarning)); n != 1 {
		t.Errorf("%d receipts are in the ledger, want 1", n)
	}
	r.Proof, r.At = "later", time.Now().AddDate(1, 0, 0)
	if err := d.Receive(t.Context(), r, "test"); err == nil {
		t.Error("a receipt of next year was booked")
	}
}

// Of two who turn the kill switch at once, the later record holds, in memory as
// in the ledger.
func TestTheKillSwitchIsAsTheLedgerSays(t *testing.T) {
	dir := contract(t, byLedger)
	d := open(t, dir, pool.Config{Agreement: "agreement.yaml", Upstreams: []pool.Upstream{{Name: "ours", URL: refuses(t), User: "house"}}})
	for range 10 {
		done := make(chan error, 2)
		for _, stop := range []bool{true, false} {
			go func() { done <- d.StopPayouts(t.Context(), stop, "test") }()
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		list := d.records(ledger.KindSetting)
		body, err := list[len(list)-1].Decode()
		if err != nil {
			t.Fatal(err)
		}
		if s := body.(ledger.Setting); d.State(t.Context()).Money.Stopped != (s.To == "stopped") {
			t.Fatalf("the ledger says %q last, and payments are stopped: %v", s.To, d.State(t.Context()).Money.Stopped)
		}
	}
}

// A changed agreement does not share again what an earlier one shared.
func TestAChangedAgreementSharesNothingTwice(t *testing.T) {
	upstream := pooltest.NewFakePool(t, pooltest.FakePoolConfig{})
	dir := contract(t, byLedger)
	cfg := pool.Config{Agreement: "agreement.yaml", Upstreams: []pool.Upstream{{Name: "ours", URL: upstream.URL(), User: "house"}}}
	d := open(t, dir, cfg)
	f := d.fleet(1, 0, 0)
	d.mine(f, "work is done", func() error {
		if n := d.State(t.Context()).Sources[0].Accepted; n < 5 {
			return fmt.Errorf("%d shares", n)
		}
		return nil
	})
	if err := d.Receive(t.Context(), pool.Receipt{Source: "ours", Millisats: 1_000_000, Proof: "tx"}, "test"); err != nil {
		t.Fatal(err)
	}
	d.later(20 * time.Minute)
	if err := d.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.stop()
	rewrite(t, dir, strings.Replace(byLedger, "host: 30%, operator: 30%", "host: 50%, operator: 10%", 1))
	d = open(t, dir, cfg)
	d.later(40 * time.Minute)
	if err := d.Settle(t.Context()); err != nil {
		t.Logf("it says: %v", err)
	}
	if n := len(d.records(ledger.KindTransfer)); n != 1 {
		t.Errorf("%d transfers, want 1", n)
	}
}

// In a pool that pays the finder the pool's own heaters find blocks too, and who
// is paid in a block has an address.
func TestAPoolPaysItsOwnHeaters(t *testing.T) {
	btcd := pooltest.StartBtcd(t, pooltest.BtcdConfig{Network: "regtest", Mining: poolAddress})
	dir := t.TempDir()
	d := open(t, dir, pool.Config{Role: pool.Open, Scheme: pool.PaySolo, Network: "regtest", Address: poolAddress, Fee: 2, Node: onNode(t, btcd, dir)})
	if _, err := d.Pair(pool.Miner{Name: "sam", Account: "sam@example.com"}); err == nil {
		t.Error("a Lightning address is to be paid in a block")
	}
	p, err := d.Pair(pool.Miner{Name: "own", Account: poolAddress})
	if err != nil {
		t.Fatal(err)
	}
	d.mine(d.work([]string{p.User2}, 1, 0, 0), "a block is found", func() error {
		if h := btcd.Height(t); h < 1 {
			return fmt.Errorf("height %d: %+v", h, d.State(t.Context()).Sources)
		}
		return nil
	})
}

// A block that a longer fork puts out of the chain is nobody's money.
func TestAnOrphanedBlockIsNotBooked(t *testing.T) {
	ours := pooltest.StartBtcd(t, pooltest.BtcdConfig{Network: "regtest", Mining: poolAddress})
	theirs := pooltest.StartBtcd(t, pooltest.BtcdConfig{Network: "regtest", Mining: annaAddress})
	dir := t.TempDir()
	d := open(t, dir, pool.Config{Role: pool.Open, Scheme: pool.PPLNS, Network: "regtest", Address: poolAddress, Node: onNode(t, ours, dir)})
	p, err := d.Pair(pool.Miner{Name: "sam", Account: samAddress})
	if err != nil {
		t.Fatal(err)
	}
	d.mine(d.work([]string{p.User2}, 1, 0, 0), "a block is found", func() error {
		if d.events("block_found") == 0 {
			return fmt.Errorf("height %d", ours.Height(t))
		}
		return nil
	})
	mined := ours.Height(t)
	theirs.Generate(t, int(mined)+5)
	call(t, ours, new(any), "addnode", theirs.Listen, "add")
	pooltest.Eventually(t, "the longer fork wins", func() error {
		if a, b := ours.Height(t), theirs.Height(t); a != b {
			return fmt.Errorf("heights %d and %d", a, b)
		}
		return nil
	})
	theirs.Generate(t, 110)
	pooltest.Eventually(t, "the service gives the blocks up", func() error {
		if n := d.events("block_lost"); n < d.events("block_found") {
			return fmt.Errorf("%d of %d blocks are given up, height %d", n, d.events("block_found"), ours.Height(t))
		}
		return nil
	})
	if n := len(d.records(ledger.KindEarning)) + len(d.records(ledger.KindTransfer)); n != 0 {
		t.Errorf("%d records book what is not there", n)
	}
}

// events counts those of a code.
func (d *desk) events(code string) int {
	d.t.Helper()
	n := 0
	for _, r := range d.records(ledger.KindEvent) {
		body, err := r.Decode()
		if err != nil {
			d.t.Fatal(err)
		}
		if body.(ledger.Event).Code == code {
			n++
		}
	}
	return n
}

// A block that was found while the node was away is handed over when both are
// there again, though the service was ended in between.
func TestABlockOutlastsItsNode(t *testing.T) {
	btcd := pooltest.StartBtcd(t, pooltest.BtcdConfig{Network: "regtest"})
	dir := t.TempDir()
	cfg := pool.Config{Role: pool.Solo, Network: "regtest", Address: samAddress, Node: onNode(t, btcd, dir)}
	d := open(t, dir, cfg)
	pooltest.Eventually(t, "the node gives work", func() error {
		if s := d.State(t.Context()).Sources[0]; !s.Up {
			return errors.New(s.Why)
		}
		return nil
	})
	f := d.fleet(1, 0, 0)
	btcd.Kill()
	d.mine(f, "a block is found", func() error {
		if kept, _ := filepath.Glob(filepath.Join(dir, "pool", "block-*.raw")); len(kept) == 0 {
			return fmt.Errorf("%+v", d.State(t.Context()).Heaters)
		}
		return nil
	})
	d.stop()
	btcd.Restart(t, "")
	d = open(t, dir, cfg)
	pooltest.Eventually(t, "the block is in the chain", func() error {
		if h := btcd.Height(t); h != 1 {
			return fmt.Errorf("height %d", h)
		}
		if kept, _ := filepath.Glob(filepath.Join(dir, "pool", "block-*.raw")); len(kept) > 0 {
			return fmt.Errorf("still kept: %v", kept)
		}
		return nil
	})
}

// The ledger says whom a pool's miner works for, so that its work is credited to
// them though it is paired no more.
func TestThePoolRemembersWhomWorkIsFor(t *testing.T) {
	btcd := pooltest.StartBtcd(t, pooltest.BtcdConfig{Network: "regtest", Mining: poolAddress})
	dir := t.TempDir()
	d := open(t, dir, pool.Config{Role: pool.Open, Scheme: pool.PPLNS, Network: "regtest", Address: poolAddress, Node: onNode(t, btcd, dir)})
	anna, err := d.Pair(pool.Miner{Name: "anna", Account: annaAddress})
	if err != nil {
		t.Fatal(err)
	}
	d.mine(d.work([]string{anna.User2}, 1, 0, 0), "work is paid", func() error {
		if h := d.State(t.Context()).Heaters[0]; h.Work == 0 {
			return fmt.Errorf("%+v", h)
		}
		return nil
	})
	if err := d.Miners().Remove("anna"); err != nil {
		t.Fatal(err)
	}
	if err := d.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	given := d.given()
	if given[annaAddress] == 0 {
		t.Errorf("the ledger credits %v", given)
	}
}

package pool_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/pool"
	"hearth/pool/pooltest"
	"hearth/pool/server"
)

// Addresses of miners and of the pool itself, on regtest.
const (
	poolAddress = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
	annaAddress = "bcrt1qzyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3lgth6c"
	samAddress  = "bcrt1qyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zs4w3j0"
)

// A pool of its own divides what it finds, by each of its schemes.
func TestAPoolDividesItsBlocks(t *testing.T) {
	btcd := pooltest.StartBtcd(t, pooltest.BtcdConfig{Network: "regtest", Mining: poolAddress})
	start := func(t *testing.T, scheme pool.Scheme) (*desk, *pooltest.Fleet) {
		t.Helper()
		dir := t.TempDir()
		d := open(t, dir, pool.Config{
			Role: pool.Open, Scheme: scheme, Network: "regtest", Address: poolAddress, Fee: 2, Node: onNode(t, btcd, dir),
		})
		pooltest.Eventually(t, "the node gives work", func() error {
			if scheme == pool.PaySolo {
				return nil // each account's work begins with its first miner
			}
			if s := d.State(t.Context()).Sources; len(s) == 0 || !s[0].Up {
				return fmt.Errorf("%+v", s)
			}
			return nil
		})
		var users []string
		for name, account := range map[string]string{"anna": annaAddress, "sam": samAddress} {
			p, err := d.Pair(pool.Miner{Name: name, Account: account})
			if err != nil {
				t.Fatal(err)
			}
			users = append(users, p.User2)
		}
		return d, d.work(users, 1, 1, 0)
	}
	t.Run("pplns", func(t *testing.T) {
		d, f := start(t, pool.PPLNS)
		before := btcd.Height(t)
		d.mine(f, "blocks are found", func() error {
			if h := btcd.Height(t); h < before+3 {
				return fmt.Errorf("height %d", h)
			}
			return nil
		})
		btcd.Generate(t, 101)
		pooltest.Eventually(t, "the miners are owed their parts", func() error {
			owed := int64(0)
			for _, p := range d.State(t.Context()).Parties {
				if p.Name == annaAddress || p.Name == samAddress {
					owed += p.Balance
				}
			}
			if owed == 0 {
				return errors.New("nothing yet")
			}
			return nil
		})
		sum := int64(0)
		for _, r := range d.records(ledger.KindTransfer) {
			body, err := r.Decode()
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range body.(ledger.Transfer).Entries {
				sum += e.Millisats
			}
		}
		if sum != 0 {
			t.Errorf("transfers are off by %d msat", sum)
		}
	})
	for _, scheme := range []pool.Scheme{pool.TIDES, pool.PaySolo} {
		t.Run(string(scheme), func(t *testing.T) {
			d, f := start(t, scheme)
			before := btcd.Height(t)
			d.mine(f, "blocks are found", func() error {
				if h := btcd.Height(t); h < before+3 {
					return fmt.Errorf("height %d: %s", h, d.State(t.Context()).Sentence)
				}
				return nil
			})
			paid := map[string]bool{}
			for h := before + 1; h <= before+3; h++ {
				for script := range outputs(t, btcd, h) {
					paid[script] = true
				}
			}
			if !paid["00141111111111111111111111111111111111111111"] && !paid["00142222222222222222222222222222222222222222"] {
				t.Errorf("no miner is paid by the blocks themselves: %v", paid)
			}
		})
	}
	t.Run("per-share", func(t *testing.T) {
		d, f := start(t, pool.PerShare)
		if err := d.Receive(t.Context(), pool.Receipt{Source: "operator", Millisats: 9e15, Proof: "deposit"}, "test"); err != nil {
			t.Fatal(err)
		}
		d.mine(f, "shares are accepted", func() error {
			for _, h := range d.State(t.Context()).Heaters {
				if h.Accepted == 0 {
					return fmt.Errorf("%+v", h)
				}
			}
			return nil
		})
		if err := d.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		owed := 0
		for _, p := range d.State(t.Context()).Parties {
			if p.Balance > 0 {
				owed++
			}
		}
		if owed != 2 {
			t.Errorf("%d accounts are owed something: %+v", owed, d.State(t.Context()).Parties)
		}
		if err := d.Receive(t.Context(), pool.Receipt{Source: "operator", Millisats: 9e15, Proof: "deposit"}, "test"); !errors.Is(err, pool.ErrRepeated) {
			t.Errorf("the same deposit twice: %v", err)
		}
	})
}

// Work whose shares only the next process brings into the ledger counts for the
// blocks that come.
func TestWorkOfTheProcessBeforeCounts(t *testing.T) {
	btcd := pooltest.StartBtcd(t, pooltest.BtcdConfig{Network: "regtest", Mining: poolAddress})
	dir := t.TempDir()
	before := time.Now().UTC()
	d := open(t, dir, pool.Config{Role: pool.Open, Scheme: pool.PPLNS, Network: "regtest", Address: poolAddress, Node: onNode(t, btcd, dir)})
	from := before.Truncate(15 * time.Minute)
	e, err := ledger.NewEntry(before, "sam", false, ledger.Shares{
		From: from, To: from.Add(15 * time.Minute), Work: 1 << 20, Count: 1, Source: pool.NodeSource, Party: samAddress, Digest: ledger.Hash{1},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.store.Append(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if err := d.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	pooltest.Eventually(t, "the node gives work", func() error {
		if s := d.State(t.Context()).Sources; len(s) == 0 || !s[0].Up {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
	p, err := d.Pair(pool.Miner{Name: "anna", Account: annaAddress})
	if err != nil {
		t.Fatal(err)
	}
	height := btcd.Height(t)
	d.mine(d.work([]string{p.User2}, 1, 0, 0), "a block is found", func() error {
		if h := btcd.Height(t); h == height {
			return fmt.Errorf("height %d", h)
		}
		return nil
	})
	btcd.Generate(t, 101)
	pooltest.Eventually(t, "who worked before has a part of the first block", func() error {
		if err := d.Settle(t.Context()); err != nil {
			return err
		}
		for _, p := range d.State(t.Context()).Parties {
			if p.Name == samAddress && p.Balance > 0 {
				return nil
			}
		}
		return fmt.Errorf("%+v", d.State(t.Context()).Parties)
	})
}

// A miner that is paired anew for another account works for that one.
func TestAMinerChangesItsAccount(t *testing.T) {
	node := pool.Node{URL: strings.Replace(refuses(t), "stratum+tcp", "http", 1), User: "nobody"}
	d := open(t, t.TempDir(), pool.Config{Role: pool.Open, Scheme: pool.PaySolo, Network: "regtest", Address: poolAddress, Node: node, NoFallback: true})
	for _, account := range []string{annaAddress, samAddress} {
		p, err := d.Pair(pool.Miner{Name: "heater-0", Account: account})
		if err != nil {
			t.Fatal(err)
		}
		place, err := d.Admit(server.Login{Protocol: 2, User: p.User2})
		if err != nil {
			t.Fatal(err)
		}
		if want := pool.NodeSource + "/" + account; place.Source != want {
			t.Errorf("a miner of %s mines %s, want %s", account, place.Source, want)
		}
		d.Left(place.Worker)
		if err := d.Miners().Remove("heater-0"); err != nil {
			t.Fatal(err)
		}
	}
}

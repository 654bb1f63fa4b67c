package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"hearth/chain/keys"
	"hearth/chain/mine"
	"hearth/furnace"
	"hearth/internal/durable"
	"hearth/ledger"
	"hearth/web"
)

// networking is the part that a home takes in a network: its computer mines while
// heat is wanted.
type networking struct {
	network mine.Network
	test    bool
	data    string
	lock    string // file that opens the keys
	furnace *furnace.Furnace
	home    *residence
	log     *slog.Logger

	mu      sync.Mutex
	worker  *mine.Worker
	trouble string // before there is a worker
}

// mineLockFile opens the hot keys of a home that starts without a person.
const mineLockFile = "lock"

// joins prepares a home's part in a network, nil where it takes none.
func (c *upCmd) joins(ctx context.Context, r *residence) (*networking, error) {
	if c.Network == "" {
		return nil, nil
	}
	n, err := networkAt{Network: c.Network}.find(ctx)
	if err != nil {
		return nil, err
	}
	return &networking{network: n, test: n.Test, data: c.Data, lock: c.NetworkKey, furnace: r.deps.work, home: r, log: r.log}, nil
}

// Pauses between attempts to find a network that is not there.
const (
	firstPause   = 2 * time.Second
	longestPause = 2 * time.Minute
)

// run mines until the context ends. A network that is not there is looked for
// again: the home heats meanwhile.
func (n *networking) run(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		began := time.Now()
		err := n.mine(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > longestPause {
			pause = firstPause
		}
		if err != nil {
			n.log.Warn("this home does not mine", "network", n.network.Chain, "error", err)
			n.set(nil, err.Error())
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

func (n *networking) set(w *mine.Worker, trouble string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.worker, n.trouble = w, trouble
}

func (n *networking) mine(ctx context.Context) error {
	chain, err := mine.Connect(ctx, n.network, filepath.Join(n.data, mineFolder))
	if err != nil {
		return explainChain(err)
	}
	defer func() { _ = chain.Close() }()
	hot, err := n.keys(ctx, chain)
	if err != nil {
		return explainChain(err)
	}
	turns := n.furnace.Turns()
	w, closeWorker, err := openWorker(chain, n.data, nil, mine.Config{
		Keys: hot, Threads: heatingThreads(), Price: usualGasPrice, Log: n.log, Tell: n.tell,
		Heat: &mine.Heat{
			Wanted: n.furnace.Wanted, Enter: n.furnace.Enter,
			Turn: func(ctx context.Context) error { _, err := turns.Next(ctx); return err },
			Ran:  func() { n.furnace.Count("job", 1) },
		},
	})
	if err != nil {
		return err
	}
	defer closeWorker()
	n.set(w, "")
	defer n.set(nil, "it has stopped")
	return explainChain(w.Run(ctx))
}

// usualGasPrice is what a million units of gas are worth to a home, in uhth.
const usualGasPrice = 1000

// keys opens the home's keys. In a network of this computer, whose coins are worth
// nothing, they are made and registered without asking: the network's purse owns
// what is earned. Elsewhere a person has done that.
func (n *networking) keys(ctx context.Context, chain *mine.Chain) (keys.Hot, error) {
	purse := chain.Network().Purse
	dir := filepath.Join(n.data, mineFolder)
	if purse != nil {
		dir = chain.Dir()
	}
	name, lockName := filepath.Join(dir, mineKeysFile), n.lock
	if lockName == "" {
		lockName = filepath.Join(dir, mineLockFile)
	}
	if purse == nil {
		if _, err := os.Stat(name); err != nil {
			return keys.Hot{}, fmt.Errorf("there are no keys in %s: \"hearth mine keys make --key-file %s\" makes some, and \"hearth mine register\" registers them", name, lockName)
		}
		l, err := keys.KeyFile(lockName)
		if err != nil {
			return keys.Hot{}, err
		}
		return keys.Load(name, l)
	}
	if _, err := os.Stat(lockName); errors.Is(err, fs.ErrNotExist) {
		secret := make([]byte, 32)
		if _, err := rand.Read(secret); err != nil {
			return keys.Hot{}, fmt.Errorf("make a key: %w", err)
		}
		if err := durable.Replace(lockName, secret, 0o600); err != nil {
			return keys.Hot{}, fmt.Errorf("make a key: %w", err)
		}
	}
	l, err := keys.KeyFile(lockName)
	if err != nil {
		return keys.Hot{}, err
	}
	hot, err := keys.Load(name, l)
	if errors.Is(err, fs.ErrNotExist) {
		if hot, err = keys.NewHot(rand.Reader, purse.Address()); err == nil {
			err = keys.Create(name, hot, l)
		}
	}
	if err != nil {
		return hot, err
	}
	messages, _, err := registration(ctx, chain, hot, 0, hotCoins)
	if err != nil || len(messages) == 0 {
		return hot, err
	}
	return hot, chain.Wallet(*purse, usualGasPrice, "").Do(ctx, messages...)
}

// hotCoins is what a hot account is given for fees, in uhth.
const hotCoins = 10_000_000

// tell writes what was done and earned into the ledger, with its proof. Coins stay
// coins there: nothing is turned into money.
func (n *networking) tell(ctx context.Context, e mine.Event) error {
	proof := e.Proof.String()
	var bodies []ledger.Body
	if e.Kind == mine.Ended {
		bodies = append(bodies, ledger.Event{Severity: "info", Code: "mined", Text: eventSentence(e) + " Proof: " + proof})
	}
	if e.Amount > 0 {
		what := "verified work"
		if e.Kind == mine.Ended {
			what = "a client's job"
		}
		bodies = append(bodies, ledger.Coin{Amount: int64(min(e.Amount, 1<<53-1)), Unit: mine.Denom, Test: n.test, For: what, Proof: proof})
	}
	book := n.home.book()
	if has, err := n.recorded(ctx, proof); err != nil || has {
		return err
	}
	var entries []ledger.Entry
	for _, b := range bodies {
		entry, err := ledger.NewEntry(e.At, e.Proof.Chain, false, b)
		if err != nil {
			return err
		}
		entries = append(entries, entry)
	}
	if len(entries) == 0 {
		return nil
	}
	_, err := book.Append(ctx, entries...)
	return err
}

// lookedAt is how many of the newest records are looked at for one that says the
// same already: a home that was killed tells the last event twice.
const lookedAt = 30

// recorded tells whether one of the newest records has a proof.
func (n *networking) recorded(ctx context.Context, proof string) (bool, error) {
	last := n.home.State().Ledger.Records
	records, err := n.home.LedgerRecords(ctx, max(1, last-min(last, lookedAt)+1), 2*lookedAt)
	if err != nil {
		return false, err
	}
	for _, r := range records {
		body, err := r.Decode()
		if err != nil {
			continue
		}
		switch b := body.(type) {
		case ledger.Coin:
			if b.Proof == proof {
				return true, nil
			}
		case ledger.Event:
			if len(b.Text) > len(proof) && b.Text[len(b.Text)-len(proof):] == proof {
				return true, nil
			}
		}
	}
	return false, nil
}

// view is what the page shows.
func (n *networking) view() *web.Mining {
	n.mu.Lock()
	w, trouble := n.worker, n.trouble
	n.mu.Unlock()
	if w == nil {
		return &web.Mining{Network: n.network.Chain, Test: n.test, Trouble: trouble}
	}
	v := w.View()
	m := &web.Mining{
		Network: v.Chain, Test: n.test, Height: v.Height, At: v.Time, Trouble: v.Trouble, Idle: v.Idle,
		Earned: coins(v.Earned.PaidOut), Vesting: coins(v.Earned.Vesting), Work: fmt.Sprintf("%.1f", float64(v.Miner.Mega())/1e3),
		Claims: len(v.Held),
	}
	for i := len(v.Events) - 1; i >= 0 && len(m.Latest) < shownEvents; i-- {
		e := v.Events[i]
		m.Latest = append(m.Latest, web.Mined{At: e.At, Text: eventSentence(e), Proof: e.Proof.String()})
	}
	return m
}

// shownEvents is how many events the page shows.
const shownEvents = 5

package devnet

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"hearth/chain/keys"
	"hearth/chain/mine"
	"hearth/chain/weights"
	"hearth/chain/wire"
	"hearth/infer/kernel"
	"hearth/infer/mini"
)

// The files of the network's own miner, in its folder.
const (
	minerFolder  = "miner"
	minerKeys    = "keys.json"
	minerKeyFile = "key"
	minerJournal = "journal"
)

// newMiner makes the hot keys of the network's own miner, and returns what the
// genesis says of them.
func (n *Network) newMiner() (keys.Public, error) {
	var owner wire.Address
	for _, a := range n.Accounts {
		if a.Name == minerName {
			var err error
			if owner, err = wire.ParseAddress(a.Address); err != nil {
				return keys.Public{}, fmt.Errorf("read the miner's address: %w", err)
			}
		}
	}
	dir := n.path(minerFolder)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return keys.Public{}, fmt.Errorf("make the miner's folder: %w", err)
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return keys.Public{}, fmt.Errorf("draw the miner's key file: %w", err)
	}
	file := filepath.Join(dir, minerKeyFile)
	if err := os.WriteFile(file, secret, 0o600); err != nil {
		return keys.Public{}, fmt.Errorf("write the miner's key file: %w", err)
	}
	lock, err := keys.KeyFile(file)
	if err != nil {
		return keys.Public{}, err
	}
	hot, err := keys.NewHot(rand.Reader, owner)
	if err != nil {
		return keys.Public{}, err
	}
	return hot.Public(), keys.Create(filepath.Join(dir, minerKeys), hot, lock)
}

// Mine mines for the network's own miner until the context ends, on so many
// threads. Every event is told.
func (n *Network) Mine(ctx context.Context, threads int, tell func(mine.Event), log *slog.Logger) error {
	dir := n.path(minerFolder)
	lock, err := keys.KeyFile(filepath.Join(dir, minerKeyFile))
	if err != nil {
		return err
	}
	hot, err := keys.Load(filepath.Join(dir, minerKeys), lock)
	if err != nil {
		return fmt.Errorf("open the miner's keys: %w", err)
	}
	b, err := os.ReadFile(n.path(description))
	if err != nil {
		return fmt.Errorf("read where the network is: %w", err)
	}
	where, err := mine.ParseNetwork(b)
	if err != nil {
		return err
	}
	chain, err := mine.Connect(ctx, where, dir)
	if err != nil {
		return fmt.Errorf("follow the network: %w", err)
	}
	defer func() { _ = chain.Close() }()
	store, err := weights.Open(weights.Options{
		Dir: n.path("weights"), Carried: []weights.Carried{mini.File()}, Level: kernel.Best(),
		Sources: []string{"http://" + n.Content + "/weights"},
	})
	if err != nil {
		return err
	}
	journal, err := mine.OpenJournal(filepath.Join(chain.Dir(), minerJournal))
	if err != nil {
		return err
	}
	defer func() { _ = journal.Close() }()
	return mine.New(mine.Config{
		Chain: chain, Keys: hot, Journal: journal, Weights: store, Level: kernel.Best(), Threads: threads, Price: 1000, Log: log,
		Tell: func(_ context.Context, e mine.Event) error {
			tell(e)
			return nil
		},
	}).Run(ctx)
}

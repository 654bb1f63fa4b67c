package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	"golang.org/x/sync/errgroup"

	"hearth/chain/app"
	"hearth/chain/explorer"
	"hearth/chain/weights"
	"hearth/infer/kernel"
	"hearth/infer/mini"
)

// RPC is CometBFT's client as a node within this process has it.
type RPC interface {
	client.CometRPC
	explorer.Chain
}

// Serve does what a node does beside keeping the chain, until the context ends:
// it follows the beacon, weighs tickets, judges if it is a validator's, and
// serves pages. None of it is in the way of blocks: what fails is logged, and
// the node goes on without it.
func (f Files) Serve(ctx context.Context, a *app.App, rpc RPC, settings Hearth, ring keyring.Keyring, log *slog.Logger) error {
	if err := settings.check(); err != nil {
		return err
	}
	store, err := weights.Open(weights.Options{
		Dir: filepath.Join(f.Home, "weights"), Carried: []weights.Carried{mini.File()},
		Sources: settings.Weights, Level: kernel.Best(),
	})
	if err != nil {
		return err
	}
	Weigh(a, store)
	conn := Connect(a.Encoding, rpc, a.ChainID())
	var group errgroup.Group
	run := func(what string, do func() error) {
		group.Go(func() error {
			if err := do(); err != nil && ctx.Err() == nil {
				log.Error("the node does without", "what", what, "err", err)
			}
			return nil
		})
	}
	run("the beacon", func() error { return f.Feed(ctx, a, settings.Beacon) })
	if settings.Operator != "" {
		run("judging", func() error { return Judge(ctx, a, conn, ring, settings, store, log) })
	}
	if settings.Invariants > 0 {
		group.Go(func() error {
			Watch(ctx, a, settings.Invariants, log)
			return nil
		})
	}
	if settings.Explorer != "" {
		run("pages", func() error { return pages(ctx, a, conn, rpc, settings.Explorer, log) })
	}
	return group.Wait()
}

// Watch looks at all invariants every so many blocks, until the context ends,
// and logs which do not hold.
func Watch(ctx context.Context, a *app.App, every int64, log *slog.Logger) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for next := every; ; {
		if a.LastBlockHeight() >= next {
			s, err := a.Sound()
			if err != nil {
				log.Warn("it is unknown whether the invariants hold", "height", s.Height, "err", err)
			}
			for _, b := range s.Broken {
				log.Error("an invariant does not hold", "height", s.Height, "broken", b)
			}
			next = s.Height + every
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// pages serves the explorer.
func pages(ctx context.Context, a *app.App, conn client.Context, rpc RPC, address string, log *slog.Logger) error {
	// The first pages need a first block.
	if _, err := followed(ctx, a); err != nil {
		return err
	}
	// No chain has coins with a price yet.
	h, err := explorer.New(explorer.Source{Queries: conn, Chain: rpc, Decode: a.Tx.TxDecoder(), Codec: a.Codec, Test: true}, log)
	if err != nil {
		return fmt.Errorf("make the pages: %w", err)
	}
	return ListenAndServe(ctx, address, h)
}

// ListenAndServe serves over HTTP until the context ends.
func ListenAndServe(ctx context.Context, address string, h http.Handler) error {
	l, err := new(net.ListenConfig{}).Listen(ctx, "tcp", strings.TrimPrefix(address, "tcp://"))
	if err != nil {
		return fmt.Errorf("serve at %s: %w", address, err)
	}
	s := http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve at %s: %w", address, err)
	}
	return nil
}

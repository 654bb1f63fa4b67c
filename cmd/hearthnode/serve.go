package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/server"
	"golang.org/x/sync/errgroup"

	"hearth/chain/app"
	"hearth/chain/node"
)

// process is what the SDK's server calls in turn: it opens an application and,
// when that runs, starts what a node does beside keeping the chain.
type process struct {
	app *app.App
}

// serve starts the node's services.
func (p *process) serve(ctx context.Context, s *server.Context, c client.Context, group *errgroup.Group) error {
	rpc, ok := c.Client.(node.RPC)
	if p.app == nil || !ok {
		return errors.New("the node's services need the application and CometBFT in this process: leave out --grpc-only")
	}
	settings := node.DefaultSettings()
	if err := s.Viper.Unmarshal(settings); err != nil {
		return fmt.Errorf("read app.toml: %w", err)
	}
	log := slog.New(slog.NewTextHandler(os.Stdout, nil))
	group.Go(func() error {
		return node.Files{Home: s.Config.RootDir}.Serve(ctx, p.app, rpc, settings.Hearth, c.Keyring, log)
	})
	return nil
}

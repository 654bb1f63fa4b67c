package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/server"

	"hearth/chain/app"
	"hearth/chain/node"
)

// process is what the SDK's server calls in turn: it opens an application and,
// when that runs, starts what a node does beside keeping the chain.
type process struct {
	app *app.App
}

// serve feeds the beacon's rounds to the application.
func (p *process) serve(s *server.Context, _ client.Context, ctx context.Context, group *errgroup.Group) error {
	if p.app == nil {
		return errors.New("the application was not opened")
	}
	settings := node.DefaultSettings()
	if err := s.Viper.Unmarshal(settings); err != nil {
		return fmt.Errorf("read app.toml: %w", err)
	}
	f := node.Files{Home: s.Config.RootDir}
	group.Go(func() error {
		// Blocks can do without: they say so after a while, and reveal.
		if err := f.Feed(ctx, p.app, settings.Hearth.Beacon); err != nil && ctx.Err() == nil {
			s.Logger.Error("do without the beacon", "err", err)
		}
		return nil
	})
	return nil
}

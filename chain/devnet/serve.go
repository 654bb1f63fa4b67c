package devnet

import (
	"context"
	"fmt"
	"net/http"

	"golang.org/x/sync/errgroup"

	"hearth/chain/commons/library"
	"hearth/chain/node"
	"hearth/chain/weights"
	"hearth/infer/kernel"
	"hearth/infer/mini"
)

// Serve serves what a network needs besides its validators, until the context
// ends.
func (n *Network) Serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return n.ServeBeacon(ctx) })
	group.Go(func() error { return n.ServeContent(ctx) })
	if err := group.Wait(); err != nil {
		return fmt.Errorf("serve the network: %w", err)
	}
	return nil
}

// ServeBeacon serves the rounds of the beacon.
func (n *Network) ServeBeacon(ctx context.Context) error {
	beacon, err := n.Beacon()
	if err != nil {
		return err
	}
	return node.ListenAndServe(ctx, n.Relay, beacon)
}

// ServeContent serves the weights of models and the jobs of the commons.
func (n *Network) ServeContent(ctx context.Context) error {
	store, err := weights.Open(weights.Options{Dir: n.path("weights"), Carried: []weights.Carried{mini.File()}, Level: kernel.Best()})
	if err != nil {
		return err
	}
	made, err := newContent()
	if err != nil {
		return err
	}
	content := http.NewServeMux()
	content.Handle("/weights/", http.StripPrefix("/weights", store.Handler()))
	content.Handle("/library/", http.StripPrefix("/library", library.NewHandler(made.passages)))
	return node.ListenAndServe(ctx, n.Content, content)
}

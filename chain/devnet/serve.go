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
// ends: the beacon, the weights of the model and the jobs of the commons.
func (n *Network) Serve(ctx context.Context) error {
	beacon, err := n.Beacon()
	if err != nil {
		return err
	}
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
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return node.ListenAndServe(ctx, n.Relay, beacon) })
	group.Go(func() error { return node.ListenAndServe(ctx, n.Content, content) })
	if err := group.Wait(); err != nil {
		return fmt.Errorf("serve the network: %w", err)
	}
	return nil
}
